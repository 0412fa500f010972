// Tests of equal predictive ability on loss differences: Diebold-Mariano, Giacomini-White.
#include "engine/base/error.hpp"
#include "stats/comparison.hpp"
#include "stats/dependence.hpp"
#include "stats/distributions.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

void expect_horizon(std::string_view where, std::size_t horizon, std::size_t n) {
  if (horizon < 1 || horizon >= n) {
    fail(Fault::Numeric, where,
         fmt::format("expected a forecast horizon from 1 to {}, one less than the losses, was {}",
                     n - 1, horizon));
  }
}

std::vector<double> difference(std::span<const double> a, std::span<const double> b) {
  std::vector<double> result(a.begin(), a.end());
  for (std::size_t t = 0; t < b.size(); ++t) result[t] -= b[t];
  return result;
}

bool is_constant(std::span<const double> x) {
  return std::all_of(x.begin(), x.end(), [&](double value) { return value == x.front(); });
}

/// Solves the symmetric positive definite system by Cholesky's decomposition, row-major, in place;
/// false where it is singular to rounding.
bool solve(std::vector<double>& matrix, std::vector<double>& right) {
  const std::size_t n = right.size();
  std::vector<double> scale(n);
  for (std::size_t i = 0; i < n; ++i) scale[i] = matrix[i * n + i];
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double sum = matrix[i * n + j];
      for (std::size_t k = 0; k < j; ++k) sum -= matrix[i * n + k] * matrix[j * n + k];
      if (i != j) {
        matrix[i * n + j] = sum / matrix[j * n + j];
      } else if (sum > 1e-12 * scale[i]) {
        matrix[i * n + i] = std::sqrt(sum);
      } else {
        return false;
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) right[i] -= matrix[i * n + k] * right[k];
    right[i] /= matrix[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) right[i] -= matrix[k * n + i] * right[k];
    right[i] /= matrix[i * n + i];
  }
  return true;
}

/// What is known at t and its product with the loss difference `horizon` later.
struct Conditional {
  std::size_t instruments, rows;
  std::vector<double> products;  // rows x instruments
  std::vector<double> mean;
};

Conditional conditional(std::span<const double> loss, std::size_t horizon,
                        std::span<const std::span<const double>> instruments) {
  const std::size_t rows = loss.size() - horizon;
  const std::vector<double> ones(instruments.empty() ? loss.size() : 0, 1.0);
  const std::vector<std::span<const double>> own{ones, loss};
  if (instruments.empty()) instruments = own;
  Conditional result{instruments.size(), rows, {}, std::vector<double>(instruments.size())};
  result.products.reserve(rows * result.instruments);
  for (std::size_t t = 0; t < rows; ++t) {
    for (std::size_t i = 0; i < result.instruments; ++i) {
      result.products.push_back(instruments[i][t] * loss[t + horizon]);
      result.mean[i] += result.products.back() / static_cast<double>(rows);
    }
  }
  return result;
}

/// Second moments with Bartlett weights on the lags below the horizon; one step on, the products are
/// martingale differences under the null, and need none.
std::vector<double> second_moments(const Conditional& z, std::size_t horizon) {
  const std::size_t q = z.instruments;
  std::vector<double> omega(q * q);
  for (std::size_t lag = 0; lag < horizon && lag < z.rows; ++lag) {
    const double weight = 1 - static_cast<double>(lag) / static_cast<double>(horizon);
    for (std::size_t t = lag; t < z.rows; ++t) {
      const double* now = z.products.data() + t * q;
      const double* before = z.products.data() + (t - lag) * q;
      for (std::size_t i = 0; i < q; ++i) {
        for (std::size_t j = 0; j < q; ++j) {
          const double both =
              lag == 0 ? now[i] * now[j] : now[i] * before[j] + before[i] * now[j];
          omega[i * q + j] += weight * both / static_cast<double>(z.rows);
        }
      }
    }
  }
  return omega;
}

}  // namespace

Evidence diebold_mariano(std::span<const double> loss_a, std::span<const double> loss_b,
                         std::size_t horizon, LossVariance variance, Alternative alternative) {
  expect_pair("Diebold-Mariano", loss_a, loss_b);
  const std::size_t count = loss_a.size();
  Evidence evidence = pair_evidence("diebold_mariano", "loss", count);
  evidence.null = "both have the same expected loss";
  evidence.assumptions = fmt::format(
      "loss differences stationary, uncorrelated beyond lag {}", horizon > 0 ? horizon - 1 : 0);
  evidence.source = "DieboldMariano1995, HarveyLeybourneNewbold1997";
  if (count < 3) return refuse(evidence, fmt::format("needs at least 3 losses, has {}", count));
  expect_horizon("Diebold-Mariano", horizon, count);

  const std::vector<double> loss = difference(loss_a, loss_b);
  const auto n = static_cast<double>(count);
  const auto h = static_cast<double>(horizon);
  const std::vector<double> covariance = autocovariance(loss, horizon - 1);
  double spectrum = covariance[0];
  for (std::size_t lag = 1; lag < horizon; ++lag) {
    const double weight =
        variance == LossVariance::Bartlett ? 1 - static_cast<double>(lag) / h : 1;
    spectrum += 2 * weight * covariance[lag];
  }
  // A constant difference leaves rounding behind, which is no variance.
  if (is_constant(loss)) spectrum = 0;
  if (!(spectrum > 0)) {
    fail(Fault::Numeric, "Diebold-Mariano",
         fmt::format("expected a positive long-run variance of the loss difference, was {:.5g}; {}",
                     spectrum,
                     variance == LossVariance::Rectangular && horizon > 1
                         ? "Bartlett weights cannot give a negative one"
                         : "the two differ by a constant"));
  }
  const double mean = mean_of(loss);
  const double correction = std::sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n);
  evidence.estimate = mean;
  evidence.statistic = mean / std::sqrt(spectrum / n) * correction;
  const double statistic = *evidence.statistic;
  evidence.p_value = two_tails(student_t_tail(statistic, n - 1), student_t_tail(-statistic, n - 1),
                               alternative);
  evidence.method = fmt::format(
      "horizon {}, {} weights, small-sample correction, t with {} degrees", horizon,
      variance == LossVariance::Bartlett ? "Bartlett" : "rectangular", count - 1);
  return evidence;
}

Evidence giacomini_white(std::span<const double> loss_a, std::span<const double> loss_b,
                         std::size_t horizon,
                         std::span<const std::span<const double>> instruments) {
  expect_pair("Giacomini-White", loss_a, loss_b);
  const std::size_t n = loss_a.size();
  for (const std::span<const double> one : instruments) {
    if (one.size() != n) {
      fail(Fault::Numeric, "Giacomini-White",
           fmt::format("expected {} values of an instrument, was {}", n, one.size()));
    }
    expect_finite("Giacomini-White", one);
  }
  Evidence evidence = pair_evidence("giacomini_white", "loss", n);
  evidence.null = instruments.empty()
                      ? "the next loss difference cannot be told from the last"
                      : "the next loss difference cannot be told from the instruments";
  evidence.assumptions = "models estimated on windows of bounded length; mixing losses";
  evidence.source = "GiacominiWhite2006";
  const std::size_t unknowns = instruments.empty() ? 2 : instruments.size();
  if (n < 10 + unknowns) {
    return refuse(evidence, fmt::format("needs at least {} losses, has {}", 10 + unknowns, n));
  }
  expect_horizon("Giacomini-White", horizon, n);
  if (horizon + 10 > n) {
    return refuse(evidence, fmt::format("{} losses are too few for a horizon of {}", n, horizon));
  }

  const std::vector<double> loss = difference(loss_a, loss_b);
  evidence.estimate = mean_of(loss);
  const Conditional z = conditional(loss, horizon, instruments);
  std::vector<double> omega = second_moments(z, horizon);
  std::vector<double> direction = z.mean;
  if (!solve(omega, direction)) {
    return refuse(evidence, "the instruments' products with the loss difference are collinear");
  }
  double statistic = 0;
  for (std::size_t i = 0; i < z.instruments; ++i) statistic += z.mean[i] * direction[i];
  evidence.statistic = std::max(0.0, statistic * static_cast<double>(z.rows));
  evidence.p_value = chi_square_tail(*evidence.statistic, static_cast<double>(z.instruments));
  evidence.method = fmt::format("horizon {}, {} instruments, chi-squared with {} degrees", horizon,
                                z.instruments, z.instruments);
  return evidence;
}

}  // namespace walras::stats
