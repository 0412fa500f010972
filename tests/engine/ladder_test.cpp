#include "engine/venue/ladder.hpp"

#include "engine/base/random.hpp"

#include <doctest/doctest.h>

#include <map>

using namespace walras;
using namespace walras::engine;

namespace {

/// The same as sums in a map, best price first.
struct Twin {
  explicit Twin(std::int64_t towards) : direction(towards) {}
  std::map<std::int64_t, std::int64_t> levels;  // by -key
  std::int64_t direction;
  std::int64_t& at(std::int64_t price) { return levels[-price * direction]; }
  [[nodiscard]] bool has(std::int64_t price) const { return levels.contains(-price * direction); }
};

void compare(Ladder& ladder, const Twin& twin) {
  REQUIRE(ladder.empty() == twin.levels.empty());
  auto expected = twin.levels.begin();
  bool same = true;
  ladder.visit([&](const Ladder::Level& level) {
    same = same && expected != twin.levels.end() && -level.price * twin.direction == expected->first && level.quantity == expected->second;
    ++expected;
    return same;
  });
  CHECK(same);
  CHECK(expected == twin.levels.end());
  if (twin.levels.empty()) return;
  CHECK(-ladder.best().price * twin.direction == twin.levels.begin()->first);
  CHECK(-ladder.worst().price * twin.direction == std::prev(twin.levels.end())->first);
}

}  // namespace

TEST_CASE("a ladder is a map of sums, near its best price and far from it") {
  Rng random(1, "ladder");
  for (const Side side : {Side::Buy, Side::Sell}) {
    for (const std::int64_t spread : {12, 600, 3'000, 1'000'000}) {
      CAPTURE(spread);
      Ladder ladder(side);
      Twin twin(sign(side));
      std::array<Depth::Level, kDepthLevels> shown{};
      std::uint8_t count = 0;
      std::int64_t mid = 50'000;
      for (int step = 0; step < 20'000; ++step) {
        if (random.bernoulli(0.01)) mid += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spread))) - spread / 2;
        const std::int64_t price = mid - static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(spread))) * sign(side);
        const auto lots = static_cast<std::int64_t>(1 + random.below(9));
        switch (random.below(8)) {
          case 0:
          case 1:
            ladder.add(price, lots);
            twin.at(price) += lots;
            break;
          case 2:
          case 3:
          case 4: {
            const std::int64_t now = random.bernoulli(0.4) ? 0 : lots, before = twin.has(price) ? twin.at(price) : 0;
            CHECK(ladder.set(price, now) == before);
            if (now > 0) twin.at(price) = now;
            else twin.levels.erase(-price * sign(side));
            break;
          }
          case 5:
          case 6: {  // one that is there, near the best
            if (twin.levels.empty()) break;
            auto chosen = twin.levels.begin();
            std::advance(chosen, static_cast<std::ptrdiff_t>(random.below(std::min<std::size_t>(twin.levels.size(), 15))));
            ladder.reduce(-chosen->first * sign(side), lots, 0);
            if ((chosen->second -= lots) <= 0) twin.levels.erase(chosen);
            break;
          }
          default:
            if (step % 5 == 0) {
              ladder.forget_better(price);
              while (!twin.levels.empty() && twin.levels.begin()->first < -price * sign(side)) twin.levels.erase(twin.levels.begin());
            } else if (step % 997 == 0) {
              ladder.clear();
              twin.levels.clear();
            } else {
              CHECK((ladder.find(price) != nullptr) == twin.has(price));
            }
        }
        // What was shown last is what is shown now, unless there is news.
        std::array<Depth::Level, kDepthLevels> fresh{};
        std::size_t levels = 0;
        for (const auto& [key, quantity] : twin.levels) {
          if (levels == kDepthLevels) break;
          fresh[levels++] = {{-key * sign(side)}, {quantity}};
        }
        if (ladder.news()) ladder.show(shown, count);
        REQUIRE(count == levels);
        REQUIRE(std::equal(fresh.begin(), fresh.begin() + count, shown.begin()));
        if (step % 100 == 0) compare(ladder, twin);
        if (step % 2'500 == 0) {
          std::vector<std::byte> bytes;
          Archive saving(bytes);
          ladder.state(saving);
          Ladder other(side);
          Archive loading{std::span<const std::byte>(bytes)};
          other.state(loading);
          compare(other, twin);
        }
      }
    }
  }
}
