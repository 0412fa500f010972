#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

/// A recorded book written line by line; times count up by one microsecond.
class BookTape {
 public:
  BookTape() { tape_.instruments.push_back(tiny_instrument("A")); }
  BookTape& add(OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    return put(EventKind::Add, order, side, price, lots);
  }
  BookTape& reduce(OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    return put(EventKind::Reduce, order, side, price, lots);
  }
  BookTape& remove(OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    return put(EventKind::Delete, order, side, price, lots);
  }
  BookTape& execute(OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    return put(EventKind::Execute, order, side, price, lots);
  }
  BookTape& hidden(Side side, std::int64_t price, std::int64_t lots) {
    return put(EventKind::Hidden, 0, side, price, lots);
  }
  BookTape& halt(std::int64_t state) { return put(EventKind::Halt, 0, Side::Sell, state, 0); }
  BookTape& opening(std::int64_t bid, std::int64_t bid_lots, std::int64_t ask,
                    std::int64_t ask_lots) {
    Depth book;
    book.bids = book.asks = 1;
    book.bid[0] = {{bid}, {bid_lots}};
    book.ask[0] = {{ask}, {ask_lots}};
    tape_.initial_books = {book};
    return *this;
  }
  /// The time of the next line.
  [[nodiscard]] std::int64_t now() const {
    return static_cast<std::int64_t>(tape_.events.size()) * 1000;
  }
  std::shared_ptr<const Tape> finish() {
    // One more message far away, so that the last line of a test lies inside the span.
    put(EventKind::Halt, 0, Side::Sell, 1, 0);
    return finish_tape(std::move(tape_));
  }

 private:
  BookTape& put(EventKind kind, OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    tape_.events.push_back(book_event({now()}, kind, side, price, lots, order));
    return *this;
  }
  Tape tape_;
};

std::shared_ptr<const MarketPlan> book_market(BookTape& tape,
                                              const std::string& venue = R"({"latency": "none"})") {
  const EngineCatalog catalog = engine_catalog();
  return build_market(Json::object(), Json::parse(venue), tape.finish(), catalog);
}

/// Sends `request` when line `line` of the tape has been seen.
Probe order_after(std::size_t line, const OrderRequest& request) {
  Probe probe;
  probe.event = [line, request, seen = std::size_t{0}](const Event& event, Orders& orders) mutable {
    if (event.kind < EventKind::Accepted && seen++ == line) orders.submit(request);
  };
  return probe;
}

std::vector<std::pair<std::int64_t, std::int64_t>> fills_of(const RunRecord& record) {
  std::vector<std::pair<std::int64_t, std::int64_t>> fills;
  for (const FillRow& fill : record.fills)
    fills.emplace_back(fill.price.value, fill.quantity.value);
  return fills;
}

using Fills = std::vector<std::pair<std::int64_t, std::int64_t>>;

}  // namespace

TEST_CASE("a resting order waits for the queue ahead of it, by order ids") {
  BookTape tape;
  tape.add(1, Side::Buy, 100, 10)
      .add(2, Side::Sell, 102, 10);    // own buy of 5 at 100 joins behind order 1
  tape.add(3, Side::Buy, 100, 20);     // behind us
  tape.remove(3, Side::Buy, 100, 20);  // behind us leaves: no step forward
  tape.reduce(1, Side::Buy, 100, 4);   // ahead: 6 left
  tape.execute(1, Side::Buy, 100, 4);  // 2 left
  tape.add(4, Side::Buy, 100, 7);
  tape.execute(1, Side::Buy, 100, 2);  // the queue ahead is gone
  tape.execute(4, Side::Buy, 100, 3);  // would have met us first
  tape.execute(4, Side::Buy, 100, 4);
  Probe probe = order_after(1, limit_order(0, Side::Buy, 100, 5));
  const auto plan = book_market(tape);
  const RunRecord record = play(plan, probe);
  CHECK(fills_of(record) == Fills{{100, 3}, {100, 2}});
  CHECK(record.fills[0].maker);
  CHECK(record.fills[0].time == Nanos{8000});
  CHECK(probe.fills[0].remaining == Lots{2});
  CHECK(plan->resolved().at("venue").at("queue") == Json("fifo"));
}

TEST_CASE("risk averse: cancels ahead do not help, trades do") {
  BookTape tape;
  tape.add(1, Side::Buy, 100, 10).add(2, Side::Sell, 102, 10);
  tape.add(3, Side::Buy, 100, 20);
  tape.remove(1, Side::Buy, 100, 10);
  tape.execute(3, Side::Buy, 100, 9);
  tape.execute(3, Side::Buy, 100, 4);
  Probe probe = order_after(1, limit_order(0, Side::Buy, 100, 5));
  CHECK(fills_of(play(book_market(tape, R"({"latency": "none", "queue": "risk_averse"})"),
                      probe)) == Fills{{100, 3}});
}

TEST_CASE(
    "what trades through a resting order, prints against hidden orders or crosses it, fills it, "
    "once") {
  for (const Side side : {Side::Buy, Side::Sell}) {
    // Mirrored: reflected input gives reflected output.
    const auto at = [side](std::int64_t price) { return side == Side::Buy ? price : 1000 - price; };
    const Side other = opposite(side);
    BookTape tape;
    tape.add(1, side, at(100), 10).add(2, other, at(104), 10);
    tape.execute(1, side, at(100), 4);  // a worse price than ours: 4 of ours first
    tape.hidden(side, at(101), 1);      // at our price, nobody displayed ahead
    tape.hidden(side, at(103), 1);      // better than our price: not ours
    tape.add(3, other, at(101), 2);     // would have met us
    Probe probe = order_after(1, limit_order(0, side, at(101), 20));
    const RunRecord record = play(book_market(tape), probe);
    CHECK(fills_of(record) == Fills{{at(101), 4}, {at(101), 1}, {at(101), 2}});
    CHECK(record.fills.back().position == Lots{sign(side) * 7});
  }
}

TEST_CASE("two own orders share what trades, the better price first") {
  BookTape tape;
  tape.add(1, Side::Buy, 100, 10).add(2, Side::Sell, 104, 10);
  tape.execute(1, Side::Buy, 100, 6);
  Probe probe;
  probe.event = [seen = 0](const Event& event, Orders& orders) mutable {
    if (event.kind < EventKind::Accepted && seen++ == 1) {
      orders.submit(limit_order(0, Side::Buy, 101, 4));
      orders.submit(limit_order(0, Side::Buy, 102, 4));
    }
  };
  CHECK(fills_of(play(book_market(tape), probe)) == Fills{{102, 4}, {101, 2}});
}

TEST_CASE(
    "taking orders walk the displayed depth, and what they consumed is gone until the tape "
    "replaces it") {
  BookTape tape;
  tape.add(1, Side::Sell, 102, 10).add(2, Side::Sell, 103, 10).add(3, Side::Buy, 100, 10);
  tape.execute(1, Side::Sell, 102,
               4);                  // meets what was consumed first: 6 left on tape, all consumed
  tape.add(4, Side::Sell, 102, 5);  // new: 2 for the order resting at 103, 3 to take
  tape.halt(1);
  Probe probe;
  probe.event = [seen = 0](const Event& event, Orders& orders) mutable {
    if (event.kind >= EventKind::Accepted) return;
    const int line = seen++;
    if (line == 2) orders.submit(market_order(0, Side::Buy, 13));
    if (line == 3)
      orders.submit(limit_order(0, Side::Buy, 103, 9));  // 102: nothing left; 103: 7 left
    if (line == 4) orders.submit(market_order(0, Side::Buy, 50));
  };
  const RunRecord record = play(book_market(tape), probe);
  CHECK(fills_of(record) == Fills{{102, 10}, {103, 3}, {103, 7}, {103, 2}, {102, 3}});
  // Against the mid of 101: 10 at +1, 3 at +2.
  CHECK(record.fills[0].slippage_micros == 10 * 10'000);
  CHECK(record.fills[1].slippage_micros == 3 * 20'000);
  CHECK(record.orders[2].filled == Lots{3});
}

TEST_CASE("immediate-or-cancel, fill-or-kill, post-only and an empty book") {
  const auto answer_to = [](OrderRequest request, TimeInForce time_in_force, bool post_only) {
    BookTape tape;
    tape.add(1, Side::Sell, 102, 10).add(2, Side::Buy, 100, 10);
    request.time_in_force = time_in_force;
    request.post_only = post_only;
    Probe probe = order_after(1, request);
    const RunRecord record = play(book_market(tape), probe);
    const Event answer = probe.answers.empty() ? Event{} : probe.answers.back();
    return std::tuple{record.orders[0].filled.value, answer.kind,
                      static_cast<Reject>(answer.flags)};
  };
  CHECK(answer_to(limit_order(0, Side::Buy, 102, 15), TimeInForce::ImmediateOrCancel, false) ==
        std::tuple{10, EventKind::Cancelled, Reject::None});
  CHECK(answer_to(limit_order(0, Side::Buy, 102, 15), TimeInForce::FillOrKill, false) ==
        std::tuple{0, EventKind::Rejected, Reject::CannotFill});
  CHECK(answer_to(limit_order(0, Side::Buy, 102, 10), TimeInForce::GoodTillCancel, true) ==
        std::tuple{0, EventKind::Rejected, Reject::WouldCross});
  CHECK(answer_to(limit_order(0, Side::Buy, 101, 10), TimeInForce::GoodTillCancel, true) ==
        std::tuple{0, EventKind::Accepted, Reject::None});
  CHECK(answer_to(market_order(0, Side::Sell, 25), TimeInForce::GoodTillCancel, false) ==
        std::tuple{10, EventKind::Cancelled, Reject::None});

  BookTape halted;
  halted.add(1, Side::Sell, 102, 10).add(2, Side::Buy, 100, 10).halt(0);
  Probe probe = order_after(2, market_order(0, Side::Buy, 1));
  play(book_market(halted), probe);
  REQUIRE(probe.answers.size() == 1);
  CHECK(static_cast<Reject>(probe.answers[0].flags) == Reject::NoMarket);
}

TEST_CASE("replace keeps the place only when the quantity falls at the same price") {
  for (const std::int64_t quantity : {2, 6}) {
    BookTape tape;
    tape.add(1, Side::Buy, 100, 10).add(2, Side::Sell, 102, 10);
    tape.add(3, Side::Buy, 100, 5);
    tape.execute(1, Side::Buy, 100, 10);
    tape.execute(3, Side::Buy, 100, 5);
    OrderId order = 0;
    Probe probe;
    probe.event = [&, seen = 0](const Event& event, Orders& orders) mutable {
      if (event.kind >= EventKind::Accepted) return;
      const int line = seen++;
      if (line == 1) order = orders.submit(limit_order(0, Side::Buy, 100, 4));
      if (line == 2) orders.replace(order, {100}, {quantity});
    };
    const RunRecord record = play(book_market(tape), probe);
    // Smaller: before order 3, so that its execution is ours. Larger: behind it, and nothing comes.
    CHECK(fills_of(record) == (quantity == 2 ? Fills{{100, 2}} : Fills{}));
  }
}

TEST_CASE("orders from before the tape are depth ahead, and trades show which levels are stale") {
  BookTape tape;
  tape.opening(100, 30, 102, 8);
  tape.add(1, Side::Buy, 99, 5);
  tape.remove(77, Side::Buy, 100, 10);   // unknown: part of the opening depth; 20 ahead
  tape.execute(78, Side::Buy, 100, 20);  // the rest
  tape.add(2, Side::Buy, 100, 4);
  tape.execute(2, Side::Buy, 100, 4);  // ours
  tape.add(3, Side::Sell, 101, 5);
  tape.execute(1, Side::Buy, 99, 5);  // trades at 99: bids above are gone
  Probe probe = order_after(0, limit_order(0, Side::Buy, 100, 3));
  Depth last;
  const auto inner = probe.event;
  probe.event = [&](const Event& event, Orders& orders) {
    inner(event, orders);
    last = orders.depth(0);
  };
  CHECK(fills_of(play(book_market(tape), probe)) == Fills{{100, 3}});
  CHECK(last.bids == 0);
  REQUIRE(last.asks == 2);
  CHECK(last.ask[0].price == Ticks{101});
  CHECK(last.ask[1].quantity == Lots{8});
}

TEST_CASE("closing at the end walks the book and goes on at its last level") {
  BookTape tape;
  tape.add(1, Side::Sell, 102, 10)
      .add(2, Side::Sell, 103, 10)
      .add(3, Side::Buy, 100, 4)
      .add(4, Side::Buy, 99, 3);
  Probe probe = order_after(3, market_order(0, Side::Buy, 12));
  const RunRecord record = play(book_market(tape), probe, tiny_account(), true);
  CHECK(fills_of(record) == Fills{{102, 10}, {103, 2}, {100, 4}, {99, 3}, {99, 5}});
  CHECK(record.fills.back().position == Lots{0});
  CHECK(record.equity.back().long_micros == 0);
}

TEST_CASE(
    "the rebuilt book equals a plain map of levels on a random tape, and fills conserve quantity") {
  BookTape tape;
  Rng random(3, "replay_test");
  struct Live {
    OrderId id;
    Side side;
    std::int64_t price, lots;
  };
  std::vector<Live> live;
  std::vector<std::map<std::int64_t, std::int64_t>> expected_bids, expected_asks;
  std::map<std::int64_t, std::int64_t> bids, asks;
  OrderId next = 1;
  for (int step = 0; step < 3000; ++step) {
    if (live.size() < 30 || random.bernoulli(0.5)) {
      const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
      // The book never crosses: bids below 1000, asks from 1000.
      const auto away = static_cast<std::int64_t>(random.below(30));
      const Live order{next++, side, side == Side::Buy ? 999 - away : 1000 + away,
                       static_cast<std::int64_t>(1 + random.below(50))};
      tape.add(order.id, side, order.price, order.lots);
      (side == Side::Buy ? bids : asks)[order.price] += order.lots;
      live.push_back(order);
    } else {
      const std::size_t at = random.below(live.size());
      Live& order = live[at];
      auto& levels = order.side == Side::Buy ? bids : asks;
      const auto lots =
          static_cast<std::int64_t>(1 + random.below(static_cast<std::uint64_t>(order.lots)));
      const bool best =
          order.price == (order.side == Side::Buy ? bids.rbegin()->first : asks.begin()->first);
      if (best && random.bernoulli(0.5))
        tape.execute(order.id, order.side, order.price, lots);
      else if (lots == order.lots)
        tape.remove(order.id, order.side, order.price, lots);
      else
        tape.reduce(order.id, order.side, order.price, lots);
      order.lots -= lots;
      levels[order.price] -= lots;
      if (levels[order.price] == 0) levels.erase(order.price);
      if (order.lots == 0) {
        live[at] = live.back();
        live.pop_back();
      }
    }
    expected_bids.push_back(bids);
    expected_asks.push_back(asks);
  }
  Probe probe;
  std::size_t line = 0;
  std::map<OrderId, std::int64_t> asked, filled;
  probe.event = [&](const Event& event, Orders& orders) {
    if (event.kind >= EventKind::Accepted || event.kind == EventKind::Halt) return;
    const Depth& depth = orders.depth(0);
    std::size_t level = 0;
    for (auto place = expected_bids[line].rbegin();
         place != expected_bids[line].rend() && level < kDepthLevels; ++place, ++level) {
      REQUIRE(depth.bid[level] == Depth::Level{{place->first}, {place->second}});
    }
    REQUIRE(depth.bids == level);
    level = 0;
    for (auto place = expected_asks[line].begin();
         place != expected_asks[line].end() && level < kDepthLevels; ++place, ++level) {
      REQUIRE(depth.ask[level] == Depth::Level{{place->first}, {place->second}});
    }
    REQUIRE(depth.asks == level);
    ++line;
    Rng& own = orders.random();
    if (!own.bernoulli(0.2)) return;
    const Side side = own.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const auto lots = static_cast<std::int64_t>(1 + own.below(30));
    const OrderId id = own.bernoulli(0.3)
                           ? orders.submit(market_order(0, side, lots))
                           : orders.submit(limit_order(
                                 0, side, 980 + static_cast<std::int64_t>(own.below(40)), lots));
    if (id != 0) asked[id] = lots;
  };
  const RunRecord record = play(book_market(tape), probe);
  CHECK(line == 3000);
  CHECK(record.fills.size() > 200);
  std::int64_t position = 0;
  for (const FillRow& fill : record.fills) {
    filled[fill.order] += fill.quantity.value;
    position += sign(fill.side) * fill.quantity.value;
    CHECK(fill.position.value == position);
  }
  for (const auto& [id, lots] : filled) CHECK(lots <= asked[id]);
}

TEST_CASE("a span that begins later starts with the book as it then stood, untold") {
  BookTape tape;
  tape.add(1, Side::Sell, 102, 10).add(2, Side::Buy, 100, 10).add(3, Side::Sell, 103, 10).halt(2);
  const auto plan = book_market(tape);
  Probe probe = order_after(0, market_order(0, Side::Buy, 4));
  probe.start = [](Orders& orders) { CHECK(orders.depth(0).asks == 0); };
  Simulation simulation(plan, {{2000}, {2000}, {5000}, false}, 1);
  simulation.add(probe, "probe", tiny_account());
  simulation.run();
  CHECK(probe.events.front().order == 3);
  CHECK(fills_of(simulation.record(0)) == Fills{{102, 4}});
}

TEST_CASE("rules for bars are refused on a book, and the other way round") {
  for (const char* venue : {R"({"fill_at": "next_open"})", R"({"volume_share": 0.1})",
                            R"({"slippage": {"kind": "basis_points"}})"}) {
    BookTape tape;
    tape.add(1, Side::Sell, 102, 10);
    CHECK_THROWS_WITH_AS(book_market(tape, venue), doctest::Contains("/venue/"), Error);
  }
  const auto bars = bar_tape({{"A", {{100, 100, 100, 100}}}});
  CHECK_THROWS_WITH_AS(bar_market(bars, R"({"queue": "fifo"})"), doctest::Contains("/venue/queue"),
                       Error);
  const EngineCatalog catalog = engine_catalog();
  CHECK_THROWS_WITH_AS(
      build_market(Json::parse(R"({"mode": "reacting"})"), Json::object(), bars, catalog),
      doctest::Contains("/market/mode: expected replay, was reacting"), Error);
  CHECK_THROWS_WITH_AS(
      build_market(Json::parse(R"({"mode": "generated"})"), Json::object(), nullptr, catalog),
      doctest::Contains("/market/generator"), Error);
  CHECK_THROWS_WITH_AS(
      build_market(Json::parse(R"({"generator": "intensity"})"), Json::object(), bars, catalog),
      doctest::Contains("/market/generator"), Error);
  CHECK_THROWS_WITH_AS(build_market(Json::object(), Json::object(), nullptr, catalog),
                       doctest::Contains("no events"), Error);
}
