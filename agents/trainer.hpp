#pragma once
// Runs agents in environments: training, and evaluation without exploring. Torch-free.
#include <cstdint>
#include <vector>

#include "agents/agent.hpp"
#include "agents/environment.hpp"

namespace walras::agents {

struct LearningCurve {
  std::vector<double> mean_return;  ///< of the episodes that ended since the update before;
                                    ///< NaN-free: updates without an end repeat
  std::int64_t steps = 0, episodes = 0, updates = 0;
};

/// Lets the agent act, observe and learn for `steps` environment steps (all environments together,
/// rounded up).
LearningCurve train(Agent& agent, VectorEnvironment& environment, std::int64_t steps);

/// Returns of `episodes` episodes, likeliest actions; each environment contributes equally many
/// (rounded up), so that short episodes are not preferred. Contract: every episode ends.
std::vector<double> evaluate(Agent& agent, VectorEnvironment& environment, std::size_t episodes);

}  // namespace walras::agents
