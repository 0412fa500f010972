#include "engine/base/error.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

// O, H, L, C in ticks of a cent. The first slice is at the close of bar 0.
const std::vector<TinyBar> kBars{{10000, 10050, 9950, 10010, 1000},
                                 {10020, 10100, 9900, 10080, 1000},
                                 {10090, 10200, 10060, 10150, 1000},
                                 {9800, 9850, 9700, 9790, 1000}};

RunRecord play_one(const OrderRequest& request,
                   const std::string& venue = R"({"volume_share": 0})") {
  Probe probe = one_order(request);
  return play(bar_market(bar_tape({{"A", kBars}}), venue), probe);
}

}  // namespace

TEST_CASE(
    "a market order fills at the next bar's open, at the close on request, never on the bar it was "
    "decided on") {
  struct Case {
    const char* venue;
    std::int64_t price, time;
  };
  for (const Case& wanted :
       {Case{R"({"volume_share": 0})", 10020, kPeriod},
        Case{R"({"volume_share": 0, "fill_at": "next_close"})", 10080, 2 * kPeriod},
        Case{R"({"volume_share": 0, "fill_at": "this_close"})", 10010, kPeriod}}) {
    CAPTURE(wanted.venue);
    const RunRecord record = play_one(market_order(0, Side::Buy, 7), wanted.venue);
    REQUIRE(record.fills.size() == 1);
    CHECK(record.fills[0].price == Ticks{wanted.price});
    CHECK(record.fills[0].time == Nanos{wanted.time});
    CHECK(record.fills[0].position == Lots{7});
    CHECK(record.orders[0].arrival_mark == Ticks{10010});
    // 1,000,000 - 7 x fill price + 7 x last close of 97.90.
    CHECK(record.equity.back().equity_micros ==
          1'000'000'000'000 + 7 * (9790 - wanted.price) * 10'000);
  }
}

TEST_CASE(
    "limit orders fill only where the bar trades through them, at the limit or at a better open") {
  struct Case {
    Side side;
    std::int64_t limit;
    bool fills;
    std::int64_t price, time;
    bool maker;
  };
  for (const Case& wanted : {
           Case{Side::Buy, 9900, true, 9800, 3 * kPeriod,
                false},  // touched by bar 1, gapped through by bar 3
           Case{Side::Buy, 9901, true, 9901, 2 * kPeriod, true},     // bar 1 went to 9900
           Case{Side::Buy, 10030, true, 10020, kPeriod, false},      // bar 1 opened below
           Case{Side::Buy, 9700, false, 0, 0, false},                // only touched
           Case{Side::Sell, 10200, false, 0, 0, false},              // only touched
           Case{Side::Sell, 10199, true, 10199, 3 * kPeriod, true},  // bar 2 went to 10200
           Case{Side::Sell, 10010, true, 10020, kPeriod, false},     // bar 1 opened above
       }) {
    CAPTURE(wanted.limit);
    const RunRecord record = play_one(limit_order(0, wanted.side, wanted.limit, 5));
    REQUIRE(record.fills.size() == (wanted.fills ? 1 : 0));
    if (!wanted.fills) continue;
    CHECK(record.fills[0].price == Ticks{wanted.price});
    CHECK(record.fills[0].time == Nanos{wanted.time});
    CHECK(record.fills[0].maker == wanted.maker);
  }
}

TEST_CASE("fills are capped by a share of volume and the rest goes on to the next bars") {
  const RunRecord record = play_one(market_order(0, Side::Buy, 250), R"({"volume_share": 0.1})");
  REQUIRE(record.fills.size() == 3);
  CHECK(record.fills[0].quantity == Lots{100});
  CHECK(record.fills[1].quantity == Lots{100});
  CHECK(record.fills[1].price == Ticks{10090});
  CHECK(record.fills[2].quantity == Lots{50});
  CHECK(record.orders[0].filled == Lots{250});

  OrderRequest now_or_never = market_order(0, Side::Buy, 250);
  now_or_never.time_in_force = TimeInForce::ImmediateOrCancel;
  const RunRecord partial = play_one(now_or_never, R"({"volume_share": 0.1})");
  REQUIRE(partial.fills.size() == 1);
  CHECK(partial.orders[0].filled == Lots{100});

  now_or_never.time_in_force = TimeInForce::FillOrKill;
  const RunRecord none = play_one(now_or_never, R"({"volume_share": 0.1})");
  CHECK(none.fills.empty());
  CHECK(none.orders[0].reject == Reject::CannotFill);
}

TEST_CASE("the cap is shared by all orders of a bar") {
  Probe probe;
  probe.slice = [sent = false](Nanos, Orders& orders) mutable {
    if (!sent) {
      orders.submit(market_order(0, Side::Buy, 80));
      orders.submit(market_order(0, Side::Buy, 80));
    }
    sent = true;
  };
  const RunRecord record =
      play(bar_market(bar_tape({{"A", kBars}}), R"({"volume_share": 0.1})"), probe);
  REQUIRE(record.fills.size() == 3);
  CHECK(record.fills[0].quantity == Lots{80});
  CHECK(record.fills[1].quantity == Lots{20});
  CHECK(record.fills[2].quantity == Lots{60});
}

TEST_CASE(
    "volume-share slippage gives the published case: 100 shares on a bar of 200 fill 5 at "
    "3.0001875") {
  // zipline's volume share model: limit 2.5 %, impact 0.1, price 3.
  Tape tape;
  Instrument instrument = tiny_instrument("A");
  instrument.tick_size = 1e-7;
  add_bars(tape, instrument,
           {{30'000'000, 30'000'000, 30'000'000, 30'000'000, 200},
            {30'000'000, 30'000'000, 30'000'000, 30'000'000, 200}});
  Probe probe = one_order(market_order(0, Side::Buy, 100));
  const RunRecord record = play(
      bar_market(finish_tape(std::move(tape)),
                 R"({"volume_share": 0.025, "slippage": {"kind": "volume_share", "impact": 0.1}})"),
      probe);
  REQUIRE(record.fills.size() == 1);
  CHECK(record.fills[0].quantity == Lots{5});
  CHECK(record.fills[0].price == Ticks{30'001'875});
  CHECK(record.fills[0].slippage_micros == 938);  // 5 x 0.0001875, halves away from zero
}

TEST_CASE("slippage is rounded against the trader, charged as a cost, and never breaks a limit") {
  // 1 bp of 100.20 is 1.002 ticks: 2 against the trader.
  const std::string venue =
      R"({"volume_share": 0, "slippage": {"kind": "basis_points", "bps": 1}})";
  const RunRecord buy = play_one(market_order(0, Side::Buy, 10), venue);
  CHECK(buy.fills[0].price == Ticks{10022});
  CHECK(buy.fills[0].slippage_micros == 10 * 2 * 10'000);
  CHECK(buy.costs.slippage == buy.fills[0].slippage_micros);
  CHECK(buy.equity.back().gross_micros - buy.equity.back().equity_micros == buy.costs.slippage);
  const RunRecord sell = play_one(market_order(0, Side::Sell, 10), venue);
  CHECK(sell.fills[0].price == Ticks{10018});
  const RunRecord limited = play_one(limit_order(0, Side::Buy, 10021, 10), venue);
  CHECK(limited.fills[0].price == Ticks{10021});
}

TEST_CASE("square-root slippage follows Y sigma sqrt(Q / V)") {
  // Closes 100, 101, then flat: variance starts at ln(1.01)^2 and decays by 0.94 a bar.
  Tape tape;
  Instrument instrument = tiny_instrument("A");
  instrument.tick_size = 1e-6;
  const std::int64_t a = 100'000'000, b = 101'000'000;
  add_bars(tape, instrument,
           {{a, a, a, a, 400}, {b, b, b, b, 400}, {b, b, b, b, 400}, {b, b, b, b, 400}});
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time == Nanos{2 * kPeriod}) orders.submit(market_order(0, Side::Buy, 100));
  };
  const RunRecord record =
      play(bar_market(finish_tape(std::move(tape)),
                      R"({"volume_share": 0, "slippage": {"kind": "square_root", "factor": 1}})"),
           probe);
  REQUIRE(record.fills.size() == 1);
  const double expected = 101e6 * std::log(1.01) * std::sqrt(100.0 / 400.0);
  CHECK(record.fills[0].price.value == b + static_cast<std::int64_t>(std::ceil(expected)));
}

TEST_CASE("a bar that was open when the order arrived cannot fill it at its open") {
  // B's bars last two minutes; the order is decided in the middle of one.
  Tape tape;
  add_bars(
      tape, tiny_instrument("A"),
      {{100, 100, 100, 100}, {100, 100, 100, 100}, {100, 100, 100, 100}, {100, 100, 100, 100}});
  add_bars(tape, tiny_instrument("B"),
           {{500, 600, 400, 510}, {520, 530, 500, 525}, {530, 530, 530, 530}}, 2 * kPeriod);
  std::sort(tape.events.begin(), tape.events.end(),
            [](const Event& x, const Event& y) { return x.exchange_time < y.exchange_time; });
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time == Nanos{3 * kPeriod}) orders.submit(market_order(1, Side::Buy, 1));
  };
  const RunRecord record = play(bar_market(finish_tape(std::move(tape))), probe);
  REQUIRE(record.fills.size() == 1);
  CHECK(record.fills[0].time == Nanos{4 * kPeriod});
  CHECK(record.fills[0].price == Ticks{530});
}

TEST_CASE("close-only data fills at the next close and refuses what it cannot support") {
  Tape tape;
  Instrument instrument = tiny_instrument("A");
  instrument.close_only = true;
  add_bars(tape, instrument, {{100, 100, 100, 100}, {110, 110, 110, 110}, {120, 120, 120, 120}});
  const auto recorded = finish_tape(std::move(tape));
  Probe probe = one_order(market_order(0, Side::Buy, 1));
  const auto plan = bar_market(recorded);
  const RunRecord record = play(plan, probe);
  REQUIRE(record.fills.size() == 1);
  CHECK(record.fills[0].price == Ticks{110});
  CHECK(plan->resolved().at("venue").at("fill_at") == Json("next_close"));
  for (const char* venue :
       {R"({"fill_at": "next_open"})", R"({"volume_share": 0.1})", R"({"slippage": "square_root"})",
        R"({"slippage": {"kind": "volume_share"}})"}) {
    CAPTURE(venue);
    CHECK_THROWS_AS(bar_market(recorded, venue), Error);
  }
}

TEST_CASE("closing at the end pays the venue's friction and belongs to the last sample") {
  Probe probe = one_order(market_order(0, Side::Buy, 10));
  const RunRecord record =
      play(bar_market(bar_tape({{"A", kBars}}),
                      R"({"volume_share": 0, "fees": {"kind": "basis_points", "bps": 10},
                                               "slippage": {"kind": "basis_points", "bps": 10}})"),
           probe, tiny_account(), true);
  REQUIRE(record.fills.size() == 2);
  // Bought at 100.20 + 11 ticks; sold at 97.90 - 10 ticks (9.79 rounded against the trader).
  CHECK(record.fills[0].price == Ticks{10031});
  CHECK(record.fills[1].price == Ticks{9780});
  CHECK(record.fills[1].fee_micros == 978'000);
  CHECK(record.fills[1].position == Lots{0});
  REQUIRE(record.equity.size() == 5);
  CHECK(record.equity.back().long_micros == 0);
  CHECK(record.equity.back().equity_micros ==
        1'000'000'000'000 + 10 * (9780 - 10031) * 10'000 - 1'003'100 - 978'000);
}

TEST_CASE(
    "dividends are paid on the position held and charged to shorts; total-return prices refuse "
    "them") {
  for (const Side side : {Side::Buy, Side::Sell}) {
    Tape tape;
    add_bars(tape, tiny_instrument("A"), kBars);
    Event dividend;
    dividend.exchange_time = dividend.local_time = {2 * kPeriod + 1};
    dividend.kind = EventKind::Dividend;
    dividend.price = {25};
    tape.events.insert(tape.events.begin() + 2, dividend);
    Probe probe = one_order(market_order(0, side, 4));
    const RunRecord record =
        play(bar_market(finish_tape(std::move(tape)), R"({"volume_share": 0})"), probe);
    CHECK(record.costs.dividends == sign(side) * 4 * 25 * 10'000);
    CHECK(record.equity.back().equity_micros ==
          1'000'000'000'000 + sign(side) * 4 * (9790 - 10020 + 25) * 10'000);
  }
  Tape tape;
  Instrument instrument = tiny_instrument("A");
  instrument.total_return = true;
  add_bars(tape, instrument, kBars);
  Event dividend;
  dividend.exchange_time = dividend.local_time = {5 * kPeriod};
  dividend.kind = EventKind::Dividend;
  dividend.price = {25};
  tape.events.push_back(dividend);
  CHECK_THROWS_WITH_AS(bar_market(finish_tape(std::move(tape))),
                       doctest::Contains("expected no dividends or splits"), Error);
}
