#pragma once
// Charts as data: ECharts options with colour roles instead of colours. Drawing is left to the page. No chart holds more
// than kMaxPoints points a line, and none holds a number that is not finite.
#include "engine/base/units.hpp"
#include "reports/document.hpp"

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace walras::reports {

inline constexpr std::size_t kMaxPoints = 1200;

struct Point { double x, y; };

/// Largest triangle three buckets: keeps the look of a line. Ends are kept. Range: limit >= 3.
/// Source: Steinarsson, "Downsampling time series for visual representation", 2013, section 4.2.
[[nodiscard]] std::vector<Point> largest_triangles(std::span<const Point> points, std::size_t limit);
/// Lowest and highest point of equal stretches, in order: keeps extremes. Ends are kept. Range: limit >= 4.
[[nodiscard]] std::vector<Point> extremes(std::span<const Point> points, std::size_t limit);

/// A line of a chart. x are milliseconds since 1970 on a calendar axis, else a count of periods.
struct Curve {
  std::string name;
  std::vector<Point> points;
  bool benchmark = false;  ///< drawn dashed and grey
};

/// What the x axis counts, and from where the record is out of sample (shaded to the right end).
struct XAxis {
  bool calendar = true;
  std::optional<double> out_of_sample_from = {};
  std::string name = {};  ///< of a plain axis: "periods"
};

/// Bounds of a fan, drawn behind the first curve.
struct Fan { std::vector<Point> low, high; };

/// Growth of 1, linear or logarithmic (the page offers both). `log` is what it opens with.
[[nodiscard]] Chart equity_chart(const std::vector<Curve>& curves, const XAxis& axis, bool log, const std::optional<Fan>& cone = {});
/// Fraction below the former peak, <= 0.
[[nodiscard]] Chart underwater_chart(const std::vector<Curve>& curves, const XAxis& axis);
[[nodiscard]] Chart rolling_chart(const std::vector<Curve>& curves, const XAxis& axis, const std::string& title, const std::string& label);

/// Bars by group: years by strategy. Shape: values[series][category], absent values leave a gap.
[[nodiscard]] Chart bar_chart(const std::vector<std::string>& categories, const std::vector<std::string>& names,
                              const std::vector<std::vector<std::optional<double>>>& values, const std::string& title,
                              const std::string& format);
/// Histogram of returns with the normal density of equal mean and standard deviation, in observations a bin.
[[nodiscard]] Chart distribution_chart(const std::string& name, std::span<const double> returns);
/// Stacked areas over common times; shares of equity. Shape: values[layer][time].
[[nodiscard]] Chart stacked_chart(const std::vector<double>& x, const std::vector<std::string>& names,
                                  const std::vector<std::vector<double>>& values, const XAxis& axis, const std::string& title);
/// Steps from gross to net: the first is a level, each next a change, the last the resulting level.
[[nodiscard]] Chart waterfall_chart(const std::string& name, const std::vector<std::pair<std::string, double>>& changes,
                                    const std::string& currency);
/// One point a fold: Sharpe ratio in sample against out of sample, with the line of equality.
[[nodiscard]] Chart fold_chart(const std::vector<Curve>& strategies);
/// One bar a strategy, with the line of decision.
[[nodiscard]] Chart p_value_chart(const std::vector<std::pair<std::string, double>>& p_values, double level);
[[nodiscard]] Chart line_chart(const std::vector<Curve>& curves, const std::string& title, const std::string& x_name,
                               const std::string& y_name);

}  // namespace walras::reports
