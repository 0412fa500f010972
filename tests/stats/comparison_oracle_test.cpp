// Against independent code: tests/data/comparison_oracle.json, written by tests/oracle/comparisons.py.
#include "engine/base/json.hpp"
#include "stats/comparison.hpp"
#include "stats/distributions.hpp"
#include "stats/model_set.hpp"
#include "stats/superior.hpp"
#include "tests/stats/oracle.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <numeric>

using namespace walras;
using namespace walras::stats;

namespace {

Json oracle(std::string_view part) { return read_oracle("comparison").at(part); }

std::vector<std::vector<std::uint32_t>> index_rows(const Json& json) {
  std::vector<std::vector<std::uint32_t>> values;
  for (const Json& item : json.as_array()) {
    std::vector<std::uint32_t>& row = values.emplace_back();
    for (const Json& index : item.as_array()) row.push_back(static_cast<std::uint32_t>(index.as_integer()));
  }
  return values;
}

ResamplePlan given(const std::vector<std::vector<std::uint32_t>>& indices, double block) {
  return {.periods = indices.front().size(), .replicates = indices.size(), .mean_block = block, .indices = indices};
}

std::size_t reached(double p_value, std::size_t replicates) {
  return static_cast<std::size_t>(std::llround(p_value * static_cast<double>(replicates + 1))) - 1;
}

}  // namespace

TEST_CASE("arch's indices of every block scheme give arch's intervals") {
  const Json expected = oracle("intervals");
  const std::vector<double> x = numbers(expected.at("x"));
  const std::vector<std::span<const double>> one{x};
  const std::pair<const char*, IntervalMethod> methods[] = {
      {"percentile", IntervalMethod::Percentile}, {"basic", IntervalMethod::Basic}, {"norm", IntervalMethod::Normal},
      {"bc", IntervalMethod::BiasCorrected}, {"bca", IntervalMethod::Accelerated}};
  const std::pair<const char*, Functional> functionals[] = {{"mean", Functional::Mean}, {"sharpe", Functional::Sharpe}};
  for (const char* scheme : {"independent", "moving", "circular", "stationary"}) {
    const Json& part = expected.at("schemes").at(scheme);
    const auto indices = index_rows(part.at("indices"));
    for (const auto& [method_name, method] : methods) {
      for (const auto& [name, functional] : functionals) {
        const Json* bounds = part.at("bounds").find(std::string(method_name) + " " + name);
        if (bounds == nullptr) continue;  // BCa of blocks: arch leaves out points
        CAPTURE(scheme);
        CAPTURE(method_name);
        CAPTURE(name);
        const std::vector<double> reference = numbers(*bounds);
        // 20: by running sums; 1: by counts; and by callback
        const Statistic callback = functional == Functional::Mean
                                       ? Statistic([](auto v) { return RunningMoments(v).mean(); })
                                       : Statistic([](auto v) { return sharpe_estimate(v, 1).estimate; });
        const double block = method == IntervalMethod::Accelerated ? 1 : 20;
        for (const Bounds& own : {intervals(one, functional, given(indices, block), 0.95, method)[0].interval.value(),
                                  intervals(one, functional, given(indices, 1), 0.95, method)[0].interval.value(),
                                  statistic_interval(x, callback, given(indices, 1), 0.95, method).interval.value()}) {
          // 1e-12 of the interval's size: bounds near 0 have cancelled
          const double size = reference[1] - reference[0];
          CHECK(std::abs(own.low - reference[0]) <= 1e-12 * size);
          CHECK(std::abs(own.high - reference[1]) <= 1e-12 * size);
        }
      }
    }
  }
}

TEST_CASE("arch's indices give arch's model confidence set, replicate for replicate") {
  const Json expected = oracle("model_confidence_set");
  const auto losses = rows(expected.at("losses"));
  for (const auto& [name, statistic] : {std::pair{"R", SetStatistic::Range}, std::pair{"max", SetStatistic::Maximum}}) {
    CAPTURE(name);
    const Json& part = expected.at("methods").at(name);
    const auto indices = index_rows(part.at("indices"));
    const ModelSet set = model_confidence_set(spans(losses), given(indices, 20), statistic);
    const std::vector<double> order = numbers(part.at("order"));
    const std::vector<double> p = numbers(part.at("p"));
    std::size_t most = 0;
    REQUIRE(set.order.size() == order.size());
    for (std::size_t step = 0; step < order.size(); ++step) {
      CHECK(set.order[step] == static_cast<std::size_t>(order[step]));
      if (step + 1 == order.size()) break;
      // arch: share of replicates beyond, and its running maximum; ours has one more above and below
      most = std::max(most, set.reached[step]);
      CHECK(most == static_cast<std::size_t>(std::llround(p[step] * static_cast<double>(indices.size()))));
    }
    CHECK(set.p_value[set.order.back()] == 1);
  }
}

TEST_CASE("exceedances of superior ability and of the reality check equal those of plain loops") {
  const Json expected = oracle("superior");
  const auto excess = rows(expected.at("excess"));
  const auto indices = index_rows(expected.at("indices"));
  const ResamplePlan plan = given(indices, 6);
  const SuperiorAbility own = superior_ability(spans(excess), plan);
  CHECK(own.statistic == doctest::Approx(expected.at("statistic").as_number()).epsilon(1e-12));
  const Json& counts = expected.at("counts");
  const auto count = [&](const char* name) { return static_cast<std::size_t>(counts.at(name).as_integer()); };
  CHECK(reached(own.lower, plan.replicates) == count("lower"));
  CHECK(reached(own.consistent, plan.replicates) == count("consistent"));
  CHECK(reached(own.upper, plan.replicates) == count("upper"));
  const RealityCheck raw = reality_check(spans(excess), plan, false);
  CHECK(raw.statistic == doctest::Approx(expected.at("raw_statistic").as_number()).epsilon(1e-12));
  CHECK(reached(raw.p_value, plan.replicates) == count("raw"));
  CHECK(reality_check(spans(excess), plan).p_value == own.upper);
}

TEST_CASE("the Ledoit-Wolf error and its bootstrap equal numpy's, Memmel's p-value scipy's") {
  const Json expected = oracle("ledoit_wolf");
  const std::vector<double> a = numbers(expected.at("a"));
  const std::vector<double> b = numbers(expected.at("b"));
  const auto indices = index_rows(expected.at("indices"));
  // 1e-9: the autoregression is solved by another decomposition
  CHECK(sharpe_difference_error(a, b).value() == doctest::Approx(expected.at("error").as_number()).epsilon(1e-9));
  const Evidence own = ledoit_wolf(a, b, given(indices, 8));
  CHECK(*own.estimate == doctest::Approx(expected.at("difference").as_number()).epsilon(1e-12));
  CHECK(reached(*own.p_value, indices.size()) == static_cast<std::size_t>(expected.at("reached").as_integer()));
  CHECK(*jobson_korkie_memmel(a, b).p_value == doctest::Approx(expected.at("memmel_p").as_number()).epsilon(1e-10));
}

TEST_CASE("Giacomini-White statistics equal numpy's, one step and three steps ahead") {
  const Json expected = oracle("giacomini_white");
  const std::vector<double> a = numbers(expected.at("a"));
  const std::vector<double> b = numbers(expected.at("b"));
  for (const Json& one : expected.at("horizons").as_array()) {
    const Evidence own = giacomini_white(a, b, static_cast<std::size_t>(one.at("horizon").as_integer()));
    CHECK(*own.statistic == doctest::Approx(one.at("statistic").as_number()).epsilon(1e-10));
    CHECK(*own.p_value == doctest::Approx(one.at("p").as_number()).epsilon(1e-10));
  }
}

TEST_CASE("exact permutation tests of samples, pairings and independent samples equal scipy's") {
  const Json expected = oracle("permutations");
  const std::vector<double> x = numbers(expected.at("x"));
  const std::vector<double> y = numbers(expected.at("y"));
  const auto difference = [](auto a, auto b) { return RunningMoments(a).mean() - RunningMoments(b).mean(); };
  const auto correlation = [](auto a, auto b) {
    const RunningMoments first(a);
    const RunningMoments second(b);
    double sum = 0;
    for (std::size_t t = 0; t < a.size(); ++t) sum += first.centred()[t] * second.centred()[t];
    return sum / std::sqrt(first.square_sum() * second.square_sum());
  };
  for (const Json& one : expected.at("cases").as_array()) {
    const std::string kind = one.at("kind").as_string();
    const std::string side = one.at("alternative").as_string();
    CAPTURE(kind);
    CAPTURE(side);
    const Alternative alternative = side == "greater" ? Alternative::Greater
                                    : side == "less"  ? Alternative::Less
                                                      : Alternative::TwoSided;
    const double p = one.at("p").as_number();
    if (kind == "samples") {
      CHECK(*permutation_test(x, y, Exchange::Samples, difference, 1000, 1, alternative).p_value == doctest::Approx(p).epsilon(1e-12));
      CHECK(*paired_permutation_test(x, y, PairedStatistic::Mean, 1000, 1, alternative).p_value == doctest::Approx(p).epsilon(1e-12));
    } else if (kind == "independent") {
      CHECK(*permutation_test(x, y, Exchange::Independent, difference, 1000, 1, alternative).p_value == doctest::Approx(p).epsilon(1e-12));
    } else {
      CHECK(*permutation_test(x, y, Exchange::Pairings, correlation, 1000, 1, alternative).p_value == doctest::Approx(p).epsilon(1e-12));
    }
  }
  const std::vector<double> low{1, 2, 2, 3};
  const std::vector<double> high{2, 2, 3, 4};
  CHECK(*permutation_test(low, high, Exchange::Samples, difference, 1000, 1).p_value ==
        doctest::Approx(expected.at("tied").as_number()).epsilon(1e-12));
}

TEST_CASE("tails of Student's t and of chi-squared equal scipy's") {
  const Json expected = oracle("tails");
  for (const auto& point : rows(expected.at("student"))) {
    CHECK(student_t_tail(point[0], point[1]) == doctest::Approx(point[2]).epsilon(1e-12));
  }
  for (const auto& point : rows(expected.at("chi_squared"))) {
    CHECK(chi_square_tail(point[0], point[1]) == doctest::Approx(point[2]).epsilon(1e-12));
  }
}

TEST_CASE("the acceleration of a ratio of means is the published one") {
  // arch's test and R's bcajack: -0.0004068984
  const Json expected = oracle("acceleration");
  CHECK(acceleration(numbers(expected.at("ratios")), 20, 1) == doctest::Approx(-0.0004068984).epsilon(1e-6));
}

TEST_CASE("the posterior of a Sharpe difference is the one that scipy's inverse Wishart gives") {
  // Both are Monte Carlo: 200,000 against 400,000 draws, four standard errors.
  const Json expected = oracle("posterior");
  const std::vector<double> a = numbers(expected.at("a"));
  const std::vector<double> b = numbers(expected.at("b"));
  const Evidence own = bayesian_sharpe(a, b, 200'000, 1);
  const double deviation = (expected.at("high").as_number() - expected.at("low").as_number()) / 3.92;
  CHECK(std::abs(*own.estimate - expected.at("mean").as_number()) < 4 * deviation * std::sqrt(1 / 2e5 + 1 / 4e5));
  CHECK(std::abs(*own.statistic - expected.at("larger").as_number()) < 4 * 0.5 * std::sqrt(1 / 2e5 + 1 / 4e5));
  CHECK(std::abs(own.interval->low - expected.at("low").as_number()) < 4 * deviation * 2.7 * std::sqrt(1 / 2e5 + 1 / 4e5));
  CHECK(std::abs(own.interval->high - expected.at("high").as_number()) < 4 * deviation * 2.7 * std::sqrt(1 / 2e5 + 1 / 4e5));
}
