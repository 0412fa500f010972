#pragma once
// Networks of agents.
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "engine/base/random.hpp"
#include "models/layers.hpp"

namespace walras::agents {

/// A policy over discrete actions and a critic, each a stack of tanh layers of its own, with
/// orthogonal weights (gain sqrt(2) inside, 0.01 at the policy's end, 1 at the critic's). Source:
/// Andrychowicz et al. 2021, section 3.2.
class ActorCritic final : public torch::nn::Module {
 public:
  ActorCritic(std::int64_t observation, std::int64_t actions,
              const std::vector<std::int64_t>& hidden, Rng& random);
  torch::Tensor logits(const torch::Tensor& observations) const;  ///< (B, O) -> (B, A)
  torch::Tensor values(const torch::Tensor& observations) const;  ///< (B, O) -> (B)

 private:
  using Stack = std::vector<std::shared_ptr<models::Linear>>;
  Stack stack(const std::string& name, std::int64_t in, const std::vector<std::int64_t>& hidden,
              std::int64_t out, double last_gain, Rng& random);
  Stack policy_, critic_;
};

}  // namespace walras::agents
