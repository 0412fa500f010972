// Means, variances and Sharpe ratios of many series by running sums, and their intervals.
#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"
#include "stats/replicate_sums.hpp"
#include "stats/resample.hpp"
#include "stats/taper.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>

namespace walras::stats {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// How much each observation moves the functional, n times.
std::vector<double> influence(Functional functional, const RunningMoments& moments) {
  const std::span<const double> centred = moments.centred();
  const auto n = static_cast<double>(centred.size());
  const double variance = moments.square_sum() / n;
  if (functional == Functional::Mean) return {centred.begin(), centred.end()};
  std::vector<double> result;
  result.reserve(centred.size());
  const double sharpe = moments.mean() / std::sqrt(variance);
  for (const double value : centred) {
    if (functional == Functional::Variance) {
      result.push_back(value * value - variance);
    } else {
      const double z = value / std::sqrt(variance);
      result.push_back(z - sharpe / 2 * (z * z - 1));
    }
  }
  return result;
}

/// Of sums about a mean of 0. None where a Sharpe ratio or a variance has no variance.
std::optional<double> value_of(Functional functional, double first, double second, double n,
                               double centre, double tiny) {
  const double mean = first / n;
  if (functional == Functional::Mean) return mean + centre;
  const double variance = second / n - mean * mean;
  if (!(variance > tiny) || n < 2) return std::nullopt;
  if (functional == Functional::Variance) return variance * n / (n - 1);
  return (mean + centre) / std::sqrt(variance * n / (n - 1));
}

/// n times the variance of the mean that the plan's blocks give, exactly but for the edges.
double scheme_variance(std::span<const double> x, const ResamplePlan& plan) {
  if (plan.scheme == BlockScheme::Stationary) {
    return stationary_bootstrap_variance(x, plan.mean_block);
  }
  return circular_bootstrap_variance(
      x, static_cast<std::size_t>(
             std::min(std::round(plan.mean_block), static_cast<double>(x.size()))));
}

IntervalEstimate estimate_of(Functional functional, const RunningMoments& moments,
                             const ResamplePlan& plan) {
  const auto n = static_cast<double>(moments.centred().size());
  IntervalEstimate result;
  result.estimate = functional == Functional::Mean ? moments.mean() : 0;
  if (n < 2 || !(moments.square_sum() / n > moments.tiny())) return result;
  result.estimate =
      value_of(functional, 0, moments.square_sum(), n, moments.mean(), moments.tiny()).value();
  const double variance = scheme_variance(influence(functional, moments), plan);
  result.standard_error = std::sqrt(std::max(0.0, variance) / n);
  return result;
}

/// The functional with each circular block left out.
double jackknife_acceleration(Functional functional, const RunningMoments& moments,
                              std::size_t block) {
  const kernel::Moments view = moments.view();
  const std::size_t n = view.n;
  std::vector<double> left_out;
  left_out.reserve(n);
  for (std::uint32_t start = 0; start < n; ++start) {
    const kernel::PairSum part =
        kernel::block_sum(view, {start, static_cast<std::uint32_t>(block)});
    const std::optional<double> value =
        value_of(functional, -part.first, moments.square_sum() - part.second,
                 static_cast<double>(n - block), view.centre, moments.tiny());
    if (!value) return 0;
    left_out.push_back(*value);
  }
  return acceleration(left_out, n, block);
}

/// Values, and for studentised intervals errors, of all series: [series * replicates + replicate].
struct Resampled {
  std::vector<double> values, errors;
};

Resampled resample(std::span<const RunningMoments> moments, const ResamplePlan& plan,
                   Functional functional, bool studentized) {
  const auto n = static_cast<double>(plan.periods);
  const std::size_t series = moments.size();
  const std::size_t step = replicates_at_once(plan);
  Resampled result{std::vector<double>(series * plan.replicates),
                   std::vector<double>(studentized ? series * plan.replicates : 0)};
  const BlockSampler sampler(plan);
  const std::unique_ptr<ReplicateSums> sums = replicate_sums(Panel(moments), plan.device);
  std::vector<kernel::Totals> totals;
  std::vector<kernel::Products> products;
  for (std::size_t begin = 0; begin < plan.replicates; begin += step) {
    const std::size_t count = std::min(step, plan.replicates - begin);
    const Draws draws = sampler.draw(begin, begin + count);
    if (studentized) {
      products.resize(series * count);
      sums->products(draws, products);
    } else {
      totals.resize(series * count);
      blocks_are_short(plan.mean_block) ? sums->counted_totals(draws, totals)
                                        : sums->totals(draws, totals);
    }
    parallel_for(series, [&](std::size_t k) {
      const double centre = moments[k].mean();
      const double tiny = moments[k].tiny();
      for (std::size_t b = 0; b < count; ++b) {
        const std::size_t at = k * plan.replicates + begin + b;
        if (!studentized) {
          const kernel::Totals& sum = totals[k * count + b];
          result.values[at] = value_of(functional, sum.first, sum.second, n, centre, tiny)
                                  .value_or(kUndefined);
          continue;
        }
        const kernel::Products& sum = products[k * count + b];
        const kernel::Estimate one =
            functional == Functional::Mean     ? kernel::mean_with_error(sum, n, centre)
            : functional == Functional::Sharpe ? kernel::sharpe_with_error(sum, n, centre, tiny)
                                               : kernel::variance_with_error(sum, n, tiny);
        result.values[at] = one.value;
        result.errors[at] = one.error;
      }
    });
  }
  return result;
}

}  // namespace

IntervalEstimate mean_estimate(std::span<const double> x, double mean_block) {
  return estimate_of(Functional::Mean, RunningMoments(x), {x.size(), 1, mean_block, 0});
}

IntervalEstimate sharpe_estimate(std::span<const double> x, double mean_block) {
  return estimate_of(Functional::Sharpe, RunningMoments(x), {x.size(), 1, mean_block, 0});
}

std::vector<IntervalEstimate> intervals(std::span<const std::span<const double>> series,
                                        Functional functional, const ResamplePlan& plan,
                                        double level, IntervalMethod method) {
  check(plan);
  std::vector<RunningMoments> moments;
  moments.reserve(series.size());
  std::vector<IntervalEstimate> results;
  for (const std::span<const double> x : series) {
    if (x.size() != plan.periods) {
      fail(Fault::Numeric, "bootstrap",
           fmt::format("expected {} observations, was {}", plan.periods, x.size()));
    }
    expect_finite("bootstrap", x);
    results.push_back(estimate_of(functional, moments.emplace_back(x), plan));
  }
  if (series.empty()) return results;
  const bool studentized = method == IntervalMethod::Studentized;
  const bool tapered = plan.scheme == BlockScheme::Tapered && plan.indices.empty();
  const BlockVariance known = method == IntervalMethod::Accelerated ? block_variance(plan) : BlockVariance{};
  Resampled all;
  if (!tapered) all = resample(moments, plan, functional, studentized);
  parallel_for(series.size(), [&](std::size_t k) {
    IntervalEstimate& result = results[k];
    if (!(result.standard_error > 0)) return;
    Replicates own{.estimate = result.estimate};
    TaperedReplicates weighted;
    if (tapered) {
      weighted = bootstrap_tapered(influence(functional, moments[k]), result.estimate, plan);
      result.standard_error = weighted.standard_error;
      own.values = weighted.values;
      own.errors = weighted.errors;
    } else {
      const std::size_t from = k * plan.replicates;
      own.values = std::span(all.values).subspan(from, plan.replicates);
      if (studentized) own.errors = std::span(all.errors).subspan(from, plan.replicates);
    }
    own.standard_error = result.standard_error;
    if (method == IntervalMethod::Accelerated) {
      own.acceleration = jackknife_acceleration(functional, moments[k], jackknife_block(plan));
      own.variance = known;
    }
    result.interval = bootstrap_interval(own, method, level);
  });
  return results;
}

std::vector<IntervalEstimate> mean_intervals(std::span<const std::span<const double>> series,
                                             const ResamplePlan& plan, double level,
                                             IntervalMethod method) {
  return intervals(series, Functional::Mean, plan, level, method);
}

std::vector<IntervalEstimate> sharpe_intervals(std::span<const std::span<const double>> series,
                                               const ResamplePlan& plan, double level,
                                               IntervalMethod method) {
  return intervals(series, Functional::Sharpe, plan, level, method);
}

}  // namespace walras::stats
