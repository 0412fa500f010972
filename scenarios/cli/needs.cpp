// Asked by the launcher before a command runs: what must be set up beyond the program itself. One line each,
// "learning" or "data SET"; nothing where the command line has another problem, which the command then reports.
#include "engine/base/error.hpp"
#include "engine/data/fetch.hpp"
#include "engine/data/library.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/plugins.hpp"
#include "scenarios/run.hpp"

#include <algorithm>
#include <array>
#include <iostream>

namespace walras::scenarios {
namespace {

constexpr std::array<std::string_view, 3> kWithScenario{"run", "validate", "check"};
constexpr std::array<std::string_view, 3> kLearningBenchmarks{"trainer_overhead", "environment", "attention_crossover"};

/// The values of a flag among the words, "--set a" and "--set=a" alike.
std::vector<std::string> values_of(std::string_view flag, const std::vector<std::string>& words) {
  std::vector<std::string> values;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == flag && i + 1 < words.size()) values.push_back(words[i + 1]);
    if (words[i].starts_with(std::string(flag) + "=")) values.push_back(words[i].substr(flag.size() + 1));
  }
  return values;
}

void print_needs(const std::vector<std::string>& words) {
  if (words.empty()) return;
  if (words[0] == "bench") {
    const bool named = std::ranges::any_of(words, [](const std::string& word) {
      return word.starts_with("latency_") || std::ranges::find(kLearningBenchmarks, word) != kLearningBenchmarks.end();
    });
    if (named || words.size() == 1) std::cout << "learning\n";
    const bool needs_data = words.size() == 1 || std::ranges::any_of(words, [](const std::string& word) { return word.starts_with("quickstart"); });
    const engine::Library library(engine::Library::default_folder());
    if (needs_data && !library.contains("sp500")) std::cout << "data sp500\n";
    return;
  }
  if (std::ranges::find(kWithScenario, words[0]) == kWithScenario.end()) return;
  const auto file = std::ranges::find_if(words, [](const std::string& word) { return word.ends_with(".json") && !word.starts_with("-"); });
  if (file == words.end()) return;
  const Scenario scenario = read_scenario(*file, values_of("--set", words));
  if (needs_learning(scenario)) std::cout << "learning\n";
  const auto folders = values_of("--library", words);
  const engine::Library library(folders.empty() ? engine::Library::default_folder() : std::filesystem::path(folders.back()));
  const std::vector<std::string> sets = needed_sets(scenario);
  for (const engine::Fetchable& fetchable : engine::fetchable_sets()) {
    const bool missing = std::ranges::any_of(sets, [&](const std::string& set) {
      return std::ranges::find(fetchable.sets, set) != fetchable.sets.end() && !library.contains(set);
    });
    if (missing) std::cout << "data " << fetchable.name << '\n';
  }
}

}  // namespace

Command needs_command() {
  return {"needs", "what a command line needs beyond the program", {{"WORD", "the command line", false, true}}, {}, {},
          [](const Arguments& arguments) {
            try {
              print_needs(arguments.all("WORD"));
            } catch (const Error&) {   // the command itself reports it, in full
              return 0;
            }
            return 0;
          },
          true};
}

}  // namespace walras::scenarios
