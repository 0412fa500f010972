#include "stats/dependence.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numbers>

namespace walras::stats {
namespace {

std::vector<double> centred(std::span<const double> x) {
  double mean = 0;
  for (const double value : x) mean += value;
  mean /= static_cast<double>(x.size());
  std::vector<double> result(x.begin(), x.end());
  for (double& value : result) value -= mean;
  return result;
}

double lagged_product(std::span<const double> x, std::size_t lag) {
  double sum = 0;
  for (std::size_t t = lag; t < x.size(); ++t) sum += x[t] * x[t - lag];
  return sum;
}

/// The same around the end.
double circular_product(std::span<const double> x, std::size_t lag) {
  double sum = lagged_product(x, lag);
  for (std::size_t t = 0; t < lag; ++t) sum += x[t] * x[x.size() - lag + t];
  return sum;
}

bool is_constant(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [&](double value) { return value == x.front(); });
}

double quadratic_spectral(double x) {
  if (x == 0) return 1;
  const double a = 6 * std::numbers::pi * x / 5;
  return 25 / (12 * std::numbers::pi * std::numbers::pi * x * x) * (std::sin(a) / a - std::cos(a));
}

constexpr std::size_t kFewest = 10;  // observations of which autocorrelations say anything

/// The long-run variance by the flat-top kernel and the sum of its autocovariances times their lags.
struct FlatTop {
  double spectrum = 0, slope = 0;
  std::size_t significant_lag = 0;
};

/// Range: at least kFewest observations that are not all equal.
FlatTop flat_top(std::span<const double> x) {
  const std::size_t n = x.size();
  const auto size = static_cast<double>(n);
  const auto quiet =
      static_cast<std::size_t>(std::max(5.0, std::ceil(std::sqrt(std::log10(size)))));
  const std::size_t longest =
      std::min(n - 1, static_cast<std::size_t>(std::ceil(std::sqrt(size))) + quiet);
  const std::vector<double> values = centred(x);
  std::vector<double> covariance;  // as far as it is asked for: mostly a few lags of many
  const auto at = [&](std::size_t lag) {
    while (covariance.size() <= lag) covariance.push_back(lagged_product(values, covariance.size()) / size);
    return covariance[lag];
  };
  const double threshold = 2 * std::sqrt(std::log10(size) / size);

  // The first lag of a run of insignificant ones, as in the authors' program (the paper's text
  // counts one less); failing that, the last significant one.
  FlatTop result;
  std::size_t cut = 0;
  std::size_t run = 0;
  for (std::size_t lag = 1; lag <= longest && cut == 0; ++lag) {
    if (std::abs(at(lag) / at(0)) < threshold) {
      if (++run == quiet) cut = lag - quiet + 1;
    } else {
      run = 0;
      result.significant_lag = lag;
    }
  }
  if (cut == 0) cut = result.significant_lag;

  const std::size_t width = std::min(2 * cut, longest);
  result.spectrum = at(0);
  for (std::size_t lag = 1; lag <= width; ++lag) {
    const double share = static_cast<double>(lag) / static_cast<double>(width);
    const double weight = share <= 0.5 ? 1.0 : 2 * (1 - share);
    result.spectrum += 2 * weight * at(lag);
    result.slope += 2 * weight * static_cast<double>(lag) * at(lag);
  }
  return result;
}

}  // namespace

std::vector<double> autocovariance(std::span<const double> x, std::size_t max_lag) {
  if (max_lag >= x.size()) {
    fail(Fault::Numeric, "autocovariance",
         fmt::format("expected a lag below the {} observations, was {}", x.size(), max_lag));
  }
  const std::vector<double> values = centred(x);
  std::vector<double> result(max_lag + 1);
  for (std::size_t lag = 0; lag <= max_lag; ++lag) {
    result[lag] = lagged_product(values, lag) / static_cast<double>(x.size());
  }
  return result;
}

BlockLength block_length(std::span<const double> x) {
  if (x.size() < kFewest || is_constant(x)) return {};
  const auto size = static_cast<double>(x.size());
  const FlatTop found = flat_top(x);
  const double cap = std::ceil(std::min(3 * std::sqrt(size), size / 3));
  const double stationary = std::cbrt(found.slope * found.slope / (found.spectrum * found.spectrum)) * std::cbrt(size);
  const double circular = std::cbrt(1.5) * stationary;
  const auto within = [&](double length) {
    return std::isfinite(length) ? std::clamp(length, 1.0, cap) : cap;
  };
  return {within(stationary), within(circular), found.significant_lag};
}

double flat_top_variance(std::span<const double> x) {
  if (x.size() < kFewest || is_constant(x)) return long_run_variance(x, Kernel::Bartlett, 0);
  return flat_top(x).spectrum;
}

double automatic_bandwidth(std::span<const double> x, Kernel kernel) {
  if (x.size() < 3 || is_constant(x)) return 0;
  const std::vector<double> values = centred(x);
  double before = 0;
  for (std::size_t t = 0; t + 1 < values.size(); ++t) before += values[t] * values[t];
  const double rho = std::clamp(lagged_product(values, 1) / before, -0.97, 0.97);
  const auto n = static_cast<double>(x.size());
  if (kernel == Kernel::Bartlett) {
    const double alpha = 4 * rho * rho / ((1 - rho) * (1 - rho) * (1 + rho) * (1 + rho));
    return 1.1447 * std::cbrt(alpha * n);
  }
  const double alpha = 4 * rho * rho / std::pow(1 - rho, 4);
  return 1.3221 * std::pow(alpha * n, 0.2);
}

double long_run_variance(std::span<const double> x, Kernel kernel, double bandwidth) {
  if (x.empty()) return 0;
  const std::vector<double> values = centred(x);
  const auto n = static_cast<double>(x.size());
  double variance = lagged_product(values, 0) / n;
  if (!(bandwidth > 0)) return variance;
  for (std::size_t lag = 1; lag < x.size(); ++lag) {
    const double share = static_cast<double>(lag) / bandwidth;
    if (kernel == Kernel::Bartlett && share >= 1) break;
    // The quadratic spectral kernel never ends; beyond 60 bandwidths its weights are below 1e-4 and
    // alternate.
    if (kernel == Kernel::QuadraticSpectral && share > 60) break;
    const double weight = kernel == Kernel::Bartlett ? 1 - share : quadratic_spectral(share);
    variance += 2 * weight * lagged_product(values, lag) / n;
  }
  return variance;
}

double stationary_bootstrap_variance(std::span<const double> x, double mean_block) {
  if (x.empty()) return 0;
  const std::vector<double> values = centred(x);
  const std::size_t n = x.size();
  const auto size = static_cast<double>(n);
  double variance = lagged_product(values, 0) / size;
  if (mean_block <= 1) return variance;
  const double stay = 1 - 1 / mean_block;
  double survival = 1;
  for (std::size_t lag = 1; lag < n; ++lag) {
    survival *= stay;
    if (survival < 1e-12) break;
    const double weight = (1 - static_cast<double>(lag) / size) * survival;
    variance += 2 * weight * circular_product(values, lag) / size;
  }
  return variance;
}

double circular_bootstrap_variance(std::span<const double> x, std::size_t block) {
  expects(block >= 1 && block <= x.size(), "blocks of 1 to n observations");
  const std::vector<double> values = centred(x);
  const auto size = static_cast<double>(x.size());
  double variance = lagged_product(values, 0) / size;
  for (std::size_t lag = 1; lag < block; ++lag) {
    const double weight = 1 - static_cast<double>(lag) / static_cast<double>(block);
    variance += 2 * weight * circular_product(values, lag) / size;
  }
  return variance;
}

}  // namespace walras::stats
