// The reacting market: without own orders it is the record, row by row; with them history steps aside as documented.
#include "engine/base/error.hpp"
#include "engine/book/recorded_book.hpp"
#include "engine/data/lobster.hpp"
#include "engine/data/source.hpp"
#include "engine/venue/reacting_venue.hpp"
#include "tests/support/data.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

constexpr const char* kReacting = R"({"mode": "reacting"})";

std::shared_ptr<const Tape> load(const std::string& kind, const std::filesystem::path& file) {
  SourceRegistry sources("source");
  add_sources(sources);
  return load_tape(Json::object({{"kind", kind}, {"path", file.string()}}), "/market/source", sources, {});
}

/// Takes what the venue reports.
class Sink final : public VenueSink {
 public:
  struct Filled {
    OrderId order;
    std::int64_t price, quantity, remaining;
    bool maker;
    bool operator==(const Filled&) const = default;
  };
  void publish(const Event&, const Depth* depth) override {
    if (depth) last = *depth;
  }
  void fill(OrderId order, Ticks price, Lots quantity, Lots remaining, bool maker, Money, Nanos) override {
    fills.push_back({order, price.value, quantity.value, remaining.value, maker});
  }
  void answer(EventKind kind, OrderId, Ticks, Lots, Reject why) override {
    kinds.push_back(kind);
    rejects.push_back(why);
  }
  Depth last;
  std::vector<Filled> fills;
  std::vector<EventKind> kinds;
  std::vector<Reject> rejects;
};

/// A reacting venue driven line by line; history and own orders come in the order written.
class Stage {
 public:
  explicit Stage(double half_life_s = 1e6) {
    tape_.instruments.push_back(tiny_instrument("A"));
    venue_ = make_reacting_venue(tape_, {Nanos{std::llround(half_life_s * 1e9)}});
  }
  Stage& at(double seconds) {
    now_ = {std::llround(seconds * 1e9)};
    while (venue_->next_time() <= now_) venue_->advance(sink);
    return *this;
  }
  Stage& put(EventKind kind, OrderId order, Side side, std::int64_t price, std::int64_t lots) {
    Event event;
    event.exchange_time = event.local_time = now_;
    event.kind = kind;
    event.order = order;
    event.side = side;
    event.price = {price};
    event.quantity = {lots};
    venue_->replay(event, sink);
    return *this;
  }
  Stage& own(OrderId id, const OrderRequest& request) {
    venue_->submit(VenueOrder(id, 0, request), now_, sink);
    return *this;
  }
  Stage& cancel(OrderId id) {
    venue_->cancel(id, now_, sink);
    return *this;
  }
  [[nodiscard]] std::int64_t bid(std::int64_t price) const { return quantity(sink.last.bid, sink.last.bids, price); }
  [[nodiscard]] std::int64_t ask(std::int64_t price) const { return quantity(sink.last.ask, sink.last.asks, price); }
  [[nodiscard]] const ReactingCounts& counts() const { return venue_->counts(); }
  Sink sink;

 private:
  static std::int64_t quantity(const std::array<Depth::Level, kDepthLevels>& levels, std::size_t count, std::int64_t price) {
    for (std::size_t i = 0; i < count; ++i) {
      if (levels[i].price.value == price) return levels[i].quantity.value;
    }
    return 0;
  }
  Tape tape_;
  std::unique_ptr<ReactingVenue> venue_;
  Nanos now_{};
};

Stage opened(double half_life_s = 1e6) {
  Stage stage(half_life_s);
  stage.put(EventKind::Add, 1, Side::Buy, 99, 10).put(EventKind::Add, 2, Side::Sell, 101, 10).put(EventKind::Add, 3, Side::Sell, 101, 5);
  stage.put(EventKind::Add, 4, Side::Sell, 102, 20);
  return stage;
}

}  // namespace

TEST_CASE("GOOG 2012-06-21 reacting, without own orders: all ten levels equal the book file after every message") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  const auto file = folder / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip";
  const auto tape = load("lobster", file);
  const EngineCatalog catalog = engine_catalog();
  const auto plan = build_market(Json::parse(kReacting), Json::parse(R"({"latency": "none"})"), tape, catalog);
  CHECK(plan->resolved().at("market").at("refill_half_life_s").as_number() == 1);
  LobsterBook book(LobsterFiles::find(file), 100);
  std::size_t rows = 0, right = 0;
  Depth seen;
  const auto compare = [&] {
    REQUIRE(book.next());
    ++rows;
    const auto same = [](std::span<const Depth::Level> row, const std::array<Depth::Level, kDepthLevels>& levels, std::size_t count) {
      return std::equal(row.begin(), row.end(), levels.begin(), levels.begin() + static_cast<std::ptrdiff_t>(count));
    };
    right += same(book.bids(), seen.bid, seen.bids) && same(book.asks(), seen.ask, seen.asks) ? 1 : 0;
  };
  Probe probe;
  probe.event = [&, first = true](const Event& event, Orders& orders) mutable {
    if (event.flags != kWindowMove && !first) compare();
    first = false;
    seen = orders.depth(0);
  };
  play(plan, probe);
  compare();
  CHECK(rows == 147'916);
  CHECK(right == rows);
}

TEST_CASE("ES of 2023-12-25, without own orders: after every record the replayed and the reacting book equal the rebuilt one") {
  const auto folder = market_data("dbn");
  if (folder.empty()) return;
  const auto tape = load("dbn", folder / "esh4-glbx-mdp3-20231225.mbo.dbn.zst");
  const EngineCatalog catalog = engine_catalog();
  for (const char* mode : {R"({"mode": "replay"})", kReacting}) {
    const std::string called = mode;
    CAPTURE(called);
    const auto plan = build_market(Json::parse(mode), Json::parse(R"({"latency": "none"})"), tape, catalog);
    RecordedBook truth;
    std::size_t events = 0, equal = 0;
    Probe probe;
    probe.event = [&](const Event& event, Orders& orders) {
      if (event.kind == EventKind::Add) truth.add(event.order, event.side, event.price, event.quantity);
      if (event.kind == EventKind::Delete) truth.remove(event.order);
      if (event.kind == EventKind::Reduce || event.kind == EventKind::Execute) truth.reduce(event.order, event.quantity);
      ++events;
      Depth expected;
      truth.book().depth(expected);
      const Depth& seen = orders.depth(0);
      equal += seen.bids == expected.bids && seen.asks == expected.asks && std::equal(seen.bid.begin(), seen.bid.begin() + seen.bids, expected.bid.begin()) &&
                       std::equal(seen.ask.begin(), seen.ask.begin() + seen.asks, expected.ask.begin())
                   ? 1
                   : 0;
    };
    play(plan, probe);
    CHECK(events > 60'000);
    CHECK(equal == events);
  }
}

TEST_CASE("own orders take from the queue in its order; messages about what they took do nothing and are counted") {
  Stage stage = opened();
  stage.own(1, market_order(0, Side::Buy, 12));
  CHECK(stage.sink.fills == std::vector<Sink::Filled>{{1, 101, 10, 2, false}, {1, 101, 2, 0, false}});
  CHECK(stage.ask(101) == 3);
  stage.put(EventKind::Delete, 2, Side::Sell, 101, 10);
  CHECK(stage.counts().no_ops == 1);
  CHECK(stage.ask(101) == 3);
  stage.put(EventKind::Delete, 3, Side::Sell, 101, 5);  // three were left of it
  CHECK(stage.ask(101) == 0);
  CHECK(stage.counts().no_ops == 2);
}

TEST_CASE("an aggressor takes the order it names while that rests, else walks the book as it is") {
  Stage stage = opened();
  stage.put(EventKind::Execute, 3, Side::Sell, 101, 2);  // out of turn, as it was told
  CHECK(stage.ask(101) == 13);
  CHECK(stage.counts().walked == 0);
  stage.own(1, market_order(0, Side::Buy, 13));
  stage.put(EventKind::Execute, 2, Side::Sell, 101, 10);  // all of 101 is gone: it takes 102
  CHECK(stage.ask(102) == 10);
  CHECK(stage.counts().walked == 10);
}

TEST_CASE("own resting orders are seen, and give before the recorded orders behind them") {
  Stage stage = opened();
  stage.own(1, limit_order(0, Side::Sell, 100, 4)).own(2, limit_order(0, Side::Sell, 101, 6));
  CHECK(stage.ask(100) == 4);
  CHECK(stage.ask(101) == 21);
  stage.put(EventKind::Add, 5, Side::Sell, 101, 7);       // behind our second order
  stage.put(EventKind::Execute, 2, Side::Sell, 101, 10);  // meets our better price first, then order 2
  CHECK(stage.sink.fills == std::vector<Sink::Filled>{{1, 100, 4, 0, true}});
  CHECK(stage.ask(101) == 4 + 5 + 6 + 7);                 // four of order 2 are still there
  stage.put(EventKind::Execute, 5, Side::Sell, 101, 7);   // behind us: we give first
  CHECK(stage.sink.fills.back() == Sink::Filled{2, 101, 6, 0, true});
  CHECK(stage.ask(101) == 4 + 5 + 6);
}

TEST_CASE("a recorded order that would rest but meets an own order trades with it") {
  Stage stage = opened();
  stage.own(1, limit_order(0, Side::Buy, 100, 5));
  stage.put(EventKind::Add, 6, Side::Sell, 100, 8);
  CHECK(stage.sink.fills == std::vector<Sink::Filled>{{1, 100, 5, 0, true}});
  CHECK(stage.ask(100) == 3);
  stage.put(EventKind::Delete, 6, Side::Sell, 100, 8);
  CHECK(stage.ask(100) == 0);
}

TEST_CASE("a level is pulled back to the record by half in each half-life, from both sides") {
  Stage stage = opened(10);
  stage.put(EventKind::Add, 9, Side::Sell, 103, 1024);
  stage.own(1, limit_order(0, Side::Buy, 103, 35 + 1024));  // takes everything on offer
  CHECK(stage.ask(103) == 0);
  for (int lives = 1; lives <= 5; ++lives) {
    stage.at(10.0 * lives);
    CAPTURE(lives);
    // Whole lots only: at most one of them is late.
    CHECK(std::abs(static_cast<double>(stage.ask(103)) - 1024 * (1 - std::pow(0.5, lives))) <= 1.5);
  }
  stage.at(1000);
  CHECK(stage.ask(103) == 1024);
  CHECK(stage.ask(102) == 20);
  CHECK(stage.ask(101) == 15);
  // What an own order left standing goes the same way.
  Stage spared = opened(10);
  spared.own(1, limit_order(0, Side::Sell, 101, 1)).own(2, limit_order(0, Side::Sell, 100, 15));
  spared.put(EventKind::Execute, 2, Side::Sell, 101, 10).put(EventKind::Execute, 3, Side::Sell, 101, 5);
  CHECK(spared.ask(101) == 16);
  spared.at(1000);
  CHECK(spared.ask(101) == 1);  // the own order alone, as the record says that the others traded
  CHECK(spared.counts().withdrawn == 15);
}

TEST_CASE("fill or kill, immediate, post-only, cancel and replace meet the book as it is now") {
  Stage stage = opened();
  OrderRequest kill = limit_order(0, Side::Buy, 101, 16);
  kill.time_in_force = TimeInForce::FillOrKill;
  stage.own(1, kill);
  CHECK(stage.sink.rejects.back() == Reject::CannotFill);
  kill.quantity = {15};
  stage.own(2, kill);
  CHECK(stage.ask(101) == 0);
  OrderRequest maker = limit_order(0, Side::Buy, 102, 1);
  maker.post_only = true;
  stage.own(3, maker);
  CHECK(stage.sink.rejects.back() == Reject::WouldCross);
  OrderRequest now = limit_order(0, Side::Buy, 102, 30);
  now.time_in_force = TimeInForce::ImmediateOrCancel;
  stage.own(4, now);
  CHECK(stage.sink.kinds.back() == EventKind::Cancelled);
  stage.own(5, market_order(0, Side::Buy, 1));
  CHECK(stage.sink.rejects.back() == Reject::NoMarket);
  stage.own(6, limit_order(0, Side::Buy, 100, 4));
  CHECK(stage.bid(100) == 4);
  stage.cancel(6);
  CHECK(stage.bid(100) == 0);
  stage.cancel(6);
  CHECK(stage.sink.rejects.back() == Reject::UnknownOrder);
}

TEST_CASE("a day of trading in the reacting GOOG conserves quantity and repeats itself") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  const auto tape = load("lobster", folder / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip");
  const EngineCatalog catalog = engine_catalog();
  const auto plan = build_market(Json::parse(kReacting), Json::object(), tape, catalog);
  const auto run = [&] {
    Probe probe;
    probe.start = [](Orders& orders) { orders.set_timer(orders.now() + Nanos{kNanosPerSecond}, 0); };
    probe.timer = [turn = 0](Nanos time, std::uint64_t, Orders& orders) mutable {
      orders.set_timer(time + Nanos{5 * kNanosPerSecond}, 0);
      const Depth& depth = orders.depth(0);
      if (!depth.two_sided()) return;
      const Side side = turn++ % 2 == 0 ? Side::Buy : Side::Sell;
      orders.submit(turn % 3 == 0 ? market_order(0, side, 150) : limit_order(0, side, side == Side::Buy ? depth.bid[0].price.value : depth.ask[0].price.value, 100));
    };
    return play(plan, probe, tiny_account(1e9), true);
  };
  const RunRecord record = run();
  std::int64_t position = 0, makers = 0, takers = 0;
  std::map<OrderId, std::int64_t> filled;
  for (const FillRow& fill : record.fills) {
    position += sign(fill.side) * fill.quantity.value;
    (fill.maker ? makers : takers) += 1;
    filled[fill.order] += fill.quantity.value;
    REQUIRE(fill.position.value == position);
  }
  for (const OrderRow& order : record.orders) REQUIRE(filled[order.order] == order.filled.value);
  CHECK(position == 0);
  CHECK(makers > 200);
  CHECK(takers > 200);
  CHECK(record_hash({run()}, plan->instruments()) == record_hash({record}, plan->instruments()));
}

TEST_CASE("modes say what they need: no queue rule where own orders stand in the queues, no half-life where nothing reacts") {
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  Event event;
  event.kind = EventKind::Add;
  event.order = 1;
  event.price = {100};
  event.quantity = {1};
  tape.events.push_back(event);
  const auto recorded = finish_tape(std::move(tape));
  const EngineCatalog catalog = engine_catalog();
  CHECK_THROWS_WITH_AS(build_market(Json::parse(kReacting), Json::parse(R"({"queue": "fifo"})"), recorded, catalog), doctest::Contains("/venue/queue"), Error);
  CHECK_THROWS_WITH_AS(build_market(Json::parse(R"({"refill_half_life_s": 1})"), Json::object(), recorded, catalog),
                       doctest::Contains("/market/refill_half_life_s"), Error);
}
