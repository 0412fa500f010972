#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

using namespace walras;
using namespace walras::tests;

namespace {

std::vector<TinyBar> random_bars(std::size_t count, std::uint64_t seed) {
  Rng random(seed, "random_bars");
  std::vector<TinyBar> bars;
  std::int64_t price = 10'000;
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t open = price;
    price = std::max<std::int64_t>(100, price + static_cast<std::int64_t>(random.below(41)) - 20);
    bars.push_back({open, std::max(open, price) + 5, std::min(open, price) - 5, price, 1000});
  }
  return bars;
}

/// Trades now and then, on a stream of its own; sends limits, cancels and replaces too.
void trade_at_random(Probe& probe, std::size_t instruments) {
  probe.slice = [instruments, last = OrderId{0}](Nanos, Orders& orders) mutable {
    Rng& random = orders.random();
    for (InstrumentId i = 0; i < instruments; ++i) {
      if (!random.bernoulli(0.3)) continue;
      const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
      const auto lots = static_cast<std::int64_t>(1 + random.below(20));
      switch (random.below(4)) {
        case 0:
          last = orders.submit(limit_order(i, side, orders.mark(i).value - sign(side) * 10, lots));
          break;
        case 1:
          orders.cancel(last);
          break;
        case 2:
          orders.replace(last, {orders.mark(i).value}, {lots});
          break;
        default:
          orders.submit(market_order(i, side, lots));
      }
    }
  };
}

}  // namespace

TEST_CASE(
    "a slice comes once for a time, after every instrument's bar, and equity is sampled at each") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(5, 1)}, {"B", random_bars(5, 2)}}));
  Probe probe;
  std::size_t seen = 0;
  probe.slice = [&](Nanos, Orders&) {
    CHECK(probe.events.size() == seen + 2);
    CHECK(probe.events[seen].instrument == 0);
    CHECK(probe.events[seen + 1].instrument == 1);
    seen = probe.events.size();
  };
  const RunRecord record = play(plan, probe);
  CHECK(probe.slices.size() == 5);
  REQUIRE(record.equity.size() == 6);
  CHECK(record.equity[0].time == record.begin);
  CHECK(record.equity[5].time == Nanos{5 * kPeriod});
  CHECK(record.events == 10);
  CHECK(plan->periods_per_year() == doctest::Approx(252 * 390));
}

TEST_CASE("warm-up delivers events and refuses orders; trading is confined to the span") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(10, 1)}}));
  Probe probe;
  std::size_t refused = 0, taken = 0;
  probe.slice = [&](Nanos time, Orders& orders) {
    CHECK(orders.warming_up() == (time < Nanos{4 * kPeriod}));
    CHECK(orders.end() == Nanos{8 * kPeriod});
    (orders.submit(market_order(0, Side::Buy, 1)) == 0 ? refused : taken) += 1;
  };
  Simulation simulation(plan, {{2 * kPeriod}, {4 * kPeriod}, {8 * kPeriod}}, 1);
  const std::uint32_t number = simulation.add(probe, "probe", tiny_account());
  simulation.run();
  CHECK(simulation.ended());
  const RunRecord record = simulation.record(number);
  CHECK(refused == 2);
  CHECK(taken == 4);
  CHECK(record.orders.size() == 5);  // and the closing order
  CHECK(record.orders[3].reject == Reject::None);
  CHECK(record.fills.back().position == Lots{0});
  CHECK(record.equity.front().time == Nanos{4 * kPeriod});
  CHECK(record.equity.back().time == Nanos{7 * kPeriod});
  CHECK(record.equity.size() == 5);
  REQUIRE(record.warnings.size() == 1);
  CHECK(record.warnings[0] == "2 orders were refused: sent before trading began (warm-up)");
}

TEST_CASE(
    "two clocks: events arrive after the feed latency, and a decision cannot reach the market "
    "before the entry latency") {
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  const auto message = [&](std::int64_t time, EventKind kind, Side side, std::int64_t price,
                           std::int64_t lots, OrderId order) {
    tape.events.push_back(book_event({time}, kind, side, price, lots, order));
  };
  message(1000, EventKind::Add, Side::Buy, 100, 10, 1);
  message(1000, EventKind::Add, Side::Sell, 102, 10, 2);
  message(2000, EventKind::Delete, Side::Sell, 102, 10, 2);
  message(2000, EventKind::Add, Side::Sell, 105, 10, 3);
  message(9000, EventKind::Add, Side::Sell, 106, 10, 4);
  const auto recorded = finish_tape(std::move(tape));
  struct Case {
    std::int64_t feed, entry, response, price, filled_at, told_at;
  };
  // Decided at 1000 + feed, at the venue `entry` later: the offer of 102 is there until 2000.
  for (const Case& wanted :
       {Case{100, 200, 50, 102, 1300, 1350}, Case{100, 899, 1, 102, 1999, 2000},
        Case{100, 900, 1, 105, 2000, 2001}, Case{600, 1000, 300, 105, 2600, 2900}}) {
    CAPTURE(wanted.entry);
    const EngineCatalog catalog = engine_catalog();
    Json venue = Json::object({{"latency", Json::object({{"kind", "constant"},
                                                         {"feed_ns", wanted.feed},
                                                         {"entry_ns", wanted.entry},
                                                         {"response_ns", wanted.response}})}});
    const auto plan = build_market(Json::object(), venue, recorded, catalog);
    Probe probe;
    probe.event = [&, sent = false](const Event& event, Orders& orders) mutable {
      CHECK(orders.now() == event.local_time);
      if (event.kind != EventKind::Add || event.side != Side::Sell || sent) return;
      sent = true;
      CHECK(orders.now() == Nanos{1000 + wanted.feed});
      CHECK(orders.depth(0).ask[0].price == Ticks{102});
      orders.submit(market_order(0, Side::Buy, 4));
    };
    probe.fill = [&](const Fill& fill, Orders& orders) {
      CHECK(fill.exchange_time == Nanos{wanted.filled_at});
      CHECK(fill.local_time == Nanos{wanted.told_at});
      CHECK(orders.now() == Nanos{wanted.told_at});
      CHECK(orders.position(0) == Lots{4});
    };
    const RunRecord record = play(plan, probe);
    REQUIRE(record.fills.size() == 1);
    REQUIRE(probe.fills.size() == 1);
    CHECK(record.fills[0].price == Ticks{wanted.price});
  }
}

TEST_CASE("the same seed gives the same bits, whatever the order of instruments and participants") {
  const std::map<std::string, std::vector<TinyBar>> data{
      {"A", random_bars(200, 1)}, {"B", random_bars(200, 2)}, {"C", random_bars(200, 3)}};
  const auto run = [&](std::vector<std::string> names, bool swapped, std::uint64_t seed) {
    Tape tape;
    for (const std::string& name : names) add_bars(tape, tiny_instrument(name), data.at(name));
    const auto plan = bar_market(finish_tape(std::move(tape)),
                                 R"({"latency": {"kind": "lognormal", "entry_median_ns": 0},
      "fees": {"kind": "basis_points", "bps": 1}, "slippage": {"kind": "basis_points", "bps": 3}})");
    Probe first, second;
    trade_at_random(first, 3);
    trade_at_random(second, 3);
    Simulation simulation(plan, plan->whole(), seed);
    std::uint32_t a = 0, b = 0;
    if (swapped)
      b = simulation.add(second, "second", tiny_account()),
      a = simulation.add(first, "first", tiny_account());
    else
      a = simulation.add(first, "first", tiny_account()),
      b = simulation.add(second, "second", tiny_account());
    simulation.run();
    const RunRecord one = simulation.record(a), two = simulation.record(b);
    CHECK(one.fills.size() > 50);
    return record_hash({one, two}, plan->instruments());
  };
  const std::string hash = run({"A", "B", "C"}, false, 5);
  CHECK(run({"A", "B", "C"}, false, 5) == hash);
  CHECK(run({"C", "A", "B"}, false, 5) == hash);
  CHECK(run({"B", "C", "A"}, true, 5) == hash);
  CHECK(run({"A", "B", "C"}, false, 6) != hash);
}

TEST_CASE("the sum of fills is the position, and equity is cash plus positions, at every sample") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(500, 1)}, {"B", random_bars(500, 2)}}),
                               R"({"fees": {"kind": "basis_points", "bps": 5}})");
  Probe probe;
  trade_at_random(probe, 2);
  const RunRecord record = play(plan, probe);
  REQUIRE(record.fills.size() > 100);
  std::int64_t position[2] = {0, 0};
  Money::Integer cash = Money::from_units(1e6).value;
  for (const FillRow& fill : record.fills) {
    position[fill.instrument] += sign(fill.side) * fill.quantity.value;
    CHECK(fill.position.value == position[fill.instrument]);
    cash -=
        Money::Integer{sign(fill.side) * fill.quantity.value * fill.price.value} * 10'000'000'000;
  }
  const std::int64_t marks[2] = {plan->tape()->bars[998].close.value,
                                 plan->tape()->bars[999].close.value};
  Money value{cash +
              Money::Integer{position[0] * marks[0] + position[1] * marks[1]} * 10'000'000'000};
  value -= Money{Money::Integer{record.costs.fees} * 1'000'000};
  CHECK(std::abs(value.micros() - record.equity.back().equity_micros) <=
        1);  // fees are kept to 1e-6 in the record
  std::map<OrderId, std::int64_t> by_order;
  for (const FillRow& fill : record.fills) by_order[fill.order] += fill.quantity.value;
  for (const OrderRow& order : record.orders) {
    CHECK(by_order[order.order] == order.filled.value);
    CHECK(order.filled <= order.quantity);
  }
}

TEST_CASE("timers come at their local time and run_until stops where it was asked to") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(5, 1)}}));
  std::vector<std::pair<std::int64_t, std::uint64_t>> rung;
  Probe probe;
  probe.start = [](Orders& orders) {
    orders.set_timer({3 * kPeriod}, 3);
    orders.set_timer({2 * kPeriod + 5}, 2);
    orders.set_timer({0}, 1);
  };
  probe.timer = [&](Nanos time, std::uint64_t tag, Orders& orders) {
    CHECK(orders.now() == time);
    rung.push_back({time.value, tag});
  };
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(probe, "probe", tiny_account());
  CHECK(simulation.run_until({2 * kPeriod + 10}));
  CHECK(simulation.now() == Nanos{2 * kPeriod + 10});
  CHECK(probe.events.size() == 2);
  CHECK(rung ==
        std::vector<std::pair<std::int64_t, std::uint64_t>>{{kPeriod, 1}, {2 * kPeriod + 5, 2}});
  CHECK(simulation.orders(0).submit(market_order(0, Side::Buy, 1)) != 0);
  CHECK(simulation.run_until({3 * kPeriod}));
  CHECK(rung.size() == 3);
  CHECK_FALSE(simulation.run_until(Nanos::max()));
  CHECK_FALSE(simulation.run_until(Nanos::max()));
  // Sent in the middle of the third bar: filled at the open of the fourth.
  REQUIRE(probe.fills.size() == 1);
  CHECK(probe.fills[0].exchange_time == Nanos{3 * kPeriod});
  CHECK(simulation.orders(0).submit(market_order(0, Side::Buy, 1)) == 0);
}

TEST_CASE("answers: accepted, replaced, cancelled, and refusals of what is not there") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(8, 1)}}));
  Probe probe;
  OrderId order = 0;
  probe.slice = [&](Nanos time, Orders& orders) {
    switch (time.value / kPeriod) {
      case 1:
        order = orders.submit(limit_order(0, Side::Buy, 10, 5));
        break;
      case 2:
        orders.replace(order, {11}, {9});
        break;
      case 3:
        CHECK(orders.open_quantity(0, Side::Buy) == Lots{9});
        orders.cancel(order);
        break;
      case 4:
        orders.cancel(order);
        break;
      case 5:
        orders.cancel(77);
        break;
      default:
        break;
    }
  };
  const RunRecord record = play(plan, probe);
  REQUIRE(probe.answers.size() == 5);
  CHECK(probe.answers[0].kind == EventKind::Accepted);
  CHECK(probe.answers[0].order == order);
  CHECK(probe.answers[1].kind == EventKind::Replaced);
  CHECK(probe.answers[2].kind == EventKind::Cancelled);
  CHECK(probe.answers[2].quantity == Lots{9});
  CHECK(probe.answers[3].kind == EventKind::Rejected);
  CHECK(probe.answers[3].flags == static_cast<std::uint16_t>(Reject::UnknownOrder));
  CHECK(probe.answers[4].flags == static_cast<std::uint16_t>(Reject::UnknownOrder));
  CHECK(record.orders[0].price == Ticks{11});
  CHECK(record.orders[0].quantity == Lots{9});
  CHECK(record.orders[0].reject == Reject::None);
}

TEST_CASE("nothing is allocated once the market runs") {
  const auto plan =
      bar_market(bar_tape({{"A", random_bars(2000, 1)}, {"B", random_bars(2000, 2)}}));
  class Quiet final : public Participant {
   public:
    void on_slice(Nanos, Orders& orders) override {
      if (++count_ % 8 == 0)
        orders.submit(market_order(count_ / 8 % 2, count_ % 16 == 0 ? Side::Buy : Side::Sell, 3));
    }

   private:
    std::uint32_t count_ = 0;
  } quiet;
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(quiet, "quiet", tiny_account());
  REQUIRE(simulation.run_until({kPeriod}));
  const std::size_t before = tests::allocations();
  REQUIRE(simulation.run_until({1900 * kPeriod}));
  CHECK(tests::allocations() == before);
  CHECK(simulation.record(0).fills.size() > 200);
}

TEST_CASE("a participant's name is its own, spans are in order") {
  const auto plan = bar_market(bar_tape({{"A", random_bars(5, 1)}}));
  Probe probe;
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(probe, "probe", tiny_account());
  CHECK_THROWS_AS(simulation.add(probe, "probe", tiny_account()), Error);
  CHECK_THROWS_AS(Simulation(plan, Span{{5}, {4}, {9}}, 1), Error);
}
