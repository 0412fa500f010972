#pragma once
// The flags that every command with a SCENARIO has, and what they mean for a run.
#include "scenarios/cli/command.hpp"
#include "scenarios/run.hpp"

namespace walras::scenarios {

std::vector<Flag> scenario_flags();
/// Throws Error{Usage}.
RunOptions run_options(const Arguments& arguments);
/// The scenario as the command line changes it (--set, --seed).
Scenario scenario_of(const Arguments& arguments);

}  // namespace walras::scenarios
