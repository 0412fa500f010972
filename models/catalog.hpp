#pragma once
// What the learning plug-in adds to the predictors. Torch-free.
#include "strategies/catalog.hpp"

namespace walras::models {

void add_models(Registry<strategies::Predictor, const strategies::PredictorContext&>& registry);
/// One training step of each network against the bare LibTorch calls.
void add_model_contests(strategies::Contests& contests);

}  // namespace walras::models
