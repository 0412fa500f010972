#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::engine;

namespace {
std::string utc(std::string_view text, DateOrder order = DateOrder::Auto) {
  const auto stamp = parse_stamp(text, order);
  return stamp ? format_time(stamp->time) : "nothing";
}
std::string from_zone(std::string_view zone, std::string_view local) {
  return format_time(TimeZone::named(zone, "zone").to_utc(parse_stamp(local)->time));
}
}  // namespace

TEST_CASE("every day from 1800 to 2261 goes to a number and back, weekdays in turn") {
  std::int64_t days = days_from_civil({1800, 1, 1});
  CHECK(weekday(days) == 3);  // a Wednesday
  CHECK(days_from_civil({1970, 1, 1}) == 0);
  CHECK(weekday(0) == 4);
  int last = weekday(days) - 1;
  for (int year = 1800; year <= 2261; ++year) {
    for (int month = 1; month <= 12; ++month) {
      for (int day = 1; day <= days_in_month(year, month); ++day, ++days) {
        REQUIRE(days_from_civil({year, month, day}) == days);
        REQUIRE(civil_from_days(days) == CivilDate{year, month, day});
        REQUIRE(weekday(days) == (last + 1) % 7);
        last = weekday(days);
      }
    }
  }
}

TEST_CASE("times are read in the ways in which files write them") {
  CHECK(utc("2012-06-21") == "2012-06-21T00:00:00Z");
  CHECK(utc("2012/6/1") == "2012-06-01T00:00:00Z");
  CHECK(utc("20120621") == "2012-06-21T00:00:00Z");
  CHECK(utc("20200101 170000065") == "2020-01-01T17:00:00.065Z");
  CHECK(utc("2012-06-21 09:30") == "2012-06-21T09:30:00Z");
  CHECK(utc("2012-06-21T09:30:00.000000001") == "2012-06-21T09:30:00.000000001Z");
  CHECK(utc("2013-01-01 22:00:00.295000+00:00") == "2013-01-01T22:00:00.295Z");
  CHECK(utc("2012-06-21T09:30:00-0400") == "2012-06-21T13:30:00Z");
  CHECK(utc("2012-06-21T23:30:00-04") == "2012-06-22T03:30:00Z");
  CHECK(utc("1340285400") == "2012-06-21T13:30:00Z");
  CHECK(utc("1340285400000") == "2012-06-21T13:30:00Z");
  CHECK(utc("1340285400000001") == "2012-06-21T13:30:00.000001Z");
  CHECK(utc("1340285400000000001") == "2012-06-21T13:30:00.000000001Z");
  CHECK(utc("1340285400.5") == "2012-06-21T13:30:00.500Z");
  CHECK(utc("1/4/1999", DateOrder::MonthDayYear) == "1999-01-04T00:00:00Z");
  CHECK(utc("1/4/1999", DateOrder::DayMonthYear) == "1999-04-01T00:00:00Z");
  CHECK(utc("31.12.2018 17:30", DateOrder::DayMonthYear) == "2018-12-31T17:30:00Z");
  CHECK(utc("1969-12-31T23:59:59") == "1969-12-31T23:59:59Z");
}

TEST_CASE("what is no time is refused") {
  for (const char* text : {"", "x", "2012-13-01", "2011-02-29", "2012-06-21 24:00:00", "2012-06-21x", "99",
                           "1/4/1999", "2012-06-21 09:30:00 EST", "2012-06-21 09:30:00+25:00", "-5",
                           "99999999999999999999", "1500-01-01", "2012-06", "2012-06-21T", "1340285400.x"}) {
    CAPTURE(text);
    CHECK(!parse_stamp(text));
  }
  CHECK(!parse_stamp("13/13/2012", DateOrder::MonthDayYear));
}

TEST_CASE("New York changes its clocks by the law of each year") {
  CHECK(from_zone("America/New_York", "2012-06-21 09:30:00") == "2012-06-21T13:30:00Z");
  CHECK(from_zone("America/New_York", "2012-12-21 09:30:00") == "2012-12-21T14:30:00Z");
  // 2007 on: second Sunday of March, first Sunday of November.
  CHECK(from_zone("America/New_York", "2012-03-11 01:59:59") == "2012-03-11T06:59:59Z");
  CHECK(from_zone("America/New_York", "2012-03-11 03:00:00") == "2012-03-11T07:00:00Z");
  CHECK(from_zone("America/New_York", "2012-11-04 00:59:59") == "2012-11-04T04:59:59Z");
  CHECK(from_zone("America/New_York", "2012-11-04 01:30:00") == "2012-11-04T05:30:00Z");  // the first of two
  CHECK(from_zone("America/New_York", "2012-11-04 02:00:00") == "2012-11-04T07:00:00Z");
  // 1987 to 2006: first Sunday of April, last Sunday of October.
  CHECK(from_zone("America/New_York", "2006-04-01 12:00:00") == "2006-04-01T17:00:00Z");
  CHECK(from_zone("America/New_York", "2006-04-02 12:00:00") == "2006-04-02T16:00:00Z");
  CHECK(from_zone("America/New_York", "2006-10-28 12:00:00") == "2006-10-28T16:00:00Z");
  CHECK(from_zone("America/New_York", "2006-10-29 12:00:00") == "2006-10-29T17:00:00Z");
  // 1974: all year but the first five days and the last two months.
  CHECK(from_zone("America/New_York", "1974-01-07 12:00:00") == "1974-01-07T16:00:00Z");
  CHECK(from_zone("America/New_York", "1980-04-26 12:00:00") == "1980-04-26T17:00:00Z");
  CHECK(from_zone("America/New_York", "1980-04-27 12:00:00") == "1980-04-27T16:00:00Z");
  CHECK_THROWS_AS(from_zone("America/New_York", "1960-06-01 12:00:00"), Error);
}

TEST_CASE("other zones: Europe's rule in UTC, fixed offsets, unknown names listed") {
  CHECK(from_zone("Europe/Berlin", "2020-03-29 01:59:00") == "2020-03-29T00:59:00Z");
  CHECK(from_zone("Europe/Berlin", "2020-03-29 03:00:00") == "2020-03-29T01:00:00Z");
  CHECK(from_zone("Europe/London", "2020-10-25 00:30:00") == "2020-10-24T23:30:00Z");
  CHECK(from_zone("Europe/London", "2020-10-25 02:00:00") == "2020-10-25T02:00:00Z");
  CHECK(from_zone("Asia/Shanghai", "2014-01-02 09:35:00") == "2014-01-02T01:35:00Z");
  CHECK(from_zone("-05:00", "2020-07-01 12:00:00") == "2020-07-01T17:00:00Z");
  CHECK_THROWS_WITH_AS(TimeZone::named("EST", "time_zone"), doctest::Contains("America/New_York"), Error);
  for (const char* name : {"UTC", "America/New_York", "Europe/Paris", "+05:30"}) {
    const TimeZone zone = TimeZone::named(name, "");
    for (std::int64_t hour = 0; hour < 24 * 800; ++hour) {
      const Nanos time{1'577'836'800 * kNanosPerSecond + hour * 3600 * kNanosPerSecond};
      const Nanos there = zone.to_local(time);
      const Nanos back = zone.to_utc(there);
      CHECK((back == time || zone.to_local(back) == there));  // the repeated hour has two
    }
  }
}
