#pragma once
// model: turns any Predictor into orders. It shows the predictor windows of past returns, learns on
// the training span what came after them, and holds what is predicted to rise (and shorts what is
// predicted to fall, where allowed).
#include "strategies/catalog.hpp"

namespace walras::strategies {

void add_model_driven(Registry<Strategy, const StrategyContext&>& registry);

}  // namespace walras::strategies
