// What agents' learners rest on in LibTorch: PPO's loss, the actor and the critic.
#include "tests/support/torch_doctest.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "agents/losses.hpp"
#include "agents/networks.hpp"
#include "models/net.hpp"

using namespace walras;
using namespace walras::models;

namespace {

torch::Tensor draws(std::initializer_list<std::int64_t> shape, Rng random) {
  torch::Tensor values = torch::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return values;
}

}  // namespace

TEST_CASE("PPO's loss agrees with a computation by hand") {
  // Probabilities are softmax(0, ln 3) = (1/4, 3/4) in both rows; actions 1 and 0; old
  // probabilities 1/2 each.
  const torch::Tensor logits = torch::tensor({0.0F, static_cast<float>(std::log(3.0)), 0.0F,
                                              static_cast<float>(std::log(3.0))})
                                   .view({2, 2});
  const torch::Tensor actions = torch::tensor({std::int64_t{1}, std::int64_t{0}});
  const torch::Tensor old = torch::full({2}, -std::numbers::ln2, torch::kFloat32);
  const torch::Tensor values = torch::tensor({1.0F, 2.0F}), returns = torch::tensor({2.0F, 4.0F});
  // Ratios 1.5 and 0.5. A = (2, -1): min(3, 2.4) and min(-0.5, -0.8), so the policy term is -(2.4 -
  // 0.8) / 2.
  agents::PpoWeights weights{.clip = 0.2, .value = 0.5, .entropy = 0.01, .normalise = false};
  agents::PpoTerms terms = agents::ppo_loss(logits, values, actions, old,
                                            torch::tensor({2.0F, -1.0F}), returns, weights);
  const double entropy = -(0.25 * std::log(0.25) + 0.75 * std::log(0.75));
  CHECK(terms.policy.item<double>() == doctest::Approx(-0.8));
  CHECK(terms.value.item<double>() == doctest::Approx(2.5));
  CHECK(terms.entropy.item<double>() == doctest::Approx(entropy));
  CHECK(terms.total.item<double>() == doctest::Approx(-0.8 + 0.5 * 2.5 - 0.01 * entropy));
  // A = (-2, 1): the clip does not help where it would hide a loss: min(-3, -2.4) and min(0.5,
  // 0.8).
  terms = agents::ppo_loss(logits, values, actions, old, torch::tensor({-2.0F, 1.0F}), returns,
                           weights);
  CHECK(terms.policy.item<double>() == doctest::Approx(1.25));
  // Normalised with n - 1: (2, -1) becomes (1, -1) / sqrt(2).
  weights.normalise = true;
  terms = agents::ppo_loss(logits, values, actions, old, torch::tensor({2.0F, -1.0F}), returns,
                           weights);
  CHECK(terms.policy.item<double>() == doctest::Approx(-(1.2 - 0.8) / std::numbers::sqrt2 / 2));
}

TEST_CASE("an actor's first policy is nearly uniform, and actor and critic share no weight") {
  Rng random(10, "test");
  const agents::ActorCritic network(4, 3, {16, 16}, random);
  const torch::Tensor x = draws({7, 4}, random.child("x"));
  const torch::Tensor policy = at::softmax(network.logits(x), 1);
  CHECK(policy.sizes() == at::IntArrayRef({7, 3}));
  CHECK(at::allclose(policy, torch::full({7, 3}, 1.0 / 3), 0, 0.05));
  network.values(x).sum().backward();
  for (const auto& item : network.named_parameters()) {
    CAPTURE(item.key());
    CHECK(item.value().grad().defined() == item.key().starts_with("critic"));
  }
}
