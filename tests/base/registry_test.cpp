#include "engine/base/registry.hpp"

#include <doctest/doctest.h>

using namespace walras;

namespace {

class Delay {
 public:
  virtual ~Delay() = default;
  [[nodiscard]] virtual std::int64_t value() const = 0;
};

class Constant final : public Delay {
 public:
  struct Params {
    std::int64_t entry_ns = 50;
    static void fields(auto&& field) {
      field("entry_ns", &Params::entry_ns, {.unit = "ns", .min = 0});
    }
  };
  Constant(Params params, const int& factor) : value_(params.entry_ns * factor) {}
  [[nodiscard]] std::int64_t value() const override { return value_; }

 private:
  std::int64_t value_;
};

class Needy final : public Delay {
 public:
  struct Params {
    std::string file;
    static void fields(auto&& field) { field("file", &Params::file, {.required = true}); }
  };
  Needy(Params, const int&) {}
  [[nodiscard]] std::int64_t value() const override { return 0; }
};

Registry<Delay, const int&> delays() {
  Registry<Delay, const int&> registry("latency");
  registry.add<Constant>("constant", "the same delay each time");
  registry.add<Needy>("replayed");
  return registry;
}

}  // namespace

TEST_CASE("a component is built from its kind and params, or from its bare name") {
  const auto registry = delays();
  CHECK(registry.build(Json::parse(R"({"kind": "constant", "entry_ns": 7})"), "/latency", 3)
            ->value() == 21);
  CHECK(registry.build(Json("constant"), "/latency", 2)->value() == 100);
  CHECK(registry.resolve(Json("constant"), "").dump() == R"({"kind":"constant","entry_ns":50})");
  CHECK(registry.contains("constant"));
  CHECK(!registry.contains("x"));
}

TEST_CASE("a wrong kind or setting is reported where it was written, with the choices") {
  const auto registry = delays();
  const int factor = 1;
  struct Case {
    const char *text, *message;
  };
  const Case cases[] = {
      {R"({"kind": "constant", "entry_nss": 7})",
       "/latency/entry_nss: expected entry_ns, was entry_nss"},
      {R"({"kind": "constnat"})",
       "/latency/kind: expected a latency, one of constant, replayed, was constnat (did you mean "
       "constant?)"},
      {R"("zzz")", "/latency: expected a latency, one of constant, replayed, was zzz"},
      {R"({})",
       "/latency: expected a member \"kind\" that names a latency (constant, replayed), was none"},
      {R"({"kind": 3})", "/latency/kind: expected text, was 3"},
      {R"([])", "/latency: expected an object, was array"},
      {R"("replayed")", "/latency: expected a member \"file\", was none"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.text);
    CHECK_THROWS_WITH_AS(registry.build(Json::parse(one.text), "/latency", factor), one.message,
                         Error);
  }
}

TEST_CASE("a kind is registered once") {
  auto registry = delays();
  CHECK_THROWS_WITH_AS(
      registry.add<Constant>("constant"),
      "latency: expected a new kind, was constant, which exists already (constant, replayed)",
      Error);
}

TEST_CASE("the schema of a family is one of its kinds") {
  const Json json = delays().schema();
  CHECK(json.pointer("/oneOf/0/enum")->dump() == R"(["constant"])");
  CHECK(json.pointer("/oneOf/1/properties/kind/const")->as_string() == "constant");
  CHECK(json.pointer("/oneOf/1/description")->as_string() == "the same delay each time");
  CHECK(json.pointer("/oneOf/1/additionalProperties")->as_bool() == false);
  CHECK(json.pointer("/oneOf/2/required")->dump() == R"(["kind","file"])");
}
