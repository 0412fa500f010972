// Random operations of every kind against the naive book, and against the same operations in a
// mirror.
#include "engine/base/random.hpp"
#include "engine/book/order_book.hpp"
#include "tests/book/naive_book.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <new>
#include <vector>

using namespace walras;
using namespace walras::engine;

// Counts every allocation of this executable. malloc's own result is what the replaced operators
// must return.
static std::size_t allocations = 0;
void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  ++allocations;
  const std::size_t align = static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(align, (size + align - 1) / align * align)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace {

enum class Kind : std::uint8_t { Limit, Market, Cancel, Reduce, Replace, Rest };
struct Operation {
  Kind kind;
  Side side;
  TimeInForce time_in_force = TimeInForce::GoodTillCancel;
  bool flag = false;  // post-only, or fill-or-kill for market orders
  OrderId id;
  std::int64_t price = 0, quantity = 0;
};

// A mid price that walks, and now and then jumps or crashes; prices mostly near it, some far away.
// Orders are cancelled at random from those that may rest, so that few are live and the naive book
// keeps up.
class Operations {
 public:
  Operations(std::uint64_t seed, bool crossed_feed)
      : random_(seed, "book operations"), crossed_feed_(crossed_feed) {}
  Operation next() {
    const double move = random_.uniform();
    if (move < 0.2) mid_ += random_.bernoulli(0.5) ? 1 : -1;
    if (move > 0.9999) mid_ += static_cast<std::int64_t>(random_.below(200'000)) - 100'000;
    Operation made{};
    made.side = random_.bernoulli(0.5) ? Side::Buy : Side::Sell;
    made.quantity = 1 + static_cast<std::int64_t>(random_.below(50));
    made.price = price(made.side);
    made.flag = random_.bernoulli(0.1);
    const double kind = random_.uniform();
    const double enter = rested_.size() < 80 ? 0.6 : 0.3;
    if (kind < enter) {
      made.kind = crossed_feed_ && random_.bernoulli(0.3) ? Kind::Rest : Kind::Limit;
      const double force = random_.uniform();
      made.time_in_force = force < 0.8   ? TimeInForce::GoodTillCancel
                           : force < 0.9 ? TimeInForce::ImmediateOrCancel
                                         : TimeInForce::FillOrKill;
      made.id = random_.bernoulli(0.001) ? random_.below(next_id_) : next_id_++;
      if (made.kind == Kind::Rest || force < 0.8) rested_.push_back(made.id);
    } else if (kind < enter + 0.05) {
      made.kind = Kind::Market;
      made.quantity *= random_.bernoulli(0.02) ? 20 : 1;
      made.id = next_id_++;
    } else if (!rested_.empty()) {
      const std::size_t which = random_.below(rested_.size());  // may have traded meanwhile
      made.id = rested_[which];
      made.kind = kind < 0.75 ? Kind::Cancel : kind < 0.87 ? Kind::Reduce : Kind::Replace;
      if (made.kind == Kind::Cancel) {
        rested_[which] = rested_.back();
        rested_.pop_back();
      } else if (random_.bernoulli(0.02)) {
        made.quantity = -made.quantity;
      }
    } else {
      made.kind = Kind::Cancel;
      made.id = next_id_;
    }
    return made;
  }

 private:
  std::int64_t price(Side side) {
    const double kind = random_.uniform();
    std::int64_t distance = 1 + static_cast<std::int64_t>(random_.geometric(0.2));
    if (kind < 0.1) distance = -static_cast<std::int64_t>(random_.below(4));
    if (kind > 0.98) distance = 1 + static_cast<std::int64_t>(random_.below(2000));
    return mid_ - sign(side) * distance;
  }
  Rng random_;
  bool crossed_feed_;
  std::vector<OrderId> rested_;
  std::int64_t mid_ = 0;
  OrderId next_id_ = 1;
};

template <class OnTrade>
Outcome apply(OrderBook& book, const Operation& o, OnTrade&& on_trade) {
  switch (o.kind) {
    case Kind::Limit:
      return book.limit(o.id, o.side, {o.price}, {o.quantity}, o.time_in_force, o.flag, on_trade);
    case Kind::Market:
      return book.market(o.id, o.side, {o.quantity}, on_trade, o.flag);
    case Kind::Cancel:
      return book.cancel(o.id);
    case Kind::Reduce:
      return book.reduce(o.id, {o.quantity});
    case Kind::Replace:
      return book.replace(o.id, {o.price}, {o.quantity}, o.flag, on_trade);
    case Kind::Rest:
      return book.rest(o.id, o.side, {o.price}, {o.quantity});
  }
  return {};
}

Outcome apply(NaiveBook& book, const Operation& o) {
  switch (o.kind) {
    case Kind::Limit:
      return book.limit(o.id, o.side, o.price, o.quantity, o.time_in_force, o.flag);
    case Kind::Market:
      return book.market(o.id, o.side, o.quantity, o.flag);
    case Kind::Cancel:
      return book.cancel(o.id);
    case Kind::Reduce:
      return book.reduce(o.id, o.quantity);
    case Kind::Replace:
      return book.replace(o.id, o.price, o.quantity, o.flag);
    case Kind::Rest:
      return book.rest(o.id, o.side, o.price, o.quantity);
  }
  return {};
}

bool same(const Outcome& a, const Outcome& b) {
  return a.reject == b.reject && a.filled == b.filled && a.resting == b.resting &&
         a.cancelled == b.cancelled;
}
bool same(const Match& a, const Match& b) {
  return a.maker == b.maker && a.taker == b.taker && a.side == b.side && a.price == b.price &&
         a.quantity == b.quantity && a.maker_left == b.maker_left;
}

// Every price of both sides, best first, with its sum and count: what is left after taking every
// naive order off is nothing.
bool same_depth(const OrderBook& book, const NaiveBook& naive) {
  struct Left {
    std::int64_t key, quantity, orders;
  };
  std::array<std::vector<Left>, 2> levels;
  for (const Side side : {Side::Buy, Side::Sell}) {
    auto& list = levels[static_cast<std::size_t>(side)];
    list.reserve(64);
    book.visit_levels(side, [&](Ticks price, const OrderBook::LevelView& level) {
      list.push_back({-sign(side) * price.value, level.quantity.value, level.orders});
      return true;
    });
    if (list.size() != book.levels(side) || list.empty() != book.empty(side)) return false;
    if (!list.empty() && list[0].key != -sign(side) * book.best(side).value) return false;
    for (std::size_t i = 1; i < list.size(); ++i) {
      if (list[i].key <= list[i - 1].key) return false;
    }
  }
  for (const NaiveBook::Order& order : naive.orders) {
    auto& list = levels[static_cast<std::size_t>(order.side)];
    const std::int64_t key = -sign(order.side) * order.price;
    const auto at = std::lower_bound(list.begin(), list.end(), key,
                                     [](const Left& a, std::int64_t b) { return a.key < b; });
    if (at == list.end() || at->key != key) return false;
    at->quantity -= order.quantity;
    --at->orders;
  }
  for (const auto& list : levels) {
    for (const Left& left : list) {
      if (left.quantity != 0 || left.orders != 0) return false;
    }
  }
  return book.orders() == naive.orders.size();
}

// Queue order within every price, and what queries by id answer.
bool same_queues(const OrderBook& book, const NaiveBook& naive) {
  std::map<std::pair<Side, std::int64_t>, std::int64_t> ahead;
  for (const NaiveBook::Order& order : naive.orders) {
    std::int64_t& sum = ahead[{order.side, order.price}];
    const auto found = book.find(order.id);
    if (!found || found->side != order.side || found->price.value != order.price ||
        found->quantity.value != order.quantity || book.ahead(order.id).value != sum) {
      return false;
    }
    sum += order.quantity;
  }
  return true;
}

void compare(std::uint64_t seed, bool crossed_feed, std::size_t count) {
  CAPTURE(seed);
  OrderBook book(64);
  NaiveBook naive;
  Operations operations(seed, crossed_feed);
  std::vector<Match> trades;
  for (std::size_t i = 0; i < count; ++i) {
    const Operation operation = operations.next();
    trades.clear();
    naive.trades.clear();
    const Outcome outcome =
        apply(book, operation, [&](const Match& match) { trades.push_back(match); });
    const Outcome expected = apply(naive, operation);
    bool equal = same(outcome, expected) && trades.size() == naive.trades.size();
    for (std::size_t k = 0; equal && k < trades.size(); ++k)
      equal = same(trades[k], naive.trades[k]);
    equal = equal && same_depth(book, naive) && (i % 64 != 0 || same_queues(book, naive));
    if (!equal) {
      CAPTURE(i);
      REQUIRE(equal);
    }
  }
}

}  // namespace

TEST_CASE("the book equals the naive book on a million random operations") {
  compare(1, false, 600'000);
  compare(2, true, 400'000);  // with orders rested through the other side
}

TEST_CASE("reflected input gives reflected output") {
  OrderBook book(128), mirror(128);
  Operations operations(3, true);
  std::vector<Match> trades, mirrored;
  for (std::size_t i = 0; i < 100'000; ++i) {
    Operation operation = operations.next();
    trades.clear();
    mirrored.clear();
    const Outcome outcome =
        apply(book, operation, [&](const Match& match) { trades.push_back(match); });
    operation.side = opposite(operation.side);
    operation.price = -operation.price;
    const Outcome reflected =
        apply(mirror, operation, [&](const Match& match) { mirrored.push_back(match); });
    REQUIRE(same(outcome, reflected));
    REQUIRE(trades.size() == mirrored.size());
    for (std::size_t k = 0; k < trades.size(); ++k) {
      mirrored[k].side = opposite(mirrored[k].side);
      mirrored[k].price = -mirrored[k].price;
      REQUIRE(same(trades[k], mirrored[k]));
    }
    Depth depth, turned;
    book.depth(depth);
    mirror.depth(turned);
    REQUIRE(depth.bids == turned.asks);
    REQUIRE(depth.asks == turned.bids);
    bool equal = true;
    for (std::size_t k = 0; k < depth.bids; ++k) {
      equal = equal && depth.bid[k].price == -turned.ask[k].price &&
              depth.bid[k].quantity == turned.ask[k].quantity;
    }
    for (std::size_t k = 0; k < depth.asks; ++k) {
      equal = equal && depth.ask[k].price == -turned.bid[k].price &&
              depth.ask[k].quantity == turned.bid[k].quantity;
    }
    REQUIRE(equal);
  }
}

TEST_CASE("no quantity appears or is lost") {
  OrderBook book(256);
  Operations operations(4, false);
  std::int64_t entered = 0, traded = 0, cancelled = 0;
  for (std::size_t i = 0; i < 200'000; ++i) {
    const Operation operation = operations.next();
    const auto before = operation.kind == Kind::Replace ? book.find(operation.id) : std::nullopt;
    const Outcome outcome =
        apply(book, operation, [&](const Match& match) { traded += match.quantity.value; });
    if (outcome.reject != Reject::None) continue;
    if (operation.kind == Kind::Limit || operation.kind == Kind::Market) {
      entered += operation.quantity;
      cancelled += outcome.cancelled.value;
    } else if (operation.kind == Kind::Replace) {
      entered += operation.quantity;
      cancelled += before->quantity.value;  // leaves with the old quantity, enters with the new one
    } else {
      cancelled += outcome.cancelled.value;
    }
  }
  std::int64_t resting = 0;
  for (const Side side : {Side::Buy, Side::Sell}) {
    book.visit_levels(side, [&](Ticks, const OrderBook::LevelView& level) {
      resting += level.quantity.value;
      return true;
    });
  }
  CHECK(traded > 100'000);
  CHECK(entered ==
        2 * traded + cancelled + resting);  // a trade uses up quantity of both its orders
}

TEST_CASE("a reserved book does not allocate") {
  OrderBook book(64);
  book.reserve(1'000'000, 0, 2'000);
  Operations operations(5, false);
  std::vector<Operation> made;
  {
    OrderBook rehearsal(64);
    for (std::size_t i = 0; i < 300'000; ++i) {
      made.push_back(operations.next());
      apply(rehearsal, made.back(), [](const Match&) {});
    }
  }
  const std::size_t before = allocations;
  std::int64_t traded = 0;
  Depth depth;
  for (const Operation& operation : made) {
    apply(book, operation, [&](const Match& match) { traded += match.quantity.value; });
    book.depth(depth);
  }
  CHECK(allocations == before);
  CHECK(traded > 0);
}
