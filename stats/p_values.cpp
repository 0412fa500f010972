#include "stats/p_values.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace walras::stats {
namespace {

/// Adjusts sorted p-values one by one and makes them monotone: from the smallest up (step-down:
/// running maximum) or from the largest down (step-up: running minimum).
std::vector<double> stepwise(std::span<const double> p, bool up,
                             const std::function<double(std::size_t)>& adjusted) {
  std::vector<double> result(p.size());
  if (up) {
    double running = 1;
    for (std::size_t i = p.size(); i-- > 0;) {
      running = std::min(running, adjusted(i));
      result[i] = running;
    }
  } else {
    double running = 0;
    for (std::size_t i = 0; i < p.size(); ++i) {
      running = std::max(running, std::min(1.0, adjusted(i)));
      result[i] = running;
    }
  }
  return result;
}

/// Wright's algorithm for Hommel's procedure on sorted p-values.
std::vector<double> hommel(std::span<const double> p) {
  const std::size_t n = p.size();
  const auto size = static_cast<double>(n);
  double smallest = 1;
  for (std::size_t i = 0; i < n; ++i) {
    smallest = std::min(smallest, size * p[i] / static_cast<double>(i + 1));
  }
  std::vector<double> q(n, smallest);
  std::vector<double> adjusted(n, smallest);
  for (std::size_t m = n; m-- > 2;) {
    const auto count = static_cast<double>(m);
    const std::size_t low = n - m + 1;  // the first `low` hypotheses, and the m - 1 after them
    double bound = 1;
    for (std::size_t i = low; i < n; ++i) {
      bound = std::min(bound, count * p[i] / static_cast<double>(i - low + 2));
    }
    for (std::size_t i = 0; i < low; ++i) q[i] = std::min(count * p[i], bound);
    for (std::size_t i = low; i < n; ++i) q[i] = q[low - 1];
    for (std::size_t i = 0; i < n; ++i) adjusted[i] = std::max(adjusted[i], q[i]);
  }
  for (std::size_t i = 0; i < n; ++i) adjusted[i] = std::min(1.0, std::max(adjusted[i], p[i]));
  return adjusted;
}

std::vector<double> adjust_sorted(std::span<const double> p, Adjustment adjustment) {
  const auto n = static_cast<double>(p.size());
  const auto rank = [](std::size_t i) { return static_cast<double>(i + 1); };
  const auto sidak = [&](double value, double tests) {
    return -std::expm1(tests * std::log1p(-value));
  };
  switch (adjustment) {
    case Adjustment::Bonferroni:
      return stepwise(p, false, [&](std::size_t i) { return n * p[i]; });
    case Adjustment::Sidak:
      return stepwise(p, false, [&](std::size_t i) { return sidak(p[i], n); });
    case Adjustment::Holm:
      return stepwise(p, false, [&](std::size_t i) { return (n - rank(i) + 1) * p[i]; });
    case Adjustment::HolmSidak:
      return stepwise(p, false, [&](std::size_t i) { return sidak(p[i], n - rank(i) + 1); });
    case Adjustment::Hochberg:
      return stepwise(p, true, [&](std::size_t i) { return (n - rank(i) + 1) * p[i]; });
    case Adjustment::Hommel:
      return hommel(p);
    case Adjustment::BenjaminiHochberg:
      return stepwise(p, true, [&](std::size_t i) { return n / rank(i) * p[i]; });
    case Adjustment::BenjaminiYekutieli: {
      double harmonic = 0;
      for (std::size_t i = 0; i < p.size(); ++i) harmonic += 1 / rank(i);
      return stepwise(p, true, [&](std::size_t i) { return harmonic * n / rank(i) * p[i]; });
    }
    case Adjustment::GavrilovBenjaminiSarkar:
      return stepwise(p, false, [&](std::size_t i) {
        return p[i] < 1 ? (n + 1 - rank(i)) / rank(i) * p[i] / (1 - p[i]) : 1.0;
      });
  }
  return {};
}


void check(std::span<const double> p) {
  for (const double value : p) {
    if (!(value >= 0 && value <= 1)) {
      fail(Fault::Numeric, "p-values", fmt::format("expected values in [0, 1], was {}", value));
    }
  }
}

}  // namespace

std::vector<double> adjust(std::span<const double> p, Adjustment adjustment) {
  check(p);
  std::vector<std::size_t> order(p.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p[a] < p[b]; });
  std::vector<double> sorted;
  sorted.reserve(p.size());
  for (const std::size_t i : order) sorted.push_back(p[i]);
  const std::vector<double> adjusted = adjust_sorted(sorted, adjustment);
  std::vector<double> result(p.size());
  for (std::size_t i = 0; i < order.size(); ++i) result[order[i]] = adjusted[i];
  return result;
}

TwoStageResult adjust_in_two_stages(std::span<const double> p, TwoStage stage, double level) {
  if (!(level > 0 && level < 1)) {
    fail(Fault::Numeric, "two-stage adjustment", fmt::format("expected a level between 0 and 1, was {}", level));
  }
  TwoStageResult result;
  const double penalty = stage == TwoStage::BenjaminiKriegerYekutieli ? 1 + level : 1;
  result.first_level = result.second_level = level / penalty;
  result.adjusted = adjust(p, Adjustment::BenjaminiHochberg);
  const auto tests = static_cast<double>(p.size());
  const auto rejected = static_cast<double>(
      std::count_if(result.adjusted.begin(), result.adjusted.end(), [&](double value) { return value <= result.first_level; }));
  result.true_nulls = tests - rejected;
  double share = 1;  // with none rejected there is nothing to learn, with all of them nothing left to do
  if (rejected > 0 && rejected < tests) {
    share = result.true_nulls / tests;
    result.second_level = result.first_level / share;
  }
  for (double& value : result.adjusted) value = std::min(1.0, value * share * penalty);
  return result;
}

QValues storey_q_values(std::span<const double> p, std::optional<double> lambda) {
  check(p);
  if (lambda && !(*lambda >= 0 && *lambda < 1)) {
    fail(Fault::Numeric, "q-values", fmt::format("expected lambda in [0, 1), was {}", *lambda));
  }
  QValues result;
  const auto tests = static_cast<double>(p.size());
  const auto above = [&](double bound) {
    return static_cast<double>(std::count_if(p.begin(), p.end(), [&](double value) { return value >= bound; }));
  };
  const auto share = [&](double bound) { return above(bound) / tests / (1 - bound); };
  if (lambda) {
    result.lambda = *lambda;
  } else if (p.size() >= 20) {
    std::vector<double> shares;
    for (int step = 1; step < 20; ++step) shares.push_back(share(0.05 * step));
    std::vector<double> sorted = shares;
    std::sort(sorted.begin(), sorted.end());
    const double floor = sorted[1] + 0.8 * (sorted[2] - sorted[1]);  // their 10 % quantile: 18 steps, 1.8 from the start
    double least = std::numeric_limits<double>::infinity();
    for (int step = 1; step < 20; ++step) {
      const double bound = 0.05 * step;
      const double count = above(bound);
      const double gap = shares[static_cast<std::size_t>(step - 1)] - floor;
      const double error = count / (tests * tests * (1 - bound) * (1 - bound)) * (1 - count / tests) + gap * gap;
      if (error >= least) continue;
      least = error;
      result.lambda = bound;
    }
  }
  if (lambda || p.size() >= 20) {
    result.true_share = std::min(1.0, share(result.lambda));
    // No p-value above lambda: not one true null is seen, yet none is too strong a claim; one is granted.
    if (!(result.true_share > 0)) result.true_share = std::min(1.0, 1 / tests);
  }
  result.q = adjust(p, Adjustment::BenjaminiHochberg);
  // Adjusted p-values were cut at 1; the share comes after the cut, as it only matters below it.
  for (double& value : result.q) value = std::min(1.0, value * result.true_share);
  return result;
}

}  // namespace walras::stats
