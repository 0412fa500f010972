#pragma once
// Portfolio: what a rule wants to hold, turned into orders. A rule sets weights where it changes
// its mind; trade() sends what is missing, sells first, and cuts purchases to the room that is
// left, so that a long-only account never buys beyond its cash as far as the marks can tell, and
// orders to what the account's risk rules take. A volatility target belongs here and not among the
// risk rules: those can refuse orders, but only whoever sizes positions can reach a target.
#include "engine/base/config.hpp"
#include "engine/sim/participant.hpp"

#include <optional>
#include <span>
#include <vector>

namespace walras::strategies {

/// How much is held; part of the params of every portfolio rule.
struct Sizing {
  double exposure = 0.99;
  double min_trade = 0;
  std::optional<double> volatility_target{};
  std::int64_t volatility_window = 60;
  double volatility_band = 0.1;
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
    field("volatility_target", &Sizing::volatility_target,
          {.unit = "1/sqrt(year)",
           .min = 1e-6,
           .max = 100,
           .doc = "volatility of equity aimed at; exposure is then the most that is held"});
    field("volatility_window", &Sizing::volatility_window,
          {.unit = "bars",
           .min = 2,
           .max = 10'000,
           .doc = "past returns of what is wanted from which its volatility is told; nothing is "
                  "bought before there are so many"});
    field("volatility_band", &Sizing::volatility_band,
          {.unit = "x",
           .min = 0,
           .max = 10,
           .doc = "relative change of the exposure aimed at from which holdings are adjusted"});
  }
};

class Portfolio {
 public:
  /// `periods_per_year`: of calls of trade().
  Portfolio(const Sizing& sizing, std::span<const engine::Instrument> instruments,
            double periods_per_year);
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
  /// instruments without a price. Called once a slice, in warm-up too: volatility is told from the
  /// marks at these calls.
  void trade(engine::Orders& orders) {
    if (sizing_.volatility_target) follow(orders);
    if (changed_ > 0) send(orders);
  }
  void state(auto& archive) {
    archive(exposure_, weights_, last_, returns_, slices_, traded_exposure_, pending_, changed_);
  }
  /// Gross exposure aimed at, x equity.
  [[nodiscard]] double exposure() const { return exposure_; }

 private:
  struct Target {
    engine::InstrumentId instrument;
    std::int64_t have, want;
    double lot_value;
  };
  void send(engine::Orders& orders);
  void follow(engine::Orders& orders);
  [[nodiscard]] double volatility() const;

  Sizing sizing_;
  double periods_per_year_, exposure_;
  std::vector<double> tick_values_, weights_;
  std::vector<double> last_, returns_;  // a ring of `volatility_window` rows, one value an instrument
  std::size_t slices_ = 0;
  double traded_exposure_ = 0;
  std::vector<std::uint8_t> pending_;
  std::vector<Target> targets_;
  std::size_t changed_ = 0;
};

}  // namespace walras::strategies
