// Brownian motion, with jumps, and pulled back to a level.
#include "engine/base/archive.hpp"
#include "engine/regime/process.hpp"

#include <cmath>

namespace walras::engine {
namespace {

constexpr Field kVolatility{
    .unit = "1/sqrt(year)", .min = 0, .max = 10, .doc = "of the log price, a year"};
constexpr Field kDrift{
    .unit = "1/year", .min = -10, .max = 10, .doc = "growth of the mean price, a year"};
constexpr Field kJumpRate{.unit = "1/year", .min = 0, .max = 1e5, .doc = "jumps a year (Poisson)"};

/// Half the variance, which the log price loses so that the price itself keeps its mean.
Process::Step diffuse(double drift, double sigma, double shock) noexcept {
  const double variance = sigma * sigma;
  return {drift - variance / 2 + sigma * shock, variance};
}

class Brownian final : public Process {
 public:
  struct Params {
    double volatility = 0.2, drift = 0;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
    }
  };
  Brownian(const Params& params, const ProcessContext& context)
      : drift_(params.drift * context.step_years),
        sigma_(params.volatility * std::sqrt(context.step_years)) {}
  Step step(double shock, double scale) noexcept override {
    return diffuse(drift_, sigma_ * scale, shock);
  }
  double typical_variance() const noexcept override { return sigma_ * sigma_; }

 private:
  double drift_, sigma_;
};

/// A compound Poisson process on top of a Brownian motion; `Law` draws one jump and knows its mean
/// growth.
template <class Law>
class JumpDiffusion final : public Process {
 public:
  using Params = typename Law::Params;
  JumpDiffusion(const Params& params, const ProcessContext& context)
      : law_(params),
        random_(context.random.child("jumps")),
        rate_(params.jump_rate * context.step_years),
        drift_(params.drift * context.step_years - rate_ * law_.mean_growth()),
        sigma_(params.volatility * std::sqrt(context.step_years)) {}
  Step step(double shock, double scale) noexcept override {
    Step made = diffuse(drift_, sigma_ * scale, shock);
    for (std::uint64_t jumps = random_.poisson(rate_); jumps > 0; --jumps)
      made.change += law_.jump(random_);
    return made;
  }
  double typical_variance() const noexcept override {
    return sigma_ * sigma_ + rate_ * law_.mean_square();
  }
  void state(Archive& archive) override { archive(random_); }

 private:
  Law law_;
  Rng random_;
  double rate_, drift_, sigma_;
};

struct MertonLaw {
  struct Params {
    double volatility = 0.15, drift = 0, jump_rate = 10, jump_mean = -0.01, jump_deviation = 0.03;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
      field("jump_rate", &Params::jump_rate, kJumpRate);
      field("jump_mean", &Params::jump_mean,
            {.min = -1, .max = 1, .doc = "mean of a jump of the log price"});
      field("jump_deviation", &Params::jump_deviation,
            {.min = 0, .max = 1, .doc = "its standard deviation"});
    }
  };
  explicit MertonLaw(const Params& params)
      : mean(params.jump_mean), deviation(params.jump_deviation) {}
  double jump(Rng& random) const noexcept { return mean + deviation * random.normal(); }
  double mean_growth() const noexcept { return std::expm1(mean + deviation * deviation / 2); }
  double mean_square() const noexcept { return mean * mean + deviation * deviation; }
  double mean, deviation;
};

struct KouLaw {
  struct Params {
    double volatility = 0.15, drift = 0, jump_rate = 10, up_probability = 0.4, mean_up = 0.02,
           mean_down = 0.03;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
      field("jump_rate", &Params::jump_rate, kJumpRate);
      field("up_probability", &Params::up_probability,
            {.min = 0, .max = 1, .doc = "share of jumps that go up"});
      field("mean_up", &Params::mean_up,
            {.min = 1e-6,
             .max = 0.9,
             .doc = "mean size of an upward jump of the log price, exponentially distributed"});
      field("mean_down", &Params::mean_down,
            {.min = 1e-6, .max = 0.9, .doc = "mean size of a downward jump"});
    }
  };
  explicit KouLaw(const Params& params)
      : up(params.up_probability), mean_up(params.mean_up), mean_down(params.mean_down) {}
  double jump(Rng& random) const noexcept {
    return random.bernoulli(up) ? random.exponential(1 / mean_up)
                                : -random.exponential(1 / mean_down);
  }
  double mean_growth() const noexcept {
    return up / (1 - mean_up) + (1 - up) / (1 + mean_down) - 1;
  }
  double mean_square() const noexcept {
    return 2 * (up * mean_up * mean_up + (1 - up) * mean_down * mean_down);
  }
  double up, mean_up, mean_down;
};

/// Exact in each step: no discretisation error whatever its length.
class OrnsteinUhlenbeck final : public Process {
 public:
  struct Params {
    double volatility = 0.2, half_life_days = 10;
    double shock_rate = 0, shock_mean = 0.03, shock_deviation = 0.01;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("half_life_days", &Params::half_life_days,
            {.unit = "days",
             .min = 1e-4,
             .max = 1e6,
             .doc = "time in which half of a distance from the level is gone"});
      field("shock_rate", &Params::shock_rate,
            {.unit = "1/year",
             .min = 0,
             .max = 1e5,
             .doc = "megashocks a year (Poisson), up or down alike"});
      field("shock_mean", &Params::shock_mean,
            {.min = 0, .max = 1, .doc = "mean size of a megashock of the log price"});
      field("shock_deviation", &Params::shock_deviation,
            {.min = 0, .max = 1, .doc = "its standard deviation"});
    }
  };
  OrnsteinUhlenbeck(const Params& params, const ProcessContext& context)
      : params_(params), random_(context.random.child("megashocks")) {
    const double kappa = std::log(2.0) / (params.half_life_days / 252);
    keep_ = std::exp(-kappa * context.step_years);
    sigma_ =
        params.volatility * std::sqrt(-std::expm1(-2 * kappa * context.step_years) / (2 * kappa));
    rate_ = params.shock_rate * context.step_years;
  }
  Step step(double shock, double scale) noexcept override {
    const double sigma = sigma_ * scale;
    double next = keep_ * distance_ + sigma * shock;
    for (std::uint64_t shocks = random_.poisson(rate_); shocks > 0; --shocks) {
      const double size = params_.shock_mean + params_.shock_deviation * random_.normal();
      next += random_.bits() >> 63 ? size : -size;
    }
    const Step made{next - distance_, sigma * sigma};
    distance_ = next;
    return made;
  }
  double typical_variance() const noexcept override { return sigma_ * sigma_; }
  void state(Archive& archive) override { archive(random_, distance_); }

 private:
  Params params_;
  Rng random_;
  double keep_, sigma_, rate_;
  double distance_ = 0;  // of the log price from its level
};

}  // namespace

void add_diffusions(ProcessRegistry& registry) {
  registry.add<Brownian>(
      "brownian", "Geometric Brownian motion: independent normal returns of constant volatility.");
  registry.add<JumpDiffusion<MertonLaw>>(
      "merton", "Brownian motion with normal jumps of the log price (Merton 1976).");
  registry.add<JumpDiffusion<KouLaw>>(
      "kou", "Brownian motion with exponential jumps, larger down than up (Kou 2002).");
  registry.add<OrnsteinUhlenbeck>("ornstein_uhlenbeck",
                                  "A log price pulled back to its level, with rare megashocks.");
}

}  // namespace walras::engine
