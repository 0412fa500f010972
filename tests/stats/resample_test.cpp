#include "stats/permutation.hpp"
#include "stats/resample.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <numeric>

using namespace walras;
using namespace walras::stats;

namespace {

struct Twin { double mean, sharpe; };
Twin explicit_twin(std::span<const double> x, const ResamplePlan& plan, std::size_t replicate) {
  std::vector<double> sample;
  for (const std::uint32_t index : draw_indices(plan, replicate)) sample.push_back(x[index]);
  const auto n = static_cast<double>(sample.size());
  const double mean = std::accumulate(sample.begin(), sample.end(), 0.0) / n;
  double square = 0;
  for (const double value : sample) square += (value - mean) * (value - mean);
  return {mean, mean / std::sqrt(square / (n - 1))};
}

}  // namespace

TEST_CASE("sums over blocks equal resampling by explicit indices") {
  const std::vector<std::vector<double>> series{normals(300, 0.001, 0.01, 1), autoregression(300, 0.4, 0.02, 2),
                                                normals(300, 5, 0.01, 3)};
  for (const double block : {1.0, 3.7, 40.0, 1000.0}) {
    const ResamplePlan plan{300, 200, block, 9};
    for (const std::vector<double>& x : series) {
      const RunningMoments moments(x);
      std::vector<Block> blocks;
      for (std::size_t b = 0; b < plan.replicates; ++b) {
        BlockSampler(plan).draw(b, blocks);
        const Twin twin = explicit_twin(x, plan, b);
        const kernel::Totals sum = kernel::totals(moments.view(), blocks.data(), blocks.size());
        CHECK(sum.first / 300 + moments.mean() == doctest::Approx(twin.mean).epsilon(1e-12));
        bool defined = false;
        // 1e-12 of the ratio's own size; a mean 500 deviations away costs what it cancels
        const double tolerance = std::abs(twin.sharpe) > 100 ? 1e-10 : 1e-12;
        CHECK(kernel::sharpe_only(sum, 300, moments.mean(), moments.tiny(), defined) ==
              doctest::Approx(twin.sharpe).epsilon(tolerance));
        const kernel::Products products = kernel::products(moments.view(), blocks.data(), blocks.size());
        CHECK(kernel::sharpe_with_error(products, 300, moments.mean(), moments.tiny()).value ==
              doctest::Approx(twin.sharpe).epsilon(tolerance));
      }
    }
  }
}

TEST_CASE("standard errors from products equal those from the blocks one by one") {
  const std::vector<double> x = autoregression(200, 0.3, 0.01, 4);
  const ResamplePlan plan{200, 20, 5, 1};
  const RunningMoments moments(x);
  std::vector<Block> blocks;
  for (std::size_t b = 0; b < plan.replicates; ++b) {
    BlockSampler(plan).draw(b, blocks);
    const kernel::Products sum = kernel::products(moments.view(), blocks.data(), blocks.size());
    const double mean = sum.first / 200 + moments.mean();
    const double variance = sum.second / 200 - std::pow(sum.first / 200, 2);
    double mean_squares = 0;
    double sharpe_squares = 0;
    for (const Block block : blocks) {
      double deviations = 0;
      double influence = 0;
      for (std::uint64_t i = 0; i < block.length; ++i) {
        const double value = x[(block.start + i) % 200];
        const double z = (value - mean) / std::sqrt(variance);
        deviations += value - mean;
        influence += z - mean / std::sqrt(variance) / 2 * (z * z - 1);
      }
      mean_squares += deviations * deviations;
      sharpe_squares += influence * influence;
    }
    CHECK(kernel::mean_with_error(sum, 200, moments.mean()).error ==
          doctest::Approx(std::sqrt(mean_squares) / 200).epsilon(1e-10));
    CHECK(kernel::sharpe_with_error(sum, 200, moments.mean(), moments.tiny()).error ==
          doctest::Approx(std::sqrt(sharpe_squares) / 200).epsilon(1e-9));
  }
}

TEST_CASE("blocks start anywhere, have geometric lengths, and wrap around") {
  const ResamplePlan plan{1000, 2000, 8, 3};
  std::vector<Block> blocks;
  double starts = 0, lengths = 0, ones = 0, count = 0;
  std::size_t wrapped = 0;
  for (std::size_t b = 0; b < plan.replicates; ++b) {
    BlockSampler(plan).draw(b, blocks);
    std::size_t total = 0;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      REQUIRE(blocks[i].start < 1000);
      REQUIRE(blocks[i].length >= 1);
      total += blocks[i].length;
      if (i + 1 == blocks.size()) continue;  // cut to fit
      starts += blocks[i].start;
      lengths += blocks[i].length;
      ones += blocks[i].length == 1 ? 1 : 0;
      wrapped += blocks[i].start + blocks[i].length > 1000 ? 1 : 0;
      count += 1;
    }
    REQUIRE(total == 1000);
  }
  CHECK(starts / count == doctest::Approx(499.5).epsilon(0.01));
  CHECK(lengths / count == doctest::Approx(8).epsilon(0.02));
  CHECK(ones / count == doctest::Approx(1.0 / 8).epsilon(0.02));
  CHECK(wrapped > 0);
}

TEST_CASE("the variance of bootstrap means is the one that studentises them") {
  const std::vector<double> x = autoregression(400, 0.5, 1, 5);
  const ResamplePlan plan{400, 40'000, 7, 2};
  const std::vector<double> means = bootstrap(x, plan, [](std::span<const double> sample) {
    return std::accumulate(sample.begin(), sample.end(), 0.0) / static_cast<double>(sample.size());
  });
  double mean = 0, square = 0;
  for (const double value : means) mean += value / 40'000;
  for (const double value : means) square += (value - mean) * (value - mean) / 40'000;
  CHECK(400 * square == doctest::Approx(stationary_bootstrap_variance(x, 7)).epsilon(0.03));
}

TEST_CASE("one and two threads draw the same bits") {
  const std::vector<std::vector<double>> series{normals(500, 0.001, 0.01, 1), normals(500, 0, 0.02, 2)};
  const ResamplePlan plan{500, 700, 4, 5};
  const int before = threads();
  std::vector<std::vector<IntervalEstimate>> runs;
  for (const int count : {1, 2}) {
    set_threads(count);
    runs.push_back(sharpe_intervals(spans(series), plan, 0.95, IntervalMethod::Studentized));
    runs.push_back(mean_intervals(spans(series), plan, 0.95, IntervalMethod::Percentile));
  }
  set_threads(before);
  for (std::size_t k = 0; k < 2; ++k) {
    for (std::size_t method = 0; method < 2; ++method) {
      CHECK(runs[method][k].interval->low == runs[method + 2][k].interval->low);
      CHECK(runs[method][k].interval->high == runs[method + 2][k].interval->high);
    }
  }
}

TEST_CASE("series under one plan share their indices") {
  const std::vector<double> x = normals(200, 0, 1, 1);
  std::vector<double> shifted(x);
  for (double& value : shifted) value += 3;
  const std::vector<std::vector<double>> both{x, shifted};
  const auto result = mean_intervals(spans(both), {200, 500, 3, 1}, 0.95, IntervalMethod::Percentile);
  CHECK(result[1].interval->low - result[0].interval->low == doctest::Approx(3).epsilon(1e-12));
  CHECK(result[1].interval->high - result[0].interval->high == doctest::Approx(3).epsilon(1e-12));
}

TEST_CASE("peer error: resampled paths end differently, for they draw with replacement") {
  const std::vector<double> x = normals(100, 0, 0.01, 1);
  std::vector<double> ends = bootstrap(x, {100, 50, 3, 1}, [](std::span<const double> sample) {
    double growth = 1;
    for (const double r : sample) growth *= 1 + r;
    return growth;
  });
  std::sort(ends.begin(), ends.end());
  CHECK(std::unique(ends.begin(), ends.end()) - ends.begin() == 50);
}

TEST_CASE("peer error: dependent returns are resampled in blocks, so their intervals are wider") {
  const std::vector<double> x = autoregression(2000, 0.5, 0.01, 3);
  const std::vector<std::span<const double>> one{x};
  const double block = shared_block_length(one, false);
  CHECK(block > 5);
  const auto iid = mean_intervals(one, {2000, 2000, 1, 1}, 0.95, IntervalMethod::Percentile)[0];
  const auto blocks = mean_intervals(one, {2000, 2000, block, 1}, 0.95, IntervalMethod::Percentile)[0];
  CHECK((blocks.interval->high - blocks.interval->low) > 1.4 * (iid.interval->high - iid.interval->low));
}

TEST_CASE("constant series have no interval") {
  const std::vector<double> x(50, 0.01);
  const std::vector<std::span<const double>> one{x};
  for (const IntervalMethod method : {IntervalMethod::Percentile, IntervalMethod::Studentized}) {
    const auto mean = mean_intervals(one, {50, 100, 1, 1}, 0.95, method)[0];
    CHECK(mean.estimate == doctest::Approx(0.01));
    CHECK_FALSE(mean.interval.has_value());
    CHECK_FALSE(sharpe_intervals(one, {50, 100, 1, 1}, 0.95, method)[0].interval.has_value());
  }
}

TEST_CASE("plans out of range are refused") {
  const std::vector<double> x(50, 0.01);
  const auto run = [&](ResamplePlan plan) { (void)bootstrap(x, plan, [](auto) { return 0.0; }); };
  CHECK_THROWS_AS(run({49, 10, 1, 1}), Error);
  CHECK_THROWS_AS(run({50, 0, 1, 1}), Error);
  CHECK_THROWS_AS(run({50, 10, 0.5, 1}), Error);
}

TEST_CASE("quantiles are of type 7") {
  const std::vector<double> x{1, 2, 4, 8};
  CHECK(quantile(x, 0) == 1);
  CHECK(quantile(x, 1) == 8);
  CHECK(quantile(x, 0.5) == 3);
  CHECK(quantile(x, 0.25) == 1.75);
}

TEST_CASE("small permutation tests are exact") {
  // All 2^3 signs of 1 2 3: only +++ reaches 6, and of -1 2 3 two reach 4 (+-: the sums 6 and 4).
  CHECK(*sign_flip_test(std::vector<double>{1, 2, 3}, 1000, 1).p_value == doctest::Approx(1.0 / 8));
  CHECK(*sign_flip_test(std::vector<double>{-1, 2, 3}, 1000, 1).p_value == doctest::Approx(2.0 / 8));
  // 1 2 3 against 7 8 9: of 20 splits two are as far apart.
  const std::vector<double> low{1, 2, 3};
  const std::vector<double> high{7, 8, 9};
  CHECK(*permutation_test(low, high, 1000, 1).p_value == doctest::Approx(2.0 / 20));
}

TEST_CASE("rule 10: resampled p-values are (1 + #) / (B + 1), never 0") {
  const std::vector<double> x = normals(200, 5, 1, 1);
  CHECK(*sign_flip_test(x, 999, 1).p_value == doctest::Approx(1.0 / 1000));
  CHECK(*permutation_test(x, normals(200, 0, 1, 2), 999, 1).p_value == doctest::Approx(1.0 / 1000));
}

TEST_CASE("permutation p-values are about uniform under the null") {
  double low = 0;
  double low_two = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    low += *sign_flip_test(normals(50, 0, 1, 11, i), 199, i).p_value <= 0.1 ? 1 : 0;
    low_two += *permutation_test(normals(30, 0, 1, 12, i), normals(20, 0, 1, 13, i), 199, i).p_value <= 0.1 ? 1 : 0;
  }
  CHECK(low / 400 == doctest::Approx(0.1).epsilon(0.45));  // three standard errors
  CHECK(low_two / 400 == doctest::Approx(0.1).epsilon(0.45));
}
