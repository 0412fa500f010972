#include "strategies/portfolio.hpp"

#include <algorithm>
#include <cmath>

namespace walras::strategies {

using engine::InstrumentId;
using engine::Orders;
using engine::Side;

Portfolio::Portfolio(const Sizing& sizing, std::span<const engine::Instrument> instruments,
                     double periods_per_year)
    : sizing_(sizing),
      periods_per_year_(periods_per_year),
      exposure_(sizing.exposure),
      weights_(instruments.size()),
      pending_(instruments.size()) {
  for (const engine::Instrument& instrument : instruments)
    tick_values_.push_back(instrument.tick_value().units());
  targets_.reserve(instruments.size());
  if (sizing.volatility_target) {
    last_.resize(instruments.size());
    returns_.resize(instruments.size() * static_cast<std::size_t>(sizing.volatility_window));
  }
}

void Portfolio::reset() {
  std::ranges::fill(weights_, 0);
  std::ranges::fill(pending_, std::uint8_t{0});
  changed_ = 0;
  std::ranges::fill(last_, 0);
  std::ranges::fill(returns_, 0);
  slices_ = 0;
  exposure_ = sizing_.exposure;
  traded_exposure_ = 0;
}

// Of what is wanted, had it been held over the window: the root of w' S w, with the covariances S of
// the window.
double Portfolio::volatility() const {
  const std::size_t width = weights_.size(), rows = returns_.size() / width;
  double sum = 0, squares = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    double gain = 0;
    for (std::size_t i = 0; i < width; ++i) gain += weights_[i] * returns_[row * width + i];
    sum += gain;
    squares += gain * gain;
  }
  const auto n = static_cast<double>(rows);
  return std::sqrt(std::max(0.0, (squares - sum * sum / n) / (n - 1)) * periods_per_year_);
}

void Portfolio::follow(Orders& orders) {
  const std::size_t width = weights_.size(), rows = returns_.size() / width;
  for (InstrumentId id = 0; id < width; ++id) {
    const auto mark = static_cast<double>(orders.mark(id).value);
    // The first slice has prices only.
    if (slices_ > 0)
      returns_[(slices_ - 1) % rows * width + id] = last_[id] > 0 ? mark / last_[id] - 1 : 0;
    last_[id] = mark;
  }
  ++slices_;
  exposure_ = 0;
  if (slices_ <= rows) return;
  const double found = volatility();
  exposure_ = found > 0 ? std::min(sizing_.exposure, *sizing_.volatility_target / found)
                        : sizing_.exposure;
  if (std::abs(exposure_ - traded_exposure_) <= sizing_.volatility_band * traded_exposure_) return;
  for (InstrumentId id = 0; id < width; ++id) {
    if (weights_[id] != 0) want(id, weights_[id]);
  }
}

void Portfolio::send(Orders& orders) {
  if (orders.warming_up()) return;
  // What is wanted waits until its volatility is known.
  if (sizing_.volatility_target && slices_ * weights_.size() <= returns_.size()) return;
  traded_exposure_ = exposure_;
  const double equity = std::max(0.0, orders.equity().units());
  const double room = exposure_ * equity;
  targets_.clear();
  double gross = 0, added = 0;
  for (InstrumentId id = 0; id < pending_.size(); ++id) {
    const std::int64_t have = orders.position(id).value +
                              orders.open_quantity(id, Side::Buy).value -
                              orders.open_quantity(id, Side::Sell).value;
    const double lot_value =
        std::abs(static_cast<double>(orders.mark(id).value)) * tick_values_[id] * orders.exchange_rate(id);
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
      request.quantity = orders.allowed(request);
      if (request.quantity.value > 0) orders.submit(request);
    }
  }
}

}  // namespace walras::strategies
