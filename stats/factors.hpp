#pragma once
// Factor regression: how much of a strategy's return is paid by known factors, with errors that allow for
// autocorrelation and changing variance.
#include "stats/evidence.hpp"
#include "stats/returns.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::stats {

/// Excess or long-short returns of one factor, one a period of the strategy.
struct Factor {
  std::string name;
  std::vector<double> returns;
};

struct FactorRegression {
  std::size_t n = 0, lags = 0;
  std::string reason;                 ///< why there is no regression; empty where there is one
  Evidence alpha;                     ///< a year, interval and p-value
  std::vector<Evidence> betas;        ///< one a factor, interval and p-value
  std::vector<double> contributions;  ///< beta times the factor's mean a year; with alpha they add up to the mean excess return
  std::vector<double> risk_shares;    ///< beta cov(factor, r) / var(r); with the rest 1 - r_squared they add up to 1
  std::vector<double> standard_errors;  ///< of alpha a period, then of the betas
  double r_squared = 0, adjusted_r_squared = 0;
  double residual_volatility = 0;     ///< a year
};
/// Lags of the errors that allow for autocorrelation, floor(4 (n / 100)^(2 / 9)). Source: NeweyWest1994.
[[nodiscard]] std::size_t automatic_lags(std::size_t n);
/// Least squares of the strategy's return less `risk_free` (one a period; empty: none) on the factors and a constant.
/// Errors: Bartlett weights over `lags` (absent: automatic_lags()), times n / (n - k), Student with n - k degrees.
/// Throws Error{Data} where lengths differ or a number is not finite. Source: NeweyWest1987.
[[nodiscard]] FactorRegression regress_factors(const ReturnSeries& series, std::span<const Factor> factors,
                                               std::span<const double> risk_free = {}, std::optional<std::size_t> lags = {},
                                               double level = 0.95);

}  // namespace walras::stats
