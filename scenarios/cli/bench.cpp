#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <thread>

namespace walras::scenarios {
namespace {

std::string machine() {
  std::ifstream file("/proc/cpuinfo");
  std::string line, model = "unknown processor";
  while (std::getline(file, line)) {
    if (line.starts_with("model name")) {
      model = line.substr(line.find(':') + 2);
      break;
    }
  }
  return model;
}

/// Peak resident memory of this process and its children so far, in MB of 10^6 bytes.
double peak_megabytes() {
  rusage own{}, children{};
  getrusage(RUSAGE_SELF, &own);
  getrusage(RUSAGE_CHILDREN, &children);
  return static_cast<double>(std::max(own.ru_maxrss, children.ru_maxrss)) * 1024 / 1e6;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

struct Figure {
  double value = 0;
  std::vector<double> runs;
  std::string worst_case;
};

/// Runs every case; the worst median speaks for the benchmark.
Figure measure(const Benchmark& benchmark, int runs) {
  Figure worst;
  for (const BenchCase& one : benchmark.prepare()) {
    std::vector<double> figures;
    one.run();   // warm-up
    for (int i = 0; i < runs; ++i) figures.push_back(one.run());
    const double value = median(figures);
    const bool worse = benchmark.higher_is_better ? value < worst.value : value > worst.value;
    if (worst.runs.empty() || worse) worst = {value, figures, one.name};
  }
  return worst;
}

std::string readable(double value, const std::string& unit) {
  if (unit.ends_with("/s") && value >= 1e6) return fmt::format("{:.2f} M {}", value / 1e6, unit);
  return fmt::format("{} {}", figure(value), unit);
}

int bench(const Arguments& arguments) {
  const Benchmarks all = benchmarks();
  std::vector<std::string> names;
  for (const Benchmark& benchmark : all) names.push_back(benchmark.name);
  std::vector<const Benchmark*> chosen;
  for (const std::string& name : arguments.all("NAME")) {
    const auto found = std::ranges::find(all, name, &Benchmark::name);
    if (found == all.end()) {
      const std::string near = nearest(name, names);
      fail(Fault::Usage, "walras bench",
           fmt::format("expected one of {}, was '{}'{}", fmt::join(names, ", "), name, near.empty() ? "" : "; did you mean '" + near + "'?"));
    }
    chosen.push_back(&*found);
  }
  if (arguments.has("--list")) {
    TextTable table({"name", "unit", "work"}, true);
    for (const Benchmark& benchmark : all) table.add({benchmark.name, benchmark.unit, benchmark.work});
    std::cout << table.str();
    return 0;
  }
  if (chosen.empty()) {
    for (const Benchmark& benchmark : all) chosen.push_back(&benchmark);
  }
  use_threads(arguments);
  const auto cores = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  for (const Benchmark* benchmark : chosen) {
    const int runs = static_cast<int>(arguments.integer("--runs", 1, 10'000).value_or(benchmark->runs));
    const Figure result = measure(*benchmark, runs);
    if (arguments.has("--json")) {
      Json::Array list;
      for (const double value : result.runs) list.emplace_back(value);
      print_json("bench", Json::object({{"name", benchmark->name}, {"work", benchmark->work}, {"unit", benchmark->unit},
                                        {"value", result.value}, {"runs", list}, {"peak_mb", peak_megabytes()},
                                        {"cores", cores}, {"machine", machine()}}));
      continue;
    }
    const auto [low, high] = std::ranges::minmax(result.runs);
    std::cout << fmt::format("{:<20} {}  ({} to {} in {} runs{}{})\n", benchmark->name, readable(result.value, benchmark->unit),
                             readable(low, benchmark->unit), readable(high, benchmark->unit), result.runs.size(),
                             result.worst_case.empty() ? "" : ", " + result.worst_case,
                             benchmark->target > 0 ? ", promised " + readable(benchmark->target, benchmark->unit) : "")
              << std::flush;
  }
  return 0;
}

}  // namespace

Command bench_command() {
  return {"bench", "time the benchmarks on this machine", {{"NAME", "benchmarks (default: all)", false, true}},
          {{"--list", "", "what there is, and what each does"},
           {"--runs", "N", "timed runs of each case (default: its own number)"},
           {"--threads", "N", "how many to use (default: all cores)"},
           {"--json", "", "one JSON object a benchmark"}},
          {"walras bench book_flow", "walras bench quickstart --runs 5 --json"}, bench};
}

}  // namespace walras::scenarios
