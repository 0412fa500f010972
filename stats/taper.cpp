#include "stats/taper.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/pairs.hpp"

#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result
constexpr double kRise = 0.43;      // share of a block over which its weights rise, and fall

/// Weights of a block, scaled so that a block of independent values keeps its variance.
std::vector<double> taper(std::size_t length) {
  std::vector<double> weights;
  double squares = 0;
  for (std::size_t j = 0; j < length; ++j) {
    const double at = (static_cast<double>(j) + 0.5) / static_cast<double>(length);
    weights.push_back(std::min({at / kRise, 1.0, (1 - at) / kRise}));
    squares += weights.back() * weights.back();
  }
  const double scale = std::sqrt(static_cast<double>(length) / squares);
  for (double& weight : weights) weight *= scale;
  return weights;
}

double weighted(std::span<const double> x, std::size_t start, std::span<const double> weights) {
  double sum = 0;
  for (std::size_t j = 0; j < weights.size(); ++j) sum += weights[j] * x[start + j];
  return sum;
}

}  // namespace

TaperedReplicates bootstrap_tapered(std::span<const double> linear, double estimate,
                                    const ResamplePlan& plan) {
  expects(linear.size() == plan.periods && plan.scheme == BlockScheme::Tapered,
          "the linear part over the periods of a tapered plan");
  const auto n = static_cast<double>(plan.periods);
  const auto length = static_cast<std::size_t>(std::min(std::round(plan.mean_block), n));
  const std::vector<double> weights = taper(length);
  const std::vector<double> rest = taper(std::max<std::size_t>(1, plan.periods % length));
  std::vector<double> sums;  // of the full block from each start
  double squares = 0;
  for (std::size_t start = 0; start + length <= plan.periods; ++start) {
    sums.push_back(weighted(linear, start, weights));
    squares += sums.back() * sums.back();
  }
  TaperedReplicates result{std::vector<double>(plan.replicates),
                           std::vector<double>(plan.replicates), 0};
  result.standard_error =
      std::sqrt(squares / static_cast<double>(sums.size()) / static_cast<double>(length) / n);
  const BlockSampler sampler(plan);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    std::vector<double> parts;
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, blocks);
      parts.clear();
      double total = 0;
      for (const Block block : blocks) {
        parts.push_back(block.length == length ? sums[block.start]
                                               : weighted(linear, block.start, rest));
        total += parts.back();
      }
      double scatter = 0;
      for (std::size_t i = 0; i < parts.size(); ++i) {
        const double apart = parts[i] - total / n * static_cast<double>(blocks[i].length);
        scatter += apart * apart;
      }
      result.values[b] = estimate + total / n;
      result.errors[b] = std::sqrt(scatter) / n;
    }
  });
  return result;
}

std::vector<double> linear_part(std::span<const double> x, const Statistic& statistic) {
  const std::size_t n = x.size();
  std::vector<double> result(n);
  if (n < 2) return result;
  parallel_chunks(n, 256, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<double> others(x.begin() + 1, x.end());
    for (std::size_t t = 0; t < n && t < end; ++t) {
      if (t > 0) others[t - 1] = x[t - 1];
      if (t >= begin) result[t] = -static_cast<double>(n - 1) * statistic(others);
    }
  });
  const double mean = mean_of(result);
  for (double& value : result) value -= mean;
  return result;
}

}  // namespace walras::stats
