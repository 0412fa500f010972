#include "agents/memory.hpp"

#include "engine/base/error.hpp"

namespace walras::agents {

Rollout::Rollout(const Spaces& spaces, std::size_t steps_held)
    : steps(steps_held),
      environments(spaces.environments),
      observation(spaces.observation),
      observations(steps * environments * observation),
      actions(steps * environments),
      log_probabilities(steps * environments),
      values(steps * environments),
      rewards(steps * environments),
      final_values(steps * environments),
      terminated(steps * environments),
      truncated(steps * environments) {}

void generalised_advantages(const Rollout& rollout, std::span<const float> last_values,
                            double gamma, double lambda, std::span<float> advantages) {
  expects(last_values.size() == rollout.environments, "one last value an environment");
  expects(advantages.size() == rollout.values.size(), "one advantage a step and environment");
  for (std::size_t environment = 0; environment < rollout.environments; ++environment) {
    double advantage = 0, next_value = last_values[environment];
    for (std::size_t step = rollout.filled; step-- > 0;) {
      const std::size_t i = step * rollout.environments + environment;
      const bool ended = rollout.terminated[i] != 0 || rollout.truncated[i] != 0;
      if (ended) {
        advantage = 0;
        next_value = rollout.truncated[i] != 0 ? rollout.final_values[i] : 0.0F;
      }
      const double value = rollout.values[i];
      advantage = rollout.rewards[i] + gamma * next_value - value + gamma * lambda * advantage;
      advantages[i] = static_cast<float>(advantage);
      next_value = value;
    }
  }
}

}  // namespace walras::agents
