#pragma once
// Internal to the charts: the pieces that their options are made of.
#include "engine/base/json.hpp"
#include "reports/charts.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walras::reports {

[[nodiscard]] Json object(Json::Object members);
/// Six significant digits; whole numbers as such.
[[nodiscard]] Json number_json(double value);
[[nodiscard]] Json pair_json(double x, double y);
[[nodiscard]] Json points_json(const std::vector<Point>& points);
[[nodiscard]] Json x_axis(const XAxis& axis);
/// Grid, legend, tooltip, axes and their formats; no series yet.
[[nodiscard]] Json base(Json x, Json y, bool legend, std::string_view x_format, std::string_view y_format);
/// The colour role of a series.
[[nodiscard]] std::string role(std::size_t series);

}  // namespace walras::reports
