#pragma once
// The wild bootstrap: each residual stays where it is and is multiplied by a random weight of mean 0
// and variance 1, so that whatever makes periods differ in variance is kept.
#include "stats/resample.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace walras::stats {

enum class WildWeights : std::uint8_t {
  Rademacher,  ///< +1 or -1: keeps even moments; exact under symmetry (DavidsonFlachaire2008)
  Mammen,      ///< two points that keep the third moment (Mammen1993)
  Normal,
  Dependent    ///< normal, correlated 1 - lag / block: keeps dependence as well (Shao2010)
};
struct WildPlan {
  std::size_t replicates = 2000;
  std::uint64_t seed = 0;
  WildWeights weights = WildWeights::Rademacher;
  std::size_t block = 1;  ///< periods over which Dependent weights are correlated; >= 1
};
/// Weights of one replicate. Shape: n. Throws Error{Numeric} for a plan out of range.
[[nodiscard]] std::vector<double> wild_weights(const WildPlan& plan, std::size_t replicate,
                                               std::size_t n);
/// A statistic of fitted + weight * residual, for every replicate. The callback is called from
/// several threads. Shape: fitted and residual of equal length; result plan.replicates.
[[nodiscard]] std::vector<double> wild_bootstrap(std::span<const double> fitted,
                                                 std::span<const double> residual,
                                                 const WildPlan& plan, const Statistic& statistic);
/// Two-sided test that the mean is 0: mean over standard error, replicates made with a mean of 0
/// imposed. Assumes uncorrelated returns of any variances, save with Dependent weights.
[[nodiscard]] Evidence wild_mean_test(std::span<const double> x, const WildPlan& plan);

}  // namespace walras::stats
