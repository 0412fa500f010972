#include "reports/significance_charts.hpp"

#include "reports/chart_parts.hpp"
#include "reports/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace walras::reports {
namespace {

std::vector<Point> plain(const std::vector<SignificanceView::Point>& points) {
  std::vector<Point> out;
  for (const auto& point : points) out.push_back({point.x, point.y});
  return out;
}

Json value_axis(const std::string& name, bool scale = true) {
  return object({{"type", "value"}, {"name", name}, {"nameLocation", "middle"}, {"nameGap", 28}, {"scale", scale}});
}

/// Bars as wide as the closest two are apart, on an axis from `low` to `high`.
std::string bar_width(const std::vector<Point>& points, double low, double high) {
  double gap = high - low;
  for (std::size_t i = 1; i < points.size(); ++i) gap = std::min(gap, points[i].x - points[i - 1].x);
  return fmt::format("{:.1f}%", std::clamp(90 * gap / (high - low), 0.6, 12.0));
}

Json mark_line(Json::Array marks) {
  return object({{"silent", true}, {"symbol", "none"}, {"lineStyle", object({{"color", "@bad"}, {"type", "dashed"}})},
                 {"label", object({{"color", "@text"}, {"fontSize", 11}, {"position", "end"}})}, {"data", Json::array(std::move(marks))}});
}

Json mark(double x, const std::string& label) {
  return object({{"xAxis", number_json(x)}, {"label", object({{"formatter", label}})}});
}

Json dashed(const std::string& name, const std::vector<Point>& points, const std::string& colour) {
  return object({{"type", "line"}, {"name", name}, {"color", colour}, {"showSymbol", false}, {"silent", true},
                 {"lineStyle", object({{"type", "dashed"}, {"width", 1.4}})}, {"data", points_json(points)}});
}

}  // namespace

std::vector<SignificanceView::Point> bins(std::span<const double> values, std::size_t count) {
  std::vector<SignificanceView::Point> out;
  if (values.empty() || count == 0) return out;
  std::map<double, double> distinct;
  for (const double value : values) {
    distinct[value] += 1 / static_cast<double>(values.size());
    if (distinct.size() > count) break;
  }
  if (distinct.size() <= count && values.size() > 2 * count) {  // a few values, each met often: they are the bins
    for (const auto& [value, share] : distinct) out.push_back({value, share});
    return out;
  }
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  const double width = (*high - *low) / static_cast<double>(count);
  if (!(width > 0)) return {{*low, 1}};
  for (std::size_t i = 0; i < count; ++i) out.push_back({*low + (static_cast<double>(i) + 0.5) * width, 0});
  for (const double value : values) {
    const auto bin = std::min(count - 1, static_cast<std::size_t>((value - *low) / width));
    out[bin].y += 1 / static_cast<double>(values.size());
  }
  return out;
}

Chart logit_chart(const SignificanceView& view) {
  Json options = base(value_axis("logit of the rank out of sample"), object({{"type", "value"}, {"name", "share of splits"}}), false, "number", "percent");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = 36;
  const std::vector<Point> points = plain(view.logits);
  Json::Array left, right;
  double low = 0;
  const double margin = 0.05 * std::max(1.0, points.back().x - points.front().x);
  const double from = points.front().x - margin, to = points.back().x + margin;
  options["xAxis"]["min"] = number_json(std::floor(from * 2) / 2);
  options["xAxis"]["max"] = number_json(std::ceil(to * 2) / 2);
  for (const Point& point : points) {
    if (point.x <= 0) low += point.y;
    (point.x <= 0 ? left : right).push_back(pair_json(point.x, point.y));
  }
  const auto bars = [&](const std::string& name, Json::Array data, const std::string& colour) {
    return object({{"type", "bar"}, {"name", name}, {"color", colour}, {"stack", "all"}, {"barWidth", bar_width(points, from, to)},
                   {"data", Json::array(std::move(data))}});
  };
  Json overfitted = bars("overfitted", std::move(left), "@bad");
  overfitted["markLine"] = mark_line({mark(0, "median")});
  options["series"] = Json::array({std::move(overfitted), bars("held", std::move(right), "@series1")});
  return {.title = "Where the best in sample ends up", .options = std::move(options),
          .label = "Histogram of the logits of the rank out of sample of the trial that was best in sample",
          .message = fmt::format("Over all ways to halve the record, the trial that was best in one half ranks at or below the median of the other in about {} of splits (left of 0).", percent(low)),
          .height = 280, .half = true};
}

Chart degradation_chart(const SignificanceView& view) {
  Json options = base(value_axis("Sharpe ratio in sample, chosen trial"), object({{"type", "value"}, {"name", "out of sample"}, {"scale", true}}), false, "number", "number");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = 36;
  const std::vector<Point> points = plain(view.degradation);
  double low = points.front().x, high = low;
  std::size_t lost = 0;
  for (const Point& point : points) {
    low = std::min(low, point.x);
    high = std::max(high, point.x);
    lost += point.y < 0;
  }
  Json::Array series{object({{"type", "scatter"}, {"name", "split"}, {"color", "@series1"}, {"symbolSize", 5},
                             {"itemStyle", object({{"opacity", 0.5}})}, {"data", points_json(points)}})};
  std::string message = fmt::format("{} of the {} splits drawn lose money out of sample.", lost, points.size());
  if (view.degradation_line) {
    const auto& [intercept, slope] = *view.degradation_line;
    series.push_back(dashed("fitted", {{low, intercept + slope * low}, {high, intercept + slope * high}}, "@bad"));
    message = fmt::format("A unit of Sharpe ratio gained in sample comes with {} out of sample. ", number(slope)) + message;
  }
  options["series"] = Json::array(std::move(series));
  return {.title = "Degradation", .options = std::move(options), .label = "Scatter of the chosen trial's Sharpe ratio in sample against out of sample",
          .message = message, .height = 280, .half = true};
}

Chart deflated_chart(const SignificanceView& view, double effective_trials) {
  constexpr std::size_t kLines = 3;
  Json axis = value_axis("independent trials");
  axis["type"] = "log";
  Json options = base(std::move(axis), object({{"type", "value"}, {"name", "probability"}, {"min", 0}, {"max", 1}}), view.deflated.size() > 1, "number", "number");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = view.deflated.size() > 1 ? 62 : 36;
  Json::Array series;
  std::string message;
  for (std::size_t i = 0; i < std::min(view.deflated.size(), kLines); ++i) {
    const auto& line = view.deflated[i];
    Json one = object({{"type", "line"}, {"name", line.name}, {"color", role(i)}, {"showSymbol", false}, {"data", points_json(plain(line.points))}});
    if (i == 0) one["markLine"] = mark_line({mark(std::max(1.0, effective_trials), "this study")});
    series.push_back(std::move(one));
    message += fmt::format("{}{}: {} with one trial, {} with {}", message.empty() ? "" : "; ", line.name, number(line.points.front().y),
                           number(line.points.back().y), number(line.points.back().x));
  }
  options["series"] = Json::array(std::move(series));
  return {.title = "Deflated Sharpe ratio by number of trials", .options = std::move(options),
          .label = "Lines of the deflated Sharpe ratio against the number of independent trials",
          .message = message + ".", .height = 280, .half = true};
}

Chart discovery_chart(const SignificanceView& view, double level) {
  const auto n = static_cast<double>(view.p_values.size());
  Json options = base(value_axis("rank"), object({{"type", "value"}, {"name", "p-value"}, {"min", 0}, {"max", 1}}), true, "number", "number");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = 62;
  std::vector<Point> points;
  std::size_t found = 0;
  const std::size_t step = std::max<std::size_t>(1, view.p_values.size() / kMaxPoints);
  for (std::size_t i = 0; i < view.p_values.size(); ++i) {
    const auto rank = static_cast<double>(i + 1);
    if (view.p_values[i] <= level * rank / n) found = i + 1;
    if (i % step == 0) points.push_back({rank, view.p_values[i]});
  }
  options["series"] = Json::array({object({{"type", "scatter"}, {"name", "trials"}, {"color", "@series1"}, {"symbolSize", 6}, {"data", points_json(points)}}),
                                   dashed("no skill anywhere", {{0, 0}, {n, 1}}, "@benchmark"),
                                   dashed(fmt::format("Benjamini-Hochberg, {:g}", level), {{0, 0}, {n, level}}, "@bad")});
  return {.title = "p-values of all trials", .options = std::move(options), .label = "Sorted p-values of the study's trials against two lines",
          .message = fmt::format("{} of {} trials lie at or below a point under the Benjamini-Hochberg line of {:g}. Without skill anywhere the points follow the grey line.",
                                 found, view.p_values.size(), level),
          .height = 280, .half = true};
}

Chart null_worlds_chart(const SignificanceView& view) {
  Json options = base(value_axis("best t of a world"), object({{"type", "value"}, {"name", "share of worlds"}}), false, "number", "percent");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = 44;
  const std::vector<Point> points = plain(view.null_best);
  double low = points.front().x, high = points.back().x;
  const auto best = std::max_element(view.null_own.begin(), view.null_own.end(), [](const auto& a, const auto& b) { return a.statistic < b.statistic; });
  Json::Array marks;
  for (const auto& own : view.null_own) {
    low = std::min(low, own.statistic);
    high = std::max(high, own.statistic);
    marks.push_back(mark(own.statistic, &own == &*best ? own.name : ""));
  }
  const std::string message = fmt::format("{} has t {}; p {} (dashed: every strategy)", best->name,
                                          number(best->statistic), p_value(best->p_value));
  const double margin = 0.05 * std::max(high - low, 0.1);
  options["xAxis"]["min"] = number_json(std::floor((low - margin) * 10) / 10);
  options["xAxis"]["max"] = number_json(std::ceil((high + margin) * 10) / 10);
  Json bars = object({{"type", "bar"}, {"name", "worlds without alpha"}, {"color", "@benchmark"}, {"barWidth", bar_width(points, low - margin, high + margin)},
                      {"data", points_json(points)}});
  bars["markLine"] = mark_line(std::move(marks));
  options["series"] = Json::array({std::move(bars)});
  return {.title = fmt::format("Worlds without alpha ({})", view.null_kind), .options = std::move(options),
          .label = "Histogram of the best t-statistic of each world without alpha, with the strategies' own",
          .message = "The whole study, search included, on markets without alpha. " + message + ".", .height = 280, .half = true};
}

}  // namespace walras::reports
