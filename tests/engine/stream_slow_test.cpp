// A stream of price levels that never lies in memory: peak memory does not grow with its length.
#include "engine/venue/frictions.hpp"
#include "engine/venue/latency.hpp"
#include "engine/venue/replay_venue.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace walras;
using namespace walras::tests;

namespace {

constexpr std::int64_t kSpacing = 1'000'000;  // ns, on average

/// Changes of 20 levels a side around a wandering mid, a tenth of them trades.
class Levels final : public EventStream {
 public:
  explicit Levels(std::uint64_t count) : left_(count), random_(1, "stream") { block_.reserve(4096); }
  std::span<const Event> next() override {
    block_.clear();
    for (; left_ > 0 && block_.size() < 4096; --left_) {
      const std::uint64_t draw = random_.below(std::uint64_t{1} << 48);
      time_ += 1 + static_cast<std::int64_t>(draw % (2 * kSpacing));
      const std::uint64_t kind = (draw >> 22) % 1000;
      mid_ += kind < 20 ? -1 : kind < 40 ? 1 : 0;
      Event event;
      event.exchange_time = event.local_time = {time_};
      const bool trade = kind >= 900;
      event.kind = trade ? EventKind::Trade : EventKind::Depth;
      event.side = (draw >> 33) % 2 == 0 ? Side::Buy : Side::Sell;
      event.price = {mid_ - sign(event.side) * (trade ? 1 : 1 + static_cast<std::int64_t>((draw >> 34) % 20))};
      event.quantity = {static_cast<std::int64_t>((draw >> 40) % 20) + (trade ? 1 : 0)};
      if (trade) event.side = opposite(event.side);
      block_.push_back(event);
    }
    return block_;
  }

 private:
  std::uint64_t left_;
  Rng random_;
  std::vector<Event> block_;
  std::int64_t time_ = 0, mid_ = 1'000'000;
};

class StreamPlan final : public MarketPlan {
 public:
  explicit StreamPlan(std::uint64_t events) : events_(events), fees_("fees"), latencies_("latency") {
    instruments_.push_back(tiny_instrument("A"));
    add_fee_models(fees_);
    add_latency_models(latencies_);
    fee_ = fees_.build(Json("none"), "", instruments_[0]);
  }
  const std::vector<Instrument>& instruments() const override { return instruments_; }
  const std::shared_ptr<const Tape>& tape() const override { return none_; }
  Span whole() const override { return {{}, {}, {static_cast<std::int64_t>(events_) * kSpacing * 2}}; }
  double periods_per_year() const override { return 252; }
  bool generated() const override { return true; }
  const Json& resolved() const override { return resolved_; }
  Nanos sampling() const override { return {3600 * kNanosPerSecond}; }
  bool replays_from_start() const override { return false; }
  std::unique_ptr<Venue> venue(Rng, const Tape*) const override {
    return make_streamed_venue(std::make_unique<Levels>(events_), instruments_, {QueueRule::Power2, 2});
  }
  std::unique_ptr<LatencyModel> latency(Rng random) const override { return latencies_.build(Json("constant"), "", random); }
  const FeeModel& fees(InstrumentId) const override { return *fee_; }

 private:
  std::uint64_t events_;
  Registry<FeeModel, const Instrument&> fees_;
  Registry<LatencyModel, Rng> latencies_;
  std::vector<Instrument> instruments_;
  std::shared_ptr<const Tape> none_;
  Json resolved_;
  std::unique_ptr<FeeModel> fee_;
};

/// Peak resident kilobytes of a child that plays `events` with a quote moved every 100 ms.
long peak_of(std::uint64_t events) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto plan = std::make_shared<StreamPlan>(events);
    class Quoter final : public Participant {
     public:
      void on_start(Orders& orders) override { orders.set_timer(orders.now() + Nanos{kNanosPerSecond}, 0); }
      void on_timer(Nanos time, std::uint64_t, Orders& orders) override {
        orders.set_timer(time + Nanos{100'000'000}, 0);
        const Depth& depth = orders.depth(0);
        if (depth.bids < 5) return;
        const Ticks price = depth.bid[4].price;
        if (quote_ == 0) quote_ = orders.submit(limit_order(0, Side::Buy, price.value, 1));
        else orders.replace(quote_, price, {1});
      }
      OrderId quote_ = 0;
    } quoter;
    Simulation simulation(plan, plan->whole(), 1);
    simulation.add(quoter, "quoter", tiny_account(1e9));
    simulation.run();
    ::_exit(simulation.events() == events ? 0 : 1);
  }
  int status = 0;
  rusage usage{};
  REQUIRE(::wait4(child, &status, 0, &usage) == child);
  REQUIRE(status == 0);
  return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("peak memory of 100 M streamed events is that of 10 M") {
  const long small = peak_of(10'000'000), large = peak_of(100'000'000);
  MESSAGE(small << " kB and " << large << " kB");
  CHECK(static_cast<double>(large) < 1.1 * static_cast<double>(small));
}
