#pragma once
// The parts of size_and_power: whole studies, and single tests and families.
#include "tests/stats/size_and_power_parts.hpp"

namespace walras::stats {

[[nodiscard]] std::vector<Part> verdict_parts();
[[nodiscard]] std::vector<Part> test_parts();

}  // namespace walras::stats
