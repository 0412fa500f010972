#include "engine/venue/reacting_venue.hpp"

#include "engine/base/archive.hpp"
#include "engine/book/order_book.hpp"
#include "engine/market/id_map.hpp"
#include "engine/market/order_rules.hpp"
#include "engine/market/tape.hpp"
#include "engine/venue/ladder.hpp"

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

constexpr std::uint32_t kGone = 0;  // a recorded order that own orders have consumed

class Reacting final : public ReactingVenue {
 public:
  Reacting(const Tape& tape, ReactingRules rules) : rules_(rules) {
    markets_.reserve(tape.instruments.size());
    for (std::size_t i = 0; i < tape.instruments.size(); ++i) {
      Market& market = markets_.emplace_back();
      market.tick_value = tape.instruments[i].tick_value();
      if (tape.initial_books.empty()) continue;
      const Depth& book = tape.initial_books[i];
      for (std::size_t k = 0; k < book.bids; ++k) seed(market, Side::Buy, book.bid[k]);
      for (std::size_t k = 0; k < book.asks; ++k) seed(market, Side::Sell, book.ask[k]);
    }
  }

  [[nodiscard]] const ReactingCounts& counts() const override { return counts_; }

  [[nodiscard]] Nanos next_time() const noexcept override {
    Nanos next = Nanos::max();
    for (const Market& market : markets_) {
      if (!market.apart.empty()) next = std::min(next, market.pulled + step());
    }
    return next;
  }
  void advance(VenueSink& sink) override {
    const Nanos time = next_time();
    for (std::size_t i = 0; i < markets_.size(); ++i) {
      if (markets_[i].apart.empty() || markets_[i].pulled + step() > time) continue;
      if (pull(markets_[i], time)) tell(static_cast<InstrumentId>(i), time, sink);
    }
  }

  VenueAbilities abilities() const override {
    VenueAbilities able;
    able.shows_own = true;
    return able;
  }

  void replay(const Event& event, VenueSink& sink) override {
    Market& market = markets_[event.instrument];
    pull(market, event.exchange_time);
    bool book = true;
    switch (event.kind) {
      case EventKind::Add: add(market, event, sink); break;
      case EventKind::Reduce:
      case EventKind::Delete: leave(market, event); break;
      case EventKind::Execute: execute(market, event, sink); break;
      case EventKind::Depth: level(market, event, sink); break;
      case EventKind::Hidden: print(market, event, event.side, sink); book = !market.own.empty(); break;
      case EventKind::Trade: trade(market, event, sink); break;
      case EventKind::Halt: market.halted = event.price.value != 2; book = false; break;
      default: book = false;
    }
    if (!book) return sink.publish(event, nullptr);
    market.book.depth(market.depth);
    sink.publish(event, &market.depth);
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override { enter(order, now, sink, false); }

  void cancel(OrderId id, Nanos now, VenueSink& sink) override {
    const auto [market, handle] = find(id);
    if (!market) return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    const VenueOrder order = market->info[handle].order;
    const Lots left = market->book.cancel(handle).cancelled;
    drop(*market, handle);
    sink.answer(EventKind::Cancelled, id, order.price, left, Reject::None);
    tell(order.instrument, now, sink);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    const auto [market, handle] = find(id);
    if (!market) return sink.answer(EventKind::Rejected, id, price, quantity, Reject::UnknownOrder);
    VenueOrder order = market->info[handle].order;
    const Lots open = market->book.find(handle)->quantity;
    if (order.price == price && quantity <= open) {
      if (quantity < open) market->book.reduce(handle, open - quantity);
      sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
      return tell(order.instrument, now, sink);
    }
    order.price = price;
    order.quantity = quantity;
    if (order.post_only && crosses(*market, order)) return sink.answer(EventKind::Rejected, id, price, quantity, Reject::WouldCross);
    market->book.cancel(handle);
    drop(*market, handle);
    sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    enter(order, now, sink, true);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    // The simulation has ended own orders; here they go from the book.
    for (Market& one : markets_) {
      while (!one.own.empty()) {
        const std::uint32_t at = one.own.back();
        one.book.cancel(at);
        drop(one, at);
      }
    }
    VenueOrder left = order;
    const std::int64_t reference = twice_mid(market);
    Ticks last{market.last_trade};
    take(market, left, now, sink, &last);
    if (left.quantity.value == 0 || last.value == 0) return;
    sink.fill(order.id, last, left.quantity, {}, false, cost(market, order.side, last, left.quantity, reference), now);
  }

  void state(Archive& archive) override { archive(markets_, counts_); }

 private:
  struct Info {
    std::uint64_t tape = 0;  // the recorded id; 0 for depth without one
    VenueOrder order;        // of own orders; order.id = 0 otherwise
  };
  struct Apart {
    Side side;
    std::int64_t price;
    double carry = 0;
  };
  struct Market {
    OrderBook book;
    std::array<Ladder, 2> record{Ladder(Side::Buy), Ladder(Side::Sell)};  // what the record says
    IdMap<std::uint32_t> orders{4096};                                    // recorded id -> handle, or kGone
    std::vector<Info> info = std::vector<Info>(1);                        // by handle
    std::vector<std::uint32_t> free;
    std::vector<std::uint32_t> own;                                       // handles
    std::vector<Apart> apart;                                             // levels that differ from the record
    std::vector<std::uint32_t> queue;                                     // scratch
    Depth depth;
    Money tick_value;
    Nanos pulled{Nanos::min()};
    std::int64_t last_trade = 0;
    bool halted = false, shows_sums = false;
    void state(Archive& archive) {
      archive(book, record, orders, info, free, own, apart, depth, pulled, last_trade, halted, shows_sums);
    }
  };

  [[nodiscard]] Nanos step() const { return {std::max<std::int64_t>(1, rules_.half_life.value / 16)}; }
  static Ladder& record(Market& market, Side side) { return market.record[static_cast<std::size_t>(side)]; }

  // Orders and their handles.

  static std::uint32_t handle(Market& market, const Info& info) {
    if (market.free.empty()) {
      market.info.push_back(info);
      return static_cast<std::uint32_t>(market.info.size() - 1);
    }
    const std::uint32_t at = market.free.back();
    market.free.pop_back();
    market.info[at] = info;
    return at;
  }
  /// Forgets a handle whose order has left the book.
  static void drop(Market& market, std::uint32_t at) {
    Info& info = market.info[at];
    if (const std::uint32_t* known = info.tape != 0 ? market.orders.find(info.tape) : nullptr; known && *known == at) market.orders.erase(info.tape);
    if (info.order.id != 0) std::erase(market.own, at);
    info = {};
    market.free.push_back(at);
  }
  std::pair<Market*, std::uint32_t> find(OrderId id) {
    for (Market& market : markets_) {
      for (const std::uint32_t at : market.own) {
        if (market.info[at].order.id == id) return {&market, at};
      }
    }
    return {nullptr, 0};
  }
  static void seed(Market& market, Side side, const Depth::Level& level) {
    record(market, side).add(level.price.value, level.quantity.value);
    rest(market, 0, side, level.price.value, level.quantity.value);
  }
  static void rest(Market& market, std::uint64_t tape, Side side, std::int64_t price, std::int64_t quantity) {
    const std::uint32_t at = handle(market, {tape, {}});
    if (market.book.rest(at, side, {price}, {quantity}).reject != Reject::None) return drop(market, at);
    if (tape != 0) market.orders.insert(tape, at);
  }

  /// Quantity of a level without own orders.
  static std::int64_t history_at(const Market& market, Side side, std::int64_t price) {
    std::int64_t quantity = market.book.level(side, {price}).quantity.value;
    for (const std::uint32_t at : market.own) {
      const VenueOrder& order = market.info[at].order;
      if (order.side == side && order.price.value == price) quantity -= market.book.find(at)->quantity.value;
    }
    return quantity;
  }
  static void mark(Market& market, Side side, std::int64_t price) {
    for (const Apart& apart : market.apart) {
      if (apart.side == side && apart.price == price) return;
    }
    market.apart.push_back({side, price, 0});
  }

  /// A resting order gives `quantity` to somebody. Own orders are told; what history loses stays remembered.
  void give(Market& market, std::uint32_t at, std::int64_t quantity, bool to_own, Nanos time, VenueSink& sink) {
    const auto resting = *market.book.find(at);
    const Lots left = market.book.reduce(at, {quantity}).resting;
    gave(market, at, resting.side, resting.price, {quantity}, left, to_own, time, sink);
  }
  void gave(Market& market, std::uint32_t at, Side side, Ticks price, Lots quantity, Lots left, bool to_own, Nanos time, VenueSink& sink) {
    const OrderId own = market.info[at].order.id;
    const std::uint64_t tape = market.info[at].tape;
    if (left.value == 0) drop(market, at);
    if (own != 0) return sink.fill(own, price, quantity, left, true, {}, time);
    if (left.value == 0 && tape != 0 && to_own) market.orders.insert(tape, kGone);
    mark(market, side, price.value);
  }

  // The record.

  void add(Market& market, const Event& event, VenueSink& sink) {
    const std::int64_t price = event.price.value;
    std::int64_t left = event.quantity.value;
    const Side other = opposite(event.side);
    const Ladder& facing = record(market, other);
    // Where the record itself is crossed here, its orders did not meet: only own orders do.
    const bool crossed = !facing.empty() && (facing.best().price - price) * sign(event.side) <= 0;
    if (!market.own.empty() || !market.apart.empty()) {
      if (crossed) meet_own(market, other, price, 0, left, event.exchange_time, sink);
      else walk(market, other, left, price, true, event.exchange_time, sink);
    }
    record(market, event.side).add(price, event.quantity.value);
    if (left > 0) rest(market, event.order, event.side, price, left);
    else if (event.order != 0) market.orders.insert(event.order, kGone);
    if (left < event.quantity.value) mark(market, event.side, price);
  }

  void leave(Market& market, const Event& event) {
    record(market, event.side).reduce(event.price.value, event.quantity.value, 0);
    std::uint32_t* known = event.order != 0 ? market.orders.find(event.order) : nullptr;
    if (known && *known == kGone) {
      ++counts_.no_ops;
      if (event.kind == EventKind::Delete) market.orders.erase(event.order);
      return;
    }
    if (known) {
      const std::uint32_t at = *known;
      const auto resting = *market.book.find(at);
      const std::int64_t gone = event.kind == EventKind::Delete ? resting.quantity.value : std::min(resting.quantity.value, event.quantity.value);
      if (market.book.reduce(at, {gone}).resting.value == 0) drop(market, at);
      // Less was left of it than the record says.
      if (gone != event.quantity.value) ++counts_.no_ops;
      return;
    }
    withdraw(market, event.side, event.price.value, event.quantity.value, event.kind == EventKind::Execute);
  }

  /// Takes quantity of a level from orders that nobody named, else from the back of the named ones.
  std::int64_t withdraw(Market& market, Side side, std::int64_t price, std::int64_t quantity, bool front) {
    market.queue.clear();
    market.book.visit_orders(side, {price}, [&](OrderId at, Lots) {
      if (market.info[at].order.id == 0) market.queue.push_back(static_cast<std::uint32_t>(at));
    });
    if (!front) std::reverse(market.queue.begin(), market.queue.end());
    for (const bool named : {false, true}) {
      for (const std::uint32_t at : market.queue) {
        if (quantity == 0) return 0;
        const auto resting = market.book.find(at);
        if (!resting || (market.info[at].tape != 0) != named) continue;
        const std::int64_t part = std::min(quantity, resting->quantity.value);
        quantity -= part;
        if (market.book.reduce(at, {part}).resting.value == 0) drop(market, at);
      }
    }
    if (quantity > 0) ++counts_.no_ops;
    return quantity;
  }

  void execute(Market& market, const Event& event, VenueSink& sink) {
    record(market, event.side).reduce(event.price.value, event.quantity.value, 0);
    market.last_trade = event.price.value;
    std::int64_t left = event.quantity.value;
    std::uint32_t* known = event.order != 0 ? market.orders.find(event.order) : nullptr;
    const std::uint32_t named = known ? *known : kGone;
    const bool consumed = known && named == kGone;
    if (!market.own.empty()) meet_own(market, event.side, event.price.value, consumed ? 0 : named, left, event.exchange_time, sink);
    const std::int64_t met = event.quantity.value - left;
    if (met > 0) mark(market, event.side, event.price.value);
    if (!consumed && known) {
      const std::int64_t open = market.book.find(named)->quantity.value;
      const std::int64_t part = std::min(left, open);
      left -= part;
      if (part > 0 && market.book.reduce(named, {part}).resting.value == 0) drop(market, named);
    } else if (!consumed) {
      left = withdraw(market, event.side, event.price.value, left, true);
    }
    if (left == 0) return;
    if (consumed) ++counts_.no_ops;
    counts_.walked += static_cast<std::uint64_t>(left);
    walk(market, event.side, left, 0, false, event.exchange_time, sink);
  }

  /// Own orders of `side` at better prices than `price`, and at it those before the order `named` (0: all), give first.
  void meet_own(Market& market, Side side, std::int64_t price, std::uint32_t named, std::int64_t& left, Nanos time, VenueSink& sink) {
    while (left > 0) {
      std::uint32_t best = 0;
      std::int64_t best_price = 0;
      for (const std::uint32_t at : market.own) {
        const VenueOrder& order = market.info[at].order;
        const std::int64_t ahead = (order.price.value - price) * sign(side);
        if (order.side != side || ahead < 0 || (ahead == 0 && named != 0 && !before(market, at, named))) continue;
        if (best == 0 || (order.price.value - best_price) * sign(side) > 0 || (order.price.value == best_price && before(market, at, best))) {
          best = at;
          best_price = order.price.value;
        }
      }
      if (best == 0) return;
      const std::int64_t part = std::min(left, market.book.find(best)->quantity.value);
      left -= part;
      give(market, best, part, false, time, sink);
    }
  }
  /// Whether `a` stands before `b` in the queue of their price.
  static bool before(const Market& market, std::uint32_t a, std::uint32_t b) {
    const auto resting = market.book.find(a);
    bool first = false, found = false;
    market.book.visit_orders(resting->side, resting->price, [&](OrderId at, Lots) {
      if (!found && (at == a || at == b)) {
        first = at == a;
        found = true;
      }
    });
    return first;
  }

  /// An aggressor takes from the best of `side`, as far as `limit` where `limited`.
  void walk(Market& market, Side side, std::int64_t& left, std::int64_t limit, bool limited, Nanos time, VenueSink& sink) {
    while (left > 0 && !market.book.empty(side)) {
      const Ticks best = market.book.best(side);
      if (limited && (best.value - limit) * sign(side) < 0) return;
      const auto at = static_cast<std::uint32_t>(market.book.front(side));
      const std::int64_t part = std::min(left, market.book.find(at)->quantity.value);
      left -= part;
      market.last_trade = best.value;
      give(market, at, part, true, time, sink);
    }
  }

  /// A trade that changes no displayed order: own orders that are shown come before what is hidden.
  void print(Market& market, const Event& event, Side side, VenueSink& sink) {
    market.last_trade = event.price.value;
    std::int64_t left = event.quantity.value;
    if (!market.own.empty()) meet_own(market, side, event.price.value, 0, left, event.exchange_time, sink);
  }

  /// A print; in feeds of sums it takes from the level at once, which the next showing of the level then only confirms.
  void trade(Market& market, const Event& event, VenueSink& sink) {
    const Side side = opposite(event.side);
    const Ladder::Level* level = record(market, side).find(event.price.value);
    if (!market.shows_sums || event.flags != 0 || !level) return print(market, event, side, sink);
    Event taken = event;
    taken.side = side;
    taken.order = 0;
    taken.quantity.value = std::min(event.quantity.value, level->quantity);
    execute(market, taken, sink);
  }

  void level(Market& market, const Event& event, VenueSink& sink) {
    if (event.flags & kBookClear) {
      clear(market);
      return;
    }
    market.shows_sums = true;
    if (event.flags & kTouchOnly) {
      std::vector<std::int64_t> gone;
      record(market, event.side).visit([&](const Ladder::Level& level) {
        if (level.price != event.price.value) gone.push_back(level.price);
        return true;
      });
      for (const std::int64_t price : gone) set_level(market, event, price, 0, sink);
    }
    set_level(market, event, event.price.value, event.quantity.value, sink);
  }
  void set_level(Market& market, const Event& event, std::int64_t price, std::int64_t quantity, VenueSink& sink) {
    const Ladder::Level* shown = record(market, event.side).find(price);
    const std::int64_t before = shown ? shown->quantity : 0;
    Event change = event;
    change.order = 0;
    change.price = {price};
    change.quantity = {quantity > before ? quantity - before : before - quantity};
    if (quantity > before) {
      change.kind = EventKind::Add;
      add(market, change, sink);
    } else if (quantity < before) {
      change.kind = EventKind::Reduce;
      leave(market, change);
    }
  }

  static void clear(Market& market) {
    for (Ladder& side : market.record) side.clear();
    market.orders.clear();
    market.apart.clear();
    for (std::uint32_t at = 1; at < market.info.size(); ++at) {
      if (market.info[at].order.id != 0 || !market.book.find(at)) continue;
      market.book.cancel(at);
      market.info[at] = {};
      market.free.push_back(at);
    }
  }

  /// Brings levels nearer to the record. Returns whether any changed.
  bool pull(Market& market, Nanos now) {
    const Nanos since = now - market.pulled;
    if (market.apart.empty()) {
      market.pulled = now;
      return false;
    }
    if (since.value <= 0) return false;
    market.pulled = now;
    const double part = 1 - std::exp2(-static_cast<double>(since.value) / static_cast<double>(rules_.half_life.value));
    bool changed = false;
    for (Apart& apart : market.apart) changed = pull_level(market, apart, part) || changed;
    std::erase_if(market.apart, [&](const Apart& apart) { return difference(market, apart) == 0; });
    return changed;
  }
  static std::int64_t difference(Market& market, const Apart& apart) {
    const Ladder::Level* level = record(market, apart.side).find(apart.price);
    return (level ? level->quantity : 0) - history_at(market, apart.side, apart.price);
  }
  bool pull_level(Market& market, Apart& apart, double part) {
    const std::int64_t apart_by = difference(market, apart);
    const double wanted = static_cast<double>(std::abs(apart_by)) * part + apart.carry;
    const auto lots = std::min(static_cast<std::int64_t>(wanted), std::abs(apart_by));
    apart.carry = wanted - static_cast<double>(lots);
    if (lots == 0) return false;
    if (apart_by < 0) {
      withdraw(market, apart.side, apart.price, lots, false);
      counts_.withdrawn += static_cast<std::uint64_t>(lots);
      return true;
    }
    const Side other = opposite(apart.side);
    if (!market.book.empty(other) && (market.book.best(other).value - apart.price) * sign(apart.side) <= 0) return false;  // waits
    rest(market, 0, apart.side, apart.price, lots);
    counts_.refilled += static_cast<std::uint64_t>(lots);
    return true;
  }

  // Own orders.

  static std::int64_t twice_mid(const Market& market) {
    if (market.book.empty(Side::Buy) || market.book.empty(Side::Sell)) return 0;
    return market.book.best(Side::Buy).value + market.book.best(Side::Sell).value;
  }
  static Money cost(const Market& market, Side side, Ticks price, Lots quantity, std::int64_t twice_reference) {
    const std::int64_t twice = (2 * price.value - twice_reference) * sign(side);
    if (twice_reference == 0 || twice <= 0) return {};
    return {(market.tick_value * twice * quantity.value).value / 2};
  }
  static bool acceptable(const VenueOrder& order, std::int64_t price) {
    return order.type == OrderType::Market || (price - order.price.value) * sign(order.side) <= 0;
  }
  static bool crosses(const Market& market, const VenueOrder& order) {
    const Side other = opposite(order.side);
    return !market.book.empty(other) && acceptable(order, market.book.best(other).value);
  }

  /// Takes what the order may have; order.quantity becomes what is left. Own resting orders give like any other.
  void take(Market& market, VenueOrder& order, Nanos now, VenueSink& sink, Ticks* last = nullptr) {
    const Side other = opposite(order.side);
    const std::int64_t reference = twice_mid(market);
    while (order.quantity.value > 0 && !market.book.empty(other) && acceptable(order, market.book.best(other).value)) {
      const Ticks price = market.book.best(other);
      const auto at = static_cast<std::uint32_t>(market.book.front(other));
      const Lots part{std::min(order.quantity.value, market.book.find(at)->quantity.value)};
      order.quantity -= part;
      give(market, at, part.value, true, now, sink);
      sink.fill(order.id, price, part, order.quantity, false, cost(market, order.side, price, part, reference), now);
      market.last_trade = price.value;
      if (last) *last = price;
    }
  }

  void enter(VenueOrder order, Nanos now, VenueSink& sink, bool known) {
    Market& market = markets_[order.instrument];
    pull(market, now);
    const auto refuse = [&](Reject why) { sink.answer(EventKind::Rejected, order.id, order.price, order.quantity, why); };
    if (order.type != OrderType::Limit && order.type != OrderType::Market) return refuse(Reject::Conflict);
    const bool taking = !market.halted && crosses(market, order);
    if (order.post_only && taking) return refuse(Reject::WouldCross);
    if (order.type == OrderType::Market && !taking) return refuse(Reject::NoMarket);
    if (order.time_in_force == TimeInForce::FillOrKill) {
      const Ticks limit = order.type == OrderType::Market ? Ticks{sign(order.side) * OrderBook::kMaxPrice} : order.price;
      if (!taking || market.book.available(order.side, limit, order.quantity) < order.quantity) return refuse(Reject::CannotFill);
    }
    if (taking) take(market, order, now, sink);
    if (order.quantity.value > 0) {
      if (order.type == OrderType::Market || immediate(order.time_in_force)) {
        sink.answer(EventKind::Cancelled, order.id, order.price, order.quantity, Reject::None);
      } else {
        const std::uint32_t at = handle(market, {0, order});
        const Outcome outcome = market.book.rest(at, order.side, order.price, order.quantity);
        if (outcome.reject != Reject::None) {
          market.info[at] = {};
          market.free.push_back(at);
          return refuse(outcome.reject);
        }
        market.own.push_back(at);
        if (!known) sink.answer(EventKind::Accepted, order.id, order.price, order.quantity, Reject::None);
      }
    }
    tell(order.instrument, now, sink);
  }

  /// The book as it stands now, for everybody.
  void tell(InstrumentId instrument, Nanos now, VenueSink& sink) {
    Market& market = markets_[instrument];
    market.book.depth(market.depth);
    Event event;
    event.exchange_time = event.local_time = now;
    event.instrument = instrument;
    event.kind = EventKind::Depth;
    sink.publish(event, &market.depth);
  }

  ReactingRules rules_;
  std::vector<Market> markets_;
  ReactingCounts counts_;
};

}  // namespace

std::unique_ptr<ReactingVenue> make_reacting_venue(const Tape& tape, ReactingRules rules) {
  return std::make_unique<Reacting>(tape, rules);
}

}  // namespace walras::engine
