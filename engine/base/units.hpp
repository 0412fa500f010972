#pragma once
// Strong integer units of the hot path. No implicit conversion from or to numbers: write
// Ticks{5} and price.value. Doubles appear only in features, statistics and reports.
#include <compare>
#include <cstdint>
#include <limits>

namespace walras {

/// An integer count of one unit. Sums and differences stay in the unit; scaling is by integers.
template <class Unit>
struct Count {
  std::int64_t value = 0;

  constexpr auto operator<=>(const Count&) const = default;
  constexpr Count operator-() const { return {-value}; }
  constexpr Count& operator+=(Count other) { value += other.value; return *this; }
  constexpr Count& operator-=(Count other) { value -= other.value; return *this; }
  friend constexpr Count operator+(Count a, Count b) { return {a.value + b.value}; }
  friend constexpr Count operator-(Count a, Count b) { return {a.value - b.value}; }
  friend constexpr Count operator*(Count a, std::int64_t factor) { return {a.value * factor}; }
  static constexpr Count max() { return {std::numeric_limits<std::int64_t>::max()}; }
  static constexpr Count min() { return {std::numeric_limits<std::int64_t>::min()}; }
};

/// A price as a count of the instrument's smallest price step.
using Ticks = Count<struct TickUnit>;
/// A quantity as a count of the instrument's smallest tradable amount.
using Lots = Count<struct LotUnit>;
/// Nanoseconds: a duration, or a time since 1970-01-01T00:00:00Z.
using Nanos = Count<struct NanosecondUnit>;

/// time + delay, or the end of time where that lies beyond it. Range: delay >= 0.
[[nodiscard]] constexpr Nanos later_by(Nanos time, Nanos delay) {
  return time.value > Nanos::max().value - delay.value ? Nanos::max() : time + delay;
}

inline constexpr std::int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr std::int64_t kNanosPerDay = 86'400 * kNanosPerSecond;

/// Money as an exact integer of 1e-12 currency units. Range: +-1.7e26 currency units.
struct Money {
  __extension__ typedef __int128 Integer;
  static constexpr std::int64_t kPerUnit = 1'000'000'000'000;
  Integer value = 0;

  constexpr auto operator<=>(const Money&) const = default;
  constexpr Money operator-() const { return {-value}; }
  constexpr Money& operator+=(Money other) { value += other.value; return *this; }
  constexpr Money& operator-=(Money other) { value -= other.value; return *this; }
  friend constexpr Money operator+(Money a, Money b) { return {a.value + b.value}; }
  friend constexpr Money operator-(Money a, Money b) { return {a.value - b.value}; }
  friend constexpr Money operator*(Money a, std::int64_t factor) { return {a.value * factor}; }
  /// Nearest amount in currency units; halves round away from zero. Throws Error{Numeric} when not finite or beyond range.
  static Money from_units(double units);
  /// In currency units, for reports and statistics only.
  [[nodiscard]] double units() const { return static_cast<double>(value) / static_cast<double>(kPerUnit); }
  /// In millionths of a currency unit, rounded half away from zero: how run records keep money.
  [[nodiscard]] std::int64_t micros() const;
};

}  // namespace walras
