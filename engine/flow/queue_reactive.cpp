// Queues whose arrivals depend on their own length, around a reference price. Source:
// HuangLehalleRosenbaum2015, models I and III.
#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/flow/flow.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace walras::engine {
namespace {

using Table = std::vector<std::vector<double>>;

class QueueReactive final : public Flow {
 public:
  // Shapes as the paper's figures show them: arrivals at the best fall with the length of a queue,
  // elsewhere they barely change; cancels grow and level off; market orders fall.
  struct Params {
    Table limit{{2.4, 2.0, 1.7, 1.5, 1.4, 1.3, 1.2, 1.1},
                {1.4, 1.3, 1.2, 1.15, 1.1, 1.05, 1, 0.95},
                {1, 0.95, 0.9, 0.88, 0.86, 0.84, 0.82, 0.8}};
    Table cancel{{0, 0.35, 0.6, 0.8, 0.95, 1.05, 1.15, 1.25},
                 {0, 0.25, 0.45, 0.65, 0.8, 0.95, 1.05, 1.15},
                 {0, 0.2, 0.4, 0.55, 0.7, 0.8, 0.9, 1}};
    std::vector<double> market{0, 0.9, 0.75, 0.6, 0.5, 0.42, 0.36, 0.3};
    std::int64_t lots = 10;
    double move = 0.7, renew = 0.85;
    static void fields(auto&& field) {
      field("limit", &Params::limit,
            {.unit = "1/s",
             .min = 0,
             .max = 1e6,
             .doc = "rate of limit orders, a row a level from the reference price, a column a "
                    "queue length from 0; the last column holds beyond"});
      field("cancel", &Params::cancel,
            {.unit = "1/s", .min = 0, .max = 1e6, .doc = "rate of cancels, likewise"});
      field("market", &Params::market,
            {.unit = "1/s",
             .min = 0,
             .max = 1e6,
             .doc = "rate of market orders against the best queue, by its length"});
      field("lots", &Params::lots,
            {.unit = "lots",
             .min = 1,
             .max = 1e9,
             .doc = "size of every order; queues are counted in it"});
      field(
          "move", &Params::move,
          {.min = 0,
           .max = 1,
           .doc =
               "probability that the reference price follows when the best queue is gone (theta)"});
      field("renew", &Params::renew,
            {.min = 0,
             .max = 1,
             .doc = "probability that all queues are then drawn anew (theta reinit)"});
    }
  };
  QueueReactive(const Params& params, const FlowContext& context)
      : p_(params), random_(context.random), next_(context.begin) {
    const std::size_t levels = p_.limit.size();
    if (levels == 0 || p_.cancel.size() != levels)
      fail(Fault::Scenario, "cancel", "expected as many levels as limit, at least one");
    if (p_.market.empty()) fail(Fault::Scenario, "market", "expected rates by length, was empty");
    for (std::size_t i = 0; i < levels; ++i) {
      const std::string where = "/" + std::to_string(i);
      if (p_.limit[i].empty() || p_.cancel[i].empty())
        fail(Fault::Scenario, "limit" + where, "expected rates by length, was empty");
      if (p_.limit[i].back() >= p_.cancel[i].back() + (i == 0 ? p_.market.back() : 0)) {
        fail(Fault::Scenario, "limit" + where,
             "expected the last rate below that of cancels" +
                 std::string(i == 0 ? " and market orders" : "") +
                 ": longer queues would grow for ever");
      }
      invariant_.push_back(invariant(i));
    }
    rates_.resize(2 * levels * 2 + 2);
  }

  void open(Crowd& crowd) override {
    reference_ = static_cast<std::int64_t>(std::floor(crowd.value()));
    renew(crowd);
    remember(crowd);
    schedule(crowd);
  }
  Nanos next() const noexcept override { return next_; }
  void act(Crowd& crowd) override {
    const std::size_t levels = p_.limit.size(), event = random_.categorical(rates_);
    if (event < 4 * levels) {
      const Side side = event % 2 == 0 ? Side::Buy : Side::Sell;
      const std::size_t level = event / 4;
      if (event % 4 < 2) {
        crowd.limit(side, price(side, level), {p_.lots});
      } else if (const std::uint64_t orders = crowd.orders_at(side, price(side, level));
                 orders > 0) {
        crowd.cancel_at(side, price(side, level), random_.below(orders));
      }
    } else {
      crowd.market(event == 4 * levels ? Side::Sell : Side::Buy, {p_.lots});
    }
    settle(crowd);
    schedule(crowd);
  }
  void disturbed(Crowd& crowd) override {
    settle(crowd);
    schedule(crowd);
  }
  void state(Archive& archive) override {
    archive(random_, next_, reference_, had_bid_, had_ask_, rates_);
  }

 private:
  static double at(const std::vector<double>& rates, std::int64_t length) {
    return rates[static_cast<std::size_t>(
        std::min<std::int64_t>(length, static_cast<std::int64_t>(rates.size()) - 1))];
  }
  /// Of level 0, 1, ...: bids from the reference price down, asks from the tick above it up.
  Ticks price(Side side, std::size_t level) const {
    return {side == Side::Buy ? reference_ - static_cast<std::int64_t>(level)
                              : reference_ + 1 + static_cast<std::int64_t>(level)};
  }
  std::int64_t length(const Crowd& crowd, Side side, std::size_t level) const {
    return (crowd.queue(side, price(side, level)).value + p_.lots - 1) / p_.lots;
  }
  /// Law of a queue by itself, from the balance of its births and deaths. Only the first queue
  /// meets market orders.
  std::vector<double> invariant(std::size_t level) const {
    std::vector<double> law{1};
    for (std::int64_t q = 0; q < 10'000; ++q) {
      const double out = at(p_.cancel[level], q + 1) + (level == 0 ? at(p_.market, q + 1) : 0);
      const double next = out > 0 ? law.back() * at(p_.limit[level], q) / out : 0;
      if (!(next > 1e-12)) break;
      law.push_back(next);
    }
    return law;
  }
  void fill(Crowd& crowd, Side side, std::size_t level) {
    const auto wanted = static_cast<std::int64_t>(random_.categorical(invariant_[level]));
    for (std::int64_t have = length(crowd, side, level); have < wanted; ++have)
      crowd.limit(side, price(side, level), {p_.lots});
  }
  void clear(Crowd& crowd, Side side, Ticks price) {
    while (crowd.cancel_at(side, price, 0)) {
    }
  }
  void renew(Crowd& crowd) {
    for (std::size_t level = 0; level < p_.limit.size(); ++level) {
      for (const Side side : {Side::Buy, Side::Sell}) {
        clear(crowd, side, price(side, level));
        fill(crowd, side, level);
      }
    }
  }
  /// After the mid moved because the first queue went, the reference price may follow it by a tick.
  void settle(Crowd& crowd) {
    if (crowd.state().halted) return;
    for (int round = 0; round < 1000; ++round) {
      const bool bid = crowd.queue(Side::Buy, price(Side::Buy, 0)).value > 0,
                 ask = crowd.queue(Side::Sell, price(Side::Sell, 0)).value > 0;
      const bool up = !ask && had_ask_, down = !bid && had_bid_;
      if (up == down || (down && reference_ <= static_cast<std::int64_t>(p_.limit.size()) + 1) ||
          !random_.bernoulli(p_.move))
        return remember(crowd);
      const Side gone = up ? Side::Sell : Side::Buy;  // the side whose first queue went
      clear(crowd, opposite(gone), price(opposite(gone), p_.limit.size() - 1));
      reference_ += up ? 1 : -1;
      fill(crowd, gone, p_.limit.size() - 1);
      remember(crowd);
      if (random_.bernoulli(p_.renew)) renew(crowd);
      if (crowd.queue(gone, price(gone, 0)).value > 0) return remember(crowd);
      had_ask_ = had_ask_ || up;  // the next queue was empty, too: the mid moved further
      had_bid_ = had_bid_ || down;
    }
  }
  void remember(const Crowd& crowd) {
    had_bid_ = crowd.queue(Side::Buy, price(Side::Buy, 0)).value > 0;
    had_ask_ = crowd.queue(Side::Sell, price(Side::Sell, 0)).value > 0;
  }
  void schedule(const Crowd& crowd) {
    const std::size_t levels = p_.limit.size();
    double sum = 0;
    for (std::size_t level = 0; level < levels; ++level) {
      for (const Side side : {Side::Buy, Side::Sell}) {
        const std::size_t s = side == Side::Buy ? 0 : 1;
        const std::int64_t q = length(crowd, side, level);
        sum += rates_[4 * level + s] = at(p_.limit[level], q) * crowd.state().depth;
        sum += rates_[4 * level + 2 + s] = q > 0 ? at(p_.cancel[level], q) : 0;
      }
    }
    for (const Side side : {Side::Buy, Side::Sell}) {
      const std::int64_t q =
          crowd.empty(side) ? 0
                            : (crowd.queue(side, crowd.best(side)).value + p_.lots - 1) / p_.lots;
      sum += rates_[4 * levels + (side == Side::Buy ? 0 : 1)] = q > 0 ? at(p_.market, q) : 0;
    }
    next_ = crowd.now() + Nanos{1 + static_cast<std::int64_t>(
                                        random_.exponential(sum * crowd.state().activity) * 1e9)};
  }

  Params p_;
  Rng random_;
  Nanos next_;
  std::int64_t reference_ = 0;  // the reference price lies half a tick above it
  bool had_bid_ = false, had_ask_ = false;
  std::vector<std::vector<double>> invariant_;
  std::vector<double> rates_;  // by level: limit buy, limit sell, cancel buy, cancel sell; then
                               // market orders against bid and ask
};

}  // namespace

void add_queue_reactive(FlowRegistry& registry) {
  registry.add<QueueReactive>(
      "queue_reactive",
      "Queues whose arrivals depend on their length (Huang, Lehalle and Rosenbaum 2015).");
}

}  // namespace walras::engine
