#include "engine/ledger/margin.hpp"

#include "engine/base/error.hpp"

#include <algorithm>

namespace walras::engine {
namespace {

constexpr Money::Integer kUnit = Money::kPerUnit;

Money size_of(Money value) { return value.value < 0 ? -value : value; }
Money part_of(Money value, std::int64_t rate) { return scaled(value, rate, kUnit); }

/// How a position of this value changes when its group moves.
Money change(Money value, std::int64_t beta, std::int64_t move) { return part_of(part_of(value, beta), move); }

}  // namespace

MarginModel::MarginModel(const AccountRules& rules) : rules_(rules) {
  expects(rules.margin.has_value(), "a margin model has margin rules");
  if (rules.margin->mode == MarginMode::Portfolio) losses_.resize(rules.margin->moves.size() * rules.margin->groups);
}

Money MarginModel::maintenance(std::span<const Money> values) {
  if (rules_.margin->mode == MarginMode::Portfolio) return worst_loss(values);
  Money total;
  for (std::size_t i = 0; i < values.size(); ++i) total += part_of(size_of(values[i]), rules_.contracts[i].maintenance);
  return total;
}

Money MarginModel::initial(std::span<const Money> values) {
  if (rules_.margin->mode == MarginMode::Portfolio) return part_of(worst_loss(values), rules_.margin->initial_ratio);
  Money total;
  for (std::size_t i = 0; i < values.size(); ++i) total += part_of(size_of(values[i]), rules_.contracts[i].initial);
  return total;
}

Money MarginModel::worst_loss(std::span<const Money> values) {
  const MarginRules& margin = *rules_.margin;
  const std::size_t moves = margin.moves.size();
  std::fill(losses_.begin(), losses_.end(), Money{});
  Money alone;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i].value == 0) continue;
    const ContractRules& contract = rules_.contracts[i];
    Money worst;
    for (std::size_t m = 0; m < moves; ++m) {
      const Money loss = -change(values[i], contract.beta, margin.moves[m]);
      losses_[contract.group * moves + m] += loss;
      worst = std::max(worst, loss);
    }
    alone += worst;
  }
  Money together;
  for (std::size_t group = 0; group < margin.groups; ++group) {
    const auto first = losses_.begin() + static_cast<std::ptrdiff_t>(group * moves);
    together += std::max(Money{}, *std::max_element(first, first + static_cast<std::ptrdiff_t>(moves)));
  }
  return part_of(together, margin.offset) + part_of(alone, Money::kPerUnit - margin.offset);
}

}  // namespace walras::engine
