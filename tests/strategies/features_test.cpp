#include "strategies/features.hpp"
#include "engine/base/error.hpp"
#include "engine/base/random.hpp"

#include <doctest/doctest.h>

#include <cmath>

using namespace walras;
using namespace walras::strategies;

namespace {

engine::Bar bar(std::int64_t high, std::int64_t low, std::int64_t close, std::int64_t volume) {
  engine::Bar made{};
  made.open = made.close = {close};
  made.high = {high};
  made.low = {low};
  made.volume = {volume};
  return made;
}

const std::vector<Feature> kAll{{FeatureKind::Return, 2}, {FeatureKind::MarketReturn, 1},
                                {FeatureKind::Level, 3},  {FeatureKind::Volatility, 2},
                                {FeatureKind::Range, 2},  {FeatureKind::Volume, 2}};

}  // namespace

TEST_CASE("each feature is what its description says") {
  Features features(kAll, 2);
  const std::int64_t closes[] = {100, 110, 121, 100};
  for (int i = 0; i < 4; ++i) {
    features.bar(0, bar(closes[i] + 10, closes[i] - 10, closes[i], 1'000 * (i + 1)));
    features.bar(1, bar(50, 50, 50, 0));
    features.end_slice();
  }
  REQUIRE(features.rows() == 4);
  CHECK(features.known(3, 0, 1));
  CHECK(!features.known(2, 0, 1));  // three bars back from row 2 there is none
  CHECK(!features.known(3, 0, 2));
  std::vector<float> out(6);
  features.window(3, 0, 1, out);
  CHECK(out[0] == doctest::Approx(std::log(100.0 / 110)));
  CHECK(out[1] == doctest::Approx(std::log(100.0 / 121) / 2));  // the other instrument did not move
  CHECK(out[2] == doctest::Approx(std::log(100.0) -
                                  (std::log(110.0) + std::log(121.0) + std::log(100.0)) / 3));
  CHECK(out[3] ==
        doctest::Approx(std::abs(std::log(1.1) - std::log(100.0 / 121)) / std::sqrt(2.0)));
  CHECK(out[4] == doctest::Approx(std::log(131.0 / 90)));
  CHECK(out[5] == doctest::Approx(std::log(4'001.0 / 3'501)));
  CHECK(features.log_return(0, 2, 0) == doctest::Approx(std::log(1.21)));
}

TEST_CASE(
    "a row is the same whatever comes after it, and windows are [channel][step], oldest first") {
  Rng random(1, "features");
  std::vector<engine::Bar> bars;
  for (int i = 0; i < 200; ++i) {
    const auto close = static_cast<std::int64_t>(1'000 + random.below(100));
    bars.push_back(
        bar(close + 5, close - 5, close, static_cast<std::int64_t>(random.below(1'000))));
  }
  Features whole(kAll, 1);
  for (const engine::Bar& each : bars) {
    whole.bar(0, each);
    whole.end_slice();
  }
  Features part(kAll, 1);
  std::vector<float> now(6 * 5), later(6 * 5), last(6);
  for (std::size_t row = 0; row < bars.size(); ++row) {
    part.bar(0, bars[row]);
    part.end_slice();
    REQUIRE(part.known(row, 0, 5) == whole.known(row, 0, 5));
    if (!part.known(row, 0, 5)) continue;
    part.window(row, 0, 5, now);
    whole.window(row, 0, 5, later);
    REQUIRE(now == later);
    whole.window(row, 0, 1, last);
    for (std::size_t k = 0; k < 6; ++k) REQUIRE(now[k * 5 + 4] == last[k]);
  }
}

TEST_CASE("an instrument that starts late is known late, and one without a bar stands still") {
  Features features({{FeatureKind::Return, 1}}, 2);
  for (int i = 0; i < 6; ++i) {
    if (i != 4) features.bar(0, bar(100 + i, 100 + i, 100 + i, 1));
    if (i >= 3) features.bar(1, bar(7, 7, 7, 1));
    features.end_slice();
  }
  CHECK(!features.known(3, 1, 1));
  CHECK(features.known(4, 1, 1));
  float out = 1;
  features.window(4, 0, 1, {&out, 1});
  CHECK(out == 0.0F);
}

TEST_CASE("features that make no sense are refused") {
  CHECK_THROWS_AS(Features({}, 1), Error);
  CHECK_THROWS_AS(Features({{FeatureKind::Volatility, 1}}, 1), Error);
}
