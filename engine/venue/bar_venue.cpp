#include "engine/venue/bar_venue.hpp"

#include "engine/base/archive.hpp"
#include "engine/market/splits.hpp"
#include "engine/market/tape.hpp"
#include "engine/venue/trigger.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace walras::engine {
namespace {

class BarVenue final : public Venue {
 public:
  BarVenue(const Tape& tape, std::vector<BarRules> rules,
           std::shared_ptr<const TradingCalendar> calendar)
      : tape_(tape), calendar_(std::move(calendar)) {
    instruments_.resize(rules.size());
    for (std::size_t i = 0; i < rules.size(); ++i) instruments_[i].rules = rules[i];
    for (Market& market : instruments_) market.orders.reserve(16);
  }

  VenueAbilities abilities() const override {
    VenueAbilities able;
    able.triggers = able.expiry = able.auctions = able.display = able.whole = able.to_limit = true;
    able.no_book = true;
    return able;
  }

  void replay(const Event& event, VenueSink& sink) override {
    if (event.kind == EventKind::Bar) {
      Market& market = instruments_[event.instrument];
      const Bar& bar = tape_.bars[event.payload];
      if (market.rules.volume_share > 0) {
        market.capacity = static_cast<std::int64_t>(market.rules.volume_share *
                                                    static_cast<double>(bar.volume.value));
      }
      if (!market.orders.empty()) work(market, bar, sink);
      if (market.rules.slippage->needs_history()) remember(market, bar);
      ++market.index;
      market.last = &bar;
    } else if (event.kind == EventKind::Split) {
      split(instruments_[event.instrument], event.payload, event.quantity.value);
    }
    sink.publish(event, nullptr);
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = instruments_[order.instrument];
    if (order.time_in_force == TimeInForce::AtTheOpen &&
        market.rules.fill_at == FillAt::NextClose) {
      return sink.answer(EventKind::Rejected, order.id, order.price, order.quantity,
                         Reject::NoAuction);
    }
    Working working{order, now, Trigger(order), {}};
    if (market.last) working.trigger.follow(market.last->close);
    if (market.rules.fill_at == FillAt::ThisClose && order.type == OrderType::Market &&
        !for_auction(order.time_in_force) && market.last) {
      if (attempt(market, working, *market.last, market.last->close, now, sink) == Fate::Done)
        return;
      market.orders.push_back(working);
      return;
    }
    market.orders.push_back(working);
    sink.answer(EventKind::Accepted, order.id, price_of(order), order.quantity, Reject::None);
  }

  void cancel(OrderId id, Nanos, VenueSink& sink) override {
    for (Market& market : instruments_) {
      const auto place = find(market, id);
      if (place == market.orders.end()) continue;
      const VenueOrder order = place->order;
      market.orders.erase(place);
      return sink.answer(EventKind::Cancelled, id, price_of(order), order.quantity, Reject::None);
    }
    sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    for (Market& market : instruments_) {
      const auto place = find(market, id);
      if (place == market.orders.end()) continue;
      Working changed = *place;
      const bool keeps_place = price_of(changed.order) == price && quantity <= changed.order.quantity;
      set_price(changed.order, price);
      if (waits(changed.order.type) && !has_limit(changed.order.type)) changed.trigger.move(price);
      changed.order.quantity = quantity;
      if (keeps_place) {
        *place = changed;
      } else {
        // A new price works from the bars after it, like a new order.
        changed.arrival = now;
        market.orders.erase(place);
        market.orders.push_back(changed);
      }
      return sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    }
    sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = instruments_[order.instrument];
    if (!market.last) return;
    // Priced as if it were within the cap: a share of volume above one has no meaning in the impact
    // models.
    Lots priced = order.quantity;
    if (market.rules.volume_share > 0) {
      const double cap = market.rules.volume_share * static_cast<double>(market.last->volume.value);
      priced.value = std::clamp<std::int64_t>(
          priced.value, 1, std::max<std::int64_t>(1, static_cast<std::int64_t>(cap)));
    }
    const Ticks reference = market.last->close;
    const Ticks price = slipped(market, order.side, reference, priced, *market.last);
    const Money slippage =
        market.rules.tick_value * std::max<std::int64_t>(0, (price.value - reference.value) * sign(order.side)) * order.quantity.value;
    sink.fill(order.id, price, order.quantity, {}, false, slippage, now);
  }

  void state(Archive& archive) override {
    for (Market& market : instruments_) {
      constexpr auto kAdjusted = static_cast<std::size_t>(-1);
      std::size_t last = market.last == &market.adjusted ? kAdjusted
                         : market.last ? static_cast<std::size_t>(market.last - tape_.bars.data()) + 1 : 0;  // 0: none
      archive(market.orders, last, market.adjusted, market.capacity, market.average_volume, market.variance, market.bars, market.index, market.moved);
      market.last = last == kAdjusted ? &market.adjusted : last > 0 ? &tape_.bars[last - 1] : nullptr;
    }
  }

 private:
  struct Working {
    VenueOrder order;
    Nanos arrival;
    Trigger trigger;
    std::optional<Nanos> day_end;  // day orders: of the first day on which they are worked
  };
  /// A move of the price by an own trade.
  struct Moved {
    std::int64_t index;
    double ticks;  // upwards
  };
  struct Market {
    BarRules rules;
    std::vector<Working> orders;  // in order of arrival
    const Bar* last = nullptr;
    Bar adjusted;  // the last bar in the lots of a split since
    std::int64_t capacity = 0;  // what may still fill on the bar in hand
    double average_volume = 0, variance = 0;
    std::int64_t bars = 0;
    std::int64_t index = 0;     // of the bar in hand
    std::vector<Moved> moved;   // by own trades, while any of it is left
  };

  /// Orders are gone by now: the simulation withdraws them.
  static void split(Market& market, std::int64_t from, std::int64_t to) {
    if (market.last) {
      market.adjusted = *market.last;
      for (Ticks* price : {&market.adjusted.open, &market.adjusted.high, &market.adjusted.low, &market.adjusted.close})
        *price = split_price(*price, from, to);
      market.adjusted.volume = {static_cast<std::int64_t>(Money::Integer{market.adjusted.volume.value} * to / from)};
      market.last = &market.adjusted;
    }
    market.average_volume *= static_cast<double>(to) / static_cast<double>(from);
  }
  enum class Fate : std::uint8_t { Done, Stays };

  static std::vector<Working>::iterator find(Market& market, OrderId id) {
    return std::find_if(market.orders.begin(), market.orders.end(),
                        [&](const Working& working) { return working.order.id == id; });
  }

  void work(Market& market, const Bar& bar, VenueSink& sink) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < market.orders.size(); ++i) {
      Working working = market.orders[i];
      if (consider(market, working, bar, sink) == Fate::Stays) market.orders[kept++] = working;
    }
    market.orders.resize(kept);
  }

  /// End of the trading day that contains `time`, or of the next one.
  [[nodiscard]] Nanos day_end(Nanos time) const {
    if (calendar_) return calendar_->day_end(time);
    return start_of_day(day_of(time) + 1);
  }

  Fate consider(Market& market, Working& working, const Bar& bar, VenueSink& sink) const {
    const bool at_close = market.rules.fill_at == FillAt::NextClose;
    const TimeInForce time_in_force = working.order.time_in_force;
    if (time_in_force == TimeInForce::AtTheClose) return close_auction(market, working, bar, sink);
    // A bar that was already open when the order arrived says nothing certain about prices after
    // it, except its close.
    const bool was_open = bar.open_time < working.arrival;
    if (!at_close && was_open) return Fate::Stays;
    if (time_in_force == TimeInForce::AtTheOpen) return open_auction(market, working, bar, sink);
    if (time_in_force == TimeInForce::GoodTillDate && bar.close_time > working.order.expire)
      return leave(working.order, Reject::Expired, sink);
    if (time_in_force == TimeInForce::Day) {
      const Nanos begins = was_open ? bar.close_time : bar.open_time;
      if (!working.day_end) working.day_end = day_end(begins);
      if (begins >= *working.day_end) return leave(working.order, Reject::Expired, sink);
    }
    const Fate fate = waits(working.order.type) ? wait(market, working, bar, at_close, sink)
                                                : fill(market, working, bar, at_close, sink);
    const bool over = working.day_end && bar.close_time + Nanos{1} >= *working.day_end;
    return fate == Fate::Stays && over ? leave(working.order, Reject::Expired, sink) : fate;
  }

  /// A market or limit order on a bar that opened after it came.
  static Fate fill(Market& market, Working& working, const Bar& bar, bool at_close,
                   VenueSink& sink) {
    const Ticks price = at_close ? bar.close : bar.open;
    const Nanos time = at_close ? bar.close_time : bar.open_time;
    const VenueOrder& order = working.order;
    if (order.type != OrderType::Limit) return attempt(market, working, bar, price, time, sink);

    const std::int64_t direction = sign(order.side);
    const std::int64_t limit = order.price.value * direction;
    if (price.value * direction < limit) return attempt(market, working, bar, price, time, sink);
    const Ticks extreme = order.side == Side::Buy ? bar.low : bar.high;
    if (!at_close && extreme.value * direction < limit) {
      return attempt(market, working, bar, order.price, bar.close_time, sink);
    }
    return immediate(order.time_in_force) ? expire(order, sink) : Fate::Stays;
  }

  /// An order that waits for its trigger: see the header.
  static Fate wait(Market& market, Working& working, const Bar& bar, bool at_close,
                   VenueSink& sink) {
    Trigger& trigger = working.trigger;
    const Ticks first = at_close ? bar.close : bar.open;
    if (trigger.reached(first)) {
      release(working, sink);
      return fill(market, working, bar, at_close, sink);
    }
    trigger.follow(first);
    if (at_close) return Fate::Stays;
    const Ticks reaching = trigger.up() ? bar.high : bar.low;
    if (!trigger.reached(reaching)) {
      trigger.follow(trigger.up() ? bar.low : bar.high);
      if (!trigger.reached(bar.close)) return Fate::Stays;
    }
    const Ticks level = trigger.level();
    release(working, sink);
    const VenueOrder& order = working.order;
    const std::int64_t direction = sign(order.side);
    if (order.type == OrderType::Market || (level.value - order.price.value) * direction <= 0)
      return attempt(market, working, bar, level, bar.close_time, sink);
    if ((bar.close.value - order.price.value) * direction < 0)
      return attempt(market, working, bar, order.price, bar.close_time, sink);
    return immediate(order.time_in_force) ? expire(order, sink) : Fate::Stays;
  }

  static void release(Working& working, VenueSink& sink) {
    const Ticks level = working.trigger.level();
    sink.answer(EventKind::Triggered, working.order.id, level, working.order.quantity,
                Reject::None);
    release_order(working.order, level);
  }

  Fate open_auction(Market& market, Working& working, const Bar& bar, VenueSink& sink) const {
    const bool first = !market.last || day_end(market.last->open_time) != day_end(bar.open_time);
    if (!first) return Fate::Stays;
    return auction(market, working, bar, bar.open, bar.open_time, sink);
  }
  Fate close_auction(Market& market, Working& working, const Bar& bar, VenueSink& sink) const {
    const Nanos opened = bar.open_time < bar.close_time ? bar.open_time : bar.close_time;
    if (bar.close_time + Nanos{1} < day_end(opened)) return Fate::Stays;
    return auction(market, working, bar, bar.close, bar.close_time, sink);
  }
  static Fate auction(Market& market, Working& working, const Bar& bar, Ticks price, Nanos time,
                      VenueSink& sink) {
    const VenueOrder& order = working.order;
    const bool reached = order.type == OrderType::Market ||
                         (price.value - order.price.value) * sign(order.side) <= 0;
    if (reached && attempt(market, working, bar, price, time, sink) == Fate::Done)
      return Fate::Done;
    return leave(working.order, Reject::Expired, sink);
  }

  static Fate expire(const VenueOrder& order, VenueSink& sink) {
    if (order.time_in_force == TimeInForce::FillOrKill) {
      sink.answer(EventKind::Rejected, order.id, order.price, order.quantity, Reject::CannotFill);
      return Fate::Done;
    }
    return leave(order, Reject::None, sink);
  }
  static Fate leave(const VenueOrder& order, Reject why, VenueSink& sink) {
    sink.answer(EventKind::Cancelled, order.id, price_of(order), order.quantity, why);
    return Fate::Done;
  }

  /// Fills what the bar's volume allows at `reference` worsened by slippage.
  static Fate attempt(Market& market, Working& working, const Bar& bar, Ticks reference, Nanos time,
                      VenueSink& sink) {
    VenueOrder& order = working.order;
    std::int64_t quantity = std::min(order.quantity, sink.wanted(order)).value;
    if (market.rules.volume_share > 0) quantity = std::min(quantity, market.capacity);
    if (order.time_in_force == TimeInForce::FillOrKill && quantity < order.quantity.value)
      return expire(order, sink);
    if (order.all_or_none && quantity < order.quantity.value) return Fate::Stays;
    if (order.minimum.value > quantity) {
      sink.answer(EventKind::Rejected, order.id, order.price, order.quantity,
                  Reject::MinimumQuantity);
      return Fate::Done;
    }
    order.minimum = {};
    if (quantity > 0) {
      market.capacity -= quantity;
      const bool limit = order.type == OrderType::Limit;
      const bool maker = limit && reference == order.price;
      Ticks price = maker ? reference : slipped(market, order.side, reference, {quantity}, bar);
      if (limit && (price.value - order.price.value) * sign(order.side) > 0) price = order.price;
      const Money slippage =
          market.rules.tick_value * std::max<std::int64_t>(0, (price.value - reference.value) * sign(order.side)) * quantity;
      move_later(market, order.side, reference, {quantity}, bar);
      order.quantity.value -= quantity;
      sink.fill(order.id, price, {quantity}, order.quantity, maker, slippage, time);
      if (order.quantity.value == 0) return Fate::Done;
      if (order.type == OrderType::MarketToLimit) {
        order.type = OrderType::Limit;
        order.price = price;
      }
    }
    return immediate(order.time_in_force) ? expire(order, sink) : Fate::Stays;
  }

  /// What an own trade leaves behind for later ones.
  static void move_later(Market& market, Side side, Ticks reference, Lots quantity, const Bar& bar) {
    const SlippageModel& model = *market.rules.slippage;
    if (!model.has_memory()) return;
    constexpr std::size_t kMost = 4096;  // the oldest have faded, or are summed into one that has not
    const double move = model.lasting({side, reference, quantity, bar.volume, market.average_volume, std::sqrt(market.variance)});
    if (market.moved.size() == kMost) {
      market.moved[1].ticks += market.moved[0].ticks * model.left_after(static_cast<double>(market.moved[1].index - market.moved[0].index));
      market.moved.erase(market.moved.begin());
    }
    market.moved.push_back({market.index, static_cast<double>(sign(side)) * move});
  }
  static double moved_by_now(const Market& market) {
    double sum = 0;
    for (const Moved& moved : market.moved) sum += moved.ticks * market.rules.slippage->left_after(static_cast<double>(market.index - moved.index));
    return sum;
  }

  static Ticks slipped(const Market& market, Side side, Ticks reference, Lots quantity,
                       const Bar& bar) {
    double worse = market.rules.slippage->ticks(
        {side, reference, quantity, bar.volume, market.average_volume, std::sqrt(market.variance)});
    if (market.rules.slippage->has_memory()) worse += static_cast<double>(sign(side)) * moved_by_now(market);
    if (worse < 0) {
      // The price has moved the trader's way by what was traded before.
      return {reference.value - sign(side) * static_cast<std::int64_t>(std::floor(std::min(-worse, 1e15)))};
    }
    if (!(worse > 0)) return reference;
    // Rounded against the trader, but not for the last bits of a product: 1875.0000000000002 means
    // 1875.
    const double capped = std::min(worse, 1e15);
    const auto ticks = static_cast<std::int64_t>(std::ceil(capped - 1e-9 * std::max(1.0, capped)));
    const Ticks price{reference.value + sign(side) * ticks};
    return !market.rules.negative_prices && price.value < 1 ? Ticks{1} : price;
  }

  static void remember(Market& market, const Bar& bar) {
    constexpr double kKeep = 0.94;  // weight of the past; a memory of about 16 bars
    const auto volume = static_cast<double>(bar.volume.value);
    if (market.last && market.last->close.value > 0 && bar.close.value > 0) {
      const double change = std::log(static_cast<double>(bar.close.value) /
                                     static_cast<double>(market.last->close.value));
      market.variance = market.bars == 1 ? change * change
                                         : kKeep * market.variance + (1 - kKeep) * change * change;
    }
    market.average_volume =
        market.bars == 0 ? volume : kKeep * market.average_volume + (1 - kKeep) * volume;
    ++market.bars;
  }

  const Tape& tape_;
  std::shared_ptr<const TradingCalendar> calendar_;
  std::vector<Market> instruments_;
};

}  // namespace

std::unique_ptr<Venue> make_bar_venue(const Tape& tape, std::vector<BarRules> rules,
                                      std::shared_ptr<const TradingCalendar> calendar) {
  return std::make_unique<BarVenue>(tape, std::move(rules), std::move(calendar));
}

}  // namespace walras::engine
