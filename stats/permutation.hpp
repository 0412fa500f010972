#pragma once
// Permutation tests: what would the statistic have been, had the labels been shuffled? Exact where
// the shuffles are few enough to list, else (1 + #) / (B + 1) of random ones. All of them assume
// exchangeable observations: dependent returns are not.
#include "stats/evidence.hpp"

#include <cstdint>
#include <functional>
#include <span>

namespace walras::stats {

enum class Alternative : std::uint8_t {
  Greater,
  Less,
  TwoSided  ///< twice the smaller of the two, at most 1
};

/// Tests that the mean is 0 by flipping signs. Exact when 2^n <= replicates + 1. Assumes independent
/// observations, symmetric about 0 under the null.
[[nodiscard]] Evidence sign_flip_test(std::span<const double> x, std::size_t replicates,
                                      std::uint64_t seed,
                                      Alternative alternative = Alternative::Greater);
/// Two-sided test that two samples have one distribution, by exchanging their members; statistic:
/// |difference of means|. Exact when all splits are at most replicates + 1. Assumes independent
/// observations.
[[nodiscard]] Evidence permutation_test(std::span<const double> x, std::span<const double> y,
                                        std::size_t replicates, std::uint64_t seed);

/// What is shuffled, and what the null says.
enum class Exchange : std::uint8_t {
  Samples,     ///< x[t] with y[t]: paired observations have one distribution; 2^n ways
  Pairings,    ///< which y goes with which x: they are independent; n! ways
  Independent  ///< members between the samples: both have one distribution; C(n + m, n) ways
};
/// Test by any statistic of the two samples; called from several threads. Shape: equal lengths for
/// Samples and Pairings. Throws Error{Numeric} for unequal ones and for values that are not finite.
[[nodiscard]] Evidence permutation_test(
    std::span<const double> x, std::span<const double> y, Exchange exchange,
    const std::function<double(std::span<const double>, std::span<const double>)>& statistic,
    std::size_t replicates, std::uint64_t seed, Alternative alternative = Alternative::TwoSided);

enum class PairedStatistic : std::uint8_t { Mean, Sharpe };
/// Test of a difference of means or of per-period Sharpe ratios by exchanging a[t] and b[t]: the pair
/// means as much in either order under the null. As Exchange::Samples, in a fraction of its time.
[[nodiscard]] Evidence paired_permutation_test(std::span<const double> a, std::span<const double> b,
                                               PairedStatistic statistic, std::size_t replicates,
                                               std::uint64_t seed,
                                               Alternative alternative = Alternative::TwoSided);

}  // namespace walras::stats
