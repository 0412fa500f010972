// Whole simulations as things to hold in the hand: snapshots of a large one, the loop under many pending events, and
// a thousand small ones stepped together as environments of an agent.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "engine/catalog.hpp"
#include "engine/sim/simulation.hpp"
#include "engine/venue/venue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>

namespace walras::scenarios {
namespace {

using namespace engine;

std::shared_ptr<const MarketPlan> generated(const std::string& market, const std::string& venue = "{}") {
  return build_market(Json::parse(market), Json::parse(venue), nullptr, engine_catalog());
}

// snapshot

struct Idle final : Participant {};

std::vector<BenchCase> prepare_snapshot() {
  // Nearly nobody cancels: what the warm-up brings, stays.
  const auto plan = generated(R"({"mode": "generated", "duration_s": 60, "generator": {"kind": "zero_intelligence", "start_price": 1000,
      "limit_rate": 5000, "limit_tail": 0.002, "cancel_rate": 1e-6, "market_rate": 5, "warm_up_s": 110}})");
  struct Held {
    explicit Held(const std::shared_ptr<const MarketPlan>& plan) : simulation(plan, plan->whole(), 1) {
      AccountTerms terms;
      terms.capital = Money::from_units(1e6);
      simulation.add(idle, "idle", terms);
      simulation.run_until({kNanosPerSecond});
      simulation.save(bytes);
      if (bytes.size() < 32'000'000) fail(Fault::Internal, "snapshot", "expected a book of a million orders, was a smaller one");
    }
    Idle idle;
    Simulation simulation;
    std::vector<std::byte> bytes;
  };
  const auto held = std::make_shared<Held>(plan);
  const auto timed = [held](bool reuse) {
    std::vector<std::byte> fresh;
    return 1e3 * seconds([&] { held->simulation.save(reuse ? held->bytes : fresh); });
  };
  return {{"into a buffer that is used again", [timed] { return timed(true); }},
          {"into fresh memory", [timed] { return timed(false); }},
          {"restored", [held] { return 1e3 * seconds([&] { held->simulation.restore(held->bytes); }); }}};
}

// pending_events

constexpr std::uint64_t kRings = 1'000'000;

/// Many alarms, each of which is set again when it rings.
struct Alarms final : Participant {
  explicit Alarms(std::size_t many) : count(many) {}
  void on_start(Orders& orders) override {
    for (std::size_t i = 0; i < count; ++i) set(orders);
  }
  void on_timer(Nanos, std::uint64_t, Orders& orders) override {
    ++rung;
    set(orders);
  }
  void set(Orders& orders) {
    orders.set_timer(orders.now() + Nanos{1 + static_cast<std::int64_t>(random.below(kNanosPerSecond))}, 0);
  }
  std::size_t count;
  Rng random{1, "alarms"};
  std::uint64_t rung = 0;
};

std::shared_ptr<const MarketPlan> silent_market() {
  Tape tape;
  Instrument instrument;
  instrument.name = "SILENCE";
  tape.instruments.push_back(instrument);
  for (const std::int64_t minute : {std::int64_t{0}, std::int64_t{1'000'000}}) {
    Bar bar;
    bar.open_time = {minute * 60 * kNanosPerSecond};
    bar.close_time = bar.open_time + Nanos{60 * kNanosPerSecond};
    bar.open = bar.high = bar.low = bar.close = {100};
    tape.append(0, bar);
  }
  return build_market(Json::object(), Json::object(), finish_tape(std::move(tape)), engine_catalog());
}

std::vector<BenchCase> prepare_pending() {
  const auto plan = silent_market();
  std::vector<BenchCase> cases;
  for (const std::size_t pending : {std::size_t{100}, std::size_t{1'000}, std::size_t{10'000}, std::size_t{100'000}, std::size_t{1'000'000}}) {
    cases.push_back({fmt::format("{} pending", pending), [plan, pending] {
                       Alarms alarms(pending);
                       Simulation simulation(plan, plan->whole(), 1);
                       simulation.add(alarms, "alarms", {.capital = Money::from_units(1)});
                       simulation.run_until(plan->whole().begin);
                       // Alarms are half a second away on average.
                       const double length_s = 0.5 * static_cast<double>(kRings) / static_cast<double>(pending);
                       const Nanos end = plan->whole().begin + Nanos{static_cast<std::int64_t>(length_s * 1e9)};
                       const double taken = seconds([&] { simulation.run_until(end); });
                       return static_cast<double>(alarms.rung) / taken;
                     }});
  }
  return cases;
}

// environment

constexpr std::size_t kMarkets = 1024, kFeatures = 40, kSteps = 100;

/// Quotes both sides, and sees the book, the tape and itself in forty numbers.
class Quoter final : public Participant {
 public:
  void on_event(const Event& event, Orders&) override {
    switch (event.kind) {
      case EventKind::Trade:
        bought_ += event.side == Side::Buy ? static_cast<float>(event.quantity.value) : 0;
        sold_ += event.side == Side::Sell ? static_cast<float>(event.quantity.value) : 0;
        ++trades_;
        break;
      case EventKind::Cancelled:
      case EventKind::Rejected:
        for (OrderId& quote : quotes_) quote = quote == event.order ? 0 : quote;
        break;
      default:
        break;
    }
  }
  void on_fill(const Fill& fill, Orders&) override {
    if (fill.remaining.value > 0) return;
    for (OrderId& quote : quotes_) quote = quote == fill.order ? 0 : quote;
  }

  void act(Orders& orders, std::int64_t distance) {
    const Depth& depth = orders.depth(0);
    if (!depth.two_sided()) return;
    for (const Side side : {Side::Buy, Side::Sell}) {
      const Ticks best = side == Side::Buy ? depth.bid[0].price : depth.ask[0].price;
      const Ticks price{best.value - sign(side) * distance};
      OrderId& quote = quotes_[static_cast<std::size_t>(side)];
      if (quote != 0) {
        orders.replace(quote, price, {10});
        continue;
      }
      OrderRequest request;
      request.side = side;
      request.type = OrderType::Limit;
      request.price = price;
      request.quantity = {10};
      quote = orders.submit(request);
    }
  }

  void observe(const Orders& orders, std::span<float, kFeatures> out) {
    const Depth& depth = orders.depth(0);
    const std::int64_t twice_mid = depth.two_sided() ? depth.bid[0].price.value + depth.ask[0].price.value : 2 * orders.mark(0).value;
    std::size_t at = 0;
    for (const auto* side : {&depth.bid, &depth.ask}) {
      for (std::size_t level = 0; level < 7; ++level) {
        out[at++] = static_cast<float>(2 * (*side)[level].price.value - twice_mid);
        out[at++] = static_cast<float>((*side)[level].quantity.value);
      }
    }
    const auto change = static_cast<float>(twice_mid - last_twice_mid_);
    last_twice_mid_ = twice_mid;
    fast_ += 0.3F * (change - fast_);
    slow_ += 0.03F * (change - slow_);
    noise_ += 0.1F * (change * change - noise_);
    for (const float value : {change, fast_, slow_, noise_, bought_, sold_, static_cast<float>(trades_),
                              static_cast<float>(orders.position(0).value), static_cast<float>(orders.open_quantity(0, Side::Buy).value),
                              static_cast<float>(orders.open_quantity(0, Side::Sell).value), static_cast<float>(orders.equity().units()),
                              static_cast<float>((orders.end() - orders.now()).value)}) {
      out[at++] = value;
    }
    bought_ = sold_ = 0;
    trades_ = 0;
  }

 private:
  std::array<OrderId, 2> quotes_{};
  std::int64_t last_twice_mid_ = 0;
  float fast_ = 0, slow_ = 0, noise_ = 0, bought_ = 0, sold_ = 0;
  std::uint32_t trades_ = 0;
};

struct Nobody final : VenueSink {
  void publish(const Event&, const Depth*) override {}
  void fill(OrderId, Ticks, Lots, Lots, bool, Money, Nanos) override {}
  void answer(EventKind, OrderId, Ticks, Lots, Reject) override {}
};

/// Background messages a second of a market without participants.
double message_rate(const MarketPlan& plan) {
  Nobody nobody;
  std::uint64_t messages = 0;
  const Nanos end = plan.whole().end;
  for (std::uint64_t seed = 0; seed < 16; ++seed) {
    const auto venue = plan.venue(Rng(seed, "venue"), nullptr);
    for (venue->start({}, nobody); venue->next_time() < end; venue->advance(nobody)) ++messages;
  }
  return static_cast<double>(messages) / 16 / (static_cast<double>(end.value) * 1e-9);
}

struct Environment {
  explicit Environment(const std::shared_ptr<const MarketPlan>& plan, std::uint64_t seed) : simulation(plan, plan->whole(), seed) {
    simulation.add(quoter, "quoter", {.capital = Money::from_units(1e6)});
    simulation.run_until({});
  }
  Quoter quoter;
  Simulation simulation;
};

std::vector<BenchCase> prepare_environment() {
  const auto plan = generated(R"({"mode": "generated", "duration_s": 400, "sample_s": 100,
      "generator": {"kind": "zero_intelligence", "limit_rate": 4, "cancel_rate": 0.2, "market_rate": 1, "warm_up_s": 30}})",
                              R"({"fees": {"kind": "maker_taker"}})");
  const double rate = message_rate(*plan);
  const Nanos step{static_cast<std::int64_t>(20.2 / rate * 1e9)};
  return {{fmt::format("{:.1f} background messages a step", rate * static_cast<double>(step.value) * 1e-9), [plan, step] {
             std::vector<std::unique_ptr<Environment>> markets;
             for (std::size_t i = 0; i < kMarkets; ++i) markets.push_back(std::make_unique<Environment>(plan, i));
             std::vector<float> features(kMarkets * kFeatures);
             Rng random(1, "actions");
             const double taken = seconds([&] {
               for (std::size_t k = 1; k <= kSteps; ++k) {
                 const std::uint64_t actions = random.bits();
                 parallel_chunks(kMarkets, 64, [&](std::size_t begin, std::size_t end, std::size_t) {
                   for (std::size_t i = begin; i < end; ++i) {
                     Environment& market = *markets[i];
                     Orders& orders = market.simulation.orders(0);
                     market.quoter.act(orders, static_cast<std::int64_t>((actions >> (i % 60)) & 3));
                     market.simulation.run_until({step.value * static_cast<std::int64_t>(k)});
                     market.quoter.observe(orders, std::span<float, kFeatures>(features.data() + i * kFeatures, kFeatures));
                   }
                 });
               }
             });
             std::size_t fills = 0;
             for (const auto& market : markets) fills += market->simulation.record(0).fills.size();
             if (fills < kMarkets) fail(Fault::Internal, "environment", "expected quotes to be filled, were not");
             return static_cast<double>(kMarkets * kSteps) / taken;
           }}};
}

}  // namespace

void add_simulation_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({.name = "snapshot",
                        .work = "a market with 1.1 M resting orders, saved into a buffer that is used again, into fresh memory, and restored; the worst",
                        .unit = "ms", .higher_is_better = false, .target = 50, .prepare = prepare_snapshot, .runs = 11});
  benchmarks.push_back({.name = "pending_events",
                        .work = "1 M timers that ring and are set again, with 100 to 1 M pending at a time; the worst",
                        .unit = "events/s", .prepare = prepare_pending});
  benchmarks.push_back({.name = "environment",
                        .work = "1,024 small markets stepped together, 100 steps: two quotes renewed, 20 background messages through venue and loop on "
                                "average, fees, 40 features",
                        .unit = "steps/s", .target = 500e3, .prepare = prepare_environment});
}

}  // namespace walras::scenarios
