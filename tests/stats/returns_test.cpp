#include "stats/returns.hpp"

#include "engine/base/error.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace walras;
using namespace walras::stats;

namespace {

std::vector<Nanos> every(double days, std::size_t count, bool skip_weekends = false) {
  std::vector<Nanos> times;
  for (std::size_t i = 0; times.size() < count; ++i) {
    const Nanos time = kFirstOf2020 + Nanos{static_cast<std::int64_t>(
                                          static_cast<double>(i) * days * static_cast<double>(kNanosPerDay))};
    const std::int64_t weekday = (time.value / kNanosPerDay + 4) % 7;
    if (!skip_weekends || (weekday != 0 && weekday != 6)) times.push_back(time);
  }
  return times;
}

}  // namespace

TEST_CASE("periods a year come from the data's own calendar") {
  struct Case { std::vector<Nanos> times; double expected; };
  const Case cases[] = {
      {every(1, 500, true), 252},        {every(1, 500), 365},          {every(7, 60), 52},
      {every(30.4375, 40), 12},          {every(91.3125, 20), 4},       {every(365.25, 10), 1},
      {every(1.0 / 24, 24 * 60), 365.0 * 24}, {every(14, 30), 365.25 / 14},
      {every(1.0 / 24, 24 * 60, true), 252.0 * 24},
  };
  for (const Case& c : cases) {
    const Calendar calendar = infer_calendar(c.times);
    CAPTURE(calendar.rule);
    CHECK(calendar.periods_per_year == doctest::Approx(c.expected).epsilon(1e-12));
  }
  CHECK(infer_calendar(every(1, 1)).periods_per_year == 252);
}

TEST_CASE("an hour of weekday trading days counts bars a day by their median") {
  std::vector<Nanos> times;
  for (const Nanos day : every(1, 50, true)) {
    for (int bar = 0; bar < 7; ++bar) times.push_back(day + Nanos{(14 + bar) * 3600 * kNanosPerSecond});
  }
  CHECK(infer_calendar(times).periods_per_year == 252 * 7);
}

TEST_CASE("bad rows are refused with the place") {
  ReturnSeries series = spaced({0.01, 0.02, -0.01}, 252);
  CHECK_NOTHROW(check(series));
  series.returns[1] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH_AS(check(series), "returns of sample: expected a finite return in row 2, was nan", Error);
  series.returns[1] = -1.5;
  CHECK_THROWS_AS(check(series), Error);
  series.returns[1] = 0;
  std::swap(series.times[0], series.times[1]);
  CHECK_THROWS_AS(check(series), Error);
  series = spaced({0.01, 0.02}, 252);
  series.times[1] = series.times[0];
  CHECK_THROWS_AS(check(series), Error);
  series = spaced({0.01, 0.02}, 252);
  series.returns.pop_back();
  CHECK_THROWS_AS(check(series), Error);
  series = spaced({0.01, 0.02}, 0);
  CHECK_THROWS_AS(check(series), Error);
  series = spaced({0.01, 0.02}, 252);
  series.start = series.times[0];
  CHECK_THROWS_AS(check(series), Error);
}

TEST_CASE("rule 1: prices and returns give the same series, and the curve starts at capital") {
  const std::vector<double> prices{100, 110, 99, 108.9};
  const std::vector<Nanos> times = every(1, 4);
  const ReturnSeries series = returns_from_prices("p", times, prices, 252);
  REQUIRE(series.returns.size() == 3);
  CHECK(series.returns[1] == doctest::Approx(-0.1).epsilon(1e-14));
  CHECK(start_of(series) == times[0]);
  const std::vector<double> equity = equity_curve(series.returns);
  CHECK(equity.front() == 1);
  for (std::size_t i = 0; i < 4; ++i) CHECK(equity[i] * 100 == doctest::Approx(prices[i]).epsilon(1e-14));
  CHECK_THROWS_AS((void)returns_from_prices("p", times, std::vector<double>{100, -1, 2, 3}, 252), Error);
}

TEST_CASE("rule 2: 26 weekly rows are half a year, by time stamps and by periods") {
  const ReturnSeries series = spaced(std::vector<double>(26, 0.001), 52, 7);
  CHECK(calendar_years(series) == doctest::Approx(26 * 7 / 365.25).epsilon(1e-12));
  CHECK(period_years(series) == 0.5);
}

TEST_CASE("rule 8: a benchmark is aggregated on its own calendar, then joined by time") {
  const ReturnSeries weekly = spaced({0.01, 0.02}, 52, 7);
  ReturnSeries daily = spaced(std::vector<double>(14, 0.001), 365, 1);
  const Aligned aligned = align(weekly, daily);
  REQUIRE(aligned.returns.size() == 2);
  CHECK(aligned.returns[0] == doctest::Approx(std::pow(1.001, 7) - 1).epsilon(1e-12));
  CHECK(aligned.missing == 0);
  daily.times.resize(5);
  daily.returns.resize(5);
  const Aligned partly = align(weekly, daily);
  CHECK(partly.returns[1] == 0);
  CHECK(partly.missing == 1);
  const Aligned same = align(weekly, weekly);
  CHECK(same.returns == weekly.returns);
}

TEST_CASE("test spans join into one record whose years are the spans' own") {
  ReturnSeries first = spaced({0.01, 0.02}, 252);
  ReturnSeries second = spaced({-0.01, 0.03}, 252);
  second.start = *second.start + Nanos{100 * kNanosPerDay};
  for (Nanos& time : second.times) time += Nanos{100 * kNanosPerDay};
  const std::vector<ReturnSeries> pieces{first, second};
  const Joined joined = join(pieces);
  CHECK(joined.series.returns == std::vector<double>{0.01, 0.02, -0.01, 0.03});
  CHECK(joined.years == doctest::Approx(4 / 365.25).epsilon(1e-12));
  const std::vector<ReturnSeries> overlapping{first, first};
  CHECK_THROWS_AS((void)join(overlapping), Error);
  const Joined laid = lay_end_to_end(overlapping);
  CHECK(laid.series.times.size() == 4);
  CHECK(laid.series.times[2] == kFirstOf2020 + Nanos{3 * kNanosPerDay});
  CHECK(laid.years == doctest::Approx(4 / 365.25).epsilon(1e-12));
}
