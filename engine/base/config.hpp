#pragma once
// Typed configuration from one list of fields. A Params struct has defaults in the class and
//     static void fields(auto&& field) { field("entry_ns", &Params::entry_ns, {.unit = "ns", .min = 0, .max = 1e15, .doc = "..."}); }
// From that list come: the strict parser with range checks, the resolved dump, the JSON Schema and
// the table in the documentation. Unknown, duplicate, mistyped and out-of-range keys are errors
// that carry the JSON pointer of the place: "/venue/latency/entry_nss: expected entry_ns, was entry_nss".
// Member types: bool, any integer, double, std::string, enums (specialise EnumNames), std::vector<T>,
// std::optional<T>, std::map<std::string, T>, nested Params structs, and Json (kept raw for a later stage, e.g. {"kind": ...}).
#include "engine/base/json.hpp"

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace walras {

/// What the documentation, the schema and the range check know of one member.
struct Field {
  std::string_view unit = "";  ///< "ns", "bp", "shares", "1/s", ...; empty = plain number or text
  double min = -1e15;          ///< every number has a finite range, ends included
  double max = 1e15;
  bool required = false;
  std::string_view doc = "";
  std::string_view component = "";  ///< for Json members: the registry family it names, e.g. "latency"
};

/// Names of an enum's values, in order; specialise: template <> struct EnumNames<Fill> {
///   static constexpr std::array<std::pair<Fill, std::string_view>, 2> names{{...}}; };
template <class E>
struct EnumNames;

/// Reads P from an object. `where` is the JSON pointer of `json` ("" = root). Throws Error{Scenario}.
template <class P>
P load(const Json& json, const std::string& where = "");
/// Resolved form: every field with its value, defaults included.
template <class P>
Json dump(const P& params);
/// JSON Schema (2020-12) of P.
template <class P>
Json schema();

}  // namespace walras
#include "engine/base/config_impl.hpp"
