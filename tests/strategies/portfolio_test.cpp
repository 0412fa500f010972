#include "strategies/portfolio.hpp"

#include "engine/base/random.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace walras;
using namespace walras::tests;

namespace {

/// Opens, peaks and closes at one price each; returns of a given standard deviation a bar.
std::vector<TinyBar> noisy(double deviation, std::uint64_t seed, std::size_t count) {
  Rng random(seed, "portfolio_test");
  std::vector<std::int64_t> prices;
  double price = 100'000;
  for (std::size_t k = 0; k < count; ++k) {
    price *= 1 + deviation * (random.bernoulli(0.5) ? 1 : -1);
    prices.push_back(std::llround(price));
  }
  return flat_bars(prices);
}

AccountTerms geared(const std::string& risk = "") {
  AccountTerms terms = tiny_account();
  terms.leverage = 10;
  if (!risk.empty()) terms.risk = load<RiskParams>(Json::parse(risk));
  return terms;
}

/// Mean and last gross exposure while something is held.
double mean_exposure(const RunRecord& record) {
  double sum = 0;
  std::size_t count = 0;
  for (const EquityRow& row : record.equity) {
    if (row.long_micros == 0) continue;
    sum += static_cast<double>(row.long_micros) / static_cast<double>(row.equity_micros);
    ++count;
  }
  return count > 0 ? sum / static_cast<double>(count) : 0;
}

}  // namespace

TEST_CASE("a volatility target holds as much as brings the window's volatility to it, and no more than exposure") {
  const auto plan = bar_market(bar_tape({{"A", noisy(0.001, 1, 400)}}));
  // Bars of +-0.1 %: a year's volatility is 0.001 x sqrt(252 x 390) = 0.3135.
  const double year = 0.001 * std::sqrt(252 * 390.0);
  for (const double target : {0.1, 0.2, 0.6}) {
    const std::string json = R"({"kind": "buy_and_hold", "sizing": {"exposure": 5, "volatility_band": 0, "volatility_target": )" + std::to_string(target) + "}}";
    const RunRecord record = play_strategy(json, plan, geared());
    // The sample deviation of 60 signs is within some percent of theirs.
    CHECK(mean_exposure(record) == doctest::Approx(target / year).epsilon(0.03));
    CHECK(record.orders.front().time == Nanos{61 * kPeriod});  // 60 returns need 61 prices
  }
  const RunRecord capped = play_strategy(R"({"kind": "buy_and_hold", "sizing": {"exposure": 0.5, "volatility_target": 5}})", plan, geared());
  CHECK(mean_exposure(capped) == doctest::Approx(0.5).epsilon(0.02));
}

TEST_CASE("of two assets that move against each other more is held than of two that move together") {
  const std::vector<TinyBar> up = noisy(0.001, 2, 300);
  std::vector<std::int64_t> mirrored;
  double price = 100'000;
  for (std::size_t k = 0; k < up.size(); ++k) {
    const double before = k > 0 ? static_cast<double>(up[k - 1].close) : 100'000;
    price *= 1 - 0.5 * (static_cast<double>(up[k].close) / before - 1);
    mirrored.push_back(std::llround(price));
  }
  const char* json = R"({"kind": "buy_and_hold", "sizing": {"exposure": 9, "volatility_target": 0.1}})";
  const double together = mean_exposure(play_strategy(json, bar_market(bar_tape({{"A", up}, {"B", up}})), geared()));
  const double against = mean_exposure(play_strategy(json, bar_market(bar_tape({{"A", up}, {"B", flat_bars(mirrored)}})), geared()));
  // Half of one and half of the other: (1 + 1) / 2 and (1 - 1/2) / 2 of the volatility of one.
  CHECK(against / together == doctest::Approx(4).epsilon(0.05));
}

TEST_CASE("a rule's orders are cut to what the risk rules take, and the record says so") {
  const auto plan = bar_market(bar_tape({{"A", flat_bars({10'000, 10'000, 10'000, 10'000})}, {"B", flat_bars({5'000, 5'000, 5'000, 5'000})}}));
  const RunRecord record = play_strategy(R"("buy_and_hold")", plan, geared(R"({"weight": 0.2, "position": 3000})"));
  // A fifth of a million: 2,000 at 100.00, and 4,000 at 50.00, of which the position limit leaves 3,000.
  CHECK(decisions(record) == std::vector<Decision>{{1, 0, 2'000}, {1, 1, 3'000}});
  for (const OrderRow& row : record.orders) CHECK(row.reject == Reject::None);
  REQUIRE(record.warnings.size() == 1);
  CHECK(record.warnings[0] == "2 orders were made smaller or left out to keep within the risk rules");
}
