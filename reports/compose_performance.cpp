#include "reports/compose.hpp"

#include "reports/format.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>

namespace walras::reports {
namespace {

using stats::Evidence;

double milliseconds(Nanos time) { return static_cast<double>(time.value) / 1e6; }

/// Where a strategy's points lie on the x axis.
struct Places {
  bool calendar = true;
  std::vector<double> in_sample, out_of_sample;  ///< ends of periods
  double start = 0;                              ///< of the first out-of-sample period
  std::size_t in_sample_kept = 0;                ///< in-sample periods that end before the out-of-sample part begins
};

Places places_of(const StrategyReport& strategy, bool calendar) {
  Places places{.calendar = calendar, .in_sample = {}, .out_of_sample = {}};
  const auto& in = strategy.in_sample.times;
  const auto& out = strategy.out_of_sample.times;
  if (!calendar) {  // in-sample periods count down to 0
    places.in_sample_kept = in.size();
    for (std::size_t i = 0; i < in.size(); ++i) places.in_sample.push_back(static_cast<double>(i + 1) - static_cast<double>(in.size()));
    for (std::size_t i = 0; i < out.size(); ++i) places.out_of_sample.push_back(static_cast<double>(i + 1));
    return places;
  }
  while (places.in_sample_kept < in.size() && (out.empty() || in[places.in_sample_kept] < out.front())) ++places.in_sample_kept;
  for (std::size_t i = 0; i < places.in_sample_kept; ++i) places.in_sample.push_back(milliseconds(in[i]));
  for (const Nanos time : out) places.out_of_sample.push_back(milliseconds(time));
  if (out.empty()) return places;
  const double spacing = out.size() > 1 ? (places.out_of_sample.back() - places.out_of_sample.front()) / static_cast<double>(out.size() - 1) : 86'400'000.0;
  places.start = places.out_of_sample.front() - spacing;
  if (!places.in_sample.empty()) places.start = std::max(places.start, places.in_sample.back());
  return places;
}

/// Growth that is 1 at the start of the out-of-sample part.
std::vector<Point> growth(const Places& places, const std::vector<double>& in, const std::vector<double>& out) {
  std::vector<Point> points;
  const std::size_t kept = std::min(in.size(), places.in_sample_kept);
  double scale = 1;
  for (std::size_t i = 0; i < kept; ++i) scale *= 1 + in[i];
  if (kept > 0 && scale > 0) {
    double level = 1 / scale;
    for (std::size_t i = 0; i < kept; ++i) points.push_back({places.in_sample[i], level *= 1 + in[i]});
  }
  double level = 1;
  if (points.empty() || points.back().x < places.start) points.push_back({places.start, 1});
  for (std::size_t i = 0; i < out.size(); ++i) points.push_back({places.out_of_sample[i], level *= 1 + out[i]});
  return points;
}

std::vector<Point> falls(const Places& places, const std::vector<double>& in, const std::vector<double>& out) {
  std::vector<Point> points;
  const std::vector<double> before = stats::underwater(std::span(in).first(std::min(in.size(), places.in_sample_kept)));
  for (std::size_t i = 0; i < before.size(); ++i) points.push_back({places.in_sample[i], -before[i]});
  points.push_back({places.start, 0});
  const std::vector<double> after = stats::underwater(out);
  for (std::size_t i = 0; i < after.size(); ++i) points.push_back({places.out_of_sample[i], -after[i]});
  return points;
}

bool all_on_calendar(const std::vector<const StrategyReport*>& strategies) {
  return std::all_of(strategies.begin(), strategies.end(), [](const auto* strategy) { return on_calendar(strategy->out_of_sample) && on_calendar(strategy->in_sample); });
}

/// The strategy whose benchmark is drawn: all have the same one, the longest record shows most of it.
const StrategyReport* with_benchmark(const std::vector<const StrategyReport*>& strategies) {
  const StrategyReport* longest = nullptr;
  for (const auto* strategy : strategies)
    if (!strategy->out_of_sample.benchmark.empty() &&
        (longest == nullptr || strategy->out_of_sample.benchmark.size() > longest->out_of_sample.benchmark.size()))
      longest = strategy;
  return longest;
}

Cell metric_cell(const Evidence* evidence) {
  if (evidence == nullptr) return {std::string(kDash)};
  Cell cell{estimate(*evidence)};
  cell.small = interval(*evidence);
  return cell;
}

void add_side_by_side(Document& document, const ReportInput& input) {
  constexpr std::array names{"total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "longest_drawdown", "cvar_historical",
                             "hit_rate", "beta", "alpha", "information_ratio", "turnover", "exposure", "costs", "trades"};
  const auto strategies = detailed(input);
  TableBlock table{.caption = "Out of sample, net of costs", .columns = {{"Figure", Align::Left}}, .rows = {}};
  for (const auto* strategy : strategies) table.columns.push_back({strategy->name});
  for (const char* name : names) {
    std::vector<Cell> row{{metric_name(name)}};
    bool known = false;
    for (const auto* strategy : strategies) {
      const Evidence* evidence = find(strategy->out_of_sample_metrics, name);
      if (evidence != nullptr) row[0].small = unit_words(evidence->unit);
      known = known || evidence != nullptr;
      row.push_back(metric_cell(evidence));
    }
    if (known) table.rows.push_back(std::move(row));
  }
  table.note = "Under each figure its 95 % confidence interval, or, for figures of the path such as drawdown, the range over resampled paths of this length.";
  if (!table.rows.empty()) document.add(std::move(table));
}

void add_drawdowns(Document& document, const ReportInput& input, const std::vector<const StrategyReport*>& strategies) {
  const std::size_t most = strategies.size() == 1 ? 10 : 5;
  TableBlock table{.caption = "Worst drawdowns, out of sample",
                   .columns = {{"Strategy", Align::Left}, {"Depth"}, {"Peak"}, {"Trough"}, {"Recovered"}, {"Length"}}, .rows = {}};
  for (const auto* strategy : strategies)
    for (const stats::Drawdown& fall : stats::worst_drawdowns(series_of(*strategy, input), most))
      table.rows.push_back({{strategy->name}, {percent(-fall.depth)}, {date(fall.peak_time)}, {date(fall.trough_time)},
                            fall.recovery_time ? Cell{date(*fall.recovery_time)} : Cell{"ongoing", Tone::Caution}, {duration(fall.length)}});
  if (!table.rows.empty()) document.add(std::move(table));
}

void add_months(Document& document, const ReportInput& input, const StrategyReport& strategy) {
  const auto years = stats::yearly_returns(series_of(strategy, input));
  constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  TableBlock table{.caption = "Monthly returns, out of sample: " + strategy.name, .columns = {{"Year", Align::Left}}, .rows = {}, .note = {}, .compact = true, .even = true};
  for (const char* month : months) table.columns.push_back({month});
  table.columns.push_back({"Year"});
  const auto shown = [](double value) { return fixed(value * 100, std::fabs(value) < 0.9995 ? 1 : 0); };
  for (const auto& year : years) {
    std::vector<Cell> row{{std::to_string(year.year)}};
    for (const auto& month : year.months) {
      Cell cell{month ? shown(*month) : ""};
      if (month) cell.heat = std::clamp(*month / 0.10, -1.0, 1.0);
      row.push_back(std::move(cell));
    }
    Cell total{shown(year.total)};
    total.heat = std::clamp(year.total / 0.40, -1.0, 1.0);
    row.push_back(std::move(total));
    table.rows.push_back(std::move(row));
  }
  table.note = "In percent. Blue: gain, orange: loss; full colour from 10 % a month and 40 % a year.";
  document.add(std::move(table));
}

void add_years(Document& document, const ReportInput& input, const std::vector<const StrategyReport*>& strategies) {
  std::map<int, std::map<std::string, double>> by_year;
  std::vector<std::string> names, categories;
  for (const auto* strategy : strategies) {
    names.push_back(strategy->name);
    for (const auto& year : stats::yearly_returns(series_of(*strategy, input))) by_year[year.year]["s" + strategy->name] = year.total;
  }
  if (const auto* shown = with_benchmark(strategies)) {
    names.push_back(input.benchmark.empty() ? "benchmark" : input.benchmark);
    stats::ReturnSeries series = series_of(*shown, input);
    series.returns = shown->out_of_sample.benchmark;
    for (const auto& year : stats::yearly_returns(series)) by_year[year.year]["benchmark"] = year.total;
  }
  if (by_year.size() < 2) return;
  std::vector<std::vector<std::optional<double>>> values(names.size());
  for (const auto& [year, totals] : by_year) {
    categories.push_back(std::to_string(year));
    for (std::size_t s = 0; s < names.size(); ++s) {
      const auto found = totals.find(s < strategies.size() ? "s" + names[s] : "benchmark");
      values[s].push_back(found == totals.end() ? std::nullopt : std::optional(found->second));
    }
  }
  Chart chart = bar_chart(categories, names, values, "Return by year", "percent");
  if (names.size() > strategies.size()) {
    for (Json& series : chart.options["series"].as_array())
      if (series.at("name").as_string() == names.back()) series["color"] = "@benchmark";
  }
  document.add(std::move(chart));
}

/// One value a period over a moving window; absent before a full one.
using Rolling = std::vector<std::optional<double>>;

/// A curve a strategy, over a year where the record holds one and a half, else over a quarter of it.
template <class Body>
std::vector<Curve> rolling(const ReportInput& input, const std::vector<const StrategyReport*>& strategies, bool calendar, std::size_t& window, Body body) {
  std::vector<Curve> curves;
  for (const auto* strategy : strategies) {
    const std::size_t n = strategy->out_of_sample.net.size();
    const double year = input.periods_per_year > 0 ? input.periods_per_year : 252;
    window = static_cast<double>(n) >= 1.5 * year && year >= 20 ? static_cast<std::size_t>(year) : n / 4;
    if (window < 20) continue;
    const Rolling values = body(*strategy, series_of(*strategy, input), window);
    const Places places = places_of(*strategy, calendar);
    Curve curve{.name = strategy->name, .points = {}};
    for (std::size_t i = 0; i < values.size(); ++i)
      if (values[i]) curve.points.push_back({places.out_of_sample[i], *values[i]});
    if (curve.points.size() > 1) curves.push_back(std::move(curve));
  }
  return curves;
}

void add_rolling(Document& document, const ReportInput& input, const std::vector<const StrategyReport*>& strategies, bool calendar) {
  const XAxis axis{.calendar = calendar, .out_of_sample_from = {}, .name = "periods"};
  std::size_t window = 0;
  const auto add = [&](const char* title, const char* label, bool half, auto body) {
    const std::vector<Curve> curves = rolling(input, strategies, calendar, window, body);
    if (curves.empty()) return;
    Chart chart = rolling_chart(curves, axis, fmt::format("{}, {} periods", title, window), label);
    chart.half = half;
    document.add(std::move(chart));
  };
  add("Rolling Sharpe ratio", "Line chart of the annualised Sharpe ratio over a moving window", false,
      [&](const StrategyReport&, const stats::ReturnSeries& series, std::size_t length) { return stats::rolling_sharpe(series, length, input.risk_free); });
  add("Rolling volatility", "Line chart of the annualised volatility over a moving window", true,
      [&](const StrategyReport&, const stats::ReturnSeries& series, std::size_t length) { return stats::rolling_volatility(series, length); });
  add("Rolling beta", "Line chart of the beta to the benchmark over a moving window", true,
      [&](const StrategyReport& strategy, const stats::ReturnSeries& series, std::size_t length) {
        return strategy.out_of_sample.benchmark.empty() ? Rolling{} : stats::rolling_beta(series, strategy.out_of_sample.benchmark, length);
      });
}

void add_figures(Document& document, const StrategyReport& strategy) {
  TableBlock table{.caption = "All figures: " + strategy.name,
                   .columns = {{"Figure", Align::Left}, {"Unit", Align::Left}, {"In sample", Align::Right, "mean of folds"}, {"Out of sample"}, {"Interval or range", Align::Right, "95 %"}, {"n"}},
                   .rows = {}, .note = {}, .compact = true};
  for (const Evidence& evidence : strategy.out_of_sample_metrics) {
    const Evidence* before = find(strategy.in_sample_metrics, evidence.name);
    const bool known = evidence.estimate.has_value();
    table.rows.push_back({{metric_name(evidence.name)}, {unit_words(evidence.unit)}, {before != nullptr ? estimate(*before) : std::string(kDash)}, {known ? estimate(evidence) : std::string(kDash)},
                          known ? Cell{interval(evidence)} : Cell{evidence.reason, Tone::Muted}, {evidence.n > 0 ? count(static_cast<std::int64_t>(evidence.n)) : ""}});
  }
  if (!table.rows.empty()) document.add(Details{"All figures of " + strategy.name + ", in and out of sample", {Block{std::move(table)}}});
}

}  // namespace

void add_performance(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Performance"});
  std::vector<const StrategyReport*> strategies = detailed(input);
  std::erase_if(strategies, [](const auto* strategy) { return strategy->out_of_sample.net.empty(); });
  if (strategies.empty()) {
    document.add(Paragraph{"There are no out-of-sample returns to show.", Tone::Caution});
    return;
  }
  const bool calendar = all_on_calendar(strategies);
  std::vector<Curve> equity, drawdown;
  std::optional<double> start;
  bool any_before = false;
  for (const auto* strategy : strategies) {
    const Places places = places_of(*strategy, calendar);
    equity.push_back({strategy->name, growth(places, strategy->in_sample.net, strategy->out_of_sample.net)});
    drawdown.push_back({strategy->name, falls(places, strategy->in_sample.net, strategy->out_of_sample.net)});
    start = start ? std::min(*start, places.start) : places.start;
    any_before = any_before || places.in_sample_kept > 0;
  }
  if (const auto* shown = with_benchmark(strategies)) {
    const Places places = places_of(*shown, calendar);
    const std::string name = input.benchmark.empty() ? "benchmark" : input.benchmark;
    const auto& before = shown->in_sample.benchmark;
    equity.push_back({name, growth(places, before, shown->out_of_sample.benchmark), true});
    drawdown.push_back({name, falls(places, before, shown->out_of_sample.benchmark), true});
  }
  const XAxis axis{.calendar = calendar, .out_of_sample_from = any_before ? start : std::nullopt, .name = "periods since the start out of sample"};
  double low = 1, high = 1;
  for (const Curve& curve : equity)
    for (const Point& point : curve.points) low = std::min(low, point.y), high = std::max(high, point.y);
  std::optional<Fan> cone;
  if (strategies.size() == 1 && strategies[0]->cone && strategies[0]->cone->low.size() == strategies[0]->out_of_sample.net.size() &&
      strategies[0]->cone->high.size() == strategies[0]->out_of_sample.net.size()) {
    const Places places = places_of(*strategies[0], calendar);
    cone.emplace();
    for (std::size_t i = 0; i < places.out_of_sample.size(); ++i) {
      cone->low.push_back({places.out_of_sample[i], strategies[0]->cone->low[i]});
      cone->high.push_back({places.out_of_sample[i], strategies[0]->cone->high[i]});
    }
  }
  Chart chart = equity_chart(equity, axis, low > 0 && high / low > 4, cone);
  if (any_before) chart.message += " Before it, the first training window, where the strategy was fitted: not evidence.";
  document.add(std::move(chart));
  document.add(underwater_chart(drawdown, axis));
  add_side_by_side(document, input);
  if (calendar) add_drawdowns(document, input, strategies);
}

void add_returns(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Returns"});
  std::vector<const StrategyReport*> strategies = detailed(input);
  std::erase_if(strategies, [](const auto* strategy) { return strategy->out_of_sample.net.empty(); });
  if (strategies.empty()) {
    document.add(Paragraph{"There are no out-of-sample returns to show.", Tone::Caution});
    return;
  }
  const bool calendar = all_on_calendar(strategies);
  const auto& times = strategies[0]->out_of_sample.times;
  const bool months = calendar && (times.back() - times.front()).value >= 45 * kNanosPerDay;
  if (months) {
    for (const auto* strategy : strategies) add_months(document, input, *strategy);
    add_years(document, input, strategies);
  } else {
    document.add(Paragraph{calendar ? "The record is too short for a table of months." : "The record joins several generated markets: it has periods, but no months.", Tone::Muted});
  }
  add_rolling(document, input, strategies, calendar);
  for (const auto* strategy : strategies) document.add(distribution_chart(strategy->name, strategy->out_of_sample.net));
  for (const auto* strategy : strategies) add_figures(document, *strategy);
}

}  // namespace walras::reports
