// Any JSON either loads into a struct with every kind of member, and then its dump loads to the
// same, or is an Error with a JSON pointer.
#include "engine/base/config.hpp"
#include "engine/base/error.hpp"

#include <cstdint>
#include <cstdlib>

namespace walras {

enum class Shape : std::uint8_t { Flat, Steep };
template <>
struct EnumNames<Shape> {
  static constexpr std::array<std::pair<Shape, std::string_view>, 2> names{
      {{Shape::Flat, "flat"}, {Shape::Steep, "steep"}}};
};

}  // namespace walras

namespace {

struct Leaf {
  double share = 0.5;
  walras::Shape shape = walras::Shape::Flat;
  static void fields(auto&& field) {
    field("share", &Leaf::share, {.min = 0, .max = 1});
    field("shape", &Leaf::shape);
  }
};

struct Tree {
  std::int64_t delay_ns = 1;
  std::uint8_t levels = 1;
  bool on = false;
  std::string name;
  std::vector<int> windows;
  std::optional<double> limit;
  std::map<std::string, Leaf> leaves;
  std::vector<Leaf> list;
  walras::Json raw;
  static void fields(auto&& field) {
    field("delay_ns", &Tree::delay_ns, {.unit = "ns", .min = 0});
    field("levels", &Tree::levels, {.min = 1});
    field("on", &Tree::on);
    field("name", &Tree::name, {.required = true});
    field("windows", &Tree::windows, {.min = 1, .max = 1e6});
    field("limit", &Tree::limit);
    field("leaves", &Tree::leaves);
    field("list", &Tree::list);
    field("raw", &Tree::raw);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const walras::Json resolved = walras::dump(walras::load<Tree>(walras::Json::parse(text)));
    if (walras::dump(walras::load<Tree>(resolved)) != resolved) std::abort();
  } catch (const walras::Error& error) {
    if (error.fault() != walras::Fault::Scenario) std::abort();
  }
  return 0;
}
