#include "engine/base/error.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

// O, H, L, C in ticks of a cent; orders are sent at the close of the first bar, at 100.10.
const std::vector<TinyBar> kBars{{10000, 10050, 9950, 10010, 1000},
                                 {10020, 10100, 9900, 10080, 1000},
                                 {10090, 10200, 10060, 10150, 1000},
                                 {9800, 9850, 9700, 9790, 1000}};

std::vector<TinyBar> reflected(std::vector<TinyBar> bars) {
  for (TinyBar& bar : bars) {
    bar.open = 20'000 - bar.open, bar.close = 20'000 - bar.close;
    const std::int64_t high = bar.high;
    bar.high = 20'000 - bar.low, bar.low = 20'000 - high;
  }
  return bars;
}

OrderRequest ask(OrderType type, Side side, std::int64_t trigger, std::int64_t limit = 0) {
  OrderRequest request = market_order(0, side, 5);
  request.type = type;
  request.trigger_price = {trigger};
  request.price = {limit};
  return request;
}

RunRecord play_on(const std::vector<TinyBar>& bars, const OrderRequest& request,
                  std::int64_t period = kPeriod, const std::string& venue = R"({"volume_share": 0})") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), bars, period);
  Probe probe = one_order(request);
  return play(bar_market(finish_tape(std::move(tape)), venue), probe);
}

}  // namespace

TEST_CASE("waiting orders act on bars at the open behind a gap, else at their trigger, never earlier") {
  struct Case {
    OrderRequest request;
    std::int64_t price, time;  // price 0: no fill
  };
  OrderRequest trailing = ask(OrderType::TrailingStop, Side::Sell, 0);
  trailing.trail = 60;
  OrderRequest wide = trailing;
  wide.trail = 150;
  const Case cases[] = {
      {ask(OrderType::Stop, Side::Buy, 10050), 10050, 2 * kPeriod},
      {ask(OrderType::Stop, Side::Buy, 10015), 10020, kPeriod},          // opened beyond
      {ask(OrderType::Stop, Side::Buy, 10300), 0, 0},
      {ask(OrderType::Stop, Side::Sell, 10000), 10000, 2 * kPeriod},
      {ask(OrderType::Stop, Side::Sell, 9850), 9800, 3 * kPeriod},       // a gap through the stop
      {ask(OrderType::MarketIfTouched, Side::Buy, 9950), 9950, 2 * kPeriod},
      {ask(OrderType::MarketIfTouched, Side::Buy, 10030), 10020, kPeriod},
      {ask(OrderType::LimitIfTouched, Side::Buy, 9950, 9960), 9950, 2 * kPeriod},
      {ask(OrderType::StopLimit, Side::Buy, 10050, 10060), 10050, 2 * kPeriod},
      // Beyond its limit when set off; the bar closed beyond it too, so it works from the next on.
      {ask(OrderType::StopLimit, Side::Buy, 10050, 10040), 9800, 3 * kPeriod},
      // The low of 9900 may have come before the trigger; the close of 10080 came after it.
      {ask(OrderType::StopLimit, Side::Buy, 10090, 10085), 10085, 2 * kPeriod},
      {trailing, 9960, 2 * kPeriod},  // the open of 10020 moved it from 9950
      {wide, 9800, 3 * kPeriod},      // moved to 10050 by the second bar; the third opens below
  };
  for (const bool mirrored : {false, true}) {
    for (const Case& one : cases) {
      CAPTURE(mirrored);
      CAPTURE(static_cast<int>(one.request.type));
      CAPTURE(one.request.trigger_price.value);
      OrderRequest request = one.request;
      if (mirrored) {
        request.side = opposite(request.side);
        for (Ticks* price : {&request.price, &request.trigger_price}) {
          if (price->value != 0) price->value = 20'000 - price->value;
        }
      }
      const RunRecord record = play_on(mirrored ? reflected(kBars) : kBars, request);
      REQUIRE(record.fills.size() == (one.price != 0 ? 1 : 0));
      if (one.price == 0) continue;
      CHECK(record.fills[0].price.value == (mirrored ? 20'000 - one.price : one.price));
      CHECK(record.fills[0].time == Nanos{one.time});
    }
  }
}

TEST_CASE("stops pay slippage, and are capped by volume like any market order") {
  const RunRecord slipped =
      play_on(kBars, ask(OrderType::Stop, Side::Buy, 10050), kPeriod,
              R"({"volume_share": 0, "slippage": {"kind": "basis_points", "bps": 10}})");
  CHECK(slipped.fills[0].price.value == 10061);  // 10.05 ticks, against the trader
  OrderRequest large = ask(OrderType::Stop, Side::Buy, 10050);
  large.quantity = {150};
  const RunRecord capped = play_on(kBars, large, kPeriod, R"({"volume_share": 0.1})");
  REQUIRE(capped.fills.size() == 2);
  CHECK(capped.fills[0].quantity == Lots{100});
  CHECK(capped.fills[1].price.value == 10090);
  large.all_or_none = true;
  large.type = OrderType::Limit;
  large.price = {11000};
  CHECK(play_on(kBars, large, kPeriod, R"({"volume_share": 0.1})").fills.empty());
  large.quantity = {100};
  CHECK(play_on(kBars, large, kPeriod, R"({"volume_share": 0.1})").fills.size() == 1);
}

TEST_CASE("on daily bars orders at the open and close fill there; day orders last a bar") {
  OrderRequest request = market_order(0, Side::Buy, 5);
  request.time_in_force = TimeInForce::AtTheOpen;
  CHECK(play_on(kBars, request, kNanosPerDay).fills.at(0).price.value == 10020);
  request.time_in_force = TimeInForce::AtTheClose;
  const RunRecord close = play_on(kBars, request, kNanosPerDay);
  CHECK(close.fills.at(0).price.value == 10080);
  CHECK(close.fills.at(0).time == Nanos{2 * kNanosPerDay});
  request.type = OrderType::Limit;
  request.price = {10079};
  CHECK(play_on(kBars, request, kNanosPerDay).fills.empty());  // and it does not wait for another close
  request.price = {9890};
  request.time_in_force = TimeInForce::Day;
  CHECK(play_on(kBars, request, kNanosPerDay).fills.empty());
  request.time_in_force = TimeInForce::GoodTillCancel;
  CHECK(play_on(kBars, request, kNanosPerDay).fills.size() == 1);
  request.time_in_force = TimeInForce::GoodTillDate;
  request.expire = {3 * kNanosPerDay};
  CHECK(play_on(kBars, request, kNanosPerDay).fills.empty());
  request.expire = {4 * kNanosPerDay};
  CHECK(play_on(kBars, request, kNanosPerDay).fills.size() == 1);
}

TEST_CASE("within the day, the open and the close of a session are those of the calendar") {
  // Minute bars around the close of 21:00 UTC on 1970-01-05, a Monday, and the open of the next day.
  const std::int64_t monday = 4 * kNanosPerDay;
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  std::int64_t price = 10'000;
  const auto bar_at = [&](std::int64_t open_minute) {
    Bar bar;
    bar.open_time = {monday + open_minute * kPeriod};
    bar.close_time = bar.open_time + Nanos{kPeriod};
    bar.open = bar.low = {price};
    bar.close = bar.high = {price + 5};
    price += 10;
    tape.append(0, bar);
  };
  for (std::int64_t minute = 21 * 60 - 4; minute < 21 * 60; ++minute) bar_at(minute);
  for (std::int64_t minute = 38 * 60 + 30; minute < 38 * 60 + 33; ++minute) bar_at(minute);
  const auto recorded = finish_tape(std::move(tape));
  for (const auto& [time_in_force, wanted] :
       {std::pair{TimeInForce::AtTheClose, std::int64_t{10'035}}, std::pair{TimeInForce::AtTheOpen, std::int64_t{10'040}}}) {
    OrderRequest request = market_order(0, Side::Buy, 5);
    request.time_in_force = time_in_force;
    Probe probe = one_order(request);
    const RunRecord record =
        play(bar_market(recorded, R"({"volume_share": 0, "calendar": "us_equities"})"), probe);
    REQUIRE(record.fills.size() == 1);
    CHECK(record.fills[0].price.value == wanted);
  }
}

TEST_CASE("a bracket on bars: the entry fills, one exit fills, the other goes") {
  Probe probe;
  probe.slice = [sent = false](Nanos, Orders& orders) mutable {
    if (sent) return;
    sent = true;
    const OrderId entry = orders.submit(market_order(0, Side::Buy, 5));
    OrderRequest exit = limit_order(0, Side::Sell, 10190, 5);
    exit.parent = entry;
    exit.group = 1;
    exit.link = Link::OneUpdatesOther;
    orders.submit(exit);
    OrderRequest stop = ask(OrderType::Stop, Side::Sell, 9850);
    stop.parent = entry;
    stop.group = 1;
    stop.link = Link::OneUpdatesOther;
    orders.submit(stop);
  };
  const RunRecord record =
      play(bar_market(bar_tape({{"A", kBars}}), R"({"volume_share": 0})"), probe);
  REQUIRE(record.fills.size() == 2);
  CHECK(record.fills[0].price.value == 10020);
  CHECK(record.fills[1].price.value == 10190);
  CHECK(record.fills[1].position == Lots{0});
  REQUIRE(!probe.answers.empty());
  CHECK(probe.answers.back().kind == EventKind::Cancelled);
  CHECK(static_cast<Reject>(probe.answers.back().flags) == Reject::Linked);
}

TEST_CASE("what bars cannot do is refused") {
  OrderRequest peg = market_order(0, Side::Buy, 5);
  peg.type = OrderType::Pegged;
  CHECK(play_on(kBars, peg).orders.at(0).reject == Reject::NoMarket);
  CHECK_THROWS_WITH_AS(
      bar_market(bar_tape({{"A", kBars}}), R"({"exchange": {}})"),
      "/venue/exchange: expected none for bars and recorded data, was given one; remove it (only a generated "
      "book is matched here)",
      Error);
  CHECK_THROWS_AS(bar_market(bar_tape({{"A", kBars}}), R"({"calendar": "moon"})"), Error);
}
