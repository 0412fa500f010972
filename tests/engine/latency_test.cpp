#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

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
  CHECK(constant->feed({5}, {}) == Nanos{1});
  CHECK(constant->entry({5}, Request::New) == Nanos{20});
  CHECK(constant->response({5}) == Nanos{300});
  CHECK(latency(R"("none")")->entry({5}, Request::New) == Nanos{0});
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
    const double log = std::log(static_cast<double>(model->entry({i}, Request::New).value));
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
  CHECK(model->feed({0}, {}) == other->feed({0}, {}));
}

TEST_CASE("new orders, replaces and cancels may differ") {
  const auto constant = latency(R"({"kind": "constant", "entry_ns": 20, "replace_ns": 30, "cancel_ns": 5})");
  CHECK(constant->entry({5}, Request::New) == Nanos{20});
  CHECK(constant->entry({5}, Request::Replace) == Nanos{30});
  CHECK(constant->entry({5}, Request::Cancel) == Nanos{5});
  const auto drawn = latency(R"({"kind": "gamma", "cancel_scale": 0})");
  CHECK(drawn->entry({5}, Request::Cancel) == Nanos{0});
  CHECK(drawn->entry({5}, Request::New) >= Nanos{20'000});
}

TEST_CASE("gamma delays have the mean and the variance of their shape") {
  constexpr int kDraws = 40'000;
  for (const double shape : {0.5, 2.0}) {
    CAPTURE(shape);
    const auto model = latency(fmt::format(R"({{"kind": "gamma", "minimum_ns": 20000, "entry_mean_ns": 60000, "shape": {}}})", shape));
    double sum = 0, squares = 0;
    for (int i = 0; i < kDraws; ++i) {
      const auto delay = static_cast<double>(model->entry({i}, Request::New).value - 20'000);
      REQUIRE(delay >= 0);
      sum += delay;
      squares += delay * delay;
    }
    const double mean = sum / kDraws, deviation = std::sqrt(squares / kDraws - mean * mean);
    const double expected = 40'000 / std::sqrt(shape);
    // Four standard errors of the mean; the deviation's is wider for long tails (kurtosis 3 + 6 / shape).
    CHECK(std::abs(mean - 40'000) < 4 * expected / std::sqrt(kDraws));
    CHECK(std::abs(deviation / expected - 1) < 4 * std::sqrt((2 + 6 / shape) / (4.0 * kDraws)));
  }
}

TEST_CASE("cubic delays follow the law of a / x^3") {
  constexpr int kDraws = 40'000;
  const auto model = latency(R"({"kind": "cubic", "minimum_ns": 20000})");
  // P(delay > d) = (x(d) - clip) / (1 - clip) with x = cbrt(a unit / (d - minimum)); the median: x = 0.55.
  const double median = 20'000 + 0.5 * 2000 / (0.55 * 0.55 * 0.55);
  int above = 0;
  for (int i = 0; i < kDraws; ++i) {
    const auto delay = static_cast<double>(model->entry({i}, Request::New).value);
    REQUIRE(delay >= 20'999);
    REQUIRE(delay <= 1'020'001);
    above += delay > median ? 1 : 0;
  }
  CHECK(std::abs(above - kDraws / 2) < 4 * std::sqrt(kDraws) / 2);
}

TEST_CASE("measured delays are interpolated by time, or drawn with their frequencies") {
  const auto model = latency(R"({"kind": "measured", "sent_s": [10, 20], "entry_ns": [100, 300], "response_ns": [40, 50], "replace_scale": 2})");
  CHECK(model->entry({5 * kNanosPerSecond}, Request::New) == Nanos{100});
  CHECK(model->entry({15 * kNanosPerSecond}, Request::New) == Nanos{200});
  CHECK(model->entry({15 * kNanosPerSecond}, Request::Replace) == Nanos{400});
  CHECK(model->entry({25 * kNanosPerSecond}, Request::New) == Nanos{300});
  CHECK(model->response({15 * kNanosPerSecond}) == Nanos{45});
  const auto drawn = latency(R"({"kind": "measured", "entry_ns": [1, 1, 1, 9], "response_ns": [2, 2, 2, 3], "draw": true})");
  int nines = 0;
  for (int i = 0; i < 4000; ++i) {
    const Nanos entry = drawn->entry({i}, Request::New);
    CHECK(drawn->response({i}) == (entry == Nanos{9} ? Nanos{3} : Nanos{2}));  // one row is one order
    nines += entry == Nanos{9} ? 1 : 0;
  }
  CHECK(std::abs(nines - 1000) < 4 * std::sqrt(4000 * 0.25 * 0.75));
  CHECK_THROWS_WITH_AS(latency(R"({"kind": "measured", "entry_ns": [1], "response_ns": [1]})"), doctest::Contains("sent_s"), Error);
  CHECK_THROWS_WITH_AS(latency(R"({"kind": "measured", "sent_s": [2, 1], "entry_ns": [1, 1], "response_ns": [1, 1]})"),
                       doctest::Contains("ascending"), Error);
}

TEST_CASE("orders are as slow as the recorded feed is") {
  const auto model = latency(R"({"kind": "recorded", "entry_scale": 2, "minimum_ns": 10})");
  CHECK(model->entry({0}, Request::New) == Nanos{10});
  CHECK(model->feed({1}, {500}) == Nanos{0});
  CHECK(model->entry({1}, Request::New) == Nanos{1000});
  CHECK(model->response({1}) == Nanos{500});
  const auto smooth = latency(R"({"kind": "recorded", "half_life_events": 1, "minimum_ns": 0})");
  smooth->feed({1}, {1000});
  smooth->feed({2}, {0});
  CHECK(smooth->response({2}) == Nanos{500});
}

TEST_CASE("a gateway that serves one message after another: the mean wait of M/D/1") {
  const auto model = latency(R"({"kind": "queueing", "entry_ns": 0, "service_ns": 1000, "event_service_ns": 0})");
  Rng random(3, "arrivals");
  const double rate = 0.7 / 1000;
  double time = 0, sum = 0;
  constexpr int kMessages = 400'000;
  for (int i = 0; i < kMessages; ++i) {
    time += random.exponential(rate);
    sum += static_cast<double>(model->entry({std::llround(time)}, Request::New).value) - 1000;
  }
  // rho / (2 (1 - rho)) x service; waits are correlated over about 1 / (1 - rho)^2 messages: 3 %.
  CHECK(sum / kMessages == doctest::Approx(1000 * 0.7 / (2 * 0.3)).epsilon(0.03));
  // A burst of the market delays the order behind it.
  const auto busy = latency(R"({"kind": "queueing", "entry_ns": 0, "service_ns": 1000, "event_service_ns": 500})");
  for (int i = 0; i < 10; ++i) busy->feed({100}, {});
  CHECK(busy->entry({100}, Request::Cancel) == Nanos{10 * 500 + 1000});
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
