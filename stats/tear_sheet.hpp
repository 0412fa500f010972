#pragma once
// One strategy's figures, all of them, in a fixed order: what summary.json and the report print.
#include "stats/performance.hpp"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace walras::stats {

struct TearSheetInput {
  ReturnSeries net;  ///< after costs
  const ReturnSeries* benchmark =
      nullptr;  ///< borrowed for the call; none: no metric that needs one
  std::optional<TradingFigures> trading = std::nullopt;
  Conventions conventions;
  Resamples resamples;  ///< replicates 0: no intervals
};
/// metric_list(), then lo_adjusted_sharpe, probabilistic_sharpe, lo_adjusted_sortino, autocorrelation, diagnostics(),
/// leading_zeros, zero_returns, then return_on_exposure and the trading metrics (the minimum track record is the verdict's). Adding a
/// benchmark or trades changes no other figure. Throws Error{Data} as check(ReturnSeries) does.
[[nodiscard]] std::vector<Evidence> tear_sheet(const TearSheetInput& input);

/// The entry of that name. Throws Error{Internal} when absent.
[[nodiscard]] const Evidence& find(const std::vector<Evidence>& evidence, std::string_view name);

/// Means over folds, metric by metric, of what each fold could compute: the in-sample column of a
/// walk-forward. No intervals; `method` says over how many folds. Shape: every fold has the same
/// metrics in the same order.
[[nodiscard]] std::vector<Evidence> average(std::span<const std::vector<Evidence>> folds);

}  // namespace walras::stats
