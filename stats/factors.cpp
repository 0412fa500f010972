#include "stats/factors.hpp"

#include "engine/base/error.hpp"
#include "stats/distributions.hpp"

#include <Eigen/Dense>
#include <fmt/format.h>
#include <cmath>

namespace walras::stats {
namespace {

/// t with P(|T| > t) = 1 - level, by bisection: exact to the last bits and the same everywhere.
double student_bound(double level, double degrees) {
  double low = 0, high = 1;
  while (student_two_sided(high, degrees) > 1 - level) high *= 2;
  for (int i = 0; i < 100; ++i) {
    const double middle = (low + high) / 2;
    (student_two_sided(middle, degrees) > 1 - level ? low : high) = middle;
  }
  return high;
}

/// Covariance of the coefficients that allows for autocorrelated errors of changing variance.
Eigen::MatrixXd robust_covariance(const Eigen::MatrixXd& x, const Eigen::VectorXd& residuals, std::size_t lags) {
  const Eigen::Index n = x.rows();
  const Eigen::MatrixXd scores = residuals.asDiagonal() * x;
  Eigen::MatrixXd middle = scores.transpose() * scores;
  for (std::size_t lag = 1; lag <= lags; ++lag) {
    const auto shift = static_cast<Eigen::Index>(lag);
    if (shift >= n) break;
    const double weight = 1 - static_cast<double>(lag) / (static_cast<double>(lags) + 1);
    const Eigen::MatrixXd product = scores.bottomRows(n - shift).transpose() * scores.topRows(n - shift);
    middle += weight * (product + product.transpose());
  }
  const Eigen::MatrixXd inverse = (x.transpose() * x).ldlt().solve(Eigen::MatrixXd::Identity(x.cols(), x.cols()));
  return inverse * middle * inverse * static_cast<double>(n) / static_cast<double>(n - x.cols());
}

Evidence coefficient(std::string name, std::string unit, double value, double error, double scale, double bound, double degrees, double level,
                     std::string null) {
  Evidence evidence = without_estimate(std::move(name), std::move(unit), "");
  evidence.estimate = value * scale;
  evidence.source = "NeweyWest1987";
  evidence.assumptions = "stationary returns and factors, constant exposure";
  if (!(error > 0)) return evidence;
  evidence.interval = Bounds{(value - bound * error) * scale, (value + bound * error) * scale};
  evidence.level = level;
  evidence.p_value = student_two_sided(value / error, degrees);
  evidence.null = std::move(null);
  return evidence;
}

void check_input(std::size_t n, std::span<const Factor> factors, std::span<const double> risk_free) {
  const auto column = [&](const std::string& name, std::span<const double> values) {
    if (values.size() != n) fail(Fault::Data, name, fmt::format("expected one value for each of {} periods, was {}", n, values.size()));
    for (std::size_t i = 0; i < n; ++i) {
      if (!std::isfinite(values[i])) fail(Fault::Data, name, fmt::format("expected a finite return in row {}, was {}", i + 1, values[i]));
    }
  };
  for (const Factor& factor : factors) column(factor.name, factor.returns);
  if (!risk_free.empty()) column("risk-free rate", risk_free);
}

}  // namespace

std::size_t automatic_lags(std::size_t n) {
  return static_cast<std::size_t>(std::floor(4 * std::pow(static_cast<double>(n) / 100, 2.0 / 9)));
}

FactorRegression regress_factors(const ReturnSeries& series, std::span<const Factor> factors, std::span<const double> risk_free,
                                 std::optional<std::size_t> lags, double level) {
  check(series);
  const std::size_t n = series.returns.size();
  check_input(n, factors, risk_free);
  FactorRegression result;
  result.n = n;
  result.lags = lags.value_or(automatic_lags(n));
  const std::size_t k = factors.size() + 1;
  const auto refuse = [&](std::string reason) {
    result.reason = reason;
    result.alpha = without_estimate("alpha", "fraction a year", reason);
    for (const Factor& factor : factors) result.betas.push_back(without_estimate(factor.name, "ratio", reason));
    return result;
  };
  if (n < k + 2) return refuse(fmt::format("needs at least {} periods for {} factors, has {}", k + 2, factors.size(), n));

  Eigen::MatrixXd x(static_cast<Eigen::Index>(n), static_cast<Eigen::Index>(k));
  Eigen::VectorXd y(static_cast<Eigen::Index>(n));
  for (std::size_t t = 0; t < n; ++t) {
    const auto row = static_cast<Eigen::Index>(t);
    y(row) = series.returns[t] - (risk_free.empty() ? 0 : risk_free[t]);
    x(row, 0) = 1;
    for (std::size_t f = 0; f + 1 < k; ++f) x(row, static_cast<Eigen::Index>(f + 1)) = factors[f].returns[t];
  }
  // Columns of unit length, so that the rank does not depend on units (percent or fraction).
  Eigen::VectorXd scale = x.colwise().norm().transpose();
  for (Eigen::Index c = 0; c < scale.size(); ++c) {
    if (!(scale(c) > 0)) return refuse(fmt::format("factor {} is 0 in every period", factors[static_cast<std::size_t>(c) - 1].name));
  }
  const Eigen::MatrixXd unit = x * scale.cwiseInverse().asDiagonal();
  Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(unit);
  solver.setThreshold(1e-10);
  if (solver.rank() < unit.cols()) return refuse("a factor is constant or a combination of the others");
  const Eigen::VectorXd scaled = solver.solve(y);
  const Eigen::VectorXd residuals = y - unit * scaled;
  const Eigen::VectorXd beta = scaled.cwiseQuotient(scale);
  const Eigen::VectorXd error = robust_covariance(unit, residuals, result.lags).diagonal().cwiseMax(0).cwiseSqrt().cwiseQuotient(scale);

  const double mean = y.mean(), total = (y.array() - mean).square().sum(), rest = residuals.squaredNorm();
  const double size = static_cast<double>(n), degrees = size - static_cast<double>(k), p = series.periods_per_year;
  result.r_squared = total > 0 ? 1 - rest / total : 0;
  result.adjusted_r_squared = total > 0 ? 1 - rest / degrees / (total / (size - 1)) : 0;
  result.residual_volatility = std::sqrt(rest / degrees * p);
  const double bound = student_bound(level, degrees);
  result.alpha = coefficient("alpha", "fraction a year", beta(0), error(0), p, bound, degrees, level, "no return beyond the factors'");
  result.standard_errors.push_back(error(0));
  for (std::size_t f = 0; f + 1 < k; ++f) {
    const auto c = static_cast<Eigen::Index>(f + 1);
    result.betas.push_back(coefficient(factors[f].name, "ratio", beta(c), error(c), 1, bound, degrees, level, "no exposure to the factor"));
    result.standard_errors.push_back(error(c));
    const Eigen::VectorXd column = x.col(c);
    result.contributions.push_back(beta(c) * column.mean() * p);
    result.risk_shares.push_back(total > 0 ? beta(c) * ((column.array() - column.mean()) * (y.array() - mean)).sum() / total : 0);
  }
  const std::string method = fmt::format("least squares, {} periods; errors with Bartlett weights over {} lags", n, result.lags);
  result.alpha.n = n;
  result.alpha.method = method;
  result.alpha.formula = "a of r - rf = a + sum(beta f) + e, times p";
  for (Evidence& entry : result.betas) {
    entry.n = n;
    entry.method = method;
    entry.formula = "beta of r - rf = a + sum(beta f) + e";
  }
  return result;
}

}  // namespace walras::stats
