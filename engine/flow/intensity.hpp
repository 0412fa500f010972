#pragma once
// A market without a book: a mid price that steps up or down, and orders that arrive at quotes by
// their distance from it.
#include "engine/base/registry.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

/// Adds intensity. Time advances in steps of dt. In each step, on each side, one order of
/// `order_lots` arrives at the best own quote with probability min(1, activity * arrival_rate *
/// exp(-decay * d) * dt), where d is the distance of that quote from the mid in currency units
/// (negative beyond the mid); then the mid moves by +-volatility * sqrt(dt), each with probability
/// 1/2, plus the regime's drift. The mid is published as a depth of one level a side, one tick
/// below and above it. Limit orders wait for such arrivals even when priced through the mid, so
/// that post-only is always met; market, immediate-or-cancel and fill-or-kill orders trade at the
/// published level, whatever their size. Source: AvellanedaStoikov2008, section 3.3 and its
/// parameters as defaults.
void add_intensity(Registry<Generator, const GeneratorContext&>& registry);

}  // namespace walras::engine
