// Hawkes processes against their closed forms: rates, time change, and parameters found again.
#include "engine/flow/hawkes.hpp"

#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

using namespace walras;
using namespace walras::engine;

namespace {

HawkesEvents play(const HawkesLaw& law, double end, std::uint64_t seed) {
  HawkesClock clock(law);
  Rng random(seed, "hawkes");
  HawkesEvents events;
  events.end = end;
  while (true) {
    const HawkesClock::Event event = clock.next(end, 1, random);
    if (event.kind == law.kinds()) return events;
    events.times.push_back(event.time);
    events.kinds.push_back(static_cast<std::uint8_t>(event.kind));
  }
}

/// Kolmogorov's distance from the unit exponential, times sqrt(n); 2.23 is passed once in 10,000.
double exponential_distance(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double gap = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = -std::expm1(-values[i]);
    gap = std::max(
        {gap, expected - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - expected});
  }
  return gap * std::sqrt(n);
}

const HawkesLaw kOne{{2}, {0.6}, 3};
const HawkesLaw kTwo{{0.5, 0.8}, {0.4, 0.2, 0.1, 0.5}, 4};

}  // namespace

TEST_CASE(
    "the mean rate of a Hawkes process is that of its base over one minus the branching ratio") {
  CHECK(branching_ratio(kOne) == doctest::Approx(0.6));
  CHECK(branching_ratio(HawkesLaw{{1, 1}, {0, 0.5, 0.5, 0}, 1}) ==
        doctest::Approx(0.5));  // periodic: power iteration alone would circle
  CHECK(mean_rates(kOne)[0] == doctest::Approx(5));
  const double end = 40000;
  const double rate = static_cast<double>(play(kOne, end, 1).times.size()) / end;
  // Counts of a Hawkes process vary as rate / (1 - n)^2 a unit of time in the long run.
  CHECK(std::abs(rate - 5) < 3 * std::sqrt(5 / (0.4 * 0.4) / end));
  const HawkesEvents two = play(kTwo, end, 2);
  const std::vector<double> expected = mean_rates(kTwo);
  for (std::size_t kind = 0; kind < 2; ++kind) {
    const double count = static_cast<double>(
        std::count(two.kinds.begin(), two.kinds.end(), static_cast<std::uint8_t>(kind)));
    CHECK(count / end == doctest::Approx(expected[kind]).epsilon(0.03));
  }
}

TEST_CASE(
    "under the true law's own clock events are a unit Poisson process; under a false one they are "
    "not") {
  const HawkesEvents events = play(kTwo, 5000, 3);
  for (const auto& residuals : hawkes_residuals(kTwo, events)) {
    REQUIRE(residuals.size() > 5000);
    CHECK(exponential_distance(residuals) < 2.23);
  }
  const HawkesLaw poisson{mean_rates(kTwo), {0, 0, 0, 0}, 1};
  for (const auto& residuals : hawkes_residuals(poisson, events))
    CHECK(exponential_distance(residuals) > 2.23);
}

TEST_CASE("the likelihood is that of the definition, written out") {
  const HawkesEvents events{{0.5, 1.0, 1.2}, {0, 1, 0}, 2};
  const HawkesLaw& law = kTwo;
  double sum = 0, integral = 0;
  for (std::size_t k = 0; k < 3; ++k) {
    double here = law.base[events.kinds[k]];
    for (std::size_t j = 0; j < k; ++j)
      here += law.children[events.kinds[k] * 2u + events.kinds[j]] * law.decay *
              std::exp(-law.decay * (events.times[k] - events.times[j]));
    sum += std::log(here);
  }
  for (std::size_t i = 0; i < 2; ++i) {
    integral += law.base[i] * 2;
    for (std::size_t j = 0; j < 3; ++j)
      integral += law.children[i * 2 + events.kinds[j]] *
                  (1 - std::exp(-law.decay * (2 - events.times[j])));
  }
  CHECK(hawkes_log_likelihood(law, events) == doctest::Approx(sum - integral).epsilon(1e-12));
}

TEST_CASE("maximum likelihood finds the parameters again within two standard errors") {
  const HawkesFit fit = fit_hawkes(play(kTwo, 4000, 5), 2);
  const auto near = [](double found, double truth, double error) {
    CAPTURE(found);
    CAPTURE(truth);
    CAPTURE(error);
    CHECK(error > 0);
    CHECK(std::abs(found - truth) < 2 * error);
  };
  for (std::size_t i = 0; i < 2; ++i) near(fit.law.base[i], kTwo.base[i], fit.base_error[i]);
  for (std::size_t i = 0; i < 4; ++i)
    near(fit.law.children[i], kTwo.children[i], fit.children_error[i]);
  near(fit.law.decay, kTwo.decay, fit.decay_error);
  CHECK(fit.log_likelihood >= hawkes_log_likelihood(kTwo, play(kTwo, 4000, 5)));
  CHECK_THROWS_AS(fit_hawkes(HawkesEvents{{1, 2}, {0, 0}, 3}, 1), Error);
}
