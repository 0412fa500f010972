#include "engine/ledger/account.hpp"

#include "engine/base/error.hpp"
#include "engine/market/splits.hpp"

namespace walras::engine {
namespace {

constexpr Money::Integer kUnit = Money::kPerUnit;

/// amount x part / whole without overflow, rounded towards zero.
Money share(Money amount, Money::Integer part, Money::Integer whole) { return scaled(amount, part, whole); }

}  // namespace

Account::Account(std::span<const Instrument> instruments, Money capital, const AccountRules* rules)
    : holdings_(instruments.size()),
      purses_(rules ? rules->currencies.size() : 1),
      ledger_(purses_.size()),
      rules_(rules) {
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    holdings_[i].tick_value = instruments[i].tick_value();
    if (!rules) continue;
    holdings_[i].currency = rules->contracts[i].currency;
    holdings_[i].by_difference = rules->contracts[i].by_difference();
  }
  book(0, LedgerAccount::Capital, capital);
}

void Account::fill(InstrumentId instrument, Side side, Ticks price, Lots quantity, Money fee,
                   Money slippage) {
  expects(quantity.value > 0, "a fill has a quantity");
  Holding& holding = holdings_[instrument];
  Purse& purse = purses_[holding.currency];
  const Money value = holding.tick_value * price.value * quantity.value;
  const std::int64_t before = holding.position;
  const std::int64_t change = sign(side) * quantity.value;
  const std::int64_t after = before + change;
  book(holding.currency, LedgerAccount::Fees, -fee);
  purse.slippage += slippage;
  purse.turnover += value.value < 0 ? -value : value;

  Money basis = holding.basis;
  if (before == 0 || (before > 0) == (change > 0)) {
    basis += value * sign(side);
  } else if (after == 0 || (after > 0) != (before > 0)) {
    basis = holding.tick_value * price.value * after;
  } else {
    // What stays keeps its average cost; the rounding to 1e-12 stays in the basis, never in cash.
    const Money::Integer units = before < 0 ? -before : before;
    const Money::Integer kept = after < 0 ? -after : after;
    basis = share(basis, kept, units);
  }
  if (holding.mark == 0) mark(instrument, price);  // what is held already is valued anew
  move(holding, after, basis, value * sign(side));
}

void Account::move(Holding& holding, std::int64_t position, Money basis, Money paid) {
  Purse& purse = purses_[holding.currency];
  const Money entered = basis - holding.basis;
  ledger_.transfer(holding.currency, holding.by_difference ? LedgerAccount::Contracts : LedgerAccount::Cash,
                   LedgerAccount::Positions, entered);
  ledger_.transfer(holding.currency, LedgerAccount::Realised, LedgerAccount::Cash, entered - paid);
  purse.settled -= paid;
  const Money worth_before = holding.tick_value * holding.mark * holding.position;
  const Money worth_after = holding.tick_value * holding.mark * position;
  if (holding.position > 0)
    purse.long_value -= worth_before;
  else
    purse.short_value += worth_before;
  if (position > 0)
    purse.long_value += worth_after;
  else
    purse.short_value -= worth_after;
  open_positions_ += (position != 0) - (holding.position != 0);
  holding.position = position;
  holding.basis = basis;
}

Money Account::dividend(InstrumentId instrument, Ticks per_lot) {
  const Holding& holding = holdings_[instrument];
  const Money amount = holding.tick_value * per_lot.value * holding.position;
  book(holding.currency, LedgerAccount::Dividends, amount);
  return amount;
}

Money Account::borrow(std::int64_t days, std::int64_t rate) {
  if (days == 0 || open_positions_ == 0) return {};
  const auto charge = [&](std::size_t currency, Money value, std::int64_t yearly_rate) -> Money {
    if (value.value <= 0 || yearly_rate == 0) return {};
    const Money yearly = scaled(value, yearly_rate, kUnit);
    const Money cost{(yearly.value * days + 182) / 365};
    book(currency, LedgerAccount::Borrow, -cost);
    return converted(cost, currency);
  };
  if (!rules_) return -charge(0, purses_[0].short_value, rate);
  Money total;
  for (std::size_t currency = 0; currency < purses_.size(); ++currency) {
    Money common;
    for (std::size_t i = 0; i < holdings_.size(); ++i) {
      const Holding& holding = holdings_[i];
      if (holding.position >= 0 || holding.by_difference || holding.currency != currency) continue;
      const Money value = -(holding.tick_value * holding.mark * holding.position);
      if (rules_->contracts[i].borrow < 0)
        common += value;
      else
        total += charge(currency, value, rules_->contracts[i].borrow);
    }
    total += charge(currency, common, rate);
  }
  return -total;
}

Money Account::split(InstrumentId instrument, std::int64_t from, std::int64_t to) {
  Holding& holding = holdings_[instrument];
  const Money::Integer units = Money::Integer{holding.position} * to;
  const auto whole = static_cast<std::int64_t>(units / from);
  const Money::Integer rest = units % from;  // of a lot, in 1/from
  const Money worth = holding.tick_value * holding.mark * holding.position;
  // Half a tick at most is lost or won in the mark until the next price.
  const std::int64_t mark = split_price({holding.mark}, from, to).value;
  Money paid_out;
  if (holding.position != 0) {
    paid_out = share(worth, rest, units);
    const Money kept = share(holding.basis, units - rest, units);
    Purse& purse = purses_[holding.currency];
    move(holding, whole, kept, -paid_out);
    // The lots were valued at the old mark.
    const Money wrong = holding.tick_value * holding.mark * whole, right = holding.tick_value * mark * whole;
    if (whole > 0)
      purse.long_value += right - wrong;
    else
      purse.short_value -= right - wrong;
  }
  holding.mark = mark;
  return paid_out;
}

Money Account::funding(InstrumentId instrument, std::int64_t rate) {
  const Holding& holding = holdings_[instrument];
  const Money amount = -scaled(holding.tick_value * holding.mark * holding.position, rate, 1'000'000'000);
  book(holding.currency, LedgerAccount::Funding, amount);
  return amount;
}

Money Account::swap(InstrumentId instrument, std::int64_t nights) {
  const Holding& holding = holdings_[instrument];
  if (!rules_ || holding.position == 0) return {};
  const ContractRules& contract = rules_->contracts[instrument];
  const std::int64_t held = holding.position < 0 ? -holding.position : holding.position;
  const Money amount = scaled(holding.tick_value * held, Money::Integer{holding.position > 0 ? contract.swap_long : contract.swap_short} * nights, 1'000'000);
  book(holding.currency, LedgerAccount::Swap, amount);
  return amount;
}

Money Account::liquidation_fee(InstrumentId instrument, Ticks price, Lots quantity, std::int64_t rate) {
  const Holding& holding = holdings_[instrument];
  const Money value = holding.tick_value * price.value * quantity.value;
  const Money fee = scaled(value.value < 0 ? -value : value, rate, kUnit);
  book(holding.currency, LedgerAccount::Liquidation, -fee);
  return -fee;
}

Money Account::through_rates(Money amount, std::size_t currency) const {
  for (const RateLeg& leg : rules_->currencies[currency].legs) {
    const Money price = leg.tick * holdings_[leg.instrument].mark;
    if (price.value <= 0) return {};
    amount = leg.inverse ? scaled(amount, kUnit, price.value) : scaled(amount, price.value, kUnit);
  }
  return amount;
}

bool Account::convertible(InstrumentId instrument) const {
  if (holdings_[instrument].currency == 0) return true;
  for (const RateLeg& leg : rules_->currencies[holdings_[instrument].currency].legs) {
    if (holdings_[leg.instrument].mark <= 0) return false;
  }
  return true;
}

Money Account::balance(LedgerAccount account) const {
  Money total = ledger_.balance(0, account);
  for (std::size_t i = 1; i < purses_.size(); ++i) total += converted(ledger_.balance(i, account), i);
  return total;
}

double Account::average_cost(InstrumentId instrument) const {
  const Holding& holding = holdings_[instrument];
  if (holding.position == 0) return 0;
  return static_cast<double>(holding.basis.value) /
         (static_cast<double>(holding.tick_value.value) * static_cast<double>(holding.position));
}

}  // namespace walras::engine
