#include "engine/market/calendar.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

namespace walras::engine {
namespace {

constexpr std::int64_t kHour = 3600 * kNanosPerSecond;
constexpr std::int64_t kMinute = 60 * kNanosPerSecond;

bool digit(char c) { return c >= '0' && c <= '9'; }

/// Reads exactly `count` digits; moves `text` on.
bool take_digits(std::string_view& text, std::size_t count, int& value) {
  if (text.size() < count) return false;
  value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (!digit(text[i])) return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return true;
}

bool take_one_or_two_digits(std::string_view& text, int& value) {
  if (text.empty() || !digit(text[0])) return false;
  return take_digits(text, text.size() > 1 && digit(text[1]) ? 2 : 1, value);
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text[0] != expected) return false;
  text.remove_prefix(1);
  return true;
}

/// Up to nine decimals of a second, in ns; further digits must be zero.
bool take_fraction(std::string_view& text, std::int64_t& nanos) {
  nanos = 0;
  std::int64_t unit = kNanosPerSecond / 10;
  std::size_t used = 0;
  for (; used < text.size() && digit(text[used]); ++used) {
    if (unit == 0 && text[used] != '0') return false;
    nanos += (text[used] - '0') * unit;
    unit /= 10;
  }
  text.remove_prefix(used);
  return used > 0;
}

bool take_time_of_day(std::string_view& text, std::int64_t& nanos) {
  int hour = 0, minute = 0, second = 0;
  std::int64_t fraction = 0;
  if (!take_one_or_two_digits(text, hour)) return false;
  if (take(text, ':')) {
    if (!take_digits(text, 2, minute)) return false;
    if (take(text, ':')) {
      if (!take_digits(text, 2, second)) return false;
      if (take(text, '.') && !take_fraction(text, fraction)) return false;
    }
  } else {
    if (!take_digits(text, 2, minute)) return false;
    if (!text.empty() && digit(text[0])) {
      if (!take_digits(text, 2, second)) return false;
      int millis = 0;
      if (!text.empty() && digit(text[0])) {
        if (!take_digits(text, 3, millis)) return false;
        fraction = millis * std::int64_t{1'000'000};
      } else if (take(text, '.') && !take_fraction(text, fraction)) {
        return false;
      }
    }
  }
  if (hour > 23 || minute > 59 || second > 59) return false;
  nanos = hour * kHour + minute * kMinute + second * kNanosPerSecond + fraction;
  return true;
}

/// "Z", "+hh", "+hhmm" or "+hh:mm"; nanoseconds east of UTC.
bool take_zone(std::string_view& text, std::int64_t& offset) {
  if (take(text, 'Z') || take(text, 'z')) {
    offset = 0;
    return true;
  }
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const std::int64_t direction = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  int hour = 0, minute = 0;
  if (!take_digits(text, 2, hour)) return false;
  take(text, ':');
  if (!text.empty() && !take_digits(text, 2, minute)) return false;
  if (hour > 15 || minute > 59) return false;
  offset = direction * (hour * kHour + minute * kMinute);
  return true;
}

bool valid(CivilDate date) {
  return date.year >= 1800 && date.year <= 2261 && date.month >= 1 && date.month <= 12 &&
         date.day >= 1 && date.day <= days_in_month(date.year, date.month);
}

/// What follows a date: nothing, or a time of day and perhaps a zone.
std::optional<Stamp> finish_stamp(CivilDate date, std::string_view rest) {
  if (!valid(date)) return std::nullopt;
  Stamp stamp{start_of_day(days_from_civil(date)), true, false, 0};
  if (rest.empty()) return stamp;
  if (!take(rest, ' ') && !take(rest, 'T')) return std::nullopt;
  std::int64_t of_day = 0;
  if (!take_time_of_day(rest, of_day)) return std::nullopt;
  stamp.time.value += of_day;
  stamp.date_only = false;
  take(rest, ' ');
  if (rest == "UTC") rest = "Z";
  if (!rest.empty()) {
    std::int64_t offset = 0;
    if (!take_zone(rest, offset) || !rest.empty()) return std::nullopt;
    stamp.time.value -= offset;
    stamp.zoned = true;
    stamp.offset = offset;
  }
  return stamp;
}

/// A count since 1970 with an optional fraction; the unit follows from the size.
std::optional<Stamp> parse_count(std::string_view text) {
  std::int64_t whole = 0;
  std::size_t used = 0;
  for (; used < text.size() && digit(text[used]); ++used) {
    if (used >= 19 || __builtin_mul_overflow(whole, 10, &whole) ||
        __builtin_add_overflow(whole, text[used] - '0', &whole)) {
      return std::nullopt;
    }
  }
  text.remove_prefix(used);
  std::int64_t unit = 1;
  if (whole < 100'000'000'000) {
    unit = kNanosPerSecond;
  } else if (whole < 100'000'000'000'000) {
    unit = 1'000'000;
  } else if (whole < 100'000'000'000'000'000) {
    unit = 1'000;
  }
  std::int64_t nanos = 0;
  if (__builtin_mul_overflow(whole, unit, &nanos)) return std::nullopt;
  if (take(text, '.')) {
    std::int64_t fraction = 0;  // billionths of the unit
    if (!take_fraction(text, fraction) || !text.empty()) return std::nullopt;
    nanos += fraction / (kNanosPerSecond / unit);
  }
  if (!text.empty()) return std::nullopt;
  return Stamp{{nanos}, false, true, 0};
}

}  // namespace

std::int64_t days_from_civil(CivilDate date) {
  const std::int64_t year = date.year - (date.month <= 2 ? 1 : 0);
  const std::int64_t era = (year >= 0 ? year : year - 399) / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t month_from_march = (date.month + 9) % 12;
  const std::int64_t day_of_year = (153 * month_from_march + 2) / 5 + date.day - 1;
  const std::int64_t day_of_era =
      year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146'097 + day_of_era - 719'468;
}

CivilDate civil_from_days(std::int64_t days) {
  days += 719'468;
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const std::int64_t day_of_era = days - era * 146'097;
  const std::int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t month_from_march = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<int>(day_of_year - (153 * month_from_march + 2) / 5 + 1);
  const auto month = static_cast<int>(month_from_march < 10 ? month_from_march + 3
                                                            : month_from_march - 9);
  return {static_cast<int>(year_of_era + era * 400) + (month <= 2 ? 1 : 0), month, day};
}

int weekday(std::int64_t days) { return static_cast<int>(((days % 7) + 11) % 7); }

int days_in_month(int year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return month == 2 && leap ? 29 : kDays[month - 1];
}

std::int64_t day_of(Nanos time) {
  const std::int64_t days = time.value / kNanosPerDay;
  return time.value % kNanosPerDay < 0 ? days - 1 : days;
}

std::string format_date(Nanos time) {
  const CivilDate date = civil_from_days(day_of(time));
  return fmt::format("{:04}-{:02}-{:02}", date.year, date.month, date.day);
}

std::string format_time(Nanos time) {
  const std::int64_t nanos = time.value - day_of(time) * kNanosPerDay;
  const std::int64_t seconds = nanos / kNanosPerSecond;
  const std::int64_t fraction = nanos % kNanosPerSecond;
  std::string text = fmt::format("{}T{:02}:{:02}:{:02}", format_date(time), seconds / 3600,
                                 seconds / 60 % 60, seconds % 60);
  if (fraction % 1'000 != 0) {
    text += fmt::format(".{:09}", fraction);
  } else if (fraction % 1'000'000 != 0) {
    text += fmt::format(".{:06}", fraction / 1'000);
  } else if (fraction != 0) {
    text += fmt::format(".{:03}", fraction / 1'000'000);
  }
  return text + 'Z';
}

std::string format_bar_end(Nanos time) {
  return (time.value + 1) % kNanosPerDay == 0 ? format_date(time) : format_time(time);
}

std::optional<Stamp> parse_stamp(std::string_view text, DateOrder order) {
  std::size_t digits = 0;
  while (digits < text.size() && digit(text[digits])) ++digits;
  if (digits == 0) return std::nullopt;
  const bool plain = digits == text.size() || text[digits] == '.';
  CivilDate date;
  std::string_view rest = text;
  if (digits == 8 && (digits == text.size() || text[8] == ' ')) {
    if (take_digits(rest, 4, date.year) && take_digits(rest, 2, date.month) &&
        take_digits(rest, 2, date.day) && valid(date)) {
      return finish_stamp(date, rest);
    }
    rest = text;
  }
  if (digits == 4 && text.size() > 4) {
    const char separator = text[4];
    if (separator != '-' && separator != '/' && separator != '.') return std::nullopt;
    if (!take_digits(rest, 4, date.year) || !take(rest, separator) ||
        !take_one_or_two_digits(rest, date.month) || !take(rest, separator) ||
        !take_one_or_two_digits(rest, date.day)) {
      return std::nullopt;
    }
    return finish_stamp(date, rest);
  }
  if (digits <= 2 && digits < text.size()) {
    const char separator = text[digits];
    int first = 0, second = 0;
    if (order == DateOrder::Auto || !take_one_or_two_digits(rest, first) ||
        !take(rest, separator) || !take_one_or_two_digits(rest, second) || !take(rest, separator) ||
        !take_digits(rest, 4, date.year)) {
      return std::nullopt;
    }
    date.month = order == DateOrder::MonthDayYear ? first : second;
    date.day = order == DateOrder::MonthDayYear ? second : first;
    return finish_stamp(date, rest);
  }
  if (plain && digits >= 9) return parse_count(text);
  return std::nullopt;
}

std::optional<std::int64_t> parse_time_of_day(std::string_view text) {
  std::int64_t nanos = 0;
  if (!take_time_of_day(text, nanos) || !text.empty()) return std::nullopt;
  return nanos;
}

struct TimeZone::Entry {
  std::string_view name;
  int minutes;
  Rule rule;
};

constexpr TimeZone::Entry TimeZone::kZones[] = {
    {"UTC", 0, Rule::None},
    {"America/New_York", -300, Rule::UnitedStates},
    {"America/Chicago", -360, Rule::UnitedStates},
    {"America/Los_Angeles", -480, Rule::UnitedStates},
    {"Europe/London", 0, Rule::EuropeanUnion},
    {"Europe/Paris", 60, Rule::EuropeanUnion},
    {"Europe/Berlin", 60, Rule::EuropeanUnion},
    {"Asia/Shanghai", 480, Rule::None},
    {"Asia/Hong_Kong", 480, Rule::None},
    {"Asia/Singapore", 480, Rule::None},
    {"Asia/Tokyo", 540, Rule::None},
    {"Asia/Kolkata", 330, Rule::None},
};

std::string TimeZone::names() {
  std::string text;
  for (const Entry& zone : kZones) text += fmt::format("{}{}", text.empty() ? "" : ", ", zone.name);
  return text;
}

TimeZone TimeZone::named(std::string_view name, std::string_view where) {
  TimeZone zone;
  for (const Entry& entry : kZones) {
    if (entry.name != name) continue;
    zone.offset_ = entry.minutes * kMinute;
    zone.rule_ = entry.rule;
    return zone;
  }
  std::string_view rest = name;
  if (name.size() == 6 && name != "Z" && take_zone(rest, zone.offset_) && rest.empty()) return zone;
  fail(Fault::Scenario, where,
       fmt::format("expected one of {} or an offset such as +08:00, was {}", names(), name));
}

namespace {

/// Day of the n-th (1..) or, for n = 0, the last Sunday of a month.
std::int64_t sunday(int year, int month, int n) {
  if (n == 0) {
    const std::int64_t last = days_from_civil({year, month, days_in_month(year, month)});
    return last - weekday(last);
  }
  const std::int64_t first = days_from_civil({year, month, 1});
  return first + (7 - weekday(first)) % 7 + 7 * (n - 1);
}

}  // namespace

// 15 U.S.C. 260a and its amendments: 1967 last Sunday of April to last Sunday of October; 1974 from 6 January and
// 1975 from 23 February; 1987 from the first Sunday of April; 2007 second Sunday of March to first Sunday of
// November; always at 2:00 local time. Directive 2000/84/EC: last Sundays of March and October, 1:00 UTC.
bool TimeZone::summer(Nanos standard) const {
  if (rule_ == Rule::None) return false;
  const int year = civil_from_days(day_of(standard)).year;
  Nanos begin, end;  // in local standard time
  if (rule_ == Rule::UnitedStates) {
    if (year < 1967) {
      fail(Fault::Data, format_date(standard),
           "expected times from 1967 on for a zone of the United States; give a fixed offset");
    }
    std::int64_t first = sunday(year, 4, 0);
    std::int64_t last = sunday(year, 10, 0);
    if (year >= 2007) {
      first = sunday(year, 3, 2);
      last = sunday(year, 11, 1);
    } else if (year >= 1987) {
      first = sunday(year, 4, 1);
    } else if (year == 1974) {
      first = days_from_civil({1974, 1, 6});
    } else if (year == 1975) {
      first = days_from_civil({1975, 2, 23});
    }
    begin = start_of_day(first) + Nanos{2 * kHour};
    end = start_of_day(last) + Nanos{kHour};
  } else {
    if (year < 1996) {
      fail(Fault::Data, format_date(standard),
           "expected times from 1996 on for a zone of the European Union; give a fixed offset");
    }
    begin = start_of_day(sunday(year, 3, 0)) + Nanos{kHour + offset_};
    end = start_of_day(sunday(year, 10, 0)) + Nanos{kHour + offset_};
  }
  return standard >= begin && standard < end;
}

Nanos TimeZone::to_utc(Nanos local) const {
  const bool daylight = summer(local - Nanos{rule_ == Rule::None ? 0 : kHour});
  return {local.value - offset_ - (daylight ? kHour : 0)};
}

Nanos TimeZone::to_local(Nanos utc) const {
  const Nanos standard{utc.value + offset_};
  return {standard.value + (summer(standard) ? kHour : 0)};
}

}  // namespace walras::engine
