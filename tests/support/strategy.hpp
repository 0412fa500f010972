#pragma once
// Plays a strategy by its JSON entry over a tiny market.
#include "strategies/catalog.hpp"
#include "tests/support/market.hpp"

#include <memory>
#include <string>
#include <vector>

namespace walras::tests {

/// Bars that open, peak and close at one price each, in ticks.
inline std::vector<TinyBar> flat_bars(const std::vector<std::int64_t>& closes) {
  std::vector<TinyBar> bars;
  for (const std::int64_t close : closes) bars.push_back({close, close, close, close});
  return bars;
}

inline std::unique_ptr<strategies::Strategy> make_strategy(const std::string& json,
                                                           const MarketPlan& plan,
                                                           const strategies::Registries& registries,
                                                           std::uint64_t seed = 1) {
  const strategies::StrategyContext context{plan.instruments(), plan.periods_per_year(),
                                            Rng(seed, "strategy"), &registries};
  return registries.strategies.build(Json::parse(json), "/strategy", context);
}

/// The whole market, without closing at the end.
inline RunRecord play_strategy(const std::string& json,
                               const std::shared_ptr<const MarketPlan>& plan,
                               const AccountTerms& terms = tiny_account(), std::uint64_t seed = 1) {
  const strategies::Registries registries = strategies::registries();
  const auto strategy = make_strategy(json, *plan, registries, seed);
  Span span = plan->whole();
  span.close_at_end = false;
  Simulation simulation(plan, span, seed);
  const std::uint32_t number = simulation.add(*strategy, "strategy", terms);
  simulation.run();
  return simulation.record(number);
}

/// A decision as a test states it: after bar `bar` (from 1), lots > 0 bought.
struct Decision {
  std::int64_t bar;
  InstrumentId instrument;
  std::int64_t lots;
  bool operator==(const Decision&) const = default;
};

inline std::vector<Decision> decisions(const RunRecord& record, std::int64_t period = kPeriod) {
  std::vector<Decision> all;
  for (const OrderRow& row : record.orders) {
    all.push_back({row.time.value / period, row.instrument, row.quantity.value * sign(row.side)});
  }
  return all;
}

/// Training on the part of a recorded market before `end`.
class TinyTraining final : public strategies::Training {
 public:
  TinyTraining(std::shared_ptr<const MarketPlan> plan, Nanos end,
               AccountTerms terms = tiny_account())
      : plan_(std::move(plan)), terms_(terms), span_(plan_->whole()) {
    span_.end = end;
    events_ = plan_->tape()->between(span_.begin, span_.end);
  }
  [[nodiscard]] std::span<const Instrument> instruments() const override {
    return plan_->instruments();
  }
  [[nodiscard]] std::span<const Event> events() const override { return events_; }
  [[nodiscard]] const Bar& bar(const Event& event) const override {
    return plan_->tape()->bars[event.payload];
  }
  [[nodiscard]] std::unique_ptr<Simulation> market(std::uint64_t seed) const override {
    return std::make_unique<Simulation>(plan_, span_, seed);
  }
  [[nodiscard]] const AccountTerms& account() const override { return terms_; }
  [[nodiscard]] Span span() const override { return span_; }
  [[nodiscard]] double periods_per_year() const override { return plan_->periods_per_year(); }

 private:
  std::shared_ptr<const MarketPlan> plan_;
  AccountTerms terms_;
  Span span_;
  std::span<const Event> events_;
};

}  // namespace walras::tests
