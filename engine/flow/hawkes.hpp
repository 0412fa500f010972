#pragma once
// Multivariate Hawkes processes with exponential kernels: events that set off events. Simulation is
// exact, by thinning; the likelihood is exact too, so that a law can be fitted to times. Knows no
// order book.
#include "engine/base/random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace walras::engine {

/// Intensity of kind i: base[i] + sum over past events (time s, kind j) of children[i * n + j] *
/// decay * exp(-decay (t - s)).
struct HawkesLaw {
  std::vector<double> base;  ///< 1/s
  std::vector<double>
      children;      ///< mean number of events of kind i that one event of kind j sets off directly
  double decay = 1;  ///< 1/s
  [[nodiscard]] std::size_t kinds() const { return base.size(); }
};

/// Spectral radius of `children`: the process is stationary below 1.
double branching_ratio(const HawkesLaw& law);
/// Stationary rates (I - children)^-1 base. Range: branching ratio < 1.
std::vector<double> mean_rates(const HawkesLaw& law);

/// Plays a law by Ogata's thinning: between events intensities only fall, so the present one bounds
/// those to come.
class HawkesClock {
 public:
  explicit HawkesClock(HawkesLaw law);
  struct Event {
    double time;
    std::size_t kind;
  };
  /// The next event after `now`, within `until`; kind = kinds() and time = until where there is
  /// none. `activity` multiplies base rates.
  Event next(double until, double activity, Rng& random) noexcept;
  [[nodiscard]] double now() const { return now_; }
  /// Sum of all intensities, now.
  [[nodiscard]] double total(double activity) const noexcept;
  void state(auto& archive) { archive(excited_, now_); }

 private:
  HawkesLaw law_;
  std::vector<double> excited_;
  double now_ = 0;
};

struct HawkesEvents {
  std::vector<double> times;  ///< s, ascending
  std::vector<std::uint8_t> kinds;
  double end = 0;  ///< observed on [0, end]
};

/// Log-likelihood. Source: Ogata1978 for exponential kernels, in its recursive form.
double hawkes_log_likelihood(const HawkesLaw& law, const HawkesEvents& events);
/// Integrated intensity of each kind between its successive events: exponential of mean one if the
/// law is true. Shape: by kind.
std::vector<std::vector<double>> hawkes_residuals(const HawkesLaw& law, const HawkesEvents& events);

struct HawkesFit {
  HawkesLaw law;
  std::vector<double> base_error,
      children_error;  ///< standard errors from the observed information
  double decay_error = 0;
  double log_likelihood = 0;
  int rounds = 0;
};
/// Maximum likelihood: expectation-maximisation over who set off whom, with the decay from its own
/// stationarity condition. Throws Error{Data} with fewer than 20 events of a kind.
HawkesFit fit_hawkes(const HawkesEvents& events, std::size_t kinds);

}  // namespace walras::engine
