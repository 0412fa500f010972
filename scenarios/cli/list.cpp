#include "engine/base/error.hpp"
#include "engine/data/source.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/cli/metrics.hpp"
#include "scenarios/plugins.hpp"
#include "scenarios/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>

namespace walras::scenarios {
namespace {

/// One kind of a family: what it does, its parameters.
struct Kind {
  std::string doc;
  Json defaults, schema;
};
using Families = std::map<std::string, std::map<std::string, Kind>>;

template <class Some>
void collect(const Some& registry, const std::string& family, Families& families) {
  for (const auto& [kind, entry] : registry.entries()) families[family][kind] = {entry.doc, entry.defaults, entry.schema};
}

Families families(Modules& modules) {
  strategies::Registries registries = strategies::registries();
  if (!learning_module().empty()) load_learning(registries, modules);
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  Families all;
  collect(registries.strategies, "strategies", all);
  collect(registries.predictors, "predictors", all);
  collect(registries.engine.latency, "latency", all);
  collect(registries.engine.fees, "fees", all);
  collect(registries.engine.slippage, "slippage", all);
  collect(registries.engine.generators, "generators", all);
  collect(registries.engine.flows, "flows", all);
  collect(registries.engine.processes, "processes", all);
  collect(registries.engine.dependences, "dependences", all);
  collect(registries.engine.regimes, "regimes", all);
  collect(sources, "sources", all);
  return all;
}

/// Scenario files in ./scenarios and those that were installed: path and description.
std::map<std::string, std::string> scenarios() {
  std::map<std::string, std::string> found;
  for (const std::filesystem::path& folder : {std::filesystem::path("scenarios"), std::filesystem::path(WALRAS_DATADIR) / "scenarios"}) {
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
      if (entry.path().extension() != ".json" || entry.path().filename() == "schema.json") continue;
      try {
        const Json json = Json::read(entry.path());
        const Json* text = json.find("description");
        found[entry.path().string()] = text != nullptr && text->is_string() ? text->as_string() : "";
      } catch (const Error& error) {
        found[entry.path().string()] = std::string("unreadable: ") + error.what();
      }
    }
  }
  return found;
}

std::string text_of(const Json* value) {
  if (value == nullptr) return "";
  return value->is_string() ? value->as_string() : value->dump();
}

void print_kind(const std::string& family, const std::string& name, const Kind& kind) {
  std::cout << fmt::format("{} {}: {}\n\n", family, name, kind.doc);
  const Json* properties = kind.schema.find("properties");
  if (properties == nullptr || properties->size() == 0) {
    std::cout << "It has no parameters.\n";
    return;
  }
  TextTable table({"parameter", "default", "range", "meaning"}, true);
  for (const auto& [key, schema] : properties->as_object()) {
    const Json* low = schema.find("minimum");
    const Json* high = schema.find("maximum");
    table.add({key, text_of(kind.defaults.find(key)),
               low != nullptr && high != nullptr ? fmt::format("{} to {}", low->dump(), high->dump()) : text_of(schema.find("enum")),
               text_of(schema.find("description"))});
  }
  std::cout << table.str();
}

int list_metrics(const Arguments& arguments) {
  const std::string name = arguments.text("KIND");
  if (arguments.has("--docs")) std::cout << figures_documentation();
  else if (arguments.has("--json")) print_json("metrics", Json::object({{"metrics", figures_json()}}));
  else std::cout << figures_text(name);
  return 0;
}

int list(const Arguments& arguments) {
  if (arguments.text("FAMILY") == "metrics") return list_metrics(arguments);
  if (arguments.has("--docs")) fail(Fault::Usage, "--docs", "expected `walras list metrics --docs`, was another family");
  Modules modules;   // outlives the registries within families()
  const Families all = families(modules);
  const std::string family = arguments.text("FAMILY"), name = arguments.text("KIND");
  std::vector<std::string> names{"scenarios", "metrics"};
  for (const auto& [key, kinds] : all) names.push_back(key);
  if (!family.empty() && std::ranges::find(names, family) == names.end()) {
    const std::string near = nearest(family, names);
    fail(Fault::Usage, "walras list", fmt::format("expected one of {}, was '{}'{}", fmt::join(names, ", "), family,
                                                  near.empty() ? "" : "; did you mean '" + near + "'?"));
  }
  const auto files = scenarios();
  if (arguments.has("--json")) {
    Json components = Json::object();
    for (const auto& [key, kinds] : all) {
      Json members = Json::object();
      for (const auto& [kind, entry] : kinds) members[kind] = Json::object({{"doc", entry.doc}, {"defaults", entry.defaults}, {"schema", entry.schema}});
      components[key] = members;
    }
    Json listed = Json::array();
    for (const auto& [file, text] : files) listed.push_back(Json::object({{"file", file}, {"description", text}}));
    print_json("list", Json::object({{"scenarios", listed}, {"components", components}}));
    return 0;
  }
  if (!name.empty()) {
    const auto found = all.find(family);
    const auto kind = found == all.end() ? std::map<std::string, Kind>::const_iterator{} : found->second.find(name);
    if (found == all.end() || kind == found->second.end()) {
      std::vector<std::string> kinds;
      if (found != all.end()) {
        for (const auto& [key, entry] : found->second) kinds.push_back(key);
      }
      fail(Fault::Usage, "walras list " + family, fmt::format("expected one of {}, was '{}'", fmt::join(kinds, ", "), name));
    }
    print_kind(family, name, kind->second);
    return 0;
  }
  if (family.empty() || family == "scenarios") {
    std::cout << "scenarios\n";
    for (const auto& [file, text] : files) std::cout << fmt::format("  {:<34} {}\n", file, text);
    if (files.empty()) std::cout << "  none here; `walras new FILE` writes one\n";
  }
  for (const auto& [key, kinds] : all) {
    if (!family.empty() && family != key) continue;
    std::cout << '\n' << key << '\n';
    for (const auto& [kind, entry] : kinds) std::cout << fmt::format("  {:<34} {}\n", kind, entry.doc);
  }
  if (learning_module().empty() && (family.empty() || family == "strategies" || family == "predictors")) {
    std::cout << fmt::format("\nWith the learning plug-in, which is not built here, also: {}\n", fmt::join(learning_kinds(), ", "));
  }
  return 0;
}

}  // namespace

Command list_command() {
  return {"list", "scenarios, and the kinds that a scenario can name", {{"FAMILY", "strategies, fees, sources, metrics, ...", false}, {"KIND", "one of them, with its parameters", false}},
          {{"--json", "", "everything, with schemas"}, {"--docs", "", "docs/metrics.md (metrics only)"}}, {"walras list strategies", "walras list strategies moving_average", "walras list metrics sharpe"}, list};
}

}  // namespace walras::scenarios
