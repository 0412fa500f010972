// Generated bars: as a tape, and as a market that is traded.
#include "tests/regime/moments.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

std::shared_ptr<const MarketPlan> market(const std::string& generator,
                                         const std::string& regime = "null",
                                         const std::string& venue = "{}") {
  const std::string json =
      R"({"mode": "generated", "generator": )" + generator + R"(, "regime": )" + regime + "}";
  return build_market(Json::parse(json), Json::parse(venue), nullptr, engine_catalog());
}

std::vector<double> returns(const Tape& tape, const std::string& name) {
  std::vector<double> changes;
  double before = 0;
  for (const Event& event : tape.events) {
    if (tape.instruments[event.instrument].name != name) continue;
    const double now = std::log(static_cast<double>(event.price.value));
    if (before != 0) changes.push_back(now - before);
    before = now;
  }
  return changes;
}

std::vector<Bar> bars_of(const Tape& tape, const std::string& name) {
  std::vector<Bar> bars;
  for (const Event& event : tape.events) {
    if (tape.instruments[event.instrument].name == name) bars.push_back(tape.bars[event.payload]);
  }
  return bars;
}

}  // namespace

TEST_CASE(
    "a path is the same for the same seed, another for another, and no instrument's depends on who "
    "else there is") {
  const auto two = market(R"({"kind": "bars", "bars": 300, "names": ["BBB", "AAA"]})");
  const auto three = market(R"({"kind": "bars", "bars": 300, "names": ["AAA", "ABC", "BBB"]})");
  CHECK(two->path_of(1)->content_hash == two->path_of(1)->content_hash);
  CHECK(two->path_of(1)->content_hash != two->path_of(2)->content_hash);
  const auto a = bars_of(*two->path_of(1), "BBB"), b = bars_of(*three->path_of(1), "BBB");
  REQUIRE(a.size() == 300);
  for (std::size_t i = 0; i < a.size(); ++i)
    REQUIRE((a[i].open == b[i].open && a[i].low == b[i].low && a[i].close == b[i].close &&
             a[i].volume == b[i].volume));
}

TEST_CASE("daily bars lie on weekdays, minute bars in sessions, and each opens where it can") {
  const auto daily = bars_of(*market(R"({"kind": "bars", "bars": 600})")->path_of(1), "AAA");
  double gap = 0, whole = 0;
  for (std::size_t k = 0; k < daily.size(); ++k) {
    const std::int64_t day = daily[k].open_time.value / kNanosPerDay;
    REQUIRE((day + 3) % 7 < 5);  // Monday is 0
    if (k == 0) continue;
    REQUIRE(daily[k].open_time > daily[k - 1].close_time);
    const auto log = [](Ticks price) { return std::log(static_cast<double>(price.value)); };
    gap += std::pow(log(daily[k].open) - log(daily[k - 1].close), 2);
    whole += std::pow(log(daily[k].close) - log(daily[k - 1].close), 2);
  }
  CHECK(gap / whole == doctest::Approx(0.2).epsilon(0.3));
  const auto minutes = market(R"({"kind": "bars", "bars": 156, "minutes": 5})");
  const auto bars = bars_of(*minutes->path_of(1), "AAA");
  CHECK(minutes->periods_per_year() == 252 * 78);
  CHECK(bars[77].close_time.value % kNanosPerDay == 16 * 3600 * kNanosPerSecond - 1);
  CHECK(bars[78].open_time.value == kNanosPerDay + (9 * 60 + 30) * 60 * kNanosPerSecond);
}

TEST_CASE(
    "highs and lows are those of Brownian motion: Parkinson's range gives back the variance") {
  // E (log high/low)^2 = 4 log 2 times the variance of the day, Parkinson 1980. High and low are
  // drawn one by one, which misses that a path far up is seldom far down as well: their joint law
  // is not exact, each alone is.
  const auto bars = bars_of(
      *market(
           R"({"kind": "bars", "bars": 20000, "start_price": 1e6, "night": 0, "process": {"kind": "brownian", "volatility": 0.2}})")
           ->path_of(1),
      "AAA");
  std::vector<double> up, ranges;
  for (const Bar& bar : bars) {
    const double high = std::log(static_cast<double>(bar.high.value)),
                 open = std::log(static_cast<double>(bar.open.value));
    up.push_back(high - open);
    ranges.push_back(std::pow(high - std::log(static_cast<double>(bar.low.value)), 2) /
                     (4 * std::log(2.0)));
  }
  const double daily = 0.2 / std::sqrt(252.0);
  CHECK(mean(up).off(daily * std::sqrt(2 / 3.14159265358979)) <
        4);  // reflection principle: the high of a day is |normal|
  CHECK(mean(ranges).value == doctest::Approx(daily * daily).epsilon(0.1));
}

TEST_CASE(
    "coupled instruments move together as their dependence says, and volume follows volatility") {
  const auto tape =
      market(
          R"({"kind": "bars", "bars": 20000, "names": ["A", "B"], "start_price": 10000, "process": {"kind": "garch", "alpha": 0.1, "beta": 0.85},
                              "dependence": {"kind": "gaussian_copula", "correlation": 0.6}})")
          ->path_of(3);
  const auto a = returns(*tape, "A"), b = returns(*tape, "B");
  CHECK(correlation(a, b) == doctest::Approx(0.6).epsilon(0.07));
  std::vector<double> sizes, volumes;
  const auto bars = bars_of(*tape, "A");
  for (std::size_t i = 1; i < bars.size(); ++i) {
    sizes.push_back(std::abs(a[i - 1]));
    volumes.push_back(std::log(static_cast<double>(bars[i].volume.value)));
  }
  CHECK(correlation(sizes, volumes) >
        0.07);  // ten standard errors; 0.4 of noise in the log volume hides the rest
}

TEST_CASE("a scripted crash falls by what it says, and a halt leaves out its bars") {
  const auto tape =
      market(
          R"({"kind": "bars", "bars": 60, "process": {"kind": "brownian", "volatility": 0.01}})",
          R"({"kind": "scripted", "phases": [{"at_days": 20, "length_days": 5, "price_change": -0.3}, {"at_days": 30, "length_days": 10, "halted": true}]})")
          ->path_of(1);
  const auto bars = bars_of(*tape, "AAA");
  REQUIRE(bars.size() == 50);
  CHECK(static_cast<double>(bars[24].close.value) / static_cast<double>(bars[19].close.value) ==
        doctest::Approx(0.7).epsilon(0.01));
}

TEST_CASE(
    "orders fill on generated bars by the rules of bars, and a taker of a martingale earns nothing "
    "but pays the fees") {
  const auto plan = market(R"({"kind": "bars", "bars": 120, "process": {"kind": "heston"}})",
                           "null", R"({"fees": {"kind": "basis_points", "bps": 5}})");
  std::vector<double> profits;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Probe probe;
    int k = 0;
    probe.slice = [&](Nanos, Orders& orders) {
      if (k++ % 10 == 0)
        orders.submit(market_order(0, k / 10 % 2 == 0 ? Side::Buy : Side::Sell, 100));
    };
    Span span = plan->whole();
    Simulation simulation(plan, span, seed);
    const auto number = simulation.add(probe, "probe", tiny_account());
    simulation.run();
    const RunRecord record = simulation.record(number);
    REQUIRE(record.fills.size() >= 11);
    REQUIRE(simulation.events() == 120);
    const auto& last = record.equity.back();
    profits.push_back(static_cast<double>(last.equity_micros - 1'000'000'000'000) / 1e6);
    REQUIRE(last.gross_micros > last.equity_micros);
  }
  // Twelve trades of about 10,000 at 5 bp.
  CHECK(mean(profits).off(-60) < 3);
  CHECK(mean(profits).value < 0);
}

TEST_CASE("bar markets that cannot be are refused with their place") {
  const auto refused = [](const std::string& json, const char* words) {
    CHECK_THROWS_WITH_AS(market(json), doctest::Contains(words), Error);
  };
  refused(R"({"kind": "bars", "names": []})", "/market/generator/names");
  refused(R"({"kind": "bars", "names": ["A", "A"]})", "A twice");
  refused(R"({"kind": "bars", "minutes": 7})", "/market/generator/minutes");
  refused(R"({"kind": "bars", "own": {"Z": {}}})", "/market/generator/own/Z");
  refused(R"({"kind": "bars", "process": {"kind": "garsh"}})", "/market/generator/process");
  refused(R"({"kind": "bars", "start_price": 0.001})", "/market/generator/start_price");
  CHECK_THROWS_WITH_AS(
      market(R"({"kind": "bars", "bars": 3})",
             R"({"kind": "scripted", "phases": [{"length_days": 9, "halted": true}]})")
          ->path_of(1),
      doctest::Contains("halted throughout"), Error);
}
