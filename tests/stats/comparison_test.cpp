#include "stats/comparison.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/dependence.hpp"
#include "stats/model_set.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/superior.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <limits>

using namespace walras;
using namespace walras::stats;

namespace {

std::vector<double> squared_errors(std::span<const double> actual, std::span<const double> forecast) {
  std::vector<double> losses;
  for (std::size_t t = 0; t < actual.size(); ++t) losses.push_back(std::pow(actual[t] - forecast[t], 2));
  return losses;
}

std::vector<double> times(std::span<const double> x, double factor) {
  std::vector<double> result(x.begin(), x.end());
  for (double& value : result) value *= factor;
  return result;
}

}  // namespace

TEST_CASE("Diebold-Mariano gives the published statistics") {
  // edoannunziata/dieboldmariano, tests: actual 0 six times, squared loss
  const std::vector<double> actual(6, 0.0);
  const auto a = squared_errors(actual, std::vector<double>{0, 1, 2, 3, 4, 5});
  const auto b = squared_errors(actual, std::vector<double>{0, 2, 3, 3, 5, 6});
  struct Row { std::size_t horizon; LossVariance variance; double statistic, p; };
  for (const Row& row : {Row{1, LossVariance::Rectangular, -2.490488, 0.0551281}, Row{2, LossVariance::Rectangular, -1.822645, 0.1279729},
                         Row{2, LossVariance::Bartlett, -1.919430, 0.1130113}}) {
    const Evidence own = diebold_mariano(a, b, row.horizon, row.variance);
    CHECK(*own.statistic == doctest::Approx(row.statistic).epsilon(1e-6));
    CHECK(*own.p_value == doctest::Approx(row.p).epsilon(1e-6));
    CHECK(*diebold_mariano(a, b, row.horizon, row.variance, Alternative::Less).p_value == doctest::Approx(row.p / 2).epsilon(1e-6));
    CHECK(*diebold_mariano(b, a, row.horizon, row.variance).statistic == doctest::Approx(-row.statistic).epsilon(1e-6));
  }
}

TEST_CASE("peer error: a Diebold-Mariano variance that is not positive is an error, not NaN") {
  const std::vector<double> actual{10, 20, 30, 40, 50};
  const auto a = squared_errors(actual, std::vector<double>{11, 21, 29, 42, 53});
  const auto b = squared_errors(actual, std::vector<double>{13, 26, 24, 40, 59});
  CHECK_THROWS_WITH_AS((void)diebold_mariano(a, b, 3),
                       "Diebold-Mariano: expected a positive long-run variance of the loss difference, was -17.888; Bartlett weights cannot give a negative one",
                       Error);
  CHECK(std::isfinite(*diebold_mariano(a, b, 3, LossVariance::Bartlett).p_value));
  CHECK_THROWS_AS((void)diebold_mariano(a, a), Error);
}

TEST_CASE("comparisons refuse what no test could mean") {
  const std::vector<double> x = normals(50, 0, 1, 1);
  const std::vector<double> shorter(x.begin(), x.end() - 1);
  std::vector<double> broken(x);
  broken[7] = std::numeric_limits<double>::quiet_NaN();
  const ResamplePlan plan{50, 99, 3, 1, BlockScheme::Circular};
  for (const std::vector<double>* other : {&shorter, &std::as_const(broken)}) {
    CHECK_THROWS_AS((void)diebold_mariano(x, *other), Error);
    CHECK_THROWS_AS((void)giacomini_white(x, *other), Error);
    CHECK_THROWS_AS((void)jobson_korkie_memmel(x, *other), Error);
    CHECK_THROWS_AS((void)ledoit_wolf(x, *other, plan), Error);
    CHECK_THROWS_AS((void)bayesian_sharpe(x, *other), Error);
    CHECK_THROWS_AS((void)paired_permutation_test(x, *other, PairedStatistic::Sharpe, 99, 1), Error);
    const std::vector<std::vector<double>> both{x, *other};
    CHECK_THROWS_AS((void)model_confidence_set(spans(both), plan), Error);
    CHECK_THROWS_AS((void)superior_ability(spans(both), plan), Error);
    CHECK_THROWS_AS((void)reality_check(spans(both), plan), Error);
  }
  CHECK_THROWS_AS((void)diebold_mariano(x, times(x, 2), 50), Error);
  CHECK_THROWS_AS((void)diebold_mariano(x, times(x, 2), 0), Error);
  CHECK_THROWS_AS((void)giacomini_white(x, times(x, 2), 0), Error);
  const std::vector<std::vector<double>> one{x};
  CHECK_THROWS_AS((void)model_confidence_set(spans(one), plan), Error);
}

TEST_CASE("what cannot be told is evidence with the reason") {
  const std::vector<double> x = normals(50, 0.1, 1, 1);
  const std::vector<double> flat(50, 0.01);
  const std::vector<double> few{0.1, 0.2, -0.1};
  const ResamplePlan plan{50, 99, 3, 1, BlockScheme::Circular};
  CHECK(jobson_korkie_memmel(x, flat).reason == "the second series does not vary");
  CHECK(ledoit_wolf(flat, x, plan).reason == "the first series does not vary");
  CHECK(ledoit_wolf(x, times(x, 3), plan).reason == "the two series differ by scale or level alone");
  CHECK(bayesian_sharpe(x, x).reason == "the two series differ by scale or level alone");
  CHECK(jobson_korkie_memmel(few, few).reason == "needs at least 10 returns, has 3");
  CHECK(giacomini_white(few, few).reason == "needs at least 12 losses, has 3");
  CHECK(giacomini_white(x, x).reason == "the instruments' products with the loss difference are collinear");
  CHECK(paired_permutation_test(x, x, PairedStatistic::Mean, 99, 1).reason == "the two series are the same");
  CHECK_FALSE(sharpe_difference_error(x, flat).has_value());
}

TEST_CASE("Sharpe comparisons do not depend on leverage, and turn their sign with the order") {
  const std::vector<double> a = normals(400, 0.08, 1, 5);
  const std::vector<double> b = autoregression(400, 0.2, 1, 6);
  const ResamplePlan plan{400, 499, 6, 1, BlockScheme::Circular};
  const std::vector<double> levered = times(a, 50);
  CHECK(*ledoit_wolf(levered, b, plan).p_value == *ledoit_wolf(a, b, plan).p_value);
  CHECK(*sharpe_difference_error(levered, b) == doctest::Approx(*sharpe_difference_error(a, b)).epsilon(1e-9));
  CHECK(*jobson_korkie_memmel(levered, b).p_value == doctest::Approx(*jobson_korkie_memmel(a, b).p_value).epsilon(1e-9));
  CHECK(*bayesian_sharpe(levered, b).statistic == doctest::Approx(*bayesian_sharpe(a, b).statistic).epsilon(1e-9));
  CHECK(*ledoit_wolf(b, a, plan).estimate == doctest::Approx(-*ledoit_wolf(a, b, plan).estimate).epsilon(1e-12));
  CHECK(*ledoit_wolf(b, a, plan).p_value == *ledoit_wolf(a, b, plan).p_value);
  CHECK(*bayesian_sharpe(b, a).statistic == doctest::Approx(1 - *bayesian_sharpe(a, b).statistic).epsilon(0.05));
}

TEST_CASE("with independent normal returns the Sharpe tests agree") {
  const std::vector<double> a = normals(3000, 0.06, 1, 7);
  std::vector<double> b = normals(3000, 0.02, 1, 8);
  for (std::size_t t = 0; t < b.size(); ++t) b[t] = 0.6 * a[t] + 0.8 * b[t];
  const Evidence memmel = jobson_korkie_memmel(a, b);
  const double memmel_error = *memmel.estimate / *memmel.statistic;
  CHECK(*sharpe_difference_error(a, b) == doctest::Approx(memmel_error).epsilon(0.05));
  const Evidence posterior = bayesian_sharpe(a, b);
  CHECK((posterior.interval->high - posterior.interval->low) / 3.92 == doctest::Approx(memmel_error).epsilon(0.03));
  CHECK(*posterior.statistic == doctest::Approx(1 - *memmel.p_value / 2).epsilon(0.02));
}

TEST_CASE("Giacomini-White sees what the mean hides: which model is better depends on the last loss") {
  Rng random(3, "conditional");
  std::vector<double> a;
  std::vector<double> b(600, 1.0);
  for (double last = 0; a.size() < 600;) {
    last = 0.5 * last + random.normal();
    a.push_back(1 + last);
  }
  CHECK(*diebold_mariano(a, b, 5, LossVariance::Bartlett).p_value > 0.05);
  CHECK(*giacomini_white(a, b).p_value < 1e-6);
}

TEST_CASE("a hopeless model goes first, the best stay, and equal models go together") {
  std::vector<std::vector<double>> losses;
  for (std::uint64_t k = 0; k < 5; ++k) losses.push_back(normals(500, k == 3 ? 2.0 : 1.0, 1, 40, k));
  losses[2] = losses[1];
  const ResamplePlan plan{500, 999, 4, 1};
  for (const SetStatistic statistic : {SetStatistic::Range, SetStatistic::Maximum}) {
    const ModelSet set = model_confidence_set(spans(losses), plan, statistic);
    CHECK(set.order.front() == 3);
    CHECK(set.p_value[3] == doctest::Approx(0.001));
    CHECK(set.included(0.01) == std::vector<std::size_t>{0, 1, 2, 4});
    double last = 0;
    for (const std::size_t k : set.order) {
      CHECK(set.p_value[k] >= last);
      last = set.p_value[k];
    }
  }
  // One that loses the same more at all times is worse beyond doubt.
  std::vector<std::vector<double>> dearer{losses[0], losses[0]};
  for (double& loss : dearer[1]) loss += 0.001;
  for (const SetStatistic statistic : {SetStatistic::Range, SetStatistic::Maximum})
    CHECK(model_confidence_set(spans(dearer), plan, statistic).p_value[1] < 0.02);
  // Two copies alone cannot be told apart.
  const std::vector<std::vector<double>> twins{losses[1], losses[2]};
  CHECK(model_confidence_set(spans(twins), plan).p_value == std::vector<double>{1, 1});
}

TEST_CASE("a set's mean differences are divided by an error that blocks do not shorten") {
  // Two models, so that both statistics are the pair's. Autocorrelated losses: the flat-top error is the larger; a negative
  // autocorrelation: the replicates' is.
  for (const double rho : {0.5, -0.5}) {
    const std::vector<std::vector<double>> losses{autoregression(400, rho, 1, 21, 0), autoregression(400, rho, 1, 21, 1)};
    const ResamplePlan plan{400, 500, 4, 9};
    std::vector<double> difference(400);
    double mean = 0;
    for (std::size_t t = 0; t < 400; ++t) {
      difference[t] = losses[0][t] - losses[1][t];
      mean += difference[t] / 400;
    }
    double replicate = 0;
    std::size_t reached = 0;
    std::vector<double> apart;
    for (std::size_t b = 0; b < 500; ++b) {
      double sum = 0;
      for (const std::uint32_t at : draw_indices(plan, b)) sum += difference[at];
      apart.push_back(sum / 400 - mean);
      replicate += apart.back() * apart.back() / 500;
    }
    const double flat = flat_top_variance(difference) / 400;
    CHECK((flat > replicate) == (rho > 0));
    const double statistic = std::abs(mean) / std::sqrt(std::max(flat, replicate));
    for (const double one : apart) reached += std::abs(one) / std::sqrt(replicate) >= statistic ? 1 : 0;
    for (const SetStatistic kind : {SetStatistic::Range, SetStatistic::Maximum}) {
      const ModelSet set = model_confidence_set(spans(losses), plan, kind);
      CHECK(set.statistic[0] == doctest::Approx(statistic).epsilon(1e-9));
      CHECK(set.reached[0] == reached);
    }
  }
}

TEST_CASE("rescaling one model by 50 leaves superior ability and the studentised reality check unchanged") {
  std::vector<std::vector<double>> excess;
  for (std::uint64_t k = 0; k < 6; ++k) excess.push_back(normals(300, k == 0 ? 0.2 : 0, 1, 60, k));
  const ResamplePlan plan{300, 999, 3, 1};
  const SuperiorAbility before = superior_ability(spans(excess), plan);
  const RealityCheck raw_before = reality_check(spans(excess), plan, false);
  const double studentised = reality_check(spans(excess), plan).p_value;
  excess[4] = times(excess[4], 50);
  const SuperiorAbility after = superior_ability(spans(excess), plan);
  CHECK(after.consistent == before.consistent);
  CHECK(after.lower == before.lower);
  CHECK(after.upper == before.upper);
  CHECK(after.best == 0);
  CHECK(reality_check(spans(excess), plan).p_value == studentised);
  // peer error: not studentised, one noisy useless model drowns the good one
  CHECK(raw_before.p_value < 0.01);
  CHECK(reality_check(spans(excess), plan, false).p_value > 0.2);
}

TEST_CASE("peer error: step-down goes on when every model is rejected") {
  std::vector<std::vector<double>> excess;
  for (std::uint64_t k = 0; k < 5; ++k) excess.push_back(normals(300, 1, 1, 80, k));
  const StepDown steps = romano_wolf(spans(excess), {300, 499, 2, 1});
  for (const double p : steps.adjusted) CHECK(p == doctest::Approx(1.0 / 500));
}

TEST_CASE("comparisons give the same bits on one thread and on two") {
  std::vector<std::vector<double>> series;
  for (std::uint64_t k = 0; k < 4; ++k) series.push_back(normals(260, 0.05, 1, 90, k));
  const ResamplePlan plan{260, 700, 4, 5};
  const ResamplePlan short_blocks{260, 700, 1.2, 5};
  const int before = threads();
  std::vector<std::vector<double>> runs;
  for (const int count : {1, 2}) {
    set_threads(count);
    std::vector<double>& run = runs.emplace_back(model_confidence_set(spans(series), plan).p_value);
    for (const ResamplePlan& one : {plan, short_blocks}) {
      const SuperiorAbility spa = superior_ability(spans(series), one);
      run.insert(run.end(), {spa.lower, spa.consistent, spa.upper, reality_check(spans(series), one).p_value});
      const Evidence difference = ledoit_wolf(series[0], series[1], one);
      run.insert(run.end(), {*difference.p_value, difference.interval->low, difference.interval->high});
    }
    run.push_back(*bayesian_sharpe(series[0], series[1]).estimate);
    run.push_back(*paired_permutation_test(series[0], series[1], PairedStatistic::Sharpe, 700, 1).p_value);
  }
  set_threads(before);
  CHECK(runs[0] == runs[1]);
}

TEST_CASE("the fast exchange of pairs does what exchanging them one by one does") {
  const std::vector<double> a = normals(9, 0.3, 1, 21);
  const std::vector<double> b = normals(9, 0, 2, 22);
  const auto sharpe = [](auto x, auto y) { return sharpe_estimate(x, 1).estimate - sharpe_estimate(y, 1).estimate; };
  for (const Alternative side : {Alternative::Greater, Alternative::Less, Alternative::TwoSided}) {
    CHECK(*paired_permutation_test(a, b, PairedStatistic::Sharpe, 600, 1, side).p_value ==
          doctest::Approx(*permutation_test(a, b, Exchange::Samples, sharpe, 600, 1, side).p_value).epsilon(1e-12));
  }
}
