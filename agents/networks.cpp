#include "agents/networks.hpp"

#include <cmath>
#include <string>

namespace walras::agents {
namespace {

torch::Tensor run(const std::vector<std::shared_ptr<models::Linear>>& stack, torch::Tensor signal) {
  for (std::size_t i = 0; i + 1 < stack.size(); ++i) signal = at::tanh(stack[i]->forward(signal));
  return stack.back()->forward(signal);
}

}  // namespace

ActorCritic::ActorCritic(std::int64_t observation, std::int64_t actions,
                         const std::vector<std::int64_t>& hidden, Rng& random)
    : policy_(stack("policy", observation, hidden, actions, 0.01, random)),
      critic_(stack("critic", observation, hidden, 1, 1.0, random)) {}

ActorCritic::Stack ActorCritic::stack(const std::string& name, std::int64_t in,
                                      const std::vector<std::int64_t>& hidden, std::int64_t out,
                                      double last_gain, Rng& random) {
  Stack layers;
  for (std::size_t i = 0; i <= hidden.size(); ++i) {
    const bool last = i == hidden.size();
    const std::int64_t width = last ? out : hidden[i];
    layers.push_back(
        register_module(name + std::to_string(i), std::make_shared<models::Linear>(in, width)));
    models::fill_orthogonal(layers.back()->weight, last ? last_gain : std::sqrt(2.0), random);
    in = width;
  }
  return layers;
}

torch::Tensor ActorCritic::logits(const torch::Tensor& observations) const {
  return run(policy_, observations);
}

torch::Tensor ActorCritic::values(const torch::Tensor& observations) const {
  return run(critic_, observations).squeeze(1);
}

}  // namespace walras::agents
