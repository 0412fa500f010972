#pragma once
// The list of figures for people: on the terminal, as JSON, and as docs/metrics.md.
#include "engine/base/json.hpp"

#include <string>
#include <vector>

namespace walras::scenarios {

/// Names of all figures, in the order of a tear sheet.
[[nodiscard]] std::vector<std::string> figure_names();
/// Every figure with its unit and formula, by group; with a name that one alone, and where other libraries have it.
/// Throws Error{Usage} for a name that is none, with the nearest.
[[nodiscard]] std::string figures_text(const std::string& name);
/// name -> {group, unit, formula, assumptions, source, resampling, benchmark}.
[[nodiscard]] Json figures_json();
/// docs/metrics.md.
[[nodiscard]] std::string figures_documentation();

}  // namespace walras::scenarios
