#include "scenarios/scenario.hpp"

#include "engine/base/error.hpp"
#include "engine/data/source.hpp"
#include "engine/sim/market_params.hpp"

#include <fmt/format.h>

namespace walras::scenarios {
namespace {

/// "/a/b=value": the value is JSON where it can be read as such, else text.
void apply(Json& json, const std::string& set) {
  const std::size_t equals = set.find('=');
  if (set.empty() || set[0] != '/' || equals == std::string::npos) {
    fail(Fault::Usage, "--set", fmt::format("expected /json/pointer=value, was {}", set));
  }
  const std::string text = set.substr(equals + 1);
  Json value;
  try {
    value = Json::parse(text, "--set");
  } catch (const Error&) {
    value = Json(text);
  }
  json.set_pointer(set.substr(0, equals), std::move(value));
}

/// Older schema versions are brought to this one here; there is none before the first.
void migrate(const Json& json) {
  const Json* version = json.find("walras");
  if (!version) {
    fail(Fault::Scenario, "/walras", fmt::format("expected the schema version, \"walras\": {}, found none", kSchemaVersion));
  }
  if (!version->is_integer() || version->as_integer() < 1 || version->as_integer() > kSchemaVersion) {
    fail(Fault::Scenario, "/walras",
         fmt::format("expected schema version {}, was {}; a newer file needs a newer walras", kSchemaVersion, version->dump()));
  }
}

template <class Interface, class... Context>
Json component_schema(const Registry<Interface, Context...>& registry) {
  return registry.schema();
}

}  // namespace

Scenario parse_scenario(const Json& json) {
  if (!json.is_object()) fail(Fault::Scenario, "", fmt::format("expected a scenario object, was {}", json.type_name()));
  migrate(json);
  return load<Scenario>(json, "");
}

void with_file(const std::filesystem::path& file, const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    const bool pointer = error.where().empty() || error.where()[0] == '/';
    const bool ours = error.fault() == Fault::Scenario || error.fault() == Fault::Data;
    // A path on disk also begins with "/": only what names a part of the scenario gets the file in front.
    if (!ours || !pointer || std::filesystem::path(error.where()).has_extension()) throw;
    throw Error(error.fault(), error.where().empty() ? file.string() : file.string() + ":" + error.where(), error.message());
  }
}

Scenario read_scenario(const std::filesystem::path& file, const std::vector<std::string>& sets) {
  Json json = Json::read(file);
  for (const std::string& set : sets) apply(json, set);
  Scenario scenario;
  with_file(file, [&] { scenario = parse_scenario(json); });
  return scenario;
}

Json resolve(const Scenario& scenario, const strategies::Registries& registries) {
  Json resolved = dump(scenario);
  Json entries = Json::array();
  for (std::size_t i = 0; i < scenario.strategies.size(); ++i) {
    const StrategyEntry& entry = scenario.strategies[i];
    Json json = Json::object({{"kind", entry.kind}});
    for (const auto& [key, value] : entry.params.as_object()) json[key] = value;
    Json params = registries.strategies.resolve(json, fmt::format("/strategies/{}/params", i));
    std::erase_if(params.as_object(), [](const Json::Member& member) { return member.first == "kind"; });
    Json whole = dump(entry);
    whole["params"] = std::move(params);
    entries.push_back(std::move(whole));
  }
  resolved["strategies"] = std::move(entries);
  return resolved;
}

Json scenario_schema(const strategies::Registries& registries) {
  Json whole = schema<Scenario>();
  whole["$schema"] = "https://json-schema.org/draft/2020-12/schema";
  whole["title"] = "Walras scenario";
  Json& properties = *whole.find("properties");
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  Json source = sources.schema();
  Json definitions = Json::object();
  definitions["source"] = Json::object(
      {{"anyOf", Json::array({Json(source), Json::object({{"type", "array"}, {"items", source}})})}});
  definitions["latency"] = component_schema(registries.engine.latency);
  definitions["fees"] = component_schema(registries.engine.fees);
  definitions["slippage"] = component_schema(registries.engine.slippage);
  definitions["regime"] = component_schema(registries.engine.regimes);
  definitions["generator"] = component_schema(registries.engine.generators);
  definitions["predictor"] = component_schema(registries.predictors);
  definitions["strategy"] = component_schema(registries.strategies);
  const auto refer = [](Json& properties_of, std::string_view key, std::string_view definition) {
    Json& property = properties_of[key];
    const Json* description = property.find("description");
    Json either = Json::object({{"anyOf", Json::array({Json::object({{"$ref", fmt::format("#/$defs/{}", definition)}}),
                                                        Json::object({{"type", "null"}})})}});
    if (description) either["description"] = *description;
    property = std::move(either);
  };
  Json market = schema<engine::MarketParams>();
  refer(*market.find("properties"), "source", "source");
  refer(*market.find("properties"), "generator", "generator");
  refer(*market.find("properties"), "regime", "regime");
  Json venue = schema<engine::VenueParams>();
  refer(*venue.find("properties"), "latency", "latency");
  refer(*venue.find("properties"), "fees", "fees");
  refer(*venue.find("properties"), "slippage", "slippage");
  properties["market"] = std::move(market);
  properties["venue"] = std::move(venue);
  refer(properties, "benchmark", "source");
  whole["$defs"] = std::move(definitions);
  return whole;
}

}  // namespace walras::scenarios
