// Books in which flows trade: at the venue's own door, and with participants among them.
#include "engine/venue/venue.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numbers>

using namespace walras;
using namespace walras::tests;

namespace {

struct Listener final : VenueSink {
  std::vector<Event> events;
  Depth depth;
  bool keep = true, crossed = false;
  std::size_t fills = 0;
  void publish(const Event& event, const Depth* now) override {
    if (now) {
      depth = *now;
      crossed = crossed || (depth.two_sided() && depth.bid[0].price >= depth.ask[0].price);
    }
    if (keep) events.push_back(event);
  }
  void fill(OrderId, Ticks, Lots, Lots, bool, Money, Nanos) override { ++fills; }
  void answer(EventKind, OrderId, Ticks, Lots, Reject) override {}
};

std::shared_ptr<const MarketPlan> market(const std::string& generator, double duration_s = 3600,
                                         const std::string& regime = "null",
                                         const std::string& venue = "{}") {
  const std::string json = R"({"mode": "generated", "generator": )" + generator +
                           R"(, "regime": )" + regime + R"(, "duration_s": )" +
                           std::to_string(duration_s) + "}";
  return build_market(Json::parse(json), Json::parse(venue), nullptr, engine_catalog());
}

/// Plays the venue alone; returns how often it acted.
std::uint64_t play(Venue& venue, Listener& listener, double until_s) {
  std::uint64_t acts = 0;
  const Nanos end{std::llround(until_s * 1e9)};
  venue.start({}, listener);
  for (; venue.next_time() < end; ++acts) venue.advance(listener);
  return acts;
}

/// Probability that the next move is up from queues n (bid) and p (ask). Source: ContDeLarrard2013,
/// proposition 1.
double up_probability(int n, int p) {
  const int steps = 200'000;
  double sum = 0;
  for (int k = 0; k < steps; ++k) {
    const double t = (k + 0.5) * std::numbers::pi / steps, c = 2 - std::cos(t);
    sum +=
        std::pow(c - std::sqrt(c * c - 1), p) * std::sin(n * t) * std::cos(t / 2) / std::sin(t / 2);
  }
  return sum / steps;
}

const char* kFlows[] = {"unit_queues", "hawkes", "queue_reactive", "population"};

}  // namespace

TEST_CASE("Cont and de Larrard's probabilities of an upward move come out of loop, book and flow") {
  CHECK(up_probability(1, 1) == doctest::Approx(0.5).epsilon(1e-6));
  CHECK(up_probability(2, 1) == doctest::Approx(0.6976527).epsilon(1e-6));
  CHECK(up_probability(3, 1) == doctest::Approx(0.7906109).epsilon(1e-6));
  for (const int bid : {1, 2, 3}) {
    const auto plan =
        market(R"({"kind": "book", "flow": {"kind": "unit_queues", "ask_queue": 1, "bid_queue": )" +
               std::to_string(bid) + "}}");
    const int n = 20'000;
    int ups = 0;
    for (int seed = 0; seed < n; ++seed) {
      const auto venue = plan->venue(Rng(static_cast<std::uint64_t>(seed), "venue"), nullptr);
      Listener listener;
      listener.keep = false;
      venue->start({}, listener);
      const Ticks before = listener.depth.bid[0].price;
      REQUIRE(listener.depth.bid[0].quantity.value == bid);
      while (listener.depth.bid[0].price == before) venue->advance(listener);
      ups += listener.depth.bid[0].price > before ? 1 : 0;
    }
    const double expected = up_probability(bid, 1);
    CAPTURE(bid);
    CHECK(std::abs(static_cast<double>(ups) / n - expected) <
          3 * std::sqrt(expected * (1 - expected) / n));
  }
}

TEST_CASE(
    "every flow keeps a two-sided book that is never crossed, trades, and repeats bit for bit") {
  for (const char* flow : kFlows) {
    CAPTURE(std::string(flow));
    const auto plan = market(std::string(R"({"kind": "book", "flow": ")") + flow + "\"}", 1800);
    std::vector<Event> first;
    for (int round = 0; round < 2; ++round) {
      const auto venue = plan->venue(Rng(1, "venue"), nullptr);
      Listener listener;
      play(*venue, listener, 1800);
      CHECK_FALSE(listener.crossed);
      CHECK(listener.depth.two_sided());
      std::size_t trades = 0;
      for (const Event& event : listener.events) trades += event.kind == EventKind::Trade ? 1 : 0;
      CHECK(trades > 200);
      if (round == 0) {
        first = listener.events;
        continue;
      }
      REQUIRE(first.size() == listener.events.size());
      for (std::size_t i = 0; i < first.size(); ++i) {
        REQUIRE((first[i].exchange_time == listener.events[i].exchange_time &&
                 first[i].price == listener.events[i].price &&
                 first[i].quantity == listener.events[i].quantity));
      }
    }
  }
}

TEST_CASE("a further instrument, and one that is not traded, change nothing of another's book") {
  for (const char* flow : kFlows) {
    CAPTURE(std::string(flow));
    std::vector<std::vector<std::int64_t>> prices;
    for (const char* names : {R"(["B"])", R"(["A", "B"])"}) {
      const auto plan = market(
          std::string(R"({"kind": "book", "names": )") + names + R"(, "flow": ")" + flow + "\"}",
          300);
      const auto venue = plan->venue(Rng(1, "venue"), nullptr);
      Listener listener;
      play(*venue, listener, 300);
      const auto b = static_cast<InstrumentId>(plan->instruments().size() - 1);
      prices.emplace_back();
      for (const Event& event : listener.events) {
        if (event.instrument == b && event.kind == EventKind::Trade)
          prices.back().push_back(event.exchange_time.value * 7 + event.price.value);
      }
    }
    CHECK(prices[0].size() > 20);
    CHECK(prices[0] == prices[1]);
  }
}

TEST_CASE(
    "participants trade with the crowd: what is bought was there, and quantity is conserved") {
  for (const char* flow : kFlows) {
    CAPTURE(std::string(flow));
    const auto plan = market(std::string(R"({"kind": "book", "flow": ")") + flow + "\"}", 600);
    Probe probe;
    int k = 0;
    std::int64_t bought = 0;
    probe.start = [](Orders& orders) { orders.set_timer({kNanosPerSecond}, 0); };
    probe.timer = [&](Nanos now, std::uint64_t, Orders& orders) {
      const Depth& depth = orders.depth(0);
      if (depth.two_sided()) {
        orders.submit(k % 2 == 0
                          ? market_order(0, k % 4 == 0 ? Side::Buy : Side::Sell, 15)
                          : limit_order(0, k % 4 == 1 ? Side::Buy : Side::Sell,
                                        (k % 4 == 1 ? depth.bid[0] : depth.ask[0]).price.value, 5));
      }
      ++k;
      orders.set_timer(now + Nanos{5 * kNanosPerSecond}, 0);
    };
    probe.fill = [&](const Fill& fill, Orders& orders) {
      bought += sign(fill.side) * fill.quantity.value;
      CHECK(orders.position(0).value == bought);
    };
    const RunRecord record = tests::play(plan, probe);
    CHECK(record.fills.size() > 60);
    bool maker = false;
    for (const FillRow& fill : record.fills) maker = maker || fill.maker;
    CHECK(maker);
  }
}

TEST_CASE(
    "while a regime halts the market nothing trades and orders are refused; then it goes on") {
  const auto plan =
      market(R"({"kind": "book", "flow": "hawkes"})", 600,
             R"({"kind": "scripted", "phases": [{"at_s": 100, "length_s": 200, "halted": true}]})");
  Probe probe;
  probe.start = [](Orders& orders) { orders.set_timer({150 * kNanosPerSecond}, 0); };
  probe.timer = [](Nanos, std::uint64_t, Orders& orders) {
    orders.submit(market_order(0, Side::Buy, 1));
  };
  const RunRecord record = tests::play(plan, probe);
  CHECK(record.fills.empty());
  REQUIRE(record.orders.size() == 1);
  CHECK(record.orders[0].reject == Reject::Halted);
  std::size_t before = 0, during = 0, after = 0, notices = 0;
  for (const Event& event : probe.events) {
    const double s = static_cast<double>(event.exchange_time.value) * 1e-9;
    if (event.kind == EventKind::Halt) ++notices;
    if (event.kind != EventKind::Trade) continue;
    (s < 100 ? before : s < 300 ? during : after) += 1;
  }
  CHECK(before > 20);
  CHECK(during == 0);
  CHECK(after > 50);
  CHECK(notices == 2);
}

TEST_CASE("a population's price follows its value, and the value's shocks come through") {
  const auto plan = market(
      R"({"kind": "book", "flow": "population", "value": {"kind": "brownian", "volatility": 0}})",
      3600,
      R"({"kind": "scripted", "phases": [{"at_s": 1200, "length_s": 10, "price_change": -0.02}]})");
  const auto venue = plan->venue(Rng(4, "venue"), nullptr);
  Listener listener;
  listener.keep = false;
  venue->start({}, listener);
  const auto mid_at = [&](double s) {
    while (venue->next_time() < Nanos{std::llround(s * 1e9)}) venue->advance(listener);
    return 0.5 * static_cast<double>(listener.depth.bid[0].price.value +
                                     listener.depth.ask[0].price.value);
  };
  CHECK(mid_at(1199) == doctest::Approx(10000).epsilon(0.003));
  CHECK(mid_at(3500) == doctest::Approx(9800).epsilon(0.003));
}

TEST_CASE("books that cannot be are refused with their place") {
  const auto refused = [](const std::string& flow, const char* words) {
    CHECK_THROWS_WITH_AS(market(R"({"kind": "book", "flow": )" + flow + "}"),
                         doctest::Contains(words), Error);
  };
  refused(
      R"({"kind": "hawkes", "children": [[2, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]})",
      "branching ratio below 1");
  refused(R"({"kind": "hawkes", "base": [1]})", "/market/generator/flow/base");
  refused(R"({"kind": "queue_reactive", "limit": [[1]], "cancel": [[0.1]], "market": [0.1]})",
          "grow for ever");
  refused(R"({"kind": "queue_reactive", "limit": [[1]], "cancel": []})",
          "/market/generator/flow/cancel");
  refused(R"("hawks")", "/market/generator/flow");
}
