// Metrics and diagnostics against independent libraries: tests/data/metrics_oracle.json, written by tests/oracle/metrics.py.
#include "engine/base/json.hpp"
#include "stats/diagnostics.hpp"
#include "stats/distributions.hpp"
#include "stats/extremes.hpp"
#include "stats/performance.hpp"
#include "tests/stats/oracle.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <algorithm>

using namespace walras;
using namespace walras::stats;

namespace {

const Json& oracle() {
  static const Json json = read_oracle("metrics");
  return json;
}

ReturnSeries returns() { return spaced(numbers(oracle().at("returns")), 252); }
ReturnSeries benchmark() { return spaced(numbers(oracle().at("benchmark")), 252); }

/// Every metric of one library's part equals ours.
void compare(std::string_view library, double tolerance, const Conventions& conventions = {}) {
  const ReturnSeries own = returns(), against = benchmark();
  for (const auto& [name, expected] : oracle().at(library).as_object()) {
    CAPTURE(name);
    const Evidence evidence = measure(name, own, conventions, &against);
    REQUIRE(evidence.estimate.has_value());
    CHECK(*evidence.estimate == doctest::Approx(expected.as_number()).epsilon(tolerance));
  }
}

}  // namespace

TEST_CASE("metrics equal empyrical's") { compare("empyrical", 1e-10); }
TEST_CASE("metrics equal quantstats' where it is right") { compare("quantstats", 1e-10); }
TEST_CASE("metrics equal ffn's") { compare("ffn", 1e-10); }
// skfolio finds EVaR and EDaR with an optimiser that stops at about 1e-6
TEST_CASE("risk measures and ratios equal skfolio's") {
  compare("skfolio", 1e-6);
  compare("skfolio_ratios", 1e-6);
}
TEST_CASE("timing coefficients equal statsmodels'") {
  compare("timing", 1e-8, {.risk_free = std::pow(1.0001, 252) - 1});
}

TEST_CASE("a fitted Pareto tail equals scipy's, or is likelier") {
  const Json& expected = oracle().at("pareto");
  const ParetoFit fit = fit_pareto(numbers(expected.at("excesses")));
  // scipy's simplex stops at about 1e-4
  CHECK(fit.shape == doctest::Approx(expected.at("shape").as_number()).epsilon(1e-3));
  CHECK(fit.scale == doctest::Approx(expected.at("scale").as_number()).epsilon(1e-3));
  CHECK(fit.log_likelihood >= expected.at("log_likelihood").as_number() - 1e-9);
  CHECK(fit.log_likelihood == doctest::Approx(expected.at("log_likelihood").as_number()).epsilon(1e-6));
  std::vector<double> sorted = returns().returns;
  std::sort(sorted.begin(), sorted.end());
  const auto tail = fit_tail(sorted);
  REQUIRE(tail.has_value());
  CHECK(tail->exceedances == 40);
  CHECK(tail->shape == doctest::Approx(expected.at("own_shape").as_number()).epsilon(5e-3));
  CHECK(tail->scale == doctest::Approx(expected.at("own_scale").as_number()).epsilon(5e-3));
}

TEST_CASE("tests of assumptions equal scipy's and statsmodels'") {
  const Json& expected = oracle().at("tests");
  const std::vector<double> x = returns().returns;
  const std::pair<const char*, Evidence> tests[] = {
      {"jarque_bera", jarque_bera(x)}, {"ljung_box", ljung_box(x, 6)}, {"ljung_box_squares", ljung_box_squares(x, 6)}};
  for (const auto& [name, evidence] : tests) {
    CAPTURE(name);
    const std::vector<double> pair = numbers(expected.at(name));
    CHECK(*evidence.estimate == doctest::Approx(pair[0]).epsilon(1e-10));
    CHECK(*evidence.p_value == doctest::Approx(pair[1]).epsilon(1e-10));
  }
  for (const Json& row : expected.at("chi_square").as_array()) {
    const std::vector<double> r = numbers(row);
    CHECK(chi_square_tail(r[0], r[1]) == doctest::Approx(r[2]).epsilon(1e-12));
  }
  for (const Json& row : expected.at("student").as_array()) {
    const std::vector<double> r = numbers(row);
    CHECK(student_two_sided(r[0], r[1]) == doctest::Approx(r[2]).epsilon(1e-11));
  }
}
