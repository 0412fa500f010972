#include "reports/charts.hpp"

#include "reports/chart_parts.hpp"
#include "reports/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace walras::reports {
namespace {

using Object = Json::Object;

std::vector<Point> finite(std::span<const Point> points) {
  std::vector<Point> kept;
  kept.reserve(points.size());
  for (const Point& point : points)
    if (std::isfinite(point.x) && std::isfinite(point.y)) kept.push_back(point);
  return kept;
}

double last_x(const std::vector<Curve>& curves) {
  double last = 0;
  bool any = false;
  for (const Curve& curve : curves)
    for (const Point& point : curve.points) {
      last = any ? std::max(last, point.x) : point.x;
      any = true;
    }
  return last;
}

Json out_of_sample_area(double from, double to, bool calendar) {
  const auto at = [&](double x) { return calendar ? number_json(std::round(x)) : number_json(x); };
  return object({{"silent", true},
                 {"itemStyle", object({{"color", "@shade"}})},
                 {"label", object({{"color", "@muted"}, {"fontSize", 11}, {"position", "insideTop"}})},
                 {"data", Json::array({Json::array({object({{"name", "out of sample"}, {"xAxis", at(from)}}),
                                                    object({{"xAxis", at(to)}})})})}});
}

using Decimate = std::vector<Point> (*)(std::span<const Point>, std::size_t);

Json line_series(const std::vector<Curve>& curves, const XAxis& axis, Decimate decimate, bool filled) {
  Json::Array series;
  std::size_t index = 0;
  for (const Curve& curve : curves) {
    const std::vector<Point> points = decimate(finite(curve.points), kMaxPoints);
    const std::string colour = curve.benchmark ? "@benchmark" : role(index);
    Object line{{"type", "line"},
                {"name", curve.name},
                {"showSymbol", points.size() < 3},
                {"symbol", "circle"},
                {"color", colour},
                {"lineStyle", object({{"width", curve.benchmark ? 1.4 : 1.8}, {"type", curve.benchmark ? "dashed" : "solid"}})},
                {"data", points_json(points)}};
    if (filled && !curve.benchmark) line.emplace_back("areaStyle", object({{"opacity", curves.size() > 2 ? 0.06 : 0.16}}));
    if (series.empty() && axis.out_of_sample_from)
      line.emplace_back("markArea", out_of_sample_area(*axis.out_of_sample_from, last_x(curves), axis.calendar));
    if (!curve.benchmark) ++index;
    series.push_back(object(std::move(line)));
  }
  return Json::array(std::move(series));
}

std::string names_of(const std::vector<Curve>& curves) {
  std::string text;
  for (const Curve& curve : curves) text += (text.empty() ? "" : ", ") + curve.name;
  return text;
}

double end_of(const Curve& curve) {
  const std::vector<Point> points = finite(curve.points);
  return points.empty() ? 0 : points.back().y;
}

}  // namespace

std::vector<Point> largest_triangles(std::span<const Point> points, std::size_t limit) {
  const std::size_t n = points.size();
  if (n <= limit || limit < 3) return {points.begin(), points.end()};
  std::vector<Point> kept{points[0]};
  kept.reserve(limit);
  const double bucket = static_cast<double>(n - 2) / static_cast<double>(limit - 2);
  const auto edge = [&](std::size_t i) { return 1 + static_cast<std::size_t>(bucket * static_cast<double>(i)); };
  for (std::size_t i = 0; i + 2 < limit; ++i) {
    const std::size_t begin = edge(i);
    const std::size_t end = std::min(edge(i + 1), n - 1);
    const std::size_t next_end = std::min(edge(i + 2), n);
    Point mean{0, 0};
    for (std::size_t k = end; k < next_end; ++k) mean = {mean.x + points[k].x, mean.y + points[k].y};
    const auto size = static_cast<double>(next_end - end);
    mean = {mean.x / size, mean.y / size};
    const Point left = kept.back();
    std::size_t best = begin;
    double largest = -1;
    for (std::size_t k = begin; k < end; ++k) {
      const double area = std::fabs((left.x - mean.x) * (points[k].y - left.y) - (left.x - points[k].x) * (mean.y - left.y));
      if (area > largest) largest = area, best = k;
    }
    kept.push_back(points[best]);
  }
  kept.push_back(points[n - 1]);
  return kept;
}

std::vector<Point> extremes(std::span<const Point> points, std::size_t limit) {
  const std::size_t n = points.size();
  if (n <= limit || limit < 4) return {points.begin(), points.end()};
  const std::size_t buckets = (limit - 2) / 2;
  std::vector<Point> kept{points[0]};
  for (std::size_t i = 0; i < buckets; ++i) {
    const std::size_t begin = 1 + i * (n - 2) / buckets;
    const std::size_t end = 1 + (i + 1) * (n - 2) / buckets;
    const auto [low, high] = std::minmax_element(points.begin() + static_cast<std::ptrdiff_t>(begin),
                                                 points.begin() + static_cast<std::ptrdiff_t>(end),
                                                 [](const Point& a, const Point& b) { return a.y < b.y; });
    kept.push_back(low < high ? *low : *high);
    if (low != high) kept.push_back(low < high ? *high : *low);
  }
  kept.push_back(points[n - 1]);
  return kept;
}

Chart equity_chart(const std::vector<Curve>& curves, const XAxis& axis, bool log, const std::optional<Fan>& cone) {
  Json options = base(x_axis(axis), object({{"type", log ? "log" : "value"}, {"scale", true}}), true,
                      axis.calendar ? "time" : "number", "growth");
  options["walras"]["toggle_log"] = true;
  Json series = line_series(curves, axis, largest_triangles, false);
  if (cone && cone->low.size() == cone->high.size() && !cone->low.empty()) {
    const std::vector<Point> low = finite(cone->low);
    std::vector<Point> width = cone->high;
    for (std::size_t i = 0; i < width.size(); ++i) width[i].y -= cone->low[i].y;
    const auto layer = [](const std::vector<Point>& points, double opacity) {
      return object({{"type", "line"}, {"name", "95 % of resampled paths"}, {"stack", "cone"}, {"showSymbol", false}, {"color", "@band"},
                     {"lineStyle", object({{"opacity", 0}})}, {"areaStyle", object({{"opacity", opacity}})},
                     {"tooltip", object({{"show", false}})}, {"data", points_json(points)}});
    };
    series.push_back(layer(largest_triangles(low, kMaxPoints), 0));
    series.push_back(layer(largest_triangles(finite(width), kMaxPoints), 0.25));
    options["walras"]["toggle_log"] = false;  // stacked layers have no meaning on a logarithmic axis
    options["yAxis"]["type"] = "value";
  }
  options["series"] = std::move(series);
  std::string message;
  for (const Curve& curve : curves)
    message += (message.empty() ? "" : "; ") + curve.name + " ends at " + number(end_of(curve));
  if (!message.empty()) message = "Growth of 1 from the first out-of-sample day, net of costs: " + message + ".";
  return {.title = "Equity", .options = std::move(options),
          .label = "Line chart of the growth of 1 over time: " + names_of(curves), .message = message, .height = 360};
}

Chart underwater_chart(const std::vector<Curve>& curves, const XAxis& axis) {
  Json options = base(x_axis(axis), object({{"type", "value"}, {"max", 0}}), true, axis.calendar ? "time" : "number", "percent");
  options["series"] = line_series(curves, axis, extremes, true);
  std::string message;
  for (const Curve& curve : curves) {
    double deepest = 0;
    for (const Point& point : curve.points)
      if ((!axis.out_of_sample_from || point.x >= *axis.out_of_sample_from) && std::isfinite(point.y)) deepest = std::min(deepest, point.y);
    message += (message.empty() ? "" : "; ") + curve.name + " " + percent(deepest);
  }
  if (!message.empty()) message = "Deepest fall below the former peak, out of sample: " + message + ".";
  return {.title = "Drawdown", .options = std::move(options),
          .label = "Line chart of the distance below the former peak: " + names_of(curves), .message = message, .height = 240};
}

Chart rolling_chart(const std::vector<Curve>& curves, const XAxis& axis, const std::string& title, const std::string& label) {
  Json options = base(x_axis(axis), object({{"type", "value"}, {"scale", true}}), true, axis.calendar ? "time" : "number", "number");
  options["series"] = line_series(curves, axis, largest_triangles, false);
  std::string message;
  for (const Curve& curve : curves) {
    const std::vector<Point> points = finite(curve.points);
    if (points.empty()) continue;
    const auto [low, high] = std::minmax_element(points.begin(), points.end(), [](const Point& a, const Point& b) { return a.y < b.y; });
    message += fmt::format("{}{} between {} and {}", message.empty() ? "" : "; ", curve.name, fixed(low->y, 2), fixed(high->y, 2));
  }
  return {.title = title, .options = std::move(options), .label = label + ": " + names_of(curves),
          .message = message.empty() ? "" : message + ".", .height = 260};
}

Chart bar_chart(const std::vector<std::string>& categories, const std::vector<std::string>& names,
                const std::vector<std::vector<std::optional<double>>>& values, const std::string& title, const std::string& format) {
  Json::Array labels;
  for (const std::string& category : categories) labels.emplace_back(category);
  Json options = base(object({{"type", "category"}, {"data", Json::array(std::move(labels))}}), object({{"type", "value"}}),
                      names.size() > 1, "text", format);
  Json::Array series;
  std::string message;
  for (std::size_t s = 0; s < names.size(); ++s) {
    Json::Array data;
    std::size_t up = 0, known = 0;
    for (const auto& value : values[s]) {
      const bool present = value && std::isfinite(*value);
      data.push_back(present ? number_json(*value) : Json("-"));
      known += present;
      up += present && *value > 0;
    }
    message += fmt::format("{}{} gained in {} of {}", message.empty() ? "" : "; ", names[s], up, known);
    series.push_back(object({{"type", "bar"}, {"name", names[s]}, {"color", role(s)}, {"barMaxWidth", 26}, {"data", Json::array(std::move(data))}}));
  }
  options["series"] = Json::array(std::move(series));
  return {.title = title, .options = std::move(options), .label = "Bar chart: " + title, .message = message.empty() ? "" : message + ".",
          .height = 260};
}

Chart distribution_chart(const std::string& name, std::span<const double> returns) {
  std::vector<double> sorted;
  for (const double value : returns)
    if (std::isfinite(value)) sorted.push_back(value);
  std::sort(sorted.begin(), sorted.end());
  const std::size_t n = sorted.size();
  double mean = 0, square = 0;
  for (const double value : sorted) mean += value;
  mean /= static_cast<double>(std::max<std::size_t>(n, 1));
  for (const double value : sorted) square += (value - mean) * (value - mean);
  const double deviation = n > 1 ? std::sqrt(square / static_cast<double>(n - 1)) : 0;
  Json options = base(object({{"type", "value"}, {"scale", true}, {"splitLine", object({{"show", false}})}}), object({{"type", "value"}}), true,
                      "percent", "count");
  Chart chart{.title = "Distribution of returns: " + name, .options = {}, .label = "Histogram of the returns of " + name + " a period, with a normal curve",
              .message = {}, .height = 260, .half = true};
  if (n < 2 || deviation <= 0) {
    chart.message = n < 2 ? "Fewer than two returns: no distribution to draw." : "All returns are equal: no distribution to draw.";
    return chart;
  }
  // Freedman and Diaconis's width, within 12 to 60 bins over the middle 99.8 %; what lies beyond is in the end bins.
  const double low = sorted[static_cast<std::size_t>(0.001 * static_cast<double>(n - 1))];
  const double high = sorted[static_cast<std::size_t>(0.999 * static_cast<double>(n - 1))];
  const double quartiles = sorted[3 * (n - 1) / 4] - sorted[(n - 1) / 4];
  const double wanted = quartiles > 0 ? 2 * quartiles / std::cbrt(static_cast<double>(n)) : deviation / 4;
  const double reach = high > low ? high - low : 2 * deviation;
  const auto bins = static_cast<std::size_t>(std::clamp(reach / wanted, 12.0, 60.0));
  const double width = reach / static_cast<double>(bins);
  std::vector<double> counts(bins, 0);
  for (const double value : sorted) {
    const double bin = std::clamp(std::floor((value - low) / width), 0.0, static_cast<double>(bins - 1));
    counts[static_cast<std::size_t>(bin)] += 1;
  }
  Json::Array bars, curve;
  for (std::size_t i = 0; i < bins; ++i) {
    const double middle = low + (static_cast<double>(i) + 0.5) * width;
    bars.push_back(pair_json(middle, counts[i]));
    const double z = (middle - mean) / deviation;
    curve.push_back(pair_json(middle, static_cast<double>(n) * width * std::exp(-z * z / 2) / (deviation * std::sqrt(2 * std::numbers::pi))));
  }
  options["series"] = Json::array({object({{"type", "bar"}, {"name", "observed"}, {"color", "@series1"}, {"barWidth", "92%"}, {"itemStyle", object({{"opacity", 0.75}})},
                                           {"data", Json::array(std::move(bars))}}),
                                   object({{"type", "line"}, {"name", "normal"}, {"color", "@series2"}, {"showSymbol", false}, {"smooth", true},
                                           {"data", Json::array(std::move(curve))}})});
  chart.options = std::move(options);
  std::size_t far = 0;
  for (const double value : sorted) far += std::fabs(value - mean) > 3 * deviation;
  chart.message = fmt::format("{} returns, mean {}, standard deviation {}; {} lie beyond three standard deviations, {} would under a normal law. "
                              "The end bins hold what lies beyond them.",
                              count(static_cast<std::int64_t>(n)), percent(mean), percent(deviation), far,
                              number(static_cast<double>(n) * 0.0026998));
  return chart;
}

Chart stacked_chart(const std::vector<double>& x, const std::vector<std::string>& names, const std::vector<std::vector<double>>& values,
                    const XAxis& axis, const std::string& title) {
  Json options = base(x_axis(axis), object({{"type", "value"}}), true, axis.calendar ? "time" : "number", "percent");
  Json::Array series;
  for (std::size_t layer = 0; layer < names.size(); ++layer) {
    Json::Array data;
    bool negative = false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      data.push_back(pair_json(x[i], std::isfinite(values[layer][i]) ? values[layer][i] : 0));
      negative = negative || values[layer][i] < 0;
    }
    const std::string colour = names[layer] == "others" ? "@benchmark" : role(layer);
    series.push_back(object({{"type", "line"}, {"name", names[layer]}, {"stack", "all"}, {"stackStrategy", "samesign"}, {"showSymbol", x.size() < 3}, {"color", colour},
                             {"step", "end"}, {"lineStyle", object({{"width", 0}})}, {"areaStyle", object({{"opacity", 0.85}})},
                             {"data", Json::array(std::move(data))}}));
  }
  options["series"] = Json::array(std::move(series));
  return {.title = title, .options = std::move(options), .label = "Stacked areas: " + title, .message = {}, .height = 260};
}

Chart waterfall_chart(const std::string& name, const std::vector<std::pair<std::string, double>>& changes, const std::string& currency) {
  Json::Array labels, hidden, gain, loss, level;
  double at = 0;
  std::string message;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const auto& [label, amount] = changes[i];
    const bool is_level = i == 0 || i + 1 == changes.size();
    const double from = is_level ? 0 : at;
    const double to = is_level ? amount : at + amount;
    labels.emplace_back(label);
    // Bars that cross zero cannot be stacked on a hidden foot; they are given as [low, high] pairs instead.
    hidden.push_back(Json::array({number_json(static_cast<double>(i)), number_json(from), number_json(to), is_level ? 0 : to >= from ? 1 : -1}));
    at = to;
    message += (message.empty() ? "" : ", ") + label + " " + money(amount, currency);
  }
  Json options = base(object({{"type", "category"}, {"data", Json::array(std::move(labels))}, {"axisLabel", object({{"interval", 0}})}}),
                      object({{"type", "value"}}), false, "text", "money");
  options["grid"]["top"] = 24;
  options["tooltip"] = object({{"show", false}});
  options["series"] = Json::array({object({{"type", "custom"}, {"name", name}, {"data", Json::array(std::move(hidden))},
                                           {"encode", object({{"x", 0}, {"y", Json::array({1, 2})}})}})});
  options["walras"]["draw"] = "waterfall";
  return {.title = "From gross to net: " + name, .options = std::move(options), .label = "Waterfall of profit from gross to net for " + name,
          .message = message + ".", .height = 260, .half = true};
}

Chart fold_chart(const std::vector<Curve>& strategies) {
  Json options = base(object({{"type", "value"}, {"name", "in sample"}, {"nameLocation", "middle"}, {"nameGap", 26}, {"scale", true}}),
                      object({{"type", "value"}, {"name", "out of sample"}, {"scale", true}}), true, "number", "number");
  options["grid"]["bottom"] = 48;
  options["grid"]["top"] = 62;
  options["tooltip"] = object({{"trigger", "item"}, {"confine", true}});
  double low = 0, high = 0;
  Json::Array series;
  std::size_t below = 0, all = 0;
  for (std::size_t s = 0; s < strategies.size(); ++s) {
    const std::vector<Point> points = finite(strategies[s].points);
    for (const Point& point : points) {
      low = std::min({low, point.x, point.y});
      high = std::max({high, point.x, point.y});
      below += point.y < point.x;
      ++all;
    }
    constexpr const char* symbols[] = {"circle", "rect", "triangle", "diamond"};
    series.push_back(object({{"type", "scatter"}, {"name", strategies[s].name}, {"color", role(s)}, {"symbol", symbols[s % 4]},
                             {"symbolSize", 9}, {"itemStyle", object({{"opacity", 0.85}})}, {"data", points_json(points)}}));
  }
  series.push_back(object({{"type", "line"}, {"name", "equal"}, {"color", "@benchmark"}, {"showSymbol", false}, {"silent", true},
                           {"lineStyle", object({{"type", "dashed"}, {"width", 1}})},
                           {"data", points_json({{low, low}, {high, high}})}}));
  options["series"] = Json::array(std::move(series));
  return {.title = "Sharpe ratio of each fold", .options = std::move(options),
          .label = "Scatter of each fold's Sharpe ratio in sample against out of sample",
          .message = fmt::format("In {} of {} folds the Sharpe ratio was lower out of sample than in sample (points below the dashed line).", below, all),
          .height = 320, .half = true};
}

Chart p_value_chart(const std::vector<std::pair<std::string, double>>& p_values, double level) {
  Json::Array labels, bars;
  std::string message;
  for (const auto& [name, p] : p_values) {
    if (!std::isfinite(p)) continue;
    labels.emplace_back(name);
    bars.push_back(object({{"value", number_json(p)}, {"itemStyle", object({{"color", p <= level ? "@good" : "@series1"}})}}));
    message += (message.empty() ? "" : "; ") + name + " " + p_value(p);
  }
  Json options = base(object({{"type", "value"}, {"min", 0}, {"max", 1}, {"name", "p-value"}, {"nameLocation", "middle"}, {"nameGap", 26}}),
                      object({{"type", "category"}, {"inverse", true}, {"data", Json::array(std::move(labels))}, {"axisLabel", object({{"width", 130}, {"overflow", "truncate"}})}}),
                      false, "number", "text");
  options["grid"]["left"] = 20;
  options["grid"]["top"] = 30;
  options["grid"]["bottom"] = 48;
  const Json line = object({{"silent", true}, {"symbol", "none"}, {"lineStyle", object({{"color", "@bad"}, {"type", "dashed"}})},
                            {"label", object({{"formatter", fixed(level, 2)}, {"color", "@bad"}, {"position", "start"}})},
                            {"data", Json::array({object({{"xAxis", level}})})}});
  options["series"] = Json::array({object({{"type", "bar"}, {"name", "adjusted p-value"}, {"barMaxWidth", 22},
                                           {"label", object({{"show", true}, {"position", "right"}, {"color", "@text"}})},
                                           {"markLine", line}, {"data", Json::array(std::move(bars))}})});
  return {.title = "Adjusted p-values", .options = std::move(options), .label = "Bars of the Romano-Wolf adjusted p-value of each strategy",
          .message = "Romano-Wolf adjusted: " + message + ". Skill is shown at " + fixed(level, 2) + " or less.", .height = 320, .half = true};
}

Chart line_chart(const std::vector<Curve>& curves, const std::string& title, const std::string& x_name, const std::string& y_name) {
  const XAxis axis{.calendar = false, .out_of_sample_from = {}, .name = x_name};
  Json options = base(x_axis(axis), object({{"type", "value"}, {"scale", true}, {"name", y_name}}), curves.size() > 1, "number", "number");
  options["grid"]["top"] = curves.size() > 1 ? 62 : 36;
  options["series"] = line_series(curves, axis, largest_triangles, false);
  std::string message;
  for (const Curve& curve : curves) message += (message.empty() ? "" : "; ") + curve.name + " ends at " + number(end_of(curve));
  return {.title = title, .options = std::move(options), .label = "Line chart: " + title, .message = message.empty() ? "" : message + ".",
          .height = 260, .half = true};
}

}  // namespace walras::reports
