#pragma once
// Is one record better than another? Two series over the same periods, in any unit: returns for the
// Sharpe ratio tests, losses (less is better) for the forecast tests. What cannot be told from them
// is Evidence with the reason; input that no test could mean (unequal lengths, NaN) throws Error.
// Where there are more than two, see superior.hpp, multiple_testing.hpp (StepM) and model_set.hpp.
#include "stats/permutation.hpp"
#include "stats/resample.hpp"

#include <span>

namespace walras::stats {

/// Weights of the autocovariances below the forecast horizon.
enum class LossVariance : std::uint8_t {
  Rectangular,  ///< 1, as published; may come out negative
  Bartlett      ///< 1 - lag / horizon; never negative
};
/// Diebold and Mariano's test of equal expected loss with the small-sample correction of Harvey,
/// Leybourne and Newbold: t with n - 1 degrees. Estimate: mean of loss_a - loss_b.
/// Range: 1 <= horizon < n. Throws Error{Numeric} when the variance of the mean is not positive: then
/// there is no test, and Bartlett weights may have one. Source: DieboldMariano1995,
/// HarveyLeybourneNewbold1997, eqs. 8 and 9.
[[nodiscard]] Evidence diebold_mariano(std::span<const double> loss_a, std::span<const double> loss_b,
                                       std::size_t horizon = 1,
                                       LossVariance variance = LossVariance::Rectangular,
                                       Alternative alternative = Alternative::TwoSided);

/// Giacomini and White's test of equal conditional predictive ability: can the loss difference
/// `horizon` periods on be told from what is known now? Known: a constant and, where no instruments
/// are given, the loss difference itself. Statistic: chi-squared with as many degrees as instruments,
/// Bartlett weights below the horizon. Estimate: mean of loss_a - loss_b.
/// Shape: instruments[i] has n values, known at the time of the losses. Range: 1 <= horizon < n.
/// Source: GiacominiWhite2006, theorems 1 and 3.
[[nodiscard]] Evidence giacomini_white(std::span<const double> loss_a, std::span<const double> loss_b,
                                       std::size_t horizon = 1,
                                       std::span<const std::span<const double>> instruments = {});

/// Test of equal Sharpe ratios of independent, jointly normal returns. Estimate: ratio of a less that
/// of b. Units: 1/sqrt(period). Source: JobsonKorkie1981 with the correction Memmel2003, eq. 6.
[[nodiscard]] Evidence jobson_korkie_memmel(std::span<const double> a, std::span<const double> b,
                                            Alternative alternative = Alternative::TwoSided);

/// Standard error of the difference of two per-period Sharpe ratios under dependence and fat tails:
/// quadratic spectral kernel, prewhitened by a vector autoregression of the standardised moments.
/// None with fewer than 10 periods, a constant series, or two that differ by scale alone.
/// Source: LedoitWolf2008, sec. 3.1; AndrewsMonahan1992.
[[nodiscard]] std::optional<double> sharpe_difference_error(std::span<const double> a,
                                                            std::span<const double> b);
/// Ledoit and Wolf's test of equal Sharpe ratios: studentised block bootstrap, symmetric interval.
/// The plan's scheme should be Circular. Estimate: ratio of a less that of b. Source: LedoitWolf2008,
/// sec. 3.2.
[[nodiscard]] Evidence ledoit_wolf(std::span<const double> a, std::span<const double> b,
                                   const ResamplePlan& plan, double level = 0.95);
/// Block length for ledoit_wolf(): the largest automatic one, for circular blocks, of both series and
/// of their squared deviations.
[[nodiscard]] double circular_block_length(std::span<const double> a, std::span<const double> b);

/// Posterior of the difference of two per-period Sharpe ratios. Model: independent, jointly normal
/// returns. Prior: density proportional to |covariance|^(-3/2), flat in the means (independence
/// Jeffreys). Estimate: posterior mean; interval: central credible one; statistic: posterior
/// probability that a's is the larger; no p-value. `draws` from a stream of `seed`, from the posterior
/// itself (inverse Wishart, then normal). Source: BoxTiao1973, sec. 8.2.
[[nodiscard]] Evidence bayesian_sharpe(std::span<const double> a, std::span<const double> b,
                                       std::size_t draws = 20'000, std::uint64_t seed = 0,
                                       double level = 0.95);

}  // namespace walras::stats
