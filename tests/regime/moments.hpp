#pragma once
// Sample moments with standard errors, for checks against closed forms.
#include <cmath>
#include <span>
#include <vector>

namespace walras::tests {

struct Estimate {
  double value, error;  ///< error: standard error of independent values
  [[nodiscard]] double off(double expected) const { return std::abs(value - expected) / error; }
};

inline Estimate mean(std::span<const double> values) {
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double n = static_cast<double>(values.size()), m = sum / n;
  for (const double v : values) squares += (v - m) * (v - m);
  return {m, std::sqrt(squares / (n - 1) / n)};
}

/// Of (x - centre)^power.
inline Estimate moment(std::span<const double> values, double centre, int power) {
  std::vector<double> powers;
  for (const double v : values) powers.push_back(std::pow(v - centre, power));
  return mean(powers);
}

inline double correlation(std::span<const double> a, std::span<const double> b) {
  const double ma = mean(a).value, mb = mean(b).value;
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - ma) * (b[i] - mb);
    aa += (a[i] - ma) * (a[i] - ma);
    bb += (b[i] - mb) * (b[i] - mb);
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace walras::tests
