#pragma once
// Regime: the state of the world over time, which scales a generated market. Generators ask for it; it knows no generator.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"
#include "engine/base/registry.hpp"
#include "engine/base/units.hpp"

namespace walras::engine {

class Regime {
 public:
  /// Multipliers of the generator's own parameters (1 = as stated) and an added drift.
  struct State {
    double volatility = 1;     ///< of the mid price or of the fundamental value
    double activity = 1;       ///< of arrival rates
    double depth = 1;          ///< of quantities that rest
    double drift = 0;          ///< of the log price, a second
    int label = 0;             ///< which state, from 0, for records
  };
  virtual ~Regime() = default;
  /// The state in force at `now`. Called with non-decreasing times.
  virtual const State& at(Nanos now) noexcept = 0;
};

/// Adds constant and two_state (a Markov chain between a calm and a volatile state).
void add_regimes(Registry<Regime, Rng>& registry);

}  // namespace walras::engine
