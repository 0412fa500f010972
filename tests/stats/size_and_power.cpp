// Size and power by simulation, as a program: `size_and_power run PART WORLDS RESULTS.json [THREADS]` adds a part's counts
// to a file, `size_and_power render RESULTS.json` prints docs/size_and_power.md from it, `size_and_power check WORLDS` runs
// every part small and fails where a bound that is due breaks. Results depend on the part and the number of worlds alone.
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

/// Three binomial standard errors beyond the bound when fewer worlds are simulated than the report has.
double slack(double bound, std::size_t worlds, bool full) {
  return full ? 0 : 3 * std::sqrt(bound * (1 - bound) / static_cast<double>(worlds));
}

std::vector<std::size_t> simulate(const Part& part, std::size_t worlds) {
  std::vector<std::vector<bool>> outcomes(worlds);
  parallel_for(worlds, [&](std::size_t world) { outcomes[world] = part.world(world); });
  std::vector<std::size_t> counts(part.columns.size(), 0);
  for (const std::vector<bool>& outcome : outcomes) {
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += outcome[c] ? 1 : 0;
  }
  return counts;
}

/// Whether a share is within what is due; the words of the report otherwise.
bool holds(const Column& column, double share, std::size_t worlds, bool full) {
  if (column.low > 0 && share < column.low - slack(column.low, worlds, full)) return false;
  return column.high >= 1 || share <= column.high + slack(column.high, worlds, full);
}

Json read_results(const std::filesystem::path& file) {
  return std::filesystem::exists(file) ? Json::read(file) : Json::object();
}

int run(const std::string& name, std::size_t worlds, const std::filesystem::path& file) {
  for (const Part& part : parts()) {
    if (part.name != name) continue;
    const std::vector<std::size_t> counts = simulate(part, worlds);
    Json columns = Json::object();
    for (std::size_t c = 0; c < counts.size(); ++c) {
      columns[part.columns[c].name] = counts[c];
      std::cout << fmt::format("{}: {}: {:.4f}\n", part.name, part.columns[c].name,
                               static_cast<double>(counts[c]) / static_cast<double>(worlds));
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

/// One table a part: what was measured, and what is due.
std::string tables(const Json& results) {
  std::string text;
  for (const Part& part : parts()) {
    const Json* found = results.find(part.name);
    if (found == nullptr) fail(Fault::Data, "results", "expected part " + part.name + ", was none; run it first");
    const auto worlds = static_cast<std::size_t>(found->at("worlds").as_integer());
    text += fmt::format("\n### {}\n\n{} {} worlds.\n\n| {} | measured | due |\n|---|---|---|\n", part.title, part.doc, worlds, part.what);
    for (const Column& column : part.columns) {
      const double share = static_cast<double>(found->at("columns").at(column.name).as_integer()) / static_cast<double>(worlds);
      const bool bounded = column.low > 0 || column.high < 1;
      text += fmt::format("| {} | {:.1f} %{} | {} |\n", column.name, 100 * share,
                          bounded && !holds(column, share, worlds, true) ? ", **outside**" : "", due(column));
    }
  }
  return text;
}

int check(std::size_t worlds) {
  int failures = 0;
  for (const Part& part : parts()) {
    const std::size_t count = std::max<std::size_t>(20, worlds / part.cost);
    const std::vector<std::size_t> counts = simulate(part, count);
    for (std::size_t c = 0; c < counts.size(); ++c) {
      const double share = static_cast<double>(counts[c]) / static_cast<double>(count);
      const bool good = holds(part.columns[c], share, count, false);
      failures += good ? 0 : 1;
      std::cout << fmt::format("{} {}: {}: {:.4f} of {} worlds, due {}\n", good ? "ok    " : "FAILED", part.name, part.columns[c].name, share,
                               count, due(part.columns[c]));
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
    if (arguments.size() == 2 && arguments[0] == "check") return check(std::strtoull(arguments[1].c_str(), nullptr, 10));
  } catch (const Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
  std::cerr << "size_and_power run PART WORLDS RESULTS.json [THREADS] | render RESULTS.json | check WORLDS\n";
  return 2;
}
