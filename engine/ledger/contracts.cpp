#include "engine/ledger/contracts.hpp"

#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/tape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace walras::engine {
namespace {

constexpr double kUnit = 1e12;

std::int64_t rate(double value, double unit = kUnit) { return std::llround(value * unit); }

std::string names_of(std::span<const Instrument> instruments) {
  std::string text;
  for (const Instrument& instrument : instruments) text += (text.empty() ? "" : ", ") + instrument.name;
  return text;
}

/// What belongs to another kind of contract, or changes nothing, is a mistake and not a wish.
void check_kind(const ContractParams& contract, const std::string& where) {
  const auto only = [&](bool given, const char* key, ContractKind kind, const char* name) {
    if (!given || contract.kind == kind) return;
    fail(Fault::Scenario, where + "/" + key, fmt::format("expected none but of a contract of kind {}, was given one; remove it or change the kind", name));
  };
  only(contract.borrow_rate.has_value(), "borrow_rate", ContractKind::Spot, "spot");
  only(contract.funding_rate.has_value(), "funding_rate", ContractKind::Perpetual, "perpetual");
  only(contract.swap_long != 0, "swap_long", ContractKind::Forex, "forex");
  only(contract.swap_short != 0, "swap_short", ContractKind::Forex, "forex");
  only(contract.pip.has_value(), "pip", ContractKind::Forex, "forex");
  only(!contract.rolls.empty(), "rolls", ContractKind::Future, "future");
  only(contract.roll_every_days > 0, "roll_every_days", ContractKind::Future, "future");
  const ContractParams usual;
  only(contract.funding_hours != usual.funding_hours, "funding_hours", ContractKind::Perpetual, "perpetual");
  only(contract.roll_cost_ticks != usual.roll_cost_ticks, "roll_cost_ticks", ContractKind::Future, "future");
  const auto beside = [&](bool given, const char* key, bool has, const char* what) {
    if (given && !has) fail(Fault::Scenario, where + "/" + key, fmt::format("expected {} beside it, found none: it would change nothing; remove it or give one", what));
  };
  beside(contract.funding_hours != usual.funding_hours, "funding_hours", contract.funding_rate.has_value(), "a funding_rate");
  beside(contract.pip.has_value(), "pip", contract.swap_long != 0 || contract.swap_short != 0, "swap_long or swap_short");
  beside(contract.roll_cost_ticks != usual.roll_cost_ticks, "roll_cost_ticks", !contract.rolls.empty() || contract.roll_every_days > 0, "rolls or roll_every_days");
  if (contract.maintenance_margin && *contract.maintenance_margin > contract.initial_margin) {
    fail(Fault::Scenario, where + "/maintenance_margin",
         fmt::format("expected at most the initial margin of {}, was {}", contract.initial_margin, *contract.maintenance_margin));
  }
}

/// The margin of a contract counts where the account's margin asks for it.
void check_margin_terms(const ContractParams& contract, const std::optional<MarginParams>& margin, const std::string& where) {
  const ContractParams usual;
  const auto only = [&](bool given, const char* key, MarginMode mode, const char* name) {
    if (!given || (margin && margin->mode == mode)) return;
    fail(Fault::Scenario, where + "/" + key,
         fmt::format("expected none but with margin of mode {}, was given one{}: it would change nothing; remove it or {}", name,
                     margin ? " in another mode" : " without margin", margin ? "change the mode" : "give the account \"margin\""));
  };
  only(contract.initial_margin != usual.initial_margin, "initial_margin", MarginMode::Positions, "positions");
  only(contract.maintenance_margin.has_value(), "maintenance_margin", MarginMode::Positions, "positions");
  only(!contract.group.empty(), "group", MarginMode::Portfolio, "portfolio");
  only(contract.beta != usual.beta, "beta", MarginMode::Portfolio, "portfolio");
}

std::vector<Roll> rolls_of(const ContractParams& contract, const Instrument& instrument, const std::string& where) {
  std::vector<Roll> rolls;
  for (std::size_t i = 0; i < contract.rolls.size(); ++i) {
    const RollParams& roll = contract.rolls[i];
    const std::string place = fmt::format("{}/rolls/{}", where, i);
    const auto stamp = parse_stamp(roll.date);
    if (!stamp) fail(Fault::Scenario, place + "/date", fmt::format("expected a date of the years 1800 to 2261 such as 2015-03-20, was {}", roll.date));
    if (roll.new_price && !roll.old_price) fail(Fault::Scenario, place + "/old_price", "expected a price beside new_price, found none");
    Roll one;
    one.time = start_of_day(day_of(stamp->time));
    one.priced = roll.old_price.has_value();
    if (one.priced) {
      one.old_price = instrument.ticks(*roll.old_price);
      one.new_price = instrument.ticks(roll.new_price.value_or(*roll.old_price));
      const std::int64_t lowest = std::min(one.old_price, one.new_price).value;
      if (!instrument.negative_prices && lowest <= 0)
        fail(Fault::Scenario, place, fmt::format("expected prices above 0, was {} and {} ticks", one.old_price.value, one.new_price.value));
      if (!instrument.negative_prices && lowest <= contract.roll_cost_ticks)
        fail(Fault::Scenario, where + "/roll_cost_ticks",
             fmt::format("expected less than the prices of the roll of {}, the lower of which is {} ticks, was {}; a cost is in ticks of {} {}", roll.date,
                         lowest, contract.roll_cost_ticks, instrument.tick_size, instrument.currency));
    }
    if (!rolls.empty() && one.time <= rolls.back().time) fail(Fault::Scenario, place + "/date", fmt::format("expected a day after {}, was {}", format_date(rolls.back().time), roll.date));
    rolls.push_back(one);
  }
  return rolls;
}

/// The price at hand for a guess of the pip: the first on the tape.
double typical_price(const Tape* tape, InstrumentId id) {
  if (!tape) return 1;
  for (const Event& event : tape->events) {
    if (event.instrument == id && event.price.value > 0 && event.kind <= EventKind::Trade) return tape->instruments[id].price(event.price);
  }
  return 1;
}

class Currencies {
 public:
  Currencies(const AccountAgreement& agreement, std::span<const Instrument> instruments, const std::string& where)
      : agreement_(agreement), instruments_(instruments), where_(where) {
    const auto foreign = std::ranges::find_if(instruments, [&](const Instrument& i) { return i.currency != agreement.currency; });
    const bool others = std::ranges::any_of(instruments, [&](const Instrument& i) { return foreign != instruments.end() && i.currency != foreign->currency; });
    if (agreement.rates.empty() && foreign != instruments.end() && !others) {
      fail(Fault::Scenario, where + "/currency",
           fmt::format("expected {0}, the currency of all instruments, was {1}; set it to {0}, or give \"rates\" that lead from {0} to {1}", foreign->currency, agreement.currency));
    }
    one_ = agreement.rates.empty() && foreign == instruments.end();
    list_.push_back({agreement.currency, {}});
    for (const auto& [currency, legs] : agreement.rates) list_.push_back({currency, legs_of(currency, legs)});
  }
  [[nodiscard]] bool one() const { return one_; }
  [[nodiscard]] std::uint32_t of(const Instrument& instrument) const {
    if (one_ || instrument.currency == agreement_.currency) return 0;
    for (std::size_t i = 1; i < list_.size(); ++i) {
      if (list_[i].name == instrument.currency) return static_cast<std::uint32_t>(i);
    }
    fail(Fault::Scenario, where_ + "/rates",
         fmt::format("expected how {} ({}) is converted to {}, found nothing; give \"rates\": {{\"{}\": [\"NAME\"]}} with an instrument whose price is {} per {}, or \"1/NAME\"",
                     instrument.currency, instrument.name, agreement_.currency, instrument.currency, agreement_.currency, instrument.currency));
  }
  std::vector<CurrencyRules> take() && { return std::move(list_); }

 private:
  /// The EUR of EURUSD or EUR/USD, priced in USD; empty where the name is no such pair.
  static std::string priced_in(const std::string& name, const std::string& currency) {
    if (currency.empty() || !name.ends_with(currency)) return {};
    std::string base = name.substr(0, name.size() - currency.size());
    if (base.size() > 1 && std::string_view("/-_.").find(base.back()) != std::string_view::npos) base.pop_back();
    return base.size() == 3 ? base : std::string();
  }
  std::vector<RateLeg> legs_of(const std::string& currency, const std::vector<std::string>& texts) const {
    const std::string where = where_ + "/rates/" + escape_pointer(currency);
    if (currency == agreement_.currency) fail(Fault::Scenario, where, "expected other currencies than the account's own, was it");
    if (texts.empty()) fail(Fault::Scenario, where, "expected at least one instrument, was an empty list");
    std::vector<RateLeg> legs;
    std::string now = currency;  // empty: not known
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const bool inverse = texts[i].starts_with("1/");
      const std::string name = inverse ? texts[i].substr(2) : texts[i];
      const auto found = std::find_if(instruments_.begin(), instruments_.end(), [&](const Instrument& one) { return one.name == name; });
      const std::string place = fmt::format("{}/{}", where, i);
      if (found == instruments_.end()) fail(Fault::Scenario, place, fmt::format("expected one of {}, or 1/ before it, was {}", names_of(instruments_), texts[i]));
      const bool again = std::any_of(legs.begin(), legs.end(), [&](const RateLeg& leg) { return leg.instrument == static_cast<InstrumentId>(found - instruments_.begin()); });
      if (again) fail(Fault::Scenario, place, fmt::format("expected each instrument once, was {} again: there and back is no conversion", name));
      // A direct price is so much of the instrument's own currency; its inverse leads away from there. What it is the price
      // of only a name such as EURUSD tells.
      const std::string priced = priced_in(name, found->currency);
      if (!inverse && !now.empty() && !priced.empty() && priced != now)
        fail(Fault::Scenario, place, fmt::format("expected an instrument that prices {}, was {}, which prices {}", now, name, priced));
      if (inverse && !now.empty() && found->currency != now) fail(Fault::Scenario, place, fmt::format("expected an instrument priced in {}, was {} in {}", now, name, found->currency));
      now = inverse ? priced : found->currency;
      legs.push_back({static_cast<InstrumentId>(found - instruments_.begin()), inverse, Money::from_units(found->tick_size)});
    }
    if (!now.empty() && now != agreement_.currency) fail(Fault::Scenario, where, fmt::format("expected legs that lead to {}, were to {}; add one", agreement_.currency, now));
    return legs;
  }

  const AccountAgreement& agreement_;
  std::span<const Instrument> instruments_;
  std::string where_;
  bool one_;
  std::vector<CurrencyRules> list_;
};

MarginRules margin_rules(const MarginParams& params, const std::string& where) {
  const MarginParams usual;
  const auto portfolio = [&](bool given, const char* key) {
    if (given && params.mode != MarginMode::Portfolio)
      fail(Fault::Scenario, where + "/" + key, "expected none in mode positions, was given one: it would change nothing; remove it or use mode portfolio");
  };
  portfolio(params.moves != usual.moves, "moves");
  portfolio(params.offset != usual.offset, "offset");
  portfolio(params.initial_ratio != usual.initial_ratio, "initial_ratio");
  MarginRules rules;
  rules.mode = params.mode;
  if (params.mode == MarginMode::Portfolio && params.moves.empty()) fail(Fault::Scenario, where + "/moves", "expected at least one move, was an empty list");
  const auto [lowest, highest] = std::minmax_element(params.moves.begin(), params.moves.end());
  if (params.mode == MarginMode::Portfolio && (rate(*lowest) >= 0 || rate(*highest) <= 0))
    fail(Fault::Scenario, where + "/moves", fmt::format("expected moves below and above 0, or one side would need no margin, was {} to {}", *lowest, *highest));
  for (const double move : params.moves) rules.moves.push_back(rate(move));
  rules.offset = rate(params.offset);
  rules.initial_ratio = rate(params.initial_ratio);
  rules.liquidation_fee = rate(params.liquidation_fee);
  rules.insurance_fund = Money::from_units(params.insurance_fund);
  return rules;
}

void check_funding(const Tape* tape, std::span<const Instrument> instruments, const std::vector<ContractRules>& contracts, const std::string& where) {
  if (!tape) return;
  for (const Event& event : tape->events) {
    if (event.kind != EventKind::Funding || contracts[event.instrument].funding_every.value == 0) continue;
    fail(Fault::Scenario, fmt::format("{}/{}/funding_rate", where, escape_pointer(instruments[event.instrument].name)),
         "expected none beside fundings in the data, was given one; remove it");
  }
}

}  // namespace

std::shared_ptr<const AccountRules> account_rules(const AccountAgreement& agreement, std::span<const Instrument> instruments,
                                                  const Tape* tape, const std::string& where) {
  const std::string contracts_at = where + "/contracts";
  for (const auto& [name, contract] : agreement.contracts) {
    check_kind(contract, contracts_at + "/" + escape_pointer(name));
    check_margin_terms(contract, agreement.margin, contracts_at + "/" + escape_pointer(name));
    const bool known = name == "*" || std::any_of(instruments.begin(), instruments.end(), [&](const Instrument& one) { return one.name == name; });
    if (!known) fail(Fault::Scenario, contracts_at + "/" + escape_pointer(name), fmt::format("expected * or one of {}, was {}", names_of(instruments), name));
  }
  Currencies currencies(agreement, instruments, where);
  if (currencies.one() && agreement.contracts.empty() && !agreement.margin) return nullptr;

  auto rules = std::make_shared<AccountRules>();
  if (agreement.margin) rules->margin = margin_rules(*agreement.margin, where + "/margin");
  std::map<std::string, std::uint32_t> groups;
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const Instrument& instrument = instruments[i];
    auto found = agreement.contracts.find(instrument.name);
    if (found == agreement.contracts.end()) found = agreement.contracts.find("*");
    const ContractParams contract = found == agreement.contracts.end() ? ContractParams{} : found->second;
    const std::string place = contracts_at + "/" + (found == agreement.contracts.end() ? "*" : escape_pointer(found->first));
    ContractRules one;
    one.kind = contract.kind;
    one.currency = currencies.of(instrument);
    one.initial = rate(contract.initial_margin);
    one.maintenance = contract.maintenance_margin ? rate(*contract.maintenance_margin) : one.initial / 2;
    one.beta = rate(contract.beta);
    if (contract.borrow_rate) one.borrow = rate(*contract.borrow_rate);
    if (contract.funding_rate) {
      one.funding = rate(*contract.funding_rate, 1e9);
      one.funding_every = {std::llround(contract.funding_hours * 3600e9)};
    }
    if (contract.kind == ContractKind::Forex) {
      const double pip = contract.pip.value_or(typical_price(tape, static_cast<InstrumentId>(i)) >= 20 ? 0.01 : 0.0001);
      one.swap_long = rate(contract.swap_long * pip / instrument.tick_size, 1e6);
      one.swap_short = rate(contract.swap_short * pip / instrument.tick_size, 1e6);
    }
    one.rolls = rolls_of(contract, instrument, place);
    one.roll_every = {contract.roll_every_days * kNanosPerDay};
    one.roll_cost = {contract.roll_cost_ticks};
    const std::string group = contract.group.empty() ? "\n" + instrument.name : contract.group;
    one.group = groups.try_emplace(group, static_cast<std::uint32_t>(groups.size())).first->second;
    rules->scheduled |= one.funding != 0 || one.swap_long != 0 || one.swap_short != 0 || !one.rolls.empty() || one.roll_every.value > 0;
    rules->contracts.push_back(std::move(one));
  }
  check_funding(tape, instruments, rules->contracts, contracts_at);
  if (rules->margin) rules->margin->groups = static_cast<std::uint32_t>(groups.size());
  rules->currencies = std::move(currencies).take();
  return rules;
}

}  // namespace walras::engine
