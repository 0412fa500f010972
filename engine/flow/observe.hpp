#pragma once
// What can be seen of a market, recorded or generated, by the same eyes: orders as they come and go
// within the ten visible levels, market orders (executions of one side and time are one), and the
// book once a second. Calibration and the facts of markets are computed from it; it knows no model.
#include "engine/market/event.hpp"
#include "engine/venue/venue.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

namespace walras::engine {

class MarketPlan;
struct Tape;

/// A limit order or a cancel in the visible book.
struct SeenOrder {
  double time_s;
  bool cancel;
  Side side;
  std::int64_t
      distance;  ///< ticks from the opposite best price before it; 0 where that side was empty
  std::int64_t level;   ///< price steps behind the own best price before it; < 0: inside the spread
  std::int64_t queue;   ///< lots at its price before it
  std::int64_t spread;  ///< ticks, before it
  std::int64_t lots;
};

struct SeenMarketOrder {
  double time_s;
  Side side;
  std::int64_t lots;
  double mid;          ///< ticks, before it
  std::int64_t queue;  ///< lots at the best price it met, before it
  std::int64_t spread;
};

/// The book at whole seconds while it has two sides.
struct SeenBook {
  double time_s;
  double mid;
  std::int64_t spread;
  std::array<std::int64_t, kDepthLevels> bid,
      ask;            ///< lots by price step from the best price, 0 where nothing rests
  std::int64_t lots;  ///< visible on both sides
};

struct MarketView {
  double tick_size = 0.01;
  double begin_s = 0, end_s = 0;
  std::vector<SeenOrder> orders;
  std::vector<SeenMarketOrder> market_orders;
  std::vector<SeenBook> books;
  /// What lies in [from, to).
  [[nodiscard]] MarketView between(double from, double to) const;
};

/// A recorded day of order messages. Throws Error{Data} when the tape has no book.
MarketView observe(const Tape& tape, InstrumentId instrument);
/// A path of a generated book market without participants.
MarketView observe(const MarketPlan& plan, std::uint64_t seed, InstrumentId instrument);

}  // namespace walras::engine
