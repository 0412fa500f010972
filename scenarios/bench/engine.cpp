// The simulation loop on bars: a moving-average crossover on one million minute bars of one
// instrument, event by event, with orders, fees and the equity of every minute.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/catalog.hpp"
#include "engine/sim/simulation.hpp"
#include "strategies/catalog.hpp"

#include <algorithm>
#include <memory>

namespace walras::scenarios {
namespace {

using namespace engine;

constexpr std::size_t kBars = 1'000'000;
constexpr std::int64_t kMinute = 60 * kNanosPerSecond;

std::shared_ptr<const Tape> minute_bars() {
  Rng random(11, "bar_backtest");
  Tape tape;
  Instrument instrument;
  instrument.name = "RANDOM";
  tape.instruments.push_back(instrument);
  tape.bars.reserve(kBars);
  tape.events.reserve(kBars);
  std::int64_t price = 10'000;
  for (std::size_t i = 0; i < kBars; ++i) {
    Bar bar;
    bar.open_time = {static_cast<std::int64_t>(i) * kMinute};
    bar.close_time = bar.open_time + Nanos{kMinute};
    bar.open = {price};
    price = std::max<std::int64_t>(1000, price + static_cast<std::int64_t>(random.below(21)) - 10);
    bar.close = {price};
    bar.high = {std::max(bar.open.value, price) + 3};
    bar.low = {std::min(bar.open.value, price) - 3};
    bar.volume = {1'000'000};
    tape.append(0, bar);
  }
  return finish_tape(std::move(tape));
}

std::vector<BenchCase> prepare_bar_backtest() {
  const EngineCatalog catalog = engine_catalog();
  const Json venue = Json::object({{"fees", Json::object({{"kind", "basis_points"}, {"bps", 1}})}});
  const auto plan = build_market(Json::object(), venue, minute_bars(), catalog);
  const auto registries = std::make_shared<const strategies::Registries>(strategies::registries());
  return {{"one instrument", [plan, registries] {
             const strategies::StrategyContext context{plan->instruments(),
                                                       plan->periods_per_year(),
                                                       Rng(1, "crossover"), registries.get()};
             const auto strategy = registries->strategies.build(
                 Json::object({{"kind", "moving_average"}, {"fast", 10}, {"slow", 30}}),
                 "/strategy", context);
             const double taken = seconds([&] {
               AccountTerms terms;
               terms.capital = Money::from_units(1e6);
               Simulation simulation(plan, plan->whole(), 1);
               simulation.add(*strategy, "crossover", terms);
               simulation.run();
               if (simulation.events() != kBars)
                 fail(Fault::Internal, "bar_backtest", "expected every bar to be played");
             });
             return static_cast<double>(kBars) / taken;
           }}};
}

}  // namespace

void add_engine_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({"bar_backtest",
                        "moving-average crossover (10/30) on 1,000,000 minute bars of one "
                        "instrument, event by event, with fees "
                        "and equity at every bar",
                        "bars/s", true, 3e6, prepare_bar_backtest});
}

}  // namespace walras::scenarios
