#include "stats/model_set.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"
#include "stats/replicate_sums.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 512;  // replicates a task; part of no result

/// Mean losses, and how far every replicate's are from them: apart[k * replicates + b].
struct Losses {
  std::size_t models, replicates;
  std::span<const std::span<const double>> observed;
  bool drawn;  ///< from blocks of a known length, not given
  std::vector<double> mean, apart;
  [[nodiscard]] const double* of(std::size_t k) const { return apart.data() + k * replicates; }
};

Losses resample(std::span<const std::span<const double>> losses, const ResamplePlan& plan) {
  std::vector<RunningMoments> moments;
  Losses result{losses.size(), plan.replicates, losses, plan.indices.empty(), {}, std::vector<double>(losses.size() * plan.replicates)};
  for (const std::span<const double> x : losses) {
    result.mean.push_back(moments.emplace_back(x).mean());
  }
  const BlockSampler sampler(plan);
  const std::unique_ptr<ReplicateSums> sums = replicate_sums(Panel(moments), plan.device);
  const std::size_t step = replicates_at_once(plan);
  const auto n = static_cast<double>(plan.periods);
  std::vector<kernel::Totals> totals;
  for (std::size_t begin = 0; begin < plan.replicates; begin += step) {
    const std::size_t count = std::min(step, plan.replicates - begin);
    totals.resize(losses.size() * count);
    const Draws draws = sampler.draw(begin, begin + count);
    blocks_are_short(plan.mean_block) ? sums->counted_totals(draws, totals)
                                      : sums->totals(draws, totals);
    for (std::size_t k = 0; k < losses.size(); ++k) {
      for (std::size_t b = 0; b < count; ++b) {
        result.apart[k * plan.replicates + begin + b] = totals[k * count + b].first / n;
      }
    }
  }
  return result;
}

/// What says that the difference of two models varies; below it is rounding.
double rounding_of(const Losses& losses) {
  double scale = 0;
  for (const double mean : losses.mean) scale = std::max(scale, std::abs(mean));
  return 1e-26 * scale * scale;
}

/// A difference over its error. One that never varies (scale 0) is beyond doubt, unless it is none.
double certain(double difference, double scale, double rounding) {
  if (scale > 0 || difference * difference <= rounding) return difference * scale;
  return std::copysign(std::numeric_limits<double>::infinity(), difference);
}

/// Squared standard errors of a mean difference: of the replicates', and of the observed one.
struct Variance {
  double replicate = 0, observed = 0;
};

/// Blocks cut dependence off, so that under autocorrelation the replicates scatter less than the observed means do: by 5 % of the
/// variance for an autocorrelation of 0.2, which the largest of many pairs turns into half as many rejections again. The
/// replicates are right in units of their own error; the observed difference is divided by one without that bias. Of given
/// indices nobody knows the blocks: there, the replicates' stands for both.
template <class Apart, class Observed>
Variance variance_of(const Losses& losses, Apart apart, Observed observed) {
  double squares = 0;
  for (std::size_t b = 0; b < losses.replicates; ++b) squares += apart(b) * apart(b);
  const double replicate = squares / static_cast<double>(losses.replicates);
  if (!losses.drawn) return {replicate, replicate};
  std::vector<double> difference(losses.observed.front().size());
  for (std::size_t t = 0; t < difference.size(); ++t) difference[t] = observed(t);
  return {replicate, std::max(replicate, flat_top_variance(difference) / static_cast<double>(difference.size()))};
}

/// Of the differences of pairs.
std::vector<Variance> pair_variances(const Losses& losses) {
  const std::size_t k = losses.models;
  std::vector<Variance> variances(k * k);
  parallel_for(k, [&](std::size_t i) {
    for (std::size_t j = 0; j < i; ++j) {
      variances[i * k + j] = variance_of(
          losses, [&](std::size_t b) { return losses.of(i)[b] - losses.of(j)[b]; },
          [&](std::size_t t) { return losses.observed[i][t] - losses.observed[j][t]; });
    }
  });
  for (std::size_t i = 0; i < k; ++i) {
    for (std::size_t j = 0; j < i; ++j) variances[j * k + i] = variances[i * k + j];
  }
  return variances;
}

/// One over the standard error; 0 where a difference never varies.
double scale_of(const Variance& variance, double Variance::* which, double rounding) {
  return variance.replicate > rounding ? 1 / std::sqrt(variance.*which) : 0;
}

/// The replicates' largest |t| over pairs of a growing set, raised by the pairs of one more model.
void raise(std::vector<double>& largest, const Losses& losses, std::size_t added,
           std::span<const std::size_t> others, std::span<const double> scale) {
  parallel_chunks(losses.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    for (const std::size_t other : others) {
      const double* x = losses.of(added);
      const double* y = losses.of(other);
      const double weight = scale[other];
      for (std::size_t b = begin; b < end; ++b) {
        const double t = std::abs(x[b] - y[b]) * weight;
        largest[b] = largest[b] < t ? t : largest[b];
      }
    }
  });
}

std::size_t reaching(std::span<const double> values, double statistic) {
  return static_cast<std::size_t>(std::count_if(
      values.begin(), values.end(), [&](double value) { return value >= statistic; }));
}

/// The order of elimination depends on the observed statistics alone, so that the replicates' maxima
/// are raised model by model from the last one back.
ModelSet by_range(const Losses& losses) {
  const std::size_t k = losses.models;
  const std::vector<Variance> variances = pair_variances(losses);
  const double rounding = rounding_of(losses);
  const auto scale = [&](std::size_t i, std::size_t j, double Variance::* which) { return scale_of(variances[i * k + j], which, rounding); };
  ModelSet result;
  std::vector<std::size_t> left(k);
  std::iota(left.begin(), left.end(), std::size_t{0});
  while (left.size() > 1) {
    double largest = -1;
    std::size_t worst = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      for (const std::size_t other : left) {
        const double t = certain(losses.mean[left[i]] - losses.mean[other], scale(left[i], other, &Variance::observed), rounding);
        if (left[i] != other && t > largest) {
          largest = t;
          worst = i;
        }
      }
    }
    result.statistic.push_back(largest);
    result.order.push_back(left[worst]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  result.order.push_back(left.front());

  result.reached.resize(k - 1);
  std::vector<double> largest(losses.replicates, 0);
  std::vector<double> scales(k);
  for (std::size_t step = k - 1; step-- > 0;) {
    const std::size_t added = result.order[step];
    const std::span<const std::size_t> others = std::span(result.order).subspan(step + 1);
    for (const std::size_t other : others) scales[other] = scale(added, other, &Variance::replicate);
    raise(largest, losses, added, others, scales);
    result.reached[step] = reaching(largest, result.statistic[step]);
  }
  return result;
}

ModelSet by_maximum(const Losses& losses) {
  ModelSet result;
  const double rounding = rounding_of(losses);
  const std::size_t periods = losses.observed.front().size();
  std::vector<std::size_t> left(losses.models);
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::vector<double> average(losses.replicates);
  std::vector<double> average_loss(periods);
  std::vector<double> largest(losses.replicates);
  std::vector<Variance> variances(losses.models);
  while (left.size() > 1) {
    const auto count = static_cast<double>(left.size());
    std::fill(average.begin(), average.end(), 0.0);
    std::fill(average_loss.begin(), average_loss.end(), 0.0);
    double centre = 0;
    for (const std::size_t i : left) {
      centre += losses.mean[i] / count;
      for (std::size_t b = 0; b < losses.replicates; ++b) average[b] += losses.of(i)[b] / count;
      for (std::size_t t = 0; t < periods; ++t) average_loss[t] += losses.observed[i][t] / count;
    }
    parallel_for(left.size(), [&](std::size_t at) {
      const std::size_t i = left[at];
      variances[i] = variance_of(
          losses, [&](std::size_t b) { return losses.of(i)[b] - average[b]; },
          [&](std::size_t t) { return losses.observed[i][t] - average_loss[t]; });
    });
    std::fill(largest.begin(), largest.end(), -std::numeric_limits<double>::infinity());
    double statistic = -std::numeric_limits<double>::infinity();
    std::size_t worst = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const double* x = losses.of(left[i]);
      const double scale = scale_of(variances[left[i]], &Variance::replicate, rounding);
      for (std::size_t b = 0; b < losses.replicates; ++b) {
        largest[b] = std::max(largest[b], (x[b] - average[b]) * scale);
      }
      const double t =
          certain(losses.mean[left[i]] - centre, scale_of(variances[left[i]], &Variance::observed, rounding), rounding);
      if (t > statistic) {
        statistic = t;
        worst = i;
      }
    }
    result.statistic.push_back(statistic);
    result.reached.push_back(reaching(largest, statistic));
    result.order.push_back(left[worst]);
    left.erase(left.begin() + static_cast<std::ptrdiff_t>(worst));
  }
  result.order.push_back(left.front());
  return result;
}

}  // namespace

std::vector<std::size_t> ModelSet::included(double size) const {
  std::vector<std::size_t> result;
  for (std::size_t k = 0; k < p_value.size(); ++k) {
    if (p_value[k] > size) result.push_back(k);
  }
  return result;
}

ModelSet model_confidence_set(std::span<const std::span<const double>> losses,
                              const ResamplePlan& plan, SetStatistic statistic) {
  const std::string_view where = "model confidence set";
  check(plan);
  if (losses.size() < 2) {
    fail(Fault::Numeric, where, fmt::format("expected at least 2 models, was {}", losses.size()));
  }
  if (plan.periods < 2) fail(Fault::Numeric, where, fmt::format("expected at least 2 periods, was {}", plan.periods));
  for (std::size_t k = 0; k < losses.size(); ++k) {
    if (losses[k].size() != plan.periods) {
      fail(Fault::Numeric, where,
           fmt::format("expected {} losses of model {}, was {}", plan.periods, k + 1,
                       losses[k].size()));
    }
    expect_finite(where, losses[k]);
  }
  const Losses resampled = resample(losses, plan);
  ModelSet result =
      statistic == SetStatistic::Range ? by_range(resampled) : by_maximum(resampled);
  result.p_value.assign(losses.size(), 1);
  double running = 0;
  for (std::size_t step = 0; step < result.statistic.size(); ++step) {
    const double p = static_cast<double>(1 + result.reached[step]) /
                     static_cast<double>(plan.replicates + 1);
    running = std::max(running, p);
    result.p_value[result.order[step]] = running;
  }
  return result;
}

}  // namespace walras::stats
