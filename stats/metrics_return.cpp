// Metrics of what was earned: one entry each, with its formula beside it.
#include "stats/performance_sums.hpp"

#include "stats/resample.hpp"

#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

Value cagr_periods(const Sample& s) {
  if (s.context.ruined) return -1.0;
  const double years = s.context.n / s.context.periods_per_year;
  if (years < 7 / 365.25) return "the record is shorter than a week: nothing to annualise";
  const double value = std::expm1(s.sums[kLog] / years);
  if (!std::isfinite(value)) return "the record is too short to annualise: the yearly figure overflows";
  return value;
}
Value mean_return(const Sample& s) { return mean(s) * s.context.periods_per_year; }
Value geometric_mean(const Sample& s) {
  if (s.context.ruined) return -1.0;
  return std::expm1(s.sums[kLog] / s.context.n);
}
Value mean_standard_error(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  if (no_variance(s) != nullptr) return 0.0;
  return deviation(s) / std::sqrt(s.context.n);
}
Value lower_quartile(const Sample& s) { return quantile(s.order.sorted, 0.25); }
Value median_return(const Sample& s) { return quantile(s.order.sorted, 0.5); }
Value upper_quartile(const Sample& s) { return quantile(s.order.sorted, 0.75); }
Value best_period(const Sample& s) { return s.order.best; }
Value worst_period(const Sample& s) { return s.order.worst; }
Value average_win(const Sample& s) {
  if (!(s.sums[kUps] > 0)) return kNoGain;
  return s.sums[kGain] / s.sums[kUps];
}
Value average_loss(const Sample& s) {
  if (!(s.sums[kDowns] > 0)) return kNoLoss;
  return s.sums[kLoss] / s.sums[kDowns];
}
Value consecutive_wins(const Sample& s) { return s.path.longest_wins; }
Value consecutive_losses(const Sample& s) { return s.path.longest_losses; }
Value cpc_index(const Sample& s) {
  const Value pay = payoff(s);
  if (pay.reason != nullptr) return pay;
  return gains_to_losses(s).value * hit_rate(s).value * pay.value;
}
Value outlier_win(const Sample& s) {
  const Value win = average_win(s);
  if (win.reason != nullptr) return win;
  return quantile(s.order.sorted, 0.99) / win.value;
}
Value outlier_loss(const Sample& s) {
  const Value loss = average_loss(s);
  if (loss.reason != nullptr) return loss;
  return -quantile(s.order.sorted, 0.01) / loss.value;
}
Value kelly_fraction(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  const double sd = deviation(s);
  return excess_mean(s) / (sd * sd);
}
Value kelly_binary(const Sample& s) {
  const Value pay = payoff(s);
  if (pay.reason != nullptr) return pay;
  const double wins = hit_rate(s).value;
  return wins - (1 - wins) / pay.value;
}

constexpr Resampling I = Resampling::Interval;
constexpr Resampling R = Resampling::Range;
constexpr Resampling N = Resampling::None;

// p periods a year, r simple returns, rf and MAR per period.
constexpr Metric kMetrics[] = {
    {{"total_return", "fraction", "prod(1 + r) - 1; -1 after ruin", "returns are reinvested", "", I}, total_return},
    {{"cagr", "fraction a year", "(end / start)^(1 / years) - 1, years from time stamps / 365.25 days",
      "returns are reinvested", "Bacon2008", I},
     cagr},
    {{"cagr_periods", "fraction a year", "(end / start)^(p / n) - 1, years from the count of periods",
      "returns are reinvested", "Bacon2008", I},
     cagr_periods},
    {{"mean_return", "fraction a year", "mean(r) p", "", "", I}, mean_return},
    {{"geometric_mean", "fraction a period", "prod(1 + r)^(1 / n) - 1", "returns are reinvested", "Bacon2008", I},
     geometric_mean},
    {{"mean_standard_error", "fraction a period", "sd(r) / sqrt(n), sd with n - 1",
      "no autocorrelation; the interval of mean_return allows for it", "", N},
     mean_standard_error},
    {{"lower_quartile", "fraction a period", "quantile(r, 0.25), type 7", "", "HyndmanFan1996", I}, lower_quartile},
    {{"median_return", "fraction a period", "quantile(r, 0.5), type 7", "", "HyndmanFan1996", I}, median_return},
    {{"upper_quartile", "fraction a period", "quantile(r, 0.75), type 7", "", "HyndmanFan1996", I}, upper_quartile},
    {{"best_period", "fraction", "max(r)", "", "", N}, best_period},
    {{"worst_period", "fraction", "min(r)", "", "", N}, worst_period},
    {{"hit_rate", "fraction of periods", "count(r > 0) / count(r != 0)", "", "", I}, hit_rate},
    {{"average_win", "fraction a period", "mean(r where r > 0)", "", "", I}, average_win},
    {{"average_loss", "fraction a period", "mean(|r| where r < 0)", "", "", I}, average_loss},
    {{"payoff", "ratio", "mean(r where r > 0) / mean(|r| where r < 0)", "", "", I}, payoff},
    {{"consecutive_wins", "periods", "longest run of r > 0", "", "", R}, consecutive_wins},
    {{"consecutive_losses", "periods", "longest run of r < 0", "", "", R}, consecutive_losses},
    {{"outlier_win", "ratio", "quantile(r, 0.99) / mean(r where r > 0)", "", "", I}, outlier_win},
    {{"outlier_loss", "ratio", "-quantile(r, 0.01) / mean(|r| where r < 0)", "", "", I}, outlier_loss},
    {{"cpc_index", "ratio", "bernardo_ledoit x hit_rate x payoff", "", "", I}, cpc_index},
    {{"kelly_fraction", "x capital", "mean(r - rf) / var(r): the exposure of fastest growth",
      "the past's mean and variance hold; small returns", "Thorp2006", I},
     kelly_fraction},
    {{"kelly_binary", "x capital", "W - (1 - W) / payoff, W = hit_rate", "every period is one of two outcomes",
      "Kelly1956", I},
     kelly_binary},
};

}  // namespace

std::span<const Metric> return_metrics() { return kMetrics; }

}  // namespace walras::stats
