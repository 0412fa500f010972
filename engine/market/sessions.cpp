#include "engine/market/sessions.hpp"

#include "engine/base/error.hpp"
#include "engine/base/json.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::engine {
namespace {

using Hours = TradingCalendar::Hours;

constexpr std::int64_t kHour = 3600 * kNanosPerSecond;
constexpr std::int64_t kMinute = 60 * kNanosPerSecond;
constexpr std::int64_t kLastDay = 84'006;  // 2200-01-01

std::int64_t clock(int hour, int minute) { return hour * kHour + minute * kMinute; }

/// The n-th (1..) given weekday of a month; n = 0: the last.
std::int64_t nth(int year, int month, int day_of_week, int n) {
  if (n == 0) {
    const std::int64_t last = days_from_civil({year, month, days_in_month(year, month)});
    return last - (weekday(last) - day_of_week + 7) % 7;
  }
  const std::int64_t first = days_from_civil({year, month, 1});
  return first + (day_of_week - weekday(first) + 7) % 7 + 7 * (n - 1);
}

/// A fixed date, kept on Friday when it is a Saturday and on Monday when it is a Sunday.
std::int64_t observed(int year, int month, int day) {
  const std::int64_t date = days_from_civil({year, month, day});
  if (weekday(date) == 6) return date - 1;
  return weekday(date) == 0 ? date + 1 : date;
}

std::array<std::vector<Hours>, 7> weekdays(const std::vector<Hours>& hours) {
  std::array<std::vector<Hours>, 7> week;
  for (std::size_t day = 1; day <= 5; ++day) week[day] = hours;
  return week;
}

std::int64_t time_of_day(const Json& json, const std::string& where) {
  if (!json.is_string()) fail(Fault::Data, where, "expected a time such as 09:30:00, was none");
  const std::string& text = json.as_string();
  // "1.00:00:00" is the end of the day.
  if (text == "1.00:00:00") return kNanosPerDay;
  const auto nanos = parse_time_of_day(text);
  if (!nanos) fail(Fault::Data, where, "expected a time such as 09:30:00, was " + text);
  return *nanos;
}

std::int64_t local_date(const std::string& text, const std::string& where) {
  const auto stamp = parse_stamp(text, DateOrder::MonthDayYear);
  if (!stamp) fail(Fault::Data, where, "expected a date such as 12/25/2024, was " + text);
  return day_of(stamp->time);
}

}  // namespace

std::int64_t easter(int year) {
  const int a = year % 19, b = year / 100, c = year % 100;
  const int d = b / 4, e = b % 4, f = (b + 8) / 25, g = (b - f + 1) / 3;
  const int h = (19 * a + b - d - g + 15) % 30;
  const int i = c / 4, k = c % 4, l = (32 + 2 * e + 2 * i - h - k) % 7;
  const int m = (a + 11 * h + 22 * l) / 451;
  const int month = (h + l - 7 * m + 114) / 31, day = (h + l - 7 * m + 114) % 31 + 1;
  return days_from_civil({year, month, day});
}

bool us_equities_holiday(std::int64_t day) {
  const CivilDate date = civil_from_days(day);
  const int year = date.year;
  // A new year that falls on a Saturday is not made up for.
  const std::int64_t new_year = days_from_civil({year, 1, 1});
  if (day == new_year + (weekday(new_year) == 0 ? 1 : 0)) return true;
  if (day == nth(year, 1, 1, 3) || day == nth(year, 2, 1, 3)) return true;   // King, Washington
  if (day == easter(year) - 2 || day == nth(year, 5, 1, 0)) return true;     // Good Friday, Memorial
  if (year >= 2022 && day == observed(year, 6, 19)) return true;             // Juneteenth
  if (day == observed(year, 7, 4) || day == nth(year, 9, 1, 1)) return true; // Independence, Labor
  if (day == nth(year, 11, 4, 4) || day == observed(year, 12, 25)) return true;
  constexpr std::array<CivilDate, 10> kClosed{{{2001, 9, 11}, {2001, 9, 12}, {2001, 9, 13},
                                               {2001, 9, 14}, {2004, 6, 11}, {2007, 1, 2},
                                               {2012, 10, 29}, {2012, 10, 30}, {2018, 12, 5},
                                               {2025, 1, 9}}};
  return std::find(kClosed.begin(), kClosed.end(), date) != kClosed.end();
}

bool us_equities_early_close(std::int64_t day) {
  const int year = civil_from_days(day).year;
  const int which = weekday(day);
  if (which == 0 || which == 6 || us_equities_holiday(day)) return false;
  // In 2002 the day after Independence Day, in 2003 the day after Christmas.
  if (day == days_from_civil({2002, 7, 5}) || day == days_from_civil({2003, 12, 26})) return true;
  if (day == nth(year, 11, 4, 4) + 1) return true;  // after Thanksgiving
  if (day == days_from_civil({year, 12, 24})) return true;
  return day == days_from_civil({year, 7, 3}) && which <= 4 && year != 2002;
}

TradingCalendar TradingCalendar::named(std::string_view name, std::string_view where) {
  Rules rules;
  if (name == "24x7") {
    rules.zone = TimeZone::named("UTC", where);
    rules.week.fill({{0, kNanosPerDay}});
  } else if (name == "us_equities") {
    rules.zone = TimeZone::named("America/New_York", where);
    rules.week = weekdays({{clock(9, 30), clock(16, 0)}});
    rules.united_states_holidays = true;
  } else if (name == "us_futures") {
    rules.zone = TimeZone::named("America/Chicago", where);
    rules.week = weekdays({{0, clock(16, 0)}, {clock(17, 0), kNanosPerDay}});
    rules.week[0] = {{clock(17, 0), kNanosPerDay}};
    rules.week[5] = {{0, clock(16, 0)}};
  } else if (name == "forex") {
    rules.zone = TimeZone::named("America/New_York", where);
    rules.week = weekdays({{0, kNanosPerDay}});
    rules.week[0] = {{clock(17, 0), kNanosPerDay}};
    rules.week[5] = {{0, clock(17, 0)}};
  } else if (name == "xetra") {
    rules.zone = TimeZone::named("Europe/Berlin", where);
    rules.week = weekdays({{clock(9, 0), clock(17, 30)}});
  } else if (name == "london") {
    rules.zone = TimeZone::named("Europe/London", where);
    rules.week = weekdays({{clock(8, 0), clock(16, 30)}});
  } else if (name == "hong_kong") {
    rules.zone = TimeZone::named("Asia/Hong_Kong", where);
    rules.week = weekdays({{clock(9, 30), clock(12, 0)}, {clock(13, 0), clock(16, 0)}});
  } else {
    fail(Fault::Scenario, where, fmt::format("expected one of {}, was {}", names(), name));
  }
  return TradingCalendar(std::move(rules));
}

std::string TradingCalendar::names() {
  return "24x7, us_equities, us_futures, forex, xetra, london, hong_kong";
}

TradingCalendar TradingCalendar::from_market_hours(const Json& entry, bool extended,
                                                   std::string_view where) {
  const std::string place(where);
  if (!entry.is_object() || !entry.find("exchangeTimeZone"))
    fail(Fault::Data, place, "expected an entry with exchangeTimeZone, found none");
  Rules rules;
  rules.zone = TimeZone::named(entry.find("exchangeTimeZone")->as_string(), place);
  constexpr std::array<const char*, 7> kDays{"sunday",   "monday", "tuesday", "wednesday",
                                             "thursday", "friday", "saturday"};
  for (std::size_t day = 0; day < 7; ++day) {
    const Json* list = entry.find(kDays[day]);
    if (!list) continue;
    for (const Json& segment : list->as_array()) {
      const std::string at = fmt::format("{}/{}", place, kDays[day]);
      const Json* state = segment.find("state");
      const Json* start = segment.find("start");
      const Json* end = segment.find("end");
      if (!state || !start || !end) fail(Fault::Data, at, "expected start, end and state");
      if (!extended && state->as_string() != "market") continue;
      const Hours hours{time_of_day(*start, at), time_of_day(*end, at)};
      auto& days = rules.week[day];
      if (hours.open >= hours.close || (!days.empty() && hours.open < days.back().close))
        fail(Fault::Data, at, "expected stretches in order, each ending after it starts");
      if (!days.empty() && days.back().close == hours.open)
        days.back().close = hours.close;
      else
        days.push_back(hours);
    }
  }
  if (const Json* list = entry.find("holidays")) {
    for (const Json& day : list->as_array())
      rules.holidays.push_back(local_date(day.as_string(), place + "/holidays"));
    std::sort(rules.holidays.begin(), rules.holidays.end());
  }
  const auto times = [&](const char* key, std::map<std::int64_t, std::int64_t>& out) {
    if (const Json* list = entry.find(key)) {
      for (const auto& [day, time] : list->as_object()) {
        const std::string at = fmt::format("{}/{}/{}", place, key, day);
        out[local_date(day, at)] = time_of_day(time, at);
      }
    }
  };
  times("earlyCloses", rules.early_close);
  times("lateOpens", rules.late_open);
  return TradingCalendar(std::move(rules));
}

TradingCalendar::TradingCalendar(Rules rules) : rules_(std::move(rules)) {
  always_open_ = rules_.holidays.empty() && rules_.early_close.empty() &&
                 rules_.late_open.empty() && !rules_.united_states_holidays;
  for (const auto& day : rules_.week)
    always_open_ = always_open_ && day == std::vector<Hours>{{0, kNanosPerDay}};
}

std::vector<Hours> TradingCalendar::hours(std::int64_t day) const {
  const auto which = static_cast<std::size_t>(weekday(day));
  if (rules_.week[which].empty() ||
      std::binary_search(rules_.holidays.begin(), rules_.holidays.end(), day)) {
    return {};
  }
  std::int64_t from = 0, to = kNanosPerDay;
  if (rules_.united_states_holidays) {
    if (us_equities_holiday(day)) return {};
    if (us_equities_early_close(day)) to = clock(13, 0);
  }
  if (const auto found = rules_.early_close.find(day); found != rules_.early_close.end())
    to = found->second;
  if (const auto found = rules_.late_open.find(day); found != rules_.late_open.end())
    from = found->second;
  std::vector<Hours> open;
  for (Hours hours : rules_.week[which]) {
    hours.open = std::max(hours.open, from);
    hours.close = std::min(hours.close, to);
    if (hours.open < hours.close) open.push_back(hours);
  }
  return open;
}

bool TradingCalendar::open(Nanos time) const {
  const Nanos local = rules_.zone.to_local(time);
  const std::int64_t day = day_of(local);
  const std::int64_t of_day = local.value - start_of_day(day).value;
  const auto stretches = hours(day);
  return std::any_of(stretches.begin(), stretches.end(), [of_day](const Hours& hours) {
    return hours.open <= of_day && of_day < hours.close;
  });
}

Session TradingCalendar::session(Nanos time) const {
  const auto utc = [&](std::int64_t day, std::int64_t of_day) {
    return rules_.zone.to_utc(start_of_day(day) + Nanos{of_day});
  };
  std::int64_t day = day_of(rules_.zone.to_local(time));
  if (always_open_) return {utc(day, 0), utc(day + 1, 0)};
  // A session may have begun the evening before, or earlier where days meet at midnight.
  std::int64_t first = day;
  while (day - first < 7) {
    const auto before = hours(first - 1);
    const auto here = hours(first);
    if (before.empty() || here.empty() || before.back().close != kNanosPerDay ||
        here.front().open != 0) {
      break;
    }
    --first;
  }
  for (day = first; day < kLastDay; ++day) {
    for (const Hours& stretch : hours(day)) {
      Session session{utc(day, stretch.open), utc(day, stretch.close)};
      std::int64_t last = day;
      Hours end = stretch;
      while (end.close == kNanosPerDay && last - day < 7) {
        const auto after = hours(last + 1);
        if (after.empty() || after.front().open != 0) break;
        end = after.front();
        session.close = utc(++last, end.close);
      }
      if (session.close > time) return session;
    }
  }
  return {Nanos::max(), Nanos::max()};
}

}  // namespace walras::engine
