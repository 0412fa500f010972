// momentum: holds what rose most over the look-back, leaving out the latest bars (Jegadeesh and Titman 1993).
#include "engine/base/error.hpp"
#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::Orders;

class Momentum final : public Strategy {
 public:
  struct Params {
    std::int64_t lookback = 252;
    std::int64_t skip = 21;
    double top = 0.3;
    std::int64_t rebalance = 21;
    bool long_short = false;
    double invested = 0.99;
    static void fields(auto&& field) {
      field("lookback", &Params::lookback, {.unit = "bars", .min = 2, .max = 1e6, .doc = "How far back the return is measured from."});
      field("skip", &Params::skip, {.unit = "bars", .min = 0, .max = 1e6, .doc = "Latest bars left out; fewer than lookback."});
      field("top", &Params::top, {.min = 0.001, .max = 1, .doc = "Share of the instruments held (and, long_short, shorted), at least one."});
      field("rebalance", &Params::rebalance, {.unit = "bars", .min = 1, .max = 1e6, .doc = "Bars between rebalances."});
      field("long_short", &Params::long_short, {.doc = "Shorts what rose least, with half of the money on each side."});
      field("invested", &Params::invested, {.unit = "x equity", .min = 0, .max = 10, .doc = "Share of equity held, longs and shorts together."});
    }
  };

  Momentum(const Params& params, const StrategyContext& context)
      : params_(params), portfolio_(context.instruments), histories_(context.instruments.size()), weights_(context.instruments.size()) {
    if (params.skip >= params.lookback) {
      fail(Fault::Scenario, "skip", fmt::format("expected skip shorter than lookback, was {} and {}", params.skip, params.lookback));
    }
    for (History& history : histories_) history.closes.resize(static_cast<std::size_t>(params.lookback) + 1);
    ranked_.reserve(histories_.size());
  }

  void on_start(Orders&) override {
    for (History& history : histories_) history.count = 0;
    bars_ = 0;
  }

  void on_event(const Event& event, Orders&) override {
    if (event.kind != EventKind::Bar) return;
    History& history = histories_[event.instrument];
    history.closes[history.count % history.closes.size()] = static_cast<double>(event.price.value);
    ++history.count;
  }

  void on_slice(Nanos, Orders& orders) override {
    if (orders.warming_up()) return;
    if (bars_++ % params_.rebalance != 0) return;
    rank();
    if (ranked_.empty()) {
      bars_ = 0;  // nothing to rank yet: try again at the next bar
      return;
    }
    choose();
    portfolio_.target(weights_, orders);
  }

 private:
  struct History {
    std::vector<double> closes;  // ring of lookback + 1
    std::size_t count = 0;
  };
  struct Ranked {
    double gain;
    std::size_t instrument;
  };

  /// Instruments with a full history, best first; ties in the order of names.
  void rank() {
    ranked_.clear();
    const auto lookback = static_cast<std::size_t>(params_.lookback);
    const auto skip = static_cast<std::size_t>(params_.skip);
    for (std::size_t i = 0; i < histories_.size(); ++i) {
      const History& history = histories_[i];
      const std::size_t size = history.closes.size();
      if (history.count < size) continue;
      const double from = history.closes[(history.count - 1 - lookback) % size];
      const double to = history.closes[(history.count - 1 - skip) % size];
      if (from > 0) ranked_.push_back({to / from, i});
    }
    std::sort(ranked_.begin(), ranked_.end(), [](const Ranked& a, const Ranked& b) {
      return a.gain != b.gain ? a.gain > b.gain : a.instrument < b.instrument;
    });
  }

  void choose() {
    std::fill(weights_.begin(), weights_.end(), 0.0);
    const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(std::floor(params_.top * static_cast<double>(ranked_.size()))));
    const double part = params_.invested * (params_.long_short ? 0.5 : 1.0) / static_cast<double>(count);
    for (std::size_t k = 0; k < count; ++k) weights_[ranked_[k].instrument] = part;
    if (!params_.long_short || ranked_.size() < 2 * count) return;
    for (std::size_t k = 0; k < count; ++k) weights_[ranked_[ranked_.size() - 1 - k].instrument] = -part;
  }

  Params params_;
  Portfolio portfolio_;
  std::vector<History> histories_;
  std::vector<double> weights_;
  std::vector<Ranked> ranked_;
  std::int64_t bars_ = 0;
};

}  // namespace

void add_momentum(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<Momentum>("momentum", "Holds the instruments that rose most over the look-back (cross-sectional momentum).");
}

}  // namespace walras::strategies
