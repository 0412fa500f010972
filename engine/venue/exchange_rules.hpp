#pragma once
// How an exchange matches: what a scenario may choose, and what a generated market hands on to the
// exchange of each of its instruments.
#include "engine/market/sessions.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace walras::engine {

/// Who of the orders resting at one price trades first. ProRata: each gets the part of the incoming
/// quantity that it is of the level, rounded down to whole lots; what rounding left goes to them in
/// order of time. Auctions go by time in both.
enum class Matching : std::uint8_t { PriceTime, ProRata };
/// What happens when an order would trade with one of the same owner. Auctions do not prevent it.
enum class SelfTrade : std::uint8_t { Allow, CancelNewest, CancelOldest, CancelBoth, Decrement };
/// What happens when a trade would leave the static or dynamic range: the rest of the order that
/// would do it is cancelled (LimitUpDown); a volatility auction begins; or trading halts, then
/// resumes with an auction.
enum class RangeAction : std::uint8_t { LimitUpDown, Auction, Halt };

struct TickStep {
  Ticks from;              ///< prices at and above it (by size)
  std::int64_t step = 1;   ///< are whole multiples of this many ticks
  bool operator==(const TickStep&) const = default;
};

struct ExchangeRules {
  Matching matching = Matching::PriceTime;
  SelfTrade self_trade = SelfTrade::Allow;
  std::vector<TickStep> ticks;          ///< ascending; empty: every tick
  std::vector<std::pair<double, double>> tick_table;  ///< from and step in currency, for rules_for()
  Lots lot{1};                          ///< quantities are multiples of it
  Lots largest = Lots::max();           ///< order
  bool negative_prices = false;
  std::int64_t band_bps = 0;            ///< limit prices further from the reference are refused; 0: none
  std::int64_t static_bps = 0;          ///< range of trades around the last auction's price; 0: none
  std::int64_t dynamic_bps = 0;         ///< range of trades around the last trade before the order; 0: none
  RangeAction range_action = RangeAction::LimitUpDown;
  Nanos pause{300 * kNanosPerSecond};   ///< length of volatility auctions and halts
  std::shared_ptr<const TradingCalendar> calendar;  ///< null: continuous trading, always
  Nanos opening_call, closing_call;     ///< before the open; before the close; 0: none
};

}  // namespace walras::engine
