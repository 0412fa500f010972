#include "engine/base/random.hpp"
#include "tests/exchange/random_operations.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::engine;

TEST_CASE("random requests leave the exchange and its naive twin with the same reports and orders") {
#ifdef WALRAS_SLOW
  constexpr int kMarkets = 2000;
#else
  constexpr int kMarkets = 120;
#endif
  constexpr int kSteps = 1000;
  std::uint64_t trades = 0;
  for (int market = 0; market < kMarkets; ++market) {
    Rng random(static_cast<std::uint64_t>(market), "exchange twins");
    const auto below = [&](std::uint64_t bound) { return random.below(bound); };
    Twins twins(random_rules(below));
    for (int step = 0; step < kSteps; ++step) {
      std::string difference = twins.step(below);
      if (difference.empty() && step % 16 == 0) difference = twins.compare_orders();
      CAPTURE(market);
      CAPTURE(step);
      REQUIRE(difference == "");
    }
    trades += twins.trades;
  }
  CHECK(trades > kMarkets * kSteps / 10);
}
