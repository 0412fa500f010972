#include "engine/base/units.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <cmath>

namespace walras {

Money Money::from_units(double units) {
  constexpr double kLimit = 1.7e26;
  if (!std::isfinite(units) || std::abs(units) > kLimit) {
    fail(Fault::Numeric, "money",
         fmt::format("expected a finite amount of at most {} currency units, was {}", kLimit,
                     units));
  }
  // The whole units convert exactly; only the fraction is rounded, so large amounts stay exact.
  const double whole = std::trunc(units);
  const double fraction = std::round((units - whole) * static_cast<double>(kPerUnit));
  return {static_cast<Integer>(whole) * kPerUnit + static_cast<Integer>(fraction)};
}

std::int64_t Money::micros() const {
  constexpr Integer kPerMicro = kPerUnit / 1'000'000;
  constexpr Integer kHalf = kPerMicro / 2;
  const Integer micros = (value + (value < 0 ? -kHalf : kHalf)) / kPerMicro;
  if (micros > std::numeric_limits<std::int64_t>::max() ||
      micros < std::numeric_limits<std::int64_t>::min()) {
    fail(Fault::Numeric, "money",
         fmt::format("expected at most 9.2e12 currency units in a run record, was {:g}; "
                     "scale the capital or the leverage down",
                     units()));
  }
  return static_cast<std::int64_t>(micros);
}

}  // namespace walras
