#pragma once
// Ids in a generated book: the crowd's orders by slots that are used again, participants' by their own numbers, a page of
// the book to each by turns, so that pages are full of the one or the other.
#include "engine/book/order_book.hpp"

namespace walras::engine {

inline constexpr OrderId kIdPage = OrderId{1} << OrderBook::kPageBits;

/// Of the crowd's order in `slot`, from 1.
constexpr OrderId crowd_id(OrderId slot) { return slot + (slot & ~(kIdPage - 1)); }
/// Of a participant's order.
constexpr OrderId own_id(OrderId order) { return crowd_id(order) | kIdPage; }
constexpr bool is_own(OrderId id) { return (id & kIdPage) != 0; }
/// The slot or order that an id was made from.
constexpr OrderId number_of(OrderId id) { return (id >> (OrderBook::kPageBits + 1) << OrderBook::kPageBits) | (id & (kIdPage - 1)); }

static_assert(number_of(crowd_id(5000)) == 5000 && number_of(own_id(5000)) == 5000 && is_own(own_id(5000)) && !is_own(crowd_id(5000)));

}  // namespace walras::engine
