#pragma once
// What the adapters of recorded feeds share. FeedFaults counts what a feed gets wrong, or stops at the first (strict).
// OrderFeed turns order-by-order messages into events of a tape and holds them to the orders known so far; LevelFeed does
// it for absolute quantities of price levels. Both write raw integers; settle_units() finds tick and lot and divides.
#include "engine/data/source.hpp"
#include "engine/market/id_map.hpp"

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace walras::engine {

/// What can be wrong with a message of a feed; docs/data.md says what is done about each.
enum class FeedFault : std::uint8_t {
  UnknownOrder,      ///< a message names an order that does not rest: left out
  DuplicateOrder,    ///< an order is added that rests already: the new one takes its place
  BadQuantity,       ///< zero, negative, or too large for 63 bits or the order it is taken from: cut, or left out
  BadPrice,          ///< none, or not positive where prices are: left out
  ClockBack,         ///< exchange time before the last one: the last one is kept
  ClockSkew,         ///< received before it was sent: local time = exchange time
  SequenceGap,       ///< messages are missing: the book is cleared where levels can no longer be trusted
  DoubtfulBook       ///< the publisher itself says that the book may be wrong
};
inline constexpr std::size_t kFeedFaults = 8;

/// Counts faults by kind, with the first place of each; a strict one throws Error{Data} there instead.
class FeedFaults {
 public:
  FeedFaults(std::string file, bool strict) : file_(std::move(file)), strict_(strict) {}
  /// `place`: "byte 1024" or "row 17". `found` completes "expected ..., found".
  void add(FeedFault fault, const std::string& place, const std::string& found);
  [[nodiscard]] std::size_t count(FeedFault fault) const { return counts_[static_cast<std::size_t>(fault)]; }
  /// {"unknown_order": n, ...} of those that happened.
  [[nodiscard]] Json counts() const;
  /// A sentence for each that happened.
  void note(Json& notes) const;
  [[nodiscard]] const std::string& file() const { return file_; }
  /// Stops with Error{Data}, strict or not.
  [[noreturn]] void refuse(const std::string& place, const std::string& text) const;

 private:
  std::string file_;
  bool strict_;
  std::array<std::size_t, kFeedFaults> counts_{};
  std::array<std::string, kFeedFaults> first_;
};

/// When a message happened, when it was received, and where it stands in its file.
struct FeedTime {
  Nanos exchange, local;
  std::uint64_t place = 0;   ///< byte offset or row
};

/// Exchange times that never fall and local times that never lie before them, by instrument.
class FeedClock {
 public:
  FeedClock(FeedFaults& faults, const char* unit) : faults_(&faults), unit_(unit) {}
  [[nodiscard]] std::string place(std::uint64_t place) const;
  FeedTime settle(InstrumentId instrument, FeedTime time);

 private:
  FeedFaults* faults_;
  const char* unit_;
  std::vector<Nanos> last_;
};

/// Order-by-order messages of any number of instruments. Quantities and prices are the feed's own integers.
class OrderFeed {
 public:
  /// Both are borrowed. `unit`: what places count, "byte" or "row".
  OrderFeed(Tape& tape, FeedFaults& faults, const char* unit) : tape_(&tape), faults_(&faults), clock_(faults, unit) {}

  void add(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price, std::int64_t quantity,
           std::uint16_t flags = 0);
  void reduce(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity);
  void remove(FeedTime time, InstrumentId instrument, std::uint64_t id);
  /// `exact`: traded price in units of the feed where it is not the order's own; 0 = it is.
  void execute(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity, std::uint32_t exact = 0);
  /// An execution that the feed tells again as a change of the order: told() then takes that back.
  /// What goes beyond the quantity shown, or names an order that was never shown, traded with hidden interest: it becomes a
  /// Hidden event of `side` at `price`.
  void fill(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price, std::int64_t quantity,
            std::uint32_t exact = 0);
  /// The change of `quantity` that follows a fill; what the fills did not tell is a reduction of its own.
  void told_reduce(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity);
  void modify(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price, std::int64_t quantity);
  void replace(FeedTime time, InstrumentId instrument, std::uint64_t old, std::uint64_t id, std::int64_t price, std::int64_t quantity);
  void clear(FeedTime time, InstrumentId instrument);
  /// Anything that changes no order.
  void print(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price, std::int64_t quantity,
             std::uint32_t exact = 0, std::uint16_t flags = 0);
  [[nodiscard]] std::size_t hidden() const { return hidden_; }  ///< executions of what was not shown
  [[nodiscard]] bool knows(InstrumentId instrument, std::uint64_t id) { return known(instrument, id) != nullptr; }
  /// Of an order that rests; 0 when none does.
  [[nodiscard]] std::int64_t price(InstrumentId instrument, std::uint64_t id) {
    const Known* order = known(instrument, id);
    return order ? order->price : 0;
  }

 private:
  struct Known {
    std::int64_t price = 0, quantity = 0, told = 0;  // told: executed, and not yet taken off by the feed's own change
    Side side = Side::Buy;
  };
  Known* known(InstrumentId instrument, std::uint64_t id);
  Known* wanted(FeedTime time, InstrumentId instrument, std::uint64_t id);
  /// `quantity` cut to what the order has; 0 when nothing can be done.
  std::int64_t part(FeedTime time, const Known& order, std::int64_t quantity);
  Event& push(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price, std::int64_t quantity,
              std::uint64_t id);

  Tape* tape_;
  FeedFaults* faults_;
  FeedClock clock_;
  std::vector<IdMap<Known>> orders_;
  std::size_t hidden_ = 0;
};

/// Absolute quantities of price levels.
class LevelFeed {
 public:
  LevelFeed(Tape& tape, FeedFaults& faults, const char* unit) : tape_(&tape), faults_(&faults), clock_(faults, unit) {}
  void level(FeedTime time, InstrumentId instrument, Side side, std::int64_t price, std::int64_t quantity, std::uint16_t flags = 0);
  void clear(FeedTime time, InstrumentId instrument);
  void trade(FeedTime time, InstrumentId instrument, Side aggressor, std::int64_t price, std::int64_t quantity);
  /// The best levels of a side as a feed shows them whole, best first: what differs from the last showing becomes events;
  /// levels that leave or enter at the far end are window moves.
  void show(FeedTime time, InstrumentId instrument, Side side, std::span<const std::pair<std::int64_t, std::int64_t>> levels,
            std::size_t window);

 private:
  void push(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price, std::int64_t quantity, std::uint16_t flags);
  Tape* tape_;
  FeedFaults* faults_;
  FeedClock clock_;
  std::map<std::pair<InstrumentId, Side>, std::vector<std::pair<std::int64_t, std::int64_t>>> shown_;
};

/// Reads "[-]digits[.digits]" as a count of 10^-decimals. Nothing for other text, digits beyond `decimals` that are not zero,
/// and counts beyond 2^62.
[[nodiscard]] std::optional<std::int64_t> read_fixed(std::string_view text, int decimals);

/// How the integers of a feed translate.
struct FeedUnits {
  int price_decimals = 9, quantity_decimals = 0;   ///< a raw integer counts 10^-decimals
  std::map<std::string, double> tick_sizes;        ///< stated by the feed itself, by instrument
};
/// Divides raw prices and quantities by tick and lot and writes both into the instruments. A tick that neither `terms` nor
/// the feed states is the largest of 1, 2.5, 5 times a power of ten that fits every price of the book (16 prices or more),
/// else the decimals written. Prices of hidden and auction trades may fall between ticks: nearest, and counted.
/// Returns {"<instrument>": {"tick_size", "lot_size", "prices_between_ticks"}}. Throws Error{Data} for a stated tick or lot
/// that does not fit.
Json settle_units(Tape& tape, const InstrumentTerms& terms, const FeedUnits& units, const std::string& file);

/// How often the displayed books of a finished or settled tape were crossed or locked at the end of an instant.
struct BookCheck {
  std::size_t instants = 0, crossed = 0, locked = 0;
  Nanos first_crossed;
};
[[nodiscard]] BookCheck check_books(const Tape& tape);
/// Adds what check_books() found to {"detected", "notes"}.
void note_books(const BookCheck& check, Json& entry);

/// Keeps a feed adapter's named instruments and drops those that no event names, so that numbers stay dense.
void keep_used(Tape& tape);

}  // namespace walras::engine
