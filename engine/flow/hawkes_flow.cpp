// Limit and market orders as a Hawkes process of four kinds; resting orders live for exponential
// times.
#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/flow/flow.hpp"
#include "engine/flow/hawkes.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <string>
#include <vector>

namespace walras::engine {
namespace {

class HawkesFlow final : public Flow {
 public:
  struct Params {
    std::vector<double> base{1.2, 1.2, 0.25, 0.25};
    std::vector<std::vector<double>> children{{0.3, 0.1, 0.2, 0.35},
                                              {0.1, 0.3, 0.35, 0.2},
                                              {0.02, 0.04, 0.4, 0.05},
                                              {0.04, 0.02, 0.05, 0.4}};
    double decay = 8;
    double cancel_rate = 0.05, limit_tail = 0.08, limit_lots = 10, market_lots = 10,
           informed = 0.05, warm_up_s = 120;
    std::optional<double> inside;
    static void fields(auto&& field) {
      field("base", &Params::base,
            {.unit = "1/s",
             .min = 0,
             .max = 1e6,
             .doc = "rates of what comes by itself: limit buys, limit sells, market buys, market "
                    "sells"});
      field("children", &Params::children,
            {.min = 0,
             .max = 100,
             .doc = "orders of a kind (row) that an order of a kind (column) sets off, on average; "
                    "in the same order"});
      field("decay", &Params::decay,
            {.unit = "1/s", .min = 1e-6, .max = 1e6, .doc = "how fast the excitement passes"});
      field("cancel_rate", &Params::cancel_rate,
            {.unit = "1/s", .min = 1e-6, .max = 1e6, .doc = "cancels of each resting order"});
      field("limit_tail", &Params::limit_tail,
            {.min = 1e-4,
             .max = 1,
             .doc = "limit orders are placed 1 + Geometric(limit_tail) ticks from the opposite "
                    "best price; with `inside`, Geometric(limit_tail) ticks behind the own"});
      field("inside", &Params::inside,
            {.min = 0,
             .max = 1,
             .doc = "probability that a limit order is placed inside a spread of two ticks or "
                    "more, anywhere in it; absent: see limit_tail"});
      field("limit_lots", &Params::limit_lots,
            {.unit = "lots",
             .min = 1,
             .max = 1e9,
             .doc = "mean size of a limit order, 1 + geometric"});
      field("market_lots", &Params::market_lots,
            {.unit = "lots", .min = 1, .max = 1e9, .doc = "mean size of a market order"});
      field("informed", &Params::informed,
            {.unit = "1/tick",
             .min = 0,
             .max = 1e3,
             .doc = "a market order against the value's direction is dropped with probability "
                    "tanh(informed x ticks to the value)"});
      field("warm_up_s", &Params::warm_up_s,
            {.unit = "s",
             .min = 0,
             .max = 1e6,
             .doc = "flow played before the start, unseen, to fill the book"});
    }
  };
  HawkesFlow(const Params& params, const FlowContext& context)
      : p_(params),
        random_(context.random),
        clock_(law(params)),
        shift_s_(static_cast<double>(context.begin.value) * 1e-9 - params.warm_up_s) {}

  void open(Crowd& crowd) override {
    while (true) {
      draw(crowd);
      if (time_s_ >= p_.warm_up_s) break;
      play(crowd);
    }
  }
  Nanos next() const noexcept override { return {std::llround((time_s_ + shift_s_) * 1e9)}; }
  void act(Crowd& crowd) override {
    play(crowd);
    draw(crowd);
  }
  void filled(const CrowdFill& fill, Crowd&) override {
    if (fill.left.value == 0) forget(fill.tag);
  }
  void state(Archive& archive) override {
    archive(random_, clock_, time_s_, kind_, drawn_live_, orders_, place_, live_, free_);
  }

 private:
  static HawkesLaw law(const Params& p) {
    HawkesLaw made{p.base, {}, p.decay};
    if (p.base.size() != 4)
      fail(Fault::Scenario, "base", "expected four rates, was " + std::to_string(p.base.size()));
    if (p.children.size() != 4)
      fail(Fault::Scenario, "children",
           "expected four rows, was " + std::to_string(p.children.size()));
    for (const auto& row : p.children) {
      if (row.size() != 4)
        fail(Fault::Scenario, "children",
             "expected four columns, was " + std::to_string(row.size()));
      made.children.insert(made.children.end(), row.begin(), row.end());
    }
    if (const double ratio = branching_ratio(made); ratio >= 1) {
      fail(Fault::Scenario, "children",
           "expected a branching ratio below 1, was " + std::to_string(ratio) +
               ": the flow would explode; make the numbers smaller");
    }
    return made;
  }
  /// The next order or cancel. Cancels are an independent Poisson process while the number of
  /// resting orders stays the same.
  void draw(const Crowd& crowd) {
    const double cancels = p_.cancel_rate * static_cast<double>(live_.size());
    const double cancel_s = time_s_ + (cancels > 0 ? random_.exponential(cancels) : 1e9);
    drawn_live_ = live_.size();
    const HawkesClock::Event event = clock_.next(cancel_s, crowd.state().activity, random_);
    kind_ = event.kind;  // 4: a cancel
    time_s_ = event.time;
  }
  std::int64_t size(double mean) {
    return mean <= 1 ? 1 : 1 + static_cast<std::int64_t>(random_.geometric(1 / mean));
  }

  void play(Crowd& crowd) {
    if (kind_ == 4) {
      // Participants may have taken some since this was drawn: thinned by how many are left.
      const auto at = static_cast<std::uint32_t>(random_.below(drawn_live_));
      if (at < live_.size() && crowd.cancel(orders_[live_[at]])) forget(live_[at]);
      return;
    }
    const Side side = kind_ % 2 == 0 ? Side::Buy : Side::Sell;
    if (kind_ < 2) {
      const Ticks price = place(side, crowd);
      const std::uint32_t tag = take_tag();
      const CrowdOrder order =
          crowd.limit(side, price, {size(p_.limit_lots * crowd.state().depth)}, tag);
      if (order == 0) {
        free_.push_back(tag);
        return;
      }
      orders_[tag] = order;
      place_[tag] = static_cast<std::uint32_t>(live_.size());
      live_.push_back(tag);
      return;
    }
    const double gap = crowd.value() - 0.5 * static_cast<double>(crowd.twice_mid());
    const double against =
        std::tanh(p_.informed * std::max(0.0, -static_cast<double>(sign(side)) * gap));
    const std::int64_t lots = size(p_.market_lots);
    if (random_.uniform() >= against) crowd.market(side, {lots});
  }

  /// Where a limit order goes: by distance from the other side, or inside the spread and behind the
  /// own.
  Ticks place(Side side, const Crowd& crowd) {
    const auto away = static_cast<std::int64_t>(random_.geometric(p_.limit_tail));
    const Side other = opposite(side);
    if (!p_.inside || crowd.empty(other) || crowd.empty(side)) {
      const std::int64_t from =
          crowd.empty(other) ? std::llround(crowd.value()) : crowd.best(other).value;
      return {from - sign(side) * (1 + away)};
    }
    const std::int64_t own = crowd.best(side).value;
    const std::int64_t room = sign(side) * (crowd.best(other).value - own) - 1;
    if (room > 0 && random_.bernoulli(*p_.inside)) {
      const auto step = random_.below(static_cast<std::uint64_t>(room));
      return {own + sign(side) * (1 + static_cast<std::int64_t>(step))};
    }
    return {own - sign(side) * away};
  }

  std::uint32_t take_tag() {
    if (free_.empty()) {
      orders_.push_back(0);
      place_.push_back(0);
      return static_cast<std::uint32_t>(orders_.size() - 1);
    }
    const std::uint32_t tag = free_.back();
    free_.pop_back();
    return tag;
  }
  void forget(std::uint32_t tag) {
    const std::uint32_t at = place_[tag];
    live_[at] = live_.back();
    place_[live_[at]] = at;
    live_.pop_back();
    free_.push_back(tag);
  }

  Params p_;
  Rng random_;
  HawkesClock clock_;
  double shift_s_;  // of the clock's time, which starts with the warm-up
  double time_s_ = 0;
  std::size_t kind_ = 4, drawn_live_ = 0;
  std::vector<CrowdOrder> orders_;  // by tag
  std::vector<std::uint32_t> place_, live_,
      free_;  // tag -> position in live; tags of resting orders; tags not in use
};

}  // namespace

void add_hawkes_flow(FlowRegistry& registry) {
  registry.add<HawkesFlow>(
      "hawkes",
      "Orders that set off orders: a Hawkes process of limit and market orders, buys and sells.");
}

}  // namespace walras::engine
