// Block schemes, interval methods, sub-sampling and the wild bootstrap.
#include "engine/base/error.hpp"
#include "stats/dependence.hpp"
#include "stats/distributions.hpp"
#include "stats/resample.hpp"
#include "stats/subsample.hpp"
#include "stats/taper.hpp"
#include "stats/wild.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <limits>
#include <cmath>
#include <numeric>

using namespace walras;
using namespace walras::stats;

namespace {

double mean_of_all(std::span<const double> x) {
  return std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
}
double variance_of_all(std::span<const double> x) {
  const double mean = mean_of_all(x);
  double squares = 0;
  for (const double value : x) squares += (value - mean) * (value - mean);
  return squares / static_cast<double>(x.size() - 1);
}
double sharpe_of_all(std::span<const double> x) { return mean_of_all(x) / std::sqrt(variance_of_all(x)); }

constexpr IntervalMethod kMethods[] = {IntervalMethod::Percentile, IntervalMethod::Studentized,   IntervalMethod::Basic,
                                       IntervalMethod::Normal,     IntervalMethod::BiasCorrected, IntervalMethod::Accelerated};
constexpr BlockScheme kSchemes[] = {BlockScheme::Stationary, BlockScheme::Circular, BlockScheme::Moving, BlockScheme::Tapered};

}  // namespace

TEST_CASE("blocks of one length fill the replicate; moving ones stay within the series, circular ones wrap") {
  std::vector<Block> blocks;
  bool wrapped = false;
  for (const BlockScheme scheme : {BlockScheme::Circular, BlockScheme::Moving}) {
    std::size_t first = 0;
    std::size_t last = 0;
    for (std::size_t b = 0; b < 2000; ++b) {
      BlockSampler({50, 2000, 7, 3, scheme}).draw(b, blocks);
      REQUIRE(blocks.size() == 8);
      for (std::size_t i = 0; i < 7; ++i) CHECK(blocks[i].length == 7);
      CHECK(blocks.back().length == 1);
      for (const Block block : blocks) {
        const std::uint32_t end = block.start + block.length;
        if (scheme == BlockScheme::Moving) CHECK(end <= 50);
        wrapped |= end > 50;
        first += block.start == 0 ? 1 : 0;
        last += block.start == (scheme == BlockScheme::Moving ? 43U : 49U) ? 1 : 0;
      }
    }
    CHECK(first > 100);  // both ends of the range are drawn, about 2000 * 8 / 50 times
    CHECK(last > 100);
  }
  CHECK(wrapped);
}

TEST_CASE("what blocks know of a variance is what simulated variances scatter by") {
  const BlockVariance single = block_variance({50, 1, 1, 0});
  CHECK(single.share == doctest::Approx(0.98).epsilon(1e-12));
  CHECK(single.degrees == doctest::Approx(49).epsilon(1e-12));
  CHECK(block_variance({60, 1, 6, 0, BlockScheme::Circular}).share == doctest::Approx(0.9).epsilon(1e-12));
  // One block: its variance is 0. A stationary one that hardly ends: nearly so.
  CHECK(block_variance({60, 1, 60, 0, BlockScheme::Circular}).degrees == 1);
  CHECK(block_variance({60, 1, 1e9, 0}).share < 1e-3);
  const std::vector<std::vector<std::uint32_t>> indices(1, std::vector<std::uint32_t>(50));
  const BlockVariance given = block_variance({.periods = 50, .replicates = 1, .mean_block = 5, .indices = indices});
  CHECK(given.share == 1);
  CHECK(std::isinf(given.degrees));

  constexpr std::size_t kWorlds = 20'000;  // standard errors: 0.003 of the share, 1 % of the degrees
  for (const BlockScheme scheme : {BlockScheme::Stationary, BlockScheme::Circular}) {
    CAPTURE(text(scheme));
    std::vector<double> found;
    for (std::uint64_t world = 0; world < kWorlds; ++world) {
      const std::vector<double> x = normals(60, 0, 1, world);
      found.push_back(scheme == BlockScheme::Stationary ? stationary_bootstrap_variance(x, 6) : circular_bootstrap_variance(x, 6));
    }
    const double mean = mean_of_all(found);
    const BlockVariance known = block_variance({60, 1, 6, 0, scheme});
    CHECK(std::abs(mean - known.share) < 0.012);
    CHECK(2 * mean * mean / variance_of_all(found) == doctest::Approx(known.degrees).epsilon(0.05));
  }
}

TEST_CASE("BCa percentiles lie as far out as a Student variable of the variance's degrees and share") {
  std::vector<double> values;
  for (int i = -5000; i <= 5000; ++i) values.push_back(i);
  const auto bounds = [&](BlockVariance variance) {
    return bootstrap_interval({.estimate = 0, .values = values, .variance = variance}, IntervalMethod::Accelerated, 0.95).value();
  };
  CHECK(bounds({}).high == doctest::Approx(4750).epsilon(1e-6));
  const double far = 10'000 * (normal_probability(2.059538553 / std::sqrt(0.9)) - 0.5);
  CHECK(bounds({0.9, 25}).high == doctest::Approx(far).epsilon(1e-6));
  CHECK(bounds({0.9, 25}).low == doctest::Approx(-far).epsilon(1e-6));
  // However far out: a replicate, not beyond.
  CHECK(bounds({1e-6, 1}).high == 5000);
  CHECK(bootstrap_interval({.estimate = 0, .values = values, .acceleration = 0.3, .variance = {1e-6, 1}}, IntervalMethod::Accelerated, 0.95)
            ->high == 5000);
}

TEST_CASE("every method's intervals of mean, variance and Sharpe by running sums equal those by callback") {
  const std::vector<double> x = autoregression(180, 0.3, 0.01, 4);
  const std::vector<std::span<const double>> one{x};
  const std::pair<Functional, Statistic> functionals[] = {
      {Functional::Mean, mean_of_all}, {Functional::Variance, variance_of_all}, {Functional::Sharpe, sharpe_of_all}};
  for (const BlockScheme scheme : {BlockScheme::Stationary, BlockScheme::Circular, BlockScheme::Moving}) {
    for (const double block : {1.0, 6.0}) {
      const ResamplePlan plan{180, 300, block, 8, scheme};
      for (const IntervalMethod method : kMethods) {
        if (method == IntervalMethod::Studentized) continue;  // other standard errors; below
        for (const auto& [functional, statistic] : functionals) {
          CAPTURE(text(scheme));
          CAPTURE(text(method));
          CAPTURE(block);
          const Bounds sums = intervals(one, functional, plan, 0.9, method)[0].interval.value();
          const Bounds called = statistic_interval(x, statistic, plan, 0.9, method).interval.value();
          const double size = called.high - called.low;
          CHECK(std::abs(sums.low - called.low) < 1e-9 * size);
          CHECK(std::abs(sums.high - called.high) < 1e-9 * size);
        }
      }
    }
  }
}

TEST_CASE("studentised intervals by callback are about those by running sums, with a jackknife or an own error") {
  const std::vector<double> x = autoregression(400, 0.3, 0.01, 4);
  const std::vector<std::span<const double>> one{x};
  const ResamplePlan plan{400, 800, 8, 8};
  const Bounds sums = sharpe_intervals(one, plan, 0.95, IntervalMethod::Studentized)[0].interval.value();
  const double size = sums.high - sums.low;
  const Statistic error = [](std::span<const double> v) { return sharpe_estimate(v, 8).standard_error; };
  for (const Statistic& own : {Statistic(), error}) {
    const Bounds called = statistic_interval(x, sharpe_of_all, plan, 0.95, IntervalMethod::Studentized, own).interval.value();
    CHECK(std::abs(sums.low - called.low) < 0.12 * size);
    CHECK(std::abs(sums.high - called.high) < 0.12 * size);
  }
}

TEST_CASE("each scheme's replicates of a mean scatter as its closed form says") {
  const std::vector<double> x = autoregression(600, 0.5, 1, 5);
  for (const BlockScheme scheme : kSchemes) {
    const ResamplePlan plan{600, 20'000, 12, 2, scheme};
    const std::vector<double> means = bootstrap(x, plan, mean_of_all);
    const double expected = scheme == BlockScheme::Stationary ? stationary_bootstrap_variance(x, 12)
                            : scheme == BlockScheme::Tapered
                                ? 600 * std::pow(bootstrap_tapered(RunningMoments(x).centred(), 0, plan).standard_error, 2)
                                : circular_bootstrap_variance(x, 12);
    CAPTURE(text(scheme));
    // 4 %: the sampling error of a variance of 20,000 is 1 %, moving blocks see the ends less often
    CHECK(600 * variance_of_all(means) == doctest::Approx(expected).epsilon(0.04));
  }
}

TEST_CASE("tapered blocks have the smaller bias: their variance is nearer to the true one") {
  // AR(1) 0.5 of unit shocks: long-run variance 4. Bartlett weights of length 20 miss 1/20 of sum |k| gamma_k; the taper's
  // miss is of second order.
  double tapered = 0;
  double circular = 0;
  for (std::uint64_t i = 0; i < 40; ++i) {
    const std::vector<double> x = autoregression(4000, 0.5, 1, 31, i);
    const ResamplePlan plan{4000, 2, 20, 1, BlockScheme::Tapered};
    tapered += 4000 * std::pow(bootstrap_tapered(RunningMoments(x).centred(), 0, plan).standard_error, 2) / 40;
    circular += circular_bootstrap_variance(x, 20) / 40;
  }
  CHECK(std::abs(tapered - 4) < std::abs(circular - 4) * 0.75);
}

TEST_CASE("a tapered callback resamples the statistic's linear part") {
  const std::vector<double> x = normals(120, 0.05, 1, 6);
  const std::vector<double> linear = linear_part(x, mean_of_all);
  const RunningMoments moments(x);
  for (std::size_t t = 0; t < x.size(); ++t) CHECK(linear[t] == doctest::Approx(moments.centred()[t]).epsilon(1e-9));
  const ResamplePlan plan{120, 400, 5, 1, BlockScheme::Tapered};
  const std::vector<std::span<const double>> one{x};
  for (const IntervalMethod method : kMethods) {
    CAPTURE(text(method));
    const Bounds sums = sharpe_intervals(one, plan, 0.95, method)[0].interval.value();
    const Bounds called = statistic_interval(x, sharpe_of_all, plan, 0.95, method).interval.value();
    // the jackknife's linear part differs from the closed form by terms of order 1 / n
    CHECK(called.low == doctest::Approx(sums.low).epsilon(0.06));
    CHECK(called.high == doctest::Approx(sums.high).epsilon(0.06));
  }
}

TEST_CASE("peer error: acceleration of block bootstraps leaves out blocks, not points") {
  // Skewed blocks: points alternate so that single ones are symmetric, and sums of four are not.
  Rng random(5, "skewed blocks");
  std::vector<double> x;
  while (x.size() < 1200) {
    const double shock = random.exponential(1) - 1;
    for (const double part : {0.25, 0.25, 0.25, 0.25}) x.push_back(part * shock + 3 * random.normal() * 0.01);
  }
  const double points = acceleration(leave_out_blocks(x, 1, mean_of_all), x.size(), 1);
  const double blocks = acceleration(leave_out_blocks(x, 4, mean_of_all), x.size(), 4);
  // Sum of 300 exponentials: skewness 2 / sqrt(300), a sixth of it; points pretend to be 1200.
  CHECK(points == doctest::Approx(2 / std::sqrt(1200.0) / 6).epsilon(0.2));
  CHECK(blocks > 1.3 * points);
  CHECK(leave_out_blocks(x, 4, mean_of_all).size() == 1200);
  CHECK_THROWS_AS((void)leave_out_blocks(x, 1200, mean_of_all), Error);
}

TEST_CASE("the jackknife leaves out each circular block once, and the rest stays in order") {
  // A polynomial in the position tells every selection and order from every other.
  const Statistic trace = [](std::span<const double> x) {
    double value = static_cast<double>(x.size());
    for (const double one : x) value = std::fmod(31 * value + one, 1e9 + 7);
    return value;
  };
  for (const std::size_t n : {2U, 7U, 12U}) {
    std::vector<double> x;
    for (std::size_t t = 0; t < n; ++t) x.push_back(static_cast<double>(t + 1));
    for (std::size_t block = 1; block < n; ++block) {
      CAPTURE(n);
      CAPTURE(block);
      std::vector<double> expected;
      for (std::size_t start = 0; start < n; ++start) {
        std::vector<double> others;
        for (std::size_t t = 0; t < n; ++t) {
          if ((t + n - start) % n >= block) others.push_back(x[t]);
        }
        expected.push_back(trace(others));
      }
      CHECK(leave_out_blocks(x, block, trace) == expected);
    }
  }
  // Of a long series evenly spaced starts: which observations are missing tells the block.
  std::vector<double> numbers(12'000);
  std::iota(numbers.begin(), numbers.end(), 0.0);
  const Statistic sum = [](std::span<const double> x) { return std::accumulate(x.begin(), x.end(), 0.0); };
  const std::vector<double> sums = leave_out_blocks(numbers, 3, sum);
  REQUIRE(sums.size() == 5000);
  const double all = 12'000.0 * 11'999 / 2;
  CHECK(sums[0] == all - (0 + 1 + 2));
  CHECK(sums[1] == all - (2 + 3 + 4));
  CHECK(sums[2] == all - (4 + 5 + 6));
  CHECK(sums[4999] == all - (11'997 + 11'998 + 11'999));
  CHECK_THROWS_AS((void)leave_out_blocks(numbers, 0, sum), Error);
  // Efron and Tibshirani's acceleration of a mean of independent points: sum d^3 / (6 (sum d^2)^(3/2)) of x itself.
  const std::vector<double> skewed{0.1, 0.2, 0.2, 0.3, 1.9};
  double cubes = 0, squares = 0;
  for (const double value : skewed) {
    cubes += std::pow(value - 0.54, 3);
    squares += (value - 0.54) * (value - 0.54);
  }
  CHECK(acceleration(leave_out_blocks(skewed, 1, mean_of_all), 5, 1) == doctest::Approx(cubes / (6 * std::pow(squares, 1.5))).epsilon(1e-12));
}

TEST_CASE("intervals say no where there is nothing to say") {
  const std::vector<double> flat(40, 0.01);
  const std::vector<std::span<const double>> one{flat};
  for (const BlockScheme scheme : kSchemes) {
    for (const IntervalMethod method : kMethods) {
      const ResamplePlan plan{40, 60, 4, 1, scheme};
      CHECK_FALSE(sharpe_intervals(one, plan, 0.95, method)[0].interval.has_value());
      CHECK_FALSE(statistic_interval(flat, mean_of_all, plan, 0.95, method).interval.has_value());
    }
  }
  const std::vector<double> one_side{1, 2, 3, 4};
  CHECK_FALSE(bootstrap_interval({.estimate = 0, .values = one_side}, IntervalMethod::BiasCorrected, 0.9).has_value());
  const std::vector<double> undefined(100, std::numeric_limits<double>::quiet_NaN());
  CHECK_FALSE(bootstrap_interval({.estimate = 0, .values = undefined}, IntervalMethod::Percentile, 0.9).has_value());
  CHECK_THROWS_AS((void)bootstrap_interval({.estimate = 0, .values = one_side}, IntervalMethod::Percentile, 95), Error);
}

TEST_CASE("bad series and plans are refused") {
  std::vector<double> x = normals(40, 0, 1, 1);
  const std::vector<std::vector<std::uint32_t>> beyond(3, std::vector<std::uint32_t>(40, 40));
  const std::vector<std::vector<std::uint32_t>> few(2, std::vector<std::uint32_t>(40, 0));
  const std::vector<std::vector<std::uint32_t>> narrow(3, std::vector<std::uint32_t>(39, 0));
  for (const auto* indices : {&beyond, &few, &narrow}) {
    CHECK_THROWS_AS((void)bootstrap(x, {.periods = 40, .replicates = 3, .indices = *indices}, mean_of_all), Error);
  }
  CHECK_THROWS_AS((void)subsample_interval(x, mean_of_all, {.block = 40}), Error);
  CHECK_THROWS_AS((void)subsample_interval(x, mean_of_all, {.block = 1}), Error);
  CHECK_THROWS_AS((void)subsample_interval(x, mean_of_all, {.block = 5, .rate = 0}), Error);
  CHECK_THROWS_AS((void)wild_mean_test(x, {.replicates = 0}), Error);
  CHECK_THROWS_AS((void)wild_mean_test(x, {.block = 0}), Error);
  x[3] = std::numeric_limits<double>::infinity();
  const std::vector<std::span<const double>> one{x};
  CHECK_THROWS_AS((void)mean_intervals(one, {40, 10, 2, 1}, 0.95, IntervalMethod::Normal), Error);
  CHECK_THROWS_AS((void)statistic_interval(x, mean_of_all, {40, 10, 2, 1}, 0.95, IntervalMethod::Normal), Error);
  CHECK_THROWS_AS((void)subsample_interval(x, mean_of_all, {}), Error);
  CHECK_THROWS_AS((void)wild_mean_test(x, {}), Error);
  CHECK(wild_mean_test(std::vector<double>(9, 0.5), {}).reason == "the observations do not vary");
  CHECK(wild_mean_test(std::vector<double>{1, 2}, {}).reason == "needs at least 5 observations, has 2");
}

TEST_CASE("sub-sampling lists every stretch, and its interval of a mean is about the normal one") {
  const std::vector<double> ramp{1, 2, 4, 8, 16};
  // Stretches of two: 1.5 3 6 12, estimate 6.2, scale sqrt(2/5); at level 0.5 quantiles 1/4 and 3/4 of type 7.
  const IntervalEstimate own = subsample_interval(ramp, mean_of_all, {.block = 2}, 0.5);
  const double scale = std::sqrt(0.4);
  CHECK(own.estimate == doctest::Approx(6.2));
  CHECK(own.interval->low == doctest::Approx(6.2 - scale * (7.5 - 6.2)).epsilon(1e-12));
  CHECK(own.interval->high == doctest::Approx(6.2 - scale * (2.625 - 6.2)).epsilon(1e-12));
  const std::vector<double> x = normals(5000, 0, 1, 7);
  const Bounds wide = subsample_interval(x, mean_of_all, {}).interval.value();
  CHECK(wide.high - wide.low == doctest::Approx(2 * 1.96 / std::sqrt(5000.0)).epsilon(0.25));
  CHECK(subsample_block(5000, {}) == 146);
}

TEST_CASE("wild weights have mean 0 and variance 1, Mammen's a third moment of 1, dependent ones their correlation") {
  for (const WildWeights kind : {WildWeights::Rademacher, WildWeights::Mammen, WildWeights::Normal, WildWeights::Dependent}) {
    double first = 0, second = 0, third = 0, lagged = 0;
    for (std::size_t b = 0; b < 400; ++b) {
      const std::vector<double> w = wild_weights({400, 3, kind, 5}, b, 500);
      for (std::size_t t = 0; t < w.size(); ++t) {
        first += w[t] / 2e5;
        second += w[t] * w[t] / 2e5;
        third += w[t] * w[t] * w[t] / 2e5;
        if (t >= 2) lagged += w[t] * w[t - 2] / 2e5;
      }
    }
    CHECK(std::abs(first) < (kind == WildWeights::Dependent ? 0.02 : 0.01));
    CHECK(second == doctest::Approx(1).epsilon(0.02));
    CHECK(third == doctest::Approx(kind == WildWeights::Mammen ? 1 : 0).epsilon(kind == WildWeights::Mammen ? 0.03 : 0.08));
    CHECK(lagged == doctest::Approx(kind == WildWeights::Dependent ? 0.6 * 498 / 500 : 0).epsilon(0.03));
  }
}

TEST_CASE("the wild bootstrap keeps each period's variance, which resampling does not") {
  // Variance rises from 0 to 2: residuals stay in their places.
  std::vector<double> residual = normals(2000, 0, 1, 9);
  for (std::size_t t = 0; t < 2000; ++t) residual[t] *= static_cast<double>(t) / 1000;
  const std::vector<double> zero(2000);
  const std::vector<double> early = wild_bootstrap(zero, residual, {200, 1, WildWeights::Normal, 1}, [](auto x) { return variance_of_all(x.first(200)); });
  CHECK(mean_of_all(early) < 0.03);
}

TEST_CASE("wild tests of a mean keep their size under changing variance, and find a mean") {
  for (const WildWeights kind : {WildWeights::Rademacher, WildWeights::Mammen, WildWeights::Normal, WildWeights::Dependent}) {
    std::size_t rejected = 0;
    for (std::uint64_t world = 0; world < 300; ++world) {
      std::vector<double> x = normals(80, 0, 1, 700, world);
      for (std::size_t t = 0; t < 80; ++t) x[t] *= t < 60 ? 0.3 : 2;
      rejected += *wild_mean_test(x, {199, world, kind, 2}).p_value <= 0.1 ? 1 : 0;
    }
    CAPTURE(static_cast<int>(kind));
    CHECK(static_cast<double>(rejected) / 300 < 0.16);  // 10 % and three standard errors
    CHECK(static_cast<double>(rejected) / 300 > 0.04);
    const Evidence found = wild_mean_test(normals(200, 0.5, 1, 8), {999, 1, kind, 2});
    CHECK(*found.p_value == doctest::Approx(0.001));
    CHECK(*found.statistic > 5);
  }
}
