#pragma once
// Inference about Sharpe ratios. The ratio a period and the ratio a year are types of their own,
// and so are raw and excess kurtosis: the formulas below take the first of each, and mixing them up
// does not compile.
#include "stats/evidence.hpp"
#include "stats/returns.hpp"

#include <optional>
#include <span>

namespace walras::stats {

/// A shorter record has no p-value, no probability and no ratio that can be judged: every standard error among them rests on
/// many periods.
inline constexpr std::size_t kFewestPeriods = 10;

struct AnnualSharpe {
  double value;
};
/// mean / standard deviation (n - 1) of one period's excess returns.
struct PeriodSharpe {
  double value;
};
[[nodiscard]] PeriodSharpe per_period(AnnualSharpe sharpe, double periods_per_year);
[[nodiscard]] AnnualSharpe annual(PeriodSharpe sharpe, double periods_per_year);

struct ExcessKurtosis {
  double value;
};
/// m4 / m2^2: a normal distribution has 3.
struct RawKurtosis {
  double value;
};
[[nodiscard]] RawKurtosis raw(ExcessKurtosis kurtosis);

/// What inference needs to know of a record.
struct SharpeFacts {
  PeriodSharpe sharpe;
  std::size_t n;  ///< periods; >= 2
  double skewness;
  RawKurtosis kurtosis;
  /// Variance of the estimated ratio over what it would be were the returns independent; 1: independent.
  double dependence = 1;
};
/// Facts of excess returns; absent with fewer than 2 observations or no variance. Throws Error{Numeric} when one is not finite.
[[nodiscard]] std::optional<SharpeFacts> sharpe_facts(std::span<const double> excess_returns);

/// The same with `dependence` from the long-run variance (Bartlett, automatic bandwidth) of the ratio's influence values
/// z - SR/2 (z^2 - 1), where their autocorrelation is significant; else 1. Source: Lo2002, section "non-IID returns";
/// NeweyWest1987, Andrews1991.
[[nodiscard]] std::optional<SharpeFacts> dependent_sharpe_facts(std::span<const double> excess_returns);

/// sqrt(dependence) sqrt((1 - skewness SR + (kurtosis - 1)/4 SR^2) / (n - 1)). Units: 1/sqrt(period).
/// Source: BaileyLopezDePrado2012, eq. 4.
[[nodiscard]] double sharpe_standard_error(const SharpeFacts& facts);
/// Probability that the true ratio exceeds `threshold`. Source: BaileyLopezDePrado2012, eq. 7.
[[nodiscard]] double probabilistic_sharpe(const SharpeFacts& facts, PeriodSharpe threshold = {0});

/// Expected maximum of `trials` independent standard normals, approximately; 0 for one trial.
/// Range: trials >= 1. Source: BaileyLopezDePrado2014, eq. 1.
[[nodiscard]] double expected_maximum(double trials);
/// probabilistic_sharpe() against the best of `trials` lucky ones whose ratios have variance
/// `variance`. Units: variance of ratios a period. Source: BaileyLopezDePrado2014, eq. 2.
[[nodiscard]] double deflated_sharpe(const SharpeFacts& facts, double trials, double variance);
/// Periods after which a record with these facts shows, at `confidence`, a true ratio above
/// `threshold`; absent when the ratio does not exceed it. Source: BaileyLopezDePrado2012, eq. 11.
[[nodiscard]] std::optional<double> minimum_track_record(const SharpeFacts& facts,
                                                         PeriodSharpe threshold = {0},
                                                         double confidence = 0.95);
/// Years below which the best of `trials` worthless strategies is expected to reach `sharpe`.
/// Source: BaileyBorweinLopezDePradoZhu2014, theorem 1.
[[nodiscard]] double minimum_backtest_years(double trials, AnnualSharpe sharpe);

/// How many independent trials the given ones are worth: rho + (1 - rho) N, rho their mean
/// correlation, at least 0. Shape: series of equal length are compared; pairs of unequal length
/// count as uncorrelated. Range: 1 .. N. Source: BaileyLopezDePrado2014, appendix 3.
[[nodiscard]] double effective_trials(std::span<const std::span<const double>> returns);

/// Annual Sharpe ratio corrected for autocorrelation up to the last significant lag: SR p / sqrt(p
/// + 2 sum (p - k) rho_k); no estimate, with the reason, when no lag is significant. Source:
/// Lo2002, eq. 20.
[[nodiscard]] Evidence lo_adjusted_sharpe(const ReturnSeries& series, double risk_free = 0);

}  // namespace walras::stats
