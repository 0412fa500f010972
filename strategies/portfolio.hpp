#pragma once
// From target weights to market orders: the one place where strategies turn "hold this share of my equity" into lots.
#include "engine/sim/participant.hpp"

#include <span>
#include <vector>

namespace walras::strategies {

/// Sizes positions as shares of equity at mark. Open orders count as filled. Instruments without a price are left alone.
class Portfolio {
 public:
  /// `smallest_trade`: differences below this share of equity are not traded. Range: [0, 1].
  explicit Portfolio(std::span<const engine::Instrument> instruments, double smallest_trade = 0);
  /// Brings one instrument to `weight` of equity (< 0: short), rounded towards zero lots.
  void target(engine::InstrumentId instrument, double weight, engine::Orders& orders);
  /// Brings every instrument to its weight, sales first so that they pay for purchases. Shape: one weight an instrument.
  void target(std::span<const double> weights, engine::Orders& orders);

 private:
  /// Lots still to buy (> 0) or sell (< 0).
  [[nodiscard]] std::int64_t missing(engine::InstrumentId instrument, double weight, double equity, const engine::Orders& orders) const;
  static void trade(engine::InstrumentId instrument, std::int64_t lots, engine::Orders& orders);

  std::vector<double> tick_value_;       // currency units a tick and lot
  std::vector<std::int64_t> missing_;    // scratch
  double smallest_trade_;
};

}  // namespace walras::strategies
