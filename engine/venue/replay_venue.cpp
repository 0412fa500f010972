#include "engine/venue/replay_venue.hpp"

#include "engine/base/archive.hpp"
#include "engine/market/id_map.hpp"
#include "engine/market/tape.hpp"
#include "engine/venue/ladder.hpp"

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

using Level = Ladder::Level;

/// What is known of a recorded order.
struct Known {
  std::int64_t price = 0;
  std::int64_t quantity = 0;
  std::int64_t taken = 0;   // of quantity, by own orders
  std::uint64_t entry = 0;  // place in the order of arrival
  Side side = Side::Buy;
};

class ReplayVenue final : public Venue {
 public:
  ReplayVenue(std::span<const Instrument> instruments, std::span<const Depth> books, QueueModel queue)
      : queue_(queue), markets_(instruments.size()) {
    for (std::size_t i = 0; i < markets_.size(); ++i) {
      markets_[i].tick_value = instruments[i].tick_value();
      if (books.empty()) continue;
      const Depth& book = books[i];
      markets_[i].whole = book.bids + book.asks == 0;
      for (std::size_t k = book.bids; k-- > 0;)
        markets_[i].sides[0].add(book.bid[k].price.value, book.bid[k].quantity.value);
      for (std::size_t k = book.asks; k-- > 0;)
        markets_[i].sides[1].add(book.ask[k].price.value, book.ask[k].quantity.value);
    }
  }

  void replay(const Event& event, VenueSink& sink) override {
    Market& market = markets_[event.instrument];
    const bool book = event.kind == EventKind::Add || event.kind == EventKind::Reduce || event.kind == EventKind::Delete ||
                      event.kind == EventKind::Execute || event.kind == EventKind::Depth;
    switch (event.flags == kWindowMove && event.kind != EventKind::Depth ? EventKind::Indicative : event.kind) {
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
        print(market, event.side, event, sink);
        break;
      case EventKind::Trade:
        if (market.sums && event.flags == 0) trade(market, event, sink);
        else print(market, opposite(event.side), event, sink);
        break;
      case EventKind::Halt:
        market.halted = event.price.value != 2;
        break;
      case EventKind::Depth:
        show(market, event, sink);
        break;
      case EventKind::Indicative:
        move_window(market, event);
        break;
      default:
        break;
    }
    // Deep in the book nothing changes that anybody is shown.
    if (!book || !(market.sides[0].news() || market.sides[1].news())) return sink.publish(event, nullptr);
    if (market.sides[0].news()) market.sides[0].show(market.depth.bid, market.depth.bids);
    if (market.sides[1].news()) market.sides[1].show(market.depth.ask, market.depth.asks);
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

  void state(Archive& archive) override { archive(markets_); }

 private:
  struct Own {
    VenueOrder order;
    double ahead = 0;         // recorded quantity that trades first; whole but for the probability models
    std::int64_t traded = 0;  // at its price since the level last changed (feeds of sums)
    std::uint64_t entry = 0;  // recorded orders that entered before this one have smaller entries
    bool unseen = false;      // joined beyond the depth shown: the queue there is not known yet
  };
  struct Market {
    std::array<Ladder, 2> sides{Ladder(Side::Buy), Ladder(Side::Sell)};
    IdMap<Known> orders{4096};
    std::vector<Own> own;  // best price first, then arrival, of both sides mixed
    Depth depth;
    Money tick_value;
    std::uint64_t entries = 1;
    std::int64_t last_trade = 0;
    bool halted = false;
    bool sums = false;  // the feed shows levels, not orders
    bool whole = true;  // every order that the record speaks of entered in it
    Market() { own.reserve(64); }
    void state(Archive& archive) {
      archive(sides, orders, own, depth, entries, last_trade, halted, sums, whole);
    }
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
    if (!market.whole) side_of(market, opposite(event.side)).forget_better(price + sign(event.side));
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
      market.orders.insert(event.order, {price, event.quantity.value, event.quantity.value - budget, entry, event.side});
  }

  /// Depth that comes into view or leaves it, unseen until then. Own orders there keep the better
  /// of what they knew and what shows.
  static void move_window(Market& market, const Event& event) {
    Ladder& ladder = side_of(market, event.side);
    if (event.kind != EventKind::Add) return ladder.reduce(event.price.value, event.quantity.value, 0);
    ladder.add(event.price.value, event.quantity.value);
    came_into_view(market, event, ladder.find(event.price.value)->quantity);
  }
  static void came_into_view(Market& market, const Event& event, std::int64_t shown) {
    for (Own& own : market.own) {
      if (own.order.side != event.side || own.order.price != event.price) continue;
      own.ahead = own.unseen ? static_cast<double>(event.quantity.value) : std::min(own.ahead, static_cast<double>(shown));
      own.unseen = false;
    }
  }

  /// A level of a feed of sums.
  void show(Market& market, const Event& event, VenueSink& sink) {
    if (event.flags & kBookClear) {
      for (Ladder& side : market.sides) side.clear();
      market.orders.clear();
      for (Own& own : market.own) own.ahead = 0, own.traded = 0, own.unseen = true;
      return;
    }
    market.sums = true;
    Ladder& ladder = side_of(market, event.side);
    const std::int64_t price = event.price.value, now = event.quantity.value;
    if (event.flags & kTouchOnly) {
      while (!ladder.empty() && ladder.best().price != price) ladder.set(ladder.best().price, 0);
      while (!ladder.empty() && ladder.worst().price != price) ladder.set(ladder.worst().price, 0);
    }
    const std::int64_t before = ladder.set(price, now);
    // Levels that a new one crosses are old: their end was not told, or is told later.
    if (now > 0 && event.flags == 0) side_of(market, opposite(event.side)).forget_better(price + sign(event.side));
    if (market.own.empty()) return;
    if (event.flags & kWindowMove) {
      if (now > 0) came_into_view(market, event, now);
      return;
    }
    std::int64_t budget = now;
    for (Own& own : market.own) {
      // One branch for what is seldom: a change where the order stands, or of the other side where it would have met it.
      const bool same = own.order.side == event.side, here = own.order.price.value == price;
      const bool met = (now > before) & ((own.order.price.value - price) * sign(own.order.side) >= 0);
      if (!((same & here) | (!same & met))) [[likely]]
        continue;
      if (same) {
        own.unseen = false;
        own.ahead = queue_.moved(own.ahead, static_cast<double>(before), static_cast<double>(now), static_cast<double>(own.traded));
        own.traded = 0;
      } else {
        // The other side has come to the order: it would have been met on the way.
        fill_own(own, budget, event.exchange_time, sink);
      }
    }
    if (budget != now) sweep(market);
  }

  /// Takes the event's quantity off the order it names. Returns where that was, and what is left of
  /// it: quantity and taken are of the part that is gone.
  Known shrink(Market& market, const Event& event) {
    Known* known = event.order != 0 ? market.orders.find(event.order) : nullptr;
    market.whole = market.whole && known;
    if (!known) return {event.price.value, event.quantity.value, event.kind == EventKind::Execute ? event.quantity.value : 0, 0, event.side};
    Known gone = *known;
    gone.quantity = event.kind == EventKind::Delete ? known->quantity : std::min(event.quantity.value, known->quantity);
    known->quantity -= gone.quantity;
    // An execution is what own orders took first; a cancel takes what was left of the order, and only then that.
    const std::int64_t taken = event.kind == EventKind::Execute ? std::max<std::int64_t>(0, known->taken - gone.quantity)
                                                                : std::min(known->taken, known->quantity);
    gone.taken -= taken;
    known->taken = taken;
    if (known->quantity == 0) market.orders.erase(event.order);
    return gone;
  }

  void leave(Market& market, const Event& event) {
    const Known gone = shrink(market, event);
    Ladder& ladder = side_of(market, gone.side);
    const Level* level = ladder.find(gone.price);
    const std::int64_t before = level ? level->quantity : 0;
    ladder.reduce(gone.price, gone.quantity, gone.taken);
    for (Own& own : market.own) {
      if (own.order.side != gone.side || own.order.price.value != gone.price) continue;
      if (queue_.rule != QueueRule::Fifo) {
        own.ahead = queue_.moved(own.ahead, static_cast<double>(before), static_cast<double>(std::max<std::int64_t>(0, before - gone.quantity)), 0);
      } else if (gone.entry < own.entry) {
        own.ahead -= static_cast<double>(gone.quantity);
      }
      limit_ahead(ladder, own);
    }
  }

  void execute(Market& market, const Event& event, VenueSink& sink) {
    const Known hit = shrink(market, event);
    Ladder& ladder = side_of(market, hit.side);
    if (!market.whole) ladder.forget_better(hit.price);
    ladder.reduce(hit.price, hit.quantity, hit.taken);
    market.last_trade = hit.price;
    if (market.own.empty()) return;
    std::int64_t budget = hit.quantity;
    for (Own& own : market.own) {
      if (own.order.side != hit.side) continue;
      if (own.order.price.value == hit.price) {
        const bool behind = queue_.rule == QueueRule::Fifo && hit.entry > own.entry;
        // An order behind traded: everything ahead of this one must be gone.
        reach(own, hit.quantity, behind, budget, event.exchange_time, sink);
        limit_ahead(ladder, own);
      } else if (ladder.better(own.order.price.value, hit.price)) {
        fill_own(own, budget, event.exchange_time, sink);
      }
    }
    sweep(market);
  }

  /// A trade of `quantity` at the order's price: what reaches beyond the queue ahead fills it.
  static void reach(Own& own, std::int64_t quantity, bool behind, std::int64_t& budget, Nanos time, VenueSink& sink) {
    const double beyond = behind ? static_cast<double>(quantity) : static_cast<double>(quantity) - own.ahead;
    own.ahead = behind ? 0 : std::max(0.0, own.ahead - static_cast<double>(quantity));
    std::int64_t here = std::min<std::int64_t>(budget, std::llround(std::max(0.0, beyond)));
    const std::int64_t before = here;
    fill_own(own, here, time, sink);
    budget -= before - here;
  }

  /// A trade of a feed of sums: the level will be told to have shrunk by another event.
  void trade(Market& market, const Event& event, VenueSink& sink) {
    const Side side = opposite(event.side);
    Ladder& ladder = side_of(market, side);
    market.last_trade = event.price.value;
    if (Level* level = ladder.find(event.price.value)) level->consumed = std::max<std::int64_t>(0, level->consumed - event.quantity.value);
    if (market.own.empty()) return;
    std::int64_t budget = event.quantity.value;
    for (Own& own : market.own) {
      if (own.order.side != side) continue;
      if (own.order.price == event.price) {
        reach(own, event.quantity.value, false, budget, event.exchange_time, sink);
        own.traded += event.quantity.value;
      } else if (ladder.better(own.order.price.value, event.price.value)) {
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
      if (through || (own.order.price == event.price && own.ahead <= 0))
        fill_own(own, budget, event.exchange_time, sink);
    }
    sweep(market);
  }

  static void limit_ahead(Ladder& ladder, Own& own) {
    const Level* level = ladder.find(own.order.price.value);
    own.ahead = std::clamp(own.ahead, 0.0, level ? static_cast<double>(level->quantity) : 0.0);
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
    other.visit([&](const Level& level) {
      if (sum >= order.quantity.value || !acceptable(order, level.price)) return false;
      sum += level.left();
      return true;
    });
    return sum;
  }

  /// Fills what the displayed depth gives; order.quantity becomes what is left.
  void take(Market& market, VenueOrder& order, Nanos now, VenueSink& sink) {
    Ladder& other = side_of(market, opposite(order.side));
    const std::int64_t reference = twice_mid(market);
    other.visit([&](Level& level) {
      if (order.quantity.value <= 0 || !acceptable(order, level.price)) return false;
      const std::int64_t quantity = std::min(order.quantity.value, level.left());
      if (quantity <= 0) return true;
      level.consumed += quantity;
      if (!market.sums) take_from_orders(market, opposite(order.side), level, quantity);
      order.quantity.value -= quantity;
      const Ticks price{level.price};
      sink.fill(order.id, price, {quantity}, order.quantity, false,
                cost(market, order.side, price, {quantity}, reference), now);
      return true;
    });
  }

  /// Whose orders were taken: first those that nobody named (they were there before the record began), then by arrival.
  void take_from_orders(Market& market, Side side, const Level& level, std::int64_t quantity) {
    queue_order_.clear();
    std::int64_t named = 0, taken = 0;
    market.orders.visit([&](OrderId, Known& order) {
      if (order.side != side || order.price != level.price) return;
      queue_order_.push_back(&order);
      named += order.quantity;
      taken += order.taken;
    });
    // `consumed` counts this taking already.
    const std::int64_t unnamed = std::max<std::int64_t>(0, level.quantity - named - (level.consumed - quantity - taken));
    quantity -= std::min(quantity, unnamed);
    std::sort(queue_order_.begin(), queue_order_.end(), [](const Known* a, const Known* b) { return a->entry < b->entry; });
    for (Known* order : queue_order_) {
      const std::int64_t part = std::min(quantity, order->quantity - order->taken);
      order->taken += part;
      quantity -= part;
      if (quantity == 0) break;
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
    own.ahead = level ? static_cast<double>(level->quantity) : 0;
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

  QueueModel queue_;
  std::vector<Market> markets_;
  std::vector<Known*> queue_order_;  // scratch
};

/// Plays a stream through the replay venue by its own clock.
class StreamedVenue final : public Venue {
 public:
  StreamedVenue(std::unique_ptr<EventStream> stream, std::span<const Instrument> instruments, QueueModel queue)
      : stream_(std::move(stream)), venue_(instruments, {}, queue) {
    block_ = stream_->next();
  }
  [[nodiscard]] Nanos next_time() const noexcept override { return at_ < block_.size() ? block_[at_].exchange_time : Nanos::max(); }
  void advance(VenueSink& sink) override {
    const Nanos time = next_time();
    while (at_ < block_.size() && block_[at_].exchange_time == time) {
      venue_.replay(block_[at_], sink);
      if (++at_ == block_.size()) {
        block_ = stream_->next();
        at_ = 0;
      }
    }
  }
  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override { venue_.submit(order, now, sink); }
  void cancel(OrderId order, Nanos now, VenueSink& sink) override { venue_.cancel(order, now, sink); }
  void replace(OrderId order, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    venue_.replace(order, price, quantity, now, sink);
  }
  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override { venue_.close_out(order, now, sink); }
  void state(Archive&) override {
    fail(Fault::Unavailable, "snapshot",
         "expected a market that can go back, was one read from a stream; load the recording as a tape");
  }

 private:
  std::unique_ptr<EventStream> stream_;
  ReplayVenue venue_;
  std::span<const Event> block_;
  std::size_t at_ = 0;
};

}  // namespace

std::unique_ptr<Venue> make_replay_venue(const Tape& tape, QueueModel queue) {
  return std::make_unique<ReplayVenue>(std::span<const Instrument>(tape.instruments), std::span<const Depth>(tape.initial_books), queue);
}

std::unique_ptr<Venue> make_streamed_venue(std::unique_ptr<EventStream> stream, std::span<const Instrument> instruments, QueueModel queue) {
  return std::make_unique<StreamedVenue>(std::move(stream), instruments, queue);
}

}  // namespace walras::engine
