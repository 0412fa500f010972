#include "tests/exchange/exchange_venue.hpp"
#include "tests/exchange/random_operations.hpp"
#include "tests/support/allocations.hpp"

#include "engine/base/random.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

struct Quote {
  Side side;
  std::int64_t price, quantity;  // price 0: a market order
};

/// The auction price and volume of a call in which these came, with a reference price.
Exchange::Indication auction(const std::vector<Quote>& quotes, std::int64_t reference) {
  Exchange exchange;
  exchange.set_reference({reference});
  exchange.call(Phase::OpeningCall, {0}, {100});
  OrderId id = 1;
  std::int64_t traded = 0;
  for (const Quote& quote : quotes) {
    exchange.submit(id++, 0,
                    request_of(quote.price == 0 ? OrderType::Market : OrderType::Limit, quote.side,
                               quote.quantity, quote.price),
                    {1});
  }
  const auto told = exchange.indication().value_or(Exchange::Indication{});
  exchange.forget();
  exchange.advance();
  for (const Report& report : exchange.reports()) {
    if (report.kind != Report::Kind::Trade) continue;
    CHECK(report.price == told.price);
    traded += report.quantity.value;
  }
  CHECK(traded == told.volume.value);
  const OrderBook& book = exchange.book();
  CHECK((book.empty(Side::Buy) || book.empty(Side::Sell) ||
         book.best(Side::Buy) < book.best(Side::Sell)));
  return told;
}

}  // namespace

TEST_CASE("an auction takes the most volume, the least surplus, the pressure, then the reference price") {
  using enum Side;
  struct Case {
    const char* rule;
    std::vector<Quote> quotes;
    std::int64_t reference, price, volume, surplus;
  };
  const Case cases[] = {
      {"one price has the most", {{Buy, 202, 200}, {Buy, 201, 200}, {Buy, 200, 300}, {Sell, 200, 100}, {Sell, 198, 200}, {Sell, 197, 400}}, 199, 200, 700, 0},
      {"bids are left over everywhere: the highest", {{Buy, 202, 400}, {Buy, 201, 200}, {Sell, 199, 300}, {Sell, 198, 200}}, 199, 201, 500, 100},
      {"offers are left over everywhere: the lowest", {{Buy, 202, 300}, {Buy, 201, 200}, {Sell, 199, 400}, {Sell, 198, 200}}, 201, 199, 500, -100},
      {"left over on either side: the reference", {{Buy, 202, 400}, {Buy, 201, 100}, {Sell, 199, 100}, {Sell, 198, 400}}, 200, 200, 500, 0},
      {"the reference is above", {{Buy, 202, 400}, {Sell, 199, 400}}, 207, 202, 400, 0},
      {"the reference is below", {{Buy, 202, 400}, {Sell, 199, 400}}, 190, 199, 400, 0},
      {"market orders alone: the reference", {{Buy, 0, 900}, {Sell, 0, 800}}, 200, 200, 800, 100},
      {"market orders alone, no reference: nothing", {{Buy, 0, 900}, {Sell, 0, 800}}, 0, 0, 0, 0},
      {"market orders meet the limits", {{Buy, 0, 100}, {Sell, 200, 60}, {Sell, 203, 60}}, 201, 203, 100, -20},
      {"not crossed: nothing", {{Buy, 199, 100}, {Sell, 200, 100}}, 200, 0, 0, 0},
  };
  for (const Case& one : cases) {
    CAPTURE(one.rule);
    const Exchange::Indication told = auction(one.quotes, one.reference);
    CHECK(told.price.value == one.price);
    CHECK(told.volume.value == one.volume);
    CHECK(told.surplus == one.surplus);
    // Reflected in 400: the same auction.
    std::vector<Quote> mirror;
    for (const Quote& quote : one.quotes)
      mirror.push_back({opposite(quote.side), quote.price == 0 ? 0 : 400 - quote.price, quote.quantity});
    const Exchange::Indication other = auction(mirror, one.reference == 0 ? 0 : 400 - one.reference);
    CHECK(other.price.value == (one.price == 0 ? 0 : 400 - one.price));
    CHECK(other.volume.value == one.volume);
    CHECK(other.surplus == -one.surplus);
  }
}

TEST_CASE("pro-rata gives each its part rounded down, and what is left over in order of time") {
  ExchangeRules rules;
  rules.matching = Matching::ProRata;
  Exchange exchange(rules);
  const std::int64_t sizes[] = {50, 30, 13, 7};
  for (std::size_t i = 0; i < 4; ++i) exchange.add(i + 1, Side::Sell, {100}, {sizes[i]}, {0});
  exchange.forget();
  exchange.take(9, Side::Buy, {33}, {1});
  // 33 x 50, 30, 13, 7 / 100 = 16.5, 9.9, 4.29, 2.31: 16, 9, 4, 2, and 2 more for the first.
  std::vector<std::int64_t> parts;
  for (const Report& report : exchange.reports()) parts.push_back(report.quantity.value);
  CHECK(parts == std::vector<std::int64_t>{18, 9, 4, 2});
}

TEST_CASE("an order that would trade outside the range is held back, begins an auction, or halts trading") {
  for (const RangeAction action : {RangeAction::LimitUpDown, RangeAction::Auction, RangeAction::Halt}) {
    for (const bool mirrored : {false, true}) {
      CAPTURE(static_cast<int>(action));
      CAPTURE(mirrored);
      ExchangeRules rules;
      rules.dynamic_bps = 200;  // 2 ticks from 100
      rules.range_action = action;
      rules.pause = {50};
      Floor floor(mirrored, rules);
      floor.crowd(Side::Sell, 100, 1), floor.crowd(Side::Buy, 100, 1);
      floor.crowd(Side::Sell, 102, 5), floor.crowd(Side::Sell, 103, 5);
      const OrderId id = floor.submit(limit_of(Side::Buy, 104, 8));
      const bool gathers = action == RangeAction::Auction;
      CHECK(floor.said(id) == (gathers ? "F5@102 A3" : "F5@102 C3:price_band"));
      CHECK(floor.exchange().phase() == (gathers                         ? Phase::VolatilityCall
                                         : action == RangeAction::Halt ? Phase::Halted
                                                                       : Phase::Continuous));
      floor.until(60);
      if (gathers) CHECK(floor.said(id) == "F3@103");
      if (action == RangeAction::Halt) CHECK(floor.exchange().phase() == Phase::VolatilityCall);
      floor.until(120);
      CHECK(floor.exchange().phase() == Phase::Continuous);
    }
  }
}

TEST_CASE("a halt in the middle of a fill keeps what traded and ends or keeps the rest as the rule says") {
  Exchange exchange;
  exchange.add(1, Side::Sell, {100}, {5}, {0});
  exchange.add(2, Side::Buy, {100}, {8}, {1});
  exchange.halt({2}, {10});
  exchange.forget();
  exchange.add(3, Side::Sell, {100}, {3}, {3});
  exchange.replace(2, {101}, {3}, {3});
  CHECK(exchange.reports()[0].why == Reject::Halted);
  CHECK(exchange.reports()[1].why == Reject::Halted);
  exchange.cancel(2);
  CHECK(exchange.reports()[2].kind == Report::Kind::Cancelled);
  CHECK(exchange.reports()[2].quantity == Lots{3});
  CHECK(exchange.next_time() == Nanos{10});
}

TEST_CASE("reflected requests give reflected reports") {
  constexpr std::int64_t kMirror = 200;
  const auto flip = [](Side side) { return opposite(side); };
  for (std::uint64_t market = 0; market < 60; ++market) {
    Rng random(market, "exchange mirror");
    const auto below = [&](std::uint64_t bound) { return random.below(bound); };
    ExchangeRules rules;
    rules.matching = static_cast<Matching>(below(2));
    rules.self_trade = static_cast<SelfTrade>(below(5));
    rules.lot = {below(2) == 0 ? 1 : 5};
    Exchange left(rules), right(rules);
    std::int64_t now = 0;
    for (OrderId id = 1; id < 800; ++id, ++now) {
      left.forget(), right.forget();
      const auto what = below(10);
      if (what < 7) {
        OrderRequest request = random_request(below, rules);
        if (request.price.value < 0) request.price.value = -request.price.value;
        const auto owner = static_cast<std::uint32_t>(below(3));
        left.submit(id, owner, request, {now});
        request.side = flip(request.side);
        if (request.type == OrderType::Limit) request.price.value = kMirror - request.price.value;
        right.submit(id, owner, request, {now});
      } else if (what < 9) {
        const OrderId old = 1 + below(id);
        left.cancel(old), right.cancel(old);
      } else {
        const OrderId old = 1 + below(id);
        const std::int64_t price = 93 + static_cast<std::int64_t>(below(15));
        const Lots quantity{static_cast<std::int64_t>(1 + below(9)) * rules.lot.value};
        left.replace(old, {price}, quantity, {now});
        right.replace(old, {kMirror - price}, quantity, {now});
      }
      REQUIRE(left.reports().size() == right.reports().size());
      for (std::size_t i = 0; i < left.reports().size(); ++i) {
        const Report& a = left.reports()[i];
        const Report& b = right.reports()[i];
        const bool same_price = a.price.value == b.price.value && a.kind != Report::Kind::Trade;
        REQUIRE((same_price || a.price.value + b.price.value == kMirror));
        const bool unknown = a.why == Reject::UnknownOrder;
        REQUIRE((unknown || a.side == flip(b.side)));
        REQUIRE((a.kind == b.kind && a.why == b.why && a.order == b.order && a.maker == b.maker &&
                 a.quantity == b.quantity && a.left == b.left && a.maker_left == b.maker_left));
      }
    }
  }
}

TEST_CASE("quantity is conserved: what was asked for trades, rests, or is reported gone") {
#ifdef WALRAS_SLOW
  constexpr std::uint64_t kSteps = 20'000'000;
#else
  constexpr std::uint64_t kSteps = 400'000;
#endif
  for (const Matching matching : {Matching::PriceTime, Matching::ProRata}) {
    ExchangeRules rules;
    rules.matching = matching;
    rules.self_trade = SelfTrade::CancelOldest;
    Exchange exchange(rules, 256);
    Rng random(11, "conservation");
    const auto below = [&](std::uint64_t bound) { return random.below(bound); };
    std::int64_t asked = 0, gone = 0, bought = 0;
    OrderId id = 1;
    std::int64_t now = 0;
    for (std::uint64_t step = 0; step < kSteps; ++step, ++now) {
      exchange.forget();
      if (below(3) != 0) {
        const OrderRequest request = random_request(below, rules);
        exchange.submit(id++, static_cast<std::uint32_t>(below(4)), request, {now});
        asked += request.quantity.value;
      } else {
        exchange.cancel(id - std::min<OrderId>(id - 1, 1 + below(200)));
      }
      for (const Report& report : exchange.reports()) {
        if (report.kind == Report::Kind::Trade) {
          gone += 2 * report.quantity.value;
          bought += report.quantity.value;
        } else if (report.kind == Report::Kind::Cancelled ||
                   (report.kind == Report::Kind::Rejected && report.why != Reject::UnknownOrder)) {
          gone += report.quantity.value;
        }
      }
    }
    std::int64_t open = 0;
    for (OrderId each = 1; each < id; ++each) {
      if (const auto there = exchange.find(each)) open += there->quantity.value;
    }
    CHECK(bought > 0);
    CHECK(asked == gone + open);
  }
}

TEST_CASE("nothing is allocated once room is reserved") {
  Exchange exchange;
  exchange.reserve(20'000, 0, 4096);
  Rng random(5, "allocations");
  const auto below = [&](std::uint64_t bound) { return random.below(bound); };
  const ExchangeRules rules;
  const auto play = [&](OrderId from, OrderId to) {
    for (OrderId id = from; id < to; ++id) {
      exchange.forget();
      exchange.submit(id, static_cast<std::uint32_t>(below(3)), random_request(below, rules), {1});
      exchange.cancel(id - std::min<OrderId>(id - 1, below(100)));
    }
  };
  play(1, 10'000);
  const auto before = allocations();
  play(10'000, 20'000);
  CHECK(allocations() == before);
}
