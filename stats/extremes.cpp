#include "stats/extremes.hpp"

#include "engine/base/error.hpp"
#include "stats/resample.hpp"

#include <boost/math/tools/minima.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

namespace walras::stats {
namespace {

constexpr std::size_t kFewest = 25;
constexpr double kLowestShape = -0.5;

/// For a given theta = shape / scale the best shape is the mean of ln(1 + theta y): one unknown is left.
ParetoFit profile(std::span<const double> y, double theta, double mean) {
  if (std::abs(theta) * mean < 1e-9) return {0, mean, -static_cast<double>(y.size()) * (std::log(mean) + 1)};
  double shape = 0;
  for (const double value : y) shape += std::log1p(theta * value);
  shape /= static_cast<double>(y.size());
  const double scale = shape / theta;
  return {shape, scale, -static_cast<double>(y.size()) * (std::log(scale) + shape + 1)};
}

}  // namespace

ParetoFit fit_pareto(std::span<const double> excesses) {
  double mean = 0, largest = 0;
  for (const double value : excesses) {
    mean += value / static_cast<double>(excesses.size());
    largest = std::max(largest, value);
  }
  expects(excesses.size() >= 2 && largest > 0, "at least two excesses that are not all zero");
  // theta from just above -1 / largest, where the law ends at the largest value, to very heavy tails; as
  // ln(1 + theta largest), in which both ends are far away.
  const auto at = [&](double position) { return profile(excesses, std::expm1(position) / largest, mean); };
  const auto cost = [&](double position) {
    const ParetoFit fit = at(position);
    return fit.shape < kLowestShape ? 1e9 + static_cast<double>(excesses.size()) * (kLowestShape - fit.shape) : -fit.log_likelihood;
  };
  constexpr int kSteps = 60;
  constexpr double kLow = -4, kHigh = 12, kStep = (kHigh - kLow) / kSteps;
  int best = 0;
  for (int i = 1; i <= kSteps; ++i) {
    if (cost(kLow + i * kStep) < cost(kLow + best * kStep)) best = i;
  }
  const double middle = kLow + best * kStep;
  const double found = boost::math::tools::brent_find_minima(cost, middle - kStep, middle + kStep, 45).first;
  return at(found);
}

double TailFit::value_at_risk(double tail) const {
  const double ratio = share / tail;
  if (std::abs(shape) < 1e-9) return threshold + scale * std::log(ratio);
  return threshold + scale / shape * std::expm1(shape * std::log(ratio));
}

double TailFit::expected_shortfall(double tail) const {
  expects(shape < 1, "a tail with a finite mean");
  return (value_at_risk(tail) + scale - shape * threshold) / (1 - shape);
}

std::optional<TailFit> fit_tail(std::span<const double> sorted_returns) {
  TailFit fit;
  if (sorted_returns.size() < kFewest) return std::nullopt;
  fit.threshold = -quantile(sorted_returns, kTailShare);
  std::vector<double> excesses;
  for (const double value : sorted_returns) {
    if (!(-value > fit.threshold)) break;
    excesses.push_back(-value - fit.threshold);
  }
  if (excesses.size() < kFewest || excesses.front() == excesses.back()) return std::nullopt;
  const ParetoFit law = fit_pareto(excesses);
  fit.shape = law.shape;
  fit.scale = law.scale;
  fit.exceedances = excesses.size();
  fit.share = static_cast<double>(excesses.size()) / static_cast<double>(sorted_returns.size());
  return fit;
}

}  // namespace walras::stats
