#include "strategies/router.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace walras::strategies {

using engine::Side;

void route(std::span<const Listing> listings, Side side, Lots quantity, std::vector<RoutedOrder>& orders) {
  orders.clear();
  for (const Listing& listing : listings) orders.push_back({listing.instrument, {}, {}});
  // How far into each book; quantities of one level are taken whole, so the next level of each venue is all there is to compare.
  const auto level = [&](std::size_t i, std::size_t at) -> const engine::Depth::Level* {
    const engine::Depth& depth = *listings[i].depth;
    if (side == Side::Buy) return at < depth.asks ? &depth.ask[at] : nullptr;
    return at < depth.bids ? &depth.bid[at] : nullptr;
  };
  std::array<std::uint8_t, 64> next{};
  expects(listings.size() <= next.size(), "at most 64 venues");
  while (quantity.value > 0) {
    std::size_t best = listings.size();
    double best_cost = 0;
    for (std::size_t i = 0; i < listings.size(); ++i) {
      const engine::Depth::Level* here = level(i, next[i]);
      if (!here) continue;
      const double price = static_cast<double>(here->price.value) * listings[i].tick_size;
      const double cost = static_cast<double>(engine::sign(side)) * price + (price < 0 ? -price : price) * listings[i].fee;
      if (best < listings.size() && cost >= best_cost) continue;
      best = i;
      best_cost = cost;
    }
    if (best == listings.size()) break;
    const engine::Depth::Level& taken = *level(best, next[best]++);
    const Lots part = std::min(quantity, taken.quantity);
    orders[best].quantity += part;
    orders[best].limit = taken.price;
    quantity -= part;
  }
  std::erase_if(orders, [](const RoutedOrder& order) { return order.quantity.value == 0; });
}

Router::Router(const std::string& name, std::span<const engine::Instrument> instruments, const std::map<std::string, double>& taker_bps) {
  std::map<std::string, double> fees = taker_bps;
  std::string all;
  const engine::Instrument* first = nullptr;
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const engine::Instrument& instrument = instruments[i];
    all += (all.empty() ? "" : ", ") + instrument.name;
    if (!instrument.name.starts_with(name + "@")) continue;
    const std::string venue = instrument.name.substr(name.size() + 1);
    const auto fee = fees.find(venue);
    listings_.push_back({static_cast<engine::InstrumentId>(i), instrument.tick_size, fee == fees.end() ? 0 : fee->second * 1e-4, nullptr});
    if (fee != fees.end()) fees.erase(fee);
    if (!first) first = &instrument;
    if (instrument.lot_size != first->lot_size || instrument.multiplier != first->multiplier || instrument.currency != first->currency) {
      fail(Fault::Scenario, "instrument",
           fmt::format("expected {} and {} to be the same thing, were lots of {} and {}, multipliers {} and {}, in {} and {}; state them alike", first->name,
                       instrument.name, first->lot_size, instrument.lot_size, first->multiplier, instrument.multiplier, first->currency, instrument.currency));
    }
  }
  if (listings_.empty() || listings_.size() > 64)
    fail(Fault::Scenario, "instrument", fmt::format("expected an instrument of the market ({}), or one listed as {}@VENUE, was {}", all, name, name));
  if (!fees.empty()) fail(Fault::Scenario, "taker_bps/" + fees.begin()->first, fmt::format("expected a venue of {} among {}, was {}", name, all, fees.begin()->first));
  routed_.reserve(listings_.size());
}

bool Router::lists(engine::InstrumentId instrument) const {
  return std::any_of(listings_.begin(), listings_.end(), [&](const Listing& one) { return one.instrument == instrument; });
}

void Router::send(engine::Orders& orders, Side side, Lots quantity) {
  for (Listing& listing : listings_) listing.depth = &orders.depth(listing.instrument);
  route(listings_, side, quantity, routed_);
  for (const RoutedOrder& part : routed_) {
    engine::OrderRequest request;
    request.instrument = part.instrument;
    request.side = side;
    request.type = engine::OrderType::Limit;
    request.time_in_force = engine::TimeInForce::ImmediateOrCancel;
    request.price = part.limit;
    request.quantity = part.quantity;
    orders.submit(request);
  }
}

}  // namespace walras::strategies
