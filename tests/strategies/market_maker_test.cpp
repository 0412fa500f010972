#include "strategies/rules/market_making.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

// The market and the account of AvellanedaStoikov2008, section 3.3.
std::shared_ptr<const MarketPlan> paper_market() {
  return build_market(
      Json::parse(R"({"mode": "generated", "generator": {"kind": "intensity"}, "duration_s": 1})"),
      Json::parse(R"({"latency": "none"})"), nullptr, engine_catalog());
}

struct Sums {
  double n = 0, total = 0, squares = 0;
  void add(double value) {
    ++n;
    total += value;
    squares += value * value;
  }
  [[nodiscard]] double mean() const { return total / n; }
  [[nodiscard]] double deviation() const { return std::sqrt(squares / n - mean() * mean()); }
};

}  // namespace

TEST_CASE("the mean spread of the paper's parameters is 1.4917704") {
  const strategies::AvellanedaStoikov params;
  double sum = 0;
  for (int i = 0; i < 200; ++i)
    sum += strategies::avellaneda_stoikov(params, 100, 3, 1 - 0.005 * i).spread;
  CHECK(sum / 200 == doctest::Approx(1.4917704).epsilon(1e-8));
}

TEST_CASE("quotes lean against the inventory, and not when symmetric") {
  const strategies::AvellanedaStoikov params;
  const auto quotes = strategies::avellaneda_stoikov(params, 100, 2, 0.5);
  CHECK(quotes.reservation == doctest::Approx(100 - 2 * 0.1 * 4 * 0.5));
  CHECK((quotes.bid + quotes.ask) / 2 == doctest::Approx(quotes.reservation));
  CHECK(quotes.ask - quotes.bid == doctest::Approx(0.1 * 4 * 0.5 + 20 * std::log(1 + 0.1 / 1.5)));
  const auto symmetric = strategies::avellaneda_stoikov(params, 100, 2, 0.5, true);
  CHECK((symmetric.bid + symmetric.ask) / 2 == doctest::Approx(100));
  CHECK(symmetric.spread == quotes.spread);
}

TEST_CASE("the paper's table comes out of the shipped strategy on the intensity market") {
  struct Row {
    const char* json;
    double profit, profit_deviation, inventory, inventory_deviation;
  };
  const Row rows[] = {
      {R"({"kind": "market_maker", "post_only": false})", 65.0, 6.6, 0.08, 2.9},
      {R"({"kind": "market_maker", "post_only": false, "symmetric": true})", 68.4, 12.7, 0.26, 8.4},
  };
  const auto plan = paper_market();
  const strategies::Registries registries = strategies::registries();
  for (const Row& row : rows) {
    CAPTURE(row.json);
    const auto strategy = make_strategy(row.json, *plan, registries);
    Sums profit, inventory;
    Span span = plan->whole();
    span.close_at_end = false;
    constexpr int kPaths = 2'000;
    for (int path = 0; path < kPaths; ++path) {
      Simulation simulation(plan, span, static_cast<std::uint64_t>(path));
      const auto number = simulation.add(*strategy, "maker", tiny_account());
      simulation.run();
      const RunRecord record = simulation.record(number);
      profit.add(static_cast<double>(record.equity.back().equity_micros - record.capital_micros) *
                 1e-6);
      inventory.add(record.fills.empty() ? 0
                                         : static_cast<double>(record.fills.back().position.value));
    }
    // Three combined standard errors: our paths and the paper's thousand.
    const double both = 3 * std::sqrt(1.0 / kPaths + 1.0 / 1'000);
    CHECK(std::abs(profit.mean() - row.profit) < row.profit_deviation * both);
    CHECK(std::abs(profit.deviation() - row.profit_deviation) <
          row.profit_deviation * both / std::sqrt(2.0) + 0.05);
    CHECK(std::abs(inventory.mean() - row.inventory) < row.inventory_deviation * both);
    CHECK(std::abs(inventory.deviation() - row.inventory_deviation) <
          row.inventory_deviation * both / std::sqrt(2.0) + 0.05);
  }
}

TEST_CASE("the inventory limit holds and the quotes have the size asked for") {
  const auto plan = paper_market();
  const auto record = play_strategy(
      R"({"kind": "market_maker", "post_only": false, "symmetric": true, "inventory_limit_lots": 2})",
      plan);
  CHECK(record.fills.size() > 10);
  for (const FillRow& fill : record.fills) CHECK(std::abs(fill.position.value) <= 2);
}

TEST_CASE("on a real book the quotes never take") {
  const auto plan = build_market(
      Json::parse(
          R"({"mode": "generated", "generator": {"kind": "zero_intelligence"}, "duration_s": 600})"),
      Json::object(), nullptr, engine_catalog());
  const auto record = play_strategy(
      R"({"kind": "market_maker", "risk_aversion": 0.01, "volatility": 0.01, "decay": 200, "horizon_s": 60, "inventory_limit_lots": 20})",
      plan);
  CHECK(record.fills.size() > 10);
  for (const FillRow& fill : record.fills) {
    CHECK(fill.maker);
    CHECK(std::abs(fill.position.value) <= 20);
  }
}
