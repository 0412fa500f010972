// Against independent libraries: tests/data/statistics_oracle.json, written by tests/oracle/statistics.py.
#include "engine/base/json.hpp"
#include "stats/dependence.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/overfitting.hpp"
#include "stats/performance.hpp"
#include "stats/permutation.hpp"
#include "stats/resample.hpp"
#include "stats/superior.hpp"
#include "tests/stats/oracle.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <numeric>

using namespace walras;
using namespace walras::stats;

namespace {

Json oracle(std::string_view part) { return read_oracle("statistics").at(part); }

}  // namespace

TEST_CASE("arch's bootstrap indices give arch's means, Sharpe ratios and intervals") {
  const Json expected = oracle("bootstrap");
  const auto series = rows(expected.at("series"));
  const auto indices = rows(expected.at("indices"));
  const auto means = rows(expected.at("means"));
  const auto sharpes = rows(expected.at("sharpes"));
  for (std::size_t k = 0; k < series.size(); ++k) {
    const RunningMoments moments(series[k]);
    std::vector<double> own;
    for (std::size_t b = 0; b < indices.size(); ++b) {
      std::vector<Block> blocks;  // runs of neighbouring indices, so that wrapping and lengths are met too
      for (const double index : indices[b]) {
        const auto at = static_cast<std::uint32_t>(index);
        if (!blocks.empty() && (blocks.back().start + blocks.back().length) % 60 == at) {
          ++blocks.back().length;
        } else {
          blocks.push_back({at, 1});
        }
      }
      const kernel::Totals sum = kernel::totals(moments.view(), blocks.data(), blocks.size());
      own.push_back(sum.first / 60 + moments.mean());
      bool defined = false;
      CHECK(own.back() == doctest::Approx(means[b][k]).epsilon(1e-12));
      CHECK(kernel::sharpe_only(sum, 60, moments.mean(), moments.tiny(), defined) ==
            doctest::Approx(sharpes[b][k]).epsilon(1e-12));
    }
    const Bounds bounds = percentile_bounds(own, 0.95);
    const auto interval = rows(expected.at("mean_intervals"))[k];
    CHECK(bounds.low == doctest::Approx(interval[0]).epsilon(1e-12));
    CHECK(bounds.high == doctest::Approx(interval[1]).epsilon(1e-12));
  }
}

TEST_CASE("adjusted p-values equal statsmodels'") {
  const Json expected = oracle("multiple_testing");
  const std::vector<double> p = numbers(expected.at("p"));
  const std::pair<const char*, Adjustment> methods[] = {
      {"bonferroni", Adjustment::Bonferroni}, {"sidak", Adjustment::Sidak}, {"holm", Adjustment::Holm},
      {"holm-sidak", Adjustment::HolmSidak}, {"simes-hochberg", Adjustment::Hochberg}, {"hommel", Adjustment::Hommel},
      {"fdr_bh", Adjustment::BenjaminiHochberg}, {"fdr_by", Adjustment::BenjaminiYekutieli}};
  for (const auto& [name, adjustment] : methods) {
    CAPTURE(name);
    const std::vector<double> adjusted = adjust(p, adjustment);
    const std::vector<double> reference = numbers(expected.at("adjusted").at(name));
    for (std::size_t i = 0; i < p.size(); ++i) CHECK(adjusted[i] == doctest::Approx(reference[i]).epsilon(1e-12));
  }
}

TEST_CASE("autocovariances, long-run variance and moments equal statsmodels' and scipy's") {
  const Json expected = oracle("dependence");
  const std::vector<double> x = numbers(expected.at("x"));
  const std::vector<double> covariance = numbers(expected.at("autocovariance"));
  for (std::size_t lag = 0; lag < covariance.size(); ++lag) {
    CHECK(autocovariance(x, 5)[lag] == doctest::Approx(covariance[lag]).epsilon(1e-12));
  }
  CHECK(long_run_variance(x, Kernel::Bartlett, 7) ==
        doctest::Approx(expected.at("long_run_variance").as_number()).epsilon(1e-12));
  std::vector<double> scaled;  // returns of a size that simple returns can have
  for (const double value : x) scaled.push_back(value / 100);
  const ReturnSeries series = spaced(scaled, 252);
  CHECK(*measure("skewness", series).estimate == doctest::Approx(expected.at("skewness").as_number()).epsilon(1e-11));
  CHECK(*measure("raw_kurtosis", series).estimate == doctest::Approx(expected.at("raw_kurtosis").as_number()).epsilon(1e-11));
}

TEST_CASE("exact permutation tests equal scipy's") {
  const Json expected = oracle("permutations");
  const std::vector<double> x = numbers(expected.at("x"));
  const std::vector<double> y = numbers(expected.at("y"));
  CHECK(*permutation_test(x, y, 1000, 1).p_value == doctest::Approx(expected.at("two_samples").as_number()).epsilon(1e-12));
  CHECK(*sign_flip_test(x, 1000, 1).p_value == doctest::Approx(expected.at("sign_flips").as_number()).epsilon(1e-12));
}

TEST_CASE("the probability of backtest overfitting is the one that two libraries agree on") {
  // ffn 1.4.1 and purgedcv 0.1.11: 31 of 70 splits, mean logit 0.1198923
  const Json expected = oracle("overfitting");
  const auto returns = rows(expected.at("returns"));
  const Overfitting result = backtest_overfitting(spans(returns), 8);
  CHECK(result.probability == doctest::Approx(31.0 / 70).epsilon(1e-12));
  const double mean = std::accumulate(result.logits.begin(), result.logits.end(), 0.0) / 70;
  CHECK(mean == doctest::Approx(0.1198923).epsilon(1e-6));
  CHECK(mean == doctest::Approx(expected.at("mean_logit").as_number()).epsilon(1e-12));
}
