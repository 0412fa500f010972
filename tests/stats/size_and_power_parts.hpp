#pragma once
// What is simulated: each part draws a world and says which tests reject in it.
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace walras::stats {

/// One test, and the share of worlds in which it may reject: low 0 and high 1 are no bound (the share is only printed).
struct Column {
  std::string name;
  double low = 0, high = 1;
};

struct Part {
  std::string name;                 ///< on the command line
  std::string title, doc, what;     ///< in the report: heading, what was drawn, head of the first column
  std::vector<Column> columns;
  std::function<std::vector<bool>(std::uint64_t world)> world;
  std::size_t cost = 1;             ///< worlds are divided by it when all parts run small
};

[[nodiscard]] std::vector<Part> parts();
/// The report around its tables.
[[nodiscard]] std::string report_text(const std::string& tables);

}  // namespace walras::stats
