#pragma once
// Dates and time zones without a clock or a zone database: civil calendar, ISO text, and the daylight
// saving rules of the United States and the European Union written out.
#include "engine/base/units.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walras::engine {

/// A day of the proleptic Gregorian calendar. Range: month 1..12, day 1..31.
struct CivilDate {
  int year = 1970, month = 1, day = 1;
  bool operator==(const CivilDate&) const = default;
};

/// Days since 1970-01-01; negative before. Source: Hinnant, "chrono-compatible low-level date algorithms".
[[nodiscard]] std::int64_t days_from_civil(CivilDate date);
[[nodiscard]] CivilDate civil_from_days(std::int64_t days);
/// 0 = Sunday .. 6 = Saturday.
[[nodiscard]] int weekday(std::int64_t days);
[[nodiscard]] int days_in_month(int year, int month);
/// Days since 1970-01-01 of a time, rounded towards the past.
[[nodiscard]] std::int64_t day_of(Nanos time);
[[nodiscard]] inline Nanos start_of_day(std::int64_t days) { return {days * kNanosPerDay}; }

/// "2012-06-21".
[[nodiscard]] std::string format_date(Nanos time);
/// "2012-06-21T13:30:00Z", with as many decimals of a second (3, 6 or 9) as are needed.
[[nodiscard]] std::string format_time(Nanos time);

/// format_date() for the last nanosecond of a day, which is when daily bars end; else format_time().
[[nodiscard]] std::string format_bar_end(Nanos time);

/// How a written date with slashes and the year last is read.
enum class DateOrder : std::uint8_t { Auto, MonthDayYear, DayMonthYear };

/// A time as it was written.
struct Stamp {
  Nanos time;              ///< UTC when `zoned`, else the local time as if it were UTC
  bool date_only = false;  ///< a day, without a time of day
  bool zoned = false;      ///< the text names its zone, or is a count since 1970
  std::int64_t offset = 0; ///< ns east of UTC as written; 0 when not zoned
};

/// Reads the first format that fits: ISO 8601 (date, or date and time separated by "T" or a space, decimals of a
/// second, "Z" or an offset), the same with "/" or ".", YYYYMMDD[ HHMMSS[mmm]], month and day first with the year
/// last (as `order` says; nothing for Auto), and counts since 1970 in s, ms, us or ns, told by their size.
/// Returns nothing when no format fits or a part is out of range (years 1800 to 2261).
[[nodiscard]] std::optional<Stamp> parse_stamp(std::string_view text, DateOrder order = DateOrder::Auto);
/// Nanoseconds since midnight of "HH:MM[:SS[.fraction]]" or "HHMMSS[mmm]".
[[nodiscard]] std::optional<std::int64_t> parse_time_of_day(std::string_view text);

/// A zone by its offset and its rule for daylight saving time.
class TimeZone {
 public:
  /// UTC, a fixed offset such as "+08:00", or one of names(). Throws Error{Scenario} listing the choices.
  static TimeZone named(std::string_view name, std::string_view where);
  /// Names that named() knows, separated by ", ".
  [[nodiscard]] static std::string names();
  /// The instant of a local time. A time that occurs twice is the first of both (daylight saving); one that is
  /// skipped is read with the winter offset. Throws Error{Data} before the year from which the rule is known
  /// (United States 1967, European Union 1996).
  [[nodiscard]] Nanos to_utc(Nanos local) const;
  [[nodiscard]] Nanos to_local(Nanos utc) const;

 private:
  enum class Rule : std::uint8_t { None, UnitedStates, EuropeanUnion };
  struct Entry;
  static const Entry kZones[];
  [[nodiscard]] bool summer(Nanos standard) const;  // by local standard time
  std::int64_t offset_ = 0;                          // ns east of UTC in winter
  Rule rule_ = Rule::None;
};

}  // namespace walras::engine
