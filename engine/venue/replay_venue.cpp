#include "engine/venue/replay_venue.hpp"

#include "engine/market/tape.hpp"

#include <algorithm>

namespace walras::engine {
namespace {

/// What is known of a recorded order.
struct Known {
  OrderId id = 0;  // 0 = free slot
  std::int64_t price = 0;
  std::int64_t quantity = 0;
  std::uint64_t entry = 0;  // place in the order of arrival
  Side side = Side::Buy;
};

/// id -> Known in one flat array: open addressing, linear probing, deletion by shifting back.
class KnownOrders {
 public:
  KnownOrders() : slots_(8192) {}
  Known* find(OrderId id) {
    for (std::size_t at = home(id); slots_[at].id != 0; at = next(at)) {
      if (slots_[at].id == id) return &slots_[at];
    }
    return nullptr;
  }
  void insert(const Known& order) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    std::size_t at = home(order.id);
    while (slots_[at].id != 0 && slots_[at].id != order.id) at = next(at);
    count_ += slots_[at].id == 0 ? 1 : 0;
    slots_[at] = order;
  }
  void erase(const Known* order) {
    auto hole = static_cast<std::size_t>(order - slots_.data());
    for (std::size_t at = next(hole); slots_[at].id != 0; at = next(at)) {
      const std::size_t want = home(slots_[at].id);
      if (((at - want) & (slots_.size() - 1)) >= ((at - hole) & (slots_.size() - 1))) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole].id = 0;
    --count_;
  }

 private:
  [[nodiscard]] std::size_t home(OrderId id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15u) >> 20) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  void grow() {
    std::vector<Known> old(slots_.size() * 2);
    old.swap(slots_);
    count_ = 0;
    for (const Known& order : old) {
      if (order.id != 0) insert(order);
    }
  }

  std::vector<Known> slots_;
  std::size_t count_ = 0;
};

struct Level {
  std::int64_t price = 0;
  std::int64_t quantity = 0;
  std::int64_t consumed = 0;  // of quantity, by own orders
  [[nodiscard]] std::int64_t left() const { return quantity - consumed; }
};

/// One side of a recorded book, the best level last.
class Ladder {
 public:
  explicit Ladder(Side side) : direction_(sign(side)) { levels_.reserve(1024); }
  [[nodiscard]] bool empty() const { return levels_.empty(); }
  [[nodiscard]] const Level& best() const { return levels_.back(); }
  /// From the best: 0, 1, ...
  Level& at(std::size_t depth) { return levels_[levels_.size() - 1 - depth]; }
  [[nodiscard]] const Level& worst() const { return levels_.front(); }
  [[nodiscard]] std::size_t size() const { return levels_.size(); }
  /// Whether price a is better than price b on this side.
  [[nodiscard]] bool better(std::int64_t a, std::int64_t b) const {
    return (a - b) * direction_ > 0;
  }

  Level* find(std::int64_t price) {
    const auto place = position(price);
    return place != levels_.end() && place->price == price ? &*place : nullptr;
  }
  void add(std::int64_t price, std::int64_t quantity, std::int64_t consumed = 0) {
    const auto place = position(price);
    if (place != levels_.end() && place->price == price) {
      place->quantity += quantity;
      place->consumed += consumed;
    } else {
      levels_.insert(place, Level{price, quantity, consumed});
    }
  }
  /// Takes quantity off a level. Executions meet what was consumed first.
  void reduce(std::int64_t price, std::int64_t quantity, bool executed) {
    const auto place = position(price);
    if (place == levels_.end() || place->price != price) return;
    place->quantity -= quantity;
    if (executed) place->consumed = std::max<std::int64_t>(0, place->consumed - quantity);
    place->consumed = std::min(place->consumed, place->quantity);
    if (place->quantity <= 0) levels_.erase(place);
  }
  /// Forgets levels better than `price`: the market has just shown that they are gone.
  void forget_better(std::int64_t price) {
    while (!levels_.empty() && better(levels_.back().price, price)) levels_.pop_back();
  }
  std::uint8_t show(std::array<Depth::Level, kDepthLevels>& out) const {
    const std::size_t count = std::min(levels_.size(), kDepthLevels);
    for (std::size_t i = 0; i < count; ++i) {
      const Level& level = levels_[levels_.size() - 1 - i];
      out[i] = {{level.price}, {level.quantity}};
    }
    return static_cast<std::uint8_t>(count);
  }

 private:
  std::vector<Level>::iterator position(std::int64_t price) {
    // Nearly all messages are near the best.
    auto place = levels_.end();
    for (int steps = 0; steps < 8 && place != levels_.begin(); ++steps) {
      if (!better(std::prev(place)->price, price) && std::prev(place)->price != price) return place;
      --place;
      if (place->price == price) return place;
    }
    return std::lower_bound(
        levels_.begin(), place, price,
        [this](const Level& level, std::int64_t wanted) { return better(wanted, level.price); });
  }

  std::int64_t direction_;
  std::vector<Level> levels_;
};

class ReplayVenue final : public Venue {
 public:
  ReplayVenue(const Tape& tape, QueueRule rule) : rule_(rule), markets_(tape.instruments.size()) {
    for (std::size_t i = 0; i < markets_.size(); ++i) {
      markets_[i].tick_value = tape.instruments[i].tick_value();
      if (tape.initial_books.empty()) continue;
      const Depth& book = tape.initial_books[i];
      for (std::size_t k = book.bids; k-- > 0;)
        markets_[i].sides[0].add(book.bid[k].price.value, book.bid[k].quantity.value);
      for (std::size_t k = book.asks; k-- > 0;)
        markets_[i].sides[1].add(book.ask[k].price.value, book.ask[k].quantity.value);
    }
  }

  void replay(const Event& event, VenueSink& sink) override {
    Market& market = markets_[event.instrument];
    bool changed = true;
    switch (event.flags == kWindowMove ? EventKind::Depth : event.kind) {
      case EventKind::Add:
        add(market, event, sink);
        break;
      case EventKind::Reduce:
      case EventKind::Delete:
        leave(market, event);
        break;
      case EventKind::Execute:
        execute(market, event, sink);
        break;
      case EventKind::Hidden:
        print(market, event.side, event, sink), changed = false;
        break;
      case EventKind::Trade:
        print(market, opposite(event.side), event, sink), changed = false;
        break;
      case EventKind::Halt:
        market.halted = event.price.value != 2, changed = false;
        break;
      case EventKind::Depth:
        move_window(market, event);
        break;
      default:
        changed = false;
    }
    if (!changed) return sink.publish(event, nullptr);
    market.depth.bids = market.sides[0].show(market.depth.bid);
    market.depth.asks = market.sides[1].show(market.depth.ask);
    sink.publish(event, &market.depth);
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    enter(order, now, sink, false);
  }

  void cancel(OrderId id, Nanos, VenueSink& sink) override {
    const auto [market, own] = find(id);
    if (!own) return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    const VenueOrder order = own->order;
    market->own.erase(market->own.begin() + (own - market->own.data()));
    sink.answer(EventKind::Cancelled, id, order.price, order.quantity, Reject::None);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    const auto [market, own] = find(id);
    if (!own) return sink.answer(EventKind::Rejected, id, price, quantity, Reject::UnknownOrder);
    if (own->order.price == price && quantity <= own->order.quantity) {
      own->order.quantity = quantity;
      return sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    }
    VenueOrder order = own->order;
    order.price = price;
    order.quantity = quantity;
    if (order.post_only && crosses(*market, order))
      return sink.answer(EventKind::Rejected, id, price, quantity, Reject::WouldCross);
    market->own.erase(market->own.begin() + (own - market->own.data()));
    sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    enter(order, now, sink, true);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    VenueOrder left = order;
    const std::int64_t reference = twice_mid(market);
    take(market, left, now, sink);
    if (left.quantity.value == 0) return;
    const Ladder& other = market.sides[static_cast<std::size_t>(opposite(order.side))];
    Ticks price{market.last_trade};
    if (!other.empty()) price.value = other.worst().price;
    if (price.value == 0) return;
    sink.fill(order.id, price, left.quantity, {}, false,
              cost(market, order.side, price, left.quantity, reference), now);
  }

 private:
  struct Own {
    VenueOrder order;
    std::int64_t ahead = 0;   // recorded quantity that trades first
    std::uint64_t entry = 0;  // recorded orders that entered before this one have smaller entries
    bool unseen = false;      // joined beyond the depth shown: the queue there is not known yet
  };
  struct Market {
    std::array<Ladder, 2> sides{Ladder(Side::Buy), Ladder(Side::Sell)};
    KnownOrders orders;
    std::vector<Own> own;  // best price first, then arrival, of both sides mixed
    Depth depth;
    Money tick_value;
    std::uint64_t entries = 1;
    std::int64_t last_trade = 0;
    bool halted = false;
    Market() { own.reserve(64); }
  };

  std::pair<Market*, Own*> find(OrderId id) {
    for (Market& market : markets_) {
      for (Own& own : market.own) {
        if (own.order.id == id) return {&market, &own};
      }
    }
    return {nullptr, nullptr};
  }

  static Ladder& side_of(Market& market, Side side) {
    return market.sides[static_cast<std::size_t>(side)];
  }

  /// Twice the mid price, or 0 where a side is empty.
  static std::int64_t twice_mid(const Market& market) {
    if (market.sides[0].empty() || market.sides[1].empty()) return 0;
    return market.sides[0].best().price + market.sides[1].best().price;
  }
  static Money cost(const Market& market, Side side, Ticks price, Lots quantity,
                    std::int64_t twice_reference) {
    if (twice_reference == 0) return {};
    const std::int64_t twice = (2 * price.value - twice_reference) * sign(side);
    if (twice <= 0) return {};
    return {(market.tick_value * twice * quantity.value).value / 2};
  }

  // The record.

  void add(Market& market, const Event& event, VenueSink& sink) {
    const std::int64_t price = event.price.value;
    side_of(market, opposite(event.side)).forget_better(price + sign(event.side));
    std::int64_t budget = event.quantity.value;
    if (!market.own.empty()) {
      // A recorded order that would have met own resting orders on its way in.
      for (Own& own : market.own) {
        if (own.order.side == event.side || (own.order.price.value - price) * sign(event.side) > 0)
          continue;
        fill_own(own, budget, event.exchange_time, sink);
      }
      sweep(market);
    }
    side_of(market, event.side).add(price, event.quantity.value, event.quantity.value - budget);
    const std::uint64_t entry = market.entries++;
    if (event.order != 0)
      market.orders.insert({event.order, price, event.quantity.value, entry, event.side});
  }

  /// Depth that comes into view or leaves it, unseen until then. Own orders there keep the better
  /// of what they knew and what shows.
  static void move_window(Market& market, const Event& event) {
    Ladder& ladder = side_of(market, event.side);
    if (event.kind != EventKind::Add)
      return ladder.reduce(event.price.value, event.quantity.value, false);
    ladder.add(event.price.value, event.quantity.value);
    for (Own& own : market.own) {
      if (own.order.side != event.side || own.order.price != event.price) continue;
      own.ahead = own.unseen ? event.quantity.value
                             : std::min(own.ahead, ladder.find(event.price.value)->quantity);
      own.unseen = false;
    }
  }

  /// Takes the event's quantity off the order it names. Returns where that was, and what is left of
  /// it.
  Known shrink(Market& market, const Event& event) {
    Known* known = event.order != 0 ? market.orders.find(event.order) : nullptr;
    if (!known) return {0, event.price.value, event.quantity.value, 0, event.side};
    Known order = *known;
    order.quantity = event.kind == EventKind::Delete
                         ? known->quantity
                         : std::min(event.quantity.value, known->quantity);
    known->quantity -= order.quantity;
    if (known->quantity == 0) market.orders.erase(known);
    return order;
  }

  void leave(Market& market, const Event& event) {
    const Known gone = shrink(market, event);
    Ladder& ladder = side_of(market, gone.side);
    ladder.reduce(gone.price, gone.quantity, false);
    for (Own& own : market.own) {
      if (own.order.side != gone.side || own.order.price.value != gone.price) continue;
      if (rule_ == QueueRule::Fifo && gone.entry < own.entry) own.ahead -= gone.quantity;
      limit_ahead(ladder, own);
    }
  }

  void execute(Market& market, const Event& event, VenueSink& sink) {
    const Known hit = shrink(market, event);
    Ladder& ladder = side_of(market, hit.side);
    ladder.forget_better(hit.price);
    ladder.reduce(hit.price, hit.quantity, true);
    market.last_trade = hit.price;
    if (market.own.empty()) return;
    std::int64_t budget = hit.quantity;
    for (Own& own : market.own) {
      if (own.order.side != hit.side) continue;
      if (own.order.price.value == hit.price) {
        const bool behind = rule_ == QueueRule::Fifo && hit.entry > own.entry;
        // An order behind traded: everything ahead of this one must be gone.
        const std::int64_t beyond = behind ? hit.quantity : hit.quantity - own.ahead;
        own.ahead = behind ? 0 : std::max<std::int64_t>(0, own.ahead - hit.quantity);
        limit_ahead(ladder, own);
        std::int64_t here = std::min(budget, std::max<std::int64_t>(0, beyond));
        const std::int64_t before = here;
        fill_own(own, here, event.exchange_time, sink);
        budget -= before - here;
      } else if (ladder.better(own.order.price.value, hit.price)) {
        fill_own(own, budget, event.exchange_time, sink);
      }
    }
    sweep(market);
  }

  /// A trade that changes no displayed order; `side` is of the resting party.
  void print(Market& market, Side side, const Event& event, VenueSink& sink) {
    market.last_trade = event.price.value;
    std::int64_t budget = event.quantity.value;
    for (Own& own : market.own) {
      if (own.order.side != side) continue;
      const bool through = side_of(market, side).better(own.order.price.value, event.price.value);
      if (through || (own.order.price == event.price && own.ahead == 0))
        fill_own(own, budget, event.exchange_time, sink);
    }
    sweep(market);
  }

  static void limit_ahead(Ladder& ladder, Own& own) {
    const Level* level = ladder.find(own.order.price.value);
    own.ahead = std::clamp<std::int64_t>(own.ahead, 0, level ? level->quantity : 0);
  }

  static void fill_own(Own& own, std::int64_t& budget, Nanos time, VenueSink& sink) {
    const std::int64_t quantity = std::min(budget, own.order.quantity.value);
    if (quantity <= 0) return;
    budget -= quantity;
    own.order.quantity.value -= quantity;
    sink.fill(own.order.id, own.order.price, {quantity}, own.order.quantity, true, {}, time);
  }

  static void sweep(Market& market) {
    std::erase_if(market.own, [](const Own& own) { return own.order.quantity.value == 0; });
  }

  // Own orders.

  static bool acceptable(const VenueOrder& order, std::int64_t price) {
    return order.type == OrderType::Market || (price - order.price.value) * sign(order.side) <= 0;
  }

  static bool crosses(Market& market, const VenueOrder& order) {
    const Ladder& other = side_of(market, opposite(order.side));
    return !other.empty() && acceptable(order, other.best().price);
  }

  static std::int64_t available(Market& market, const VenueOrder& order) {
    Ladder& other = side_of(market, opposite(order.side));
    std::int64_t sum = 0;
    for (std::size_t i = 0;
         i < other.size() && sum < order.quantity.value && acceptable(order, other.at(i).price);
         ++i) {
      sum += other.at(i).left();
    }
    return sum;
  }

  /// Fills what the displayed depth gives; order.quantity becomes what is left.
  static void take(Market& market, VenueOrder& order, Nanos now, VenueSink& sink) {
    Ladder& other = side_of(market, opposite(order.side));
    const std::int64_t reference = twice_mid(market);
    for (std::size_t i = 0;
         i < other.size() && order.quantity.value > 0 && acceptable(order, other.at(i).price);
         ++i) {
      Level& level = other.at(i);
      const std::int64_t quantity = std::min(order.quantity.value, level.left());
      if (quantity <= 0) continue;
      level.consumed += quantity;
      order.quantity.value -= quantity;
      const Ticks price{level.price};
      sink.fill(order.id, price, {quantity}, order.quantity, false,
                cost(market, order.side, price, {quantity}, reference), now);
    }
  }

  void enter(VenueOrder order, Nanos now, VenueSink& sink, bool known) {
    Market& market = markets_[order.instrument];
    const auto refuse = [&](Reject why) {
      sink.answer(EventKind::Rejected, order.id, order.price, order.quantity, why);
    };
    const bool taking = !market.halted && crosses(market, order);
    if (order.post_only && taking) return refuse(Reject::WouldCross);
    if (order.type == OrderType::Market && !taking) return refuse(Reject::NoMarket);
    if (order.time_in_force == TimeInForce::FillOrKill &&
        (!taking || available(market, order) < order.quantity.value)) {
      return refuse(Reject::CannotFill);
    }
    if (taking) take(market, order, now, sink);
    if (order.quantity.value == 0) return;
    if (order.type == OrderType::Market || order.time_in_force != TimeInForce::GoodTillCancel) {
      return sink.answer(EventKind::Cancelled, order.id, order.price, order.quantity, Reject::None);
    }
    Own own;
    own.order = order;
    const Level* level = side_of(market, order.side).find(order.price.value);
    own.ahead = level ? level->quantity : 0;
    const Ladder& same = side_of(market, order.side);
    own.unseen = !level && !same.empty() && same.better(same.worst().price, order.price.value);
    own.entry = market.entries++;
    const auto place = std::find_if(market.own.begin(), market.own.end(), [&](const Own& other) {
      return other.order.side == order.side &&
             (order.price.value - other.order.price.value) * sign(order.side) > 0;
    });
    market.own.insert(place, own);
    if (!known)
      sink.answer(EventKind::Accepted, order.id, order.price, order.quantity, Reject::None);
  }

  QueueRule rule_;
  std::vector<Market> markets_;
};

}  // namespace

std::unique_ptr<Venue> make_replay_venue(const Tape& tape, QueueRule queue) {
  return std::make_unique<ReplayVenue>(tape, queue);
}

}  // namespace walras::engine
