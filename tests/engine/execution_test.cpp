#include "engine/sim/execution.hpp"

#include "engine/base/error.hpp"
#include "engine/ledger/execution_quality.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>

using namespace walras;
using namespace walras::tests;

namespace {

constexpr std::int64_t kMilli = 1'000'000;

/// A recorded book written line by line.
class Lines {
 public:
  Lines() { tape_.instruments.push_back(tiny_instrument("A")); }
  Lines& at(std::int64_t millis) {
    time_ = millis * kMilli;
    return *this;
  }
  Lines& add(OrderId order, Side side, std::int64_t price, std::int64_t lots) { return put(EventKind::Add, order, side, price, lots); }
  Lines& remove(OrderId order, Side side, std::int64_t price, std::int64_t lots) { return put(EventKind::Delete, order, side, price, lots); }
  Lines& execute(OrderId order, Side side, std::int64_t price, std::int64_t lots) { return put(EventKind::Execute, order, side, price, lots); }
  std::shared_ptr<const Tape> finish() { return finish_tape(std::move(tape_)); }

 private:
  Lines& put(EventKind kind, OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    tape_.events.push_back(book_event({time_}, kind, side, price, lots, order));
    return *this;
  }
  Tape tape_;
  std::int64_t time_ = 0;
};

std::shared_ptr<const MarketPlan> market_of(std::shared_ptr<const Tape> tape, const std::string& venue) {
  return build_market(Json::object(), Json::parse(venue), std::move(tape), engine_catalog());
}

std::map<std::int64_t, std::int64_t> markouts_of(const RunRecord& record, std::uint64_t fill) {
  std::map<std::int64_t, std::int64_t> mids;
  for (const MarkoutRow& row : record.markouts) {
    if (row.fill == fill) mids[row.horizon] = row.mid;
  }
  return mids;
}

}  // namespace

TEST_CASE("a taking order by hand: decided, arrived, filled, and the mids after it") {
  // Mid 100 when decided at 10 ms, 101 on arrival at 15 ms; then 103 at 40 ms and 99 at 200 ms.
  const auto tape = Lines()
                        .at(1).add(1, Side::Buy, 99, 50).add(2, Side::Sell, 101, 50)
                        .at(12).remove(1, Side::Buy, 99, 50).add(3, Side::Buy, 101 - 1, 50).remove(2, Side::Sell, 101, 50).add(4, Side::Sell, 102, 50)
                        .at(40).remove(4, Side::Sell, 102, 50).add(6, Side::Sell, 104, 50).remove(3, Side::Buy, 100, 50).add(5, Side::Buy, 102, 50)
                        .at(200).remove(5, Side::Buy, 102, 50).add(7, Side::Buy, 98, 50).remove(6, Side::Sell, 104, 50).add(8, Side::Sell, 100, 50)
                        .at(5000).add(9, Side::Buy, 1, 1)
                        .finish();
  const auto plan = market_of(tape, R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 5000000, "response_ns": 5000000}, "fees": {"kind": "per_share", "amount": 0.001}})");
  Probe probe;
  probe.start = [](Orders& orders) { orders.set_timer({10 * kMilli}, 0); };
  probe.timer = [](Nanos, std::uint64_t, Orders& orders) { orders.submit(market_order(0, Side::Buy, 10)); };
  AccountTerms terms = tiny_account();
  terms.horizons.after = {{20 * kMilli}, {25 * kMilli}, {100 * kMilli}, {1000 * kMilli}, {60'000 * kMilli}};
  const RunRecord record = play(plan, probe, terms);
  REQUIRE(record.fills.size() == 1);
  REQUIRE(record.executions.size() == 1);
  const ExecutionRow& row = record.executions[0];
  CHECK(row.order == record.orders[0].order);
  CHECK(row.decision_mid == 200);
  CHECK(row.arrived == Nanos{15 * kMilli});
  CHECK(row.arrival_mid == 202);
  CHECK(row.first_fill == Nanos{15 * kMilli});
  CHECK(row.last_fill == Nanos{15 * kMilli});
  CHECK(row.ended == Nanos{15 * kMilli});
  CHECK(row.vwap == kNoMid);  // nobody else traded
  // 35 ms: before the move. 40 ms: what happens at that very time has happened. Nothing is known of a minute later.
  CHECK(markouts_of(record, 0) == std::map<std::int64_t, std::int64_t>{{0, 202}, {20 * kMilli, 202}, {25 * kMilli, 206}, {100 * kMilli, 206}, {1000 * kMilli, 198}});
  CHECK(!record.horizons_in_bars);

  const RunRecord* one = &record;
  const ExecutionSummary summary = execution_summary({&one, 1}, plan->instruments());
  CHECK(summary.orders == 1);
  CHECK(summary.filled == 1);
  CHECK(*summary.fill_ratio == doctest::Approx(1));
  CHECK(*summary.maker_share == 0);
  CHECK(*summary.delay_s == doctest::Approx(0.005));
  CHECK(!summary.queue_s);
  // Bought at 1.02: decided at 1.00, arrived at 1.01. Of the value decided on, 10.00.
  CHECK(*summary.delay_bps == doctest::Approx(100));
  CHECK(*summary.trading_bps == doctest::Approx(100));
  CHECK(*summary.opportunity_bps == doctest::Approx(0));
  CHECK(*summary.fees_bps == doctest::Approx(10));
  CHECK(*summary.shortfall_bps == doctest::Approx(210));
  CHECK(*summary.arrival_bps == doctest::Approx(1e4 / 101));
  CHECK(*summary.effective_spread_bps == doctest::Approx(2e4 / 101));
  REQUIRE(summary.after.size() == 4);
  CHECK(summary.after[1].horizon == 25 * kMilli);
  CHECK(summary.after[1].realised_spread_bps == doctest::Approx(2e4 * (102 - 103) / 101));
  CHECK(summary.after[1].adverse_bps == doctest::Approx(2e4 * (103 - 101) / 101));
  CHECK(summary.after[3].realised_spread_bps == doctest::Approx(2e4 * (102 - 99) / 101));
}

TEST_CASE("a resting order by hand: queue time, the market's VWAP, and what was missed by the part that did not fill") {
  // Sells 10 at 102 behind 5 lots; 9 trade there, 4 of them its own, after 6 at 100 elsewhere; cancelled at 900 ms with the mid at 98.
  const auto tape = Lines()
                        .at(1).add(1, Side::Buy, 98, 50).add(2, Side::Sell, 102, 5)
                        .at(100).add(3, Side::Sell, 101, 6)
                        .at(200).execute(3, Side::Sell, 101, 6)
                        .at(300).execute(2, Side::Sell, 102, 5)
                        .at(310).add(4, Side::Sell, 102, 4)
                        .at(400).execute(4, Side::Sell, 102, 4)
                        .at(500).add(5, Side::Sell, 104, 9)
                        .at(800).remove(1, Side::Buy, 98, 50).add(6, Side::Buy, 92, 50)
                        .at(5000).add(9, Side::Buy, 1, 1)
                        .finish();
  const auto plan = market_of(tape, R"({"latency": "none", "queue": "risk_averse"})");
  Probe probe;
  OrderId order = 0;
  probe.start = [](Orders& orders) {
    orders.set_timer({10 * kMilli}, 0);
    orders.set_timer({900 * kMilli}, 1);
  };
  probe.timer = [&](Nanos, std::uint64_t tag, Orders& orders) {
    if (tag == 0) order = orders.submit(limit_order(0, Side::Sell, 102, 10));
    else orders.cancel(order);
  };
  const RunRecord record = play(plan, probe);
  REQUIRE(record.fills.size() >= 1);
  std::int64_t filled = 0;
  for (const FillRow& fill : record.fills) {
    CHECK(fill.maker);
    CHECK(fill.time == Nanos{400 * kMilli});
    filled += fill.quantity.value;
  }
  CHECK(filled == 4);
  const ExecutionRow& row = record.executions[0];
  CHECK(row.arrival_mid == 200);
  CHECK(row.first_fill == Nanos{400 * kMilli});
  CHECK(row.ended == Nanos{900 * kMilli});
  CHECK(row.end_mid == 92 + 104);
  const RunRecord* one = &record;
  const ExecutionSummary summary = execution_summary({&one, 1}, plan->instruments());
  CHECK(*summary.fill_ratio == doctest::Approx(0.4));
  CHECK(*summary.maker_share == doctest::Approx(1));
  CHECK(*summary.queue_s == doctest::Approx(0.39));
  // 4 sold at 1.02 against 1.00: a gain of 0.08. 6 not sold, and the mid fell to 0.98: 0.12 missed. Of 10.00.
  CHECK(*summary.trading_bps == doctest::Approx(-80));
  CHECK(*summary.opportunity_bps == doctest::Approx(120));
  CHECK(*summary.shortfall_bps == doctest::Approx(40));
  // The market traded 6 at 101 and 5 at 102 before the fill; whether its own print counts is the venue's order of telling.
  const auto shown = static_cast<double>(row.vwap) / 1e6;
  CHECK((std::abs(shown - (6 * 101 + 5 * 102) / 11.0) < 1e-5 || std::abs(shown - (6 * 101 + 9 * 102) / 15.0) < 1e-5));
}

TEST_CASE("on bars, by hand: the reference price is that of the fill rule, mids after it are closes, VWAP is over the bars until the fill") {
  const std::vector<TinyBar> bars{{100, 100, 100, 100, 1000}, {102, 110, 100, 106, 3000}, {106, 108, 104, 104, 1000}, {104, 120, 104, 120, 1000}};
  const auto plan = bar_market(bar_tape({{"A", bars}, {"B", std::vector<TinyBar>(4, TinyBar{50, 50, 50, 50, 10})}}), R"({"slippage": {"kind": "basis_points", "bps": 200}})");
  Probe probe = one_order(market_order(0, Side::Buy, 10));
  AccountTerms terms = tiny_account();
  terms.horizons.bars = {1, 2, 3, 4};
  const RunRecord record = play(plan, probe, terms);
  REQUIRE(record.fills.size() == 1);
  const std::int64_t price = record.fills[0].price.value;
  CHECK(price > 102);
  const ExecutionRow& row = record.executions[0];
  CHECK(row.decision_mid == 200);
  CHECK(row.arrival_mid == 200);
  CHECK(row.last_fill == Nanos{2 * kPeriod});
  CHECK(record.horizons_in_bars);
  CHECK(markouts_of(record, 0) == std::map<std::int64_t, std::int64_t>{{0, 204}, {1, 212}, {2, 208}, {3, 240}});
  CHECK(row.vwap == (110 + 100 + 106) * 1'000'000LL / 3);
  const RunRecord* one = &record;
  const ExecutionSummary summary = execution_summary({&one, 1}, plan->instruments());
  CHECK(*summary.effective_spread_bps == doctest::Approx(2e4 * static_cast<double>(price - 102) / 102));
  CHECK(*summary.shortfall_bps == doctest::Approx(1e4 * static_cast<double>(price - 100) / 100));
  REQUIRE(summary.after.size() == 3);
  CHECK(summary.after[2].adverse_bps == doctest::Approx(2e4 * (120 - 102) / 102));
}

namespace {

/// Sees everything at once and keeps it: what the twin reckons from.
struct Tick {
  Nanos time;
  std::int64_t mid;      // half ticks, after the event
  std::int64_t volume;   // traded so far
  double value;          // ticks x lots
};

class Recorder final : public Participant {
 public:
  std::vector<Tick> ticks;
  void on_start(Orders& orders) override { orders.set_timer(orders.now() + Nanos{50 * kMilli}, 0); }
  void on_event(const Event& event, Orders& orders) override {
    if (event.kind >= EventKind::Accepted) return;
    if (event.kind == EventKind::Trade || event.kind == EventKind::Execute || event.kind == EventKind::Hidden) {
      volume_ += event.quantity.value;
      value_ += static_cast<double>(event.quantity.value * event.price.value);
    }
    const Depth& depth = orders.depth(0);
    if (depth.two_sided()) mid_ = depth.bid[0].price.value + depth.ask[0].price.value;
    ticks.push_back({event.exchange_time, mid_, volume_, value_});
  }
  void on_timer(Nanos time, std::uint64_t, Orders& orders) override {
    Rng& random = orders.random();
    orders.set_timer(time + Nanos{static_cast<std::int64_t>(20 + random.below(60)) * kMilli + 7}, 0);
    const Depth& depth = orders.depth(0);
    if (!depth.two_sided()) return;
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const auto lots = static_cast<std::int64_t>(1 + random.below(5));
    // One thing at a time, so that "just before" is before all that happens at that moment.
    if (last_ != 0 && random.bernoulli(0.4)) {
      orders.cancel(last_);
      last_ = 0;
      return;
    }
    last_ = random.bernoulli(0.3) ? orders.submit(market_order(0, side, lots))
                                  : orders.submit(limit_order(0, side, (side == Side::Buy ? depth.bid : depth.ask)[0].price.value, lots));
  }

 private:
  OrderId last_ = 0;
  std::int64_t volume_ = 0, mid_ = kNoMid;
  double value_ = 0;
};

}  // namespace

// The twin knows nothing of the venue: it takes the events as they were told, without a feed delay, and the fills.
TEST_CASE("a naive twin reckons the same mids and summary from the events and fills of a recorded book and of a generated one") {
  // A recorded book of random touches, from a stream of its own.
  const auto recorded = [] {
    Tape tape;
    tape.instruments.push_back(tiny_instrument("A"));
    Rng random(5, "execution_test");
    std::int64_t bid = 10'000, time = 0;
    const auto put = [&](EventKind kind, Side side, std::int64_t price, std::int64_t lots) {
      tape.events.push_back(book_event({time}, kind, side, price, lots));
    };
    put(EventKind::Depth, Side::Buy, bid, 20);
    put(EventKind::Depth, Side::Sell, bid + 1, 20);
    for (int k = 0; k < 40'000; ++k) {
      time += 1 + static_cast<std::int64_t>(random.below(3 * kMilli));
      const auto lots = static_cast<std::int64_t>(1 + random.below(20));
      if (random.bernoulli(0.5)) {
        put(EventKind::Depth, random.bernoulli(0.5) ? Side::Buy : Side::Sell, 0, lots);
        tape.events.back().price = {tape.events.back().side == Side::Buy ? bid : bid + 1};
      } else if (random.bernoulli(0.7)) {
        const Side taker = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
        put(EventKind::Trade, taker, taker == Side::Buy ? bid + 1 : bid, 1 + lots / 4);
      } else {
        const bool up = random.bernoulli(0.5);
        const std::int64_t next = up ? bid + 1 : bid - 1;
        if (up) {
          put(EventKind::Depth, Side::Sell, bid + 1, 0);
          time += 1;
          put(EventKind::Depth, Side::Sell, next + 1, lots);
          time += 1;
          put(EventKind::Depth, Side::Buy, next, lots);
        } else {
          put(EventKind::Depth, Side::Buy, bid, 0);
          time += 1;
          put(EventKind::Depth, Side::Buy, next, lots);
          time += 1;
          put(EventKind::Depth, Side::Sell, next + 1, lots);
        }
        bid = next;
      }
    }
    return finish_tape(std::move(tape));
  }();
  const std::string venue = R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 3000001, "response_ns": 2000003}, "fees": {"kind": "maker_taker", "maker_bps": -0.2, "taker_bps": 0.3}})";
  for (const bool generated : {false, true}) {
    CAPTURE(generated);
    const auto plan = generated ? build_market(Json::parse(R"({"mode": "generated", "generator": {"kind": "zero_intelligence"}, "duration_s": 120})"), Json::parse(venue), nullptr, engine_catalog())
                                : market_of(recorded, venue);
    Recorder recorder;
    AccountTerms terms = tiny_account(1e9);
    terms.horizons.after = {{100 * kMilli}, {1000 * kMilli}, {10'000 * kMilli}};
    Span span = plan->whole();
    span.close_at_end = false;
    Simulation simulation(plan, span, 3);
    simulation.add(recorder, "recorder", terms);
    simulation.run();
    const RunRecord record = simulation.record(0);
    const std::vector<Tick>& ticks = recorder.ticks;
    REQUIRE(record.fills.size() > 100);
    // The last event at or before a time, or strictly before it.
    const auto until = [&](Nanos time) { return std::ranges::upper_bound(ticks, time, {}, &Tick::time) - 1; };
    const auto before = [&](Nanos time) { return std::ranges::lower_bound(ticks, time, {}, &Tick::time) - 1; };

    std::map<OrderId, std::size_t> rows;
    for (std::size_t i = 0; i < record.orders.size(); ++i) rows[record.orders[i].order] = i;
    REQUIRE(record.executions.size() == record.orders.size());
    std::size_t arrived = 0;
    for (std::size_t i = 0; i < record.orders.size(); ++i) {
      const ExecutionRow& row = record.executions[i];
      REQUIRE(row.order == record.orders[i].order);
      if (row.arrived == kNever) continue;
      ++arrived;
      REQUIRE(row.arrived == record.orders[i].time + Nanos{3'000'001});
      REQUIRE(row.decision_mid == until(record.orders[i].time)->mid);
      REQUIRE(row.arrival_mid == before(row.arrived)->mid);
    }
    CHECK(arrived + 5 > record.orders.size());

    std::map<std::pair<std::uint64_t, std::int64_t>, std::int64_t> noted;
    for (const MarkoutRow& row : record.markouts) REQUIRE(noted.emplace(std::pair{row.fill, row.horizon}, row.mid).second);
    std::size_t expected = 0;
    double effective = 0, worth = 0, queue = 0, maker_worth = 0, arrival = 0, arrival_worth = 0;
    std::map<std::int64_t, std::array<double, 2>> realised;
    for (std::size_t f = 0; f < record.fills.size(); ++f) {
      const FillRow& fill = record.fills[f];
      const ExecutionRow& order = record.executions[rows.at(fill.order)];
      const std::int64_t mid = before(fill.time)->mid;
      REQUIRE(noted.at({f, 0}) == mid);
      ++expected;
      const double lots = static_cast<double>(fill.quantity.value), side = static_cast<double>(sign(fill.side));
      effective += 2 * side * (static_cast<double>(fill.price.value) - static_cast<double>(mid) / 2) * lots;
      worth += static_cast<double>(mid) / 2 * lots;
      arrival += side * (static_cast<double>(fill.price.value) - static_cast<double>(order.arrival_mid) / 2) * lots;
      arrival_worth += static_cast<double>(order.arrival_mid) / 2 * lots;
      if (fill.maker) {
        queue += static_cast<double>((fill.time - order.arrived).value) * static_cast<double>(mid) / 2 * lots;
        maker_worth += static_cast<double>(mid) / 2 * lots;
      }
      for (const Nanos after : terms.horizons.after) {
        const Nanos when = fill.time + after;
        if (when >= span.end) continue;
        const std::int64_t then = until(when)->mid;
        REQUIRE(noted.at({f, after.value}) == then);
        ++expected;
        realised[after.value][0] += 2 * side * (static_cast<double>(fill.price.value) - static_cast<double>(then) / 2) * lots;
        realised[after.value][1] += static_cast<double>(mid) / 2 * lots;
      }
    }
    CHECK(noted.size() == expected);
    const RunRecord* one = &record;
    const ExecutionSummary summary = execution_summary({&one, 1}, plan->instruments());
    CHECK(*summary.effective_spread_bps == doctest::Approx(1e4 * effective / worth));
    CHECK(*summary.arrival_bps == doctest::Approx(1e4 * arrival / arrival_worth));
    CHECK(*summary.queue_s == doctest::Approx(queue / maker_worth / 1e9));
    CHECK(*summary.maker_share == doctest::Approx(maker_worth / worth));
    REQUIRE(summary.after.size() == 3);
    for (const auto& at : summary.after) CHECK(at.realised_spread_bps == doctest::Approx(1e4 * realised[at.horizon][0] / realised[at.horizon][1]));
    CHECK(*summary.delay_bps + *summary.trading_bps + *summary.opportunity_bps + *summary.fees_bps == doctest::Approx(*summary.shortfall_bps));
    // Money: delay and trading are what was paid above the decision mids.
    double paid = 0, sent = 0;
    for (const FillRow& fill : record.fills) {
      const ExecutionRow& order = record.executions[rows.at(fill.order)];
      paid += static_cast<double>(sign(fill.side)) * (static_cast<double>(fill.price.value) - static_cast<double>(order.decision_mid) / 2) * static_cast<double>(fill.quantity.value);
    }
    for (std::size_t i = 0; i < record.orders.size(); ++i) {
      const OrderRow& row = record.orders[i];
      if (record.executions[i].arrived == kNever || (row.reject != Reject::None && row.filled.value == 0)) continue;
      sent += static_cast<double>(record.executions[i].decision_mid) / 2 * static_cast<double>(row.quantity.value);
    }
    CHECK(*summary.delay_bps + *summary.trading_bps == doctest::Approx(1e4 * paid / sent));
  }
}

TEST_CASE("a market of bars: the twin goes through the tape for every fill") {
  std::map<std::string, std::vector<TinyBar>> all;
  Rng random(9, "execution_test");
  for (const char* name : {"A", "B"}) {
    std::int64_t price = 10'000;
    for (int k = 0; k < 300; ++k) {
      const std::int64_t open = price;
      price += static_cast<std::int64_t>(random.below(41)) - 20;
      all[name].push_back({open, std::max(open, price) + 5, std::min(open, price) - 5, price, static_cast<std::int64_t>(random.below(1000))});
    }
  }
  const auto tape = bar_tape(all);
  Probe probe;
  probe.slice = [](Nanos, Orders& orders) {
    for (InstrumentId i = 0; i < 2; ++i) {
      const Side side = orders.random().bernoulli(0.5) ? Side::Buy : Side::Sell;
      if (orders.random().bernoulli(0.4)) orders.submit(limit_order(i, side, orders.mark(i).value - sign(side) * static_cast<std::int64_t>(orders.random().below(15)), 5));
    }
  };
  const RunRecord record = play(bar_market(tape, R"({"slippage": {"kind": "basis_points", "bps": 5}})"), probe);
  REQUIRE(record.fills.size() > 50);
  std::size_t expected = 0;
  for (std::size_t f = 0; f < record.fills.size(); ++f) {
    const auto mids = markouts_of(record, f);
    const FillRow& fill = record.fills[f];
    std::vector<std::int64_t> after;
    for (const Event& event : tape->events) {
      if (event.instrument == fill.instrument && tape->bars[event.payload].close_time > fill.time) after.push_back(2 * tape->bars[event.payload].close.value);
    }
    ++expected;
    CHECK(mids.contains(0));
    for (const std::int64_t bars : {1, 5, 20}) {
      const bool there = static_cast<std::size_t>(bars) <= after.size();
      REQUIRE(mids.contains(bars) == there);
      if (there) REQUIRE(mids.at(bars) == after[static_cast<std::size_t>(bars) - 1]);
      expected += there;
    }
  }
  CHECK(record.markouts.size() == expected);
}

TEST_CASE("measuring changes nothing that is hashed, and survives the run record") {
  const auto plan = build_market(Json::parse(R"({"mode": "generated", "generator": {"kind": "zero_intelligence"}, "duration_s": 20})"), Json::object(), nullptr, engine_catalog());
  std::set<std::string> hashes;
  for (const bool many : {false, true}) {
    Recorder recorder;
    AccountTerms terms = tiny_account(1e9);
    if (!many) terms.horizons.after.clear();
    Simulation simulation(plan, plan->whole(), 3);
    simulation.add(recorder, "recorder", terms);
    simulation.run();
    const RunRecord record = simulation.record(0);
    hashes.insert(record_hash({record}, plan->instruments()));
    std::vector<Instrument> instruments;
    const auto back = records_from_store(to_store({record}, plan->instruments(), Json::object()), instruments);
    REQUIRE(back.size() == 1);
    REQUIRE(back[0].executions.size() == record.executions.size());
    REQUIRE(back[0].markouts.size() == record.markouts.size());
    CHECK((record.markouts.size() > record.fills.size()) == many);
    const RunRecord *one = &record, *other = &back[0];
    CHECK(to_json(execution_summary({&one, 1}, plan->instruments())).dump() == to_json(execution_summary({&other, 1}, plan->instruments())).dump());
  }
  CHECK(hashes.size() == 1);
  Horizons wrong;
  wrong.bars = {5, 1};
  CHECK_THROWS_WITH_AS(check_horizons(wrong, "/report"), "/report/markout_bars: expected numbers of bars that rise, was another order or one twice", Error);
}
