#pragma once
// Fills on bars. What it hides: queues of working orders, caps by volume, the history that impact
// models need. Rules, all printed in the report:
// - An order is worked from the first bar that opens at or after its arrival (close-only data: the
// first close after it).
// - Market orders fill at that bar's open (next_open), at its close (next_close, and close-only
// data), or at the close just
//   seen, at once (this_close; optimistic, since nobody trades at a price after it is known).
// - Limit orders fill only where the bar traded through the limit (strictly beyond it), at the
// limit, or at the open where the
//   bar opened beyond it. Where fills are at closes, the close must lie beyond the limit, and is
//   the price.
// - Stops and touched orders act at the open where the bar opened at or beyond their trigger, else at
//   the trigger where the bar reached it, worsened by slippage like every market order. What became
//   a limit order inside a bar fills there only at the trigger, or at its limit when the bar closed
//   beyond it: what came before the trigger cannot be told from what came after. A trailing trigger
//   is moved by the open before, and by the bar's better extreme after, it is held against the
//   worse extreme; then it is held against the close.
// - Day orders are worked on the bars of one trading day, orders till a date on bars that close by
//   it; orders at the open (close) on the first (last) bar of a trading day, at its open (close).
// - No more than volume_share of a bar's volume fills, over all orders; what is left goes on to the
// next bar.
// - Slippage worsens the price, rounded to a whole tick against the trader, and never beyond an
// order's limit.
#include "engine/market/sessions.hpp"
#include "engine/venue/frictions.hpp"
#include "engine/venue/venue.hpp"

#include <memory>
#include <vector>

namespace walras::engine {

struct Tape;

enum class FillAt : std::uint8_t { NextOpen, NextClose, ThisClose };

/// What a bar venue knows of an instrument before the first bar.
struct BarRules {
  FillAt fill_at = FillAt::NextOpen;  ///< NextClose for close-only data
  double volume_share = 0;            ///< of a bar's volume; 0 = no cap
  bool negative_prices = false;
  Money tick_value;
  const SlippageModel* slippage = nullptr;  ///< borrowed
};

/// `tape` and the slippage models must outlive the venue. Shape: a rule for each instrument of the
/// tape. `calendar`: where trading days begin and end; null: at midnight UTC.
std::unique_ptr<Venue> make_bar_venue(const Tape& tape, std::vector<BarRules> rules,
                                      std::shared_ptr<const TradingCalendar> calendar = nullptr);

}  // namespace walras::engine
