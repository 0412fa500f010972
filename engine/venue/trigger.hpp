#pragma once
// The price at which a waiting order acts, and how it follows the market: shared by the order desk,
// which sees every price, and by bars, which show a few.
#include "engine/market/order_rules.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {

/// Of a stop, a touched or a trailing order.
class Trigger {
 public:
  Trigger() = default;
  explicit Trigger(const OrderRequest& request)
      : up_((request.side == Side::Buy) != touches(request.type)),
        trail_(trails(request.type) ? request.trail : 0),
        unit_(request.trail_unit),
        level_(request.trigger_price) {}

  /// Trailing orders: moves the level towards the market. Nothing for others.
  void follow(Ticks price) {
    if (trail_ == 0) return;
    std::int64_t distance = trail_;
    if (unit_ == TrailUnit::BasisPoints) {
      const Money::Integer exact = Money::Integer{std::abs(price.value)} * trail_ / 10'000;
      distance = std::max<std::int64_t>(1, static_cast<std::int64_t>(exact));
    }
    const std::int64_t wanted = up_ ? price.value + distance : price.value - distance;
    if (level_.value == 0)
      level_.value = wanted;
    else
      level_.value = up_ ? std::min(level_.value, wanted) : std::max(level_.value, wanted);
  }
  /// Whether the market is at the level or beyond. `twice`: a price times two, so that mids are whole.
  [[nodiscard]] bool reached_twice(std::int64_t twice) const {
    if (trail_ != 0 && level_.value == 0) return false;
    return up_ ? twice >= 2 * level_.value : twice <= 2 * level_.value;
  }
  [[nodiscard]] bool reached(Ticks price) const { return reached_twice(2 * price.value); }
  [[nodiscard]] Ticks level() const { return level_; }
  /// Whether it is reached from below.
  [[nodiscard]] bool up() const { return up_; }
  void move(Ticks level) { level_ = level; }

 private:
  bool up_ = true;
  std::int64_t trail_ = 0;
  TrailUnit unit_ = TrailUnit::Ticks;
  Ticks level_;
};

/// What a waiting order becomes once its trigger is reached at `level`.
inline void release_order(OrderRequest& order, Ticks level) {
  switch (order.type) {
    case OrderType::StopLimit:
    case OrderType::LimitIfTouched:
      order.type = OrderType::Limit;
      break;
    case OrderType::TrailingStopLimit:
      order.type = OrderType::Limit;
      order.price = {level.value + sign(order.side) * order.offset.value};
      break;
    default:
      order.type = OrderType::Market;
  }
}

}  // namespace walras::engine
