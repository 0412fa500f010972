// Agents in the market: the environment's bookkeeping, and a strategy that learns in one market and
// trades in another.
#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "agents/catalog.hpp"
#include "agents/trading_env.hpp"
#include "engine/base/error.hpp"
#include "engine/catalog.hpp"

using namespace walras;
using namespace walras::agents;

namespace {

/// The paper's market: half a second, decisions every 10 ms.
struct Quiet {
  engine::EngineCatalog catalog = engine::engine_catalog();
  std::shared_ptr<const engine::MarketPlan> plan = engine::build_market(
      Json::parse(
          R"({"mode": "generated", "generator": {"kind": "intensity", "tick_size": 0.01}, "duration_s": 0.5})"),
      Json::object(), nullptr, catalog);
  engine::AccountTerms terms;
  DeskParams desk;

  Quiet() {
    terms.capital = Money::from_units(100'000);
    terms.leverage = 10;
    desk.step_s = 0.01;
    desk.limit = 5;
    desk.widths = {40, 80, 160};
    desk.skews = {-30, 0, 30};
    desk.inventory_penalty = 0;
  }
  [[nodiscard]] std::unique_ptr<engine::Simulation> market(std::uint64_t seed) const {
    return std::make_unique<engine::Simulation>(plan, plan->whole(), seed);
  }
  [[nodiscard]] std::unique_ptr<VectorEnvironment> environment(std::size_t count,
                                                               std::uint64_t seed) const {
    return trading_environment(
        count, [this](std::uint64_t market_seed) { return market(market_seed); },
        plan->instruments(), terms, desk, Rng(seed, "test"));
  }
};

class Lesson final : public strategies::Training {
 public:
  explicit Lesson(const Quiet& quiet) : quiet_(quiet) {}
  [[nodiscard]] std::span<const engine::Instrument> instruments() const override {
    return quiet_.plan->instruments();
  }
  [[nodiscard]] std::span<const engine::Event> events() const override { return {}; }
  [[nodiscard]] const engine::Bar& bar(const engine::Event&) const override {
    fail(Fault::Internal, "bar", "expected no bars in a generated market");
  }
  [[nodiscard]] std::unique_ptr<engine::Simulation> market(std::uint64_t seed) const override {
    return quiet_.market(seed);
  }
  [[nodiscard]] const engine::AccountTerms& account() const override { return quiet_.terms; }
  [[nodiscard]] engine::Span span() const override { return quiet_.plan->whole(); }
  [[nodiscard]] double periods_per_year() const override { return quiet_.plan->periods_per_year(); }

 private:
  const Quiet& quiet_;
};

}  // namespace

TEST_CASE(
    "rewards add up to what the account gained, an episode ends flat, and the end is a "
    "termination") {
  const Quiet quiet;
  const auto markets = quiet.environment(2, 1);
  const Spaces spaces = markets->spaces();
  CHECK(spaces.actions == 9);
  Transitions out(spaces);
  markets->reset(out.observations);
  for (const float value : out.observations) CHECK(std::isfinite(value));
  CHECK(out.observations[0] == 0);                                 // no inventory
  CHECK(out.observations[1] == doctest::Approx(1).epsilon(0.05));  // all of the time is left
  const std::array<std::int32_t, 2> actions{4, 1};
  int steps = 0;
  double sum = 0;
  bool traded = false;
  do {
    markets->step(actions, out);
    ++steps;
    sum += out.rewards[0];
    traded = traded || out.observations[0] != 0;
    CHECK(out.truncated[0] == 0);
    CHECK(std::abs(out.observations[0]) <= 1);
  } while (out.terminated[0] == 0);
  CHECK(steps == 50);
  CHECK(traded);
  CHECK(out.final_observations[0] == 0);
  CHECK(out.final_observations[1] == doctest::Approx(-1).epsilon(0.05));
  CHECK(out.observations[0] == 0);
  // The unit is the largest width x quantity: 1.6 currency units. The paper's maker gains 65 in
  // twice the time.
  CHECK(sum * 1.6 > 5);
  CHECK(sum * 1.6 < 100);
}

TEST_CASE("the same seed and actions give the same markets, whatever their number") {
  const Quiet quiet;
  const auto one = quiet.environment(1, 7), many = quiet.environment(3, 7);
  Transitions a(one->spaces()), b(many->spaces());
  one->reset(a.observations);
  many->reset(b.observations);
  Rng random(1, "actions");
  for (int step = 0; step < 120; ++step) {  // into the third episode
    const auto action = static_cast<std::int32_t>(random.below(9));
    one->step(std::array{action}, a);
    many->step(std::array{action, 0, 8}, b);
    for (std::size_t i = 0; i < TradingDesk::kObservation; ++i)
      REQUIRE(a.observations[i] == b.observations[i]);
    REQUIRE(a.rewards[0] == b.rewards[0]);
    REQUIRE(a.terminated[0] == b.terminated[0]);
  }
}

TEST_CASE("a taker holds what it says, and the penalty is for holding") {
  Quiet quiet;
  quiet.desk.mode = DeskMode::Positions;
  const auto free = quiet.environment(1, 3);
  quiet.desk.inventory_penalty = 0.5;
  const auto costly = quiet.environment(1, 3);
  CHECK(free->spaces().actions == 3);
  Transitions a(free->spaces()), b(costly->spaces());
  free->reset(a.observations);
  costly->reset(b.observations);
  float position = 0;
  for (const std::int32_t action : {2, 2, 0, 0, 1, 1, 1}) {
    free->step(std::array{action}, a);
    costly->step(std::array{action}, b);
    position = a.observations[0];
    CHECK(position == static_cast<float>(action - 1));
    CHECK(a.rewards[0] - b.rewards[0] == doctest::Approx(0.5 * position * position));
  }
}

TEST_CASE(
    "PPO as a strategy: learns in training markets, trades unseen ones, and does both again to the "
    "bit") {
  const Quiet quiet;
  Registry<strategies::Strategy, const strategies::StrategyContext&> registry("strategy");
  add_agents(registry);
  const Json params = Json::parse(R"({"kind": "ppo", "environments": 4, "training_steps": 2000,
      "desk": {"step_s": 0.01, "limit": 5, "widths": [40, 80, 160], "skews": [-30, 0, 30]},
      "learner": {"steps": 50, "batch": 100, "epochs": 4, "hidden": [16]}})");
  strategies::StrategyContext context{quiet.plan->instruments(), 252, Rng(1, "ppo"), nullptr};
  std::vector<std::int64_t> gains[2];
  Json fitted[2];
  for (int run = 0; run < 2; ++run) {
    const auto strategy = registry.build(params, "/strategies/0", context);
    strategy->fit(Lesson(quiet));
    fitted[run] = strategy->fitted();
    for (const std::uint64_t seed : {1001U, 1002U, 1003U}) {
      engine::Simulation simulation(quiet.plan, quiet.plan->whole(), seed);
      const std::uint32_t participant = simulation.add(*strategy, "ppo", quiet.terms);
      simulation.run();
      const engine::RunRecord record = simulation.record(participant);
      CHECK(record.fills.size() > 5);
      gains[run].push_back(record.equity.back().equity_micros - record.capital_micros);
    }
  }
  CHECK(gains[0] == gains[1]);
  CHECK(fitted[0] == fitted[1]);
  CHECK(fitted[0].at("episodes").as_integer() == 40);
  CHECK(fitted[0].at("updates").as_integer() == 10);
}

TEST_CASE("a desk refuses an instrument that the market does not have") {
  const Quiet quiet;
  DeskParams desk = quiet.desk;
  desk.instrument = "NONE";
  CHECK_THROWS_WITH_AS(TradingDesk(desk, quiet.plan->instruments(), "/desk"),
                       doctest::Contains("/desk/instrument"), Error);
}
