#pragma once
// The rules that Walras ships. One header for the family; each .cpp holds its variants behind the registry.
#include "strategies/catalog.hpp"

namespace walras::strategies {

void add_buy_and_hold(Registry<Strategy, const StrategyContext&>& registry);
void add_moving_average(Registry<Strategy, const StrategyContext&>& registry);
void add_momentum(Registry<Strategy, const StrategyContext&>& registry);

}  // namespace walras::strategies
