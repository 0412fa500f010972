#pragma once
// A recorded book that reacts. History is replayed as what people meant to do: adds, cancels, and aggressors rebuilt from
// executions. Own orders stand in the same queues and are seen by all. Rules:
// - A message about an order that own orders have consumed does nothing, and is counted.
// - An aggressor first meets own orders that stand before the order its execution names, then takes that order as far as
//   it rests, and with what is left walks the book as it is.
// - An order that would rest in the record but now crosses what stands, trades.
// - Where a level holds more or less than the record says, it is pulled back to it: half of the difference in each
//   half-life, as new orders at the back or by cancels from the back.
// Without own orders every state equals the record.
#include "engine/venue/venue.hpp"

#include <memory>

namespace walras::engine {

struct Tape;

struct ReactingRules {
  Nanos half_life{kNanosPerSecond};  ///< of the difference to the record; > 0
};

/// What became of history so far.
struct ReactingCounts {
  std::uint64_t no_ops = 0;        ///< messages about orders that own orders had consumed
  std::uint64_t walked = 0;        ///< lots of aggressors that met other orders than the record names
  std::uint64_t refilled = 0, withdrawn = 0;  ///< lots by which levels were pulled back to the record
};

class ReactingVenue : public Venue {
 public:
  [[nodiscard]] virtual const ReactingCounts& counts() const = 0;
};

/// `tape` must outlive the venue.
std::unique_ptr<ReactingVenue> make_reacting_venue(const Tape& tape, ReactingRules rules);

}  // namespace walras::engine
