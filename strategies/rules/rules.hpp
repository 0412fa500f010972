#pragma once
// The rules that Walras ships. Portfolio rules read bars, decide once a slice and hold equal shares
// of what they like; they want Sizing (portfolio.hpp) among their params. None of them knows
// anything that was not delivered to it.
#include "strategies/catalog.hpp"

namespace walras::strategies {

using StrategyRegistry = Registry<Strategy, const StrategyContext&>;

/// buy_and_hold, random: the nulls that every study needs.
void add_benchmark_rules(StrategyRegistry& registry);
/// moving_average, mean_reversion, breakout: each instrument by itself.
void add_technical_rules(StrategyRegistry& registry);
/// momentum: instruments against each other.
void add_cross_sectional_rules(StrategyRegistry& registry);
/// twap: one parent order in equal parts over time.
void add_execution_rules(StrategyRegistry& registry);
/// market_maker: Avellaneda and Stoikov.
void add_market_making_rules(StrategyRegistry& registry);

}  // namespace walras::strategies
