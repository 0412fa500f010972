// Along the path of equity: drawdowns, calendar tables and rolling figures of performance.hpp.
#include "stats/performance.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

double mean_of(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return x.empty() ? 0 : sum / static_cast<double>(x.size());
}

Nanos time_at(const ReturnSeries& series, std::size_t index) {
  return index == 0 ? start_of(series) : series.times[index - 1];
}

struct Month {
  int year;
  unsigned month;
};
/// The civil date of a time: days to year and month in the proleptic Gregorian calendar.
Month month_of(Nanos time) {
  std::int64_t days = time.value / kNanosPerDay - (time.value % kNanosPerDay < 0 ? 1 : 0);
  days += 719'468;  // since 0000-03-01
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * day_of_year + 2) / 153;  // months since March
  const auto month = static_cast<unsigned>(shifted < 10 ? shifted + 3 : shifted - 9);
  return {static_cast<int>(year_of_era + era * 400 + (month <= 2 ? 1 : 0)), month};
}

}  // namespace

std::vector<Drawdown> worst_drawdowns(const ReturnSeries& series, std::size_t count) {
  check(series);
  std::vector<Drawdown> all;
  if (series.returns.empty()) return all;
  const std::vector<double> equity = equity_curve(series.returns);
  std::size_t peak = 0;
  bool below = false;
  for (std::size_t i = 1; i < equity.size(); ++i) {
    if (equity[i] >= equity[peak]) {
      if (below) all.back().recovery = i;
      below = false;
      peak = i;
      continue;
    }
    if (!below) {
      all.push_back({});
      all.back().peak = peak;
      all.back().trough = i;
      below = true;
    }
    if (equity[i] < equity[all.back().trough]) all.back().trough = i;
  }
  for (Drawdown& drawdown : all) {
    drawdown.depth = 1 - equity[drawdown.trough] / equity[drawdown.peak];
    drawdown.peak_time = time_at(series, drawdown.peak);
    drawdown.trough_time = time_at(series, drawdown.trough);
    if (drawdown.recovery) drawdown.recovery_time = time_at(series, *drawdown.recovery);
    drawdown.length = drawdown.recovery_time.value_or(series.times.back()) - drawdown.peak_time;
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const auto& a, const auto& b) { return a.depth > b.depth; });
  if (all.size() > count) all.resize(count);
  return all;
}

std::vector<double> underwater(std::span<const double> returns) {
  return underwater(returns, returns);
}

std::vector<double> underwater(std::span<const double> returns, std::span<const double> lows) {
  if (lows.size() != returns.size()) {
    fail(Fault::Numeric, "underwater",
         fmt::format("expected a low for each of {} periods, was {}", returns.size(), lows.size()));
  }
  std::vector<double> depth;
  depth.reserve(returns.size());
  double equity = 1;
  double peak = 1;
  for (std::size_t t = 0; t < returns.size(); ++t) {
    const double low = equity * (1 + std::min(lows[t], returns[t]));
    equity *= 1 + returns[t];
    depth.push_back(std::max(0.0, 1 - low / peak));
    peak = std::max(peak, equity);
  }
  return depth;
}

std::vector<YearReturns> yearly_returns(const ReturnSeries& series) {
  check(series);
  std::vector<YearReturns> years;
  for (std::size_t t = 0; t < series.returns.size(); ++t) {
    const Month date = month_of(series.times[t]);
    if (years.empty() || years.back().year != date.year) years.push_back({date.year, {}, 0});
    YearReturns& year = years.back();
    std::optional<double>& month = year.months[date.month - 1];
    month = (1 + month.value_or(0)) * (1 + series.returns[t]) - 1;
    year.total = (1 + year.total) * (1 + series.returns[t]) - 1;
  }
  return years;
}

namespace {

/// Sums of x, x^2 and x y over each window, y being x where there is no second series.
template <class Body>
std::vector<std::optional<double>> rolling(const ReturnSeries& series,
                                           std::span<const double> second, std::size_t window,
                                           Body body) {
  check(series);
  if (window < 2)
    fail(Fault::Numeric, "rolling window",
         fmt::format("expected at least 2 periods, was {}", window));
  if (second.size() != series.returns.size()) {
    fail(Fault::Numeric, "rolling window",
         fmt::format("expected {} aligned values, was {}", series.returns.size(), second.size()));
  }
  std::vector<std::optional<double>> result(series.returns.size());
  for (std::size_t t = window; t <= series.returns.size(); ++t) {
    result[t - 1] = body(std::span(series.returns).subspan(t - window, window),
                         second.subspan(t - window, window));
  }
  return result;
}

struct WindowMoments {
  double mean_x, mean_y, xy, yy;
  bool varies;
};
WindowMoments window_moments(std::span<const double> x, std::span<const double> y) {
  WindowMoments m{mean_of(x), mean_of(y), 0, 0, false};
  for (std::size_t i = 0; i < x.size(); ++i) {
    m.xy += (x[i] - m.mean_x) * (y[i] - m.mean_y);
    m.yy += (y[i] - m.mean_y) * (y[i] - m.mean_y);
    m.varies = m.varies || y[i] != y[0];
  }
  return m;
}

}  // namespace

std::vector<std::optional<double>> rolling_volatility(const ReturnSeries& series,
                                                      std::size_t window) {
  return rolling(series, series.returns, window, [&](auto x, auto y) -> std::optional<double> {
    const WindowMoments m = window_moments(x, y);
    if (!m.varies) return 0.0;
    return std::sqrt(m.yy / static_cast<double>(window - 1) * series.periods_per_year);
  });
}

std::vector<std::optional<double>> rolling_sharpe(const ReturnSeries& series, std::size_t window,
                                                  double risk_free) {
  const double rate = per_period_rate(risk_free, series.periods_per_year);
  return rolling(series, series.returns, window, [&](auto x, auto y) -> std::optional<double> {
    const WindowMoments m = window_moments(x, y);
    if (!m.varies) return std::nullopt;
    const double deviation = std::sqrt(m.yy / static_cast<double>(window - 1));
    return (m.mean_x - rate) / deviation * std::sqrt(series.periods_per_year);
  });
}

std::vector<std::optional<double>> rolling_sortino(const ReturnSeries& series, std::size_t window,
                                                   double minimum_acceptable) {
  const double rate = per_period_rate(minimum_acceptable, series.periods_per_year);
  return rolling(series, series.returns, window, [&](auto x, auto) -> std::optional<double> {
    double below = 0;
    for (const double value : x) below += value < rate ? (value - rate) * (value - rate) : 0;
    if (!(below > 0)) return std::nullopt;
    const double downside = std::sqrt(below / static_cast<double>(x.size()));
    return (mean_of(x) - rate) / downside * std::sqrt(series.periods_per_year);
  });
}

std::vector<std::optional<double>> rolling_metric(std::string_view metric, const ReturnSeries& series, std::size_t window,
                                                  std::size_t step, const Conventions& conventions,
                                                  const ReturnSeries* benchmark) {
  check(series);
  if (window < 1 || step < 1) {
    fail(Fault::Numeric, "rolling window", fmt::format("expected a window and a step of at least 1 period, was {} and {}", window, step));
  }
  std::vector<std::optional<double>> result(series.returns.size());
  ReturnSeries part = series;
  Conventions own = conventions;
  own.calendar_years.reset();
  for (std::size_t end = series.returns.size(); end >= window && end > 0; end -= std::min(step, end)) {
    const auto from = static_cast<std::ptrdiff_t>(end - window), to = static_cast<std::ptrdiff_t>(end);
    part.times.assign(series.times.begin() + from, series.times.begin() + to);
    part.returns.assign(series.returns.begin() + from, series.returns.begin() + to);
    part.start = from == 0 ? start_of(series) : series.times[static_cast<std::size_t>(from) - 1];
    result[end - 1] = measure(metric, part, own, benchmark).estimate;
  }
  return result;
}

std::vector<std::optional<double>> rolling_beta(const ReturnSeries& series,
                                                std::span<const double> benchmark,
                                                std::size_t window) {
  return rolling(series, benchmark, window, [&](auto x, auto y) -> std::optional<double> {
    const WindowMoments m = window_moments(x, y);
    if (!m.varies) return std::nullopt;
    return m.xy / m.yy;
  });
}

}  // namespace walras::stats
