// Size, power and coverage by simulation: the slow suite. Bounds are three binomial standard errors unless stated.
#include "stats/multiple_testing.hpp"
#include "stats/resample.hpp"
#include "stats/superior.hpp"
#include "stats/verdict.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <functional>
#include <string>

using namespace walras;
using namespace walras::stats;

namespace {

enum class Process { Normal, Autoregressive, Garch, Student };

/// One series of mean 0; the Student t has 4 degrees and unit scale.
std::vector<double> draw(Process process, std::size_t n, std::uint64_t seed, std::uint64_t index) {
  if (process == Process::Normal) return normals(n, 0, 1, seed, index);
  if (process == Process::Autoregressive) return autoregression(n, 0.3, 1, seed, index);
  Rng random(seed, "simulated returns", index);
  std::vector<double> values;
  double variance = 1;
  for (std::size_t t = 0; t < n + 200; ++t) {
    const double value = process == Process::Student ? random.student_t(4) : std::sqrt(variance) * random.normal();
    variance = 0.05 + 0.08 * value * value + 0.87 * variance;
    if (t >= 200) values.push_back(value);
  }
  return values;
}

std::string name_of(Process process) {
  switch (process) {
    case Process::Normal: return "normal";
    case Process::Autoregressive: return "AR(1) 0.3";
    case Process::Garch: return "GARCH(1,1)";
    case Process::Student: return "Student t 4";
  }
  return "";
}

/// Share of `worlds` in which `rejects(world)` holds.
double share(std::size_t worlds, const std::function<bool(std::uint64_t)>& holds) {
  std::size_t count = 0;
  for (std::uint64_t world = 0; world < worlds; ++world) count += holds(world) ? 1 : 0;
  return static_cast<double>(count) / static_cast<double>(worlds);
}

}  // namespace

TEST_CASE("the verdict's family-wise size is 5 % among 20 worthless strategies") {
  for (const Process process : {Process::Normal, Process::Garch, Process::Student, Process::Autoregressive}) {
    const double size = share(600, [&](std::uint64_t world) {
      std::vector<std::vector<double>> series;
      for (std::uint64_t k = 0; k < 20; ++k) series.push_back(draw(process, 500, 100 + world, k));
      const auto views = spans(series);
      const StepDown tests =
          romano_wolf(views, {500, 499, shared_block_length(views, false), world});
      return *std::min_element(tests.adjusted.begin(), tests.adjusted.end()) <= 0.05;
    });
    MESSAGE("family-wise size, " << name_of(process) << ": " << size);
    CHECK(size <= 0.077);
    if (process == Process::Normal) CHECK(size >= 0.023);
  }
}

TEST_CASE("one strategy's p-values are uniform under the null") {
  const double size = share(2000, [&](std::uint64_t world) {
    const std::vector<std::vector<double>> series{draw(Process::Normal, 400, 7, world)};
    return romano_wolf(spans(series), {400, 399, 1, world}).adjusted[0] <= 0.05;
  });
  MESSAGE("size of one test: " << size);
  CHECK(size >= 0.035);
  CHECK(size <= 0.065);
}

TEST_CASE("the verdict's power is what the manual says") {
  // A true annual Sharpe ratio of 1.30 over ten years among 100 trials passes in about 80 %, 1.5 over five years in 53 %.
  const auto power = [](double sharpe, std::size_t years) {
    return share(200, [&](std::uint64_t world) {
      std::vector<std::vector<double>> series;
      const std::size_t n = 252 * years;
      for (std::uint64_t k = 0; k < 100; ++k) {
        series.push_back(normals(n, k == 0 ? sharpe / std::sqrt(252.0) : 0, 1, 500 + world, k));
      }
      return romano_wolf(spans(series), {n, 399, 1, world}).adjusted[0] <= 0.05;
    });
  };
  const double ten = power(1.30, 10);
  const double five = power(1.5, 5);
  MESSAGE("power at 1.30 over 10 years: " << ten << ", at 1.5 over 5 years: " << five);
  CHECK(ten == doctest::Approx(0.80).epsilon(0.11));
  CHECK(five == doctest::Approx(0.53).epsilon(0.20));
}

TEST_CASE("the test of superior ability keeps its size and beats the unrecentred one") {
  std::size_t consistent = 0;
  std::size_t upper = 0;
  for (std::uint64_t world = 0; world < 500; ++world) {
    std::vector<std::vector<double>> series;
    for (std::uint64_t k = 0; k < 10; ++k) {
      series.push_back(draw(Process::Normal, 300, 900 + world, k));
      if (k >= 5) {
        for (double& value : series.back()) value -= 0.5;  // poor models
      }
    }
    const SuperiorAbility p = superior_ability(spans(series), {300, 399, 1, world});
    consistent += p.consistent <= 0.05 ? 1 : 0;
    upper += p.upper <= 0.05 ? 1 : 0;
  }
  MESSAGE("size of SPA: " << static_cast<double>(consistent) / 500 << ", of the reality check: "
                          << static_cast<double>(upper) / 500);
  CHECK(consistent >= upper);
  CHECK(static_cast<double>(consistent) / 500 <= 0.08);
  CHECK(static_cast<double>(consistent) / 500 >= 0.02);
}

TEST_CASE("studentised intervals of mean and Sharpe ratio cover 93 to 97 %") {
  const std::size_t n = 1000;
  for (const Process process : {Process::Normal, Process::Autoregressive, Process::Garch, Process::Student}) {
    std::size_t mean_hits = 0;
    std::size_t sharpe_hits = 0;
    const std::size_t worlds = 1000;
    // The ratio to be covered: mean 0.05 of the process's standard deviation.
    const double deviation = process == Process::Normal           ? 1
                             : process == Process::Autoregressive ? 1 / std::sqrt(1 - 0.09)
                             : process == Process::Garch          ? 1
                                                                  : std::sqrt(2.0);
    for (std::uint64_t world = 0; world < worlds; ++world) {
      std::vector<double> x = draw(process, n, 3000, world);
      for (double& value : x) value += 0.05 * deviation;
      const std::vector<std::span<const double>> one{x};
      const ResamplePlan plan{n, 499, shared_block_length(one, true), world};
      const auto mean = mean_intervals(one, plan, 0.95, IntervalMethod::Studentized)[0].interval;
      const auto sharpe = sharpe_intervals(one, plan, 0.95, IntervalMethod::Studentized)[0].interval;
      REQUIRE(mean.has_value());
      REQUIRE(sharpe.has_value());
      mean_hits += mean->low <= 0.05 * deviation && 0.05 * deviation <= mean->high ? 1 : 0;
      sharpe_hits += sharpe->low <= 0.05 && 0.05 <= sharpe->high ? 1 : 0;
    }
    const double mean_cover = static_cast<double>(mean_hits) / static_cast<double>(worlds);
    const double sharpe_cover = static_cast<double>(sharpe_hits) / static_cast<double>(worlds);
    MESSAGE(name_of(process) << ": coverage of the mean " << mean_cover << ", of the Sharpe ratio " << sharpe_cover);
    CHECK(mean_cover >= 0.93 - 0.006);  // one standard error of 1000 worlds
    CHECK(mean_cover <= 0.97 + 0.006);
    CHECK(sharpe_cover >= 0.93 - 0.006);
    CHECK(sharpe_cover <= 0.97 + 0.006);
  }
}
