#pragma once
// RecordedBook: the resting orders of one instrument as an order-by-order feed tells them, first in, first out at every
// price. Orders keep the ids that the exchange gave them, anywhere in 64 bits; inside, they wear dense handles, which are
// what an OrderBook is fast with. Nothing matches here: the feed says what traded.
#include "engine/book/order_book.hpp"
#include "engine/market/id_map.hpp"

#include <utility>
#include <vector>

namespace walras::engine {

class RecordedBook {
 public:
  /// `window` as OrderBook's; `room`: orders that rest at one time without growth.
  explicit RecordedBook(std::size_t window = 4096, std::size_t room = 4096) : book_(window), handles_(room) {
    names_.reserve(room + 1);
    names_.push_back(0);
    free_.reserve(room);
    book_.reserve(room);
  }

  /// Adds an order at the back of its price. Rejects: UnknownOrder (id 0), DuplicateOrder, BadQuantity, BadPrice.
  Reject add(std::uint64_t id, Side side, Ticks price, Lots quantity) {
    if (id == 0) return Reject::UnknownOrder;
    if (handles_.find(id)) return Reject::DuplicateOrder;
    const OrderId handle = free_.empty() ? names_.size() : free_.back();
    if (const Outcome outcome = book_.rest(handle, side, price, quantity); outcome.reject != Reject::None) return outcome.reject;
    if (free_.empty()) {
      names_.push_back(id);
    } else {
      free_.pop_back();
      names_[handle] = id;
    }
    handles_.insert(id, static_cast<std::uint32_t>(handle));
    return Reject::None;
  }
  /// Takes up to `by` off an order, which keeps its place. Returns: what was taken; 0 when the id does not rest.
  Lots reduce(std::uint64_t id, Lots by) {
    const std::uint32_t* handle = handles_.find(id);
    if (!handle || by.value <= 0) return {};
    const OrderId known = *handle;
    const Outcome outcome = book_.reduce(known, by);
    if (outcome.reject == Reject::None) {
      if (outcome.resting.value == 0) forget(id, known);
      return by;
    }
    return remove(id);  // more than is open: all of it
  }
  /// Returns: what was open; 0 when the id does not rest.
  Lots remove(std::uint64_t id) {
    const std::uint32_t* handle = handles_.find(id);
    if (!handle) return {};
    const OrderId known = *handle;
    const Lots open = book_.cancel(known).cancelled;
    forget(id, known);
    return open;
  }
  /// Changes price and open quantity; the place is kept when the price stays and the quantity does not grow.
  Reject modify(std::uint64_t id, Ticks price, Lots quantity) {
    const std::uint32_t* handle = handles_.find(id);
    if (!handle) return Reject::UnknownOrder;
    const OrderId known = *handle;
    const auto order = *book_.find(known);
    if (quantity.value <= 0) return Reject::BadQuantity;
    if (order.price == price && quantity <= order.quantity) {
      if (quantity < order.quantity) book_.reduce(known, order.quantity - quantity);
      return Reject::None;
    }
    book_.cancel(known);
    const Outcome outcome = book_.rest(known, order.side, price, quantity);
    if (outcome.reject != Reject::None) forget(id, known);
    return outcome.reject;
  }
  /// Takes `old` out and puts `id` at the back of `price`, on the same side. Rejects: UnknownOrder, and as add(); the old
  /// order is gone all the same.
  Reject replace(std::uint64_t old, std::uint64_t id, Ticks price, Lots quantity) {
    const std::uint32_t* handle = handles_.find(old);
    if (!handle) return Reject::UnknownOrder;
    const Side side = book_.find(*handle)->side;
    remove(old);
    return add(id, side, price, quantity);
  }
  void clear() {
    book_.clear();
    handles_.clear();
    names_.resize(1);
    free_.clear();
  }

  [[nodiscard]] std::optional<OrderBook::Resting> find(std::uint64_t id) const {
    const std::uint32_t* handle = handles_.find(id);
    return handle ? book_.find(*handle) : std::nullopt;
  }
  /// The book by handles; name(handle) is the feed's id.
  [[nodiscard]] const OrderBook& book() const { return book_; }
  [[nodiscard]] std::uint64_t name(OrderId handle) const { return names_[handle]; }
  /// Starts loading what a message about `id` will touch. A hint.
  void prefetch(std::uint64_t id) const { handles_.prefetch(id); }

 private:
  void forget(std::uint64_t id, OrderId handle) {
    handles_.erase(id);
    free_.push_back(handle);
  }

  OrderBook book_;
  IdMap<std::uint32_t> handles_;
  std::vector<std::uint64_t> names_;  // by handle
  std::vector<OrderId> free_;
};

}  // namespace walras::engine
