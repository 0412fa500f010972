#pragma once
// What a finished run leaves in its folder: record.h5, summary.json, report.html and report.pdf.
#include "reports/report.hpp"
#include "scenarios/judge.hpp"

namespace walras::scenarios {

/// All of a run's results, borrowed by the writers below.
struct Finished {
  const Setup& setup;
  const std::vector<StrategyResult>& results;
  const Judged& judged;
  std::vector<stats::GateResult> gates;
  std::string record_hash;
  double seconds = 0;           ///< wall clock of the run so far; only printed
};

/// Every record, in-sample and out-of-sample, sorted by strategy.
std::vector<engine::RunRecord> all_records(const std::vector<StrategyResult>& results);

/// summary.json: contract in docs/schema/summary.json.
Json summary_of(const Finished& finished);
/// What the report is composed from; `records` must outlive it.
reports::ReportInput report_input(const Finished& finished, const std::vector<engine::RunRecord>& records);
/// record.h5: the records with the resolved scenario, seeds, build and input hashes.
Store record_store(const Finished& finished, const std::vector<engine::RunRecord>& records);

}  // namespace walras::scenarios
