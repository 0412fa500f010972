#pragma once
// The stationary bootstrap and permutation tests. One plan is one set of indices: strategies and
// metrics that share a plan are resampled together, replicate by replicate, whatever the number of
// threads. Means and Sharpe ratios come from running sums, so that a replicate costs the number of
// its blocks, not of its observations.
#include "stats/evidence.hpp"
#include "stats/resample_kernel.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace walras::stats {

/// Which resamples are drawn. Equal plans draw equal indices.
struct ResamplePlan {
  std::size_t periods = 0;        ///< observations in a series and in each replicate; 1 .. 2^31
  std::size_t replicates = 2000;  ///< >= 1
  double mean_block = 1;          ///< >= 1; 1 draws independent observations
  std::uint64_t seed = 0;
};
/// Throws Error{Numeric} when a part is out of its range.
void check(const ResamplePlan& plan);

/// The mean block length for series that are resampled together: the largest automatic one (of
/// Politis and White) of any of them; with `squares` also of their squared deviations, which a
/// volatility or a Sharpe ratio needs. At least n^(1/5): near 1 the automatic length is mostly
/// noise, and blocks of a few observations cost nothing.
[[nodiscard]] double shared_block_length(std::span<const std::span<const double>> series,
                                         bool squares);

/// Draws the blocks of a plan's replicates. Holds a table by which most lengths need no logarithm.
class BlockSampler {
 public:
  explicit BlockSampler(const ResamplePlan& plan);  ///< Throws as check() does
  /// Blocks of replicate number `replicate`; their lengths add up to plan.periods. Replaces
  /// `blocks`.
  void draw(std::size_t replicate, std::vector<Block>& blocks) const;
  /// Blocks of replicates begin .. end - 1, so that a series stays in the cache over all of them.
  [[nodiscard]] std::vector<std::vector<Block>> draw(std::size_t begin, std::size_t end) const;

 private:
  ResamplePlan plan_;
  double inverse_log_stay_;
  std::vector<std::uint32_t> length_of_;  // by the leading bits; 0 where they do not settle it
};
/// The same replicate written out. Shape: plan.periods indices.
[[nodiscard]] std::vector<std::uint32_t> draw_indices(const ResamplePlan& plan,
                                                      std::size_t replicate);

/// Running sums of x - mean and of its square, for the kernels.
class RunningMoments {
 public:
  /// Range: at least one finite value.
  explicit RunningMoments(std::span<const double> x);
  [[nodiscard]] kernel::Moments view() const { return {running_.data(), n_, mean_}; }
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double square_sum() const { return running_.back(); }  ///< about the mean
  [[nodiscard]] double tiny() const { return tiny_; }  ///< variances up to it are rounding

 private:
  std::vector<double> running_;
  std::uint32_t n_;
  double mean_ = 0;
  double tiny_ = 0;
};

/// A statistic of every replicate, in replicate order. The callback is called from several threads.
/// Shape: x has plan.periods values; result plan.replicates.
[[nodiscard]] std::vector<double> bootstrap(
    std::span<const double> x, const ResamplePlan& plan,
    const std::function<double(std::span<const double>)>& statistic);

/// Quantile of sorted values, linear between order statistics (type 7). Range: probability in [0,
/// 1], not empty.
[[nodiscard]] double quantile(std::span<const double> sorted, double probability);
/// The central `level` of the values. Sorts them.
[[nodiscard]] Bounds percentile_bounds(std::span<double> values, double level);

enum class IntervalMethod {
  Percentile,  ///< quantiles of the replicates
  Studentized  ///< quantiles of (replicate - estimate) / its standard error: better coverage, more
               ///< work
};

/// An estimate with its standard error and interval; no interval where there is no variance.
struct IntervalEstimate {
  double estimate = 0;
  double standard_error = 0;  ///< under the dependence that the plan's block length allows for
  std::optional<Bounds> interval;
};
/// Estimate and standard error alone, of the mean and of the per-period Sharpe ratio.
[[nodiscard]] IntervalEstimate mean_estimate(std::span<const double> x, double mean_block);
[[nodiscard]] IntervalEstimate sharpe_estimate(std::span<const double> x, double mean_block);
/// Sets the interval from replicates (NaN = undefined) and, for a studentised one, their standard
/// errors (else none). No interval where more than 1 % of the replicates are undefined.
void set_interval(IntervalEstimate& estimate, std::span<const double> values,
                  std::span<const double> errors, double level);
/// Intervals of the mean and of the per-period Sharpe ratio of several series, from one set of
/// indices. Shape: every series has plan.periods values. Units: of the series; 1/sqrt(period).
[[nodiscard]] std::vector<IntervalEstimate> mean_intervals(
    std::span<const std::span<const double>> series, const ResamplePlan& plan, double level,
    IntervalMethod method);
[[nodiscard]] std::vector<IntervalEstimate> sharpe_intervals(
    std::span<const std::span<const double>> series, const ResamplePlan& plan, double level,
    IntervalMethod method);

/// One-sided test that the mean is above 0, by flipping signs at random. Exact when 2^n <=
/// replicates + 1, else p = (1 + #) / (replicates + 1). Assumes independent observations, symmetric
/// about 0 under the null.
[[nodiscard]] Evidence sign_flip_test(std::span<const double> x, std::size_t replicates,
                                      std::uint64_t seed);
/// Two-sided test that two samples have one distribution, by exchanging their members; statistic:
/// |difference of means|. Exact when all splits are at most replicates + 1. Assumes independent
/// observations.
[[nodiscard]] Evidence permutation_test(std::span<const double> x, std::span<const double> y,
                                        std::size_t replicates, std::uint64_t seed);

}  // namespace walras::stats
