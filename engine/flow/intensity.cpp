#include "engine/flow/intensity.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/regime/regime.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace walras::engine {
namespace {

struct IntensityParams {
  double start_price = 100;
  double volatility = 2;
  double step_s = 0.005;
  double arrival_rate = 140;
  double decay = 1.5;
  std::int64_t order_lots = 1;
  double tick_size = 1e-6;
  static void fields(auto&& field) {
    using P = IntensityParams;
    field("start_price", &P::start_price,
          {.unit = "currency", .min = 1e-9, .max = 1e9, .doc = "mid price at the start"});
    field("volatility", &P::volatility,
          {.unit = "currency/sqrt(s)",
           .min = 0,
           .max = 1e6,
           .doc = "of the mid: it moves by volatility * sqrt(step_s) a step"});
    field("step_s", &P::step_s, {.unit = "s", .min = 1e-6, .max = 1e6, .doc = "length of a step"});
    field("arrival_rate", &P::arrival_rate,
          {.unit = "1/s",
           .min = 0,
           .max = 1e9,
           .doc = "rate of orders that reach a quote at the mid, on each side"});
    field("decay", &P::decay,
          {.unit = "1/currency",
           .min = 0,
           .max = 1e6,
           .doc = "how fast that rate falls with the distance of the quote from the mid"});
    field("order_lots", &P::order_lots,
          {.unit = "lots", .min = 1, .max = 1e9, .doc = "size of an arriving order"});
    field("tick_size", &P::tick_size,
          {.unit = "currency",
           .min = 1e-9,
           .max = 1e3,
           .doc = "price step of the instrument, where the scenario states no instrument"});
  }
};

class IntensityVenue final : public Venue {
 public:
  IntensityVenue(const IntensityParams& params, const Instrument& instrument,
                 std::unique_ptr<Regime> regime, Rng random)
      : params_(params),
        tick_size_(instrument.tick_size),
        tick_value_(instrument.tick_value()),
        step_{std::llround(params.step_s * 1e9)},
        move_(params.volatility * std::sqrt(params.step_s)),
        positive_(!instrument.negative_prices),
        mid_(params.start_price),
        regime_(std::move(regime)),
        random_(random) {
    for (auto& side : quotes_) side.reserve(16);
    depth_.bids = depth_.asks = 1;
  }

  void start(Nanos begin, VenueSink& sink) override {
    next_ = begin + step_;
    publish_mid(begin, sink);
  }
  Nanos next_time() const noexcept override { return next_; }

  void advance(VenueSink& sink) override {
    const Nanos now = next_;
    next_ += step_;
    const Regime::State& state = regime_ ? regime_->at(now) : steady_;
    for (const Side side : {Side::Buy, Side::Sell}) arrive(side, state.activity, now, sink);
    mid_ += (random_.bits() >> 63 ? move_ : -move_) * state.volatility +
            mid_ * state.drift * params_.step_s;
    if (positive_) mid_ = std::max(mid_, 2 * tick_size_);
    publish_mid(now, sink);
  }

  void submit(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    if (order.quantity.value <= 0)
      return sink.answer(EventKind::Rejected, order.id, order.price, {}, Reject::BadQuantity);
    if (order.type == OrderType::Limit && positive_ && order.price.value < 1) {
      return sink.answer(EventKind::Rejected, order.id, order.price, {}, Reject::BadPrice);
    }
    const bool crosses =
        order.type == OrderType::Market ||
        sign(order.side) * (order.price.value - touch(opposite(order.side)).value) >= 0;
    if (order.type == OrderType::Market || order.time_in_force != TimeInForce::GoodTillCancel) {
      if (crosses) return take(order, now, sink);
      if (order.time_in_force == TimeInForce::FillOrKill) {
        return sink.answer(EventKind::Rejected, order.id, order.price, {}, Reject::CannotFill);
      }
      return sink.answer(EventKind::Cancelled, order.id, order.price, order.quantity, Reject::None);
    }
    insert({order.id, order.side, order.price, order.quantity});
    sink.answer(EventKind::Accepted, order.id, order.price, order.quantity, Reject::None);
  }

  void cancel(OrderId id, Nanos, VenueSink& sink) override {
    const std::optional<Quote> quote = withdraw(id);
    if (!quote) return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    sink.answer(EventKind::Cancelled, id, quote->price, quote->quantity, Reject::None);
  }

  void replace(OrderId id, Ticks price, Lots quantity, Nanos, VenueSink& sink) override {
    if (quantity.value <= 0)
      return sink.answer(EventKind::Rejected, id, price, {}, Reject::BadQuantity);
    if (positive_ && price.value < 1)
      return sink.answer(EventKind::Rejected, id, price, {}, Reject::BadPrice);
    std::optional<Quote> quote = withdraw(id);
    if (!quote) return sink.answer(EventKind::Rejected, id, {}, {}, Reject::UnknownOrder);
    const bool keeps_place = price == quote->price && quantity <= quote->quantity;
    quote->price = price;
    quote->quantity = quantity;
    insert(*quote, keeps_place);
    sink.answer(EventKind::Replaced, id, price, quantity, Reject::None);
  }

  void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) override {
    take(order, now, sink);
  }

  void state(Archive& archive) override {
    archive(mid_, random_, next_, sequence_, quotes_, depth_);
    if (regime_) archive(*regime_);
  }

 private:
  struct Quote {
    OrderId id;
    Side side;
    Ticks price;
    Lots quantity;
  };

  Ticks touch(Side side) const {
    return side == Side::Buy ? depth_.bid[0].price : depth_.ask[0].price;
  }

  void take(const VenueOrder& order, Nanos now, VenueSink& sink) {
    const Money slippage =
        tick_value_ * order.quantity.value;  // the level is one tick from the mid
    sink.fill(order.id, touch(opposite(order.side)), order.quantity, {0}, false, slippage, now);
  }

  void arrive(Side side, double activity, Nanos now, VenueSink& sink) {
    const double draw =
        random_.uniform();  // drawn with or without a quote: the same paths whoever trades
    std::vector<Quote>& quotes = quotes_[static_cast<std::size_t>(side)];
    if (quotes.empty()) return;
    Quote& best = quotes.back();
    const double distance = static_cast<double>(sign(side)) *
                            (mid_ - static_cast<double>(best.price.value) * tick_size_);
    const double expected =
        activity * params_.arrival_rate * std::exp(-params_.decay * distance) * params_.step_s;
    if (!(draw < expected)) return;
    const Lots quantity{std::min(params_.order_lots, best.quantity.value)};
    best.quantity -= quantity;
    const Quote filled = best;
    if (filled.quantity.value == 0) quotes.pop_back();
    sink.fill(filled.id, filled.price, quantity, filled.quantity, true, {}, now);
    Event trade;
    trade.exchange_time = now;
    trade.sequence = sequence_++;
    trade.kind = EventKind::Trade;
    trade.side = opposite(side);
    trade.price = filled.price;
    trade.quantity = quantity;
    sink.publish(trade, nullptr);
  }

  void publish_mid(Nanos now, VenueSink& sink) {
    const Ticks mid{std::llround(mid_ / tick_size_)};
    depth_.bid[0] = {mid - Ticks{1}, {kShownLots}};
    depth_.ask[0] = {mid + Ticks{1}, {kShownLots}};
    Event event;
    event.exchange_time = now;
    event.sequence = sequence_++;
    event.kind = EventKind::Depth;
    event.price = mid;
    sink.publish(event, &depth_);
  }

  // Best quote last; of equal prices the oldest last.
  void insert(const Quote& quote, bool first_at_price = false) {
    std::vector<Quote>& quotes = quotes_[static_cast<std::size_t>(quote.side)];
    const auto worse = [&](const Quote& other) {
      const std::int64_t better_by = sign(quote.side) * (quote.price.value - other.price.value);
      return better_by > 0 || (first_at_price && better_by == 0);
    };
    auto place = quotes.begin();
    while (place != quotes.end() && worse(*place)) ++place;
    quotes.insert(place, quote);
  }

  std::optional<Quote> withdraw(OrderId id) {
    for (auto& quotes : quotes_) {
      const auto found = std::find_if(quotes.begin(), quotes.end(),
                                      [id](const Quote& quote) { return quote.id == id; });
      if (found == quotes.end()) continue;
      const Quote quote = *found;
      quotes.erase(found);
      return quote;
    }
    return std::nullopt;
  }

  static constexpr std::int64_t kShownLots = 1'000'000;
  inline static const Regime::State steady_{};
  IntensityParams params_;
  double tick_size_;
  Money tick_value_;
  Nanos step_;
  double move_;
  bool positive_;
  double mid_;
  std::unique_ptr<Regime> regime_;
  Rng random_;
  Nanos next_;
  std::uint64_t sequence_ = 0;
  std::array<std::vector<Quote>, 2> quotes_;  // by side of the quote
  Depth depth_;
};

class Intensity final : public Generator {
 public:
  using Params = IntensityParams;
  Intensity(const Params& params, const GeneratorContext& context)
      : params_(params), regime_(context.regime) {
    instruments_ = context.instruments;
    if (instruments_.empty()) {
      Instrument instrument;
      instrument.name = "MID";
      instrument.tick_size = params.tick_size;
      instrument.negative_prices = true;  // an arithmetic walk may cross zero
      instruments_.push_back(instrument);
    }
    if (instruments_.size() != 1) {
      fail(Fault::Scenario, "/instruments",
           "expected one instrument for the intensity generator, was " +
               std::to_string(instruments_.size()));
    }
    const double duration_s = context.duration_s > 0 ? context.duration_s : 1;
    const double steps = std::floor(duration_s / params.step_s + 1e-9);
    if (steps < 1)
      fail(Fault::Scenario, "/market/duration_s",
           "expected at least one step of step_s, was shorter");
    // One nanosecond beyond the last step, so that the step at the very end is played.
    duration_ = Nanos{static_cast<std::int64_t>(steps) * sampling().value + 1};
  }
  const std::vector<Instrument>& instruments() const override { return instruments_; }
  Nanos duration() const override { return duration_; }
  Nanos sampling() const override { return {std::llround(params_.step_s * 1e9)}; }
  const char* default_latency() const override { return "none"; }  // as in the paper
  std::unique_ptr<Venue> venue(Rng random) const override {
    return std::make_unique<IntensityVenue>(params_, instruments_[0],
                                            regime_ ? regime_(random.child("regime")) : nullptr,
                                            random.child("intensity"));
  }

 private:
  Params params_;
  std::vector<Instrument> instruments_;
  std::function<std::unique_ptr<Regime>(Rng)> regime_;
  Nanos duration_;
};

}  // namespace

void add_intensity(Registry<Generator, const GeneratorContext&>& registry) {
  registry.add<Intensity>(
      "intensity",
      "A mid price that steps up or down, and fills by the distance of a quote from it.");
}

}  // namespace walras::engine
