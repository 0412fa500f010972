#include "agents/trainer.hpp"

#include <algorithm>

namespace walras::agents {

LearningCurve train(Agent& agent, VectorEnvironment& environment, std::int64_t steps) {
  const Spaces spaces = environment.spaces();
  Transitions transitions(spaces);
  std::vector<std::int32_t> actions(spaces.environments);
  std::vector<double> running(spaces.environments);
  LearningCurve curve;
  double sum = 0, mean = 0;
  std::int64_t ended = 0;
  environment.reset(transitions.observations);
  while (curve.steps < steps) {
    agent.act(transitions.observations, /*explore=*/true, actions);
    environment.step(actions, transitions);
    agent.observe(transitions);
    curve.steps += static_cast<std::int64_t>(spaces.environments);
    for (std::size_t i = 0; i < spaces.environments; ++i) {
      running[i] += transitions.rewards[i];
      if (transitions.terminated[i] == 0 && transitions.truncated[i] == 0) continue;
      sum += running[i];
      running[i] = 0;
      ++ended;
      ++curve.episodes;
    }
    if (agent.learn(static_cast<double>(curve.steps) / static_cast<double>(steps))) {
      ++curve.updates;
      if (ended > 0) mean = sum / static_cast<double>(ended);
      curve.mean_return.push_back(mean);
      sum = 0;
      ended = 0;
    }
  }
  return curve;
}

std::vector<double> evaluate(Agent& agent, VectorEnvironment& environment, std::size_t episodes) {
  const Spaces spaces = environment.spaces();
  const std::size_t each = (episodes + spaces.environments - 1) / spaces.environments;
  Transitions transitions(spaces);
  std::vector<std::int32_t> actions(spaces.environments);
  std::vector<double> running(spaces.environments), returns;
  std::vector<std::size_t> ended(spaces.environments);
  environment.reset(transitions.observations);
  while (std::ranges::min(ended) < each) {
    agent.act(transitions.observations, /*explore=*/false, actions);
    environment.step(actions, transitions);
    for (std::size_t i = 0; i < spaces.environments; ++i) {
      running[i] += transitions.rewards[i];
      if (transitions.terminated[i] == 0 && transitions.truncated[i] == 0) continue;
      if (ended[i] < each) returns.push_back(running[i]);
      ++ended[i];
      running[i] = 0;
    }
  }
  return returns;
}

}  // namespace walras::agents
