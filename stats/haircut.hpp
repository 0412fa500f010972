#pragma once
// What is left of a Sharpe ratio once it is known how many were tried: the ratio whose unadjusted p-value equals the
// adjusted one, and the return that a strategy would have to earn to be significant among them.
#include "stats/p_values.hpp"
#include "stats/sharpe.hpp"

#include <optional>
#include <span>

namespace walras::stats {

/// First-order autocorrelation of a series, 0 where it has no variance.
[[nodiscard]] double first_autocorrelation(std::span<const double> x);
/// The annual ratio that first-order autocorrelation `rho` leaves of one annualised by the square root of time: SR
/// (1 + 2 rho/(1 - rho) (1 - (1 - rho^q)/(q (1 - rho))))^(-1/2), q periods a year. Range: rho in (-1, 1), q >= 1.
/// Source: HarveyLiu2015, after Lo2002.
[[nodiscard]] AnnualSharpe autocorrelation_corrected(AnnualSharpe sharpe, double rho, double periods_per_year);

/// Two-sided p-value of a ratio over n periods: 2 P(t_{n-1} > |SR| sqrt(n)). Range: n >= 2. Source: HarveyLiu2015.
[[nodiscard]] double sharpe_p_value(PeriodSharpe sharpe, std::size_t n);
/// The ratio, not below 0, that has this two-sided p-value. Range: p in (0, 1], n >= 2.
[[nodiscard]] PeriodSharpe sharpe_of_p_value(double p, std::size_t n);

/// A ratio after the haircut.
struct Haircut {
  double p = 1, adjusted = 1;   ///< two-sided p-value, alone and among the others
  AnnualSharpe sharpe{0};       ///< what is left, not below 0
  double share = 1;             ///< that was cut off, in [0, 1]
};
/// The haircut of trial `which` among all the p-values of a study. Range: a ratio above 0.
/// Throws Error{Numeric} otherwise. Source: HarveyLiu2015.
[[nodiscard]] Haircut haircut_sharpe(AnnualSharpe sharpe, double periods_per_year, std::size_t n, std::span<const double> p,
                                     std::size_t which, Adjustment adjustment);
/// The same with Bonferroni's adjustment for `tests` tests, of which nothing else is known. Range: tests >= 1.
[[nodiscard]] Haircut haircut_sharpe(AnnualSharpe sharpe, double periods_per_year, std::size_t n, double tests);

/// Yearly mean return that trial `which` would have to earn, at its yearly volatility over n periods, for an adjusted
/// two-sided p-value of at most `level` among the others' p-values as they are. Source: HarveyLiu2015, section "profit
/// hurdles". Range: level in (0, 1), volatility > 0, n >= 2.
[[nodiscard]] double profit_hurdle(double volatility, double periods_per_year, std::size_t n, std::span<const double> p,
                                   std::size_t which, Adjustment adjustment, double level = 0.05);

}  // namespace walras::stats
