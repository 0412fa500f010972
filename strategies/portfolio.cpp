#include "strategies/portfolio.hpp"

#include <algorithm>
#include <cmath>

namespace walras::strategies {

using engine::InstrumentId;
using engine::Orders;
using engine::Side;

Portfolio::Portfolio(const Sizing& sizing, std::span<const engine::Instrument> instruments)
    : sizing_(sizing), weights_(instruments.size()), pending_(instruments.size()) {
  for (const engine::Instrument& instrument : instruments)
    tick_values_.push_back(instrument.tick_value().units());
  targets_.reserve(instruments.size());
}

void Portfolio::reset() {
  std::ranges::fill(weights_, 0);
  std::ranges::fill(pending_, std::uint8_t{0});
  changed_ = 0;
}

void Portfolio::send(Orders& orders) {
  if (orders.warming_up()) return;
  const double equity = std::max(0.0, orders.equity().units());
  const double room = sizing_.exposure * equity;
  targets_.clear();
  double gross = 0, added = 0;
  for (InstrumentId id = 0; id < pending_.size(); ++id) {
    const std::int64_t have = orders.position(id).value +
                              orders.open_quantity(id, Side::Buy).value -
                              orders.open_quantity(id, Side::Sell).value;
    const double lot_value =
        std::abs(static_cast<double>(orders.mark(id).value)) * tick_values_[id];
    std::int64_t want = have;
    if (pending_[id] && lot_value > 0) {
      const double lots = weights_[id] * room / lot_value;
      // Towards zero, but a product that misses a whole number by its last bits means that number.
      const double whole = std::round(lots);
      const double target =
          std::abs(lots - whole) < 1e-9 * std::max(1.0, std::abs(lots)) ? whole : std::trunc(lots);
      want = static_cast<std::int64_t>(std::clamp(target, -9e18, 9e18));
      const double change = std::abs(static_cast<double>(want - have)) * lot_value;
      if (want != 0 && change < sizing_.min_trade * equity) want = have;
      pending_[id] = 0;
      --changed_;
      targets_.push_back({id, have, want, lot_value});
      added += std::max(0.0, static_cast<double>(std::abs(want) - std::abs(have))) * lot_value;
    }
    gross += std::abs(static_cast<double>(want)) * lot_value;
  }
  // Holdings that were left alone may have grown: what is added shares the room that they leave.
  const double share = added > 0 && gross > room ? std::max(0.0, 1 - (gross - room) / added) : 1;
  for (Target& target : targets_) {
    const std::int64_t more = std::abs(target.want) - std::abs(target.have);
    if (share >= 1 || more <= 0) continue;
    const auto part = static_cast<std::int64_t>(share * static_cast<double>(more));
    target.want = (target.want < 0 ? -1 : 1) * (std::abs(target.have) + part);
  }
  for (const Side side : {Side::Sell, Side::Buy}) {
    for (const Target& target : targets_) {
      const std::int64_t lots = (target.want - target.have) * engine::sign(side);
      if (lots <= 0) continue;
      engine::OrderRequest request;
      request.instrument = target.instrument;
      request.side = side;
      request.quantity = {lots};
      orders.submit(request);
    }
  }
}

}  // namespace walras::strategies
