#pragma once
// boosted_trees: gradient boosting of regression trees on the flattened window, the strong baseline
// of tabular data beside `linear` and the networks.
#include "strategies/catalog.hpp"

namespace walras::strategies {

void add_boosted_trees(Registry<Predictor, const PredictorContext&>& registry);

}  // namespace walras::strategies
