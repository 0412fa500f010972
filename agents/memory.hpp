#pragma once
// Memory of what an agent did: the rollout of on-policy learners, and the advantages that follow
// from it. Torch-free.
#include <cstdint>
#include <span>
#include <vector>

#include "agents/environment.hpp"

namespace walras::agents {

/// A fixed number of steps of all environments; index [step][environment].
struct Rollout {
  Rollout(const Spaces& spaces, std::size_t steps);

  std::size_t steps, environments, observation;
  std::size_t filled = 0;           ///< steps held
  std::vector<float> observations;  ///< steps x environments x observation
  std::vector<std::int32_t> actions;
  std::vector<float> log_probabilities;  ///< of the action when it was drawn
  std::vector<float> values;             ///< the critic's, of the observation
  std::vector<float> rewards;
  std::vector<float> final_values;  ///< the critic's, of the final observation, where truncated
  std::vector<std::uint8_t> terminated, truncated;
};

/// Generalised advantage estimates. With d(t) = r(t) + gamma v'(t) - v(t), where v'(t) is the next
/// value, 0 after a termination and the final observation's value after a truncation, A(t) = d(t) +
/// gamma lambda A(t+1), and the sum is cut at either end. Shape: `last_values` one an environment,
/// of the observation after the last step; advantages steps x environments. Source: Schulman et al.
/// 2016, equation 16.
void generalised_advantages(const Rollout& rollout, std::span<const float> last_values,
                            double gamma, double lambda, std::span<float> advantages);

}  // namespace walras::agents
