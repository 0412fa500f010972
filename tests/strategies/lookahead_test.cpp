// The future is scrambled, and every decision up to then must stay what it was. Every registered
// strategy is tried, so a new kind is tested by being there.
#include "tests/support/scrambled.hpp"
#include "tests/support/data.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>

using namespace walras;
using namespace walras::tests;
using strategies::Registries;
using strategies::Strategy;

namespace {

constexpr std::size_t kFitted = 200;

/// Everything a strategy asked for up to and including `time`.
Json decided(Strategy& strategy, const std::shared_ptr<const MarketPlan>& plan, Nanos begin,
             Nanos time) {
  Span span = plan->whole();
  span.begin = std::max(span.begin, begin);
  Simulation simulation(plan, span, 1);
  const auto number = simulation.add(strategy, "strategy", tiny_account());
  simulation.run_until(time);
  Json rows = Json::array();
  for (const OrderRow& row : simulation.record(number).orders) {
    rows.push_back(Json::array({row.time.value, row.instrument, static_cast<int>(row.side),
                                static_cast<int>(row.type), row.price.value, row.quantity.value,
                                row.filled.value, static_cast<int>(row.reject)}));
  }
  return rows;
}

// Short windows, so that the rules trade often. Kinds that are not named here run with their
// defaults.
const std::map<std::string, std::string> kParams{
    {"moving_average", R"("fast": 2, "slow": 5, "shorting": true)"},
    {"mean_reversion", R"("window": 5, "entry": 1, "shorting": true)"},
    {"breakout", R"("entry": 5, "exit": 3, "shorting": true)"},
    {"momentum", R"("lookback": 10, "skip": 1, "rebalance_every": 3, "shorting": true)"},
    {"buy_and_hold", R"("rebalance_every": 3)"},
    {"twap", R"("duration_s": 12000, "parts": 100)"},
    {"model", R"("predictor": "linear", "window": 8, "horizon": 2)"},
    {"gateway", R"("command": ["python3", ")" + (source_root() / "scenarios" / "gateway_client.py").string() +
                    R"("], "settings": {"fast": 2, "slow": 5})"},
    {"market_maker", R"("risk_aversion": 0.01, "volatility": 0.05, "decay": 20, "horizon_s": 1)"},
};
const std::set<std::string> kOnBooks{"market_maker"};

void check_kind(const std::string& kind, const Registries& registries) {
  CAPTURE(kind);
  const auto found = kParams.find(kind);
  const std::string json =
      "{\"kind\": \"" + kind + "\"" + (found == kParams.end() ? "" : ", " + found->second) + "}";
  const bool on_book = kOnBooks.contains(kind);
  for (const std::size_t known : {kFitted + 30, kFitted + 99, kScrambledBars - 20}) {
    CAPTURE(known);
    const std::size_t scale = on_book ? 10 : 1;
    const Nanos time{static_cast<std::int64_t>(known * scale) * (on_book ? 1'000'000 : kPeriod)};
    const Nanos fitted = on_book ? Nanos{} : Nanos{static_cast<std::int64_t>(kFitted) * kPeriod};
    std::vector<Json> decisions;
    for (const std::uint64_t future : {2U, 3U}) {
      const auto plan = on_book ? scrambled_book(known * scale, future) : scrambled_bars(known, future);
      const auto strategy = make_strategy(json, *plan, registries);
      if (!on_book) strategy->fit(TinyTraining(plan, fitted));
      decisions.push_back(decided(*strategy, plan, fitted, time));
    }
    CHECK(decisions[0].size() > 0);
    CHECK(decisions[0] == decisions[1]);
  }
}

/// Buys when the next bar rises: what this test is there to catch.
class Clairvoyant final : public Strategy {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  static inline const Tape* tape = nullptr;
  Clairvoyant(Params, const strategies::StrategyContext&) {}
  void on_event(const Event& event, Orders& orders) override {
    const std::size_t next = event.payload + 3;  // three instruments
    if (event.kind != EventKind::Bar || next >= tape->bars.size()) return;
    const Side side = tape->bars[next].close > event.price ? Side::Buy : Side::Sell;
    orders.submit(market_order(event.instrument, side, 1));
  }
};

}  // namespace

TEST_CASE("no registered strategy decides by what it cannot know yet") {
  const Registries registries = strategies::registries();
  for (const auto& [kind, entry] : registries.strategies.entries()) check_kind(kind, registries);
}

TEST_CASE("a strategy that looks ahead is caught by this very test") {
  Registries registries = strategies::registries();
  registries.strategies.add<Clairvoyant>("clairvoyant");
  std::vector<Json> decisions;
  for (const std::uint64_t future : {2U, 3U, 4U, 5U}) {
    const auto plan = scrambled_bars(300, future);
    Clairvoyant::tape = plan->tape().get();
    const auto strategy = make_strategy(R"("clairvoyant")", *plan, registries);
    decisions.push_back(decided(*strategy, plan, {}, Nanos{300 * kPeriod}));
  }
  CHECK(std::set<std::string>{decisions[0].dump(), decisions[1].dump(), decisions[2].dump(),
                              decisions[3].dump()}
            .size() > 1);
}
