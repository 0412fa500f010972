// Intervals from replicates, whatever the statistic.
#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/distributions.hpp"
#include "stats/pairs.hpp"
#include "stats/resample.hpp"
#include "stats/taper.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>

namespace walras::stats {
namespace {

constexpr std::size_t kMostLeftOut = 5000;
constexpr std::size_t kJackknifeGroups = 50;

/// The standard error of a sample of blocks, by leaving out groups of them in turn.
double grouped_error(std::span<const double> sample, std::span<const Block> blocks,
                     const Statistic& statistic) {
  const std::size_t groups = std::min(blocks.size(), kJackknifeGroups);
  if (groups < 2) return 0;
  std::vector<double> left_out;
  std::vector<double> others;
  std::size_t block = 0;
  std::size_t from = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    std::size_t to = from;
    for (; block < (g + 1) * blocks.size() / groups; ++block) to += blocks[block].length;
    others.assign(sample.begin(), sample.begin() + static_cast<std::ptrdiff_t>(from));
    others.insert(others.end(), sample.begin() + static_cast<std::ptrdiff_t>(to), sample.end());
    left_out.push_back(statistic(others));
    from = to;
  }
  const double mean = mean_of(left_out);
  double squares = 0;
  for (const double value : left_out) squares += (value - mean) * (value - mean);
  const auto count = static_cast<double>(groups);
  return std::sqrt(squares * (count - 1) / count);
}

std::vector<double> replicate_errors(std::span<const double> x, const ResamplePlan& plan,
                                     const Statistic& statistic, const Statistic& error) {
  if (error) return bootstrap(x, plan, error);
  const BlockSampler sampler(plan);
  std::vector<double> errors(plan.replicates);
  parallel_chunks(plan.replicates, 16, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    std::vector<double> sample(plan.periods);
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, blocks);
      take_blocks(x, blocks, sample);
      errors[b] = grouped_error(sample, blocks, statistic);
    }
  });
  return errors;
}

/// Divisor n: the replicates are the whole of their distribution.
double deviation_of(std::span<const double> values) {
  const double mean = mean_of(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

void expect_level(double level) {
  if (level > 0 && level < 1) return;
  fail(Fault::Numeric, "interval", fmt::format("expected a level between 0 and 1, was {}", level));
}

}  // namespace

std::string_view text(IntervalMethod method) {
  switch (method) {
    case IntervalMethod::Percentile: return "percentile";
    case IntervalMethod::Studentized: return "studentised";
    case IntervalMethod::Basic: return "basic";
    case IntervalMethod::Normal: return "normal";
    case IntervalMethod::BiasCorrected: return "BC";
    case IntervalMethod::Accelerated: return "BCa";
  }
  return "";
}

double quantile(std::span<const double> sorted, double probability) {
  expects(!sorted.empty() && probability >= 0 && probability <= 1,
          "a quantile of sorted values at a probability");
  const double position = probability * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  if (low + 1 >= sorted.size()) return sorted.back();
  const double share = position - static_cast<double>(low);
  if (share == 0) return sorted[low];  // so that a neighbour at infinity does no harm
  return sorted[low] + share * (sorted[low + 1] - sorted[low]);
}

Bounds percentile_bounds(std::span<double> values, double level) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)};
}

std::optional<Bounds> bootstrap_interval(const Replicates& replicates, IntervalMethod method,
                                         double level) {
  expect_level(level);
  const double centre = replicates.estimate;
  const bool studentized = method == IntervalMethod::Studentized;
  expects(!studentized || replicates.errors.size() == replicates.values.size(),
          "a standard error of each replicate");
  std::vector<double> values;
  values.reserve(replicates.values.size());
  for (std::size_t i = 0; i < replicates.values.size(); ++i) {
    if (std::isnan(replicates.values[i])) continue;
    if (!studentized) {
      values.push_back(replicates.values[i]);
    } else if (replicates.errors[i] > 0) {
      values.push_back((replicates.values[i] - centre) / replicates.errors[i]);
    }
  }
  const auto defined = static_cast<double>(values.size());
  if (values.size() < 2 || defined < 0.99 * static_cast<double>(replicates.values.size())) {
    return std::nullopt;
  }
  const Bounds tails = percentile_bounds(values, level);
  if (!(values.back() > values.front())) return std::nullopt;
  switch (method) {
    case IntervalMethod::Percentile: return tails;
    case IntervalMethod::Basic: return Bounds{2 * centre - tails.high, 2 * centre - tails.low};
    case IntervalMethod::Studentized:
      return Bounds{centre - tails.high * replicates.standard_error,
                    centre - tails.low * replicates.standard_error};
    case IntervalMethod::Normal: {
      const double reach = normal_quantile((1 + level) / 2) * deviation_of(values);
      return Bounds{centre - reach, centre + reach};
    }
    case IntervalMethod::BiasCorrected:
    case IntervalMethod::Accelerated: break;
  }
  const auto below = std::lower_bound(values.begin(), values.end(), centre) - values.begin();
  const auto upto = std::upper_bound(values.begin(), values.end(), centre) - values.begin();
  const double share = static_cast<double>(below + upto) / 2 / defined;
  if (!(share > 0 && share < 1)) return std::nullopt;
  const double bias = normal_quantile(share);
  const double curve =
      method == IntervalMethod::Accelerated ? replicates.acceleration : 0;
  const BlockVariance known = method == IntervalMethod::Accelerated ? replicates.variance : BlockVariance{};
  expects(known.share > 0 && known.degrees > 0, "a positive share and degrees of freedom of the replicates' variance");
  const auto at = [&](double probability) {
    const double z = bias + student_t_quantile(probability, known.degrees) / std::sqrt(known.share);
    // Beyond 1 / curve the transformation that the acceleration stands for has no more values.
    const double moved = curve * z < 1 ? z / (1 - curve * z) : std::copysign(std::numeric_limits<double>::infinity(), z);
    return quantile(values, std::clamp(normal_probability(bias + moved), 0.0, 1.0));
  };
  return Bounds{at((1 - level) / 2), at((1 + level) / 2)};
}

std::size_t jackknife_block(const ResamplePlan& plan) {
  const double longest = std::max(1.0, std::floor(static_cast<double>(plan.periods) / 2));
  return static_cast<std::size_t>(std::min(std::round(plan.mean_block), longest));
}

double acceleration(std::span<const double> left_out, std::size_t periods, std::size_t block) {
  if (left_out.empty()) return 0;
  const double mean = mean_of(left_out);
  double squares = 0;
  double cubes = 0;
  for (const double value : left_out) {
    const double d = mean - value;
    squares += d * d;
    cubes += d * d * d;
  }
  if (!(squares > 1e-30 * mean * mean)) return 0;
  // As many independent blocks as fit; the overlapping ones average over their places.
  const double overlap = static_cast<double>(left_out.size()) * static_cast<double>(block) /
                         static_cast<double>(periods);
  return cubes / (6 * std::pow(squares, 1.5)) * std::sqrt(overlap);
}

std::vector<double> leave_out_blocks(std::span<const double> x, std::size_t block,
                                     const Statistic& statistic) {
  const std::size_t n = x.size();
  if (block < 1 || block >= n) {
    fail(Fault::Numeric, "jackknife",
         fmt::format("expected blocks of 1 to {} observations, was {}", n > 0 ? n - 1 : 0, block));
  }
  const std::size_t starts = std::min(n, kMostLeftOut);
  std::vector<double> values(starts);
  parallel_chunks(starts, 64, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<double> others;
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t start = i * n / starts;
      const std::size_t stop = start + block;  // wraps around beyond n
      const auto at = [&](std::size_t t) { return x.begin() + static_cast<std::ptrdiff_t>(t); };
      others.assign(at(stop > n ? stop - n : 0), at(start));
      if (stop < n) others.insert(others.end(), at(stop), x.end());
      values[i] = statistic(others);
    }
  });
  return values;
}

void set_interval(IntervalEstimate& estimate, std::span<const double> values,
                  std::span<const double> errors, double level) {
  estimate.interval = bootstrap_interval(
      {estimate.estimate, values, estimate.standard_error, errors},
      errors.empty() ? IntervalMethod::Percentile : IntervalMethod::Studentized, level);
}

IntervalEstimate statistic_interval(std::span<const double> x, const Statistic& statistic,
                                    const ResamplePlan& plan, double level, IntervalMethod method,
                                    const Statistic& error) {
  expect_level(level);
  expect_finite("bootstrap", x);
  const std::vector<double> values = bootstrap(x, plan, statistic);
  IntervalEstimate result;
  result.estimate = statistic(x);
  Replicates own{.estimate = result.estimate, .values = values};
  std::vector<double> defined;
  std::copy_if(values.begin(), values.end(), std::back_inserter(defined),
               [](double value) { return !std::isnan(value); });
  if (std::isnan(result.estimate) || defined.size() < 2) return result;
  result.standard_error = deviation_of(defined);
  std::vector<double> errors;
  if (method == IntervalMethod::Studentized) {
    if (plan.scheme == BlockScheme::Tapered && plan.indices.empty()) {
      errors = bootstrap_tapered(linear_part(x, statistic), result.estimate, plan).errors;
    } else {
      errors = replicate_errors(x, plan, statistic, error);
    }
    if (error) result.standard_error = error(x);
    own.errors = errors;
  }
  own.standard_error = result.standard_error;
  if (method == IntervalMethod::Accelerated && plan.periods > 1) {
    const std::size_t block = jackknife_block(plan);
    own.acceleration = acceleration(leave_out_blocks(x, block, statistic), plan.periods, block);
    own.variance = block_variance(plan);
  }
  result.interval = bootstrap_interval(own, method, level);
  return result;
}

}  // namespace walras::stats
