#include "engine/regime/regime.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

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
    return {volatility, activity, depth, drift, label, false};
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
  void state(Archive& archive) override { archive(random_, current_, started_, until_); }

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

/// Any number of states with spells of exponential length; where to go next is uniform over the
/// others, or a matrix.
class MarkovSwitching final : public Regime {
 public:
  struct Spell {
    std::string name;
    double volatility = 1, activity = 1, depth = 1, drift = 0, mean_days = 20;
    static void fields(auto&& field) {
      field("name", &Spell::name, {.required = true, .doc = "what it is called"});
      field("volatility", &Spell::volatility,
            {.min = 0, .max = 1e3, .doc = "multiplies the generator's volatility"});
      field("activity", &Spell::activity,
            {.min = 1e-6, .max = 1e6, .doc = "multiplies arrival rates and volumes"});
      field("depth", &Spell::depth,
            {.min = 1e-3, .max = 1e3, .doc = "multiplies the size of orders that rest"});
      field("drift", &Spell::drift,
            {.unit = "1/year", .min = -1e4, .max = 1e4, .doc = "added to the growth of prices"});
      field("mean_days", &Spell::mean_days,
            {.unit = "days of 6.5 h",
             .min = 1e-6,
             .max = 1e6,
             .doc = "mean length of a spell, exponentially distributed"});
    }
  };
  struct Params {
    std::vector<Spell> states{{"bull", 0.8, 1, 1, 0.25, 60},
                              {"bear", 1.5, 1.3, 0.7, -0.35, 25},
                              {"sideways", 0.6, 0.8, 1.2, 0, 40},
                              {"volatile", 2.5, 1.8, 0.5, 0, 8}};
    std::vector<std::vector<double>> transitions;
    static void fields(auto&& field) {
      field("states", &Params::states,
            {.doc = "the states; the first is drawn by how much of the time each holds in the long "
                    "run"});
      field("transitions", &Params::transitions,
            {.min = 0,
             .max = 1,
             .doc = "probability of the next state (column) at the end of a spell (row); absent: "
                    "all others alike"});
    }
  };
  MarkovSwitching(const Params& params, Rng random) : random_(random) {
    const std::size_t n = params.states.size();
    if (n < 2)
      fail(Fault::Scenario, "states", "expected at least two states, was " + std::to_string(n));
    if (!params.transitions.empty() && params.transitions.size() != n) {
      fail(Fault::Scenario, "transitions",
           "expected a row for each of " + std::to_string(n) + " states, was " +
               std::to_string(params.transitions.size()));
    }
    for (std::size_t i = 0; i < n; ++i) {
      const Spell& spell = params.states[i];
      states_.push_back({spell.volatility, spell.activity, spell.depth,
                         spell.drift / kTradingYear_s, static_cast<int>(i), false});
      mean_s_.push_back(spell.mean_days * kTradingDay_s);
      std::vector<double> row(n, 1.0 / static_cast<double>(n - 1));
      if (!params.transitions.empty()) row = params.transitions[i];
      if (params.transitions.empty()) row[i] = 0;
      const double sum = std::accumulate(row.begin(), row.end(), 0.0);
      if (row.size() != n || std::abs(sum - 1) > 1e-9 || row[i] != 0) {
        fail(Fault::Scenario, "transitions/" + std::to_string(i),
             "expected " + std::to_string(n) +
                 " probabilities with sum 1, and 0 for the state itself, was a sum of " +
                 std::to_string(sum));
      }
      rows_.push_back(std::move(row));
    }
    current_ = random_.categorical(shares());
  }
  const State& at(Nanos now) noexcept override {
    if (!started_) {
      started_ = true;
      until_ = now + sojourn();
    }
    while (until_ <= now) {
      current_ = random_.categorical(rows_[current_]);
      until_ += sojourn();
    }
    return states_[current_];
  }
  void state(Archive& archive) override { archive(random_, current_, started_, until_); }

 private:
  /// Share of time in each state: the jump chain's stationary law, weighted by the lengths of
  /// spells. Averaged iterations converge for periodic chains too.
  std::vector<double> shares() const {
    const std::size_t n = states_.size();
    std::vector<double> law(n, 1.0 / static_cast<double>(n)), next(n);
    for (int round = 0; round < 2000; ++round) {
      for (std::size_t j = 0; j < n; ++j) {
        next[j] = law[j] / 2;
        for (std::size_t i = 0; i < n; ++i) next[j] += law[i] * rows_[i][j] / 2;
      }
      law.swap(next);
    }
    for (std::size_t i = 0; i < n; ++i) law[i] *= mean_s_[i];
    return law;
  }
  Nanos sojourn() noexcept {
    const double seconds = std::min(random_.exponential(1 / mean_s_[current_]), 4e9);
    return {std::max<std::int64_t>(1, std::llround(seconds * 1e9))};
  }

  Rng random_;
  std::vector<State> states_;
  std::vector<double> mean_s_;
  std::vector<std::vector<double>> rows_;
  std::size_t current_ = 0;
  bool started_ = false;
  Nanos until_;
};

/// What is written happens: phases at stated times, one after the other; between them all is as the
/// generator states it.
class Scripted final : public Regime {
 public:
  struct Phase {
    std::string name;
    double at_days = 0, at_s = 0, length_days = 0, length_s = 0;
    double price_change = 0, volatility = 1, activity = 1, depth = 1;
    bool halted = false;
    static void fields(auto&& field) {
      field("name", &Phase::name, {.doc = "what it is called"});
      field("at_days", &Phase::at_days,
            {.unit = "days of 6.5 h",
             .min = 0,
             .max = 1e6,
             .doc = "when it begins, from the start; at_s is added"});
      field("at_s", &Phase::at_s,
            {.unit = "s", .min = 0, .max = 1e9, .doc = "when it begins; a daily bar is 23,400 s"});
      field("length_days", &Phase::length_days,
            {.unit = "days of 6.5 h",
             .min = 0,
             .max = 1e6,
             .doc = "how long it lasts; length_s is added"});
      field("length_s", &Phase::length_s,
            {.unit = "s", .min = 0, .max = 1e9, .doc = "how long it lasts"});
      field("price_change", &Phase::price_change,
            {.min = -0.99,
             .max = 100,
             .doc = "by what share the value moves, spread evenly over the phase: -0.1 falls by a "
                    "tenth"});
      field("volatility", &Phase::volatility,
            {.min = 0, .max = 1e3, .doc = "multiplies the generator's volatility"});
      field("activity", &Phase::activity,
            {.min = 1e-6, .max = 1e6, .doc = "multiplies arrival rates and volumes"});
      field("depth", &Phase::depth,
            {.min = 1e-3, .max = 1e3, .doc = "multiplies the size of orders that rest"});
      field("halted", &Phase::halted, {.doc = "nobody trades while it lasts"});
    }
  };
  struct Params {
    std::vector<Phase> phases;
    static void fields(auto&& field) {
      field("phases", &Params::phases,
            {.required = true, .doc = "in order of time, not overlapping"});
    }
  };
  Scripted(const Params& params, Rng) {
    double last_s = 0;
    for (std::size_t i = 0; i < params.phases.size(); ++i) {
      const Phase& phase = params.phases[i];
      const double at_s = phase.at_days * kTradingDay_s + phase.at_s,
                   length_s = phase.length_days * kTradingDay_s + phase.length_s;
      const std::string where = "phases/" + std::to_string(i);
      if (!(length_s > 0))
        fail(Fault::Scenario, where + "/length_s", "expected a length above 0, was 0");
      if (at_s < last_s) {
        fail(Fault::Scenario, where + "/at_s",
             "expected to begin at or after the end of the phase before, " +
                 std::to_string(last_s) + " s, was " + std::to_string(at_s) + " s");
      }
      last_s = at_s + length_s;
      const double drift = std::log1p(phase.price_change) / length_s;
      spells_.push_back({nanos(at_s),
                         nanos(last_s),
                         {phase.volatility, phase.activity, phase.depth, drift,
                          static_cast<int>(i) + 1, phase.halted}});
    }
  }
  const State& at(Nanos now) noexcept override {
    while (next_ < spells_.size() && spells_[next_].end <= now) ++next_;
    return next_ < spells_.size() && spells_[next_].begin <= now ? spells_[next_].state : plain_;
  }
  void state(Archive& archive) override { archive(next_); }

 private:
  struct Spell {
    Nanos begin, end;
    State state;
  };
  static Nanos nanos(double seconds) { return {std::llround(std::min(seconds, 9e9) * 1e9)}; }
  std::vector<Spell> spells_;
  std::size_t next_ = 0;
  State plain_;
};

}  // namespace

void add_regimes(Registry<Regime, Rng>& registry) {
  registry.add<Constant>("constant", "One state throughout.");
  registry.add<TwoState>(
      "two_state", "Calm and volatile spells of exponential length (a two-state Markov chain).");
  registry.add<MarkovSwitching>("markov_switching",
                                "Spells of bull, bear, sideways and volatile markets, or of any "
                                "other states (a Markov chain).");
  registry.add<Scripted>("scripted",
                         "A crash, a halt, a drought or anything else at stated times.");
}

}  // namespace walras::engine
