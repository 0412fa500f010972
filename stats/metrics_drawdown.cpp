// Metrics of falls below a former peak: one entry each, with its formula beside it.
#include "stats/performance_sums.hpp"

#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

Value max_drawdown(const Sample& s) { return s.path.max_drawdown; }
Value current_drawdown(const Sample& s) { return s.path.last; }
Value longest_drawdown(const Sample& s) { return s.path.longest; }
Value pain_index(const Sample& s) { return s.path.drawdown_sum / s.context.n; }
Value drawdowns(const Sample& s) { return s.path.falls; }
Value average_drawdown(const Sample& s) {
  if (!(s.path.falls > 0)) return kNoDrawdown;
  return s.path.depth_sum / s.path.falls;
}
/// Periods from a peak to its recovery: those below it and the one that recovers.
Value average_drawdown_length(const Sample& s) {
  if (!(s.path.falls > 0)) return kNoDrawdown;
  return (s.path.under + s.path.recovered) / s.path.falls;
}
Value average_recovery(const Sample& s) {
  if (!(s.path.falls > 0)) return kNoDrawdown;
  if (!(s.path.recovered > 0)) return "no drawdown has recovered";
  return s.path.recovery_sum / s.path.recovered;
}
Value time_under_water(const Sample& s) { return s.path.under / s.context.n; }
Value drawdown_at_risk(const Sample& s) { return s.path.drawdown_at_risk; }
Value cdar(const Sample& s) { return s.path.conditional_drawdown; }
Value edar(const Sample& s) { return s.path.max_drawdown > 0 ? entropic_drawdown(s) : Value(0.0); }

/// CAGR, less `charge` a year, over a risk of the path.
Value growth_over(const Sample& s, double charge, double risk) {
  if (!(s.path.max_drawdown > 0)) return kNoDrawdown;
  const Value growth = cagr(s);
  if (growth.reason != nullptr) return growth;
  return (growth.value - charge) / risk;
}
Value calmar(const Sample& s) { return growth_over(s, 0, s.path.max_drawdown); }
Value sterling(const Sample& s) { return growth_over(s, 0, s.path.max_drawdown + 0.1); }
Value martin(const Sample& s) { return growth_over(s, s.context.yearly_risk_free, ulcer_index(s).value); }
Value pain_ratio(const Sample& s) { return growth_over(s, s.context.yearly_risk_free, pain_index(s).value); }
Value burke(const Sample& s) {
  return growth_over(s, s.context.yearly_risk_free, std::sqrt(s.path.depth_square_sum));
}
Value burke_modified(const Sample& s) {
  return growth_over(s, s.context.yearly_risk_free, std::sqrt(s.path.depth_square_sum / s.context.n));
}
Value serenity(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return growth_over(s, s.context.yearly_risk_free,
                     ulcer_index(s).value * s.path.conditional_drawdown / volatility(s).value);
}
Value recovery_factor(const Sample& s) {
  if (!(s.path.max_drawdown > 0)) return kNoDrawdown;
  const Value whole = total_return(s);
  return whole.reason != nullptr ? whole : Value(whole.value / s.path.max_drawdown);
}

constexpr Resampling R = Resampling::Range;
constexpr Resampling N = Resampling::None;

constexpr Metric kMetrics[] = {
    {{"max_drawdown", "fraction of the peak", "max(1 - equity / running peak), the starting capital included", "",
      "Bacon2008", R},
     max_drawdown},
    {{"current_drawdown", "fraction of the peak", "1 - equity / running peak at the end", "", "", N}, current_drawdown},
    {{"longest_drawdown", "periods", "longest time from a peak to its recovery, or to the last date when ongoing", "",
      "", R},
     longest_drawdown},
    {{"drawdowns", "count", "falls below a former peak, each until its recovery", "", "", R}, drawdowns},
    {{"average_drawdown", "fraction of the peak", "mean depth of the drawdowns", "", "Bacon2008", R},
     average_drawdown},
    {{"average_drawdown_length", "periods", "mean time from a peak to its recovery, or to the last date when ongoing",
      "", "", R},
     average_drawdown_length},
    {{"average_recovery", "periods", "mean time from a trough to its recovery, of those that recovered", "", "", R},
     average_recovery},
    {{"time_under_water", "fraction of periods", "periods that end below a former peak / n", "", "", R},
     time_under_water},
    {{"drawdown_at_risk", "fraction of the peak", "quantile(1 - equity / running peak, 1 - tail), type 7", "",
      "ChekhlovUryasevZabarankin2005", R},
     drawdown_at_risk},
    {{"cdar", "fraction of the peak", "mean of the largest share `tail` of 1 - equity / running peak", "",
      "ChekhlovUryasevZabarankin2005", R},
     cdar},
    {{"edar", "fraction of the peak", "min over t of t ln(mean(exp((1 - equity / running peak) / t)) / tail)", "",
      "AhmadiJavid2012", N},
     edar},
    {{"pain_index", "fraction of the peak", "mean(1 - equity / running peak)", "", "Bacon2008", R}, pain_index},
    {{"ulcer_index", "fraction of the peak", "sqrt(mean((1 - equity / running peak)^2))", "", "MartinMcCann1989", R},
     ulcer_index},
    {{"calmar", "1/year", "cagr / max_drawdown, over the whole record", "", "Young1991", R}, calmar},
    {{"sterling", "1/year", "cagr / (max_drawdown + 0.1)", "", "Bacon2008", R}, sterling},
    {{"martin", "1/year", "(cagr - risk-free rate) / ulcer_index", "", "MartinMcCann1989", R}, martin},
    {{"pain_ratio", "1/year", "(cagr - risk-free rate) / pain_index", "", "Bacon2008", R}, pain_ratio},
    {{"burke", "1/year", "(cagr - risk-free rate) / sqrt(sum of squared depths of the drawdowns)", "", "Burke1994", R},
     burke},
    {{"burke_modified", "1/year", "(cagr - risk-free rate) / sqrt(sum of squared depths of the drawdowns / n)", "",
      "Bacon2008", R},
     burke_modified},
    {{"serenity", "1/sqrt(year)", "(cagr - risk-free rate) / (ulcer_index x cdar / volatility)", "", "", R}, serenity},
    {{"recovery_factor", "ratio", "total_return / max_drawdown", "", "", R}, recovery_factor},
};

}  // namespace

std::span<const Metric> drawdown_metrics() { return kMetrics; }

}  // namespace walras::stats
