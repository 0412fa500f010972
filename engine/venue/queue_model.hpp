#pragma once
// Where an own order stands in a queue that a feed shows only as a sum: what happens to the quantity ahead when the level
// trades or changes. Pure arithmetic; the replay venue applies it. Source: reference "hftbacktest_queue" and
// docs/market-model.md.
#include "engine/base/config.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace walras::engine {

/// How own resting orders move up.
enum class QueueRule : std::uint8_t {
  Fifo,         ///< by the ids of the orders ahead: exact on order-by-order feeds
  RiskAverse,   ///< only trades move it up
  Power1, Power2, Power3, Log1, Log2   ///< a decrease falls behind it with a probability of front and back
};

struct QueueModel {
  QueueRule rule = QueueRule::Fifo;
  double power = 3;   ///< n of the power forms

  /// Share of a decrease that happened behind an order with `front` ahead of it and `back` behind. Range: [0, 1].
  [[nodiscard]] double behind(double front, double back) const {
    front = std::max(front, 0.0);
    back = std::max(back, 0.0);
    if (front + back <= 0) return 0.5;  // nobody on either side: 0/0
    switch (rule) {
      case QueueRule::Power1: {
        const double f = std::pow(front, power), b = std::pow(back, power);
        return f + b > 0 ? b / (f + b) : 0.5;
      }
      case QueueRule::Power2: return std::pow(back / (front + back), power);
      case QueueRule::Power3: return 1 - std::pow(front / (front + back), power);
      case QueueRule::Log1: return std::log1p(back) / (std::log1p(back) + std::log1p(front));
      case QueueRule::Log2: return std::log1p(back) / std::log1p(back + front);
      default: return 1;
    }
  }
  /// Quantity ahead after the level went from `before` to `after`, of which `traded` were told as trades already.
  [[nodiscard]] double moved(double front, double before, double after, double traded) const {
    const double change = before - after - traded;
    if (rule == QueueRule::RiskAverse || rule == QueueRule::Fifo || change < 0) return std::clamp(front, 0.0, after);
    const double back = before - front;
    const double share = behind(front, back);
    const double next = front - (1 - share) * change + std::min(0.0, back - share * change);
    return std::clamp(next, 0.0, after);
  }
};

}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::QueueRule> {
  static constexpr std::array<std::pair<engine::QueueRule, std::string_view>, 7> names{
      {{engine::QueueRule::Fifo, "fifo"},
       {engine::QueueRule::RiskAverse, "risk_averse"},
       {engine::QueueRule::Power1, "power_1"},
       {engine::QueueRule::Power2, "power_2"},
       {engine::QueueRule::Power3, "power_3"},
       {engine::QueueRule::Log1, "log_1"},
       {engine::QueueRule::Log2, "log_2"}}};
};
}  // namespace walras
