#include "stats/dependence.hpp"

#include "engine/base/error.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <random>

using namespace walras;
using namespace walras::stats;

namespace {

/// The legacy normals of numpy.random.RandomState(seed): Mersenne twister, 53-bit uniforms, polar method.
std::vector<double> numpy_normals(std::uint32_t seed, std::size_t n) {
  std::mt19937 twister(seed);
  const auto uniform = [&] {
    const double a = static_cast<double>(twister() >> 5);
    const double b = static_cast<double>(twister() >> 6);
    return (a * 67108864.0 + b) / 9007199254740992.0;
  };
  std::vector<double> values;
  while (values.size() < n) {
    double x = 0, y = 0, r = 0;
    do {
      x = 2 * uniform() - 1;
      y = 2 * uniform() - 1;
      r = x * x + y * y;
    } while (r >= 1 || r == 0);
    const double f = std::sqrt(-2 * std::log(r) / r);
    values.push_back(f * y);
    values.push_back(f * x);
  }
  values.resize(n);
  return values;
}

}  // namespace

TEST_CASE("the autocovariance has divisor n") {
  // edoannunziata/dieboldmariano: tests/
  const std::vector<double> x{0, 2, 3, 2, 1, 8, 3, 2};
  CHECK(autocovariance(x, 3)[3] == doctest::Approx(0.681641).epsilon(1e-6));
  CHECK_THROWS_AS((void)autocovariance(x, 8), Error);
}

TEST_CASE("the automatic block length is that of Politis and White") {
  // bashtage/arch: arch/tests/bootstrap/test_block_length.py; its autocorrelations differ a little: 1e-4
  std::vector<double> y = numpy_normals(0, 10'100);
  CHECK(y[0] == doctest::Approx(1.764052345967664).epsilon(1e-14));  // the stream is numpy's
  for (std::size_t t = 1; t < y.size(); ++t) y[t] += 0.3 * y[t - 1];
  y.erase(y.begin(), y.begin() + 100);
  const BlockLength length = block_length(y);
  CHECK(length.stationary == doctest::Approx(13.635665).epsilon(1e-4));
  CHECK(length.circular == doctest::Approx(15.60894).epsilon(1e-4));
  CHECK(length.significant_lag == 2);
  CHECK(length.circular / length.stationary == doctest::Approx(std::cbrt(1.5)).epsilon(1e-12));
}

TEST_CASE("the block length of an autoregression nears its limit") {
  // (2 rho / (1 - rho^2))^(2/3) n^(1/3) = 16.3
  double mean = 0;
  for (std::uint64_t i = 0; i < 20; ++i) mean += block_length(autoregression(10'000, 0.3, 1, 7, i)).stationary / 20;
  CHECK(mean == doctest::Approx(16.3).epsilon(0.15));
}

TEST_CASE("block lengths of constant, short and strongly dependent series stay within bounds") {
  CHECK(block_length(std::vector<double>(100, 1.0)).stationary == 1);
  CHECK(block_length(std::vector<double>{1, 2, 3}).stationary == 1);
  std::vector<double> walk = normals(500, 0, 1, 2);
  for (std::size_t t = 1; t < walk.size(); ++t) walk[t] += walk[t - 1];
  CHECK(block_length(walk).stationary > 20);
  CHECK(block_length(walk).stationary <= std::ceil(3 * std::sqrt(500.0)));
}

TEST_CASE("long-run variances of an autoregression near 1 / (1 - rho)^2") {
  const std::vector<double> x = autoregression(200'000, 0.5, 1, 3);
  for (const Kernel kernel : {Kernel::Bartlett, Kernel::QuadraticSpectral}) {
    const double bandwidth = automatic_bandwidth(x, kernel);
    CHECK(long_run_variance(x, kernel, bandwidth) == doctest::Approx(4).epsilon(0.06));
  }
  CHECK(long_run_variance(x, Kernel::Bartlett, 0) == doctest::Approx(autocovariance(x, 0)[0]));
}

TEST_CASE("Bartlett weights are 1 - k / bandwidth, from lag 1") {
  const std::vector<double> x{0, 2, 3, 2, 1, 8, 3, 2};
  const std::vector<double> g = autocovariance(x, 3);
  CHECK(long_run_variance(x, Kernel::Bartlett, 3) ==
        doctest::Approx(g[0] + 2 * (2.0 / 3 * g[1] + 1.0 / 3 * g[2])).epsilon(1e-12));
}

TEST_CASE("blocks of the automatic length miss a twentieth of an autoregression's variance, the flat-top kernel hardly any") {
  // (1 + rho q) / (1 - rho q) with q = 1 - 1/block falls short of (1 + rho) / (1 - rho). One series' share has a standard
  // deviation of 0.08, the mean of 400 of 0.004.
  const double truth = 1 / (0.8 * 0.8);
  double flat = 0;
  double blocks = 0;
  double expected = 0;
  for (std::uint64_t i = 0; i < 400; ++i) {
    const std::vector<double> x = autoregression(2520, 0.2, 1, 11, i);
    const double length = block_length(x).stationary;
    const double stay = 1 - 1 / length;
    flat += flat_top_variance(x) / truth / 400;
    blocks += stationary_bootstrap_variance(x, length) / truth / 400;
    expected += (1 + 0.2 * stay) / (1 - 0.2 * stay) / 1.5 / 400;
  }
  CHECK(expected < 0.96);
  CHECK(std::abs(blocks - expected) < 0.02);
  CHECK(std::abs(flat - 1) < 0.02);
  const std::vector<double> brief{1, 2, 4, 8};
  CHECK(flat_top_variance(brief) == doctest::Approx(autocovariance(brief, 0)[0]));
  CHECK(flat_top_variance(std::vector<double>(50, 3.0)) == 0);
}

TEST_CASE("the stationary bootstrap's variance is Hansen's sum") {
  const std::vector<double> x = normals(40, 0, 1, 4);
  const double q = 1 / 3.5;
  const std::vector<double> g = autocovariance(x, 39);
  double expected = g[0];
  for (std::size_t i = 1; i < 40; ++i) {
    const double share = static_cast<double>(i) / 40;
    const double k = static_cast<double>(i);
    expected += 2 * ((1 - share) * std::pow(1 - q, k) + share * std::pow(1 - q, 40 - k)) * g[i];
  }
  CHECK(stationary_bootstrap_variance(x, 3.5) == doctest::Approx(expected).epsilon(1e-11));
}
