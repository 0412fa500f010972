#pragma once
// Does choosing by backtest work here? Combinatorially symmetric cross-validation: over all ways to halve the record, the
// trial that was best in one half is looked up in the other. Printed beside the verdict; it does not decide it.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace walras::stats {

/// Whether one sample is better than another in every investor's eyes who wants more (first order), or wants more and
/// shuns risk (second order).
struct Dominance {
  bool first = false, second = false;
  double first_violation = 0;    ///< largest excess of the distribution function over the other's; 0: none
  double second_violation = 0;   ///< the same of their running integrals, in units of the sample
};
/// Does `better` dominate `worse`? Equal samples dominate in neither order. Range: neither empty.
[[nodiscard]] Dominance stochastic_dominance(std::span<const double> better, std::span<const double> worse);

/// Least squares line.
struct FittedLine {
  double intercept = 0, slope = 0, r_squared = 0;
};

/// What trials are chosen and judged by; more is better.
enum class Performance : std::uint8_t { Sharpe /* a period, n - 1 */, Mean };

struct Overfitting {
  double probability = 0;               ///< share of splits whose best trial is not above the median out of sample
  std::vector<double> logits;           ///< of the chosen trial's rank out of sample, one a split; at most 0: overfitted
  std::vector<double> chosen_inside;    ///< performance of the chosen trial in sample, one a split
  std::vector<double> chosen_outside;   ///< and out of sample
  std::vector<double> average_outside;  ///< mean over all trials out of sample: choosing blindly
  std::optional<FittedLine> degradation;  ///< chosen_outside on chosen_inside; absent where the latter does not vary
  double probability_of_loss = 0;       ///< share of splits whose chosen trial has a performance below 0 out of sample
  Dominance dominance;                  ///< of chosen_outside over average_outside
};
/// All ways to halve `blocks` equal blocks of periods; periods beyond a multiple of `blocks` are dropped from the start.
/// Shape: returns[trial][period], equal lengths. Range: blocks even, 2 .. 20; at least 2 trials, and as many periods as
/// make blocks of 2. Throws Error{Numeric}, naming the axes where trials outnumber periods.
/// Source: BaileyBorweinLopezDePradoZhu2017.
[[nodiscard]] Overfitting backtest_overfitting(std::span<const std::span<const double>> returns,
                                               std::size_t blocks = 16,
                                               Performance performance = Performance::Sharpe);
/// The same by any performance of a trial's returns (the chosen blocks in order of time); called from several threads,
/// once a trial and split. Throws Error{Numeric} where it is not finite.
[[nodiscard]] Overfitting backtest_overfitting(std::span<const std::span<const double>> returns, std::size_t blocks,
                                               const std::function<double(std::span<const double>)>& performance);

}  // namespace walras::stats
