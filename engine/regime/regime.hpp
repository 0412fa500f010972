#pragma once
// Regime: the state of the world over time, which scales a generated market. Generators ask for it;
// it knows no generator.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"
#include "engine/base/units.hpp"

namespace walras {
class Archive;
}

namespace walras::engine {

/// A year of a generated market: 252 days of 6.5 hours. Rates a year, and times in days, are told
/// in these.
inline constexpr double kTradingDay_s = 6.5 * 3600;
inline constexpr double kTradingYear_s = 252 * kTradingDay_s;

class Regime {
 public:
  /// Multipliers of the generator's own parameters (1 = as stated) and an added drift.
  struct State {
    double volatility = 1;  ///< of the mid price or of the fundamental value
    double activity = 1;    ///< of arrival rates
    double depth = 1;       ///< of quantities that rest
    double drift = 0;       ///< of the log price, a second
    int label = 0;          ///< which state, from 0, for records
    bool halted = false;    ///< nobody trades: books take no orders, bars are missing
  };
  virtual ~Regime() = default;
  /// The state in force at `now`, in seconds of trading since the start. Called with non-decreasing
  /// times.
  virtual const State& at(Nanos now) noexcept = 0;
  /// What it remembers, its random streams too. Default: nothing.
  virtual void state(Archive& /*archive*/) {}
};

/// Adds constant, two_state (a Markov chain between a calm and a volatile state), markov_switching
/// (any number of named states: bull, bear, sideways and volatile unless stated) and scripted (a
/// crash, a halt, a drought at stated times).
void add_regimes(Registry<Regime, Rng>& registry);

}  // namespace walras::engine
