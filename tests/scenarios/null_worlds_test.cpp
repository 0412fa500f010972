// Worlds without alpha: bars stay valid, structure is lost, the p-value keeps its size and finds a planted edge.
#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/data/null_market.hpp"
#include "tests/scenarios/null_study.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

using namespace walras;
using namespace walras::scenarios;

namespace {

std::vector<double> closes(const engine::Tape& tape, engine::InstrumentId instrument) {
  std::vector<double> prices;
  for (const engine::Event& event : tape.events) {
    if (event.instrument == instrument) prices.push_back(tape.instruments[instrument].price(tape.bars[event.payload].close));
  }
  return prices;
}

std::vector<double> moves(const std::vector<double>& prices) {
  std::vector<double> out;
  for (std::size_t t = 1; t < prices.size(); ++t) out.push_back(prices[t] / prices[t - 1] - 1);
  return out;
}

double autocorrelation(const std::vector<double>& x) {
  const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
  double square = 0, product = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    square += (x[t] - mean) * (x[t] - mean);
    if (t > 0) product += (x[t] - mean) * (x[t - 1] - mean);
  }
  return product / square;
}

double correlation(const std::vector<double>& x, const std::vector<double>& y) {
  double xx = 0, yy = 0, xy = 0;
  for (std::size_t t = 0; t < x.size(); ++t) {
    xx += x[t] * x[t];
    yy += y[t] * y[t];
    xy += x[t] * y[t];
  }
  return xy / std::sqrt(xx * yy);
}

}  // namespace

TEST_CASE("markets without alpha keep their bars valid, their sizes, and lose what follows what") {
  const tests::TemporaryFolder folder;
  const Setup setup = study(folder, 3, 0.5, 700, asked("shuffled", 5));
  const std::vector<double> before = moves(closes(*setup.tape, 0));
  REQUIRE(autocorrelation(before) > 0.4);
  for (const engine::Destruction kind : {engine::Destruction::Shuffled, engine::Destruction::Signs, engine::Destruction::Simulated}) {
    for (const std::size_t block : {1U, 7U}) {
      const engine::NullMarketMaker maker(setup.tape, kind, block, {}, "/evidence/null_worlds");
      double memory = 0, mean = 0, size = 0;
      for (std::uint64_t world = 0; world < 20; ++world) {
        const engine::NullMarket market = maker.draw(1, world);  // finish_tape() inside refuses a bar that is not valid
        REQUIRE(market.tape->events.size() == setup.tape->events.size());
        for (std::size_t i = 0; i < market.tape->events.size(); ++i) {
          CHECK(market.tape->events[i].exchange_time == setup.tape->events[i].exchange_time);
        }
        const std::vector<double> after = moves(closes(*market.tape, 0));
        memory += autocorrelation(after) / 20;
        for (const double move : after) {
          mean += move / (20.0 * static_cast<double>(after.size()));
          size += move * move / (20.0 * static_cast<double>(after.size()));
        }
        CHECK(maker.draw(1, world).tape->content_hash == market.tape->content_hash);
        CHECK(maker.draw(2, world).tape->content_hash != market.tape->content_hash);
      }
      CAPTURE(static_cast<int>(kind));
      CAPTURE(block);
      if (block == 1 || kind == engine::Destruction::Simulated) CHECK(std::abs(memory) < 0.04);
      double square = 0;
      for (const double move : before) square += move * move / static_cast<double>(before.size());
      CHECK(size == doctest::Approx(square).epsilon(0.1));
      if (kind != engine::Destruction::Shuffled) CHECK(std::abs(mean) < 4 * std::sqrt(square / (20.0 * static_cast<double>(before.size())) * 3));
    }
  }
}

TEST_CASE("shuffled dates are a permutation, the same for all instruments and what goes along") {
  const tests::TemporaryFolder folder;
  const Setup setup = study(folder, 4, 0, 400, asked("shuffled", 5));
  const std::vector<double> own = moves(closes(*setup.tape, 0));
  std::vector<double> along{0};
  along.insert(along.end(), own.begin(), own.end());
  for (const engine::Destruction kind : {engine::Destruction::Shuffled, engine::Destruction::Signs}) {
    const engine::NullMarketMaker maker(setup.tape, kind, 3, {along}, "");
    const engine::NullMarket market = maker.draw(5, 0);
    std::vector<double> after = moves(closes(*market.tape, 0));
    CHECK(correlation(after, {market.companions[0].begin() + 1, market.companions[0].end()}) > 0.9999);
    if (kind == engine::Destruction::Signs) continue;
    std::vector<double> sorted = own;
    std::sort(sorted.begin(), sorted.end());
    std::sort(after.begin(), after.end());
    for (std::size_t t = 0; t < sorted.size(); ++t) CHECK(std::abs(sorted[t] - after[t]) < 1e-5);  // ticks of 1e-4 at 100
  }
}

TEST_CASE("simulated worlds keep how instruments move together, and nothing where they do not") {
  for (const bool together : {false, true}) {
    const tests::TemporaryFolder folder;
    const Setup setup = study(folder, 6, 0, 1500, asked("simulated", 5));
    // A companion that is half of the first share and half its own.
    std::vector<double> along{0};
    Rng random(8, "companion");
    const std::vector<double> own = moves(closes(*setup.tape, 0));
    for (const double move : own) along.push_back((together ? 0.7 * move : 0) + 0.007 * random.normal());
    const engine::NullMarketMaker maker(setup.tape, engine::Destruction::Simulated, 1, {along}, "");
    double shares = 0, with = 0;
    for (std::uint64_t world = 0; world < 20; ++world) {
      const engine::NullMarket market = maker.draw(2, world);
      const std::vector<double> first = moves(closes(*market.tape, 0)), second = moves(closes(*market.tape, 1));
      shares += correlation(first, second) / 20;
      with += correlation(first, {market.companions[0].begin() + 1, market.companions[0].end()}) / 20;
    }
    // One factor for three columns: what is shared between two of them is told apart only roughly.
    CHECK(std::abs(shares) < 0.15);
    if (!together) CHECK(std::abs(with) < 0.1);
    if (together) CHECK(with > 0.35);
  }
}

TEST_CASE("null worlds: threads and interruptions do not change a bit") {
  const tests::TemporaryFolder folder;
  const Setup setup = study(folder, 5, 0.2, 400, asked("signs", 9));
  const int before = threads();
  set_threads(1);
  const NullWorlds one = nulls(setup);
  set_threads(2);
  std::filesystem::create_directories(folder / "kept");
  const NullWorlds two = nulls(setup, folder / "kept");
  CHECK(one.best == two.best);
  CHECK(one.p_values == two.p_values);
  // Half of the worlds are lost; the others are taken as they lie.
  for (int w = 0; w < 5; ++w) std::filesystem::remove(folder / "kept" / fmt::format("null-{}.json", w));
  CHECK(nulls(setup, folder / "kept").best == one.best);
  set_threads(before);
}

TEST_CASE("a market of generated books is a null world where the scenario says so") {
  const tests::TemporaryFolder folder;
  CHECK_THROWS_WITH_AS((void)study(folder, 5, 0, 300, asked("market", 3)),
                       doctest::Contains("/evidence/null_worlds/market: expected a market without alpha, was none"), Error);
}

TEST_CASE("the p-value of the null worlds finds a planted edge") {
  int found = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const tests::TemporaryFolder folder;
    found += nulls(study(folder, 40 + seed, 0.5, 700, asked("shuffled", 19))).p_value <= 0.05 ? 1 : 0;
  }
  CHECK(found == 4);
}
