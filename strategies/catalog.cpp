#include "strategies/catalog.hpp"

#include "strategies/rules/rules.hpp"

namespace walras::strategies {

void add_strategies(Registry<Strategy, const StrategyContext&>& registry) {
  add_buy_and_hold(registry);
  add_momentum(registry);
  add_moving_average(registry);
}

void add_predictors(Registry<Predictor, const PredictorContext&>&) {}

Registries registries() {
  Registries all;
  all.engine = engine::engine_catalog();
  add_strategies(all.strategies);
  add_predictors(all.predictors);
  return all;
}

}  // namespace walras::strategies
