#include "stats/overfitting.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace walras::stats {
namespace {

constexpr const char* kWhere = "backtest overfitting";
constexpr std::size_t kGrain = 64;  // pairs of halves a task; part of no result

/// The record cut into equal blocks, and every way to halve them: a mask and its complement, once.
struct Cut {
  std::size_t trials, blocks, length, first;
  std::vector<std::uint32_t> halves;  // those without the last block: their complements are the others
  [[nodiscard]] std::uint32_t complement(std::uint32_t mask) const { return ((std::uint32_t{1} << blocks) - 1) ^ mask; }
};

Cut cut(std::span<const std::span<const double>> returns, std::size_t blocks) {
  if (blocks < 2 || blocks > 20 || blocks % 2 != 0) {
    fail(Fault::Numeric, kWhere, fmt::format("expected an even number of blocks from 2 to 20, was {}", blocks));
  }
  if (returns.size() < 2) fail(Fault::Numeric, kWhere, fmt::format("expected at least 2 trials, was {}", returns.size()));
  const std::size_t periods = returns.front().size();
  if (periods / blocks < 2) {
    fail(Fault::Numeric, kWhere,
         fmt::format("expected at least {} periods for {} blocks, was {} trials of {} periods{}", 2 * blocks, blocks, returns.size(), periods,
                     returns.size() > periods ? "; rows and columns may be swapped: the first axis counts trials, the second periods" : ""));
  }
  for (std::size_t k = 0; k < returns.size(); ++k) {
    if (returns[k].size() != periods) {
      fail(Fault::Numeric, kWhere, fmt::format("expected {} periods in trial {}, was {}", periods, k + 1, returns[k].size()));
    }
    for (std::size_t t = 0; t < periods; ++t) {
      if (!std::isfinite(returns[k][t])) {
        fail(Fault::Numeric, kWhere, fmt::format("expected finite returns, was {} in period {} of trial {}", returns[k][t], t + 1, k + 1));
      }
    }
  }
  const std::size_t length = periods / blocks;
  Cut result{returns.size(), blocks, length, periods - length * blocks, {}};
  for (std::uint32_t mask = 0; mask < (std::uint32_t{1} << (blocks - 1)); ++mask) {
    if (static_cast<std::size_t>(std::popcount(mask)) == blocks / 2) result.halves.push_back(mask);
  }
  return result;
}

/// Sums and square sums of every trial over any set of blocks: two look-ups, in tables over the subsets of the first and
/// of the second half of the blocks.
class BlockSums {
 public:
  BlockSums(std::span<const std::span<const double>> returns, const Cut& cut)
      : trials_(cut.trials), low_bits_(cut.blocks / 2), centres_(cut.trials), tiny_(cut.trials) {
    std::vector<double> sums(cut.blocks * trials_), squares(cut.blocks * trials_);
    for (std::size_t k = 0; k < trials_; ++k) {
      double total = 0, scale = 0;
      for (std::size_t t = cut.first; t < returns[k].size(); ++t) {
        total += returns[k][t];
        scale = std::max(scale, std::abs(returns[k][t]));
      }
      centres_[k] = total / static_cast<double>(cut.length * cut.blocks);
      tiny_[k] = 1e-24 * scale * scale;
      for (std::size_t t = cut.first; t < returns[k].size(); ++t) {
        const double value = returns[k][t] - centres_[k];
        const std::size_t at = (t - cut.first) / cut.length * trials_ + k;
        sums[at] += value;
        squares[at] += value * value;
      }
    }
    low_ = table(sums, squares, 0, low_bits_);
    high_ = table(sums, squares, low_bits_, cut.blocks - low_bits_);
  }

  /// Sharpe ratios (or means) of all trials over a set of blocks with `periods` periods.
  void performance(std::uint32_t mask, double periods, Performance which, std::vector<double>& out) const {
    const double* low = low_.data() + 2 * trials_ * (mask & ((std::uint32_t{1} << low_bits_) - 1));
    const double* high = high_.data() + 2 * trials_ * (mask >> low_bits_);
    out.resize(trials_);
    const double* centre = centres_.data();
    if (which == Performance::Mean) {
      for (std::size_t k = 0; k < trials_; ++k) out[k] = (low[k] + high[k]) / periods + centre[k];
      return;
    }
    const double correction = std::sqrt((periods - 1) / periods);
    for (std::size_t k = 0; k < trials_; ++k) {
      const double mean = (low[k] + high[k]) / periods;
      const double variance = (low[trials_ + k] + high[trials_ + k]) / periods - mean * mean;
      // No variance: no ratio, ranked as nothing earned.
      out[k] = variance > tiny_[k] ? correction * (mean + centre[k]) / std::sqrt(variance) : 0.0;
    }
  }

 private:
  /// For every subset of `bits` blocks from `begin`: the trials' sums, then their square sums.
  [[nodiscard]] std::vector<double> table(const std::vector<double>& sums, const std::vector<double>& squares,
                                          std::size_t begin, std::size_t bits) const {
    std::vector<double> result((std::size_t{1} << bits) * 2 * trials_, 0.0);
    for (std::uint32_t subset = 1; subset < (std::uint32_t{1} << bits); ++subset) {
      const auto block = static_cast<std::size_t>(std::countr_zero(subset));
      const double* rest = result.data() + 2 * trials_ * (subset & (subset - 1));
      double* here = result.data() + 2 * trials_ * subset;
      for (std::size_t k = 0; k < trials_; ++k) {
        here[k] = rest[k] + sums[(begin + block) * trials_ + k];
        here[trials_ + k] = rest[trials_ + k] + squares[(begin + block) * trials_ + k];
      }
    }
    return result;
  }

  std::size_t trials_, low_bits_;
  std::vector<double> centres_, tiny_, low_, high_;
};

/// Fills one split: the best inside, looked up outside.
void settle(Overfitting& result, std::size_t split, const std::vector<double>& inside, const std::vector<double>& outside) {
  const auto best = static_cast<std::size_t>(std::max_element(inside.begin(), inside.end()) - inside.begin());
  const double chosen = outside[best];
  std::size_t below = 0, reached = 0;
  double sum = 0;
  for (const double value : outside) {
    below += value < chosen ? 1 : 0;
    reached += value <= chosen ? 1 : 0;
    sum += value;
  }
  const auto trials = static_cast<double>(outside.size());
  const double rank = 1 + static_cast<double>(below) + static_cast<double>(reached - below - 1) / 2;
  const double share = rank / (trials + 1);
  result.logits[split] = std::log(share / (1 - share));
  result.chosen_inside[split] = inside[best];
  result.chosen_outside[split] = chosen;
  result.average_outside[split] = sum / trials;
}

std::optional<FittedLine> fitted_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto n = static_cast<double>(x.size());
  double mean_x = 0, mean_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double xx = 0, xy = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
  }
  if (!(xx > 1e-24 * n * (mean_x * mean_x + 1e-300))) return std::nullopt;
  const double slope = xy / xx;
  return FittedLine{mean_y - slope * mean_x, slope, yy > 0 ? std::min(1.0, xy * xy / (xx * yy)) : 0};
}

/// All splits, given what fills a mask's performances.
Overfitting over_halves(const Cut& cut, const std::function<void(std::uint32_t, std::vector<double>&)>& performances) {
  const std::size_t pairs = cut.halves.size();
  Overfitting result;
  for (auto* list : {&result.logits, &result.chosen_inside, &result.chosen_outside, &result.average_outside}) list->resize(2 * pairs);
  parallel_chunks(pairs, kGrain, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<double> inside, outside;
    for (std::size_t i = begin; i < end; ++i) {
      performances(cut.halves[i], inside);
      performances(cut.complement(cut.halves[i]), outside);
      settle(result, 2 * i, inside, outside);
      settle(result, 2 * i + 1, outside, inside);
    }
  });
  const auto splits = static_cast<double>(2 * pairs);
  const auto share = [&](const std::vector<double>& values, auto holds) {
    return static_cast<double>(std::count_if(values.begin(), values.end(), holds)) / splits;
  };
  result.probability = share(result.logits, [](double logit) { return logit <= 0; });
  result.probability_of_loss = share(result.chosen_outside, [](double value) { return value < 0; });
  result.degradation = fitted_line(result.chosen_inside, result.chosen_outside);
  result.dominance = stochastic_dominance(result.chosen_outside, result.average_outside);
  return result;
}

}  // namespace

Dominance stochastic_dominance(std::span<const double> better, std::span<const double> worse) {
  expects(!better.empty() && !worse.empty(), "two samples that are not empty");
  std::vector<double> a(better.begin(), better.end()), b(worse.begin(), worse.end());
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const double step_a = 1 / static_cast<double>(a.size()), step_b = 1 / static_cast<double>(b.size());
  std::size_t i = 0, j = 0;
  double gap = 0, integral = 0;         // of the distribution functions, better's less worse's
  double first_gain = 0, second_gain = 0;
  Dominance result;
  double last = std::min(a.front(), b.front());
  while (i < a.size() || j < b.size()) {
    const double x = j == b.size() || (i < a.size() && a[i] <= b[j]) ? a[i] : b[j];
    integral += gap * (x - last);
    last = x;
    while (i < a.size() && a[i] == x) ++i;
    while (j < b.size() && b[j] == x) ++j;
    gap = static_cast<double>(i) * step_a - static_cast<double>(j) * step_b;
    result.first_violation = std::max(result.first_violation, gap);
    first_gain = std::max(first_gain, -gap);
    result.second_violation = std::max(result.second_violation, integral);
    second_gain = std::max(second_gain, -integral);
  }
  constexpr double kRounding = 1e-12;
  const double scale = std::max(std::abs(last), std::abs(std::min(a.front(), b.front())));
  if (result.first_violation <= kRounding) result.first_violation = 0;
  if (result.second_violation <= kRounding * scale) result.second_violation = 0;
  result.first = result.first_violation == 0 && first_gain > kRounding;
  result.second = result.second_violation == 0 && second_gain > kRounding * scale;
  return result;
}

Overfitting backtest_overfitting(std::span<const std::span<const double>> returns, std::size_t blocks, Performance performance) {
  const Cut halves = cut(returns, blocks);
  const BlockSums sums(returns, halves);
  const auto periods = static_cast<double>(halves.length * blocks / 2);
  return over_halves(halves, [&](std::uint32_t mask, std::vector<double>& out) { sums.performance(mask, periods, performance, out); });
}

Overfitting backtest_overfitting(std::span<const std::span<const double>> returns, std::size_t blocks,
                                 const std::function<double(std::span<const double>)>& performance) {
  const Cut halves = cut(returns, blocks);
  return over_halves(halves, [&](std::uint32_t mask, std::vector<double>& out) {
    out.clear();
    std::vector<double> sample;
    for (std::size_t k = 0; k < returns.size(); ++k) {
      sample.clear();
      for (std::size_t block = 0; block < blocks; ++block) {
        if (((mask >> block) & 1U) == 0) continue;
        const auto part = returns[k].subspan(halves.first + block * halves.length, halves.length);
        sample.insert(sample.end(), part.begin(), part.end());
      }
      out.push_back(performance(sample));
      if (!std::isfinite(out.back())) {
        fail(Fault::Numeric, kWhere, fmt::format("expected a finite performance of trial {}, was {}", k + 1, out.back()));
      }
    }
  });
}

}  // namespace walras::stats
