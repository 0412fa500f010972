// Metrics of return against risk: one entry each, with its formula beside it.
#include "stats/performance_sums.hpp"

#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

double over_minimum(const Sample& s) { return mean(s) - s.context.minimum_acceptable; }

/// Mean excess return a period over a risk a period.
Value over(const Sample& s, const Value& risk, const char* none) {
  if (risk.reason != nullptr) return risk;
  if (!(risk.value > 0)) return none;
  return excess_mean(s) / risk.value;
}

Value sortino(const Sample& s) {
  if (!(s.sums[kBelow2] > 0)) return kNoneBelow;
  return over_minimum(s) / downside(s) * std::sqrt(s.context.periods_per_year);
}
Value adjusted_sortino(const Sample& s) {
  const Value ratio = sortino(s);
  return ratio.reason != nullptr ? ratio : Value(ratio.value / std::sqrt(2.0));
}
Value adjusted_sharpe(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  const double ratio = excess_mean(s) / deviation(s);
  const double excess_kurtosis = raw_kurtosis(s).value - 3;
  return ratio * (1 + skewness(s).value / 6 * ratio - excess_kurtosis / 24 * ratio * ratio) *
         std::sqrt(s.context.periods_per_year);
}
Value risk_return(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return mean(s) / deviation(s);
}
Value omega(const Sample& s) {
  if (!(s.sums[kBelow] > 0)) return kNoneBelow;
  return s.sums[kAbove] / s.sums[kBelow];
}
Value omega_sharpe(const Sample& s) {
  if (!(s.sums[kBelow] > 0)) return kNoneBelow;
  return over_minimum(s) / (s.sums[kBelow] / s.context.n);
}
Value kappa_3(const Sample& s) {
  if (!(s.order.below3 > 0)) return kNoneBelow;
  return over_minimum(s) / std::cbrt(s.order.below3 / s.context.n);
}
Value upside_potential_ratio(const Sample& s) {
  if (!(s.sums[kBelow2] > 0)) return kNoneBelow;
  return s.sums[kAbove] / s.context.n / downside(s);
}
Value gain_to_pain(const Sample& s) {
  if (!(s.sums[kLoss] > 0)) return kNoLoss;
  return mean(s) * s.context.n / s.sums[kLoss];
}
Value d_ratio(const Sample& s) {
  if (!(s.sums[kGain] > 0)) return kNoGain;
  return s.sums[kDowns] * s.sums[kLoss] / (s.sums[kUps] * s.sums[kGain]);
}
Value prospect(const Sample& s) {
  if (!(s.sums[kBelow2] > 0)) return kNoneBelow;
  return ((s.sums[kGain] - 2.25 * s.sums[kLoss]) / s.context.n - s.context.minimum_acceptable) / downside(s);
}
Value skewness_kurtosis(const Sample& s) {
  const Value skew = skewness(s);
  return skew.reason != nullptr ? skew : Value(skew.value / raw_kurtosis(s).value);
}
Value common_sense(const Sample& s) {
  const Value tails = tail_ratio(s);
  if (tails.reason != nullptr) return tails;
  const Value gains = gains_to_losses(s);
  return gains.reason != nullptr ? gains : Value(gains.value * tails.value);
}
Value absolute_ratio(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return over(s, s.order.absolute / s.context.n, kNoVariance);
}
Value gini_ratio(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return over(s, s.order.gini, kNoVariance);
}
Value semi_ratio(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return over(s, std::sqrt(s.order.below_mean2 / s.context.n), kNoVariance);
}
Value downside_potential_ratio(const Sample& s) { return over(s, s.sums[kBelow] / s.context.n, kNoneBelow); }
Value var_ratio(const Sample& s) { return over(s, -s.order.low_tail, "the value at risk is no loss"); }
Value cvar_ratio(const Sample& s) { return over(s, -s.order.beyond, "the conditional value at risk is no loss"); }
Value evar_ratio(const Sample& s) { return over(s, entropic_var(s), "the entropic value at risk is no loss"); }
Value entropic_ratio(const Sample& s) { return over(s, entropic_risk(s), "the entropic risk is no loss"); }
Value worst_ratio(const Sample& s) { return over(s, -s.order.worst, "the worst period is no loss"); }
Value max_drawdown_ratio(const Sample& s) { return over(s, s.path.max_drawdown, kNoDrawdown); }
Value average_drawdown_ratio(const Sample& s) { return over(s, s.path.drawdown_sum / s.context.n, kNoDrawdown); }
Value ulcer_ratio(const Sample& s) { return over(s, ulcer_index(s), kNoDrawdown); }
Value drawdown_at_risk_ratio(const Sample& s) {
  return over(s, s.path.drawdown_at_risk, "the drawdown at risk is none");
}
Value cdar_ratio(const Sample& s) { return over(s, s.path.conditional_drawdown, kNoDrawdown); }
Value edar_ratio(const Sample& s) { return over(s, entropic_drawdown(s), kNoDrawdown); }

constexpr Resampling I = Resampling::Interval;
constexpr Resampling R = Resampling::Range;
constexpr Resampling N = Resampling::None;

// p periods a year, r simple returns, rf and MAR per period.
constexpr Metric kMetrics[] = {
    {{"sharpe", "1/sqrt(year)", "mean(r - rf) / sd(r - rf) sqrt(p), sd with n - 1", "no autocorrelation, for sqrt(p)",
      "Sharpe1994", I},
     sharpe},
    {{"adjusted_sharpe", "1/sqrt(year)", "SR (1 + S / 6 SR - (K - 3) / 24 SR^2) sqrt(p), SR a period, S skewness, K raw kurtosis",
      "no autocorrelation, for sqrt(p)", "PezierWhite2006", I},
     adjusted_sharpe},
    {{"sortino", "1/sqrt(year)", "mean(r - MAR) / sqrt(mean(min(r - MAR, 0)^2)) sqrt(p) over all n; MAR stands for rf, which does not enter", "",
      "SortinoPrice1994", I},
     sortino},
    {{"adjusted_sortino", "1/sqrt(year)", "sortino / sqrt(2): comparable with a Sharpe ratio", "", "", I},
     adjusted_sortino},
    {{"risk_return_ratio", "1/sqrt(period)", "mean(r) / sd(r), sd with n - 1", "", "", I}, risk_return},
    {{"omega", "ratio", "sum(max(r - MAR, 0)) / sum(max(MAR - r, 0))", "", "KeatingShadwick2002", I}, omega},
    {{"omega_sharpe", "ratio", "mean(r - MAR) / mean(max(MAR - r, 0))", "", "Bacon2008", I}, omega_sharpe},
    {{"kappa_3", "ratio", "mean(r - MAR) / mean(max(MAR - r, 0)^3)^(1/3)", "", "KaplanKnowles2004", I}, kappa_3},
    {{"upside_potential_ratio", "ratio", "mean(max(r - MAR, 0)) / sqrt(mean(min(r - MAR, 0)^2)) over all n", "",
      "SortinoVanDerMeerPlantinga1999", I},
     upside_potential_ratio},
    {{"gain_to_pain", "ratio", "sum(r) / sum(|r| where r < 0)", "", "Schwager2012", I}, gain_to_pain},
    {{"bernardo_ledoit", "ratio", "sum(r where r > 0) / sum(|r| where r < 0)", "", "BernardoLedoit2000", I},
     gains_to_losses},
    {{"d_ratio", "ratio", "count(r < 0) sum(|r| where r < 0) / (count(r > 0) sum(r where r > 0))", "", "Bacon2008", I},
     d_ratio},
    {{"prospect_ratio", "ratio", "(mean(max(r, 0) + 2.25 min(r, 0)) - MAR) / sqrt(mean(min(r - MAR, 0)^2))", "",
      "Watanabe2006", I},
     prospect},
    {{"skewness_kurtosis", "ratio", "skewness / raw_kurtosis", "", "Watanabe2006", I}, skewness_kurtosis},
    {{"common_sense", "ratio", "bernardo_ledoit x tail_ratio", "", "", I}, common_sense},
    {{"mean_absolute_deviation_ratio", "ratio", "mean(r - rf) / mean_absolute_deviation", "", "KonnoYamazaki1991", I},
     absolute_ratio},
    {{"gini_ratio", "ratio", "mean(r - rf) / gini_mean_difference", "", "Yitzhaki1982", I}, gini_ratio},
    {{"semi_deviation_ratio", "ratio", "mean(r - rf) / sqrt(mean(min(r - mean(r), 0)^2))", "", "Bacon2008", I},
     semi_ratio},
    {{"downside_potential_ratio", "ratio", "mean(r - rf) / downside_potential", "", "", I}, downside_potential_ratio},
    {{"var_ratio", "ratio", "mean(r - rf) / var_historical", "the past's distribution holds", "Dowd2000", I},
     var_ratio},
    {{"cvar_ratio", "ratio", "mean(r - rf) / cvar_historical", "the past's distribution holds",
      "MartinRachevSiboulet2003", I},
     cvar_ratio},
    {{"evar_ratio", "ratio", "mean(r - rf) / evar", "the past's distribution holds", "AhmadiJavid2012", N}, evar_ratio},
    {{"entropic_risk_ratio", "ratio", "mean(r - rf) / entropic_risk", "the past's distribution holds", "", N},
     entropic_ratio},
    {{"worst_period_ratio", "ratio", "mean(r - rf) / -min(r)", "the past's distribution holds", "", N}, worst_ratio},
    {{"max_drawdown_ratio", "ratio", "mean(r - rf) / max_drawdown", "", "", R}, max_drawdown_ratio},
    {{"average_drawdown_ratio", "ratio", "mean(r - rf) / pain_index", "", "", R}, average_drawdown_ratio},
    {{"ulcer_ratio", "ratio", "mean(r - rf) / ulcer_index", "", "", R}, ulcer_ratio},
    {{"drawdown_at_risk_ratio", "ratio", "mean(r - rf) / drawdown_at_risk", "", "", R}, drawdown_at_risk_ratio},
    {{"cdar_ratio", "ratio", "mean(r - rf) / cdar", "", "ChekhlovUryasevZabarankin2005", R}, cdar_ratio},
    {{"edar_ratio", "ratio", "mean(r - rf) / edar", "", "AhmadiJavid2012", N}, edar_ratio},
};

}  // namespace

std::span<const Metric> ratio_metrics() { return kMetrics; }

}  // namespace walras::stats
