#include "stats/sharpe.hpp"

#include "engine/base/error.hpp"
#include "stats/distributions.hpp"
#include "stats/model_set.hpp"
#include "stats/resample.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <cmath>
#include <limits>
#include <type_traits>

using namespace walras;
using namespace walras::stats;

namespace {

doctest::Approx near(double value, double relative) { return doctest::Approx(value).epsilon(relative); }

// returns_for_tests.csv of rubenbriones/Probabilistic-Sharpe-Ratio: 50 daily returns
const std::vector<double> kReturns{
    .002118886469477138, -.002636546921058242, -.0024358609660036726, -.006071232875030698, -.004499680469396765,
    -.007247533239095589, -.008176560188689118, .009117754371004887, .009477404635678645, .0042197708651989995,
    -.00019996762364832103, .008191268384352622, -.0020278923107388217, .0038782300933695247, .0003234337837115485,
    .005741116477147061, -.00055158413447093, .009050625431788748, .00221800977705627, -.00236869813637592,
    -.0017968533865673503, .007542966308243992, .00821061590483064, -.00430743331277402, .005421856250630787,
    -.0013993343628088892, .003323845857746144, .009511143669396956, .006453922488914566, .007546441720910388,
    .006649460358400363, .0038011548577152957, .005214595923986653, .0017644847653684754, .0050601376727331705,
    .007734536175241815, .004882709157075313, -.021158758457091323, .006242378497535548, .0021716683121211083,
    .0035306675414695276, -.007799958914217092, .0016867645302712057, -.00870682695861564, .005797790325923,
    .007547294646361774, .0058964895235753415, .0016712085630854294, -.010070799628150532, -.004337921900945061};

}  // namespace

TEST_CASE("the normal distribution is right in the middle and in the tails") {
  CHECK(normal_probability(1.959963984540054) == near(0.975, 1e-14));
  CHECK(normal_probability(-10) == near(7.619853024160527e-24, 1e-10));
  for (const double p : {1e-300, 1e-20, 1e-5, 0.05, 0.5, 0.9, 1 - 1e-10}) {
    CHECK(normal_probability(normal_quantile(p)) == near(p, 1e-12));
  }
}

TEST_CASE("Student quantiles are those of the tables, and undo the tails") {
  CHECK(student_t_quantile(0.975, 1) == near(12.706204736, 1e-9));
  CHECK(student_t_quantile(0.975, 25) == near(2.059538553, 1e-9));
  CHECK(student_t_quantile(0.05, 10) == near(-1.812461123, 1e-9));
  CHECK(student_t_tail(student_t_quantile(0.999, 37.5), 37.5) == near(0.001, 1e-10));
  CHECK(student_t_quantile(0.9, std::numeric_limits<double>::infinity()) == normal_quantile(0.9));
}

TEST_CASE("probabilistic Sharpe ratios of the literature come out") {
  // esvhd/pypbo: tests/test_pbo.py
  const SharpeFacts pypbo{per_period(AnnualSharpe{1.585}, 12), 24, -2.448, {10.164}};
  CHECK(probabilistic_sharpe(pypbo) == near(0.91323430688486, 1e-12));
  // Bailey and Lopez de Prado 2012, by rubenbriones/Probabilistic-Sharpe-Ratio: three printed digits
  CHECK(probabilistic_sharpe({{0.458}, 24, 0, {3}}) == doctest::Approx(0.982).epsilon(6e-4));
  CHECK(probabilistic_sharpe({{0.458}, 24, -2.448, {10.164}}) == doctest::Approx(0.913).epsilon(6e-4));
  CHECK(sharpe_standard_error({{0.7079}, 134, -0.2250, {2.9570}}) == doctest::Approx(0.1028).epsilon(5e-4));
  CHECK(sharpe_standard_error({{0.8183}, 134, -1.4455, {7.0497}}) == doctest::Approx(0.1550).epsilon(5e-4));
}

TEST_CASE("a record's facts and its probabilistic Sharpe ratio come out") {
  const auto facts = sharpe_facts(kReturns);
  REQUIRE(facts.has_value());
  // The returns as listed give 0.24171725957: they agree with the source's figures to 2e-7.
  CHECK(facts->sharpe.value == near(0.24171729852769, 3e-7));
  CHECK(sharpe_standard_error(*facts) == near(0.16466174867277, 3e-7));
  CHECK(probabilistic_sharpe(*facts, {0.05}) == near(0.87785077012215, 3e-7));
}

TEST_CASE("the expected maximum and the deflated Sharpe ratio come out") {
  CHECK(expected_maximum(100) == near(2.5306028932016846, 1e-12));
  CHECK(expected_maximum(1) == 0);
  CHECK(expected_maximum(1.01) == 0);
  CHECK_THROWS_AS((void)expected_maximum(0.5), Error);
  // Bailey and Lopez de Prado 2014: annual ratio 2.5, variance .5 a year, 100 trials, 1250 days
  const SharpeFacts facts{per_period(AnnualSharpe{2.5}, 250), 1250, -3, {10}};
  CHECK(std::sqrt(0.5 / 250) * expected_maximum(100) == near(0.1131720019, 1e-9));
  CHECK(deflated_sharpe(facts, 100, 0.5 / 250) == near(0.9003968344493903, 1e-12));
  CHECK(deflated_sharpe(facts, 1, 0) == probabilistic_sharpe(facts));
}

TEST_CASE("peer error: the deflated Sharpe ratio is a probability, whatever the ratio") {
  CHECK(deflated_sharpe({{5.0}, 1000, 0, {3}}, 10, 0.01) <= 1);
}

TEST_CASE("peer error: an annual ratio does not pass for one a period, nor excess for raw kurtosis") {
  static_assert(!std::is_convertible_v<AnnualSharpe, PeriodSharpe>);
  static_assert(!std::is_convertible_v<double, PeriodSharpe>);
  static_assert(!std::is_convertible_v<ExcessKurtosis, RawKurtosis>);
  CHECK(raw(ExcessKurtosis{0}).value == 3);
  CHECK(annual(per_period(AnnualSharpe{2}, 252), 252).value == near(2, 1e-15));
}

TEST_CASE("peer error: a normal record's kurtosis is not reduced twice") {
  // With raw kurtosis 3 the variance is 1 + SR^2 / 2.
  CHECK(sharpe_standard_error({{0.5}, 101, 0, {3}}) == near(std::sqrt(1.125 / 100), 1e-14));
}

TEST_CASE("at the minimum track record length the probability is the confidence") {
  SharpeFacts facts{{0.1}, 1000, -0.5, {5}};
  const auto length = minimum_track_record(facts);
  REQUIRE(length.has_value());
  // n - 1 enters the probability, so evaluate it at the fractional length.
  const double z = 0.1 * std::sqrt(*length - 1) / std::sqrt(1 + 0.5 * 0.1 + 1 * 0.01);
  CHECK(normal_probability(z) == near(0.95, 1e-12));
  CHECK_FALSE(minimum_track_record({{-0.1}, 1000, 0, {3}}).has_value());
  CHECK_FALSE(minimum_track_record({{0.1}, 1000, 0, {3}}, {0.2}).has_value());
  // (E_N / SR)^2
  CHECK(minimum_backtest_years(100, {1.0}) == near(2.5306028932016846 * 2.5306028932016846, 1e-12));
}

TEST_CASE("effective trials: clones count once, strangers fully") {
  const std::vector<double> x = normals(2000, 0, 1, 1);
  const std::vector<std::vector<double>> clones(5, x);
  CHECK(effective_trials(spans(clones)) == near(1, 1e-9));
  std::vector<std::vector<double>> strangers;
  for (std::uint64_t i = 0; i < 10; ++i) strangers.push_back(normals(2000, 0, 1, 2, i));
  CHECK(effective_trials(spans(strangers)) == doctest::Approx(10).epsilon(0.02));
  std::vector<std::vector<double>> half;
  for (std::uint64_t i = 0; i < 10; ++i) {
    half.push_back(normals(20'000, 0, 1, 3, i));
    const std::vector<double> common = normals(20'000, 0, 1, 4);
    for (std::size_t t = 0; t < common.size(); ++t) half.back()[t] += common[t];
  }
  CHECK(effective_trials(spans(half)) == doctest::Approx(0.5 + 0.5 * 10).epsilon(0.02));
  const std::vector<std::vector<double>> mixed{x, x, normals(100, 0, 1, 5), std::vector<double>(2000, 0.0)};
  CHECK(effective_trials(spans(mixed)) > 3);
  CHECK(effective_trials({}) == 0);
}

TEST_CASE("peer error: Lo's correction knows the sign of the autocorrelation") {
  std::vector<double> up = autoregression(5000, 0.3, 0.01, 1);
  std::vector<double> down = autoregression(5000, -0.3, 0.01, 1);
  for (double& value : up) value += 0.001;
  for (double& value : down) value += 0.001;
  const auto plain = [](const std::vector<double>& x) { return annual(sharpe_facts(x)->sharpe, 252).value; };
  const Evidence lower = lo_adjusted_sharpe(spaced(up, 252));
  const Evidence higher = lo_adjusted_sharpe(spaced(down, 252));
  REQUIRE(lower.estimate.has_value());
  REQUIRE(higher.estimate.has_value());
  // sqrt((1 - rho) / (1 + rho)) in the limit
  CHECK(*lower.estimate / plain(up) == doctest::Approx(std::sqrt(0.7 / 1.3)).epsilon(0.05));
  CHECK(*higher.estimate / plain(down) == doctest::Approx(std::sqrt(1.3 / 0.7)).epsilon(0.05));
  CHECK_FALSE(lo_adjusted_sharpe(spaced(normals(100, 0, 0.01, 5), 252)).reason.empty());
}

TEST_CASE("under dependence the ratio's standard error is the one its long run has") {
  // An AR(1): the variance of the mean grows by (1 + rho)/(1 - rho), and so does that of a small ratio.
  const std::vector<double> dependent = autoregression(40'000, 0.3, 0.01, 2);
  const auto plain = sharpe_facts(dependent);
  const auto facts = dependent_sharpe_facts(dependent);
  REQUIRE(facts.has_value());
  CHECK(facts->dependence == doctest::Approx(1.3 / 0.7).epsilon(0.08));  // Bartlett's kernel falls a little short
  CHECK(sharpe_standard_error(*facts) == doctest::Approx(std::sqrt(facts->dependence) * sharpe_standard_error(*plain)));
  CHECK(dependent_sharpe_facts(normals(2000, 0, 1, 4))->dependence == 1);  // nothing significant: nothing changed
  CHECK_FALSE(dependent_sharpe_facts(std::vector<double>(50, 0.1)).has_value());
}

TEST_CASE("ratios, block lengths and model sets refuse what is no number, too large to square, or a single period") {
  const std::vector<double> fine(40, 0.01);
  for (const double bad : {std::nan(""), std::numeric_limits<double>::infinity(), 1e200}) {
    std::vector<double> x = fine;
    x[7] = bad;
    const std::vector<std::span<const double>> one{x};
    CAPTURE(bad);
    CHECK_THROWS_WITH_AS((void)sharpe_facts(x), doctest::Contains("at observation 8"), Error);
    CHECK_THROWS_AS((void)dependent_sharpe_facts(x), Error);
    CHECK_THROWS_AS((void)shared_block_length(one, true), Error);
  }
  const std::vector<double> a{0.1}, b{0.2};
  const std::vector<std::span<const double>> both{a, b};
  CHECK_THROWS_WITH_AS((void)model_confidence_set(both, {1, 99, 1, 1}), "model confidence set: expected at least 2 periods, was 1", Error);
}
