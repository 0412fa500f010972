// Metrics of how much returns vary: one entry each, with its formula beside it.
#include "stats/distributions.hpp"
#include "stats/performance_sums.hpp"

#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

double yearly(const Sample& s, double mean_square) { return std::sqrt(mean_square * s.context.periods_per_year); }

Value variance(const Sample& s) {
  const Value sd = volatility(s);
  if (sd.reason != nullptr) return sd;
  return sd.value * sd.value;
}
Value log_volatility(const Sample& s) {
  if (s.context.ruined) return "the logarithm of a return of -100 % is infinite";
  if (s.context.n < 2) return kOnePeriod;
  if (no_variance(s) != nullptr) return 0.0;
  const double m = s.sums[kLog] / s.context.n;
  const double square = std::max(s.sums[kLog2] / s.context.n - m * m, 0.0);
  return yearly(s, square * s.context.n / (s.context.n - 1));
}
Value downside_deviation(const Sample& s) { return downside(s) * std::sqrt(s.context.periods_per_year); }
Value semi_deviation(const Sample& s) { return yearly(s, s.order.below_mean2 / s.context.n); }
Value upside_risk(const Sample& s) { return yearly(s, s.order.above2 / s.context.n); }
Value gain_deviation(const Sample& s) {
  const double count = s.sums[kUps];
  if (count < 2) return "fewer than two periods gained";
  const double m = s.sums[kGain] / count;
  return yearly(s, std::max(s.order.gain2 / count - m * m, 0.0) * count / (count - 1));
}
Value loss_deviation(const Sample& s) {
  const double count = s.sums[kDowns];
  if (count < 2) return "fewer than two periods lost";
  const double m = s.sums[kLoss] / count;
  return yearly(s, std::max(s.order.loss2 / count - m * m, 0.0) * count / (count - 1));
}
Value mean_absolute_deviation(const Sample& s) { return s.order.absolute / s.context.n; }
Value gini_mean_difference(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  return s.order.gini;
}
Value downside_potential(const Sample& s) { return s.sums[kBelow] / s.context.n; }
Value upside_potential(const Sample& s) { return s.sums[kAbove] / s.context.n; }
Value downside_frequency(const Sample& s) { return s.order.unders / s.context.n; }
Value upside_frequency(const Sample& s) { return s.order.overs / s.context.n; }
Value volatility_skewness(const Sample& s) {
  if (!(s.sums[kBelow2] > 0)) return kNoneBelow;
  return s.order.above2 / s.sums[kBelow2];
}
Value fourth_central_moment(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  return std::max(central(s).fourth, 0.0);
}
Value fourth_lower_moment(const Sample& s) { return s.order.below4 / s.context.n; }

/// Log wealth as Brownian motion watched at period ends: the chance that it ever falls to `log_floor` within `periods`
/// (infinity: ever). Watching only at ends is as good as a floor 0.5826 sd lower.
Value ruin_chance(const Sample& s, double periods) {
  if (s.context.ruined) return 1.0;
  if (const char* reason = no_variance(s)) return reason;
  const double m = s.sums[kLog] / s.context.n;
  const double square = std::max(s.sums[kLog2] / s.context.n - m * m, 0.0) * s.context.n / (s.context.n - 1);
  const double sd = std::sqrt(square);
  const double depth = -std::log1p(-s.context.ruin_loss) + 0.5825971579390107 * sd;
  if (!std::isfinite(periods)) return m <= 0 ? 1.0 : std::exp(-2 * m * depth / square);
  const double wide = sd * std::sqrt(periods);
  const double mirrored = normal_probability((m * periods - depth) / wide);
  const double chance = normal_probability((-depth - m * periods) / wide) +
                        (mirrored > 0 ? std::exp(-2 * m * depth / square + std::log(mirrored)) : 0);
  return std::min(chance, 1.0);
}
Value risk_of_ruin(const Sample& s) { return ruin_chance(s, std::numeric_limits<double>::infinity()); }
Value risk_of_ruin_year(const Sample& s) { return ruin_chance(s, s.context.periods_per_year); }

constexpr Resampling I = Resampling::Interval;

// p periods a year, r simple returns, rf and MAR per period.
constexpr Metric kMetrics[] = {
    {{"volatility", "fraction, sqrt(year)", "sd(r) sqrt(p), sd with n - 1", "no autocorrelation, for sqrt(p)", "", I},
     volatility},
    {{"variance", "1/year", "sd(r)^2 p, sd with n - 1", "no autocorrelation, for p", "", I}, variance},
    {{"log_volatility", "fraction, sqrt(year)", "sd(ln(1 + r)) sqrt(p), sd with n - 1",
      "no autocorrelation, for sqrt(p)", "", I},
     log_volatility},
    {{"downside_deviation", "fraction, sqrt(year)", "sqrt(mean(min(r - MAR, 0)^2) p) over all n", "",
      "SortinoPrice1994", I},
     downside_deviation},
    {{"semi_deviation", "fraction, sqrt(year)", "sqrt(mean(min(r - mean(r), 0)^2) p) over all n", "", "Bacon2008", I},
     semi_deviation},
    {{"upside_risk", "fraction, sqrt(year)", "sqrt(mean(max(r - MAR, 0)^2) p) over all n", "", "Bacon2008", I},
     upside_risk},
    {{"gain_deviation", "fraction, sqrt(year)", "sd(r where r > 0) sqrt(p), sd with count - 1", "", "Bacon2008", I},
     gain_deviation},
    {{"loss_deviation", "fraction, sqrt(year)", "sd(r where r < 0) sqrt(p), sd with count - 1", "", "Bacon2008", I},
     loss_deviation},
    {{"mean_absolute_deviation", "fraction a period", "mean(|r - mean(r)|)", "", "KonnoYamazaki1991", I},
     mean_absolute_deviation},
    {{"gini_mean_difference", "fraction a period", "mean of |r_i - r_j| over all pairs i != j", "", "Yitzhaki1982", I},
     gini_mean_difference},
    {{"downside_potential", "fraction a period", "mean(max(MAR - r, 0))", "", "Bacon2008", I}, downside_potential},
    {{"upside_potential", "fraction a period", "mean(max(r - MAR, 0))", "", "Bacon2008", I}, upside_potential},
    {{"downside_frequency", "fraction of periods", "count(r < MAR) / n", "", "Bacon2008", I}, downside_frequency},
    {{"upside_frequency", "fraction of periods", "count(r > MAR) / n", "", "Bacon2008", I}, upside_frequency},
    {{"volatility_skewness", "ratio", "sum(max(r - MAR, 0)^2) / sum(min(r - MAR, 0)^2)", "", "Bacon2008", I},
     volatility_skewness},
    {{"fourth_central_moment", "4th power of a return", "mean((r - mean(r))^4)", "", "", I}, fourth_central_moment},
    {{"fourth_lower_moment", "4th power of a return", "mean(max(MAR - r, 0)^4)", "", "", I}, fourth_lower_moment},
    {{"skewness", "ratio", "m3 / m2^(3/2), moments with n", "", "", I}, skewness},
    {{"raw_kurtosis", "ratio", "m4 / m2^2, moments with n; a normal distribution has 3", "", "", I}, raw_kurtosis},
    {{"risk_of_ruin", "probability",
      "exp(-2 m d / v), m and v mean and variance of ln(1 + r), d = -ln(1 - ruin loss) + 0.5826 sqrt(v); 1 where m <= 0",
      "constant exposure, independent returns whose sums are near normal, forever", "Siegmund1985", I},
     risk_of_ruin},
    {{"risk_of_ruin_year", "probability",
      "Phi((-d - m p) / sqrt(v p)) + exp(-2 m d / v) Phi((m p - d) / sqrt(v p)), m, v, d as in risk_of_ruin",
      "constant exposure, independent returns whose sums are near normal", "Siegmund1985", I},
     risk_of_ruin_year},
};

}  // namespace

std::span<const Metric> risk_metrics() { return kMetrics; }

}  // namespace walras::stats
