#pragma once
// The command line as data: one table of commands, operands and flags feeds the parser, the help, the
// completions and "did you mean". Hides the parsing library (parser.cpp includes it alone). A command's
// own file holds its table entry and what it does; results go to stdout, everything else to stderr.
#include "engine/base/json.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walras::scenarios {

/// "--out DIR", or a switch where `value` is empty.
struct Flag {
  std::string name;    ///< "--out"
  std::string value;   ///< what the help calls its value: "DIR"; empty = a switch
  std::string doc;
  bool repeated = false;
};

/// A word after the command's name: SCENARIO, RECORD...
struct Operand {
  std::string name;
  std::string doc;
  bool required = true;
  bool repeated = false;
};

/// What was given on the command line, as text; numbers are checked when they are asked for.
class Arguments {
 public:
  [[nodiscard]] bool has(std::string_view name) const;
  /// First value, or `fallback`.
  [[nodiscard]] std::string text(std::string_view name, std::string_view fallback = "") const;
  [[nodiscard]] std::vector<std::string> all(std::string_view name) const;
  /// Throws Error{Usage} naming the flag when it is no integer within [low, high].
  [[nodiscard]] std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high) const;
  [[nodiscard]] std::optional<double> number(std::string_view name, double low, double high) const;
  void add(const std::string& name, std::string value);

 private:
  std::map<std::string, std::vector<std::string>, std::less<>> values_;
};

struct Command {
  std::string name;      ///< "run", "data fetch"
  std::string summary;   ///< one line
  std::vector<Operand> operands;
  std::vector<Flag> flags;
  std::vector<std::string> examples;
  std::function<int(const Arguments&)> run;   ///< returns the exit code; may throw Error
  bool hidden = false;
};

/// All commands, in the order of the help.
std::vector<Command> commands();

/// Parses the words after the program's name and runs the command. Prints errors as people read them. Returns the exit code.
int run_command_line(const std::vector<std::string>& words);

/// The nearest of `choices` to a mistyped word, or "" when none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& choices);

}  // namespace walras::scenarios
