// The plug-in of docs/extending.md, built and run by the tests.
#include "strategies/plugin.hpp"

#include <algorithm>

namespace {

using namespace walras;

/// Buys after `down` falling closes in a row, sells after as many rising ones.
class Contrarian final : public strategies::Strategy {
 public:
  struct Params {
    std::int64_t down = 3;
    static void fields(auto&& field) {   // parser, range check, schema and documentation
      field("down", &Params::down, {.unit = "bars", .min = 1, .max = 100, .doc = "falling closes before it buys"});
    }
  };
  Contrarian(Params params, const strategies::StrategyContext&) : params_(params) {}

  void on_start(engine::Orders&) override { run_ = 0; last_ = {}; }
  void on_event(const engine::Event& event, engine::Orders& orders) override {
    if (event.kind != engine::EventKind::Bar || event.instrument != 0) return;
    run_ = event.price < last_ ? std::max<std::int64_t>(run_, 0) + 1 : std::min<std::int64_t>(run_, 0) - 1;
    last_ = event.price;
    const bool holds = orders.position(0).value > 0;
    engine::OrderRequest order;   // a market order in instrument 0
    if (run_ >= params_.down && !holds) {
      order.side = engine::Side::Buy;
      order.quantity = Lots{100};
      orders.submit(order);
    } else if (run_ <= -params_.down && holds) {
      order.side = engine::Side::Sell;
      order.quantity = orders.position(0);
      orders.submit(order);
    }
  }

 private:
  Params params_;
  std::int64_t run_ = 0;
  Ticks last_;
};

}  // namespace

WALRAS_PLUGIN(registries) { registries.strategies.add<Contrarian>("contrarian", "buys weakness, sells strength"); }
