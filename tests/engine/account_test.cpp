#include "engine/ledger/account.hpp"
#include "engine/base/random.hpp"
#include "engine/catalog.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

Money cents(std::int64_t count) { return {Money::Integer{count} * 10'000'000'000}; }

}  // namespace

TEST_CASE("a round trip by hand: buy, add, sell part, turn short, with average costs") {
  const std::vector<Instrument> instruments{tiny_instrument("A")};
  Account account(instruments, Money::from_units(1000));
  account.fill(0, Side::Buy, {1000}, {10}, cents(5), cents(2));
  CHECK(account.cash() == cents(100'000 - 10'000 - 5));
  CHECK(account.equity() == cents(100'000 - 5));
  account.mark(0, {1100});
  CHECK(account.long_value() == cents(11'000));
  account.fill(0, Side::Buy, {1100}, {10}, {}, {});
  CHECK(account.average_cost(0) == doctest::Approx(1050));
  account.fill(0, Side::Sell, {1200}, {5}, {}, {});
  CHECK(account.average_cost(0) == doctest::Approx(1050));
  CHECK(account.position(0) == Lots{15});
  account.fill(0, Side::Sell, {1200}, {20}, {}, {});
  CHECK(account.position(0) == Lots{-5});
  CHECK(account.average_cost(0) == doctest::Approx(1200));
  account.mark(0, {1300});
  CHECK(account.long_value() == Money{});
  CHECK(account.short_value() == cents(6500));
  // Cash: 1000 - 100 - 110 + 60 + 240 - 0.05.
  CHECK(account.cash() == cents(108'995));
  CHECK(account.equity() == cents(108'995 - 6500));
  CHECK(account.costs() == cents(7));
  CHECK(account.turnover() == cents(10'000 + 11'000 + 6'000 + 24'000));
}

TEST_CASE("borrowing is charged by day on the value of shorts, dividends are charged to shorts") {
  const std::vector<Instrument> instruments{tiny_instrument("A")};
  Account account(instruments, Money::from_units(1000));
  account.fill(0, Side::Sell, {36'500}, {10}, {}, {});
  account.borrow(3, 100'000'000'000);                             // 10 % a year
  CHECK(account.received(LedgerAccount::Borrow) == -cents(300));  // 3650 x 0.1 x 3 / 365
  account.dividend(0, {50});
  CHECK(account.received(LedgerAccount::Dividends) == -cents(500));
}

TEST_CASE(
    "the ledger is in balance and value is conserved between two accounts, whatever is "
    "traded") {
  std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B")};
  instruments[1].tick_size = 0.25;
  instruments[1].multiplier = 50;
  Account one(instruments, Money::from_units(1e6)), other(instruments, Money::from_units(2e6));
  Rng random(7, "account_test");
  Money fees;
  std::int64_t position[2] = {0, 0};
  for (int step = 0; step < 20'000; ++step) {
    const auto instrument = static_cast<InstrumentId>(random.below(2));
    const Ticks price{static_cast<std::int64_t>(1 + random.below(1000))};
    if (random.bernoulli(0.3)) {
      one.mark(instrument, price);
      other.mark(instrument, price);
      continue;
    }
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const Lots quantity{static_cast<std::int64_t>(1 + random.below(100))};
    const Money fee{static_cast<std::int64_t>(random.below(1'000'000))};
    one.mark(instrument, price);
    other.mark(instrument, price);
    one.fill(instrument, side, price, quantity, fee, {});
    other.fill(instrument, opposite(side), price, quantity, {}, {});
    fees += fee;
    position[instrument] += sign(side) * quantity.value;
    REQUIRE(one.position(instrument).value == position[instrument]);
    REQUIRE(one.equity() + other.equity() + fees == Money::from_units(3e6));
    REQUIRE(one.ledger().sum(0) == Money{});
  }
}

TEST_CASE("fees by hand: per share, basis points to 1e-12, maker and taker, and sums of them") {
  Registry<FeeModel, const Instrument&> fees("fees");
  add_fee_models(fees);
  Instrument instrument = tiny_instrument("A");
  const auto fee = [&](const char* json, bool maker) {
    return fees.build(Json::parse(json), "/venue/fees", instrument)
        ->fee(Side::Buy, {12'345}, {7}, maker);
  };
  CHECK(fee(R"("none")", false) == Money{});
  CHECK(fee(R"({"kind": "per_share", "amount": 0.005})", false) == Money::from_units(0.035));
  CHECK(fee(R"({"kind": "basis_points", "bps": 2.5})", false).value ==
        216'037'500'000);  // 864.15 x 0.00025
  CHECK(fee(R"({"kind": "maker_taker", "maker_bps": -0.2, "taker_bps": 0.3})", true).value ==
        -17'283'000'000);
  CHECK(fee(R"({"kind": "maker_taker", "maker_bps": -0.2, "taker_bps": 0.3})", false).value ==
        25'924'500'000);
  CHECK(
      fee(R"({"kind": "composite", "parts": ["none", {"kind": "per_share", "amount": 0.005}, {"kind": "basis_points", "bps": 2.5}]})",
          false)
          .value == 35'000'000'000 + 216'037'500'000);
}

TEST_CASE(
    "orders beyond buying power, short sales and nonsense are refused, with the reason in the "
    "record") {
  const auto tape =
      bar_tape({{"A", {{100, 100, 100, 100}, {100, 100, 100, 100}, {100, 100, 100, 100}}}});
  AccountTerms terms = tiny_account(1000);  // buys 1000 lots at 1.00
  struct Case {
    OrderRequest request;
    bool shorting;
    double leverage;
    Reject wanted;
  };
  for (const Case& wanted :
       {Case{market_order(0, Side::Buy, 1000), true, 1, Reject::None},
        Case{market_order(0, Side::Buy, 1001), true, 1, Reject::Funds},
        Case{market_order(0, Side::Buy, 2000), true, 2, Reject::None},
        Case{market_order(0, Side::Sell, 1000), true, 1, Reject::None},
        Case{market_order(0, Side::Sell, 1001), true, 1, Reject::Funds},
        Case{market_order(0, Side::Sell, 1), false, 1, Reject::ShortSale},
        Case{market_order(0, Side::Buy, 0), true, 1, Reject::BadQuantity},
        Case{limit_order(0, Side::Buy, -5, 1), true, 1, Reject::BadPrice},
        Case{market_order(7, Side::Buy, 1), true, 1, Reject::UnknownInstrument}}) {
    CAPTURE(static_cast<int>(wanted.wanted));
    terms.shorting = wanted.shorting;
    terms.leverage = wanted.leverage;
    Probe probe = one_order(wanted.request);
    const RunRecord record = play(bar_market(tape), probe, terms);
    REQUIRE(record.orders.size() == 1);
    CHECK(record.orders[0].reject == wanted.wanted);
    CHECK(record.fills.size() == (wanted.wanted == Reject::None ? 1 : 0));
    if (wanted.wanted != Reject::None) {
      REQUIRE(probe.answers.size() == 1);
      CHECK(probe.answers[0].kind == EventKind::Rejected);
      CHECK(probe.answers[0].flags == static_cast<std::uint16_t>(wanted.wanted));
      CHECK(record.warnings.size() ==
            (wanted.wanted == Reject::Funds || wanted.wanted == Reject::ShortSale ? 1 : 0));
    }
  }
}

TEST_CASE("what open orders would buy counts against buying power, sells sent first free it") {
  const std::vector<TinyBar> flat(6, TinyBar{100, 100, 100, 100});
  Probe probe;
  std::vector<OrderId> ids;
  probe.slice = [&](Nanos time, Orders& orders) {
    if (time == Nanos{kPeriod}) {
      ids.push_back(orders.submit(market_order(0, Side::Buy, 600)));
      ids.push_back(orders.submit(limit_order(0, Side::Buy, 50, 500)));  // 600 + 500 > 1000
      CHECK(orders.open_quantity(0, Side::Buy) == Lots{600});
    }
    if (time == Nanos{3 * kPeriod}) {
      CHECK(orders.position(0) == Lots{600});
      CHECK(orders.open_quantity(0, Side::Buy) == Lots{0});
      ids.push_back(orders.submit(market_order(1, Side::Buy, 900)));  // 600 + 900
      ids.push_back(orders.submit(market_order(0, Side::Sell, 600)));
      ids.push_back(orders.submit(market_order(1, Side::Buy, 900)));  // after the sale: 900
    }
  };
  const RunRecord record =
      play(bar_market(bar_tape({{"A", flat}, {"B", flat}})), probe, tiny_account(1000));
  REQUIRE(ids.size() == 5);
  CHECK(ids[0] != 0);
  CHECK(ids[1] == 0);
  CHECK(ids[2] == 0);
  CHECK(ids[3] != 0);
  CHECK(ids[4] != 0);
  CHECK(record.fills.back().position == Lots{900});
}

TEST_CASE("borrowing accrues over nights and weekends in a simulation") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"),
           std::vector<TinyBar>(6, TinyBar{36'500, 36'500, 36'500, 36'500}), kNanosPerDay);
  tape.events.erase(tape.events.begin() + 3, tape.events.begin() + 5);  // nothing for two days
  Probe probe = one_order(market_order(0, Side::Sell, 10));
  AccountTerms terms = tiny_account(1e6);
  terms.borrow_rate = 0.1;
  const RunRecord record = play(bar_market(finish_tape(std::move(tape))), probe, terms);
  // Sold at the open of day 1, which is booked when that day's bar is known (midnight to day 2): 4
  // nights to day 6.
  CHECK(record.costs.borrow == 4 * 1'000'000);
}
