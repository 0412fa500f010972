#include "engine/base/config.hpp"
#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <string>

namespace walras {

enum class Colour : std::uint8_t { Red, Green };
template <>
struct EnumNames<Colour> {
  static constexpr std::array<std::pair<Colour, std::string_view>, 2> names{
      {{Colour::Red, "red"}, {Colour::Green, "green"}}};
};

}  // namespace walras

using namespace walras;

namespace {

struct Inner {
  double share = 0.5;
  static void fields(auto&& field) {
    field("share", &Inner::share, {.unit = "fraction", .min = 0, .max = 1, .doc = "of volume"});
  }
};

struct Outer {
  std::int64_t entry_ns = 50'000;
  std::uint8_t levels = 10;
  bool on = true;
  std::string name = "x";
  Colour colour = Colour::Green;
  std::vector<int> windows{5, 20};
  std::optional<double> limit;
  std::map<std::string, double> weights;
  Inner inner;
  std::vector<Inner> parts;
  Json latency;
  static void fields(auto&& field) {
    field("entry_ns", &Outer::entry_ns, {.unit = "ns", .min = 0, .doc = "decision to venue"});
    field("levels", &Outer::levels);
    field("on", &Outer::on);
    field("name", &Outer::name, {.required = true});
    field("colour", &Outer::colour);
    field("windows", &Outer::windows, {.unit = "bars", .min = 1, .max = 100});
    field("limit", &Outer::limit, {.min = 0});
    field("weights", &Outer::weights, {.min = 0, .max = 1});
    field("inner", &Outer::inner);
    field("parts", &Outer::parts);
    field("latency", &Outer::latency, {.component = "latency"});
  }
};

std::string message_of(const std::string& text) {
  try {
    (void)load<Outer>(Json::parse(text), "/venue");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::Scenario);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("every kind of member is read, and dumped in its resolved form") {
  const Outer params = load<Outer>(Json::parse(
      R"({"entry_ns": 1e6, "levels": 3, "on": false, "name": "n", "colour": "red", "windows": [1, 2],
          "limit": 7, "weights": {"A": 0.25}, "inner": {"share": 1}, "parts": [{}, {"share": 0}], "latency": {"kind": "x"}})"));
  CHECK(params.entry_ns == 1'000'000);
  CHECK(params.levels == 3);
  CHECK(params.colour == Colour::Red);
  CHECK(params.limit == 7.0);
  CHECK(params.parts.size() == 2);
  CHECK(
      dump(params).dump() ==
      R"({"entry_ns":1000000,"levels":3,"on":false,"name":"n","colour":"red","windows":[1,2],"limit":7.0,)"
      R"("weights":{"A":0.25},"inner":{"share":1.0},"parts":[{"share":0.5},{"share":0.0}],"latency":{"kind":"x"}})");
  CHECK(dump(load<Outer>(dump(params))) == dump(params));
  const Outer defaults = load<Outer>(Json::parse(R"({"name": "n"})"));
  CHECK(defaults.entry_ns == 50'000);
  CHECK(!defaults.limit);
}

TEST_CASE("what is wrong is reported where it was written") {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {R"({"name": "n", "entry_nss": 7})", "/venue/entry_nss: expected entry_ns, was entry_nss"},
      {R"({"entry_ns": 7})", "/venue: expected a member \"name\", was none"},
      {R"({"name": "n", "zzz": 7})",
       "/venue/zzz: expected one of entry_ns, levels, on, name, colour, windows, limit, weights, "
       "inner, parts, "
       "latency, was zzz"},
      {R"({"name": "n", "entry_ns": -1})", "/venue/entry_ns: expected 0 to 1e+15 ns, was -1"},
      {R"({"name": "n", "entry_ns": 1.5})", "/venue/entry_ns: expected an integer (ns), was 1.5"},
      {R"({"name": "n", "entry_ns": 1e300})",
       "/venue/entry_ns: expected 0 to 1e+15 ns, was 1e+300"},
      {R"({"name": "n", "entry_ns": "5 ms"})",
       "/venue/entry_ns: expected an integer (ns), was \"5 ms\""},
      {R"({"name": "n", "levels": 256})", "/venue/levels: expected 0 to 255, was 256"},
      {R"({"name": "n", "on": 1})", "/venue/on: expected true or false, was 1"},
      {R"({"name": 3})", "/venue/name: expected text, was 3"},
      {R"({"name": "n", "colour": "grene"})", "/venue/colour: expected green, was grene"},
      {R"({"name": "n", "colour": "blue"})", "/venue/colour: expected one of red, green, was blue"},
      {R"({"name": "n", "windows": [5, 0]})", "/venue/windows/1: expected 1 to 100 bars, was 0"},
      {R"({"name": "n", "windows": 5})", "/venue/windows: expected a list, was 5"},
      {R"({"name": "n", "limit": -0.5})", "/venue/limit: expected 0 to 1e+15, was -0.5"},
      {R"({"name": "n", "weights": {"a/b": 2}})", "/venue/weights/a~1b: expected 0 to 1, was 2"},
      {R"({"name": "n", "inner": {"share": 1.5}})",
       "/venue/inner/share: expected 0 to 1 fraction, was 1.5"},
      {R"({"name": "n", "parts": [{}, {"shares": 1}]})",
       "/venue/parts/1/shares: expected share, was shares"},
      {R"({"name": "n", "inner": null})", "/venue/inner: expected an object, was null"},
      {R"([])", "/venue: expected an object, was array"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK(message_of(one.text) == one.message);
  }
  CHECK(message_of(R"({"name": "n", "limit": null})") == "accepted");
}

TEST_CASE("the schema has types, ranges, defaults and descriptions") {
  const Json json = schema<Outer>();
  CHECK(json.at("additionalProperties").as_bool() == false);
  CHECK(json.at("required").dump() == R"(["name"])");
  CHECK(
      json.pointer("/properties/entry_ns")->dump() ==
      R"({"type":"integer","minimum":0,"maximum":1000000000000000,"default":50000,"description":"decision to venue","unit":"ns"})");
  CHECK(json.pointer("/properties/levels")->dump() ==
        R"({"type":"integer","minimum":0,"maximum":255,"default":10})");
  CHECK(json.pointer("/properties/colour/enum")->dump() == R"(["red","green"])");
  CHECK(json.pointer("/properties/windows/items/maximum")->as_integer() == 100);
  CHECK(json.pointer("/properties/limit/anyOf/1/type")->as_string() == "null");
  CHECK(json.pointer("/properties/parts/items/properties/share/maximum")->as_integer() == 1);
  CHECK(json.pointer("/properties/latency/$ref")->as_string() == "#/$defs/latency");
}

TEST_CASE("the table for the documentation has a row a field, nested ones too") {
  const std::string table = fields_table(schema<Outer>());
  CHECK(table.find("| `entry_ns` | integer | ns | `50000` | 0 to 1e+15 | decision to venue |\n") !=
        std::string::npos);
  CHECK(table.find("| `name` | string |  | required |  |  |\n") != std::string::npos);
  CHECK(table.find("| `windows` | list of integer | bars | `[5,20]` | 1 to 100 |  |\n") !=
        std::string::npos);
  CHECK(table.find("| `inner.share` | number | fraction | `0.5` | 0 to 1 | of volume |\n") !=
        std::string::npos);
  CHECK(table.find("| `parts[].share` |") != std::string::npos);
  CHECK(table.find("| `latency` | a latency |") != std::string::npos);
}
