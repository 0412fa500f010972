#pragma once
// Numbers and dates as people read them. Nothing here returns "nan": what is not finite is a dash.
#include "engine/base/units.hpp"
#include "stats/evidence.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace walras::reports {

inline constexpr std::string_view kDash = "\u2013";

/// `value` with `decimals` places, thousands separated by commas, a true minus sign.
[[nodiscard]] std::string fixed(double value, int decimals);
/// Three significant digits, or all digits of the whole part: 0.0123, 1.23, 12.3, 12,345.
[[nodiscard]] std::string number(double value);
[[nodiscard]] std::string number(const std::optional<double>& value);
[[nodiscard]] std::string count(std::int64_t value);
/// A fraction as percent: 0.0123 -> "1.23 %", 0.123 -> "12.3 %".
[[nodiscard]] std::string percent(double fraction);
[[nodiscard]] std::string percent(const std::optional<double>& fraction);
/// As percent(), with a plus sign where positive.
[[nodiscard]] std::string signed_percent(double fraction);
/// "12,345 USD", with cents below 1,000.
[[nodiscard]] std::string money(double units, std::string_view currency);
/// "0.034", "< 0.001".
[[nodiscard]] std::string p_value(const std::optional<double>& p);
/// With a capital at the start, as a sentence of its own.
[[nodiscard]] std::string sentence(std::string text);
/// "2001-02-28" in UTC.
[[nodiscard]] std::string date(Nanos time);
/// With the time of day, to the second, but at midnight and in the last second of a day, where daily bars end.
[[nodiscard]] std::string date_time(Nanos time);
/// "250 days", "3.2 hours", "450 ms".
[[nodiscard]] std::string duration(Nanos length);
[[nodiscard]] double years(Nanos length);

/// A value in the unit that Evidence names: fractions as percent, counts whole, all else to three digits.
[[nodiscard]] std::string in_unit(double value, std::string_view unit);
/// The estimate, or a dash.
[[nodiscard]] std::string estimate(const stats::Evidence& evidence);
/// "0.12 to 0.98", or the resampled range of a path metric with the word; empty where there is neither.
[[nodiscard]] std::string interval(const stats::Evidence& evidence);
/// "max_drawdown" -> "Max drawdown", with the customary capitals (CAGR, VaR).
[[nodiscard]] std::string metric_name(std::string_view name);
/// The unit, where it must be said beside the number; empty for percent and plain counts.
[[nodiscard]] std::string unit_words(std::string_view unit);

}  // namespace walras::reports
