#pragma once
// Portfolio: what a rule wants to hold, turned into orders. A rule sets weights where it changes
// its mind; trade() sends what is missing, sells first, and cuts purchases to the room that is
// left, so that a long-only account never buys beyond its cash as far as the marks can tell.
#include "engine/base/config.hpp"
#include "engine/sim/participant.hpp"

#include <span>
#include <vector>

namespace walras::strategies {

/// How much is held; part of the params of every portfolio rule.
struct Sizing {
  double exposure = 0.99;
  double min_trade = 0;
  static void fields(auto&& field) {
    field("exposure", &Sizing::exposure,
          {.unit = "x equity",
           .min = 0,
           .max = 100,
           .doc = "gross exposure aimed at; the rest is room for costs and moves until the fill"});
    field("min_trade", &Sizing::min_trade,
          {.unit = "x equity",
           .min = 0,
           .max = 1,
           .doc = "smaller changes of a holding are left undone"});
  }
};

class Portfolio {
 public:
  Portfolio(const Sizing& sizing, std::span<const engine::Instrument> instruments);
  /// Forgets all that was wanted.
  void reset();
  /// Wants `weight` x exposure x equity of the instrument, < 0 short. Range: the weights' absolute
  /// sum <= 1.
  void want(engine::InstrumentId instrument, double weight) {
    weights_[instrument] = weight;
    if (!pending_[instrument]) {
      pending_[instrument] = 1;
      ++changed_;
    }
  }
  /// Sends market orders for what was wanted since the last call. Waits in warm-up, and for
  /// instruments without a price.
  void trade(engine::Orders& orders) {
    if (changed_ > 0) send(orders);
  }
  void state(auto& archive) { archive(weights_, pending_, changed_); }

 private:
  struct Target {
    engine::InstrumentId instrument;
    std::int64_t have, want;
    double lot_value;
  };
  void send(engine::Orders& orders);

  Sizing sizing_;
  std::vector<double> tick_values_, weights_;
  std::vector<std::uint8_t> pending_;
  std::vector<Target> targets_;
  std::size_t changed_ = 0;
};

}  // namespace walras::strategies
