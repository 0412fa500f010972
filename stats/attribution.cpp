#include "stats/attribution.hpp"

#include "engine/base/error.hpp"
#include "stats/distributions.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace walras::stats {
namespace {

/// The factor that turns a difference of returns into one of logarithms.
double log_factor(double own, double other) {
  const double difference = own - other;
  if (std::abs(difference) < 1e-12) return 1 / (1 + own);
  return std::log1p(difference / (1 + other)) / difference;
}

struct Moments {
  double n = 0, mean = 0, square = 0;  // square: sum about the mean
};
Moments moments(std::span<const double> x) {
  Moments m{static_cast<double>(x.size()), 0, 0};
  for (const double value : x) m.mean += value / m.n;
  if (std::all_of(x.begin(), x.end(), [&](double value) { return value == x.front(); })) return m;  // no rounding for a variance
  for (const double value : x) m.square += (value - m.mean) * (value - m.mean);
  return m;
}

/// Two-sided p-value of equal means, variances free; absent where it cannot be told.
std::optional<double> welch(const Moments& a, const Moments& b) {
  if (a.n < 2 || b.n < 2) return std::nullopt;
  const double va = a.square / (a.n - 1) / a.n, vb = b.square / (b.n - 1) / b.n;
  if (!(va + vb > 0)) return std::nullopt;
  const double t = (a.mean - b.mean) / std::sqrt(va + vb);
  const double degrees = (va + vb) * (va + vb) / (va * va / (a.n - 1) + vb * vb / (b.n - 1));
  return student_two_sided(t, degrees);
}

Moments without(const Moments& whole, const Moments& part) {
  Moments rest{whole.n - part.n, 0, 0};
  if (!(rest.n > 0)) return rest;
  rest.mean = (whole.mean * whole.n - part.mean * part.n) / rest.n;
  const double between = part.n * std::pow(part.mean - whole.mean, 2) + rest.n * std::pow(rest.mean - whole.mean, 2);
  rest.square = std::max(whole.square - part.square - between, 0.0);
  return rest;
}

void check_finite(std::span<const double> values, const char* what) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) fail(Fault::Data, what, fmt::format("expected a finite number in row {}, was {}", i + 1, values[i]));
  }
}

void check_lengths(std::size_t returns, std::size_t others, const char* what) {
  if (returns != others) fail(Fault::Data, what, fmt::format("expected one for each of {} periods, was {}", returns, others));
}

/// Ranks from 1; equal values share their mean rank.
std::vector<double> ranks(std::span<const double> x) {
  std::vector<std::size_t> order(x.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return x[a] < x[b]; });
  std::vector<double> rank(x.size());
  for (std::size_t i = 0; i < order.size();) {
    std::size_t end = i;
    while (end < order.size() && x[order[end]] == x[order[i]]) ++end;
    for (std::size_t k = i; k < end; ++k) rank[order[k]] = (static_cast<double>(i + end) + 1) / 2;
    i = end;
  }
  return rank;
}

}  // namespace

SegmentEffects Brinson::total() const {
  SegmentEffects sum{"total"};
  for (const SegmentEffects& segment : segments) {
    sum.allocation += segment.allocation;
    sum.selection += segment.selection;
    sum.interaction += segment.interaction;
  }
  return sum;
}

Brinson brinson(std::span<const Segment> segments) {
  double weights = 0, benchmark_weights = 0;
  std::set<std::string_view> names;
  Brinson result;
  for (const Segment& s : segments) {
    const double numbers[] = {s.weight, s.benchmark_weight, s.return_, s.benchmark_return};
    check_finite(numbers, s.name.c_str());
    if (!names.insert(s.name).second) fail(Fault::Data, "segments", fmt::format("expected segments of different names, was {} twice", s.name));
    weights += s.weight;
    benchmark_weights += s.benchmark_weight;
    result.return_ += s.weight * s.return_;
    result.benchmark_return += s.benchmark_weight * s.benchmark_return;
  }
  for (const double sum : {weights, benchmark_weights}) {
    if (!(std::abs(sum - 1) <= 1e-6)) {
      fail(Fault::Data, "segments", fmt::format("expected weights that add up to 1, was {}; give cash a segment of its own", sum));
    }
  }
  for (const Segment& s : segments) {
    const double active = s.weight - s.benchmark_weight;
    result.segments.push_back({s.name, active * (s.benchmark_return - result.benchmark_return),
                               s.benchmark_weight * (s.return_ - s.benchmark_return), active * (s.return_ - s.benchmark_return)});
  }
  return result;
}

Brinson link(std::span<const Brinson> periods) {
  if (periods.empty()) fail(Fault::Data, "periods", "expected at least one period, was none");
  double own = 0, other = 0;
  for (const Brinson& period : periods) {
    if (!(period.return_ > -1) || !(period.benchmark_return > -1)) {
      fail(Fault::Data, "periods", fmt::format("expected returns above -1, was {} against {}", period.return_, period.benchmark_return));
    }
    own += std::log1p(period.return_);
    other += std::log1p(period.benchmark_return);
  }
  Brinson linked;
  linked.return_ = std::expm1(own);
  linked.benchmark_return = std::expm1(other);
  const double whole = log_factor(linked.return_, linked.benchmark_return);
  for (const Brinson& period : periods) {
    const double factor = log_factor(period.return_, period.benchmark_return) / whole;
    for (const SegmentEffects& segment : period.segments) {
      auto found = std::find_if(linked.segments.begin(), linked.segments.end(), [&](const auto& s) { return s.name == segment.name; });
      if (found == linked.segments.end()) found = linked.segments.insert(linked.segments.end(), SegmentEffects{segment.name});
      found->allocation += factor * segment.allocation;
      found->selection += factor * segment.selection;
      found->interaction += factor * segment.interaction;
    }
  }
  return linked;
}

std::vector<Group> by_label(std::span<const double> returns, std::span<const std::string> labels, std::span<const std::string> order) {
  check_lengths(returns.size(), labels.size(), "labels");
  check_finite(returns, "returns");
  std::vector<std::string> names;
  std::map<std::string, std::vector<double>> members;
  for (std::size_t i = 0; i < labels.size(); ++i) members[labels[i]].push_back(returns[i]);
  for (const std::string& name : order) {
    if (members.contains(name) && std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  for (const std::string& label : labels) {
    if (std::find(names.begin(), names.end(), label) == names.end()) names.push_back(label);
  }
  const Moments whole = moments(returns);
  std::vector<Group> groups;
  std::vector<double> p_values;
  for (const std::string& name : names) {
    const std::vector<double>& own = members[name];
    const Moments m = moments(own);
    Group group{.label = name, .n = own.size(), .sum = 0, .mean = m.mean, .growth = 0, .hit_rate = 0, .standard_error = {}, .p_value = {}, .adjusted = {}};
    double growth = 1;
    for (const double r : own) {
      group.sum += r;
      growth *= 1 + r;
      group.hit_rate += r > 0 ? 1 / m.n : 0;
    }
    group.growth = growth - 1;
    if (m.n >= 2 && m.square > 0) group.standard_error = std::sqrt(m.square / (m.n - 1) / m.n);
    group.p_value = welch(m, without(whole, m));
    if (group.p_value) p_values.push_back(*group.p_value);
    groups.push_back(std::move(group));
  }
  if (!p_values.empty()) {
    const std::vector<double> adjusted = adjust(p_values, Adjustment::Holm);
    std::size_t next = 0;
    for (Group& group : groups) {
      if (group.p_value) group.adjusted = adjusted[next++];
    }
  }
  return groups;
}

std::vector<Group> by_time(const ReturnSeries& series, TimeUnit unit) {
  check(series);
  static constexpr std::array kWeekdays{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
  static constexpr std::array kMonths{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
  std::vector<std::string> order, labels;
  if (unit == TimeUnit::Weekday) {
    for (std::size_t d = 1; d <= 7; ++d) order.emplace_back(kWeekdays[d % 7]);
  } else if (unit == TimeUnit::Month) {
    order.assign(kMonths.begin(), kMonths.end());
  } else if (unit == TimeUnit::Hour) {
    for (int hour = 0; hour < 24; ++hour) order.push_back(fmt::format("{:02}:00", hour));
  }
  for (const Nanos time : series.times) {
    const std::chrono::sys_time<std::chrono::nanoseconds> moment{std::chrono::nanoseconds(time.value)};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date(day);
    switch (unit) {
      case TimeUnit::Hour: labels.push_back(fmt::format("{:02}:00", std::chrono::floor<std::chrono::hours>(moment - day).count())); break;
      case TimeUnit::Weekday: labels.emplace_back(kWeekdays[std::chrono::weekday(day).c_encoding()]); break;
      case TimeUnit::Month: labels.emplace_back(kMonths[static_cast<unsigned>(date.month()) - 1]); break;
      case TimeUnit::Year: labels.push_back(fmt::format("{}", static_cast<int>(date.year()))); break;
    }
  }
  return by_label(series.returns, labels, order);
}

std::vector<std::string> volatility_regimes(std::span<const double> market, std::size_t window) {
  if (window < 2) fail(Fault::Numeric, "window", fmt::format("expected at least 2 periods, was {}", window));
  check_finite(market, "market");
  std::vector<std::string> labels;
  std::vector<double> seen;  // deviations until now, in order of size
  for (std::size_t t = 0; t < market.size(); ++t) {
    if (t < window) {
      labels.emplace_back("early");
      continue;
    }
    const double now = moments(market.subspan(t - window, window)).square;
    const auto place = std::lower_bound(seen.begin(), seen.end(), now);
    const double rank = seen.empty() ? 0.5 : static_cast<double>(place - seen.begin()) / static_cast<double>(seen.size());
    labels.emplace_back(seen.size() < window ? "early" : rank < 1.0 / 3 ? "calm" : rank < 2.0 / 3 ? "normal" : "turbulent");
    seen.insert(place, now);
  }
  return labels;
}

std::vector<std::string> trend_regimes(std::span<const double> market, std::size_t window) {
  if (window < 1) fail(Fault::Numeric, "window", "expected at least 1 period, was 0");
  check_finite(market, "market");
  std::vector<std::string> labels;
  for (std::size_t t = 0; t < market.size(); ++t) {
    double growth = 1;
    for (std::size_t k = t - std::min(t, window); k < t; ++k) growth *= 1 + market[k];
    labels.emplace_back(t < window ? "early" : growth > 1 ? "rising" : "falling");
  }
  return labels;
}

std::vector<RegimeMetrics> metrics_by_label(const ReturnSeries& series, std::span<const std::string> labels, double risk_free) {
  check(series);
  check_lengths(series.returns.size(), labels.size(), "labels");
  std::vector<RegimeMetrics> result;
  std::vector<std::string> names;
  for (const std::string& label : labels) {
    if (std::find(names.begin(), names.end(), label) == names.end()) names.push_back(label);
  }
  for (const std::string& name : names) {
    ReturnSeries own{series.name, {}, {}, series.periods_per_year, {}};
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (labels[i] != name) continue;
      own.times.push_back(series.times[i]);
      own.returns.push_back(series.returns[i]);
    }
    const Conventions conventions{.risk_free = risk_free, .calendar_years = period_years(own)};
    result.push_back({name, measure(own, conventions)});
  }
  return result;
}

SignalAttribution by_signal(std::span<const double> signal, std::span<const double> returns, std::size_t buckets) {
  check_lengths(returns.size(), signal.size(), "signal");
  check_finite(signal, "signal");
  check_finite(returns, "returns");
  if (buckets < 2) fail(Fault::Numeric, "buckets", fmt::format("expected at least 2, was {}", buckets));
  SignalAttribution result;
  result.information = without_estimate("information_coefficient", "ratio", "");
  result.information.formula = "rank correlation of the signal with the return that follows";
  result.information.n = signal.size();
  const std::vector<double> a = ranks(signal), b = ranks(returns);
  const Moments ma = moments(a), mb = moments(b);
  const auto n = static_cast<double>(signal.size());
  if (signal.size() < 4) {
    result.information.reason = fmt::format("needs at least 4 periods, has {}", signal.size());
  } else if (!(ma.square > 0) || !(mb.square > 0)) {
    result.information.reason = "the signal or the returns do not vary";
  } else {
    double joint = 0;
    for (std::size_t i = 0; i < a.size(); ++i) joint += (a[i] - ma.mean) * (b[i] - mb.mean);
    const double rho = joint / std::sqrt(ma.square * mb.square);
    result.information.estimate = rho;
    const double rest = 1 - rho * rho;
    result.information.p_value = rest > 0 ? student_two_sided(rho * std::sqrt((n - 2) / rest), n - 2) : 0;
    result.information.null = "the signal tells nothing of the return that follows";
    result.information.assumptions = "independent periods";
  }
  std::vector<std::string> labels, order;
  for (std::size_t k = 1; k <= buckets; ++k) order.push_back(fmt::format("{} of {}", k, buckets));
  for (const double rank : a) {
    const auto bucket = static_cast<std::size_t>((rank - 0.5) / n * static_cast<double>(buckets));
    labels.push_back(order[std::min(bucket, buckets - 1)]);
  }
  result.buckets = by_label(returns, labels, order);
  return result;
}

std::vector<RiskShare> risk_shares(std::span<const Part> parts) {
  if (parts.empty() || parts[0].contributions.size() < 2) return {};
  const std::size_t n = parts[0].contributions.size();
  std::vector<double> whole(n, 0);
  for (const Part& part : parts) {
    check_lengths(n, part.contributions.size(), part.name.c_str());
    check_finite(part.contributions, part.name.c_str());
    for (std::size_t t = 0; t < n; ++t) whole[t] += part.contributions[t];
  }
  const Moments all = moments(whole);
  const double degrees = static_cast<double>(n) - 1;
  if (!(all.square > 0)) return {};
  const double deviation = std::sqrt(all.square / degrees);
  std::vector<RiskShare> shares;
  for (const Part& part : parts) {
    const Moments own = moments(part.contributions);
    double joint = 0;
    for (std::size_t t = 0; t < n; ++t) joint += (part.contributions[t] - own.mean) * (whole[t] - all.mean);
    shares.push_back({part.name, own.mean, std::sqrt(own.square / degrees), joint / degrees / deviation, joint / all.square});
  }
  return shares;
}

std::vector<double> euler_contributions(std::span<const double> weights, std::span<const double> covariance) {
  const std::size_t n = weights.size();
  if (covariance.size() != n * n) fail(Fault::Data, "covariance", fmt::format("expected {0} x {0} numbers, was {1}", n, covariance.size()));
  check_finite(weights, "weights");
  check_finite(covariance, "covariance");
  std::vector<double> marginal(n, 0);
  double variance = 0;
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) marginal[i] += covariance[i * n + j] * weights[j];
    variance += weights[i] * marginal[i];
  }
  if (!(variance > 0)) return {};
  for (std::size_t i = 0; i < n; ++i) marginal[i] *= weights[i] / std::sqrt(variance);
  return marginal;
}

}  // namespace walras::stats
