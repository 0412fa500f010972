#pragma once
// Returns in a CSV: a header, one column of time, every other column one series. What cannot be returns is refused with
// its place and what to do about it.
#include "stats/returns.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace walras::scenarios {

struct ReturnsFile {
  std::vector<stats::ReturnSeries> series;  ///< of equal times
  std::string calendar;                     ///< the rule that told the periods a year
};

/// A column named date, time, datetime or timestamp is time (2024-01-31, or 202401 for the end of that month); every other
/// column is one series of simple returns, times `scale`. Without a column of time, `periods` a year must be given.
/// Throws Error{Data} naming file, row and column: no header, names twice, rows out of order or twice, no number, below -1.
ReturnsFile read_returns(const std::filesystem::path& file, std::optional<double> periods, double scale = 1);

}  // namespace walras::scenarios
