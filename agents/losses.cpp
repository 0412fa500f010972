#include "agents/losses.hpp"

namespace walras::agents {

PpoTerms ppo_loss(const torch::Tensor& logits, const torch::Tensor& values,
                  const torch::Tensor& actions, const torch::Tensor& old_log_probabilities,
                  torch::Tensor advantages, const torch::Tensor& returns,
                  const PpoWeights& weights) {
  if (weights.normalise && advantages.size(0) > 1) {
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8);
  }
  const torch::Tensor log_policy = at::log_softmax(logits, 1);
  const torch::Tensor chosen = log_policy.gather(1, actions.unsqueeze(1)).squeeze(1);
  const torch::Tensor ratio = at::exp(chosen - old_log_probabilities);
  const torch::Tensor clipped = ratio.clamp(1.0 - weights.clip, 1.0 + weights.clip);
  PpoTerms terms;
  terms.policy = -at::min(ratio * advantages, clipped * advantages).mean();
  terms.value = at::mse_loss(values, returns);
  terms.total = terms.policy + weights.value * terms.value;
  if (weights.entropy != 0) {  // otherwise it costs a third of the step and changes nothing
    terms.entropy = -(log_policy.exp() * log_policy).sum(1).mean();
    terms.total = terms.total - weights.entropy * terms.entropy;
  }
  return terms;
}

}  // namespace walras::agents
