// What agents rest on and needs no LibTorch to be seen: archives, environments, memory, the learner
// behind its interface.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>

#include "agents/cartpole.hpp"
#include "agents/learners/ppo.hpp"
#include "agents/memory.hpp"
#include "agents/trainer.hpp"
#include "engine/base/error.hpp"
#include "models/archive.hpp"
#include "models/catalog.hpp"

using namespace walras;
using namespace walras::agents;

TEST_CASE("CartPole follows the reference to the bit") {
  CartPole pole{.01, .02, .03, .04};
  for (const int action : {1, 0, 1, 1, 0, 1, 0, 1, 1, 0}) CHECK_FALSE(pole.push(action));
  CHECK(pole.x == 0.06443287072457926);
  CHECK(pole.x_speed == 0.4083141329303076);
  CHECK(pole.angle == -0.03151872587288799);
  CHECK(pole.angle_speed == -0.5029910128498154);

  CartPole falling;
  for (int step = 1; step <= 9; ++step) CHECK(falling.push(1) == (step == 9));
  CHECK(falling.angle == -0.21518604988500967);
}

TEST_CASE("CartPoles restart when lost, report the final observation and never both ends") {
  const auto environment = cartpole(3, Rng(1, "test"));
  Transitions out(environment->spaces());
  environment->reset(out.observations);
  for (const float value : out.observations) CHECK(std::abs(value) <= 0.05F);
  const std::array<std::int32_t, 3> right{1, 1, 1};
  int ends = 0;
  for (int step = 0; step < 100; ++step) {
    environment->step(right, out);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(out.rewards[i] == 1.0F);
      CHECK(out.truncated[i] == 0);
      if (out.terminated[i] == 0) continue;
      ++ends;
      CHECK(std::abs(out.final_observations[4 * i + 2]) > 0.2F);
      CHECK(std::abs(out.observations[4 * i + 2]) <= 0.05F);
    }
  }
  CHECK(ends >= 24);
}

TEST_CASE("the same seed and actions give the same CartPoles, whatever their number") {
  const auto one = cartpole(1, Rng(7, "test")), many = cartpole(4, Rng(7, "test"));
  Transitions a(one->spaces()), b(many->spaces());
  one->reset(a.observations);
  many->reset(b.observations);
  Rng random(1, "actions");
  for (int step = 0; step < 300; ++step) {
    const auto action = static_cast<std::int32_t>(random.below(2));
    one->step(std::array{action}, a);
    many->step(std::array{action, 0, 1, 0}, b);
    for (std::size_t i = 0; i < 4; ++i) REQUIRE(a.observations[i] == b.observations[i]);
    REQUIRE(a.terminated[0] == b.terminated[0]);
  }
}

TEST_CASE("generalised advantages agree with the sum written out, across both kinds of end") {
  constexpr std::size_t kSteps = 40, kEnvironments = 3;
  Rollout rollout({kEnvironments, 1, 2}, kSteps);
  Rng random(3, "test");
  for (std::size_t i = 0; i < kSteps * kEnvironments; ++i) {
    rollout.rewards[i] = static_cast<float>(random.normal());
    rollout.values[i] = static_cast<float>(random.normal());
    rollout.final_values[i] = static_cast<float>(random.normal());
    const double draw = random.uniform();
    rollout.terminated[i] = draw < 0.05;
    rollout.truncated[i] = draw > 0.93;
  }
  rollout.filled = kSteps;
  const std::array<float, kEnvironments> last{0.3F, -0.7F, 1.1F};
  for (const auto& [gamma, lambda] :
       {std::pair{0.99, 0.95}, std::pair{0.9, 0.0}, std::pair{1.0, 1.0}}) {
    std::vector<float> advantages(kSteps * kEnvironments);
    generalised_advantages(rollout, last, gamma, lambda, advantages);
    for (std::size_t e = 0; e < kEnvironments; ++e) {
      const auto at = [&](std::size_t t) { return t * kEnvironments + e; };
      const auto delta = [&](std::size_t t) {
        double next = t + 1 < kSteps ? rollout.values[at(t + 1)] : last[e];
        if (rollout.terminated[at(t)]) next = 0;
        if (rollout.truncated[at(t)]) next = rollout.final_values[at(t)];
        return rollout.rewards[at(t)] + gamma * next - rollout.values[at(t)];
      };
      for (std::size_t t = 0; t < kSteps; ++t) {
        double expected = 0, weight = 1;
        for (std::size_t k = t; k < kSteps; ++k, weight *= gamma * lambda) {
          expected += weight * delta(k);
          if (rollout.terminated[at(k)] || rollout.truncated[at(k)]) break;
        }
        CHECK(advantages[at(t)] == doctest::Approx(expected).epsilon(1e-5).scale(1));
      }
    }
  }
}

TEST_CASE("an archive gives back what was written, in the safetensors layout") {
  const models::Archive archive{
      Json::object({{"kind", "x"}}),
      {{"a", {2, 3}, {1, 2, 3, 4, 5, 6}}, {"empty", {0, 4}, {}}, {"scalar", {}, {7}}}};
  std::vector<std::byte> bytes;
  archive.write(bytes);
  const models::Archive back = models::Archive::read(bytes, "test");
  CHECK(back.description == archive.description);
  CHECK(back.arrays == archive.arrays);
  CHECK((bytes.size() - 7 * sizeof(float)) % 8 == 0);

  const std::string text(reinterpret_cast<const char*>(bytes.data()) + 8, bytes.size() - 8);
  CHECK(text.find(R"("a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]})") !=
        std::string::npos);
}

TEST_CASE("a foreign, truncated or altered archive is refused") {
  const models::Archive archive{Json::object({{"kind", "x"}}), {{"a", {2, 3}, {1, 2, 3, 4, 5, 6}}}};
  std::vector<std::byte> bytes;
  archive.write(bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    CAPTURE(size);
    CHECK_THROWS_AS(models::Archive::read(std::span(bytes).first(size), "test"), Error);
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    std::vector<std::byte> altered = bytes;
    altered[i] ^= std::byte{1};
    CHECK_THROWS_AS(models::Archive::read(altered, "test"), Error);
  }
  bytes.push_back({});
  CHECK_THROWS_AS(models::Archive::read(bytes, "test"), Error);
  const std::array<std::int64_t, 2> turned{3, 2};
  CHECK_THROWS_AS((void)archive.at("a", turned), Error);
  CHECK_THROWS_AS((void)archive.at("b", turned), Error);
}

namespace {

PpoParams small_ppo() {
  PpoParams params;
  params.steps = 16;
  params.batch = 32;
  params.epochs = 2;
  params.hidden = {16};
  return params;
}

std::vector<std::byte> weights_after(std::uint64_t seed, std::int64_t steps) {
  const Rng random(seed, "test");
  const auto environment = cartpole(4, random.child("environment"));
  const auto agent = make_ppo(small_ppo(), environment->spaces(), random.child("agent"));
  train(*agent, *environment, steps);
  std::vector<std::byte> bytes;
  agent->save(bytes);
  return bytes;
}

}  // namespace

TEST_CASE("PPO: same seed, same bits; another seed, others") {
  const std::vector<std::byte> first = weights_after(1, 400);
  CHECK(first == weights_after(1, 400));
  CHECK(first != weights_after(2, 400));
}

TEST_CASE("a saved PPO acts as it did, and refuses what is not its own") {
  const Rng random(5, "test");
  const Spaces spaces{4, 4, 2};
  const auto one = make_ppo(small_ppo(), spaces, random.child("one"));
  const auto two = make_ppo(small_ppo(), spaces, random.child("two"));
  std::vector<std::byte> bytes, again;
  one->save(bytes);
  two->load(bytes);
  two->save(again);
  CHECK(bytes == again);
  std::array<float, 16> observations{};
  Rng draws(1, "observations");
  std::array<std::int32_t, 4> a{}, b{};
  for (int trial = 0; trial < 50; ++trial) {
    for (float& value : observations) value = static_cast<float>(draws.normal());
    one->act(observations, false, a);
    two->act(observations, false, b);
    CHECK(a == b);
  }
  PpoParams wider = small_ppo();
  wider.hidden = {17};
  CHECK_THROWS_AS(make_ppo(wider, spaces, random)->load(bytes), Error);
  bytes.back() ^= std::byte{4};
  CHECK_THROWS_AS(two->load(bytes), Error);
}

namespace {

strategies::Dataset dataset(std::size_t rows, Rng random) {
  strategies::Dataset data;
  data.rows = rows;
  data.channels = 2;
  data.window = 8;
  data.outputs = 1;
  for (std::size_t row = 0; row < rows; ++row) {
    for (int i = 0; i < 16; ++i) data.inputs.push_back(static_cast<float>(random.normal()));
    data.targets.push_back(data.inputs[row * 16 + 7]);
  }
  return data;
}

}  // namespace

TEST_CASE(
    "the price CNN as a predictor: reproducible, saved and loaded to the bit, strict about what it "
    "loads") {
  Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
  models::add_models(registry);
  const Json json = Json::parse(R"({"kind": "price_cnn", "network": {"channels": 4, "blocks": 2},
                                    "training": {"epochs": 3, "gap": 8, "batch": 32}})");
  const strategies::PredictorContext context{2, 8, 1};
  const auto build = [&] { return registry.build(json, "", context); };
  const strategies::Dataset data = dataset(300, Rng(1, "data"));

  const auto one = build(), two = build(), three = build();
  one->fit(data, Rng(4, "fit"));
  two->fit(data, Rng(4, "fit"));
  std::vector<std::byte> bytes, again;
  one->save(bytes);
  two->save(again);
  CHECK(bytes == again);
  three->load(bytes);
  std::vector<float> a(300), b(300);
  one->predict(data.inputs, a);
  three->predict(data.inputs, b);
  CHECK(a == b);
  CHECK(one->summary().at("parameters").as_integer() > 0);

  const auto other = registry.build(json, "", strategies::PredictorContext{3, 8, 1});
  CHECK_THROWS_AS(other->load(bytes), Error);
  bytes[bytes.size() / 2] ^= std::byte{1};
  CHECK_THROWS_AS(three->load(bytes), Error);
  three->predict(data.inputs, b);
  CHECK(a == b);

  strategies::Dataset broken = data;
  broken.inputs[5] = NAN;
  CHECK_THROWS_WITH_AS(one->fit(broken, Rng(4, "fit")),
                       doctest::Contains("row 0 (batch 0), feature 0, step 5"), Error);
}
