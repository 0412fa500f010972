#pragma once
// What any market may say about an order before it knows of prices: whether its settings make sense
// together, which of its prices a replace changes, and what things are called.
#include "engine/market/types.hpp"

#include <string_view>

namespace walras::engine {

/// The largest quantity of an order, and the furthest price: sums of several, and twice a price, stay exact.
inline constexpr Lots kMostLots{std::int64_t{1} << 53};

/// Whether the order waits for a trigger before it acts.
[[nodiscard]] constexpr bool waits(OrderType type) {
  return type == OrderType::Stop || type == OrderType::StopLimit ||
         type == OrderType::MarketIfTouched || type == OrderType::LimitIfTouched ||
         type == OrderType::TrailingStop || type == OrderType::TrailingStopLimit;
}
/// Whether the trigger follows the market.
[[nodiscard]] constexpr bool trails(OrderType type) {
  return type == OrderType::TrailingStop || type == OrderType::TrailingStopLimit;
}
/// Whether the order waits for the market to come to it, rather than to move against it.
[[nodiscard]] constexpr bool touches(OrderType type) {
  return type == OrderType::MarketIfTouched || type == OrderType::LimitIfTouched;
}
/// Whether the owner names a limit price in `price`.
[[nodiscard]] constexpr bool has_limit(OrderType type) {
  return type == OrderType::Limit || type == OrderType::StopLimit ||
         type == OrderType::LimitIfTouched || type == OrderType::Pegged;
}
/// Whether what is not traded at once ends.
[[nodiscard]] constexpr bool immediate(TimeInForce time_in_force) {
  return time_in_force == TimeInForce::ImmediateOrCancel ||
         time_in_force == TimeInForce::FillOrKill;
}
[[nodiscard]] constexpr bool for_auction(TimeInForce time_in_force) {
  return time_in_force == TimeInForce::AtTheOpen || time_in_force == TimeInForce::AtTheClose;
}

/// Whether a request makes sense by itself, at local time `now`. Returns: None, BadQuantity,
/// BadPrice, BadTrigger, BadDisplay, BadMinimum, BadExpiry, BadLink, or Conflict for settings that
/// exclude each other.
[[nodiscard]] Reject well_formed(const OrderRequest& request, bool negative_prices, Nanos now);

/// The price that a replace changes: the limit where there is one, else the trigger.
[[nodiscard]] Ticks price_of(const OrderRequest& request);
void set_price(OrderRequest& request, Ticks price);

/// Snake case, as in exported tables and documents. "none" for Reject::None.
[[nodiscard]] std::string_view name_of(OrderType type);
[[nodiscard]] std::string_view name_of(TimeInForce time_in_force);
[[nodiscard]] std::string_view name_of(Reject reject);

}  // namespace walras::engine
