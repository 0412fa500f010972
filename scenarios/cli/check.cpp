#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/cli/scenario_flags.hpp"

#include <fmt/format.h>

#include <iostream>

namespace walras::scenarios {

Command check_command() {
  std::vector<Flag> flags = scenario_flags();
  flags.push_back({"--json", "", "print the scenario with every default filled in"});
  return {"check", "check a scenario and its data without running it", {{"SCENARIO", "a scenario file"}}, flags,
          {"walras check my_study.json", "walras check my_study.json --json > resolved.json"},
          [](const Arguments& arguments) {
            const Json resolved = check(run_options(arguments));
            if (arguments.has("--json")) {
              print_json("check", Json::object({{"scenario", resolved}}));
              return 0;
            }
            std::cout << fmt::format("{}: valid; {} strateg{}, study '{}', seed {}\nTo run it: walras run {}\n",
                                     arguments.text("SCENARIO"), resolved.at("strategies").size(),
                                     resolved.at("strategies").size() == 1 ? "y" : "ies", resolved.at("study").as_string(),
                                     resolved.at("seed").as_integer(), arguments.text("SCENARIO"));
            return 0;
          }};
}

}  // namespace walras::scenarios
