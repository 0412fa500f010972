#pragma once
// Benchmarks of `walras bench NAME`. A room adds its own in scenarios/bench/<room>.cpp: one figure a
// name, told as rates or times in the unit of docs/benchmarks.md. The runner warms up, repeats, takes
// the median of each case and reports the worst case, with all of its runs.
#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace walras::strategies {
struct Registries;
}

namespace walras::scenarios {

/// Seconds that `work` takes, by the steady clock.
template <class Work>
double seconds(Work&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// One case of a benchmark ("near", "16 assets"); most benchmarks have one.
struct BenchCase {
  std::string name;
  /// Does the work once and returns the figure in the benchmark's unit (inputs made beforehand, outside the clock).
  std::function<double()> run;
};

/// One figure of `walras bench`.
struct Benchmark {
  std::string name;   ///< "book_flow"
  std::string work;   ///< what one run does, with its sizes, in a sentence
  std::string unit;   ///< "messages/s", "s", "us", "%"
  bool higher_is_better = true;
  double target = 0;  ///< what the project promises on one core of 2020s server hardware; 0 = no promise
  /// Makes the inputs and returns the cases; called once, not timed.
  std::function<std::vector<BenchCase>()> prepare;
  int runs = 5;       ///< timed runs of each case, after one warm-up
};

using Benchmarks = std::vector<Benchmark>;

/// Everything that `walras bench` can run: the lines of catalog.cpp.
Benchmarks benchmarks();

}  // namespace walras::scenarios
