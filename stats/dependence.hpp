#pragma once
// How much one observation tells of the next: autocovariances, the block length that a bootstrap
// needs, and the variance of a mean of dependent observations.
#include <cstddef>
#include <span>
#include <vector>

namespace walras::stats {

/// Autocovariances at lags 0..max_lag with divisor n. Range: max_lag < n. Throws Error{Numeric}
/// otherwise.
[[nodiscard]] std::vector<double> autocovariance(std::span<const double> x, std::size_t max_lag);

/// Mean block lengths, in observations. Range: >= 1.
struct BlockLength {
  double stationary = 1;
  double circular = 1;
  std::size_t significant_lag = 0;  ///< after it, autocorrelations look like noise
};
/// Automatic block length. 1 for constant or fewer than 10 observations.
/// Source: PolitisWhite2004 with the correction PattonPolitisWhite2009.
[[nodiscard]] BlockLength block_length(std::span<const double> x);

enum class Kernel { Bartlett, QuadraticSpectral };

/// Bandwidth for long_run_variance() from a first-order autoregression. Source: Andrews1991,
/// eqs. 6.2 and 6.4.
[[nodiscard]] double automatic_bandwidth(std::span<const double> x, Kernel kernel);

/// Long-run variance of x: n times the variance of its mean under dependence.
/// Bartlett with bandwidth m + 1 weights lag k by 1 - k/(m + 1) (NeweyWest1987). Bandwidth 0: none
/// but lag 0.
[[nodiscard]] double long_run_variance(std::span<const double> x, Kernel kernel, double bandwidth);

/// The same by a flat-top kernel as wide as autocorrelations are significant, the one that block_length() starts from. Its bias is
/// of a smaller order than that of the kernels above and of block bootstraps, which weigh every lag down; it may fall below 0.
/// Variance with divisor n for fewer than 10 observations. Source: PolitisRomano1995; PolitisWhite2004.
[[nodiscard]] double flat_top_variance(std::span<const double> x);

/// Variance that the stationary bootstrap of mean block length `mean_block` gives to sqrt(n) times
/// the mean, exactly. Source: PolitisRomano1994, lemma 1; the studentisation of Hansen2005.
[[nodiscard]] double stationary_bootstrap_variance(std::span<const double> x, double mean_block);

/// The same of circular blocks of one length, exactly where it divides n. Range: 1 <= block <= n.
/// Source: PolitisRomano1992.
[[nodiscard]] double circular_bootstrap_variance(std::span<const double> x, std::size_t block);

}  // namespace walras::stats
