// Metrics against a benchmark: one entry each, with its formula beside it.
#include "stats/performance_sums.hpp"

#include <Eigen/Dense>
#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

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

Value capture_ratio(const Sample& s) {
  const Value up = up_capture(s), down = down_capture(s);
  if (up.reason != nullptr) return up;
  if (down.reason != nullptr) return down;
  if (down.value == 0) return "nothing of the benchmark's falls was captured";
  return up.value / down.value;
}

double benchmark_excess(const Sample& s) { return benchmark_mean(s) - s.context.risk_free; }
/// Standard deviations a period: of the benchmark, and of what the benchmark does not explain.
double benchmark_deviation(const Sample& s) {
  return std::sqrt(joint(s).bb * s.context.n / (s.context.n - 1));
}
double residual_deviation(const Sample& s) {
  const Joint j = joint(s);
  const double square = j.xx - j.xb * j.xb / j.bb;
  return std::sqrt(std::max(square, 0.0) * s.context.n / (s.context.n - 1));
}

Value benchmark_return(const Sample& s) {
  if (s.context.benchmark_ruined) return -1.0;
  if (s.context.years < 7 / 365.25) return "the record is shorter than a week: nothing to annualise";
  const double value = std::expm1(s.sums[kLogB] / s.context.years);
  if (!std::isfinite(value)) return "the record is too short to annualise: the yearly figure overflows";
  return value;
}
Value active_return(const Sample& s) {
  const Value own = cagr(s), other = benchmark_return(s);
  if (own.reason != nullptr) return own;
  return other.reason != nullptr ? other : Value(own.value - other.value);
}
Value r_squared(const Sample& s) {
  const Value rho = correlation(s);
  return rho.reason != nullptr ? rho : Value(rho.value * rho.value);
}
Value treynor(const Sample& s) {
  const Value slope = beta(s);
  if (slope.reason != nullptr) return slope;
  if (std::abs(slope.value) < 1e-12) return "beta is zero";
  return excess_mean(s) * s.context.periods_per_year / slope.value;
}
Value m2(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  if (const char* reason = no_benchmark_variance(s)) return reason;
  return (s.context.risk_free + excess_mean(s) / deviation(s) * benchmark_deviation(s)) * s.context.periods_per_year;
}
Value m2_excess(const Sample& s) {
  const Value matched = m2(s);
  return matched.reason != nullptr ? matched : Value(matched.value - benchmark_mean(s) * s.context.periods_per_year);
}
Value systematic_risk(const Sample& s) {
  const Value slope = beta(s);
  if (slope.reason != nullptr) return slope;
  return std::abs(slope.value) * benchmark_deviation(s) * std::sqrt(s.context.periods_per_year);
}
Value specific_risk(const Sample& s) {
  if (const char* reason = no_benchmark_variance(s)) return reason;
  return residual_deviation(s) * std::sqrt(s.context.periods_per_year);
}
const char* nothing_specific(const Sample& s) {
  if (const char* reason = no_benchmark_variance(s)) return reason;
  return residual_deviation(s) > 1e-9 * s.context.scale ? nullptr : "the benchmark explains the returns without a rest";
}
Value appraisal(const Sample& s) {
  if (const char* reason = nothing_specific(s)) return reason;
  return alpha(s).value / specific_risk(s).value;
}
Value modified_treynor(const Sample& s) {
  const Value risk = systematic_risk(s);
  if (risk.reason != nullptr) return risk;
  if (!(risk.value > 1e-12)) return "beta is zero";
  return excess_mean(s) * s.context.periods_per_year / risk.value;
}
Value fama_beta(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  if (const char* reason = no_benchmark_variance(s)) return reason;
  return no_variance(s) != nullptr ? Value(0.0) : Value(deviation(s) / benchmark_deviation(s));
}
Value net_selectivity(const Sample& s) {
  const Value total = fama_beta(s);
  if (total.reason != nullptr) return total;
  return (excess_mean(s) - total.value * benchmark_excess(s)) * s.context.periods_per_year;
}
Value batting_average(const Sample& s) { return s.sums[kBeats] / s.context.n; }

/// beta over the periods in which the benchmark rose, or fell.
Value beta_where(const Sample& s, bool up) {
  double n = 0, x = 0, b = 0;
  for (std::size_t t = 0; t < s.returns.size(); ++t) {
    if (up ? s.benchmark[t] <= 0 : s.benchmark[t] >= 0) continue;
    n += 1;
    x += s.returns[t];
    b += s.benchmark[t];
  }
  if (n < 2) return up ? "the benchmark rose in fewer than two periods" : "the benchmark fell in fewer than two periods";
  x /= n;
  b /= n;
  double xb = 0, bb = 0;
  for (std::size_t t = 0; t < s.returns.size(); ++t) {
    if (up ? s.benchmark[t] <= 0 : s.benchmark[t] >= 0) continue;
    xb += (s.returns[t] - x) * (s.benchmark[t] - b);
    bb += (s.benchmark[t] - b) * (s.benchmark[t] - b);
  }
  const double tiny = 1e-12 * s.context.benchmark_scale;
  if (!(bb > tiny * tiny * n)) return "the benchmark's returns have no variance there";
  return xb / bb;
}
Value beta_up(const Sample& s) { return beta_where(s, true); }
Value beta_down(const Sample& s) { return beta_where(s, false); }
Value timing_ratio(const Sample& s) {
  const Value up = beta_up(s), down = beta_down(s);
  if (up.reason != nullptr) return up;
  if (down.reason != nullptr) return down;
  if (std::abs(down.value) < 1e-12) return "beta_down is zero";
  return up.value / down.value;
}

/// Share of the periods with b > 0 (or < 0) in which `holds`.
template <class Holds>
Value share_where(const Sample& s, bool up, Holds holds) {
  double all = 0, some = 0;
  for (std::size_t t = 0; t < s.returns.size(); ++t) {
    if (up ? s.benchmark[t] <= 0 : s.benchmark[t] >= 0) continue;
    all += 1;
    some += holds(s.returns[t], s.benchmark[t]) ? 1 : 0;
  }
  if (!(all > 0)) return up ? "the benchmark never rose" : "the benchmark never fell";
  return some / all;
}
Value up_number(const Sample& s) {
  return share_where(s, true, [](double x, double) { return x > 0; });
}
Value down_number(const Sample& s) {
  return share_where(s, false, [](double x, double) { return x < 0; });
}
Value up_percent(const Sample& s) {
  return share_where(s, true, [](double x, double b) { return x > b; });
}
Value down_percent(const Sample& s) {
  return share_where(s, false, [](double x, double b) { return x > b; });
}

/// mean((x - mean)(b - mean)^k) over mean((b - mean)^(k + 1)).
Value comoment_beta(const Sample& s, int k) {
  if (const char* reason = no_benchmark_variance(s)) return reason;
  const double mx = mean(s), mb = benchmark_mean(s);
  double joint_sum = 0, own = 0;
  for (std::size_t t = 0; t < s.returns.size(); ++t) {
    const double d = s.benchmark[t] - mb;
    const double power = k == 2 ? d * d : d * d * d;
    joint_sum += (s.returns[t] - mx) * power;
    own += d * power;
  }
  const double scale = std::pow(s.context.benchmark_scale, k + 1) * s.context.n;
  if (!(std::abs(own) > 1e-12 * scale)) return "the benchmark's moment of that order is zero";
  return joint_sum / own;
}
Value beta_coskewness(const Sample& s) { return comoment_beta(s, 2); }
Value beta_cokurtosis(const Sample& s) { return comoment_beta(s, 3); }
/// mean((x - mean)(b - mean)^k) over sd(x) sd(b)^k.
Value standard_comoment(const Sample& s, int k) {
  if (const char* reason = no_variance(s)) return reason;
  if (const char* reason = no_benchmark_variance(s)) return reason;
  const Joint j = joint(s);
  double sum = 0;
  for (std::size_t t = 0; t < s.returns.size(); ++t) {
    const double d = (s.benchmark[t] - benchmark_mean(s)) / std::sqrt(j.bb);
    sum += (s.returns[t] - mean(s)) / std::sqrt(j.xx) * (k == 2 ? d * d : d * d * d);
  }
  return sum / s.context.n;
}
Value coskewness(const Sample& s) { return standard_comoment(s, 2); }
Value cokurtosis(const Sample& s) { return standard_comoment(s, 3); }

/// The coefficient of the last of (1, b - rf, timing) in a regression of r - rf.
template <class Timing>
Value timing_coefficient(const Sample& s, Timing timing) {
  const auto n = static_cast<Eigen::Index>(s.returns.size());
  if (n < 4) return "fewer than four periods";
  if (const char* reason = no_benchmark_variance(s)) return reason;
  Eigen::MatrixXd design(n, 3);
  Eigen::VectorXd response(n);
  const double scale = s.context.benchmark_scale;
  for (Eigen::Index t = 0; t < n; ++t) {
    const double b = s.benchmark[static_cast<std::size_t>(t)] - s.context.risk_free;
    design.row(t) << 1, b / scale, timing(b / scale);
    response(t) = s.returns[static_cast<std::size_t>(t)] - s.context.risk_free;
  }
  const Eigen::ColPivHouseholderQR<Eigen::MatrixXd> solver(design);
  if (solver.rank() < 3) return "the benchmark's returns do not tell timing from beta";
  return solver.solve(response)(2);
}
Value treynor_mazuy(const Sample& s) {
  const Value value = timing_coefficient(s, [](double b) { return b * b; });
  return value.reason != nullptr ? value : Value(value.value / (s.context.benchmark_scale * s.context.benchmark_scale));
}
Value henriksson_merton(const Sample& s) {
  const Value value = timing_coefficient(s, [](double b) { return std::max(-b, 0.0); });
  return value.reason != nullptr ? value : Value(value.value / s.context.benchmark_scale);
}

constexpr Resampling I = Resampling::Interval;
constexpr Resampling N = Resampling::None;

constexpr Metric kMetrics[] = {
    {{"benchmark_return", "fraction a year", "cagr of the benchmark over the same periods", "returns are reinvested", "",
      I, true},
     benchmark_return},
    {{"active_return", "fraction a year", "cagr - benchmark_return", "returns are reinvested", "Bacon2008", I, true},
     active_return},
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
    {{"capture_ratio", "ratio", "up_capture / down_capture", "", "Bacon2008", I, true}, capture_ratio},
    {{"r_squared", "ratio", "benchmark_correlation^2", "", "Bacon2008", I, true}, r_squared},
    {{"treynor", "fraction a year", "mean(r - rf) p / beta", "", "Treynor1965", I, true}, treynor},
    {{"modified_treynor", "1/sqrt(year)", "mean(r - rf) p / systematic_risk", "", "Bacon2008", I, true},
     modified_treynor},
    {{"m2", "fraction a year", "(rf + mean(r - rf) / sd(r) sd(b)) p", "", "ModiglianiModigliani1997", I, true}, m2},
    {{"m2_excess", "fraction a year", "m2 - mean(b) p", "", "Bacon2008", I, true}, m2_excess},
    {{"systematic_risk", "fraction, sqrt(year)", "|beta| sd(b) sqrt(p)", "", "Bacon2008", I, true}, systematic_risk},
    {{"specific_risk", "fraction, sqrt(year)", "sd(r - beta b) sqrt(p), sd with n - 1", "", "Bacon2008", I, true},
     specific_risk},
    {{"appraisal", "1/sqrt(year)", "alpha / specific_risk", "", "Bacon2008", I, true}, appraisal},
    {{"fama_beta", "ratio", "sd(r) / sd(b)", "", "Fama1972", I, true}, fama_beta},
    {{"net_selectivity", "fraction a year", "(mean(r - rf) - fama_beta mean(b - rf)) p", "", "Fama1972", I, true},
     net_selectivity},
    {{"batting_average", "fraction of periods", "count(r > b) / n", "", "Bacon2008", I, true}, batting_average},
    {{"beta_up", "ratio", "cov(r, b) / var(b) where b > 0", "", "Bacon2008", N, true}, beta_up},
    {{"beta_down", "ratio", "cov(r, b) / var(b) where b < 0", "", "Bacon2008", N, true}, beta_down},
    {{"timing_ratio", "ratio", "beta_up / beta_down", "", "Bacon2008", N, true}, timing_ratio},
    {{"up_number", "fraction of periods", "count(r > 0 where b > 0) / count(b > 0)", "", "Bacon2008", N, true},
     up_number},
    {{"down_number", "fraction of periods", "count(r < 0 where b < 0) / count(b < 0)", "", "Bacon2008", N, true},
     down_number},
    {{"up_percent", "fraction of periods", "count(r > b where b > 0) / count(b > 0)", "", "Bacon2008", N, true},
     up_percent},
    {{"down_percent", "fraction of periods", "count(r > b where b < 0) / count(b < 0)", "", "Bacon2008", N, true},
     down_percent},
    {{"coskewness", "ratio", "mean(zr zb^2), z standardised with n", "", "HarveySiddique2000", N, true}, coskewness},
    {{"cokurtosis", "ratio", "mean(zr zb^3), z standardised with n", "", "FangLai1997", N, true}, cokurtosis},
    {{"beta_coskewness", "ratio", "mean(dr db^2) / mean(db^3), d distance from the mean", "", "MartelliniZiemann2010", N,
      true},
     beta_coskewness},
    {{"beta_cokurtosis", "ratio", "mean(dr db^3) / mean(db^4), d distance from the mean", "", "MartelliniZiemann2010", N,
      true},
     beta_cokurtosis},
    {{"treynor_mazuy", "1/return", "g of r - rf = a + b (b - rf) + g (b - rf)^2, least squares", "", "TreynorMazuy1966",
      N, true},
     treynor_mazuy},
    {{"henriksson_merton", "ratio", "g of r - rf = a + b (b - rf) + g max(rf - b, 0), least squares", "",
      "HenrikssonMerton1981", N, true},
     henriksson_merton},
};

}  // namespace

std::span<const Metric> benchmark_metrics() { return kMetrics; }

}  // namespace walras::stats
