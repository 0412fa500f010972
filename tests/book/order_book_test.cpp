#include "engine/book/order_book.hpp"

#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

using namespace walras;
using namespace walras::engine;

namespace {

struct Tester {
  OrderBook book{64};
  std::vector<Match> trades;
  Outcome limit(OrderId id, Side side, std::int64_t price, std::int64_t quantity,
                TimeInForce time_in_force = TimeInForce::GoodTillCancel, bool post_only = false) {
    return book.limit(id, side, {price}, {quantity}, time_in_force, post_only,
                      [this](const Match& match) { trades.push_back(match); });
  }
  Outcome market(OrderId id, Side side, std::int64_t quantity, bool fill_or_kill = false) {
    return book.market(
        id, side, {quantity}, [this](const Match& match) { trades.push_back(match); },
        fill_or_kill);
  }
  Outcome replace(OrderId id, std::int64_t price, std::int64_t quantity, bool post_only = false) {
    return book.replace(id, {price}, {quantity}, post_only,
                        [this](const Match& match) { trades.push_back(match); });
  }
};

}  // namespace

TEST_CASE("the best price trades first, and at one price the oldest order") {
  Tester t;
  t.limit(1, Side::Sell, 101, 5);
  t.limit(2, Side::Sell, 100, 5);
  t.limit(3, Side::Sell, 100, 5);
  const Outcome outcome = t.limit(4, Side::Buy, 101, 12);
  CHECK(outcome.filled == Lots{12});
  CHECK(outcome.resting == Lots{0});
  REQUIRE(t.trades.size() == 3);
  CHECK(t.trades[0].maker == 2);
  CHECK(t.trades[0].price == Ticks{100});
  CHECK(t.trades[1].maker == 3);
  CHECK(t.trades[2].maker == 1);
  CHECK(t.trades[2].quantity == Lots{2});
  CHECK(t.trades[2].maker_left == Lots{3});
  CHECK(t.trades[2].price == Ticks{101});
  CHECK(t.trades[2].side == Side::Buy);
  CHECK(t.trades[2].taker == 4);
  CHECK(t.book.orders() == 1);
}

TEST_CASE("what an immediate-or-cancel order cannot trade never rests") {
  Tester t;
  t.limit(1, Side::Sell, 100, 5);
  const Outcome outcome = t.limit(2, Side::Buy, 100, 8, TimeInForce::ImmediateOrCancel);
  CHECK(outcome.filled == Lots{5});
  CHECK(outcome.cancelled == Lots{3});
  CHECK(t.book.orders() == 0);
  CHECK(t.book.empty(Side::Buy));
}

TEST_CASE("fill-or-kill trades everything or nothing") {
  Tester t;
  t.limit(1, Side::Sell, 100, 5);
  t.limit(2, Side::Sell, 102, 5);
  CHECK(t.limit(3, Side::Buy, 101, 6, TimeInForce::FillOrKill).reject == Reject::CannotFill);
  CHECK(t.limit(3, Side::Buy, 99, 1, TimeInForce::FillOrKill).reject == Reject::CannotFill);
  CHECK(t.market(3, Side::Buy, 11, true).reject == Reject::CannotFill);
  CHECK(t.trades.empty());
  CHECK(t.limit(3, Side::Buy, 102, 10, TimeInForce::FillOrKill).filled == Lots{10});
  CHECK(t.book.orders() == 0);
}

TEST_CASE("a post-only order that would trade is refused") {
  Tester t;
  t.limit(1, Side::Sell, 100, 5);
  CHECK(t.limit(2, Side::Buy, 100, 1, TimeInForce::GoodTillCancel, true).reject ==
        Reject::WouldCross);
  CHECK(t.limit(2, Side::Buy, 99, 1, TimeInForce::GoodTillCancel, true).resting == Lots{1});
  CHECK(t.replace(2, 100, 1, true).reject == Reject::WouldCross);
  CHECK(t.book.find(2)->price == Ticks{99});
}

TEST_CASE("a market order needs a market and cancels what it cannot fill") {
  Tester t;
  CHECK(t.market(1, Side::Sell, 5).reject == Reject::NoMarket);
  t.limit(2, Side::Buy, -3, 4);
  const Outcome outcome = t.market(3, Side::Sell, 5);
  CHECK(outcome.filled == Lots{4});
  CHECK(outcome.cancelled == Lots{1});
  CHECK(t.trades.back().price == Ticks{-3});
}

TEST_CASE("priority survives a reduction at the same price and nothing else") {
  Tester t;
  t.limit(1, Side::Buy, 10, 5);
  t.limit(2, Side::Buy, 10, 5);
  t.limit(3, Side::Buy, 10, 5);
  CHECK(t.book.ahead(3) == Lots{10});
  CHECK(t.replace(1, 10, 3).cancelled == Lots{2});
  CHECK(t.book.front(Side::Buy) == 1);
  CHECK(t.book.ahead(3) == Lots{8});
  t.replace(1, 10, 4);
  CHECK(t.book.front(Side::Buy) == 2);
  CHECK(t.book.ahead(1) == Lots{10});
  t.replace(2, 11, 1);
  t.replace(2, 10, 1);
  CHECK(t.book.ahead(2) == Lots{9});
  CHECK(t.book.level(Side::Buy, {10}).quantity == Lots{10});
  CHECK(t.book.level(Side::Buy, {10}).orders == 3);
}

TEST_CASE("a replaced order may trade at its new price") {
  Tester t;
  t.limit(1, Side::Buy, 10, 5);
  t.limit(2, Side::Sell, 12, 3);
  const Outcome outcome = t.replace(1, 12, 7);
  CHECK(outcome.filled == Lots{3});
  CHECK(outcome.resting == Lots{4});
  CHECK(t.book.best(Side::Buy) == Ticks{12});
}

TEST_CASE("reduce takes part of an order or all of it, never more") {
  Tester t;
  t.limit(1, Side::Sell, 10, 5);
  CHECK(t.book.reduce(1, {6}).reject == Reject::BadQuantity);
  CHECK(t.book.reduce(1, {0}).reject == Reject::BadQuantity);
  CHECK(t.book.reduce(1, {-1}).reject == Reject::BadQuantity);
  CHECK(t.book.reduce(2, {1}).reject == Reject::UnknownOrder);
  CHECK(t.book.reduce(1, {2}).resting == Lots{3});
  CHECK(t.book.level(Side::Sell, {10}).quantity == Lots{3});
  CHECK(t.book.reduce(1, {3}).resting == Lots{0});
  CHECK(t.book.empty(Side::Sell));
}

TEST_CASE("bad ids, quantities and prices are refused and change nothing") {
  Tester t;
  CHECK(t.limit(0, Side::Buy, 1, 1).reject == Reject::UnknownOrder);
  CHECK(t.limit(OrderBook::kMaxId + 1, Side::Buy, 1, 1).reject == Reject::Capacity);
  CHECK(t.limit(~OrderId{0}, Side::Buy, 1, 1).reject == Reject::Capacity);
  CHECK(t.limit(1, Side::Buy, 1, 0).reject == Reject::BadQuantity);
  CHECK(t.limit(1, Side::Buy, 1, -1).reject == Reject::BadQuantity);
  CHECK(t.limit(1, Side::Buy, 1, INT64_MIN).reject == Reject::BadQuantity);
  CHECK(t.limit(1, Side::Buy, OrderBook::kMaxPrice + 1, 1).reject == Reject::BadPrice);
  CHECK(t.limit(1, Side::Buy, INT64_MIN, 1).reject == Reject::BadPrice);
  CHECK(t.market(1, Side::Buy, 0).reject == Reject::BadQuantity);
  CHECK(t.book.cancel(77).reject == Reject::UnknownOrder);
  CHECK(t.book.cancel(~OrderId{0}).reject == Reject::UnknownOrder);
  CHECK(t.book.orders() == 0);
  t.limit(1, Side::Buy, 1, INT64_MAX);
  CHECK(t.limit(2, Side::Buy, 1, 1).reject == Reject::BadQuantity);
  CHECK(t.limit(1, Side::Buy, 2, 1).reject == Reject::DuplicateOrder);
  t.limit(3, Side::Buy, 2, 1);
  CHECK(t.replace(3, 1, 1).reject == Reject::BadQuantity);
  CHECK(t.replace(3, OrderBook::kMaxPrice + 1, 1).reject == Reject::BadPrice);
  CHECK(t.replace(3, 1, 0).reject == Reject::BadQuantity);
  CHECK(t.replace(4, 1, 1).reject == Reject::UnknownOrder);
  CHECK(t.book.best(Side::Buy) == Ticks{2});
  CHECK(t.market(5, Side::Sell, INT64_MAX).filled == Lots{INT64_MAX});
}

TEST_CASE("a recorded feed may rest orders through the other side") {
  Tester t;
  CHECK(t.book.rest(1, Side::Buy, {10}, {5}).resting == Lots{5});
  CHECK(t.book.rest(2, Side::Sell, {9}, {4}).resting == Lots{4});
  CHECK(t.book.rest(3, Side::Sell, {10}, {4}).resting == Lots{4});
  CHECK(t.book.best(Side::Buy) == Ticks{10});
  CHECK(t.book.best(Side::Sell) == Ticks{9});
  CHECK(t.book.level(Side::Sell, {10}).quantity == Lots{4});
  CHECK(t.limit(4, Side::Buy, 9, 3).filled == Lots{3});
  CHECK(t.book.reduce(2, {1}).resting == Lots{0});
  CHECK(t.book.best(Side::Sell) == Ticks{10});
}

TEST_CASE("prices far from the window, jumps and a crash keep their order") {
  Tester t;
  OrderId id = 1;
  std::vector<std::int64_t> prices;
  for (const std::int64_t price :
       {std::int64_t{0}, std::int64_t{100}, std::int64_t{-100'000}, std::int64_t{70},
        std::int64_t{1'000'000'000}, std::int64_t{63}, std::int64_t{64}, -OrderBook::kMaxPrice,
        OrderBook::kMaxPrice, std::int64_t{999'999'990}}) {
    prices.push_back(price);
    t.limit(id++, Side::Buy, price, 2);
    t.limit(id++, Side::Buy, price, 1);
  }
  std::sort(prices.begin(), prices.end(), std::greater<>());
  std::vector<std::int64_t> seen;
  t.book.visit_levels(Side::Buy, [&](Ticks price, const OrderBook::LevelView& level) {
    CHECK(level.quantity == Lots{3});
    CHECK(level.orders == 2);
    seen.push_back(price.value);
    return true;
  });
  CHECK(seen == prices);
  Depth depth;
  t.book.depth(depth);
  CHECK(depth.bids == 10);
  CHECK(depth.asks == 0);
  CHECK(depth.bid[9].price == Ticks{-OrderBook::kMaxPrice});
  CHECK(t.market(id++, Side::Sell, 100).filled == Lots{30});
  REQUIRE(t.trades.size() == 20);
  for (std::size_t i = 0; i < 20; ++i) CHECK(t.trades[i].price == Ticks{prices[i / 2]});
  CHECK(t.book.orders() == 0);
  t.limit(id++, Side::Buy, -5'000'000, 1);
  CHECK(t.book.best(Side::Buy) == Ticks{-5'000'000});
}

TEST_CASE("a copy of a book goes its own way, and a cleared book is empty") {
  Tester t;
  for (OrderId id = 1; id <= 200; ++id)
    t.limit(id, Side::Sell, 100 + static_cast<std::int64_t>(id * 7), 1);
  OrderBook copy = t.book;
  t.market(1000, Side::Buy, 100);
  CHECK(t.book.orders() == 100);
  CHECK(copy.orders() == 200);
  CHECK(copy.best(Side::Sell) == Ticks{107});
  copy.clear();
  CHECK(copy.orders() == 0);
  CHECK(copy.empty(Side::Sell));
  CHECK(copy.cancel(150).reject == Reject::UnknownOrder);
  CHECK(copy.rest(150, Side::Buy, {5}, {1}).resting == Lots{1});
  CHECK(t.book.cancel(150).reject == Reject::None);
}

TEST_CASE("a window that is no power of two is refused") {
  CHECK_THROWS_AS(OrderBook(100), Error);
  CHECK_THROWS_AS(OrderBook(32), Error);
}
