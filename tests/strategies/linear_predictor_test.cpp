#include "engine/base/error.hpp"
#include "strategies/catalog.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace walras;
using namespace walras::strategies;

namespace {

Dataset noisy_plane(std::size_t rows) {
  Rng random(1, "plane");
  Dataset data{rows, 2, 2, 2, {}, {}, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    std::array<double, 4> x{};
    for (double& value : x) value = random.normal();
    x[3] = 7;  // a constant input
    for (const double value : x) data.inputs.push_back(static_cast<float>(value));
    data.targets.push_back(static_cast<float>(1 + 2 * x[0] - x[1] + 0.01 * random.normal()));
    data.targets.push_back(static_cast<float>(-3 + 0.5 * x[2] + 0.01 * random.normal()));
  }
  return data;
}

std::unique_ptr<Predictor> linear(const char* json = R"({"kind": "linear", "penalty": 1e-6})") {
  return registries().predictors.build(Json::parse(json), "/predictor", {2, 2, 2});
}

}  // namespace

TEST_CASE("a linear relation is found, for several rows at once") {
  const auto predictor = linear();
  predictor->fit(noisy_plane(2'000), Rng(1, "fit"));
  const std::array<float, 8> inputs{1, 2, 3, 7, 0, 0, 0, 7};
  std::array<float, 4> outputs{};
  predictor->predict(inputs, outputs);
  CHECK(outputs[0] == doctest::Approx(1.0).epsilon(0.01));
  CHECK(outputs[1] == doctest::Approx(-1.5).epsilon(0.01));
  CHECK(outputs[2] == doctest::Approx(1.0).epsilon(0.01));
  CHECK(outputs[3] == doctest::Approx(-3.0).epsilon(0.01));
  CHECK(predictor->summary().at("parameters").as_integer() == 10);
}

TEST_CASE("the penalty shrinks: with one standardised input, weight = covariance / (1 + penalty)") {
  Dataset data{4, 1, 1, 1, {-1, -1, 1, 1}, {-2, -2, 2, 2}, {}};
  const auto predictor = registries().predictors.build(
      Json::parse(R"({"kind": "linear", "penalty": 1})"), "", {1, 1, 1});
  predictor->fit(data, Rng(1, "fit"));
  const float input = 1;
  float output = 0;
  predictor->predict({&input, 1}, {&output, 1});
  CHECK(output == doctest::Approx(1.0));
}

TEST_CASE("a saved predictor predicts the same bits; other bytes are refused") {
  const auto predictor = linear(), copy = linear();
  predictor->fit(noisy_plane(100), Rng(1, "fit"));
  std::vector<std::byte> bytes;
  predictor->save(bytes);
  copy->load(bytes);
  const std::array<float, 4> input{0.1F, 0.2F, 0.3F, 7};
  std::array<float, 2> first{}, second{};
  predictor->predict(input, first);
  copy->predict(input, second);
  CHECK(first == second);
  bytes.pop_back();
  CHECK_THROWS_AS(copy->load(bytes), Error);
}

TEST_CASE("NaN among the training data is an error that names row and input") {
  Dataset data = noisy_plane(10);
  data.inputs[4 * 3 + 1] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(linear()->fit(data, Rng(1, "fit")),
                       "training data, row 3, input 1: expected a finite number, was nan", Error);
}
