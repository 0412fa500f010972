// With WALRAS_EXCHANGE set, cases leave rows and answers there, for tests/oracle/boosted_trees.py.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "strategies/catalog.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

using namespace walras;
using namespace walras::strategies;

namespace {

/// y = x0 x1 + |x2| + noise, of four inputs; with `grid`, inputs are multiples of it.
Dataset bent(std::size_t rows, double noise, double grid, std::uint64_t seed) {
  Rng random(seed, "bent");
  Dataset data{rows, 2, 2, 1, {}, {}, {}};
  for (std::size_t i = 0; i < rows; ++i) {
    std::array<double, 4> x{};
    for (double& value : x) value = grid > 0 ? grid * std::round(random.normal() / grid) : random.normal();
    for (const double value : x) data.inputs.push_back(static_cast<float>(value));
    data.targets.push_back(static_cast<float>(x[0] * x[1] + std::abs(x[2]) + noise * random.normal()));
  }
  return data;
}

std::unique_ptr<Predictor> trees(const char* params) {
  return registries().predictors.build(Json::parse(std::string(R"({"kind": "boosted_trees", )") + params + "}"), "/predictor", {2, 2, 1});
}
std::vector<float> predictions(Predictor& predictor, const Dataset& data) {
  std::vector<float> out(data.rows);
  predictor.predict(data.inputs, out);
  return out;
}
double squared_error(const std::vector<float>& found, const std::vector<float>& wanted) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += (found[i] - wanted[i]) * (found[i] - wanted[i]);
  return sum / static_cast<double>(found.size());
}

}  // namespace

TEST_CASE("one tree of two leaves is the best cut there is, and its means") {
  Dataset data{6, 1, 1, 1, {3, 1, 2, 6, 5, 4}, {0, 0, 0, 9, 9, 3}, {}};
  const auto predictor = registries().predictors.build(
      Json::parse(R"({"kind": "boosted_trees", "trees": 1, "leaves": 2, "min_rows": 1, "learning_rate": 1, "validation": 0})"), "", {1, 1, 1});
  predictor->fit(data, Rng(1, "fit"));
  const std::array<float, 4> inputs{1, 4.5F, 4.51F, 100};
  std::array<float, 4> out{};
  predictor->predict(inputs, out);
  CHECK(out[0] == doctest::Approx(0.75));
  CHECK(out[1] == doctest::Approx(0.75));
  CHECK(out[2] == doctest::Approx(9));
  CHECK(out[3] == doctest::Approx(9));
}

TEST_CASE("what no line can fit is found") {
  const Dataset learn = bent(4'000, 0.1, 0, 1), fresh = bent(2'000, 0.1, 0, 2);
  const auto predictor = trees(R"("trees": 300)");
  predictor->fit(learn, Rng(1, "fit"));
  const auto linear = registries().predictors.build("linear", "", {2, 2, 1});
  linear->fit(learn, Rng(1, "fit"));
  CHECK(squared_error(predictions(*linear, fresh), fresh.targets) > 1);
  CHECK(squared_error(predictions(*predictor, fresh), fresh.targets) < 0.1);
  const Json told = predictor->summary();
  CHECK(told.at("train_rows").as_integer() == 4'000 - 800 - 64);
  CHECK(told.at("validation_loss").as_number() < 0.1);
}

TEST_CASE("noise is left alone: the trees stop where validation does not gain") {
  Dataset data = bent(2'000, 0, 0, 3);
  Rng random(4, "noise");
  for (float& target : data.targets) target = static_cast<float>(random.normal());
  const auto predictor = trees(R"("trees": 500, "patience": 5)");
  predictor->fit(data, Rng(1, "fit"));
  CHECK(predictor->summary().at("trees").as_integer() < 10);
}

TEST_CASE("trees are saved and loaded to the same bits, and nothing else is") {
  const Dataset data = bent(500, 0.1, 0, 5);
  const auto predictor = trees(R"("trees": 20)"), copy = trees(R"("trees": 20)");
  predictor->fit(data, Rng(1, "fit"));
  std::vector<std::byte> bytes;
  predictor->save(bytes);
  copy->load(bytes);
  const std::vector<float> before = predictions(*predictor, data);
  CHECK(predictions(*copy, data) == before);
  for (const std::size_t at : {std::size_t{3}, std::size_t{12}, std::size_t{20}, std::size_t{29}}) {
    std::vector<std::byte> damaged = bytes;
    damaged[at] ^= std::byte{0x7F};
    try {
      copy->load(damaged);  // a changed number may be a sound tree; nothing may go astray in it
      (void)predictions(*copy, data);
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find("boosted_trees") != std::string::npos);
    }
  }
  bytes.pop_back();
  CHECK_THROWS_AS(copy->load(bytes), Error);
}

TEST_CASE("rows that cannot be learned are refused") {
  Dataset data = bent(100, 0, 0, 6);
  data.inputs[9] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH_AS(trees(R"("validation": 0)")->fit(data, Rng(1, "fit")), doctest::Contains("row 2, input 1"), Error);
  CHECK_THROWS_WITH_AS(trees(R"("validation": 0.5)")->fit(bent(100, 0, 0, 6), Rng(1, "fit")), doctest::Contains("gap"), Error);
}

TEST_CASE("answers for scikit-learn to compare") {
  const char* folder = std::getenv("WALRAS_EXCHANGE");
  const auto leave = [folder](const char* name, double grid) {
    const Dataset learn = bent(3'000, 0.3, grid, 7), fresh = bent(1'000, 0.3, grid, 8);
    const auto predictor = trees(R"("validation": 0)");
    predictor->fit(learn, Rng(1, "fit"));
    const std::vector<float> found = predictions(*predictor, fresh);
    CHECK(squared_error(found, fresh.targets) < 0.3);
    if (!folder) return;
    const auto numbers = [](const std::vector<float>& values) {
      Json list = Json::array();
      for (const float value : values) list.push_back(static_cast<double>(value));
      return list;
    };
    write_atomically(std::filesystem::path(folder) / name,
                     Json::object({{"inputs", numbers(learn.inputs)}, {"targets", numbers(learn.targets)},
                                   {"fresh", numbers(fresh.inputs)}, {"truth", numbers(fresh.targets)}, {"found", numbers(found)}}).dump());
  };
  leave("grid.json", 0.1);  // few values: cuts lie between all of them
  leave("fine.json", 0);    // many: cuts are quantiles
}
