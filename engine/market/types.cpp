#include "engine/market/types.hpp"

#include "engine/base/error.hpp"
#include "engine/market/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace walras::engine {
namespace {

std::int64_t nearest_multiple(double value, double step, const std::string& name,
                              const char* what) {
  const double scaled = value / step;
  const double magnitude = std::abs(scaled);
  if (!(magnitude < 9.0e18)) {
    fail(Fault::Numeric, name,
         fmt::format("expected a {} that fits 64-bit counts of {}, was {}", what, step, value));
  }
  double whole = std::floor(magnitude);
  // A decimal half such as 1.005 in steps of 0.01 is not exact in binary; a few units in the last
  // place below the half still mean the half.
  const double slack = 4 * std::numeric_limits<double>::epsilon() * std::max(1.0, magnitude);
  if (magnitude - whole >= 0.5 - std::min(slack, 0.25)) whole += 1;
  const auto count = static_cast<std::int64_t>(whole);
  return scaled < 0 ? -count : count;
}

}  // namespace

Money Instrument::tick_value() const {
  for (const double factor : {tick_size, lot_size, multiplier}) {
    if (!(factor > 0) || !std::isfinite(factor)) {
      fail(Fault::Data, name,
           fmt::format("expected tick_size, lot_size and multiplier to be finite and > 0, was {}",
                       factor));
    }
  }
  const Decimal tick = shortest_decimal(tick_size);
  const Decimal lot = shortest_decimal(lot_size);
  const Decimal points = shortest_decimal(multiplier);
  Money::Integer value = 0;
  bool exact = !__builtin_mul_overflow(Money::Integer{tick.mantissa}, Money::Integer{lot.mantissa}, &value) &&
               !__builtin_mul_overflow(value, Money::Integer{points.mantissa}, &value);
  int exponent = tick.exponent + lot.exponent + points.exponent + 12;
  for (; exact && exponent > 0; --exponent) exact = !__builtin_mul_overflow(value, 10, &value);
  for (; exact && exponent < 0; ++exponent) {
    exact = value % 10 == 0;
    value /= 10;
  }
  if (!exact) {
    fail(Fault::Data, name,
         fmt::format("expected tick_size x lot_size x multiplier to be a multiple of 1e-12, was "
                     "{} x {} x {}; choose a larger lot_size or tick_size",
                     tick_size, lot_size, multiplier));
  }
  return Money{value};
}

Ticks Instrument::ticks(double price) const {
  return {nearest_multiple(price, tick_size, name, "price")};
}

Lots Instrument::lots(double quantity) const {
  return {nearest_multiple(quantity, lot_size, name, "quantity")};
}

}  // namespace walras::engine
