// Every architecture finds a planted signal that a linear model does not: at least 90 % of the
// information coefficient of the one that knows it. And what must not be found is not found.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "models/catalog.hpp"
#include "models/metrics.hpp"

using namespace walras;
using strategies::Dataset;
using strategies::PredictorContext;

namespace {

using Signal = std::function<double(const float* window, std::size_t channels, std::size_t steps)>;

/// The product of the last two steps of the first channel: mean 0, variance 1.
double product(const float* x, std::size_t, std::size_t steps) {
  return static_cast<double>(x[steps - 1]) * static_cast<double>(x[steps - 2]);
}
/// The energy of the first channel over the window, standardised.
double energy(const float* x, std::size_t, std::size_t steps) {
  double sum = 0;
  for (std::size_t t = 0; t < steps; ++t) sum += static_cast<double>(x[t]) * static_cast<double>(x[t]) - 1;
  return sum / std::sqrt(2.0 * static_cast<double>(steps));
}
/// The product of the last two steps of the first channel, on the window's own scale: standardised in it, as networks that
/// normalise a window or a step see it. Mean 0, variance 1 for normal inputs.
double relative(const float* x, std::size_t, std::size_t steps) {
  const auto n = static_cast<double>(steps);
  double mean = 0, square = 0;
  for (std::size_t t = 0; t < steps; ++t) mean += static_cast<double>(x[t]) / n;
  for (std::size_t t = 0; t < steps; ++t) square += (static_cast<double>(x[t]) - mean) * (static_cast<double>(x[t]) - mean) / n;
  const double product = (static_cast<double>(x[steps - 1]) - mean) * (static_cast<double>(x[steps - 2]) - mean) / square;
  // The standardised add up to 0, their squares to n, their fourth powers to 3 n (n - 1) / (n + 1) in the mean.
  const double expected = -1 / (n - 1), second = (n - 3 * (n - 1) / (n + 1)) / (n - 1);
  return (product - expected) / std::sqrt(second - expected * expected);
}
/// How far a level's two numbers are apart, over the last twelve steps: what is local in the book and lasts. Mean 0, variance 1.
double gaps(const float* x, std::size_t, std::size_t steps) {
  constexpr double kMean = 0.7978845608;  // of |z|, its deviation sqrt(1 - 2 / pi)
  double sum = 0;
  for (std::size_t t = steps - 12; t < steps; ++t)
    sum += (std::abs(static_cast<double>(x[t]) - static_cast<double>(x[steps + t])) / std::sqrt(2.0) - kMean) / std::sqrt(1 - kMean * kMean);
  return sum / std::sqrt(12.0);
}
/// The energy of all channels at the last four steps: where volume or depth is, not its sign.
double depth(const float* x, std::size_t channels, std::size_t steps) {
  double sum = 0;
  for (std::size_t c = 0; c < channels; ++c) {
    for (std::size_t t = steps - 4; t < steps; ++t)
      sum += static_cast<double>(x[c * steps + t]) * static_cast<double>(x[c * steps + t]) - 1;
  }
  return sum / std::sqrt(8.0 * static_cast<double>(channels));
}

struct Planted {
  Dataset data;
  std::vector<float> signal;
};

/// Independent normal inputs; target = ic x signal + noise, variance 1, so that ic is the optimum.
Planted planted(std::size_t rows, std::size_t channels, std::size_t steps, double ic, const Signal& signal, Rng random) {
  Planted made;
  made.data = {.rows = rows, .channels = channels, .window = steps, .outputs = 1, .inputs = {}, .targets = {}, .times = {}};
  const std::size_t width = channels * steps;
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t i = 0; i < width; ++i) made.data.inputs.push_back(static_cast<float>(random.normal()));
    const double known = signal(made.data.inputs.data() + row * width, channels, steps);
    made.signal.push_back(static_cast<float>(known));
    made.data.targets.push_back(static_cast<float>(ic * known + std::sqrt(1 - ic * ic) * random.normal()));
  }
  return made;
}

double coefficient(strategies::Predictor& predictor, const Dataset& data) {
  std::vector<float> predicted(data.rows);
  predictor.predict(data.inputs, predicted);
  return models::information_coefficient(predicted, data.targets);
}

auto predictors() {
  Registry<strategies::Predictor, const PredictorContext&> registry("predictor");
  strategies::add_predictors(registry);
  models::add_models(registry);
  return registry;
}

}  // namespace

TEST_CASE("every architecture reaches 90 % of the known optimum where a linear model is blind") {
  const auto registry = predictors();
  struct Case {
    const char* json;
    std::size_t channels, steps;
    Signal signal;
    double rate;
    std::int64_t epochs;
  };
  const std::vector<Case> cases{
      {R"({"kind": "mlp", "network": {"hidden": [32, 16]}})", 1, 8, product, 3e-3, 12},
      {R"({"kind": "price_cnn", "network": {"channels": 16, "blocks": 2, "features": 16}})", 2, 8, product, 5e-3, 12},
      {R"({"kind": "profile_cnn", "network": {"places": 4, "channels": 12, "blocks": 1, "features": 16}})", 4, 8, depth, 5e-3, 8},
      {R"({"kind": "bilstm", "network": {"hidden": 12, "heads": 2}})", 1, 12, energy, 1e-2, 10},
      {R"({"kind": "lstm", "network": {"hidden": 16, "heads": 2}})", 1, 12, energy, 1e-2, 10},
      {R"({"kind": "transformer", "network": {"width": 16, "heads": 2, "hidden": 32}})", 1, 12, energy, 5e-3, 10},
      {R"({"kind": "hybrid", "network": {"width": 12, "heads": 2, "hidden": 16, "blocks": 1, "layers": 1}})", 1, 12, energy, 5e-3, 8},
      {R"({"kind": "deeplob", "network": {"width": 8, "hidden": 12}})", 4, 24, gaps, 1e-2, 12},
      {R"({"kind": "translob", "network": {"filters": 23, "convolutions": 2, "blocks": 1, "features": 24, "dropout": 0}})", 1, 8, relative, 5e-3, 8},
      {R"({"kind": "tlob", "network": {"width": 16, "layers": 1, "features": 24}})", 2, 12, relative, 5e-3, 8},
  };
  constexpr double kOptimum = 0.4;
  for (const Case& one : cases) {
    CAPTURE(one.json);
    const Planted train = planted(24'000, one.channels, one.steps, kOptimum, one.signal, Rng(41, "train"));
    const Planted test = planted(6'000, one.channels, one.steps, kOptimum, one.signal, Rng(41, "test"));
    Json json = Json::parse(one.json);
    json["training"] = Json::object({{"epochs", one.epochs}, {"patience", one.epochs}, {"gap", 0}, {"batch", 128},
                                     {"schedule", "one_cycle"}, {"learning_rate", one.rate}, {"validation", 0.15}});
    const PredictorContext shape{one.channels, one.steps, 1};
    const auto network = registry.build(json, "", shape), linear = registry.build("linear", "", shape);
    network->fit(train.data, Rng(41, "fit"));
    linear->fit(train.data, Rng(41, "fit"));
    const double optimum = models::information_coefficient(test.signal, test.data.targets);
    const double found = coefficient(*network, test.data), straight = coefficient(*linear, test.data);
    CHECK(optimum == doctest::Approx(kOptimum).epsilon(0.1));
    CHECK(straight <= 0.5 * optimum);
    CHECK(found >= 0.9 * optimum);
    MESSAGE(json.at("kind").as_string() << ": " << found << " of " << optimum << ", linear " << straight);
  }
}

TEST_CASE("fed tomorrow's return, a network takes it; fed noise, it finds nothing") {
  const auto registry = predictors();
  const PredictorContext shape{1, 6, 1};
  const Json json = Json::parse(R"({"kind": "mlp", "network": {"hidden": [16]}, "training": {"epochs": 10, "gap": 0, "learning_rate": 0.005}})");
  const Signal last = [](const float* x, std::size_t, std::size_t steps) { return static_cast<double>(x[steps - 1]); };
  const auto leaky = registry.build(json, "", shape);
  leaky->fit(planted(4'000, 1, 6, 1.0, last, Rng(42, "train")).data, Rng(42, "fit"));
  CHECK(coefficient(*leaky, planted(4'000, 1, 6, 1.0, last, Rng(42, "test")).data) >= 0.9);

  // 40 trainings on independent noise: the coefficients' z-scores are those of chance.
  double sum = 0;
  int beyond = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const auto blind = registry.build(json, "", shape);
    blind->fit(planted(400, 1, 6, 0.0, last, Rng(seed, "train")).data, Rng(seed, "fit"));
    const double z = coefficient(*blind, planted(1'000, 1, 6, 0.0, last, Rng(seed, "test")).data) * std::sqrt(1000.0);
    sum += z;
    beyond += z > 1.645 ? 1 : 0;
  }
  CHECK(std::abs(sum) / std::sqrt(40.0) < 3);
  CHECK(beyond <= 6);  // of 40 at 5 %: 2 + 3 standard errors
}

TEST_CASE("compiled networks are faster than the same through LibTorch, a step many times") {
  strategies::Contests contests;
  models::add_contests(contests);
  const auto median = [](const auto& work) {
    std::vector<double> times;
    for (int i = 0; i < 401; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      work();
      times.push_back(std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count());
    }
    std::ranges::nth_element(times, times.begin() + 200);
    return times[200];
  };
  for (const auto& [name, times_faster] : {std::pair{"latency_mlp", 4.0}, std::pair{"latency_lstm_step", 50.0},
                                           std::pair{"latency_lstm_window", 1.5}, std::pair{"latency_transformer_cached", 5.0}}) {
    const auto contest = contests.at(name)();
    const double ours = median([&] { contest->ours(); }), bare = median([&] { contest->bare(); });
    MESSAGE(name << ": " << ours << " us, a window through LibTorch " << bare << " us, ratio " << bare / ours);
    CHECK(bare > times_faster * ours);
  }
}
