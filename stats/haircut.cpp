#include "stats/haircut.hpp"

#include "engine/base/error.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

namespace walras::stats {
namespace {

boost::math::students_t distribution(std::size_t n) {
  expects(n >= 2, "at least two periods");
  return boost::math::students_t(static_cast<double>(n - 1));
}

Haircut cut(AnnualSharpe sharpe, double periods_per_year, std::size_t n, double p, double adjusted) {
  Haircut result;
  result.p = p;
  result.adjusted = std::clamp(adjusted, std::numeric_limits<double>::min(), 1.0);
  result.sharpe = annual(sharpe_of_p_value(result.adjusted, n), periods_per_year);
  // Rounding in the quantile must not add to the ratio.
  result.sharpe.value = std::min(result.sharpe.value, sharpe.value);
  result.share = 1 - result.sharpe.value / sharpe.value;
  return result;
}

void check(AnnualSharpe sharpe, double periods_per_year, std::size_t n) {
  if (!(sharpe.value > 0) || !(periods_per_year > 0) || n < 2) {
    fail(Fault::Numeric, "haircut", fmt::format("expected a Sharpe ratio above 0 over at least 2 periods, was {} over {}", sharpe.value, n));
  }
}

/// The largest p-value that passes a step-up rule whose bar at rank k of N is k step: that of the last rank at which the one
/// before it, of the others in order, does not stand above the bar.
double step_up_bar(std::vector<double> others, double step) {
  std::sort(others.begin(), others.end());
  std::size_t rank = others.size() + 1;
  while (rank > 1 && others[rank - 2] > static_cast<double>(rank) * step) --rank;
  return static_cast<double>(rank) * step;
}

}  // namespace

double first_autocorrelation(std::span<const double> x) {
  if (x.size() < 3) return 0;
  double mean = 0, scale = 0;
  for (const double value : x) {
    mean += value / static_cast<double>(x.size());
    scale = std::max(scale, std::abs(value));
  }
  double square = 0, product = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    square += (x[t] - mean) * (x[t] - mean);
    if (t > 0) product += (x[t] - mean) * (x[t - 1] - mean);
  }
  return square > 1e-24 * scale * scale * static_cast<double>(x.size()) ? product / square : 0;
}

AnnualSharpe autocorrelation_corrected(AnnualSharpe sharpe, double rho, double periods_per_year) {
  if (!(rho > -1 && rho < 1) || !(periods_per_year >= 1)) {
    fail(Fault::Numeric, "autocorrelation", fmt::format("expected one between -1 and 1 and at least one period a year, was {} and {}", rho, periods_per_year));
  }
  const double q = periods_per_year;
  const double spread = 1 + 2 * rho / (1 - rho) * (1 - (1 - std::pow(std::abs(rho), q) * (rho < 0 ? std::cos(q * std::numbers::pi) : 1)) / (q * (1 - rho)));
  // Strong negative autocorrelation over few periods: a year's returns would hardly vary; no ratio grows without bound.
  return {sharpe.value / std::sqrt(std::max(spread, 0.05))};
}

double sharpe_p_value(PeriodSharpe sharpe, std::size_t n) {
  const double t = std::abs(sharpe.value) * std::sqrt(static_cast<double>(n));
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(distribution(n), t)));
}

PeriodSharpe sharpe_of_p_value(double p, std::size_t n) {
  if (!(p > 0 && p <= 1)) fail(Fault::Numeric, "p-value", fmt::format("expected one in (0, 1], was {}", p));
  if (p == 1) return {0};
  return {boost::math::quantile(boost::math::complement(distribution(n), p / 2)) / std::sqrt(static_cast<double>(n))};
}

Haircut haircut_sharpe(AnnualSharpe sharpe, double periods_per_year, std::size_t n, std::span<const double> p, std::size_t which,
                       Adjustment adjustment) {
  check(sharpe, periods_per_year, n);
  expects(which < p.size(), "one of the p-values");
  std::vector<double> all(p.begin(), p.end());
  all[which] = sharpe_p_value(per_period(sharpe, periods_per_year), n);
  return cut(sharpe, periods_per_year, n, all[which], adjust(all, adjustment)[which]);
}

Haircut haircut_sharpe(AnnualSharpe sharpe, double periods_per_year, std::size_t n, double tests) {
  check(sharpe, periods_per_year, n);
  if (!(tests >= 1)) fail(Fault::Numeric, "haircut", fmt::format("expected at least one test, was {}", tests));
  const double p = sharpe_p_value(per_period(sharpe, periods_per_year), n);
  return cut(sharpe, periods_per_year, n, p, tests * p);
}

double profit_hurdle(double volatility, double periods_per_year, std::size_t n, std::span<const double> p, std::size_t which,
                     Adjustment adjustment, double level) {
  if (!(volatility > 0) || !(periods_per_year > 0) || n < 2 || !(level > 0 && level < 1)) {
    fail(Fault::Numeric, "profit hurdle",
         fmt::format("expected a volatility above 0, 2 periods and a level between 0 and 1, was {}, {} and {}", volatility, n, level));
  }
  expects(which < p.size(), "one of the p-values");
  std::vector<double> all(p.begin(), p.end());
  if (adjustment == Adjustment::BenjaminiHochberg || adjustment == Adjustment::BenjaminiYekutieli) {
    const auto count = static_cast<double>(all.size());
    double weight = count;
    if (adjustment == Adjustment::BenjaminiYekutieli) {
      weight = 0;
      for (double k = count; k >= 1; --k) weight += count / k;
    }
    all.erase(all.begin() + static_cast<std::ptrdiff_t>(which));
    const PeriodSharpe needed = sharpe_of_p_value(step_up_bar(std::move(all), level / weight), n);
    return annual(needed, periods_per_year).value * volatility;
  }
  // The largest p-value that passes: adjusted ones rise with it, so that halving finds the place. On a scale of logs,
  // since it may be very small.
  const auto passes = [&](double value) {
    all[which] = value;
    return adjust(all, adjustment)[which] <= level;
  };
  double low = std::log(1e-300), high = std::log(level);
  if (passes(level)) {
    low = high;
  } else {
    for (int step = 0; step < 80; ++step) {
      const double middle = (low + high) / 2;
      (passes(std::exp(middle)) ? low : high) = middle;
    }
  }
  const PeriodSharpe needed = sharpe_of_p_value(std::exp(low), n);
  return annual(needed, periods_per_year).value * volatility;
}

}  // namespace walras::stats
