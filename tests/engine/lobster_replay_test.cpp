// The replay venue on a real day: how near the rebuilt book stays to the recorded one, and what
// trading on it conserves.
#include "engine/base/error.hpp"
#include "engine/data/lobster.hpp"
#include "engine/data/source.hpp"
#include "tests/support/data.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

std::filesystem::path google_day() {
  const std::filesystem::path folder = market_data("lobster");
  if (folder.empty()) return {};
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name.find("GOOG") != std::string::npos && name.find("10") != std::string::npos &&
        entry.path().extension() == ".zip")
      return entry.path();
  }
  FAIL("no ten-level GOOG day in " << folder.string());
  return {};
}

std::shared_ptr<const Tape> load_day(const std::filesystem::path& file) {
  SourceRegistry sources("source");
  add_sources(sources);
  return load_tape(Json::object({{"kind", "lobster"}, {"path", file.string()}}), "/market/source",
                   sources, {});
}

}  // namespace

TEST_CASE(
    "GOOG 2012-06-21: after every message, all ten levels that a participant sees are those of the "
    "book file") {
  const std::filesystem::path file = google_day();
  if (file.empty()) return;
  const auto tape = load_day(file);
  const EngineCatalog catalog = engine_catalog();
  const auto plan =
      build_market(Json::object(), Json::parse(R"({"latency": "none"})"), tape, catalog);
  LobsterBook book(LobsterFiles::find(file), 100);
  std::size_t rows = 0, right = 0;
  Depth seen;
  const auto compare = [&] {
    REQUIRE(book.next());
    ++rows;
    const auto same = [](std::span<const Depth::Level> row,
                         const std::array<Depth::Level, kDepthLevels>& levels, std::size_t count) {
      return std::equal(row.begin(), row.end(), levels.begin(),
                        levels.begin() + static_cast<std::ptrdiff_t>(count));
    };
    right +=
        same(book.bids(), seen.bid, seen.bids) && same(book.asks(), seen.ask, seen.asks) ? 1 : 0;
  };
  Probe probe;
  probe.event = [&, first = true](const Event& event, Orders& orders) mutable {
    // The state before the next message is the state after this one and what it moved into view.
    if (event.flags != kWindowMove && !first) compare();
    first = false;
    if (event.kind != EventKind::Hidden && event.kind != EventKind::Halt) seen = orders.depth(0);
  };
  play(plan, probe);
  compare();
  CHECK(rows == 147'916);
  CHECK(right == rows);
}

TEST_CASE("GOOG 2012-06-21: quotes at the touch fill by queue position and conserve quantity") {
  const std::filesystem::path file = google_day();
  if (file.empty()) return;
  const EngineCatalog catalog = engine_catalog();
  const auto plan = build_market(Json::object(), Json::object(), load_day(file), catalog);
  /// Keeps one order at each best price.
  class Touch final : public Participant {
   public:
    void on_start(Orders& orders) override {
      orders.set_timer(orders.now() + Nanos{kNanosPerSecond}, 0);
    }
    void on_timer(Nanos time, std::uint64_t, Orders& orders) override {
      orders.set_timer(time + Nanos{kNanosPerSecond}, 0);
      const Depth& depth = orders.depth(0);
      if (!depth.two_sided()) return;
      for (OrderId order : live_) {
        if (order != 0) orders.cancel(order);
      }
      live_[0] = orders.position(0).value < 1000
                     ? orders.submit(limit_order(0, Side::Buy, depth.bid[0].price.value, 100))
                     : 0;
      live_[1] = orders.position(0).value > -1000
                     ? orders.submit(limit_order(0, Side::Sell, depth.ask[0].price.value, 100))
                     : 0;
    }

   private:
    OrderId live_[2] = {0, 0};
  } touch;
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(touch, "touch", tiny_account(1e7));
  simulation.run();
  const RunRecord record = simulation.record(0);
  std::int64_t position = 0, makers = 0;
  std::map<OrderId, std::int64_t> filled;
  for (const FillRow& fill : record.fills) {
    position += sign(fill.side) * fill.quantity.value;
    makers += fill.maker ? 1 : 0;
    filled[fill.order] += fill.quantity.value;
    REQUIRE(fill.position.value == position);
  }
  for (const OrderRow& order : record.orders) REQUIRE(filled[order.order] == order.filled.value);
  CHECK(position == 0);
  CHECK(makers > 100);
  CHECK(record.equity.size() >= 389);
  MESSAGE(record.orders.size() << " orders, " << record.fills.size() << " fills, " << makers
                               << " resting; equity "
                               << static_cast<double>(record.equity.back().equity_micros) * 1e-6);
}
