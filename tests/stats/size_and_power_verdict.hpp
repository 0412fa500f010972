#pragma once
// The parts of size_and_power: whole studies, single tests and families, tests of two records, intervals.
#include "tests/stats/size_and_power_parts.hpp"

namespace walras::stats {

[[nodiscard]] std::vector<Part> verdict_parts();
[[nodiscard]] std::vector<Part> test_parts();
[[nodiscard]] std::vector<Part> comparison_parts();
[[nodiscard]] std::vector<Part> coverage_parts();

}  // namespace walras::stats
