#pragma once
// Trading against a recorded order book. The tape is immutable: own orders change what is left for
// other own orders, never what is recorded. What it hides: the rebuilt book, queue positions, what
// own orders have consumed. Rules:
// - Taking orders fill against the displayed depth, level by level; what they consume counts as
// gone until recorded executions,
//   cancels or new orders at the level replace it. What finds no depth is cancelled (market,
//   immediate or cancel) or rests.
// - A resting order joins behind what the level displays. fifo: recorded orders ahead move it up
// when they leave or trade, by their
//   ids; orders that were there before the tape began count as ahead. risk_averse: only trades move
//   it up.
// - It fills by the quantity of recorded trades at its price beyond the queue ahead, of trades at
// worse prices (they would
//   have met it first), of trades with hidden orders at its price or worse, and of recorded orders
//   that cross it.
// - Trades print better levels away that the record forgot (deep levels leave and re-enter
// LOBSTER's window unseen).
#include "engine/venue/venue.hpp"

#include <memory>

namespace walras::engine {

struct Tape;

enum class QueueRule : std::uint8_t { Fifo, RiskAverse };

/// `tape` must outlive the venue.
std::unique_ptr<Venue> make_replay_venue(const Tape& tape, QueueRule queue);

}  // namespace walras::engine
