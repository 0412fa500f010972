#pragma once
// What the learning plug-in adds to the strategies and to `walras bench`. Torch-free.
#include "strategies/catalog.hpp"

namespace walras::agents {

void add_agents(Registry<strategies::Strategy, const strategies::StrategyContext&>& registry);
/// One training step of the price CNN and of PPO against the bare LibTorch calls:
/// "trainer_overhead/<which>".
void add_contests(strategies::Contests& contests);

}  // namespace walras::agents
