// Formulas that several metrics share.
#include "stats/performance_sums.hpp"

#include "stats/distributions.hpp"

#include <boost/math/tools/minima.hpp>
#include <algorithm>
#include <cmath>
#include <vector>

namespace walras::stats::formulas {
namespace {

constexpr const char* kNotFinite = "the record is too short to annualise: the yearly figure overflows";
constexpr const char* kShort = "the record is shorter than a week: nothing to annualise";

/// min over t > 0 of t ln(mean(exp(loss / t)) / tail): the smallest exponential bound on the quantile of losses.
/// Source: AhmadiJavid2012, eq. 8. `sign` turns values into losses; `largest` is the largest loss.
double entropic_bound(std::span<const double> values, double sign, double largest, double spread, double tail) {
  const auto bound = [&](double log_scale) {
    const double t = spread * std::exp(log_scale);
    double sum = 0;
    for (const double value : values) sum += std::exp((sign * value - largest) / t);
    return largest + t * std::log(sum / static_cast<double>(values.size()) / tail);
  };
  const double found = boost::math::tools::brent_find_minima(bound, -12.0, 12.0, 24).second;
  return std::min(found, largest);  // the limit for t -> 0
}

}  // namespace

double mean(const Sample& s) { return s.context.centre + s.sums[kX] / s.context.n; }
double excess_mean(const Sample& s) { return mean(s) - s.context.risk_free; }

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

double deviation(const Sample& s) {
  return std::sqrt(central(s).second * s.context.n / (s.context.n - 1));
}

Value total_return(const Sample& s) {
  if (s.context.ruined) return -1.0;
  const double value = std::expm1(s.sums[kLog]);
  if (!std::isfinite(value)) return kNotFinite;
  return value;
}

Value cagr(const Sample& s) {
  if (s.context.ruined) return -1.0;
  if (s.context.years < 7 / 365.25) return kShort;
  const double value = std::expm1(s.sums[kLog] / s.context.years);
  if (!std::isfinite(value)) return kNotFinite;
  return value;
}

Value volatility(const Sample& s) {
  if (s.context.n < 2) return kOnePeriod;
  if (no_variance(s) != nullptr) return 0.0;
  return deviation(s) * std::sqrt(s.context.periods_per_year);
}

Value sharpe(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return (mean(s) - s.context.risk_free) / deviation(s) * std::sqrt(s.context.periods_per_year);
}

double downside(const Sample& s) { return std::sqrt(s.sums[kBelow2] / s.context.n); }

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

Value ulcer_index(const Sample& s) { return std::sqrt(s.path.drawdown_square_sum / s.context.n); }
Value tail_ratio(const Sample& s) {
  if (!(s.order.low_tail < 0)) return "the lower tail quantile is no loss";
  return s.order.high_tail / -s.order.low_tail;
}

Value gains_to_losses(const Sample& s) {
  if (!(s.sums[kLoss] > 0)) return kNoLoss;
  return s.sums[kGain] / s.sums[kLoss];
}

Value entropic_risk(const Sample& s) {
  double sum = 0;
  for (const double x : s.returns) sum += std::exp(-x);
  return std::log(sum / s.context.n / s.context.tail);
}

Value entropic_var(const Sample& s) {
  if (const char* reason = no_variance(s)) return reason;
  return entropic_bound(s.returns, -1, -s.order.worst, deviation(s), s.context.tail);
}

Value entropic_drawdown(const Sample& s) {
  if (!(s.path.max_drawdown > 0)) return kNoDrawdown;
  std::vector<double> falls;
  PathFacts path;
  for (const double x : s.returns) falls.push_back(path.step(x));
  return entropic_bound(falls, 1, s.path.max_drawdown, s.path.max_drawdown, s.context.tail);
}

}  // namespace walras::stats::formulas
