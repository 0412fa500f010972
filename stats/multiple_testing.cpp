#include "stats/multiple_testing.hpp"

#include "engine/base/error.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"
#include "stats/replicate_sums.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

namespace walras::stats {
namespace {

// A trial that seldom trades has replicates with hardly any of its trades, whose error says next to nothing and whose t is
// huge. They count for the trial itself but not against the others; and where they are many, its own p-value is Bonferroni's.
constexpr double kLeastSpread = 0.25;  // of a replicate's error, as a part of the whole record's
constexpr double kFewOfThem = 0.01;    // of the replicates

}  // namespace

double StepDown::critical_value(double significance) const {
  // The adjusted p of the best is (1 + #{largest >= t}) / (B + 1): so many replicates may reach it.
  const double allowed = std::floor(significance * static_cast<double>(largest.size() + 1)) - 1;
  if (allowed < 0) return std::numeric_limits<double>::infinity();
  const auto reach = static_cast<std::size_t>(allowed);
  if (reach >= largest.size()) return -std::numeric_limits<double>::infinity();
  return std::nextafter(largest[largest.size() - 1 - reach],
                        std::numeric_limits<double>::infinity());
}

StepDown romano_wolf(std::span<const std::span<const double>> series, const ResamplePlan& plan) {
  check(plan);
  const std::size_t count = series.size();
  const auto n = static_cast<double>(plan.periods);
  StepDown result;
  result.mean.resize(count);
  result.standard_error.resize(count);
  result.t.resize(count);
  result.unadjusted.assign(count, 1);
  result.adjusted.assign(count, 1);

  std::vector<RunningMoments> moments;
  moments.reserve(count);
  std::vector<std::size_t> order;  // those with variance, the largest t first
  for (std::size_t k = 0; k < count; ++k) {
    if (series[k].size() != plan.periods) {
      fail(Fault::Numeric, "Romano-Wolf",
           fmt::format("expected {} observations in series {}, was {}", plan.periods, k + 1,
                       series[k].size()));
    }
    expect_finite("Romano-Wolf", series[k]);
    const RunningMoments& m = moments.emplace_back(series[k]);
    result.mean[k] = m.mean();
    const double variance = m.square_sum() / n;
    if (!(variance > m.tiny())) continue;
    const double long_run = stationary_bootstrap_variance(series[k], plan.mean_block);
    if (!(long_run > 0)) continue;
    result.standard_error[k] = std::sqrt(long_run / n);
    result.t[k] = m.mean() / result.standard_error[k];
    order.push_back(k);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](auto a, auto b) { return result.t[a] > result.t[b]; });

  // Counts are integers and each replicate is computed alone, so no order of the tasks shows in the
  // result.
  const std::size_t tests = order.size();
  std::vector<std::size_t> own(tests);
  std::vector<std::size_t> best(tests);
  std::vector<std::size_t> vague(tests);
  result.largest.assign(plan.replicates, -std::numeric_limits<double>::infinity());
  const std::size_t step = replicates_at_once(plan);
  const BlockSampler sampler(plan);
  const std::unique_ptr<ReplicateSums> sums =
      tests > 0 ? replicate_sums(Panel(moments), plan.device) : nullptr;
  std::vector<kernel::Products> products;
  for (std::size_t begin = 0; tests > 0 && begin < plan.replicates; begin += step) {
    const std::size_t drawn = std::min(step, plan.replicates - begin);
    products.resize(count * drawn);
    sums->products(sampler.draw(begin, begin + drawn), products);
    for (std::size_t i = tests; i-- > 0;) {  // from the smallest t: the maximum over it and all not larger
      const std::size_t k = order[i];
      for (std::size_t b = 0; b < drawn; ++b) {
        const kernel::Estimate estimate =
            kernel::mean_with_error(products[k * drawn + b], n, moments[k].mean());
        double& largest = result.largest[begin + b];
        const double above = estimate.value - result.mean[k];
        const bool spread = estimate.error > 0;
        if (estimate.error > kLeastSpread * result.standard_error[k])
          largest = std::max(largest, above / estimate.error);
        else
          ++vague[i];
        const bool reached = spread ? above / estimate.error >= result.t[k] : above > 0;
        own[i] += reached ? 1 : 0;
        best[i] += reached || largest >= result.t[k] ? 1 : 0;
      }
    }
  }
  std::sort(result.largest.begin(), result.largest.end());

  const auto p_value = [&](const std::vector<std::size_t>& counts, std::size_t i) {
    return static_cast<double>(1 + counts[i]) / static_cast<double>(plan.replicates + 1);
  };
  double running = 0;
  for (std::size_t i = 0; i < tests; ++i) {
    const double unadjusted = p_value(own, i);
    running = std::max(running, p_value(best, i));
    result.unadjusted[order[i]] = unadjusted;
    result.adjusted[order[i]] = running;
    if (static_cast<double>(vague[i]) > kFewOfThem * static_cast<double>(plan.replicates))
      result.adjusted[order[i]] = std::max(running, std::min(1.0, unadjusted * static_cast<double>(tests)));
  }
  return result;
}

}  // namespace walras::stats
