#include "stats/wild.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result

void check(const WildPlan& plan) {
  if (plan.replicates < 1)
    fail(Fault::Numeric, "wild bootstrap", "expected at least 1 replicate, was 0");
  if (plan.block < 1)
    fail(Fault::Numeric, "wild bootstrap", "expected a block of at least 1 period, was 0");
}

double independent_weight(WildWeights weights, Rng& random) {
  switch (weights) {
    case WildWeights::Rademacher: return (random.bits() >> 63) != 0 ? 1 : -1;
    case WildWeights::Mammen: {
      const double root = std::sqrt(5.0);
      return random.uniform() < (root + 1) / (2 * root) ? (1 - root) / 2 : std::numbers::phi;
    }
    case WildWeights::Normal:
    case WildWeights::Dependent: break;
  }
  return random.normal();
}

/// The square of the mean over its standard error; Bartlett weights over the block.
double squared_t(std::span<const double> x, const WildPlan& plan) {
  const double mean = mean_of(x);
  const double bandwidth =
      plan.weights == WildWeights::Dependent ? static_cast<double>(plan.block) : 0;
  const double variance = long_run_variance(x, Kernel::Bartlett, bandwidth);
  return variance > 0 ? mean * mean / variance * static_cast<double>(x.size()) : 0;
}

}  // namespace

std::vector<double> wild_weights(const WildPlan& plan, std::size_t replicate, std::size_t n) {
  check(plan);
  Rng random(plan.seed, "wild bootstrap", replicate);
  std::vector<double> weights(n);
  if (plan.weights != WildWeights::Dependent) {
    for (double& weight : weights) weight = independent_weight(plan.weights, random);
    return weights;
  }
  // A moving average of `block` independent normals has just that correlation.
  std::vector<double> shocks(n + plan.block - 1);
  for (double& shock : shocks) shock = random.normal();
  const double scale = 1 / std::sqrt(static_cast<double>(plan.block));
  double sum = 0;
  for (std::size_t t = 0; t < shocks.size(); ++t) {
    sum += shocks[t];
    if (t + 1 < plan.block) continue;
    weights[t + 1 - plan.block] = sum * scale;
    sum -= shocks[t + 1 - plan.block];
  }
  return weights;
}

std::vector<double> wild_bootstrap(std::span<const double> fitted,
                                   std::span<const double> residual, const WildPlan& plan,
                                   const Statistic& statistic) {
  check(plan);
  expect_pair("wild bootstrap", fitted, residual);
  std::vector<double> values(plan.replicates);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t b = begin; b < end; ++b) {
      std::vector<double> sample = wild_weights(plan, b, fitted.size());
      for (std::size_t t = 0; t < sample.size(); ++t) {
        sample[t] = fitted[t] + sample[t] * residual[t];
      }
      values[b] = statistic(sample);
    }
  });
  return values;
}

Evidence wild_mean_test(std::span<const double> x, const WildPlan& plan) {
  check(plan);
  expect_finite("wild bootstrap", x);
  Evidence evidence = pair_evidence("wild_mean", "as the observations", x.size());
  evidence.null = "the mean is 0";
  evidence.assumptions = plan.weights == WildWeights::Dependent
                             ? "dependence that dies out within the block"
                             : "uncorrelated observations, of any variances";
  evidence.source = plan.weights == WildWeights::Dependent ? "Shao2010" : "Mammen1993";
  if (x.size() < 5) {
    return refuse(evidence, fmt::format("needs at least 5 observations, has {}", x.size()));
  }
  const bool constant = std::all_of(x.begin(), x.end(), [&](double v) { return v == x.front(); });
  if (constant) return refuse(evidence, "the observations do not vary");
  evidence.estimate = mean_of(x);
  const double observed = squared_t(x, plan);
  std::vector<double> residual(x.begin(), x.end());
  if (plan.weights == WildWeights::Dependent || plan.weights == WildWeights::Mammen) {
    // Weights that do not flip signs alone need residuals of mean 0.
    for (double& value : residual) value -= *evidence.estimate;
  }
  const std::vector<double> zero(x.size());
  const std::vector<double> replicates = wild_bootstrap(
      zero, residual, plan, [&](std::span<const double> sample) { return squared_t(sample, plan); });
  const auto reached = std::count_if(replicates.begin(), replicates.end(),
                                     [&](double value) { return value >= observed * (1 - 1e-12); });
  evidence.statistic = std::copysign(std::sqrt(observed), *evidence.estimate);
  evidence.p_value = static_cast<double>(1 + reached) / static_cast<double>(plan.replicates + 1);
  evidence.method = fmt::format("wild bootstrap of mean over standard error, {} replicates",
                                plan.replicates);
  return evidence;
}

}  // namespace walras::stats
