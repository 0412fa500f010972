#include "scenarios/cli/command.hpp"

namespace walras::scenarios {

std::vector<Command> commands() {
  std::vector<Command> all;
  return all;
}

}  // namespace walras::scenarios
