#pragma once
// The nouns of a market: instruments, orders, fills, bars and what is visible of a book.
#include "engine/base/units.hpp"

#include <array>
#include <cstdint>
#include <string>

namespace walras::engine {

enum class Side : std::uint8_t { Buy, Sell };
[[nodiscard]] constexpr Side opposite(Side side) { return side == Side::Buy ? Side::Sell : Side::Buy; }
/// +1 for Buy, -1 for Sell.
[[nodiscard]] constexpr std::int64_t sign(Side side) { return side == Side::Buy ? 1 : -1; }

/// Index into the market's instruments, which are sorted by name.
using InstrumentId = std::uint32_t;
/// Unique within a simulation; 0 means no order.
using OrderId = std::uint64_t;

/// What is traded, and how its integers translate to money.
struct Instrument {
  std::string name;
  std::string currency = "USD";
  double tick_size = 0.01;     ///< currency units a tick; > 0
  double lot_size = 1;         ///< shares, coins or contracts a lot; > 0
  double multiplier = 1;       ///< currency units per point per contract; > 0
  bool negative_prices = false;
  bool close_only = false;     ///< only closes are known: fills at the next close, no volume
  bool total_return = false;   ///< prices contain dividends: a dividend table is refused
  double periods_per_year = 0; ///< of the data's own bars or sampling; 0 = not yet known
  std::string metadata;        ///< JSON text from the data set: origin, licence, hindsight in the choice of names

  /// Money that one lot gains when the price rises by one tick. Exact; throws Error{Data} when tick x lot x multiplier is no multiple of 1e-12.
  [[nodiscard]] Money tick_value() const;
  [[nodiscard]] double price(Ticks ticks) const { return static_cast<double>(ticks.value) * tick_size; }
  [[nodiscard]] double quantity(Lots lots) const { return static_cast<double>(lots.value) * lot_size; }
  /// Nearest tick; halves round away from zero.
  [[nodiscard]] Ticks ticks(double price) const;
  [[nodiscard]] Lots lots(double quantity) const;
  bool operator==(const Instrument&) const = default;
};

/// One bar. Times are bar open and close; an event of the bar happens at `close_time`.
struct Bar {
  Nanos open_time, close_time;
  Ticks open, high, low, close;
  Lots volume;                 ///< 0 when unknown (close-only data)
};

inline constexpr std::size_t kDepthLevels = 10;
/// The visible best levels of one side or both. Levels beyond `bids`/`asks` counts are undefined.
struct Depth {
  struct Level { Ticks price; Lots quantity; bool operator==(const Level&) const = default; };
  std::array<Level, kDepthLevels> bid, ask;
  std::uint8_t bids = 0, asks = 0;  ///< number of levels present, best first
  [[nodiscard]] bool two_sided() const { return bids > 0 && asks > 0; }
};

enum class OrderType : std::uint8_t { Limit, Market };
enum class TimeInForce : std::uint8_t { GoodTillCancel, ImmediateOrCancel, FillOrKill };

/// What a participant asks for.
struct OrderRequest {
  InstrumentId instrument = 0;
  Side side = Side::Buy;
  OrderType type = OrderType::Market;
  TimeInForce time_in_force = TimeInForce::GoodTillCancel;
  bool post_only = false;
  Ticks price;                 ///< limit orders
  Lots quantity;               ///< > 0
};

/// Why an order did not enter the market. Returned or delivered, never thrown.
enum class Reject : std::uint8_t {
  None, UnknownInstrument, UnknownOrder, BadQuantity, BadPrice, WouldCross /* post-only */, CannotFill /* fill-or-kill */,
  NoMarket /* nothing to trade against */, WarmUp, Ended, Funds /* buying power */, ShortSale, NotYourOrder, Capacity,
  DuplicateOrder /* the id already rests */
};

struct Fill {
  OrderId order = 0;
  InstrumentId instrument = 0;
  Side side = Side::Buy;       ///< of the participant's own order
  bool maker = false;
  Ticks price;
  Lots quantity;               ///< > 0
  Lots remaining;              ///< of the order, after this fill
  Money fee;                   ///< > 0 costs, < 0 rebate
  Nanos exchange_time, local_time;
};

}  // namespace walras::engine
