#include "engine/regime/regime.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace walras::engine {

namespace {

/// Multipliers of one state, as scenarios state them.
struct StateParams {
  double volatility = 1, activity = 1, depth = 1, drift = 0;
  static void fields(auto&& field) {
    field("volatility", &StateParams::volatility,
          {.min = 0, .max = 1e3, .doc = "multiplies the generator's volatility"});
    field("activity", &StateParams::activity,
          {.min = 1e-6, .max = 1e6, .doc = "multiplies the generator's arrival rates"});
    field("depth", &StateParams::depth,
          {.min = 1e-3, .max = 1e3, .doc = "multiplies the size of orders that rest"});
    field("drift", &StateParams::drift,
          {.unit = "1/s", .min = -1, .max = 1, .doc = "added to the drift of the log price"});
  }
  [[nodiscard]] Regime::State state(int label) const {
    return {volatility, activity, depth, drift, label};
  }
};

class Constant final : public Regime {
 public:
  using Params = StateParams;
  Constant(Params params, Rng) : state_(params.state(0)) {}
  const State& at(Nanos) noexcept override { return state_; }

 private:
  State state_;
};

/// A continuous-time Markov chain between two states; the first is drawn from the stationary
/// distribution.
class TwoState final : public Regime {
 public:
  struct Params {
    StateParams calm;
    StateParams volatile_state{.volatility = 3, .activity = 2, .depth = 0.5, .drift = 0};
    double calm_mean_s = 600;
    double volatile_mean_s = 120;
    static void fields(auto&& field) {
      field("calm", &Params::calm, {.doc = "the calm state (label 0)"});
      field("volatile", &Params::volatile_state, {.doc = "the volatile state (label 1)"});
      field("calm_mean_s", &Params::calm_mean_s,
            {.unit = "s",
             .min = 1e-6,
             .max = 1e9,
             .doc = "mean length of a calm spell, exponentially distributed"});
      field("volatile_mean_s", &Params::volatile_mean_s,
            {.unit = "s", .min = 1e-6, .max = 1e9, .doc = "mean length of a volatile spell"});
    }
  };
  TwoState(Params params, Rng random)
      : random_(random),
        states_{params.calm.state(0), params.volatile_state.state(1)},
        mean_s_{params.calm_mean_s, params.volatile_mean_s} {
    current_ = random_.bernoulli(mean_s_[1] / (mean_s_[0] + mean_s_[1])) ? 1 : 0;
  }
  const State& at(Nanos now) noexcept override {
    if (!started_) {
      started_ = true;
      until_ = now + sojourn();
    }
    while (until_ <= now) {
      current_ = 1 - current_;
      until_ += sojourn();
    }
    return states_[current_];
  }

 private:
  Nanos sojourn() noexcept {
    const double seconds = std::min(random_.exponential(1 / mean_s_[current_]), 4e9);  // 127 years
    return {std::max<std::int64_t>(1, std::llround(seconds * 1e9))};
  }

  Rng random_;
  std::array<State, 2> states_;
  std::array<double, 2> mean_s_;
  std::size_t current_ = 0;
  bool started_ = false;
  Nanos until_;
};

}  // namespace

void add_regimes(Registry<Regime, Rng>& registry) {
  registry.add<Constant>("constant", "One state throughout.");
  registry.add<TwoState>(
      "two_state", "Calm and volatile spells of exponential length (a two-state Markov chain).");
}

}  // namespace walras::engine
