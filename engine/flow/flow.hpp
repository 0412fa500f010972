#pragma once
// Flow: who trades in the background of one generated book, and Crowd: the book as a flow sees it.
// A flow has a clock of its own; at each of its times it acts through the Crowd, which does at once
// what it is told. It knows nothing of participants, but is told when the book was changed by them.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"
#include "engine/flow/book_ids.hpp"
#include "engine/regime/regime.hpp"

#include <cstdint>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::engine {

/// Names a resting order of the crowd; a name is never used for another order. 0: none.
using CrowdOrder = std::uint64_t;

/// What a flow's own order traded while it rested.
struct CrowdFill {
  CrowdOrder order;
  std::uint32_t tag;  ///< as given with the order
  Side side;          ///< of the order
  Ticks price;
  Lots quantity, left;  ///< left 0: the order is gone
};

class Crowd {
 public:
  Crowd(InstrumentId instrument, double tick_size, double value_ticks, std::size_t window);

  [[nodiscard]] Nanos now() const { return now_; }
  [[nodiscard]] const Regime::State& state() const { return *state_; }
  [[nodiscard]] double tick_size() const { return tick_size_; }
  /// Fundamental value, in ticks.
  [[nodiscard]] double value() const { return value_; }
  [[nodiscard]] bool empty(Side side) const { return book_.empty(side); }
  [[nodiscard]] Ticks best(Side side) const { return book_.best(side); }
  /// Twice the mid in ticks; of the value while a side is empty.
  [[nodiscard]] std::int64_t twice_mid() const;
  [[nodiscard]] Lots queue(Side side, Ticks price) const {
    return book_.level(side, price).quantity;
  }
  [[nodiscard]] const OrderBook& book() const { return book_; }
  /// Open quantity of an order; 0 when it is gone.
  [[nodiscard]] Lots open(CrowdOrder order) const;
  [[nodiscard]] Lots traded() const { return traded_; }  ///< since the start, by anyone

  // Nothing is done while the market is halted, for prices below one tick, and for orders that are
  // gone.
  /// Returns the resting order, or 0 when nothing rests.
  CrowdOrder limit(Side side, Ticks price, Lots quantity, std::uint32_t tag = 0);
  /// Returns what was filled.
  Lots market(Side side, Lots quantity);
  bool cancel(CrowdOrder order);
  /// Cancels the crowd's order at `place` (0: first in the queue) of those at a price. Returns
  /// whether there is one.
  bool cancel_at(Side side, Ticks price, std::uint64_t place);
  /// How many orders of the crowd rest at a price. Cost: orders there.
  [[nodiscard]] std::uint64_t orders_at(Side side, Ticks price) const;
  void state(Archive& archive);

 private:
  friend class CrowdVenue;
  struct Slot {
    std::uint32_t generation = 0;
    std::uint32_t tag = 0;
  };
  [[nodiscard]] CrowdOrder name_of(OrderId book_id) const {
    const OrderId slot = number_of(book_id);
    return slot | CrowdOrder{slots_[slot].generation} << 32;
  }
  [[nodiscard]] OrderId book_id(CrowdOrder order) const;
  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot);
  [[nodiscard]] bool visible(Side side, Ticks price) const;
  void touched(Side side, Ticks price) { changed_ = changed_ || visible(side, price); }

  InstrumentId id_;
  double tick_size_, value_;
  OrderBook book_;
  Nanos now_;
  const Regime::State* state_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<Match> matches_;  // not yet told
  Lots traded_;
  Depth depth_;           // as last published
  bool changed_ = false;  // since then, where it shows
};

class Flow {
 public:
  virtual ~Flow() = default;
  /// Called once, before the market opens: fills the book.
  virtual void open(Crowd& crowd) = 0;
  /// When it acts next. Never decreases.
  [[nodiscard]] virtual Nanos next() const noexcept = 0;
  /// Acts at next(), and sets a later one.
  virtual void act(Crowd& crowd) = 0;
  /// A resting order of this flow traded. Must not trade in turn.
  virtual void filled(const CrowdFill&, Crowd&) {}
  /// A participant's order, cancel or replace went through the book.
  virtual void disturbed(Crowd&) {}
  /// All that changes while it trades.
  virtual void state(Archive& archive) = 0;
};

struct FlowContext {
  Rng random;        ///< of this instrument alone
  Nanos begin, end;  ///< of the market
};

using FlowRegistry = Registry<Flow, const FlowContext&>;
/// Adds unit_queues, hawkes, queue_reactive and population.
void add_flows(FlowRegistry& registry);

// The parts of add_flows(), one a file.
void add_unit_queues(FlowRegistry& registry);
void add_hawkes_flow(FlowRegistry& registry);
void add_queue_reactive(FlowRegistry& registry);
void add_population(FlowRegistry& registry);

}  // namespace walras::engine
