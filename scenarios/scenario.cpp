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

/// One family of kinds: a chapter with a table of parameters for each.
template <class Interface, class... Context>
std::string family_chapter(std::string_view title, std::string_view where, const Registry<Interface, Context...>& registry) {
  std::string text = fmt::format("\n## {}\n\nIn `{}`: `{{\"kind\": ..., parameters}}`, or the bare name of a kind.\n", title, where);
  for (const auto& [kind, entry] : registry.entries()) {
    text += fmt::format("\n### {}\n", kind);
    if (!entry.doc.empty()) text += fmt::format("\n{}\n", entry.doc);
    const Json* properties = entry.schema.find("properties");
    text += properties && properties->size() > 0 ? "\n" + fields_table(entry.schema) : "\nNo parameters.\n";
  }
  return text;
}

/// Parameters of strategies are checked by kind: {"if": kind is X, "then": params as X's schema}.
Json strategy_rules(const strategies::Registries& registries) {
  Json rules = Json::array();
  for (const auto& [kind, entry] : registries.strategies.entries()) {
    Json condition = Json::object({{"properties", Json::object({{"kind", Json::object({{"const", kind}})}})}});
    Json params = entry.schema;
    // What a grid gives need not stand in the params.
    std::erase_if(params.as_object(), [](const Json::Member& member) { return member.first == "required"; });
    Json consequence = Json::object({{"properties", Json::object({{"params", std::move(params)}})}});
    rules.push_back(Json::object({{"if", std::move(condition)}, {"then", std::move(consequence)}}));
  }
  return rules;
}

/// Those of the core, and any other kind with parameters that only the plug-in that brings it knows: the schema is the
/// same whether networks were built or not.
Json predictor_schema(const strategies::Registries& registries) {
  Json core = registries.predictors.schema();
  Json names = Json::array();
  for (const auto& [kind, entry] : registries.predictors.entries()) names.push_back(kind);
  Json foreign = Json::object({{"properties", Json::object({{"kind", Json::object({{"type", "string"}, {"not", Json::object({{"enum", names}})}})}})},
                               {"required", Json::array({"kind"})},
                               {"type", "object"}});
  Json text = Json::object({{"type", "string"}, {"not", Json::object({{"enum", names}})}});
  return Json::object({{"anyOf", Json::array({std::move(core), std::move(foreign), std::move(text)})}});
}

/// Whether an error's place is a pointer into a scenario.
bool is_part(std::string_view where) {
  if (!where.starts_with('/')) return false;
  where.remove_prefix(1);
  static const Json parts = dump(Scenario{});
  return parts.find(where.substr(0, where.find('/'))) != nullptr;
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
    // A path on disk also begins with "/": only what names a part of the scenario gets the file in front. In an error of the
    // scenario itself that may be a part that nobody knows.
    const std::string& where = error.where();
    const bool of_scenario = error.fault() == Fault::Scenario;
    const bool ours = where.empty() ? of_scenario || error.fault() == Fault::Data
                      : is_part(where) || (of_scenario && where[0] == '/' && !std::filesystem::path(where).has_extension());
    if (!ours) throw;
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
  definitions["latency"] = registries.engine.latency.schema();
  definitions["fees"] = registries.engine.fees.schema();
  definitions["slippage"] = registries.engine.slippage.schema();
  definitions["regime"] = registries.engine.regimes.schema();
  definitions["generator"] = registries.engine.generators.schema();
  definitions["process"] = registries.engine.processes.schema();
  definitions["flow"] = registries.engine.flows.schema();
  definitions["dependence"] = registries.engine.dependences.schema();
  definitions["predictor"] = predictor_schema(registries);
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
  Json& strategy = (*properties.find("strategies"))["items"];
  strategy["properties"]["params"] = Json::object({{"type", "object"}, {"description", "Parameters of the kind."}});
  strategy["allOf"] = strategy_rules(registries);
  whole["$defs"] = std::move(definitions);
  return whole;
}

std::string scenario_documentation(const strategies::Registries& registries) {
  std::string text =
      "# The scenario file\n\n"
      "Written by `walras schema --docs`; do not edit. Every member that is not required may be left out. Unknown members are errors.\n\n"
      "## Members\n\n";
  text += fields_table(schema<Scenario>());
  text += "\n## strategies\n\n" + fields_table(schema<StrategyEntry>());
  text += "\n## account\n\n" + fields_table(schema<AccountParams>());
  text += "\n## walk_forward\n\n" + fields_table(schema<WalkForwardParams>());
  text += "\n## evidence\n\n" + fields_table(schema<EvidenceParams>());
  text += "\n## report\n\n" + fields_table(schema<ReportParams>());
  text += "\n## market\n\n" + fields_table(schema<engine::MarketParams>());
  text += "\n## venue\n\n" + fields_table(schema<engine::VenueParams>());
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  text += family_chapter("Sources", "market.source, benchmark", sources);
  text += family_chapter("Generators", "market.generator", registries.engine.generators);
  text += family_chapter("Flows", "flow of the book generator", registries.engine.flows);
  text += family_chapter("Processes", "process of generators", registries.engine.processes);
  text += family_chapter("Dependences", "dependence of generators", registries.engine.dependences);
  text += family_chapter("Regimes", "market.regime", registries.engine.regimes);
  text += family_chapter("Latency", "venue.latency", registries.engine.latency);
  text += family_chapter("Fees", "venue.fees", registries.engine.fees);
  text += family_chapter("Slippage", "venue.slippage", registries.engine.slippage);
  text += family_chapter("Strategies", "strategies, with parameters under params", registries.strategies);
  text += family_chapter("Predictors", "model-driven strategies", registries.predictors);
  return text;
}

}  // namespace walras::scenarios
