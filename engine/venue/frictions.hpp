#pragma once
// What trading costs: fees on every fill, and for bars, where there is no book to walk, a slippage
// model that worsens the fill price. Models are immutable and shared by all simulations of a plan.
#include "engine/market/types.hpp"

namespace walras {
template <class Interface, class... Context>
class Registry;
}  // namespace walras

namespace walras::engine {

class FeeModel {
 public:
  virtual ~FeeModel() = default;
  /// Commission and exchange fee of one fill, exact to 1e-12 currency units. Returns: > 0 costs, <
  /// 0 is a rebate.
  [[nodiscard]] virtual Money fee(Side side, Ticks price, Lots quantity,
                                  bool maker) const noexcept = 0;
};

/// A fill on bars before slippage.
struct BarTrade {
  Side side = Side::Buy;
  Ticks price;                ///< where the fill rule puts it
  Lots quantity;              ///< of this fill
  Lots volume;                ///< of the bar; 0 = unknown
  double average_volume = 0;  ///< lots a bar, exponentially weighted over past bars; 0 = unknown
  double volatility =
      0;  ///< of log returns from close to close, a bar, exponentially weighted over past bars
};

class SlippageModel {
 public:
  virtual ~SlippageModel() = default;
  /// How much worse than `trade.price` the trade is done, in ticks before rounding. Range: >= 0,
  /// finite.
  [[nodiscard]] virtual double ticks(const BarTrade& trade) const noexcept = 0;
  /// By how many ticks the trade moves the price for later own trades, at once after it. Range: >= 0, finite.
  [[nodiscard]] virtual double lasting(const BarTrade&) const noexcept { return 0; }
  /// What is left of a lasting move `bars` bars later. Range: [0, 1], falling.
  [[nodiscard]] virtual double left_after(double /*bars*/) const noexcept { return 1; }
  /// Whether own trades move later ones at all.
  [[nodiscard]] virtual bool has_memory() const noexcept { return false; }
  /// Whether bar volumes are needed: refused for close-only data.
  [[nodiscard]] virtual bool needs_volume() const noexcept { return false; }
  /// Whether average_volume and volatility are needed.
  [[nodiscard]] virtual bool needs_history() const noexcept { return false; }
};

/// Adds none, per_share, basis_points, maker_taker, composite and by_instrument.
void add_fee_models(Registry<FeeModel, const Instrument&>& registry);
/// Adds none, basis_points, spread, volume_share, square_root, power, almgren_chriss and propagator.
void add_slippage_models(Registry<SlippageModel, const Instrument&>& registry);

}  // namespace walras::engine
