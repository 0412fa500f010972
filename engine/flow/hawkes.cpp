#include "engine/flow/hawkes.hpp"

#include "engine/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace walras::engine {
namespace {

/// Solves a x = b in place by elimination with row exchanges. Returns: false for a singular matrix.
bool solve(std::vector<double> a, std::vector<double>& b, std::size_t n) {
  for (std::size_t column = 0; column < n; ++column) {
    std::size_t pivot = column;
    for (std::size_t row = column + 1; row < n; ++row) {
      if (std::abs(a[row * n + column]) > std::abs(a[pivot * n + column])) pivot = row;
    }
    if (std::abs(a[pivot * n + column]) < 1e-300) return false;
    for (std::size_t k = 0; k < n; ++k) std::swap(a[column * n + k], a[pivot * n + k]);
    std::swap(b[column], b[pivot]);
    for (std::size_t row = 0; row < n; ++row) {
      if (row == column) continue;
      const double factor = a[row * n + column] / a[column * n + column];
      for (std::size_t k = column; k < n; ++k) a[row * n + k] -= factor * a[column * n + k];
      b[row] -= factor * b[column];
    }
  }
  for (std::size_t i = 0; i < n; ++i) b[i] /= a[i * n + i];
  return true;
}

/// Walks the events: visit(k, waited, trace) before event k is added, where trace[j] = sum over
/// past events of kind j of exp(-decay (t_k - s)).
template <class Visit>
void walk(const HawkesEvents& events, std::size_t kinds, double decay, Visit&& visit) {
  std::vector<double> trace(kinds, 0);
  double before = 0;
  for (std::size_t k = 0; k < events.times.size(); ++k) {
    const double waited = events.times[k] - before, keep = std::exp(-decay * waited);
    before = events.times[k];
    for (double& t : trace) t *= keep;
    visit(k, trace);
    trace[events.kinds[k]] += 1;
  }
}

double intensity(const HawkesLaw& law, std::size_t kind, std::span<const double> trace) {
  double value = law.base[kind];
  for (std::size_t j = 0; j < law.kinds(); ++j)
    value += law.children[kind * law.kinds() + j] * law.decay * trace[j];
  return value;
}

/// By kind: sum over events of 1 - exp(-decay (end - s)).
std::vector<double> exposures(const HawkesEvents& events, std::size_t kinds, double decay) {
  std::vector<double> sums(kinds, 0);
  for (std::size_t k = 0; k < events.times.size(); ++k)
    sums[events.kinds[k]] += -std::expm1(-decay * (events.end - events.times[k]));
  return sums;
}

/// One round of expectation-maximisation at the given decay.
HawkesLaw improve(const HawkesLaw& law, const HawkesEvents& events) {
  const std::size_t n = law.kinds();
  std::vector<double> own(n, 0), set_off(n * n, 0);
  walk(events, n, law.decay, [&](std::size_t k, const std::vector<double>& trace) {
    const std::size_t i = events.kinds[k];
    const double whole = intensity(law, i, trace);
    own[i] += law.base[i] / whole;
    for (std::size_t j = 0; j < n; ++j)
      set_off[i * n + j] += law.children[i * n + j] * law.decay * trace[j] / whole;
  });
  const std::vector<double> exposed = exposures(events, n, law.decay);
  HawkesLaw better = law;
  for (std::size_t i = 0; i < n; ++i) {
    better.base[i] = own[i] / events.end;
    for (std::size_t j = 0; j < n; ++j)
      better.children[i * n + j] = exposed[j] > 0 ? set_off[i * n + j] / exposed[j] : 0;
  }
  return better;
}

/// Base and children that maximise the likelihood at a decay: the likelihood is concave in them.
HawkesLaw best_at(HawkesLaw law, double decay, const HawkesEvents& events, int rounds) {
  law.decay = decay;
  for (int round = 0; round < rounds; ++round) law = improve(law, events);
  return law;
}

std::vector<double*> parameters(HawkesLaw& law) {
  std::vector<double*> all;
  for (double& value : law.base) all.push_back(&value);
  for (double& value : law.children) all.push_back(&value);
  all.push_back(&law.decay);
  return all;
}

/// Standard errors from the inverse of minus the second differences of the log-likelihood.
/// Parameters at their bound 0 are left out: their errors stay 0.
void add_errors(HawkesFit& fit, const HawkesEvents& events) {
  HawkesLaw law = fit.law;
  const std::vector<double*> all = parameters(law);
  std::vector<std::size_t> free;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (*all[i] > 1e-4) free.push_back(i);
  }
  const std::size_t n = free.size();
  std::vector<double> information(n * n), step(n);
  for (std::size_t a = 0; a < n; ++a) step[a] = 1e-3 * std::max(*all[free[a]], 0.01);
  const auto at = [&](std::size_t a, double da, std::size_t b, double db) {
    *all[free[a]] += da;
    *all[free[b]] += db;
    const double value = hawkes_log_likelihood(law, events);
    *all[free[a]] -= da;
    *all[free[b]] -= db;
    return value;
  };
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b <= a; ++b) {
      const double second = (at(a, step[a], b, step[b]) - at(a, step[a], b, -step[b]) -
                             at(a, -step[a], b, step[b]) + at(a, -step[a], b, -step[b])) /
                            (4 * step[a] * step[b]);
      information[a * n + b] = information[b * n + a] = -second;
    }
  }
  std::vector<double> errors(all.size(), 0);
  for (std::size_t a = 0; a < n; ++a) {
    std::vector<double> unit(n, 0);
    unit[a] = 1;
    if (solve(information, unit, n) && unit[a] > 0) errors[free[a]] = std::sqrt(unit[a]);
  }
  const std::size_t kinds = law.kinds();
  fit.base_error.assign(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(kinds));
  fit.children_error.assign(errors.begin() + static_cast<std::ptrdiff_t>(kinds), errors.end() - 1);
  fit.decay_error = errors.back();
}

}  // namespace

double branching_ratio(const HawkesLaw& law) {
  // Power iteration on a matrix without negative entries; a half of the identity keeps periodic
  // ones from circling.
  const std::size_t n = law.kinds();
  std::vector<double> v(n, 1), next(n);
  double ratio = 0;
  for (int round = 0; round < 500; ++round) {
    double size = 0;
    for (std::size_t i = 0; i < n; ++i) {
      next[i] = v[i];
      for (std::size_t j = 0; j < n; ++j) next[i] += law.children[i * n + j] * v[j];
      size = std::max(size, next[i]);
    }
    for (std::size_t i = 0; i < n; ++i) v[i] = next[i] / size;
    ratio = size - 1;
  }
  return ratio;
}

std::vector<double> mean_rates(const HawkesLaw& law) {
  const std::size_t n = law.kinds();
  std::vector<double> matrix(n * n), rates = law.base;
  for (std::size_t i = 0; i < n * n; ++i) matrix[i] = (i / n == i % n ? 1 : 0) - law.children[i];
  solve(std::move(matrix), rates, n);
  return rates;
}

HawkesClock::HawkesClock(HawkesLaw law) : law_(std::move(law)), excited_(law_.kinds(), 0) {}

double HawkesClock::total(double activity) const noexcept {
  double sum = 0;
  for (std::size_t i = 0; i < excited_.size(); ++i) sum += activity * law_.base[i] + excited_[i];
  return sum;
}

HawkesClock::Event HawkesClock::next(double until, double activity, Rng& random) noexcept {
  const std::size_t n = excited_.size();
  while (true) {
    const double bound = total(activity);
    const double wait = bound > 0 ? random.exponential(bound) : until - now_;
    const bool beyond = !(now_ + wait < until);
    const double at = beyond ? until : now_ + wait;
    const double keep = std::exp(-law_.decay * (at - now_));
    for (double& e : excited_) e *= keep;
    now_ = at;
    if (beyond) return {until, n};
    double choice = random.uniform() * bound;
    for (std::size_t i = 0; i < n; ++i) {
      if ((choice -= activity * law_.base[i] + excited_[i]) >= 0) continue;
      for (std::size_t k = 0; k < n; ++k) excited_[k] += law_.children[k * n + i] * law_.decay;
      return {at, i};
    }
  }
}

double hawkes_log_likelihood(const HawkesLaw& law, const HawkesEvents& events) {
  const std::size_t n = law.kinds();
  double sum = 0;
  walk(events, n, law.decay, [&](std::size_t k, const std::vector<double>& trace) {
    sum += std::log(intensity(law, events.kinds[k], trace));
  });
  const std::vector<double> exposed = exposures(events, n, law.decay);
  for (std::size_t i = 0; i < n; ++i) {
    sum -= law.base[i] * events.end;
    for (std::size_t j = 0; j < n; ++j) sum -= law.children[i * n + j] * exposed[j];
  }
  return sum;
}

std::vector<std::vector<double>> hawkes_residuals(const HawkesLaw& law,
                                                  const HawkesEvents& events) {
  const std::size_t n = law.kinds();
  std::vector<std::vector<double>> residuals(n);
  std::vector<double> passed(n, 0), trace(n, 0);
  double before = 0;
  for (std::size_t k = 0; k < events.times.size(); ++k) {
    const double waited = events.times[k] - before, gone = -std::expm1(-law.decay * waited);
    before = events.times[k];
    for (std::size_t i = 0; i < n; ++i) {
      passed[i] += law.base[i] * waited;
      for (std::size_t j = 0; j < n; ++j) passed[i] += law.children[i * n + j] * trace[j] * gone;
    }
    for (double& t : trace) t *= 1 - gone;
    trace[events.kinds[k]] += 1;
    residuals[events.kinds[k]].push_back(passed[events.kinds[k]]);
    passed[events.kinds[k]] = 0;
  }
  return residuals;
}

HawkesFit fit_hawkes(const HawkesEvents& events, std::size_t kinds) {
  std::vector<std::size_t> counts(kinds, 0);
  for (const std::uint8_t kind : events.kinds) ++counts[kind];
  for (std::size_t i = 0; i < kinds; ++i) {
    if (counts[i] < 20)
      fail(Fault::Data, "hawkes",
           "expected at least 20 events of each kind, was " + std::to_string(counts[i]) +
               " of kind " + std::to_string(i));
  }
  HawkesLaw law;
  const double rate = static_cast<double>(events.times.size()) / events.end;
  for (const std::size_t count : counts)
    law.base.push_back(0.5 * static_cast<double>(count) / events.end);
  law.children.assign(kinds * kinds, 0.4 / static_cast<double>(kinds));
  // The decay by golden section on its logarithm, between a tenth of the mean rate and a thousand
  // times it.
  HawkesFit fit;
  const auto value = [&](double log_decay) {
    law = best_at(law, std::exp(log_decay), events, 25);
    ++fit.rounds;
    return hawkes_log_likelihood(law, events);
  };
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(rate * 0.1), high = std::log(rate * 1000);
  double best = low, best_value = value(low);
  for (double x = low; x <= high;
       x += 1) {  // a coarse look first: the profile may have more than one top
    if (const double here = value(x); here > best_value) best = x, best_value = here;
  }
  low = best - 1, high = best + 1;
  double a = high - kGolden * (high - low), b = low + kGolden * (high - low), fa = value(a),
         fb = value(b);
  while (high - low > 1e-4) {
    if (fa > fb) {
      high = b, b = a, fb = fa, a = high - kGolden * (high - low), fa = value(a);
    } else {
      low = a, a = b, fa = fb, b = low + kGolden * (high - low), fb = value(b);
    }
  }
  fit.law = best_at(law, std::exp((low + high) / 2), events, 200);
  fit.log_likelihood = hawkes_log_likelihood(fit.law, events);
  add_errors(fit, events);
  return fit;
}

}  // namespace walras::engine
