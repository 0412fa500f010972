#pragma once
// A price over a split: one rule for accounts, marks and bars.
#include "engine/base/units.hpp"

namespace walras::engine {

/// A price once each `from` lots have become `to`, to the nearest tick, halves away from zero. Range: from, to > 0.
[[nodiscard]] constexpr Ticks split_price(Ticks price, std::int64_t from, std::int64_t to) {
  const Money::Integer twice = Money::Integer{price.value} * from * 2;
  return {static_cast<std::int64_t>((twice + (twice < 0 ? -to : to)) / (Money::Integer{to} * 2))};
}

}  // namespace walras::engine
