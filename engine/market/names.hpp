#pragma once
// Names of a market's nouns, as messages, exports and documents write them.
#include "engine/base/config.hpp"
#include "engine/market/event.hpp"

namespace walras {

template <>
struct EnumNames<engine::Side> {
  static constexpr std::array<std::pair<engine::Side, std::string_view>, 2> names{{{engine::Side::Buy, "buy"}, {engine::Side::Sell, "sell"}}};
};
template <>
struct EnumNames<engine::OrderType> {
  using enum engine::OrderType;
  static constexpr std::array<std::pair<engine::OrderType, std::string_view>, 10> names{{{Limit, "limit"},
                                                                                        {Market, "market"},
                                                                                        {Stop, "stop"},
                                                                                        {StopLimit, "stop_limit"},
                                                                                        {MarketIfTouched, "market_if_touched"},
                                                                                        {LimitIfTouched, "limit_if_touched"},
                                                                                        {MarketToLimit, "market_to_limit"},
                                                                                        {TrailingStop, "trailing_stop"},
                                                                                        {TrailingStopLimit, "trailing_stop_limit"},
                                                                                        {Pegged, "pegged"}}};
};
template <>
struct EnumNames<engine::TimeInForce> {
  using enum engine::TimeInForce;
  static constexpr std::array<std::pair<engine::TimeInForce, std::string_view>, 7> names{{{GoodTillCancel, "good_till_cancel"},
                                                                                         {ImmediateOrCancel, "immediate_or_cancel"},
                                                                                         {FillOrKill, "fill_or_kill"},
                                                                                         {Day, "day"},
                                                                                         {GoodTillDate, "good_till_date"},
                                                                                         {AtTheOpen, "at_the_open"},
                                                                                         {AtTheClose, "at_the_close"}}};
};
template <>
struct EnumNames<engine::TriggerPrice> {
  using enum engine::TriggerPrice;
  static constexpr std::array<std::pair<engine::TriggerPrice, std::string_view>, 3> names{{{Last, "last"}, {BidAsk, "bid_ask"}, {Mid, "mid"}}};
};
template <>
struct EnumNames<engine::TrailUnit> {
  static constexpr std::array<std::pair<engine::TrailUnit, std::string_view>, 2> names{
      {{engine::TrailUnit::Ticks, "ticks"}, {engine::TrailUnit::BasisPoints, "basis_points"}}};
};
template <>
struct EnumNames<engine::Peg> {
  using enum engine::Peg;
  static constexpr std::array<std::pair<engine::Peg, std::string_view>, 3> names{{{Mid, "mid"}, {Primary, "primary"}, {Opposite, "opposite"}}};
};
template <>
struct EnumNames<engine::Link> {
  using enum engine::Link;
  static constexpr std::array<std::pair<engine::Link, std::string_view>, 3> names{
      {{None, "none"}, {OneCancelsOther, "one_cancels_other"}, {OneUpdatesOther, "one_updates_other"}}};
};
template <>
struct EnumNames<engine::EventKind> {
  using enum engine::EventKind;
  static constexpr std::array<std::pair<engine::EventKind, std::string_view>, 19> names{
      {{Bar, "bar"},           {Add, "add"},           {Reduce, "reduce"},       {Delete, "delete"},     {Execute, "execute"},
       {Hidden, "hidden"},     {Halt, "halt"},         {Depth, "depth"},         {Trade, "trade"},       {Dividend, "dividend"},
       {Split, "split"},       {Funding, "funding"},   {Session, "session"},     {Indicative, "indicative"}, {Accepted, "accepted"},
       {Rejected, "rejected"}, {Cancelled, "cancelled"}, {Replaced, "replaced"}, {Triggered, "triggered"}}};
};
template <>
struct EnumNames<engine::Reject> {
  using enum engine::Reject;
  static constexpr std::array<std::pair<engine::Reject, std::string_view>, 42> names{
      {{None, "none"},
       {UnknownInstrument, "unknown_instrument"},
       {UnknownOrder, "unknown_order"},
       {BadQuantity, "bad_quantity"},
       {BadPrice, "bad_price"},
       {WouldCross, "would_cross"},
       {CannotFill, "cannot_fill"},
       {NoMarket, "no_market"},
       {WarmUp, "warm_up"},
       {Ended, "ended"},
       {Funds, "funds"},
       {ShortSale, "short_sale"},
       {NotYourOrder, "not_your_order"},
       {Capacity, "capacity"},
       {DuplicateOrder, "duplicate_order"},
       {BadTrigger, "bad_trigger"},
       {BadDisplay, "bad_display"},
       {BadMinimum, "bad_minimum"},
       {BadExpiry, "bad_expiry"},
       {Conflict, "conflict"},
       {BadLink, "bad_link"},
       {TickSize, "tick_size"},
       {LotSize, "lot_size"},
       {PriceBand, "price_band"},
       {Closed, "closed"},
       {Halted, "halted"},
       {MinimumQuantity, "minimum_quantity"},
       {SelfTrade, "self_trade"},
       {ReduceOnly, "reduce_only"},
       {Expired, "expired"},
       {Linked, "linked"},
       {NoAuction, "no_auction"},
       {PositionLimit, "position_limit"},
       {NotionalLimit, "notional_limit"},
       {OrderRate, "order_rate"},
       {LossLimit, "loss_limit"},
       {DrawdownLimit, "drawdown_limit"},
       {FatFinger, "fat_finger"},
       {KillSwitch, "kill_switch"},
       {Portfolio, "portfolio"},
       {Margin, "margin"},
       {Liquidated, "liquidated"}}};
};

}  // namespace walras
