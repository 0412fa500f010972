#pragma once
// Ledger: a double-entry book. Every change of money is a transfer between two named accounts of one currency, so that
// the balances of a currency always add up to nothing: what is in cash came from somewhere.
#include "engine/base/archive.hpp"
#include "engine/base/units.hpp"

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace walras::engine {

/// Where money is, and where it came from or went to. The first three are the participant's own; the others are the world's, and a
/// balance below zero there is what the participant has had from it.
enum class LedgerAccount : std::uint8_t {
  Cash,
  Positions,    ///< what open positions cost
  Contracts,    ///< what is owed for positions that are settled by difference (futures, perpetuals, forex)
  Capital, Realised, Fees, Dividends, Borrow, Funding, Swap,
  Liquidation,  ///< fees of forced closing; they go to the insurance fund
  Insurance     ///< losses beyond the account's equity, which the fund bears
};
inline constexpr std::size_t kLedgerAccounts = 12;

/// "cash", "positions", ...
[[nodiscard]] constexpr std::string_view name_of(LedgerAccount account) {
  constexpr std::array<std::string_view, kLedgerAccounts> kNames{"cash",      "positions", "contracts", "capital", "realised",    "fees",
                                                                 "dividends", "borrow",    "funding",   "swap",    "liquidation", "insurance"};
  return kNames[static_cast<std::size_t>(account)];
}

class Ledger {
 public:
  explicit Ledger(std::size_t currencies) : books_(currencies) {}

  /// Range: any amount; below zero it goes the other way.
  void transfer(std::size_t currency, LedgerAccount from, LedgerAccount to, Money amount) {
    at(currency, from) -= amount;
    at(currency, to) += amount;
  }
  [[nodiscard]] Money balance(std::size_t currency, LedgerAccount account) const {
    return books_[currency][static_cast<std::size_t>(account)];
  }
  [[nodiscard]] std::size_t currencies() const { return books_.size(); }
  /// Sum of a currency's balances: always nothing.
  [[nodiscard]] Money sum(std::size_t currency) const {
    Money total;
    for (const Money balance : books_[currency]) total += balance;
    return total;
  }
  void state(Archive& archive) { archive(books_); }

 private:
  using Book = std::array<Money, kLedgerAccounts>;
  Money& at(std::size_t currency, LedgerAccount account) { return books_[currency][static_cast<std::size_t>(account)]; }
  std::vector<Book> books_;  // by currency
};

}  // namespace walras::engine
