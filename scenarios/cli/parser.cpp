// The only file that includes the parsing library.
#include "scenarios/cli/command.hpp"

#include "engine/base/error.hpp"
#include "scenarios/version.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>
#include <memory>
#include <numeric>

namespace walras::scenarios {

bool Arguments::has(std::string_view name) const { return values_.contains(name); }

std::string Arguments::text(std::string_view name, std::string_view fallback) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::string(fallback) : found->second.front();
}

std::vector<std::string> Arguments::all(std::string_view name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>{} : found->second;
}

std::optional<std::int64_t> Arguments::integer(std::string_view name, std::int64_t low,
                                               std::int64_t high) const {
  if (!has(name)) return std::nullopt;
  const std::string word = text(name);
  std::int64_t value = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc{} || end != word.data() + word.size() || value < low || value > high) {
    fail(Fault::Usage, name,
         fmt::format("expected a whole number from {} to {}, was '{}'", low, high, word));
  }
  return value;
}

std::optional<double> Arguments::number(std::string_view name, double low, double high) const {
  if (!has(name)) return std::nullopt;
  const std::string word = text(name);
  double value = 0;
  const auto [end, problem] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (problem != std::errc{} || end != word.data() + word.size() || !std::isfinite(value) ||
      value < low || value > high) {
    fail(Fault::Usage, name, fmt::format("expected a number from {} to {}, was '{}'", low, high, word));
  }
  return value;
}

void Arguments::add(const std::string& name, std::string value) {
  values_[name].push_back(std::move(value));
}

std::string nearest(std::string_view word, const std::vector<std::string>& choices) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& choice : choices) {
    std::vector<std::size_t> row(choice.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i + 1;
      for (std::size_t j = 0; j < choice.size(); ++j) {
        const std::size_t substituted = diagonal + (word[i] == choice[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({row[j + 1] + 1, row[j] + 1, substituted});
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = choice;
    }
  }
  return best;
}

namespace {

constexpr std::string_view kOverview =
    "walras runs trading strategies, networks and agents against a market that answers back,\n"
    "and says whether what they earned is skill.\n";

std::string command_line_of(const Command& command) {
  std::string text = "walras " + command.name;
  for (const Operand& operand : command.operands) {
    text += operand.required ? " " + operand.name : " [" + operand.name + "]";
    if (operand.repeated) text += "...";
  }
  return text;
}

void print_overview(std::ostream& out) {
  out << kOverview << "\n  walras run scenarios/quickstart.json   run a study and write its report\n"
      << "  walras new my_study.json               start a scenario of your own\n\n";
  std::string line = "Commands:";
  for (const Command& command : commands()) {
    if (command.hidden) continue;
    if (line.size() + command.name.size() + 2 > 92) {
      out << line << '\n';
      line = "         ";
    }
    line += " " + command.name + ",";
  }
  line.pop_back();
  out << line << "\n`walras --help` explains them, `walras COMMAND --help` one of them.\n";
}

void print_help(std::ostream& out) {
  out << kOverview << "\nUsage: walras COMMAND [...]\n\n";
  for (const Command& command : commands()) {
    if (!command.hidden) out << fmt::format("  {:<13} {}\n", command.name, command.summary);
  }
  out << "\n  --help        this text; after a command, that command's\n"
         "  --version     version and build\n\n"
         "Results go to stdout, progress and errors to stderr. Exit codes: 0 ok, 1 failure, 2 usage,\n"
         "3 invalid scenario or data, 4 a gate failed, 130 interrupted.\n\n"
         "Examples:\n  walras run scenarios/quickstart.json --out results\n"
         "  walras run my_study.json --set /walk_forward/train=756 --seed 7\n";
}

void print_help(std::ostream& out, const Command& command) {
  out << command.summary << ".\n\nUsage: " << command_line_of(command)
      << (command.flags.empty() ? "" : " [options]") << "\n";
  if (!command.operands.empty()) out << '\n';
  for (const Operand& operand : command.operands) {
    out << fmt::format("  {:<22} {}\n", operand.name, operand.doc);
  }
  if (!command.flags.empty()) out << "\nOptions:\n";
  for (const Flag& flag : command.flags) {
    const std::string left = flag.name + (flag.value.empty() ? "" : " " + flag.value) +
                             (flag.repeated ? " ..." : "");
    out << fmt::format("  {:<22} {}\n", left, flag.doc);
  }
  out << fmt::format("  {:<22} {}\n", "--help", "this text");
  if (!command.examples.empty()) out << "\nExamples:\n";
  for (const std::string& example : command.examples) out << "  " << example << '\n';
}

/// Finds the command named by the first one or two words; `used` is their number.
const Command* find_command(const std::vector<Command>& all, const std::vector<std::string>& words,
                            std::size_t& used) {
  for (std::size_t count = std::min<std::size_t>(2, words.size()); count > 0; --count) {
    const std::string name = count == 2 ? words[0] + " " + words[1] : words[0];
    for (const Command& command : all) {
      if (command.name == name) {
        used = count;
        return &command;
      }
    }
  }
  return nullptr;
}

[[noreturn]] void refuse_unknown(const std::vector<Command>& all, const std::vector<std::string>& words) {
  std::vector<std::string> names;
  std::string parts;   // of a group, as "data": fetch, import, show
  for (const Command& command : all) {
    if (command.hidden) continue;
    names.push_back(command.name);
    if (command.name.starts_with(words[0] + " ")) {
      parts += (parts.empty() ? "" : ", ") + command.name.substr(words[0].size() + 1);
    }
  }
  if (!parts.empty()) {
    fail(Fault::Usage, "walras " + words[0],
         fmt::format("expected one of {}, was {}", parts, words.size() > 1 ? "'" + words[1] + "'" : "nothing"));
  }
  const std::string near = nearest(words[0], names);
  if (words[0].ends_with(".json")) {
    fail(Fault::Usage, "walras",
         fmt::format("expected a command before '{}'; to run it: walras run {}", words[0], words[0]));
  }
  fail(Fault::Usage, "walras",
       fmt::format("expected a command, was '{}'{}; `walras --help` lists them", words[0],
                   near.empty() ? "" : ". Did you mean '" + near + "'?"));
}

[[noreturn]] void refuse_words(const Command& command, const std::vector<std::string>& words) {
  const auto flag_like = std::ranges::find_if(words, [](const std::string& text) { return text.starts_with("-"); });
  const std::string& word = flag_like == words.end() ? words.front() : *flag_like;
  if (!word.starts_with("-")) {
    fail(Fault::Usage, "walras " + command.name,
         fmt::format("expected nothing more, was '{}'; usage: {}", word, command_line_of(command)));
  }
  std::vector<std::string> names;
  for (const Flag& flag : command.flags) names.push_back(flag.name);
  const std::string near = nearest(word.substr(0, word.find('=')), names);
  fail(Fault::Usage, "walras " + command.name,
       fmt::format("expected one of its options, was '{}'{}; `walras {} --help` lists them", word,
                   near.empty() ? "" : ". Did you mean '" + near + "'?", command.name));
}

/// Parses a command's own words. Returns false when help was asked for.
bool parse(const Command& command, const std::vector<std::string>& words, Arguments& arguments) {
  CLI::App app;
  app.set_help_flag();
  bool help = false;
  app.add_flag("-h,--help", help);
  std::vector<std::unique_ptr<std::vector<std::string>>> values;
  std::vector<std::pair<std::string, std::vector<std::string>*>> given;
  std::vector<std::pair<std::string, CLI::Option*>> switches;
  const auto slot = [&](const std::string& name) -> std::vector<std::string>& {
    values.push_back(std::make_unique<std::vector<std::string>>());
    given.emplace_back(name, values.back().get());
    return *values.back();
  };
  for (const Flag& flag : command.flags) {
    if (flag.value.empty()) {
      switches.emplace_back(flag.name, app.add_flag(flag.name));
    } else {
      app.add_option(flag.name, slot(flag.name))->type_size(1)->expected(1)->allow_extra_args(false)->multi_option_policy(
          flag.repeated ? CLI::MultiOptionPolicy::TakeAll : CLI::MultiOptionPolicy::Throw);
    }
  }
  for (const Operand& operand : command.operands) {
    auto* option = app.add_option(operand.name, slot(operand.name));
    if (operand.repeated) {
      option->expected(1, 1 << 20);
    } else {
      option->type_size(1)->expected(1)->allow_extra_args(false);
    }
  }
  app.allow_extras();
  // What follows "--" is taken word for word by the last operand.
  const auto literal = std::ranges::find(words, "--");
  std::vector<std::string> reversed(std::make_reverse_iterator(literal), words.rend());
  try {
    app.parse(reversed);
  } catch (const CLI::ParseError& error) {
    fail(Fault::Usage, "walras " + command.name,
         fmt::format("{}; usage: {} [options]", error.what(), command_line_of(command)));
  }
  if (help) return false;
  if (const auto extras = app.remaining(); !extras.empty()) refuse_words(command, extras);
  for (const auto& [name, list] : given) {
    for (const std::string& value : *list) arguments.add(name, value);
  }
  for (const auto& [name, option] : switches) {
    if (option->count() > 0) arguments.add(name, "");
  }
  if (literal != words.end()) {
    if (command.operands.empty()) refuse_words(command, {literal, words.end()});
    for (auto word = literal + 1; word != words.end(); ++word) arguments.add(command.operands.back().name, *word);
  }
  for (const Operand& operand : command.operands) {
    if (operand.required && !arguments.has(operand.name)) {
      fail(Fault::Usage, "walras " + command.name,
           fmt::format("expected {} ({}), was nothing; usage: {} [options]", operand.name, operand.doc,
                       command_line_of(command)));
    }
  }
  return true;
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty()) {
    print_overview(std::cout);
    return 0;
  }
  if (words[0] == "--help" || words[0] == "-h" || (words[0] == "help" && words.size() == 1)) {
    print_help(std::cout);
    return 0;
  }
  if (words[0] == "--version") {
    std::cout << "walras " << version() << "\n" << build_id() << "\n";
    return 0;
  }
  const std::vector<Command> all = commands();
  std::vector<std::string> rest = words;
  const bool asks_help = words[0] == "help";
  if (asks_help) rest.erase(rest.begin());
  std::size_t used = 0;
  const Command* command = find_command(all, rest, used);
  if (command == nullptr) refuse_unknown(all, rest);
  if (asks_help) {
    print_help(std::cout, *command);
    return 0;
  }
  Arguments arguments;
  if (command->hidden) {   // asked by scripts: its words are another command line, taken as they are
    for (std::size_t i = used; i < rest.size(); ++i) arguments.add(command->operands.front().name, rest[i]);
    return command->run(arguments);
  }
  if (!parse(*command, {rest.begin() + static_cast<std::ptrdiff_t>(used), rest.end()}, arguments)) {
    print_help(std::cout, *command);
    return 0;
  }
  return command->run(arguments);
}

}  // namespace

int run_command_line(const std::vector<std::string>& words) {
  try {
    const int code = dispatch(words);
    if (!std::cout.flush()) fail(Fault::Io, "standard output", "expected to write all of the answer, was refused; free some space, or send it elsewhere");
    return code;
  } catch (const Error& error) {
    std::cout.flush();
    std::cerr << "walras: " << error.what() << '\n';
    return exit_code(error.fault());
  } catch (const std::bad_alloc&) {
    std::cerr << "walras: out of memory; a shorter span, fewer instruments or fewer --threads need less\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "walras: internal error: " << error.what()
              << "; please report it with the command line and the scenario\n";
    return 1;
  }
}

}  // namespace walras::scenarios
