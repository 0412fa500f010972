#include "stats/superior.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result

struct Model {
  RunningMoments moments;
  double omega;  // standard deviation of sqrt(n) mean
};

}  // namespace

SuperiorAbility superior_ability(std::span<const std::span<const double>> excess,
                                 const ResamplePlan& plan) {
  check(plan);
  const auto n = static_cast<double>(plan.periods);
  const double root = std::sqrt(n);
  std::vector<Model> models;
  SuperiorAbility result;
  for (std::size_t k = 0; k < excess.size(); ++k) {
    if (excess[k].size() != plan.periods) {
      fail(Fault::Numeric, "superior predictive ability",
           fmt::format("expected {} observations in series {}, was {}", plan.periods, k + 1,
                       excess[k].size()));
    }
    RunningMoments moments(excess[k]);
    const double variance = moments.square_sum() / n;
    const double long_run = stationary_bootstrap_variance(excess[k], plan.mean_block);
    if (!(variance > moments.tiny()) || !(long_run > 0)) continue;
    models.push_back({std::move(moments), std::sqrt(long_run)});
    result.statistic =
        std::max(result.statistic, root * models.back().moments.mean() / models.back().omega);
  }
  if (models.empty()) return result;

  // Recentring: mean*_k - g(mean_k), that is (mean*_k - mean_k) + (mean_k - g(mean_k)).
  const double bound = -std::sqrt(2 * std::log(std::log(std::max(n, 16.0))));
  std::vector<double> lower;
  std::vector<double> consistent;
  for (const Model& model : models) {
    const double mean = model.moments.mean();
    lower.push_back(std::min(mean, 0.0));
    consistent.push_back(root * mean / model.omega >= bound ? 0.0 : mean);
  }
  const BlockSampler sampler(plan);
  struct Counts {
    std::size_t lower = 0, consistent = 0, upper = 0;
  };
  std::vector<Counts> counts((plan.replicates + kGrain - 1) / kGrain);
  parallel_chunks(
      plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t chunk) {
        const std::vector<std::vector<Block>> drawn = sampler.draw(begin, end);
        std::vector<std::array<double, 3>> largest(end - begin, {0, 0, 0});
        for (std::size_t k = 0; k < models.size(); ++k) {
          const kernel::Moments view = models[k].moments.view();
          const double scale = root / models[k].omega;
          for (std::size_t b = 0; b < drawn.size(); ++b) {
            const double moved = kernel::totals(view, drawn[b].data(), drawn[b].size()).first / n;
            largest[b][0] = std::max(largest[b][0], scale * (moved + lower[k]));
            largest[b][1] = std::max(largest[b][1], scale * (moved + consistent[k]));
            largest[b][2] = std::max(largest[b][2], scale * moved);
          }
        }
        for (const std::array<double, 3>& statistic : largest) {
          counts[chunk].lower += statistic[0] >= result.statistic ? 1 : 0;
          counts[chunk].consistent += statistic[1] >= result.statistic ? 1 : 0;
          counts[chunk].upper += statistic[2] >= result.statistic ? 1 : 0;
        }
      });
  Counts total;
  for (const Counts& part : counts) {
    total.lower += part.lower;
    total.consistent += part.consistent;
    total.upper += part.upper;
  }
  const auto p_value = [&](std::size_t count) {
    return static_cast<double>(1 + count) / static_cast<double>(plan.replicates + 1);
  };
  result.lower = p_value(total.lower);
  result.consistent = p_value(total.consistent);
  result.upper = p_value(total.upper);
  return result;
}

}  // namespace walras::stats
