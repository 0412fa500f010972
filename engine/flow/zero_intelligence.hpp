#pragma once
// Zero-intelligence order flow on a full matching book: nobody plans, and yet there are spreads,
// depth and impact.
#include "engine/base/registry.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

/// Adds zero_intelligence. On each instrument, independent Poisson flows of a background crowd:
/// limit orders on each side, at 1 + Geometric(limit_tail) ticks from the opposite best price;
/// cancels, at a rate for each live background order; market orders. Sizes are 1 + geometric. A
/// fundamental value follows a geometric Brownian motion; a market order buys with probability (1 +
/// tanh(pull * (value - mid) / tick)) / 2, which ties the price to it. The regime scales the rates
/// (activity), the sizes of limit orders (depth), the volatility of the value and its drift, and is
/// read at each event of the flow. Own orders rest and match in the same book, by price and then
/// time; what they take is gone for everyone. Every change of the ten best levels of a side is
/// published as Depth, every trade as Trade. Source: the flows of
/// SmithFarmerGillemotKrishnamurthy2003 with distances as ContStoikovTalreja2010.
void add_zero_intelligence(Registry<Generator, const GeneratorContext&>& registry);

}  // namespace walras::engine
