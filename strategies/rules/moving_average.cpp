// moving_average: in while the fast average of closes is above the slow one; each instrument has an equal part.
#include "engine/base/error.hpp"
#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

#include <fmt/format.h>

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::Orders;

class MovingAverage final : public Strategy {
 public:
  struct Params {
    std::int64_t fast = 50;
    std::int64_t slow = 200;
    bool long_short = false;
    double invested = 0.99;
    static void fields(auto&& field) {
      field("fast", &Params::fast, {.unit = "bars", .min = 1, .max = 1e6, .doc = "Length of the fast average."});
      field("slow", &Params::slow, {.unit = "bars", .min = 2, .max = 1e6, .doc = "Length of the slow average; longer than fast."});
      field("long_short", &Params::long_short, {.doc = "Short while fast is below slow, instead of out."});
      field("invested", &Params::invested, {.unit = "x equity", .min = 0, .max = 10, .doc = "Share of equity held when every instrument is in."});
    }
  };

  MovingAverage(const Params& params, const StrategyContext& context)
      : params_(params), portfolio_(context.instruments), averages_(context.instruments.size()) {
    if (params.fast >= params.slow) {
      fail(Fault::Scenario, "fast", fmt::format("expected fast shorter than slow, was {} and {}", params.fast, params.slow));
    }
    for (Average& average : averages_) average.closes.resize(static_cast<std::size_t>(params.slow));
    changed_.reserve(averages_.size());
  }

  void on_start(Orders&) override {
    for (Average& average : averages_) {
      std::fill(average.closes.begin(), average.closes.end(), 0);
      average.count = 0;
      average.newest = 0;
      average.oldest_fast = average.closes.size() - static_cast<std::size_t>(params_.fast);
      average.fast_sum = average.slow_sum = 0;
      average.held = average.signal = 0;
      average.queued = false;
    }
    changed_.clear();
  }

  void on_event(const Event& event, Orders&) override {
    if (event.kind != EventKind::Bar) return;
    Average& average = averages_[event.instrument];
    update(average, event.price.value);
    if (average.signal != average.held && !average.queued) {
      average.queued = true;
      changed_.push_back(event.instrument);
    }
  }

  void on_slice(Nanos, Orders& orders) override {
    if (changed_.empty() || orders.warming_up()) return;
    const double part = params_.invested / static_cast<double>(averages_.size());
    // Sales first, so that they pay for purchases.
    for (const int direction : {-1, 1}) {
      for (const engine::InstrumentId instrument : changed_) {
        Average& average = averages_[instrument];
        if ((average.signal - average.held) * direction <= 0) continue;
        portfolio_.target(instrument, part * average.signal, orders);
        average.held = average.signal;
      }
    }
    for (const engine::InstrumentId instrument : changed_) averages_[instrument].queued = false;
    changed_.clear();
  }

 private:
  /// Sums of ticks are exact, so that a streaming average never drifts from the one computed anew.
  struct Average {
    std::vector<std::int64_t> closes;  // ring of the last `slow`, zeros before the first
    std::size_t newest = 0;            // where the next close goes
    std::size_t oldest_fast = 0;       // the close that leaves the fast average next
    std::int64_t count = 0, fast_sum = 0, slow_sum = 0;
    int held = 0, signal = 0;
    bool queued = false;
  };

  void update(Average& average, std::int64_t close) const {
    const std::size_t size = average.closes.size();
    average.slow_sum += close - average.closes[average.newest];
    average.fast_sum += close - average.closes[average.oldest_fast];
    average.closes[average.newest] = close;
    if (++average.newest == size) average.newest = 0;
    if (++average.oldest_fast == size) average.oldest_fast = 0;
    if (++average.count < params_.slow) return;
    // fast_sum / fast > slow_sum / slow, without a division.
    const Money::Integer a = static_cast<Money::Integer>(average.fast_sum) * params_.slow;
    const Money::Integer b = static_cast<Money::Integer>(average.slow_sum) * params_.fast;
    average.signal = a > b ? 1 : params_.long_short && a < b ? -1 : 0;
  }

  Params params_;
  Portfolio portfolio_;
  std::vector<Average> averages_;
  std::vector<engine::InstrumentId> changed_;
};

}  // namespace

void add_moving_average(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<MovingAverage>("moving_average", "Holds what trades above its own trend: a crossover of two averages of closes.");
}

}  // namespace walras::strategies
