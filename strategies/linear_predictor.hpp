#pragma once
// linear: ridge regression on the flattened window, the baseline that any network must beat.
#include "strategies/catalog.hpp"

namespace walras::strategies {

void add_linear_predictor(Registry<Predictor, const PredictorContext&>& registry);

}  // namespace walras::strategies
