#pragma once
// The tail beyond the data: a generalised Pareto law fitted to the losses over a threshold.
#include <cstddef>
#include <optional>
#include <span>

namespace walras::stats {

/// Share of the periods that lie beyond the threshold of fit_tail().
inline constexpr double kTailShare = 0.10;

/// Losses y over the threshold u have P(Y > y) = (1 + shape (y - u) / scale)^(-1 / shape).
struct TailFit {
  double threshold = 0;        ///< a loss: positive is a loss
  double shape = 0, scale = 0; ///< xi and beta; scale > 0, -0.5 <= shape
  double share = 0;            ///< of the periods beyond the threshold
  std::size_t exceedances = 0;

  /// Loss that is exceeded with probability `tail`. Range: 0 < tail <= share.
  [[nodiscard]] double value_at_risk(double tail) const;
  /// Mean loss beyond it. Range: shape < 1.
  [[nodiscard]] double expected_shortfall(double tail) const;
};

/// Maximum likelihood for excesses (> 0) alone: shape and scale, the shape at least -0.5 (below it the likelihood has no
/// regular maximum). Shape: at least 2 excesses that are not all zero. Source: Grimshaw1993, the profile likelihood.
struct ParetoFit {
  double shape = 0, scale = 0, log_likelihood = 0;
};
[[nodiscard]] ParetoFit fit_pareto(std::span<const double> excesses);

/// Fits the losses -r beyond their 90 % quantile. Nothing where fewer than 25 lie beyond it, or all at one value.
/// Shape: returns sorted, lowest first. Source: McNeilFrey2000, eqs. 10 to 16.
[[nodiscard]] std::optional<TailFit> fit_tail(std::span<const double> sorted_returns);

}  // namespace walras::stats
