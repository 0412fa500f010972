#include "stats/returns.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

constexpr double kDaysPerYear = 365.25;

double days(std::int64_t nanos) {
  return static_cast<double>(nanos) / static_cast<double>(kNanosPerDay);
}

std::int64_t date_of(Nanos time) {  // days since 1970-01-01, rounded down
  std::int64_t day = time.value / kNanosPerDay;
  if (time.value % kNanosPerDay < 0) --day;
  return day;
}

bool is_weekend(std::int64_t date) {
  const std::int64_t weekday = ((date % 7) + 7 + 4) % 7;  // 1970-01-01 was a Thursday; 0 = Sunday
  return weekday == 0 || weekday == 6;
}

std::int64_t median(std::vector<std::int64_t> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::int64_t median_spacing(std::span<const Nanos> times) {
  std::vector<std::int64_t> gaps(times.size() - 1);
  for (std::size_t i = 1; i < times.size(); ++i) gaps[i - 1] = (times[i] - times[i - 1]).value;
  return median(std::move(gaps));
}

}  // namespace

void check(const ReturnSeries& series) {
  const std::string where = series.name.empty() ? "returns" : "returns of " + series.name;
  if (series.times.size() != series.returns.size()) {
    fail(Fault::Data, where,
         fmt::format("expected as many times as returns, was {} and {}", series.times.size(),
                     series.returns.size()));
  }
  if (!(series.periods_per_year > 0) || !std::isfinite(series.periods_per_year)) {
    fail(Fault::Data, where,
         fmt::format("expected periods a year above 0, was {}", series.periods_per_year));
  }
  for (std::size_t i = 0; i < series.returns.size(); ++i) {
    if (!std::isfinite(series.returns[i])) {
      fail(Fault::Data, where,
           fmt::format("expected a finite return in row {}, was {}", i + 1, series.returns[i]));
    }
    if (series.returns[i] < -1) {
      fail(Fault::Data, where,
           fmt::format("expected simple returns of at least -1 (all lost), was {} in row {}; "
                       "a debt beyond the capital is -1",
                       series.returns[i], i + 1));
    }
    if (i > 0 && series.times[i] <= series.times[i - 1]) {
      fail(Fault::Data, where,
           fmt::format("expected increasing times, was {} ns after {} ns in row {}; sort the "
                       "rows and drop duplicates",
                       series.times[i].value, series.times[i - 1].value, i + 1));
    }
  }
  if (series.start && !series.times.empty() && *series.start >= series.times.front()) {
    fail(Fault::Data, where,
         fmt::format("expected a start before the first period's end {} ns, was {} ns",
                     series.times.front().value, series.start->value));
  }
}

Nanos start_of(const ReturnSeries& series) {
  if (series.times.empty())
    fail(Fault::Numeric, series.name, "expected at least one period, was none");
  if (series.start) return *series.start;
  if (series.times.size() < 2) {
    const double spacing =
        kDaysPerYear / series.periods_per_year * static_cast<double>(kNanosPerDay);
    return series.times.front() - Nanos{static_cast<std::int64_t>(spacing)};
  }
  return series.times.front() - Nanos{median_spacing(series.times)};
}

double calendar_years(const ReturnSeries& series) {
  if (series.times.empty()) return 0;
  return days((series.times.back() - start_of(series)).value) / kDaysPerYear;
}

double period_years(const ReturnSeries& series) {
  return static_cast<double>(series.returns.size()) / series.periods_per_year;
}

Calendar infer_calendar(std::span<const Nanos> times) {
  if (times.size() < 2) return {252, "fewer than two periods: 252 assumed"};
  const double spacing = days(median_spacing(times));
  const auto between = [&](double low, double high) { return spacing >= low && spacing <= high; };
  if (between(6, 8)) return {52, "weekly: 52"};
  if (between(27, 32)) return {12, "monthly: 12"};
  if (between(88, 93)) return {4, "quarterly: 4"};
  if (between(360, 370)) return {1, "yearly: 1"};
  if (spacing > 1.5) {
    return {kDaysPerYear / spacing,
            fmt::format("median spacing {:.4g} days: 365.25 / {:.4g}", spacing, spacing)};
  }

  std::vector<std::int64_t> bars;  // on each date that has any
  std::size_t weekends = 0;
  std::int64_t last = 0;
  for (const Nanos time : times) {
    const std::int64_t date = date_of(time);
    if (bars.empty() || date != last) {
      bars.push_back(0);
      weekends += is_weekend(date) ? 1 : 0;
      last = date;
    }
    ++bars.back();
  }
  // Round-the-clock markets spend 2/7 of their dates on weekends, Sunday-evening openings 1/6.
  const bool every_day = static_cast<double>(weekends) > 0.2 * static_cast<double>(bars.size());
  const double dates = every_day ? 365 : 252;
  const std::string_view which = every_day ? "every day" : "weekday dates";
  if (spacing >= 0.9) return {dates, fmt::format("{}: {}", which, dates)};
  const auto a_day = static_cast<double>(median(bars));
  return {dates * a_day, fmt::format("{} x median bars a day: {} x {}", which, dates, a_day)};
}

ReturnSeries returns_from_prices(std::string name, std::span<const Nanos> times,
                                 std::span<const double> prices, double periods_per_year) {
  if (times.size() != prices.size() || prices.size() < 2) {
    fail(Fault::Data, name,
         fmt::format("expected at least two prices and a time for each, was {} prices and {} times",
                     prices.size(), times.size()));
  }
  ReturnSeries series{std::move(name), {}, {}, periods_per_year, times[0]};
  for (std::size_t i = 0; i < prices.size(); ++i) {
    const bool last = i + 1 == prices.size();
    if (!std::isfinite(prices[i]) || prices[i] < 0 || (prices[i] == 0 && !last)) {
      fail(Fault::Data, series.name,
           fmt::format("expected prices above 0, was {} in row {}", prices[i], i + 1));
    }
    if (i == 0) continue;
    series.times.push_back(times[i]);
    series.returns.push_back(prices[i] / prices[i - 1] - 1);
  }
  check(series);
  return series;
}

std::vector<double> equity_curve(std::span<const double> returns) {
  std::vector<double> equity{1.0};
  equity.reserve(returns.size() + 1);
  for (const double value : returns) equity.push_back(equity.back() * (1 + value));
  return equity;
}

Aligned align(const ReturnSeries& strategy, const ReturnSeries& benchmark) {
  Aligned aligned;
  if (strategy.times.empty()) return aligned;
  aligned.returns.reserve(strategy.times.size());
  const Nanos start = start_of(strategy);
  std::size_t next = 0;
  while (next < benchmark.times.size() && benchmark.times[next] <= start) ++next;
  for (const Nanos end : strategy.times) {
    double growth = 1;
    const std::size_t first = next;
    for (; next < benchmark.times.size() && benchmark.times[next] <= end; ++next) {
      growth *= 1 + benchmark.returns[next];
    }
    // One period is taken as it is: a product with 1 would change its last bits.
    aligned.returns.push_back(next == first + 1 ? benchmark.returns[first] : growth - 1);
    aligned.missing += next == first ? 1 : 0;
  }
  return aligned;
}

Joined join(std::span<const ReturnSeries> pieces) {
  Joined joined;
  for (const ReturnSeries& piece : pieces) {
    check(piece);
    if (piece.times.empty()) continue;
    ReturnSeries& series = joined.series;
    if (series.times.empty()) {
      series.name = piece.name;
      series.periods_per_year = piece.periods_per_year;
      series.start = start_of(piece);
    } else if (piece.times.front() <= series.times.back()) {
      fail(Fault::Data, piece.name,
           fmt::format("expected pieces one after the other, was a piece from {} ns after one "
                       "to {} ns",
                       piece.times.front().value, series.times.back().value));
    } else if (piece.periods_per_year != series.periods_per_year) {
      fail(Fault::Data, piece.name,
           fmt::format("expected {} periods a year as in the first piece, was {}",
                       series.periods_per_year, piece.periods_per_year));
    }
    series.times.insert(series.times.end(), piece.times.begin(), piece.times.end());
    series.returns.insert(series.returns.end(), piece.returns.begin(), piece.returns.end());
    joined.years += calendar_years(piece);
  }
  return joined;
}

Joined lay_end_to_end(std::span<const ReturnSeries> pieces) {
  std::vector<ReturnSeries> laid(pieces.begin(), pieces.end());
  std::optional<Nanos> end;
  for (ReturnSeries& piece : laid) {
    check(piece);
    if (piece.times.empty()) continue;
    const Nanos start = start_of(piece);
    const Nanos shift = end.value_or(start) - start;
    for (Nanos& time : piece.times) time += shift;
    piece.start = start + shift;
    end = piece.times.back();
  }
  return join(laid);
}

}  // namespace walras::stats
