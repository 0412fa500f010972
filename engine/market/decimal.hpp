#pragma once
// Decimal text to integers with one rounding: a number is read as digits and an exponent and is scaled to
// ticks or lots in 128-bit integers. No double in between.
#include <cstdint>
#include <optional>
#include <string_view>

namespace walras::engine {

/// mantissa x 10^exponent. Digits beyond the eighteenth significant one are cut off. Trailing zeros are dropped, so
/// that equal numbers have equal members; zero is {0, 0}.
struct Decimal {
  std::int64_t mantissa = 0;
  std::int32_t exponent = 0;
  bool operator==(const Decimal&) const = default;
  /// Digits needed after the point; 0 for whole numbers.
  [[nodiscard]] int decimals() const { return exponent < 0 ? -exponent : 0; }
  [[nodiscard]] double value() const;
};

/// Reads "[+-]digits[.digits][e[+-]digits]". Nothing when the text is anything else (also "nan" and "inf") or when
/// the exponent is beyond +-300.
[[nodiscard]] std::optional<Decimal> parse_decimal(std::string_view text) noexcept;

/// The decimal that a double was written as: its shortest exact text.
[[nodiscard]] Decimal shortest_decimal(double value);

/// -1, 0 or +1 as a < b, a == b or a > b.
[[nodiscard]] int compare(const Decimal& a, const Decimal& b) noexcept;

/// Nearest count of `step` (> 0) in `value`; halves round away from zero.
struct Scaled {
  std::int64_t count = 0;
  bool exact = true;       ///< no rounding took place
};
/// Nothing when the count does not fit 64 bits.
[[nodiscard]] std::optional<Scaled> scale(const Decimal& value, const Decimal& step) noexcept;

}  // namespace walras::engine
