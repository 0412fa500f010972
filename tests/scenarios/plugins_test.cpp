#include "scenarios/plugins.hpp"

#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <set>

namespace walras::scenarios {
namespace {

const std::filesystem::path kExample = WALRAS_EXAMPLE_PLUGIN;
const std::filesystem::path kForeign = WALRAS_FOREIGN_PLUGIN;

TEST_CASE("a plug-in adds its kinds, with their fields") {
  Modules modules;
  strategies::Registries registries;
  CHECK_FALSE(registries.strategies.contains("contrarian"));
  load_plugin(kExample, "/plugins/0", registries, modules);
  REQUIRE(registries.strategies.contains("contrarian"));
  REQUIRE(modules.loaded.size() == 1);
  CHECK(modules.loaded[0].sha256.size() == 64);
  const Json resolved = registries.strategies.resolve(Json::object({{"kind", "contrarian"}}), "/strategies/0");
  CHECK(resolved.at("down").as_integer() == 3);
  CHECK_THROWS_WITH_AS(registries.strategies.resolve(Json::object({{"kind", "contrarian"}, {"down", 0}}), "/strategies/0"),
                       doctest::Contains("/strategies/0/down"), Error);
}

TEST_CASE("a plug-in named twice is loaded once") {
  Modules modules;
  strategies::Registries registries;
  load_plugin(kExample, "/plugins/0", registries, modules);
  load_plugin(kExample.parent_path() / "." / kExample.filename(), "/plugins/1", registries, modules);
  CHECK(modules.loaded.size() == 1);
}

TEST_CASE("a plug-in of another compiler is refused in words, before it is called") {
  Modules modules;
  strategies::Registries registries;
  CHECK_THROWS_WITH_AS(load_plugin(kForeign, "/plugins/0", registries, modules), doctest::Contains("was built for 'gcc 4'"), Error);
  CHECK(modules.loaded.empty());
}

TEST_CASE("what is no plug-in says so, and where it was named") {
  Modules modules;
  strategies::Registries registries;
  CHECK_THROWS_WITH_AS(load_plugin("absent.so", "/plugins/2", registries, modules), doctest::Contains("/plugins/2: expected a plug-in module, was no file"), Error);
  CHECK_THROWS_WITH_AS(load_plugin(WALRAS_SOURCE_FILE, "/plugins/0", registries, modules), doctest::Contains("expected a plug-in module"), Error);
}

TEST_CASE("the learning kinds that are known without loading are those that the module registers") {
  if (learning_module().empty()) {
    MESSAGE("walras_learning is not built: compared where it is");
    return;
  }
  Modules modules;
  strategies::Registries registries;
  load_learning(registries, modules);
  std::set<std::string> brought;
  for (const auto& [kind, entry] : registries.strategies.entries()) brought.insert(kind);
  for (const auto& [kind, entry] : registries.predictors.entries()) brought.insert(kind);
  std::set<std::string> known(learning_kinds().begin(), learning_kinds().end());
  CHECK(brought == known);
}

TEST_CASE("a learning kind is found at any depth") {
  CHECK(names_learning_kind(Json::parse(R"([{"kind": "model_driven", "params": {"predictor": {"kind": "price_cnn"}}}])")));
  CHECK(names_learning_kind(Json::parse(R"({"strategies": [{"kind": "ppo"}]})")));
  CHECK_FALSE(names_learning_kind(Json::parse(R"({"strategies": [{"kind": "moving_average", "name": "ppo"}]})")));
}

}  // namespace
}  // namespace walras::scenarios
