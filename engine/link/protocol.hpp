#pragma once
// What passes between a simulation and a program outside it, as JSON lines or as length-prefixed bytes; docs/gateway.md
// is the page for whoever writes such a program. Each message has one list of fields, from which come both encodings,
// both decoders with their checks, and the tables of that page. Knows no sockets and no simulation.
#include "engine/base/config.hpp"
#include "engine/market/names.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace walras::engine::protocol {

/// Raised when a program written for the last version would misread this one.
inline constexpr std::int64_t kVersion = 1;

enum class Wire : std::uint8_t { Json, Binary };
/// Whether the simulation waits for its peer, or runs on at a multiple of the time on the wall.
enum class Pace : std::uint8_t { LockStep, Scaled };
/// What sets off a turn of the peer. Start, timer and stop always do.
enum class Why : std::uint8_t { Start, Slice, Fill, Answer, Timer, Stop };
/// What a peer may subscribe to.
enum class Feed : std::uint8_t {
  Bar, Depth,
  Trade,      ///< trades, executions and trades against hidden orders
  Book,       ///< every add, reduce and delete of a recorded order
  Status,     ///< halts, phases, indicative prices
  Corporate   ///< dividends, splits, funding
};

/// An integer of 64 bits, whatever it counts.
inline constexpr Field whole(std::string_view unit, std::string_view doc) {
  return {.unit = unit, .min = -9.3e18, .max = 9.3e18, .doc = doc};
}
inline constexpr Field count(std::string_view unit, std::string_view doc, double least = 0) {
  return {.unit = unit, .min = least, .max = 9.3e18, .doc = doc};
}
inline constexpr Field amount(std::string_view unit, std::string_view doc) { return {.unit = unit, .min = -1e30, .max = 1e30, .doc = doc}; }

// To the peer.

struct Listed {
  std::uint32_t id = 0;
  std::string name, currency;
  double tick_size = 0, lot_size = 0, multiplier = 0, tick_value = 0;
  bool negative_prices = false, close_only = false;
  static void fields(auto&& field) {
    field("id", &Listed::id, {.max = 4.3e9, .doc = "its number in all other messages"});
    field("name", &Listed::name);
    field("currency", &Listed::currency);
    field("tick_size", &Listed::tick_size, amount("currency", "what a tick of price is"));
    field("lot_size", &Listed::lot_size, amount("", "shares, coins or contracts a lot"));
    field("multiplier", &Listed::multiplier, amount("", "currency a point and contract"));
    field("tick_value", &Listed::tick_value, amount("currency", "what one lot gains when the price rises by a tick"));
    field("negative_prices", &Listed::negative_prices);
    field("close_only", &Listed::close_only, {.doc = "only closes are known: fills at the next close"});
  }
};

struct Hello {
  static constexpr std::string_view kType = "hello";
  static constexpr std::uint8_t kTag = 1;
  static constexpr std::string_view kDoc = "A simulation begins. The first turn: answered by subscribe, any requests, and done.";
  std::int64_t protocol = kVersion, session = 0, turn = 0, now = 0, end = 0, max_message_bytes = 0, max_requests = 0;
  Pace time = Pace::LockStep;
  double speed = 1, turn_timeout_s = 0, capital = 0, periods_per_year = 0;
  std::vector<Listed> instruments;
  Json settings = Json::object();
  static void fields(auto&& field) {
    field("protocol", &Hello::protocol, count("", "version of the protocol", 1));
    field("session", &Hello::session, count("", "counts the simulations that this strategy has played, from 0"));
    field("turn", &Hello::turn, count("", "its number, for done"));
    field("now", &Hello::now, whole("ns", "where the simulation begins: warm-up first, if any"));
    field("end", &Hello::end, whole("ns", "where it ends, exclusive"));
    field("time", &Hello::time, {.doc = "whether the simulation waits for done"});
    field("speed", &Hello::speed, amount("x", "scaled: simulated seconds a second"));
    field("turn_timeout_s", &Hello::turn_timeout_s, amount("s", "a turn that takes longer is the last"));
    field("max_message_bytes", &Hello::max_message_bytes, count("bytes", "a longer message is the last"));
    field("max_requests", &Hello::max_requests, count("", "messages allowed a turn; scaled: a second"));
    field("capital", &Hello::capital, amount("currency", "of the account"));
    field("periods_per_year", &Hello::periods_per_year, amount("1/year", "of the market's samples"));
    field("instruments", &Hello::instruments);
    field("settings", &Hello::settings, {.doc = "what the scenario says to the program, as it stands there; binary: JSON text"});
  }
};

struct BarNews {
  static constexpr std::string_view kType = "bar";
  static constexpr std::uint8_t kTag = 2;
  static constexpr std::string_view kDoc = "A bar has closed.";
  std::uint32_t instrument = 0;
  std::int64_t time = 0, exchange_time = 0, open_time = 0, close_time = 0, open = 0, high = 0, low = 0, close = 0, volume = 0;
  static void fields(auto&& field) {
    field("instrument", &BarNews::instrument, {.max = 4.3e9});
    field("time", &BarNews::time, whole("ns", "when it is known here"));
    field("exchange_time", &BarNews::exchange_time, whole("ns", "when it happened"));
    field("open_time", &BarNews::open_time, whole("ns", ""));
    field("close_time", &BarNews::close_time, whole("ns", ""));
    field("open", &BarNews::open, whole("ticks", ""));
    field("high", &BarNews::high, whole("ticks", ""));
    field("low", &BarNews::low, whole("ticks", ""));
    field("close", &BarNews::close, whole("ticks", ""));
    field("volume", &BarNews::volume, whole("lots", "0 when unknown"));
  }
};

struct DepthNews {
  static constexpr std::string_view kType = "depth";
  static constexpr std::uint8_t kTag = 3;
  static constexpr std::string_view kDoc = "The visible book as it stands at this turn; sent where it differs from what was last sent. Best first.";
  std::uint32_t instrument = 0;
  std::int64_t time = 0;
  std::vector<std::int64_t> bid_prices, bid_quantities, ask_prices, ask_quantities;
  static void fields(auto&& field) {
    field("instrument", &DepthNews::instrument, {.max = 4.3e9});
    field("time", &DepthNews::time, whole("ns", ""));
    field("bid_prices", &DepthNews::bid_prices, whole("ticks", ""));
    field("bid_quantities", &DepthNews::bid_quantities, whole("lots", ""));
    field("ask_prices", &DepthNews::ask_prices, whole("ticks", ""));
    field("ask_quantities", &DepthNews::ask_quantities, whole("lots", ""));
  }
};

struct MarketNews {
  static constexpr std::string_view kType = "market";
  static constexpr std::uint8_t kTag = 4;
  static constexpr std::string_view kDoc = "Anything else that happened in the market; what the numbers mean depends on the kind, see below.";
  EventKind kind = EventKind::Trade;
  std::uint32_t instrument = 0;
  Side side = Side::Buy;
  std::int64_t time = 0, exchange_time = 0, price = 0, quantity = 0, order = 0, payload = 0, flags = 0;
  static void fields(auto&& field) {
    field("kind", &MarketNews::kind);
    field("instrument", &MarketNews::instrument, {.max = 4.3e9});
    field("side", &MarketNews::side);
    field("time", &MarketNews::time, whole("ns", "when it is known here"));
    field("exchange_time", &MarketNews::exchange_time, whole("ns", "when it happened"));
    field("price", &MarketNews::price, whole("ticks", ""));
    field("quantity", &MarketNews::quantity, whole("lots", ""));
    field("order", &MarketNews::order, whole("", "the feed's number of a recorded order"));
    field("payload", &MarketNews::payload, count("", ""));
    field("flags", &MarketNews::flags, count("", ""));
  }
};

struct AnswerNews {
  static constexpr std::string_view kType = "answer";
  static constexpr std::uint8_t kTag = 5;
  static constexpr std::string_view kDoc = "What became of a request.";
  EventKind kind = EventKind::Accepted;
  std::int64_t ref = 0, time = 0, exchange_time = 0, price = 0, quantity = 0;
  std::uint32_t instrument = 0;
  Side side = Side::Buy;
  Reject reason = Reject::None;
  static void fields(auto&& field) {
    field("kind", &AnswerNews::kind, {.doc = "accepted, rejected, cancelled, replaced or triggered"});
    field("ref", &AnswerNews::ref, count("", "of the order", 1));
    field("instrument", &AnswerNews::instrument, {.max = 4.3e9});
    field("side", &AnswerNews::side);
    field("time", &AnswerNews::time, whole("ns", "when it is known here"));
    field("exchange_time", &AnswerNews::exchange_time, whole("ns", "when it happened"));
    field("price", &AnswerNews::price, whole("ticks", ""));
    field("quantity", &AnswerNews::quantity, whole("lots", "cancelled: what was left; replaced: what is open now"));
    field("reason", &AnswerNews::reason, {.doc = "why it was rejected, or cancelled unasked"});
  }
};

struct FillNews {
  static constexpr std::string_view kType = "fill";
  static constexpr std::uint8_t kTag = 6;
  static constexpr std::string_view kDoc = "An order traded.";
  std::int64_t ref = 0, time = 0, exchange_time = 0, price = 0, quantity = 0, remaining = 0;
  std::uint32_t instrument = 0;
  Side side = Side::Buy;
  bool maker = false;
  double fee = 0;
  static void fields(auto&& field) {
    field("ref", &FillNews::ref, count("", "of the order; 0: one that the market itself sent for the account"));
    field("instrument", &FillNews::instrument, {.max = 4.3e9});
    field("side", &FillNews::side, {.doc = "of the order"});
    field("time", &FillNews::time, whole("ns", "when it is known here"));
    field("exchange_time", &FillNews::exchange_time, whole("ns", "when it happened"));
    field("price", &FillNews::price, whole("ticks", ""));
    field("quantity", &FillNews::quantity, count("lots", "", 1));
    field("remaining", &FillNews::remaining, count("lots", "of the order, after this fill"));
    field("maker", &FillNews::maker, {.doc = "whether the order was resting"});
    field("fee", &FillNews::fee, amount("currency", "> 0 costs, < 0 rebate"));
  }
};

struct TimerNews {
  static constexpr std::string_view kType = "timer";
  static constexpr std::uint8_t kTag = 7;
  static constexpr std::string_view kDoc = "A timer has come; its turn follows.";
  std::int64_t time = 0, tag = 0;
  static void fields(auto&& field) {
    field("time", &TimerNews::time, whole("ns", ""));
    field("tag", &TimerNews::tag, count("", "as it was set"));
  }
};

struct Holding {
  std::uint32_t instrument = 0;
  std::int64_t quantity = 0;
  static void fields(auto&& field) {
    field("instrument", &Holding::instrument, {.max = 4.3e9});
    field("quantity", &Holding::quantity, whole("lots", "< 0 short"));
  }
};

struct Turn {
  static constexpr std::string_view kType = "turn";
  static constexpr std::uint8_t kTag = 8;
  static constexpr std::string_view kDoc = "Your turn: requests, then done. Scaled: a mark in the stream, nothing waits for it.";
  std::int64_t turn = 0, time = 0;
  Why why = Why::Slice;
  bool warm_up = false;
  double cash = 0, equity = 0;
  std::vector<Holding> positions;
  static void fields(auto&& field) {
    field("turn", &Turn::turn, count("", "its number, for done"));
    field("why", &Turn::why);
    field("time", &Turn::time, whole("ns", "now"));
    field("warm_up", &Turn::warm_up, {.doc = "orders are refused yet"});
    field("cash", &Turn::cash, amount("currency", ""));
    field("equity", &Turn::equity, amount("currency", "cash, and positions at the last prices known here"));
    field("positions", &Turn::positions, {.doc = "those that changed since the last turn"});
  }
};

struct Goodbye {
  static constexpr std::string_view kType = "goodbye";
  static constexpr std::uint8_t kTag = 9;
  static constexpr std::string_view kDoc = "The simulation has ended. The last turn: answered by done; then another hello may come, or the connection closes.";
  std::int64_t turn = 0, time = 0;
  double cash = 0, equity = 0;
  static void fields(auto&& field) {
    field("turn", &Goodbye::turn, count("", "its number, for done"));
    field("time", &Goodbye::time, whole("ns", ""));
    field("cash", &Goodbye::cash, amount("currency", ""));
    field("equity", &Goodbye::equity, amount("currency", "after positions were closed"));
  }
};

struct CutOff {
  static constexpr std::string_view kType = "cut_off";
  static constexpr std::uint8_t kTag = 10;
  static constexpr std::string_view kDoc = "The last message to a peer that broke a rule; the connection closes.";
  std::string reason;
  static void fields(auto&& field) { field("reason", &CutOff::reason, {.doc = "in words"}); }
};

// From the peer.

struct Subscribe {
  static constexpr std::string_view kType = "subscribe";
  static constexpr std::uint8_t kTag = 32;
  static constexpr std::string_view kDoc = "What the peer wants to be told; the first message of every session, once.";
  std::int64_t protocol = 0;
  std::string client;
  std::vector<Feed> events{Feed::Bar, Feed::Depth, Feed::Trade, Feed::Status, Feed::Corporate};
  std::vector<Why> turns{Why::Slice};
  std::vector<std::uint32_t> instruments;
  std::int64_t levels = static_cast<std::int64_t>(kDepthLevels);
  static void fields(auto&& field) {
    field("protocol", &Subscribe::protocol, {.min = 1, .max = 1e6, .required = true, .doc = "the version that the program was written for"});
    field("client", &Subscribe::client, {.doc = "a name, for messages"});
    field("events", &Subscribe::events, {.doc = "of the market; answers, fills and timers always come"});
    field("turns", &Subscribe::turns, {.doc = "what gives a turn; start, timer and stop always do"});
    field("instruments", &Subscribe::instruments, {.max = 4.3e9, .doc = "empty: all"});
    field("levels", &Subscribe::levels, {.min = 1, .max = static_cast<double>(kDepthLevels), .doc = "of each side of the depth"});
  }
};

struct Submit {
  static constexpr std::string_view kType = "submit";
  static constexpr std::uint8_t kTag = 33;
  static constexpr std::string_view kDoc = "An order. Fields as in orders.md.";
  std::int64_t ref = 0;
  std::uint32_t instrument = 0;
  Side side = Side::Buy;
  OrderType order_type = OrderType::Market;
  TimeInForce time_in_force = TimeInForce::GoodTillCancel;
  bool post_only = false, hidden = false, all_or_none = false, reduce_only = false;
  TriggerPrice trigger = TriggerPrice::Last;
  TrailUnit trail_unit = TrailUnit::Ticks;
  Peg peg = Peg::Primary;
  Link link = Link::None;
  std::uint32_t group = 0;
  std::int64_t price = 0, quantity = 0, display = 0, minimum = 0, trigger_price = 0, trail = 0, offset = 0, expire = 0, parent_ref = 0;
  static void fields(auto&& field) {
    field("ref", &Submit::ref, {.min = 1, .max = 9.3e18, .required = true, .doc = "the peer's own number for it, used once a session"});
    field("instrument", &Submit::instrument, {.max = 4.3e9});
    field("side", &Submit::side, {.required = true});
    field("quantity", &Submit::quantity, {.unit = "lots", .min = -9.3e18, .max = 9.3e18, .required = true});
    field("order_type", &Submit::order_type);
    field("time_in_force", &Submit::time_in_force);
    field("price", &Submit::price, whole("ticks", "the limit, where the type has one"));
    field("post_only", &Submit::post_only);
    field("hidden", &Submit::hidden);
    field("all_or_none", &Submit::all_or_none);
    field("reduce_only", &Submit::reduce_only);
    field("display", &Submit::display, whole("lots", "shown of an iceberg; 0: all"));
    field("minimum", &Submit::minimum, whole("lots", "traded on arrival, or nothing"));
    field("trigger", &Submit::trigger, {.doc = "which price sets it off"});
    field("trigger_price", &Submit::trigger_price, whole("ticks", ""));
    field("trail", &Submit::trail, whole("", "distance, in trail_unit"));
    field("trail_unit", &Submit::trail_unit);
    field("peg", &Submit::peg);
    field("offset", &Submit::offset, whole("ticks", ""));
    field("expire", &Submit::expire, whole("ns", "of good_till_date"));
    field("link", &Submit::link, {.doc = "what ties the orders of one group"});
    field("group", &Submit::group, {.max = 4.3e9, .doc = "the peer's own number; 0: none"});
    field("parent_ref", &Submit::parent_ref, count("", "ref of the order that must fill first; 0: none"));
  }
};

struct Cancel {
  static constexpr std::string_view kType = "cancel";
  static constexpr std::uint8_t kTag = 34;
  static constexpr std::string_view kDoc = "Takes an order back.";
  std::int64_t ref = 0;
  static void fields(auto&& field) { field("ref", &Cancel::ref, {.min = 1, .max = 9.3e18, .required = true}); }
};

struct Replace {
  static constexpr std::string_view kType = "replace";
  static constexpr std::uint8_t kTag = 35;
  static constexpr std::string_view kDoc = "Changes price and open quantity.";
  std::int64_t ref = 0, price = 0, quantity = 0;
  static void fields(auto&& field) {
    field("ref", &Replace::ref, {.min = 1, .max = 9.3e18, .required = true});
    field("price", &Replace::price, {.unit = "ticks", .min = -9.3e18, .max = 9.3e18, .required = true});
    field("quantity", &Replace::quantity, {.unit = "lots", .min = -9.3e18, .max = 9.3e18, .required = true, .doc = "open from now on"});
  }
};

struct SetTimer {
  static constexpr std::string_view kType = "set_timer";
  static constexpr std::uint8_t kTag = 36;
  static constexpr std::string_view kDoc = "Asks for a turn at a time of the simulation.";
  std::int64_t at = 0, tag = 0;
  static void fields(auto&& field) {
    field("at", &SetTimer::at, {.unit = "ns", .min = -9.3e18, .max = 9.3e18, .required = true, .doc = "not before now"});
    field("tag", &SetTimer::tag, count("", "comes back with it"));
  }
};

struct Done {
  static constexpr std::string_view kType = "done";
  static constexpr std::uint8_t kTag = 37;
  static constexpr std::string_view kDoc = "Ends the peer's turn.";
  std::int64_t turn = 0;
  static void fields(auto&& field) { field("turn", &Done::turn, {.min = 1, .max = 9.3e18, .required = true, .doc = "the number of the turn that it ends"}); }
};

using ToPeer = std::variant<Hello, BarNews, DepthNews, MarketNews, AnswerNews, FillNews, TimerNews, Turn, Goodbye, CutOff>;
using FromPeer = std::variant<Subscribe, Submit, Cancel, Replace, SetTimer, Done>;

/// Appends the message with its frame: a line of JSON, or a length in four bytes and so many bytes.
void encode(const ToPeer& message, Wire wire, std::string& out);
void encode(const FromPeer& message, Wire wire, std::string& out);

/// Reads one message without its frame. Throws Error{Data} that names message and field.
[[nodiscard]] FromPeer decode_from_peer(std::string_view bytes, Wire wire);
[[nodiscard]] ToPeer decode_to_peer(std::string_view bytes, Wire wire);

/// The messages as tables in Markdown, for docs/gateway.md.
[[nodiscard]] std::string documentation();

/// Cuts a stream of bytes into messages, in whatever pieces it comes. Never keeps more than one message that is not
/// whole, and what came with it.
class Framer {
 public:
  Framer(Wire wire, std::size_t max_message_bytes) : wire_(wire), most_(max_message_bytes) {}
  void add(std::string_view bytes);
  /// The next whole message without its frame, valid until the next call, or nothing. Throws Error{Data} when a message
  /// is longer than allowed, or empty.
  [[nodiscard]] std::optional<std::string_view> next();
  /// Whether a message has begun and not ended.
  [[nodiscard]] bool within_message() const { return begin_ < bytes_.size(); }

 private:
  Wire wire_;
  std::size_t most_;
  std::string bytes_;
  std::size_t begin_ = 0;    // of what next() has not handed out
  std::size_t searched_ = 0; // lines: no end before this
};

}  // namespace walras::engine::protocol

namespace walras {

template <>
struct EnumNames<engine::protocol::Wire> {
  static constexpr std::array<std::pair<engine::protocol::Wire, std::string_view>, 2> names{
      {{engine::protocol::Wire::Json, "json"}, {engine::protocol::Wire::Binary, "binary"}}};
};
template <>
struct EnumNames<engine::protocol::Pace> {
  static constexpr std::array<std::pair<engine::protocol::Pace, std::string_view>, 2> names{
      {{engine::protocol::Pace::LockStep, "lock_step"}, {engine::protocol::Pace::Scaled, "scaled"}}};
};
template <>
struct EnumNames<engine::protocol::Why> {
  using enum engine::protocol::Why;
  static constexpr std::array<std::pair<engine::protocol::Why, std::string_view>, 6> names{
      {{Start, "start"}, {Slice, "slice"}, {Fill, "fill"}, {Answer, "answer"}, {Timer, "timer"}, {Stop, "stop"}}};
};
template <>
struct EnumNames<engine::protocol::Feed> {
  using enum engine::protocol::Feed;
  static constexpr std::array<std::pair<engine::protocol::Feed, std::string_view>, 6> names{
      {{Bar, "bar"}, {Depth, "depth"}, {Trade, "trade"}, {Book, "book"}, {Status, "status"}, {Corporate, "corporate"}}};
};

}  // namespace walras
