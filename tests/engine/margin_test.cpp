// Margin, liquidation, funding, swaps, rolls and splits in simulations small enough to reckon by hand.
#include "engine/base/error.hpp"
#include "engine/ledger/margin.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

using namespace walras;
using namespace walras::tests;

namespace {

std::int64_t micros(double units) { return Money::from_units(units).micros(); }

std::vector<TinyBar> flat(std::initializer_list<std::int64_t> prices) {
  std::vector<TinyBar> bars;
  for (const std::int64_t price : prices) bars.push_back({price, price, price, price});
  return bars;
}

struct Terms {
  double capital = 1000, leverage = 10;
  AccountAgreement agreed;
  [[nodiscard]] AccountTerms on(const MarketPlan& plan) const {
    AccountTerms terms = tiny_account(capital);
    terms.leverage = leverage;
    terms.rules = account_rules(agreed, plan.instruments(), plan.tape().get(), "/account");
    return terms;
  }
};

/// 10 % initial and 5 % maintenance margin, 0.5 % liquidation fee, a fund of 1000.
Terms perpetual() {
  Terms terms;
  ContractParams& contract = terms.agreed.contracts["*"];
  contract.kind = ContractKind::Perpetual;
  contract.initial_margin = 0.1;
  contract.maintenance_margin = 0.05;
  terms.agreed.margin = MarginParams{};
  terms.agreed.margin->insurance_fund = 1000;
  return terms;
}

}  // namespace

TEST_CASE("a perpetual is liquidated when equity falls below the maintenance margin, at the next bar's open, for a fee to the fund") {
  // 50 at 100 on 1000: equity 50 p - 4000, maintenance 2.5 p, so liquidation below p = 84.21.
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 8'500, 8'400, 8'300, 9'000})}}));
  Probe probe;
  std::vector<Reject> rejects;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t bar = time.value / kPeriod;
    if (bar == 1) orders.submit(market_order(0, Side::Buy, 50));
    if (bar == 2) CHECK(orders.submit(limit_order(0, Side::Sell, 20'000, 10)) != 0);
    if (bar == 4) CHECK(orders.submit(market_order(0, Side::Buy, 1)) == 0);
    if (bar == 6) CHECK(orders.position(0) == Lots{0});
  };
  const RunRecord record = play(plan, probe, perpetual().on(*plan));
  REQUIRE(record.fills.size() == 2);
  CHECK(record.fills[1].price == Ticks{8'300});
  CHECK(record.fills[1].quantity == Lots{50});
  CHECK(record.liquidations == 1);
  CHECK(record.costs.liquidation == micros(0.005 * 50 * 83));
  CHECK(record.costs.insurance == 0);
  CHECK(record.equity.back().equity_micros == micros(1000 - 50 * 17 - 20.75));
  REQUIRE(record.margin.size() == record.equity.size() - 1);
  CHECK(record.margin[2].used_micros == micros(0.1 * 50 * 85));
  CHECK(record.margin[2].maintenance_micros == micros(0.05 * 50 * 85));
  CHECK(record.margin[2].free_micros == micros(250 - 425));
  CHECK(record.margin.back().used_micros == 0);
  CHECK(record.margin.back().fund_micros == micros(1000 + 20.75));
  // The order of the venue, the one cancelled and the one refused say why.
  REQUIRE(record.orders.size() == 4);
  CHECK(record.orders[1].filled == Lots{0});
  CHECK(std::count_if(record.orders.begin(), record.orders.end(), [](const OrderRow& row) { return row.reject == Reject::Liquidated; }) == 2);
  CHECK(std::any_of(probe.answers.begin(), probe.answers.end(), [](const Event& answer) {
    return answer.kind == EventKind::Cancelled && answer.flags == static_cast<std::uint16_t>(Reject::Liquidated);
  }));
  CHECK(probe.fills.size() == 2);
  CHECK(std::any_of(record.warnings.begin(), record.warnings.end(), [](const std::string& text) { return text.find("closed by force 1 time,") != std::string::npos; }));
}

TEST_CASE("a gap beyond the bankruptcy price is paid by the insurance fund, which may run dry: the account ends at nothing") {
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 8'400, 7'500, 7'500, 7'500})}}));
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    const std::int64_t bar = time.value / kPeriod;
    if (bar == 1) orders.submit(market_order(0, Side::Buy, 50));
    if (bar == 5) {
      CHECK(orders.equity() == Money{});
      CHECK(orders.submit(market_order(0, Side::Buy, 1)) == 0);
    }
  };
  Terms terms = perpetual();
  terms.agreed.margin->insurance_fund = 100;
  const RunRecord record = play(plan, probe, terms.on(*plan));
  // 1000 - 50 x 25 = -250, less the fee of 18.75.
  CHECK(record.costs.liquidation == micros(18.75));
  CHECK(record.costs.insurance == micros(268.75));
  CHECK(record.equity.back().equity_micros == 0);
  CHECK(record.margin.back().fund_micros == micros(100 + 18.75 - 268.75));
  REQUIRE(record.postings.size() == 2);
  CHECK(record.postings[0].account == LedgerAccount::Liquidation);
  CHECK(record.postings[0].amount_micros == micros(-18.75));
  CHECK(record.postings[1].account == LedgerAccount::Insurance);
  CHECK(record.postings[1].instrument == kNoInstrument);
  CHECK(record.orders.back().reject == Reject::Funds);
}

TEST_CASE("shorts are liquidated as longs are in the mirrored market") {
  // Reflected around 100.
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 11'600, 12'500, 12'500})}}));
  Probe probe = one_order(market_order(0, Side::Sell, 50));
  const RunRecord record = play(plan, probe, perpetual().on(*plan));
  // Equity at 116: 200, maintenance 290. Bought back at 125: -250, fee 31.25.
  CHECK(record.liquidations == 1);
  CHECK(record.costs.insurance == micros(281.25));
  CHECK(record.equity.back().equity_micros == 0);
}

TEST_CASE("a liquidation that the bar's volume does not let through goes on bar by bar; orders are refused until it is over") {
  std::vector<TinyBar> bars{{10'000, 10'000, 10'000, 10'000, 1000}, {10'000, 10'000, 10'000, 10'000, 1000}, {8'400, 8'400, 8'400, 8'400, 1000},
                            {8'300, 8'300, 8'300, 8'300, 200}, {8'200, 8'200, 8'200, 8'200, 200}, {8'100, 8'100, 8'100, 8'100, 200}, {8'100, 8'100, 8'100, 8'100, 200}};
  const auto plan = bar_market(bar_tape({{"A", bars}}), R"({"volume_share": 0.1})");
  Probe probe;
  std::vector<OrderId> later;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t bar = time.value / kPeriod;
    if (bar == 1) orders.submit(market_order(0, Side::Buy, 50));
    if (bar >= 3 && bar <= 5) later.push_back(orders.submit(limit_order(0, Side::Buy, 100, 1)));
    if (bar == 6) later.push_back(orders.submit(limit_order(0, Side::Buy, 100, 1)));
  };
  const RunRecord record = play(plan, probe, perpetual().on(*plan));
  REQUIRE(record.fills.size() == 4);
  CHECK(record.fills[1].quantity == Lots{20});
  CHECK(record.fills[2].quantity == Lots{20});
  CHECK(record.fills[3].quantity == Lots{10});
  CHECK(record.liquidations == 1);
  REQUIRE(later.size() == 4);
  CHECK((later[0] == 0 && later[1] == 0 && later[2] == 0 && later[3] != 0));
}

namespace {

/// Daily bars in which 50 lots, bought on day 1 at 100, are closed by force from day 3 on: 20 at 75 on days 3 and 4, the rest on day 5.
std::vector<TinyBar> slow_crash(std::int64_t last = 7'500) {
  return {{10'000, 10'000, 10'000, 10'000, 1000}, {10'000, 10'000, 10'000, 10'000, 1000}, {8'400, 8'400, 8'400, 8'400, 1000}, {7'500, 7'500, 7'500, 7'500, 200},
          {last, last, last, last, 200},          {last, last, last, last, 200},          {last, last, last, last, 200},     {last, last, last, last, 200},
          {last, last, last, last, 200}};
}

/// Buys on day 1, and tries to buy another lot each day from day 3 on.
Probe insistent() {
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    const std::int64_t day = time.value / kNanosPerDay;
    if (day == 1) orders.submit(market_order(0, Side::Buy, 50));
    if (day >= 3) orders.submit(limit_order(0, Side::Buy, 1, 1));
  };
  return probe;
}

/// The first day on which that lot was refused for want of money, and no longer because the account was being closed.
std::int64_t over_on(const RunRecord& record) {
  const auto found = std::ranges::find(record.orders, Reject::Funds, &OrderRow::reject);
  return found == record.orders.end() ? -1 : found->time.value / kNanosPerDay;
}

std::int64_t insured(const RunRecord& record) {
  return std::ranges::count(record.postings, LedgerAccount::Insurance, &PostingRow::account);
}

}  // namespace

TEST_CASE("a roll in the middle of a liquidation, at the mark or at stated prices, does not end it: it goes on in the next contract") {
  // At the midnight that ends day 4 twenty lots are gone, thirty are rolled; the account is broke by 250 and the fees.
  for (const bool priced : {false, true}) {
    CAPTURE(priced);
    Tape tape;
    add_bars(tape, tiny_instrument("F"), slow_crash(), kNanosPerDay);
    const auto plan = bar_market(finish_tape(std::move(tape)), R"({"volume_share": 0.1})");
    Terms terms = perpetual();
    ContractParams& contract = terms.agreed.contracts["*"];
    contract.kind = ContractKind::Future;
    contract.roll_cost_ticks = 0;
    contract.rolls = {{"1970-01-06", {}, {}}};
    if (priced) contract.rolls[0].old_price = contract.rolls[0].new_price = 75;
    Probe probe = insistent();
    const RunRecord record = play(plan, probe, terms.on(*plan));
    CHECK(record.liquidations == 1);
    CHECK(insured(record) == 1);
    CHECK(record.costs.liquidation == micros(0.005 * 50 * 75));
    CHECK(record.costs.insurance == micros(250 + 18.75));
    CHECK(record.equity.back().equity_micros == 0);
    std::vector<std::int64_t> sold;
    for (const FillRow& fill : record.fills) sold.push_back(sign(fill.side) * fill.quantity.value);
    // A roll at stated prices expires orders, the venue's own too: it sends another at the next slice.
    CHECK(sold == std::vector<std::int64_t>{50, -20, -30, 30, -20, -10});
    CHECK(over_on(record) == record.fills.back().time.value / kNanosPerDay + 1);   // its fill is known when its day closes
    CHECK(record.fills.back().position == Lots{0});
  }
}

TEST_CASE("a split in the middle of a liquidation does not end it, and one that leaves nothing to sell does") {
  for (const bool to_nothing : {false, true}) {
    CAPTURE(to_nothing);
    Tape tape;
    // One for a hundred leaves nothing of thirty lots; two for one leaves sixty, at half the price.
    add_bars(tape, tiny_instrument("A"), slow_crash(to_nothing ? 750'000 : 3'750), kNanosPerDay);
    Event split;
    split.kind = EventKind::Split;
    split.exchange_time = split.local_time = {4 * kNanosPerDay + 1};
    split.payload = to_nothing ? 100 : 1;
    split.quantity = {to_nothing ? 1 : 2};
    tape.events.insert(std::ranges::find_if(tape.events, [&](const Event& event) { return event.exchange_time > split.exchange_time; }), split);
    const auto plan = bar_market(finish_tape(std::move(tape)), R"({"volume_share": 0.1})");
    Probe probe = insistent();
    std::vector<Money> known;
    probe.fill = [&](const Fill&, Orders& orders) { known.push_back(orders.equity()); };
    probe.stop = [&](Orders& orders) { known.push_back(orders.equity()); };
    const RunRecord record = play(plan, probe, perpetual().on(*plan));
    CHECK(record.liquidations == 1);
    CHECK(insured(record) == 1);
    CHECK(record.equity.back().equity_micros == 0);
    CHECK(known.back() == Money{});   // the trader knows what the fund has paid
    std::vector<std::int64_t> sold;
    for (const FillRow& fill : record.fills) sold.push_back(sign(fill.side) * fill.quantity.value);
    CHECK(sold == (to_nothing ? std::vector<std::int64_t>{50, -20} : std::vector<std::int64_t>{50, -20, -20, -20, -20}));
    CHECK(record.costs.liquidation == micros(0.005 * (to_nothing ? 20 : 50) * 75));
    CHECK(over_on(record) == (to_nothing ? 5 : 8));
  }
}

TEST_CASE("what the venue sells by force counts for the position limit until its fill is known") {
  // Answers take a day and a half: on day 4 the position is gone, and the trader still knows of 50.
  Tape tape;
  std::vector<TinyBar> bars = flat({10'000, 10'000, 8'400, 8'400, 12'000, 12'000, 12'000});
  bars[3].high = bars[3].close = 12'000;   // what is sold at 84 is worth 120 at the end of the day
  add_bars(tape, tiny_instrument("A"), bars, kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)), R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 0, "response_ns": 129600000000000}})");
  Terms terms = perpetual();
  terms.agreed.margin->liquidation_fee = 0;
  AccountTerms agreed = terms.on(*plan);
  agreed.risk = RiskParams{};
  agreed.risk->position = 50;
  Probe probe;
  bool asked = false;
  probe.slice = [&](Nanos time, Orders& orders) {
    const std::int64_t day = time.value / kNanosPerDay;
    if (day == 1) orders.submit(market_order(0, Side::Buy, 50));
    if (day != 4) return;
    asked = true;
    CHECK(orders.position(0) == Lots{50});
    OrderRequest request = limit_order(0, Side::Sell, 20'000, 1000);
    CHECK(orders.allowed(request) == Lots{50});
    request.quantity = {51};
    CHECK(orders.submit(request) == 0);
    request.quantity = {50};
    CHECK(orders.submit(request) != 0);
  };
  const RunRecord record = play(plan, probe, agreed);
  CHECK(asked);
  CHECK(record.liquidations == 1);
  CHECK(std::ranges::count(record.orders, Reject::PositionLimit, &OrderRow::reject) == 1);
}

TEST_CASE("risk rules that flatten send nothing while the venue closes already") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), slow_crash(), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)), R"({"volume_share": 0.1})");
  AccountTerms agreed = perpetual().on(*plan);
  agreed.risk = load<RiskParams>(Json::parse(R"({"loss": 0.5, "on_breach": "flatten"})"));
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time.value == kNanosPerDay) orders.submit(market_order(0, Side::Buy, 50));
  };
  const RunRecord record = play(plan, probe, agreed);
  CHECK(record.liquidations == 1);
  REQUIRE(record.switches.size() == 1);
  CHECK(record.switches[0].time == Nanos{3 * kNanosPerDay});   // in the very slice of the liquidation
  REQUIRE(record.orders.size() == 2);                          // the one that bought, and the venue's
  CHECK(record.orders[1].reject == Reject::Liquidated);
  CHECK(record.orders[1].filled == Lots{50});
  CHECK(record.fills.back().position == Lots{0});
}

TEST_CASE("the two legs of a hedge are judged together: a crash that both make liquidates nobody") {
  const auto bars = flat({10'000, 10'000, 5'000, 5'000});
  const auto plan = bar_market(bar_tape({{"A", bars}, {"B", bars}}));
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time.value != kPeriod) return;
    orders.submit(market_order(0, Side::Buy, 40));
    orders.submit(market_order(1, Side::Sell, 40));
  };
  const RunRecord record = play(plan, probe, perpetual().on(*plan));
  CHECK(record.fills.size() == 2);
  CHECK(record.liquidations == 0);
  CHECK(record.equity.back().equity_micros == micros(1000));
}

TEST_CASE("orders beyond the initial margin are refused, those beyond the leverage first") {
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 10'000})}}));
  Terms terms = perpetual();
  terms.agreed.contracts["*"].initial_margin = 0.2;
  const auto reject = [&](std::int64_t lots, double leverage) {
    terms.leverage = leverage;
    Probe probe = one_order(market_order(0, Side::Buy, lots));
    return play(plan, probe, terms.on(*plan)).orders.at(0).reject;
  };
  CHECK(reject(50, 10) == Reject::None);
  CHECK(reject(51, 10) == Reject::Margin);
  CHECK(reject(51, 5) == Reject::Funds);
  CHECK(reject(50, 5) == Reject::None);
}

TEST_CASE("stated funding is paid at its hours on the value at the last mark, by longs to shorts") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), flat({10'000, 10'000, 11'000, 11'000}), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Terms terms = perpetual();
  terms.agreed.contracts["*"].funding_rate = 0.0001;
  for (const Side side : {Side::Buy, Side::Sell}) {
    Probe probe = one_order(market_order(0, side, 10));
    const RunRecord record = play(plan, probe, terms.on(*plan));
    // Held from the open of day 1, after the funding of that midnight: 3 times at 100 on day 1 and day 2, and on day 3 at 110.
    CHECK(record.costs.funding == -sign(side) * micros(6 * 0.1 + 3 * 0.11));
    CHECK(record.postings.size() == 9);
    CHECK(record.postings[0].time == Nanos{kNanosPerDay + 8 * 3600 * kNanosPerSecond});
    CHECK(record.postings[8].time == Nanos{4 * kNanosPerDay});
  }
}

TEST_CASE("a position that is sold at a bar's open pays no funding that falls due within the bar") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), flat({10'000, 10'000, 10'000, 10'000, 10'000}), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Terms terms = perpetual();
  terms.agreed.contracts["*"].funding_rate = 0.0001;
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    const std::int64_t day = time.value / kNanosPerDay;
    if (day == 1) orders.submit(market_order(0, Side::Buy, 10));
    if (day == 2) orders.submit(market_order(0, Side::Sell, 10));
    if (day >= 3) CHECK(orders.cash() == Money::from_units(1000 - 3 * 0.1));  // as the trader knows it, too
  };
  const RunRecord record = play(plan, probe, terms.on(*plan));
  REQUIRE(record.fills.size() == 2);
  // Bought at the open of day 1, sold at that of day 2: at 8, 16 and 24 h of day 1, the last in the moment of the sale.
  CHECK(record.costs.funding == -micros(3 * 0.1));
  REQUIRE(record.postings.size() == 3);
  CHECK(record.postings[2].time == Nanos{2 * kNanosPerDay});
}

TEST_CASE("funding in the data is paid when it comes, and refused beside a stated rate") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), flat({10'000, 10'000, 11'000, 11'000}));
  Event funding;
  funding.kind = EventKind::Funding;
  funding.exchange_time = funding.local_time = {2 * kPeriod + 1};
  funding.quantity = {-250'000};  // -0.025 %
  tape.events.insert(tape.events.begin() + 2, funding);
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Terms terms = perpetual();
  Probe probe = one_order(market_order(0, Side::Buy, 10));
  const RunRecord record = play(plan, probe, terms.on(*plan));
  CHECK(record.costs.funding == micros(0.25));
  CHECK(record.equity.size() == 5);  // no sample of its own
  terms.agreed.contracts["*"].funding_rate = 0.0001;
  CHECK_THROWS_WITH_AS((void)terms.on(*plan), doctest::Contains("fundings in the data"), Error);
}

TEST_CASE("swaps are paid a night, three times on Wednesdays and not at weekends: seven a week") {
  Tape tape;
  Instrument pair = tiny_instrument("EURUSD");
  pair.tick_size = 0.00001;
  pair.lot_size = 100'000;
  // 1970-01-01 is a Thursday. Bars close at midnight.
  add_bars(tape, pair, std::vector<TinyBar>(12, TinyBar{110'000, 110'000, 110'000, 110'000}), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Terms terms;
  terms.capital = 100'000;
  ContractParams& contract = terms.agreed.contracts["EURUSD"];
  contract.kind = ContractKind::Forex;
  contract.pip = 0.0001;
  contract.swap_long = -0.7;
  contract.swap_short = 0.2;
  for (const Side side : {Side::Buy, Side::Sell}) {
    Probe probe = one_order(market_order(0, side, 2));
    const RunRecord record = play(plan, probe, terms.on(*plan));
    // Held from the midnight that ends Friday the 2nd to that which ends Monday the 12th: one week of seven nights without that
    // Friday's own (which the clock has brought before the fill is known), Saturday to Monday twice: 0 0 1 1 3 1 1 0 0 1.
    const double pips = side == Side::Buy ? -0.7 : 0.2;
    CHECK(record.costs.swap == micros(8 * pips * 0.0001 * 200'000));
    CHECK(record.costs.borrow == 0);
  }
}

TEST_CASE("a roll closes the old contract and opens the next at the stated prices, worse by its cost, with fees, and moves no money by the gap") {
  Tape tape;
  Instrument future = tiny_instrument("F");
  future.tick_size = 0.25;
  future.multiplier = 50;
  // The series jumps by 20 ticks on day 3, where the next contract begins.
  add_bars(tape, future, flat({4000, 4000, 4000, 4020, 4030}), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)), R"({"fees": {"kind": "per_share", "amount": 2}})");
  Terms terms;
  terms.capital = 100'000;
  terms.leverage = 20;
  ContractParams& contract = terms.agreed.contracts["F"];
  contract.kind = ContractKind::Future;
  contract.initial_margin = 0.05;
  contract.roll_cost_ticks = 1;
  contract.rolls = {{"1970-01-04", 1000.0, 1005.0}};
  terms.agreed.margin = MarginParams{};
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time.value == kNanosPerDay) orders.submit(market_order(0, Side::Buy, 3));
    if (time.value == 2 * kNanosPerDay) CHECK(orders.submit(limit_order(0, Side::Buy, 3000, 1)) != 0);
  };
  const RunRecord record = play(plan, probe, terms.on(*plan));
  REQUIRE(record.fills.size() == 3);
  CHECK(record.fills[1].side == Side::Sell);
  CHECK(record.fills[1].price == Ticks{3999});
  CHECK(record.fills[1].position == Lots{0});
  CHECK(record.fills[1].time == Nanos{3 * kNanosPerDay});
  CHECK(record.fills[2].price == Ticks{4021});
  CHECK(record.fills[2].position == Lots{3});
  CHECK(record.costs.slippage == micros(2 * 0.25 * 50 * 3));
  CHECK(record.costs.fees == micros(3 * 3 * 2));
  // At the roll's own midnight nothing is won or lost but costs: the bar that ends there is the old contract's.
  REQUIRE(record.equity.size() == 6);
  CHECK(record.equity[3].time == Nanos{3 * kNanosPerDay});
  CHECK(record.equity[3].equity_micros == micros(100'000 - 2 * 12.5 * 3 - 18));
  // From 4000 to the roll nothing, from 4020 to 4030 ten ticks; costs of two ticks and three fees.
  CHECK(record.equity.back().equity_micros == micros(100'000 + 10 * 12.5 * 3 - 2 * 12.5 * 3 - 18));
  CHECK(std::any_of(probe.answers.begin(), probe.answers.end(), [](const Event& answer) {
    return answer.kind == EventKind::Cancelled && answer.flags == static_cast<std::uint16_t>(Reject::Expired) &&
           answer.exchange_time == Nanos{3 * kNanosPerDay} && answer.local_time == answer.exchange_time;   // at the roll, not when something last happened
  }));
  contract.rolls.clear();
  contract.roll_every_days = 2;  // an adjusted series: at the mark, on days 2 and 4
  Probe again = one_order(market_order(0, Side::Sell, 3));
  const RunRecord periodic = play(plan, again, terms.on(*plan));
  REQUIRE(periodic.fills.size() >= 3);
  CHECK(periodic.fills[1].time == Nanos{4 * kNanosPerDay});
  CHECK(periodic.fills[1].price == Ticks{4001});
  CHECK(periodic.fills[2].price == Ticks{3999});
}

TEST_CASE("a roll that costs more than the price is done at one tick, and the record tells how often, and what was truly paid") {
  Tape tape;
  add_bars(tape, tiny_instrument("F"), flat({100, 100, 100, 100, 100}), kNanosPerDay);
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Terms terms;
  terms.capital = 100'000;
  ContractParams& contract = terms.agreed.contracts["F"];
  contract.kind = ContractKind::Future;
  contract.roll_every_days = 2;   // days 2 and 4: bought after the first, rolled at the second
  for (const std::int64_t cost : {99, 100, 5'000}) {
    CAPTURE(cost);
    contract.roll_cost_ticks = cost;
    Probe probe = one_order(market_order(0, Side::Buy, 10));
    const RunRecord record = play(plan, probe, terms.on(*plan));
    REQUIRE(record.fills.size() == 3);
    CHECK(record.fills[1].price == Ticks{1});
    CHECK(record.fills[2].price == Ticks{100 + cost});
    CHECK(record.costs.slippage == micros(0.01 * static_cast<double>(99 + cost) * 10));
    CHECK(record.equity.back().gross_micros == micros(100'000));   // at a flat price costs are all there is
    CHECK(std::ranges::count(record.warnings, "1 trades of rolls were done at a price of one tick, since roll_cost_ticks is no less than the price then was") ==
          (cost > 99 ? 1 : 0));
  }
}

TEST_CASE("a split changes positions and marks, expires open orders and pays out the part of a share") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), flat({3'000, 3'000, 3'000}));
  Tape after;
  add_bars(after, tiny_instrument("A"), flat({2'000, 2'100}));
  for (std::size_t k = 0; k < 2; ++k) {
    Bar bar = after.bars[k];
    bar.open_time += Nanos{3 * kPeriod};
    bar.close_time += Nanos{3 * kPeriod};
    if (k == 0) {
      Event split;
      split.kind = EventKind::Split;
      split.exchange_time = split.local_time = bar.open_time;
      split.payload = 2;
      split.quantity = {3};
      tape.events.push_back(split);
    }
    tape.append(0, bar);
  }
  const auto plan = bar_market(finish_tape(std::move(tape)));
  for (const std::int64_t lots : {101, -101}) {
    CAPTURE(lots);
    Probe probe;
    probe.slice = [lots](Nanos time, Orders& orders) {
      if (time.value == kPeriod) orders.submit(market_order(0, lots > 0 ? Side::Buy : Side::Sell, 101));
      if (time.value == 2 * kPeriod) CHECK(orders.submit(limit_order(0, Side::Sell, 5'000, 1)) != 0);
      if (time.value == 4 * kPeriod) {
        CHECK(orders.position(0).value == (lots > 0 ? 151 : -151));
        CHECK(orders.mark(0) == Ticks{2'000});
        CHECK(orders.open_quantity(0, Side::Sell) == Lots{0});
      }
    };
    const RunRecord record = play(plan, probe, tiny_account(10'000), true);
    // 101 become 151.5: half a share at 20.
    REQUIRE(record.postings.size() == 1);
    CHECK(record.postings[0].account == LedgerAccount::Positions);
    CHECK(record.postings[0].amount_micros == micros(lots > 0 ? 10 : -10));
    CHECK(record.postings[0].position.value == (lots > 0 ? 151 : -151));
    CHECK(record.equity.back().equity_micros == micros(10'000 + (lots > 0 ? 151 : -151)));
    CHECK(std::any_of(probe.answers.begin(), probe.answers.end(), [](const Event& answer) {
      return answer.kind == EventKind::Cancelled && answer.flags == static_cast<std::uint16_t>(Reject::Expired);
    }));
  }
}

TEST_CASE("over a split equity stands still, whatever was published before it and comes after it") {
  // A book of 99.90 to 100.10, two for one at 5 s and the book at half the price; news takes two seconds.
  Tape tape;
  tape.instruments.push_back(tiny_instrument("X"));
  const auto say = [&](std::int64_t millis, EventKind kind, Side side, std::int64_t price, std::int64_t lots, OrderId order) {
    tape.events.push_back(book_event({millis * 1'000'000}, kind, side, price, lots, order));
  };
  say(1, EventKind::Add, Side::Buy, 9'990, 1000, 1);
  say(1, EventKind::Add, Side::Sell, 10'010, 1000, 2);
  say(4'500, EventKind::Add, Side::Sell, 10'020, 10, 3);   // known at 6.5 s, when all is priced anew
  for (const OrderId order : {OrderId{1}, OrderId{2}, OrderId{3}})
    say(5'000, EventKind::Delete, order == 1 ? Side::Buy : Side::Sell, order == 1 ? 9'990 : order == 2 ? 10'010 : 10'020, order == 3 ? 10 : 1000, order);
  Event split = book_event({5'000'000'000}, EventKind::Split, Side::Buy, 0, 2, 0);
  split.payload = 1;
  tape.events.push_back(split);
  say(5'001, EventKind::Add, Side::Buy, 4'995, 1000, 4);
  say(5'001, EventKind::Add, Side::Sell, 5'005, 1000, 5);
  say(12'000, EventKind::Add, Side::Sell, 5'020, 10, 6);
  const auto plan = build_market(Json::parse(R"({"sample_s": 0.5})"), Json::parse(R"({"latency": {"kind": "constant", "feed_ns": 2000000000, "entry_ns": 0, "response_ns": 0}})"),
                                 finish_tape(std::move(tape)), engine_catalog());
  Probe probe;
  probe.start = [](Orders& orders) {
    for (std::int64_t half = 5; half < 23; ++half) orders.set_timer({half * kNanosPerSecond / 2}, static_cast<std::uint64_t>(half));
  };
  std::set<std::int64_t> known;
  probe.timer = [&](Nanos time, std::uint64_t half, Orders& orders) {
    if (half == 5) orders.submit(market_order(0, Side::Buy, 10));   // at 100.10, valued at 100
    if (half <= 5) return;
    known.insert(orders.equity().micros());
    CHECK(orders.position(0) == Lots{time.value < 5 * kNanosPerSecond ? 10 : 20});
    CHECK(orders.mark(0) == Ticks{time.value < 5 * kNanosPerSecond ? 10'000 : 5'000});
  };
  const RunRecord record = play(plan, probe, tiny_account(10'000));
  CHECK(known == std::set<std::int64_t>{micros(9'999)});
  std::set<std::int64_t> sampled;
  for (const EquityRow& row : record.equity) {
    if (row.time.value > 5 * kNanosPerSecond / 2) sampled.insert(row.equity_micros);
  }
  CHECK(sampled == std::set<std::int64_t>{micros(9'999)});
}

TEST_CASE("what the venue sells by force is measured against the mid before it, not the one that it leaves") {
  const auto plan = build_market(Json::parse(R"({"mode": "generated", "duration_s": 600, "generator": "zero_intelligence"})"),
                                 Json::parse(R"({"latency": "none"})"), nullptr, engine_catalog());
  Probe probe;
  probe.start = [](Orders& orders) { orders.set_timer(orders.now() + Nanos{kNanosPerSecond}, 0); };
  probe.timer = [](Nanos time, std::uint64_t, Orders& orders) {
    orders.set_timer(time + Nanos{kNanosPerSecond}, 0);
    const auto lots = static_cast<std::int64_t>(std::min(60.0, orders.equity().units() * 4));   // four fifths of what the margin allows at 100
    if (orders.mark(0).value > 0 && orders.position(0).value == 0 && lots > 0) orders.submit(market_order(0, Side::Buy, lots));
  };
  Terms terms;
  terms.capital = 15;
  terms.leverage = 10'000;
  ContractParams& contract = terms.agreed.contracts["*"];
  contract.kind = ContractKind::Future;
  contract.initial_margin = 0.002;
  contract.maintenance_margin = 0.0019;
  terms.agreed.margin = MarginParams{};
  terms.agreed.margin->liquidation_fee = 0;
  std::size_t measured = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    Simulation simulation(plan, plan->whole(), seed);
    simulation.add(probe, "probe", terms.on(*plan));
    simulation.run();
    const RunRecord record = simulation.record(0);
    std::map<OrderId, std::int64_t> before;
    for (std::size_t i = 0; i < record.orders.size(); ++i) {
      if (record.orders[i].reject == Reject::Liquidated) before[record.orders[i].order] = record.executions[i].arrival_mid;
    }
    for (const MarkoutRow& row : record.markouts) {
      const auto found = before.find(record.fills[row.fill].order);
      if (row.horizon != 0 || found == before.end()) continue;
      ++measured;
      CHECK(row.mid == found->second);
    }
  }
  CHECK(measured > 20);
}

TEST_CASE("portfolio margin by hand: netting within a group, by the stated part, and none between groups") {
  std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B"), tiny_instrument("C")};
  AccountAgreement agreed;
  agreed.contracts["A"].group = agreed.contracts["B"].group = "energy";
  agreed.contracts["B"].beta = 0.5;
  agreed.margin = MarginParams{};
  agreed.margin->mode = MarginMode::Portfolio;
  agreed.margin->moves = {-0.2, -0.1, 0.1, 0.15};
  agreed.margin->initial_ratio = 1.25;
  const auto ask = [&](double offset, double a, double b, double c, bool initial = false) {
    agreed.margin->offset = offset;
    const auto rules = account_rules(agreed, instruments, nullptr, "/account");
    MarginModel model(*rules);
    const std::vector<Money> values{Money::from_units(a), Money::from_units(b), Money::from_units(c)};
    return (initial ? model.initial(values) : model.maintenance(values)).units();
  };
  CHECK(ask(1, 1000, 0, 0) == 200);                        // down 20 %
  CHECK(ask(1, -1000, 0, 0) == 150);                       // up 15 %
  CHECK(ask(1, 1000, -1000, 0) == 100);                    // 20 % of 1000 less 10 % of 1000
  CHECK(ask(1, 1000, -2000, 0) == 0);                      // what one loses the other makes
  CHECK(ask(1, 1000, -2000, 300) == 60);                   // the third is on its own
  CHECK(ask(1, 1000, 0, -1000) == 350);
  CHECK(ask(0, 1000, -2000, 0) == 200 + 2000 * 0.5 * 0.15);
  CHECK(ask(0.5, 1000, -2000, 0) == 175);
  CHECK(ask(1, 1000, -1000, 0, true) == 125);
  CHECK(ask(1, 0, 0, 0) == 0);
}

TEST_CASE("an order that hedges passes where the margin of each leg alone would not") {
  const auto bars = flat({10'000, 10'000, 10'000, 10'000});
  const auto plan = bar_market(bar_tape({{"A", bars}, {"B", bars}}));
  Terms terms;
  terms.leverage = 20;
  terms.agreed.contracts["*"].group = "all";
  terms.agreed.margin = MarginParams{};
  terms.agreed.margin->mode = MarginMode::Portfolio;
  for (const double offset : {0.0, 1.0}) {
    terms.agreed.margin->offset = offset;
    Probe probe;
    OrderId hedge = 0;
    probe.slice = [&](Nanos time, Orders& orders) {
      if (time.value == kPeriod) CHECK(orders.submit(market_order(0, Side::Buy, 60)) != 0);    // 15 % of 6000, x 1.1 = 990
      if (time.value == 2 * kPeriod) hedge = orders.submit(market_order(1, Side::Sell, 60));
    };
    const RunRecord record = play(plan, probe, terms.on(*plan));
    CHECK((hedge != 0) == (offset == 1));
    CHECK(record.orders[1].reject == (offset == 1 ? Reject::None : Reject::Margin));
    CHECK(record.margin.back().used_micros == (offset == 1 ? 0 : micros(990)));
  }
}

TEST_CASE("margin and postings are kept by a store, and enter the hash where there are any") {
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 8'400, 7'500, 7'500, 7'500})}}));
  Probe probe = one_order(market_order(0, Side::Buy, 50));
  RunRecord record = play(plan, probe, perpetual().on(*plan));
  std::vector<Instrument> instruments;
  const auto back = records_from_store(to_store({record}, plan->instruments(), Json::object()), instruments);
  REQUIRE(back.size() == 1);
  CHECK(back[0].margin.size() == record.margin.size());
  CHECK(back[0].margin.back().fund_micros == record.margin.back().fund_micros);
  CHECK(back[0].postings.back().instrument == kNoInstrument);
  CHECK(back[0].costs.insurance == record.costs.insurance);
  CHECK(back[0].liquidations == 1);
  const std::string hash = record_hash({record}, plan->instruments());
  CHECK(record_hash(back, plan->instruments()) == hash);
  record.margin.back().fund_micros += 1;
  CHECK(record_hash({record}, plan->instruments()) != hash);
}

TEST_CASE("the latency of answers delays what the trader knows of a liquidation, and changes nothing of what it comes to") {
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 8'400, 7'500, 7'500, 7'500})}}), R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 0, "response_ns": 90000000000}})");
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time.value == kPeriod) orders.submit(market_order(0, Side::Buy, 50));
    if (time.value == 4 * kPeriod) CHECK(orders.position(0) == Lots{50});
  };
  probe.stop = [](Orders& orders) {
    CHECK(orders.position(0) == Lots{0});
    CHECK(orders.equity() == Money{});
  };
  const RunRecord record = play(plan, probe, perpetual().on(*plan));
  CHECK(record.equity.back().equity_micros == 0);
}

TEST_CASE("fills before the first mark, and while it is 0, are valued like all others") {
  const std::vector<Instrument> instruments{tiny_instrument("A")};
  Account account(instruments, Money::from_units(1000));
  account.mark(0, {0});
  account.fill(0, Side::Buy, {100}, {5}, {}, {});
  account.mark(0, {0});
  account.fill(0, Side::Buy, {101}, {5}, {}, {});
  CHECK(account.equity() == Money::from_units(1000 + 5 * 0.01));   // five of them are a tick up
  account.mark(0, {102});
  CHECK(account.equity() == Money::from_units(1000 + 5 * 0.02 + 5 * 0.01));
}

TEST_CASE("of a bracket whose ends lie within one bar one end fills") {
  Tape tape;
  add_bars(tape, tiny_instrument("A"), {{10'000, 10'010, 9'990, 10'000, 1000}, {10'000, 10'010, 9'990, 10'000, 1000},
                                        {10'000, 10'010, 9'990, 10'000, 1000}, {10'000, 13'000, 6'000, 10'000, 1000}, {10'000, 10'010, 9'990, 10'000, 1000}});
  const auto plan = bar_market(finish_tape(std::move(tape)));
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    const std::int64_t bar = time.value / kPeriod;
    if (bar == 1) orders.submit(market_order(0, Side::Buy, 5));
    if (bar == 3) {
      OrderRequest target = limit_order(0, Side::Sell, 12'000, 5);
      target.reduce_only = true;
      target.link = Link::OneCancelsOther;
      target.group = 1;
      OrderRequest stop = target;
      stop.type = OrderType::Stop;
      stop.price = {};
      stop.trigger_price = {7'000};
      CHECK(orders.submit(target) != 0);
      CHECK(orders.submit(stop) != 0);
    }
    if (bar == 5) CHECK(orders.position(0) == Lots{0});
  };
  const RunRecord record = play(plan, probe, tiny_account(100'000));
  CHECK(record.fills.size() == 2);
  CHECK(record.fills.back().position == Lots{0});
}

TEST_CASE("a quantity or a price beyond all reason is refused before anything is added up") {
  const auto plan = bar_market(bar_tape({{"A", flat({10'000, 10'000, 10'000})}}));
  Probe probe;
  probe.slice = [](Nanos time, Orders& orders) {
    if (time.value / kPeriod != 1) return;
    constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
    CHECK(orders.submit(market_order(0, Side::Buy, kMax)) == 0);
    CHECK(orders.submit(limit_order(0, Side::Sell, kMax, 1)) == 0);
    OrderRequest never = market_order(0, Side::Buy, 1);
    never.type = OrderType::Stop;
    never.trigger_price = {kMax};
    CHECK(orders.submit(never) == 0);
  };
  const RunRecord record = play(plan, probe, tiny_account(100'000));
  CHECK(record.fills.empty());
  REQUIRE(record.orders.size() == 3);
  CHECK(record.orders[0].reject == Reject::BadQuantity);
  CHECK(record.orders[1].reject == Reject::BadPrice);
  CHECK(record.orders[2].reject == Reject::BadTrigger);
}
