#include "engine/base/error.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

using Decisions = std::vector<Decision>;

std::shared_ptr<const MarketPlan> market(
    const std::map<std::string, std::vector<std::int64_t>>& closes) {
  std::map<std::string, std::vector<TinyBar>> bars;
  for (const auto& [name, prices] : closes) bars[name] = flat_bars(prices);
  return bar_market(bar_tape(bars));
}

}  // namespace

// Prices are in ticks of 0.01; the account has 1,000,000, of which 0.99 is used unless a case says
// otherwise.

TEST_CASE("buy_and_hold buys equal shares once, each when it first has a price") {
  const auto plan =
      market({{"A", {10'000, 10'000, 12'000, 9'000}}, {"B", {5'000, 5'000, 5'000, 5'000}}});
  // 495,000 each: at 100.00 and at 50.00.
  CHECK(decisions(play_strategy(R"("buy_and_hold")", plan)) ==
        Decisions{{1, 0, 4'950}, {1, 1, 9'900}});
}

TEST_CASE("buy_and_hold returns to equal weights, selling first") {
  const auto plan =
      market({{"A", {10'000, 10'000, 20'000, 20'000}}, {"B", {5'000, 5'000, 5'000, 5'000}}});
  const auto record = play_strategy(R"({"kind": "buy_and_hold", "rebalance_every": 2})", plan);
  // After bar 3: equity 1,000,000 + 4,950 x 100 = 1,495,000; half of 0.99 of it is 740,025: 3,700
  // at 200.00, 14,800 at 50.00.
  CHECK(decisions(record) ==
        Decisions{{1, 0, 4'950}, {1, 1, 9'900}, {3, 0, 3'700 - 4'950}, {3, 1, 14'800 - 9'900}});
  const auto lazy = play_strategy(
      R"({"kind": "buy_and_hold", "rebalance_every": 2, "sizing": {"min_trade": 0.2}})", plan);
  CHECK(decisions(lazy) == Decisions{{1, 0, 4'950}, {1, 1, 9'900}});
}

TEST_CASE("moving_average is long while the fast mean is above the slow one") {
  const auto plan = market({{"A", {10'000, 10'200, 10'100, 9'900, 10'300, 10'400}}});
  const auto record = play_strategy(R"({"kind": "moving_average", "fast": 1, "slow": 2})", plan);
  // 990,000 / 102 = 9,705.88 after bar 2, filled at the open of bar 3 (101.00); sold after bar 3
  // at 99.00: 19,410 lost. After bar 5: 0.99 x 980,590 / 103 = 9,425.08.
  CHECK(decisions(record) == Decisions{{2, 0, 9'705}, {3, 0, -9'705}, {5, 0, 9'425}});
  CHECK(record.fills[0].price == Ticks{10'100});
  const auto both =
      play_strategy(R"({"kind": "moving_average", "fast": 1, "slow": 2, "shorting": true})", plan);
  // Bar 3 turns long to short: 0.99 x (1,000,000 + 0) / 101 = 9,801.98, as the long was bought at
  // 101.00.
  CHECK(decisions(both)[1] == Decision{3, 0, -9'705 - 9'801});
}

TEST_CASE("moving_average acts on what it saw in warm-up as soon as it may trade") {
  const auto plan = market({{"A", {10'000, 10'100, 10'200, 10'300, 10'400}}});
  const strategies::Registries registries = strategies::registries();
  const auto strategy =
      make_strategy(R"({"kind": "moving_average", "fast": 1, "slow": 2})", *plan, registries);
  Span span = plan->whole();
  span.begin = {4 * kPeriod};
  span.close_at_end = false;
  Simulation simulation(plan, span, 1);
  const auto number = simulation.add(*strategy, "s", tiny_account());
  simulation.run();
  CHECK(decisions(simulation.record(number)) == Decisions{{4, 0, 9'611}});  // 990,000 / 103
  CHECK(simulation.record(number).warnings.empty());
}

TEST_CASE("a purchase is cut to the room that grown holdings leave") {
  // A is bought for half, then doubles; B may use what is left: 0.99 x equity - A.
  const auto plan = market({{"A", {10'000, 10'100, 10'100, 20'200, 20'300, 20'400}},
                            {"B", {9'000, 8'900, 8'800, 8'700, 8'900, 9'000}}});
  const auto record = play_strategy(R"({"kind": "moving_average", "fast": 1, "slow": 2})", plan);
  const auto all = decisions(record);
  REQUIRE(all.size() >= 2);
  CHECK(all[0] == Decision{2, 0, 4'900});  // 495,000 / 101
  // A is sold after bar 3 (equal means are flat, not long) and bought again after bar 4; B after
  // bar 5.
  CHECK(all[1] == Decision{3, 0, -4'900});
  CHECK(all[2] == Decision{4, 0, 3'663});  // sold at 202.00, so 0.495 x 1,494,900 / 202
  for (const OrderRow& row : record.orders) CHECK(row.reject == Reject::None);
  const auto drift = market({{"A", {10'000, 10'100, 10'200, 20'400, 20'500, 20'600}},
                             {"B", {9'000, 8'900, 8'800, 8'700, 8'900, 9'000}}});
  const auto cut = play_strategy(R"({"kind": "moving_average", "fast": 1, "slow": 2})", drift);
  // A: 4,900 bought at 102.00. After bar 5 at 205.00: equity 1,504,700, room 1,489,653 - 1,004,500
  // = 485,153 < 744,826.5.
  CHECK(decisions(cut) == Decisions{{2, 0, 4'900}, {5, 1, 5'451}});
}

TEST_CASE("mean_reversion buys what fell far below its mean and sells it at the mean") {
  const auto plan = market({{"A", {10'000, 10'000, 10'000, 9'000, 9'800, 9'900, 9'700}}});
  // Windows of 4. Bar 4: mean 97.50, deviation 5, score -1.5. Bar 5: 98 against 97: score 0.19,
  // back above 0.
  const auto record =
      play_strategy(R"({"kind": "mean_reversion", "window": 4, "entry": 1.4})", plan);
  CHECK(decisions(record) == Decisions{{4, 0, 11'000}, {5, 0, -11'000}});
  const auto up = market({{"A", {10'000, 10'000, 10'000, 11'000, 10'200, 10'100}}});
  CHECK(decisions(play_strategy(R"({"kind": "mean_reversion", "window": 4, "entry": 1.4})", up))
            .empty());
  const auto shorts = play_strategy(
      R"({"kind": "mean_reversion", "window": 4, "entry": 1.4, "shorting": true})", up);
  CHECK(decisions(shorts) == Decisions{{4, 0, -9'000}, {5, 0, 9'000}});
}

TEST_CASE("breakout follows a close beyond the channel of the bars before") {
  const auto plan = market({{"A", {10'000, 10'100, 10'100, 10'200, 10'300, 10'150, 10'250}}});
  // Bar 4 closes above the highest of bars 2 and 3; bar 6 below the low of bar 5.
  CHECK(decisions(play_strategy(R"({"kind": "breakout", "entry": 2, "exit": 1})", plan)) ==
        Decisions{{4, 0, 9'705}, {6, 0, -9'705}});
}

TEST_CASE("momentum holds the instrument that rose most, leaving out the latest bars") {
  const auto plan = market({{"A", {100, 110, 120, 130, 100, 90}},
                            {"B", {100, 100, 100, 150, 200, 210}},
                            {"C", {100, 105, 106, 107, 108, 108}}});
  const auto record = play_strategy(
      R"({"kind": "momentum", "lookback": 2, "skip": 1, "rebalance_every": 2, "top": 0.34})", plan);
  // After bar 3: bar 2 over bar 1: A. After bar 5: bar 4 over bar 3: B. A was bought at
  // 1.30 and is worth 1.00 after bar 5: equity 752,500, of which 0.99 buys B at 2.00.
  CHECK(decisions(record) == Decisions{{3, 0, 825'000}, {5, 0, -825'000}, {5, 1, 372'487}});
  const auto both = play_strategy(
      R"({"kind": "momentum", "lookback": 2, "skip": 0, "rebalance_every": 9, "top": 0.4, "shorting": true})",
      plan);
  CHECK(decisions(both) ==
        Decisions{{3, 1, -495'000}, {3, 0, 412'500}});  // half the exposure each side
}

TEST_CASE("random draws its holdings from its own stream") {
  const auto plan = market({{"A", std::vector<std::int64_t>(400, 10'000)}});
  const auto one = decisions(play_strategy(R"({"kind": "random", "every": 2})", plan));
  CHECK(one == decisions(play_strategy(R"({"kind": "random", "every": 2})", plan)));
  CHECK(one !=
        decisions(play_strategy(R"({"kind": "random", "every": 2})", plan, tiny_account(), 2)));
  // A change of holding in half of 200 draws, give or take four standard deviations.
  CHECK(std::abs(static_cast<double>(one.size()) - 100) < 4 * std::sqrt(50.0));
}

TEST_CASE("twap works the parent order off in equal parts") {
  const auto plan = market(
      {{"A", std::vector<std::int64_t>(10, 10'000)}, {"B", std::vector<std::int64_t>(10, 5'000)}});
  const auto record = play_strategy(
      R"({"kind": "twap", "instrument": "B", "side": "buy", "quantity": 1000, "start_s": 60, "duration_s": 240, "parts": 3})",
      plan);
  std::vector<std::pair<std::int64_t, std::int64_t>> sent;
  for (const OrderRow& row : record.orders)
    sent.emplace_back(row.time.value / kNanosPerSecond, row.quantity.value);
  CHECK(sent ==
        std::vector<std::pair<std::int64_t, std::int64_t>>{{120, 333}, {200, 333}, {280, 334}});
  CHECK(record.orders[0].instrument == 1);
  // Without a quantity: 0.99 x 1,000,000 / 100.
  const auto all = play_strategy(R"({"kind": "twap", "parts": 1, "duration_s": 0})", plan);
  CHECK(decisions(all) == Decisions{{1, 0, 9'900}});
}

TEST_CASE("parameters that contradict each other are refused in words") {
  const auto plan = market({{"A", {1, 2}}});
  struct Case {
    const char *json, *message;
  };
  const Case cases[] = {
      {R"({"kind": "moving_average", "fast": 50, "slow": 20})",
       "/strategy/fast: expected fast < slow, was 50 and 20"},
      {R"({"kind": "mean_reversion", "entry": 1, "exit": 1})",
       "/strategy/exit: expected exit < entry, was 1 and 1"},
      {R"({"kind": "breakout", "entry": 5, "exit": 6})",
       "/strategy/exit: expected exit < entry + 1, was 6 and 6"},
      {R"({"kind": "momentum", "lookback": 5, "skip": 5})",
       "/strategy/skip: expected skip < lookback, was 5 and 5"},
      {R"({"kind": "random", "long_probability": 0.7, "short_probability": 0.4})",
       "/strategy/long_probability: expected long_probability + short_probability <= 1, was more"},
      {R"({"kind": "twap", "instrument": "X"})",
       "/strategy/instrument: expected an instrument of the market (A), or one listed as X@VENUE, was X"},
      {R"({"kind": "moving_average", "fst": 5})", "/strategy/fst: expected fast, was fst"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.json);
    CHECK_THROWS_WITH_AS(play_strategy(one.json, plan), one.message, Error);
  }
}

TEST_CASE("a strategy that plays again plays the same") {
  const auto plan = market({{"A", {10'000, 10'200, 10'100, 9'900, 10'300, 10'400}},
                            {"B", {100, 110, 120, 130, 100, 90}}});
  const strategies::Registries registries = strategies::registries();
  for (const char* json :
       {R"("buy_and_hold")", R"("random")", R"({"kind": "moving_average", "fast": 1, "slow": 2})",
        R"({"kind": "mean_reversion", "window": 2, "entry": 0.5})",
        R"({"kind": "breakout", "entry": 1, "exit": 1})",
        R"({"kind": "momentum", "lookback": 2, "skip": 1, "rebalance_every": 1})",
        R"({"kind": "twap", "duration_s": 60})"}) {
    CAPTURE(json);
    const auto strategy = make_strategy(json, *plan, registries);
    std::vector<Decisions> runs;
    for (int i = 0; i < 2; ++i) {
      Simulation simulation(plan, plan->whole(), 1);
      const auto number = simulation.add(*strategy, "s", tiny_account());
      simulation.run();
      runs.push_back(decisions(simulation.record(number)));
    }
    CHECK(!runs[0].empty());
    CHECK(runs[0] == runs[1]);
  }
}
