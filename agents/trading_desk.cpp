#include "agents/trading_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"

namespace walras::agents {
namespace {

constexpr std::size_t kMids = 16;

float bounded(double value) { return static_cast<float>(std::clamp(value, -5.0, 5.0)); }

/// (bids - asks) / (bids + asks) over the best `levels`; 0 without a book.
double imbalance(const engine::Depth& depth, std::uint8_t levels) {
  double bids = 0, asks = 0;
  for (std::uint8_t i = 0; i < std::min(levels, depth.bids); ++i)
    bids += static_cast<double>(depth.bid[i].quantity.value);
  for (std::uint8_t i = 0; i < std::min(levels, depth.asks); ++i)
    asks += static_cast<double>(depth.ask[i].quantity.value);
  return bids + asks > 0 ? (bids - asks) / (bids + asks) : 0;
}

}  // namespace

TradingDesk::TradingDesk(const DeskParams& params, std::span<const engine::Instrument> instruments,
                         const std::string& where)
    : params_(params),
      step_{std::llround(params.step_s * static_cast<double>(kNanosPerSecond))},
      mids_(kMids) {
  if (instruments.empty())
    fail(Fault::Scenario, where, "expected a market with an instrument, was none");
  if (!params.instrument.empty()) {
    const auto found = std::ranges::find(instruments, params.instrument, &engine::Instrument::name);
    if (found == instruments.end()) {
      fail(Fault::Scenario, where + "/instrument",
           fmt::format("expected an instrument of the market, was {}; leave it out for {}",
                       params.instrument, instruments[0].name));
    }
    instrument_ = static_cast<engine::InstrumentId>(found - instruments.begin());
  }
  if (params.widths.empty() || params.skews.empty()) {
    fail(Fault::Scenario, where, "expected at least one width and one skew, was none");
  }
  price_scale_ = params.price_scale > 0 ? params.price_scale
                                        : std::max(*std::ranges::max_element(params.widths), 1.0);
  const std::int64_t size = params.mode == DeskMode::Quotes ? params.quantity : params.limit;
  money_scale_ =
      price_scale_ * static_cast<double>(size) * instruments[instrument_].tick_value().units();
}

std::size_t TradingDesk::actions() const {
  return params_.mode == DeskMode::Quotes ? params_.widths.size() * params_.skews.size() : 3;
}

Nanos TradingDesk::next(const engine::Orders& orders) const {
  const Nanos next = orders.now() + step_, end = orders.end();
  return 2 * (end - next).value < step_.value ? end : next;
}

void TradingDesk::begin(const engine::Orders& orders) {
  bid_ = ask_ = {};
  seen_ = 0;
  began_ = orders.now();
  equity_ = orders.equity();
}

std::optional<double> TradingDesk::middle(const engine::Orders& orders) const {
  const engine::Depth& depth = orders.depth(instrument_);
  if (depth.two_sided())
    return 0.5 * static_cast<double>(depth.bid[0].price.value + depth.ask[0].price.value);
  const Ticks mark = orders.mark(instrument_);
  if (mark.value == 0) return std::nullopt;
  return static_cast<double>(mark.value);
}

void TradingDesk::observe(const engine::Orders& orders, std::span<float> out) {
  const engine::Depth& depth = orders.depth(instrument_);
  const double position =
      static_cast<double>(orders.position(instrument_).value) / static_cast<double>(params_.limit);
  const double length = static_cast<double>((orders.end() - began_).value);
  const double left =
      length > 0 ? static_cast<double>((orders.end() - orders.now()).value) / length : 0;
  if (const std::optional<double> mid = middle(orders)) mids_[seen_++ % kMids] = *mid;
  const auto back = [this](std::size_t steps) { return mids_[(seen_ - 1 - steps) % kMids]; };
  const auto move = [&](std::size_t steps) { return seen_ > steps ? back(0) - back(steps) : 0.0; };
  double squares = 0;
  const std::size_t moves = seen_ == 0 ? 0 : std::min(seen_ - 1, kMids - 1);
  for (std::size_t i = 0; i < moves; ++i)
    squares += (back(i) - back(i + 1)) * (back(i) - back(i + 1));
  const double volatility = moves == 0 ? 0 : std::sqrt(squares / static_cast<double>(moves));
  const double spread =
      depth.two_sided() ? static_cast<double>((depth.ask[0].price - depth.bid[0].price).value) : 0;

  const std::array features{position,
                            2 * left - 1,
                            spread / (2 * price_scale_),
                            imbalance(depth, 1),
                            imbalance(depth, 5),
                            move(1) / price_scale_,
                            move(5) / price_scale_,
                            volatility / price_scale_};
  static_assert(features.size() == kObservation);
  std::ranges::transform(features, out.begin(), bounded);
}

void TradingDesk::act(engine::Orders& orders, std::int32_t action) {
  const auto index = static_cast<std::size_t>(action);
  expects(index < actions(), "an action of this desk");
  const std::optional<double> mid = middle(orders);
  if (!mid) return;
  if (params_.mode == DeskMode::Positions) {
    hold(orders, (action - 1) * params_.limit);
    return;
  }
  const double width = params_.widths[index / params_.skews.size()],
               skew = params_.skews[index % params_.skews.size()];
  const Ticks bid{static_cast<std::int64_t>(std::floor(*mid + skew - width))};
  const Ticks ask{
      std::max(static_cast<std::int64_t>(std::ceil(*mid + skew + width)), bid.value + 1)};
  const std::int64_t position = orders.position(instrument_).value;
  quote(orders, engine::Side::Buy, bid, position + params_.quantity <= params_.limit);
  quote(orders, engine::Side::Sell, ask, position - params_.quantity >= -params_.limit);
}

void TradingDesk::quote(engine::Orders& orders, engine::Side side, Ticks price, bool wanted) {
  Quote& quote = side == engine::Side::Buy ? bid_ : ask_;
  const bool resting = quote.order != 0 && orders.open_quantity(instrument_, side).value > 0;
  // An untouched quote at the right price keeps its place in the queue.
  if (resting && wanted && quote.price == price &&
      orders.open_quantity(instrument_, side).value == params_.quantity)
    return;
  if (resting) orders.cancel(quote.order);
  quote = {};
  if (!wanted) return;
  engine::OrderRequest request;
  request.instrument = instrument_;
  request.side = side;
  request.type = engine::OrderType::Limit;
  request.post_only = true;
  request.price = price;
  request.quantity = Lots{params_.quantity};
  quote = {orders.submit(request), price};
}

void TradingDesk::hold(engine::Orders& orders, std::int64_t target) {
  const std::int64_t open = orders.open_quantity(instrument_, engine::Side::Buy).value -
                            orders.open_quantity(instrument_, engine::Side::Sell).value;
  const std::int64_t missing = target - orders.position(instrument_).value - open;
  if (missing == 0) return;
  engine::OrderRequest request;
  request.instrument = instrument_;
  request.side = missing > 0 ? engine::Side::Buy : engine::Side::Sell;
  request.quantity = Lots{std::abs(missing)};
  orders.submit(request);
}

double TradingDesk::reward(const engine::Orders& orders) {
  const Money equity = orders.equity();
  const double gained = (equity - equity_).units() / money_scale_;
  equity_ = equity;
  const double share =
      static_cast<double>(orders.position(instrument_).value) / static_cast<double>(params_.limit);
  return gained - params_.inventory_penalty * share * share;
}

}  // namespace walras::agents
