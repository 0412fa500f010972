#pragma once
// Many tests at once: p-values adjusted for their number, from p-values alone or, sharper, from the
// returns by the step-down of Romano and Wolf, which knows how the tests hang together.
#include "stats/resample.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace walras::stats {

enum class Adjustment : std::uint8_t {
  Bonferroni,
  Sidak,
  Holm,
  HolmSidak,
  Hochberg,
  Hommel,  // against a single false rejection
  BenjaminiHochberg,
  BenjaminiYekutieli  // against a share of false rejections
};
/// Adjusted p-values, in the order given. Range: p in [0, 1]; result in [0, 1], monotone in p.
/// Throws Error{Numeric} for a p-value outside [0, 1]. Source: Holm1979, Hochberg1988, Hommel1988,
/// BenjaminiHochberg1995, BenjaminiYekutieli2001.
[[nodiscard]] std::vector<double> adjust(std::span<const double> p, Adjustment adjustment);

/// One-sided tests that the means of several series are above 0, adjusted for their number.
struct StepDown {
  std::vector<double> mean, standard_error,
      t;                           ///< t = mean / standard error; 0 where there is no variance
  std::vector<double> unadjusted;  ///< (1 + #{t*_k >= t_k}) / (B + 1)
  std::vector<double> adjusted;    ///< Romano-Wolf; at least the unadjusted
  std::vector<double> largest;  ///< of every replicate's t*, sorted: the null of the best of them
  /// What the best t has to exceed for an adjusted p-value of at most `significance`; +infinity
  /// when the replicates are too few to tell.
  [[nodiscard]] double critical_value(double significance) const;
};
/// Studentised maximum-statistic step-down with the plan's shared bootstrap indices.
/// Shape: every series has plan.periods values. Source: RomanoWolf2005, algorithm 4.2;
/// RomanoWolf2016, for p-values.
[[nodiscard]] StepDown romano_wolf(std::span<const std::span<const double>> series,
                                   const ResamplePlan& plan);

}  // namespace walras::stats
