#pragma once
// Proximal policy optimisation: the clipped kind, with an actor and a critic. Torch-free header.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "agents/agent.hpp"
#include "engine/base/config.hpp"
#include "engine/base/random.hpp"
#include "models/device.hpp"

namespace walras::agents {

struct PpoParams {
  std::int64_t steps = 128, batch = 256, epochs = 10;
  double gamma = 0.99, lambda = 0.95, learning_rate = 3e-4, clip = 0.2, entropy = 0, value = 0.5,
         gradient_clip = 0.5;
  bool decay = true;
  std::vector<std::int64_t> hidden{64, 64};
  models::Device device = models::Device::Cpu;
  static void fields(auto&& field) {
    using P = PpoParams;
    field("steps", &P::steps,
          {.min = 1, .max = 1'000'000, .doc = "of each environment between updates"});
    field("batch", &P::batch,
          {.unit = "rows", .min = 1, .max = 10'000'000, .doc = "rows of a gradient step"});
    field("epochs", &P::epochs, {.min = 1, .max = 1000, .doc = "passes over what was gathered"});
    field("gamma", &P::gamma, {.min = 0, .max = 1, .doc = "discount a step"});
    field("lambda", &P::lambda, {.min = 0, .max = 1, .doc = "of the generalised advantage"});
    field("learning_rate", &P::learning_rate,
          {.min = 1e-9, .max = 10, .doc = "of Adam, at the start"});
    field("clip", &P::clip,
          {.min = 0, .max = 10, .doc = "half width of the ratio's band, at the start"});
    field("decay", &P::decay, {.doc = "learning rate and clip fall linearly to 0"});
    field("entropy", &P::entropy, {.min = 0, .max = 10, .doc = "weight of the policy's entropy"});
    field("value", &P::value, {.min = 0, .max = 100, .doc = "weight of the critic's error"});
    field("gradient_clip", &P::gradient_clip,
          {.min = 1e-6, .max = 1e6, .doc = "largest Euclidean norm of the gradient"});
    field("device", &P::device,
          {.doc = "where to learn; networks this small are faster on the CPU"});
    field("hidden", &P::hidden, {.min = 1, .max = 4096, .doc = "widths of the hidden layers"});
  }
};

/// Weights, draws and batches come from `random`. Throws Error{Scenario} on params that do not fit
/// together.
[[nodiscard]] std::unique_ptr<Agent> make_ppo(const PpoParams& params, const Spaces& spaces,
                                              const Rng& random);

}  // namespace walras::agents
