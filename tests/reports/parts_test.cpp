#include "engine/base/error.hpp"
#include "reports/charts.hpp"
#include "reports/format.hpp"
#include "reports/trades.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace walras;
using namespace walras::reports;

TEST_CASE("numbers are printed for people") {
  CHECK(fixed(-1234567.891, 2) == "\u22121,234,567.89");
  CHECK(fixed(-0.001, 2) == "0.00");
  CHECK(fixed(999.999, 0) == "1,000");
  CHECK(number(0.012345) == "0.0123");
  CHECK(number(12345.6) == "12,346");
  CHECK(number(std::numeric_limits<double>::quiet_NaN()) == "\u2013");
  CHECK(count(-1000) == "\u22121,000");
  CHECK(count(std::numeric_limits<std::int64_t>::min()) == "\u22129,223,372,036,854,775,808");
  CHECK(percent(0.0123456) == "1.23\u00a0%");
  CHECK(percent(-0.456) == "\u221245.6\u00a0%");
  CHECK(percent(12.346) == "1,235\u00a0%");
  CHECK(signed_percent(0.05) == "+5.00\u00a0%");
  CHECK(p_value(0.0004) == "<\u00a00.001");
  CHECK(p_value(0.0314) == "0.031");
  CHECK(p_value(0.99999) == ">\u00a00.999");
  CHECK(p_value(std::nullopt) == "\u2013");
  CHECK(money(12.5, "USD") == "12.50\u00a0USD");
  CHECK(money(-123456.7, "EUR") == "\u2212123,457\u00a0EUR");
}

TEST_CASE("dates before and after 1970, and lengths of time") {
  CHECK(date(Nanos{0}) == "1970-01-01");
  CHECK(date(Nanos{-1}) == "1969-12-31");
  CHECK(date(Nanos{11'016 * kNanosPerDay}) == "2000-02-29");
  CHECK(date_time(Nanos{11'016 * kNanosPerDay + 34'205 * kNanosPerSecond}) == "2000-02-29\u00a009:30:05");
  CHECK(date_time(Nanos{11'016 * kNanosPerDay}) == "2000-02-29");
  CHECK(date_time(Nanos{11'016 * kNanosPerDay + 86'400 * kNanosPerSecond - 1}) == "2000-02-29");
  CHECK(duration(Nanos{250 * kNanosPerDay}) == "250\u00a0days");
  CHECK(duration(Nanos{kNanosPerSecond / 4}) == "250\u00a0ms");
}

TEST_CASE("evidence is printed in its unit") {
  stats::Evidence evidence;
  evidence.name = "max_drawdown";
  evidence.unit = "fraction of the peak";
  evidence.estimate = 0.2345;
  evidence.range = stats::Bounds{0.1, 0.5};
  CHECK(estimate(evidence) == "23.4\u00a0%");
  CHECK(interval(evidence) == "range 10.0\u00a0% to 50.0\u00a0%");
  CHECK(metric_name("max_drawdown") == "Max drawdown");
  CHECK(metric_name("cagr") == "CAGR");
  evidence.estimate.reset();
  CHECK(estimate(evidence) == "\u2013");
}

TEST_CASE("decimation keeps the ends, the limit, and what it promises") {
  std::vector<Point> points;
  for (int i = 0; i < 100'000; ++i) points.push_back({static_cast<double>(i), std::sin(i / 500.0) + (i == 77'777 ? -9 : 0)});
  for (const auto decimate : {largest_triangles, extremes}) {
    const auto kept = decimate(points, 1200);
    CHECK(kept.size() <= 1200);
    CHECK(kept.size() > 600);
    CHECK(kept.front().x == 0);
    CHECK(kept.back().x == 99'999);
    for (std::size_t i = 1; i < kept.size(); ++i) REQUIRE(kept[i - 1].x < kept[i].x);
    double lowest = 0;
    for (const Point& point : kept) lowest = std::min(lowest, point.y);
    CHECK(lowest < -8);
  }
  CHECK(largest_triangles(std::span(points).first(10), 1200).size() == 10);
}

TEST_CASE("charts hold no number that is not finite") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const std::vector<Curve> curves{{"a", {{0, 1}, {1, nan}, {2, 3}}}};
  for (const Chart& chart : {equity_chart(curves, {}, true), underwater_chart(curves, {}), rolling_chart(curves, {}, "t", "l"), fold_chart(curves),
                             line_chart(curves, "t", "x", "y"), bar_chart({"1", "2"}, {"a"}, {{nan, std::nullopt}}, "t", "percent"),
                             distribution_chart("a", std::vector<double>{0.1, nan, -0.1, 0.2}), p_value_chart({{"a", nan}}, 0.05),
                             stacked_chart({0, 1}, {"a"}, {{nan, 1}}, {}, "t")}) {
    CAPTURE(chart.title);
    CHECK_NOTHROW((void)chart.options.dump());
  }
}

TEST_CASE("a split in the middle of a round trip changes its shares and not its profit") {
  std::vector<engine::Instrument> instruments(1);
  instruments[0].name = "X";
  for (const engine::Side entry : {engine::Side::Buy, engine::Side::Sell}) {
    const std::int64_t direction = engine::sign(entry);
    engine::RunRecord record;
    record.begin = Nanos{0};
    record.end = Nanos{100};
    // 101 at 30.00; three for two: 151 and half a share at 20.00; closed at 21.00
    record.fills.push_back({Nanos{10}, 1, 0, entry, false, Ticks{3000}, Lots{101}, 0, 0, Lots{101 * direction}});
    record.postings.push_back({Nanos{20}, engine::LedgerAccount::Positions, 0, direction * 10'000'000, Lots{151 * direction}});
    record.positions.push_back({Nanos{30}, 0, Lots{151 * direction}, Ticks{1900}});
    record.fills.push_back({Nanos{40}, 2, 0, engine::opposite(entry), false, Ticks{2100}, Lots{151}, 0, 0, Lots{0}});
    const auto trips = round_trips(record, instruments);
    REQUIRE(trips.size() == 1);
    CHECK_FALSE(trips[0].open);
    CHECK(trips[0].quantity == doctest::Approx(151));
    CHECK(trips[0].profit == doctest::Approx(static_cast<double>(direction) * (151 * 21 + 10 - 101 * 30)));
    CHECK(trips[0].entry_price == doctest::Approx(3030.0 / 151));
    CHECK(trips[0].adverse.value_or(0) <= 0);
  }
}

TEST_CASE("round trips: averages, reversal, fees by share, what stays open") {
  std::vector<engine::Instrument> instruments(1);
  instruments[0].name = "X";
  engine::RunRecord record;
  record.end = Nanos{100};
  const auto fill = [&](std::int64_t time, engine::Side side, std::int64_t price, std::int64_t quantity, std::int64_t fee) {
    record.fills.push_back({Nanos{time}, 1, 0, side, false, Ticks{price}, Lots{quantity}, fee * 1'000'000, 0, Lots{0}});
  };
  fill(1, engine::Side::Buy, 1000, 100, 1);
  fill(2, engine::Side::Buy, 1200, 100, 1);
  fill(3, engine::Side::Sell, 1300, 50, 1);
  fill(4, engine::Side::Sell, 1000, 300, 4);  // closes 150, opens 150 short
  fill(5, engine::Side::Buy, 900, 50, 2);
  record.positions.push_back({Nanos{6}, 0, Lots{-100}, Ticks{950}});
  const auto trips = round_trips(record, instruments);
  REQUIRE(trips.size() == 2);
  CHECK(trips[0].side == engine::Side::Buy);
  CHECK(trips[0].quantity == 200);
  CHECK(trips[0].entry_price == doctest::Approx(11));
  CHECK(trips[0].exit_price == doctest::Approx((50 * 13.0 + 150 * 10.0) / 200));
  CHECK(trips[0].profit == doctest::Approx(50 * 13.0 + 150 * 10.0 - 2200 - (1 + 1 + 1 + 2)));
  CHECK(trips[0].exit == Nanos{4});
  CHECK_FALSE(trips[0].open);
  CHECK(trips[1].side == engine::Side::Sell);
  CHECK(trips[1].open);
  CHECK(trips[1].exit == Nanos{100});
  CHECK(trips[1].profit == doctest::Approx(150 * 10.0 - 50 * 9.0 - 100 * 9.5 - (2 + 2)));
  record.fills[0].instrument = 7;
  CHECK_THROWS_AS((void)round_trips(record, instruments), Error);
}
