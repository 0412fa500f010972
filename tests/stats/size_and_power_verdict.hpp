#pragma once
// The parts of size_and_power that judge whole studies.
#include "tests/stats/size_and_power_parts.hpp"

namespace walras::stats {

[[nodiscard]] std::vector<Part> verdict_parts();

}  // namespace walras::stats
