#include "stats/overfitting.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <limits>

using namespace walras;
using namespace walras::stats;

namespace {

std::vector<std::vector<double>> panel(std::size_t trials, std::size_t periods, double edge, std::uint64_t seed) {
  std::vector<std::vector<double>> series;
  for (std::size_t k = 0; k < trials; ++k) series.push_back(normals(periods, k == 0 ? edge : 0, 0.01, seed, k));
  return series;
}

}  // namespace

namespace {

double naive_overfitting(const std::vector<std::vector<double>>& returns, std::size_t blocks) {
  const std::size_t length = returns[0].size() / blocks;
  const auto sharpe = [&](std::size_t k, std::uint32_t mask) {
    std::vector<double> sample;
    for (std::size_t b = 0; b < blocks; ++b) {
      if (((mask >> b) & 1) == 0) continue;
      sample.insert(sample.end(), returns[k].begin() + static_cast<std::ptrdiff_t>(b * length),
                    returns[k].begin() + static_cast<std::ptrdiff_t>((b + 1) * length));
    }
    double mean = 0, square = 0;
    for (const double x : sample) mean += x / static_cast<double>(sample.size());
    for (const double x : sample) square += (x - mean) * (x - mean);
    return mean / std::sqrt(square);
  };
  double low = 0, splits = 0;
  const std::uint32_t all = (1U << blocks) - 1;
  for (std::uint32_t mask = 0; mask <= all; ++mask) {
    if (static_cast<std::size_t>(__builtin_popcount(mask)) != blocks / 2) continue;
    std::size_t best = 0;
    for (std::size_t k = 1; k < returns.size(); ++k) best = sharpe(k, mask) > sharpe(best, mask) ? k : best;
    double rank = 1;
    for (std::size_t k = 0; k < returns.size(); ++k) rank += sharpe(k, all ^ mask) < sharpe(best, all ^ mask) ? 1 : 0;
    const double share = rank / static_cast<double>(returns.size() + 1);
    low += std::log(share / (1 - share)) <= 0 ? 1 : 0;
    splits += 1;
  }
  return low / splits;
}

}  // namespace

TEST_CASE("backtest overfitting equals its definition, and tells noise from an edge") {
  const auto noise = panel(8, 160, 0, 3);
  const Overfitting got = backtest_overfitting(spans(noise), 8);
  CHECK(got.logits.size() == 70);
  CHECK(got.probability == doctest::Approx(naive_overfitting(noise, 8)).epsilon(1e-12));
  CHECK(backtest_overfitting(spans(panel(8, 1600, 0.003, 3)), 10).probability == 0);
  CHECK_THROWS_AS((void)backtest_overfitting(spans(noise), 7), Error);
  CHECK_THROWS_AS((void)backtest_overfitting(spans(panel(1, 160, 0, 1)), 8), Error);
  CHECK_THROWS_AS((void)backtest_overfitting(spans(panel(4, 10, 0, 1)), 8), Error);
}

TEST_CASE("a metric by callback gives what the sums give, bit for bit on any number of threads") {
  const auto noise = panel(7, 325, 0.0005, 9);
  const auto sharpe = [](std::span<const double> x) {
    double mean = 0, square = 0;
    for (const double value : x) mean += value / static_cast<double>(x.size());
    for (const double value : x) square += (value - mean) * (value - mean);
    return mean / std::sqrt(square / static_cast<double>(x.size() - 1));
  };
  const Overfitting sums = backtest_overfitting(spans(noise), 10);
  const int before = threads();
  set_threads(1);
  const Overfitting one = backtest_overfitting(spans(noise), 10, sharpe);
  set_threads(2);
  const Overfitting two = backtest_overfitting(spans(noise), 10, sharpe);
  set_threads(before);
  CHECK(one.logits == two.logits);
  CHECK(one.logits == sums.logits);
  for (std::size_t i = 0; i < sums.logits.size(); ++i) {
    CHECK(sums.chosen_outside[i] == doctest::Approx(one.chosen_outside[i]).epsilon(1e-9));
    CHECK(sums.average_outside[i] == doctest::Approx(one.average_outside[i]).epsilon(1e-9));
  }
  const auto mean = [](std::span<const double> x) {
    double sum = 0;
    for (const double value : x) sum += value;
    return sum / static_cast<double>(x.size());
  };
  CHECK(backtest_overfitting(spans(noise), 10, Performance::Mean).logits == backtest_overfitting(spans(noise), 10, mean).logits);
  CHECK_THROWS_AS((void)backtest_overfitting(spans(noise), 10, [](std::span<const double>) { return std::nan(""); }), Error);
}

TEST_CASE("an edge is carried out of sample, noise is not") {
  const Overfitting edge = backtest_overfitting(spans(panel(20, 2528, 0.0015, 4)));
  CHECK(edge.logits.size() == 12'870);
  CHECK(edge.probability < 0.01);
  CHECK(edge.probability_of_loss < 0.01);
  CHECK(edge.dominance.first);
  CHECK(edge.dominance.second);
  const Overfitting noise = backtest_overfitting(spans(panel(20, 2528, 0, 4)));
  CHECK(noise.probability > 0.2);
  REQUIRE(noise.degradation.has_value());
  // Over complementary halves of one record, what is gained inside is lost outside.
  CHECK(noise.degradation->slope < 0);
  CHECK(noise.degradation->r_squared <= 1);
  CHECK(noise.dominance.first_violation > 0);
}

TEST_CASE("peer error: a panel whose rows and columns are swapped is told of its axes") {
  const std::vector<std::vector<double>> swapped = panel(500, 8, 0, 1);
  CHECK_THROWS_WITH_AS((void)backtest_overfitting(spans(swapped), 8),
                       "backtest overfitting: expected at least 16 periods for 8 blocks, was 500 trials of 8 periods; rows and columns may be "
                       "swapped: the first axis counts trials, the second periods",
                       Error);
  auto broken = panel(3, 64, 0, 1);
  broken[1][7] = std::nan("");
  CHECK_THROWS_WITH_AS((void)backtest_overfitting(spans(broken), 4),
                       "backtest overfitting: expected finite returns, was nan in period 8 of trial 2", Error);
  broken[1].pop_back();
  CHECK_THROWS_AS((void)backtest_overfitting(spans(broken), 4), Error);
}

TEST_CASE("trials without variance are ranked as nothing earned") {
  auto trials = panel(3, 64, 0, 1);
  trials.push_back(std::vector<double>(64, 0.001));
  const Overfitting got = backtest_overfitting(spans(trials), 4);
  for (const double logit : got.logits) CHECK(std::isfinite(logit));
  const std::vector<std::vector<double>> flat(4, std::vector<double>(64, 0.0));
  const Overfitting none = backtest_overfitting(spans(flat), 4);
  CHECK(none.probability == 1);  // the choice among equals is the median: not above it
  CHECK_FALSE(none.degradation.has_value());
}

TEST_CASE("stochastic dominance by hand") {
  const std::vector<double> low{1, 2, 3}, high{2, 3, 4}, wide{0, 2, 4}, same{1, 2, 3};
  CHECK(stochastic_dominance(high, low).first);
  CHECK(stochastic_dominance(high, low).second);
  const Dominance back = stochastic_dominance(low, high);
  CHECK_FALSE(back.first);
  CHECK_FALSE(back.second);
  CHECK(back.first_violation == doctest::Approx(1.0 / 3));
  CHECK(back.second_violation == doctest::Approx(1));  // the difference of means
  // Equal means, less spread: second order alone.
  CHECK_FALSE(stochastic_dominance(low, wide).first);
  CHECK(stochastic_dominance(low, wide).second);
  CHECK_FALSE(stochastic_dominance(wide, low).second);
  CHECK_FALSE(stochastic_dominance(same, low).first);
  CHECK_FALSE(stochastic_dominance(same, low).second);
  // Sizes may differ.
  CHECK(stochastic_dominance(std::vector<double>{5}, low).first);
}
