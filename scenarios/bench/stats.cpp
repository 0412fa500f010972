// The statistics on the sizes that peers are timed on (tests/bench/peers.py).
#include "scenarios/bench/bench.hpp"

#include "engine/base/random.hpp"
#include "stats/model_set.hpp"
#include "stats/overfitting.hpp"
#include "stats/permutation.hpp"
#include "stats/resample.hpp"
#include "stats/superior.hpp"

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

/// Models of a thousand days, some a little better than others.
std::shared_ptr<std::vector<std::vector<double>>> models(std::size_t count) {
  auto losses = std::make_shared<std::vector<std::vector<double>>>(count);
  Rng random(4, "bench/models");
  for (std::size_t k = 0; k < count; ++k) {
    for (std::size_t t = 0; t < 1000; ++t) {
      (*losses)[k].push_back(random.normal() * 0.01 + 1e-5 * static_cast<double>(k % 50));
    }
  }
  return losses;
}

using Panel = std::vector<std::span<const double>>;

/// One case over a panel that is made beforehand.
std::function<std::vector<BenchCase>()> over_models(std::size_t count, std::function<void(const Panel&, const stats::ResamplePlan&)> work) {
  return [count, work] {
    const auto losses = models(count);
    return std::vector<BenchCase>{{"", [losses, work] {
                                     const Panel panel(losses->begin(), losses->end());
                                     return seconds([&] { work(panel, {1000, 10'000, 21, 2}); });
                                   }}};
  };
}

/// Tests of many models, and exchanges of signs.
void add_comparison_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back(
      {.name = "spa",
       .work = "Hansen's test of superior predictive ability, three p-values: 500 models x 1,000 days x 10,000 repetitions, mean block 21",
       .unit = "s",
       .higher_is_better = false,
       .target = 1,
       .prepare = over_models(500, [](const Panel& panel, const stats::ResamplePlan& plan) { (void)stats::superior_ability(panel, plan); })});
  benchmarks.push_back(
      {.name = "mcs",
       .work = "model confidence set by the range statistic: 50 models x 1,000 days x 10,000 repetitions, mean block 21",
       .unit = "s",
       .higher_is_better = false,
       .target = 1,
       .prepare = over_models(50, [](const Panel& panel, const stats::ResamplePlan& plan) { (void)stats::model_confidence_set(panel, plan); })});
  benchmarks.push_back(
      {.name = "bootstrap_short",
       .work = "bootstrap_sharpe of independent observations, mean block 1: products with count matrices",
       .unit = "s",
       .higher_is_better = false,
       .prepare =
           [] {
             const auto returns = fat_tails();
             return std::vector<BenchCase>{{"", [returns] {
                                              const Panel series(returns->begin(), returns->end());
                                              return seconds([&] {
                                                (void)stats::sharpe_intervals(series, {kDays, 10'000, 1, 2}, 0.95, stats::IntervalMethod::Percentile);
                                              });
                                            }}};
           }});
  benchmarks.push_back(
      {.name = "permutation",
       .work = "one-sample permutation test of a mean, sign flips: 10,000 x 2,520 days",
       .unit = "s",
       .higher_is_better = false,
       .prepare =
           [] {
             const auto returns = fat_tails();
             return std::vector<BenchCase>{{"", [returns] {
                                              return seconds([&] { (void)stats::sign_flip_test(returns->front(), 9999, 1); });
                                            }}};
           },
       .runs = 11});
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
  add_comparison_benchmarks(benchmarks);
}

}  // namespace walras::scenarios
