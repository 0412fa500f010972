#pragma once
// The block bootstraps. One plan is one set of indices: strategies and metrics that share a plan are
// resampled together, replicate by replicate, whatever the number of threads or the device. Means,
// variances and Sharpe ratios come from running sums, so that a replicate costs the number of its
// blocks, not of its observations; where blocks are short, from products with count matrices.
#include "stats/evidence.hpp"
#include "stats/replicate_sums.hpp"

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace walras::stats {

/// How blocks are cut. A block of 1 is the bootstrap of independent observations in each of them.
enum class BlockScheme : std::uint8_t {
  Stationary,  ///< geometric lengths, wrapping around (PolitisRomano1994)
  Circular,    ///< one length, wrapping around (PolitisRomano1992)
  Moving,      ///< one length, within the series (Kunsch1989)
  Tapered      ///< as Moving, each block's ends weighted down (PaparoditisPolitis2001)
};
/// "stationary", "circular", "moving", "tapered".
[[nodiscard]] std::string_view text(BlockScheme scheme);

/// Which resamples are drawn. Equal plans draw equal indices.
struct ResamplePlan {
  std::size_t periods = 0;        ///< observations in a series and in each replicate; 1 .. 2^31
  std::size_t replicates = 2000;  ///< >= 1
  double mean_block = 1;          ///< >= 1; where lengths are fixed, rounded, and at most `periods`
  std::uint64_t seed = 0;
  BlockScheme scheme = BlockScheme::Stationary;
  Device device = Device::Cpu;
  /// These replicates instead of drawn ones; borrowed. Shape: `replicates` rows of `periods` indices.
  std::span<const std::vector<std::uint32_t>> indices{};
};
/// Throws Error{Numeric} when a part is out of its range, Error{Unavailable} where there is no such
/// device.
void check(const ResamplePlan& plan);

/// Replicates to draw and sum at a time, so that their blocks stay in the cache over all series; part
/// of no result.
[[nodiscard]] std::size_t replicates_at_once(const ResamplePlan& plan);

/// The mean block length for series that are resampled together: the largest automatic one (of
/// Politis and White) of any of them; with `squares` also of their squared deviations, which a
/// volatility or a Sharpe ratio needs. At least n^(1/5): near 1 the automatic length is mostly
/// noise, and blocks of a few observations cost nothing. Throws Error{Numeric} for a value that is not finite.
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
  [[nodiscard]] Draws draw(std::size_t begin, std::size_t end) const;

 private:
  void draw_geometric(std::size_t replicate, std::vector<Block>& blocks) const;
  void draw_fixed(std::size_t replicate, std::vector<Block>& blocks) const;
  void append(std::size_t replicate, std::vector<Block>& blocks) const;

  ResamplePlan plan_;
  double inverse_log_stay_;
  std::uint32_t fixed_length_;
  std::vector<std::uint32_t> length_of_;  // by the leading bits; 0 where they do not settle it
};
/// The values at a replicate's blocks, which wrap around. Shape: sample as long as the blocks together, at most x.
void take_blocks(std::span<const double> x, std::span<const Block> blocks, std::span<double> sample);
/// The same replicate written out. Shape: plan.periods indices.
[[nodiscard]] std::vector<std::uint32_t> draw_indices(const ResamplePlan& plan,
                                                      std::size_t replicate);

/// Running sums of x - mean and of its square, for the kernels.
class RunningMoments {
 public:
  /// Range: at least one finite value.
  explicit RunningMoments(std::span<const double> x);
  [[nodiscard]] kernel::Moments view() const { return {running_.data(), n_, mean_}; }
  [[nodiscard]] std::span<const double> centred() const { return centred_; }  ///< x - mean
  [[nodiscard]] double mean() const { return mean_; }
  [[nodiscard]] double square_sum() const { return running_.back(); }  ///< about the mean
  [[nodiscard]] double tiny() const { return tiny_; }  ///< variances up to it are rounding

 private:
  std::vector<double> running_, centred_;
  std::uint32_t n_;
  double mean_ = 0;
  double tiny_ = 0;
};

using Statistic = std::function<double(std::span<const double>)>;
/// A statistic of every replicate, in replicate order. The callback is called from several threads.
/// Tapered blocks weigh observations, which a callback cannot: there, replicates are those of its
/// linear part, from leaving out each observation once (PaparoditisPolitis2002).
/// Shape: x has plan.periods values; result plan.replicates.
[[nodiscard]] std::vector<double> bootstrap(std::span<const double> x, const ResamplePlan& plan,
                                            const Statistic& statistic);

/// Quantile of sorted values, linear between order statistics (type 7). Range: probability in [0,
/// 1], not empty.
[[nodiscard]] double quantile(std::span<const double> sorted, double probability);
/// The central `level` of the values. Sorts them.
[[nodiscard]] Bounds percentile_bounds(std::span<double> values, double level);

enum class IntervalMethod : std::uint8_t {
  Percentile,     ///< quantiles of the replicates
  Studentized,    ///< quantiles of (replicate - estimate) / its standard error: better coverage, more
                  ///< work
  Basic,          ///< quantiles of estimate - (replicate - estimate)
  Normal,         ///< the replicates' standard deviation about their mean, times normal quantiles
  BiasCorrected,  ///< percentiles shifted by the median's bias (BC)
  Accelerated     ///< and by how the error changes with the parameter (BCa); blocks are left out for it, and the percentiles
                  ///< lie further out by what blocks do not know of the variance (block_variance())
};
/// "percentile", "studentised", "basic", "normal", "BC", "BCa".
[[nodiscard]] std::string_view text(IntervalMethod method);

/// How well a plan's blocks know the variance of a mean.
struct BlockVariance {
  /// What they find of it on average: they vary about the sample's own mean, and the longer the blocks the less of it is left.
  double share = 1;
  double degrees = std::numeric_limits<double>::infinity();  ///< of the chi-square variable that varies as theirs does
};
/// Of normal observations without dependence, exactly for stationary blocks and for circular ones that divide n (as which other
/// fixed lengths count): blocks of 1 have a share of 1 - 1/n and n - 1 degrees. With given indices nobody knows the blocks: all.
[[nodiscard]] BlockVariance block_variance(const ResamplePlan& plan);

/// Replicates of an estimate, and what some of the methods need beside them.
struct Replicates {
  double estimate = 0;
  std::span<const double> values{};  ///< NaN: undefined
  double standard_error = 0;         ///< Studentized: of the estimate
  std::span<const double> errors{};  ///< Studentized: of each replicate; <= 0: undefined
  double acceleration = 0;           ///< Accelerated
  BlockVariance variance{};          ///< Accelerated: percentiles lie as far out as a Student variable of it does
};
/// None where more than 1 % of the replicates are undefined, where they do not vary, and, for the
/// bias-corrected methods, where all lie on one side of the estimate. Range: level in (0, 1).
/// Source: EfronTibshirani1993, ch. 12 to 14; Hesterberg2015, of expanded percentiles, here for blocks too.
[[nodiscard]] std::optional<Bounds> bootstrap_interval(const Replicates& replicates,
                                                       IntervalMethod method, double level);

/// Acceleration from a statistic's values with each block of `block` neighbouring observations left
/// out in turn: sum d^3 / (6 (sum d^2)^(3/2)), scaled to n / block independent ones. 0 where they are
/// equal. Shape: all `periods` overlapping blocks, or an even selection of them.
[[nodiscard]] double acceleration(std::span<const double> left_out, std::size_t periods,
                                  std::size_t block);
/// Block length to leave out for a plan: its own, at most half of the periods.
[[nodiscard]] std::size_t jackknife_block(const ResamplePlan& plan);
/// A statistic with blocks left out: one a start, at most 5,000 starts, evenly spaced.
/// Range: 1 <= block < n.
[[nodiscard]] std::vector<double> leave_out_blocks(std::span<const double> x, std::size_t block,
                                                   const Statistic& statistic);

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

/// Smooth functions of the first two moments, which running sums resample.
enum class Functional : std::uint8_t {
  Mean,
  Variance,  ///< divisor n - 1
  Sharpe     ///< per-period; 0 where there is no variance
};
/// Intervals of several series from one set of indices. Shape: every series has plan.periods values.
/// Units: of the series, its square, 1/sqrt(period). Throws Error{Numeric} for another shape or a
/// value that is not finite.
[[nodiscard]] std::vector<IntervalEstimate> intervals(
    std::span<const std::span<const double>> series, Functional functional,
    const ResamplePlan& plan, double level, IntervalMethod method);
[[nodiscard]] std::vector<IntervalEstimate> mean_intervals(
    std::span<const std::span<const double>> series, const ResamplePlan& plan, double level,
    IntervalMethod method);
[[nodiscard]] std::vector<IntervalEstimate> sharpe_intervals(
    std::span<const std::span<const double>> series, const ResamplePlan& plan, double level,
    IntervalMethod method);
/// Interval of any statistic. Studentized: `error` gives the standard error of a sample; without it
/// each replicate's own blocks are left out in turn, in at most 50 groups. Source: GotzeKunsch1996.
[[nodiscard]] IntervalEstimate statistic_interval(std::span<const double> x,
                                                  const Statistic& statistic,
                                                  const ResamplePlan& plan, double level,
                                                  IntervalMethod method,
                                                  const Statistic& error = nullptr);

}  // namespace walras::stats
