// Generated markets: a trading day of a population of agents on a full book.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/catalog.hpp"
#include "engine/sim/simulation.hpp"
#include "engine/venue/venue.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace walras::scenarios {
namespace {

using namespace engine;

constexpr double kDay_s = 6.5 * 3600;

struct Nobody final : VenueSink {
  void publish(const Event&, const Depth*) override {}
  void fill(OrderId, Ticks, Lots, Lots, bool, Money, Nanos) override {}
  void answer(EventKind, OrderId, Ticks, Lots, Reject) override {}
};

std::vector<BenchCase> prepare_population() {
  const EngineCatalog catalog = engine_catalog();
  const Json market = Json::parse(
      R"({"mode": "generated", "duration_s": 23400, "generator": {"kind": "book", "start_price": 1000, "flow": "population",
          "value": {"kind": "ornstein_uhlenbeck", "volatility": 0.15, "half_life_days": 177, "shock_rate": 0.02, "shock_mean": 0.01}}})");
  const std::shared_ptr<const MarketPlan> plan =
      build_market(market, Json::object(), nullptr, catalog);
  // Each act of the venue is one message; without participants the market is the same with and
  // without the loop.
  const auto venue = plan->venue(Rng(1, "venue"), nullptr);
  Nobody nobody;
  venue->start({}, nobody);
  std::uint64_t messages = 0;
  while (venue->next_time() < Nanos{static_cast<std::int64_t>(kDay_s * 1e9)}) {
    venue->advance(nobody);
    ++messages;
  }
  return {{std::to_string(messages) + " messages", [plan, messages] {
             const double taken = seconds([&] {
               Simulation simulation(plan, plan->whole(), 1);
               simulation.run();
               if (simulation.events() < messages / 20)
                 fail(Fault::Internal, "population", "expected the book to change more often");
             });
             return static_cast<double>(messages) / taken;
           }}};
}

}  // namespace

void add_market_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back(
      {"population",
       "6.5 hours of 2 makers, 102 value, 12 momentum and 1,000 noise agents on a full book: "
       "wake-ups, questions, "
       "answers, orders, cancels and notices, each an event with its own latency, depth published",
       "messages/s", true, 2e6, prepare_population});
}

}  // namespace walras::scenarios
