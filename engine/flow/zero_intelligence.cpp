#include "engine/flow/zero_intelligence.hpp"

#include "engine/base/error.hpp"
#include "engine/book/order_book.hpp"
#include "engine/regime/regime.hpp"

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

// Book ids: participants' orders 2 * id + 1, background orders 2 * slot with slots used again.
constexpr OrderId own_id(OrderId order) { return order * 2 + 1; }
constexpr bool is_own(OrderId book_id) { return (book_id & 1) != 0; }

/// One instrument: its book, its crowd and its fundamental value.
struct Market {
  Market(const Instrument& instrument, InstrumentId number, double start_price, Rng stream)
      : id(number),
        tick_size(instrument.tick_size),
        tick_value(instrument.tick_value()),
        positive(!instrument.negative_prices),
        book(kBookWindow),
        random(stream),
        log_value(std::log(start_price)) {}

  InstrumentId id;
  double tick_size;
  Money tick_value;
  bool positive;  // prices below one tick are refused
  OrderBook book;
  Rng random;
  double log_value;
  double value_ticks = 0;
  Nanos value_time;
  Nanos next = Nanos::max();
  Depth depth;                       // as last published
  std::vector<std::uint32_t> live;   // slots of resting background orders
  std::vector<std::uint32_t> place;  // slot -> position in live
  std::vector<std::uint32_t> free;   // slots not in use

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
  void forget(std::uint32_t slot) {
    const std::uint32_t at = place[slot - 1];
    live[at] = live.back();
    place[live[at] - 1] = at;
    live.pop_back();
    free.push_back(slot);
  }
  /// Twice the mid in ticks, of the fundamental value while a side is empty.
  std::int64_t twice_mid() const {
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
                        const std::vector<Instrument>& instruments, std::unique_ptr<Regime> regime,
                        Rng random)
      : params_(params), regime_(std::move(regime)) {
    markets_.reserve(instruments.size());
    for (const Instrument& instrument : instruments) {
      markets_.emplace_back(instrument, static_cast<InstrumentId>(markets_.size()),
                            params.start_price, random.child(instrument.name));
    }
    own_.reserve(64);
    matches_.reserve(256);
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
      publish_depth(market, begin, sink);
    }
    find_due();
  }
  Nanos next_time() const noexcept override { return markets_[due_].next; }

  void advance(VenueSink& sink) override {
    Market& market = markets_[due_];
    if (regime_) state_ = regime_->at(market.next);
    play(market, &sink);
    find_due();
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    const std::int64_t twice_mid = market.twice_mid();
    const bool is_market = order.type == OrderType::Market;
    if (!is_market && market.positive && order.price.value < 1) {
      return sink.answer(EventKind::Rejected, order.id, order.price, {}, Reject::BadPrice);
    }
    matches_.clear();
    const Outcome outcome =
        is_market ? market.book.market(own_id(order.id), order.side, order.quantity, collect(),
                                       order.time_in_force == TimeInForce::FillOrKill)
                  : market.book.limit(own_id(order.id), order.side, order.price, order.quantity,
                                      order.time_in_force, order.post_only, collect());
    if (outcome.reject != Reject::None) {
      return sink.answer(EventKind::Rejected, order.id, order.price, {}, outcome.reject);
    }
    if (outcome.resting.value > 0) {
      own_.push_back({order.id, order.instrument, order.post_only});
      sink.answer(EventKind::Accepted, order.id, order.price, order.quantity, Reject::None);
    }
    report(market, order.id, order.quantity, twice_mid, now, sink);
    if (outcome.cancelled.value > 0) {
      sink.answer(EventKind::Cancelled, order.id, order.price, outcome.cancelled, Reject::None);
    }
    after_own(market, now, sink);
  }

  void cancel(OrderId id, Nanos now, VenueSink& sink) override {
    const auto own = find_own(id);
    if (own == own_.end())
      return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    Market& market = markets_[own->instrument];
    const Ticks price = market.book.find(own_id(id))->price;
    const Outcome outcome = market.book.cancel(own_id(id));
    own_.erase(own);
    sink.answer(EventKind::Cancelled, id, price, outcome.cancelled, Reject::None);
    publish_depth(market, now, sink);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos now, VenueSink& sink) override {
    const auto own = find_own(id);
    if (own == own_.end())
      return sink.answer(EventKind::Rejected, id, price, {}, Reject::UnknownOrder);
    Market& market = markets_[own->instrument];
    if (market.positive && price.value < 1)
      return sink.answer(EventKind::Rejected, id, price, {}, Reject::BadPrice);
    const std::int64_t twice_mid = market.twice_mid();
    matches_.clear();
    const Outcome outcome =
        market.book.replace(own_id(id), price, quantity, own->post_only, collect());
    if (outcome.reject != Reject::None)
      return sink.answer(EventKind::Rejected, id, price, {}, outcome.reject);
    if (outcome.resting.value == 0) own_.erase(own);
    sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
    report(market, id, quantity, twice_mid, now, sink);
    after_own(market, now, sink);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    Market& market = markets_[order.instrument];
    const std::int64_t twice_mid = market.twice_mid();
    Lots left = order.quantity;
    Ticks last{twice_mid / 2};
    market.book.visit_levels(
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

 private:
  struct Own {
    OrderId id;
    InstrumentId instrument;
    bool post_only;
  };

  struct Collect {
    std::vector<Match>* matches;
    void operator()(const Match& match) const { matches->push_back(match); }
  };
  Collect collect() { return {&matches_}; }
  std::vector<Own>::iterator find_own(OrderId id) {
    return std::find_if(own_.begin(), own_.end(), [id](const Own& own) { return own.id == id; });
  }
  void find_due() {
    due_ = 0;
    for (std::size_t i = 1; i < markets_.size(); ++i) {
      if (markets_[i].next < markets_[due_].next) due_ = i;
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
      const OrderBook::Resting gone = *market.book.find(OrderId{slot} * 2);
      market.book.cancel(OrderId{slot} * 2);
      market.forget(slot);
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
    if (!market.book.empty(other)) from = market.book.best(other).value;
    const Ticks price{from - sign(side) * distance};
    if (price.value < 1) return;
    const std::uint32_t slot = market.take_slot();
    market.book.limit(OrderId{slot} * 2, side, price, {lots}, [](const Match&) {});
    market.enter(slot);
    if (sink && market.visible(side, price)) publish_depth(market, now, *sink);
  }

  void take_market(Market& market, Nanos now, VenueSink* sink) {
    const double gap = market.value_ticks - 0.5 * static_cast<double>(market.twice_mid());
    const double buy = 0.5 * (1 + std::tanh(params_.pull * gap));
    const Side side = market.random.uniform() < buy ? Side::Buy : Side::Sell;
    const std::int64_t lots = size(market, params_.market_lots);
    if (market.book.empty(opposite(side))) return;
    const std::uint32_t slot = market.take_slot();
    matches_.clear();
    market.book.market(OrderId{slot} * 2, side, {lots}, collect());
    market.free.push_back(slot);
    if (sink) {
      report(market, 0, {0}, 0, now, *sink);
      publish_depth(market, now, *sink);
    } else {
      forget_filled(market);
    }
  }

  void forget_filled(Market& market) {
    for (const Match& match : matches_) {
      if (!is_own(match.maker) && match.maker_left.value == 0)
        market.forget(static_cast<std::uint32_t>(match.maker / 2));
    }
  }

  /// Tells the sink of the collected matches. `taker` 0 is the crowd.
  void report(Market& market, OrderId taker, Lots quantity, std::int64_t twice_mid, Nanos now,
              VenueSink& sink) {
    forget_filled(market);
    for (const Match& match : matches_) {
      if (taker != 0) {
        quantity -= match.quantity;
        sink.fill(taker, match.price, match.quantity, quantity, false,
                  slippage(market, match.side, match.price, match.quantity, twice_mid), now);
      }
      if (is_own(match.maker)) {
        const OrderId maker = match.maker / 2;
        if (match.maker_left.value == 0) own_.erase(find_own(maker));
        sink.fill(maker, match.price, match.quantity, match.maker_left, true, {}, now);
      }
      Event trade = event(market, EventKind::Trade, now);
      trade.side = match.side;
      trade.price = match.price;
      trade.quantity = match.quantity;
      sink.publish(trade, nullptr);
    }
  }

  /// After an own order: the flow's rate depends on how many background orders live, so its next
  /// event is drawn anew.
  void after_own(Market& market, Nanos now, VenueSink& sink) {
    publish_depth(market, now, sink);
    if (matches_.empty()) return;
    schedule(market, now);
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
    market.book.depth(market.depth);
    sink.publish(event(market, EventKind::Depth, now), &market.depth);
  }

  ZeroIntelligenceParams params_;
  std::unique_ptr<Regime> regime_;
  Regime::State state_;
  std::vector<Market> markets_;
  std::size_t due_ = 0;
  std::vector<Own> own_;        // resting orders of participants
  std::vector<Match> matches_;  // of the message in hand
  std::uint64_t sequence_ = 0;
};

class ZeroIntelligence final : public Generator {
 public:
  using Params = ZeroIntelligenceParams;
  ZeroIntelligence(const Params& params, const GeneratorContext& context)
      : params_(params),
        instruments_(context.instruments),
        regime_(context.regime),
        duration_{std::llround((context.duration_s > 0 ? context.duration_s : 3600) * 1e9)} {
    if (instruments_.empty()) {
      Instrument instrument;
      instrument.name = "CROWD";
      instruments_.push_back(instrument);
    }
    for (const Instrument& instrument : instruments_) {
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
        params_, instruments_, regime_ ? regime_(random.child("regime")) : nullptr,
        random.child("zero intelligence"));
  }

 private:
  Params params_;
  std::vector<Instrument> instruments_;
  std::function<std::unique_ptr<Regime>(Rng)> regime_;
  Nanos duration_;
};

}  // namespace

void add_zero_intelligence(Registry<Generator, const GeneratorContext&>& registry) {
  registry.add<ZeroIntelligence>(
      "zero_intelligence", "Poisson flow of limit, market and cancel orders on a full order book.");
}

}  // namespace walras::engine
