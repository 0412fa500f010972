#include "engine/market/order_rules.hpp"

#include "engine/market/names.hpp"

namespace walras::engine {
namespace {

template <class E>
std::string_view name(E value) {
  return EnumNames<E>::names.at(static_cast<std::size_t>(value)).second;
}

Reject check_prices(const OrderRequest& request, bool negative_prices) {
  const auto bad = [negative_prices](Ticks price) { return price.value <= 0 && !negative_prices; };
  const bool unlimited_peg = request.type == OrderType::Pegged && request.price.value == 0;
  if (has_limit(request.type) && !unlimited_peg && bad(request.price)) return Reject::BadPrice;
  if (trails(request.type)) {
    if (request.trail <= 0) return Reject::BadTrigger;
    if (request.trail_unit == TrailUnit::BasisPoints && request.trail >= 10'000)
      return Reject::BadTrigger;
    if (request.trigger_price.value != 0 && bad(request.trigger_price)) return Reject::BadTrigger;
    if (request.type == OrderType::TrailingStopLimit && request.offset.value < 0)
      return Reject::BadTrigger;
  } else if (waits(request.type) && bad(request.trigger_price)) {
    return Reject::BadTrigger;
  }
  // More eager than the best of its own side, it would chase itself.
  if (request.type == OrderType::Pegged && request.peg == Peg::Primary && request.offset.value < 0)
    return Reject::BadTrigger;
  return Reject::None;
}

/// Settings that exclude each other, or mean nothing for the type.
bool conflicts(const OrderRequest& request) {
  const OrderType type = request.type;
  const bool rests = (has_limit(type) || type == OrderType::TrailingStopLimit) &&
                     !immediate(request.time_in_force);
  const bool auction = for_auction(request.time_in_force);
  if (request.post_only && (!rests || auction)) return true;
  if (request.hidden && (!rests || auction)) return true;
  if (request.display.value > 0 && (!rests || auction || request.hidden || request.all_or_none))
    return true;
  if (request.all_or_none && (!rests || auction || request.post_only || request.minimum.value > 0))
    return true;
  if (request.minimum.value > 0 && (auction || request.post_only || type == OrderType::Pegged))
    return true;
  if (type == OrderType::Pegged && (auction || immediate(request.time_in_force))) return true;
  // An auction order is a limit or market order; what waits cannot know whether it will be in time.
  return auction && type != OrderType::Limit && type != OrderType::Market;
}

}  // namespace

Reject well_formed(const OrderRequest& request, bool negative_prices, Nanos now) {
  if (request.quantity.value <= 0 || request.quantity > kMostLots) return Reject::BadQuantity;
  const auto far = [](std::int64_t value) { return value > kMostLots.value || value < -kMostLots.value; };
  if (far(request.price.value)) return Reject::BadPrice;
  if (far(request.trigger_price.value) || far(request.trail) || far(request.offset.value)) return Reject::BadTrigger;
  if (const Reject reject = check_prices(request, negative_prices); reject != Reject::None)
    return reject;
  if (request.display.value < 0 || request.display > request.quantity) return Reject::BadDisplay;
  if (request.minimum.value < 0 || request.minimum > request.quantity) return Reject::BadMinimum;
  if (request.time_in_force == TimeInForce::GoodTillDate && request.expire <= now)
    return Reject::BadExpiry;
  if ((request.group != 0) != (request.link != Link::None)) return Reject::BadLink;
  return conflicts(request) ? Reject::Conflict : Reject::None;
}

Ticks price_of(const OrderRequest& request) {
  return waits(request.type) && !has_limit(request.type) ? request.trigger_price : request.price;
}

void set_price(OrderRequest& request, Ticks price) {
  (waits(request.type) && !has_limit(request.type) ? request.trigger_price : request.price) = price;
}

std::string_view name_of(OrderType type) { return name(type); }
std::string_view name_of(TimeInForce time_in_force) { return name(time_in_force); }
std::string_view name_of(Reject reject) { return name(reject); }

}  // namespace walras::engine
