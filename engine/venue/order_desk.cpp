#include "engine/venue/order_desk.hpp"

#include "engine/base/archive.hpp"
#include "engine/venue/trigger.hpp"

#include <algorithm>
#include <optional>

namespace walras::engine {
namespace {

/// What the venue has shown of an instrument.
struct Quote {
  Ticks last;
  bool traded = false;
  std::int64_t volume = 0;
  Money::Integer value = 0;
  const Depth* depth = &none;  // where the venue keeps it; after loading, as it was until the venue publishes
  Depth loaded;
  static constexpr Depth none{};
  void state(Archive& archive) {
    if (archive.saving()) loaded = *depth;
    archive(last, traded, volume, value, loaded);
    depth = &loaded;
  }
};

/// What is remembered of every order.
struct Known {
  std::uint32_t participant = 0;
  InstrumentId instrument = 0;
  Side side = Side::Buy;
  bool live = false;
  Lots filled;
};

enum class State : std::uint8_t {
  Parked,   // until its parent fills
  Waiting,  // for a price, or for enough quantity
  Sending,  // what it waited for came; it goes when the venue is done
  Live      // at the venue
};

struct Held {
  VenueOrder order;       // quantity: open in all
  State state = State::Live;
  bool accepted = false;  // its owner knows that it is here
  bool triggered = false;
  bool moving = false;    // a change by the desk is at the venue
  bool whole = false;     // at the venue as fill or kill, for want of all-or-none
  Lots wanted;            // as asked for; a child grows up to it
  Lots reserve;           // of an iceberg in slices: not yet sent
  Trigger trigger;        // pegged: the price it is to have
  Ticks placed;           // pegged: the price it has
  std::uint64_t moved_in = 0;  // pegged: the round in which it was last moved
  Nanos expires = Nanos::max();
  Reject ending = Reject::None;  // why the desk cancels it
};

/// Something to do once the venue is done with what it is doing.
struct Task {
  enum class Kind : std::uint8_t { Send, Cancel, Reduce, Fit, Grow, Reprice, Slice } kind;
  OrderId order;
  Lots quantity;
  Ticks price;
  Reject why = Reject::None;
};

class OrderDesk final : public Venue, private VenueSink {
 public:
  OrderDesk(std::unique_ptr<Venue> venue, std::size_t instruments,
            std::shared_ptr<const TradingCalendar> calendar)
      : venue_(std::move(venue)),
        able_(venue_->abilities()),
        calendar_(std::move(calendar)),
        quotes_(instruments) {
    held_.reserve(256);
    tasks_.reserve(256);
    known_.reserve(1024);
    positions_.resize(instruments);
    for (auto& positions : positions_) positions.reserve(64);
  }

  VenueAbilities abilities() const override { return able_; }
  void start(Nanos begin, VenueSink& sink) override {
    now_ = begin;
    around(sink, [&](VenueSink& own) { venue_->start(begin, own); });
  }
  Shown shown(InstrumentId instrument) const override {
    const Quote& quote = quotes_[instrument];
    const Depth& depth = *quote.depth;
    Shown shown{{}, quote.volume, quote.value};
    if (depth.two_sided())
      shown.mid = depth.bid[0].price.value + depth.ask[0].price.value;
    else if (quote.traded)
      shown.mid = 2 * quote.last.value;
    return shown;
  }
  Nanos next_time() const noexcept override { return std::min(venue_->next_time(), expiry_); }

  void advance(VenueSink& sink) override {
    now_ = next_time();
    if (venue_->next_time() == now_) {
      around(sink, [&](VenueSink& own) { venue_->advance(own); });
      return;
    }
    around(sink, [&](VenueSink&) {
      for (Held& held : held_) {
        if (held.expires > now_) continue;
        held.expires = Nanos::max();
        tasks_.push_back({Task::Kind::Cancel, held.order.id, {}, {}, Reject::Expired});
      }
      find_expiry();
    });
  }

  void replay(const Event& event, VenueSink& sink) override {
    now_ = event.exchange_time;
    around(sink, [&](VenueSink& own) { venue_->replay(event, own); });
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    now_ = now;
    know(order);
    around(sink, [&](VenueSink& own) {
      if (passes(order))
        venue_->submit(order, now, own);
      else
        take(order);
    });
  }

  void cancel(OrderId id, Nanos now, VenueSink& sink) override {
    now_ = now;
    around(sink, [&](VenueSink& own) {
      Held* held = find(id);
      if (held && held->state != State::Live)
        leave(*held, Reject::None);
      else
        asked([&] { venue_->cancel(id, now, own); });
    });
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    now_ = now;
    around(sink, [&](VenueSink& own) {
      Held* held = find(id);
      if (!held) return asked([&] { venue_->replace(id, price, quantity, now, own); });
      change(*held, price, quantity);
    });
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    now_ = now;
    know(order);
    around(sink, [&](VenueSink& own) { venue_->close_out(order, now, own); });
  }

  void state(Archive& archive) override {
    archive(*venue_, quotes_, held_, known_, positions_, now_, expiry_, round_);
  }

 private:
  // Around the venue: its reports come here first; what they set off is done when it is finished.

  template <class Work>
  void around(VenueSink& sink, Work&& work) {
    outer_ = &sink;
    ++round_;
    work(static_cast<VenueSink&>(*this));
    for (std::size_t i = 0; i < tasks_.size(); ++i) perform(Task(tasks_[i]));
    tasks_.clear();
  }

  /// Passes an owner's own cancel or replace on: what is refused leaves the order as it was.
  template <class Work>
  void asked(Work&& work) {
    asked_change_ = true;
    work();
    asked_change_ = false;
  }

  void publish(const Event& event, const Depth* depth) override {
    Quote& quote = quotes_[event.instrument];
    switch (event.kind) {
      case EventKind::Trade:
      case EventKind::Execute:
      case EventKind::Hidden:
        quote.volume += event.quantity.value;
        quote.value += Money::Integer{event.price.value} * event.quantity.value;
        [[fallthrough]];
      case EventKind::Bar:
        quote.last = event.price;
        quote.traded = true;
        break;
      case EventKind::Split:
        for (Lots& held : positions_[event.instrument])
          held = {static_cast<std::int64_t>(Money::Integer{held.value} * event.quantity.value / event.payload)};
        break;
      default:
        break;
    }
    if (depth) quote.depth = depth;
    outer_->publish(event, depth);
    if (!held_.empty()) look(event.instrument);
  }

  void fill(OrderId id, Ticks price, Lots quantity, Lots remaining, bool maker, Money slippage,
            Nanos time) override {
    Held* held = find(id);
    if (held) remaining += held->reserve;
    Known& known = known_[id - 1];
    known.filled += quantity;
    known.live = remaining.value > 0;
    outer_->fill(id, price, quantity, remaining, maker, slippage, time);
    if (Lots* position = position_of(known.participant, known.instrument))
      position->value += sign(known.side) * quantity.value;
    if (held) {
      held->order.quantity = remaining;
      if (remaining.value > 0 && remaining == held->reserve)
        tasks_.push_back({Task::Kind::Slice, id, {}, {}});
      after_fill(VenueOrder(held->order), quantity);
      if (remaining.value == 0) drop(id);
    }
    if (!held_.empty()) {
      release_children(id, quantity);
      keep_reducing(known);
    }
  }

  Lots wanted(const VenueOrder& order) const override {
    Lots left = order.quantity;
    for (const Task& task : tasks_) {
      if (task.order != order.id) continue;
      if (task.kind == Task::Kind::Cancel) return {};
      if (task.kind == Task::Kind::Reduce) left -= task.quantity;
      if (task.kind == Task::Kind::Fit) left = std::min(left, reducible(order));
    }
    return std::max(left, Lots{});
  }

  void answer(EventKind kind, OrderId id, Ticks price, Lots quantity, Reject why) override {
    Held* held = find(id);
    if (!held) {
      if (kind == EventKind::Cancelled || (kind == EventKind::Rejected && !asked_change_)) {
        known_[id - 1].live = false;
        if (!held_.empty()) parent_over(id);
      }
      return outer_->answer(kind, id, price, quantity, why);
    }
    switch (kind) {
      case EventKind::Accepted:
        if (!held->accepted) outer_->answer(kind, id, price, held->order.quantity, why);
        held->accepted = true;
        return;
      case EventKind::Replaced:
        if (held->order.type == OrderType::Pegged)
          held->placed = price;
        else
          set_price(held->order, price);
        held->order.quantity = quantity + held->reserve;
        return outer_->answer(kind, id, price, held->order.quantity, why);
      case EventKind::Rejected:
        if (held->moving) return;  // it stays where it is
        if (asked_change_) return outer_->answer(kind, id, price, quantity, why);
        if (held->whole && why == Reject::CannotFill) {
          held->state = State::Waiting;
          return;
        }
        return end(*held, why, held->order.quantity);
      case EventKind::Cancelled:
        return end(*held, held->ending != Reject::None ? held->ending : why,
                   quantity + held->reserve, true);
      default:
        outer_->answer(kind, id, price, quantity, why);
    }
  }

  // Arrival.

  [[nodiscard]] bool passes(const VenueOrder& order) const {
    const bool expires = order.time_in_force == TimeInForce::Day ||
                         order.time_in_force == TimeInForce::GoodTillDate;
    return (able_.triggers || !waits(order.type)) && order.type != OrderType::Pegged &&
           (able_.to_limit || order.type != OrderType::MarketToLimit) && order.group == 0 &&
           order.parent == 0 && !order.reduce_only && (able_.expiry || !expires) &&
           (able_.display || order.display.value == 0) &&
           (able_.whole || (!order.all_or_none && order.minimum.value == 0)) &&
           (able_.auctions || !for_auction(order.time_in_force));
  }

  void know(const VenueOrder& order) {
    if (known_.size() < order.id) known_.resize(order.id);
    known_[order.id - 1] = {order.participant, order.instrument, order.side, true, {}};
    auto& positions = positions_[order.instrument];
    if (positions.size() <= order.participant) positions.resize(order.participant + 1);
  }

  Lots* position_of(std::uint32_t participant, InstrumentId instrument) {
    auto& positions = positions_[instrument];
    return participant < positions.size() ? &positions[participant] : nullptr;
  }

  void take(const VenueOrder& order) {
    Held held;
    held.order = order;
    held.wanted = order.quantity;
    held.trigger = Trigger(order);
    if (!able_.auctions && for_auction(order.time_in_force))
      return refuse(order, Reject::NoAuction);
    if (able_.no_book && order.type == OrderType::Pegged) return refuse(order, Reject::NoMarket);
    if (order.time_in_force == TimeInForce::GoodTillDate && order.expire <= now_)
      return refuse(order, Reject::BadExpiry);
    if (!able_.expiry) {
      if (order.time_in_force == TimeInForce::GoodTillDate) held.expires = order.expire;
      if (order.time_in_force == TimeInForce::Day) held.expires = end_of_day();
    }
    if (order.parent != 0) {
      if (order.parent >= order.id || known_[order.parent - 1].participant != order.participant)
        return refuse(order, Reject::BadLink);
      const Known& parent = known_[order.parent - 1];
      if (parent.filled.value == 0 && !parent.live) return refuse(order, Reject::Linked);
      held.state = State::Parked;
      held.order.quantity = std::min(held.wanted, parent.filled);
    }
    held_.push_back(held);
    expiry_ = std::min(expiry_, held.expires);
    if (held.state == State::Parked && held.order.quantity.value == 0) {
      held_.back().accepted = true;
      return outer_->answer(EventKind::Accepted, order.id, price_of(order), held.wanted,
                            Reject::None);
    }
    tasks_.push_back({Task::Kind::Send, order.id, {}, {}});
  }

  [[nodiscard]] Nanos end_of_day() const {
    if (calendar_) return calendar_->day_end(now_);
    return start_of_day(day_of(now_) + 1);
  }

  void refuse(const VenueOrder& order, Reject why) {
    known_[order.id - 1].live = false;
    outer_->answer(EventKind::Rejected, order.id, price_of(order), order.quantity, why);
    linked(order);
  }

  // What the desk does after the venue.

  void perform(const Task& task) {
    Held* held = find(task.order);
    if (!held) return;
    switch (task.kind) {
      case Task::Kind::Send:
        return send(*held);
      case Task::Kind::Cancel:
        if (held->state != State::Live) return leave(*held, task.why);
        held->ending = task.why;
        return venue_->cancel(task.order, now_, *this);
      case Task::Kind::Reduce:
        return resize(*held, held->order.quantity - task.quantity, task.why);
      case Task::Kind::Fit: {
        const Lots over = held->order.quantity - reducible(held->order);
        return over.value > 0 ? resize(*held, held->order.quantity - over, task.why) : void();
      }
      case Task::Kind::Grow:
        return resize(*held, held->order.quantity + task.quantity, task.why);
      case Task::Kind::Reprice:
        if (held->state != State::Live) return;
        held->moving = true;
        venue_->replace(task.order, task.price, sent(*held), now_, *this);
        if (Held* still = find(task.order)) still->moving = false;
        return;
      case Task::Kind::Slice:
        return submit_slice(*held);
    }
  }

  [[nodiscard]] static Lots sent(const Held& held) { return held.order.quantity - held.reserve; }

  /// An order whose time has come: waits here, or goes to the venue.
  void send(Held& held) {
    VenueOrder& order = held.order;
    if (order.reduce_only) {
      const Lots allowed = reducible(order);
      if (allowed.value == 0) return end(held, Reject::ReduceOnly, order.quantity);
      order.quantity = std::min(order.quantity, allowed);
    }
    const bool waiting = waits(order.type) && !held.triggered && !able_.triggers;
    if (waiting) {
      held.state = State::Waiting;
      accept(held);
      return consider(held);
    }
    if (order.type == OrderType::Pegged) return send_pegged(held);
    if (order.type == OrderType::MarketToLimit && !able_.to_limit) {
      const auto best = best_price(order.instrument, opposite(order.side));
      if (!best) return end(held, Reject::NoMarket, order.quantity);
      order.type = OrderType::Limit;
      order.price = *best;
    }
    if (!able_.whole && order.minimum.value > 0) {
      if (shown_for(order) < order.minimum.value)
        return end(held, Reject::MinimumQuantity, order.quantity);
      order.minimum = {};
    }
    if (!able_.whole && order.all_or_none) {
      held.state = State::Waiting;
      accept(held);
      return consider(held);
    }
    submit_slice(held);
  }

  void submit_slice(Held& held) {
    VenueOrder order = held.order;
    held.state = State::Live;
    held.reserve = {};
    if (!able_.display && order.display.value > 0 && order.display < order.quantity) {
      held.reserve = order.quantity - order.display;
      order.quantity = order.display;
    }
    if (!able_.display) order.display = {};
    if (held.whole) {
      order.all_or_none = false;
      order.time_in_force = TimeInForce::FillOrKill;
    } else if (!able_.expiry && (order.time_in_force == TimeInForce::Day ||
                                 order.time_in_force == TimeInForce::GoodTillDate)) {
      order.time_in_force = TimeInForce::GoodTillCancel;
    }
    venue_->submit(order, now_, *this);
  }

  void accept(Held& held) {
    if (held.accepted) return;
    held.accepted = true;
    outer_->answer(EventKind::Accepted, held.order.id, price_of(held.order), held.order.quantity,
                   Reject::None);
  }

  // Prices.

  void look(InstrumentId instrument) {
    for (Held& held : held_) {
      if (held.order.instrument != instrument) continue;
      if (held.state == State::Waiting) {
        consider(held);
      } else if (held.order.type == OrderType::Pegged && held.state == State::Live) {
        const auto price = peg_price(held);
        // Once for each thing that happens, so that pegs that follow one another come to rest.
        if (price && *price != held.trigger.level() && held.moved_in != round_) {
          held.moved_in = round_;
          held.trigger.move(*price);
          tasks_.push_back({Task::Kind::Reprice, held.order.id, {}, *price});
        }
      }
    }
  }

  /// Sends a waiting order on when what it waits for is there.
  void consider(Held& held) {
    const VenueOrder& order = held.order;
    if (order.type == OrderType::Pegged) {
      if (!peg_price(held)) return;
    } else if (order.all_or_none && !waits(order.type)) {
      if (shown_for(order) < order.quantity.value) return;
      held.whole = true;
    } else {
      const auto twice = twice_reference(order);
      if (!twice) return;
      held.trigger.follow({*twice >> 1});
      if (!held.trigger.reached_twice(*twice)) return;
      outer_->answer(EventKind::Triggered, order.id, held.trigger.level(), order.quantity,
                     Reject::None);
      held.triggered = true;
      release_order(held.order, held.trigger.level());
    }
    held.state = State::Sending;
    tasks_.push_back({held.whole ? Task::Kind::Slice : Task::Kind::Send, order.id, {}, {}});
  }

  /// Twice the price that a waiting order looks at.
  [[nodiscard]] std::optional<std::int64_t> twice_reference(const VenueOrder& order) const {
    const Quote& quote = quotes_[order.instrument];
    if (order.trigger == TriggerPrice::Last)
      return quote.traded ? std::optional(2 * quote.last.value) : std::nullopt;
    if (order.trigger == TriggerPrice::BidAsk) {
      const auto price = best_price(order.instrument, opposite(order.side));
      return price ? std::optional(2 * price->value) : std::nullopt;
    }
    const auto bid = best_price(order.instrument, Side::Buy);
    const auto ask = best_price(order.instrument, Side::Sell);
    return bid && ask ? std::optional(bid->value + ask->value) : std::nullopt;
  }

  [[nodiscard]] std::optional<Ticks> best_price(InstrumentId instrument, Side side) const {
    const Depth& depth = *quotes_[instrument].depth;
    if (side == Side::Buy)
      return depth.bids > 0 ? std::optional(depth.bid[0].price) : std::nullopt;
    return depth.asks > 0 ? std::optional(depth.ask[0].price) : std::nullopt;
  }

  /// Shown on the other side at the order's limit or better.
  [[nodiscard]] std::int64_t shown_for(const VenueOrder& order) const {
    const Depth& depth = *quotes_[order.instrument].depth;
    const bool buys = order.side == Side::Buy;
    const auto& levels = buys ? depth.ask : depth.bid;
    std::int64_t sum = 0;
    for (std::size_t i = 0; i < (buys ? depth.asks : depth.bids); ++i) {
      if (order.type != OrderType::Market &&
          (levels[i].price.value - order.price.value) * sign(order.side) > 0) {
        break;
      }
      sum += levels[i].quantity.value;
    }
    return sum;
  }

  // Pegs.

  /// The best price of a side without what pegged orders themselves show there.
  [[nodiscard]] std::optional<Ticks> best_without_pegs(InstrumentId instrument, Side side) const {
    const Depth& depth = *quotes_[instrument].depth;
    const auto& levels = side == Side::Buy ? depth.bid : depth.ask;
    for (std::size_t i = 0; i < (side == Side::Buy ? depth.bids : depth.asks); ++i) {
      std::int64_t others = levels[i].quantity.value;
      if (able_.shows_own) {
        for (const Held& held : held_) {
          const bool there = held.order.type == OrderType::Pegged && held.state == State::Live &&
                             held.order.instrument == instrument && held.order.side == side &&
                             !held.order.hidden && !held.order.all_or_none &&
                             held.placed == levels[i].price;
          if (there) others -= shown(held);
        }
      }
      if (others > 0) return levels[i].price;
    }
    return std::nullopt;
  }

  [[nodiscard]] static std::int64_t shown(const Held& held) {
    const std::int64_t open = sent(held).value, display = held.order.display.value;
    return display > 0 ? std::min(display, open) : open;
  }

  [[nodiscard]] std::optional<Ticks> peg_price(const Held& held) const {
    const VenueOrder& order = held.order;
    const auto own = best_without_pegs(order.instrument, order.side);
    const auto other = best_without_pegs(order.instrument, opposite(order.side));
    std::int64_t price = 0;
    if (order.peg == Peg::Mid) {
      if (!own || !other) return std::nullopt;
      const std::int64_t twice = own->value + other->value;
      price = order.side == Side::Buy ? twice >> 1 : -(-twice >> 1);
    } else {
      const auto& best = order.peg == Peg::Primary ? own : other;
      if (!best) return std::nullopt;
      price = best->value;
    }
    price -= sign(order.side) * order.offset.value;
    if (order.price.value != 0 && (price - order.price.value) * sign(order.side) > 0)
      price = order.price.value;
    return Ticks{price};
  }

  void send_pegged(Held& held) {
    const auto price = peg_price(held);
    accept(held);
    if (!price) {
      held.state = State::Waiting;
      return;
    }
    VenueOrder order = held.order;
    order.type = OrderType::Limit;
    order.price = *price;
    order.time_in_force = TimeInForce::GoodTillCancel;
    held.trigger.move(*price);
    held.placed = *price;
    held.state = State::Live;
    if (!able_.display) order.display = {};
    venue_->submit(order, now_, *this);
  }

  // Changes.

  void change(Held& held, Ticks price, Lots quantity) {
    VenueOrder& order = held.order;
    if (quantity.value <= 0)
      return outer_->answer(EventKind::Rejected, order.id, price, quantity, Reject::BadQuantity);
    if (held.state == State::Live && order.reduce_only) {
      quantity = std::min(quantity, reducible(order));
      if (quantity.value == 0)
        return outer_->answer(EventKind::Rejected, order.id, price, quantity, Reject::ReduceOnly);
    }
    if (held.state == State::Live && order.type != OrderType::Pegged) {
      Lots there = quantity;
      if (held.reserve.value > 0) {
        // What is not at the venue yet changes first; a new price takes all of it along.
        const Lots unseen{std::max<std::int64_t>(0, (quantity - sent(held)).value)};
        there = quantity - unseen;
        held.reserve = unseen;
        order.quantity = quantity;
        if (price == price_of(order) && there == sent(held))
          return outer_->answer(EventKind::Replaced, order.id, price, quantity, Reject::None);
      }
      return asked([&] { venue_->replace(order.id, price, there, now_, *this); });
    }
    if (waits(order.type) && !has_limit(order.type)) held.trigger.move(price);
    set_price(order, price);
    order.quantity = held.wanted = quantity;
    outer_->answer(EventKind::Replaced, order.id, price, quantity, Reject::None);
    if (held.state == State::Live) {  // a peg: goes where its new limit lets it
      const Ticks at = peg_price(held).value_or(held.placed);
      held.trigger.move(at);
      tasks_.push_back({Task::Kind::Reprice, order.id, {}, at});
    } else if (held.state == State::Waiting) {
      consider(held);
    }
  }

  /// A new open quantity that the desk wants.
  void resize(Held& held, Lots quantity, Reject why) {
    if (quantity.value <= 0) {
      if (held.state != State::Live) return leave(held, why);
      held.ending = why;
      return venue_->cancel(held.order.id, now_, *this);
    }
    if (held.state == State::Live) {
      const Lots unseen = std::min(held.reserve, quantity - Lots{1});
      held.reserve = unseen;
      held.moving = true;
      const OrderId id = held.order.id;
      const Ticks price =
          held.order.type == OrderType::Pegged ? held.placed : price_of(held.order);
      venue_->replace(id, price, quantity - unseen, now_, *this);
      if (Held* still = find(id)) still->moving = false;
      return;
    }
    held.order.quantity = quantity;
    outer_->answer(EventKind::Replaced, held.order.id, price_of(held.order), quantity, why);
  }

  /// Leaves from the desk itself.
  void leave(Held& held, Reject why) {
    const Lots quantity = held.state == State::Parked ? held.wanted : held.order.quantity;
    held.accepted = true;
    end(held, why, quantity);
  }

  /// The order is gone without a fill. What its owner knew of ends as cancelled, else as rejected.
  void end(Held& held, Reject why, Lots quantity, bool was_there = false) {
    const VenueOrder order = held.order;
    const bool cancelled = held.accepted || was_there;
    drop(order.id);
    known_[order.id - 1].live = false;
    outer_->answer(cancelled ? EventKind::Cancelled : EventKind::Rejected, order.id,
                   price_of(order), quantity, why);
    if (why != Reject::Linked) linked(order);
    parent_over(order.id);
  }

  // Links.

  /// One of a group ended: the others do.
  void linked(const VenueOrder& order) {
    if (order.group == 0) return;
    for (const Held& other : held_) {
      if (tied(order, other))
        tasks_.push_back({Task::Kind::Cancel, other.order.id, {}, {}, Reject::Linked});
    }
  }
  [[nodiscard]] static bool tied(const VenueOrder& order, const Held& other) {
    return other.order.id != order.id && other.order.participant == order.participant &&
           other.order.group == order.group;
  }
  void after_fill(const VenueOrder& order, Lots quantity) {
    if (order.group == 0) return;
    for (const Held& other : held_) {
      if (!tied(order, other)) continue;
      const bool all = order.link == Link::OneCancelsOther || order.quantity.value == 0;
      tasks_.push_back({all ? Task::Kind::Cancel : Task::Kind::Reduce, other.order.id, quantity, {},
                        Reject::Linked});
    }
  }
  void release_children(OrderId parent, Lots quantity) {
    for (Held& child : held_) {
      if (child.order.parent != parent) continue;
      if (child.state == State::Parked) {
        const bool first = child.order.quantity.value == 0;
        child.order.quantity = std::min(child.wanted, child.order.quantity + quantity);
        if (first) tasks_.push_back({Task::Kind::Send, child.order.id, {}, {}});
      } else {
        // As far as the parent has filled, less what the child has done.
        const Lots ordered = child.order.quantity + known_[child.order.id - 1].filled;
        const Lots more = std::min(quantity, child.wanted - ordered);
        if (more.value > 0) tasks_.push_back({Task::Kind::Grow, child.order.id, more, {}});
      }
    }
  }
  void parent_over(OrderId parent) {
    if (known_[parent - 1].filled.value > 0) return;
    for (const Held& child : held_) {
      if (child.order.parent == parent)
        tasks_.push_back({Task::Kind::Cancel, child.order.id, {}, {}, Reject::Linked});
    }
  }

  // Reduce-only.

  [[nodiscard]] Lots reducible(const VenueOrder& order) const {
    const auto& positions = positions_[order.instrument];
    const std::int64_t held = order.participant < positions.size() ? positions[order.participant].value : 0;
    return {std::max<std::int64_t>(0, -sign(order.side) * held)};
  }
  void keep_reducing(const Known& known) {
    for (const Held& held : held_) {
      const VenueOrder& order = held.order;
      if (!order.reduce_only || order.participant != known.participant ||
          order.instrument != known.instrument || held.state == State::Parked) {
        continue;
      }
      tasks_.push_back({Task::Kind::Fit, order.id, {}, {}, Reject::ReduceOnly});
    }
  }

  Held* find(OrderId id) {
    for (Held& held : held_) {
      if (held.order.id == id) return &held;
    }
    return nullptr;
  }
  void drop(OrderId id) {
    std::erase_if(held_, [id](const Held& held) { return held.order.id == id; });
    find_expiry();
  }
  void find_expiry() {
    expiry_ = Nanos::max();
    for (const Held& held : held_) expiry_ = std::min(expiry_, held.expires);
  }

  std::unique_ptr<Venue> venue_;
  VenueAbilities able_;
  std::shared_ptr<const TradingCalendar> calendar_;
  VenueSink* outer_ = nullptr;  // of the call in hand
  std::vector<Quote> quotes_;
  std::vector<Held> held_;      // in order of arrival
  std::vector<Task> tasks_;
  std::vector<Known> known_;    // by id - 1
  std::vector<std::vector<Lots>> positions_;  // by instrument, participant
  Nanos now_{}, expiry_ = Nanos::max();
  std::uint64_t round_ = 0;     // calls so far
  bool asked_change_ = false;
};

}  // namespace

std::unique_ptr<Venue> make_order_desk(std::unique_ptr<Venue> venue, std::size_t instruments,
                                       std::shared_ptr<const TradingCalendar> calendar) {
  return std::make_unique<OrderDesk>(std::move(venue), instruments, std::move(calendar));
}

}  // namespace walras::engine
