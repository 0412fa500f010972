#pragma once
// The order book again, as plainly as can be: one list of orders a side, searched from end to end.
// The oracle of the random tests; slow, and obviously right.
#include "engine/book/order_book.hpp"

#include <list>
#include <vector>

namespace walras::engine {

class NaiveBook {
 public:
  struct Order {
    OrderId id;
    Side side;
    std::int64_t price, quantity;
  };
  std::vector<Match> trades;
  std::list<Order> orders;  ///< in order of time

  Outcome limit(OrderId id, Side side, std::int64_t price, std::int64_t quantity,
                TimeInForce time_in_force, bool post_only) {
    if (id == 0) return {Reject::UnknownOrder, {}, {}, {}};
    if (quantity <= 0) return {Reject::BadQuantity, {}, {}, {}};
    if (find(id) != orders.end()) return {Reject::DuplicateOrder, {}, {}, {}};
    const std::int64_t takeable = available(side, price);
    if (post_only && takeable > 0) return {Reject::WouldCross, {}, {}, {}};
    if (time_in_force == TimeInForce::FillOrKill && takeable < quantity)
      return {Reject::CannotFill, {}, {}, {}};
    const std::int64_t left = match(id, side, price, quantity);
    if (time_in_force == TimeInForce::ImmediateOrCancel)
      return {Reject::None, {quantity - left}, {}, {left}};
    if (left > 0) orders.push_back({id, side, price, left});
    return {Reject::None, {quantity - left}, {left}, {}};
  }
  Outcome market(OrderId id, Side side, std::int64_t quantity, bool fill_or_kill) {
    if (id == 0) return {Reject::UnknownOrder, {}, {}, {}};
    if (quantity <= 0) return {Reject::BadQuantity, {}, {}, {}};
    if (find(id) != orders.end()) return {Reject::DuplicateOrder, {}, {}, {}};
    const std::int64_t any = side == Side::Buy ? INT64_MAX : INT64_MIN;
    const std::int64_t takeable = available(side, any);
    if (takeable == 0) return {Reject::NoMarket, {}, {}, {}};
    if (fill_or_kill && takeable < quantity) return {Reject::CannotFill, {}, {}, {}};
    const std::int64_t left = match(id, side, any, quantity);
    return {Reject::None, {quantity - left}, {}, {left}};
  }
  Outcome cancel(OrderId id) {
    const auto found = find(id);
    if (found == orders.end()) return {Reject::UnknownOrder, {}, {}, {}};
    const Lots quantity{found->quantity};
    orders.erase(found);
    return {Reject::None, {}, {}, quantity};
  }
  Outcome reduce(OrderId id, std::int64_t by) {
    const auto found = find(id);
    if (found == orders.end()) return {Reject::UnknownOrder, {}, {}, {}};
    if (by <= 0 || by > found->quantity) return {Reject::BadQuantity, {}, {}, {}};
    found->quantity -= by;
    const Lots left{found->quantity};
    if (left.value == 0) orders.erase(found);
    return {Reject::None, {}, left, {by}};
  }
  Outcome replace(OrderId id, std::int64_t price, std::int64_t quantity, bool post_only) {
    const auto found = find(id);
    if (found == orders.end()) return {Reject::UnknownOrder, {}, {}, {}};
    if (quantity <= 0) return {Reject::BadQuantity, {}, {}, {}};
    if (price == found->price && quantity <= found->quantity) {
      const Lots removed{found->quantity - quantity};
      found->quantity = quantity;
      return {Reject::None, {}, {quantity}, removed};
    }
    const Side side = found->side;
    if (post_only && available(side, price) > 0) return {Reject::WouldCross, {}, {}, {}};
    orders.erase(found);
    return limit(id, side, price, quantity, TimeInForce::GoodTillCancel, post_only);
  }
  Outcome rest(OrderId id, Side side, std::int64_t price, std::int64_t quantity) {
    if (id == 0) return {Reject::UnknownOrder, {}, {}, {}};
    if (quantity <= 0) return {Reject::BadQuantity, {}, {}, {}};
    if (find(id) != orders.end()) return {Reject::DuplicateOrder, {}, {}, {}};
    orders.push_back({id, side, price, quantity});
    return {Reject::None, {}, {quantity}, {}};
  }
  std::list<Order>::iterator find(OrderId id) {
    auto at = orders.begin();
    while (at != orders.end() && at->id != id) ++at;
    return at;
  }

 private:
  static bool crosses(Side taker, std::int64_t limit, std::int64_t price) {
    return taker == Side::Buy ? price <= limit : price >= limit;
  }
  std::int64_t available(Side side, std::int64_t limit) const {
    std::int64_t sum = 0;
    for (const Order& order : orders) {
      if (order.side != side && crosses(side, limit, order.price)) sum += order.quantity;
    }
    return sum;
  }
  std::int64_t match(OrderId id, Side side, std::int64_t limit, std::int64_t quantity) {
    while (quantity > 0) {
      auto best = orders.end();
      for (auto at = orders.begin(); at != orders.end(); ++at) {
        if (at->side == side || !crosses(side, limit, at->price)) continue;
        if (best == orders.end() ||
            (side == Side::Buy ? at->price < best->price : at->price > best->price))
          best = at;
      }
      if (best == orders.end()) break;
      const std::int64_t traded = best->quantity < quantity ? best->quantity : quantity;
      quantity -= traded;
      best->quantity -= traded;
      trades.push_back({best->id, id, side, {best->price}, {traded}, {best->quantity}});
      if (best->quantity == 0) orders.erase(best);
    }
    return quantity;
  }
};

}  // namespace walras::engine
