#pragma once
// What the learning plug-in adds to the predictors. Torch-free.
#include "strategies/catalog.hpp"

namespace walras::models {

void add_models(Registry<strategies::Predictor, const strategies::PredictorContext&>& registry);
/// Latencies of compiled networks, beside LibTorch's of the same.
void add_contests(strategies::Contests& contests);

}  // namespace walras::models
