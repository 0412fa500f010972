#pragma once
// One event type for every feed: bars, book messages, quotes, trades and answers to orders flow
// through the same 64 bytes. Large payloads (bars) are an index into the tape.
#include "engine/market/types.hpp"

#include <type_traits>

namespace walras::engine {

enum class EventKind : std::uint8_t {
  Bar,            ///< payload = index into Tape::bars; price = close, quantity = volume
  Add,            ///< a visible order enters: order, side, price, quantity
  Reduce,         ///< a resting order shrinks by quantity
  Delete,         ///< a resting order leaves with all of quantity
  Execute,        ///< quantity of a resting order trades; side = of the resting order
  Hidden,         ///< a trade against hidden interest: no book change; side = of the resting order
  Halt,           ///< trading stops; price: 0 = halted, 1 = quoting resumes, 2 = trading resumes
  Depth,          ///< the visible book changed: see Orders::depth. Recorded: a level (side, price) now shows quantity, 0 = gone
  Trade,          ///< a trade print; side = of the aggressor; order = 0
  Dividend,       ///< price = amount per lot in ticks, paid on positions held
  Split,          ///< each `payload` lots become `quantity` lots
  Funding,        ///< longs pay shorts quantity x 1e-9 of the value of the position (perpetual futures); negative: shorts pay longs
  Session,        ///< the venue's trading phase changed; flags = Phase
  Indicative,     ///< in an auction: price and quantity at which it would end now
  Accepted,       ///< the participant's own order rests or was taken in
  Rejected,       ///< own order; flags = Reject
  Cancelled,      ///< own order; quantity = what was left, flags = Reject: why, when it was not asked for
  Replaced,       ///< own order; price and quantity now open
  Triggered       ///< own order: what it waited for came; price = its trigger
};

/// In Event::flags of Add, Reduce and Delete without an order, and of Depth: part of a level enters or leaves the depth that the feed
/// shows. Nobody acted; it keeps a book rebuilt from events equal to the recorded one.
inline constexpr std::uint16_t kWindowMove = 1;

/// In Event::flags of a recorded Depth: the whole book is gone (price and quantity mean nothing).
inline constexpr std::uint16_t kBookClear = 2;
/// In Event::flags of a recorded Depth: its level is the best of its side and the only one known; the others are gone.
inline constexpr std::uint16_t kTouchOnly = 4;
/// In Event::flags of Add: part of a snapshot, so the order is older than its time says.
inline constexpr std::uint16_t kSnapshot = 8;

/// In Event::flags of Trade: the trades of one auction.
inline constexpr std::uint16_t kAuctionTrade = 1;

/// What a venue does with orders. In a call orders gather, also crossed, until an auction ends it at one price.
enum class Phase : std::uint8_t {
  Continuous, Closed, OpeningCall, ClosingCall, VolatilityCall,
  Halted                       ///< cancels only
};

struct alignas(64) Event {
  Nanos exchange_time;              ///< when it happened at the venue
  Nanos local_time;                 ///< when the participant may know it
  std::uint64_t sequence = 0;       ///< position in its source, from 0
  InstrumentId instrument = 0;
  EventKind kind = EventKind::Bar;
  Side side = Side::Buy;
  std::uint16_t flags = 0;
  Ticks price;
  Lots quantity;
  std::uint64_t order = 0;
  std::uint32_t payload = 0;
  std::uint32_t source = 0;
};
static_assert(sizeof(Event) == 64 && std::is_trivially_copyable_v<Event>);

}  // namespace walras::engine
