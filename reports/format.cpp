#include "reports/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <utility>

namespace walras::reports {
namespace {

constexpr std::string_view kMinus = "\u2212";

std::string grouped(std::string digits) {
  const std::size_t whole = std::min(digits.find('.'), digits.size());
  for (std::size_t at = whole; at > 3;) digits.insert(at -= 3, 1, ',');
  return digits;
}

bool is_fraction(std::string_view unit) { return unit.starts_with("fraction"); }

bool is_count(std::string_view unit) {
  constexpr std::array counts{"periods", "count", "trades", "days", "bars", "trials", "orders", "fills", "observations", "round trips"};
  return std::find(counts.begin(), counts.end(), unit) != counts.end();
}

std::chrono::sys_days day_of(Nanos time) {
  return std::chrono::floor<std::chrono::days>(std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(time.value)));
}

}  // namespace

std::string fixed(double value, int decimals) {
  if (!std::isfinite(value)) return std::string(kDash);
  std::string digits = grouped(fmt::format("{:.{}f}", std::fabs(value), decimals));
  const bool zero = digits.find_first_not_of("0.,") == std::string::npos;
  return value < 0 && !zero ? std::string(kMinus) + digits : digits;
}

std::string number(double value) {
  if (!std::isfinite(value)) return std::string(kDash);
  const double size = std::fabs(value);
  if (size == 0) return "0";
  if (size >= 1e15 || size < 1e-5) return fmt::format("{}{:.2e}", value < 0 ? kMinus : "", size);
  const int magnitude = static_cast<int>(std::floor(std::log10(size)));
  return fixed(value, std::clamp(2 - magnitude, 0, 7));
}

std::string number(const std::optional<double>& value) { return value ? number(*value) : std::string(kDash); }

std::string count(std::int64_t value) {
  const auto size = static_cast<std::uint64_t>(value);
  const std::string digits = grouped(fmt::format("{}", value < 0 ? 0 - size : size));
  return value < 0 ? std::string(kMinus) + digits : digits;
}

std::string percent(double fraction) {
  if (!std::isfinite(fraction)) return std::string(kDash);
  const double size = std::fabs(fraction * 100);
  return fixed(fraction * 100, size < 9.995 ? 2 : size < 999.5 ? 1 : 0) + "\u00a0%";
}

std::string percent(const std::optional<double>& fraction) { return fraction ? percent(*fraction) : std::string(kDash); }

std::string signed_percent(double fraction) { return (fraction > 0 ? "+" : "") + percent(fraction); }

std::string money(double units, std::string_view currency) {
  return fixed(units, std::fabs(units) < 999.5 ? 2 : 0) + "\u00a0" + std::string(currency);
}

std::string p_value(const std::optional<double>& p) {
  if (!p || !std::isfinite(*p)) return std::string(kDash);
  return in_unit(*p, "probability");
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

std::string date(Nanos time) {
  const std::chrono::year_month_day day(day_of(time));
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
                     static_cast<unsigned>(day.day()));
}

std::string date_time(Nanos time) {
  const std::int64_t midnight = std::chrono::duration_cast<std::chrono::nanoseconds>(day_of(time).time_since_epoch()).count();
  const std::int64_t seconds = (time.value - midnight) / kNanosPerSecond;
  if (seconds == 0 || seconds == 86'399) return date(time);  // daily bars end with their day
  return fmt::format("{}\u00a0{:02}:{:02}:{:02}", date(time), seconds / 3600, seconds / 60 % 60, seconds % 60);
}

std::string duration(Nanos length) {
  const double seconds = static_cast<double>(length.value) / 1e9;
  const double size = std::fabs(seconds);
  const auto say = [](double value, std::string_view unit) {
    const std::string text = number(value);
    return text + "\u00a0" + std::string(unit) + (text == "1" || text == "1.00" ? "" : "s");
  };
  if (size >= 2 * 86400) return fixed(seconds / 86400, 0) + "\u00a0days";
  if (size >= 7200) return say(seconds / 3600, "hour");
  if (size >= 120) return say(seconds / 60, "minute");
  if (size >= 1) return number(seconds) + "\u00a0s";
  return number(seconds * 1e3) + "\u00a0ms";
}

double years(Nanos length) { return static_cast<double>(length.value) / (365.25 * static_cast<double>(kNanosPerDay)); }

std::string in_unit(double value, std::string_view unit) {
  if (is_fraction(unit)) return percent(value);
  if (unit == "probability") return value > 0.9995 ? ">\u00a00.999" : value < 0.0005 ? "<\u00a00.001" : fixed(value, 3);
  if (is_count(unit) && std::fabs(value) >= 10) return fixed(value, 0);
  if (is_count(unit) && value == std::round(value)) return fixed(value, 0);
  if (std::fabs(value) < 100) return value == 0 || std::fabs(value) >= 0.005 ? fixed(value, 2) : number(value);
  return number(value);
}

std::string estimate(const stats::Evidence& evidence) {
  return evidence.estimate ? in_unit(*evidence.estimate, evidence.unit) : std::string(kDash);
}

std::string interval(const stats::Evidence& evidence) {
  const auto say = [&](const stats::Bounds& bounds) {
    return in_unit(bounds.low, evidence.unit) + " to " + in_unit(bounds.high, evidence.unit);
  };
  if (evidence.interval) return say(*evidence.interval);
  if (evidence.range) return "range " + say(*evidence.range);
  return {};
}

std::string metric_name(std::string_view name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> known{{
      {"trades", "Round trips"}, {"sharpe", "Sharpe ratio"}, {"sortino", "Sortino ratio"}, {"calmar", "Calmar ratio"}, {"martin", "Martin ratio"},
      {"omega", "Omega ratio"}, {"pbo", "Probability of overfitting"}, {"cagr_periods", "CAGR, years by periods"}, {"spa", "Superior predictive ability"}}};
  constexpr std::array<std::pair<std::string_view, std::string_view>, 22> capitals{{
      {"cagr", "CAGR"}, {"var", "VaR"}, {"cvar", "CVaR"}, {"mar", "MAR"}, {"sharpe", "Sharpe"}, {"lo", "Lo"}, {"cornish", "Cornish"}, {"fisher", "Fisher"},
      {"romano", "Romano"}, {"wolf", "Wolf"}, {"benjamini", "Benjamini"}, {"hochberg", "Hochberg"},
      {"cdar", "CDaR"}, {"edar", "EDaR"}, {"evar", "EVaR"}, {"evt", "EVT"}, {"gini", "Gini"}, {"ljung", "Ljung"}, {"jarque", "Jarque"}, {"bera", "Bera"}, {"fama", "Fama"},
      {"kelly", "Kelly"}}};
  for (const auto& [key, words] : known)
    if (key == name) return std::string(words);
  std::string text;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('_', begin), name.size());
    std::string word(name.substr(begin, end - begin));
    for (const auto& [key, words] : capitals)
      if (key == word) word = words;
    text += (text.empty() ? "" : " ") + word;
    begin = end + 1;
  }
  return sentence(std::move(text));
}

std::string unit_words(std::string_view unit) {
  if (unit == "fraction, sqrt(year)") return "annual";
  if (unit.starts_with("fraction")) return std::string(unit.size() > 9 && unit[8] == ' ' ? unit.substr(9) : "");  // "fraction a year" -> "a year"
  if (unit == "1" || unit == "count" || unit == "trades" || unit == "ratio" || unit == "round trips") return {};
  if (unit == "1/sqrt(year)") return "annual";
  return std::string(unit);
}

}  // namespace walras::reports
