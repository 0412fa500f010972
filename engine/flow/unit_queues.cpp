// Two queues at a spread of one tick. Orders of one size come and go as Poisson processes whose
// rates do not depend on the queues; when a queue is gone the price moves by a tick, and both
// queues are drawn anew. Source: ContDeLarrard2013.
#include "engine/base/archive.hpp"
#include "engine/flow/flow.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace walras::engine {
namespace {

class UnitQueues final : public Flow {
 public:
  struct Params {
    double limit_rate = 12, market_rate = 6, cancel_rate = 6;
    std::int64_t lots = 1, bid_queue = 0, ask_queue = 0, longest = 15;
    static void fields(auto&& field) {
      field("limit_rate", &Params::limit_rate,
            {.unit = "1/s", .min = 0, .max = 1e6, .doc = "limit orders at each best price"});
      field("market_rate", &Params::market_rate,
            {.unit = "1/s", .min = 1e-9, .max = 1e6, .doc = "market orders on each side"});
      field("cancel_rate", &Params::cancel_rate,
            {.unit = "1/s",
             .min = 0,
             .max = 1e6,
             .doc = "cancels at each best price, however long its queue"});
      field("lots", &Params::lots,
            {.unit = "lots", .min = 1, .max = 1e9, .doc = "size of every order"});
      field("bid_queue", &Params::bid_queue,
            {.unit = "orders", .min = 0, .max = 1e6, .doc = "at the start; 0: drawn"});
      field("ask_queue", &Params::ask_queue,
            {.unit = "orders", .min = 0, .max = 1e6, .doc = "at the start; 0: drawn"});
      field(
          "longest", &Params::longest,
          {.unit = "orders", .min = 1, .max = 1e5, .doc = "new queues are uniform from 1 to this"});
    }
  };
  UnitQueues(const Params& params, const FlowContext& context)
      : p_(params), random_(context.random), next_(context.begin) {
    rate_ = 2 * (p_.limit_rate + p_.market_rate + p_.cancel_rate);
  }
  void open(Crowd& crowd) override {
    price_ = {std::llround(crowd.value() - 0.5), std::llround(crowd.value() - 0.5) + 1};
    fill(Side::Buy, p_.bid_queue > 0 ? p_.bid_queue : draw(), crowd);
    fill(Side::Sell, p_.ask_queue > 0 ? p_.ask_queue : draw(), crowd);
    schedule(crowd);
  }
  Nanos next() const noexcept override { return next_; }
  void act(Crowd& crowd) override {
    double choice = random_.uniform() * rate_;
    const Side side = choice < rate_ / 2 ? Side::Buy : Side::Sell;  // of the queue
    if (side == Side::Sell) choice -= rate_ / 2;
    if ((choice -= p_.limit_rate) < 0) {
      crowd.limit(side, price(side), {p_.lots});
    } else if ((choice -= p_.market_rate) < 0) {
      crowd.market(opposite(side), {p_.lots});
    } else if (const std::uint64_t orders = crowd.orders_at(side, price(side)); orders > 0) {
      crowd.cancel_at(side, price(side), random_.below(orders));
    }
    settle(crowd);
    schedule(crowd);
  }
  void disturbed(Crowd& crowd) override { settle(crowd); }
  void state(Archive& archive) override { archive(random_, next_, price_); }

 private:
  Ticks price(Side side) const { return {price_[static_cast<std::size_t>(side)]}; }
  std::int64_t draw() {
    return 1 + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(p_.longest)));
  }
  void schedule(const Crowd& crowd) {
    next_ = crowd.now() + Nanos{1 + static_cast<std::int64_t>(
                                        random_.exponential(rate_ * crowd.state().activity) * 1e9)};
  }
  void fill(Side side, std::int64_t orders, Crowd& crowd) {
    for (; orders > 0; --orders) crowd.limit(side, price(side), {p_.lots});
  }
  /// While a queue is gone: the price moves towards it, and both queues begin anew.
  void settle(Crowd& crowd) {
    if (crowd.state().halted) return;
    for (int round = 0; round < 100; ++round) {
      const bool bid = crowd.queue(Side::Buy, price(Side::Buy)).value > 0,
                 ask = crowd.queue(Side::Sell, price(Side::Sell)).value > 0;
      if (bid && ask) return;
      if (price_[0] <= 1 && !bid) return fill(Side::Buy, draw(), crowd);
      for (const Side side : {Side::Buy, Side::Sell}) {
        while (crowd.cancel_at(side, price(side), 0)) {
        }
      }
      const std::int64_t move = !ask ? 1 : -1;
      for (std::int64_t& price : price_) price += move;
      // Participants' orders that were left inside are taken as they stand.
      fill(Side::Buy, draw(), crowd);
      fill(Side::Sell, draw(), crowd);
    }
  }

  Params p_;
  Rng random_;
  Nanos next_;
  double rate_;
  std::array<std::int64_t, 2> price_{};  // of the queue, by side
};

}  // namespace

void add_unit_queues(FlowRegistry& registry) {
  registry.add<UnitQueues>("unit_queues",
                           "Two queues of unit orders one tick apart, with Poisson arrivals (Cont "
                           "and de Larrard 2013).");
}

}  // namespace walras::engine
