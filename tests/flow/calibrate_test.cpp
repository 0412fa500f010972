// Flows fitted to markets whose parameters are known, and to a recorded day.
#include "engine/flow/calibrate.hpp"
#include "engine/data/source.hpp"
#include "tests/support/data.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

std::shared_ptr<const MarketPlan> market(const Json& generator, double duration_s) {
  return build_market(
      Json::object({{"mode", "generated"}, {"generator", generator}, {"duration_s", duration_s}}),
      Json::object(), nullptr, engine_catalog());
}

std::map<std::string, FittedParameter> fitted(const MarketView& view, const std::string& kind) {
  std::map<std::string, FittedParameter> found;
  for (const FittedParameter& parameter : calibrate(view, kind).parameters)
    found[parameter.name] = parameter;
  return found;
}

void near(const std::map<std::string, FittedParameter>& found, const std::string& name,
          double truth) {
  CAPTURE(name);
  REQUIRE(found.count(name) == 1);
  const FittedParameter& p = found.at(name);
  CAPTURE(p.value);
  CAPTURE(p.error);
  CHECK(std::abs(p.value - truth) < 2 * p.error);
}

}  // namespace

TEST_CASE("a zero-intelligence market gives its rates back within two standard errors") {
  // A short reach of limit orders, so that all of them lie within the ten visible levels.
  const auto plan = market(
      Json::parse(
          R"({"kind": "zero_intelligence", "limit_rate": 3, "limit_tail": 0.5, "limit_lots": 1, "market_rate": 0.8, "market_lots": 1, "cancel_rate": 0.05})"),
      7200);
  const auto found = fitted(observe(*plan, 1, 0), "zero_intelligence");
  near(found, "limit_rate", 3);
  near(found, "market_rate", 0.8);
  near(found, "limit_tail", 0.5);
  near(found, "cancel_rate", 0.05);
}

TEST_CASE("a Hawkes market gives its excitations back within two standard errors") {
  const double base[] = {1.0, 1.0, 0.3, 0.3};
  const double children[4][4] = {
      {0.3, 0.1, 0.1, 0.3}, {0.1, 0.3, 0.3, 0.1}, {0.05, 0.1, 0.4, 0.05}, {0.1, 0.05, 0.05, 0.4}};
  const auto plan = market(
      Json::parse(
          R"({"kind": "book", "flow": {"kind": "hawkes", "base": [1, 1, 0.3, 0.3], "decay": 5, "limit_tail": 0.5, "limit_lots": 1, "market_lots": 1, "cancel_rate": 0.06,
    "informed": 0, "children": [[0.3, 0.1, 0.1, 0.3], [0.1, 0.3, 0.3, 0.1], [0.05, 0.1, 0.4, 0.05], [0.1, 0.05, 0.05, 0.4]]}})"),
      5400);
  const auto found = fitted(observe(*plan, 3, 0), "hawkes");
  const char* names[] = {"limit buy", "limit sell", "market buy", "market sell"};
  int beyond = 0, all = 0;
  const auto check = [&](const std::string& name, double truth) {
    const FittedParameter& p = found.at(name);
    CAPTURE(name);
    CAPTURE(p.value);
    CAPTURE(p.error);
    CHECK(p.error > 0);
    CHECK(std::abs(p.value - truth) < 3 * p.error);
    beyond += std::abs(p.value - truth) > 2 * p.error ? 1 : 0;
    ++all;
  };
  for (int i = 0; i < 4; ++i) {
    check(std::string("base of ") + names[i], base[i]);
    for (int j = 0; j < 4; ++j)
      check(std::string(names[i]) + " set off by " + names[j], children[i][j]);
  }
  check("decay", 5);
  CHECK(all == 21);
  CHECK(beyond <=
        3);  // one of 21 is expected beyond two standard errors; more than three come once in fifty
}

TEST_CASE("a queue-reactive market gives the rates back that it often used within two standard errors") {
  const auto plan = market(
      Json::parse(R"({"kind": "book", "flow": {"kind": "queue_reactive", "lots": 1}})"), 14400);
  const auto found = fitted(observe(*plan, 1, 0), "queue_reactive");
  const double limit[] = {2.4, 2.0, 1.7, 1.5, 1.4, 1.3, 1.2},
               cancel[] = {0, 0.35, 0.6, 0.8, 0.95, 1.05, 1.15},
               taken[] = {0, 0.9, 0.75, 0.6, 0.5, 0.42, 0.36};
  int beyond = 0;
  const auto check = [&](const std::string& name, double truth) {
    CAPTURE(name);
    const FittedParameter& p = found.at(name);
    CAPTURE(p.value);
    CAPTURE(p.error);
    CHECK(std::abs(p.value - truth) < 3 * p.error);
    CHECK(p.error < 0.1 * truth);
    beyond += std::abs(p.value - truth) > 2 * p.error ? 1 : 0;
  };
  for (int q = 1; q < 7; ++q) {
    check("limit orders at level 0, length " + std::to_string(q), limit[q]);
    check("cancels at level 0, length " + std::to_string(q), cancel[q]);
    check("market orders at length " + std::to_string(q), taken[q]);
  }
  CHECK(beyond <= 3);  // one of 18 is expected; more than three come once in a hundred
}

TEST_CASE("distances: none from itself, and the largest of two that share nothing") {
  CHECK(distribution_distance({1, 2, 3}, {1, 2, 3}) == 0);
  CHECK(distribution_distance({1, 2}, {3, 4}) == 1);
  CHECK(distribution_distance({1, 2, 3, 4}, {3, 4, 5, 6}) == doctest::Approx(0.5));
  const auto plan = market(Json::parse(R"({"kind": "zero_intelligence"})"), 1800);
  const MarketView view = observe(*plan, 1, 0);
  for (const MarketDistance& distance : distances(view, view)) {
    CAPTURE(distance.measure);
    CHECK(distance.model == 0);
    CHECK(distance.halves >= 0);
  }
}

TEST_CASE("what cannot be calibrated is refused in words") {
  const auto plan = market(Json::parse(R"({"kind": "zero_intelligence"})"), 1800);
  const MarketView view = observe(*plan, 1, 0);
  const auto sparse = market(Json::parse(R"({"kind": "zero_intelligence", "limit_tail": 0.01, "limit_rate": 1})"), 1800);
  const MarketView wide = observe(*sparse, 1, 0);
  CHECK_THROWS_WITH_AS(calibrate(view, "magic"),
                       doctest::Contains("expected zero_intelligence, hawkes or queue_reactive"),
                       Error);
  CHECK_THROWS_WITH_AS(calibrate(wide, "queue_reactive"), doctest::Contains("spread of one tick"),
                       Error);
  CHECK_THROWS_WITH_AS(calibrate(view.between(0, 10), "hawkes"), doctest::Contains("at least 100"),
                       Error);
  CHECK_THROWS_AS(observe(*bar_tape({{"A", {{1, 2, 1, 2}}}}), 0), Error);
}

TEST_CASE(
    "a recorded day is seen as it is, fitted, and its distances are told beside those of its "
    "halves") {
  const std::filesystem::path folder = market_data("lobster");
  if (folder.empty()) return;
  SourceRegistry registry("source");
  add_sources(registry);
  const Json section =
      Json::object({{"kind", "lobster"},
                    {"path", (folder / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip").string()}});
  const auto tape = load_tape(section, "", registry, {folder, folder});
  const MarketView day = observe(*tape, 0);
  std::size_t limits = 0;
  for (const SeenOrder& order : day.orders) limits += order.cancel ? 0 : 1;
  CHECK(limits == 71258);  // as the set's description counts them
  CHECK(day.market_orders.size() > 3000);
  const MarketSamples facts = sample(day);
  CHECK(facts.signs[0] > 0.1);  // long memory of order signs
  CHECK(facts.signs[9] > 0.03);  // standard error 0.013
  CHECK(facts.kurtosis > 1);  // fat tails
  CHECK(std::abs(facts.returns[0]) < 0.1);
  const Calibration fit = calibrate(day, "zero_intelligence");
  const MarketView model = observe(*market(fit.generator, 1800), 1, 0);
  const auto far = distances(day, model);
  CHECK(far.size() == 8);
  for (const MarketDistance& distance : far) {
    CAPTURE(distance.measure);
    CHECK(distance.model > 0);
    CHECK(distance.halves > 0);
    CHECK(distance.halves < 1);
  }
}
