#include "stats/pairs.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <utility>

namespace walras::stats {

double mean_of(std::span<const double> x) {
  expects(!x.empty(), "a mean of at least one value");
  double sum = 0;
  for (const double value : x) sum += value;
  return sum / static_cast<double>(x.size());
}

void expect_finite(std::string_view where, std::span<const double> x) {
  const auto bad = std::find_if_not(x.begin(), x.end(), [](double v) { return std::isfinite(v); });
  if (bad != x.end()) {
    fail(Fault::Numeric, where,
         fmt::format("expected finite values, was {} at observation {}; fill or drop periods that have none",
                     *bad, bad - x.begin() + 1));
  }
  // Their squares must have a sum.
  const auto huge = std::find_if(x.begin(), x.end(), [](double v) { return std::abs(v) > 1e100; });
  if (huge != x.end()) {
    fail(Fault::Numeric, where, fmt::format("expected values of at most 1e100, was {} at observation {}", *huge, huge - x.begin() + 1));
  }
}

void expect_pair(std::string_view where, std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size()) {
    fail(Fault::Numeric, where,
         fmt::format("expected two series over the same periods, was {} and {} of them", a.size(),
                     b.size()));
  }
  expect_finite(where, a);
  expect_finite(where, b);
}

Evidence pair_evidence(std::string name, std::string unit, std::size_t n) {
  Evidence evidence;
  evidence.name = std::move(name);
  evidence.unit = std::move(unit);
  evidence.n = n;
  return evidence;
}

Evidence refuse(Evidence evidence, std::string reason) {
  evidence.estimate.reset();
  evidence.statistic.reset();
  evidence.interval.reset();
  evidence.p_value.reset();
  evidence.reason = std::move(reason);
  return evidence;
}

double two_tails(double above, double below, Alternative alternative) {
  switch (alternative) {
    case Alternative::Greater: return above;
    case Alternative::Less: return below;
    case Alternative::TwoSided: break;
  }
  return std::min(1.0, 2 * std::min(above, below));
}

}  // namespace walras::stats
