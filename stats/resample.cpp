#include "stats/resample.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "stats/dependence.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result

double mean_of(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

void expect_shape(std::span<const std::span<const double>> series, const ResamplePlan& plan) {
  check(plan);
  for (const std::span<const double> x : series) {
    if (x.size() != plan.periods) {
      fail(Fault::Numeric, "bootstrap",
           fmt::format("expected {} observations, was {}", plan.periods, x.size()));
    }
  }
}

/// The influence of each observation on mean / standard deviation.
std::vector<double> sharpe_influence(std::span<const double> x, double mean, double variance) {
  const double deviation = std::sqrt(variance);
  const double sharpe = mean / deviation;
  std::vector<double> influence;
  influence.reserve(x.size());
  for (const double value : x) {
    const double z = (value - mean) / deviation;
    influence.push_back(z - sharpe / 2 * (z * z - 1));
  }
  return influence;
}

enum class Functional { Mean, Sharpe };

std::vector<IntervalEstimate> intervals(std::span<const std::span<const double>> series,
                                        const ResamplePlan& plan, double level,
                                        IntervalMethod method, Functional functional) {
  expect_shape(series, plan);
  const auto n = static_cast<double>(plan.periods);
  const std::size_t replicates = plan.replicates;
  const bool studentized = method == IntervalMethod::Studentized;
  std::vector<IntervalEstimate> results(series.size());
  std::vector<RunningMoments> moments;
  moments.reserve(series.size());
  for (std::size_t k = 0; k < series.size(); ++k) {
    moments.emplace_back(series[k]);
    results[k] = functional == Functional::Mean ? mean_estimate(series[k], plan.mean_block)
                                                : sharpe_estimate(series[k], plan.mean_block);
  }

  const BlockSampler sampler(plan);
  std::vector<double> values(series.size() * replicates);
  std::vector<double> errors(studentized ? values.size() : 0);
  parallel_chunks(replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    const std::vector<std::vector<Block>> drawn = sampler.draw(begin, end);
    for (std::size_t k = 0; k < moments.size(); ++k) {
      for (std::size_t b = begin; b < end; ++b) {
        const std::vector<Block>& blocks = drawn[b - begin];
        const std::size_t at = k * replicates + b;
        const kernel::Moments view = moments[k].view();
        if (studentized) {
          const kernel::Products sum = kernel::products(view, blocks.data(), blocks.size());
          const kernel::Estimate estimate =
              functional == Functional::Mean
                  ? kernel::mean_with_error(sum, n, view.centre)
                  : kernel::sharpe_with_error(sum, n, view.centre, moments[k].tiny());
          values[at] = estimate.value;
          errors[at] = estimate.error;
          continue;
        }
        const kernel::Totals sum = kernel::totals(view, blocks.data(), blocks.size());
        bool defined = true;
        values[at] = functional == Functional::Mean
                         ? sum.first / n + view.centre
                         : kernel::sharpe_only(sum, n, view.centre, moments[k].tiny(), defined);
        if (!defined) values[at] = std::numeric_limits<double>::quiet_NaN();
      }
    }
  });
  parallel_for(series.size(), [&](std::size_t k) {
    if (!(results[k].standard_error > 0)) return;
    const std::span<double> own(values.data() + k * replicates, replicates);
    const std::span<const double> own_errors =
        studentized ? std::span<const double>(errors.data() + k * replicates, replicates)
                    : std::span<const double>();
    set_interval(results[k], own, own_errors, level);
  });
  return results;
}

Evidence permutation_evidence(std::string name, std::size_t n, double estimate) {
  Evidence evidence;
  evidence.name = std::move(name);
  evidence.estimate = estimate;
  evidence.unit = "as the observations";
  evidence.n = n;
  evidence.assumptions = "independent observations";
  return evidence;
}

}  // namespace

void check(const ResamplePlan& plan) {
  if (plan.periods < 1 || plan.periods > (std::size_t{1} << 31)) {
    fail(Fault::Numeric, "bootstrap",
         fmt::format("expected 1 to 2^31 observations, was {}", plan.periods));
  }
  if (plan.replicates < 1)
    fail(Fault::Numeric, "bootstrap", "expected at least 1 replicate, was 0");
  if (!(plan.mean_block >= 1) || !std::isfinite(plan.mean_block)) {
    fail(Fault::Numeric, "bootstrap",
         fmt::format("expected a mean block length of at least 1, was {}", plan.mean_block));
  }
}

double shared_block_length(std::span<const std::span<const double>> series, bool squares) {
  double longest = 1;
  for (const std::span<const double> x : series) {
    if (x.empty()) continue;
    longest = std::max(
        {longest, block_length(x).stationary, std::pow(static_cast<double>(x.size()), 0.2)});
    if (!squares) continue;
    const double mean = mean_of(x);
    std::vector<double> squared;
    squared.reserve(x.size());
    for (const double value : x) squared.push_back((value - mean) * (value - mean));
    longest = std::max(longest, block_length(squared).stationary);
  }
  return longest;
}

namespace {
constexpr int kTableBits = 10;
}  // namespace

BlockSampler::BlockSampler(const ResamplePlan& plan) : plan_(plan) {
  check(plan);
  inverse_log_stay_ = plan.mean_block > 1 ? 1 / std::log1p(-1 / plan.mean_block) : 0;
  constexpr std::uint32_t kWidth = std::uint32_t{1} << (32 - kTableBits);
  for (std::uint32_t leading = 0; leading < (std::uint32_t{1} << kTableBits); ++leading) {
    const std::uint32_t first = leading * kWidth;
    const double longest = kernel::block_length_from_bits(first, inverse_log_stay_);
    const double shortest = kernel::block_length_from_bits(first + (kWidth - 1), inverse_log_stay_);
    length_of_.push_back(longest == shortest && longest < 1e9 ? static_cast<std::uint32_t>(longest)
                                                              : 0);
  }
}

void BlockSampler::draw(std::size_t replicate, std::vector<Block>& blocks) const {
  blocks.clear();
  Rng random(plan_.seed, "stationary bootstrap", replicate);
  const auto n = static_cast<std::uint32_t>(plan_.periods);
  for (std::uint32_t left = n; left > 0;) {
    const std::uint64_t bits = random.bits();
    const auto low = static_cast<std::uint32_t>(bits);
    std::uint32_t length = length_of_[low >> (32 - kTableBits)];
    if (length == 0) {
      const double drawn = kernel::block_length_from_bits(low, inverse_log_stay_);
      length = drawn < left ? static_cast<std::uint32_t>(drawn) : left;
    }
    length = std::min(length, left);
    blocks.push_back(
        {kernel::block_start_from_bits(static_cast<std::uint32_t>(bits >> 32), n), length});
    left -= length;
  }
}

std::vector<std::vector<Block>> BlockSampler::draw(std::size_t begin, std::size_t end) const {
  std::vector<std::vector<Block>> all(end - begin);
  for (std::size_t b = begin; b < end; ++b) {
    all[b - begin].reserve(
        static_cast<std::size_t>(1.2 * static_cast<double>(plan_.periods) / plan_.mean_block) + 16);
    draw(b, all[b - begin]);
  }
  return all;
}

std::vector<std::uint32_t> draw_indices(const ResamplePlan& plan, std::size_t replicate) {
  std::vector<Block> blocks;
  BlockSampler(plan).draw(replicate, blocks);
  std::vector<std::uint32_t> indices;
  indices.reserve(plan.periods);
  for (const Block block : blocks) {
    for (std::uint64_t i = 0; i < block.length; ++i) {
      indices.push_back(static_cast<std::uint32_t>((block.start + i) % plan.periods));
    }
  }
  return indices;
}

RunningMoments::RunningMoments(std::span<const double> x)
    : running_(2 * (x.size() + 1)), n_(static_cast<std::uint32_t>(x.size())) {
  expects(!x.empty(), "running moments of at least one value");
  mean_ = mean_of(x);
  double scale = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double value = x[t] - mean_;
    running_[2 * t + 2] = running_[2 * t] + value;
    running_[2 * t + 3] = running_[2 * t + 1] + value * value;
    scale = std::max(scale, std::abs(x[t]));
  }
  tiny_ = 1e-24 * scale * scale;
}

std::vector<double> bootstrap(std::span<const double> x, const ResamplePlan& plan,
                              const std::function<double(std::span<const double>)>& statistic) {
  const std::span<const double> one[] = {x};
  expect_shape(one, plan);
  const BlockSampler sampler(plan);
  std::vector<double> values(plan.replicates);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    std::vector<double> sample(plan.periods);
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, blocks);
      std::size_t t = 0;
      for (const Block block : blocks) {
        std::size_t from = block.start;
        for (std::uint32_t i = 0; i < block.length; ++i) {
          sample[t++] = x[from];
          if (++from == plan.periods) from = 0;
        }
      }
      values[b] = statistic(sample);
    }
  });
  return values;
}

double quantile(std::span<const double> sorted, double probability) {
  expects(!sorted.empty() && probability >= 0 && probability <= 1,
          "a quantile of sorted values at a probability");
  const double position = probability * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(position);
  if (low + 1 >= sorted.size()) return sorted.back();
  const double share = position - static_cast<double>(low);
  return sorted[low] + share * (sorted[low + 1] - sorted[low]);
}

Bounds percentile_bounds(std::span<double> values, double level) {
  std::sort(values.begin(), values.end());
  return {quantile(values, (1 - level) / 2), quantile(values, (1 + level) / 2)};
}

IntervalEstimate mean_estimate(std::span<const double> x, double mean_block) {
  const RunningMoments moments(x);
  const auto n = static_cast<double>(x.size());
  IntervalEstimate result;
  result.estimate = moments.mean();
  if (x.size() < 2 || !(moments.square_sum() / n > moments.tiny())) return result;
  result.standard_error =
      std::sqrt(std::max(0.0, stationary_bootstrap_variance(x, mean_block)) / n);
  return result;
}

IntervalEstimate sharpe_estimate(std::span<const double> x, double mean_block) {
  const RunningMoments moments(x);
  const auto n = static_cast<double>(x.size());
  const double variance = moments.square_sum() / n;
  IntervalEstimate result;
  if (x.size() < 2 || !(variance > moments.tiny())) return result;
  result.estimate = moments.mean() / std::sqrt(variance * n / (n - 1));
  const std::vector<double> influence = sharpe_influence(x, moments.mean(), variance);
  result.standard_error =
      std::sqrt(std::max(0.0, stationary_bootstrap_variance(influence, mean_block)) / n);
  return result;
}

void set_interval(IntervalEstimate& estimate, std::span<const double> values,
                  std::span<const double> errors, double level) {
  std::vector<double> defined;
  defined.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;
    if (errors.empty()) {
      defined.push_back(values[i]);
    } else if (errors[i] > 0) {
      defined.push_back((values[i] - estimate.estimate) / errors[i]);
    }
  }
  if (static_cast<double>(defined.size()) < 0.99 * static_cast<double>(values.size())) return;
  const Bounds bounds = percentile_bounds(defined, level);
  estimate.interval = errors.empty()
                          ? bounds
                          : Bounds{estimate.estimate - bounds.high * estimate.standard_error,
                                   estimate.estimate - bounds.low * estimate.standard_error};
}

std::vector<IntervalEstimate> mean_intervals(std::span<const std::span<const double>> series,
                                             const ResamplePlan& plan, double level,
                                             IntervalMethod method) {
  return intervals(series, plan, level, method, Functional::Mean);
}

std::vector<IntervalEstimate> sharpe_intervals(std::span<const std::span<const double>> series,
                                               const ResamplePlan& plan, double level,
                                               IntervalMethod method) {
  return intervals(series, plan, level, method, Functional::Sharpe);
}

Evidence sign_flip_test(std::span<const double> x, std::size_t replicates, std::uint64_t seed) {
  if (x.empty()) return without_estimate("mean", "as the observations", "no observations");
  const std::size_t n = x.size();
  const double sum = mean_of(x) * static_cast<double>(n);
  double magnitude = 0;
  for (const double value : x) magnitude += std::abs(value);
  const double threshold = sum - 1e-12 * magnitude;  // equal up to rounding counts as equal
  Evidence evidence = permutation_evidence("mean", n, sum / static_cast<double>(n));
  evidence.null = "symmetric about 0";

  const bool exact = n < 40 && (std::size_t{1} << n) <= replicates + 1;
  if (exact) {
    const std::size_t all = std::size_t{1} << n;
    std::size_t count = 0;
    for (std::size_t signs = 0; signs < all; ++signs) {
      double flipped = 0;
      for (std::size_t t = 0; t < n; ++t) flipped += (signs >> t) & 1 ? -x[t] : x[t];
      count += flipped >= threshold ? 1 : 0;
    }
    evidence.p_value = static_cast<double>(count) / static_cast<double>(all);
    evidence.method = fmt::format("sign flips, all {}", all);
    return evidence;
  }
  // The flipped sum is the sum less twice the flipped values, so only set bits cost an addition.
  std::vector<std::size_t> counts((replicates + kGrain - 1) / kGrain);
  parallel_chunks(replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t chunk) {
    for (std::size_t b = begin; b < end; ++b) {
      Rng random(seed, "sign flips", b);
      double flipped = 0;
      for (std::size_t t = 0; t < n; t += 64) {
        const std::uint64_t bits = random.bits();
        const std::size_t last = std::min(n, t + 64);
        for (std::size_t i = t; i < last; ++i) {
          const double sign = 1.0 - 2.0 * static_cast<double>((bits >> (i - t)) & 1);
          flipped += sign * x[i];
        }
      }
      counts[chunk] += flipped >= threshold ? 1 : 0;
    }
  });
  const std::size_t count = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  evidence.p_value = static_cast<double>(1 + count) / static_cast<double>(replicates + 1);
  evidence.method = fmt::format("{} random sign flips, (1 + #) / (B + 1)", replicates);
  return evidence;
}

Evidence permutation_test(std::span<const double> x, std::span<const double> y,
                          std::size_t replicates, std::uint64_t seed) {
  if (x.empty() || y.empty()) {
    return without_estimate("difference_of_means", "as the observations",
                            "a sample has no observations");
  }
  std::vector<double> pooled(x.begin(), x.end());
  pooled.insert(pooled.end(), y.begin(), y.end());
  const std::size_t n = pooled.size();
  const auto first = static_cast<double>(x.size());
  const auto second = static_cast<double>(y.size());
  const double total = mean_of(pooled) * static_cast<double>(n);
  double magnitude = 0;
  for (const double value : pooled) magnitude += std::abs(value);
  const auto difference = [&](double sum_x) { return sum_x / first - (total - sum_x) / second; };
  const double observed = difference(mean_of(x) * first);
  const double threshold = std::abs(observed) - 1e-12 * magnitude / std::min(first, second);
  Evidence evidence = permutation_evidence("difference_of_means", n, observed);
  evidence.null = "both samples have one distribution";

  double splits = 1;
  for (std::size_t i = 0; i < x.size(); ++i) {
    splits *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  if (splits <= static_cast<double>(replicates) + 1.5) {
    std::vector<char> mine(n, 0);
    std::fill(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(x.size()), 1);
    std::size_t count = 0;
    std::size_t all = 0;
    do {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += mine[i] != 0 ? pooled[i] : 0;
      count += std::abs(difference(sum)) >= threshold ? 1 : 0;
      ++all;
    } while (std::prev_permutation(mine.begin(), mine.end()));
    evidence.p_value = static_cast<double>(count) / static_cast<double>(all);
    evidence.method = fmt::format("permutations, all {} splits", all);
    return evidence;
  }
  std::vector<std::size_t> counts((replicates + kGrain - 1) / kGrain);
  parallel_chunks(replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t chunk) {
    std::vector<double> members(pooled);
    for (std::size_t b = begin; b < end; ++b) {
      std::copy(pooled.begin(), pooled.end(), members.begin());
      Rng random(seed, "permutations", b);
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {  // the first part of a random shuffle
        std::swap(members[i], members[i + random.below(n - i)]);
        sum += members[i];
      }
      counts[chunk] += std::abs(difference(sum)) >= threshold ? 1 : 0;
    }
  });
  const std::size_t count = std::accumulate(counts.begin(), counts.end(), std::size_t{0});
  evidence.p_value = static_cast<double>(1 + count) / static_cast<double>(replicates + 1);
  evidence.method = fmt::format("{} random permutations, (1 + #) / (B + 1)", replicates);
  return evidence;
}

}  // namespace walras::stats
