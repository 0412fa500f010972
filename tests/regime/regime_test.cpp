#include "engine/regime/regime.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <string>

using namespace walras;
using namespace walras::engine;

namespace {

std::unique_ptr<Regime> regime(const std::string& json, std::uint64_t seed = 1) {
  Registry<Regime, Rng> registry("regime");
  add_regimes(registry);
  return registry.build(Json::parse(json), "/regime", Rng(seed, "regime"));
}

Nanos days(double n) { return {std::llround(n * kTradingDay_s * 1e9)}; }

}  // namespace

TEST_CASE(
    "Markov switching spends in each state the share of time that its spells and transitions "
    "imply") {
  // Default: next state uniform over the others, so the jump chain is uniform and time goes by the
  // lengths 60, 25, 40, 8.
  std::map<int, double> time;
  const int seeds = 20, n = 60'000;
  for (int seed = 0; seed < seeds; ++seed) {
    const auto chain = regime(R"({"kind": "markov_switching"})", static_cast<std::uint64_t>(seed));
    for (int k = 0; k < n; ++k) time[chain->at(days(k * 5.0)).label] += 1.0 / n / seeds;
  }
  const double expected[] = {60 / 133.0, 25 / 133.0, 40 / 133.0, 8 / 133.0};
  // About 180,000 spells, 45,000 of each state: a share is known to about sqrt(2 / 45,000), 0.7 %,
  // of itself.
  for (int s = 0; s < 4; ++s) CHECK(time[s] == doctest::Approx(expected[s]).epsilon(0.03));
}

TEST_CASE("transitions that are stated are followed") {
  const auto chain = regime(
      R"({"kind": "markov_switching", "states": [{"name": "a", "mean_days": 1}, {"name": "b", "mean_days": 1}, {"name": "c", "mean_days": 1}],
                                "transitions": [[0, 1, 0], [0, 0, 1], [1, 0, 0]]})");
  int before = chain->at({}).label;
  for (int k = 1; k < 100'000; ++k) {
    const int now = chain->at(days(k * 0.01)).label;
    if (now != before) REQUIRE((now == (before + 1) % 3 || now == (before + 2) % 3));
    if (now == (before + 2) % 3)
      CHECK(k >
            0);  // two jumps within a hundredth of a day: rare, in the stated order all the same
    before = now;
  }
}

TEST_CASE("a script holds at its times and nowhere else, and moves the value as it says") {
  const auto script = regime(R"({"kind": "scripted", "phases": [
    {"name": "crash", "at_s": 100, "length_s": 50, "price_change": -0.2, "volatility": 3},
    {"name": "halt", "at_s": 200, "length_s": 10, "halted": true},
    {"name": "drought", "at_days": 1, "length_days": 0.5, "depth": 0.1}]})");
  const auto at = [&](double s) { return script->at({std::llround(s * 1e9)}); };
  CHECK(at(99.9).label == 0);
  CHECK(at(100).label == 1);
  CHECK(at(149).drift * 50 == doctest::Approx(std::log(0.8)));
  CHECK(at(149).volatility == 3);
  CHECK(at(150).label == 0);
  CHECK(at(205).halted);
  CHECK_FALSE(at(210).halted);
  CHECK(at(kTradingDay_s).depth == 0.1);
  CHECK(at(2 * kTradingDay_s).depth == 1);
}

TEST_CASE("regimes that cannot be are refused with their place") {
  const auto refused = [](const char* json, const char* words) {
    CHECK_THROWS_WITH_AS(regime(json), doctest::Contains(words), Error);
  };
  refused(R"({"kind": "markov_switching", "states": [{"name": "a"}]})", "at least two states");
  refused(
      R"({"kind": "markov_switching", "states": [{"name": "a"}, {"name": "b"}], "transitions": [[0.5, 0.5], [1, 0]]})",
      "/regime/transitions/0");
  refused(
      R"({"kind": "scripted", "phases": [{"at_s": 10, "length_s": 10}, {"at_s": 15, "length_s": 1}]})",
      "/regime/phases/1/at_s");
  refused(R"({"kind": "scripted", "phases": [{"at_s": 10}]})", "/regime/phases/0/length_s");
}
