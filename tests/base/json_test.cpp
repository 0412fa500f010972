#include "engine/base/json.hpp"
#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <string>

using namespace walras;

namespace {

std::string message_of(const std::string& text) {
  try {
    (void)Json::parse(text, "s.json");
  } catch (const Error& error) {
    CHECK(error.fault() == Fault::Scenario);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("values, order of members and number types survive a round trip") {
  const std::string text =
      R"({"b":1,"a":[true,null,"x\n\u00e9\"",-2.5,1e+300,3.0,-0.0,9223372036854775807],"o":{},"l":[]})";
  const Json json = Json::parse(text);
  CHECK(json.at("b").is_integer());
  CHECK(json.at("a").as_array()[5].type_name() == "number");
  CHECK(json.at("a").as_array()[2].as_string() == "x\n\xC3\xA9\"");
  CHECK(json.as_object()[0].first == "b");
  CHECK(json.dump() ==
        "{\"b\":1,\"a\":[true,null,\"x\\n\xC3\xA9\\\"\",-2.5,1e+300,3.0,-0.0,9223372036854775807],"
        "\"o\":{},\"l\":[]}");
  CHECK(Json::parse(json.dump(2)) == json);
  CHECK(Json::parse(R"({"a":[1,{"b":2}],"c":[]})").dump(2) ==
        "{\n  \"a\": [\n    1,\n    {\n      \"b\": 2\n    }\n  ],\n  \"c\": []\n}");
}

TEST_CASE("doubles are written in the shortest form that reads back to the same bits") {
  for (const double value :
       {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789.125, 1e22, -0.0}) {
    CAPTURE(value);
    const Json back = Json::parse(Json(value).dump());
    CHECK(!back.is_integer());
    CHECK(std::signbit(back.as_number()) == std::signbit(value));
    CHECK(back.as_number() == value);
  }
  CHECK(Json(0.1).dump() == "0.1");
  CHECK_THROWS_AS(Json(std::nan("")).dump(), Error);
  CHECK_THROWS_AS(Json(std::numeric_limits<double>::infinity()).dump(), Error);
}

TEST_CASE("what strict JSON forbids is refused at its place") {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"{\"a\": 1,\n \"a\": 2}", "s.json:2:2: expected each key once, was a second \"a\""},
      {"{\"x\\\"y\": 1, \"x\\\"y\": 2}",
       "s.json:1:13: expected each key once, was a second \"x\"y\""},
      {"[9223372036854775808]",
       "s.json:1:2: expected an integer within +-9223372036854775807, was 9223372036854775808"},
      {"[1, 18446744073709551616]",
       "s.json:1:5: expected an integer within +-9223372036854775807, was 18446744073709551616"},
      {"[-9223372036854775809]",
       "s.json:1:2: expected an integer within +-9223372036854775807, was -9223372036854775809"},
      {"[1e999]", "s.json:1:6: expected a number within the range of a double, was a larger one"},
      {"{} x", "s.json:1:4: expected end of input, was"},
      {"", "s.json:1:1: expected"},
      {"// no\n1", "s.json:1:1: expected"},
      {"[NaN]", "s.json:1:2: expected"},
      {"[1,]", "s.json:1:4: expected"},
      {"{'a': 1}", "s.json:1:2: expected"},
      {"\"\xFF\"", "s.json:1:2: expected"},
      {"\"\\ud800\"", "s.json:1:"},
      {"[01]", "s.json:1:3: expected"},
      {std::string(65, '['), "s.json:1:65: expected nesting of at most 64 levels, was deeper"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    const std::string was = message_of(one.text);
    CAPTURE(was);
    CHECK(was.starts_with(one.message));
  }
  CHECK(message_of(std::string(64, '[') + std::string(64, ']')) == "accepted");
}

TEST_CASE("a mismatched accessor says what it expected") {
  const Json json = Json::parse(R"({"a": 1.5})");
  CHECK_THROWS_WITH_AS((void)json.at("a").as_integer(), "expected integer, was number", Error);
  CHECK_THROWS_WITH_AS((void)json.at("b"), "expected a member \"b\", was none", Error);
  CHECK(Json(3).as_number() == 3.0);
  CHECK(json.find("b") == nullptr);
}

TEST_CASE("JSON pointers follow RFC 6901 section 5") {
  const Json json = Json::parse(R"({"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, " ": 7})");
  CHECK(json.pointer("") == &json);
  CHECK(json.pointer("/foo/0")->as_string() == "bar");
  CHECK(json.pointer("/")->as_integer() == 0);
  CHECK(json.pointer("/a~1b")->as_integer() == 1);
  CHECK(json.pointer("/m~0n")->as_integer() == 8);
  CHECK(json.pointer("/ ")->as_integer() == 7);
  for (const char* absent :
       {"foo", "/foo/2", "/foo/00", "/foo/-1", "/foo/-", "/nope", "/m~n", "/m~2n"}) {
    CAPTURE(absent);
    CHECK(json.pointer(absent) == nullptr);
  }
  CHECK(escape_pointer("a/b~c") == "a~1b~0c");
}

TEST_CASE("setting by pointer creates missing members and refuses what is no place") {
  Json json = Json::parse(R"({"a": [1]})");
  json.set_pointer("/market/source/path", "x.csv");
  json.set_pointer("/a/0", 5);
  json.set_pointer("/a/-", 6);
  CHECK(json.dump() == R"({"a":[5,6],"market":{"source":{"path":"x.csv"}}})");
  CHECK_THROWS_AS(json.set_pointer("/a/7", 1), Error);
  CHECK_THROWS_AS(json.set_pointer("/a/0/b", 1), Error);
  CHECK_THROWS_AS(json.set_pointer("a", 1), Error);
}

TEST_CASE("text that is no UTF-8 is still written as valid JSON") {
  CHECK(Json("a\xFF\x01").dump() == "\"a\xEF\xBF\xBD\\u0001\"");
  CHECK_NOTHROW((void)Json::parse(Json("\xE2\x82").dump()));
}
