#pragma once
// Internal to stats/performance*.cpp: the sums, path facts and order facts from which every metric
// is computed, for a whole series and for a resample of it alike.
#include "stats/performance.hpp"
#include "stats/resample.hpp"

#include <array>
#include <limits>

namespace walras::stats {

/// Columns that are summed; x and b are centred on the means of the whole series.
enum Column : std::size_t {
  kX,
  kX2,
  kX3,
  kX4,
  kLog,
  kLog2,
  kBelow2,
  kAbove,
  kBelow,
  kGain,
  kLoss,
  kUps,
  kDowns,
  kReturnColumns,
  kB = kReturnColumns,
  kB2,
  kXB,
  kUpLogX,
  kUpLogB,
  kUpCount,
  kDownLogX,
  kDownLogB,
  kDownCount,
  kBeats,
  kLogB,
  kColumns
};
using Sums = std::array<double, kColumns>;

/// Facts of the equity path, gathered in one pass from starting capital 1.
struct PathFacts {
  double max_drawdown = 0, drawdown_sum = 0, drawdown_square_sum = 0;
  double longest = 0;  ///< periods from a peak to its recovery, or to the end

  double longest_wins = 0, longest_losses = 0;  ///< periods in a row
  // Filled by finish(), from the fall below the peak at each period's end.
  double falls = 0, depth_sum = 0, depth_square_sum = 0;  ///< of whole drawdowns
  double under = 0, recovered = 0, recovery_sum = 0;      ///< periods below a peak; from trough to recovery
  double drawdown_at_risk = 0, conditional_drawdown = 0, last = 0;

  /// Without branches: whether a new peak is reached is anyone's guess, and the processor's too.
  /// Returns: the fall below the running peak.
  double step(double x) {
    equity *= 1 + x;
    peak = equity > peak ? equity : peak;
    const double drawdown = 1 - equity / peak;
    max_drawdown = drawdown > max_drawdown ? drawdown : max_drawdown;
    drawdown_sum += drawdown;
    drawdown_square_sum += drawdown * drawdown;
    const double longer = since_peak + 1;
    const double current = since_peak > 0 || equity < peak ? longer : 0;
    longest = current > longest ? current : longest;
    since_peak = equity < peak ? longer : 0;
    wins = x > 0 ? wins + 1 : 0;
    losses = x < 0 ? losses + 1 : 0;
    longest_wins = wins > longest_wins ? wins : longest_wins;
    longest_losses = losses > longest_losses ? losses : longest_losses;
    return drawdown;
  }
  /// Facts of whole drawdowns. `drawdowns`: what step() gave; its order is lost.
  void finish(std::vector<double>& drawdowns, double tail);

 private:
  double equity = 1, peak = 1, since_peak = 0, wins = 0, losses = 0;
};

/// From the sorted returns.
struct OrderFacts {
  std::span<const double> sorted;
  double low_tail = 0, high_tail = 0;  ///< quantiles at `tail` and 1 - tail
  double beyond = 0;                   ///< mean of the returns at or below low_tail
  double above = 0;                    ///< mean of the returns at or above high_tail
  double best = 0, worst = 0;
  double absolute = 0, below_mean2 = 0;  ///< sums of |x - mean| and of min(x - mean, 0)^2
  double gini = 0;                       ///< mean |x_i - x_j| over pairs of different observations
  double below3 = 0, below4 = 0, above2 = 0;  ///< sums of powers of the distance to the minimum acceptable return
  double unders = 0, overs = 0;               ///< counts below and above it
  double gain2 = 0, loss2 = 0;                ///< sums of squares of gains and of losses
};

struct Context;
/// Facts of a sample from its sorted returns and their mean.
[[nodiscard]] OrderFacts order_facts(std::span<const double> sorted, const Context& context, double mean);

/// What stays the same over the resamples of a series.
struct Context {
  double n = 0;
  double periods_per_year = 1;
  double years = 0;
  double risk_free = 0, minimum_acceptable = 0;  // a period
  double yearly_risk_free = 0;
  double tail = 0.05;
  double ruin_loss = 0.5;
  double centre = 0, benchmark_centre = 0;
  double scale = 0, benchmark_scale = 0;  // largest magnitudes: tell rounding from variance
  bool ruined = false;
  bool has_benchmark = false;
  bool benchmark_ruined = false;
};

struct Sample {
  const Context& context;
  const Sums& sums;
  const PathFacts& path;
  const OrderFacts& order;
  /// In order of time, of the whole series; empty for a resample: metrics that need them are not resampled.
  std::span<const double> returns = {}, benchmark = {};
};

/// A number, or the reason why there is none.
struct Value {
  double value = std::numeric_limits<double>::quiet_NaN();
  const char* reason = nullptr;
  Value(double number) : value(number) {}
  Value(const char* why) : reason(why) {}
};

struct Metric {
  MetricInfo info;
  Value (*compute)(const Sample& sample);
};
/// The list, in the order of a tear sheet; groups are filled in.
[[nodiscard]] const std::vector<Metric>& metrics();
[[nodiscard]] std::span<const Metric> return_metrics();
[[nodiscard]] std::span<const Metric> risk_metrics();
[[nodiscard]] std::span<const Metric> ratio_metrics();
[[nodiscard]] std::span<const Metric> drawdown_metrics();
[[nodiscard]] std::span<const Metric> tail_metrics();
[[nodiscard]] std::span<const Metric> benchmark_metrics();

/// Formulas that several metrics share.
namespace formulas {

inline constexpr const char* kNoVariance = "the returns have no variance";
inline constexpr const char* kOnePeriod = "one period tells nothing of the variance";
inline constexpr const char* kNoDrawdown = "the equity never fell below a former peak";
inline constexpr const char* kNoLoss = "no period lost";
inline constexpr const char* kNoGain = "no period gained";
inline constexpr const char* kNoneBelow = "no period returned less than the minimum acceptable";

[[nodiscard]] double mean(const Sample& s);
/// mean() less the risk-free rate, a period.
[[nodiscard]] double excess_mean(const Sample& s);
/// Central moments with divisor n, about the sample's own mean.
struct Central {
  double second, third, fourth;
};
[[nodiscard]] Central central(const Sample& s);
/// Why there is no variance; null where there is one.
[[nodiscard]] const char* no_variance(const Sample& s);
/// Standard deviation with n - 1.
[[nodiscard]] double deviation(const Sample& s);
[[nodiscard]] Value total_return(const Sample& s);
[[nodiscard]] Value cagr(const Sample& s);
[[nodiscard]] Value hit_rate(const Sample& s);
[[nodiscard]] Value payoff(const Sample& s);
[[nodiscard]] Value volatility(const Sample& s);
[[nodiscard]] Value sharpe(const Sample& s);
[[nodiscard]] Value skewness(const Sample& s);
[[nodiscard]] Value raw_kurtosis(const Sample& s);
[[nodiscard]] double downside(const Sample& s);  ///< sqrt(mean(min(r - MAR, 0)^2)), a period
[[nodiscard]] Value gains_to_losses(const Sample& s);
[[nodiscard]] Value ulcer_index(const Sample& s);
[[nodiscard]] Value tail_ratio(const Sample& s);
[[nodiscard]] Value entropic_var(const Sample& s);
[[nodiscard]] Value entropic_drawdown(const Sample& s);
[[nodiscard]] Value entropic_risk(const Sample& s);

}  // namespace formulas
}  // namespace walras::stats
