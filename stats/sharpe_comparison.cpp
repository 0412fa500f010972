// Tests of a difference of two Sharpe ratios.
#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "stats/comparison.hpp"
#include "stats/dependence.hpp"
#include "stats/distributions.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <Eigen/Cholesky>
#include <Eigen/Eigenvalues>
#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;     // replicates a task; part of no result
constexpr double kMostPersistent = 0.97;  // of a prewhitening autoregression (AndrewsMonahan1992)

/// A series in units of its own standard deviation (divisor n).
struct Standardised {
  std::vector<double> z;
  double ratio = 0;  // mean / standard deviation, divisor n - 1
  bool varies = false;
};

Standardised standardise(std::span<const double> x) {
  const RunningMoments moments(x);
  const auto n = static_cast<double>(x.size());
  const double variance = moments.square_sum() / n;
  Standardised result;
  result.varies = x.size() > 1 && variance > moments.tiny();
  if (!result.varies) return result;
  const double deviation = std::sqrt(variance);
  result.ratio = moments.mean() / (deviation * std::sqrt(n / (n - 1)));
  for (const double value : x) result.z.push_back((value - moments.mean()) / deviation);
  return result;
}

double correlation(const Standardised& a, const Standardised& b) {
  double sum = 0;
  for (std::size_t t = 0; t < a.z.size(); ++t) sum += a.z[t] * b.z[t];
  return std::clamp(sum / static_cast<double>(a.z.size()), -1.0, 1.0);
}

/// Why two series cannot be compared; empty where they can.
std::string obstacle(const Standardised& a, const Standardised& b, std::size_t n,
                     std::size_t least) {
  if (n < least) return fmt::format("needs at least {} returns, has {}", least, n);
  if (!a.varies) return "the first series does not vary";
  if (!b.varies) return "the second series does not vary";
  // Exactly 1 is never reached in rounding; what differs by less is a copy in another currency.
  double apart = 0;
  for (std::size_t t = 0; t < n; ++t) apart = std::max(apart, std::abs(a.z[t] - b.z[t]));
  return apart < 1e-9 ? "the two series differ by scale or level alone" : "";
}

/// Residuals of a first-order vector autoregression without constant, and what recolours them.
struct Whitened {
  Eigen::Matrix4Xd residuals;  // one column a period from the second on
  Eigen::Matrix4d recolour;
};

Whitened whiten(const Eigen::Matrix4Xd& values) {
  const Eigen::Index n = values.cols();
  const auto now = values.rightCols(n - 1);
  const auto before = values.leftCols(n - 1);
  const Eigen::Matrix4d outer = before * before.transpose();
  const Eigen::Matrix4d cross = now * before.transpose();
  Eigen::Matrix4d lag = outer.ldlt().solve(cross.transpose()).transpose();
  // Singular values are cut to the bound: along each right singular vector, by its own share.
  const Eigen::SelfAdjointEigenSolver<Eigen::Matrix4d> parts(lag.transpose() * lag);
  Eigen::Vector4d shrink;
  for (int i = 0; i < 4; ++i) {
    const double singular = std::sqrt(std::max(0.0, parts.eigenvalues()[i]));
    shrink[i] = singular > kMostPersistent ? kMostPersistent / singular : 1;
  }
  lag *= parts.eigenvectors() * shrink.asDiagonal() * parts.eigenvectors().transpose();
  return {now - lag * before, (Eigen::Matrix4d::Identity() - lag).inverse()};
}

/// Andrews' bandwidth of the quadratic spectral kernel for a vector with equal weights, by first-order
/// autoregressions of its parts (Andrews1991, eq. 6.4).
double bandwidth(const Eigen::Matrix4Xd& residuals) {
  double numerator = 0;
  double denominator = 0;
  const Eigen::Index n = residuals.cols();
  for (Eigen::Index row = 0; row < 4; ++row) {
    double cross = 0;
    double before = 0;
    for (Eigen::Index t = 1; t < n; ++t) {
      cross += residuals(row, t) * residuals(row, t - 1);
      before += residuals(row, t - 1) * residuals(row, t - 1);
    }
    if (!(before > 0)) continue;
    const double rho = std::clamp(cross / before, -kMostPersistent, kMostPersistent);
    double squares = 0;
    for (Eigen::Index t = 1; t < n; ++t) {
      const double shock = residuals(row, t) - rho * residuals(row, t - 1);
      squares += shock * shock;
    }
    const double fourth = std::pow(squares / static_cast<double>(n - 1), 2);
    numerator += 4 * rho * rho * fourth / std::pow(1 - rho, 8);
    denominator += fourth / std::pow(1 - rho, 4);
  }
  if (!(denominator > 0)) return 0;
  return 1.3221 * std::pow(numerator / denominator * static_cast<double>(n), 0.2);
}

std::optional<double> difference_error(const Standardised& a, const Standardised& b) {
  const std::size_t n = a.z.size();
  Eigen::Matrix4Xd values(4, static_cast<Eigen::Index>(n));
  for (std::size_t t = 0; t < n; ++t) {
    values.col(static_cast<Eigen::Index>(t)) << a.z[t], b.z[t], a.z[t] * a.z[t] - 1,
        b.z[t] * b.z[t] - 1;
  }
  const Whitened white = whiten(values);
  const Eigen::Vector4d gradient(1, -1, -a.ratio / 2, b.ratio / 2);
  const Eigen::RowVectorXd projected =
      (white.recolour.transpose() * gradient).transpose() * white.residuals;
  const std::vector<double> series(projected.data(), projected.data() + projected.size());
  const double variance =
      long_run_variance(series, Kernel::QuadraticSpectral, bandwidth(white.residuals));
  // Four moments were estimated.
  const auto size = static_cast<double>(n);
  if (!(variance > 0)) return std::nullopt;
  return std::sqrt(variance / (size - 4));
}

/// Difference of the ratios of one replicate, and its standard error from its own blocks.
kernel::Estimate replicate_difference(const kernel::Moments& a, const kernel::Moments& b,
                                      double tiny_a, double tiny_b,
                                      std::span<const Block> blocks) {
  const auto n = static_cast<double>(a.n);
  const kernel::Totals sum_a = kernel::totals(a, blocks.data(), blocks.size());
  const kernel::Totals sum_b = kernel::totals(b, blocks.data(), blocks.size());
  const kernel::Influence of_a = kernel::sharpe_influence(sum_a, n, a.centre, tiny_a);
  const kernel::Influence of_b = kernel::sharpe_influence(sum_b, n, b.centre, tiny_b);
  if (!of_a.defined || !of_b.defined) return {0, 0};
  double squares = 0;
  for (const Block block : blocks) {
    const kernel::PairSum part_a = kernel::block_sum(a, block);
    const kernel::PairSum part_b = kernel::block_sum(b, block);
    const double part = of_a.sum(part_a, block.length) - of_b.sum(part_b, block.length);
    squares += part * part;
  }
  return {(of_a.value - of_b.value) * std::sqrt((n - 1) / n), std::sqrt(squares) / n};
}

Evidence sharpe_evidence(std::string name, std::size_t n) {
  Evidence evidence = pair_evidence(std::move(name), "1/sqrt(period)", n);
  evidence.null = "both have the same Sharpe ratio";
  return evidence;
}

}  // namespace

Evidence jobson_korkie_memmel(std::span<const double> a, std::span<const double> b,
                              Alternative alternative) {
  expect_pair("Jobson-Korkie-Memmel", a, b);
  const std::size_t count = a.size();
  Evidence evidence = sharpe_evidence("jobson_korkie_memmel", count);
  evidence.assumptions = "independent, jointly normal returns";
  evidence.source = "JobsonKorkie1981, Memmel2003";
  if (count < 10) return refuse(evidence, fmt::format("needs at least 10 returns, has {}", count));
  const Standardised first = standardise(a);
  const Standardised second = standardise(b);
  if (const std::string why = obstacle(first, second, count, 10); !why.empty()) {
    return refuse(evidence, why);
  }
  const double rho = correlation(first, second);
  const double x = first.ratio;
  const double y = second.ratio;
  const auto n = static_cast<double>(count);
  const double variance = (2 * (1 - rho) + (x * x + y * y - 2 * x * y * rho * rho) / 2) / n;
  if (!(variance > 0)) return refuse(evidence, "the difference has no variance");
  evidence.estimate = x - y;
  evidence.statistic = (x - y) / std::sqrt(variance);
  evidence.p_value = two_tails(normal_probability(-*evidence.statistic),
                               normal_probability(*evidence.statistic), alternative);
  evidence.method = fmt::format("normal, standard error {:.4g}", std::sqrt(variance));
  return evidence;
}

std::optional<double> sharpe_difference_error(std::span<const double> a,
                                              std::span<const double> b) {
  expect_pair("Ledoit-Wolf", a, b);
  if (a.size() < 10) return std::nullopt;
  const Standardised first = standardise(a);
  const Standardised second = standardise(b);
  if (!obstacle(first, second, a.size(), 10).empty()) return std::nullopt;
  return difference_error(first, second);
}

double circular_block_length(std::span<const double> a, std::span<const double> b) {
  double longest = 1;
  for (const std::span<const double> x : {a, b}) {
    if (x.empty()) continue;
    const double mean = mean_of(x);
    std::vector<double> squared;
    for (const double value : x) squared.push_back((value - mean) * (value - mean));
    longest = std::max({longest, block_length(x).circular, block_length(squared).circular,
                        std::pow(static_cast<double>(x.size()), 0.2)});
  }
  return std::round(longest);
}

Evidence ledoit_wolf(std::span<const double> a, std::span<const double> b,
                     const ResamplePlan& plan, double level) {
  expect_pair("Ledoit-Wolf", a, b);
  check(plan);
  if (a.size() != plan.periods) {
    fail(Fault::Numeric, "Ledoit-Wolf",
         fmt::format("expected {} returns, was {}", plan.periods, a.size()));
  }
  Evidence evidence = sharpe_evidence("ledoit_wolf", a.size());
  evidence.assumptions = "stationary returns with four moments";
  evidence.source = "LedoitWolf2008";
  evidence.level = level;
  if (a.size() < 20) return refuse(evidence, fmt::format("needs at least 20 returns, has {}", a.size()));
  const Standardised first = standardise(a);
  const Standardised second = standardise(b);
  if (const std::string why = obstacle(first, second, a.size(), 20); !why.empty()) {
    return refuse(evidence, why);
  }
  const std::optional<double> error = difference_error(first, second);
  if (!error) return refuse(evidence, "the difference has no variance");

  const RunningMoments moments_a(a);
  const RunningMoments moments_b(b);
  const double difference = first.ratio - second.ratio;
  const double statistic = std::abs(difference) / *error;
  std::vector<double> deviations(plan.replicates);
  const BlockSampler sampler(plan);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    for (std::size_t r = begin; r < end; ++r) {
      sampler.draw(r, blocks);
      const kernel::Estimate one = replicate_difference(moments_a.view(), moments_b.view(),
                                                        moments_a.tiny(), moments_b.tiny(), blocks);
      // A replicate without spread says nothing against the null's extremes.
      deviations[r] = one.error > 0 ? std::abs(one.value - difference) / one.error
                                    : std::numeric_limits<double>::infinity();
    }
  });
  const auto reached = std::count_if(deviations.begin(), deviations.end(),
                                     [&](double value) { return value >= statistic; });
  std::sort(deviations.begin(), deviations.end());
  const double reach = quantile(deviations, level);
  evidence.estimate = difference;
  evidence.statistic = statistic;
  evidence.p_value =
      static_cast<double>(1 + reached) / static_cast<double>(plan.replicates + 1);
  if (std::isfinite(reach)) {
    evidence.interval = Bounds{difference - reach * *error, difference + reach * *error};
  }
  evidence.method = fmt::format(
      "studentised {} bootstrap, block {:.3g}, {} replicates, standard error {:.4g} (quadratic "
      "spectral, prewhitened; normal p-value {:.3g})",
      text(plan.scheme), plan.mean_block, plan.replicates, *error,
      2 * normal_probability(-statistic));
  return evidence;
}

Evidence bayesian_sharpe(std::span<const double> a, std::span<const double> b, std::size_t draws,
                         std::uint64_t seed, double level) {
  expect_pair("Bayesian Sharpe comparison", a, b);
  if (draws < 100 || draws > 10'000'000) {
    fail(Fault::Numeric, "Bayesian Sharpe comparison",
         fmt::format("expected 100 to 10 million draws, was {}", draws));
  }
  const std::size_t count = a.size();
  Evidence evidence = sharpe_evidence("bayesian_sharpe", count);
  evidence.null.clear();
  evidence.assumptions =
      "independent, jointly normal returns; prior density |covariance|^(-3/2), flat in the means";
  evidence.source = "BoxTiao1973";
  evidence.level = level;
  if (count < 10) return refuse(evidence, fmt::format("needs at least 10 returns, has {}", count));
  const Standardised first = standardise(a);
  const Standardised second = standardise(b);
  if (const std::string why = obstacle(first, second, count, 10); !why.empty()) {
    return refuse(evidence, why);
  }
  const auto n = static_cast<double>(count);
  const double rho = correlation(first, second);
  const double rest = std::sqrt(std::max(0.0, 1 - rho * rho));
  std::vector<double> differences(draws);
  parallel_chunks(draws, 1024, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (std::size_t d = begin; d < end; ++d) {
      // In units of the samples' standard deviations. The covariance is (n - 1) m m', with m the
      // samples' Cholesky factor times the inverse transpose of Bartlett's factor of a Wishart.
      Rng random(seed, "bayesian sharpe", d);
      const double chi_1 = std::sqrt(random.gamma((n - 1) / 2, 2));
      const double chi_2 = std::sqrt(random.gamma((n - 2) / 2, 2));
      const double below = random.normal();
      const double m11 = 1 / chi_1;
      const double m12 = -below / (chi_1 * chi_2);
      const double m21 = rho * m11;
      const double m22 = rho * m12 + rest / chi_2;
      const double e1 = random.normal();
      const double e2 = random.normal();
      // mean / deviation = (ratio + sqrt(n - 1) m e / sqrt(n)) / (sqrt(n - 1) |m|)
      const double root = std::sqrt(n - 1);
      const double ratio_a = (first.ratio + root * (m11 * e1 + m12 * e2) / std::sqrt(n)) /
                             (root * std::sqrt(m11 * m11 + m12 * m12));
      const double ratio_b = (second.ratio + root * (m21 * e1 + m22 * e2) / std::sqrt(n)) /
                             (root * std::sqrt(m21 * m21 + m22 * m22));
      differences[d] = ratio_a - ratio_b;
    }
  });
  const auto larger = std::count_if(differences.begin(), differences.end(),
                                    [](double value) { return value > 0; });
  evidence.estimate = mean_of(differences);
  evidence.statistic = static_cast<double>(larger) / static_cast<double>(draws);
  evidence.interval = percentile_bounds(differences, level);
  evidence.method = fmt::format(
      "{} draws from the posterior; estimate is its mean, statistic the probability that the first "
      "is larger, interval credible",
      draws);
  return evidence;
}

}  // namespace walras::stats
