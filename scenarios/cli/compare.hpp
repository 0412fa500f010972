#pragma once
// `walras stats CSV --compare`: the tests that compare the columns with each other and the benchmark.
#include "scenarios/cli/command.hpp"
#include "stats/compare.hpp"
#include "stats/returns.hpp"

#include <optional>
#include <span>

namespace walras::scenarios {

/// The flags of a comparison, for the table of `stats`.
[[nodiscard]] std::vector<Flag> comparison_flags();
/// What --compare asks for; nothing where it is absent. Throws Error{Usage} for flags out of range and
/// tests that there are not.
[[nodiscard]] std::optional<stats::Comparisons> comparisons(const Arguments& arguments,
                                                            std::span<const stats::ReturnSeries> records,
                                                            const stats::ReturnSeries* benchmark,
                                                            std::size_t resamples, std::uint64_t seed);
[[nodiscard]] Json to_json(const stats::Comparisons& comparisons);
/// Tables for people: what is said of the best of all, then a row of p-values a record.
[[nodiscard]] std::string text(const stats::Comparisons& comparisons);

}  // namespace walras::scenarios
