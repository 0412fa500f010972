#include "strategies/targets.hpp"

#include <cmath>

namespace walras::strategies {
namespace {

/// Root mean square of the one-row returns in (from, to].
double volatility(const Features& features, std::size_t from, std::size_t to,
                  engine::InstrumentId id) {
  double squares = 0;
  for (std::size_t row = from + 1; row <= to; ++row) {
    const double change = features.log_return(row - 1, row, id);
    squares += change * change;
  }
  return std::sqrt(squares / static_cast<double>(to - from));
}

double first_barrier(const Features& features, double reach, std::size_t from, std::size_t to,
                     engine::InstrumentId id) {
  for (std::size_t row = from + 1; row <= to; ++row) {
    const bool above = features.log_high(from, row, id) >= reach,
               below = features.log_low(from, row, id) <= -reach;
    if (above && below) return features.log_return(from, row, id) >= 0 ? 1 : -1;  // which was first is unknown
    if (above) return 1;
    if (below) return -1;
  }
  return 0;
}

}  // namespace

std::optional<float> target_value(const Features& features, const Target& target, std::size_t row,
                                  std::size_t delay, std::size_t ahead, engine::InstrumentId id) {
  const std::size_t from = row + delay, to = from + ahead;
  const auto lookback = static_cast<std::size_t>(target.lookback);
  const bool compares = target.kind == TargetKind::TripleBarrier || target.kind == TargetKind::Regime;
  if (compares && row < features.first(id) + lookback) return std::nullopt;
  double value = 0;
  switch (target.kind) {
    case TargetKind::Return:
      value = features.log_return(from, to, id);
      break;
    case TargetKind::Direction: {
      const double change = features.log_return(from, to, id);
      value = change > target.threshold ? 1 : change < -target.threshold ? -1 : 0;
      break;
    }
    case TargetKind::TripleBarrier: {
      const double usual = volatility(features, row - lookback, row, id);
      if (usual <= 0) return std::nullopt;
      value = first_barrier(features, target.width * usual * std::sqrt(static_cast<double>(ahead)), from, to, id);
      break;
    }
    case TargetKind::Volatility:
      value = volatility(features, from, to, id);
      break;
    case TargetKind::Regime: {
      const double usual = volatility(features, row - lookback, row, id);
      if (usual <= 0) return std::nullopt;
      const double ratio = volatility(features, from, to, id) / usual, far = std::exp(target.threshold);
      value = ratio > far ? 1 : ratio < 1 / far ? -1 : 0;
    }
  }
  return static_cast<float>(value);
}

}  // namespace walras::strategies
