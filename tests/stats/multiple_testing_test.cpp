#include "stats/multiple_testing.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "stats/superior.hpp"
#include "tests/stats/samples.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace walras;
using namespace walras::stats;

namespace {

std::vector<std::vector<double>> worlds(std::size_t strategies, std::size_t periods, double edge, std::uint64_t seed) {
  std::vector<std::vector<double>> series;
  for (std::size_t k = 0; k < strategies; ++k) {
    series.push_back(normals(periods, k == 0 ? edge : 0, 0.01, seed, k));
  }
  return series;
}

/// Adjusted p-values by the definition, over explicit resamples.
std::vector<double> naive_romano_wolf(const std::vector<std::vector<double>>& series, const ResamplePlan& plan) {
  const std::size_t count = series.size();
  const auto n = static_cast<double>(plan.periods);
  std::vector<double> t(count), mean(count);
  for (std::size_t k = 0; k < count; ++k) {
    for (const double x : series[k]) mean[k] += x / n;
    t[k] = mean[k] / std::sqrt(stationary_bootstrap_variance(series[k], plan.mean_block) / n);
  }
  std::vector<std::size_t> order(count);
  for (std::size_t k = 0; k < count; ++k) order[k] = k;
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return t[a] > t[b]; });
  std::vector<std::size_t> reached(count, 1);
  std::vector<Block> blocks;
  for (std::size_t b = 0; b < plan.replicates; ++b) {
    BlockSampler(plan).draw(b, blocks);
    std::vector<double> resampled(count);
    for (std::size_t k = 0; k < count; ++k) {
      double moved = 0;
      std::vector<double> sums;
      for (const Block block : blocks) {
        sums.push_back(0);
        for (std::uint64_t i = 0; i < block.length; ++i) sums.back() += series[k][(block.start + i) % plan.periods];
        moved += sums.back() / n;
      }
      double squares = 0;
      for (std::size_t j = 0; j < blocks.size(); ++j) squares += std::pow(sums[j] - blocks[j].length * moved, 2);
      resampled[k] = (moved - mean[k]) / (std::sqrt(squares) / n);
    }
    for (std::size_t i = 0; i < count; ++i) {
      double largest = -1e300;
      for (std::size_t j = i; j < count; ++j) largest = std::max(largest, resampled[order[j]]);
      reached[i] += largest >= t[order[i]] ? 1 : 0;
    }
  }
  std::vector<double> p(count);
  double running = 0;
  for (std::size_t i = 0; i < count; ++i) {
    running = std::max(running, static_cast<double>(reached[i]) / static_cast<double>(plan.replicates + 1));
    p[order[i]] = running;
  }
  return p;
}

}  // namespace

TEST_CASE("Romano-Wolf equals its definition over explicit resamples") {
  const auto series = worlds(6, 200, 0.0015, 5);
  const ResamplePlan plan{200, 300, 4, 8};
  CHECK(romano_wolf(spans(series), plan).adjusted == naive_romano_wolf(series, plan));
}

TEST_CASE("Romano-Wolf finds an edge, adjusts for company, and is monotone in t") {
  const auto series = worlds(20, 1000, 0.0015, 4);
  const StepDown tests = romano_wolf(spans(series), {1000, 2000, 1, 3});
  CHECK(tests.adjusted[0] < 0.01);
  for (std::size_t k = 0; k < 20; ++k) {
    CHECK(tests.adjusted[k] >= tests.unadjusted[k]);
    for (std::size_t j = 0; j < 20; ++j) {
      if (tests.t[k] > tests.t[j]) CHECK(tests.adjusted[k] <= tests.adjusted[j]);
    }
  }
  const double critical = tests.critical_value(0.05);
  CHECK(critical > 2.2);  // of one test: 1.64
  CHECK(critical < 3.6);
  // The best passes exactly when its t reaches the critical value.
  CHECK((tests.adjusted[0] <= 0.05) == (tests.t[0] >= critical));
  CHECK(tests.critical_value(1e-9) == std::numeric_limits<double>::infinity());
}

TEST_CASE("peer error: p-values survive every series being rejected") {
  std::vector<std::vector<double>> series;
  for (std::uint64_t k = 0; k < 5; ++k) series.push_back(normals(300, 0.01, 0.01, 1, k));
  for (const double p : romano_wolf(spans(series), {300, 999, 1, 1}).adjusted) CHECK(p == doctest::Approx(0.001));
}

TEST_CASE("a series without variance is not rejected and disturbs no other") {
  auto series = worlds(4, 300, 0.002, 6);
  const StepDown before = romano_wolf(spans(series), {300, 500, 1, 3});
  series.emplace_back(300, 0.0);
  const StepDown after = romano_wolf(spans(series), {300, 500, 1, 3});
  CHECK(after.adjusted[4] == 1);
  series.pop_back();
  CHECK(std::equal(before.adjusted.begin(), before.adjusted.end(), after.adjusted.begin()));
}

TEST_CASE("a trial that seldom trades is no evidence against the others") {
  // Its replicates without a day of trading have no spread, but for rounding.
  std::vector<std::vector<double>> series{normals(2520, 0.0015, 0.01, 1, 0)};
  const auto adjusted = [&] { return romano_wolf(spans(series), {2520, 2000, 5, 3}).adjusted; };
  const double alone = adjusted()[0];
  CHECK(alone < 0.001);
  series.emplace_back(2520, 0.0);
  for (const double day : {0.01, -0.01}) {
    series[1][700] = day;
    const auto both = adjusted();
    CHECK(both[0] < 0.001);
    CHECK(both[1] > 0.02);
  }
  series[1][20] = -0.0163, series[1][900] = 0.0045, series[1][2000] = -0.0241;
  CHECK(adjusted()[0] < 0.02);
}

TEST_CASE("trials that seldom trade and earn nothing are seldom called skilled") {
  // Thirty trials of eight days each at chance: together at most 5 % of worlds may see a rejection; 3 standard errors are 3.3 points.
  std::size_t rejected = 0;
  for (std::uint64_t world = 0; world < 400; ++world) {
    std::vector<std::vector<double>> series;
    Rng random(world, "rare");
    for (int k = 0; k < 30; ++k) {
      std::vector<double>& one = series.emplace_back(500, 0.0);
      for (int day = 0; day < 8; ++day) one[random.below(500)] = 0.01 * random.normal();
    }
    const StepDown tests = romano_wolf(spans(series), {500, 999, 2, world});
    rejected += *std::min_element(tests.adjusted.begin(), tests.adjusted.end()) <= 0.05 ? 1 : 0;
  }
  CAPTURE(rejected);
  CHECK(rejected <= 33);
}

TEST_CASE("one and two threads give the same adjusted p-values") {
  const auto series = worlds(7, 400, 0.001, 9);
  const ResamplePlan plan{400, 1000, 3, 5};
  const int before = threads();
  set_threads(1);
  const StepDown one = romano_wolf(spans(series), plan);
  const SuperiorAbility spa_one = superior_ability(spans(series), plan);
  set_threads(2);
  const StepDown two = romano_wolf(spans(series), plan);
  const SuperiorAbility spa_two = superior_ability(spans(series), plan);
  set_threads(before);
  CHECK(one.adjusted == two.adjusted);
  CHECK(one.largest == two.largest);
  CHECK(spa_one.consistent == spa_two.consistent);
}

TEST_CASE("peer error: studentised tests do not care for the scale of a series") {
  auto series = worlds(10, 500, 0.0008, 2);
  const ResamplePlan plan{500, 1000, 2, 7};
  const SuperiorAbility spa = superior_ability(spans(series), plan);
  const StepDown steps = romano_wolf(spans(series), plan);
  for (double& value : series[5]) value *= 50;
  const SuperiorAbility scaled = superior_ability(spans(series), plan);
  CHECK(scaled.lower == spa.lower);
  CHECK(scaled.consistent == spa.consistent);
  CHECK(scaled.upper == spa.upper);
  CHECK(romano_wolf(spans(series), plan).adjusted == steps.adjusted);
}

TEST_CASE("superior ability: the three p-values are in order and find an edge") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    auto series = worlds(8, 400, 0, seed);
    for (double& value : series[3]) value -= 0.01;  // a hopeless model
    const SuperiorAbility p = superior_ability(spans(series), {400, 500, 2, seed});
    CHECK(p.lower <= p.consistent);
    CHECK(p.consistent <= p.upper);
    CHECK(p.lower >= 1.0 / 501);
  }
  CHECK(superior_ability(spans(worlds(8, 1000, 0.002, 3)), {1000, 500, 2, 1}).consistent < 0.01);
  const std::vector<std::vector<double>> flat{std::vector<double>(50, 0.0)};
  CHECK(superior_ability(spans(flat), {50, 100, 1, 1}).consistent == 1);
}
