#include "agents/trading_env.hpp"

#include <algorithm>
#include <vector>

#include "engine/base/error.hpp"

namespace walras::agents {
namespace {

/// Takes the agent's seat in a market: acts only between two calls of run_until, through its port.
class Seat final : public engine::Participant {
 public:
  [[nodiscard]] bool listens() const override { return false; }
};

class TradingEnvironment final : public VectorEnvironment {
 public:
  TradingEnvironment(std::size_t environments, MarketSource make,
                     std::span<const engine::Instrument> instruments,
                     const engine::AccountTerms& terms, const DeskParams& params, const Rng& random)
      : make_(std::move(make)), terms_(terms) {
    for (std::size_t i = 0; i < environments; ++i) {
      markets_.push_back({nullptr, nullptr, 0, TradingDesk(params, instruments, "/desk"),
                          random.child("episodes", i)});
    }
  }

  [[nodiscard]] Spaces spaces() const override {
    return {markets_.size(), TradingDesk::kObservation, markets_.front().desk.actions()};
  }

  void reset(std::span<float> observations) override {
    for (std::size_t i = 0; i < markets_.size(); ++i) restart(markets_[i], row(observations, i));
  }

  void step(std::span<const std::int32_t> actions, Transitions& out) override {
    expects(actions.size() == markets_.size(), "one action an environment");
    for (std::size_t i = 0; i < markets_.size(); ++i) {
      Market& market = markets_[i];
      engine::Simulation& simulation = *market.simulation;
      engine::Orders& orders = simulation.orders(market.participant);
      market.desk.act(orders, actions[i]);
      const bool running =
          simulation.run_until(market.desk.next(orders));  // at its end: closed, with costs
      out.rewards[i] = static_cast<float>(market.desk.reward(orders));
      out.terminated[i] = !running;
      out.truncated[i] = 0;
      if (running) {
        market.desk.observe(orders, row(out.observations, i));
      } else {
        market.desk.observe(orders, row(out.final_observations, i));
        restart(market, row(out.observations, i));
      }
    }
  }

 private:
  struct Market {
    std::unique_ptr<Seat> seat;  // outlives the simulation that borrows it
    std::unique_ptr<engine::Simulation> simulation;
    std::uint32_t participant;
    TradingDesk desk;
    Rng random;
  };

  static std::span<float> row(std::span<float> all, std::size_t i) {
    return all.subspan(i * TradingDesk::kObservation, TradingDesk::kObservation);
  }

  void restart(Market& market, std::span<float> observation) {
    market.simulation = make_(market.random.bits() >> 1);
    market.seat = std::make_unique<Seat>();
    market.participant = market.simulation->add(*market.seat, "agent", terms_);
    const engine::Orders& orders = market.simulation->orders(market.participant);
    market.simulation->run_until(market.simulation->now());
    while (orders.warming_up() && market.simulation->run_until(market.desk.next(orders))) {
    }
    market.desk.begin(orders);
    market.desk.observe(orders, observation);
  }

  MarketSource make_;
  engine::AccountTerms terms_;
  std::vector<Market> markets_;
};

}  // namespace

std::unique_ptr<VectorEnvironment> trading_environment(
    std::size_t environments, MarketSource make, std::span<const engine::Instrument> instruments,
    const engine::AccountTerms& terms, const DeskParams& params, const Rng& random) {
  return std::make_unique<TradingEnvironment>(environments, std::move(make), instruments, terms,
                                              params, random);
}

}  // namespace walras::agents
