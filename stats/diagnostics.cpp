#include "stats/diagnostics.hpp"

#include "engine/base/error.hpp"
#include "stats/dependence.hpp"
#include "stats/distributions.hpp"
#include "stats/performance.hpp"
#include "stats/resample.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>

namespace walras::stats {
namespace {

/// Whether a variance can be told from none and fits a number.
bool varies(std::span<const double> x) {
  if (x.empty()) return false;
  const double variance = autocovariance(x, 0)[0];
  return variance > 0 && std::isfinite(variance) && std::isfinite(1 / (variance * variance)) &&
         std::any_of(x.begin(), x.end(), [&](double value) { return value != x.front(); });
}

/// A test without its numbers, and the reason where `x` cannot be tested.
Evidence test_of(std::string name, std::string null, std::string formula, std::string source, std::span<const double> x,
                 std::size_t fewest) {
  Evidence evidence = without_estimate(std::move(name), "statistic", "");
  evidence.null = std::move(null);
  evidence.formula = std::move(formula);
  evidence.source = std::move(source);
  evidence.n = x.size();
  if (x.size() < fewest) evidence.reason = fmt::format("needs at least {} periods, has {}", fewest, x.size());
  else if (!varies(x)) evidence.reason = "the returns have no variance";
  if (!evidence.reason.empty()) evidence.null.clear();
  return evidence;
}

double ljung_box_statistic(std::span<const double> x, std::size_t lags) {
  const std::vector<double> covariance = autocovariance(x, lags);
  const auto n = static_cast<double>(x.size());
  double sum = 0;
  for (std::size_t lag = 1; lag <= lags; ++lag) {
    const double rho = covariance[lag] / covariance[0];
    sum += rho * rho / (n - static_cast<double>(lag));
  }
  return n * (n + 2) * sum;
}

/// Rescaled range of one block: range of the summed distances from its mean over its standard deviation (with n).
double rescaled_range(std::span<const double> x) {
  double mean = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  double sum = 0, low = 0, high = 0, square = 0;
  for (const double value : x) {
    sum += value - mean;
    low = std::min(low, sum);
    high = std::max(high, sum);
    square += (value - mean) * (value - mean);
  }
  return square > 0 ? (high - low) / std::sqrt(square / static_cast<double>(x.size())) : 0;
}

/// Its expectation for independent normal observations.
double expected_range(std::size_t n) {
  const auto size = static_cast<double>(n);
  double sum = 0;
  for (std::size_t i = 1; i < n; ++i) sum += std::sqrt((size - static_cast<double>(i)) / static_cast<double>(i));
  return std::exp(std::lgamma((size - 1) / 2) - std::lgamma(size / 2)) / std::sqrt(std::numbers::pi) * sum;
}

double x_log(double count, double probability) { return count > 0 ? count * std::log(probability) : 0; }

double coverage_ratio(double n, double hits, double tail) {
  const double share = hits / n;
  return 2 * (x_log(hits, share) + x_log(n - hits, 1 - share) - x_log(hits, tail) - x_log(n - hits, 1 - tail));
}

Evidence hit_test(std::string name, std::string null, std::string formula, std::string source, std::span<const bool> hits,
                  double tail) {
  if (!(tail > 0 && tail < 1)) {
    fail(Fault::Numeric, name, fmt::format("expected a probability between 0 and 1, was {}", tail));
  }
  Evidence evidence = without_estimate(std::move(name), "statistic", "");
  evidence.null = std::move(null);
  evidence.formula = std::move(formula);
  evidence.source = std::move(source);
  evidence.n = hits.size();
  // Below it, not even a record without any hit would speak against the value at risk.
  const auto fewest = static_cast<std::size_t>(std::ceil(1 / tail));
  if (hits.size() < fewest) {
    evidence.reason = fmt::format("needs at least {} foretold periods, has {}", fewest, hits.size());
    evidence.null.clear();
  }
  return evidence;
}

struct Moments {
  double mean = 0, second = 0, third = 0, fourth = 0;   // about the mean, divided by n
};

Moments central_moments(std::span<const double> x) {
  const auto n = static_cast<double>(x.size());
  Moments m;
  for (const double value : x) m.mean += value / n;
  for (const double value : x) {
    const double d = value - m.mean;
    m.second += d * d / n;
    m.third += d * d * d / n;
    m.fourth += d * d * d * d / n;
  }
  return m;
}

/// The value at risk that a window's moments tell.
double foretold(std::span<const double> past, double tail, bool expanded) {
  const auto n = static_cast<double>(past.size());
  const auto [mean, m2, m3, m4] = central_moments(past);
  const double z = normal_quantile(tail);
  double q = z;
  if (expanded && m2 > 0) {
    const double s = m3 / std::pow(m2, 1.5), k = m4 / (m2 * m2) - 3;
    q += (z * z - 1) * s / 6 + (z * z * z - 3 * z) * k / 24 - (2 * z * z * z - 5 * z) * s * s / 36;
  }
  return -(mean + q * std::sqrt(m2 * n / (n - 1)));
}

}  // namespace

Evidence jarque_bera(std::span<const double> x) {
  Evidence evidence = test_of("jarque_bera", "the returns are normal", "n / 6 (S^2 + (K - 3)^2 / 4), S skewness, K raw kurtosis",
                              "JarqueBera1980", x, 8);
  evidence.assumptions = "independent returns; large n";
  if (!evidence.reason.empty()) return evidence;
  const auto n = static_cast<double>(x.size());
  const auto [mean, m2, m3, m4] = central_moments(x);
  const double s = m3 / std::pow(m2, 1.5), excess = m4 / (m2 * m2) - 3;
  evidence.estimate = n / 6 * (s * s + excess * excess / 4);
  evidence.p_value = chi_square_tail(*evidence.estimate, 2);
  return evidence;
}

Evidence ljung_box(std::span<const double> x, std::size_t lags) {
  Evidence evidence = test_of("ljung_box", fmt::format("no autocorrelation at lags 1 to {}", lags),
                              "n (n + 2) sum(rho_k^2 / (n - k))", "LjungBox1978", x, std::max<std::size_t>(4 * lags, 8));
  evidence.assumptions = "constant variance; large n";
  if (!evidence.reason.empty()) return evidence;
  evidence.estimate = ljung_box_statistic(x, lags);
  evidence.p_value = chi_square_tail(*evidence.estimate, static_cast<double>(lags));
  return evidence;
}

Evidence ljung_box_squares(std::span<const double> x, std::size_t lags) {
  Evidence evidence = test_of("ljung_box_squares", fmt::format("volatility does not cluster over lags 1 to {}", lags),
                              "ljung_box of (r - mean)^2", "McLeodLi1983", x, std::max<std::size_t>(4 * lags, 8));
  evidence.assumptions = "large n";
  if (!evidence.reason.empty()) return evidence;
  double mean = 0;
  for (const double value : x) mean += value / static_cast<double>(x.size());
  std::vector<double> squares;
  for (const double value : x) squares.push_back((value - mean) * (value - mean));
  if (!varies(squares)) {
    evidence.reason = "the squared returns have no variance";
    evidence.null.clear();
    return evidence;
  }
  evidence.estimate = ljung_box_statistic(squares, lags);
  evidence.p_value = chi_square_tail(*evidence.estimate, static_cast<double>(lags));
  return evidence;
}

Evidence autocorrelation_at(std::span<const double> x, std::size_t lag) {
  Evidence evidence = test_of(lag == 1 ? "autocorrelation" : fmt::format("autocorrelation_{}", lag), "white noise",
                              fmt::format("lag {0}: sum((r_t - mean)(r_(t-{0}) - mean)) / sum((r_t - mean)^2)", lag), "", x, lag + 1);
  evidence.unit = "ratio";
  if (!evidence.reason.empty()) return evidence;
  const std::vector<double> covariance = autocovariance(x, lag);
  evidence.estimate = covariance[lag] / covariance[0];
  const double root = std::sqrt(static_cast<double>(x.size()));
  evidence.p_value = 2 * normal_probability(-std::abs(*evidence.estimate) * root);
  evidence.method = fmt::format("of white noise, 95 % lie within +-{:.4f}", 1.959963984540054 / root);
  return evidence;
}

Evidence hurst(std::span<const double> x) {
  Evidence evidence = test_of("hurst", "", "0.5 + slope of ln(R/S) less ln(E R/S) of independent returns over ln(block)",
                              "AnisLloyd1976", x, 100);
  evidence.unit = "ratio";
  evidence.assumptions = "finite variance";
  if (!evidence.reason.empty()) return evidence;
  std::vector<double> logs, ranges;
  for (double length = 16; length <= static_cast<double>(x.size()) / 2; length *= std::numbers::sqrt2) {
    const auto block = static_cast<std::size_t>(length);
    const std::size_t blocks = x.size() / block;
    double sum = 0;
    for (std::size_t k = 0; k < blocks; ++k) sum += rescaled_range(x.subspan(k * block, block));
    if (!(sum > 0)) continue;
    logs.push_back(std::log(static_cast<double>(block)));
    ranges.push_back(std::log(sum / static_cast<double>(blocks)) - std::log(expected_range(block)));
  }
  double mean_x = 0, mean_y = 0, xy = 0, xx = 0;
  for (std::size_t i = 0; i < logs.size(); ++i) {
    mean_x += logs[i] / static_cast<double>(logs.size());
    mean_y += ranges[i] / static_cast<double>(logs.size());
  }
  for (std::size_t i = 0; i < logs.size(); ++i) {
    xy += (logs[i] - mean_x) * (ranges[i] - mean_y);
    xx += (logs[i] - mean_x) * (logs[i] - mean_x);
  }
  if (logs.size() < 3 || !(xx > 0)) {
    evidence.reason = "too few blocks in which the returns vary";
    return evidence;
  }
  evidence.estimate = 0.5 + xy / xx;
  evidence.method = fmt::format("{} block lengths from 16 to half the record", logs.size());
  return evidence;
}

Evidence kupiec_test(std::span<const bool> hits, double tail) {
  Evidence evidence = hit_test("kupiec", "losses beyond the value at risk come as often as it says",
                               "2 ln((x/n)^x (1 - x/n)^(n - x) / (tail^x (1 - tail)^(n - x))), x hits of n", "Kupiec1995", hits, tail);
  evidence.assumptions = "independent hits";
  if (!evidence.reason.empty()) return evidence;
  const auto x = static_cast<double>(std::count(hits.begin(), hits.end(), true));
  evidence.estimate = std::max(coverage_ratio(static_cast<double>(hits.size()), x, tail), 0.0);
  evidence.p_value = chi_square_tail(*evidence.estimate, 1);
  evidence.method = fmt::format("{} of {} periods lost more than foretold, {:.4g} expected", x, hits.size(),
                                tail * static_cast<double>(hits.size()));
  return evidence;
}

Evidence christoffersen_test(std::span<const bool> hits, double tail) {
  Evidence evidence = hit_test("christoffersen", "losses beyond the value at risk come as often as it says, each on its own",
                               "kupiec + 2 ln(likelihood of a first-order chain of hits / of independent hits)",
                               "Christoffersen1998", hits, tail);
  if (!evidence.reason.empty()) return evidence;
  double after[2][2] = {{0, 0}, {0, 0}};  // [hit before][hit now]
  for (std::size_t t = 1; t < hits.size(); ++t) after[hits[t - 1] ? 1 : 0][hits[t] ? 1 : 0] += 1;
  double ratio = 0;
  const double moves = static_cast<double>(hits.size()) - 1;
  const double together = (after[0][1] + after[1][1]) / moves;
  for (const auto& [no, yes] : after) {
    if (!(no + yes > 0)) continue;
    const double share = yes / (no + yes);
    ratio += 2 * (x_log(yes, share) + x_log(no, 1 - share) - x_log(yes, together) - x_log(no, 1 - together));
  }
  const auto x = static_cast<double>(std::count(hits.begin(), hits.end(), true));
  evidence.estimate = std::max(coverage_ratio(static_cast<double>(hits.size()), x, tail) + ratio, 0.0);
  evidence.p_value = chi_square_tail(*evidence.estimate, 2);
  evidence.method = fmt::format("{} hits of {}, {} of them right after another", x, hits.size(), after[1][1]);
  return evidence;
}

std::vector<char> var_hits(std::span<const double> returns, std::size_t window, double tail, VarMethod method) {
  if (window < 2) fail(Fault::Numeric, "window", fmt::format("expected at least 2 periods, was {}", window));
  std::vector<char> hits;
  std::vector<double> sorted;  // the window's returns, kept in order from period to period
  if (method == VarMethod::Historical && returns.size() > window) {
    sorted.assign(returns.begin(), returns.begin() + static_cast<std::ptrdiff_t>(window));
    std::sort(sorted.begin(), sorted.end());
  }
  for (std::size_t t = window; t < returns.size(); ++t) {
    const double limit = method == VarMethod::Historical
                             ? -quantile(sorted, tail)
                             : foretold(returns.subspan(t - window, window), tail, method == VarMethod::CornishFisher);
    hits.push_back(-returns[t] > limit ? 1 : 0);
    if (method != VarMethod::Historical) continue;
    sorted.erase(std::lower_bound(sorted.begin(), sorted.end(), returns[t - window]));
    sorted.insert(std::upper_bound(sorted.begin(), sorted.end(), returns[t]), returns[t]);
  }
  return hits;
}

std::vector<Evidence> diagnostics(std::span<const double> returns, double tail) {
  constexpr std::size_t kLags = 6;
  std::vector<Evidence> list;
  for (std::size_t lag = 2; lag <= kLags; ++lag) list.push_back(autocorrelation_at(returns, lag));
  list.push_back(ljung_box(returns, kLags));
  list.push_back(ljung_box_squares(returns, kLags));
  list.push_back(hurst(returns));
  list.push_back(jarque_bera(returns));
  const std::size_t window = std::clamp<std::size_t>(returns.size() / 4, 2, 250);
  const std::pair<const char*, VarMethod> methods[] = {{"historical", VarMethod::Historical}, {"gaussian", VarMethod::Gaussian}};
  for (const auto& [name, method] : methods) {
    // Far back in a long record another market; 5,000 foretold periods settle the question.
    const std::size_t kept = std::min<std::size_t>(returns.size(), 5000 + window);
    const std::vector<char> marks = var_hits(returns.last(kept), window, tail, method);
    const auto hits = std::make_unique<bool[]>(marks.size());
    std::copy(marks.begin(), marks.end(), hits.get());
    for (auto* test : {&kupiec_test, &christoffersen_test}) {
      Evidence evidence = (*test)({hits.get(), marks.size()}, tail);
      evidence.name += fmt::format("_{}", name);
      evidence.method += fmt::format("{}{} value at risk of the {} periods before", evidence.method.empty() ? "" : "; ", name, window);
      list.push_back(std::move(evidence));
    }
  }
  return list;
}

}  // namespace walras::stats
