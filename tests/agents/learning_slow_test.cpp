// Does it learn at all? A learner that cannot balance a pole, or use a return it is shown, is not
// shipped.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "agents/cartpole.hpp"
#include "agents/learners/ppo.hpp"
#include "agents/trainer.hpp"
#include "models/catalog.hpp"

using namespace walras;

TEST_CASE("PPO solves CartPole: mean return 500 over 100 unseen episodes") {
  agents::PpoParams params;  // the settings of the reference results
  params.steps = 32;
  params.batch = 256;
  params.epochs = 20;
  params.gamma = 0.98;
  params.lambda = 0.8;
  params.learning_rate = 1e-3;
  params.clip = 0.2;
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Rng random(seed, "cartpole");
    const auto environment = agents::cartpole(8, random.child("training"));
    const auto agent = agents::make_ppo(params, environment->spaces(), random.child("agent"));
    const agents::LearningCurve curve = agents::train(*agent, *environment, 100'000);
    CHECK(curve.updates == 390);
    const auto unseen = agents::cartpole(20, random.child("evaluation"));
    const std::vector<double> returns = agents::evaluate(*agent, *unseen, 100);
    REQUIRE(returns.size() == 100);
    const double mean = std::accumulate(returns.begin(), returns.end(), 0.0) / 100;
    MESSAGE("seed " << seed << ": mean return " << mean << " after " << curve.steps << " steps");
    CHECK(mean == 500);
  }
}

TEST_CASE("shown tomorrow's return, the price CNN earns at least 90 % of the oracle") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  models::add_models(registry);
  Rng random(11, "leak");
  strategies::Dataset data;
  constexpr std::size_t kRows = 6000, kTrain = 5000, kWindow = 16;
  data.channels = 2;
  data.window = kWindow;
  data.outputs = 1;
  std::vector<double> returns(kRows + kWindow + 1);
  for (double& value : returns) value = 0.01 * random.student_t(4);
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t step = 0; step < kWindow; ++step)
      data.inputs.push_back(static_cast<float>(returns[row + step]));
    for (std::size_t step = 0; step < kWindow; ++step)
      data.inputs.push_back(static_cast<float>(returns[row + step + 1]));
    data.targets.push_back(
        static_cast<float>(returns[row + kWindow]));  // = the last step of channel 1
  }
  strategies::Dataset train = data;
  train.rows = kTrain;
  train.inputs.resize(kTrain * 2 * kWindow);
  train.targets.resize(kTrain);
  const auto model = registry.build(
      Json::parse(R"({"kind": "price_cnn", "training": {"epochs": 10}})"), "", {2, kWindow, 1});
  model->fit(train, Rng(1, "fit"));
  std::vector<float> predicted(kRows - kTrain);
  model->predict(std::span(data.inputs).subspan(kTrain * 2 * kWindow), predicted);
  double earned = 0, oracle = 0;
  for (std::size_t row = kTrain; row < kRows; ++row) {
    const double tomorrow = returns[row + kWindow];
    earned += predicted[row - kTrain] > 0 ? tomorrow : -tomorrow;
    oracle += std::abs(tomorrow);
  }
  MESSAGE("earned " << earned / oracle << " of the oracle");
  CHECK(earned >= 0.9 * oracle);
}
