// Training: optimiser, scaler, split, early stopping, what is refused.
#include "tests/support/torch_doctest.hpp"

#include <cmath>
#include <filesystem>
#include <limits>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "models/catalog.hpp"
#include "models/compiled.hpp"
#include "models/metrics.hpp"
#include "models/optimiser.hpp"
#include "models/training.hpp"
#include "tests/models/draws.hpp"
#include "tests/support/data.hpp"
#include "tests/support/folder.hpp"

using namespace walras;
using namespace walras::models;

namespace {

const NetShape kShape{2, 8};

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
  Regressor model(build_net("price_cnn", {2, 16}, random), 1, random);
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
    Regressor model(build_net("price_cnn", kShape, random), 1, random);
    const Scaler scaler = Scaler::fit(data, split_rows(data, params).train);
    Objective objective({}, scaler.target_mean, scaler.target_scale);
    const TrainingReport report = train(model, objective, data, scaler, params, random);
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
  Regressor model(build_net("price_cnn", kShape, random), 1, random);
  TrainingParams params;
  params.batch = 16;
  torch::Tensor y = draws({64, 1}, random.child("y"));
  Trainer trainer(model, params, draws({64, 2, 8}, random.child("x")) * 1e30, y, random);
  CHECK_THROWS_WITH_AS(trainer.step(2, 1e-3), doctest::Contains("batch 2"), Error);
}


TEST_CASE("schedules are PyTorch's: one cycle and cosine, step by step; warm-up rises to them") {
  const Json all = Json::read(tests::source_root() / "tests/data/networks_oracle.json");
  TrainingParams params;
  params.learning_rate = 0.1;
  for (const auto& [schedule, name] : {std::pair{Schedule::OneCycle, "one_cycle"}, std::pair{Schedule::Cosine, "cosine"}}) {
    params.schedule = schedule;
    const Json::Array& expected = all.at(name).at("values").as_array();
    for (std::int64_t step = 0; step < 20; ++step) {
      CAPTURE(step);
      CHECK(learning_rate(params, step, 20) == doctest::Approx(expected[static_cast<std::size_t>(step)].as_number()).epsilon(1e-9));
    }
  }
  params.schedule = Schedule::Constant;
  params.warm_up = 0.2;
  CHECK(learning_rate(params, 0, 20) == doctest::Approx(0.02));
  CHECK(learning_rate(params, 3, 20) == doctest::Approx(0.08));
  CHECK(learning_rate(params, 4, 20) == 0.1);
}

TEST_CASE("class losses agree with PyTorch's, and the focal loss with its formula") {
  const Json all = Json::read(tests::source_root() / "tests/data/networks_oracle.json");
  torch::Tensor logits = torch::empty({5, 3});
  for (int i = 0; i < 15; ++i) {
    const double u = 43758.5453 * std::sin(12.9898 * (i + 1) + 78.233 * 48);
    logits.data_ptr<float>()[i] = static_cast<float>(4 * (u - std::floor(u) - 0.5));
  }
  // Classes 0, 2, 1, 2, 0 are falls, rises, stays of targets with mean 0 and deviation 1.
  const torch::Tensor targets = torch::tensor({-1.0F, 1.0F, 0.0F, 2.0F, -3.0F}).view({5, 1});
  const std::vector<float> mean{0}, scale{1};
  for (const auto& [smoothing, name] : {std::pair{0.0, "cross_entropy"}, std::pair{0.1, "smoothed_cross_entropy"}}) {
    ObjectiveParams params;
    params.tasks = {Task{.kind = TaskKind::Direction}};
    params.smoothing = smoothing;
    Objective objective(params, mean, scale);
    objective.named_buffers()["class_weights0"].copy_(torch::tensor({0.5F, 1.0F, 2.0F}));
    CHECK(objective.loss(logits, targets).item<double>() ==
          doctest::Approx(all.at(name).at("values").as_array()[0].as_number()).epsilon(1e-5));
    const torch::Tensor answer = objective.decode(logits), p = at::softmax(logits, 1);
    CHECK(at::allclose(answer.squeeze(1), p.select(1, 2) - p.select(1, 0)));
  }
  ObjectiveParams params;
  params.tasks = {Task{.kind = TaskKind::Direction}};
  params.focus = 2;
  const Objective focal(params, mean, scale);
  const torch::Tensor p = at::softmax(logits, 1);
  double expected = 0;
  const int classes[] = {0, 2, 1, 2, 0};
  for (int i = 0; i < 5; ++i) {
    const double hit = p[i][classes[i]].item<double>();
    expected -= (1 - hit) * (1 - hit) * std::log(hit) / 5;
  }
  CHECK(focal.loss(logits, targets).item<double>() == doctest::Approx(expected).epsilon(1e-5));
}

TEST_CASE("several tasks learn one target; quantiles cover what they say, class weights balance") {
  strategies::Dataset data = learnable(600, Rng(21, "test"));
  Rng noise(21, "noise");
  for (float& target : data.targets) target += static_cast<float>(0.003 * noise.normal());
  TrainingParams params;
  params.epochs = 25;
  params.gap = 8;
  params.batch = 64;
  params.learning_rate = 5e-3;
  params.objective.tasks = {Task{.kind = TaskKind::Quantiles}, Task{.kind = TaskKind::Direction}, Task{.kind = TaskKind::Volatility}, Task{.kind = TaskKind::Regime}};
  params.objective.uncertainty = true;
  params.objective.balanced = true;
  const RowSplit split = split_rows(data, params);
  const Scaler scaler = Scaler::fit(data, split.train);
  Objective objective(params.objective, scaler.target_mean, scaler.target_scale);
  CHECK(objective.columns() == 3 + 3 + 1 + 3);
  Rng random(21, "net");
  Regressor model(build_net("mlp", kShape, random), objective.columns(), random);
  const TrainingReport report = train(model, objective, data, scaler, params, random);
  CHECK(report.metrics.at("information_coefficient").as_number() > 0.7);
  CHECK(report.metrics.at("direction").at("accuracy").as_number() > 0.7);
  CHECK(report.metrics.at("direction").at("mcc").as_number() > 0.5);
  CHECK(report.metrics.at("regime").at("accuracy").as_number() > 0.45);  // chance: a third
  CHECK(report.metrics.at("features").at("linear_probe").as_number() > 0.4);
  const torch::Tensor weights = objective.named_parameters()["log_variance"];
  CHECK(weights.abs().min().item<double>() > 1e-3);  // learned
  std::vector<float> x = data.inputs;
  scaler.scale_inputs(x, 8);
  const torch::Tensor out = objective.logits(0, model.forward(torch::from_blob(x.data(), {600, 2, 8})));
  std::vector<float> y = data.targets;
  scaler.scale_targets(y);
  const torch::Tensor below = torch::from_blob(y.data(), {600, 1}) < out.select(2, 2);
  CHECK(below.to(torch::kFloat32).mean().item<double>() == doctest::Approx(0.9).epsilon(0.07));
}

TEST_CASE("a training that is stopped and resumed ends with the same bits") {
  const strategies::Dataset data = learnable(200, Rng(22, "test"));
  for (const bool averaged : {false, true}) {
    CAPTURE(averaged);
    TrainingParams params;
    params.epochs = 6;
    params.gap = 8;
    params.batch = 32;
    params.accumulate = 2;
    params.schedule = averaged ? Schedule::Plateau : Schedule::OneCycle;
    params.augmentation = {.noise = 0.1, .scaling = 0.1, .warp = 0.2, .mixup = 0.4, .jitter = 2};
    params.curriculum = Curriculum::Volatility;
    if (averaged) params.ema = 0.9;
    params.objective.tasks = {Task{}, Task{.kind = TaskKind::Direction}};
    params.objective.uncertainty = true;
    const Scaler scaler = Scaler::fit(data, split_rows(data, params).train);
    const auto run = [&](const std::string& folder, int stop_after) {
      TrainingParams mine = params;
      mine.checkpoints = folder;
      Rng random(22, "net");
      Objective objective(mine.objective, scaler.target_mean, scaler.target_scale);
      Regressor model(build_net(Json::parse(R"({"kind": "mlp", "hidden": [6], "dropout": 0.2})"), kShape, random), objective.columns(), random);
      int epochs = 0;
      const TrainingReport report = train(model, objective, data, scaler, mine, random,
          [&](const TrainingReport&) { return ++epochs != stop_after; });
      std::vector<NamedArray> all = copy_out(model);
      for (NamedArray& array : copy_out(objective)) all.push_back(std::move(array));
      return std::pair{all, report};
    };
    const tests::TemporaryFolder folder;
    const auto [whole, whole_report] = run("", 0);
    CHECK(run(folder.path().string(), 2).second.epochs == 2);
    CHECK(run(folder.path().string(), 2).second.epochs == 4);
    const auto [resumed, report] = run(folder.path().string(), 0);
    CHECK(report.resumed);
    CHECK(report.epochs == whole_report.epochs);
    CHECK(report.train_curve == whole_report.train_curve);
    CHECK(report.validation_curve == whole_report.validation_curve);
    CHECK((resumed == whole));
    // A damaged checkpoint is refused, not used.
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      std::string text = read_text(entry.path());
      text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
      write_atomically(entry.path(), text);
    }
    CHECK_THROWS_WITH_AS(run(folder.path().string(), 0), doctest::Contains("checksum"), Error);
  }
}

TEST_CASE("accumulated batches make the step of one large batch") {
  std::vector<std::vector<NamedArray>> ends;
  for (const std::int64_t parts : {1, 4}) {
    Rng random(23, "net");
    Regressor model(build_net("mlp", kShape, random), 1, random);
    TrainingParams params;
    params.batch = 64 / parts;
    params.accumulate = parts;
    Trainer trainer(model, params, draws({64, 2, 8}, random.child("x")), draws({64, 1}, random.child("y")), random.child("batches"));
    for (std::size_t batch = 0; batch < trainer.batches(); ++batch) trainer.step(batch, 1e-2);
    ends.push_back(copy_out(model));
  }
  for (std::size_t i = 0; i < ends[0].size(); ++i) {
    for (std::size_t j = 0; j < ends[0][i].values.size(); ++j)
      CHECK(ends[0][i].values[j] == doctest::Approx(ends[1][i].values[j]).epsilon(1e-4).scale(1e-2));
  }
}

TEST_CASE("shorter formats learn, too, and leave no trace on the thread") {
  for (const Precision precision : {Precision::Bfloat16, Precision::Float16}) {
    Rng random(24, "net");
    Regressor model(build_net("mlp", kShape, random), 1, random);
    TrainingParams params;
    params.batch = 32;
    params.precision = precision;
    Trainer trainer(model, params, draws({32, 2, 8}, random.child("x")), draws({32, 1}, random.child("y")), random.child("batches"));
    const double before = trainer.step(0, 3e-3);
    double after = before;
    for (int step = 0; step < 200; ++step) after = trainer.step(0, 3e-3);
    CHECK(before > 0.5);
    CHECK(after < 0.1);
    CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  }
  LossScaler scaler(Precision::Float16, torch::kCPU);
  std::vector<torch::Tensor> gradients{torch::tensor({65536.0F, 131072.0F})};
  CHECK(scaler.unscale(gradients));
  CHECK(gradients[0][1].item<double>() == 2);
  gradients[0][0] = std::numeric_limits<float>::infinity();
  CHECK_FALSE(scaler.unscale(gradients));
  CHECK(scaler.factor() == 32768);
}

TEST_CASE("weights decay, biases do not; averages are those of their formulas") {
  torch::Tensor w = torch::ones({2, 2}).requires_grad_(), b = torch::ones({2}).requires_grad_();
  AdamW optimiser({b, w}, {.weight_decay = 0.5, .decay_vectors = false});
  optimiser.zero_gradients();
  optimiser.step(0.1);
  CHECK(w[0][0].item<double>() == doctest::Approx(0.95));
  CHECK(b[0].item<double>() == 1);
}

TEST_CASE("altered windows look back only, and hold their shape") {
  const torch::Tensor ramp = torch::arange(32).to(torch::kFloat32).view({1, 1, 32}).expand({64, 1, 32}).contiguous();
  const Altered moved = alter(ramp, {.warp = 0.5, .jitter = 4}, Rng(25, "test"));
  CHECK((moved.inputs <= ramp + 1e-5).all().item<bool>());
  const torch::Tensor differences = moved.inputs.narrow(2, 1, 31) - moved.inputs.narrow(2, 0, 31);
  CHECK((differences >= -1e-4).all().item<bool>());
  CHECK_FALSE(at::equal(moved.inputs, ramp));
  const Altered again = alter(ramp, {.warp = 0.5, .jitter = 4}, Rng(25, "test"));
  CHECK(at::equal(moved.inputs, again.inputs));
  const Altered mixed = alter(ramp, {.mixup = 0.4}, Rng(26, "test"));
  CHECK(mixed.share >= 0.5);
  CHECK(mixed.other.numel() == 64);
}

TEST_CASE("a curriculum begins with calm rows") {
  torch::Tensor x = torch::zeros({9, 1, 6});
  for (std::int64_t row = 0; row < 9; ++row) {
    for (std::int64_t step = 0; step < 6; ++step)
      x[row][0][step] = static_cast<double>((row * 4) % 9) * (step % 2 == 0 ? 1.0 : -1.0);
  }
  const std::vector<std::uint32_t> order = rows_by_difficulty(Curriculum::Volatility, x);
  CHECK(order == std::vector<std::uint32_t>{0, 7, 5, 3, 1, 8, 6, 4, 2});
  CHECK(rows_by_difficulty(Curriculum::None, x).empty());
}

TEST_CASE("metrics agree with scikit-learn's and with closed forms") {
  // scikit-learn 1.7: y = 0 1 2 2 1 0 2 2, guesses 0 2 2 2 1 1 2 0.
  const std::vector<std::int32_t> truth{0, 1, 2, 2, 1, 0, 2, 2};
  const int guesses[] = {0, 2, 2, 2, 1, 1, 2, 0};
  std::vector<float> p;
  for (const int guess : guesses) {
    for (int c = 0; c < 3; ++c) p.push_back(c == guess ? 0.8F : 0.1F);
  }
  const ClassMetrics metrics = class_metrics(truth, p, 3);
  CHECK(metrics.accuracy == doctest::Approx(0.625));
  CHECK(metrics.macro_f1 == doctest::Approx(0.5833333333333334));
  CHECK(metrics.weighted_f1 == doctest::Approx(0.625));
  CHECK(metrics.mcc == doctest::Approx(0.4));
  CHECK(metrics.calibration_error == doctest::Approx(0.175).epsilon(1e-4));
  const std::vector<float> a{1, 2, 3, 4}, b{1, 8, 27, 64}, c{5, 5, 5, 5};
  CHECK(rank_information_coefficient(a, b) == doctest::Approx(1));
  CHECK(information_coefficient(a, b) == doctest::Approx(0.9514).epsilon(1e-3));
  CHECK(information_coefficient(a, c) == 0);
  CHECK_THROWS_AS((void)class_metrics({}, {}, 3), Error);
  // A feature that is the target, one that is its size, one that is noise.
  Rng random(27, "test");
  std::vector<float> features, target;
  for (int i = 0; i < 4000; ++i) {
    const auto y = static_cast<float>(random.normal());
    target.push_back(y);
    for (const float value : {y, std::abs(y), static_cast<float>(random.normal())}) features.push_back(value);
  }
  const FeatureQuality quality = feature_quality(features, 3, target);
  CHECK(quality.correlation[0] == doctest::Approx(1));
  CHECK(std::abs(quality.correlation[1]) < 0.06);
  CHECK(quality.information[0] == doctest::Approx(std::log(8)).epsilon(0.02));
  CHECK(quality.information[1] > 1);  // seen although not correlated
  CHECK(quality.information[2] < 0.01);
  CHECK(quality.probe > 0.99);
}

TEST_CASE("compiled networks give, step by step and by the window, what LibTorch gives in one pass over the stream") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  for (const char* json :
       {R"({"kind": "mlp", "network": {"hidden": [9, 7]}})", R"({"kind": "lstm", "network": {"hidden": 6, "heads": 0}})",
        R"({"kind": "price_cnn", "network": {"channels": 5, "blocks": 3, "frames": [1, 3], "batch_norm": true, "features": 6}})",
        R"({"kind": "transformer", "network": {"width": 12, "heads": 3, "layers": 2, "hidden": 10}})",
        R"({"kind": "transformer", "network": {"width": 12, "heads": 2, "scales": 2, "positions": "none"}})"}) {
    CAPTURE(json);
    Json parsed = Json::parse(json);
    parsed["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 16})");
    const strategies::PredictorContext context{2, 8, 2};
    const auto predictor = registry.build(parsed, "", context);
    strategies::Dataset data = learnable(40, Rng(32, "test"));
    data.outputs = 2;
    data.targets.resize(80, 0.01F);
    predictor->fit(data, Rng(32, "fit"));
    std::vector<std::byte> saved;
    predictor->save(saved);
    const models::Archive archive = models::Archive::read(saved, "test");
    const auto compiled = compile(archive);

    Json network = archive.description.at("network");
    network["kind"] = parsed.at("kind");
    Rng random(32, "net");
    Regressor model(build_net(network, kShape, random), 2, random);
    copy_in(model, archive);
    model.eval();
    const bool causal = model.net().causal();
    const torch::Tensor raw = draws({1, 2, 50}, random.child("stream")) * 0.02;
    const auto column = [&archive](const char* name, std::int64_t n) {
      return torch::tensor(archive.at(name, std::vector<std::int64_t>{n}).values);
    };
    const torch::Tensor scaled = (raw - column("scaler.input_mean", 2).view({1, 2, 1})) / column("scaler.input_scale", 2).view({1, 2, 1});
    for (int pass = 0; pass < 2; ++pass) {  // the second after a reset
      compiled->reset();
      double worst = 0;
      for (std::int64_t step = 0; step < 50; ++step) {
        const std::array<float, 2> channels{raw[0][0][step].item<float>(), raw[0][1][step].item<float>()};
        std::array<float, 2> outputs{};
        compiled->push(channels, outputs);
        torch::Tensor features;
        if (causal) {
          if (step % 7 != 0 && step != 49) continue;
          features = model.net().sequence(scaled.narrow(2, 0, step + 1)).select(2, step);
        } else {
          if (step < 7) continue;
          features = model.net().forward(scaled.narrow(2, step - 7, 8));
        }
        const auto head = model.named_parameters();
        const torch::Tensor y = at::linear(features, head["head.weight"], head["head.bias"]);
        for (int o = 0; o < 2; ++o) {
          const double expected = y[0][o].item<double>();
          const double found = (static_cast<double>(outputs[static_cast<std::size_t>(o)]) - column("scaler.target_mean", 2)[o].item<double>()) /
                               column("scaler.target_scale", 2)[o].item<double>();
          worst = std::max(worst, std::abs(found - expected));
        }
      }
      CHECK(worst < 1e-5);
    }
    double worst = 0;
    for (std::int64_t first = 0; first < 30; first += 6) {
      const torch::Tensor shown = raw.narrow(2, first, 8).contiguous();
      std::array<float, 2> outputs{};
      compiled->window({shown.data_ptr<float>(), 16}, outputs);
      const auto head = model.named_parameters();
      const torch::Tensor y = at::linear(model.net().forward(scaled.narrow(2, first, 8)), head["head.weight"], head["head.bias"]);
      for (int o = 0; o < 2; ++o) {
        const double found = (static_cast<double>(outputs[static_cast<std::size_t>(o)]) - column("scaler.target_mean", 2)[o].item<double>()) /
                             column("scaler.target_scale", 2)[o].item<double>();
        worst = std::max(worst, std::abs(found - y[0][o].item<double>()));
      }
    }
    CHECK(worst < 1e-5);
  }
}

namespace {
/// Draws of deviation 2.
std::vector<float> normals(Rng& random, double mean, std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(mean + 2 * random.normal()));
  return values;
}

/// A saved network through LibTorch: what a predictor without fused kernels gives of a window.
struct ByLibTorch {
  ByLibTorch(const models::Archive& archive, const std::string& kind, const strategies::PredictorContext& shape)
      : channels(static_cast<std::int64_t>(shape.channels)), steps(static_cast<std::int64_t>(shape.window)),
        objective(load<ObjectiveParams>(archive.description.at("objective"), ""), of(archive, "scaler.target_mean", shape.outputs),
                  of(archive, "scaler.target_scale", shape.outputs)) {
    Rng random(1, "by libtorch");
    Json network = archive.description.at("network");
    network["kind"] = kind;
    model = std::make_shared<Regressor>(build_net(network, {channels, steps}, random), objective.columns(), random);
    copy_in(*model, archive);
    copy_in(objective, archive, "objective.");
    model->eval();
    mean = torch::tensor(of(archive, "scaler.input_mean", shape.channels)).view({1, channels, 1});
    scale = torch::tensor(of(archive, "scaler.input_scale", shape.channels)).view({1, channels, 1});
    target_mean = torch::tensor(of(archive, "scaler.target_mean", shape.outputs));
    target_scale = torch::tensor(of(archive, "scaler.target_scale", shape.outputs));
  }
  static std::vector<float> of(const models::Archive& archive, const char* name, std::size_t count) {
    return archive.at(name, std::vector<std::int64_t>{static_cast<std::int64_t>(count)}).values;
  }
  std::vector<float> operator()(std::vector<float> window) {
    const c10::InferenceMode inference;
    const torch::Tensor x = (torch::tensor(window).view({1, channels, steps}) - mean) / scale;
    torch::Tensor y = objective.decode(model->forward(x))[0];
    if (objective.restores()) y = y * target_scale + target_mean;
    y = y.contiguous();
    return {y.data_ptr<float>(), y.data_ptr<float>() + y.numel()};
  }
  std::int64_t channels, steps;
  Objective objective;
  std::shared_ptr<Regressor> model;
  torch::Tensor mean, scale, target_mean, target_scale;
};
}  // namespace

TEST_CASE("a predictor's answers are LibTorch's, whatever its first task is") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  const strategies::PredictorContext shape{3, 24, 2};
  for (const char* tasks : {R"([{"kind": "value"}])", R"([{"kind": "quantiles"}, {"kind": "value"}])", R"([{"kind": "direction"}, {"kind": "volatility"}])",
                            R"([{"kind": "regime"}])", R"([{"kind": "volatility"}, {"kind": "value"}])"}) {
    for (const char* kind : {"mlp", "lstm", "price_cnn", "transformer", "tlob"}) {
      CAPTURE(tasks);
      CAPTURE(kind);
      Json asked = Json::object({{"kind", kind}});
      if (std::string(kind) == "lstm") asked["network"] = Json::parse(R"({"heads": 0})");  // else LibTorch's own way
      asked["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 16, "objective": {}})");
      asked["training"]["objective"]["tasks"] = Json::parse(tasks);
      const auto predictor = registry.build(asked, "", shape);
      Rng random(34, "test");
      const auto numbers = [&random](std::size_t count) { return normals(random, 1, count); };
      predictor->fit({60, 3, 24, 2, numbers(60 * 72), numbers(120), {}}, Rng(34, "fit"));
      std::vector<std::byte> saved;
      predictor->save(saved);
      ByLibTorch torch(models::Archive::read(saved, "test"), kind, shape);
      const std::vector<float> windows = numbers(5 * 72);
      std::vector<float> found(10);
      predictor->predict(windows, found);
      for (std::size_t row = 0; row < 5; ++row) {
        const std::vector<float> expected = torch({windows.begin() + static_cast<std::ptrdiff_t>(row * 72), windows.begin() + static_cast<std::ptrdiff_t>(row * 72 + 72)});
        for (std::size_t o = 0; o < 2; ++o) CHECK(std::abs(found[row * 2 + o] - expected[o]) < 2e-5F);
      }
    }
  }
}

TEST_CASE("a window that is the last one moved on is answered to the bit like one that nobody has seen the like of") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  const strategies::PredictorContext shape{4, 26, 2};
  const std::size_t width = 4 * 26, rows = 3, length = 120;
  for (const char* json : {R"({"kind": "mlp"})", R"({"kind": "deeplob", "network": {"width": 6, "hidden": 5}})", R"({"kind": "lstm", "network": {"heads": 0, "hidden": 6}})",
                           R"({"kind": "price_cnn", "network": {"channels": 5, "blocks": 2, "frames": [1, 3], "features": 6}})",
                           R"({"kind": "price_cnn", "network": {"channels": 5, "blocks": 5, "features": 6}})", R"({"kind": "transformer", "network": {"width": 12, "heads": 3}})"}) {
    CAPTURE(json);
    Json asked = Json::parse(json);
    asked["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 16})");
    const auto walking = registry.build(asked, "", shape);
    Rng random(35, "test");
    const auto numbers = [&random](std::size_t count) { return normals(random, 1, count); };
    walking->fit({40, 4, 26, 2, numbers(40 * width), numbers(80), {}}, Rng(35, "fit"));
    std::vector<std::byte> saved;
    walking->save(saved);
    const std::vector<float> stream = numbers(rows * 4 * length);  // [row][channel][step]
    const auto show = [&](std::size_t row, std::size_t first, float* to) {
      for (std::size_t c = 0; c < 4; ++c) std::copy_n(stream.data() + (row * 4 + c) * length + first, 26, to + c * 26);
    };
    for (std::size_t first = 0; first + 26 <= length; first += 1 + random.below(6)) {  // now and then too far to slide
      const std::size_t shown = 1 + random.below(rows);                                  // rows come and go
      std::vector<float> windows(shown * width), found(shown * 2), expected(shown * 2);
      for (std::size_t row = 0; row < shown; ++row) show((row + first / 40) % rows, first, windows.data() + row * width);
      walking->predict(windows, found);
      const auto fresh = registry.build(asked, "", shape);
      fresh->load(saved);
      fresh->predict(windows, expected);
      CHECK(found == expected);
    }
  }
}

TEST_CASE("a compiled DeepLOB gives, event by event, what LibTorch gives of the last window") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  const std::size_t channels = 8, window = 26;
  const auto predictor = registry.build(Json::parse(R"({"kind": "deeplob", "network": {"width": 6, "hidden": 5},
    "training": {"epochs": 2, "gap": 0, "batch": 8}})"), "", {channels, window, 2});
  Rng random(33, "test");
  const auto numbers = [&random](std::size_t count) { return normals(random, 3, count); };
  strategies::Dataset data{40, channels, window, 2, numbers(40 * channels * window), numbers(80), {}};
  predictor->fit(data, Rng(33, "fit"));
  std::vector<std::byte> saved;
  predictor->save(saved);
  const models::Archive archive = models::Archive::read(saved, "test");
  const std::vector<float> mean = archive.at("scaler.input_mean", std::vector<std::int64_t>{8}).values;
  const auto compiled = compile(archive), of_windows = compile(archive);
  ByLibTorch torch(archive, "deeplob", {channels, window, 2});
  const std::vector<float> stream = numbers(70 * channels);
  for (int pass = 0; pass < 2; ++pass) {  // the second after a reset
    compiled->reset();
    for (std::size_t step = 0; step < 70; ++step) {
      std::vector<float> found(2), at_once(2), shown(channels * window);
      compiled->push({stream.data() + step * channels, channels}, found);
      for (std::size_t c = 0; c < channels; ++c) {
        for (std::size_t t = 0; t < window; ++t)  // before the stream: zeros after scaling
          shown[c * window + t] = step + t + 1 >= window ? stream[(step + t + 1 - window) * channels + c] : mean[c];
      }
      of_windows->window(shown, at_once);
      const std::vector<float> expected = torch(shown);
      for (std::size_t o = 0; o < 2; ++o) {
        CHECK(std::abs(found[o] - expected[o]) < 4e-5F);  // targets deviate by 2
        CHECK(std::abs(at_once[o] - expected[o]) < 4e-5F);
      }
    }
  }
}

TEST_CASE("what is no number stays none through a compiled network") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  add_models(registry);
  for (const char* json : {R"({"kind": "mlp"})", R"({"kind": "price_cnn", "network": {"channels": 4, "blocks": 2, "features": 4}})", R"({"kind": "lstm", "network": {"heads": 0, "hidden": 4}})",
                           R"({"kind": "transformer", "network": {"width": 8, "heads": 2}})", R"({"kind": "deeplob", "network": {"width": 4, "hidden": 4}})"}) {
    CAPTURE(json);
    Json asked = Json::parse(json);
    asked["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 16})");
    const auto predictor = registry.build(asked, "", {4, 24, 1});
    strategies::Dataset data{30, 4, 24, 1, std::vector<float>(30 * 96), std::vector<float>(30), {}};
    Rng random(36, "test");
    for (float& value : data.inputs) value = static_cast<float>(random.normal());
    for (float& value : data.targets) value = static_cast<float>(random.normal());
    predictor->fit(data, Rng(36, "fit"));
    std::vector<float> window(data.inputs.begin(), data.inputs.begin() + 96), answer(1);
    window[95] = std::numeric_limits<float>::quiet_NaN();
    predictor->predict(window, answer);
    CHECK(std::isnan(answer[0]));
  }
}

TEST_CASE("descriptions of shapes that no network has are refused before anything is computed") {
  const auto refused = [](const char* json) {
    models::Archive archive;
    archive.description = Json::parse(json);
    CHECK_THROWS_AS((void)compile(archive), Error);
  };
  const std::string rest = R"("objective": {"tasks": [{"kind": "value"}]}})";
  const auto transformer = [&](const char* heads, const char* width, const char* scales) {
    return std::string(R"({"kind": "transformer", "channels": 2, "window": 8, "outputs": 1, "network": {"width": )") + width + R"(, "heads": )" + heads +
           R"(, "scales": )" + scales + R"(, "layers": 1, "hidden": 4, "causal": true, "positions": "rotary", "attention": "softmax"}, )" + rest;
  };
  for (const auto& one : {transformer("4", "4", "1"), transformer("0", "4", "1"), transformer("2", "4", "0"), transformer("4", "10", "1"), transformer("-2", "4", "1")}) refused(one.c_str());
  for (const char* shape : {R"("channels": 2, "window": 0)", R"("channels": 0, "window": 8)", R"("channels": 2, "window": 4611686018427387904)", R"("channels": -1, "window": 8)"})
    refused((std::string(R"({"kind": "mlp", "outputs": 1, "network": {"hidden": [4]}, )") + shape + ", " + rest).c_str());
  for (const char* channels : {"2", "6"})
    refused((std::string(R"({"kind": "deeplob", "outputs": 1, "window": 30, "network": {"width": 4, "hidden": 4}, "channels": )") + channels + ", " + rest).c_str());
  refused((std::string(R"({"kind": "deeplob", "outputs": 1, "window": 10, "network": {"width": 4, "hidden": 4}, "channels": 8, )") + rest).c_str());
  refused((std::string(R"({"kind": "price_cnn", "outputs": 1, "window": 10, "channels": 2, "network": {"channels": 4, "features": 4, "kernel": 0, "blocks": 1, "heads": 0,
    "frames": [1], "batch_norm": false}, )") + rest).c_str());
  refused(R"({"kind": "mlp", "channels": 2, "window": 8, "outputs": 1, "network": {"hidden": [4]}, "objective": {"tasks": [{"kind": "quantiles", "levels": []}]}})");
}

TEST_CASE("compiled networks of other forms are refused by name") {
  models::Archive archive;
  archive.description = Json::parse(R"({"kind": "tlob", "network": {}, "channels": 2, "window": 8, "outputs": 1,
    "objective": {"tasks": [{"kind": "value"}]}})");
  CHECK_THROWS_WITH_AS((void)compile(archive), doctest::Contains("was tlob"), Error);
  archive.description["kind"] = "mlp";
  archive.description["network"] = Json::parse(R"({"hidden": [4]})");
  CHECK_THROWS_WITH_AS((void)compile(archive), doctest::Contains("net.layer0."), Error);
}
