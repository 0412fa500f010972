#pragma once
// OrderBook: the resting orders of one instrument, matched by price, then time.
// Hides the layout: 32-byte nodes, found by order id through pages of ids, linked into
// first-in-first-out lists, one list a price; the prices near the best in a dense circular window
// with a bitmap of what is occupied, the rest in an ordered overflow. Ids are the caller's and
// should be dense: a page is held while any of its ids rests. Both sides are kept as keys where
// larger is better (bids: price, asks: minus price), so that one code path serves both. Knows
// nothing of time, owners, fees or latency. No allocation once reserve() covers the need; beyond it
// the arrays double (documented growth); they never shrink.
#include "engine/book/huge_pages.hpp"
#include "engine/market/types.hpp"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::engine {

/// One trade: an incoming order took quantity from a resting one, at the resting order's price.
struct Match {
  OrderId maker, taker;
  Side side;  ///< of the taker
  Ticks price;
  Lots quantity;    ///< > 0
  Lots maker_left;  ///< open quantity of the resting order afterwards; 0 = it is gone
};

/// What became of a request. Quantities are 0 when it was rejected; the book is then unchanged.
struct Outcome {
  Reject reject = Reject::None;
  Lots filled;     ///< traded at once
  Lots resting;    ///< in the book afterwards, under the request's id
  Lots cancelled;  ///< neither: the remainder of a market or immediate-or-cancel order, or what a
                   ///< cancel removed
};

class OrderBook {
 public:
  /// Prices are accepted in [-kMaxPrice, kMaxPrice], ids in [1, kMaxId].
  static constexpr std::int64_t kMaxPrice = std::int64_t{1} << 60;
  static constexpr OrderId kMaxId = (OrderId{1} << 34) - 1;
  /// Ids with the same higher bits share a page.
  static constexpr unsigned kPageBits = 10;

  /// A resting order as others may see it.
  struct Resting {
    Side side;
    Ticks price;
    Lots quantity;
  };
  struct LevelView {
    Lots quantity;
    std::uint32_t orders = 0;
  };

  /// `window` is the number of ticks a side kept in the dense window: a power of two in [64,
  /// 262144]. Throws Error{Numeric} otherwise.
  explicit OrderBook(std::size_t window = 4096);

  /// Makes room for ids up to `highest_id`, of which those that rest at one time span at most
  /// `id_span` (0 = all), and for `far_levels` prices outside the window on each side. Memory: 32
  /// bytes an id of the span.
  void reserve(OrderId highest_id, OrderId id_span = 0, std::size_t far_levels = 256);

  /// Adds a limit order: matches what crosses, rests what is left (good till cancel), cancels it
  /// (immediate or cancel), or trades all or nothing (fill or kill). `on_trade(const Match&)` is
  /// called for every trade and must not touch the book. Rejects: UnknownOrder (id 0), Capacity (id
  /// too large), DuplicateOrder, BadQuantity (<= 0, or the level's sum would overflow), BadPrice,
  /// WouldCross (post-only), CannotFill (fill or kill).
  template <class OnTrade>
  Outcome limit(OrderId id, Side side, Ticks price, Lots quantity, TimeInForce time_in_force,
                bool post_only, OnTrade&& on_trade);
  /// Good till cancel.
  template <class OnTrade>
  Outcome limit(OrderId id, Side side, Ticks price, Lots quantity, OnTrade&& on_trade) {
    return limit(id, side, price, quantity, TimeInForce::GoodTillCancel, false,
                 std::forward<OnTrade>(on_trade));
  }
  /// Takes the best prices until filled or the other side is empty. Rejects: NoMarket when it is
  /// empty at the start, CannotFill (fill or kill), and for id and quantity as limit() does.
  template <class OnTrade>
  Outcome market(OrderId id, Side side, Lots quantity, OnTrade&& on_trade,
                 bool fill_or_kill = false);
  /// Removes an order. Rejects: UnknownOrder.
  Outcome cancel(OrderId id);
  /// Takes `by` off an order, which keeps its place; removes it when nothing is left. Also how a
  /// feed's partial cancels and executions by id are applied. Rejects: UnknownOrder, BadQuantity
  /// (<= 0, or more than is open).
  Outcome reduce(OrderId id, Lots by);
  /// Changes price and open quantity. The place in the queue is kept when the price stays and the
  /// quantity does not grow; otherwise the order goes to the back, and may trade. Rejects as
  /// limit(); the order then stays as it was.
  template <class OnTrade>
  Outcome replace(OrderId id, Ticks price, Lots quantity, bool post_only, OnTrade&& on_trade);
  /// Puts an order into the book without matching, even through the other side: what a recorded
  /// feed says. Rejects: id, quantity and price as limit() does.
  Outcome rest(OrderId id, Side side, Ticks price, Lots quantity);
  void clear();
  /// For a book of the same window.
  void state(Archive& archive);

  [[nodiscard]] bool empty(Side side) const { return half(side).best == kNoKey; }
  /// Best price of a side. Not for an empty side.
  [[nodiscard]] Ticks best(Side side) const { return price_of(side, half(side).best); }
  [[nodiscard]] LevelView level(Side side, Ticks price) const;
  [[nodiscard]] std::optional<Resting> find(OrderId id) const;
  /// Quantity that trades before this order does, at its own price. 0 for unknown ids. Cost: orders
  /// ahead.
  [[nodiscard]] Lots ahead(OrderId id) const;
  /// First in the queue of the best level; 0 when the side is empty.
  [[nodiscard]] OrderId front(Side side) const;
  /// Resting quantity an order of `side` could take at `limit` or better, counted up to `at_most`.
  [[nodiscard]] Lots available(Side side, Ticks limit, Lots at_most) const;
  [[nodiscard]] std::size_t orders() const { return live_; }
  [[nodiscard]] std::size_t levels(Side side) const {
    return half(side).windowed + half(side).far.levels.size();
  }
  /// Writes the best levels of both sides.
  void depth(Depth& depth) const;
  /// Calls visit(Ticks, LevelView) from the best price outwards until it returns false.
  template <class Visit>
  void visit_levels(Side side, Visit&& visit) const;
  /// Calls visit(OrderId, Lots) for the orders of one price, first in the queue first.
  template <class Visit>
  void visit_orders(Side side, Ticks price, Visit&& visit) const;
  /// Starts loading what cancel, reduce or replace of this id will touch. A hint: any id is
  /// allowed.
  void prefetch(OrderId id) const {
    if (const std::size_t page = id >> kPageBits; page < pages_.size())
      __builtin_prefetch(&nodes_[node_of(page, id)], 1);
  }

 private:
  // 32 bytes: two to a cache line, and none across two.
  struct alignas(32) Node {
    std::int64_t quantity = 0;      // 0 = does not rest
    std::int64_t key_and_side = 0;  // key * 2 + side
    OrderId id = 0;
    std::uint32_t next = 0, previous = 0;  // towards the back, towards the front; 0 = none
  };
  struct Level {
    std::int64_t quantity = 0;
    std::uint32_t head = 0, tail = 0, count = 0;
  };
  // Ordered overflow. Its tree nodes are kept when levels leave and used again.
  struct Far {
    using Levels = std::map<std::int64_t, Level, std::greater<>>;
    Levels levels;
    std::vector<Levels::node_type> spare;
    Far() = default;
    Far(const Far& other) : levels(other.levels) {}
    Far(Far&&) = default;
    Far& operator=(const Far& other) {
      levels = other.levels;
      spare.clear();
      return *this;
    }
    Far& operator=(Far&&) = default;
    Level& insert(std::int64_t key, const Level& level);
    void erase(Levels::iterator place);
    void reserve(std::size_t count);
    void state(Archive& archive);
  };
  // One side. Every key in the window lies in [base, base + window); every far key lies below base;
  // best is in the window whenever the side is not empty. Slots are key modulo window, so that
  // moving the window moves no level.
  struct Half {
    std::vector<Level> window;
    std::vector<std::uint64_t> words, summary;  // occupied slots; words that are not zero
    std::int64_t base = 0;
    std::int64_t best = kNoKey;
    std::size_t windowed = 0;  // occupied levels in the window
    Far far;
  };
  struct Page {
    std::uint32_t number = 0, live = 0;
  };  // number 0 = none

  static constexpr std::int64_t kNoKey = std::numeric_limits<std::int64_t>::min();
  static constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;

  static Ticks price_of(Side side, std::int64_t key) { return {side == Side::Buy ? key : -key}; }
  static std::int64_t key_of(Side side, Ticks price) {
    return side == Side::Buy ? price.value : -price.value;
  }
  static std::int64_t key_of(const Node& node) { return node.key_and_side >> 1; }
  static Side side_of(const Node& node) { return static_cast<Side>(node.key_and_side & 1); }
  Half& half(Side side) { return halves_[static_cast<std::size_t>(side)]; }
  const Half& half(Side side) const { return halves_[static_cast<std::size_t>(side)]; }
  bool in_window(const Half& half, std::int64_t key) const {
    return static_cast<std::uint64_t>(key - half.base) <= mask_;
  }
  std::size_t slot(std::int64_t key) const { return static_cast<std::uint64_t>(key) & mask_; }

  std::uint32_t node_of(std::size_t page, OrderId id) const {
    return (pages_[page].number << kPageBits) + static_cast<std::uint32_t>(id & (kPageSize - 1));
  }
  /// 0 when the id does not rest.
  std::uint32_t index_of(OrderId id) const {
    const std::size_t page = id >> kPageBits;
    if (page >= pages_.size()) [[unlikely]]
      return 0;
    const std::uint32_t index =
        node_of(page, id);  // in page 0, where nothing rests, when there is no page
    return nodes_[index].quantity != 0 ? index : 0;
  }
  Reject check_new(OrderId id, Lots quantity) const {
    if (id - 1 >= kMaxId) [[unlikely]]
      return id == 0 ? Reject::UnknownOrder : Reject::Capacity;
    if (quantity.value <= 0) [[unlikely]]
      return Reject::BadQuantity;
    if (index_of(id) != 0) [[unlikely]]
      return Reject::DuplicateOrder;
    return Reject::None;
  }
  static bool price_fits(Ticks price) {
    return price.value >= -kMaxPrice && price.value <= kMaxPrice;
  }
  static bool sum_fits(std::int64_t a, std::int64_t b) {
    return a <= std::numeric_limits<std::int64_t>::max() - b;
  }

  bool insert(OrderId id, Side side, std::int64_t key,
              std::int64_t quantity);  // false: level overflow, nothing changed
  void append(Level& level, OrderId id, Side side, std::int64_t key, std::int64_t quantity);
  void remove(std::uint32_t index);
  void leave(Half& half, std::int64_t key);  // the windowed level at key became empty
  void release(Node& node);
  template <class OnTrade>
  std::int64_t match(OrderId id, Side side, std::int64_t limit, std::int64_t quantity,
                     OnTrade& on_trade);
  std::size_t next_below(const Half& half, std::size_t slot) const;

  // Cold paths.
  Level* find_level(Half& half, std::int64_t key);
  const Level* find_level(const Half& half, std::int64_t key) const {
    return const_cast<OrderBook*>(this)->find_level(const_cast<Half&>(half), key);
  }
  Level& far_or_slide(Half& half, std::int64_t key);  // a level for a key outside the window
  void slide(Half& half, std::int64_t base);
  void refill(Half& half);
  void leave_far(Half& half, std::int64_t key);
  void open_page(std::size_t page);
  void add_pages(std::size_t count);
  [[nodiscard]] std::size_t pages_in_use() const;  // of nodes_, up to the last one with an order

  // kPageSize a page. Page 0 belongs to no ids; its first node takes the links to nowhere.
  std::vector<Node, HugePages<Node>> nodes_;
  std::size_t live_ = 0;
  std::uint64_t mask_;
  std::array<Half, 2> halves_;
  std::vector<Page> pages_;
  std::vector<std::uint32_t> free_pages_;
};

// ---- hot paths, inline ----

inline std::size_t OrderBook::next_below(const Half& half, std::size_t slot) const {
  std::size_t word = slot >> 6;
  if (const std::uint64_t lower = half.words[word] & ((std::uint64_t{1} << (slot & 63)) - 1)) {
    return (word << 6) + 63 - static_cast<std::size_t>(std::countl_zero(lower));
  }
  std::size_t group = word >> 6;
  std::uint64_t candidates = half.summary[group] & ((std::uint64_t{1} << (word & 63)) - 1);
  while (candidates == 0) {
    group =
        (group == 0 ? half.summary.size() : group) - 1;  // round: lower keys continue at the top
    candidates = half.summary[group];
  }
  word = (group << 6) + 63 - static_cast<std::size_t>(std::countl_zero(candidates));
  return (word << 6) + 63 - static_cast<std::size_t>(std::countl_zero(half.words[word]));
}

inline void OrderBook::leave(Half& half, std::int64_t key) {
  const std::size_t at = slot(key);
  if ((half.words[at >> 6] &= ~(std::uint64_t{1} << (at & 63))) == 0) {
    half.summary[at >> 12] &= ~(std::uint64_t{1} << ((at >> 6) & 63));
  }
  --half.windowed;
  if (key != half.best) return;
  if (half.windowed == 0) [[unlikely]]
    return refill(half);
  half.best = key - static_cast<std::int64_t>((at - next_below(half, at)) & mask_);
}

inline void OrderBook::release(Node& node) {
  node.quantity = 0;
  Page& page = pages_[node.id >> kPageBits];
  --live_;
  if (--page.live == 0) [[unlikely]] {  // nothing rests in it: ready for another span of ids
    free_pages_.push_back(page.number);
    page.number = 0;
  }
}

inline void OrderBook::append(Level& level, OrderId id, Side side, std::int64_t key,
                              std::int64_t quantity) {
  const std::size_t page = id >> kPageBits;
  if (page >= pages_.size() || pages_[page].number == 0) [[unlikely]]
    open_page(page);
  ++pages_[page].live;
  ++live_;
  const std::uint32_t index = node_of(page, id);
  Node& node = nodes_[index];
  node.quantity = quantity;
  node.key_and_side = key * 2 + static_cast<std::int64_t>(side);
  node.id = id;
  node.next = 0;
  node.previous = level.tail;
  nodes_[level.tail].next = index;  // [0] when the level is empty
  level.head = level.head == 0 ? index : level.head;
  level.tail = index;
  level.quantity += quantity;
  ++level.count;
}

inline bool OrderBook::insert(OrderId id, Side side, std::int64_t key, std::int64_t quantity) {
  Half& own = half(side);
  if (!in_window(own, key)) [[unlikely]] {
    if (const Level* there = find_level(own, key); there && !sum_fits(there->quantity, quantity))
      return false;
    append(far_or_slide(own, key), id, side, key, quantity);
    return true;
  }
  const std::size_t at = slot(key);
  Level& level = own.window[at];
  if (!sum_fits(level.quantity, quantity)) [[unlikely]]
    return false;
  if (level.count == 0) {
    own.words[at >> 6] |= std::uint64_t{1} << (at & 63);
    own.summary[at >> 12] |= std::uint64_t{1} << ((at >> 6) & 63);
    ++own.windowed;
    if (key > own.best) own.best = key;
  }
  append(level, id, side, key, quantity);
  return true;
}

// Links and level ends are written without branches on what was loaded: in a deep book each of
// these loads misses the cache, and a branch on it would stop the next message from starting.
inline void OrderBook::remove(std::uint32_t index) {
  Node& node = nodes_[index];
  const std::int64_t key = key_of(node);
  Half& own = half(side_of(node));
  const bool windowed = in_window(own, key);
  Level& level = windowed ? own.window[slot(key)] : *find_level(own, key);
  nodes_[node.previous].next = node.next;
  nodes_[node.next].previous = node.previous;
  level.head = level.head == index ? node.next : level.head;
  level.tail = level.tail == index ? node.previous : level.tail;
  level.quantity -= node.quantity;
  release(node);
  if (--level.count == 0) {
    if (windowed)
      leave(own, key);
    else
      leave_far(own, key);
  }
}

template <class OnTrade>
std::int64_t OrderBook::match(OrderId id, Side side, std::int64_t limit, std::int64_t quantity,
                              OnTrade& on_trade) {
  Half& other = half(opposite(side));
  while (quantity > 0 && other.best >= limit) {
    const std::int64_t key = other.best;
    Level& level = other.window[slot(key)];
    const Ticks price = price_of(opposite(side), key);
    std::uint32_t index = level.head;
    do {
      Node& node = nodes_[index];
      if (node.quantity > quantity) {
        node.quantity -= quantity;
        level.quantity -= quantity;
        level.head = index;
        node.previous = 0;
        on_trade(Match{node.id, id, side, price, {quantity}, {node.quantity}});
        return 0;
      }
      const std::int64_t traded = node.quantity;
      const OrderId maker = node.id;
      const std::uint32_t next = node.next;
      quantity -= traded;
      level.quantity -= traded;
      --level.count;
      release(node);
      index = next;
      on_trade(Match{maker, id, side, price, {traded}, {0}});
    } while (index != 0 && quantity > 0);
    level.head = index;
    if (index == 0) {
      level.tail = 0;
      leave(other, key);
    } else {
      nodes_[index].previous = 0;
    }
  }
  return quantity;
}

template <class OnTrade>
Outcome OrderBook::limit(OrderId id, Side side, Ticks price, Lots quantity,
                         TimeInForce time_in_force, bool post_only, OnTrade&& on_trade) {
  if (const Reject reject = check_new(id, quantity); reject != Reject::None) [[unlikely]]
    return {reject, {}, {}, {}};
  if (!price_fits(price)) [[unlikely]]
    return {Reject::BadPrice, {}, {}, {}};
  const std::int64_t key = key_of(side, price);
  std::int64_t left = quantity.value;
  if (half(opposite(side)).best >= -key) {
    if (post_only) return {Reject::WouldCross, {}, {}, {}};
    if (time_in_force == TimeInForce::FillOrKill && available(side, price, quantity) < quantity) {
      return {Reject::CannotFill, {}, {}, {}};
    }
    // Only a book that was crossed by rest() has a level here on both sides.
    if (const LevelView own = level(side, price); !sum_fits(own.quantity.value, left))
        [[unlikely]] {
      return {Reject::BadQuantity, {}, {}, {}};
    }
    left = match(id, side, -key, left, on_trade);
    if (left == 0) return {Reject::None, quantity, {}, {}};
  } else if (time_in_force == TimeInForce::FillOrKill) {
    return {Reject::CannotFill, {}, {}, {}};
  }
  if (time_in_force == TimeInForce::ImmediateOrCancel) {
    return {Reject::None, {quantity.value - left}, {}, {left}};
  }
  if (!insert(id, side, key, left)) [[unlikely]]
    return {Reject::BadQuantity, {}, {}, {}};
  return {Reject::None, {quantity.value - left}, {left}, {}};
}

template <class OnTrade>
Outcome OrderBook::market(OrderId id, Side side, Lots quantity, OnTrade&& on_trade,
                          bool fill_or_kill) {
  if (const Reject reject = check_new(id, quantity); reject != Reject::None) [[unlikely]]
    return {reject, {}, {}, {}};
  if (empty(opposite(side))) return {Reject::NoMarket, {}, {}, {}};
  const std::int64_t any = -(kMaxPrice + 1);
  if (fill_or_kill && available(side, price_of(side, -any), quantity) < quantity)
    return {Reject::CannotFill, {}, {}, {}};
  const std::int64_t left = match(id, side, any, quantity.value, on_trade);
  return {Reject::None, {quantity.value - left}, {}, {left}};
}

inline Outcome OrderBook::cancel(OrderId id) {
  const std::uint32_t index = index_of(id);
  if (index == 0) [[unlikely]]
    return {Reject::UnknownOrder, {}, {}, {}};
  const Lots quantity{nodes_[index].quantity};
  remove(index);
  return {Reject::None, {}, {}, quantity};
}

inline Outcome OrderBook::reduce(OrderId id, Lots by) {
  const std::uint32_t index = index_of(id);
  if (index == 0) [[unlikely]]
    return {Reject::UnknownOrder, {}, {}, {}};
  Node& node = nodes_[index];
  if (by.value <= 0 || by.value > node.quantity) [[unlikely]]
    return {Reject::BadQuantity, {}, {}, {}};
  if (by.value == node.quantity) {
    remove(index);
    return {Reject::None, {}, {}, by};
  }
  node.quantity -= by.value;
  find_level(half(side_of(node)), key_of(node))->quantity -= by.value;
  return {Reject::None, {}, {node.quantity}, by};
}

inline Outcome OrderBook::rest(OrderId id, Side side, Ticks price, Lots quantity) {
  if (const Reject reject = check_new(id, quantity); reject != Reject::None) [[unlikely]]
    return {reject, {}, {}, {}};
  if (!price_fits(price)) [[unlikely]]
    return {Reject::BadPrice, {}, {}, {}};
  if (!insert(id, side, key_of(side, price), quantity.value)) [[unlikely]]
    return {Reject::BadQuantity, {}, {}, {}};
  return {Reject::None, {}, quantity, {}};
}

template <class OnTrade>
Outcome OrderBook::replace(OrderId id, Ticks price, Lots quantity, bool post_only,
                           OnTrade&& on_trade) {
  const std::uint32_t index = index_of(id);
  if (index == 0) [[unlikely]]
    return {Reject::UnknownOrder, {}, {}, {}};
  if (quantity.value <= 0) [[unlikely]]
    return {Reject::BadQuantity, {}, {}, {}};
  if (!price_fits(price)) [[unlikely]]
    return {Reject::BadPrice, {}, {}, {}};
  Node& node = nodes_[index];
  const Side side = side_of(node);
  const std::int64_t key = key_of(side, price);
  const std::int64_t open = node.quantity;
  if (key == key_of(node) && quantity.value <= open) {
    if (quantity.value < open) reduce(id, {open - quantity.value});
    return {Reject::None, {}, quantity, {open - quantity.value}};
  }
  if (post_only && half(opposite(side)).best >= -key) return {Reject::WouldCross, {}, {}, {}};
  const std::int64_t there = level(side, price).quantity.value - (key == key_of(node) ? open : 0);
  if (!sum_fits(there, quantity.value)) [[unlikely]]
    return {Reject::BadQuantity, {}, {}, {}};
  remove(index);
  return limit(id, side, price, quantity, TimeInForce::GoodTillCancel, post_only, on_trade);
}

template <class Visit>
void OrderBook::visit_levels(Side side, Visit&& visit) const {
  const Half& own = half(side);
  std::int64_t key = own.best;
  for (std::size_t left = own.windowed; left > 0; --left) {
    const std::size_t at = slot(key);
    const Level& level = own.window[at];
    if (!visit(price_of(side, key), LevelView{{level.quantity}, level.count})) return;
    if (left > 1) key -= static_cast<std::int64_t>((at - next_below(own, at)) & mask_);
  }
  for (const auto& [far_key, level] : own.far.levels) {
    if (!visit(price_of(side, far_key), LevelView{{level.quantity}, level.count})) return;
  }
}

template <class Visit>
void OrderBook::visit_orders(Side side, Ticks price, Visit&& visit) const {
  if (!price_fits(price)) return;
  const Level* level = find_level(half(side), key_of(side, price));
  for (std::uint32_t index = level ? level->head : 0; index != 0; index = nodes_[index].next) {
    visit(nodes_[index].id, Lots{nodes_[index].quantity});
  }
}

}  // namespace walras::engine
