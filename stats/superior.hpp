#pragma once
// Is the best of many better than the benchmark? Hansen's test of superior predictive ability.
// Printed beside the verdict; it does not decide it.
#include "stats/resample.hpp"

namespace walras::stats {

/// p-values of the null that no model beats the benchmark; lower <= consistent <= upper.
struct SuperiorAbility {
  double statistic = 0;  ///< max(0, largest sqrt(n) mean / omega)
  double lower = 1, consistent = 1, upper = 1;
  std::optional<std::size_t> best;  ///< the series with the largest sqrt(n) mean / omega
};
/// Shape: excess[k] has plan.periods values, each model's performance less the benchmark's (more is
/// better); those without variance are left out. Throws Error{Numeric} for another shape and for
/// values that are not finite. Source: Hansen2005.
[[nodiscard]] SuperiorAbility superior_ability(std::span<const std::span<const double>> excess,
                                               const ResamplePlan& plan);

/// White's reality check: the same null, every model as good as the benchmark.
struct RealityCheck {
  double statistic = 0;  ///< largest sqrt(n) mean, over its standard deviation if studentised
  double p_value = 1;
};
/// `studentized` as Hansen advises: one noisy model then cannot drown the others.
/// Shape and errors as superior_ability(). Source: White2000; Hansen2005, sec. 2.
[[nodiscard]] RealityCheck reality_check(std::span<const std::span<const double>> excess,
                                         const ResamplePlan& plan, bool studentized = true);

}  // namespace walras::stats
