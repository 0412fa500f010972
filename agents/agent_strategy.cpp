#include <algorithm>
#include <array>
#include <memory>

#include "agents/catalog.hpp"
#include "agents/learners/ppo.hpp"
#include "agents/trading_env.hpp"
#include "agents/trainer.hpp"
#include "engine/base/error.hpp"

namespace walras::agents {
namespace {

/// Learns in simulations of its training span, then trades what it learned: the likeliest action,
/// no exploring.
class PpoStrategy final : public strategies::Strategy {
 public:
  struct Params {
    std::int64_t environments = 8, training_steps = 50'000;
    DeskParams desk;
    PpoParams learner;
    static void fields(auto&& field) {
      field("environments", &Params::environments,
            {.min = 1, .max = 4096, .doc = "markets stepped together in training"});
      field("training_steps", &Params::training_steps,
            {.min = 1, .max = 1e12, .doc = "decisions in training, all markets together"});
      field("desk", &Params::desk, {.doc = "what it sees and what it may do"});
      field("learner", &Params::learner, {.doc = "how it learns"});
    }
  };

  PpoStrategy(Params params, const strategies::StrategyContext& context)
      : params_(std::move(params)),
        desk_(params_.desk, context.instruments, "/desk"),
        random_(context.random),
        agent_(make_ppo(params_.learner,
                        {static_cast<std::size_t>(params_.environments), TradingDesk::kObservation,
                         desk_.actions()},
                        random_.child("agent"))) {}

  void fit(const strategies::Training& training) override {
    const auto markets = trading_environment(
        static_cast<std::size_t>(params_.environments),
        [&training](std::uint64_t seed) { return training.market(seed); }, training.instruments(),
        training.account(), params_.desk, random_.child("training"));
    const LearningCurve curve = train(*agent_, *markets, params_.training_steps);
    fitted_ = agent_->summary();
    fitted_["steps"] = curve.steps;
    fitted_["episodes"] = curve.episodes;
    // Mean return of the episodes of the first and of the last tenth of the updates: did it learn?
    const std::size_t tenth = std::max<std::size_t>(curve.mean_return.size() / 10, 1);
    if (curve.mean_return.size() >= 2) {
      fitted_["first_return"] = mean(std::span(curve.mean_return).first(tenth));
      fitted_["last_return"] = mean(std::span(curve.mean_return).last(tenth));
    }
    Json drawn = Json::object({{"title", "Mean return of training episodes"}, {"x_name", "update"}, {"y_name", "reward"}});
    for (std::size_t i = 0; i < curve.mean_return.size(); ++i) {
      drawn["x"].push_back(i + 1);
      drawn["lines"]["mean return"].push_back(curve.mean_return[i]);
    }
    if (!curve.mean_return.empty()) fitted_["curves"].push_back(std::move(drawn));
  }

  [[nodiscard]] Json fitted() const override { return fitted_; }

  void on_start(engine::Orders& orders) override {
    desk_.begin(orders);
    orders.set_timer(orders.now(), kDecide);
  }

  [[nodiscard]] bool listens() const override { return false; }

  void on_timer(Nanos, std::uint64_t, engine::Orders& orders) override {
    orders.set_timer(desk_.next(orders), kDecide);
    if (orders.warming_up()) return;
    std::array<float, TradingDesk::kObservation> observation;
    std::array<std::int32_t, 1> action{};
    desk_.observe(orders, observation);
    agent_->act(observation, /*explore=*/false, action);
    desk_.act(orders, action[0]);
  }

 private:
  static constexpr std::uint64_t kDecide = 1;

  static double mean(std::span<const double> values) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum / static_cast<double>(values.size());
  }

  Params params_;
  TradingDesk desk_;
  Rng random_;
  std::unique_ptr<Agent> agent_;
  Json fitted_;
};

}  // namespace

void add_agents(Registry<strategies::Strategy, const strategies::StrategyContext&>& registry) {
  registry.add<PpoStrategy>(
      "ppo",
      "an agent that learns by proximal policy optimisation in simulated markets (LibTorch)");
}

}  // namespace walras::agents
