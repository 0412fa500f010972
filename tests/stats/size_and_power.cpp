// Size and power by simulation, as a program: `size_and_power run PART WORLDS RESULTS.json [THREADS]` adds a part's counts
// to a file, `size_and_power render RESULTS.json` prints docs/size_and_power.md from it, `size_and_power check WORLDS RESULTS.json`
// simulates the first worlds of every part anew and fails where a test decides otherwise than it did when the file was written.
// Results depend on the part and the number of worlds alone.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/json.hpp"
#include "engine/base/parallel.hpp"
#include "tests/stats/size_and_power_parts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

using namespace walras;
using namespace walras::stats;

namespace {

/// Worlds whose decisions are kept one by one, for check().
constexpr std::size_t kKept = 100;

/// A line a column, a character a world: 1 where the test rejects (the interval covers).
std::vector<std::string> simulate(const Part& part, std::size_t worlds) {
  std::vector<std::vector<bool>> outcomes(worlds);
  parallel_for(worlds, [&](std::size_t world) { outcomes[world] = part.world(world); });
  std::vector<std::string> decisions(part.columns.size());
  for (const std::vector<bool>& outcome : outcomes) {
    if (outcome.size() != decisions.size()) fail(Fault::Internal, part.name, "expected a decision a column");
    for (std::size_t c = 0; c < decisions.size(); ++c) decisions[c] += outcome[c] ? '1' : '0';
  }
  return decisions;
}

bool holds(const Column& column, double share) { return share >= column.low && share <= column.high; }

Json read_results(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? Json::read(file) : Json::object();
}

int run(const std::string& name, std::size_t worlds, const std::filesystem::path& file) {
  for (const Part& part : parts()) {
    if (part.name != name) continue;
    const std::vector<std::string> decisions = simulate(part, worlds);
    Json columns = Json::object();
    for (std::size_t c = 0; c < decisions.size(); ++c) {
      const auto count = static_cast<std::size_t>(std::count(decisions[c].begin(), decisions[c].end(), '1'));
      columns[part.columns[c].name] = Json::object({{"count", count}, {"first", decisions[c].substr(0, kKept)}});
      std::cout << fmt::format("{}: {}: {:.4f}\n", part.name, part.columns[c].name, static_cast<double>(count) / static_cast<double>(worlds));
    }
    Json results = read_results(file);
    results[part.name] = Json::object({{"worlds", worlds}, {"columns", std::move(columns)}});
    write_atomically(file, results.dump(1) + "\n");
    return 0;
  }
  std::cerr << "no part of that name; there are:\n";
  for (const Part& part : parts()) std::cerr << "  " << part.name << '\n';
  return 2;
}

std::string due(const Column& column) {
  if (column.low > 0 && column.high < 1) return fmt::format("{:.1f} to {:.1f} %", 100 * column.low, 100 * column.high);
  if (column.high < 1) return fmt::format("at most {:.1f} %", 100 * column.high);
  if (column.low > 0) return fmt::format("at least {:.0f} %", 100 * column.low);
  return "measured";
}

const Json& stored(const Json& results, const Part& part) {
  const Json* found = results.find(part.name);
  if (found == nullptr) fail(Fault::Data, "results", "expected part " + part.name + ", was none; run it first");
  return *found;
}

/// One table a part: what was measured, and what is due.
std::string tables(const Json& results) {
  std::string text;
  for (const Part& part : parts()) {
    const Json& found = stored(results, part);
    const auto worlds = static_cast<std::size_t>(found.at("worlds").as_integer());
    text += fmt::format("\n### {}\n\n{} {} worlds.\n\n| {} | measured | due |\n|---|---|---|\n", part.title, part.doc, worlds, part.what);
    for (const Column& column : part.columns) {
      const Json& counted = found.at("columns").at(column.name).at("count");
      const double share = static_cast<double>(counted.as_integer()) / static_cast<double>(worlds);
      text += fmt::format("| {} | {:.1f} %{} | {} |\n", column.name, 100 * share, holds(column, share) ? "" : ", **outside**", due(column));
    }
  }
  return text;
}

/// The share of all worlds is judged in the report; here each decision is compared with the one that was counted.
int check(std::size_t worlds, const Json& results) {
  int failures = 0;
  for (const Part& part : parts()) {
    const std::size_t count = std::clamp<std::size_t>(worlds / part.cost, 10, kKept);
    const std::vector<std::string> decisions = simulate(part, count);
    const Json& columns = stored(results, part).at("columns");
    for (std::size_t c = 0; c < decisions.size(); ++c) {
      const std::string first = columns.at(part.columns[c].name).at("first").as_string().substr(0, count);
      const bool same = first == decisions[c];
      failures += same ? 0 : 1;
      const auto differs = std::mismatch(first.begin(), first.end(), decisions[c].begin(), decisions[c].end()).first - first.begin();
      std::cout << fmt::format("{} {}: {}: {}\n", same ? "ok    " : "FAILED", part.name, part.columns[c].name,
                               same ? fmt::format("{} worlds as stored", count)
                                    : fmt::format("expected the stored decisions, was another in world {}; if it was meant: "
                                                  "size_and_power run {}",
                                                  differs, part.name));
    }
  }
  return failures == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  const std::vector<std::string> arguments(words + 1, words + count);
  try {
    if (arguments.size() >= 4 && arguments[0] == "run") {
      if (arguments.size() > 4) set_threads(std::atoi(arguments[4].c_str()));
      return run(arguments[1], std::strtoull(arguments[2].c_str(), nullptr, 10), arguments[3]);
    }
    if (arguments.size() == 2 && arguments[0] == "render") {
      std::cout << report_text(tables(Json::read(arguments[1])));
      return 0;
    }
    if (arguments.size() == 3 && arguments[0] == "check") {
      return check(std::strtoull(arguments[1].c_str(), nullptr, 10), Json::read(arguments[2]));
    }
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  std::cerr << "size_and_power run PART WORLDS RESULTS.json [THREADS] | render RESULTS.json | check WORLDS RESULTS.json\n";
  return 2;
}
