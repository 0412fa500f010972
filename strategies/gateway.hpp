#pragma once
// gateway: a strategy that asks a program outside, over a socket (docs/gateway.md).
#include "strategies/catalog.hpp"

namespace walras::strategies {

void add_gateway(Registry<Strategy, const StrategyContext&>& registry);

}  // namespace walras::strategies
