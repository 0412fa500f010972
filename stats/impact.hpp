#pragma once
// How prices respond to the size of trades: the exponent of a power law, with its interval.
#include "stats/evidence.hpp"

#include <span>

namespace walras::stats {

/// Exponent d of impact = c x size^d, by weighted least squares on the logs of the mean impact at each size. Weights are the
/// inverse variances of those logs (delta method); where repetitions do not differ at all, sizes count alike.
/// Shape: sizes and impacts (n), sizes repeat. Units: any, each the same throughout. Range: sizes > 0.
/// Returns: interval from the normal law for means with variance, from the residuals otherwise; no estimate, with the
/// reason, below three sizes or when a mean impact is not positive. Throws: Error{Numeric} for shapes that differ or a
/// number that is not finite. Source: AlmgrenThumHauptmannLi2005.
Evidence impact_exponent(std::span<const double> sizes, std::span<const double> impacts);

}  // namespace walras::stats
