#include "strategies/feature_stream.hpp"
#include "strategies/targets.hpp"
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/base/random.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/scrambled.hpp"
#include "tests/support/strategy.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>

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

constexpr std::int64_t kSecond = 1'000'000'000;

/// Every kind there is, on the market's own bars and on longer ones, so that a new kind is tested by
/// being there. Of the book or of bars.
std::vector<Feature> every_feature(bool of_book, std::int64_t frame_s) {
  std::vector<Feature> all;
  for (const auto& [kind, name] : EnumNames<FeatureKind>::names) {
    const Feature feature{.kind = kind, .bars = 3, .places = 6, .place_bp = 3};
    if (feature.of_book() && !of_book) continue;
    all.push_back(feature);
    all.push_back(feature);
    all.back().frame_s = frame_s;
  }
  return all;
}

/// All channels of all rows up to `time`, as they are known one row at a time.
std::vector<float> rows_until(const Features& features, std::size_t instruments, Nanos time) {
  std::vector<float> all, row(features.channels());
  for (std::size_t r = 0; r < features.rows() && features.time_of(r) <= time.value; ++r) {
    for (engine::InstrumentId i = 0; i < instruments; ++i) {
      if (!features.known(r, i, 1)) continue;
      features.window(r, i, 1, row);
      all.insert(all.end(), row.begin(), row.end());
    }
  }
  return all;
}

/// Remembers what it is given to learn and is shown later.
class Spy final : public Predictor {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  static inline std::vector<float> learned, shown;
  static inline std::vector<std::int64_t> times;
  Spy(Params, const PredictorContext& context) : outputs_(context.outputs), inputs_(context.channels * context.window) {}
  void fit(const Dataset& data, Rng) override {
    learned = data.inputs;
    times = data.times;
  }
  void predict(std::span<const float> input, std::span<float> output) override {
    CHECK(output.size() == input.size() / inputs_ * outputs_);
    shown.insert(shown.end(), input.begin(), input.end());
    std::ranges::fill(output, 1.0F);
  }
  [[nodiscard]] Json summary() const override { return {}; }
  void save(std::vector<std::byte>&) const override {}
  void load(std::span<const std::byte>) override {}

 private:
  std::size_t outputs_, inputs_;
};

/// Training that says what it is, and counts how often its market is played.
class Identified final : public Training {
 public:
  Identified(std::shared_ptr<const engine::MarketPlan> plan, Nanos end, std::string identity)
      : inner_(std::move(plan), end), identity_(std::move(identity)) {}
  [[nodiscard]] std::span<const engine::Instrument> instruments() const override { return inner_.instruments(); }
  [[nodiscard]] std::span<const engine::Event> events() const override { return inner_.events(); }
  [[nodiscard]] const engine::Bar& bar(const engine::Event& event) const override { return inner_.bar(event); }
  [[nodiscard]] std::unique_ptr<engine::Simulation> market(std::uint64_t seed) const override {
    ++played;
    return inner_.market(seed);
  }
  [[nodiscard]] const engine::AccountTerms& account() const override { return inner_.account(); }
  [[nodiscard]] engine::Span span() const override { return inner_.span(); }
  [[nodiscard]] double periods_per_year() const override { return 252; }
  [[nodiscard]] std::string identity() const override { return identity_; }
  mutable int played = 0;

 private:
  tests::TinyTraining inner_;
  std::string identity_;
};

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
    features.end_row({});
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
    whole.end_row({});
  }
  Features part(kAll, 1, 5);  // what a trader keeps
  std::vector<float> now(6 * 5), later(6 * 5), last(6);
  for (std::size_t row = 0; row < bars.size(); ++row) {
    part.bar(0, bars[row]);
    part.end_row({});
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
    features.end_row({});
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
  CHECK_THROWS_WITH_AS(Features({{FeatureKind::Return, 1}, {.kind = FeatureKind::Book, .places = 11}}, 1),
                       doctest::Contains("features/1/places: expected at most 10 levels, was 11"), Error);
  CHECK_THROWS_WITH_AS(FeatureStream({{.frame_s = 90}}, 60, 1), doctest::Contains("multiple of step_s"), Error);
}

TEST_CASE("bars of longer frames are made of the stream's own, and hold until the next is whole") {
  // Minutes from 0:00 on a Monday; closes 1, 2, 3, ... hundred; one instrument lacks minutes 4 and 5.
  const std::int64_t monday = 4 * 86'400 * kSecond;
  const std::vector<Feature> declared{{.kind = FeatureKind::Return, .bars = 1, .frame_s = 300},
                                      {.kind = FeatureKind::Range, .bars = 1, .frame_s = 300},
                                      {.kind = FeatureKind::Return, .bars = 1}};
  Features features(declared, 2);
  for (std::int64_t minute = 1; minute <= 12; ++minute) {
    engine::Bar made = bar(100 * minute + 7, 100 * minute - 7, 100 * minute, 10);
    made.close_time = {monday + minute * 60 * kSecond};
    features.bar(0, made);
    if (minute != 4 && minute != 5) features.bar(1, made);
    features.end_row({made.close_time.value + kSecond});  // delivered a second late
  }
  std::vector<float> row(3);
  for (const std::size_t r : {10U, 11U}) {  // after the bars that end at 0:05 and 0:10
    CAPTURE(r);
    REQUIRE(features.known(r, 0, 1));
    features.window(r, 0, 1, row);
    CHECK(row[0] == doctest::Approx(std::log(1000.0 / 500)));
    CHECK(row[1] == doctest::Approx(std::log(1007.0 / 593)));
    features.window(r, 1, 1, row);
    CHECK(row[0] == doctest::Approx(std::log(1000.0 / 300)));
  }
  CHECK(features.known(9, 0, 1));  // 0:10 itself: the second bar is whole with this one
  CHECK_FALSE(features.known(8, 0, 1));
}

TEST_CASE("features of the book are what their descriptions say") {
  const std::vector<Feature> declared{{.kind = FeatureKind::Spread},
                                      {.kind = FeatureKind::Imbalance, .places = 2},
                                      {.kind = FeatureKind::Microprice},
                                      {.kind = FeatureKind::Book, .places = 2},
                                      {.kind = FeatureKind::DepthImage, .places = 4, .place_bp = 100},
                                      {.kind = FeatureKind::Flow, .bars = 2},
                                      {.kind = FeatureKind::VolumeImage, .bars = 2, .places = 4, .place_bp = 100}};
  Features features(declared, 1);
  engine::Depth depth;
  depth.bids = 2;
  depth.asks = 1;
  depth.bid[0] = {{999}, {30}};
  depth.bid[1] = {{980}, {10}};
  depth.ask[0] = {{1001}, {20}};
  for (int i = 0; i < 3; ++i) {
    features.quote(0, 2000);
    features.trade(0, engine::Side::Buy, {30});
    features.trade(0, engine::Side::Sell, {i == 1 ? 40 : 10});
    features.book(0, depth);
    features.end_row({i * kSecond});
  }
  REQUIRE(features.channels() == 3 + 8 + 4 + 1 + 4);
  REQUIRE(features.known(2, 0, 1));
  std::vector<float> row(features.channels());
  features.window(2, 0, 1, row);
  CHECK(row[0] == doctest::Approx(std::log(1001.0 / 999)).epsilon(1e-5));
  CHECK(row[1] == doctest::Approx((40.0 - 20) / 60));
  CHECK(row[2] == doctest::Approx(std::log((999 * 20.0 + 1001 * 30) / 50 / 1000)).epsilon(1e-4));
  const double book[] = {std::log(1.001), std::log(21.0), std::log(0.999), std::log(31.0),
                         std::log(1.001), 0, std::log(0.98), std::log(11.0)};
  for (std::size_t i = 0; i < 8; ++i) CHECK(row[3 + i] == doctest::Approx(book[i]).epsilon(1e-5));
  // Places of 1 %: [-2, -1), [-1, 0), [0, 1), [1, 2) %; the bid at -2.02 % lies outside.
  const double image[] = {0, std::log(31.0), std::log(21.0), 0};
  for (std::size_t i = 0; i < 4; ++i) CHECK(row[11 + i] == doctest::Approx(image[i]));
  CHECK(row[15] == doctest::Approx((60.0 - 50) / 110));
  CHECK(row[18] == 1);  // all volume at the mid itself
}

TEST_CASE("a volume image spreads a bar's volume over its range, around the last close") {
  Features features({{.kind = FeatureKind::VolumeImage, .bars = 2, .places = 4, .place_bp = 1000}}, 1);
  const auto price = [](double log_price) { return static_cast<std::int64_t>(std::llround(1e6 * std::exp(log_price))); };
  features.bar(0, bar(price(9), price(9), price(9), 1));  // forgotten after two more
  features.end_row({});
  features.bar(0, bar(price(0.1), price(-0.1), price(0.1), 300));
  features.end_row({});
  features.bar(0, bar(price(0.05), price(0.05), price(0), 100));
  features.end_row({});
  REQUIRE(features.known(2, 0, 1));
  std::vector<float> row(4);
  features.window(2, 0, 1, row);
  const double expected[] = {0, 150.0 / 400, 250.0 / 400, 0};
  for (std::size_t i = 0; i < 4; ++i) CHECK(row[i] == doctest::Approx(expected[i]).epsilon(1e-4).scale(1));
}

TEST_CASE("no feature knows what comes later: another future leaves every bit of the past") {
  for (const bool on_book : {false, true}) {
    const std::size_t instruments = on_book ? 1 : 3;
    const auto declared = every_feature(on_book, on_book ? 1 : 300);
    const double step_s = on_book ? 0.25 : 0;
    CHECK(declared.size() == (on_book ? 26 : 14));
    for (const std::size_t known : {250U, 307U, 391U}) {
      CAPTURE(on_book);
      CAPTURE(known);
      std::vector<std::vector<float>> pasts, wholes;
      for (const std::uint64_t future : {2U, 3U}) {
        const auto plan = on_book ? tests::scrambled_book(known * 10, future, 5) : tests::scrambled_bars(known, future);
        const Nanos time{static_cast<std::int64_t>(known) * (on_book ? 50'000'000 : tests::kPeriod)};
        const FeatureStream seen = observe(declared, step_s, tests::TinyTraining(plan, plan->whole().end), 0);
        pasts.push_back(rows_until(seen.features(), instruments, time));
        wholes.push_back(rows_until(seen.features(), instruments, plan->whole().end));
      }
      REQUIRE(pasts[0].size() > 20);
      CHECK(pasts[0].size() < wholes[0].size());
      REQUIRE(pasts[0].size() == pasts[1].size());
      CHECK(std::memcmp(pasts[0].data(), pasts[1].data(), pasts[0].size() * sizeof(float)) == 0);
      // Each channel does tell the futures apart, so that the equality above says something.
      const std::size_t channels = Features(declared, 1).channels();
      std::set<std::size_t> different;
      for (std::size_t i = pasts[0].size(); i < std::min(wholes[0].size(), wholes[1].size()); ++i) {
        if (wholes[0][i] != wholes[1][i]) different.insert(i % channels);
      }
      if (known == 250) CHECK(different.size() > channels * 9 / 10);  // the edges of images may be empty
    }
  }
}

TEST_CASE("targets are what their descriptions say, and end where they say") {
  Features features({{FeatureKind::Return, 1}}, 1);
  const std::int64_t closes[] = {100, 101, 100, 101, 100, 110, 121, 100, 100, 500};
  for (const std::int64_t close : closes) {
    features.bar(0, bar(close + (close == 110 ? 15 : 0), close, close, 1));
    features.end_row({});
  }
  const auto value = [&](const Target& target, std::size_t row, std::size_t delay, std::size_t ahead) {
    return target_value(features, target, row, delay, ahead, 0);
  };
  const double up = std::log(1.1), down = std::log(100.0 / 121), small = std::log(1.01);
  CHECK(*value({}, 3, 1, 2) == doctest::Approx(2 * up));
  CHECK(*value({.kind = TargetKind::Direction, .threshold = 0.1}, 3, 1, 2) == 1);
  CHECK(*value({.kind = TargetKind::Direction, .threshold = 0.2}, 3, 1, 2) == 0);
  CHECK(*value({.kind = TargetKind::Direction}, 5, 1, 1) == -1);
  CHECK(*value({.kind = TargetKind::Volatility}, 3, 1, 3) ==
        doctest::Approx(std::sqrt((2 * up * up + down * down) / 3)));
  // Usual: 1 % a bar. Barriers of two bars at 12 %: the high of 125 is above, no close before is.
  const double width = 0.12 / (small * std::sqrt(2.0));
  CHECK(*value({.kind = TargetKind::TripleBarrier, .lookback = 4, .width = width}, 4, 0, 2) == 1);
  CHECK(*value({.kind = TargetKind::TripleBarrier, .lookback = 4, .width = 3 * width}, 4, 0, 2) == 0);
  CHECK(*value({.kind = TargetKind::TripleBarrier, .lookback = 4, .width = width}, 4, 2, 2) == -1);
  CHECK(*value({.kind = TargetKind::Regime, .lookback = 4, .threshold = 1}, 4, 0, 2) == 1);
  CHECK(*value({.kind = TargetKind::Regime, .lookback = 4, .threshold = 3}, 4, 0, 2) == 0);
  CHECK(*value({.kind = TargetKind::Regime, .lookback = 3, .threshold = 1}, 6, 1, 1) == -1);
  CHECK_FALSE(value({.kind = TargetKind::Regime, .lookback = 5}, 4, 0, 2).has_value());  // not yet known
}

TEST_CASE("no target knows what comes after its end") {
  for (const auto& [kind, name] : EnumNames<TargetKind>::names) {
    CAPTURE(name);
    std::vector<std::vector<float>> values;
    for (const std::uint64_t future : {2U, 3U}) {
      const FeatureStream seen = observe({Feature{}}, 0, tests::TinyTraining(tests::scrambled_bars(300, future), Nanos{400 * tests::kPeriod}), 0);
      values.emplace_back();
      for (std::size_t row = 70; row + 1 + 10 < 300; ++row) {
        const auto value = target_value(seen.features(), {.kind = kind, .threshold = 0.01}, row, 1, 10, 1);
        values.back().push_back(value.value());
      }
    }
    CHECK(values[0] == values[1]);
    CHECK(std::set<float>(values[0].begin(), values[0].end()).size() > 1);
  }
}

TEST_CASE("what a model is shown when it trades is what it learned on, to the bit") {
  Registries registries = strategies::registries();
  registries.predictors.add<Spy>("spy");
  for (const bool on_book : {false, true}) {
    CAPTURE(on_book);
    Json features = Json::array();
    for (const Feature& feature : every_feature(on_book, on_book ? 1 : 300)) features.push_back(dump(feature));
    Json json = Json::parse(R"({"kind": "model", "predictor": "spy", "window": 4, "horizon": 1, "delay": 0,
      "targets": []})");
    json["targets"] = Json::parse(R"([{"kind": "return"}, {"kind": "regime", "lookback": 5}])");
    json["features"] = features;
    if (on_book) json["step_s"] = 0.25;
    const auto plan = on_book ? tests::scrambled_book(0, 1, 5) : tests::scrambled_bars(0, 1);
    const auto strategy = tests::make_strategy(json.dump(), *plan, registries);
    strategy->fit(tests::TinyTraining(plan, plan->whole().end));
    Spy::shown.clear();
    engine::Simulation simulation(plan, plan->whole(), 1);
    simulation.add(*strategy, "model", tests::tiny_account());
    simulation.run();
    REQUIRE(Spy::learned.size() > 1000);
    // Learned rows begin once targets know their past and end before the last, whose future is unknown.
    REQUIRE(Spy::shown.size() > Spy::learned.size());
    const auto begin = std::search(Spy::shown.begin(), Spy::shown.end(), Spy::learned.begin(), Spy::learned.end(),
                                   [](float a, float b) { return std::memcmp(&a, &b, sizeof a) == 0; });
    CHECK(begin != Spy::shown.end());
  }
}

TEST_CASE("a model learns from its training span alone, and from as many markets as it is told") {
  Registries registries = strategies::registries();
  registries.predictors.add<Spy>("spy");
  std::vector<std::vector<float>> learned;
  for (const std::uint64_t future : {2U, 3U}) {
    const auto plan = tests::scrambled_bars(300, future);
    const auto strategy = tests::make_strategy(R"({"kind": "model", "predictor": "spy"})", *plan, registries);
    strategy->fit(tests::TinyTraining(plan, Nanos{300 * tests::kPeriod}));
    learned.push_back(Spy::learned);
  }
  CHECK(learned[0] == learned[1]);
  const auto plan = tests::scrambled_bars(300, 2);
  const auto strategy = tests::make_strategy(R"({"kind": "model", "predictor": "spy", "markets": 3})", *plan, registries);
  strategy->fit(tests::TinyTraining(plan, Nanos{300 * tests::kPeriod}));
  CHECK(Spy::learned.size() == 3 * learned[0].size());
  CHECK(std::ranges::is_sorted(Spy::times));
}

TEST_CASE("a market without what the features need is told so") {
  const Registries registries = strategies::registries();
  const auto fit = [&](const char* json, const std::shared_ptr<const engine::MarketPlan>& plan) {
    tests::make_strategy(json, *plan, registries)->fit(tests::TinyTraining(plan, plan->whole().end));
  };
  CHECK_THROWS_WITH_AS(fit(R"({"kind": "model", "features": [{"kind": "spread"}]})", tests::scrambled_book(0, 1)),
                       doctest::Contains("features/0: expected step_s > 0"), Error);
  for (const char* kind : {"spread", "flow"}) {
    const std::string json = std::string(R"({"kind": "model", "step_s": 60, "features": [{"kind": ")") + kind + "\"}]}";
    CHECK_THROWS_WITH_AS(fit(json.c_str(), tests::scrambled_bars(0, 1)), doctest::Contains("no order book"), Error);
  }
  CHECK_THROWS_WITH_AS(fit(R"({"kind": "model"})", tests::scrambled_book(0, 1)), doctest::Contains("step_s"), Error);
  CHECK_THROWS_WITH_AS(fit(R"({"kind": "model", "targets": [{"kind": "volatility"}]})", tests::scrambled_bars(0, 1)),
                       doctest::Contains("tells rises from falls"), Error);
}

TEST_CASE("rows are cached by what they are made from and of") {
  const tests::TemporaryFolder folder;
  const std::string cache = (folder.path() / "cache").string();
  const auto plan = tests::scrambled_bars(0, 1);
  const auto declared = every_feature(false, 300);
  const Nanos end = plan->whole().end;
  const Identified training(plan, end, "first"), other(plan, end, "second"), untold(plan, end, "");
  const FeatureStream fresh = observe_cached(declared, 0, training, 0, cache);
  const FeatureStream kept = observe_cached(declared, 0, training, 0, cache);
  CHECK(training.played == 1);
  REQUIRE(kept.features().rows() == fresh.features().rows());
  const std::vector<float> a = rows_until(fresh.features(), 3, end), b = rows_until(kept.features(), 3, end);
  REQUIRE(a.size() == b.size());
  CHECK(std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
  CHECK(kept.features().log_high(3, 9, 2) == fresh.features().log_high(3, 9, 2));
  CHECK(kept.features().first(1) == fresh.features().first(1));
  // Other data, another declaration, another market: made for themselves.
  (void)observe_cached(declared, 0, other, 0, cache);
  CHECK(other.played == 1);
  (void)observe_cached({Feature{}}, 0, training, 0, cache);
  (void)observe_cached(declared, 0, training, 1, cache);
  CHECK(training.played == 3);
  (void)observe_cached(declared, 0, untold, 0, cache);
  (void)observe_cached(declared, 0, untold, 0, cache);
  CHECK(untold.played == 2);
  // A damaged file is not believed.
  for (const auto& entry : std::filesystem::directory_iterator(cache)) {
    std::string text = read_text(entry.path());
    text[text.size() / 2] = static_cast<char>(text[text.size() / 2] ^ 1);
    write_atomically(entry.path(), text);
  }
  const FeatureStream again = observe_cached(declared, 0, training, 0, cache);
  CHECK(training.played == 4);
  CHECK(rows_until(again.features(), 3, end) == a);
}
