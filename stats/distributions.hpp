#pragma once
// The normal distribution: density, probability, quantile.
namespace walras::stats {

[[nodiscard]] double normal_density(double z);
/// P(Z <= z), accurate in both tails.
[[nodiscard]] double normal_probability(double z);
/// z with P(Z <= z) = probability. Range: probability in (0, 1); 0 and 1 give -infinity and
/// infinity.
[[nodiscard]] double normal_quantile(double probability);

}  // namespace walras::stats
