#pragma once
// Where a return came from: segments against a benchmark, stretches of time, labels such as regimes, the strength of a
// signal, and the parts of a portfolio. Factors are in factors.hpp. Every breakdown adds up to its whole.
#include "stats/evidence.hpp"
#include "stats/returns.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::stats {

/// One segment (sector, country, instrument) over one period. Weights are shares of the whole at the period's start.
struct Segment {
  std::string name;
  double weight = 0, benchmark_weight = 0, return_ = 0, benchmark_return = 0;
};
struct SegmentEffects {
  std::string name;
  double allocation = 0, selection = 0, interaction = 0;
  [[nodiscard]] double total() const { return allocation + selection + interaction; }
};
/// Effects of one period, or linked over several; they add up to return_ - benchmark_return.
struct Brinson {
  std::vector<SegmentEffects> segments;
  double return_ = 0, benchmark_return = 0;
  [[nodiscard]] SegmentEffects total() const;
};
/// Allocation (w - wb)(rb - RB), selection wb (r - rb), interaction (w - wb)(r - rb). Throws Error{Data} where weights do
/// not add up to 1 within 1e-6, a number is not finite, or a name occurs twice. Source: BrinsonFachler1985.
[[nodiscard]] Brinson brinson(std::span<const Segment> segments);
/// Links periods so that the effects add up to the difference of the compounded returns; segments are found by name.
/// Throws Error{Data} where there is no period or a return is -1 or less. Source: Carino1999.
[[nodiscard]] Brinson link(std::span<const Brinson> periods);

/// Returns that share a label.
struct Group {
  std::string label;
  std::size_t n = 0;
  double sum = 0;            ///< of simple returns; the groups' sums add up to the whole's
  double mean = 0;           ///< a period
  double growth = 0;         ///< compounded over the group's periods
  double hit_rate = 0;       ///< share of periods above 0
  std::optional<double> standard_error;  ///< of the mean, periods independent; absent for fewer than two or equal ones
  std::optional<double> p_value;         ///< two-sided, of a mean like that of all other periods (Welch)
  std::optional<double> adjusted;        ///< the same for so many groups at once (Holm)
};
/// Groups in order of first appearance in `order`, then of `labels`; labels of no period are left out.
/// Shape: one label a period. Throws Error{Data} where lengths differ.
[[nodiscard]] std::vector<Group> by_label(std::span<const double> returns, std::span<const std::string> labels,
                                          std::span<const std::string> order = {});

enum class TimeUnit : std::uint8_t { Hour, Weekday, Month, Year };
/// Groups of the UTC hour, weekday, month or year in which each period ends.
[[nodiscard]] std::vector<Group> by_time(const ReturnSeries& series, TimeUnit unit);

/// "calm", "normal" or "turbulent": where the deviation of the `window` periods before each stands among those seen until
/// then (thirds). Known before the period begins; "early" while fewer than 2 windows have been seen.
[[nodiscard]] std::vector<std::string> volatility_regimes(std::span<const double> market, std::size_t window);
/// "rising" or "falling": the sign of the market's growth over the `window` periods before; "early" before that.
[[nodiscard]] std::vector<std::string> trend_regimes(std::span<const double> market, std::size_t window);

/// Every metric of the periods that share a label, laid end to end. Calendar years are those of the periods' count.
struct RegimeMetrics {
  std::string label;
  std::vector<Evidence> metrics;  ///< as measure(), without a benchmark
};
[[nodiscard]] std::vector<RegimeMetrics> metrics_by_label(const ReturnSeries& series, std::span<const std::string> labels,
                                                          double risk_free = 0);

/// What a signal told of the return that followed it.
struct SignalAttribution {
  Evidence information;        ///< rank correlation with the following return, and its p-value
  std::vector<Group> buckets;  ///< equal parts by rank of the signal, lowest first
};
/// Shape: signal[i] was known before returns[i] began. Range: buckets >= 2. Throws Error{Data} where lengths differ or a
/// number is not finite, Error{Numeric} for fewer than two buckets.
[[nodiscard]] SignalAttribution by_signal(std::span<const double> signal, std::span<const double> returns, std::size_t buckets = 5);

/// A part's share in the risk of the whole. Source: Tasche2008 (Euler's theorem).
struct RiskShare {
  std::string name;
  double mean = 0;            ///< of its contribution to return, a period; these add up to the whole's mean
  double standalone = 0;      ///< standard deviation of the part alone, a period
  double contribution = 0;    ///< cov(part, whole) / sd(whole): these add up to sd(whole)
  double share = 0;           ///< of the whole's variance; these add up to 1
};
/// Parts as contributions to return (weight times return, period by period), which add up to the whole.
/// Shape: parts of equal length, at least 2 periods. Returns: no entry where the whole has no variance.
/// Throws Error{Data} where lengths differ.
struct Part {
  std::string name;
  std::vector<double> contributions;
};
[[nodiscard]] std::vector<RiskShare> risk_shares(std::span<const Part> parts);
/// The same from weights and a covariance matrix (row by row): w_i (C w)_i / sqrt(w' C w). Shape: n, n x n.
/// Throws Error{Data} for other shapes; no entry where the whole has no variance.
[[nodiscard]] std::vector<double> euler_contributions(std::span<const double> weights, std::span<const double> covariance);

}  // namespace walras::stats
