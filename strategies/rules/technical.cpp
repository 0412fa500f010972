#include "strategies/indicators.hpp"
#include "strategies/portfolio.hpp"
#include "strategies/rules/rules.hpp"

#include <fmt/format.h>

namespace walras::strategies {
namespace {

using engine::Bar;
using engine::Event;
using engine::EventKind;
using engine::InstrumentId;
using engine::Orders;

void expect_less(const char* less, std::int64_t low, const char* more, std::int64_t high) {
  if (low >= high)
    fail(Fault::Scenario, less,
         fmt::format("expected {} < {}, was {} and {}", less, more, low, high));
}

/// A rule that judges each instrument by its own bars: a Signal says 1 (long), 0 (flat) or -1
/// (short) after each bar. Every instrument has an equal share of the exposure, and trades when its
/// signal changes.
template <class Signal>
class PerInstrument final : public StatefulStrategy<PerInstrument<Signal>> {
 public:
  struct Params : Signal::Params {
    bool shorting = false;
    Sizing sizing;
    static void fields(auto&& field) {
      Signal::Params::fields(field);
      field("shorting", &Params::shorting, {.doc = "whether falls are sold short"});
      field("sizing", &Params::sizing, {.doc = "how much is held"});
    }
  };

  PerInstrument(Params params, const StrategyContext& context)
      : params_(params),
        share_(1.0 / static_cast<double>(std::max<std::size_t>(1, context.instruments.size()))),
        fresh_(params),
        portfolio_(params.sizing, context.instruments, context.periods_per_year) {
    lines_.assign(context.instruments.size(), {fresh_, 0});
  }

  void on_start(Orders&) override {
    portfolio_.reset();
    for (Line& line : lines_) line = {fresh_, 0};
  }
  void on_event(const Event& event, Orders& orders) override {
    if (event.kind != EventKind::Bar) return;
    Line& line = lines_[event.instrument];
    int side = line.signal.judge(orders.bar(event), line.side);
    if (!params_.shorting) side = std::max(side, 0);
    if (side == line.side) return;
    line.side = side;
    portfolio_.want(event.instrument, share_ * side);
  }
  void on_slice(Nanos, Orders& orders) override { portfolio_.trade(orders); }

  void state(Archive& archive) { archive(lines_, portfolio_); }

 private:
  struct Line {
    Signal signal;
    int side;
    void state(Archive& archive) { archive(signal, side); }
  };
  Params params_;
  double share_;
  Signal fresh_;
  std::vector<Line> lines_;
  Portfolio portfolio_;
};

/// Long while the fast mean of closes is above the slow one, short while it is below.
class MovingAverage {
 public:
  struct Params {
    std::int64_t fast = 50, slow = 200;
    static void fields(auto&& field) {
      field("fast", &Params::fast,
            {.unit = "bars", .min = 1, .max = 100'000, .doc = "window of the fast mean of closes"});
      field("slow", &Params::slow,
            {.unit = "bars",
             .min = 2,
             .max = 100'000,
             .doc = "window of the slow mean; longer than fast"});
    }
  };
  explicit MovingAverage(const Params& params)
      : fast_(static_cast<std::size_t>(params.fast)), slow_(static_cast<std::size_t>(params.slow)) {
    expect_less("fast", params.fast, "slow", params.slow);
  }
  int judge(const Bar& bar, int) {
    fast_.push(bar.close.value);
    slow_.push(bar.close.value);
    if (!slow_.full()) return 0;
    const double lead = fast_.mean() - slow_.mean();
    return lead > 0 ? 1 : lead < 0 ? -1 : 0;
  }
  void state(Archive& archive) { archive(fast_, slow_); }

 private:
  RollingSum fast_, slow_;
};

/// Buys what closed `entry` standard deviations below its mean and sells it when it is back within
/// `exit`; mirrored short.
class MeanReversion {
 public:
  struct Params {
    std::int64_t window = 20;
    double entry = 2, exit = 0;
    static void fields(auto&& field) {
      field(
          "window", &Params::window,
          {.unit = "bars", .min = 2, .max = 100'000, .doc = "of the mean and deviation of closes"});
      field("entry", &Params::entry,
            {.unit = "deviations",
             .min = 0,
             .max = 100,
             .doc = "distance from the mean that is traded against"});
      field("exit", &Params::exit,
            {.unit = "deviations",
             .min = -100,
             .max = 100,
             .doc = "distance at which the trade is closed; below entry"});
    }
  };
  explicit MeanReversion(const Params& params)
      : closes_(static_cast<std::size_t>(params.window)), entry_(params.entry), exit_(params.exit) {
    if (exit_ >= entry_) {
      fail(Fault::Scenario, "exit",
           fmt::format("expected exit < entry, was {} and {}", exit_, entry_));
    }
  }
  int judge(const Bar& bar, int side) {
    closes_.push(bar.close.value);
    const double variance = closes_.full() ? closes_.variance() : 0;
    if (variance <= 0) return side;
    const double score =
        (static_cast<double>(bar.close.value) - closes_.mean()) / std::sqrt(variance);
    if (score <= -entry_) return 1;
    if (score >= entry_) return -1;
    const bool done = side > 0 ? score >= -exit_ : score <= exit_;
    return done ? 0 : side;
  }
  void state(Archive& archive) { archive(closes_); }

 private:
  RollingMoments closes_;
  double entry_, exit_;
};

/// Long on a close above the highest high of the `entry` bars before, until a close below the
/// lowest low of `exit` bars.
class Breakout {
 public:
  struct Params {
    std::int64_t entry = 55, exit = 20;
    static void fields(auto&& field) {
      field("entry", &Params::entry,
            {.unit = "bars",
             .min = 1,
             .max = 100'000,
             .doc = "channel whose break opens a position"});
      field("exit", &Params::exit,
            {.unit = "bars",
             .min = 1,
             .max = 100'000,
             .doc = "channel whose break closes it; at most entry"});
    }
  };
  explicit Breakout(const Params& params)
      : high_(static_cast<std::size_t>(params.entry)),
        low_(static_cast<std::size_t>(params.entry)),
        exit_high_(static_cast<std::size_t>(params.exit)),
        exit_low_(static_cast<std::size_t>(params.exit)) {
    expect_less("exit", params.exit, "entry + 1", params.entry + 1);
  }
  int judge(const Bar& bar, int side) {
    // The channels are those of the bars before this one.
    if (high_.full()) {
      const std::int64_t close = bar.close.value;
      if (close > high_.value()) {
        side = 1;
      } else if (close < low_.value()) {
        side = -1;
      } else if ((side > 0 && close < exit_low_.value()) ||
                 (side < 0 && close > exit_high_.value())) {
        side = 0;
      }
    }
    high_.push(bar.high.value);
    exit_high_.push(bar.high.value);
    low_.push(bar.low.value);
    exit_low_.push(bar.low.value);
    return side;
  }
  void state(Archive& archive) { archive(high_, low_, exit_high_, exit_low_); }

 private:
  RollingMaximum high_;
  RollingMinimum low_;
  RollingMaximum exit_high_;
  RollingMinimum exit_low_;
};

}  // namespace

void add_technical_rules(StrategyRegistry& registry) {
  registry.add<PerInstrument<MovingAverage>>(
      "moving_average", "Holds an instrument while its fast mean is above its slow one.");
  registry.add<PerInstrument<MeanReversion>>(
      "mean_reversion", "Buys what fell unusually far below its mean, until it is back.");
  registry.add<PerInstrument<Breakout>>(
      "breakout", "Follows a close beyond the range of the bars before (Donchian channels).");
}

}  // namespace walras::strategies
