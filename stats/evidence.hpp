#pragma once
// Evidence: a number that can be trusted, with what it rests on. What cannot be computed says why;
// it is never NaN.
#include "engine/base/json.hpp"

#include <cstddef>
#include <optional>
#include <string>

namespace walras::stats {

struct Bounds {
  double low, high;
};

struct Evidence {
  std::string name;                ///< "sharpe"
  std::optional<double> estimate;  ///< absent: `reason` says why
  std::string unit;                ///< "1/sqrt(year)", "fraction a year", "periods", ...
  std::optional<Bounds> interval;  ///< confidence interval at `level`
  double level = 0.95;
  std::optional<Bounds>
      range;  ///< resampled 2.5 to 97.5 % of a path metric; not a confidence interval
  std::optional<double> p_value;
  std::string null;   ///< the hypothesis that p_value speaks of
  std::size_t n = 0;  ///< observations used
  std::string method, assumptions, source, reason;
  std::string formula;  ///< as printed in the report's appendix
  std::optional<double> statistic;  ///< the test statistic that p_value belongs to
};

/// Absent parts are left out; the name is the key under which the caller files it. Contract:
/// docs/schema/summary.json. Throws Error{Internal} when a number is not finite: such a figure is a
/// reason, not an estimate.
[[nodiscard]] Json to_json(const Evidence& evidence);
/// Reads what to_json() wrote. Throws Error{Scenario} on a mismatch.
[[nodiscard]] Evidence evidence_from_json(std::string name, const Json& json);
/// A figure that cannot be computed, and why.
[[nodiscard]] Evidence without_estimate(std::string name, std::string unit, std::string reason);

}  // namespace walras::stats
