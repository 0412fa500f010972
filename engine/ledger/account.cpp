#include "engine/ledger/account.hpp"

#include "engine/base/error.hpp"

#include <cstdlib>

namespace walras::engine {

Account::Account(std::span<const Instrument> instruments, Money capital) {
  holdings_.resize(instruments.size());
  for (std::size_t i = 0; i < instruments.size(); ++i)
    holdings_[i].tick_value = instruments[i].tick_value();
  book(Entry::Deposit, capital);
}

void Account::fill(InstrumentId instrument, Side side, Ticks price, Lots quantity, Money fee,
                   Money slippage) {
  expects(quantity.value > 0, "a fill has a quantity");
  Holding& holding = holdings_[instrument];
  const Money value = holding.tick_value * price.value * quantity.value;
  const std::int64_t before = holding.position;
  const std::int64_t change = sign(side) * quantity.value;
  const std::int64_t after = before + change;
  book(Entry::Trade, value * -sign(side));
  book(Entry::Fee, -fee);
  slippage_ += slippage;
  turnover_ += value.value < 0 ? -value : value;

  if (before == 0 || (before > 0) == (change > 0)) {
    holding.basis += value * sign(side);
  } else if (after == 0 || (after > 0) != (before > 0)) {
    holding.basis = holding.tick_value * price.value * after;
  } else {
    // What stays keeps its average cost; the rounding to 1e-12 stays in the basis, never in cash.
    const Money::Integer units = before < 0 ? -before : before;
    const Money::Integer kept = after < 0 ? -after : after;
    holding.basis = {holding.basis.value / units * kept +
                     holding.basis.value % units * kept / units};
  }

  const Money worth_before = holding.tick_value * holding.mark * before;
  if (holding.mark == 0) holding.mark = price.value;
  const Money worth_after = holding.tick_value * holding.mark * after;
  if (before > 0)
    long_ -= worth_before;
  else
    short_ += worth_before;
  if (after > 0)
    long_ += worth_after;
  else
    short_ -= worth_after;
  holding.position = after;
}

void Account::dividend(InstrumentId instrument, Ticks per_lot) {
  const Holding& holding = holdings_[instrument];
  if (holding.position != 0)
    book(Entry::Dividend, holding.tick_value * per_lot.value * holding.position);
}

void Account::borrow(std::int64_t days, std::int64_t rate) {
  if (short_.value <= 0 || rate == 0 || days == 0) return;
  constexpr Money::Integer kUnit = 1'000'000'000'000;
  const Money::Integer yearly = short_.value / kUnit * rate + short_.value % kUnit * rate / kUnit;
  book(Entry::Borrow, {-((yearly * days + 182) / 365)});
}

double Account::average_cost(InstrumentId instrument) const {
  const Holding& holding = holdings_[instrument];
  if (holding.position == 0) return 0;
  return static_cast<double>(holding.basis.value) /
         (static_cast<double>(holding.tick_value.value) * static_cast<double>(holding.position));
}

}  // namespace walras::engine
