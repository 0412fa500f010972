// The list of metrics: one entry each, with its formula beside it.
#include "stats/performance_sums.hpp"

#include "stats/distributions.hpp"

#include <cmath>

namespace walras::stats {
namespace {

constexpr const char* kNoVariance = "the returns have no variance";
constexpr const char* kOnePeriod = "one period tells nothing of the variance";
constexpr const char* kNoDrawdown = "the equity never fell below a former peak";
constexpr const char* kNoLoss = "no period lost";
constexpr const char* kNoGain = "no period gained";
constexpr const char* kNotFinite =
    "the record is too short to annualise: the yearly figure overflows";
constexpr const char* kShort = "the record is shorter than a week: nothing to annualise";

double mean(const Sample& s) { return s.context.centre + s.sums[kX] / s.context.n; }

/// Central moment sums over n, about the sample's own mean.
struct Central {
  double second, third, fourth;
};
Central central(const Sample& s) {
  const double n = s.context.n;
  const double d = s.sums[kX] / n;
  const double m2 = s.sums[kX2] / n;
  const double m3 = s.sums[kX3] / n;
  const double m4 = s.sums[kX4] / n;
  return {m2 - d * d, m3 - 3 * d * m2 + 2 * d * d * d,
          m4 - 4 * d * m3 + 6 * d * d * m2 - 3 * d * d * d * d};
}

const char* no_variance(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  const double tiny = 1e-12 * s.context.scale;
  return central(s).second > tiny * tiny ? nullptr : kNoVariance;
}

/// Standard deviation with n - 1.
double deviation(const Sample& s) {
  return std::sqrt(central(s).second * s.context.n / (s.context.n - 1));
}

Value total_return(const Sample& s) {
  if (s.context.ruined) return -1.0;
  const double value = std::expm1(s.sums[kLog]);
  if (!std::isfinite(value)) return kNotFinite;
  return value;
}

Value growth_over(const Sample& s, double years) {
  if (s.context.ruined) return -1.0;
  if (years < 7 / 365.25) return kShort;
  const double value = std::expm1(s.sums[kLog] / years);
  if (!std::isfinite(value)) return kNotFinite;
  return value;
}
Value cagr(const Sample& s) { return growth_over(s, s.context.years); }
Value cagr_periods(const Sample& s) {
  return growth_over(s, s.context.n / s.context.periods_per_year);
}
Value mean_return(const Sample& s) { return mean(s) * s.context.periods_per_year; }

Value volatility(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  if (no_variance(s) != nullptr) return 0.0;
  return deviation(s) * std::sqrt(s.context.periods_per_year);
}

Value sharpe(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return (mean(s) - s.context.risk_free) / deviation(s) * std::sqrt(s.context.periods_per_year);
}

Value downside_deviation(const Sample& s) {
  return std::sqrt(s.sums[kBelow2] / s.context.n * s.context.periods_per_year);
}

Value sortino(const Sample& s) {
  if (!(s.sums[kBelow2] > 0)) return "no period returned less than the minimum acceptable";
  return (mean(s) - s.context.minimum_acceptable) / std::sqrt(s.sums[kBelow2] / s.context.n) *
         std::sqrt(s.context.periods_per_year);
}

Value max_drawdown(const Sample& s) { return s.path.max_drawdown; }
Value longest_drawdown(const Sample& s) { return s.path.longest; }
Value pain_index(const Sample& s) { return s.path.drawdown_sum / s.context.n; }
Value ulcer_index(const Sample& s) { return std::sqrt(s.path.drawdown_square_sum / s.context.n); }

Value calmar(const Sample& s) {
  if (!(s.path.max_drawdown > 0)) return kNoDrawdown;
  const Value growth = cagr(s);
  if (growth.reason != nullptr) return growth;
  return growth.value / s.path.max_drawdown;
}

Value martin(const Sample& s) {
  if (!(s.path.drawdown_square_sum > 0)) return kNoDrawdown;
  const Value growth = cagr(s);
  if (growth.reason != nullptr) return growth;
  return (growth.value - s.context.yearly_risk_free) / ulcer_index(s).value;
}

Value omega(const Sample& s) {
  if (!(s.sums[kBelow] > 0)) return "no period returned less than the minimum acceptable";
  return s.sums[kAbove] / s.sums[kBelow];
}

Value var_historical(const Sample& s) { return -s.order.low_tail; }
Value cvar_historical(const Sample& s) { return -s.order.beyond; }

Value var_gaussian(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return -(mean(s) + normal_quantile(s.context.tail) * deviation(s));
}
Value cvar_gaussian(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  const double z = normal_quantile(s.context.tail);
  return -mean(s) + normal_density(z) / s.context.tail * deviation(s);
}

Value skewness(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  const Central c = central(s);
  return c.third / (c.second * std::sqrt(c.second));
}
Value raw_kurtosis(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  const Central c = central(s);
  return c.fourth / (c.second * c.second);
}

/// Skewness and excess kurtosis where the expanded quantile still rises along the whole tail.
struct Expansion {
  double z, skew, excess;
  const char* reason;
};
Expansion expansion(const Sample& s) {
  if (const char* reason = no_variance(s)) return {0, 0, 0, reason};
  const double z = normal_quantile(s.context.tail);
  const double skew = skewness(s).value;
  const double excess = raw_kurtosis(s).value - 3;
  // Derivative of the expanded quantile in z: a z^2 + b z + c; it has to stay positive below z.
  const double a = excess / 8 - skew * skew / 6;
  const double b = skew / 3;
  const double c = 1 - excess / 8 + 5 * skew * skew / 36;
  const double at = a * z * z + b * z + c;
  const bool falls_later = a < 0 || (a == 0 && b > 0);
  const double lowest = a > 0 ? -b / (2 * a) : z;
  const bool dips = a > 0 && lowest < z && c - b * b / (4 * a) <= 0;
  if (at <= 0 || falls_later || dips) {
    return {0, 0, 0, "skewness and kurtosis are outside the Cornish-Fisher expansion's domain"};
  }
  return {z, skew, excess, nullptr};
}

Value var_cornish_fisher(const Sample& s) {
  const Expansion e = expansion(s);
  if (e.reason != nullptr) return e.reason;
  const double z = e.z;
  const double q = z + (z * z - 1) * e.skew / 6 + (z * z * z - 3 * z) * e.excess / 24 -
                   (2 * z * z * z - 5 * z) * e.skew * e.skew / 36;
  return -(mean(s) + q * deviation(s));
}

Value cvar_cornish_fisher(const Sample& s) {
  const Expansion e = expansion(s);
  if (e.reason != nullptr) return e.reason;
  // Moments of a standard normal below z: E z = -h, E z^2 = 1 - z h, E z^3 = -(z^2 + 2) h with h =
  // density / tail.
  const double h = normal_density(e.z) / s.context.tail;
  const double z1 = -h;
  const double z2 = 1 - e.z * h;
  const double z3 = -(e.z * e.z + 2) * h;
  const double q = z1 + (z2 - 1) * e.skew / 6 + (z3 - 3 * z1) * e.excess / 24 -
                   (2 * z3 - 5 * z1) * e.skew * e.skew / 36;
  return -(mean(s) + q * deviation(s));
}

Value tail_ratio(const Sample& s) {
  if (!(s.order.low_tail < 0)) return "the lower tail quantile is no loss";
  return s.order.high_tail / -s.order.low_tail;
}

Value gain_to_pain(const Sample& s) {
  if (!(s.sums[kLoss] > 0)) return kNoLoss;
  return mean(s) * s.context.n / s.sums[kLoss];
}

Value hit_rate(const Sample& s) {
  const double moved = s.sums[kUps] + s.sums[kDowns];
  if (!(moved > 0)) return "no period had a return other than 0";
  return s.sums[kUps] / moved;
}

Value payoff(const Sample& s) {
  if (!(s.sums[kDowns] > 0)) return kNoLoss;
  if (!(s.sums[kUps] > 0)) return kNoGain;
  return s.sums[kGain] / s.sums[kUps] / (s.sums[kLoss] / s.sums[kDowns]);
}

Value best_period(const Sample& s) { return s.order.best; }
Value worst_period(const Sample& s) { return s.order.worst; }

// --- Against a benchmark
// ---------------------------------------------------------------------------------------
struct Joint {
  double xx, bb, xb;
};
Joint joint(const Sample& s) {
  const double n = s.context.n;
  const double x = s.sums[kX] / n;
  const double b = s.sums[kB] / n;
  return {s.sums[kX2] / n - x * x, s.sums[kB2] / n - b * b, s.sums[kXB] / n - x * b};
}
double benchmark_mean(const Sample& s) {
  return s.context.benchmark_centre + s.sums[kB] / s.context.n;
}
const char* no_benchmark_variance(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  const double tiny = 1e-12 * s.context.benchmark_scale;
  return joint(s).bb > tiny * tiny ? nullptr : "the benchmark's returns have no variance";
}
double tracking_variance(const Sample& s) {
  const Joint j = joint(s);
  return (j.xx + j.bb - 2 * j.xb) * s.context.n / (s.context.n - 1);
}
const char* no_tracking(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  const double tiny = 1e-9 * (s.context.scale + s.context.benchmark_scale);
  return tracking_variance(s) > tiny * tiny ? nullptr
                                            : "the returns do not differ from the benchmark's";
}

Value tracking_error(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  if (no_tracking(s) != nullptr) return 0.0;
  return std::sqrt(tracking_variance(s) * s.context.periods_per_year);
}
Value information_ratio(const Sample& s) {
  if (const char* reason = no_tracking(s)) return reason;
  return (mean(s) - benchmark_mean(s)) / std::sqrt(tracking_variance(s)) *
         std::sqrt(s.context.periods_per_year);
}
Value beta(const Sample& s) {
  if (const char* reason = no_benchmark_variance(s)) return reason;
  const Joint j = joint(s);
  return j.xb / j.bb;
}
Value alpha(const Sample& s) {
  const Value slope = beta(s);
  if (slope.reason != nullptr) return slope;
  const double excess = mean(s) - s.context.risk_free;
  const double benchmark_excess = benchmark_mean(s) - s.context.risk_free;
  return (excess - slope.value * benchmark_excess) * s.context.periods_per_year;
}
Value correlation(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  if (const char* reason = no_benchmark_variance(s)) return reason;
  const Joint j = joint(s);
  return j.xb / std::sqrt(j.xx * j.bb);
}
Value capture(double log_x, double log_b, double count, const char* none) {
  if (!(count > 0)) return none;
  const double benchmark = std::expm1(log_b / count);
  if (benchmark == 0 || !std::isfinite(log_x)) return "a return of -100 % has no geometric mean";
  return std::expm1(log_x / count) / benchmark;
}
Value up_capture(const Sample& s) {
  return capture(s.sums[kUpLogX], s.sums[kUpLogB], s.sums[kUpCount], "the benchmark never rose");
}
Value down_capture(const Sample& s) {
  return capture(s.sums[kDownLogX], s.sums[kDownLogB], s.sums[kDownCount],
                 "the benchmark never fell");
}

constexpr Resampling I = Resampling::Interval;
constexpr Resampling R = Resampling::Range;
constexpr Resampling N = Resampling::None;

// p periods a year, r simple returns, rf and MAR per period.
constexpr Metric kMetrics[] = {
    {{"total_return", "fraction", "prod(1 + r) - 1; -1 after ruin", "returns are reinvested", "",
      I},
     total_return},
    {{"cagr", "fraction a year",
      "(end / start)^(1 / years) - 1, years from time stamps / 365.25 days",
      "returns are reinvested", "Bacon2008", I},
     cagr},
    {{"cagr_periods", "fraction a year",
      "(end / start)^(p / n) - 1, years from the count of periods", "returns are reinvested",
      "Bacon2008", I},
     cagr_periods},
    {{"mean_return", "fraction a year", "mean(r) p", "", "", I}, mean_return},
    {{"volatility", "fraction, sqrt(year)", "sd(r) sqrt(p), sd with n - 1",
      "no autocorrelation, for sqrt(p)", "", I},
     volatility},
    {{"sharpe", "1/sqrt(year)", "mean(r - rf) / sd(r - rf) sqrt(p), sd with n - 1",
      "no autocorrelation, for sqrt(p)", "Sharpe1994", I},
     sharpe},
    {{"downside_deviation", "fraction, sqrt(year)", "sqrt(mean(min(r - MAR, 0)^2) p) over all n",
      "", "SortinoPrice1994", I},
     downside_deviation},
    {{"sortino", "1/sqrt(year)", "mean(r - MAR) / sqrt(mean(min(r - MAR, 0)^2)) sqrt(p) over all n",
      "", "SortinoPrice1994", I},
     sortino},
    {{"max_drawdown", "fraction of the peak",
      "max(1 - equity / running peak), the starting capital included", "", "Bacon2008", R},
     max_drawdown},
    {{"longest_drawdown", "periods",
      "longest time from a peak to its recovery, or to the last date when ongoing", "", "", R},
     longest_drawdown},
    {{"calmar", "1/year", "cagr / max_drawdown, over the whole record", "", "Young1991", R},
     calmar},
    {{"pain_index", "fraction of the peak", "mean(1 - equity / running peak)", "", "Bacon2008", R},
     pain_index},
    {{"ulcer_index", "fraction of the peak", "sqrt(mean((1 - equity / running peak)^2))", "",
      "MartinMcCann1989", R},
     ulcer_index},
    {{"martin", "1/year", "(cagr - risk-free rate) / ulcer_index", "", "MartinMcCann1989", R},
     martin},
    {{"omega", "ratio", "sum(max(r - MAR, 0)) / sum(max(MAR - r, 0))", "", "KeatingShadwick2002",
      I},
     omega},
    {{"var_historical", "fraction of capital a period",
      "-quantile(r, tail), type 7; a loss is positive", "the past's distribution holds", "", I},
     var_historical},
    {{"cvar_historical", "fraction of capital a period",
      "-mean(r at or below quantile(r, tail)); a loss is positive", "the past's distribution holds",
      "AcerbiTasche2002", I},
     cvar_historical},
    {{"var_gaussian", "fraction of capital a period",
      "-(mean(r) + z sd(r)), z the normal quantile at tail", "normal returns", "", I},
     var_gaussian},
    {{"cvar_gaussian", "fraction of capital a period", "-mean(r) + density(z) / tail sd(r)",
      "normal returns", "", I},
     cvar_gaussian},
    {{"var_cornish_fisher", "fraction of capital a period",
      "-(mean(r) + q sd(r)), q = z + (z^2 - 1) S / 6 + (z^3 - 3 z) K / 24 - (2 z^3 - 5 z) S^2 / "
      "36, K excess kurtosis",
      "near-normal returns", "CornishFisher1938", I},
     var_cornish_fisher},
    {{"cvar_cornish_fisher", "fraction of capital a period",
      "-(mean(r) + sd(r) mean of q below z), q as in var_cornish_fisher", "near-normal returns",
      "Maillard2012", I},
     cvar_cornish_fisher},
    {{"skewness", "ratio", "m3 / m2^(3/2), moments with n", "", "", I}, skewness},
    {{"raw_kurtosis", "ratio", "m4 / m2^2, moments with n; a normal distribution has 3", "", "", I},
     raw_kurtosis},
    {{"tail_ratio", "ratio", "quantile(r, 1 - tail) / -quantile(r, tail)", "", "", I}, tail_ratio},
    {{"gain_to_pain", "ratio", "sum(r) / sum(|r| where r < 0)", "", "Schwager2012", I},
     gain_to_pain},
    {{"hit_rate", "fraction of periods", "count(r > 0) / count(r != 0)", "", "", I}, hit_rate},
    {{"payoff", "ratio", "mean(r where r > 0) / mean(|r| where r < 0)", "", "", I}, payoff},
    {{"best_period", "fraction", "max(r)", "", "", N}, best_period},
    {{"worst_period", "fraction", "min(r)", "", "", N}, worst_period},
    {{"tracking_error", "fraction, sqrt(year)", "sd(r - b) sqrt(p), sd with n - 1",
      "no autocorrelation, for sqrt(p)", "", I, true},
     tracking_error},
    {{"information_ratio", "1/sqrt(year)", "mean(r - b) / sd(r - b) sqrt(p), sd with n - 1",
      "no autocorrelation, for sqrt(p)", "Bacon2008", I, true},
     information_ratio},
    {{"beta", "ratio", "cov(r, b) / var(b)", "", "Bacon2008", I, true}, beta},
    {{"alpha", "fraction a year", "(mean(r - rf) - beta mean(b - rf)) p", "", "Jensen1968", I,
      true},
     alpha},
    {{"benchmark_correlation", "ratio", "cov(r, b) / (sd(r) sd(b))", "", "", I, true}, correlation},
    {{"up_capture", "ratio", "geometric mean of r over that of b, where b > 0", "", "Bacon2008", I,
      true},
     up_capture},
    {{"down_capture", "ratio", "geometric mean of r over that of b, where b < 0", "", "Bacon2008",
      I, true},
     down_capture},
};

}  // namespace

std::span<const Metric> metrics() { return kMetrics; }

}  // namespace walras::stats
