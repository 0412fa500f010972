#pragma once
// The distributions that tests refer to: densities, probabilities, quantiles.
namespace walras::stats {

[[nodiscard]] double normal_density(double z);
/// P(Z <= z), accurate in both tails.
[[nodiscard]] double normal_probability(double z);
/// z with P(Z <= z) = probability. Range: probability in (0, 1); 0 and 1 give -infinity and
/// infinity.
[[nodiscard]] double normal_quantile(double probability);

/// P(X > x) of a chi-square variable. Range: x >= 0, degrees > 0.
[[nodiscard]] double chi_square_tail(double x, double degrees);
/// P(|T| > |t|) of a Student variable. Range: degrees > 0.
[[nodiscard]] double student_two_sided(double t, double degrees);
/// P(T > t) of the same, accurate in both tails.
[[nodiscard]] double student_t_tail(double t, double degrees);
/// t with P(T <= t) = probability. Range: probability in [0, 1]; degrees > 0, infinite ones are normal.
[[nodiscard]] double student_t_quantile(double probability, double degrees);

}  // namespace walras::stats
