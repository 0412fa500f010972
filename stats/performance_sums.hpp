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
  kColumns
};
using Sums = std::array<double, kColumns>;

/// Facts of the equity path, gathered in one pass from starting capital 1.
struct PathFacts {
  double max_drawdown = 0, drawdown_sum = 0, drawdown_square_sum = 0;
  double longest = 0;  ///< periods from a peak to its recovery, or to the end

  /// Without branches: whether a new peak is reached is anyone's guess, and the processor's too.
  void step(double x) {
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
  }

 private:
  double equity = 1, peak = 1, since_peak = 0;
};

/// From the sorted returns.
struct OrderFacts {
  double low_tail = 0, high_tail = 0;  ///< quantiles at `tail` and 1 - tail
  double beyond = 0;                   ///< mean of the returns at or below low_tail
  double best = 0, worst = 0;
};

/// What stays the same over the resamples of a series.
struct Context {
  double n = 0;
  double periods_per_year = 1;
  double years = 0;
  double risk_free = 0, minimum_acceptable = 0;  // a period
  double yearly_risk_free = 0;
  double tail = 0.05;
  double centre = 0, benchmark_centre = 0;
  double scale = 0, benchmark_scale = 0;  // largest magnitudes: tell rounding from variance
  bool ruined = false;
  bool has_benchmark = false;
};

struct Sample {
  const Context& context;
  const Sums& sums;
  const PathFacts& path;
  const OrderFacts& order;
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
[[nodiscard]] std::span<const Metric> metrics();

}  // namespace walras::stats
