#include "stats/resample.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "stats/dependence.hpp"
#include "stats/pairs.hpp"
#include "stats/replicate_sums.hpp"
#include "stats/taper.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;  // replicates a task; part of no result
constexpr int kTableBits = 10;

/// The index rows given with a plan are those of its periods.
void check_indices(const ResamplePlan& plan) {
  if (plan.indices.empty()) return;
  if (plan.indices.size() != plan.replicates) {
    fail(Fault::Numeric, "bootstrap",
         fmt::format("expected {} rows of indices, one a replicate, was {}", plan.replicates,
                     plan.indices.size()));
  }
  for (std::size_t row = 0; row < plan.indices.size(); ++row) {
    const std::vector<std::uint32_t>& indices = plan.indices[row];
    if (indices.size() != plan.periods) {
      fail(Fault::Numeric, "bootstrap",
           fmt::format("expected {} indices in row {}, was {}", plan.periods, row + 1,
                       indices.size()));
    }
    for (const std::uint32_t index : indices) {
      if (index < plan.periods) continue;
      fail(Fault::Numeric, "bootstrap",
           fmt::format("expected indices below {}, was {} in row {}", plan.periods, index, row + 1));
    }
  }
}

void expect_length(std::span<const double> x, const ResamplePlan& plan) {
  check(plan);
  if (x.size() == plan.periods) return;
  fail(Fault::Numeric, "bootstrap",
       fmt::format("expected {} observations, was {}", plan.periods, x.size()));
}

}  // namespace

std::string_view text(BlockScheme scheme) {
  switch (scheme) {
    case BlockScheme::Stationary: return "stationary";
    case BlockScheme::Circular: return "circular";
    case BlockScheme::Moving: return "moving";
    case BlockScheme::Tapered: return "tapered";
  }
  return "";
}

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
  check(plan.device);
}

std::size_t replicates_at_once(const ResamplePlan& plan) {
  constexpr double kCache = 512 * 1024;
  const double blocks = static_cast<double>(plan.periods) / plan.mean_block + 1;
  const double fitting = std::clamp(kCache / (blocks * sizeof(Block)), 64.0, 1024.0);
  return static_cast<std::size_t>(fitting) / kernel::kCountTile * kernel::kCountTile;
}

double shared_block_length(std::span<const std::span<const double>> series, bool squares) {
  double longest = 1;
  for (const std::span<const double> x : series) {
    if (x.empty()) continue;
    expect_finite("block length", x);
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

BlockVariance block_variance(const ResamplePlan& plan) {
  if (!plan.indices.empty() || plan.periods < 2) return {};
  // The variance weighs circular autocovariances, hence ordinates of the periodogram. Centring takes the one at frequency 0, whose
  // weight is the sum of the autocovariances'; the others are independent, and their weights' mean is that of lag 0: 1.
  const auto n = static_cast<double>(plan.periods);
  const double block = plan.scheme == BlockScheme::Stationary ? plan.mean_block : std::min(std::round(plan.mean_block), n);
  const auto weight = [&](double lag) {
    if (plan.scheme != BlockScheme::Stationary) return std::max(0.0, 1 - lag / block);
    return (1 - lag / n) * std::pow(1 - 1 / block, lag);
  };
  double sum = 1;
  double squares = 1;
  for (std::size_t lag = 1; lag < plan.periods; ++lag) {
    const double both = weight(static_cast<double>(lag)) + weight(n - static_cast<double>(lag));
    sum += both;
    squares += both * both;
  }
  const double left = n - sum;
  const double scatter = n * squares - sum * sum;
  // One block as long as the record, or nearly: nothing is known of the variance, and the least that is called knowledge is one degree.
  if (!(left > 0) || !(scatter > 0)) return {1 / n, 1};
  return {left / n, std::max(1.0, left * left / scatter)};
}

BlockSampler::BlockSampler(const ResamplePlan& plan) : plan_(plan) {
  check(plan);
  check_indices(plan);
  inverse_log_stay_ = plan.mean_block > 1 ? 1 / std::log1p(-1 / plan.mean_block) : 0;
  fixed_length_ = static_cast<std::uint32_t>(
      std::min(std::round(plan.mean_block), static_cast<double>(plan.periods)));
  if (plan.scheme != BlockScheme::Stationary || !plan.indices.empty()) return;
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
  append(replicate, blocks);
}

void BlockSampler::append(std::size_t replicate, std::vector<Block>& blocks) const {
  if (!plan_.indices.empty()) {
    // Runs of neighbours become blocks, so that given and drawn indices take one way.
    const std::size_t before = blocks.size();
    for (const std::uint32_t index : plan_.indices[replicate]) {
      if (blocks.size() > before &&
          (std::uint64_t{blocks.back().start} + blocks.back().length) % plan_.periods == index) {
        ++blocks.back().length;
      } else {
        blocks.push_back({index, 1});
      }
    }
  } else if (plan_.scheme == BlockScheme::Stationary) {
    draw_geometric(replicate, blocks);
  } else {
    draw_fixed(replicate, blocks);
  }
}

void BlockSampler::draw_geometric(std::size_t replicate, std::vector<Block>& blocks) const {
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

void BlockSampler::draw_fixed(std::size_t replicate, std::vector<Block>& blocks) const {
  Rng random(plan_.seed, "blocks of one length", replicate);
  const auto n = static_cast<std::uint32_t>(plan_.periods);
  const bool wraps = plan_.scheme == BlockScheme::Circular;
  for (std::uint32_t left = n; left > 0;) {
    const std::uint32_t length = std::min(fixed_length_, left);
    const std::uint32_t starts = wraps ? n : n - fixed_length_ + 1;
    const auto bits = static_cast<std::uint32_t>(random.bits() >> 32);
    blocks.push_back({kernel::block_start_from_bits(bits, starts), length});
    left -= length;
  }
}

Draws BlockSampler::draw(std::size_t begin, std::size_t end) const {
  std::vector<Draws> parts((end - begin + kGrain - 1) / kGrain);
  parallel_chunks(end - begin, kGrain, [&](std::size_t low, std::size_t high, std::size_t chunk) {
    Draws& part = parts[chunk];
    const double expected = static_cast<double>(plan_.periods) / plan_.mean_block;
    part.blocks.reserve(static_cast<std::size_t>((1.1 * expected + 8) *
                                                 static_cast<double>(high - low)));
    for (std::size_t b = low; b < high; ++b) {
      append(begin + b, part.blocks);
      part.first.push_back(static_cast<std::uint32_t>(part.blocks.size()));
    }
  });
  Draws all = parts.empty() ? Draws{} : std::move(parts.front());
  for (std::size_t chunk = 1; chunk < parts.size(); ++chunk) {
    const auto before = static_cast<std::uint32_t>(all.blocks.size());
    all.blocks.insert(all.blocks.end(), parts[chunk].blocks.begin(), parts[chunk].blocks.end());
    for (std::size_t i = 1; i < parts[chunk].first.size(); ++i) {
      all.first.push_back(before + parts[chunk].first[i]);
    }
  }
  return all;
}

void take_blocks(std::span<const double> x, std::span<const Block> blocks, std::span<double> sample) {
  std::size_t t = 0;
  for (const Block block : blocks) {
    std::size_t from = block.start;
    for (std::uint32_t i = 0; i < block.length; ++i) {
      sample[t++] = x[from];
      if (++from == x.size()) from = 0;
    }
  }
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
  centred_.reserve(x.size());
  for (std::size_t t = 0; t < x.size(); ++t) {
    const double value = x[t] - mean_;
    centred_.push_back(value);
    running_[2 * t + 2] = running_[2 * t] + value;
    running_[2 * t + 3] = running_[2 * t + 1] + value * value;
    scale = std::max(scale, std::abs(x[t]));
  }
  tiny_ = 1e-24 * scale * scale;
}

std::vector<double> bootstrap(std::span<const double> x, const ResamplePlan& plan,
                              const Statistic& statistic) {
  expect_length(x, plan);
  if (plan.scheme == BlockScheme::Tapered && plan.indices.empty()) {
    return bootstrap_tapered(linear_part(x, statistic), statistic(x), plan).values;
  }
  const BlockSampler sampler(plan);
  std::vector<double> values(plan.replicates);
  parallel_chunks(plan.replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    std::vector<double> sample(plan.periods);
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, blocks);
      take_blocks(x, blocks, sample);
      values[b] = statistic(sample);
    }
  });
  return values;
}

}  // namespace walras::stats
