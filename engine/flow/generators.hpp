#pragma once
// The generated markets that the engine ships.
#include "engine/base/registry.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

/// Adds zero_intelligence (Poisson flow on a full order book), intensity (a mid that moves, fills by
/// distance), bars (bars of coupled instruments) and book (a flow of choice on a full order book).
void add_generators(Registry<Generator, const GeneratorContext&>& registry);

}  // namespace walras::engine
