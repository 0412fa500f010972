#include "engine/market/decimal.hpp"

#include "engine/base/units.hpp"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace walras::engine {
namespace {

using Wide = Money::Integer;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// value x 10^power; false on overflow.
bool multiply_power(Wide& value, int power) {
  if (value == 0) return true;
  if (power > 38) return false;
  for (; power > 0; --power) {
    if (__builtin_mul_overflow(value, 10, &value)) return false;
  }
  return true;
}

}  // namespace

double Decimal::value() const {
  const std::string text = fmt::format("{}e{}", mantissa, exponent);
  double result = 0;
  std::from_chars(text.data(), text.data() + text.size(), result);
  return result;
}

std::optional<Decimal> parse_decimal(std::string_view text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (at == end) return std::nullopt;
  const bool negative = *at == '-';
  if (*at == '-' || *at == '+') ++at;
  std::uint64_t mantissa = 0;
  std::int32_t exponent = 0;
  int significant = 0;
  bool any = false;
  bool point = false;
  for (; at != end; ++at) {
    if (*at == '.' && !point) {
      point = true;
      continue;
    }
    if (!digit(*at)) break;
    any = true;
    if (significant < 18) {
      mantissa = mantissa * 10 + static_cast<std::uint64_t>(*at - '0');
      if (mantissa != 0) ++significant;
      exponent -= point ? 1 : 0;
    } else {
      exponent += point ? 0 : 1;
    }
  }
  if (!any) return std::nullopt;
  if (at != end) {
    if (*at != 'e' && *at != 'E') return std::nullopt;
    ++at;
    if (at != end && *at == '+' && at + 1 != end && *(at + 1) != '-') ++at;
    std::int32_t power = 0;
    const auto [stop, error] = std::from_chars(at, end, power);
    if (error != std::errc{} || stop != end || power > 300 || power < -300) return std::nullopt;
    exponent += power;
  }
  if (mantissa == 0) return Decimal{};
  while (mantissa % 10 == 0) {
    mantissa /= 10;
    ++exponent;
  }
  if (exponent > 300 || exponent < -330) return std::nullopt;
  const auto value = static_cast<std::int64_t>(mantissa);
  return Decimal{negative ? -value : value, exponent};
}

Decimal shortest_decimal(double value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return parse_decimal({text, static_cast<std::size_t>(end - text)}).value_or(Decimal{});
}

int compare(const Decimal& a, const Decimal& b) noexcept {
  const auto order = [](Wide x, Wide y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.exponent == b.exponent || a.mantissa == 0 || b.mantissa == 0) {
    return order(a.mantissa, b.mantissa);
  }
  if ((a.mantissa < 0) != (b.mantissa < 0)) return a.mantissa < 0 ? -1 : 1;
  Wide x = a.mantissa, y = b.mantissa;
  const int shift = a.exponent - b.exponent;
  if (shift > 0) {
    if (!multiply_power(x, shift)) return x > 0 ? 1 : -1;
  } else if (!multiply_power(y, -shift)) {
    return y > 0 ? -1 : 1;
  }
  return order(x, y);
}

std::optional<Scaled> scale(const Decimal& value, const Decimal& step) noexcept {
  if (value.mantissa == 0) return Scaled{};
  Wide numerator = value.mantissa < 0 ? -Wide{value.mantissa} : Wide{value.mantissa};
  Wide denominator = step.mantissa;
  const int shift = value.exponent - step.exponent;
  if (shift >= 0) {
    if (!multiply_power(numerator, shift)) return std::nullopt;
  } else if (!multiply_power(denominator, -shift)) {
    return Scaled{0, false};
  }
  Wide count = numerator / denominator;
  const Wide rest = numerator % denominator;
  if (rest >= denominator - rest) ++count;
  if (count > std::int64_t{9'000'000'000'000'000'000}) return std::nullopt;
  const auto whole = static_cast<std::int64_t>(count);
  return Scaled{value.mantissa < 0 ? -whole : whole, rest == 0};
}

}  // namespace walras::engine
