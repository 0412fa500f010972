#include "strategies/catalog.hpp"

#include "strategies/boosted_trees.hpp"
#include "strategies/gateway.hpp"
#include "strategies/linear_predictor.hpp"
#include "strategies/model_driven.hpp"
#include "strategies/rules/rules.hpp"

namespace walras::strategies {

void add_strategies(Registry<Strategy, const StrategyContext&>& registry) {
  add_benchmark_rules(registry);
  add_technical_rules(registry);
  add_cross_sectional_rules(registry);
  add_execution_rules(registry);
  add_market_making_rules(registry);
  add_model_driven(registry);
  add_gateway(registry);
}

void add_predictors(Registry<Predictor, const PredictorContext&>& registry) {
  add_boosted_trees(registry);
  add_linear_predictor(registry);
}

Registries registries() {
  Registries all;
  all.engine = engine::engine_catalog();
  add_strategies(all.strategies);
  add_predictors(all.predictors);
  return all;
}

}  // namespace walras::strategies
