// Shell completions, written from the same table that parses the command line.
#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"

#include <fmt/format.h>

#include <iostream>

namespace walras::scenarios {
namespace {

std::string quoted(std::string text, bool zsh) {
  std::string out;
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else if (zsh && (c == '[' || c == ']' || c == ':')) {
      out += std::string("\\") + c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string flags_of(const Command& command) {
  std::string text;
  for (const Flag& flag : command.flags) text += flag.name + " ";
  return text + "--help";
}

std::vector<Command> shown() {
  std::vector<Command> all;
  for (Command& command : commands()) {
    if (!command.hidden) all.push_back(std::move(command));
  }
  return all;
}

std::string bash() {
  std::string names, cases;
  for (const Command& command : shown()) {
    const std::string first = command.name.substr(0, command.name.find(' '));
    if (names.find(" " + first + " ") == std::string::npos) names += (names.empty() ? " " : "") + first + " ";
    cases += fmt::format("    '{}') words='{}' ;;\n", command.name, flags_of(command));
  }
  std::string parts;
  for (const Command& command : shown()) {
    if (command.name.starts_with("data ")) parts += command.name.substr(5) + " ";
  }
  return fmt::format(R"(# bash completion for walras
_walras() {{
  local now=${{COMP_WORDS[COMP_CWORD]}} name=${{COMP_WORDS[1]-}} words=
  [ "$name" = data ] && [ "$COMP_CWORD" -gt 2 ] && name="data ${{COMP_WORDS[2]}}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    words='{}--help --version'
  elif [ "$name" = data ]; then
    words='{}'
  elif [[ $now == -* ]]; then
    case $name in
{}    esac
  fi
  COMPREPLY=()
  if [ -n "$words" ]; then
    mapfile -t COMPREPLY < <(compgen -W "$words" -- "$now")
  else
    compopt -o default
  fi
}}
complete -F _walras walras ./walras
)", names.substr(1), parts, cases);
}

std::string zsh() {
  std::string text = "#compdef walras\n_walras() {\n  local -a names\n  names=(\n";
  for (const Command& command : shown()) {
    if (command.name.find(' ') == std::string::npos) text += fmt::format("    '{}:{}'\n", command.name, quoted(command.summary, true));
  }
  text += "    'data:market data - fetch, import, show, check'\n  )\n  if (( CURRENT == 2 )); then\n    _describe command names\n    return\n  fi\n  case \"$words[2]\" in\n";
  std::string parts;
  for (const Command& command : shown()) {
    if (command.name.starts_with("data ")) {
      parts += command.name.substr(5) + " ";
      continue;
    }
    text += fmt::format("    {}) _arguments", command.name);
    for (const Flag& flag : command.flags) {
      text += fmt::format(" \\\n      '{}{}[{}]{}'", flag.repeated ? "*" : "", flag.name, quoted(flag.doc, true),
                          flag.value.empty() ? "" : fmt::format(":{}:{}", quoted(flag.value, true), flag.value == "N" ? "" : "_files"));
    }
    text += " \\\n      '*:file:_files' ;;\n";
  }
  return text + fmt::format("    data) if (( CURRENT == 3 )); then compadd {}; else _files; fi ;;\n  esac\n}}\ncompdef _walras walras\n", parts);
}

std::string fish() {
  std::string text = "# fish completion for walras\n";
  for (const Command& command : shown()) {
    const std::size_t space = command.name.find(' ');
    if (space != std::string::npos) {
      text += fmt::format("complete -c walras -n '__fish_seen_subcommand_from {}' -a '{}' -d '{}'\n", command.name.substr(0, space),
                          command.name.substr(space + 1), quoted(command.summary, false));
      continue;
    }
    text += fmt::format("complete -c walras -n __fish_use_subcommand -f -a {} -d '{}'\n", command.name, quoted(command.summary, false));
    for (const Flag& flag : command.flags) {
      text += fmt::format("complete -c walras -n '__fish_seen_subcommand_from {}' -l {} {}-d '{}'\n", command.name, flag.name.substr(2),
                          flag.value.empty() ? "" : "-r ", quoted(flag.doc, false));
    }
  }
  return text + "complete -c walras -n __fish_use_subcommand -f -a data -d 'market data: fetch, import, show, check'\n";
}

}  // namespace

Command completions_command() {
  return {"completions", "print shell completions", {{"SHELL", "bash, zsh or fish"}}, {},
          {"walras completions bash > ~/.local/share/bash-completion/completions/walras", "walras completions zsh > ~/.zfunc/_walras"},
          [](const Arguments& arguments) {
            const std::string shell = arguments.text("SHELL");
            if (shell != "bash" && shell != "zsh" && shell != "fish") {
              fail(Fault::Usage, "walras completions", fmt::format("expected bash, zsh or fish, was '{}'", shell));
            }
            std::cout << (shell == "bash" ? bash() : shell == "zsh" ? zsh() : fish());
            return 0;
          }};
}

}  // namespace walras::scenarios
