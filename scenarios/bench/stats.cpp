// The statistics on the sizes that peers are timed on (tests/bench/peers.py).
#include "scenarios/bench/bench.hpp"

#include "engine/base/random.hpp"
#include "stats/overfitting.hpp"
#include "stats/resample.hpp"

#include <memory>

namespace walras::scenarios {
namespace {

constexpr std::size_t kDays = 2520;
constexpr std::size_t kStrategies = 20;

/// Daily returns with fat tails: twenty series drawn from Student's t with five degrees of freedom.
std::shared_ptr<std::vector<std::vector<double>>> fat_tails() {
  auto returns = std::make_shared<std::vector<std::vector<double>>>(kStrategies);
  Rng random(1, "bench/stats");
  for (auto& series : *returns) {
    for (std::size_t t = 0; t < kDays; ++t) series.push_back(random.student_t(5) * 0.01 + 0.0003);
  }
  return returns;
}

/// A hundred trials of ten years, worth nothing.
std::shared_ptr<std::vector<std::vector<double>>> trials() {
  auto returns = std::make_shared<std::vector<std::vector<double>>>(100);
  Rng random(3, "bench/pbo");
  for (auto& series : *returns) {
    for (std::size_t t = 0; t < 2528; ++t) series.push_back(random.normal() * 0.01);
  }
  return returns;
}

}  // namespace

void add_stats_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back(
      {.name = "bootstrap_sharpe",
       .work = "stationary bootstrap, percentile intervals of the Sharpe ratio: 10,000 repetitions x 2,520 days x 20 strategies, mean block 21",
       .unit = "s",
       .higher_is_better = false,
       .target = 0.1,
       .prepare =
           [] {
             const auto returns = fat_tails();
             return std::vector<BenchCase>{{"", [returns] {
                                              const std::vector<std::span<const double>> series(returns->begin(), returns->end());
                                              const stats::ResamplePlan plan{kDays, 10'000, 21, 2};
                                              return seconds([&] {
                                                (void)stats::sharpe_intervals(series, plan, 0.95, stats::IntervalMethod::Percentile);
                                              });
                                            }}};
           },
       .runs = 11});
  benchmarks.push_back(
      {.name = "pbo",
       .work = "probability of backtest overfitting by the Sharpe ratio: 16 blocks x 100 trials x 2,528 days, 12,870 splits",
       .unit = "s",
       .higher_is_better = false,
       .target = 0.05,
       .prepare =
           [] {
             const auto returns = trials();
             return std::vector<BenchCase>{{"", [returns] {
                                              const std::vector<std::span<const double>> series(returns->begin(), returns->end());
                                              return seconds([&] { (void)stats::backtest_overfitting(series); });
                                            }}};
           },
       .runs = 11});
}

}  // namespace walras::scenarios
