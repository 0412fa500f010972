// Everything that needs LibTorch: layers, the price CNN, training, PPO's loss.
#include "tests/support/torch_doctest.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "agents/losses.hpp"
#include "agents/networks.hpp"
#include "engine/base/error.hpp"
#include "models/nets/price_cnn.hpp"
#include "models/optimiser.hpp"
#include "models/training.hpp"

using namespace walras;
using namespace walras::models;

namespace {

torch::Tensor draws(std::initializer_list<std::int64_t> shape, Rng random) {
  torch::Tensor values = torch::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return values;
}

/// Targets are a fixed function of the windows: the last step's first channel minus the step
/// before's second.
strategies::Dataset learnable(std::size_t rows, Rng random) {
  strategies::Dataset data;
  data.rows = rows;
  data.channels = 2;
  data.window = 8;
  data.outputs = 1;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < 16; ++i)
      data.inputs.push_back(static_cast<float>(0.01 * random.normal()));
    const float* window = data.inputs.data() + row * 16;
    data.targets.push_back(0.5F * window[7] - 0.3F * window[14]);
  }
  return data;
}

}  // namespace

TEST_CASE("a price CNN maps (B, C, T) to (B, H) and its sequence to (B, H, T)") {
  use_one_thread();
  for (const std::int64_t blocks : {1, 3, 5}) {
    CAPTURE(blocks);
    Rng random(1, "test");
    const auto net =
        price_cnn({.channels = 6, .blocks = blocks, .kernel = 3, .features = 4}, 3, random);
    const torch::Tensor x = draws({5, 3, 20}, random.child("x"));
    CHECK(net->forward(x).sizes() == at::IntArrayRef({5, 4}));
    CHECK(net->sequence(x).sizes() == at::IntArrayRef({5, 4, 20}));
    // Not to the bit: the last layer's kernel sums in another order over one step than over all.
    CHECK(at::allclose(net->forward(x), net->sequence(x).select(2, 19), 1e-5, 1e-6));
    CHECK(parameter_count(*net) == 3 * 6 + 6 + blocks * (6 * 6 * 3 + 6 + 6 * 6 + 6) + 6 * 4 + 4);
  }
}

TEST_CASE("a changed future input moves no earlier output by a single bit") {
  Rng random(2, "test");
  const auto net = price_cnn({.channels = 16, .blocks = 3, .kernel = 3, .features = 8}, 4, random);
  const torch::Tensor x = draws({3, 4, 32}, random.child("x"));
  const torch::Tensor y = net->sequence(x);
  for (const std::int64_t step : {0, 1, 7, 20, 31}) {
    CAPTURE(step);
    torch::Tensor changed = x.clone();
    changed.narrow(2, step, 32 - step) += 1000.0;
    const torch::Tensor z = net->sequence(changed);
    CHECK(at::equal(y.narrow(2, 0, step), z.narrow(2, 0, step)));
    CHECK_FALSE(at::equal(y.select(2, step), z.select(2, step)));
  }
}

TEST_CASE("gradients of the price CNN agree with finite differences") {
  Rng random(3, "test");
  auto net = price_cnn({.channels = 4, .blocks = 2, .kernel = 3, .features = 3}, 2, random);
  Regressor model(net, 1, random);
  model.to(torch::kFloat64);
  const torch::Tensor x = draws({6, 2, 12}, random.child("x")).to(torch::kFloat64);
  const torch::Tensor y = draws({6, 1}, random.child("y")).to(torch::kFloat64);
  const auto loss = [&] { return at::mse_loss(model.forward(x), y); };
  loss().backward();
  const torch::NoGradGuard no_grad;
  constexpr double kStep = 1e-6;
  for (torch::Tensor& parameter : model.parameters()) {
    const torch::Tensor flat = parameter.view(-1), gradient = parameter.grad().view(-1);
    for (std::int64_t i = 0; i < flat.numel(); i += 5) {
      const double value = flat[i].item<double>();
      flat[i] = value + kStep;
      const double above = loss().item<double>();
      flat[i] = value - kStep;
      const double below = loss().item<double>();
      flat[i] = value;
      // Central differences in double: rounding 1e-16 / 1e-6 plus curvature x 1e-12.
      CHECK(gradient[i].item<double>() ==
            doctest::Approx((above - below) / (2 * kStep)).epsilon(1e-4).scale(1e-3));
    }
  }
}

TEST_CASE("orthogonal weights are orthonormal along the shorter side") {
  Rng random(4, "test");
  for (const auto& [rows, columns] : {std::pair{8, 3}, std::pair{3, 8}, std::pair{5, 5}}) {
    torch::Tensor weight = torch::empty({rows, columns});
    fill_orthogonal(weight, 2.0, random);
    const torch::Tensor product = rows < columns ? weight.mm(weight.t()) : weight.t().mm(weight);
    CHECK(at::allclose(product, 4 * torch::eye(std::min(rows, columns)), 1e-5, 1e-5));
  }
}

TEST_CASE("AdamW takes the steps of the paper's algorithm, and clipping bounds the joint norm") {
  torch::Tensor p = torch::tensor({1.0F, -2.0F}).requires_grad_();
  AdamW optimiser({p}, {.weight_decay = 0.1});
  double m[2] = {}, v[2] = {}, expected[2] = {1, -2};
  for (int step = 1; step <= 5; ++step) {
    optimiser.zero_gradients();
    (p * p).sum().backward();  // gradient 2p
    optimiser.step(0.05);
    for (int i = 0; i < 2; ++i) {
      const double g = 2 * expected[i];
      m[i] = 0.9 * m[i] + 0.1 * g;
      v[i] = 0.999 * v[i] + 0.001 * g * g;
      const double m_hat = m[i] / (1 - std::pow(0.9, step)),
                   v_hat = v[i] / (1 - std::pow(0.999, step));
      expected[i] -= 0.05 * 0.1 * expected[i] + 0.05 * m_hat / (std::sqrt(v_hat) + 1e-8);
      CHECK(p[i].item<double>() == doctest::Approx(expected[i]).epsilon(1e-5));
    }
  }
  optimiser.zero_gradients();
  (p * torch::tensor({30.0F, 40.0F})).sum().backward();
  CHECK(optimiser.clip(1.0) == doctest::Approx(50));
  CHECK(p.grad().norm().item<double>() == doctest::Approx(1));
  CHECK(optimiser.clip(7.0) == doctest::Approx(1));
  CHECK(p.grad().norm().item<double>() == doctest::Approx(1));
}

TEST_CASE("a network overfits one batch") {
  Rng random(5, "test");
  Regressor model(price_cnn({}, 2, random), 1, random);
  TrainingParams params;
  params.batch = 32;
  params.weight_decay = 0;
  Trainer trainer(model, params, draws({32, 2, 16}, random.child("x")),
                  draws({32, 1}, random.child("y")), random.child("batches"));
  const double before = trainer.step(0, 3e-3);
  double after = before;
  for (int step = 0; step < 400; ++step) after = trainer.step(0, 3e-3);
  CHECK(before > 0.5);
  CHECK(after < 0.01);
}

TEST_CASE("the scaler knows the training rows only") {
  strategies::Dataset data = learnable(200, Rng(6, "test"));
  const Scaler before = Scaler::fit(data, 120);
  for (std::size_t i = 120 * 16; i < data.inputs.size(); ++i) data.inputs[i] = 1e6F;
  for (std::size_t i = 120; i < data.targets.size(); ++i) data.targets[i] = -1e6F;
  const Scaler after = Scaler::fit(data, 120);
  CHECK(before.input_mean == after.input_mean);
  CHECK(before.input_scale == after.input_scale);
  CHECK(before.target_mean == after.target_mean);
  CHECK(before.target_scale == after.target_scale);

  std::vector<float> scaled(data.inputs.begin(), data.inputs.begin() + 120 * 16);
  before.scale_inputs(scaled, 8);
  for (const std::size_t channel : {0U, 1U}) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < scaled.size(); ++i) {
      if (i / 8 % 2 != channel) continue;
      sum += scaled[i];
      squares += scaled[i] * scaled[i];
    }
    CHECK(sum / 960 == doctest::Approx(0).scale(1).epsilon(1e-5));
    CHECK(squares / 960 == doctest::Approx(1).epsilon(1e-4));
  }
  std::vector<float> targets(data.targets.begin(), data.targets.begin() + 120);
  before.scale_targets(targets);
  before.restore_targets(targets);
  for (std::size_t i = 0; i < 120; ++i)
    CHECK(targets[i] == doctest::Approx(data.targets[i]).epsilon(1e-5).scale(1e-3));
}

TEST_CASE("a constant channel is not blown up by scaling") {
  strategies::Dataset data = learnable(50, Rng(7, "test"));
  for (std::size_t i = 0; i < data.inputs.size(); ++i) {
    if (i / 8 % 2 == 1) data.inputs[i] = 0.1F;
  }
  CHECK(Scaler::fit(data, 50).input_scale[1] == 1.0F);
}

TEST_CASE("rows are split by time, with the gap in steps") {
  strategies::Dataset data;
  TrainingParams params;
  params.validation = 0.25;
  params.gap = 3;
  data.rows = 40;
  CHECK(split_rows(data, params).train == 27);
  CHECK(split_rows(data, params).validation == 30);
  for (std::int64_t row = 0; row < 40; ++row) data.times.push_back(row / 2);  // two instruments
  CHECK(split_rows(data, params).train == 24);
  CHECK(split_rows(data, params).validation == 30);
  params.validation = 0;
  CHECK(split_rows(data, params).train == 40);
  CHECK(split_rows(data, params).validation == 40);
  params.validation = 0.25;
  params.gap = 14;
  CHECK_THROWS_AS((void)split_rows(data, params), Error);
}

TEST_CASE("early stopping keeps the weights of the best epoch") {
  const strategies::Dataset data = learnable(400, Rng(8, "test"));
  TrainingParams params;
  params.epochs = 60;
  params.patience = 4;
  params.gap = 8;
  params.batch = 32;
  params.learning_rate = 3e-3;
  for (const Schedule schedule : {Schedule::Constant, Schedule::Cosine, Schedule::Plateau}) {
    params.schedule = schedule;
    Rng random(8, "net");
    Regressor model(price_cnn({}, 2, random), 1, random);
    const Scaler scaler = Scaler::fit(data, split_rows(data, params).train);
    const TrainingReport report = train(model, data, scaler, params, random);
    CHECK(report.validation_loss < 0.2);  // of a variance of 1
    CHECK(report.best_epoch <= report.epochs);
    CHECK(report.epochs - report.best_epoch <= params.patience);

    std::vector<float> inputs(data.inputs.begin() + 320 * 16, data.inputs.end());
    std::vector<float> targets(data.targets.begin() + 320, data.targets.end());
    scaler.scale_inputs(inputs, 8);
    scaler.scale_targets(targets);
    const torch::Tensor x = torch::from_blob(inputs.data(), {80, 2, 8}),
                        y = torch::from_blob(targets.data(), {80, 1});
    CHECK(at::mse_loss(model.forward(x), y).item<double>() ==
          doctest::Approx(report.validation_loss).epsilon(1e-5));
  }
}

TEST_CASE("what is not finite stops training and says where") {
  strategies::Dataset data = learnable(64, Rng(9, "test"));
  data.inputs[37 * 16 + 8 + 5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(
      check_finite(data, 10),
      "training data: expected finite inputs, was nan in row 37 (batch 3), feature 1, step 5",
      Error);
  data = learnable(64, Rng(9, "test"));
  data.targets[12] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH_AS(
      check_finite(data, 10),
      "training data: expected finite targets, was inf in row 12 (batch 1), output 0", Error);

  Rng random(9, "net");
  Regressor model(price_cnn({}, 2, random), 1, random);
  TrainingParams params;
  params.batch = 16;
  torch::Tensor y = draws({64, 1}, random.child("y"));
  Trainer trainer(model, params, draws({64, 2, 8}, random.child("x")) * 1e30, y, random);
  CHECK_THROWS_WITH_AS(trainer.step(2, 1e-3), doctest::Contains("batch 2"), Error);
}

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
