#include "stats/superior.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"
#include "stats/replicate_sums.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <vector>

namespace walras::stats {
namespace {

/// The models that vary, ready to be resampled.
struct Models {
  std::vector<RunningMoments> moments;
  std::vector<double> omega;  // standard deviation of sqrt(n) mean
  std::vector<std::size_t> index;
};

Models prepare(std::string_view where, std::span<const std::span<const double>> excess,
               const ResamplePlan& plan) {
  check(plan);
  Models models;
  for (std::size_t k = 0; k < excess.size(); ++k) {
    if (excess[k].size() != plan.periods) {
      fail(Fault::Numeric, where,
           fmt::format("expected {} observations in series {}, was {}", plan.periods, k + 1,
                       excess[k].size()));
    }
    expect_finite(where, excess[k]);
    RunningMoments moments(excess[k]);
    const double variance = moments.square_sum() / static_cast<double>(plan.periods);
    const double long_run = stationary_bootstrap_variance(excess[k], plan.mean_block);
    if (!(variance > moments.tiny()) || !(long_run > 0)) continue;
    models.moments.push_back(std::move(moments));
    models.omega.push_back(std::sqrt(long_run));
    models.index.push_back(k);
  }
  return models;
}

/// Calls use(begin, count, totals) for replicates begin .. begin + count - 1 at a time.
void each_replicate(const Models& models, const ResamplePlan& plan,
                    const std::function<void(std::size_t begin, std::size_t count,
                                             std::span<const kernel::Totals>)>& use) {
  const BlockSampler sampler(plan);
  const std::unique_ptr<ReplicateSums> sums = replicate_sums(Panel(models.moments), plan.device);
  const std::size_t step = replicates_at_once(plan);
  std::vector<kernel::Totals> totals;
  for (std::size_t begin = 0; begin < plan.replicates; begin += step) {
    const std::size_t count = std::min(step, plan.replicates - begin);
    totals.resize(models.moments.size() * count);
    const Draws draws = sampler.draw(begin, begin + count);
    blocks_are_short(plan.mean_block) ? sums->counted_totals(draws, totals)
                                      : sums->totals(draws, totals);
    use(begin, count, totals);
  }
}

double share_of(std::span<const double> largest, double statistic) {
  const auto reached = std::count_if(largest.begin(), largest.end(),
                                     [&](double value) { return value >= statistic; });
  return static_cast<double>(1 + reached) / static_cast<double>(largest.size() + 1);
}

}  // namespace

SuperiorAbility superior_ability(std::span<const std::span<const double>> excess,
                                 const ResamplePlan& plan) {
  const Models models = prepare("superior predictive ability", excess, plan);
  const std::size_t count = models.moments.size();
  const auto n = static_cast<double>(plan.periods);
  const double root = std::sqrt(n);
  SuperiorAbility result;
  if (count == 0) return result;

  // Recentring: mean*_k - g(mean_k), that is (mean*_k - mean_k) + (mean_k - g(mean_k)).
  const double bound = -std::sqrt(2 * std::log(std::log(std::max(n, 16.0))));
  std::vector<double> lower;
  std::vector<double> consistent;
  double highest = -std::numeric_limits<double>::infinity();
  for (std::size_t k = 0; k < count; ++k) {
    const double mean = models.moments[k].mean();
    const double t = root * mean / models.omega[k];
    lower.push_back(std::min(mean, 0.0));
    consistent.push_back(t >= bound ? 0.0 : mean);
    if (t > highest) {
      highest = t;
      result.best = models.index[k];
    }
  }
  result.statistic = std::max(0.0, highest);

  std::array<std::vector<double>, 3> largest;
  for (std::vector<double>& one : largest) one.assign(plan.replicates, 0);
  each_replicate(models, plan, [&](std::size_t begin, std::size_t step, auto totals) {
    parallel_chunks(step, 64, [&](std::size_t low, std::size_t high, std::size_t) {
      for (std::size_t k = 0; k < count; ++k) {
        const double scale = root / models.omega[k];
        for (std::size_t b = low; b < high; ++b) {
          const double moved = totals[k * step + b].first / n;
          largest[0][begin + b] = std::max(largest[0][begin + b], scale * (moved + lower[k]));
          largest[1][begin + b] = std::max(largest[1][begin + b], scale * (moved + consistent[k]));
          largest[2][begin + b] = std::max(largest[2][begin + b], scale * moved);
        }
      }
    });
  });
  result.lower = share_of(largest[0], result.statistic);
  result.consistent = share_of(largest[1], result.statistic);
  result.upper = share_of(largest[2], result.statistic);
  return result;
}

RealityCheck reality_check(std::span<const std::span<const double>> excess,
                           const ResamplePlan& plan, bool studentized) {
  const Models models = prepare("reality check", excess, plan);
  const std::size_t count = models.moments.size();
  if (count == 0) return {};
  const auto n = static_cast<double>(plan.periods);
  const double root = std::sqrt(n);
  RealityCheck result{-std::numeric_limits<double>::infinity(), 1};
  std::vector<double> scale;
  for (std::size_t k = 0; k < count; ++k) {
    scale.push_back(studentized ? root / models.omega[k] : root);
    result.statistic = std::max(result.statistic, scale[k] * models.moments[k].mean());
  }
  std::vector<double> largest(plan.replicates, -std::numeric_limits<double>::infinity());
  each_replicate(models, plan, [&](std::size_t begin, std::size_t step, auto totals) {
    for (std::size_t k = 0; k < count; ++k) {
      for (std::size_t b = 0; b < step; ++b) {
        largest[begin + b] =
            std::max(largest[begin + b], scale[k] * (totals[k * step + b].first / n));
      }
    }
  });
  result.p_value = share_of(largest, result.statistic);
  return result;
}

}  // namespace walras::stats
