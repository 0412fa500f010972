#pragma once
// The tapered block bootstrap: blocks whose ends weigh less, so that the variance of a mean has a
// smaller bias. A weighted block is no sample, so it resamples a statistic's linear part: how much
// each observation moves it.
#include "stats/resample.hpp"

#include <span>
#include <vector>

namespace walras::stats {

struct TaperedReplicates {
  std::vector<double> values;  ///< estimate + mean of the tapered linear part
  std::vector<double> errors;  ///< of each, from its own blocks
  double standard_error;       ///< of the estimate, exactly what the replicates scatter by
};
/// Shape: linear has plan.periods values, of mean 0. The plan's scheme is Tapered.
/// Source: PaparoditisPolitis2001, trapezoidal window with c = 0.43.
[[nodiscard]] TaperedReplicates bootstrap_tapered(std::span<const double> linear, double estimate,
                                                  const ResamplePlan& plan);
/// n times what each observation adds to the statistic, by leaving it out; centred.
[[nodiscard]] std::vector<double> linear_part(std::span<const double> x, const Statistic& statistic);

}  // namespace walras::stats
