#include "tests/stats/size_and_power_parts.hpp"

#include "tests/stats/size_and_power_verdict.hpp"

namespace walras::stats {

std::vector<Part> parts() { return verdict_parts(); }

std::string report_text(const std::string& tables) { return "# Size and power\n" + tables; }

}  // namespace walras::stats
