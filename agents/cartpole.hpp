#pragma once
// CartPole-v1, to the bit: a learner that cannot balance a pole is not given money.
// Source: Gymnasium 1.4, gymnasium/envs/classic_control/cartpole.py; Barto, Sutton and Anderson
// 1983.
#include <cstdint>
#include <memory>

#include "agents/environment.hpp"
#include "engine/base/random.hpp"

namespace walras::agents {

/// Position (m), speed (m/s), angle from upright (rad), angular speed (rad/s).
struct CartPole {
  double x = 0, x_speed = 0, angle = 0, angle_speed = 0;
  /// Pushes with 10 N to the right (1) or left (0) for 0.02 s. Returns: whether the pole or the
  /// cart is lost.
  bool push(std::int32_t action);
};

/// Reward 1 a step, truncated after 500 steps, restarts uniform in +-0.05.
[[nodiscard]] std::unique_ptr<VectorEnvironment> cartpole(std::size_t environments,
                                                          const Rng& random);

}  // namespace walras::agents
