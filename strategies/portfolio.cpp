#include "strategies/portfolio.hpp"

#include "engine/base/error.hpp"

#include <cmath>

namespace walras::strategies {

using engine::InstrumentId;
using engine::Orders;
using engine::Side;

Portfolio::Portfolio(std::span<const engine::Instrument> instruments, double smallest_trade)
    : missing_(instruments.size()), smallest_trade_(smallest_trade) {
  for (const engine::Instrument& instrument : instruments) tick_value_.push_back(instrument.tick_value().units());
}

std::int64_t Portfolio::missing(InstrumentId instrument, double weight, double equity, const Orders& orders) const {
  const double lot_value = tick_value_[instrument] * static_cast<double>(orders.mark(instrument).value);
  if (!(lot_value > 0) || !(equity > 0)) return 0;
  const double wanted = std::trunc(weight * equity / lot_value);
  if (!(std::fabs(wanted) < 9e15)) return 0;
  const std::int64_t held = orders.position(instrument).value + orders.open_quantity(instrument, Side::Buy).value -
                            orders.open_quantity(instrument, Side::Sell).value;
  const std::int64_t lots = static_cast<std::int64_t>(wanted) - held;
  // Leaving a position altogether is never too small to do.
  const bool too_small = wanted != 0 && std::fabs(static_cast<double>(lots)) * lot_value < smallest_trade_ * equity;
  return too_small ? 0 : lots;
}

void Portfolio::trade(InstrumentId instrument, std::int64_t lots, Orders& orders) {
  if (lots == 0) return;
  engine::OrderRequest request;
  request.instrument = instrument;
  request.side = lots > 0 ? Side::Buy : Side::Sell;
  request.quantity = Lots{lots > 0 ? lots : -lots};
  orders.submit(request);
}

void Portfolio::target(InstrumentId instrument, double weight, Orders& orders) {
  trade(instrument, missing(instrument, weight, orders.equity().units(), orders), orders);
}

void Portfolio::target(std::span<const double> weights, Orders& orders) {
  expects(weights.size() == tick_value_.size(), "one weight an instrument");
  const double equity = orders.equity().units();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    missing_[i] = missing(static_cast<InstrumentId>(i), weights[i], equity, orders);
    if (missing_[i] < 0) trade(static_cast<InstrumentId>(i), missing_[i], orders);
  }
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (missing_[i] > 0) trade(static_cast<InstrumentId>(i), missing_[i], orders);
  }
}

}  // namespace walras::strategies
