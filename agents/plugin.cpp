// The learning plug-in: what a scenario that names a network or an agent loads.
#include "strategies/plugin.hpp"

#include "agents/catalog.hpp"
#include "models/catalog.hpp"

WALRAS_PLUGIN(registries) {
  walras::models::add_models(registries.predictors);
  walras::models::add_contests(registries.contests);
  walras::agents::add_agents(registries.strategies);
  walras::agents::add_contests(registries.contests);
}
