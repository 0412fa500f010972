#pragma once
// Process: the law of one price, drawn step by step. Bar markets are made of processes, and book
// markets take one as the fundamental value behind their flow. It hides variance states, jumps and
// memory; it knows neither bars nor books, and asks nobody else for random numbers than its own
// stream and the shock it is given.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"

#include <cstddef>

namespace walras {
class Archive;
}

namespace walras::engine {

/// What a process is made from besides its own parameters.
struct ProcessContext {
  Rng random;             ///< of this instrument alone
  double step_years = 0;  ///< length of a step; a year has 252 days of 6.5 hours. Range: > 0
  std::size_t steps = 0;  ///< how many will be asked for; 0: not known
};

class Process {
 public:
  struct Step {
    double change = 0;  ///< of the log price
    double variance =
        0;  ///< of its diffusive part, known before the step: what happens between the step's ends
  };
  virtual ~Process() = default;
  /// The next step. `shock` is standard normal, drawn by whoever couples several prices; `scale`
  /// multiplies volatility (regimes). Called once a step, in order.
  virtual Step step(double shock, double scale) noexcept = 0;
  /// Variance of a step in the long run, or at the start where there is no long run. Range: >= 0.
  [[nodiscard]] virtual double typical_variance() const noexcept = 0;
  /// What it remembers, its random streams too. Default: nothing.
  virtual void state(Archive& /*archive*/) {}
};

using ProcessRegistry = Registry<Process, const ProcessContext&>;

/// Adds brownian, ornstein_uhlenbeck, merton, kou, garch, gjr_garch, egarch, heston,
/// rough_bergomi and planted. Where `drift` is named, the mean price grows by exp(drift * years) (garch kinds
/// with Student innovations: up to their tails, which have no exponential moment).
void add_processes(ProcessRegistry& registry);

// The parts of add_processes(), one a file.
void add_diffusions(ProcessRegistry& registry);
void add_garch(ProcessRegistry& registry);
void add_planted(ProcessRegistry& registry);
void add_stochastic_volatility(ProcessRegistry& registry);

}  // namespace walras::engine
