#pragma once
// The registries that scenarios and plug-ins share.
#include "engine/base/registry.hpp"
#include "engine/catalog.hpp"
#include "strategies/contest.hpp"
#include "strategies/predictor.hpp"
#include "strategies/strategy.hpp"

#include <filesystem>
#include <functional>
#include <string>

namespace walras::strategies {

struct Registries;

/// What a strategy may know when it is built. Borrowed for the call, except what is copied.
struct StrategyContext {
  std::span<const engine::Instrument> instruments;
  double periods_per_year = 252;
  Rng random;                       ///< keyed by the strategy's name and fold
  const Registries* registries = nullptr;  ///< for strategies made of parts (a Predictor); outlives the strategy
  std::filesystem::path folder = {};   ///< of the scenario: where programs that a strategy starts find their files
  std::function<void(const std::string&)> notice = {};  ///< for people, from any thread; may be empty
};
struct PredictorContext { std::size_t channels, window, outputs; };

struct Registries {
  engine::EngineCatalog engine;
  Registry<Strategy, const StrategyContext&> strategies{"strategy"};
  Registry<Predictor, const PredictorContext&> predictors{"predictor"};
  Contests contests;   ///< what plug-ins bring to `walras bench`
};

/// Adds every strategy that Walras ships without LibTorch.
void add_strategies(Registry<Strategy, const StrategyContext&>& registry);
void add_predictors(Registry<Predictor, const PredictorContext&>& registry);
/// Engine, strategies and predictors, as a scenario sees them before any plug-in.
Registries registries();

}  // namespace walras::strategies
