#pragma once
// Trading sessions: when an exchange is open. A TradingCalendar knows the weekly hours in the
// exchange's own zone, holidays, early closes and late opens; it answers in UTC. No clock, no file.
#include "engine/market/calendar.hpp"

#include <array>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace walras {
class Json;
}

namespace walras::engine {

/// One stretch of trading: [open, close), UTC.
struct Session {
  Nanos open, close;
  bool operator==(const Session&) const = default;
};

class TradingCalendar {
 public:
  /// Hours of one local day, nanoseconds since local midnight: [open, close), close <= 24 h. Days
  /// that meet at midnight are one session.
  struct Hours {
    std::int64_t open = 0, close = 0;
    bool operator==(const Hours&) const = default;
  };
  struct Rules {
    TimeZone zone;
    std::array<std::vector<Hours>, 7> week;           ///< 0 = Sunday; in order, not overlapping
    std::vector<std::int64_t> holidays;               ///< days since 1970-01-01; closed; ascending
    std::map<std::int64_t, std::int64_t> early_close; ///< day -> time of day
    std::map<std::int64_t, std::int64_t> late_open;
    bool united_states_holidays = false;              ///< and those that the rules of NYSE give
  };

  explicit TradingCalendar(Rules rules);
  /// "24x7", "us_equities", "us_futures" (CME Globex equity index hours), "forex" (Sunday 17:00 to
  /// Friday 17:00 New York), "xetra", "london", "hong_kong". Throws Error{Scenario} listing them.
  static TradingCalendar named(std::string_view name, std::string_view where);
  static std::string names();
  /// One entry of a market-hours file as LEAN writes it: regular hours ("market") only, or with
  /// `extended` all. Throws Error{Data}.
  static TradingCalendar from_market_hours(const Json& entry, bool extended,
                                           std::string_view where);

  /// The hours of one local day after holidays, early closes and late opens.
  [[nodiscard]] std::vector<Hours> hours(std::int64_t day) const;
  [[nodiscard]] bool open(Nanos time) const;
  /// The session that contains `time`, else the next one. Sessions longer than a week (24x7) are
  /// cut at local midnight, so that a day has an end. Nothing after year 2200.
  [[nodiscard]] Session session(Nanos time) const;
  /// End of the session that contains `time`, or of the next one: when a day order ends.
  [[nodiscard]] Nanos day_end(Nanos time) const { return session(time).close; }
  /// Whether sessions end at all: false for hours around the clock every day.
  [[nodiscard]] bool always_open() const { return always_open_; }

 private:
  Rules rules_;
  bool always_open_ = false;
};

/// Holidays of the New York Stock Exchange from 1998 on, with the days closed for mourning or
/// weather. Source: NYSE rule 7.2 and its notices.
[[nodiscard]] bool us_equities_holiday(std::int64_t day);
/// Days on which it closes at 13:00.
[[nodiscard]] bool us_equities_early_close(std::int64_t day);
/// Western Easter Sunday of a year, as days since 1970-01-01. Source: Meeus, Astronomical
/// Algorithms, ch. 8.
[[nodiscard]] std::int64_t easter(int year);

}  // namespace walras::engine
