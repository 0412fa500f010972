// Variances that answer to the last return: GARCH, GJR-GARCH and EGARCH. A step of the process is a
// step of the recursion.
#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/regime/process.hpp"

#include <cmath>
#include <numbers>
#include <string>

namespace walras::engine {
namespace {

constexpr Field kVolatility{.unit = "1/sqrt(year)",
                            .min = 1e-6,
                            .max = 10,
                            .doc = "unconditional, of the log price, a year"};
constexpr Field kDrift{
    .unit = "1/year", .min = -10, .max = 10, .doc = "growth of the mean price, a year"};

void require_stationary(double persistence, const char* what) {
  if (persistence < 1) return;
  fail(Fault::Scenario, "",
       std::string("expected ") + what + " below 1, was " + std::to_string(persistence) +
           ": the variance would have no mean; make one of them smaller");
}

/// GARCH(1,1), and GJR with gamma > 0: h' = omega + (alpha + gamma [e < 0]) e^2 + beta h, with
/// omega from the variance.
class Garch : public Process {
 public:
  struct Law {
    double volatility, drift, alpha, gamma, beta, degrees;
  };
  Garch(const Law& law, const ProcessContext& context)
      : law_(law),
        random_(context.random.child("innovations")),
        drift_(law.drift * context.step_years),
        mean_(law.volatility * law.volatility * context.step_years),
        h_(mean_) {
    if (law.degrees > 0 && law.degrees <= 2) {
      fail(Fault::Scenario, "degrees",
           "expected 0 (normal) or more than 2, was " + std::to_string(law.degrees) +
               ": fewer leave no variance");
    }
  }
  Step step(double shock, double scale) noexcept override {
    double z = shock;
    if (law_.degrees > 0) {  // Student's t of variance one, keeping the shock's sign and so its
                             // coupling to other prices
      z *= std::sqrt((law_.degrees - 2) / random_.gamma(law_.degrees / 2, 2));
    }
    const double h = h_;
    const double e = std::sqrt(h) * z;
    h_ = mean_ * (1 - law_.alpha - law_.gamma / 2 - law_.beta) +
         (law_.alpha + (e < 0 ? law_.gamma : 0)) * e * e + law_.beta * h;
    const double variance = h * scale * scale;
    return {drift_ - variance / 2 + e * scale, variance};
  }
  double typical_variance() const noexcept override { return mean_; }
  void state(Archive& archive) override { archive(random_, h_); }

 private:
  Law law_;
  Rng random_;
  double drift_, mean_, h_;
};

class PlainGarch final : public Garch {
 public:
  struct Params {
    double volatility = 0.2, drift = 0, alpha = 0.08, beta = 0.9, degrees = 0;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
      field("alpha", &Params::alpha,
            {.min = 0, .max = 1, .doc = "weight of the last squared return"});
      field("beta", &Params::beta, {.min = 0, .max = 1, .doc = "weight of the last variance"});
      field("degrees", &Params::degrees,
            {.min = 0, .max = 1000, .doc = "of freedom of Student innovations; 0: normal"});
    }
  };
  PlainGarch(const Params& p, const ProcessContext& context)
      : Garch({p.volatility, p.drift, p.alpha, 0, p.beta, p.degrees}, context) {
    require_stationary(p.alpha + p.beta, "alpha + beta");
  }
};

class GjrGarch final : public Garch {
 public:
  struct Params {
    double volatility = 0.2, drift = 0, alpha = 0.02, gamma = 0.1, beta = 0.9, degrees = 0;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
      field("alpha", &Params::alpha,
            {.min = 0, .max = 1, .doc = "weight of the last squared return"});
      field("gamma", &Params::gamma,
            {.min = 0, .max = 2, .doc = "further weight of it after a fall (leverage effect)"});
      field("beta", &Params::beta, {.min = 0, .max = 1, .doc = "weight of the last variance"});
      field("degrees", &Params::degrees,
            {.min = 0, .max = 1000, .doc = "of freedom of Student innovations; 0: normal"});
    }
  };
  GjrGarch(const Params& p, const ProcessContext& context)
      : Garch({p.volatility, p.drift, p.alpha, p.gamma, p.beta, p.degrees}, context) {
    require_stationary(p.alpha + p.gamma / 2 + p.beta, "alpha + gamma / 2 + beta");
  }
};

/// log h' = omega + beta log h + theta z + alpha (|z| - E|z|), z normal, omega such that E h is the
/// stated variance.
class Egarch final : public Process {
 public:
  struct Params {
    double volatility = 0.2, drift = 0, alpha = 0.15, theta = -0.08, beta = 0.97;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility, kVolatility);
      field("drift", &Params::drift, kDrift);
      field("alpha", &Params::alpha,
            {.min = 0, .max = 2, .doc = "weight of the size of the last shock"});
      field("theta", &Params::theta,
            {.min = -2,
             .max = 2,
             .doc = "weight of its sign; negative: falls raise the variance (leverage effect)"});
      field("beta", &Params::beta,
            {.min = 0, .max = 0.9999, .doc = "persistence of the log variance"});
    }
  };
  Egarch(const Params& params, const ProcessContext& context)
      : p_(params),
        drift_(params.drift * context.step_years),
        mean_(params.volatility * params.volatility * context.step_years) {
    // log E h = level + sum over i of log E exp(beta^i g(z)); the level is what is left.
    double correction = 0;
    for (double b = 1; b > 1e-12; b *= p_.beta) {
      correction += log_moment(b);
      if (p_.beta == 0) break;
    }
    level_ = std::log(mean_) - correction;
    log_h_ = level_;
  }
  Step step(double shock, double scale) noexcept override {
    const double h = std::exp(log_h_);
    log_h_ = level_ + p_.beta * (log_h_ - level_) + p_.theta * shock +
             p_.alpha * (std::abs(shock) - kMeanSize);
    const double variance = h * scale * scale;
    return {drift_ - variance / 2 + std::sqrt(variance) * shock, variance};
  }
  double typical_variance() const noexcept override { return mean_; }
  void state(Archive& archive) override { archive(log_h_); }

 private:
  static constexpr double kMeanSize = 0.79788456080286535588;  // sqrt(2 / pi)
  static double normal_below(double x) noexcept {
    return 0.5 * std::erfc(-x / std::numbers::sqrt2);
  }
  double log_moment(double b) const noexcept {
    const double up = b * (p_.alpha + p_.theta), down = b * (p_.alpha - p_.theta);
    return std::log(normal_below(up) * std::exp(up * up / 2) +
                    normal_below(down) * std::exp(down * down / 2)) -
           b * p_.alpha * kMeanSize;
  }
  Params p_;
  double drift_, mean_, level_, log_h_;
};

}  // namespace

void add_garch(ProcessRegistry& registry) {
  registry.add<PlainGarch>(
      "garch", "GARCH(1,1): large returns are followed by large returns (Bollerslev 1986).");
  registry.add<GjrGarch>("gjr_garch",
                         "GARCH in which falls raise the variance more than rises (Glosten, "
                         "Jagannathan, Runkle 1993).");
  registry.add<Egarch>("egarch", "Exponential GARCH with normal innovations (Nelson 1991).");
}

}  // namespace walras::engine
