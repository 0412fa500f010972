#pragma once
// What an account agrees for the instruments that it trades: kind of contract, margin, borrowing, funding, swaps, rolls, and how
// other currencies are converted. Parameters as a scenario writes them, and the integers that they become.
#include "engine/base/config.hpp"
#include "engine/market/types.hpp"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::engine {

struct Tape;

/// Spot: the whole value changes hands. The others are settled by difference: only profit and loss move cash.
enum class ContractKind : std::uint8_t { Spot, Forex, Future, Perpetual };

struct RollParams {
  std::string date;
  std::optional<double> old_price, new_price;
  static void fields(auto&& field) {
    using P = RollParams;
    field("date", &P::date, {.required = true, .doc = "first day (ISO, UTC) of the next contract; the roll is done at its midnight"});
    field("old_price", &P::old_price, {.min = -1e12, .max = 1e12, .doc = "at which the old contract is left; absent: the last mark"});
    field("new_price", &P::new_price, {.min = -1e12, .max = 1e12, .doc = "at which the next one is entered; absent: the old one's (a series adjusted at rolls)"});
  }
};

struct ContractParams {
  ContractKind kind = ContractKind::Spot;
  double initial_margin = 1;
  std::optional<double> maintenance_margin, borrow_rate, funding_rate;
  double funding_hours = 8;
  std::optional<double> pip;
  double swap_long = 0, swap_short = 0;
  std::vector<RollParams> rolls;
  std::int64_t roll_every_days = 0;
  std::int64_t roll_cost_ticks = 1;
  std::string group;
  double beta = 1;
  static void fields(auto&& field) {
    using P = ContractParams;
    field("kind", &P::kind, {.doc = "spot: the whole value changes hands (shares, coins); forex, future, perpetual: settled by difference"});
    field("initial_margin", &P::initial_margin, {.unit = "x value", .min = 1e-6, .max = 10, .doc = "equity that a position must find to be opened or enlarged"});
    field("maintenance_margin", &P::maintenance_margin, {.unit = "x value", .min = 0, .max = 10, .doc = "equity below which the account is liquidated; absent: half of initial_margin"});
    field("borrow_rate", &P::borrow_rate, {.unit = "1/year", .min = 0, .max = 10, .doc = "spot: cost of a short position; absent: the account's"});
    field("funding_rate", &P::funding_rate, {.min = -0.1, .max = 0.1, .doc = "perpetual: share of the value that longs pay shorts each time; absent: what the data say"});
    field("funding_hours", &P::funding_hours, {.unit = "h", .min = 1.0 / 60, .max = 8760, .doc = "perpetual: time between fundings, counted from midnight UTC of 1970-01-01"});
    field("pip", &P::pip, {.unit = "currency", .min = 1e-9, .max = 1e6, .doc = "forex: what the points of swaps count; absent: 0.01 from a price of 20 on, else 0.0001"});
    field("swap_long", &P::swap_long, {.unit = "pips/night", .min = -1e4, .max = 1e4, .doc = "forex: what a long position earns a night (midnight UTC), three times on Wednesdays, nothing at weekends; below 0: pays"});
    field("swap_short", &P::swap_short, {.unit = "pips/night", .min = -1e4, .max = 1e4, .doc = "the same for a short position"});
    field("rolls", &P::rolls, {.doc = "future: when the series goes over to the next contract"});
    field("roll_every_days", &P::roll_every_days, {.unit = "d", .min = 0, .max = 36500, .doc = "future: a roll at every so many days from 1970-01-01 as well; 0: none"});
    field("roll_cost_ticks", &P::roll_cost_ticks, {.unit = "ticks", .min = 0, .max = 1e6, .doc = "future: how much worse than its price each of a roll's two trades is done; fees come on top"});
    field("group", &P::group, {.doc = "portfolio margin: instruments of one group offset each other; empty: on its own"});
    field("beta", &P::beta, {.min = -100, .max = 100, .doc = "portfolio margin: part of the group's move that this instrument makes"});
  }
};

enum class MarginMode : std::uint8_t { Positions, Portfolio };

struct MarginParams {
  MarginMode mode = MarginMode::Positions;
  std::vector<double> moves{-0.15, -0.12, -0.09, -0.06, -0.03, 0.03, 0.06, 0.09, 0.12, 0.15};
  double offset = 1;
  double initial_ratio = 1.1;
  double liquidation_fee = 0.005;
  double insurance_fund = 0;
  static void fields(auto&& field) {
    using P = MarginParams;
    field("mode", &P::mode, {.doc = "positions: the sum over positions of rate x value; portfolio: the worst loss of the whole over a grid of moves"});
    field("moves", &P::moves, {.min = -1, .max = 10, .doc = "portfolio: moves of each group, as parts of the price"});
    field("offset", &P::offset, {.min = 0, .max = 1, .doc = "portfolio: part of a group's netting that counts; 0: every position on its own, 1: full netting"});
    field("initial_ratio", &P::initial_ratio, {.min = 1, .max = 100, .doc = "portfolio: initial margin as a multiple of the worst loss, which is the maintenance margin"});
    field("liquidation_fee", &P::liquidation_fee, {.unit = "x value", .min = 0, .max = 0.5, .doc = "taken from what is closed by force, for the insurance fund"});
    field("insurance_fund", &P::insurance_fund, {.unit = "currency", .min = 0, .max = 1e12, .doc = "its balance at the start; it pays what a liquidated account owes beyond its equity"});
  }
};

/// One step from a currency towards the account's, by the mark of an instrument.
struct RateLeg {
  InstrumentId instrument = 0;
  bool inverse = false;
  Money tick;               ///< price of one tick
};
struct CurrencyRules {
  std::string name;
  std::vector<RateLeg> legs;  ///< none: the account's own
};

struct Roll {
  Nanos time;
  Ticks old_price, new_price;
  bool priced = false;       ///< old_price and new_price are stated
};

/// ContractParams as integers.
struct ContractRules {
  ContractKind kind = ContractKind::Spot;
  std::uint32_t currency = 0;
  std::uint32_t group = 0;
  std::int64_t initial = 0, maintenance = 0;  ///< 1e-12 of value
  std::int64_t beta = 0;                      ///< 1e-12
  std::int64_t borrow = -1;                   ///< a year, 1e-12; -1: the account's
  std::int64_t funding = 0;                   ///< 1e-9 of value
  Nanos funding_every;                        ///< 0: the data say when
  std::int64_t swap_long = 0, swap_short = 0; ///< 1e-6 ticks a night
  std::vector<Roll> rolls;                    ///< in order of time
  Nanos roll_every;                           ///< 0: never
  Ticks roll_cost;
  [[nodiscard]] bool by_difference() const { return kind != ContractKind::Spot; }
};

struct MarginRules {
  MarginMode mode = MarginMode::Positions;
  std::vector<std::int64_t> moves;            ///< 1e-12
  std::int64_t offset = 0, initial_ratio = 0; ///< 1e-12
  std::int64_t liquidation_fee = 0;           ///< 1e-12
  Money insurance_fund;
  std::uint32_t groups = 0;
};

/// Everything an account agrees. Immutable, shared by simulations and threads.
struct AccountRules {
  std::vector<ContractRules> contracts;    ///< by instrument
  std::vector<CurrencyRules> currencies;   ///< the account's own first
  std::optional<MarginRules> margin;
  bool scheduled = false;                  ///< there are fundings, swaps or rolls that the clock brings
};

/// What a scenario's account says about contracts.
struct AccountAgreement {
  std::string currency = "USD";
  std::map<std::string, ContractParams> contracts;           ///< by instrument; "*": all others
  std::optional<MarginParams> margin;
  std::map<std::string, std::vector<std::string>> rates;     ///< by currency: legs, "EURUSD" or "1/USDJPY"
};
/// Null where nothing is agreed and all instruments are in one currency. `tape` may be null; `where` is the JSON pointer of the account.
/// Throws Error{Scenario} naming what does not fit.
std::shared_ptr<const AccountRules> account_rules(const AccountAgreement& agreement, std::span<const Instrument> instruments,
                                                  const Tape* tape, const std::string& where);

/// money x rate / unit, rounded towards zero. Range: |rate x unit| < 1e37.
[[nodiscard]] constexpr Money scaled(Money money, Money::Integer rate, Money::Integer unit) {
  return {money.value / unit * rate + money.value % unit * rate / unit};
}

}  // namespace walras::engine

template <>
struct walras::EnumNames<walras::engine::ContractKind> {
  static constexpr std::array<std::pair<engine::ContractKind, std::string_view>, 4> names{{{engine::ContractKind::Spot, "spot"},
                                                                                           {engine::ContractKind::Forex, "forex"},
                                                                                           {engine::ContractKind::Future, "future"},
                                                                                           {engine::ContractKind::Perpetual, "perpetual"}}};
};
template <>
struct walras::EnumNames<walras::engine::MarginMode> {
  static constexpr std::array<std::pair<engine::MarginMode, std::string_view>, 2> names{
      {{engine::MarginMode::Positions, "positions"}, {engine::MarginMode::Portfolio, "portfolio"}}};
};
