#pragma once
// Is the best of many better than the benchmark? Hansen's test of superior predictive ability, and
// the probability of backtest overfitting. Printed beside the verdict; neither decides it.
#include "stats/resample.hpp"

#include <functional>
#include <optional>

namespace walras::stats {

/// p-values of the null that no model beats the benchmark; lower <= consistent <= upper.
struct SuperiorAbility {
  double statistic = 0;  ///< max(0, largest sqrt(n) mean / omega)
  double lower = 1, consistent = 1, upper = 1;
};
/// Shape: excess[k] has plan.periods values, each model's performance less the benchmark's (more is
/// better); those without variance are left out. Source: Hansen2005.
[[nodiscard]] SuperiorAbility superior_ability(std::span<const std::span<const double>> excess,
                                               const ResamplePlan& plan);

/// Combinatorially symmetric cross-validation.
struct Overfitting {
  double probability =
      0;  ///< share of splits whose best in-sample trial is in the lower half out of sample
  std::vector<double> logits;  ///< one a split
};
/// Performance of trials by Sharpe ratio, over all ways to halve `blocks` equal blocks of periods;
/// periods beyond a multiple of `blocks` are dropped from the start. Range: blocks even, 2 .. 20;
/// at least 2 trials; a block needs 2 periods. Throws Error{Numeric}. Source:
/// BaileyBorweinLopezDePradoZhu2017.
[[nodiscard]] Overfitting backtest_overfitting(std::span<const std::span<const double>> returns,
                                               std::size_t blocks = 16);

}  // namespace walras::stats
