#pragma once
// The model confidence set: which of many models may be the best? It keeps every one that the data
// cannot tell from the best, so that poor data keep many.
#include "stats/resample.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace walras::stats {

enum class SetStatistic : std::uint8_t {
  Range,   ///< the largest |t| of any pair
  Maximum  ///< the largest t of a model against the mean of those left
};

struct ModelSet {
  std::vector<std::size_t> order;  ///< as eliminated, the worst first; the last is never eliminated
  std::vector<double> statistic;   ///< of each elimination, in that order; one less than models
  std::vector<std::size_t> reached;  ///< replicates whose statistic is at least that one
  /// Of every model, in the order given: the running maximum of the tests until it went; 1 for the last.
  std::vector<double> p_value;
  /// Models that stay at `size`: those with p_value > size.
  [[nodiscard]] std::vector<std::size_t> included(double size) const;
};
/// Shape: losses[k] has plan.periods values, at least 2; less is better; at least 2 models. Equal series go
/// together: their difference has no variance, and neither eliminates the other. One that is worse by the same amount at all
/// times is eliminated.
/// A mean difference is divided by the larger of two standard errors, its replicates' and that of flat_top_variance(), which blocks
/// do not shorten under autocorrelation; with given indices by its replicates' alone.
/// Throws Error{Numeric} for other shapes and for values that are not finite.
/// Source: HansenLundeNason2011, secs. 3.1.2 and 3.2.
[[nodiscard]] ModelSet model_confidence_set(std::span<const std::span<const double>> losses,
                                            const ResamplePlan& plan,
                                            SetStatistic statistic = SetStatistic::Range);

}  // namespace walras::stats
