#include "strategies/rows.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <cmath>

namespace walras::strategies {

RowSplit split_rows(const Dataset& data, double share, std::size_t wanted_gap) {
  std::vector<std::size_t> first_rows;  // of each step
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (data.times.empty() || row == 0 || data.times[row] != data.times[row - 1])
      first_rows.push_back(row);
  }
  const std::size_t steps = first_rows.size();
  const auto held_out =
      static_cast<std::size_t>(std::floor(static_cast<double>(steps) * share));
  const std::size_t validation = steps - held_out;
  const std::size_t gap = held_out == 0 ? 0 : wanted_gap;
  if (share > 0 && held_out == 0) {
    fail(Fault::Numeric, "validation",
         fmt::format(
             "expected at least one validation step, was a share of {} of {} steps; give more data",
             share, steps));
  }
  if (validation < gap + 2) {
    fail(Fault::Numeric, "training rows",
         fmt::format("expected at least 2 steps before the gap, was {} steps, {} of them for "
                     "validation and a gap of {}; "
                     "give more data or a smaller gap",
                     steps, held_out, gap));
  }
  const auto row_of = [&](std::size_t step) { return step < steps ? first_rows[step] : data.rows; };
  return {row_of(validation - gap), row_of(validation)};
}

}  // namespace walras::strategies
