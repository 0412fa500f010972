#include "engine/flow/zero_intelligence.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/flow/book_ids.hpp"
#include "engine/regime/regime.hpp"
#include "engine/venue/exchange.hpp"
#include "engine/venue/exchange_params.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace walras::engine {
namespace {

// The defaults make a stock of 100 with a spread of about two ticks and a volatility of about 1 % a
// day.
struct ZeroIntelligenceParams {
  double start_price = 100;
  double limit_rate = 4, limit_tail = 0.08, limit_lots = 10;
  double cancel_rate = 0.05;
  double market_rate = 1, market_lots = 10;
  double value_volatility = 4e-5, pull = 0.05;
  double warm_up_s = 120;
  double sampling_s = 1;
  static void fields(auto&& field) {
    using P = ZeroIntelligenceParams;
    field("start_price", &P::start_price,
          {.unit = "currency", .min = 1e-9, .max = 1e9, .doc = "fundamental value at the start"});
    field("limit_rate", &P::limit_rate,
          {.unit = "1/s", .min = 1e-9, .max = 1e6, .doc = "limit orders on each side"});
    field("limit_tail", &P::limit_tail,
          {.min = 1e-4,
           .max = 1,
           .doc = "limit orders are placed 1 + Geometric(limit_tail) ticks from the opposite best "
                  "price"});
    field("limit_lots", &P::limit_lots,
          {.unit = "lots", .min = 1, .max = 1e9, .doc = "mean size of a limit order"});
    field("cancel_rate", &P::cancel_rate,
          {.unit = "1/s", .min = 1e-6, .max = 1e6, .doc = "cancels of each live order"});
    field("market_rate", &P::market_rate,
          {.unit = "1/s", .min = 0, .max = 1e6, .doc = "market orders on each side"});
    field("market_lots", &P::market_lots,
          {.unit = "lots", .min = 1, .max = 1e9, .doc = "mean size of a market order"});
    field("value_volatility", &P::value_volatility,
          {.unit = "1/sqrt(s)", .min = 0, .max = 1, .doc = "of the log of the fundamental value"});
    field("pull", &P::pull,
          {.unit = "1/tick",
           .min = 0,
           .max = 1e3,
           .doc = "how strongly market orders lean towards the value"});
    field("warm_up_s", &P::warm_up_s,
          {.unit = "s",
           .min = 0,
           .max = 1e6,
           .doc = "flow played before the start, unseen, to fill the book"});
    field("sampling_s", &P::sampling_s,
          {.unit = "s",
           .min = 1e-3,
           .max = 1e6,
           .doc = "spacing of equity samples when the scenario gives none"});
  }
};

constexpr std::size_t kBookWindow = 1024;

/// One instrument: its book, its crowd and its fundamental value.
struct Market {
  Market(const Instrument& instrument, InstrumentId number, double start_price,
         const ExchangeRules& rules, Rng stream)
      : id(number),
        tick_size(instrument.tick_size),
        tick_value(instrument.tick_value()),
        positive(!instrument.negative_prices),
        exchange(rules, kBookWindow),
        random(stream),
        log_value(std::log(start_price)) {}

  InstrumentId id;
  double tick_size;
  Money tick_value;
  bool positive;  // prices below one tick are refused
  Exchange exchange;
  Rng random;
  double log_value;
  double value_ticks = 0;
  Nanos value_time;
  Nanos next = Nanos::max();
  Depth depth;                       // as last published
  std::vector<std::uint32_t> live;   // slots of resting background orders
  std::vector<std::uint32_t> place;  // slot -> position in live
  std::vector<std::uint32_t> free;   // slots not in use

  void state(Archive& archive) {
    archive(exchange, random, log_value, value_ticks, value_time, next, depth, live, place, free);
  }
  std::uint32_t take_slot() {
    if (free.empty()) {
      place.push_back(0);
      return static_cast<std::uint32_t>(place.size());  // slots count from 1
    }
    const std::uint32_t slot = free.back();
    free.pop_back();
    return slot;
  }
  void enter(std::uint32_t slot) {
    place[slot - 1] = static_cast<std::uint32_t>(live.size());
    live.push_back(slot);
  }
  /// Its order is gone, whether it rested or not.
  void leave(std::uint32_t slot) {
    const std::uint32_t at = place[slot - 1];
    if (at < live.size() && live[at] == slot) {
      live[at] = live.back();
      place[live[at] - 1] = at;
      live.pop_back();
    }
    free.push_back(slot);
  }
  [[nodiscard]] Nanos due() const { return std::min(next, exchange.next_time()); }
  /// Twice the mid in ticks, of the fundamental value while a side is empty.
  std::int64_t twice_mid() const {
    const OrderBook& book = exchange.book();
    if (book.empty(Side::Buy) || book.empty(Side::Sell)) return 2 * std::llround(value_ticks);
    return book.best(Side::Buy).value + book.best(Side::Sell).value;
  }
  /// Whether an order at this price can be among the published levels.
  bool visible(Side side, Ticks price) const {
    const auto& levels = side == Side::Buy ? depth.bid : depth.ask;
    const std::uint8_t count = side == Side::Buy ? depth.bids : depth.asks;
    return count < kDepthLevels ||
           sign(side) * (price.value - levels[kDepthLevels - 1].price.value) >= 0;
  }
};

class ZeroIntelligenceVenue final : public Venue {
 public:
  ZeroIntelligenceVenue(const ZeroIntelligenceParams& params,
                        const std::vector<Instrument>& instruments, const ExchangeRules& rules,
                        std::unique_ptr<Regime> regime, Rng random)
      : params_(params), regime_(std::move(regime)) {
    markets_.reserve(instruments.size());
    for (const Instrument& instrument : instruments) {
      markets_.emplace_back(instrument, static_cast<InstrumentId>(markets_.size()),
                            params.start_price, rules_for(rules, instrument), random.child(instrument.name));
    }
    own_.reserve(64);
  }

  VenueAbilities abilities() const override {
    VenueAbilities able;
    able.auctions = able.display = able.whole = able.to_limit = able.shows_own = true;
    return able;
  }

  void start(Nanos begin, VenueSink& sink) override {
    const Nanos warm_up{std::llround(params_.warm_up_s * 1e9)};
    state_ = regime_ ? regime_->at(begin) : Regime::State{};
    for (Market& market : markets_) {
      market.value_time = begin - warm_up;
      market.value_ticks = std::exp(market.log_value) / market.tick_size;
      schedule(market, begin - warm_up);
      while (market.next < begin) play(market, nullptr);
      market.log_value =
          std::log(params_.start_price);  // the book's own mid may differ: a few ticks
      market.value_time = begin;
      market.exchange.start(begin);
      settle(market, begin, &sink);
      publish_depth(market, begin, sink);
    }
    find_due();
  }
  Nanos next_time() const noexcept override { return markets_[due_].due(); }

  void advance(VenueSink& sink) override {
    Market& market = markets_[due_];
    const Nanos now = market.due();
    if (market.exchange.next_time() <= market.next) {
      market.exchange.advance();
      settle(market, now, &sink);
      publish_depth(market, now, sink);
    } else {
      if (regime_) state_ = regime_->at(now);
      play(market, &sink);
    }
    find_due();
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    twice_mid_ = market.twice_mid();
    own_.push_back({order.id, order.instrument});
    market.exchange.submit(own_id(order.id), order.participant + 1, order, now);
    after_own(market, now, sink);
  }

  void cancel(OrderId id, Nanos now, VenueSink& sink) override {
    const auto own = find_own(id);
    if (own == own_.end())
      return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    Market& market = markets_[own->instrument];
    market.exchange.cancel(own_id(id));
    settle(market, now, &sink);
    publish_depth(market, now, sink);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    const auto own = find_own(id);
    if (own == own_.end())
      return sink.answer(EventKind::Rejected, id, price, {}, Reject::UnknownOrder);
    Market& market = markets_[own->instrument];
    twice_mid_ = market.twice_mid();
    changing_ = true;
    market.exchange.replace(own_id(id), price, quantity, now);
    after_own(market, now, sink);
    changing_ = false;
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    const std::int64_t twice_mid = market.twice_mid();
    Lots left = order.quantity;
    Ticks last{twice_mid / 2};
    market.exchange.book().visit_levels(
        opposite(order.side), [&](Ticks price, const OrderBook::LevelView& level) {
          const Lots quantity = std::min(left, level.quantity);
          left -= quantity;
          last = price;
          sink.fill(order.id, price, quantity, left, false,
                    slippage(market, order.side, price, quantity, twice_mid), now);
          return left.value > 0;
        });
    if (left.value > 0) {
      sink.fill(order.id, last, left, {0}, false,
                slippage(market, order.side, last, left, twice_mid), now);
    }
  }

  void state(Archive& archive) override {
    archive(state_, markets_, due_, own_, sequence_);
    if (regime_) archive(*regime_);
  }

 private:
  struct Own {
    OrderId id;
    InstrumentId instrument;
  };

  std::vector<Own>::iterator find_own(OrderId id) {
    return std::find_if(own_.begin(), own_.end(), [id](const Own& own) { return own.id == id; });
  }
  void find_due() {
    due_ = 0;
    for (std::size_t i = 1; i < markets_.size(); ++i) {
      if (markets_[i].due() < markets_[due_].due()) due_ = i;
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

  double rate(const Market& market) const {
    return state_.activity * (2 * params_.limit_rate + 2 * params_.market_rate +
                              params_.cancel_rate * static_cast<double>(market.live.size()));
  }
  void schedule(Market& market, Nanos now) {
    const double wait_s = market.random.exponential(rate(market));
    market.next =
        wait_s < 1e9 ? now + Nanos{static_cast<std::int64_t>(wait_s * 1e9)} : Nanos::max();
  }
  std::int64_t size(Market& market, double mean) {
    return mean <= 1 ? 1 : 1 + static_cast<std::int64_t>(market.random.geometric(1 / mean));
  }

  /// Plays the market's next background event and schedules the one after it. No sink while warming
  /// up.
  void play(Market& market, VenueSink* sink) {
    const Nanos now = market.next;
    move_value(market, now, sink != nullptr);
    double choice = market.random.uniform() * rate(market) / state_.activity;
    if ((choice -= 2 * params_.limit_rate) < 0) {
      place_limit(market, choice < -params_.limit_rate ? Side::Buy : Side::Sell, now, sink);
    } else if ((choice -= 2 * params_.market_rate) < 0) {
      take_market(market, now, sink);
    } else if (!market.live.empty()) {
      const std::uint32_t slot = market.live[market.random.below(market.live.size())];
      market.exchange.cancel(crowd_id(slot));
      const Report gone = market.exchange.reports().front();
      settle(market, now, sink);
      if (sink && market.visible(gone.side, gone.price)) publish_depth(market, now, *sink);
    }
    schedule(market, now);
  }

  void move_value(Market& market, Nanos now, bool started) {
    if (!started || now <= market.value_time) return;
    const double elapsed_s = static_cast<double>((now - market.value_time).value) * 1e-9;
    const double sigma = params_.value_volatility * state_.volatility;
    market.log_value += (state_.drift - sigma * sigma / 2) * elapsed_s +
                        sigma * std::sqrt(elapsed_s) * market.random.normal();
    market.value_ticks = std::exp(market.log_value) / market.tick_size;
    market.value_time = now;
  }

  void place_limit(Market& market, Side side, Nanos now, VenueSink* sink) {
    const std::int64_t distance =
        1 + static_cast<std::int64_t>(market.random.geometric(params_.limit_tail));
    const std::int64_t lots = size(market, params_.limit_lots * state_.depth);
    const Side other = opposite(side);
    // Without a price on the other side, the fundamental value stands in, but not inside the own
    // side.
    std::int64_t from = std::llround(market.value_ticks);
    const OrderBook& book = market.exchange.book();
    if (!book.empty(other)) from = book.best(other).value;
    const Ticks price{from - sign(side) * distance};
    if (price.value < 1) return;
    const std::uint32_t slot = market.take_slot();
    market.exchange.add(crowd_id(slot), side, price, {lots}, now);
    const bool traded = settle(market, now, sink);
    if (sink && (traded || market.visible(side, price))) publish_depth(market, now, *sink);
  }

  void take_market(Market& market, Nanos now, VenueSink* sink) {
    const double gap = market.value_ticks - 0.5 * static_cast<double>(market.twice_mid());
    const double buy = 0.5 * (1 + std::tanh(params_.pull * gap));
    const Side side = market.random.uniform() < buy ? Side::Buy : Side::Sell;
    const std::int64_t lots = size(market, params_.market_lots);
    if (market.exchange.book().empty(opposite(side))) return;
    const std::uint32_t slot = market.take_slot();
    market.exchange.take(crowd_id(slot), side, {lots}, now);
    settle(market, now, sink);
    if (sink) publish_depth(market, now, *sink);
  }

  /// Tells the sink what the exchange reported, and keeps the list of the crowd's resting orders.
  /// Returns whether anything traded.
  bool settle(Market& market, Nanos now, VenueSink* sink) {
    bool traded = false;
    for (const Report& report : market.exchange.reports()) {
      switch (report.kind) {
        case Report::Kind::Trade:
          traded = true;
          trade(market, report, now, sink);
          break;
        case Report::Kind::Phase:
          if (!sink) break;
          {
            Event change = event(market, EventKind::Session, now);
            change.flags = static_cast<std::uint16_t>(report.phase);
            sink->publish(change, nullptr);
          }
          break;
        default:
          if (is_own(report.order))
            answer(report, *sink);
          else
            follow(market, report);
      }
    }
    market.exchange.forget();
    return traded;
  }

  void answer(const Report& report, VenueSink& sink) {
    const OrderId id = number_of(report.order);
    switch (report.kind) {
      case Report::Kind::Accepted:
        return sink.answer(EventKind::Accepted, id, report.price, report.quantity, Reject::None);
      case Report::Kind::Replaced:
        return sink.answer(EventKind::Replaced, id, report.price, report.quantity, report.why);
      default: {
        const bool rejected = report.kind == Report::Kind::Rejected;
        if (!rejected || !changing_) own_.erase(find_own(id));
        sink.answer(rejected ? EventKind::Rejected : EventKind::Cancelled, id, report.price,
                    report.quantity, report.why);
      }
    }
  }

  /// An order of the crowd came to rest, or left.
  static void follow(Market& market, const Report& report) {
    const auto slot = static_cast<std::uint32_t>(number_of(report.order));
    if (report.kind == Report::Kind::Accepted)
      market.enter(slot);
    else if (report.kind == Report::Kind::Rejected)
      market.free.push_back(slot);
    else if (report.kind == Report::Kind::Cancelled)
      market.leave(slot);
  }

  void trade(Market& market, const Report& report, Nanos now, VenueSink* sink) {
    party(market, report, report.order, report.left, report.side, false, now, sink);
    party(market, report, report.maker, report.maker_left, opposite(report.side),
          !report.auction, now, sink);
    if (!sink) return;
    Event print = event(market, EventKind::Trade, now);
    print.side = report.side;
    print.price = report.price;
    print.quantity = report.quantity;
    print.flags = report.auction ? kAuctionTrade : 0;
    sink->publish(print, nullptr);
  }

  void party(Market& market, const Report& report, OrderId book_id, Lots left, Side side,
             bool maker, Nanos now, VenueSink* sink) {
    if (!is_own(book_id)) {
      if (left.value == 0) market.leave(static_cast<std::uint32_t>(number_of(book_id)));
      return;
    }
    const OrderId id = number_of(book_id);
    if (left.value == 0) own_.erase(find_own(id));
    const Money cost = maker || report.auction ? Money{}
                                               : slippage(market, side, report.price,
                                                          report.quantity, twice_mid_);
    sink->fill(id, report.price, report.quantity, left, maker, cost, now);
  }

  /// After an own order: the flow's rate depends on how many background orders live, so its next
  /// event is drawn anew.
  void after_own(Market& market, Nanos now, VenueSink& sink) {
    const bool traded = settle(market, now, &sink);
    publish_depth(market, now, sink);
    if (traded) schedule(market, now);
    find_due();
  }

  Event event(const Market& market, EventKind kind, Nanos now) {
    Event made;
    made.exchange_time = now;
    made.sequence = sequence_++;
    made.instrument = market.id;
    made.kind = kind;
    return made;
  }

  void publish_depth(Market& market, Nanos now, VenueSink& sink) {
    market.exchange.book().depth(market.depth);
    sink.publish(event(market, EventKind::Depth, now), &market.depth);
  }

  ZeroIntelligenceParams params_;
  std::unique_ptr<Regime> regime_;
  Regime::State state_;
  std::vector<Market> markets_;
  std::size_t due_ = 0;
  std::vector<Own> own_;  // orders of participants that are here
  std::int64_t twice_mid_ = 0;  // before the own order in hand
  bool changing_ = false;       // a replace is in hand
  std::uint64_t sequence_ = 0;
};

class ZeroIntelligence final : public Generator {
 public:
  using Params = ZeroIntelligenceParams;
  ZeroIntelligence(const Params& params, const GeneratorContext& context)
      : params_(params),
        instruments_(context.instruments),
        rules_(context.exchange),
        regime_(context.regime),
        duration_{std::llround((context.duration_s > 0 ? context.duration_s : 3600) * 1e9)} {
    if (instruments_.empty()) {
      Instrument instrument;
      instrument.name = "CROWD";
      instruments_.push_back(instrument);
    }
    for (const Instrument& instrument : instruments_) {
      static_cast<void>(rules_for(rules_, instrument));  // refused now or never
      if (params.start_price / instrument.tick_size > 1e15) {
        fail(Fault::Scenario, "/market/generator/start_price",
             "expected at most 1e15 ticks of " + instrument.name +
                 "; make tick_size larger or the price smaller");
      }
    }
  }
  const std::vector<Instrument>& instruments() const override { return instruments_; }
  Nanos duration() const override { return duration_; }
  Nanos sampling() const override { return {std::llround(params_.sampling_s * 1e9)}; }
  std::unique_ptr<Venue> venue(Rng random) const override {
    return std::make_unique<ZeroIntelligenceVenue>(
        params_, instruments_, rules_, regime_ ? regime_(random.child("regime")) : nullptr,
        random.child("zero intelligence"));
  }

 private:
  Params params_;
  std::vector<Instrument> instruments_;
  ExchangeRules rules_;
  std::function<std::unique_ptr<Regime>(Rng)> regime_;
  Nanos duration_;
};

}  // namespace

void add_zero_intelligence(Registry<Generator, const GeneratorContext&>& registry) {
  registry.add<ZeroIntelligence>(
      "zero_intelligence", "Poisson flow of limit, market and cancel orders on a full order book.");
}

}  // namespace walras::engine
