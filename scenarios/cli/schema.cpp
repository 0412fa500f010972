#include "scenarios/cli/catalog.hpp"
#include "scenarios/scenario.hpp"

#include <iostream>

namespace walras::scenarios {

Command schema_command() {
  return {"schema", "print the JSON Schema of a scenario", {}, {{"--docs", "", "the same as a page for people"}},
          {"walras schema > scenarios/schema.json", "walras schema --docs > docs/scenario.md"},
          [](const Arguments& arguments) {
            const strategies::Registries registries = strategies::registries();
            if (arguments.has("--docs")) {
              std::cout << scenario_documentation(registries);
            } else {
              std::cout << scenario_schema(registries).dump(2) << '\n';
            }
            return 0;
          }};
}

}  // namespace walras::scenarios
