// Against independent programs: tests/data/multiplicity_oracle.json, written by tests/oracle/multiplicity.py.
#include "engine/base/json.hpp"
#include "stats/haircut.hpp"
#include "stats/overfitting.hpp"
#include "stats/p_values.hpp"
#include "tests/stats/oracle.hpp"
#include "tests/stats/samples.hpp"

#include <algorithm>
#include <doctest/doctest.h>
#include <numeric>

using namespace walras;
using namespace walras::stats;

namespace {

const Json& oracle() {
  static const Json json = read_oracle("multiplicity");
  return json;
}

void check_near(const std::vector<double>& got, const std::vector<double>& expected, double tolerance) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) <= tolerance);
}

}  // namespace

TEST_CASE("adaptive adjustments are statsmodels'") {
  for (const Json& set : oracle().at("p_values").as_array()) {
    const std::vector<double> p = numbers(set.at("p"));
    for (const char* name : {"bky", "bh", "bky_10", "gbs"}) {
      CAPTURE(name);
      const Json& expected = set.at(name);
      const double level = expected.at("level").as_number();
      const std::string_view text(name);
      const std::vector<double> got =
          text == "gbs" ? adjust(p, Adjustment::GavrilovBenjaminiSarkar)
                        : adjust_in_two_stages(p, text == "bh" ? TwoStage::BenjaminiHochberg : TwoStage::BenjaminiKriegerYekutieli, level).adjusted;
      check_near(got, numbers(expected.at("adjusted")), 1e-13);
      CHECK(std::count_if(got.begin(), got.end(), [&](double x) { return x <= level; }) == expected.at("rejected").as_integer());
    }
  }
}

TEST_CASE("q-values are those of Bioconductor's qvalue") {
  const Json& set = oracle().at("q_values");
  const std::vector<double> p = numbers(set.at("p"));
  const QValues chosen = storey_q_values(p);
  CHECK(chosen.true_share == doctest::Approx(set.at("bootstrap").at("true_share").as_number()).epsilon(1e-12));
  check_near(chosen.q, numbers(set.at("bootstrap").at("q")), 1e-13);
  const QValues half = storey_q_values(p, 0.5);
  CHECK(half.true_share == doctest::Approx(set.at("half").at("true_share").as_number()).epsilon(1e-12));
  check_near(half.q, numbers(set.at("half").at("q")), 1e-13);
}

TEST_CASE("local false discovery rates are statsmodels'") {
  // Both regressions have one maximum; statsmodels stops when the deviance settles at 1e-8 of itself.
  const Json& set = oracle().at("local_fdr");
  const std::vector<double> z = numbers(set.at("z"));
  check_near(local_fdr(z), numbers(set.at("rates")), 1e-6);
  check_near(local_fdr(z, {.true_share = 0.9, .degree = 5, .edges = 40}), numbers(set.at("degree_5")), 1e-6);
}

TEST_CASE("the probability of overfitting, its line and its logits are purgedcv's and ffn's") {
  const Json& set = oracle().at("overfitting");
  std::vector<std::vector<double>> returns;
  for (const Json& row : set.at("returns").as_array()) returns.push_back(numbers(row));
  const auto compare = [](const Overfitting& got, const Json& expected) {
    CHECK(got.probability == doctest::Approx(expected.at("probability").as_number()).epsilon(1e-12));
    const double mean = std::accumulate(got.logits.begin(), got.logits.end(), 0.0) / static_cast<double>(got.logits.size());
    CHECK(mean == doctest::Approx(expected.at("mean_logit").as_number()).epsilon(1e-10));
    REQUIRE(got.degradation.has_value());
    CHECK(got.degradation->slope == doctest::Approx(expected.at("slope").as_number()).epsilon(1e-8));
    CHECK(got.degradation->intercept == doctest::Approx(expected.at("intercept").as_number()).epsilon(1e-8));
    CHECK(got.degradation->r_squared == doctest::Approx(expected.at("r_squared").as_number()).epsilon(1e-8));
    CHECK(got.probability_of_loss == doctest::Approx(expected.at("loss").as_number()).epsilon(1e-12));
    std::vector<double> logits = got.logits;
    std::sort(logits.begin(), logits.end());
    check_near(logits, numbers(expected.at("logits")), 1e-12);
  };
  const Overfitting sharpe = backtest_overfitting(spans(returns), 8);
  compare(sharpe, set.at("sharpe"));
  CHECK(sharpe.probability == doctest::Approx(31.0 / 70).epsilon(1e-12));
  CHECK(sharpe.probability == doctest::Approx(set.at("ffn").as_number()).epsilon(1e-12));
  const double mean = std::accumulate(sharpe.logits.begin(), sharpe.logits.end(), 0.0) / 70;
  CHECK(mean == doctest::Approx(0.1198923).epsilon(1e-6));
  compare(backtest_overfitting(spans(returns), 8, Performance::Mean), set.at("mean"));
  compare(backtest_overfitting(spans(returns), 8, [](std::span<const double> x) {
            double sum = 0, down = 0;
            for (const double value : x) {
              sum += value;
              down += std::min(value, 0.0) * std::min(value, 0.0);
            }
            const auto n = static_cast<double>(x.size());
            return sum / n / std::sqrt(down / n);
          }),
          set.at("sortino"));
}

TEST_CASE("haircuts are Harvey and Liu's") {
  for (const Json& entry : oracle().at("haircuts").as_array()) {
    const double annual = entry.at("sharpe").as_number();
    const auto n = static_cast<std::size_t>(entry.at("n").as_integer());
    const AnnualSharpe corrected = autocorrelation_corrected({annual}, entry.at("rho").as_number(), 12);
    CHECK(corrected.value == doctest::Approx(entry.at("corrected").as_number()).epsilon(1e-12));
    const Haircut cut = haircut_sharpe(corrected, 12, n, entry.at("tests").as_number());
    CHECK(cut.p == doctest::Approx(entry.at("p").as_number()).epsilon(1e-10));
    CHECK(cut.adjusted == doctest::Approx(entry.at("adjusted").as_number()).epsilon(1e-10));
    CHECK(cut.sharpe.value == doctest::Approx(entry.at("left").as_number()).epsilon(1e-9));
    CHECK(cut.share == doctest::Approx(entry.at("haircut").as_number()).epsilon(1e-9));
  }
}
