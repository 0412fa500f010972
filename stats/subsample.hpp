#pragma once
// Sub-sampling: the statistic of every shorter stretch of the record as it stands. It needs less of
// the statistic than the bootstrap does (a limit at a known rate is enough: maxima, drawdowns a
// period), and pays with wider intervals.
#include "stats/resample.hpp"

#include <span>

namespace walras::stats {

struct SubsamplePlan {
  std::size_t block = 0;  ///< periods of a stretch; 0: about n^(2/3) / 2
  double rate = 0.5;      ///< the estimate's error falls as n^-rate; in (0, 2]
};
/// Interval: estimate less the quantiles of (block / n)^rate (stretch - estimate), over all n - block
/// + 1 stretches. No interval where they do not vary. Range: 2 <= block < n. Throws Error{Numeric}
/// otherwise, and for values that are not finite. Source: PolitisRomanoWolf1999, sec. 3.2.
[[nodiscard]] IntervalEstimate subsample_interval(std::span<const double> x,
                                                  const Statistic& statistic,
                                                  const SubsamplePlan& plan, double level = 0.95);
/// The block length that a plan stands for.
[[nodiscard]] std::size_t subsample_block(std::size_t periods, const SubsamplePlan& plan);

}  // namespace walras::stats
