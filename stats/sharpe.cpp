#include "stats/sharpe.hpp"

#include "engine/base/error.hpp"
#include "stats/dependence.hpp"
#include "stats/distributions.hpp"
#include "stats/pairs.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

namespace walras::stats {

PeriodSharpe per_period(AnnualSharpe sharpe, double periods_per_year) {
  return {sharpe.value / std::sqrt(periods_per_year)};
}
AnnualSharpe annual(PeriodSharpe sharpe, double periods_per_year) {
  return {sharpe.value * std::sqrt(periods_per_year)};
}
RawKurtosis raw(ExcessKurtosis kurtosis) { return {kurtosis.value + 3}; }

std::optional<SharpeFacts> sharpe_facts(std::span<const double> excess_returns) {
  expect_finite("Sharpe ratio", excess_returns);
  const std::size_t n = excess_returns.size();
  if (n < 2) return std::nullopt;
  const auto size = static_cast<double>(n);
  double mean = 0;
  double scale = 0;
  for (const double value : excess_returns) {
    mean += value;
    scale = std::max(scale, std::abs(value));
  }
  mean /= size;
  double m2 = 0;
  double m3 = 0;
  double m4 = 0;
  for (const double value : excess_returns) {
    const double d = value - mean;
    m2 += d * d;
    m3 += d * d * d;
    m4 += d * d * d * d;
  }
  m2 /= size;
  m3 /= size;
  m4 /= size;
  const double tiny = 1e-12 * scale;
  if (!(m2 > tiny * tiny)) return std::nullopt;
  const double deviation = std::sqrt(m2 * size / (size - 1));
  return SharpeFacts{{mean / deviation}, n, m3 / (m2 * std::sqrt(m2)), {m4 / (m2 * m2)}};
}

std::optional<SharpeFacts> dependent_sharpe_facts(std::span<const double> excess_returns) {
  std::optional<SharpeFacts> facts = sharpe_facts(excess_returns);
  if (!facts || facts->n < 10) return facts;
  const auto n = static_cast<double>(facts->n);
  double mean = 0;
  for (const double value : excess_returns) mean += value / n;
  double square = 0;
  for (const double value : excess_returns) square += (value - mean) * (value - mean);
  const double deviation = std::sqrt(square / n);
  std::vector<double> influence;
  influence.reserve(facts->n);
  for (const double value : excess_returns) {
    const double z = (value - mean) / deviation;
    influence.push_back(z - facts->sharpe.value / 2 * (z * z - 1));
  }
  if (block_length(influence).significant_lag == 0) return facts;
  const double alone = autocovariance(influence, 0)[0];
  const double together =
      long_run_variance(influence, Kernel::Bartlett, automatic_bandwidth(influence, Kernel::Bartlett));
  if (alone > 0 && together > 0) facts->dependence = together / alone;
  return facts;
}

namespace {

/// Of one period: n - 1 times the squared standard error. Positive for every pair of moments that
/// data can have.
double unit_variance(const SharpeFacts& facts) {
  const double sr = facts.sharpe.value;
  return facts.dependence * std::max(1e-12, 1 - facts.skewness * sr + (facts.kurtosis.value - 1) / 4 * sr * sr);
}

}  // namespace

double sharpe_standard_error(const SharpeFacts& facts) {
  expects(facts.n >= 2, "at least two periods");
  return std::sqrt(unit_variance(facts) / static_cast<double>(facts.n - 1));
}

double probabilistic_sharpe(const SharpeFacts& facts, PeriodSharpe threshold) {
  return normal_probability((facts.sharpe.value - threshold.value) / sharpe_standard_error(facts));
}

double expected_maximum(double trials) {
  if (!(trials >= 1)) {
    fail(Fault::Numeric, "expected maximum",
         fmt::format("expected at least 1 trial, was {}", trials));
  }
  if (trials == 1) return 0;
  const double euler = std::numbers::egamma;
  const double value = (1 - euler) * normal_quantile(1 - 1 / trials) +
                       euler * normal_quantile(1 - 1 / (trials * std::numbers::e));
  return std::max(0.0, value);  // the approximation dips below 0 just above one trial
}

double deflated_sharpe(const SharpeFacts& facts, double trials, double variance) {
  if (!(variance >= 0) || !std::isfinite(variance)) {
    fail(Fault::Numeric, "deflated Sharpe ratio",
         fmt::format("expected a variance of the trials' ratios of at least 0, was {}", variance));
  }
  return probabilistic_sharpe(facts, {std::sqrt(variance) * expected_maximum(trials)});
}

std::optional<double> minimum_track_record(const SharpeFacts& facts, PeriodSharpe threshold,
                                           double confidence) {
  if (!(confidence > 0.5 && confidence < 1)) {
    fail(Fault::Numeric, "minimum track record",
         fmt::format("expected a confidence between 0.5 and 1, was {}", confidence));
  }
  const double gap = facts.sharpe.value - threshold.value;
  if (!(gap > 0)) return std::nullopt;
  const double z = normal_quantile(confidence) / gap;
  return 1 + unit_variance(facts) * z * z;
}

double minimum_backtest_years(double trials, AnnualSharpe sharpe) {
  if (!(sharpe.value > 0)) {
    fail(Fault::Numeric, "minimum backtest length",
         fmt::format("expected an annual Sharpe ratio above 0, was {}", sharpe.value));
  }
  const double ratio = expected_maximum(trials) / sharpe.value;
  return ratio * ratio;
}

double effective_trials(std::span<const std::span<const double>> returns) {
  const std::size_t count = returns.size();
  if (count < 2) return static_cast<double>(count);
  // Series of one length are standardised and summed: the squared norm of the sum holds all their
  // correlations.
  struct Family {
    std::size_t n;
    std::vector<double> sum;
    double members;
  };
  std::vector<Family> families;
  for (const std::span<const double> series : returns) {
    const std::optional<SharpeFacts> facts = sharpe_facts(series);
    if (!facts) continue;
    auto family = std::find_if(families.begin(), families.end(),
                               [&](const Family& f) { return f.n == series.size(); });
    if (family == families.end()) {
      families.push_back({series.size(), std::vector<double>(series.size()), 0});
      family = families.end() - 1;
    }
    double mean = 0;
    for (const double value : series) mean += value;
    mean /= static_cast<double>(series.size());
    double square = 0;
    for (const double value : series) square += (value - mean) * (value - mean);
    const double norm = std::sqrt(square);
    for (std::size_t t = 0; t < series.size(); ++t) family->sum[t] += (series[t] - mean) / norm;
    family->members += 1;
  }
  double pairs = 0;  // sum of correlations over ordered pairs
  for (const Family& family : families) {
    double square = 0;
    for (const double value : family.sum) square += value * value;
    pairs += square - family.members;
  }
  const auto n = static_cast<double>(count);
  const double rho = std::clamp(pairs / (n * (n - 1)), 0.0, 1.0);
  return rho + (1 - rho) * n;
}

Evidence lo_adjusted_sharpe(const ReturnSeries& series, double risk_free) {
  check(series);
  Evidence evidence = without_estimate("lo_adjusted_sharpe", "1/sqrt(year)", "");
  evidence.n = series.returns.size();
  evidence.formula =
      "sharpe a period * p / sqrt(p + 2 sum_k (p - k) rho_k), k up to the last significant lag";
  evidence.source = "Lo2002";
  std::vector<double> excess(series.returns);
  const double rate = per_period_rate(risk_free, series.periods_per_year);
  for (double& value : excess) value -= rate;
  const std::optional<SharpeFacts> facts = sharpe_facts(excess);
  if (!facts) {
    evidence.reason = excess.size() < 2 ? "fewer than two periods" : "the returns have no variance";
    return evidence;
  }
  const std::size_t lags =
      std::min(block_length(excess).significant_lag,
               static_cast<std::size_t>(std::max(0.0, std::ceil(series.periods_per_year) - 1)));
  if (lags == 0) {
    evidence.reason = "no significant autocorrelation: the Sharpe ratio stands as it is";
    return evidence;
  }
  const std::vector<double> covariance = autocovariance(excess, lags);
  const double p = series.periods_per_year;
  double variance = p;
  for (std::size_t k = 1; k <= lags; ++k) {
    variance += 2 * (p - static_cast<double>(k)) * covariance[k] / covariance[0];
  }
  if (!(variance > 0)) {
    evidence.reason = "the autocorrelations leave no variance over a year";
    return evidence;
  }
  evidence.estimate = facts->sharpe.value * p / std::sqrt(variance);
  evidence.method = fmt::format("{} lags", lags);
  evidence.assumptions = "stationary returns";
  return evidence;
}

}  // namespace walras::stats
