#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::InstrumentId;
using engine::Orders;

class BuyAndHold final : public StatefulStrategy<BuyAndHold> {
 public:
  struct Params {
    std::int64_t rebalance_every = 0;
    Sizing sizing;
    static void fields(auto&& field) {
      field("rebalance_every", &Params::rebalance_every,
            {.unit = "bars",
             .min = 0,
             .max = 1e9,
             .doc = "bars between returns to equal weights; 0: never"});
      field("sizing", &Params::sizing, {.doc = "how much is held"});
    }
  };

  BuyAndHold(Params params, const StrategyContext& context)
      : params_(params),
        instruments_(context.instruments.size()),
        portfolio_(params.sizing, context.instruments, context.periods_per_year) {}

  void on_start(Orders&) override {
    portfolio_.reset();
    slices_ = 0;
    want_all();
  }
  void on_event(const Event& event, Orders&) override { traded_ |= event.kind <= EventKind::Trade; }
  void on_slice(Nanos, Orders& orders) override {
    if (orders.warming_up()) return portfolio_.trade(orders);
    if (!traded_) return;
    traded_ = false;
    if (params_.rebalance_every > 0 && slices_ > 0 && slices_ % params_.rebalance_every == 0)
      want_all();
    ++slices_;
    portfolio_.trade(orders);
  }

  void state(Archive& archive) { archive(portfolio_, slices_, traded_); }

 private:
  void want_all() {
    for (InstrumentId id = 0; id < instruments_; ++id)
      portfolio_.want(id, 1.0 / static_cast<double>(instruments_));
  }

  Params params_;
  std::size_t instruments_;
  Portfolio portfolio_;
  std::int64_t slices_ = 0;
  bool traded_ = false;
};

class Random final : public StatefulStrategy<Random> {
 public:
  struct Params {
    std::int64_t every = 5;
    double long_probability = 0.5, short_probability = 0;
    Sizing sizing;
    static void fields(auto&& field) {
      field("every", &Params::every,
            {.unit = "bars", .min = 1, .max = 1e9, .doc = "bars between draws"});
      field("long_probability", &Params::long_probability,
            {.min = 0, .max = 1, .doc = "that an instrument is held"});
      field("short_probability", &Params::short_probability,
            {.min = 0, .max = 1, .doc = "that it is sold short"});
      field("sizing", &Params::sizing, {.doc = "how much is held"});
    }
  };

  Random(Params params, const StrategyContext& context)
      : params_(params),
        instruments_(context.instruments.size()),
        portfolio_(params.sizing, context.instruments, context.periods_per_year) {
    if (params.long_probability + params.short_probability > 1) {
      fail(Fault::Scenario, "long_probability",
           "expected long_probability + short_probability <= 1, was more");
    }
  }

  void on_start(Orders&) override {
    portfolio_.reset();
    slices_ = 0;
  }
  void on_event(const Event& event, Orders&) override { traded_ |= event.kind <= EventKind::Trade; }
  void on_slice(Nanos, Orders& orders) override {
    if (orders.warming_up()) return portfolio_.trade(orders);
    if (!traded_) return;
    traded_ = false;
    if (slices_++ % params_.every == 0) {
      const double share = 1.0 / static_cast<double>(instruments_);
      for (InstrumentId id = 0; id < instruments_; ++id) {
        const double draw = orders.random().uniform();
        const bool buy = draw < params_.long_probability;
        const bool sell = !buy && draw < params_.long_probability + params_.short_probability;
        portfolio_.want(id, buy ? share : sell ? -share : 0);
      }
    }
    portfolio_.trade(orders);
  }

  void state(Archive& archive) { archive(portfolio_, slices_, traded_); }

 private:
  Params params_;
  std::size_t instruments_;
  Portfolio portfolio_;
  std::int64_t slices_ = 0;
  bool traded_ = false;
};

}  // namespace

void add_benchmark_rules(StrategyRegistry& registry) {
  registry.add<BuyAndHold>(
      "buy_and_hold",
      "An equal share of every instrument, bought once or brought back to equal now and then.");
  registry.add<Random>("random", "Holds what a coin says: the null that any skill must beat.");
}

}  // namespace walras::strategies
