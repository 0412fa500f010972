#include "stats/impact.hpp"

#include "engine/base/error.hpp"
#include "stats/distributions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <vector>

namespace walras::stats {
namespace {

struct Group {
  double n = 0, sum = 0, squares = 0;
  [[nodiscard]] double mean() const { return sum / n; }
  /// Of the mean; 0 when there is one observation or no difference.
  [[nodiscard]] double variance() const {
    if (n < 2) return 0;
    const double spread = std::max(0.0, squares - sum * sum / n) / (n - 1);
    return spread <= 1e-18 * mean() * mean() ? 0 : spread / n;
  }
};

}  // namespace

Evidence impact_exponent(std::span<const double> sizes, std::span<const double> impacts) {
  if (sizes.size() != impacts.size())
    fail(Fault::Numeric, "impact_exponent", fmt::format("expected as many impacts as sizes, were {} and {}", impacts.size(), sizes.size()));
  std::map<double, Group> groups;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    if (!std::isfinite(sizes[i]) || !std::isfinite(impacts[i]) || sizes[i] <= 0)
      fail(Fault::Numeric, "impact_exponent", "expected finite impacts and sizes > 0");
    Group& group = groups[sizes[i]];
    group.n += 1;
    group.sum += impacts[i];
    group.squares += impacts[i] * impacts[i];
  }
  if (groups.size() < 3) return without_estimate("impact_exponent", "1", fmt::format("three sizes or more are needed, there are {}", groups.size()));
  bool noisy = true;
  for (const auto& [size, group] : groups) {
    if (!(group.mean() > 0)) return without_estimate("impact_exponent", "1", fmt::format("the mean impact of size {} is not positive", size));
    noisy = noisy && group.variance() > 0;
  }
  double w = 0, wx = 0, wy = 0, wxx = 0, wxy = 0;
  for (const auto& [size, group] : groups) {
    const double weight = noisy ? group.mean() * group.mean() / group.variance() : 1;
    const double x = std::log(size), y = std::log(group.mean());
    w += weight;
    wx += weight * x;
    wy += weight * y;
    wxx += weight * x * x;
    wxy += weight * x * y;
  }
  const double spread = wxx - wx * wx / w;
  const double slope = (wxy - wx * wy / w) / spread, level = (wy - slope * wx) / w;
  double variance = 1 / spread;
  if (!noisy) {
    double residuals = 0;
    for (const auto& [size, group] : groups) residuals += std::pow(std::log(group.mean()) - level - slope * std::log(size), 2);
    variance = residuals / static_cast<double>(groups.size() - 2) / spread;
  }
  const double half = normal_quantile(0.975) * std::sqrt(variance);
  Evidence found;
  found.name = "impact_exponent";
  found.estimate = slope;
  found.unit = "1";
  found.interval = Bounds{slope - half, slope + half};
  found.n = sizes.size();
  found.method = noisy ? "weighted least squares on logs of mean impacts, delta method" : "least squares on logs of mean impacts";
  found.assumptions = "impact is a power of size; repetitions are independent";
  found.source = "AlmgrenThumHauptmannLi2005";
  found.formula = "impact = c size^d";
  return found;
}

}  // namespace walras::stats
