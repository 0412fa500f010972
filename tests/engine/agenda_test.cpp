#include "engine/sim/agenda.hpp"

#include "engine/base/random.hpp"

#include <doctest/doctest.h>

#include <map>
#include <tuple>

using namespace walras;
using namespace walras::engine;

namespace {

enum class Turn : std::uint8_t { First, Second, Third };
struct Item {
  Nanos time;
  std::uint64_t sequence = 0;
  std::uint32_t rank = 0;
  Turn turn = Turn::First;
  [[nodiscard]] auto order() const { return std::tuple(time.value, turn, rank, sequence); }
};

}  // namespace

TEST_CASE("an agenda gives its items in the order of time, turn, rank and sequence, as a sorted map does") {
  Rng random(1, "agenda");
  Agenda<Item> agenda;
  std::map<std::tuple<std::int64_t, Turn, std::uint32_t, std::uint64_t>, Item> twin;
  for (std::uint64_t i = 0; i < 200'000; ++i) {
    const bool growing = i / 20'000 % 2 == 0;
    if (twin.empty() || random.bernoulli(growing ? 0.6 : 0.4)) {
      const Item item{{static_cast<std::int64_t>(random.below(50)) - 25}, i, static_cast<std::uint32_t>(random.below(3)), static_cast<Turn>(random.below(3))};
      agenda.push(item);
      twin.emplace(item.order(), item);
    } else {
      REQUIRE((agenda.time() == twin.begin()->second.time && agenda.turn() == twin.begin()->second.turn));
      REQUIRE(agenda.pop().order() == twin.begin()->first);
      twin.erase(twin.begin());
    }
    if (i % 50'000 == 49'999) {
      const auto gone = [](const Item& item) { return item.sequence % 3 == 0; };
      agenda.erase_if(gone);
      std::erase_if(twin, [&](const auto& entry) { return gone(entry.second); });
    }
    REQUIRE(agenda.empty() == twin.empty());
  }
  for (; !twin.empty(); twin.erase(twin.begin())) REQUIRE(agenda.pop().order() == twin.begin()->first);
  CHECK(agenda.empty());
}
