#include "stats/superior.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result

struct Model {
  RunningMoments moments;
  double omega;  // standard deviation of sqrt(n) mean
};

/// Per block of periods and trial: what a Sharpe ratio over any union of blocks needs.
struct BlockMoments {
  double sum = 0, square = 0;
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

Overfitting backtest_overfitting(std::span<const std::span<const double>> returns,
                                 std::size_t blocks) {
  const std::string where = "backtest overfitting";
  if (blocks < 2 || blocks > 20 || blocks % 2 != 0) {
    fail(Fault::Numeric, where,
         fmt::format("expected an even number of blocks from 2 to 20, was {}", blocks));
  }
  const std::size_t trials = returns.size();
  if (trials < 2)
    fail(Fault::Numeric, where, fmt::format("expected at least 2 trials, was {}", trials));
  const std::size_t periods = returns.front().size();
  const std::size_t length = periods / blocks;
  if (length < 2) {
    fail(Fault::Numeric, where,
         fmt::format("expected at least {} periods for {} blocks, was {}", 2 * blocks, blocks,
                     periods));
  }
  const std::size_t first = periods - length * blocks;
  std::vector<BlockMoments> moments(blocks * trials);
  std::vector<BlockMoments> whole(trials);
  std::vector<double> centres(trials);
  for (std::size_t k = 0; k < trials; ++k) {
    if (returns[k].size() != periods) {
      fail(Fault::Numeric, where,
           fmt::format("expected {} periods in trial {}, was {}", periods, k + 1,
                       returns[k].size()));
    }
    double centre = 0;
    for (std::size_t t = first; t < periods; ++t) centre += returns[k][t];
    centres[k] = centre / static_cast<double>(length * blocks);
    for (std::size_t t = first; t < periods; ++t) {
      const double value = returns[k][t] - centres[k];
      BlockMoments& block = moments[(t - first) / length * trials + k];
      block.sum += value;
      block.square += value * value;
      whole[k].sum += value;
      whole[k].square += value * value;
    }
  }

  std::vector<std::uint32_t> halves;
  for (std::uint32_t mask = 0; mask < (std::uint32_t{1} << blocks); ++mask) {
    if (static_cast<std::size_t>(std::popcount(mask)) == blocks / 2) halves.push_back(mask);
  }
  const auto half = static_cast<double>(length * blocks / 2);
  const auto sharpe = [&](const BlockMoments& m, std::size_t k) {
    const double mean = m.sum / half;
    const double variance = m.square / half - mean * mean;
    if (!(variance > 0)) return 0.0;  // no variance: no ratio, ranked as nothing earned
    return (mean + centres[k]) / std::sqrt(variance);
  };
  Overfitting result;
  result.logits.resize(halves.size());
  parallel_chunks(halves.size(), 256, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<BlockMoments> inside(trials);
    for (std::size_t split = begin; split < end; ++split) {
      std::fill(inside.begin(), inside.end(), BlockMoments{});
      for (std::size_t block = 0; block < blocks; ++block) {
        if (((halves[split] >> block) & 1) == 0) continue;
        for (std::size_t k = 0; k < trials; ++k) {
          inside[k].sum += moments[block * trials + k].sum;
          inside[k].square += moments[block * trials + k].square;
        }
      }
      std::size_t best = 0;
      double highest = -std::numeric_limits<double>::infinity();
      for (std::size_t k = 0; k < trials; ++k) {
        const double ratio = sharpe(inside[k], k);
        if (ratio > highest) {
          highest = ratio;
          best = k;
        }
      }
      const auto outside = [&](std::size_t k) {
        return sharpe({whole[k].sum - inside[k].sum, whole[k].square - inside[k].square}, k);
      };
      const double chosen = outside(best);
      double below = 0;
      double equal = 0;
      for (std::size_t k = 0; k < trials; ++k) {
        const double ratio = outside(k);
        below += ratio < chosen ? 1 : 0;
        equal += k != best && ratio == chosen ? 1 : 0;
      }
      const double rank = 1 + below + equal / 2;
      const double share = rank / static_cast<double>(trials + 1);
      result.logits[split] = std::log(share / (1 - share));
    }
  });
  double low = 0;
  for (const double logit : result.logits) low += logit <= 0 ? 1 : 0;
  result.probability = low / static_cast<double>(result.logits.size());
  return result;
}

}  // namespace walras::stats
