#include "scenarios/cli/catalog.hpp"

namespace walras::scenarios {

std::vector<Command> commands() {
  std::vector<Command> all{run_command(), validate_command(), check_command(), schema_command(), new_command(), list_command(),
                           report_command(), export_command(), stats_command()};
  for (Command& command : data_commands()) all.push_back(std::move(command));
  for (Command& command : market_commands()) all.push_back(std::move(command));
  all.push_back(bench_command());
  all.push_back(test_command());
  all.push_back(doctor_command());
  all.push_back(completions_command());
  all.push_back(needs_command());
  return all;
}

}  // namespace walras::scenarios
