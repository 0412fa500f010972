// Variances with a life of their own: Heston's square-root process and rough Bergomi.
#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/regime/process.hpp"

#include <cmath>
#include <string>
#include <vector>

namespace walras::engine {

void add_processes(ProcessRegistry& registry) {
  add_diffusions(registry);
  add_garch(registry);
  add_stochastic_volatility(registry);
  add_planted(registry);
}

namespace {

constexpr Field kDrift{
    .unit = "1/year", .min = -10, .max = 10, .doc = "growth of the mean price, a year"};
constexpr Field kCorrelation{.min = -0.999,
                             .max = 0.999,
                             .doc = "of price and variance; negative: falls raise the variance"};

/// Andersen's quadratic-exponential scheme with its martingale correction: no negative variances,
/// and the mean price grows as stated whatever the length of a step. Source: Andersen2008,
/// section 3.2.4 and equations 33 to 35.
class Heston final : public Process {
 public:
  struct Params {
    double volatility = 0.2, drift = 0, mean_reversion = 5, vol_of_vol = 0.6, correlation = -0.7;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility,
            {.unit = "1/sqrt(year)",
             .min = 1e-4,
             .max = 10,
             .doc = "square root of the variance in the long run and at the start"});
      field("drift", &Params::drift, kDrift);
      field("mean_reversion", &Params::mean_reversion,
            {.unit = "1/year",
             .min = 1e-3,
             .max = 1e4,
             .doc = "speed at which the variance returns"});
      field("vol_of_vol", &Params::vol_of_vol,
            {.unit = "1/year", .min = 1e-4, .max = 100, .doc = "volatility of the variance"});
      field("correlation", &Params::correlation, kCorrelation);
    }
  };
  Heston(const Params& p, const ProcessContext& context)
      : random_(context.random.child("variance")),
        dt_(context.step_years),
        drift_(p.drift * dt_),
        theta_(p.volatility * p.volatility),
        v_(theta_) {
    keep_ = std::exp(-p.mean_reversion * dt_);
    const double gone = 1 - keep_, square = p.vol_of_vol * p.vol_of_vol / p.mean_reversion;
    spread_v_ = square * keep_ * gone;
    spread_0_ = theta_ * square / 2 * gone * gone;
    const double slope = p.correlation / p.vol_of_vol,
                 half = dt_ / 2 * (p.mean_reversion * slope - 0.5);
    k1_ = half - slope;
    k2_ = half + slope;
    k3_ = dt_ / 2 * (1 - p.correlation * p.correlation);
    plain_k0_ = -slope * p.mean_reversion * theta_ * dt_;
  }
  Step step(double shock, double scale) noexcept override {
    const double v = v_;
    const double mean = theta_ + (v - theta_) * keep_;
    const double psi = (v * spread_v_ + spread_0_) / (mean * mean);
    const double a_star = k2_ + k3_ / 2;
    double k0 = plain_k0_;
    if (psi <= 1.5) {
      const double two = 2 / psi, b2 = two - 1 + std::sqrt(two * (two - 1)), a = mean / (1 + b2);
      const double root = std::sqrt(b2) + random_.normal();
      v_ = a * root * root;
      if (const double room = 1 - 2 * a_star * a; room > 0)
        k0 = -a_star * b2 * a / room + std::log(room) / 2 - (k1_ + k3_ / 2) * v;
    } else {
      const double zero = (psi - 1) / (psi + 1), beta = (1 - zero) / mean,
                   u = random_.uniform_open();
      v_ = u <= zero ? 0 : std::log((1 - zero) / (1 - u)) / beta;
      if (a_star < beta)
        k0 = -std::log(zero + beta * (1 - zero) / (beta - a_star)) - (k1_ + k3_ / 2) * v;
    }
    const double plain = k0 + k1_ * v + k2_ * v_ + std::sqrt(k3_ * (v + v_)) * shock;
    const double variance = v * dt_ * scale * scale;
    // A scaled return loses half its variance again, so that the mean price stays.
    return {drift_ + scale * plain + (scale - scale * scale) * v * dt_ / 2, variance};
  }
  double typical_variance() const noexcept override { return theta_ * dt_; }
  void state(Archive& archive) override { archive(random_, v_); }

 private:
  Rng random_;
  double dt_, drift_, theta_, v_;
  double keep_, spread_v_, spread_0_, k1_, k2_, k3_, plain_k0_;
};

/// The hybrid scheme with one exact cell. The variance is normalised by its own discrete variance,
/// so that its mean is exact. Cost: a step sums over all steps before it. Source:
/// BennedsenLundePakkanen2017, section 3; BayerFrizGatheral2016.
class RoughBergomi final : public Process {
 public:
  static constexpr std::size_t kMostSteps = 50'000;
  struct Params {
    double volatility = 0.2, drift = 0, hurst = 0.1, vol_of_vol = 1.5, correlation = -0.7;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility,
            {.unit = "1/sqrt(year)",
             .min = 1e-4,
             .max = 10,
             .doc = "square root of the mean variance"});
      field("drift", &Params::drift, kDrift);
      field("hurst", &Params::hurst,
            {.min = 0.01,
             .max = 0.49,
             .doc = "roughness of the log variance: 0.5 would be Brownian"});
      field("vol_of_vol", &Params::vol_of_vol,
            {.unit = "1/year^hurst", .min = 0, .max = 10, .doc = "volatility of the log variance"});
      field("correlation", &Params::correlation, kCorrelation);
    }
  };
  RoughBergomi(const Params& p, const ProcessContext& context)
      : p_(p),
        random_(context.random.child("variance")),
        dt_(context.step_years),
        drift_(p.drift * dt_),
        mean_(p.volatility * p.volatility),
        v_(mean_) {
    if (context.steps > kMostSteps) {
      fail(Fault::Scenario, "",
           "expected at most " + std::to_string(kMostSteps) + " steps of rough_bergomi, was " +
               std::to_string(context.steps) +
               ": each step sums over all before it; use fewer or longer bars");
    }
    moves_.reserve(context.steps);
    weights_.reserve(context.steps);
  }
  Step step(double shock, double scale) noexcept override {
    const double root = std::sqrt(dt_), a = p_.hurst - 0.5;
    const double first = random_.normal(), second = random_.normal();
    const double v = v_;
    // The cell next to the present: its integral and the Brownian move are jointly normal.
    const double cell_variance = std::pow(dt_, 2 * a + 1) / (2 * a + 1),
                 with_move = std::pow(dt_, a + 1) / (a + 1) / root;
    double integral = with_move * first + std::sqrt(cell_variance - with_move * with_move) * second;
    const std::size_t n = moves_.size();
    if (n > 0) {
      const double k = static_cast<double>(n + 1);
      const double weight =
          (std::pow(k, a + 1) - std::pow(k - 1, a + 1)) / (a + 1) * std::pow(dt_, a);
      weights_.push_back(weight);
      far_variance_ += weight * weight * dt_;
      for (std::size_t i = 0; i < n; ++i) integral += weights_[i] * moves_[n - 1 - i];
    }
    moves_.push_back(first * root);
    const double size = p_.vol_of_vol * std::sqrt(2 * p_.hurst);
    v_ = mean_ * std::exp(size * integral - size * size * (cell_variance + far_variance_) / 2);
    const double variance = v * dt_ * scale * scale;
    const double z =
        p_.correlation * first + std::sqrt(1 - p_.correlation * p_.correlation) * shock;
    return {drift_ - variance / 2 + std::sqrt(variance) * z, variance};
  }
  double typical_variance() const noexcept override { return mean_ * dt_; }
  void state(Archive& archive) override { archive(random_, v_, far_variance_, moves_, weights_); }

 private:
  Params p_;
  Rng random_;
  double dt_, drift_, mean_, v_;
  double far_variance_ = 0;
  std::vector<double> moves_,
      weights_;  // Brownian moves so far; weights of the moves two cells back and more
};

}  // namespace

void add_stochastic_volatility(ProcessRegistry& registry) {
  registry.add<Heston>(
      "heston",
      "A variance that returns to its mean (Heston 1993), by the quadratic-exponential scheme.");
  registry.add<RoughBergomi>("rough_bergomi",
                             "A variance rougher than Brownian motion (Bayer, Friz, Gatheral "
                             "2016), by the hybrid scheme.");
}

}  // namespace walras::engine
