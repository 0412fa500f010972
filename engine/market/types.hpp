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

/// What an order waits for and how it is priced; docs/orders.md says what each does. A stop waits for the market to move
/// against it (buys: up to `trigger_price`), a touched order for the market to come to it (buys: down to it).
enum class OrderType : std::uint8_t {
  Limit, Market, Stop, StopLimit, MarketIfTouched, LimitIfTouched,
  MarketToLimit,               ///< takes the best price; what is left rests there as a limit order
  TrailingStop, TrailingStopLimit,  ///< a stop whose trigger follows the market at a distance of `trail`
  Pegged                       ///< a limit order whose price follows the book: `peg` plus `offset`, never beyond `price`
};
enum class TimeInForce : std::uint8_t {
  GoodTillCancel, ImmediateOrCancel, FillOrKill,
  Day,                         ///< until the trading session in which it arrives, or the next one, ends
  GoodTillDate,                ///< until `expire`
  AtTheOpen, AtTheClose        ///< only in the next opening or closing auction; on bars at the open or close of the session
};
/// Which price sets off a waiting order: the last trade, the side it would take from (buys: the ask), or the mid.
enum class TriggerPrice : std::uint8_t { Last, BidAsk, Mid };
enum class TrailUnit : std::uint8_t { Ticks, BasisPoints };
/// What a pegged order's price follows: the mid, the best price of its own side, or of the other side.
enum class Peg : std::uint8_t { Mid, Primary, Opposite };
/// What ties the orders of one participant that carry the same `group`: the first fill or the end of one cancels the
/// others, or a fill of one takes the same quantity off the others.
enum class Link : std::uint8_t { None, OneCancelsOther, OneUpdatesOther };

/// What a participant asks for. Only instrument, side, type and quantity, and what the type names, need be given.
struct OrderRequest {
  InstrumentId instrument = 0;
  Side side = Side::Buy;
  OrderType type = OrderType::Market;
  TimeInForce time_in_force = TimeInForce::GoodTillCancel;
  bool post_only = false;      ///< refused rather than take from the book
  bool hidden = false;         ///< rests unseen, behind what is shown at its price
  bool all_or_none = false;    ///< rests unseen until one fill can take all of it
  bool reduce_only = false;    ///< never more than the position it closes
  TriggerPrice trigger = TriggerPrice::Last;
  TrailUnit trail_unit = TrailUnit::Ticks;
  Peg peg = Peg::Primary;
  Link link = Link::None;
  std::uint32_t group = 0;     ///< the participant's own number for linked orders; 0 = none
  Ticks price;                 ///< the limit of limit, stop-limit, limit-if-touched and pegged orders (0: a peg without one)
  Lots quantity;               ///< > 0
  Lots display;                ///< iceberg: shown at one time, > 0 and < quantity; 0 = all of it
  Lots minimum;                ///< traded at once on arrival, or nothing is; 0 = any
  Ticks trigger_price;         ///< stops and touched orders; the first level of a trailing stop, 0 = `trail` from the market
  std::int64_t trail = 0;      ///< trailing stops: distance, in `trail_unit`; > 0
  Ticks offset;                ///< pegged: added to the reference for sells, subtracted for buys (primary pegs: >= 0);
                               ///< trailing stop-limit: how far beyond the trigger the limit lies, >= 0
  Nanos expire;                ///< good till date: first moment at which it is gone
  OrderId parent = 0;          ///< held until this order of the same participant fills, then sized as far as that has filled
};

/// Why an order did not enter the market, or left it without being asked. Returned or delivered, never thrown.
enum class Reject : std::uint8_t {
  None, UnknownInstrument, UnknownOrder, BadQuantity, BadPrice, WouldCross /* post-only */, CannotFill /* fill-or-kill */,
  NoMarket /* nothing to trade against */, WarmUp, Ended, Funds /* buying power */, ShortSale, NotYourOrder, Capacity,
  DuplicateOrder /* the id already rests */,
  BadTrigger /* trigger price, trail or offset */, BadDisplay, BadMinimum, BadExpiry /* not later than now */,
  Conflict /* settings that exclude each other */, BadLink /* no such parent, or a group without a link */,
  TickSize /* not on the tick table */, LotSize, PriceBand /* beyond the bands */, Closed /* no trading session takes it */,
  Halted, MinimumQuantity /* not there at once */, SelfTrade, ReduceOnly /* no position to reduce */,
  Expired, Linked /* the order it is tied to filled or ended */, NoAuction /* at the open or close, where there is none */,
  PositionLimit, NotionalLimit, OrderRate, LossLimit, DrawdownLimit, FatFinger /* size or price out of all proportion */,
  KillSwitch, Portfolio /* weights, sectors, turnover */, Margin, Liquidated /* the account fell below its maintenance margin */
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
