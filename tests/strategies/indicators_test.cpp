#include "strategies/indicators.hpp"
#include "engine/base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <span>
#include <vector>

using namespace walras;
using namespace walras::strategies;

TEST_CASE("rolling indicators agree with the same numbers computed from the window") {
  Rng random(1, "indicators");
  for (const std::size_t length : {2UL, 3UL, 7UL, 50UL}) {
    CAPTURE(length);
    RollingSum sum(length);
    RollingMoments moments(length);
    RollingMaximum maximum(length);
    RollingMinimum minimum(length);
    std::vector<std::int64_t> all;
    for (int i = 0; i < 500; ++i) {
      all.push_back(5'000'000'000 + static_cast<std::int64_t>(random.below(20)) - 10);
      sum.push(all.back());
      moments.push(all.back());
      maximum.push(all.back());
      minimum.push(all.back());
      const std::size_t kept = std::min(length, all.size());
      const std::span<const std::int64_t> window(all.end() - static_cast<std::ptrdiff_t>(kept),
                                                 all.end());
      REQUIRE(maximum.value() == *std::ranges::max_element(window));
      REQUIRE(minimum.value() == *std::ranges::min_element(window));
      REQUIRE(sum.full() == (all.size() >= length));
      if (!sum.full()) continue;
      const std::int64_t total = std::accumulate(window.begin(), window.end(), std::int64_t{0});
      REQUIRE(sum.sum() == total);
      REQUIRE(sum.oldest() == window.front());
      const auto n = static_cast<double>(length);
      double squares = 0;
      for (const std::int64_t value : window) {
        const double off =
            static_cast<double>(value - 5'000'000'000) -
            static_cast<double>(total - 5'000'000'000 * static_cast<std::int64_t>(length)) / n;
        squares += off * off;
      }
      REQUIRE(moments.variance() == doctest::Approx(squares / (n - 1)).epsilon(1e-12));
    }
  }
}

TEST_CASE("equal values have no variance at all") {
  RollingMoments moments(5);
  for (int i = 0; i < 20; ++i) moments.push(123'456'789'012);
  CHECK(moments.variance() == 0);
  CHECK(moments.mean() == 123'456'789'012.0);
}
