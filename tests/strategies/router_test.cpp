#include "strategies/router.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <functional>

using namespace walras;
using namespace walras::tests;
using namespace walras::strategies;

namespace {

double cost_of(const Listing& listing, Side side, std::int64_t lots) {
  const engine::Depth& depth = *listing.depth;
  double cost = 0;
  for (std::size_t i = 0; lots > 0; ++i) {
    if (i == (side == Side::Buy ? depth.asks : depth.bids)) return 1e18;
    const engine::Depth::Level& level = side == Side::Buy ? depth.ask[i] : depth.bid[i];
    const std::int64_t taken = std::min(lots, level.quantity.value);
    const double price = static_cast<double>(level.price.value) * listing.tick_size;
    cost += static_cast<double>(taken) * (static_cast<double>(sign(side)) * price + price * listing.fee);
    lots -= taken;
  }
  return cost;
}

/// The least over every way to share out `lots`.
double best_of_all(const std::vector<Listing>& listings, Side side, std::int64_t lots, std::size_t from = 0) {
  if (from + 1 == listings.size()) return cost_of(listings[from], side, lots);
  double best = 1e18;
  for (std::int64_t here = 0; here <= lots; ++here)
    best = std::min(best, cost_of(listings[from], side, here) + best_of_all(listings, side, lots - here, from + 1));
  return best;
}

void level(Tape& tape, std::int64_t time, InstrumentId instrument, Side side, std::int64_t price, std::int64_t quantity) {
  Event event;
  event.exchange_time = event.local_time = {time};
  event.instrument = instrument;
  event.kind = EventKind::Depth;
  event.side = side;
  event.price = {price};
  event.quantity = {quantity};
  tape.events.push_back(event);
}

}  // namespace

TEST_CASE("no way to share an order out is cheaper than the router's, over random books") {
  Rng random(5, "router_test");
  for (int round = 0; round < 2'000; ++round) {
    std::vector<engine::Depth> books(3);
    std::vector<Listing> listings;
    std::int64_t shown = 0;
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    for (std::size_t v = 0; v < 3; ++v) {
      std::int64_t away = 0;
      for (std::size_t i = 0; i < random.below(4); ++i) {
        away += 1 + static_cast<std::int64_t>(random.below(3));
        const std::int64_t quantity = 1 + static_cast<std::int64_t>(random.below(4));
        shown += quantity;
        books[v].ask[i] = {{1000 + away}, {quantity}};
        books[v].bid[i] = {{1000 - away}, {quantity}};
        books[v].asks = books[v].bids = static_cast<std::uint8_t>(i + 1);
      }
      listings.push_back({static_cast<InstrumentId>(v), 0.01, static_cast<double>(random.below(30)) * 1e-4, nullptr});
    }
    for (std::size_t v = 0; v < 3; ++v) listings[v].depth = &books[v];
    const std::int64_t lots = std::min<std::int64_t>(shown, 1 + static_cast<std::int64_t>(random.below(9)));
    if (lots == 0) continue;
    std::vector<RoutedOrder> orders;
    route(listings, side, {lots}, orders);
    double cost = 0;
    std::int64_t sent = 0;
    for (const RoutedOrder& order : orders) {
      cost += cost_of(listings[order.instrument], side, order.quantity.value);
      sent += order.quantity.value;
    }
    REQUIRE(sent == lots);
    REQUIRE(cost == doctest::Approx(best_of_all(listings, side, lots)).epsilon(1e-12));
    route(listings, side, {shown + 5}, orders);
    sent = 0;
    for (const RoutedOrder& order : orders) sent += order.quantity.value;
    REQUIRE(sent == shown);
  }
}

TEST_CASE("a routed twap takes the cheaper venue first, fees included, and what is not there stays due") {
  Tape tape;
  for (const char* name : {"X@A", "X@B"}) tape.instruments.push_back(tiny_instrument(name));
  for (const std::int64_t second : {1, 101, 201, 301}) {
    const std::int64_t now = second * kNanosPerSecond;
    for (const InstrumentId id : {0U, 1U}) {
      // B is two cents dearer. What was taken of a level stays gone, so the next offers are a tick lower.
      level(tape, now, id, Side::Buy, 9'900, 100);
      if (second == 101) level(tape, now, id, Side::Sell, 10'000 + 2 * id, 0);
      level(tape, now, id, Side::Sell, (second == 1 ? 10'000 : 9'999) + 2 * id, second == 1 ? 30 : 60);
    }
  }
  const auto plan = bar_market(finish_tape(std::move(tape)),
                               R"({"fees": {"kind": "by_instrument", "fees": {"A": {"kind": "basis_points", "bps": 5}, "X@B": {"kind": "basis_points", "bps": 1}}}})");
  const auto play = [&](const char* bps) {
    return play_strategy(std::string(R"({"kind": "twap", "instrument": "X", "quantity": 200, "parts": 2, "start_s": 1, "duration_s": 200, "taker_bps": )") + bps + "}", plan);
  };
  const RunRecord knows = play(R"({"A": 5, "B": 1})");
  REQUIRE(knows.fills.size() == 4);
  // 60 of 100 are shown at first, 30 at each, and all 120 are wanted of the next.
  CHECK(knows.fills[0].quantity + knows.fills[1].quantity == Lots{60});
  CHECK(knows.fills[2].quantity + knows.fills[3].quantity == Lots{120});
  const RunRecord wrong = play(R"({"B": 50})");
  CHECK(wrong.fills.size() == 4);
  const auto small = [&](const char* bps) {
    const RunRecord record = play_strategy(std::string(R"({"kind": "twap", "instrument": "X", "quantity": 20, "parts": 1, "start_s": 1, "taker_bps": )") + bps + "}", plan);
    REQUIRE(record.fills.size() == 1);
    return record.fills[0];
  };
  CHECK(small(R"({"A": 5, "B": 1})").instrument == 1);
  CHECK(small(R"({"A": 5, "B": 1})").fee_micros == 200'040);   // 1 bp of 20 x 100.02
  CHECK(small("{}").instrument == 0);                          // without fees A is cheaper
  CHECK(small("{}").fee_micros == 1'000'000);
}

TEST_CASE("listings that are not the same thing, unknown venues and fees of one venue are refused") {
  std::vector<engine::Instrument> instruments{tiny_instrument("X@A"), tiny_instrument("X@B"), tiny_instrument("Y")};
  CHECK_THROWS_WITH_AS(Router("Z", instruments, {}), doctest::Contains("listed as Z@VENUE"), Error);
  CHECK_THROWS_WITH_AS(Router("X", instruments, {{"C", 1.0}}), doctest::Contains("was C"), Error);
  CHECK(Router("X", instruments, {{"B", 1.0}}).listings().size() == 2);
  instruments[1].lot_size = 10;
  CHECK_THROWS_WITH_AS(Router("X", instruments, {}), doctest::Contains("the same thing"), Error);
}
