#pragma once
// What `walras stats` adds when asked: factor regressions, returns by time or regime, cross-validated choice.
#include "scenarios/cli/command.hpp"
#include "stats/returns.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::scenarios {

struct StatsParts {
  std::string text;               ///< for the terminal
  std::vector<Json> strategies;   ///< members to add to each strategy's object
  Json whole = Json::object();    ///< members to add to the answer
};
/// Reads --factors, --by, --cpcv and what belongs to them. Throws Error{Usage} for a flag that makes no sense,
/// Error{Data} for factors that do not cover the strategies.
StatsParts stats_parts(const Arguments& arguments, std::span<const stats::ReturnSeries> series, const stats::ReturnSeries* benchmark);

}  // namespace walras::scenarios
