#pragma once
// One gradient step of PPO, apart from the agent so that its cost can be measured.
#include "agents/learners/ppo.hpp"
#include "agents/losses.hpp"
#include "agents/networks.hpp"
#include "models/optimiser.hpp"

namespace walras::agents {

/// What was gathered, as tensors; N = steps x environments.
struct PpoBatch {
  torch::Tensor observations, actions, log_probabilities, advantages,
      returns;  ///< (N, O), (N) int64, (N) ...
};

class PpoStep {
 public:
  PpoStep(ActorCritic& network, const PpoParams& params);
  /// One step on the given rows (int64). Returns: policy, value and entropy terms as numbers
  /// (entropy 0 when unweighted). Throws Error{Numeric} when the loss or a gradient is not finite.
  struct Losses {
    double policy, value, entropy;
  };
  Losses take(const PpoBatch& batch, const torch::Tensor& rows, double rate_share);

 private:
  ActorCritic& network_;
  const PpoParams params_;
  models::AdamW optimiser_;
};

}  // namespace walras::agents
