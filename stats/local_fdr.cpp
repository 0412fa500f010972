#include "stats/p_values.hpp"

#include "engine/base/error.hpp"

#include <Eigen/Dense>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace walras::stats {
namespace {

constexpr const char* kWhere = "local false discovery rate";

/// Legendre polynomials of z scaled to [-1, 1]: powers of z would leave the regression without digits.
class Basis {
 public:
  Basis(double low, double high, std::size_t degree) : middle_((low + high) / 2), half_((high - low) / 2), degree_(static_cast<Eigen::Index>(degree)) {}

  [[nodiscard]] Eigen::RowVectorXd row(double z) const {
    const double x = (z - middle_) / half_;
    Eigen::RowVectorXd values(degree_ + 1);
    values(0) = 1;
    values(1) = x;
    for (Eigen::Index k = 1; k < degree_; ++k) {
      const auto order = static_cast<double>(k);
      values(k + 1) = ((2 * order + 1) * x * values(k) - order * values(k - 1)) / (order + 1);
    }
    return values;
  }

 private:
  double middle_, half_;
  Eigen::Index degree_;
};

double deviance(const Eigen::VectorXd& counts, const Eigen::VectorXd& means) {
  double sum = 0;
  for (Eigen::Index i = 0; i < counts.size(); ++i) {
    const double y = counts(i);
    sum += 2 * ((y > 0 ? y * std::log(y / means(i)) : 0) - (y - means(i)));
  }
  return sum;
}

/// Coefficients of the Poisson regression of log means, by reweighted least squares with halved steps where a full one
/// does not improve the fit.
Eigen::VectorXd fit(const Eigen::MatrixXd& design, const Eigen::VectorXd& counts) {
  Eigen::VectorXd coefficients = design.colPivHouseholderQr().solve((counts.array() + 1).log().matrix());
  const auto means_of = [&](const Eigen::VectorXd& b) -> Eigen::VectorXd {
    return (design * b).array().min(700.0).max(-700.0).exp().matrix();
  };
  Eigen::VectorXd means = means_of(coefficients);
  double fit_now = deviance(counts, means);
  for (int round = 0; round < 200; ++round) {
    const Eigen::VectorXd root = means.array().max(1e-12).sqrt().matrix();
    const Eigen::VectorXd residual = ((counts - means).array() / root.array()).matrix();
    const Eigen::VectorXd step = (root.asDiagonal() * design).colPivHouseholderQr().solve(residual);
    double length = 1;
    Eigen::VectorXd next = coefficients + step;
    Eigen::VectorXd next_means = means_of(next);
    double next_fit = deviance(counts, next_means);
    while (!(next_fit <= fit_now + 1e-12 * std::abs(fit_now)) && length > 1e-6) {
      length /= 2;
      next = coefficients + length * step;
      next_means = means_of(next);
      next_fit = deviance(counts, next_means);
    }
    const bool settled = std::abs(fit_now - next_fit) <= 1e-13 * (std::abs(next_fit) + 1);
    coefficients = std::move(next);
    means = std::move(next_means);
    fit_now = next_fit;
    if (settled) return coefficients;
  }
  fail(Fault::Numeric, kWhere, "expected the regression of the histogram to settle, was without end; use a lower degree");
}

void check(std::span<const double> z, const LocalFdrOptions& options) {
  if (z.size() < 20) fail(Fault::Numeric, kWhere, fmt::format("expected at least 20 z-scores, was {}", z.size()));
  if (!(options.true_share > 0 && options.true_share <= 1)) {
    fail(Fault::Numeric, kWhere, fmt::format("expected a share of true nulls in (0, 1], was {}", options.true_share));
  }
  if (options.degree < 1 || options.degree > 15 || options.edges <= options.degree + 1) {
    fail(Fault::Numeric, kWhere, fmt::format("expected a degree from 1 to 15 and more than degree + 1 edges, was {} and {}", options.degree, options.edges));
  }
  for (const double value : z) {
    if (!std::isfinite(value)) fail(Fault::Numeric, kWhere, fmt::format("expected finite z-scores, was {}", value));
  }
}

}  // namespace

std::vector<double> local_fdr(std::span<const double> z, const LocalFdrOptions& options) {
  check(z, options);
  const auto [lowest, highest] = std::minmax_element(z.begin(), z.end());
  const double low = *lowest;
  const std::size_t bins = options.edges - 1;
  const double width = (*highest - low) / static_cast<double>(bins);
  if (!(width > 0)) fail(Fault::Numeric, kWhere, "expected z-scores that differ, were all equal");
  Eigen::VectorXd counts = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(bins));
  for (const double value : z) {
    const auto bin = std::min(bins - 1, static_cast<std::size_t>((value - low) / width));
    counts(static_cast<Eigen::Index>(bin)) += 1;
  }
  const Basis basis(low, *highest, options.degree);
  Eigen::MatrixXd design(counts.size(), static_cast<Eigen::Index>(options.degree + 1));
  for (Eigen::Index i = 0; i < counts.size(); ++i) design.row(i) = basis.row(low + (static_cast<double>(i) + 0.5) * width);
  const Eigen::VectorXd coefficients = fit(design, counts);
  const double scale = static_cast<double>(z.size()) * width;
  std::vector<double> result;
  result.reserve(z.size());
  for (const double value : z) {
    const double log_density = std::clamp(basis.row(value).dot(coefficients), -700.0, 700.0) - std::log(scale);
    const double log_null = std::log(options.true_share) - value * value / 2 - 0.5 * std::log(2 * std::numbers::pi);
    result.push_back(std::min(1.0, std::exp(std::min(0.0, log_null - log_density))));
  }
  return result;
}

}  // namespace walras::stats
