#pragma once
// Account: one participant's money and positions, in exact integers. Every change of money is a transfer in a double-entry
// ledger. Values of positions are kept up to date change by change, so that equity costs nothing to ask. Money in other
// currencies stays there, and is converted by the marks of the instruments that the rules name whenever a sum is asked for.
#include "engine/ledger/contracts.hpp"
#include "engine/ledger/ledger.hpp"
#include "engine/market/types.hpp"

#include <span>
#include <vector>

namespace walras::engine {

class Account {
 public:
  /// `rules`: borrowed; null: everything is spot, in one currency.
  /// Throws Error{Data} where an instrument's tick is worth no exact amount of money.
  Account(std::span<const Instrument> instruments, Money capital, const AccountRules* rules = nullptr);

  /// Values an instrument's position at `price` from now on.
  void mark(InstrumentId instrument, Ticks price) {
    Holding& holding = holdings_[instrument];
    if (holding.position != 0) {
      const Money change = holding.tick_value * (price.value - holding.mark) * holding.position;
      Purse& purse = purses_[holding.currency];
      if (holding.position > 0)
        purse.long_value += change;
      else
        purse.short_value -= change;
    }
    holding.mark = price.value;
  }
  /// Books a fill: money, position, average cost, and the fee (> 0 costs), in the instrument's currency. `slippage` is
  /// remembered as a cost; it is already in the price.
  void fill(InstrumentId instrument, Side side, Ticks price, Lots quantity, Money fee,
            Money slippage);
  /// Pays an amount of ticks per lot on the position held; shorts pay it. Returns what cash gained.
  Money dividend(InstrumentId instrument, Ticks per_lot);
  /// Charges `days` of borrowing on the value of short spot positions. `rate`: a year of 365 days, in
  /// units of 1e-12, where the contract has none of its own. Range: days >= 0, rate >= 0. Returns what cash gained, in the account's currency.
  Money borrow(std::int64_t days, std::int64_t rate);
  /// Each `from` lots become `to`; the part of a lot that is left is paid out at the mark, which becomes that of the new
  /// lots. Range: from, to > 0. Returns what cash gained.
  Money split(InstrumentId instrument, std::int64_t from, std::int64_t to);
  /// Longs pay shorts `rate` x 1e-9 of the value of the position. Returns what cash gained.
  Money funding(InstrumentId instrument, std::int64_t rate);
  /// Pays `nights` of swap by the contract's points. Returns what cash gained.
  Money swap(InstrumentId instrument, std::int64_t nights);
  /// Takes the fee on what was closed by force, `rate` x 1e-12 of its value. Returns what cash gained.
  Money liquidation_fee(InstrumentId instrument, Ticks price, Lots quantity, std::int64_t rate);
  /// The insurance fund pays `amount` of the account's currency.
  void insure(Money amount) { book(0, LedgerAccount::Insurance, amount); }

  /// Cash of all currencies, in the account's.
  [[nodiscard]] Money cash() const { return balance(LedgerAccount::Cash); }
  [[nodiscard]] Money long_value() const { return sum(&Purse::long_value); }
  [[nodiscard]] Money short_value() const { return sum(&Purse::short_value); }  ///< > 0 where there are shorts
  [[nodiscard]] Money equity() const {
    Money total = net(purses_[0]);
    for (std::size_t i = 1; i < purses_.size(); ++i) total += converted(net(purses_[i]), i);
    return total;
  }
  [[nodiscard]] Lots position(InstrumentId instrument) const {
    return {holdings_[instrument].position};
  }
  [[nodiscard]] Ticks mark_of(InstrumentId instrument) const { return {holdings_[instrument].mark}; }
  [[nodiscard]] Money tick_value(InstrumentId instrument) const {
    return holdings_[instrument].tick_value;
  }
  /// Of `lots` at `price`, signed, in the account's currency.
  [[nodiscard]] Money value(InstrumentId instrument, Ticks price, std::int64_t lots) const {
    const Holding& holding = holdings_[instrument];
    return converted(holding.tick_value * price.value * lots, holding.currency);
  }
  /// In the account's currency, of one unit of the instrument's.
  [[nodiscard]] double exchange_rate(InstrumentId instrument) const {
    const std::uint32_t currency = holdings_[instrument].currency;
    return currency == 0 ? 1 : through_rates({Money::kPerUnit}, currency).units();
  }
  /// Whether every leg to the account's currency has a mark.
  [[nodiscard]] bool convertible(InstrumentId instrument) const;
  [[nodiscard]] bool flat() const { return open_positions_ == 0; }
  /// Mean price paid (or received) for the open position, in ticks; 0 when flat.
  [[nodiscard]] double average_cost(InstrumentId instrument) const;
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// A balance of all currencies, in the account's.
  [[nodiscard]] Money balance(LedgerAccount account) const;
  /// What cash has had from one of the world's accounts so far: fees and borrow are negative.
  [[nodiscard]] Money received(LedgerAccount account) const { return -balance(account); }
  [[nodiscard]] Money slippage() const { return sum(&Purse::slippage); }
  [[nodiscard]] Money turnover() const { return sum(&Purse::turnover); }  ///< sum of |price| x quantity of all fills
  /// Fees (also of liquidations), slippage and borrowing so far.
  [[nodiscard]] Money costs() const {
    return slippage() - received(LedgerAccount::Fees) - received(LedgerAccount::Borrow) - received(LedgerAccount::Liquidation);
  }
  void state(Archive& archive) { archive(holdings_, purses_, ledger_, open_positions_); }

 private:
  struct Holding {
    Money tick_value;
    Money basis;  // paid for the open position; negative when short
    std::int64_t position = 0;
    std::int64_t mark = 0;
    std::uint32_t currency = 0;
    bool by_difference = false;
  };
  /// One currency: `settled` is cash less what is owed for contracts.
  struct Purse {
    Money settled, long_value, short_value, slippage, turnover;
  };
  static Money net(const Purse& purse) { return purse.settled + purse.long_value - purse.short_value; }
  [[nodiscard]] Money sum(Money Purse::*member) const {
    Money total = purses_[0].*member;
    for (std::size_t i = 1; i < purses_.size(); ++i) total += converted(purses_[i].*member, i);
    return total;
  }
  [[nodiscard]] Money converted(Money amount, std::size_t currency) const {
    return currency == 0 ? amount : through_rates(amount, currency);
  }
  [[nodiscard]] Money through_rates(Money amount, std::size_t currency) const;
  void book(std::size_t currency, LedgerAccount from, Money amount) {
    ledger_.transfer(currency, from, LedgerAccount::Cash, amount);
    purses_[currency].settled += amount;
  }
  /// A new position with its basis, `paid` for the change (negative: received).
  void move(Holding& holding, std::int64_t position, Money basis, Money paid);

  std::vector<Holding> holdings_;
  std::vector<Purse> purses_;  // by currency, the account's own first
  Ledger ledger_;
  const AccountRules* rules_;
  std::int64_t open_positions_ = 0;
};

}  // namespace walras::engine
