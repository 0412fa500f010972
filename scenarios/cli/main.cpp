#include "scenarios/cli/command.hpp"

int main(int count, char** words) {
  return walras::scenarios::run_command_line({words + 1, words + count});
}
