#pragma once
// Single metrics held to published values.
#include "stats/performance.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <string_view>
#include <utility>
#include <vector>

namespace walras::stats {

inline double estimate(std::string_view metric, const ReturnSeries& series, const Conventions& conventions = {},
                       const ReturnSeries* benchmark = nullptr) {
  const Evidence evidence = measure(metric, series, conventions, benchmark);
  CAPTURE(evidence.name);
  CAPTURE(evidence.reason);
  REQUIRE(evidence.estimate.has_value());
  return *evidence.estimate;
}

inline doctest::Approx near(double value, double relative = 1e-12) { return doctest::Approx(value).epsilon(relative); }

/// Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed.: 24 monthly returns in percent
/// (braverock/PerformanceAnalytics: data/portfolio_bacon.csv).
inline ReturnSeries bacon(double periods_per_year) {
  std::vector<double> returns;
  for (const double percent : {.3, 2.6, 1.1, -1., 1.5, 2.5, 1.6, 6.7, -1.4, 4., -.5, 8.1, 4., -3.7, -6.1, 1.7, -4.9, -2.2,
                               7., 5.8, -6.5, 2.4, -.5, -.9}) {
    returns.push_back(percent / 100);
  }
  return spaced(std::move(returns), periods_per_year, 30.4375);
}

}  // namespace walras::stats
