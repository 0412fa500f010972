#include "engine/base/config.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace walras {
namespace {

[[noreturn]] void refuse(const std::string& where, const std::string& message) {
  fail(Fault::Scenario, where, message);
}

/// What a message shows of a value that was not expected.
std::string shown(const Json& json) {
  if (json.is_array() || json.is_object()) return std::string(json.type_name());
  const std::string text = json.dump();
  return text.size() <= 60 ? text : text.substr(0, 57) + "...";
}

std::string with_unit(const Field& field) {
  return field.unit.empty() ? std::string() : fmt::format(" {}", field.unit);
}

std::string number_text(double value) {
  if (std::abs(value) < 1e15 && value == std::trunc(value)) {
    return fmt::format("{}", static_cast<std::int64_t>(value));
  }
  return fmt::format("{:.10g}", value);
}

/// Edits (insert, delete, replace, swap of neighbours) that turn one name into the other.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), next(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    next[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      next[j] = std::min({last[j] + 1, next[j - 1] + 1, last[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        next[j] = std::min(next[j], before[j - 2] + 1);
      }
    }
    std::swap(before, last);
    std::swap(last, next);
  }
  return last[b.size()];
}

Json bound(double value) {
  if (std::abs(value) < 9e18 && value == std::trunc(value)) {
    return Json(static_cast<std::int64_t>(value));
  }
  return Json(value);
}

std::string type_text(const Json& schema) {
  if (const Json* names = schema.find("enum")) {
    std::string text;
    for (const Json& name : names->as_array()) {
      text += fmt::format("{}`{}`", text.empty() ? "" : ", ", name.as_string());
    }
    return text;
  }
  if (const Json* reference = schema.find("$ref")) {
    const std::string& path = reference->as_string();
    return fmt::format("a {}", path.substr(path.rfind('/') + 1));
  }
  if (const Json* choices = schema.find("anyOf")) {
    return type_text(choices->as_array().front()) + " or null";
  }
  const Json* type = schema.find("type");
  if (type == nullptr) return "any";
  if (const Json* items = schema.find("items")) return fmt::format("list of {}", type_text(*items));
  const Json* values = schema.find("additionalProperties");
  if (values != nullptr && values->is_object()) return fmt::format("map to {}", type_text(*values));
  return type->as_string();
}

/// The schema of one element, and how its members are reached from the name.
std::pair<const Json*, std::string> innermost(const Json& schema, std::string name) {
  if (const Json* items = schema.find("items")) return innermost(*items, name + "[]");
  if (const Json* choices = schema.find("anyOf")) {
    return innermost(choices->as_array().front(), std::move(name));
  }
  const Json* values = schema.find("additionalProperties");
  if (values != nullptr && values->is_object()) return innermost(*values, name + ".*");
  return {&schema, std::move(name)};
}

void add_rows(std::string& table, const Json& schema, const std::string& prefix) {
  const Json* properties = schema.find("properties");
  if (properties == nullptr) return;
  for (const auto& [name, property] : properties->as_object()) {
    const auto [inner, path] = innermost(property, prefix + name);
    const auto text = [](const Json* json) {
      return json == nullptr || json->is_null() ? std::string()
             : json->is_string()                ? json->as_string()
                                                : json->dump();
    };
    std::string range;
    if (const Json* low = inner->find("minimum")) {
      range = fmt::format("{} to {}", number_text(low->as_number()),
                          number_text(inner->at("maximum").as_number()));
    }
    const Json* required = schema.find("required");
    const bool needed =
        required != nullptr && std::ranges::count(required->as_array(), Json(name)) > 0;
    const bool nested = inner->find("properties") != nullptr;
    std::string initial = nested && inner == &property ? "" : text(property.find("default"));
    if (!initial.empty()) initial = fmt::format("`{}`", initial);
    table += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", prefix + name, type_text(property),
                         text(property.find("unit")), needed ? "required" : initial, range,
                         text(property.find("description")));
    add_rows(table, *inner, path + ".");
  }
}

}  // namespace

std::string fields_table(const Json& schema) {
  std::string table =
      "| name | type | unit | default | range | meaning |\n|---|---|---|---|---|---|\n";
  add_rows(table, schema, "");
  return table;
}

std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> names) {
  std::string_view nearest;
  std::size_t fewest = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  for (const std::string_view name : names) {
    if (const std::size_t edits = edit_distance(wrong, name); edits < fewest) {
      fewest = edits;
      nearest = name;
    }
  }
  return nearest;
}

std::string unknown_name(std::string_view wrong, std::span<const std::string_view> names) {
  const std::string_view near = nearest_name(wrong, names);
  if (!near.empty()) return fmt::format("expected {}, was {}", near, wrong);
  if (names.empty()) return fmt::format("expected nothing here, was {}", wrong);
  return fmt::format("expected one of {}, was {}", fmt::join(names, ", "), wrong);
}

namespace detail {

void check_members(const Json& json, const std::string& where, const FieldNames& names) {
  for (const auto& [key, value] : read_object(json, where)) {
    if (std::ranges::find(names.all, key) == names.all.end()) {
      refuse(where + '/' + escape_pointer(key), unknown_name(key, names.all));
    }
  }
  for (const std::string_view name : names.required) {
    if (json.find(name) == nullptr) {
      refuse(where, fmt::format("expected a member \"{}\", was none", name));
    }
  }
}

bool read_bool(const Json& json, const std::string& where) {
  if (!json.is_bool()) refuse(where, fmt::format("expected true or false, was {}", shown(json)));
  return json.as_bool();
}

double read_number(const Json& json, const std::string& where, const Field& field) {
  if (!json.is_number()) {
    refuse(where,
           fmt::format("expected a number{}, was {}",
                       field.unit.empty() ? "" : fmt::format(" ({})", field.unit), shown(json)));
  }
  const double value = json.as_number();
  if (!(value >= field.min && value <= field.max)) {
    refuse(where, fmt::format("expected {} to {}{}, was {}", number_text(field.min),
                              number_text(field.max), with_unit(field), shown(json)));
  }
  return value;
}

std::int64_t read_integer(const Json& json, const std::string& where, const Field& field,
                          std::int64_t low, std::int64_t high) {
  const auto bad_range = [&] {
    refuse(where, fmt::format("expected {} to {}{}, was {}",
                              number_text(std::max(field.min, static_cast<double>(low))),
                              number_text(std::min(field.max, static_cast<double>(high))),
                              with_unit(field), shown(json)));
  };
  std::int64_t value = 0;
  if (json.is_integer()) {
    value = json.as_integer();
  } else if (json.is_number() && json.as_number() == std::trunc(json.as_number())) {
    if (std::abs(json.as_number()) >= 9.2e18) bad_range();
    value = static_cast<std::int64_t>(json.as_number());
  } else {
    refuse(where,
           fmt::format("expected an integer{}, was {}",
                       field.unit.empty() ? "" : fmt::format(" ({})", field.unit), shown(json)));
  }
  const auto number = static_cast<double>(value);
  if (value < low || value > high || number < field.min || number > field.max) bad_range();
  return value;
}

const std::string& read_string(const Json& json, const std::string& where) {
  if (!json.is_string()) refuse(where, fmt::format("expected text, was {}", shown(json)));
  return json.as_string();
}

std::size_t read_name(const Json& json, const std::string& where,
                      std::span<const std::string_view> names) {
  if (!json.is_string()) {
    refuse(where, fmt::format("expected one of {}, was {}", fmt::join(names, ", "), shown(json)));
  }
  const auto found = std::ranges::find(names, json.as_string());
  if (found == names.end()) refuse(where, unknown_name(json.as_string(), names));
  return static_cast<std::size_t>(found - names.begin());
}

const Json::Array& read_array(const Json& json, const std::string& where) {
  if (!json.is_array()) refuse(where, fmt::format("expected a list, was {}", shown(json)));
  return json.as_array();
}

const Json::Object& read_object(const Json& json, const std::string& where) {
  if (!json.is_object()) refuse(where, fmt::format("expected an object, was {}", shown(json)));
  return json.as_object();
}

Json number_schema(const Field& field) {
  return Json::object(
      {{"type", "number"}, {"minimum", bound(field.min)}, {"maximum", bound(field.max)}});
}
Json integer_schema(const Field& field, std::int64_t low, std::int64_t high) {
  const double smallest = std::max(field.min, static_cast<double>(low));
  const double largest = std::min(field.max, static_cast<double>(high));
  return Json::object(
      {{"type", "integer"}, {"minimum", bound(smallest)}, {"maximum", bound(largest)}});
}
Json name_schema(std::span<const std::string_view> names) {
  Json choices = Json::array();
  for (const std::string_view name : names) choices.push_back(name);
  return Json::object({{"type", "string"}, {"enum", std::move(choices)}});
}
Json simple_schema(std::string_view type) { return Json::object({{"type", type}}); }
Json array_schema(Json items) {
  return Json::object({{"type", "array"}, {"items", std::move(items)}});
}
Json map_schema(Json values) {
  return Json::object({{"type", "object"}, {"additionalProperties", std::move(values)}});
}
Json optional_schema(Json value) {
  return Json::object({{"anyOf", Json::array({std::move(value), simple_schema("null")})}});
}
Json raw_schema(const Field& field) {
  if (field.component.empty()) return Json::object();
  return Json::object({{"$ref", fmt::format("#/$defs/{}", field.component)}});
}

void add_property(Json& object, std::string_view name, const Field& field, Json property,
                  Json initial) {
  if (field.required) {
    object["required"].push_back(name);
  } else if (!initial.is_null()) {
    property["default"] = std::move(initial);
  }
  if (!field.doc.empty()) property["description"] = field.doc;
  if (!field.unit.empty()) property["unit"] = field.unit;
  object["properties"][name] = std::move(property);
}

Json object_schema() {
  return Json::object(
      {{"type", "object"}, {"properties", Json::object()}, {"additionalProperties", false}});
}

}  // namespace detail
}  // namespace walras
