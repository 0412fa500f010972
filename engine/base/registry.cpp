#include "engine/base/registry.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::detail {

Chosen choose(const Json& json, const std::string& where, const std::string& family,
              const std::vector<std::string_view>& kinds) {
  Chosen chosen;
  std::string place = where;
  if (json.is_string()) {
    chosen.kind = json.as_string();
    chosen.params = Json::object();
  } else {
    const Json::Object& members = read_object(json, where);
    const Json* kind = json.find("kind");
    if (kind == nullptr) {
      fail(Fault::Scenario, where,
           fmt::format("expected a member \"kind\" that names a {} ({}), was none", family,
                       fmt::join(kinds, ", ")));
    }
    place += "/kind";
    chosen.kind = read_string(*kind, place);
    Json::Object params;
    for (const Json::Member& member : members) {
      if (member.first != "kind") params.push_back(member);
    }
    chosen.params = Json::object(std::move(params));
  }
  if (std::ranges::find(kinds, chosen.kind) == kinds.end()) {
    const std::string_view near = nearest_name(chosen.kind, kinds);
    const std::string hint = near.empty() ? "" : fmt::format(" (did you mean {}?)", near);
    fail(Fault::Scenario, place,
         fmt::format("expected a {}, one of {}, was {}{}", family, fmt::join(kinds, ", "),
                     chosen.kind, hint));
  }
  return chosen;
}

void refuse_duplicate(const std::string& family, std::string_view kind,
                      const std::vector<std::string_view>& kinds) {
  fail(Fault::Scenario, family,
       fmt::format("expected a new kind, was {}, which exists already ({})", kind,
                   fmt::join(kinds, ", ")));
}

Json kind_schema(std::string_view kind, const std::string& doc, const Json& params) {
  Json schema = Json::object({{"type", "object"}});
  if (!doc.empty()) schema["description"] = doc;
  schema["properties"] = Json::object({{"kind", Json::object({{"const", kind}})}});
  Json required = Json::array({Json("kind")});
  // Entries made by hand may be less than a full object schema; what they say is kept.
  if (params.is_object()) {
    for (const auto& [key, value] : params.as_object()) {
      if (key == "properties") {
        for (const auto& [name, property] : value.as_object())
          schema["properties"][name] = property;
      } else if (key == "required") {
        for (const Json& name : value.as_array()) required.push_back(name);
      } else {
        schema[key] = value;
      }
    }
  }
  schema["required"] = std::move(required);
  return schema;
}

Json family_schema(Json kinds, Json bare_names) {
  Json::Array choices;
  if (bare_names.size() > 0) {
    choices.push_back(Json::object({{"type", "string"}, {"enum", std::move(bare_names)}}));
  }
  for (Json& kind : kinds.as_array()) choices.push_back(std::move(kind));
  return Json::object({{"oneOf", Json(std::move(choices))}});
}

Json with_kind(std::string_view kind, Json params) {
  Json::Object members{{"kind", Json(kind)}};
  for (Json::Member& member : params.as_object()) members.push_back(std::move(member));
  return Json::object(std::move(members));
}

}  // namespace walras::detail
