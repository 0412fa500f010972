#pragma once
// Account: one participant's cash and positions, in exact integers. Every change of cash is one of
// the entry kinds below, and cash is always their sum. Values of positions are kept up to date
// change by change, so that equity costs nothing to ask.
#include "engine/market/types.hpp"

#include <array>
#include <span>
#include <vector>

namespace walras::engine {

class Account {
 public:
  /// Why cash changed. Signed as cash sees it: fees and borrow are negative.
  enum class Entry : std::uint8_t { Deposit, Trade, Fee, Dividend, Borrow };
  static constexpr std::size_t kEntries = 5;

  /// Throws Error{Data} where an instrument's tick is worth no exact amount of money.
  Account(std::span<const Instrument> instruments, Money capital);

  /// Values an instrument's position at `price` from now on.
  void mark(InstrumentId instrument, Ticks price) {
    Holding& holding = holdings_[instrument];
    if (holding.position != 0) {
      const Money change = holding.tick_value * (price.value - holding.mark) * holding.position;
      if (holding.position > 0)
        long_ += change;
      else
        short_ -= change;
    }
    holding.mark = price.value;
  }
  /// Books a fill: cash, position, average cost, and the fee (> 0 costs). `slippage` is remembered
  /// as a cost; it is already in the price.
  void fill(InstrumentId instrument, Side side, Ticks price, Lots quantity, Money fee,
            Money slippage);
  /// Pays an amount of ticks per lot on the position held; shorts pay it.
  void dividend(InstrumentId instrument, Ticks per_lot);
  /// Charges `days` of borrowing on the value of short positions. `rate`: a year of 365 days, in
  /// units of 1e-12. Range: days >= 0, rate >= 0.
  void borrow(std::int64_t days, std::int64_t rate);

  [[nodiscard]] Money cash() const { return cash_; }
  [[nodiscard]] Money long_value() const { return long_; }
  [[nodiscard]] Money short_value() const { return short_; }  ///< > 0 where there are shorts
  [[nodiscard]] Money equity() const { return cash_ + long_ - short_; }
  [[nodiscard]] Lots position(InstrumentId instrument) const {
    return {holdings_[instrument].position};
  }
  [[nodiscard]] Money tick_value(InstrumentId instrument) const {
    return holdings_[instrument].tick_value;
  }
  /// Mean price paid (or received) for the open position, in ticks; 0 when flat.
  [[nodiscard]] double average_cost(InstrumentId instrument) const;
  [[nodiscard]] Money entries(Entry entry) const {
    return entries_[static_cast<std::size_t>(entry)];
  }
  [[nodiscard]] Money slippage() const { return slippage_; }
  [[nodiscard]] Money turnover() const {
    return turnover_;
  }  ///< sum of |price| x quantity of all fills
  /// Fees, slippage and borrowing so far.
  [[nodiscard]] Money costs() const {
    return slippage_ - entries(Entry::Fee) - entries(Entry::Borrow);
  }
  void state(auto& archive) { archive(holdings_, entries_, cash_, long_, short_, slippage_, turnover_); }

 private:
  struct Holding {
    Money tick_value;
    Money basis;  // paid for the open position; negative when short
    std::int64_t position = 0;
    std::int64_t mark = 0;
  };
  void book(Entry entry, Money amount) {
    entries_[static_cast<std::size_t>(entry)] += amount;
    cash_ += amount;
  }

  std::vector<Holding> holdings_;
  std::array<Money, kEntries> entries_{};
  Money cash_, long_, short_, slippage_, turnover_;
};

}  // namespace walras::engine
