// The future is scrambled, and every decision up to then must stay what it was. Every registered
// strategy is tried, so a new kind is tested by being there.
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

using namespace walras;
using namespace walras::tests;
using strategies::Registries;
using strategies::Strategy;

namespace {

constexpr std::size_t kBars = 400, kFitted = 200;

/// Bars of three random walks; after bar `known` another future is drawn.
std::shared_ptr<const MarketPlan> bars(std::size_t known, std::uint64_t future) {
  std::map<std::string, std::vector<TinyBar>> all;
  for (const char* name : {"A", "B", "C"}) {
    Rng past(1, name), then(future, name);
    double log_price = std::log(10'000.0);
    std::int64_t last = 10'000;
    for (std::size_t i = 0; i < kBars; ++i) {
      Rng& random = i < known ? past : then;
      log_price += 0.01 * random.normal();
      const std::int64_t close = std::llround(std::exp(log_price));
      const std::int64_t reach = static_cast<std::int64_t>(random.below(50));
      all[name].push_back({last, std::max(last, close) + reach, std::min(last, close) - reach,
                           close, 1'000'000 + static_cast<std::int64_t>(random.below(1'000'000))});
      last = close;
    }
  }
  return bar_market(bar_tape(all));
}

/// A recorded book of limit orders that come and go; after message `known` others come.
std::shared_ptr<const MarketPlan> book(std::size_t known, std::uint64_t future) {
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  std::map<std::uint64_t, Event> live;
  std::uint64_t next = 1;
  Rng past(1, "book"), then(future, "book");
  std::int64_t centre = 10'000;
  const auto record = [&](Event event, std::size_t i) {
    event.exchange_time = event.local_time = {static_cast<std::int64_t>(i + 1) * 1'000'000};
    tape.events.push_back(event);
  };
  for (std::size_t i = 0; i < 4'000; ++i) {
    Rng& random = i < known ? past : then;
    if (i % 20 == 0) centre += static_cast<std::int64_t>(random.below(3)) - 1;
    if (live.size() > 60) {
      auto gone = live.begin();
      std::advance(gone, static_cast<std::ptrdiff_t>(random.below(live.size())));
      Event event = gone->second;
      event.kind = EventKind::Delete;
      record(event, i);
      live.erase(gone);
      continue;
    }
    Event event;
    event.kind = EventKind::Add;
    event.order = next++;
    event.side = random.below(2) == 0 ? Side::Buy : Side::Sell;
    event.quantity = {1 + static_cast<std::int64_t>(random.below(100))};
    std::int64_t price =
        centre - sign(event.side) * (1 + static_cast<std::int64_t>(random.below(8)));
    for (const auto& [id, other] : live) {  // never crossed
      if (other.side == event.side) continue;
      price = event.side == Side::Buy ? std::min(price, other.price.value - 1)
                                      : std::max(price, other.price.value + 1);
    }
    event.price = {price};
    live[event.order] = event;
    record(event, i);
  }
  return build_market(Json::object(), Json::parse(R"({"latency": "none"})"),
                      finish_tape(std::move(tape)), engine_catalog());
}

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
    {"market_maker", R"("risk_aversion": 0.01, "volatility": 0.05, "decay": 20, "horizon_s": 1)"},
};
const std::set<std::string> kOnBooks{"market_maker"};

void check_kind(const std::string& kind, const Registries& registries) {
  CAPTURE(kind);
  const auto found = kParams.find(kind);
  const std::string json =
      "{\"kind\": \"" + kind + "\"" + (found == kParams.end() ? "" : ", " + found->second) + "}";
  const bool on_book = kOnBooks.contains(kind);
  for (const std::size_t known : {kFitted + 30, kFitted + 99, kBars - 20}) {
    CAPTURE(known);
    const std::size_t scale = on_book ? 10 : 1;
    const Nanos time{static_cast<std::int64_t>(known * scale) * (on_book ? 1'000'000 : kPeriod)};
    const Nanos fitted = on_book ? Nanos{} : Nanos{static_cast<std::int64_t>(kFitted) * kPeriod};
    std::vector<Json> decisions;
    for (const std::uint64_t future : {2U, 3U}) {
      const auto plan = on_book ? book(known * scale, future) : bars(known, future);
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
    const auto plan = bars(300, future);
    Clairvoyant::tape = plan->tape().get();
    const auto strategy = make_strategy(R"("clairvoyant")", *plan, registries);
    decisions.push_back(decided(*strategy, plan, {}, Nanos{300 * kPeriod}));
  }
  CHECK(std::set<std::string>{decisions[0].dump(), decisions[1].dump(), decisions[2].dump(),
                              decisions[3].dump()}
            .size() > 1);
}
