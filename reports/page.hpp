#pragma once
// Internal to html.cpp: the style sheet and the script of a report's page.
#include <string_view>

namespace walras::reports {

/// Colours, type and layout, for screens in light and dark and for A4.
[[nodiscard]] std::string_view page_style();
/// Draws the charts from the page's own data, switches themes, prepares printing.
[[nodiscard]] std::string_view page_script();

}  // namespace walras::reports
