#pragma once
// Losses of learners, as functions of tensors.
#include "models/torch.hpp"

namespace walras::agents {

struct PpoWeights {
  double clip = 0.2;   ///< half width of the band around a ratio of 1; >= 0
  double value = 0.5;  ///< of the critic's squared error
  double entropy = 0;  ///< of the policy's entropy, as a bonus
  bool normalise =
      true;  ///< advantages of this mini-batch to mean 0 and (n-1) deviation 1, when n > 1
};

/// The parts are those before weighting; `total` is what is minimised.
struct PpoTerms {
  torch::Tensor total, policy, value, entropy;
};

/// Clipped surrogate: policy = -mean min(r A, clip(r, 1 - c, 1 + c) A) with r the ratio of new to
/// old probability of the action; value = mean (v - R)^2; total = policy + value weight x value -
/// entropy weight x entropy. Shape: logits (B, A), actions (B) int64, the others (B). Source:
/// Schulman et al. 2017, equations 7 and 9.
PpoTerms ppo_loss(const torch::Tensor& logits, const torch::Tensor& values,
                  const torch::Tensor& actions, const torch::Tensor& old_log_probabilities,
                  torch::Tensor advantages, const torch::Tensor& returns,
                  const PpoWeights& weights);

}  // namespace walras::agents
