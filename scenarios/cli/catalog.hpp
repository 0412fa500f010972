#pragma once
// One function a subcommand, each in the file of its name.
#include "scenarios/cli/command.hpp"

namespace walras::scenarios {

Command run_command();
Command validate_command();
Command check_command();
Command schema_command();
Command new_command();
Command list_command();
Command report_command();
Command export_command();
Command stats_command();
std::vector<Command> data_commands();
std::vector<Command> market_commands();
Command bench_command();
Command doctor_command();
Command test_command();
Command completions_command();
Command needs_command();

}  // namespace walras::scenarios
