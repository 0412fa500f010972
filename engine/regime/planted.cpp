// Returns with a planted signal: what the best predictor knows of the next one is known.
#include "engine/regime/process.hpp"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

namespace walras::engine {

enum class Pattern : std::uint8_t { Momentum, Agreement };

}  // namespace walras::engine

namespace walras {

template <>
struct EnumNames<engine::Pattern> {
  using E = engine::Pattern;
  static constexpr std::array<std::pair<E, std::string_view>, 2> names{
      {{E::Momentum, "momentum"}, {E::Agreement, "agreement"}}};
};

}  // namespace walras

namespace walras::engine {
namespace {

/// change / sigma = s f + sqrt(1 - s^2) z with f in {-1, 1} a function of the changes before. So the
/// change keeps its variance, and f correlates with it by s: no predictor of one step does better.
class Planted final : public Process {
 public:
  struct Params {
    double volatility = 0.2, drift = 0, strength = 0.2;
    std::int64_t lag = 5;
    Pattern pattern = Pattern::Agreement;
    static void fields(auto&& field) {
      field("volatility", &Params::volatility,
            {.unit = "1/sqrt(year)", .min = 0, .max = 10, .doc = "of the log price, a year"});
      field("drift", &Params::drift,
            {.unit = "1/year", .min = -10, .max = 10, .doc = "growth of the mean price, a year"});
      field("strength", &Params::strength,
            {.min = 0, .max = 1, .doc = "information coefficient of the best predictor of the next step"});
      field("lag", &Params::lag, {.unit = "steps", .min = 1, .max = 4096, .doc = "that each sum of changes spans"});
      field("pattern", &Params::pattern,
            {.doc = "momentum: the sign of the last `lag` changes' sum. agreement: whether it is "
                    "that of the `lag` before, which linear models hardly see"});
    }
  };
  Planted(const Params& params, const ProcessContext& context)
      : pattern_(params.pattern),
        drift_(params.drift * context.step_years),
        sigma_(params.volatility * std::sqrt(context.step_years)),
        strength_(params.strength),
        noise_(std::sqrt(1 - params.strength * params.strength)),
        lag_(static_cast<std::size_t>(params.lag)),
        past_(2 * lag_) {}
  Step step(double shock, double scale) noexcept override {
    const double standardised = strength_ * signal() + noise_ * shock;
    past_[steps_++ % past_.size()] = standardised;
    const double sigma = sigma_ * scale;
    return {drift_ - sigma * sigma / 2 + sigma * standardised, sigma * sigma};
  }
  double typical_variance() const noexcept override { return sigma_ * sigma_; }

 private:
  [[nodiscard]] double signal() const noexcept {
    if (steps_ < past_.size()) return 0;
    // Summed anew, oldest first, so that no rounding builds up.
    double before = 0, last = 0;
    for (std::size_t i = 0; i < lag_; ++i) {
      before += past_[(steps_ + i) % past_.size()];
      last += past_[(steps_ + lag_ + i) % past_.size()];
    }
    const double sign = last >= 0 ? 1 : -1;
    return pattern_ == Pattern::Momentum ? sign : sign * (before >= 0 ? 1 : -1);
  }

  Pattern pattern_;
  double drift_, sigma_, strength_, noise_;
  std::size_t lag_, steps_ = 0;
  std::vector<double> past_;  // of standardised changes, the last 2 lags
};

}  // namespace

void add_planted(ProcessRegistry& registry) {
  registry.add<Planted>("planted", "a signal of known strength among the past changes");
}

}  // namespace walras::engine
