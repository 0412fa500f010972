#pragma once
// A report's input inside record.h5, so that `walras report` can write the report again, or set several runs side by
// side, from the record alone. Tables: report (one text, JSON), report/<number>/{in_sample,out_of_sample} (returns).
#include "engine/base/store.hpp"
#include "reports/report.hpp"

namespace walras::scenarios {

/// Adds everything but the records and the instruments, which the store already holds, and the seconds of the run, which
/// would make equal runs differ.
void add_report(Store& store, const reports::ReportInput& input);

/// What add_report() kept; `records` and `instruments` are left for the caller to set. Throws Error{Data} where the store
/// holds no report.
[[nodiscard]] reports::ReportInput report_from_store(const Store& store);

}  // namespace walras::scenarios
