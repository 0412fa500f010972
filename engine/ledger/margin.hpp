#pragma once
// MarginModel: what equity a set of positions must find. Two rules, both over signed values in the account's currency:
// - positions: the sum of rate x |value|, with an initial and a maintenance rate for each contract;
// - portfolio: each group of instruments is moved by every move of a grid, and an instrument by its beta of it. The maintenance
//   margin is the sum over groups of   offset x max(0, worst loss of the group) + (1 - offset) x sum of each one's worst loss,
//   and the initial margin a stated multiple of it. An instrument whose value is no line in the price (an option) would
//   enter where `change` is.
#include "engine/ledger/contracts.hpp"

#include <span>
#include <vector>

namespace walras::engine {

class MarginModel {
 public:
  /// `rules`: with margin; borrowed.
  explicit MarginModel(const AccountRules& rules);
  /// Shape: a value for each instrument.
  [[nodiscard]] Money maintenance(std::span<const Money> values);
  [[nodiscard]] Money initial(std::span<const Money> values);

 private:
  [[nodiscard]] Money worst_loss(std::span<const Money> values);
  const AccountRules& rules_;
  std::vector<Money> losses_;  // of a group, by move; group after group
};

}  // namespace walras::engine
