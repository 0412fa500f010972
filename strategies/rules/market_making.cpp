#include "strategies/rules/market_making.hpp"

#include "strategies/rules/rules.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace walras::strategies {

Quotes avellaneda_stoikov(const AvellanedaStoikov& params, double mid, double inventory,
                          double left_s, bool symmetric) {
  const double risk = params.risk_aversion * params.volatility * params.volatility * left_s;
  const double spread =
      risk + 2 / params.risk_aversion * std::log1p(params.risk_aversion / params.decay);
  const double reservation = symmetric ? mid : mid - inventory * risk;
  return {reservation, spread, reservation - spread / 2, reservation + spread / 2};
}

namespace {

using engine::Depth;
using engine::Event;
using engine::EventKind;
using engine::Fill;
using engine::InstrumentId;
using engine::OrderId;
using engine::Orders;
using engine::Side;

/// Keeps one bid and one ask in the market and moves them with the mid, the inventory and the time
/// left.
class MarketMaker final : public StatefulStrategy<MarketMaker> {
 public:
  struct Params {
    double risk_aversion = 0.1, volatility = 2, decay = 1.5;
    std::optional<double> horizon_s;
    bool symmetric = false, post_only = true;
    std::int64_t quote_lots = 1, inventory_limit_lots = 1'000'000, requote_ticks = 1;
    static void fields(auto&& field) {
      field("risk_aversion", &Params::risk_aversion,
            {.unit = "1/currency",
             .min = 1e-9,
             .max = 1e6,
             .doc = "gamma: how much inventory moves the quotes"});
      field("volatility", &Params::volatility,
            {.unit = "currency/sqrt(s)", .min = 0, .max = 1e6, .doc = "sigma of the mid price"});
      field("decay", &Params::decay,
            {.unit = "1/currency",
             .min = 1e-9,
             .max = 1e9,
             .doc = "k: how fast arrivals fall with the distance of a quote"});
      field("horizon_s", &Params::horizon_s,
            {.unit = "s",
             .min = 0,
             .max = 1e9,
             .doc = "time left that the quotes always assume; null: what is left until the end"});
      field("symmetric", &Params::symmetric,
            {.doc = "quotes around the mid, whatever the inventory"});
      field("post_only", &Params::post_only,
            {.doc = "never takes: quotes stay outside the opposite best price. false quotes as the "
                    "model says, which the "
                    "intensity market (where quotes wait even beyond the mid) is made for"});
      field("quote_lots", &Params::quote_lots,
            {.unit = "lots", .min = 1, .max = 1e9, .doc = "size of each quote"});
      field("inventory_limit_lots", &Params::inventory_limit_lots,
            {.unit = "lots",
             .min = 1,
             .max = 1e12,
             .doc = "no quote adds to a position of this size"});
      field("requote_ticks", &Params::requote_ticks,
            {.unit = "ticks",
             .min = 1,
             .max = 1e9,
             .doc = "quotes nearer than this to where they should be stay"});
    }
  };

  MarketMaker(Params params, const StrategyContext& context) : params_(params) {
    model_ = {params.risk_aversion, params.volatility, params.decay};
    makers_.resize(context.instruments.size());
  }

  void on_start(Orders&) override { std::ranges::fill(makers_, Maker{}); }
  void on_event(const Event& event, Orders&) override {
    Maker& maker = makers_[event.instrument];
    switch (event.kind) {
      case EventKind::Rejected:
        // A refused change of an order that is gone; a refused new order; or a change that was not
        // to be.
        for (Quote& quote : maker.quotes) {
          if (quote.order == event.order) quote.asked = quote.known;
          if (quote.order == event.order && !quote.resting) quote = {};
        }
        break;
      case EventKind::Accepted:
      case EventKind::Replaced:
        for (Quote& quote : maker.quotes) {
          if (quote.order != event.order) continue;
          quote.resting = true;
          quote.known = event.price;
          if (!quote.cancelling) quote.open = event.quantity;
        }
        break;
      case EventKind::Cancelled:
        for (Quote& quote : maker.quotes) {
          if (quote.order == event.order) quote = {};
        }
        break;
      default:
        maker.moved = true;
    }
  }
  void on_fill(const Fill& fill, Orders&) override {
    Maker& maker = makers_[fill.instrument];
    maker.moved = true;
    for (Quote& quote : maker.quotes) {
      quote.refused = false;
      if (quote.order != fill.order) continue;
      quote.open = fill.remaining;
      if (fill.remaining.value == 0) quote = {};
    }
  }
  void on_slice(Nanos now, Orders& orders) override {
    if (orders.warming_up()) return;
    for (InstrumentId id = 0; id < makers_.size(); ++id) {
      if (makers_[id].moved) requote(id, now, orders);
    }
  }

  void state(Archive& archive) { archive(makers_); }

 private:
  struct Quote {
    OrderId order = 0;
    Ticks asked, known;  // where it should be by now; where the market said it is
    Lots open;
    bool resting = false, cancelling = false;
    bool refused = false;  // for want of funds: not asked again before the position changes
  };
  struct Maker {
    std::array<Quote, 2> quotes;  // by side
    bool moved = false;
  };

  void requote(InstrumentId id, Nanos now, Orders& orders) {
    const Depth& depth = orders.depth(id);
    if (!depth.two_sided()) return;
    Maker& maker = makers_[id];
    maker.moved = false;
    const engine::Instrument& instrument = orders.instruments()[id];
    const double tick = instrument.tick_size;
    const double mid =
        0.5 * static_cast<double>(depth.bid[0].price.value + depth.ask[0].price.value) * tick;
    const double left_s =
        params_.horizon_s.value_or(static_cast<double>((orders.end() - now).value) * 1e-9);
    const std::int64_t position = orders.position(id).value;
    const Quotes quotes = avellaneda_stoikov(model_, mid, instrument.quantity(orders.position(id)),
                                             left_s, params_.symmetric);
    Ticks bid{std::llround(std::clamp(quotes.bid / tick, -9e18, 9e18))};
    Ticks ask{std::llround(std::clamp(quotes.ask / tick, -9e18, 9e18))};
    if (params_.post_only) {
      bid = std::min(bid, depth.ask[0].price - Ticks{1});
      ask = std::max(ask, depth.bid[0].price + Ticks{1});
    }
    if (!instrument.negative_prices) {
      ask = std::max(ask, Ticks{1});
      if (bid.value < 1) bid = Ticks{0};
    }
    const bool no_bid = bid.value == 0 && !instrument.negative_prices;
    place(maker.quotes[0], id, Side::Buy, bid, no_bid ? 0 : params_.inventory_limit_lots - position,
          orders);
    place(maker.quotes[1], id, Side::Sell, ask, params_.inventory_limit_lots + position, orders);
  }

  /// Brings one quote to `price`, for at most `room` lots.
  void place(Quote& quote, InstrumentId id, Side side, Ticks price, std::int64_t room,
             Orders& orders) {
    const Lots size{std::min(params_.quote_lots, room)};
    if (size.value <= 0) {
      if (quote.order != 0 && !quote.cancelling) {
        quote.cancelling = true;
        orders.cancel(quote.order);
      }
      return;
    }
    if (quote.order == 0) {
      if (quote.refused) return;
      engine::OrderRequest request;
      request.instrument = id;
      request.side = side;
      request.type = engine::OrderType::Limit;
      request.post_only = params_.post_only;
      request.price = price;
      request.quantity = size;
      const OrderId order = orders.submit(request);
      quote = {order, price, price, size, false, false, order == 0};
      return;
    }
    if (quote.cancelling) return;
    const std::int64_t off = quote.asked.value > price.value ? quote.asked.value - price.value
                                                             : price.value - quote.asked.value;
    if (off < params_.requote_ticks && quote.open == size) return;
    quote.asked = price;
    quote.open = size;
    orders.replace(quote.order, price, size);
  }

  Params params_;
  AvellanedaStoikov model_;
  std::vector<Maker> makers_;
};

}  // namespace

void add_market_making_rules(StrategyRegistry& registry) {
  registry.add<MarketMaker>("market_maker",
                            "Quotes both sides around a price that leans against its inventory "
                            "(Avellaneda and Stoikov).");
}

}  // namespace walras::strategies
