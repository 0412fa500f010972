#include "scenarios/cli/scenario_flags.hpp"

namespace walras::scenarios {

std::vector<Flag> scenario_flags() {
  return {{"--set", "POINTER=VALUE", "change a value of the scenario: /json/pointer=value", true},
          {"--seed", "N", "seed of every random stream, instead of the scenario's"},
          {"--library", "DIR", "data library (default: the user's)"}};
}

RunOptions run_options(const Arguments& arguments) {
  RunOptions options;
  options.scenario = arguments.text("SCENARIO");
  options.out = arguments.text("--out");
  options.sets = arguments.all("--set");
  if (const auto seed = arguments.integer("--seed", 0, 9'000'000'000'000'000)) options.seed = static_cast<std::uint64_t>(*seed);
  options.each = arguments.has("--each");
  options.resume = arguments.has("--resume");
  options.ledger = arguments.text("--ledger");
  options.library = arguments.text("--library");
  options.fail_if = arguments.all("--fail-if");
  options.pdf = !arguments.has("--no-pdf");
  return options;
}

Scenario scenario_of(const Arguments& arguments) {
  Scenario scenario = read_scenario(arguments.text("SCENARIO"), arguments.all("--set"));
  if (const auto seed = arguments.integer("--seed", 0, 9'000'000'000'000'000)) scenario.seed = static_cast<std::uint64_t>(*seed);
  return scenario;
}

}  // namespace walras::scenarios
