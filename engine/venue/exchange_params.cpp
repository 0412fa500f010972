#include "engine/venue/exchange_params.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <cmath>

namespace walras::engine {
namespace {

std::int64_t time_of_day(const std::string& text, const std::string& where) {
  const auto nanos = parse_time_of_day(text);
  if (!nanos) fail(Fault::Scenario, where, "expected a time of day such as 09:30, was " + text);
  return *nanos;
}

std::shared_ptr<const TradingCalendar> daily_hours(const ExchangeParams& params,
                                                   const std::string& where) {
  if (!params.open || !params.close) {
    fail(Fault::Scenario, where,
         "expected open and close together, found one of them; give both or neither");
  }
  TradingCalendar::Hours hours{time_of_day(*params.open, where + "/open"),
                               time_of_day(*params.close, where + "/close")};
  if (hours.close <= hours.open) {
    fail(Fault::Scenario, where + "/close",
         fmt::format("expected a time after open ({}), was {}", *params.open, *params.close));
  }
  TradingCalendar::Rules rules;
  rules.week.fill({hours});
  return std::make_shared<TradingCalendar>(std::move(rules));
}

}  // namespace

ExchangeRules exchange_rules(const ExchangeParams& params,
                             std::shared_ptr<const TradingCalendar> calendar,
                             const std::string& where) {
  ExchangeRules rules;
  rules.matching = params.matching;
  rules.self_trade = params.self_trade;
  for (const TickRow& row : params.tick_table) {
    if (!rules.tick_table.empty() && row.from <= rules.tick_table.back().first) {
      fail(Fault::Scenario, where + "/tick_table",
           fmt::format("expected rows with rising from, was {} after {}", row.from,
                       rules.tick_table.back().first));
    }
    rules.tick_table.emplace_back(row.from, row.step);
  }
  rules.lot = {params.lot};
  rules.band_bps = params.band_bps;
  rules.static_bps = params.static_range_bps;
  rules.dynamic_bps = params.dynamic_range_bps;
  rules.range_action = params.range_action;
  rules.pause = {std::llround(params.pause_s * 1e9)};
  rules.calendar = params.open || params.close ? daily_hours(params, where) : std::move(calendar);
  rules.opening_call = {std::llround(params.opening_call_s * 1e9)};
  rules.closing_call = {std::llround(params.closing_call_s * 1e9)};
  const bool never_closes = !rules.calendar || rules.calendar->always_open();
  if (never_closes && rules.opening_call + rules.closing_call > Nanos{0}) {
    fail(Fault::Scenario, where,
         "expected hours with an open and a close for an opening or closing call, was a market that "
         "never closes; give open and close, or venue/calendar");
  }
  return rules;
}

ExchangeRules rules_for(const ExchangeRules& rules, const Instrument& instrument) {
  ExchangeRules own = rules;
  own.negative_prices = instrument.negative_prices;
  for (const auto& [from, step] : rules.tick_table) {
    const TickStep row{instrument.ticks(from), instrument.ticks(step).value};
    if (row.step < 1 || std::abs(instrument.price({row.step}) - step) > 1e-9 * step) {
      fail(Fault::Scenario, "/venue/exchange/tick_table",
           fmt::format("expected steps that are multiples of the tick size of {}, {}, was {}",
                       instrument.name, instrument.tick_size, step));
    }
    own.ticks.push_back(row);
  }
  return own;
}

}  // namespace walras::engine
