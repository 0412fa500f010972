#pragma once
// Rows of a Dataset divided by time, for whoever chooses by the last of them.
#include "strategies/predictor.hpp"

namespace walras::strategies {

/// Rows [0, train) train, rows [validation, rows) validate.
struct RowSplit {
  std::size_t train = 0, validation = 0;
};
/// Holds out the last share `validation` of the steps (times), never within one, and leaves out `gap` steps before
/// them, so that windows and targets do not overlap. Throws Error{Numeric} when either part would be empty
/// (validation only when asked for).
[[nodiscard]] RowSplit split_rows(const Dataset& data, double validation, std::size_t gap);

}  // namespace walras::strategies
