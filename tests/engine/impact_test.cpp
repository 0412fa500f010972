// Impact: formulas on bars give back what was configured, and books that react show an impact of their own.
#include "engine/base/error.hpp"
#include "engine/data/source.hpp"
#include "stats/impact.hpp"
#include "tests/support/data.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

constexpr std::int64_t kPrice = 500'000;  // 50 in ticks of 1e-4

Instrument fine() {
  Instrument instrument = tiny_instrument("A");
  instrument.tick_size = 0.0001;
  return instrument;
}

/// Bars that wander by one part in a thousand, for models that need volatility; or that stand still.
std::shared_ptr<const Tape> bars(std::size_t count, bool still) {
  Tape tape;
  std::vector<TinyBar> rows;
  for (std::size_t k = 0; k < count; ++k) {
    const std::int64_t at = kPrice + (still || k % 2 == 0 ? 0 : 500);
    rows.push_back({at, at, at, at, 1'000'000'000});
  }
  add_bars(tape, fine(), rows);
  return finish_tape(std::move(tape));
}

/// Sells `pieces` one a bar from bar 40 on. Returns the cost against the price before impact, in currency.
double cost_of(const std::string& slippage, const std::vector<std::int64_t>& pieces, bool still = true) {
  const auto plan = bar_market(bars(60 + pieces.size(), still), R"({"volume_share": 0, "slippage": )" + slippage + "}");
  Probe probe;
  probe.slice = [&pieces, bar = std::size_t{0}](Nanos, Orders& orders) mutable {
    if (bar >= 40 && bar - 40 < pieces.size()) orders.submit(market_order(0, Side::Sell, pieces[bar - 40]));
    ++bar;
  };
  AccountTerms terms = tiny_account(1e12);
  const RunRecord record = play(plan, probe, terms);
  REQUIRE(record.fills.size() == pieces.size());
  double cost = 0;
  for (const FillRow& fill : record.fills) {
    const std::int64_t reference = still ? kPrice : fill.price.value > kPrice ? kPrice + 500 : kPrice;
    cost += static_cast<double>(reference - fill.price.value) * 1e-4 * static_cast<double>(fill.quantity.value);
  }
  return cost;
}

}  // namespace

TEST_CASE("Almgren-Chriss: the cost of the optimal schedule is the closed form's, for any schedule") {
  const std::string model = R"({"kind": "almgren_chriss", "half_spread": 0.0625, "temporary": 2.5e-6, "permanent": 2.5e-7})";
  // X = 1e6 in five periods, sigma = 0.95, lambda = 1e-6: kappa = 0.6070761633.
  const std::vector<std::int64_t> optimal{458'044, 252'102, 141'957, 85'756, 62'141};
  CHECK(cost_of(model, optimal) == doctest::Approx(911'226.9863).epsilon(0.01));
  for (const std::vector<std::int64_t>& pieces : {std::vector<std::int64_t>{1'000'000}, {500'000, 500'000}, {200'000, 200'000, 200'000, 200'000, 200'000}}) {
    double squares = 0;
    for (const std::int64_t n : pieces) squares += static_cast<double>(n) * static_cast<double>(n);
    const double x = 1e6, expected = 0.5 * 2.5e-7 * x * x + 0.0625 * x + (2.5e-6 - 2.5e-7 / 2) * squares;
    CHECK(cost_of(model, pieces) == doctest::Approx(expected).epsilon(0.001));  // prices are rounded to 1e-4
  }
}

TEST_CASE("configured exponents .4, .5, .6 and 1 are recovered from trades of many sizes") {
  for (const double exponent : {0.4, 0.5, 0.6, 1.0}) {
    CAPTURE(exponent);
    for (const char* kind : {"power", "propagator"}) {
      std::vector<double> sizes, impacts;
      for (const std::int64_t size : {1'000'000, 3'000'000, 10'000'000, 30'000'000, 100'000'000}) {  // small ones move less than rounding does
        const std::string model = fmt::format(R"({{"kind": "{}", "factor": 50, "exponent": {}}})", kind, exponent);
        const auto plan = bar_market(bars(100, false), R"({"volume_share": 0, "slippage": )" + model + "}");
        Probe probe;
        probe.slice = [size, bar = 0](Nanos, Orders& orders) mutable {
          if (bar == 81) orders.submit(market_order(0, Side::Buy, size));
          ++bar;
        };
        AccountTerms terms = tiny_account(1e12);
        const RunRecord record = play(plan, probe, terms);
        REQUIRE(record.fills.size() == 1);
        sizes.push_back(static_cast<double>(size));
        impacts.push_back(static_cast<double>(record.fills[0].price.value - kPrice));
      }
      const auto found = stats::impact_exponent(sizes, impacts);
      REQUIRE(found.estimate);
      CHECK(std::abs(*found.estimate - exponent) < 0.05);
    }
  }
}

TEST_CASE("a propagator's move dies away by its kernel, and helps a trade the other way") {
  const auto plan = [](const std::string& decay) {
    return bar_market(bars(200, false), R"({"volume_share": 0, "slippage": {"kind": "propagator", "factor": 50, "decay": )" + decay + "}}");
  };
  const auto second = [&](int gap, Side side) {
    Probe probe;
    probe.slice = [gap, side, bar = 0](Nanos, Orders& orders) mutable {
      if (bar == 81) orders.submit(market_order(0, Side::Buy, 10'000'000));
      if (bar == 81 + gap) orders.submit(market_order(0, side, 1));
      ++bar;
    };
    AccountTerms terms = tiny_account(1e12);
    const RunRecord record = play(plan("0.5"), probe, terms);
    REQUIRE(record.fills.size() == 2);
    return std::pair{static_cast<double>(record.fills[0].price.value - kPrice), static_cast<double>(record.fills[1].price.value - kPrice)};
  };
  for (const int gap : {2, 10, 40}) {
    CAPTURE(gap);
    const auto [own, left] = second(gap, Side::Buy);
    // The first paid half of its move; of the whole, (1 + t)^-1/2 is left. Volatility has a memory, so within 3 %.
    CHECK(left == doctest::Approx(2 * own / std::sqrt(1 + gap)).epsilon(0.03));
    CHECK(second(gap, Side::Sell).second > 0);
  }
}

TEST_CASE("a measure of impact says why where it cannot be computed") {
  const std::vector<double> two{1, 2}, three{1, 2, 4}, negative{1, -1, 3};
  CHECK(!stats::impact_exponent(two, two).estimate);
  CHECK(stats::impact_exponent(three, negative).reason.find("size 2") != std::string::npos);
  CHECK_THROWS_AS(static_cast<void>(stats::impact_exponent(two, three)), Error);
  const auto exact = stats::impact_exponent(three, three);
  CHECK(*exact.estimate == doctest::Approx(1));
}

TEST_CASE("the interval of a measured exponent holds the true one as often as it says") {
  Rng random(5, "impact_exponent");
  int covered = 0;
  constexpr int kRuns = 400;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<double> sizes, impacts;
    for (const double size : {1.0, 2.0, 4.0, 8.0}) {
      for (int k = 0; k < 60; ++k) {
        sizes.push_back(size);
        impacts.push_back(std::sqrt(size) + random.normal());
      }
    }
    const auto found = stats::impact_exponent(sizes, impacts);
    REQUIRE(found.interval);
    covered += found.interval->low <= 0.5 && 0.5 <= found.interval->high ? 1 : 0;
  }
  // 95 % of 400: 380, standard deviation 4.4; the delta method leans a little.
  CHECK(covered > 362);
}

TEST_CASE("impact emerges in the reacting GOOG and in a generated book: buying lifts the mid a second later") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  SourceRegistry sources("source");
  add_sources(sources);
  const EngineCatalog catalog = engine_catalog();
  const auto tape = load_tape(Json::object({{"kind", "lobster"}, {"path", (folder / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip").string()}}), "/market/source", sources, {});
  /// One buy a minute, of sizes that take turns; the mid a second later, and the same second without any own order.
  const auto mids = [](const std::shared_ptr<const MarketPlan>& plan, std::uint64_t seed, std::int64_t scale, int turn, bool trade) {
    std::map<int, std::pair<double, double>> seen;  // by minute: size, mid a second later minus before
    Probe probe;
    probe.start = [](Orders& orders) { orders.set_timer(orders.now() + Nanos{60 * kNanosPerSecond}, 0); };
    probe.timer = [&, before = std::int64_t{0}, count = turn, minute = 0](Nanos time, std::uint64_t tag, Orders& orders) mutable {
      const Depth& depth = orders.depth(0);
      const std::int64_t mid = depth.two_sided() ? depth.bid[0].price.value + depth.ask[0].price.value : 0;
      if (tag == 0) {
        before = mid;
        const std::int64_t size = scale << (count % 4);
        if (trade && mid > 0) orders.submit(market_order(0, Side::Buy, size));
        orders.set_timer(time + Nanos{kNanosPerSecond}, 1);
        orders.set_timer(time + Nanos{60 * kNanosPerSecond}, 0);
      } else {
        if (mid > 0 && before > 0) seen[minute] = {static_cast<double>(scale << (count % 4)), static_cast<double>(mid - before) / 2};
        ++count;
        ++minute;
      }
    };
    Span span = plan->whole();
    span.close_at_end = false;
    Simulation simulation(plan, span, seed);
    AccountTerms terms = tiny_account(1e12);
    simulation.add(probe, "probe", terms);
    simulation.run();
    return seen;
  };
  /// The mean in standard errors.
  const auto above_zero = [](const std::vector<double>& values) {
    const auto n = static_cast<double>(values.size());
    double sum = 0, squares = 0;
    for (const double value : values) sum += value, squares += value * value;
    return sum / n / std::sqrt((squares / n - sum * sum / n / n) / n);
  };
  std::vector<double> sizes, impacts;
  const auto reacting = build_market(Json::parse(R"({"mode": "reacting", "refill_half_life_s": 5})"), Json::object(), tape, catalog);
  const auto without = mids(reacting, 1, 100, 0, false);
  for (int turn = 0; turn < 4; ++turn) {
    const auto with = mids(reacting, 1, 100, turn, true);
    for (const auto& [minute, seen] : with) {
      // A side of the ten levels shown may be empty for a moment: that minute has no mid.
      if (!without.contains(minute)) continue;
      sizes.push_back(seen.first);
      impacts.push_back(seen.second - without.at(minute).second);
    }
    CHECK(with.size() > 370);
  }
  const auto of_book = stats::impact_exponent(sizes, impacts);
  REQUIRE(of_book.estimate);
  MESSAGE("reacting GOOG: " << *of_book.estimate << " [" << of_book.interval->low << ", " << of_book.interval->high << "], n = " << of_book.n);
  CHECK(above_zero(impacts) > 4);
  sizes.clear();
  impacts.clear();
  const auto generated = build_market(Json::parse(R"({"mode": "generated", "generator": "zero_intelligence", "duration_s": 3600})"), Json::object(), nullptr, catalog);
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    for (const auto& [minute, seen] : mids(generated, seed, 5, static_cast<int>(seed), true)) {
      sizes.push_back(seen.first);
      impacts.push_back(seen.second);
    }
  }
  const auto of_flow = stats::impact_exponent(sizes, impacts);
  if (of_flow.estimate) MESSAGE("zero intelligence: " << *of_flow.estimate << " [" << of_flow.interval->low << ", " << of_flow.interval->high << "], n = " << of_flow.n);
  REQUIRE(of_flow.estimate);
  CHECK(above_zero(impacts) > 4);
}
