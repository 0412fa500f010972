#pragma once
// Router: one instrument listed at several venues, as instruments "X@A", "X@B", and an order for X that takes the cheapest shown
// quantity first, fees included. It sees the delivered books and nothing else; what has gone by the time an order arrives
// is not filled, and stays due.
#include "engine/sim/participant.hpp"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace walras::strategies {

/// One venue as the router sees it.
struct Listing {
  engine::InstrumentId instrument = 0;
  double tick_size = 0.01;
  double fee = 0;                 ///< of a taker, as a part of the value
  const engine::Depth* depth = nullptr;
};

/// What is sent to one venue: an immediate-or-cancel order up to the last level that it should take.
struct RoutedOrder {
  engine::InstrumentId instrument = 0;
  Lots quantity;
  Ticks limit;
};

/// Splits `quantity` over the shown levels, cheapest first by price with fee; equal ones in the order of `listings`. Quantity that is
/// not shown anywhere is left over. `orders` gets one order for each venue that is to trade, in the order of `listings`.
void route(std::span<const Listing> listings, engine::Side side, Lots quantity, std::vector<RoutedOrder>& orders);

class Router {
 public:
  /// The listings of `name` among `instruments`: those called "name@VENUE". `taker_bps`: by venue, 0 where not named.
  /// Throws Error{Scenario} where there is none, lots or multipliers differ, or a venue has no listing.
  Router(const std::string& name, std::span<const engine::Instrument> instruments, const std::map<std::string, double>& taker_bps);
  [[nodiscard]] std::span<const Listing> listings() const { return listings_; }
  [[nodiscard]] bool lists(engine::InstrumentId instrument) const;
  /// Sends what route() says of the books as they are now.
  void send(engine::Orders& orders, engine::Side side, Lots quantity);

 private:
  std::vector<Listing> listings_;
  std::vector<RoutedOrder> routed_;
};

}  // namespace walras::strategies
