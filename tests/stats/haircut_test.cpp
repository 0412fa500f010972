#include "stats/haircut.hpp"

#include "engine/base/error.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::stats;

TEST_CASE("the published haircut: monthly, 120 observations, annual ratio 1, rho .1, 100 tests") {
  const AnnualSharpe corrected = autocorrelation_corrected({1.0}, 0.1, 12);
  const Haircut cut = haircut_sharpe(corrected, 12, 120, 100);
  CHECK(cut.adjusted == doctest::Approx(0.465123).epsilon(1e-6));
  CHECK(cut.share > 0);
  CHECK(cut.share < 1);
}

TEST_CASE("a haircut among other tests is between none and Bonferroni's") {
  std::vector<double> p(50);
  Rng random(3, "others");
  for (double& value : p) value = random.uniform();
  const AnnualSharpe sharpe{1.5};
  const std::size_t n = 2520;
  const Haircut bonferroni = haircut_sharpe(sharpe, 252, n, 50);
  for (const Adjustment adjustment : {Adjustment::Holm, Adjustment::BenjaminiHochberg, Adjustment::Hommel}) {
    const Haircut cut = haircut_sharpe(sharpe, 252, n, p, 7, adjustment);
    CHECK(cut.share <= bonferroni.share + 1e-12);
    CHECK(cut.share >= 0);
    CHECK(cut.adjusted >= cut.p);
  }
  const std::vector<double> alone{0.5};
  CHECK(haircut_sharpe(sharpe, 252, n, alone, 0, Adjustment::Holm).share == doctest::Approx(0).epsilon(1e-9));
  CHECK(haircut_sharpe(AnnualSharpe{0.01}, 252, n, 1000).share == doctest::Approx(1));
  CHECK_THROWS_AS((void)haircut_sharpe(AnnualSharpe{-1}, 252, n, 10), Error);
}

TEST_CASE("a ratio survives the way to its p-value and back") {
  for (const double sharpe : {0.0, 0.01, 0.05, 0.3}) {
    CHECK(sharpe_of_p_value(sharpe_p_value({sharpe}, 500), 500).value == doctest::Approx(sharpe).epsilon(1e-9));
  }
  CHECK_THROWS_AS((void)sharpe_of_p_value(0, 500), Error);
}

TEST_CASE("a strategy that earns the hurdle is just significant") {
  std::vector<double> p(30);
  Rng random(5, "others");
  for (double& value : p) value = random.uniform();
  p[3] = 0.0004;
  const std::size_t n = 1260;
  const double volatility = 0.15;
  for (const Adjustment adjustment : {Adjustment::Bonferroni, Adjustment::Holm, Adjustment::BenjaminiHochberg, Adjustment::BenjaminiYekutieli}) {
    const double hurdle = profit_hurdle(volatility, 252, n, p, 11, adjustment);
    std::vector<double> at = p;
    at[11] = sharpe_p_value(per_period(AnnualSharpe{hurdle / volatility}, 252), n);
    CHECK(adjust(at, adjustment)[11] == doctest::Approx(0.05).epsilon(1e-6));
    at[11] = sharpe_p_value(per_period(AnnualSharpe{0.99 * hurdle / volatility}, 252), n);
    CHECK(adjust(at, adjustment)[11] > 0.05);
  }
  // Alone: the two-sided 5 % point of Student's t times volatility over the root of the years.
  const std::vector<double> alone{1.0};
  CHECK(profit_hurdle(volatility, 252, n, alone, 0, Adjustment::Holm) == doctest::Approx(1.9619 * 0.15 / std::sqrt(5.0)).epsilon(1e-4));
  CHECK_THROWS_AS((void)profit_hurdle(0, 252, n, alone, 0, Adjustment::Holm), Error);
}

TEST_CASE("autocorrelation lowers or raises an annual ratio by its sign, and leaves independent returns alone") {
  CHECK(autocorrelation_corrected({1.0}, 0, 252).value == 1);
  CHECK(autocorrelation_corrected({1.0}, 0.2, 252).value < 1);
  CHECK(autocorrelation_corrected({1.0}, -0.2, 252).value > 1);
  CHECK(first_autocorrelation(autoregression(20'000, 0.3, 1, 1)) == doctest::Approx(0.3).epsilon(0.05));
  CHECK(first_autocorrelation(std::vector<double>(10, 1.0)) == 0);
  CHECK_THROWS_AS((void)autocorrelation_corrected({1.0}, 1, 12), Error);
}
