#pragma once
// Small return series and random ones for the statistics' tests.
#include "engine/base/random.hpp"
#include "stats/returns.hpp"

#include <cmath>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace walras::stats {

inline constexpr Nanos kFirstOf2020{18'262 * kNanosPerDay};  // 2020-01-01, a Wednesday

/// Period ends `spacing_days` apart; the first return's period starts on 2020-01-01.
inline ReturnSeries spaced(std::vector<double> returns, double periods_per_year, double spacing_days = 1) {
  ReturnSeries series{"sample", {}, std::move(returns), periods_per_year, kFirstOf2020};
  for (std::size_t t = 1; t <= series.returns.size(); ++t) {
    const double days = spacing_days * static_cast<double>(t);
    series.times.push_back(kFirstOf2020 + Nanos{static_cast<std::int64_t>(days * static_cast<double>(kNanosPerDay))});
  }
  return series;
}

inline std::vector<double> normals(std::size_t n, double mean, double deviation, std::uint64_t seed,
                                   std::uint64_t index = 0) {
  Rng random(seed, "test sample", index);
  std::vector<double> values(n);
  for (double& value : values) value = mean + deviation * random.normal();
  return values;
}

/// First-order autoregression of mean 0.
inline std::vector<double> autoregression(std::size_t n, double rho, double deviation, std::uint64_t seed,
                                          std::uint64_t index = 0) {
  std::vector<double> values = normals(n + 100, 0, deviation, seed, index);
  for (std::size_t t = 1; t < values.size(); ++t) values[t] += rho * values[t - 1];
  return {values.begin() + 100, values.end()};
}

inline std::vector<std::span<const double>> spans(const std::vector<std::vector<double>>& series) {
  return {series.begin(), series.end()};
}

}  // namespace walras::stats
