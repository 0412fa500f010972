#include "engine/flow/crowd_venue.hpp"

#include "engine/base/archive.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace walras::engine {

namespace {

/// Before the market opens nobody listens.
struct Nobody final : VenueSink {
  void publish(const Event&, const Depth*) override {}
  void fill(OrderId, Ticks, Lots, Lots, bool, Money, Nanos) override {}
  void answer(EventKind, OrderId, Ticks, Lots, Reject) override {}
};

}  // namespace

class CrowdVenue final : public Venue {
 public:
  explicit CrowdVenue(CrowdMarket market)
      : parts_(std::move(market)), shocks_(parts_.instruments.size()) {
    markets_.reserve(parts_.instruments.size());
    for (const Instrument& instrument : parts_.instruments) {
      markets_.push_back({Crowd(static_cast<InstrumentId>(markets_.size()), instrument.tick_size,
                                parts_.start_price / instrument.tick_size, parts_.window),
                          instrument.tick_value(),
                          std::log(parts_.start_price / instrument.tick_size)});
      markets_.back().crowd.state_ = &state_;
    }
    own_.reserve(64);
  }

  void start(Nanos begin, VenueSink& sink) override {
    if (parts_.regime) state_ = parts_.regime->at(begin);
    value_time_ = begin;
    Nobody nobody;
    for (std::size_t i = 0; i < markets_.size(); ++i) {
      Crowd& crowd = markets_[i].crowd;
      crowd.now_ = begin;
      parts_.flows[i]->open(crowd);
      settle(i, 0, {}, 0, begin, nobody);
      publish_depth(crowd, begin, sink);
    }
    find_due();
  }
  Nanos next_time() const noexcept override { return parts_.flows[due_]->next(); }

  void advance(VenueSink& sink) override {
    Crowd& crowd = markets_[due_].crowd;
    const Nanos now = parts_.flows[due_]->next();
    keep_up(now, sink);
    crowd.now_ = now;
    parts_.flows[due_]->act(crowd);
    if (!crowd.matches_.empty()) settle(due_, 0, {}, 0, now, sink);
    if (crowd.changed_) publish_depth(crowd, now, sink);
    find_due();
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    keep_up(now, sink);
    Crowd& crowd = markets_[order.instrument].crowd;
    const auto refuse = [&](Reject why) {
      sink.answer(EventKind::Rejected, order.id, order.price, {}, why);
    };
    if (state_.halted) return refuse(Reject::Halted);
    const bool takes = order.type == OrderType::Market;
    if (!takes && order.type != OrderType::Limit) return refuse(Reject::Conflict);
    if (!takes && order.price.value < 1) return refuse(Reject::BadPrice);
    const std::int64_t twice_mid = crowd.twice_mid();
    const auto collect = [&](const Match& match) { crowd.matches_.push_back(match); };
    const Outcome outcome =
        takes ? crowd.book_.market(own_id(order.id), order.side, order.quantity, collect,
                                   order.time_in_force == TimeInForce::FillOrKill)
              : crowd.book_.limit(own_id(order.id), order.side, order.price, order.quantity,
                                  order.time_in_force, order.post_only, collect);
    if (outcome.reject != Reject::None) return refuse(outcome.reject);
    crowd.traded_ += outcome.filled;
    if (outcome.resting.value > 0) {
      own_.push_back({order.id, order.instrument, order.post_only});
      sink.answer(EventKind::Accepted, order.id, order.price, order.quantity, Reject::None);
    }
    settle(order.instrument, order.id, order.quantity, twice_mid, now, sink);
    if (outcome.cancelled.value > 0)
      sink.answer(EventKind::Cancelled, order.id, order.price, outcome.cancelled, Reject::None);
    disturbed(order.instrument, now, sink);
  }

  void cancel(OrderId id, Nanos now, VenueSink& sink) override {
    keep_up(now, sink);
    const auto own = find_own(id);
    if (own == own_.end())
      return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    const InstrumentId instrument = own->instrument;
    OrderBook& book = markets_[instrument].crowd.book_;
    const Ticks price = book.find(own_id(id))->price;
    const Outcome outcome = book.cancel(own_id(id));
    own_.erase(own);
    sink.answer(EventKind::Cancelled, id, price, outcome.cancelled, Reject::None);
    disturbed(instrument, now, sink);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    keep_up(now, sink);
    const auto own = find_own(id);
    const auto refuse = [&](Reject why) { sink.answer(EventKind::Rejected, id, price, {}, why); };
    if (own == own_.end()) return refuse(Reject::UnknownOrder);
    if (state_.halted) return refuse(Reject::Halted);
    if (price.value < 1) return refuse(Reject::BadPrice);
    const InstrumentId instrument = own->instrument;
    Crowd& crowd = markets_[instrument].crowd;
    const std::int64_t twice_mid = crowd.twice_mid();
    const Outcome outcome =
        crowd.book_.replace(own_id(id), price, quantity, own->post_only,
                            [&](const Match& match) { crowd.matches_.push_back(match); });
    if (outcome.reject != Reject::None) return refuse(outcome.reject);
    crowd.traded_ += outcome.filled;
    if (outcome.resting.value == 0) own_.erase(own);
    sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    settle(instrument, id, quantity, twice_mid, now, sink);
    disturbed(instrument, now, sink);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    const Market& market = markets_[order.instrument];
    const std::int64_t twice_mid = market.crowd.twice_mid();
    Lots left = order.quantity;
    Ticks last{twice_mid / 2};
    const auto fill = [&](Ticks price, Lots quantity) {
      left -= quantity;
      last = price;
      sink.fill(order.id, price, quantity, left, false,
                slippage(market, order.side, price, quantity, twice_mid), now);
    };
    market.crowd.book_.visit_levels(opposite(order.side),
                                    [&](Ticks price, const OrderBook::LevelView& level) {
                                      fill(price, std::min(left, level.quantity));
                                      return left.value > 0;
                                    });
    if (left.value > 0) fill(last, left);
  }

  void state(Archive& archive) override {
    archive(state_, markets_, value_time_, due_, own_, sequence_, parts_.flows, parts_.values, *parts_.coupling);
    if (parts_.regime) archive(*parts_.regime);
  }

 private:
  struct Market {
    Crowd crowd;
    Money tick_value;
    double log_value;  // in ticks
    void state(Archive& archive) { archive(crowd, log_value); }
  };
  struct Own {
    OrderId id;
    InstrumentId instrument;
    bool post_only;
  };

  std::vector<Own>::iterator find_own(OrderId id) {
    return std::find_if(own_.begin(), own_.end(), [id](const Own& own) { return own.id == id; });
  }
  void find_due() {
    due_ = 0;
    for (std::size_t i = 1; i < parts_.flows.size(); ++i) {
      if (parts_.flows[i]->next() < parts_.flows[due_]->next()) due_ = i;
    }
  }

  /// Brings the regime and the values up to `now`. The values move on a grid, so that nobody's
  /// orders shift them.
  void keep_up(Nanos now, VenueSink& sink) {
    const bool halted = state_.halted;
    while (now - value_time_ >= parts_.value_step) {
      value_time_ += parts_.value_step;
      if (parts_.regime) state_ = parts_.regime->at(value_time_);
      parts_.coupling->draw(shocks_);
      const double drift = state_.drift * static_cast<double>(parts_.value_step.value) * 1e-9;
      for (std::size_t i = 0; i < markets_.size(); ++i) {
        Market& market = markets_[i];
        market.log_value = std::clamp(
            market.log_value + parts_.values[i]->step(shocks_[i], state_.volatility).change + drift,
            0.0, 30.0);
        market.crowd.value_ = std::exp(market.log_value);
      }
    }
    if (state_.halted == halted) return;
    for (const Market& market : markets_) {
      Event notice = event(market.crowd, EventKind::Halt, now);
      notice.price = {state_.halted ? 0 : 2};
      sink.publish(notice, nullptr);
    }
  }

  static Money slippage(const Market& market, Side side, Ticks price, Lots quantity,
                        std::int64_t twice_mid) {
    const std::int64_t twice_cost =
        std::max<std::int64_t>(0, sign(side) * (2 * price.value - twice_mid));
    Money cost = market.tick_value * twice_cost * quantity.value;
    cost.value /= 2;
    return cost;
  }

  /// Tells everyone of the matches collected. `taker`: a participant's order of `quantity`, 0: the
  /// crowd.
  void settle(std::size_t number, OrderId taker, Lots quantity, std::int64_t twice_mid, Nanos now,
              VenueSink& sink) {
    Market& market = markets_[number];
    Crowd& crowd = market.crowd;
    for (std::size_t k = 0; k < crowd.matches_.size(); ++k) {
      const Match match = crowd.matches_[k];
      if (taker != 0) {
        quantity -= match.quantity;
        sink.fill(taker, match.price, match.quantity, quantity, false,
                  slippage(market, match.side, match.price, match.quantity, twice_mid), now);
      }
      if (is_own(match.maker)) {
        const OrderId maker = number_of(match.maker);
        if (match.maker_left.value == 0) own_.erase(find_own(maker));
        sink.fill(maker, match.price, match.quantity, match.maker_left, true, {}, now);
      } else {
        const auto slot = static_cast<std::uint32_t>(number_of(match.maker));
        const CrowdFill fill{crowd.name_of(match.maker),
                             crowd.slots_[slot].tag,
                             opposite(match.side),
                             match.price,
                             match.quantity,
                             match.maker_left};
        if (match.maker_left.value == 0) crowd.free_slot(slot);
        parts_.flows[number]->filled(fill, crowd);
      }
      Event trade = event(crowd, EventKind::Trade, now);
      trade.side = match.side;
      trade.price = match.price;
      trade.quantity = match.quantity;
      sink.publish(trade, nullptr);
    }
    crowd.matches_.clear();
  }

  void disturbed(InstrumentId instrument, Nanos now, VenueSink& sink) {
    Crowd& crowd = markets_[instrument].crowd;
    crowd.now_ = now;
    parts_.flows[instrument]->disturbed(crowd);
    if (!crowd.matches_.empty()) settle(instrument, 0, {}, 0, now, sink);
    publish_depth(crowd, now, sink);
    find_due();
  }

  Event event(const Crowd& crowd, EventKind kind, Nanos now) {
    Event made;
    made.exchange_time = now;
    made.sequence = sequence_++;
    made.instrument = crowd.id_;
    made.kind = kind;
    return made;
  }
  void publish_depth(Crowd& crowd, Nanos now, VenueSink& sink) {
    crowd.book_.depth(crowd.depth_);
    crowd.changed_ = false;
    sink.publish(event(crowd, EventKind::Depth, now), &crowd.depth_);
  }

  CrowdMarket parts_;
  Regime::State state_;
  std::vector<Market> markets_;
  std::vector<double> shocks_;
  Nanos value_time_;
  std::size_t due_ = 0;
  std::vector<Own> own_;  // resting orders of participants
  std::uint64_t sequence_ = 0;
};

std::unique_ptr<Venue> make_crowd_venue(CrowdMarket market) {
  return std::make_unique<CrowdVenue>(std::move(market));
}

}  // namespace walras::engine
