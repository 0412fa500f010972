// Metrics of the tails: one entry each, with its formula beside it.
#include "stats/distributions.hpp"
#include "stats/extremes.hpp"
#include "stats/performance_sums.hpp"

#include <cmath>

namespace walras::stats {
namespace {

using namespace formulas;

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

Value rachev(const Sample& s) {
  if (!(s.order.beyond < 0)) return "the mean of the lower tail is no loss";
  return s.order.above / -s.order.beyond;
}

/// The fitted tail of losses beyond the 90 % quantile, or why there is none.
Value with_tail(const Sample& s, double (*figure)(const TailFit& fit, double tail)) {
  if (const char* reason = no_variance(s)) return reason;
  if (s.context.tail > kTailShare) return "the tail is inside the threshold, which leaves the worst 10 % of periods";
  const auto fit = fit_tail(s.order.sorted);
  if (!fit) return "fewer than 25 periods lie beyond the threshold, or their tail has no finite shape";
  return figure(*fit, s.context.tail);
}
Value var_evt(const Sample& s) {
  return with_tail(s, [](const TailFit& fit, double tail) { return fit.value_at_risk(tail); });
}
Value cvar_evt(const Sample& s) {
  const Value shape = with_tail(s, [](const TailFit& fit, double) { return fit.shape; });
  if (shape.reason == nullptr && shape.value >= 1) return "the fitted tail has no finite mean";
  return with_tail(s, [](const TailFit& fit, double tail) { return fit.expected_shortfall(tail); });
}
Value tail_shape(const Sample& s) {
  return with_tail(s, [](const TailFit& fit, double) { return fit.shape; });
}

constexpr Resampling I = Resampling::Interval;
constexpr Resampling N = Resampling::None;

constexpr Metric kMetrics[] = {
    {{"var_historical", "fraction of capital a period",
      "-quantile(r, tail), type 7; a loss is positive", "the past's distribution holds", "", I},
     var_historical},
    {{"cvar_historical", "fraction of capital a period",
      "-mean(r at or below quantile(r, tail)), whole observations, none by a part; a loss is positive", "the past's distribution holds",
      "", I},
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
    {{"var_evt", "fraction of capital a period",
      "u + b / xi ((n / k tail)^(-xi) - 1): losses beyond u, the 90 % quantile of losses, follow a generalised Pareto law "
      "(shape xi, scale b, maximum likelihood); k of n lie beyond",
      "independent losses; the tail beyond u is Pareto-like", "McNeilFrey2000", N},
     var_evt},
    {{"cvar_evt", "fraction of capital a period", "(var_evt + b - xi u) / (1 - xi)",
      "independent losses; the tail beyond u is Pareto-like", "McNeilFrey2000", N},
     cvar_evt},
    {{"tail_shape", "ratio", "xi of var_evt: 0 is an exponential tail, 1 / xi moments are finite",
      "independent losses; the tail beyond u is Pareto-like", "McNeilFrey2000", N},
     tail_shape},
    {{"evar", "fraction of capital a period", "min over t of t ln(mean(exp(-r / t)) / tail)",
      "the past's distribution holds", "AhmadiJavid2012", N},
     entropic_var},
    {{"entropic_risk", "fraction of capital a period", "ln(mean(exp(-r)) / tail): risk aversion 1",
      "the past's distribution holds", "AhmadiJavid2012", N},
     entropic_risk},
    {{"tail_ratio", "ratio", "quantile(r, 1 - tail) / -quantile(r, tail)", "", "", I}, tail_ratio},
    {{"rachev", "ratio", "mean(r at or above quantile(r, 1 - tail)) / cvar_historical", "the past's distribution holds",
      "BiglovaOrtobelliRachevStoyanov2004", I},
     rachev},
};

}  // namespace

std::span<const Metric> tail_metrics() { return kMetrics; }

}  // namespace walras::stats
