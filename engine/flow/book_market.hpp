#pragma once
// A generated order book: a flow trades in it, around a fundamental value, and participants among
// them.
#include "engine/base/registry.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

/// Adds book. Each instrument has a book, a flow and a value; a dependence couples the values. Own
/// orders rest and match in the same book by price, then time; what they take is gone for everyone.
/// Every change of the ten best levels of a side is published as Depth, every trade as Trade. While
/// the regime halts the market nothing trades: orders are refused (Halted), cancels are not.
void add_book_market(Registry<Generator, const GeneratorContext&>& registry);

}  // namespace walras::engine
