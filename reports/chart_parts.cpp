#include "reports/chart_parts.hpp"

#include <cmath>

namespace walras::reports {
namespace {

using Object = Json::Object;

/// Six significant digits: finer than a pixel, and half the bytes.
double shortened(double value) {
  if (value == 0) return 0;
  const double scale = std::pow(10.0, 5 - std::floor(std::log10(std::fabs(value))));
  const double rounded = std::round(value * scale) / scale;
  return std::isfinite(rounded) ? rounded : value;
}

}  // namespace

Json object(Object members) { return Json::object(std::move(members)); }

Json number_json(double value) {
  const double rounded = std::round(value);
  if (rounded == value && std::fabs(value) < 9e15) return Json(static_cast<std::int64_t>(rounded));
  return Json(shortened(value));
}

Json pair_json(double x, double y) {
  return Json::array({number_json(std::round(x * 1e6) / 1e6), number_json(y)});
}

Json points_json(const std::vector<Point>& points) {
  Json::Array items;
  items.reserve(points.size());
  for (const Point& point : points) items.push_back(pair_json(point.x, point.y));
  return Json::array(std::move(items));
}

Json x_axis(const XAxis& axis) {
  Object members{{"type", axis.calendar ? "time" : "value"}, {"splitLine", object({{"show", false}})}};
  if (!axis.calendar) {
    members.emplace_back("name", axis.name);
    members.emplace_back("nameLocation", "middle");
    members.emplace_back("nameGap", 28);
    members.emplace_back("min", "dataMin");
    members.emplace_back("max", "dataMax");
  }
  return object(std::move(members));
}

Json base(Json x, Json y, bool legend, std::string_view x_format, std::string_view y_format) {
  return object({{"grid", object({{"left", 56}, {"right", 18}, {"top", legend ? 40 : 16}, {"bottom", 40}})},
                 {"legend", object({{"show", legend}, {"top", 0}, {"left", 0}, {"itemWidth", 14}, {"itemHeight", 8}})},
                 {"tooltip", object({{"trigger", "axis"}, {"confine", true}})},
                 {"xAxis", std::move(x)},
                 {"yAxis", std::move(y)},
                 {"series", Json::array()},
                 {"walras", object({{"x", x_format}, {"y", y_format}})}});
}

std::string role(std::size_t series) { return "@series" + std::to_string(series % 8 + 1); }

}  // namespace walras::reports
