#pragma once
// The scenario's "venue/exchange" as typed fields, and the rules that they make.
#include "engine/base/config.hpp"
#include "engine/market/types.hpp"
#include "engine/venue/exchange_rules.hpp"

namespace walras::engine {

struct TickRow {
  double from = 0;
  double step = 0.01;
  static void fields(auto&& field) {
    field("from", &TickRow::from,
          {.unit = "currency", .min = 0, .max = 1e12, .doc = "The row holds from this price on."});
    field("step", &TickRow::step,
          {.unit = "currency",
           .min = 1e-12,
           .max = 1e9,
           .required = true,
           .doc = "Prices are whole multiples of it; itself a multiple of the tick size."});
  }
};

struct ExchangeParams {
  Matching matching = Matching::PriceTime;
  SelfTrade self_trade = SelfTrade::Allow;
  std::vector<TickRow> tick_table;
  std::int64_t lot = 1, band_bps = 0, static_range_bps = 0, dynamic_range_bps = 0;
  RangeAction range_action = RangeAction::LimitUpDown;
  double pause_s = 300;
  std::optional<std::string> open, close;
  double opening_call_s = 0, closing_call_s = 0;
  static void fields(auto&& field) {
    using P = ExchangeParams;
    field("matching", &P::matching,
          {.doc = "Who of the orders at one price trades first: price_time, or pro_rata by size."});
    field("self_trade", &P::self_trade,
          {.doc = "What happens when an order meets one of the same owner."});
    field("tick_table", &P::tick_table,
          {.doc = "Coarser price steps from given prices on; empty: the tick size everywhere."});
    field("lot", &P::lot,
          {.unit = "lots", .min = 1, .max = 1e9, .doc = "Quantities are multiples of it."});
    field("band_bps", &P::band_bps,
          {.unit = "bp",
           .min = 0,
           .max = 10'000,
           .doc = "Limit prices further from the reference price (of the last auction, else the "
                  "first trade) are refused; 0: none are."});
    field("static_range_bps", &P::static_range_bps,
          {.unit = "bp",
           .min = 0,
           .max = 10'000,
           .doc = "Trades further from the reference price do not happen; 0: no such range."});
    field("dynamic_range_bps", &P::dynamic_range_bps,
          {.unit = "bp",
           .min = 0,
           .max = 10'000,
           .doc = "Trades further from the last trade before the order do not happen; 0: no such "
                  "range."});
    field("range_action", &P::range_action,
          {.doc = "What an order sets off that would trade outside a range: limit_up_down cancels "
                  "the rest of it, auction begins a volatility auction, halt stops trading."});
    field("pause_s", &P::pause_s,
          {.unit = "s", .min = 1e-3, .max = 1e6, .doc = "Length of volatility auctions and halts."});
    field("open", &P::open,
          {.doc = "Time of day, UTC, at which trading opens every day, as 09:30; absent: that of "
                  "venue/calendar, else trading never stops."});
    field("close", &P::close, {.doc = "Time of day, UTC, at which it closes."});
    field("opening_call_s", &P::opening_call_s,
          {.unit = "s",
           .min = 0,
           .max = 86'400,
           .doc = "Length of the call before the opening auction; 0: no auction."});
    field("closing_call_s", &P::closing_call_s,
          {.unit = "s",
           .min = 0,
           .max = 86'400,
           .doc = "Length of the call before the closing auction; 0: no auction."});
  }
};

/// The rules that `params` make. The tick table stays in currency until an instrument is known.
/// `calendar`: the venue's, or null. `where`: the pointer of the section. Throws Error{Scenario}.
ExchangeRules exchange_rules(const ExchangeParams& params,
                             std::shared_ptr<const TradingCalendar> calendar,
                             const std::string& where);
/// The rules for one instrument: its tick table in ticks, its sign of prices. Throws Error{Scenario}.
ExchangeRules rules_for(const ExchangeRules& rules, const Instrument& instrument);

}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::Matching> {
  static constexpr std::array<std::pair<engine::Matching, std::string_view>, 2> names{
      {{engine::Matching::PriceTime, "price_time"}, {engine::Matching::ProRata, "pro_rata"}}};
};
template <>
struct EnumNames<engine::SelfTrade> {
  static constexpr std::array<std::pair<engine::SelfTrade, std::string_view>, 5> names{
      {{engine::SelfTrade::Allow, "allow"},
       {engine::SelfTrade::CancelNewest, "cancel_newest"},
       {engine::SelfTrade::CancelOldest, "cancel_oldest"},
       {engine::SelfTrade::CancelBoth, "cancel_both"},
       {engine::SelfTrade::Decrement, "decrement"}}};
};
template <>
struct EnumNames<engine::RangeAction> {
  static constexpr std::array<std::pair<engine::RangeAction, std::string_view>, 3> names{
      {{engine::RangeAction::LimitUpDown, "limit_up_down"},
       {engine::RangeAction::Auction, "auction"},
       {engine::RangeAction::Halt, "halt"}}};
};
}  // namespace walras
