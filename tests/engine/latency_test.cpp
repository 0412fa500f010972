#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

std::unique_ptr<LatencyModel> latency(const std::string& json, std::uint64_t seed = 1) {
  Registry<LatencyModel, Rng> registry("latency");
  add_latency_models(registry);
  return registry.build(Json::parse(json), "/venue/latency", Rng(seed, "latency_test"));
}

}  // namespace

TEST_CASE("constant and absent delays are what they say, leg by leg") {
  const auto constant =
      latency(R"({"kind": "constant", "feed_ns": 1, "entry_ns": 20, "response_ns": 300})");
  CHECK(constant->feed({5}) == Nanos{1});
  CHECK(constant->entry({5}) == Nanos{20});
  CHECK(constant->response({5}) == Nanos{300});
  CHECK(latency(R"("none")")->entry({5}) == Nanos{0});
  CHECK_THROWS_AS(latency(R"({"kind": "constant", "entry_ns": -1})"), Error);
  CHECK_THROWS_WITH_AS(latency(R"({"kind": "constant", "entry_nss": 1})"),
                       doctest::Contains("/venue/latency/entry_nss"), Error);
}

TEST_CASE("lognormal delays have the median and the spread of logs that were asked for") {
  constexpr int kDraws = 40'000;
  const auto model = latency(
      R"({"kind": "lognormal", "entry_median_ns": 80000, "feed_median_ns": 20000, "sigma": 0.4})");
  double sum = 0, squares = 0;
  std::vector<double> logs;
  for (int i = 0; i < kDraws; ++i) {
    const double log = std::log(static_cast<double>(model->entry({i}).value));
    logs.push_back(log);
    sum += log;
    squares += log * log;
  }
  const double mean = sum / kDraws, deviation = std::sqrt(squares / kDraws - mean * mean);
  // Four standard errors: 0.4 / sqrt(40,000) = 0.002, and 0.4 / sqrt(80,000) = 0.0014.
  CHECK(mean == doctest::Approx(std::log(80'000)).epsilon(0.008 / std::log(80'000)));
  CHECK(std::abs(deviation - 0.4) < 0.0057);
  // Orders sent do not move the delays of the feed.
  const auto other = latency(
      R"({"kind": "lognormal", "entry_median_ns": 80000, "feed_median_ns": 20000, "sigma": 0.4})");
  CHECK(model->feed({0}) == other->feed({0}));
}

TEST_CASE("no event, order or answer overtakes an earlier one of the same trader") {
  std::vector<TinyBar> bars(3000, TinyBar{10'000, 10'000, 10'000, 10'000});
  Tape tape;
  add_bars(tape, tiny_instrument("A"), bars, 10'000);
  // Delays of many bars: without order in the queues nearly all would overtake.
  const auto plan = bar_market(finish_tape(std::move(tape)),
                               R"({"latency": {"kind": "lognormal", "feed_median_ns": 20000,
    "entry_median_ns": 20000, "response_median_ns": 20000, "sigma": 1.5}})");
  Probe probe;
  std::vector<OrderId> sent;
  probe.event = [&](const Event& event, Orders& orders) {
    if (event.kind >= EventKind::Accepted) return;
    const OrderId order = orders.submit(limit_order(0, Side::Buy, 5000, 1));
    if (order != 0) sent.push_back(order);
    orders.cancel(order);
  };
  AccountTerms terms = tiny_account(1e9);
  play(plan, probe, terms);
  REQUIRE(probe.events.size() > 2500);
  for (std::size_t i = 1; i < probe.events.size(); ++i) {
    REQUIRE(probe.events[i].sequence == probe.events[i - 1].sequence + 1);
    REQUIRE(probe.events[i].local_time >= probe.events[i - 1].local_time);
  }
  REQUIRE(probe.answers.size() > 2000);
  for (std::size_t i = 0; i < probe.answers.size(); ++i) {
    REQUIRE(probe.answers[i].order == sent[i / 2]);
    REQUIRE(probe.answers[i].kind == (i % 2 == 0 ? EventKind::Accepted : EventKind::Cancelled));
    REQUIRE(probe.answers[i].local_time >= probe.answers[i].exchange_time);
  }
}

TEST_CASE(
    "a generated market samples equity on its grid, ends flat and repeats itself for a seed") {
  const EngineCatalog catalog = engine_catalog();
  const auto plan = build_market(
      Json::parse(
          R"({"mode": "generated", "generator": "zero_intelligence", "duration_s": 120, "sample_s": 10})"),
      Json::object(), nullptr, catalog);
  CHECK(plan->generated());
  CHECK(plan->tape() == nullptr);
  CHECK(plan->whole().end == Nanos{120 * kNanosPerSecond});
  CHECK(plan->periods_per_year() == doctest::Approx(252 * 6.5 * 360));
  CHECK(plan->resolved().at("market").at("duration_s").as_number() == 120);
  const auto run = [&](std::uint64_t seed) {
    Probe probe;
    probe.slice = [count = 0](Nanos, Orders& orders) mutable {
      if (++count % 50 != 0) return;
      orders.submit(market_order(0, count % 100 == 0 ? Side::Sell : Side::Buy, 3));
      orders.submit(limit_order(0, Side::Buy, orders.depth(0).bid[0].price.value, 2));
    };
    Simulation simulation(plan, plan->whole(), seed);
    simulation.add(probe, "probe", tiny_account());
    simulation.run();
    return simulation.record(0);
  };
  const RunRecord record = run(3);
  REQUIRE(record.equity.size() == 13);
  for (std::size_t i = 0; i < record.equity.size(); ++i)
    CHECK(record.equity[i].time.value == static_cast<std::int64_t>(i) * 10 * kNanosPerSecond);
  CHECK(record.equity.back().long_micros == 0);
  CHECK(record.equity.back().short_micros == 0);
  REQUIRE(record.fills.size() > 10);
  CHECK(record.fills.back().position == Lots{0});
  CHECK(record_hash({run(3)}, plan->instruments()) == record_hash({record}, plan->instruments()));
  CHECK(record_hash({run(4)}, plan->instruments()) != record_hash({record}, plan->instruments()));
}
