#pragma once
// The table of AvellanedaStoikov2008 (gamma 0.1): its inventory strategy as shipped, through the
// whole engine, on many paths of the intensity market. The unit test plays few, the slow one as
// many as it takes to trust the third digit.
#include "engine/base/parallel.hpp"
#include "engine/sim/simulation.hpp"
#include "strategies/catalog.hpp"

#include <cmath>
#include <vector>

namespace walras::tests {

struct InventoryTable {
  double profit = 0, profit_deviation = 0, inventory = 0, inventory_deviation = 0;
  double spread = 0;      ///< mean over paths and steps of the quotes that stood, in currency units
  std::size_t steps = 0;  ///< quotes that stood, in all
};

/// Forwards to a strategy and listens to what its quotes were.
class Overheard final : public engine::Participant {
 public:
  explicit Overheard(engine::Participant& inner) : inner_(inner) {}
  double spread = 0;
  std::size_t steps = 0;

  void on_start(engine::Orders& orders) override { inner_.on_start(orders); }
  void on_event(const engine::Event& event, engine::Orders& orders) override {
    using engine::EventKind;
    if (event.kind == EventKind::Accepted || event.kind == EventKind::Replaced) {
      standing_[static_cast<std::size_t>(event.side)] = event.price;
    } else if (event.kind == EventKind::Depth && event.local_time > Nanos{0}) {
      spread += static_cast<double>((standing_[1] - standing_[0]).value) *
                orders.instruments()[0].tick_size;
      ++steps;
    }
    inner_.on_event(event, orders);
  }
  void on_slice(Nanos now, engine::Orders& orders) override { inner_.on_slice(now, orders); }
  void on_fill(const engine::Fill& fill, engine::Orders& orders) override {
    inner_.on_fill(fill, orders);
  }
  void on_timer(Nanos now, std::uint64_t tag, engine::Orders& orders) override {
    inner_.on_timer(now, tag, orders);
  }
  void on_stop(engine::Orders& orders) override { inner_.on_stop(orders); }

 private:
  engine::Participant& inner_;
  Ticks standing_[2];
};

inline InventoryTable play_inventory_table(std::size_t paths, bool symmetric = false) {
  using namespace engine;
  const strategies::Registries registries = strategies::registries();
  const auto plan = build_market(Json::parse(R"({"mode": "generated", "generator": "intensity"})"),
                                 Json::object(), nullptr, registries.engine);
  const Json entry = Json::object({{"kind", "market_maker"},
                                   {"risk_aversion", 0.1},
                                   {"volatility", 2},
                                   {"decay", 1.5},
                                   {"post_only", false},
                                   {"symmetric", symmetric}});
  AccountTerms terms;
  terms.capital = Money::from_units(100'000);
  Span span = plan->whole();
  span.close_at_end = false;
  struct Path {
    double profit, inventory, spread;
    std::size_t steps;
  };
  std::vector<Path> results(paths);
  parallel_for(paths, [&](std::size_t i) {
    const strategies::StrategyContext context{plan->instruments(), plan->periods_per_year(),
                                              Rng(i, "strategy"), &registries};
    const auto strategy = registries.strategies.build(entry, "/strategies/0", context);
    Overheard participant(*strategy);
    Simulation simulation(plan, span, i);
    simulation.add(participant, "maker", terms);
    simulation.run();
    const RunRecord record = simulation.record(0);
    std::int64_t inventory = 0;
    for (const FillRow& fill : record.fills) inventory += sign(fill.side) * fill.quantity.value;
    results[i] = {
        static_cast<double>(record.equity.back().equity_micros - record.capital_micros) * 1e-6,
        static_cast<double>(inventory), participant.spread, participant.steps};
  });
  InventoryTable table;
  const double n = static_cast<double>(paths);
  for (const Path& path : results) {
    table.profit += path.profit / n;
    table.inventory += path.inventory / n;
    table.spread += path.spread;
    table.steps += path.steps;
  }
  table.spread /= static_cast<double>(table.steps);
  for (const Path& path : results) {
    table.profit_deviation += (path.profit - table.profit) * (path.profit - table.profit) / (n - 1);
    table.inventory_deviation +=
        (path.inventory - table.inventory) * (path.inventory - table.inventory) / (n - 1);
  }
  table.profit_deviation = std::sqrt(table.profit_deviation);
  table.inventory_deviation = std::sqrt(table.inventory_deviation);
  return table;
}

}  // namespace walras::tests
