#pragma once
// Internal to reports: the charts of the significance chapter.
#include "reports/charts.hpp"
#include "reports/report.hpp"

namespace walras::reports {

/// Logits of the rank that the trial chosen in sample takes out of sample; at most 0 is overfitted.
[[nodiscard]] Chart logit_chart(const SignificanceView& view);
/// The chosen trial's Sharpe ratio out of sample against in sample, a point a split, with the fitted line.
[[nodiscard]] Chart degradation_chart(const SignificanceView& view);
/// The deflated ratio's probability by the number of independent trials, with the study's own.
[[nodiscard]] Chart deflated_chart(const SignificanceView& view, double effective_trials);
/// Sorted p-values of all trials against the line of Benjamini and Hochberg and that of no skill at all.
[[nodiscard]] Chart discovery_chart(const SignificanceView& view, double level);
/// Best t of each world without alpha, with where the strategies stand.
[[nodiscard]] Chart null_worlds_chart(const SignificanceView& view);

}  // namespace walras::reports
