#pragma once
// Is the best of many better than the benchmark? Hansen's test of superior predictive ability.
// Printed beside the verdict; it does not decide it.
#include "stats/resample.hpp"

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

}  // namespace walras::stats
