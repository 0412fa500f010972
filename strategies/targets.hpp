#pragma once
// Targets: what a predictor learns to expect, declared beside the features. Each is a number of the
// rows from `delay` after the decision to `bars` later, and of nothing beyond.
#include "strategies/features.hpp"

#include <optional>

namespace walras::strategies {

enum class TargetKind : std::uint8_t { Return, Direction, TripleBarrier, Volatility, Regime };

struct Target {
  TargetKind kind = TargetKind::Return;
  std::int64_t bars = 0, lookback = 64;
  double threshold = 0, width = 1;
  static void fields(auto&& field) {
    field("kind", &Target::kind,
          {.doc = "return: log return. direction: its sign, 0 within `threshold`. triple_barrier: "
                  "which of two barriers the price reaches first, 1 above, -1 below, 0 neither; they "
                  "lie `width` deviations of a return over `bars` away. volatility: root mean square of one-bar log "
                  "returns. regime: 1 where that exceeds the `lookback`'s before by more than the "
                  "factor exp(threshold), -1 where it falls as far below, else 0"});
    field("bars", &Target::bars,
          {.unit = "bars", .min = 0, .max = 4096, .doc = "ahead of the fill; 0 = the horizon"});
    field("lookback", &Target::lookback,
          {.unit = "bars", .min = 2, .max = 100'000, .doc = "before the decision, from which barriers and regimes know the usual volatility"});
    field("threshold", &Target::threshold,
          {.unit = "log return",
           .min = 0,
           .max = 10,
           .doc = "of directions; of regimes, log of a ratio of volatilities"});
    field("width", &Target::width,
          {.unit = "deviations", .min = 0.01, .max = 100, .doc = "of the barriers"});
  }
  /// Whether a positive number says that the price will rise.
  [[nodiscard]] bool is_signed() const { return kind <= TargetKind::TripleBarrier; }
};

/// The target of a decision after `row`, filled at the close `delay` rows later, `ahead` rows long;
/// row + delay + ahead must exist. Empty where the past that it compares with is too short.
/// Source: triple barriers, Lopez de Prado 2018, ch. 3.
[[nodiscard]] std::optional<float> target_value(const Features& features, const Target& target,
                                                std::size_t row, std::size_t delay, std::size_t ahead,
                                                engine::InstrumentId instrument);

}  // namespace walras::strategies

namespace walras {

template <>
struct EnumNames<strategies::TargetKind> {
  using E = strategies::TargetKind;
  static constexpr std::array<std::pair<E, std::string_view>, 5> names{
      {{E::Return, "return"},
       {E::Direction, "direction"},
       {E::TripleBarrier, "triple_barrier"},
       {E::Volatility, "volatility"},
       {E::Regime, "regime"}}};
};

}  // namespace walras
