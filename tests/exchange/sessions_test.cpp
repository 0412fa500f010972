#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/json.hpp"
#include "engine/market/sessions.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <fmt/format.h>

using namespace walras;
using namespace walras::engine;

namespace {

Nanos utc(const char* text) { return parse_stamp(text)->time; }
constexpr std::int64_t kHour = 3600 * kNanosPerSecond;

}  // namespace

TEST_CASE("the sessions of an exchange follow daylight saving, weekends, holidays and early closes") {
  const TradingCalendar us = TradingCalendar::named("us_equities", "/calendar");
  struct Case {
    const char* at;
    const char* open;
    const char* close;
  };
  for (const Case& wanted : {
           Case{"2024-03-08T15:00:00Z", "2024-03-08T14:30:00Z", "2024-03-08T21:00:00Z"},
           Case{"2024-03-08T21:00:00Z", "2024-03-11T13:30:00Z", "2024-03-11T20:00:00Z"},  // over the change
           Case{"2024-07-03T16:59:59Z", "2024-07-03T13:30:00Z", "2024-07-03T17:00:00Z"},  // early
           Case{"2024-07-03T17:00:00Z", "2024-07-05T13:30:00Z", "2024-07-05T20:00:00Z"},
           Case{"2001-09-11T14:00:00Z", "2001-09-17T13:30:00Z", "2001-09-17T20:00:00Z"},
           Case{"2022-06-19T14:00:00Z", "2022-06-21T13:30:00Z", "2022-06-21T20:00:00Z"},
       }) {
    CAPTURE(wanted.at);
    const Session session = us.session(utc(wanted.at));
    CHECK(format_time(session.open) == wanted.open);
    CHECK(format_time(session.close) == wanted.close);
    CHECK(us.open(session.open));
    CHECK_FALSE(us.open(session.close));
  }
  // Days that meet at midnight are one session.
  const TradingCalendar forex = TradingCalendar::named("forex", "/calendar");
  const Session week = forex.session(utc("2024-01-10T12:00:00Z"));
  CHECK(format_time(week.open) == "2024-01-07T22:00:00Z");
  CHECK(format_time(week.close) == "2024-01-12T22:00:00Z");
  const TradingCalendar futures = TradingCalendar::named("us_futures", "/calendar");
  const Session night = futures.session(utc("2024-01-09T03:00:00Z"));
  CHECK(format_time(night.open) == "2024-01-08T23:00:00Z");
  CHECK(format_time(night.close) == "2024-01-09T22:00:00Z");
  const TradingCalendar always = TradingCalendar::named("24x7", "/calendar");
  CHECK(always.always_open());
  CHECK(always.day_end(utc("2024-01-09T03:00:00Z")) == utc("2024-01-10T00:00:00Z"));
  CHECK_THROWS_WITH_AS(TradingCalendar::named("moon", "/venue/calendar"),
                       "/venue/calendar: expected one of 24x7, us_equities, us_futures, forex, xetra, "
                       "london, hong_kong, was moon",
                       Error);
}

TEST_CASE("Easter falls where the tables say") {
  struct Case {
    int year, month, day;
  };
  for (const Case& known : {Case{1818, 3, 22}, Case{1943, 4, 25}, Case{1961, 4, 2}, Case{2000, 4, 23},
                            Case{2008, 3, 23}, Case{2011, 4, 24}, Case{2024, 3, 31}, Case{2038, 4, 25}}) {
    CHECK(easter(known.year) == days_from_civil({known.year, known.month, known.day}));
  }
}

TEST_CASE("hours and holidays agree with those that LEAN publishes") {
  const auto folder = tests::market_data("lean/market-hours");
  if (folder.empty()) return;
  InputStream file(folder / "market-hours-database.json.zst");
  std::string text;
  for (std::string_view line; file.line(line);) text.append(line).append("\n");
  const Json hours = Json::parse(text, "market hours");
  const Json& entries = hours.at("entries");
  const Json& stocks = entries.at("Equity-usa-[*]");
  const TradingCalendar published = TradingCalendar::from_market_hours(stocks, false, "/Equity-usa");
  const TradingCalendar ours = TradingCalendar::named("us_equities", "/calendar");
  std::string differences;
  int days = 0;
  for (std::int64_t day = days_from_civil({1999, 1, 1}); day < days_from_civil({2029, 1, 1}); ++day) {
    ++days;
    if (published.hours(day) != ours.hours(day)) differences += format_date(start_of_day(day)) + " ";
  }
  MESSAGE(fmt::format("{} days", days));
  CHECK(differences == "");
  const TradingCalendar fx = TradingCalendar::from_market_hours(entries.at("Forex-fxcm-[*]"), false, "/Forex");
  for (const char* at : {"2024-01-10T12:00:00Z", "2024-01-13T12:00:00Z", "2024-01-07T23:00:00Z"}) {
    CAPTURE(at);
    CHECK(fx.open(utc(at)) == TradingCalendar::named("forex", "/calendar").open(utc(at)));
  }
}

TEST_CASE("a market-hours entry with faults is refused where it is wrong") {
  const auto read = [](const char* text) {
    return TradingCalendar::from_market_hours(Json::parse(text), false, "/entry");
  };
  CHECK_THROWS_WITH_AS(read("{}"), "/entry: expected an entry with exchangeTimeZone, found none", Error);
  CHECK_THROWS_AS(read(R"({"exchangeTimeZone": "UTC", "monday": [{"start": "10:00:00", "end": "09:00:00", "state": "market"}]})"), Error);
  CHECK_THROWS_AS(read(R"({"exchangeTimeZone": "UTC", "holidays": ["13/45/2024"]})"), Error);
  const TradingCalendar late = read(R"({"exchangeTimeZone": "UTC",
    "monday": [{"start": "09:00:00", "end": "17:00:00", "state": "market"}], "lateOpens": {"1/8/2024": "12:00:00"}})");
  CHECK(late.session(utc("2024-01-08T10:00:00Z")).open == utc("2024-01-08T12:00:00Z"));
  CHECK(late.session(utc("2024-01-15T08:00:00Z")).close.value - utc("2024-01-15T09:00:00Z").value == 8 * kHour);
}
