// buy_and_hold: what a study's other strategies have to beat.
#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

#include <algorithm>

namespace walras::strategies {
namespace {

using engine::Orders;

class BuyAndHold final : public Strategy {
 public:
  struct Params {
    double invested = 0.99;
    std::int64_t rebalance = 0;
    static void fields(auto&& field) {
      field("invested", &Params::invested, {.unit = "x equity", .min = 0, .max = 10, .doc = "Share of equity held, in equal parts; the rest pays costs."});
      field("rebalance", &Params::rebalance, {.unit = "bars", .min = 0, .max = 1e9, .doc = "Back to equal parts every so many bars; 0: never."});
    }
  };
  BuyAndHold(const Params& params, const StrategyContext& context)
      : params_(params), portfolio_(context.instruments), weights_(context.instruments.size()) {}

  void on_start(Orders&) override { bars_ = -1; }

  void on_slice(Nanos, Orders& orders) override {
    if (orders.warming_up()) return;
    if (bars_ < 0) {
      if (!buy(orders)) return;
      bars_ = 0;
    } else if (params_.rebalance > 0 && ++bars_ >= params_.rebalance) {
      bars_ = 0;
      buy(orders);
    }
  }

 private:
  /// Equal parts of everything that has a price; false when nothing has.
  bool buy(Orders& orders) {
    std::size_t priced = 0;
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      if (orders.mark(static_cast<engine::InstrumentId>(i)).value > 0) ++priced;
    }
    if (priced == 0) return false;
    std::fill(weights_.begin(), weights_.end(), params_.invested / static_cast<double>(priced));
    portfolio_.target(weights_, orders);
    return true;
  }

  Params params_;
  Portfolio portfolio_;
  std::vector<double> weights_;
  std::int64_t bars_ = -1;  // since the last rebalance; -1: nothing bought yet
};

}  // namespace

void add_buy_and_hold(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<BuyAndHold>("buy_and_hold", "Buys everything in equal parts and holds it.");
}

}  // namespace walras::strategies
