#include "agents/cartpole.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "engine/base/error.hpp"

namespace walras::agents {
namespace {

constexpr double kGravity = 9.8, kCart = 1.0, kPole = 0.1, kTotal = kCart + kPole,
                 kHalfLength = 0.5;
constexpr double kPoleMoment = kPole * kHalfLength, kForce = 10.0, kStep = 0.02;
constexpr double kAngleLimit = 12 * 2 * std::numbers::pi / 360, kPositionLimit = 2.4;
constexpr std::int32_t kTimeLimit = 500;

class CartPoles final : public VectorEnvironment {
 public:
  CartPoles(std::size_t environments, const Rng& random)
      : poles_(environments), steps_(environments) {
    for (std::size_t i = 0; i < environments; ++i) random_.push_back(random.child("cartpole", i));
  }
  [[nodiscard]] Spaces spaces() const override { return {poles_.size(), 4, 2}; }

  void reset(std::span<float> observations) override {
    for (std::size_t i = 0; i < poles_.size(); ++i) {
      restart(i);
      write(i, observations);
    }
  }

  void step(std::span<const std::int32_t> actions, Transitions& out) override {
    expects(actions.size() == poles_.size(), "one action an environment");
    for (std::size_t i = 0; i < poles_.size(); ++i) {
      const bool lost = poles_[i].push(actions[i]);
      ++steps_[i];
      const bool late = !lost && steps_[i] >= kTimeLimit;
      out.rewards[i] = 1.0F;
      out.terminated[i] = lost;
      out.truncated[i] = late;
      if (lost || late) {
        write(i, out.final_observations);
        restart(i);
      }
      write(i, out.observations);
    }
  }

 private:
  void restart(std::size_t i) {
    Rng& random = random_[i];
    CartPole& pole = poles_[i];
    for (double* value : {&pole.x, &pole.x_speed, &pole.angle, &pole.angle_speed})
      *value = random.uniform(-0.05, 0.05);
    steps_[i] = 0;
  }
  void write(std::size_t i, std::span<float> observations) const {
    const CartPole& pole = poles_[i];
    const std::array state{pole.x, pole.x_speed, pole.angle, pole.angle_speed};
    std::ranges::transform(state, observations.begin() + static_cast<std::ptrdiff_t>(4 * i),
                           [](double value) { return static_cast<float>(value); });
  }

  std::vector<CartPole> poles_;
  std::vector<std::int32_t> steps_;
  std::vector<Rng> random_;
};

}  // namespace

bool CartPole::push(std::int32_t action) {
  // The order of operations is the reference's: results are compared bit by bit.
  const double force = action == 1 ? kForce : -kForce;
  const double cosine = std::cos(angle), sine = std::sin(angle);
  const double common = (force + kPoleMoment * (angle_speed * angle_speed) * sine) / kTotal;
  const double angle_acceleration =
      (kGravity * sine - cosine * common) /
      (kHalfLength * (4.0 / 3.0 - kPole * (cosine * cosine) / kTotal));
  const double acceleration = common - kPoleMoment * angle_acceleration * cosine / kTotal;
  x = x + kStep * x_speed;
  x_speed = x_speed + kStep * acceleration;
  angle = angle + kStep * angle_speed;
  angle_speed = angle_speed + kStep * angle_acceleration;
  return x < -kPositionLimit || x > kPositionLimit || angle < -kAngleLimit || angle > kAngleLimit;
}

std::unique_ptr<VectorEnvironment> cartpole(std::size_t environments, const Rng& random) {
  return std::make_unique<CartPoles>(environments, random);
}

}  // namespace walras::agents
