#pragma once
// What the tests of two series share: refusing input that no test could mean, and filling Evidence.
#include "stats/evidence.hpp"
#include "stats/permutation.hpp"

#include <span>
#include <string>
#include <string_view>

namespace walras::stats {

/// Range: not empty.
[[nodiscard]] double mean_of(std::span<const double> x);
/// Throws Error{Numeric} for a value that is not finite, or beyond 1e100.
void expect_finite(std::string_view where, std::span<const double> x);
/// Throws Error{Numeric} for unequal lengths and for values that are not finite.
void expect_pair(std::string_view where, std::span<const double> a, std::span<const double> b);
/// Named evidence about `n` observations.
[[nodiscard]] Evidence pair_evidence(std::string name, std::string unit, std::size_t n);
/// The same without an estimate, and why.
[[nodiscard]] Evidence refuse(Evidence evidence, std::string reason);
/// The p-value from the tails above and below the statistic.
[[nodiscard]] double two_tails(double above, double below, Alternative alternative);

}  // namespace walras::stats
