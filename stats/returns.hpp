#pragma once
// A return series: what every statistic here is computed from. Simple returns over periods that end
// at known times, starting from capital. Knows no prices, trades or markets, and never guesses
// which of them it was given.
#include "engine/base/units.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::stats {

/// Simple returns of one strategy or benchmark. Times are UTC.
struct ReturnSeries {
  std::string name;
  std::vector<Nanos> times;       ///< end of each period; strictly increasing
  std::vector<double> returns;    ///< simple; finite, >= -1
  double periods_per_year = 252;  ///< > 0; from the data's own calendar, see infer_calendar()
  std::optional<Nanos>
      start;  ///< when the starting capital stood; absent: a median spacing before times[0]
};

/// Throws Error{Data} naming the series and the row: unequal lengths, times that do not increase,
/// returns that are not finite or below -1, a start that is not before the first period's end.
void check(const ReturnSeries& series);

/// Start of the first period. Shape: at least one period (Throws Error{Numeric} otherwise).
[[nodiscard]] Nanos start_of(const ReturnSeries& series);
/// Elapsed time in years of 365.25 days, from time stamps.
[[nodiscard]] double calendar_years(const ReturnSeries& series);
/// Elapsed time in years, as the number of periods over periods_per_year.
[[nodiscard]] double period_years(const ReturnSeries& series);

/// How many periods make a year, and the rule by which that was told.
struct Calendar {
  double periods_per_year;
  std::string rule;  ///< "weekday dates: 252", "every day: 365", "weekly: 52", ...
};
/// 252 for weekday dates, 365 for every day, 52 weekly, 12 monthly, 4 quarterly, 1 yearly, and
/// within the day (252 or 365) x the median number of bars a day; any other spacing 365.25 days
/// over the median.
[[nodiscard]] Calendar infer_calendar(std::span<const Nanos> times);

/// Returns of a price or equity curve whose first value is the starting capital.
/// Throws Error{Data} when fewer than two prices, or one that is not finite, below zero, or zero
/// before the end.
[[nodiscard]] ReturnSeries returns_from_prices(std::string name, std::span<const Nanos> times,
                                               std::span<const double> prices,
                                               double periods_per_year);

/// Growth of one unit of capital. Shape: n + 1 values, the first is 1.
[[nodiscard]] std::vector<double> equity_curve(std::span<const double> returns);

/// A benchmark's returns compounded over each period of a strategy.
struct Aligned {
  std::vector<double> returns;  ///< one for each strategy period
  std::size_t missing =
      0;  ///< strategy periods in which no benchmark period ended; their return is 0
};
/// Compounds the benchmark on its own calendar into the strategy's periods (previous end, this
/// end].
[[nodiscard]] Aligned align(const ReturnSeries& strategy, const ReturnSeries& benchmark);

/// Joins consecutive pieces (the test spans of a walk-forward) into one series. The calendar is
/// that of the first piece; a gap between pieces counts as no time, so the calendar years are the
/// sum of the pieces'. Throws Error{Data} when pieces overlap or their calendars differ.
struct Joined {
  ReturnSeries series;
  double years = 0;  ///< calendar years spent inside the pieces
};
[[nodiscard]] Joined join(std::span<const ReturnSeries> pieces);
/// The same for pieces that lie beside each other in time (paths of a generated market): each is
/// shifted to start where the last one ended, so that times increase; they count time and are no
/// dates.
[[nodiscard]] Joined lay_end_to_end(std::span<const ReturnSeries> pieces);

}  // namespace walras::stats
