#include "engine/sim/risk.hpp"

#include "engine/base/error.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>

using namespace walras;
using namespace walras::tests;

namespace {

AccountTerms with_risk(const std::string& json, double capital = 1'000'000) {
  AccountTerms terms = tiny_account(capital);
  terms.leverage = 1000;
  terms.risk = load<RiskParams>(Json::parse(json));
  return terms;
}

OrderRequest reduce_only(OrderRequest request) {
  request.reduce_only = true;
  return request;
}

OrderRequest stop_order(Side side, std::int64_t trigger, std::int64_t lots) {
  OrderRequest request = market_order(0, side, lots);
  request.type = OrderType::Stop;
  request.trigger_price = {trigger};
  return request;
}

/// What became of each order, in the order in which they were sent.
std::vector<Reject> rejects(const RunRecord& record) {
  std::vector<Reject> all;
  for (const OrderRow& row : record.orders) all.push_back(row.reject);
  return all;
}

/// One order at each bar from the first.
Probe in_turn(std::vector<OrderRequest> requests) {
  Probe probe;
  probe.slice = [requests, next = std::size_t{0}](Nanos, Orders& orders) mutable {
    if (next < requests.size()) orders.submit(requests[next++]);
  };
  return probe;
}

bool says(const RunRecord& record, const std::string& words) {
  return std::ranges::any_of(record.warnings, [&](const std::string& warning) { return warning.find(words) != std::string::npos; });
}

std::int64_t last_position(const RunRecord& record) { return record.fills.empty() ? 0 : record.fills.back().position.value; }

}  // namespace

TEST_CASE("each limit by hand: what keeps within it goes out, one lot more does not, and the record says which limit it was") {
  using enum Reject;
  using enum Side;
  struct Case {
    const char* risk;
    std::vector<OrderRequest> requests;   // all at once, on flat prices of 1.00 and no position
    std::vector<Reject> wanted;
  };
  const auto market = [](InstrumentId i, Side side, std::int64_t lots) { return market_order(i, side, lots); };
  const auto limit = [](InstrumentId i, Side side, std::int64_t price, std::int64_t lots) { return limit_order(i, side, price, lots); };
  for (const Case& one : {
           Case{R"({"position": 100})", {market(0, Buy, 60), limit(0, Buy, 90, 41), limit(0, Buy, 90, 40), market(0, Sell, 101), market(0, Sell, 100), market(1, Sell, 1)},
                {None, PositionLimit, None, PositionLimit, None, None}},
           Case{R"({"position": 100, "positions": {"A": 10}})", {market(0, Buy, 11), market(0, Buy, 10), market(1, Buy, 100)}, {PositionLimit, None, None}},
           Case{R"({"position_value": 100})", {market(0, Buy, 101), market(0, Buy, 100), market(0, Sell, 100), market(0, Sell, 1), market(1, Buy, 100)},
                {NotionalLimit, None, None, NotionalLimit, None}},
           Case{R"({"gross_value": 150})", {market(0, Buy, 100), market(1, Sell, 51), market(1, Sell, 50), market(0, Sell, 100)}, {None, NotionalLimit, None, None}},
           Case{R"({"order_quantity": 10})", {market(0, Buy, 11), market(0, Buy, 10), market(0, Buy, 10)}, {FatFinger, None, None}},
           // A limit order is worth its limit where that is more than the market.
           Case{R"({"order_value": 10})", {market(0, Buy, 11), market(0, Buy, 10), limit(0, Buy, 101, 10), limit(0, Buy, 50, 10), limit(0, Buy, 50, 11)},
                {FatFinger, None, FatFinger, None, FatFinger}},
           // Only prices that give something away.
           Case{R"({"price_band": 0.1})", {limit(0, Buy, 111, 1), limit(0, Buy, 110, 1), limit(0, Buy, 1, 1), limit(0, Sell, 89, 1), limit(0, Sell, 90, 1), limit(0, Sell, 900, 1), market(0, Buy, 1)},
                {FatFinger, None, None, FatFinger, None, None, None}},
           // What is refused uses nothing up.
           Case{R"({"orders": 2, "position": 5})", {market(0, Buy, 1), market(0, Buy, 9), market(0, Buy, 1), market(0, Buy, 1)}, {None, PositionLimit, None, OrderRate}},
           Case{R"({"weight": 0.0001})", {market(0, Buy, 101), market(0, Buy, 100), market(1, Sell, 100)}, {Portfolio, None, None}},
           Case{R"({"gross_leverage": 0.0002})", {market(0, Buy, 150), market(1, Sell, 51), market(1, Sell, 50)}, {None, Portfolio, None}},
           // Market orders count as filled: what is sold first makes room.
           Case{R"({"gross_leverage": 0.0002})", {market(0, Buy, 150), market(0, Sell, 150), market(1, Buy, 200)}, {None, None, None}},
           Case{R"({"net_leverage": 0.0001})", {market(0, Buy, 100), market(1, Buy, 1), market(1, Sell, 150), market(0, Buy, 100)}, {None, Portfolio, None, None}},
           Case{R"({"sector_weight": 0.0001, "sectors": {"A": "x", "B": "x"}})", {market(0, Buy, 60), market(1, Sell, 41), market(1, Sell, 40), market(2, Buy, 900)},
                {None, Portfolio, None, None}},
           Case{R"({"turnover": 0.0002})", {market(0, Buy, 150), market(1, Buy, 51), market(1, Buy, 50), market(2, Buy, 1)}, {None, Portfolio, None, Portfolio}},
       }) {
    CAPTURE(one.risk);
    Probe probe;
    probe.slice = [&, sent = false](Nanos, Orders& orders) mutable {
      if (!sent) {
        for (const OrderRequest& request : one.requests) orders.submit(request);
      }
      sent = true;
    };
    const std::vector<TinyBar> flat(3, TinyBar{100, 100, 100, 100});
    const RunRecord record = play(bar_market(bar_tape({{"A", flat}, {"B", flat}, {"C", flat}})), probe, with_risk(one.risk));
    CHECK(rejects(record) == one.wanted);
    const auto refused = std::ranges::count_if(one.wanted, [](Reject why) { return why != None; });
    CHECK(std::ranges::count_if(probe.answers, [](const Event& event) { return event.kind == EventKind::Rejected; }) == refused);
    CHECK(says(record, "refused by the risk rules") == (refused > 0));
    CHECK(record.switches.empty());
  }
}

TEST_CASE("an order rate counts in a sliding stretch, changes too, cancels not") {
  const std::vector<TinyBar> flat(20, TinyBar{100, 100, 100, 100});
  Probe probe;
  std::vector<std::int64_t> sent;
  OrderId first = 0;
  std::size_t changes_refused = 0;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t minute = time.value / kPeriod;
    if (minute == 1) first = orders.submit(limit_order(0, Side::Buy, 50, 1));
    if (minute == 2) orders.replace(first, {51}, {1});
    if (minute > 2 && orders.submit(limit_order(0, Side::Buy, 50, 1)) != 0) sent.push_back(minute);
    orders.cancel(first + 1);
  };
  probe.event = [&](const Event& event, Orders&) { changes_refused += event.kind == EventKind::Rejected && event.order == first; };
  const RunRecord record = play(bar_market(bar_tape({{"A", flat}})), probe, with_risk(R"({"orders": 3, "orders_window_s": 300})"));
  // Minutes 1 (order), 2 (change) and 3 fill the stretch; each frees its place five minutes later.
  CHECK(sent == std::vector<std::int64_t>{3, 6, 7, 8, 11, 12, 13, 16, 17, 18});
  CHECK(changes_refused == 0);
}

TEST_CASE("orders that reduce a position pass where those that widen it do not") {
  const std::vector<TinyBar> bars{{100, 100, 100, 100}, {100, 100, 100, 100}, {300, 300, 300, 300}, {300, 300, 300, 300}, {300, 300, 300, 300}, {300, 300, 300, 300}};
  // 100 lots are worth 100, then 300: beyond the limit of 200 by the market alone.
  Probe probe = in_turn({market_order(0, Side::Buy, 100), market_order(0, Side::Buy, 100), market_order(0, Side::Buy, 1), market_order(0, Side::Sell, 60), market_order(0, Side::Sell, 40)});
  const RunRecord record = play(bar_market(bar_tape({{"A", bars}})), probe, with_risk(R"({"position_value": 200})"));
  CHECK(rejects(record) == std::vector<Reject>{Reject::None, Reject::None, Reject::NotionalLimit, Reject::None, Reject::None});
  CHECK(last_position(record) == 100);
}

TEST_CASE("a change counts beside what it changes until its answer is known, and frees what it gives up") {
  const std::vector<TinyBar> flat(8, TinyBar{100, 100, 100, 100});
  Probe probe;
  std::vector<bool> taken;
  OrderId order = 0;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t minute = time.value / kPeriod;
    if (minute == 1) order = orders.submit(limit_order(0, Side::Buy, 50, 50));
    if (minute == 2) {
      orders.replace(order, {51}, {51});                                       // 50 and 51: too much
      orders.replace(order, {51}, {40});                                       // 50 and 40
      taken.push_back(orders.submit(limit_order(0, Side::Buy, 50, 11)) != 0);  // 90 and 11
      taken.push_back(orders.submit(limit_order(0, Side::Buy, 50, 10)) != 0);
    }
    if (minute == 3) {  // 40 and 10
      taken.push_back(orders.submit(limit_order(0, Side::Buy, 50, 51)) != 0);
      taken.push_back(orders.submit(limit_order(0, Side::Buy, 50, 50)) != 0);
    }
  };
  const RunRecord record = play(bar_market(bar_tape({{"A", flat}})), probe, with_risk(R"({"position": 100})"));
  CHECK(taken == std::vector<bool>{false, true, false, true});
  CHECK(says(record, "1 changes of orders were refused by the risk rules: the position limit"));
  CHECK(record.orders[0].quantity == Lots{40});
}

TEST_CASE("a change on its way stays on its way when others move the order meanwhile") {
  // A book of 99.90 to 100.10 at which nothing happens. B follows the best bid that is not a peg: 99.95, which is A's.
  Tape tape;
  tape.instruments.push_back(tiny_instrument("X"));
  tape.events = {book_event({1000}, EventKind::Add, Side::Buy, 9'990, 100, 1), book_event({1000}, EventKind::Add, Side::Sell, 10'010, 100, 2),
                 book_event({30 * kNanosPerSecond}, EventKind::Add, Side::Sell, 10'020, 100, 3)};
  const auto plan = build_market(Json::parse(R"({"mode": "reacting", "refill_half_life_s": 1000000})"),
                                 Json::parse(R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 0, "response_ns": 0, "replace_ns": 10000000000, "cancel_ns": 0}})"),
                                 finish_tape(std::move(tape)), engine_catalog());
  const auto second = [](std::int64_t count) { return Nanos{count * kNanosPerSecond}; };
  Probe a, b;
  OrderId first = 0, peg = 0;
  a.start = b.start = [&](Orders& orders) {
    for (std::int64_t k = 1; k < 20; ++k) orders.set_timer(second(k), static_cast<std::uint64_t>(k));
  };
  a.timer = [&](Nanos, std::uint64_t k, Orders& orders) {
    if (k == 1) first = orders.submit(limit_order(0, Side::Buy, 9'995, 10));
    if (k == 4) orders.cancel(first);   // the peg goes to 99.90, long before the change of it arrives
  };
  std::vector<std::pair<std::int64_t, bool>> sent;   // quantity, taken
  b.timer = [&](Nanos, std::uint64_t k, Orders& orders) {
    if (k == 2) {
      OrderRequest request = market_order(0, Side::Buy, 10);
      request.type = OrderType::Pegged;
      request.peg = Peg::Primary;
      peg = orders.submit(request);
    }
    if (k == 3) orders.replace(peg, {}, {50});
    if (k != 6 && k != 15) return;
    for (const std::int64_t lots : {41, 40}) sent.emplace_back(lots, orders.submit(limit_order(0, Side::Buy, 9'000, lots)) != 0);
  };
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(a, "a", tiny_account());
  const std::uint32_t number = simulation.add(b, "b", with_risk(R"({"position": 100})"));
  simulation.run();
  const auto told = [&](EventKind kind, Nanos time) {
    return std::ranges::count_if(b.answers, [&](const Event& event) { return event.kind == kind && event.order == peg && event.local_time == time; });
  };
  CHECK(told(EventKind::Replaced, second(4)) == 1);    // moved
  CHECK(told(EventKind::Replaced, second(13)) >= 1);   // changed
  // At 6 s: 10 that are there, 50 on their way, 40 more. At 15 s: 50 and 40, so that 10 more would go out.
  CHECK(sent == std::vector<std::pair<std::int64_t, bool>>{{41, false}, {40, true}, {41, false}, {40, false}});
  CHECK(simulation.record(number).fills.empty());
}

TEST_CASE("allowed() is the most that goes out: it passes, one lot more does not") {
  const std::vector<TinyBar> flat(4, TinyBar{100, 100, 100, 100});
  for (const char* risk : {R"({"position": 70})", R"({"position_value": 33})", R"({"order_quantity": 12})", R"({"weight": 0.00004})", R"({"turnover": 0.00009})", R"({"price_band": 0.01})", "{}"}) {
    for (const Side side : {Side::Buy, Side::Sell}) {
      CAPTURE(risk);
      Probe probe;
      Lots allowed;
      probe.slice = [&](Nanos time, Orders& orders) {
        if (time == Nanos{kPeriod}) orders.submit(market_order(0, Side::Buy, 7));
        if (time != Nanos{2 * kPeriod}) return;
        OrderRequest request = limit_order(0, side, side == Side::Buy ? 103 : 97, 1000);
        allowed = orders.allowed(request);
        request.quantity = allowed + Lots{1};
        if (allowed < Lots{1000}) CHECK(orders.submit(request) == 0);
        request.quantity = allowed;
        if (allowed.value > 0) CHECK(orders.submit(request) != 0);
      };
      play(bar_market(bar_tape({{"A", flat}})), probe, with_risk(risk));
      const std::string name = risk;
      const bool buys = side == Side::Buy;
      const std::int64_t wanted = name == "{}"                                    ? 1000
                                  : name.find("price") != std::string::npos       ? 0
                                  : name.find("order_") != std::string::npos      ? 12
                                  : name.find("position\"") != std::string::npos  ? (buys ? 63 : 77)
                                  : name.find("position_v") != std::string::npos  ? (buys ? 26 : 40)
                                  : name.find("weight") != std::string::npos      ? (buys ? 33 : 47)
                                                                                  : 83;
      CHECK(allowed.value == wanted);
    }
  }
}

TEST_CASE("a loss ends trading: block takes only what reduces, cancel takes orders back, flatten closes") {
  // 1000 lots bought at 1.00; equity 1000 falls to 900 with the third bar.
  const std::vector<TinyBar> bars{{100, 100, 100, 100}, {100, 100, 100, 100}, {90, 90, 90, 90}, {90, 90, 90, 90}, {90, 90, 90, 90}, {90, 90, 90, 90}, {90, 90, 90, 90}};
  for (const std::string action : {"block", "cancel", "flatten"}) {
    for (const std::string limit : {"loss", "drawdown", "daily_loss"}) {
      CAPTURE(action);
      CAPTURE(limit);
      Probe probe;
      OrderId resting = 0;
      std::vector<OrderId> later;
      probe.slice = [&](Nanos time, Orders& orders) {
        const std::int64_t minute = time.value / kPeriod;
        if (minute == 1) orders.submit(market_order(0, Side::Buy, 1000));
        if (minute == 2) resting = orders.submit(limit_order(0, Side::Buy, 50, 10));
        if (minute == 4) {
          CHECK(orders.open_quantity(0, Side::Buy) == Lots{action == "block" ? 10 : 0});
          later.push_back(orders.submit(market_order(0, Side::Buy, 1)));
          later.push_back(orders.submit(market_order(0, Side::Sell, 400)));
          later.push_back(orders.submit(market_order(0, Side::Sell, 601)));  // 1001 in all would turn it around
          orders.cancel(resting);
        }
      };
      const RunRecord record = play(bar_market(bar_tape({{"A", bars}})), probe, with_risk("{\"" + limit + "\": 0.1, \"on_breach\": \"" + action + "\"}", 1000));
      REQUIRE(later.size() == 3);
      CHECK(later[0] == 0);
      CHECK((later[1] != 0) == (action != "flatten"));
      CHECK(later[2] == 0);
      REQUIRE(record.switches.size() == 1);
      const SwitchRow& row = record.switches[0];
      const Reject cause = limit == "drawdown" ? Reject::DrawdownLimit : Reject::LossLimit;
      CHECK(row.cause == cause);
      CHECK(row.time == Nanos{3 * kPeriod});
      CHECK(row.equity_micros == 900'000'000);
      CHECK(row.cancelled == (action == "block" ? 0 : 1));
      CHECK(last_position(record) == (action == "flatten" ? 0 : 600));
      const Reject refused = action == "block" ? cause : Reject::KillSwitch;
      CHECK(std::ranges::count(rejects(record), refused) == (action == "flatten" ? 3 : 2));
      CHECK(says(record, "risk rules ended trading at 1970-01-01T00:03:00Z by the " + std::string(limit == "drawdown" ? "drawdown" : "loss") + " limit, with equity 900.00"));
      if (action == "flatten") {
        REQUIRE(record.fills.size() == 2);
        CHECK(record.fills[1].quantity == Lots{1000});
        CHECK(record.fills[1].price == Ticks{90});
      }
    }
  }
}

TEST_CASE("a hedged book is judged when all its prices are there, not half way through them") {
  // Long A against short B; both fall by a tenth at once, which costs nothing, then B alone rises.
  const std::vector<TinyBar> a{{100, 100, 100, 100}, {100, 100, 100, 100}, {90, 90, 90, 90}, {90, 90, 90, 90}, {90, 90, 90, 90}};
  const std::vector<TinyBar> b{{100, 100, 100, 100}, {100, 100, 100, 100}, {90, 90, 90, 90}, {102, 102, 102, 102}, {102, 102, 102, 102}};
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time != Nanos{kPeriod}) return;
    orders.submit(market_order(0, Side::Buy, 1000));
    orders.submit(market_order(1, Side::Sell, 1000));
  };
  const RunRecord record = play(bar_market(bar_tape({{"A", a}, {"B", b}})), probe, with_risk(R"({"loss": 0.1})", 1000));
  REQUIRE(record.switches.size() == 1);
  CHECK(record.switches[0].time == Nanos{4 * kPeriod});
  CHECK(record.switches[0].equity_micros == 880'000'000);
}

TEST_CASE("what was lost today is forgiven tomorrow, what was lost in all is not") {
  // A bar a day. Equity: 1000, 1000, 940, 880, 880 ...; 6 % lost on two days running.
  std::vector<TinyBar> bars;
  for (const std::int64_t close : {100, 100, 94, 88, 88, 88, 88, 88}) bars.push_back({close, close, close, close});
  for (const bool daily : {true, false}) {
    Tape tape;
    add_bars(tape, tiny_instrument("A"), bars, kNanosPerDay);
    for (Event& event : tape.events) event.exchange_time.value -= 1, event.local_time.value -= 1;  // before midnight, as daily bars end
    for (Bar& bar : tape.bars) bar.close_time.value -= 1;
    Probe probe;
    std::vector<bool> taken;
    probe.slice = [&](Nanos time, Orders& orders) {
      const std::int64_t day = time.value / kNanosPerDay;
      taken.push_back(orders.submit(market_order(0, Side::Buy, day == 0 ? 1000 : 1)) != 0);
    };
    const RunRecord record = play(bar_market(finish_tape(std::move(tape))), probe, with_risk(daily ? R"({"daily_loss": 0.05})" : R"({"loss": 0.05})", 1000));
    if (daily) {
      CHECK(taken == std::vector<bool>{true, true, false, false, true, true, true, true});
      CHECK(record.switches.size() == 2);
      CHECK(says(record, "risk rules ended trading 2 times, first at "));
    } else {
      CHECK(taken == std::vector<bool>{true, true, false, false, false, false, false, false});
      CHECK(record.switches.size() == 1);
    }
  }
}

TEST_CASE("days are those of the venue's calendar where it has one") {
  // Hourly bars from Monday 2024-01-08 14:30 UTC, New York's opening, over two days; the fall lies in the first session.
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  const std::int64_t monday = 1'704'724'200 * kNanosPerSecond, hour = 3600 * kNanosPerSecond;
  for (std::int64_t k = 0; k < 36; ++k) {
    const Ticks close{k < 3 ? 100 : 90};
    tape.append(0, Bar{{monday + k * hour}, {monday + (k + 1) * hour}, close, close, close, close, {0}});
  }
  const auto finished = finish_tape(std::move(tape));
  for (const bool calendar : {true, false}) {
    Probe probe;
    std::int64_t again = 0;
    probe.slice = [&](Nanos time, Orders& orders) {
      const std::int64_t k = (time.value - monday) / hour;
      const bool taken = orders.submit(market_order(0, Side::Buy, k == 1 ? 1000 : 1)) != 0;
      if (k > 4 && taken && again == 0) again = k;
    };
    play(bar_market(finished, calendar ? R"({"calendar": "us_equities"})" : "{}"), probe, with_risk(R"({"daily_loss": 0.05})", 1000));
    // The session ends at 21:00, six and a half hours after it began; the UTC day three hours later.
    CHECK(again == (calendar ? 7 : 10));
  }
}

TEST_CASE("too many refusals set off the kill switch, for the day") {
  const std::vector<TinyBar> flat(8, TinyBar{100, 100, 100, 100});
  Probe probe = in_turn({limit_order(0, Side::Buy, 50, 5), market_order(0, Side::Buy, 99), market_order(0, Side::Buy, 99), market_order(0, Side::Buy, 1), market_order(0, Side::Buy, 99)});
  const RunRecord record = play(bar_market(bar_tape({{"A", flat}})), probe, with_risk(R"({"position": 10, "refusals": 2})"));
  CHECK(rejects(record) == std::vector<Reject>{Reject::None, Reject::PositionLimit, Reject::PositionLimit, Reject::KillSwitch, Reject::KillSwitch});
  REQUIRE(record.switches.size() == 1);
  CHECK(record.switches[0].cause == Reject::KillSwitch);
  CHECK(record.switches[0].cancelled == 1);
  CHECK(std::ranges::any_of(probe.answers, [](const Event& event) { return event.kind == EventKind::Cancelled; }));
}

TEST_CASE("flatten ends brackets, linked and parked orders, and leaves nothing behind") {
  const std::vector<TinyBar> bars{{100, 100, 100, 100}, {100, 100, 100, 100}, {100, 100, 100, 100}, {90, 90, 90, 90}, {90, 90, 90, 90}, {60, 130, 60, 130}, {60, 130, 60, 60}, {90, 90, 90, 90}};
  Probe probe;
  probe.slice = [&](Nanos time, Orders& orders) {
    if (time.value / kPeriod == 1) {
      const OrderId entry = orders.submit(market_order(0, Side::Buy, 1000));
      OrderRequest target = reduce_only(limit_order(0, Side::Sell, 120, 1000));
      target.parent = entry;
      target.group = 1;
      target.link = Link::OneUpdatesOther;
      OrderRequest protection = reduce_only(stop_order(Side::Sell, 70, 1000));
      protection.parent = entry;
      protection.group = 1;
      protection.link = Link::OneUpdatesOther;
      CHECK(orders.submit(target) != 0);
      CHECK(orders.submit(protection) != 0);
      // Waiting on their own, tied to one another: entries that must not come any more.
      OrderRequest low = limit_order(0, Side::Buy, 65, 100);
      low.group = 2;
      low.link = Link::OneCancelsOther;
      OrderRequest high = stop_order(Side::Buy, 125, 100);
      high.group = 2;
      high.link = Link::OneCancelsOther;
      CHECK(orders.submit(low) != 0);
      CHECK(orders.submit(high) != 0);
      CHECK(orders.submit(stop_order(Side::Sell, 75, 10)) != 0);
    }
  };
  const RunRecord record = play(bar_market(bar_tape({{"A", bars}})), probe, with_risk(R"({"loss": 0.1, "on_breach": "flatten", "position": 1200})", 1000));
  REQUIRE(record.switches.size() == 1);
  CHECK(record.switches[0].cancelled == 5);
  REQUIRE(record.fills.size() == 2);  // in and out, nothing of the others though the later bars reach all of them
  CHECK(record.fills[1].position == Lots{0});
  CHECK(record.fills[1].quantity == Lots{1000});
  CHECK(record.fills[1].price == Ticks{90});
}

TEST_CASE("flatten goes on until it is done: a share of the volume a bar, a price that comes late") {
  std::vector<TinyBar> bars{{100, 100, 100, 100, 100'000}, {100, 100, 100, 100, 100'000}};
  for (int k = 0; k < 20; ++k) bars.push_back({90, 90, 90, 90, 1000});
  Probe probe = one_order(market_order(0, Side::Buy, 1000));
  const RunRecord record = play(bar_market(bar_tape({{"A", bars}}), R"({"volume_share": 0.1})"), probe, with_risk(R"({"loss": 0.1, "on_breach": "flatten"})", 1000));
  CHECK(record.switches.size() == 1);
  CHECK(record.fills.size() == 11);
  CHECK(last_position(record) == 0);
  for (const FillRow& fill : record.fills) CHECK(fill.position.value >= 0);
}

TEST_CASE("a reduce-only order that is changed is cut down to the position again") {
  const std::vector<TinyBar> bars{{100, 100, 100, 100}, {100, 100, 100, 100}, {100, 100, 100, 100}, {100, 130, 100, 100}, {100, 130, 100, 100}, {100, 100, 100, 100}};
  Probe probe;
  OrderId order = 0;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t minute = time.value / kPeriod;
    if (minute == 1) orders.submit(market_order(0, Side::Buy, 5));
    if (minute == 2) order = orders.submit(reduce_only(limit_order(0, Side::Sell, 120, 5)));
    if (minute == 3) orders.replace(order, {121}, {9});
  };
  const RunRecord record = play(bar_market(bar_tape({{"A", bars}})), probe);
  REQUIRE(record.fills.size() == 2);
  CHECK(record.fills[1].quantity == Lots{5});
  CHECK(last_position(record) == 0);
}

// The naive twin knows nothing of how orders are counted: it looks at what has truly filled, after every fill.
TEST_CASE("whatever is sent, no fill ends beyond a position limit, and no stretch holds more orders than the rate") {
  const EngineCatalog catalog = engine_catalog();
  constexpr std::int64_t kLimit = 12;
  std::size_t fills = 0, refused = 0, at_limit = 0, switched = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    const Json market = Json::parse(R"({"mode": "generated", "generator": {"kind": "zero_intelligence"}, "duration_s": 90})");
    const Json venue = Json::parse(seed % 3 == 0 ? R"({"latency": "none"})" : seed % 3 == 1 ? R"({"latency": {"kind": "constant", "feed_ns": 1000000, "entry_ns": 20000000, "response_ns": 30000000}})"
                                                                                      : R"({"latency": {"kind": "lognormal"}})");
    const auto plan = build_market(market, venue, nullptr, catalog);
    Probe probe;
    std::vector<OrderId> own;
    probe.start = [](Orders& orders) { orders.set_timer(orders.now() + Nanos{kNanosPerSecond}, 0); };
    probe.timer = [&](Nanos time, std::uint64_t, Orders& orders) {
      orders.set_timer(time + Nanos{5'000'000}, 0);
      Rng& random = orders.random();
      const Depth& depth = orders.depth(0);
      if (!depth.two_sided()) return;
      const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
      const auto lots = static_cast<std::int64_t>(1 + random.below(9));
      const std::int64_t touch = (side == Side::Buy ? depth.bid : depth.ask)[0].price.value;
      const std::int64_t near = touch - sign(side) * (static_cast<std::int64_t>(random.below(4)) - 1);
      OrderRequest request = market_order(0, side, lots);
      switch (random.below(8)) {
        case 0: break;
        case 1:
        case 2:
        case 3: request = limit_order(0, side, near, lots); break;
        case 4: request = stop_order(side, touch + sign(side) * static_cast<std::int64_t>(random.below(4)), lots); break;
        case 5:
          if (!own.empty()) orders.cancel(own[own.size() - 1 - random.below(std::min<std::size_t>(own.size(), 6))]);
          return;
        default:
          if (!own.empty()) orders.replace(own[own.size() - 1 - random.below(std::min<std::size_t>(own.size(), 6))], {near}, {lots});
          return;
      }
      request.reduce_only = random.bernoulli(0.2);
      if (random.bernoulli(0.15) && !own.empty()) request.parent = own.back();
      if (random.bernoulli(0.2)) {
        request.group = 1 + static_cast<std::uint32_t>(random.below(3));
        request.link = random.bernoulli(0.5) ? Link::OneCancelsOther : Link::OneUpdatesOther;
      }
      if (random.bernoulli(0.2)) request.quantity = orders.allowed(request);
      const OrderId id = orders.submit(request);
      if (id != 0) own.push_back(id);
    };
    AccountTerms terms = with_risk(seed % 2 == 0 ? R"({"position": 12, "orders": 20, "orders_window_s": 0.5})" : R"({"position": 12, "orders": 20, "orders_window_s": 0.5, "drawdown": 0.1, "on_breach": "flatten"})", 10);
    terms.leverage = 1e6;
    const RunRecord record = play(plan, probe, terms);
    for (const FillRow& fill : record.fills) {
      REQUIRE(std::abs(fill.position.value) <= kLimit);
      at_limit += std::abs(fill.position.value) == kLimit;
    }
    std::deque<Nanos> recent;
    for (const OrderRow& row : record.orders) {
      if (row.reject >= Reject::PositionLimit && row.reject <= Reject::Portfolio) {
        ++refused;
        continue;
      }
      if (!record.switches.empty() && row.time >= record.switches[0].time) break;  // the switch's own orders are free
      if (!std::ranges::binary_search(own, row.order)) continue;  // nonsense, refused at once
      recent.push_back(row.time);
      while (recent.front() + Nanos{kNanosPerSecond / 2} <= row.time) recent.pop_front();
      REQUIRE(recent.size() <= 20);
    }
    if (!record.switches.empty()) {
      ++switched;
      CHECK(last_position(record) == 0);
    }
    fills += record.fills.size();
  }
  CHECK(fills > 2000);
  CHECK(at_limit > 10);
  CHECK(refused > 1000);
  CHECK(switched >= 1);
}

TEST_CASE("rules that never bind change nothing, and rules allocate nothing once the market runs") {
  std::vector<TinyBar> bars;
  Rng random(3, "risk_test");
  std::int64_t price = 10'000;
  for (int k = 0; k < 2000; ++k) {
    price += static_cast<std::int64_t>(random.below(41)) - 20;
    bars.push_back({price, price + 5, price - 5, price, 1000});
  }
  const auto plan = bar_market(bar_tape({{"A", bars}}));
  class Quiet final : public Participant {
   public:
    void on_slice(Nanos, Orders& orders) override {
      if (++count_ % 4 == 0) orders.submit(market_order(0, count_ % 8 == 0 ? Side::Buy : Side::Sell, 3));
    }

   private:
    std::uint32_t count_ = 0;
  };
  const auto run = [&](const AccountTerms& terms) {
    Quiet quiet;
    Simulation simulation(plan, plan->whole(), 1);
    simulation.add(quiet, "quiet", terms);
    REQUIRE(simulation.run_until({kPeriod}));
    const std::size_t before = tests::allocations();
    REQUIRE(simulation.run_until({1900 * kPeriod}));
    CHECK(tests::allocations() == before);
    simulation.run();
    return record_hash({simulation.record(0)}, plan->instruments());
  };
  const std::string wide = run(with_risk(R"({"position": 1e6, "gross_value": 1e12, "orders": 1000, "daily_loss": 0.9, "loss": 0.9, "drawdown": 0.9, "weight": 100, "turnover": 1e6, "price_band": 5})"));
  AccountTerms none = tiny_account();
  none.leverage = 1000;
  CHECK(wide == run(none));
}

TEST_CASE("switches survive the run record; names that mean nothing are refused where they stand") {
  RunRecord record;
  record.strategy = "a";
  record.switches = {{{5}, Reject::DrawdownLimit, 900, 3}};
  std::vector<Instrument> instruments{tiny_instrument("A")}, read;
  const auto back = records_from_store(to_store({record}, instruments, Json::object()), read);
  REQUIRE(back.size() == 1);
  REQUIRE(back[0].switches.size() == 1);
  CHECK(back[0].switches[0].cause == Reject::DrawdownLimit);
  CHECK(back[0].switches[0].cancelled == 3);

  const auto check = [&](const char* json) { check_risk(load<RiskParams>(Json::parse(json)), instruments, "/account/risk"); };
  CHECK_NOTHROW(check(R"({"positions": {"A": 5}, "sector_weight": 0.3, "sectors": {"A": "x"}})"));
  CHECK_THROWS_WITH_AS(check(R"({"positions": {"B": 5}})"), "/account/risk/positions/B: expected the name of an instrument of this market, was B; the first is A", Error);
  CHECK_THROWS_WITH_AS(check(R"({"sector_weight": 0.3})"), "/account/risk/sector_weight: expected sectors beside sector_weight, found none; say which instrument belongs to which", Error);
  CHECK_THROWS_AS(check(R"({"sectors": {"A": "x"}})"), Error);
  CHECK_THROWS_AS(check(R"({"drawdown": 2})"), Error);
  CHECK_THROWS_AS(check(R"({"on_breach": "panic"})"), Error);
}
