#include "stats/permutation.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <vector>

namespace walras::stats {
namespace {

constexpr std::size_t kGrain = 64;    // replicates a task; part of no result
constexpr double kRounding = 1e-12;   // statistics that differ by less, in their own size, are equal

/// How often the shuffled statistic was at least, and at most, the observed one.
struct Tally {
  std::size_t above = 0, below = 0;
  void add(double value, double observed, double slack) {
    above += value >= observed - slack ? 1 : 0;
    below += value <= observed + slack ? 1 : 0;
  }
};

/// Adds up what `replicates` random shuffles say, in parallel; count(begin, end, tally).
template <class Count>
Tally tally(std::size_t replicates, const Count& count) {
  std::vector<Tally> parts((replicates + kGrain - 1) / kGrain);
  parallel_chunks(replicates, kGrain, [&](std::size_t begin, std::size_t end, std::size_t chunk) {
    count(begin, end, parts[chunk]);
  });
  Tally all;
  for (const Tally& part : parts) {
    all.above += part.above;
    all.below += part.below;
  }
  return all;
}

void conclude(Evidence& evidence, const Tally& counts, std::size_t shuffles, bool exact,
              std::string_view what, Alternative alternative) {
  const std::size_t own = exact ? 0 : 1;  // the observed order is one of all
  const auto share = [&](std::size_t count) {
    return static_cast<double>(count + own) / static_cast<double>(shuffles + own);
  };
  evidence.p_value = two_tails(share(counts.above), share(counts.below), alternative);
  evidence.method = exact ? fmt::format("{}, all {}", what, shuffles)
                          : fmt::format("{} random {}, (1 + #) / (B + 1)", shuffles, what);
}

Evidence named(std::string name, std::size_t n, double estimate) {
  Evidence evidence = pair_evidence(std::move(name), "as the observations", n);
  evidence.estimate = estimate;
  evidence.statistic = estimate;
  evidence.assumptions = "independent observations";
  return evidence;
}

/// Sums over the members of a random subset, eight observations a step: the sums of all 256 subsets of
/// each eight are listed beforehand, so that a subset costs n / 8 look-ups.
class SubsetSums {
 public:
  explicit SubsetSums(std::span<const double> x) : steps_((x.size() + 7) / 8), sums_(steps_ * 256) {
    for (std::size_t t = 0; t < x.size(); ++t) {
      double* table = sums_.data() + t / 8 * 256;
      const std::size_t bit = std::size_t{1} << (t % 8);
      for (std::size_t subset = 0; subset < bit; ++subset) {
        table[subset + bit] = table[subset] + x[t];
      }
    }
  }
  /// Words of 64 bits that say which observations are in.
  [[nodiscard]] std::size_t words() const { return (steps_ + 7) / 8; }
  [[nodiscard]] double of(std::span<const std::uint64_t> subset) const {
    // Four sums in turn, so that the additions need not wait for each other.
    std::array<double, 4> sums{};
    for (std::size_t step = 0; step < steps_; ++step) {
      const std::size_t byte = (subset[step / 8] >> (8 * (step % 8))) & 255;
      sums[step % 4] += sums_[step * 256 + byte];
    }
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
  }

 private:
  std::size_t steps_;
  std::vector<double> sums_;  // an incomplete last step lists absent observations as never in
};

/// Random subsets; each observation is in with probability 1/2.
std::vector<std::uint64_t> subset(std::uint64_t seed, std::string_view stream, std::size_t index,
                                  std::size_t n) {
  Rng random(seed, stream, index);
  std::vector<std::uint64_t> words((n + 63) / 64);
  for (std::uint64_t& word : words) word = random.bits();
  if (n % 64 != 0) words.back() &= (std::uint64_t{1} << (n % 64)) - 1;
  return words;
}

bool all_subsets_fit(std::size_t n, std::size_t replicates) {
  return n < 40 && (std::size_t{1} << n) <= replicates + 1;
}

double absolute_sum(std::span<const double> x) {
  double sum = 0;
  for (const double value : x) sum += std::abs(value);
  return sum;
}

/// A statistic of every subset, or of random ones.
template <class Value>
std::pair<Tally, std::size_t> over_subsets(std::size_t n, std::size_t replicates,
                                           std::uint64_t seed, std::string_view stream,
                                           double observed, double slack, const Value& value) {
  if (all_subsets_fit(n, replicates)) {
    Tally counts;
    const std::size_t all = std::size_t{1} << n;
    for (std::size_t bits = 0; bits < all; ++bits) {
      const std::uint64_t word = bits;
      counts.add(value(std::span(&word, 1)), observed, slack);
    }
    return {counts, all};
  }
  const Tally counts =
      tally(replicates, [&](std::size_t begin, std::size_t end, Tally& part) {
        for (std::size_t b = begin; b < end; ++b) {
          part.add(value(subset(seed, stream, b, n)), observed, slack);
        }
      });
  return {counts, replicates};
}

double ratio(double sum, double squares, double n) {
  const double mean = sum / n;
  const double variance = (squares - n * mean * mean) / (n - 1);
  return variance > 0 ? mean / std::sqrt(variance) : 0;
}

/// n choose k, as far as doubles count.
double choose(std::size_t n, std::size_t k) {
  double ways = 1;
  for (std::size_t i = 0; i < k; ++i) {
    ways *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return ways;
}

/// How many orders there are of an exchange, as far as doubles count.
double ways_of(Exchange exchange, std::size_t n, std::size_t m) {
  if (exchange == Exchange::Samples) return std::exp2(static_cast<double>(n));
  if (exchange == Exchange::Independent) return choose(n + m, n);
  double ways = 1;
  for (std::size_t i = 2; i <= n && ways < 1e300; ++i) ways *= static_cast<double>(i);
  return ways;
}

using TwoSamples = std::function<double(std::span<const double>, std::span<const double>)>;

/// Every order of the exchange, one after the other.
Tally list_all(std::span<const double> x, std::span<const double> y, Exchange exchange,
               const TwoSamples& statistic, double observed, double slack) {
  Tally counts;
  std::vector<double> a(x.begin(), x.end());
  std::vector<double> b(y.begin(), y.end());
  const auto add = [&] { counts.add(statistic(a, b), observed, slack); };
  switch (exchange) {
    case Exchange::Samples:
      for (std::size_t bits = 0; bits < std::size_t{1} << x.size(); ++bits) {
        for (std::size_t t = 0; t < x.size(); ++t) {
          const bool swapped = ((bits >> t) & 1) != 0;
          a[t] = swapped ? y[t] : x[t];
          b[t] = swapped ? x[t] : y[t];
        }
        add();
      }
      break;
    case Exchange::Pairings: {
      std::vector<std::size_t> order(x.size());
      std::iota(order.begin(), order.end(), std::size_t{0});
      do {
        for (std::size_t t = 0; t < order.size(); ++t) a[t] = x[order[t]];
        add();
      } while (std::next_permutation(order.begin(), order.end()));
      break;
    }
    case Exchange::Independent: {
      std::vector<double> pooled(x.begin(), x.end());
      pooled.insert(pooled.end(), y.begin(), y.end());
      std::vector<char> mine(pooled.size(), 0);
      std::fill(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(x.size()), 1);
      do {
        a.clear();
        b.clear();
        for (std::size_t i = 0; i < pooled.size(); ++i) (mine[i] != 0 ? a : b).push_back(pooled[i]);
        add();
      } while (std::prev_permutation(mine.begin(), mine.end()));
      break;
    }
  }
  return counts;
}

/// One random order of the exchange, into a and b.
void shuffle(std::span<const double> x, std::span<const double> y, Exchange exchange, Rng& random,
             std::vector<double>& a, std::vector<double>& b) {
  a.assign(x.begin(), x.end());
  b.assign(y.begin(), y.end());
  const std::size_t n = a.size();
  if (exchange == Exchange::Samples) {
    for (std::size_t t = 0; t < n; t += 64) {
      const std::uint64_t bits = random.bits();
      for (std::size_t i = t; i < std::min(n, t + 64); ++i) {
        if (((bits >> (i - t)) & 1) != 0) std::swap(a[i], b[i]);
      }
    }
    return;
  }
  const std::size_t all = exchange == Exchange::Pairings ? n : n + b.size();
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t other = i + random.below(all - i);
    std::swap(a[i], other < n ? a[other] : b[other - n]);
  }
}

}  // namespace

Evidence sign_flip_test(std::span<const double> x, std::size_t replicates, std::uint64_t seed,
                        Alternative alternative) {
  if (x.empty()) return without_estimate("mean", "as the observations", "no observations");
  expect_finite("sign flips", x);
  const std::size_t n = x.size();
  const SubsetSums flipped(x);
  const std::vector<std::uint64_t> everything((n + 63) / 64, ~std::uint64_t{0});
  const double sum = flipped.of(everything);
  const double slack = kRounding * absolute_sum(x);
  Evidence evidence = named("mean", n, sum / static_cast<double>(n));
  evidence.null = "symmetric about 0";
  // The sum with flipped signs is the sum less twice the flipped values.
  const auto [counts, shuffles] =
      over_subsets(n, replicates, seed, "sign flips", sum, slack,
                   [&](std::span<const std::uint64_t> bits) { return sum - 2 * flipped.of(bits); });
  conclude(evidence, counts, shuffles, all_subsets_fit(n, replicates), "sign flips", alternative);
  return evidence;
}

Evidence permutation_test(std::span<const double> x, std::span<const double> y,
                          std::size_t replicates, std::uint64_t seed) {
  if (x.empty() || y.empty()) {
    return without_estimate("difference_of_means", "as the observations",
                            "a sample has no observations");
  }
  expect_finite("permutation test", x);
  expect_finite("permutation test", y);
  std::vector<double> pooled(x.begin(), x.end());
  pooled.insert(pooled.end(), y.begin(), y.end());
  const std::size_t n = pooled.size();
  const auto first = static_cast<double>(x.size());
  const auto second = static_cast<double>(y.size());
  const double total = mean_of(pooled) * static_cast<double>(n);
  const auto difference = [&](double sum_x) { return sum_x / first - (total - sum_x) / second; };
  const double observed = difference(mean_of(x) * first);
  const double slack = kRounding * absolute_sum(pooled) / std::min(first, second);
  Evidence evidence = named("difference_of_means", n, observed);
  evidence.null = "both samples have one distribution";

  if (choose(n, x.size()) <= static_cast<double>(replicates) + 1.5) {
    std::vector<char> mine(n, 0);
    std::fill(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(x.size()), 1);
    Tally counts;
    std::size_t all = 0;
    do {
      double sum = 0;
      for (std::size_t i = 0; i < n; ++i) sum += mine[i] != 0 ? pooled[i] : 0;
      counts.add(std::abs(difference(sum)), std::abs(observed), slack);
      ++all;
    } while (std::prev_permutation(mine.begin(), mine.end()));
    conclude(evidence, counts, all, true, "permutations", Alternative::Greater);
    return evidence;
  }
  const Tally counts = tally(replicates, [&](std::size_t begin, std::size_t end, Tally& part) {
    std::vector<double> members;
    for (std::size_t b = begin; b < end; ++b) {
      members.assign(pooled.begin(), pooled.end());
      Rng random(seed, "permutations", b);
      double sum = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {  // the first part of a random shuffle
        std::swap(members[i], members[i + random.below(n - i)]);
        sum += members[i];
      }
      part.add(std::abs(difference(sum)), std::abs(observed), slack);
    }
  });
  conclude(evidence, counts, replicates, false, "permutations", Alternative::Greater);
  return evidence;
}

Evidence permutation_test(std::span<const double> x, std::span<const double> y, Exchange exchange,
                          const TwoSamples& statistic, std::size_t replicates, std::uint64_t seed,
                          Alternative alternative) {
  if (x.empty() || y.empty()) {
    return without_estimate("permutation", "as the statistic", "a sample has no observations");
  }
  if (exchange == Exchange::Independent) {
    expect_finite("permutation test", x);
    expect_finite("permutation test", y);
  } else {
    expect_pair("permutation test", x, y);
  }
  const double observed = statistic(x, y);
  Evidence evidence = named("permutation", x.size() + y.size(), observed);
  evidence.unit = "as the statistic";
  if (!std::isfinite(observed)) return refuse(evidence, "the statistic is not finite");
  evidence.null = exchange == Exchange::Pairings ? "the pairs are independent"
                                                 : "both samples have one distribution";
  const double slack = kRounding * std::abs(observed);
  const double ways = ways_of(exchange, x.size(), y.size());
  if (ways <= static_cast<double>(replicates) + 1.5) {
    const Tally counts = list_all(x, y, exchange, statistic, observed, slack);
    conclude(evidence, counts, static_cast<std::size_t>(std::llround(ways)), true, "permutations",
             alternative);
    return evidence;
  }
  const Tally counts = tally(replicates, [&](std::size_t begin, std::size_t end, Tally& part) {
    std::vector<double> a;
    std::vector<double> b;
    for (std::size_t r = begin; r < end; ++r) {
      Rng random(seed, "permutations of two samples", r);
      shuffle(x, y, exchange, random, a, b);
      part.add(statistic(a, b), observed, slack);
    }
  });
  conclude(evidence, counts, replicates, false, "permutations", alternative);
  return evidence;
}

Evidence paired_permutation_test(std::span<const double> a, std::span<const double> b,
                                 PairedStatistic statistic, std::size_t replicates,
                                 std::uint64_t seed, Alternative alternative) {
  expect_pair("paired permutation", a, b);
  const bool sharpe = statistic == PairedStatistic::Sharpe;
  const std::size_t count = a.size();
  if (count < (sharpe ? 2 : 1)) {
    return without_estimate("paired_permutation", sharpe ? "1/sqrt(period)" : "as the observations",
                            fmt::format("needs at least {} pairs, has {}", sharpe ? 2 : 1, count));
  }
  // Exchanging a pair moves its difference, and that of the squares, from one side to the other.
  const auto n = static_cast<double>(count);
  const double centre = (mean_of(a) + mean_of(b)) / 2;
  std::array<double, 2> sum{};
  std::array<double, 2> square{};
  std::vector<double> moved;
  std::vector<double> moved_squares;
  for (std::size_t t = 0; t < count; ++t) {
    const double x = a[t] - (sharpe ? 0 : centre);
    const double y = b[t] - (sharpe ? 0 : centre);
    sum[0] += x;
    sum[1] += y;
    square[0] += x * x;
    square[1] += y * y;
    moved.push_back(y - x);
    moved_squares.push_back(y * y - x * x);
  }
  const SubsetSums sums(moved);
  const SubsetSums squares(moved_squares);
  const auto value = [&](std::span<const std::uint64_t> bits) {
    const double shift = sums.of(bits);
    if (!sharpe) return (sum[0] - sum[1] + 2 * shift) / n;
    const double turn = squares.of(bits);
    return ratio(sum[0] + shift, square[0] + turn, n) - ratio(sum[1] - shift, square[1] - turn, n);
  };
  const std::vector<std::uint64_t> nothing((count + 63) / 64, 0);
  const double observed = value(nothing);
  Evidence evidence = named("paired_permutation", count, observed);
  if (sharpe) evidence.unit = "1/sqrt(period)";
  evidence.null = "each pair means as much in either order";
  if (absolute_sum(moved) == 0) return refuse(evidence, "the two series are the same");
  const double scale = sharpe ? 1 : absolute_sum(moved) / n;
  const auto [counts, shuffles] = over_subsets(count, replicates, seed, "paired permutation",
                                               observed, kRounding * scale, value);
  conclude(evidence, counts, shuffles, all_subsets_fit(count, replicates),
           sharpe ? "exchanges of pairs, difference of Sharpe ratios"
                  : "exchanges of pairs, difference of means",
           alternative);
  return evidence;
}

}  // namespace walras::stats
