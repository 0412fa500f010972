#pragma once
// Many tests at once, adjusted for their number from the returns: the step-down of Romano and Wolf knows how the tests
// hang together, and is sharper for it than what p_values.hpp can do.
#include "stats/p_values.hpp"
#include "stats/resample.hpp"

#include <span>
#include <vector>

namespace walras::stats {

/// One-sided tests that the means of several series are above 0, adjusted for their number.
struct StepDown {
  std::vector<double> mean, standard_error,
      t;                           ///< t = mean / standard error; 0 where there is no variance
  std::vector<double> unadjusted;  ///< (1 + #{t*_k >= t_k}) / (B + 1)
  /// Romano-Wolf; at least the unadjusted. Replicates of a series with less than a quarter of its standard error (hardly any of
  /// the days on which it trades) say nothing of the others; a series with many of them is adjusted by Bonferroni as well.
  std::vector<double> adjusted;
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
