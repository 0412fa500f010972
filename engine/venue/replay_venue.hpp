#pragma once
// Trading against a recorded order book. The tape is immutable: own orders change what is left for other own orders, never
// what is recorded. What it hides: the rebuilt book, queue positions, what own orders have consumed. Rules:
// - Taking orders fill against the displayed depth, level by level; what they consume counts as gone until the orders
//   consumed leave the record (order-by-order feeds), or trades and cancels wear the level down (sums by price). What finds
//   no depth is cancelled (market, immediate or cancel) or rests.
// - A resting order joins behind what the level displays, and moves up by the queue model.
// - It fills by the quantity of recorded trades at its price beyond the queue ahead, of trades at worse prices (they would
//   have met it first), of trades with hidden orders at its price or worse, and of recorded orders that cross it. Where a
//   feed shows sums by price, a level of the other side that reaches its price fills it too.
// - Trades print better levels away that the record forgot (deep levels leave and re-enter LOBSTER's window unseen).
#include "engine/venue/queue_model.hpp"
#include "engine/venue/venue.hpp"

#include <memory>
#include <span>

namespace walras::engine {

struct Tape;

/// `tape` must outlive the venue.
std::unique_ptr<Venue> make_replay_venue(const Tape& tape, QueueModel queue);

/// Events in blocks, for recordings that do not fit memory.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// The next events, in ascending order of exchange time; empty at the end. Valid until the next call.
  virtual std::span<const Event> next() = 0;
};
/// A replay venue that moves by itself: it plays `stream`, a block at a time. Same rules, no tape.
std::unique_ptr<Venue> make_streamed_venue(std::unique_ptr<EventStream> stream, std::span<const Instrument> instruments, QueueModel queue);

}  // namespace walras::engine
