// Snapshots: what is saved, restored elsewhere and played on ends with the record of the run that was never interrupted,
// whatever the market and wherever the cut.
#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/book/order_book.hpp"
#include "strategies/catalog.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdlib>

using namespace walras;
using namespace walras::tests;

namespace {

#ifdef WALRAS_SLOW
constexpr std::size_t kPoints = 20'000;  // over all markets
#else
constexpr std::size_t kPoints = 1000;
#endif

/// When a trader acts: at slices; or at its timers alone, told of the market in vain or not at all.
enum class Acts { AtSlices, AtTimers, Deaf };

/// Sends every kind of order that there is, changes and cancels them, sets timers, and remembers all that it heard.
class Restless final : public Participant {
 public:
  explicit Restless(double eager = 0.05, Acts acts = Acts::AtSlices) : eager_(eager), acts_(acts) {}
  [[nodiscard]] bool listens() const override { return acts_ != Acts::Deaf; }
  void on_start(Orders& orders) override {
    mine_.clear();
    heard_ = 0;
    orders.set_timer(orders.now() + Nanos{1'000'000}, 7);
  }
  void on_event(const Event& event, Orders&) override {
    if (acts_ != Acts::AtSlices && event.kind < EventKind::Accepted) {
      CHECK(acts_ != Acts::Deaf);
      return;
    }
    hear(static_cast<std::uint64_t>(event.kind), event.order);
    hear(static_cast<std::uint64_t>(event.local_time.value), static_cast<std::uint64_t>(event.price.value));
    hear(static_cast<std::uint64_t>(event.quantity.value), event.flags);
    told_[static_cast<std::size_t>(event.kind)] += 1;
  }
  void on_fill(const Fill& fill, Orders& orders) override {
    look(orders);
    hear(fill.order, static_cast<std::uint64_t>(fill.local_time.value));
    hear(static_cast<std::uint64_t>(fill.price.value), static_cast<std::uint64_t>(fill.remaining.value));
  }
  void on_timer(Nanos now, std::uint64_t tag, Orders& orders) override {
    hear(tag, static_cast<std::uint64_t>(now.value));
    look(orders);
    if (acts_ != Acts::AtSlices) {
      for (InstrumentId i = 0; i < orders.instruments().size(); ++i) act(i, now, orders);
    }
    const auto most = static_cast<std::uint64_t>(orders.end().value / 50);  // some hundred times, however long the market
    orders.set_timer(now + Nanos{1 + static_cast<std::int64_t>(orders.random().below(most))}, tag + 1);
  }
  void on_slice(Nanos now, Orders& orders) override {
    if (acts_ != Acts::AtSlices) return;
    for (InstrumentId i = 0; i < orders.instruments().size(); ++i) {
      if (orders.random().bernoulli(eager_)) act(i, now, orders);
    }
  }
  void save(std::vector<std::byte>& bytes) const override { save_state(*this, bytes); }
  void load(std::span<const std::byte>& bytes) override { load_state(*this, bytes); }
  void state(Archive& archive) { archive(mine_, heard_, told_); }

  [[nodiscard]] std::uint64_t heard() const { return heard_; }
  /// How often it was told of a kind of event.
  [[nodiscard]] std::uint64_t told(EventKind kind) const { return told_[static_cast<std::size_t>(kind)]; }

 private:
  /// At all that may be seen between events.
  void look(const Orders& orders) {
    for (InstrumentId i = 0; i < orders.instruments().size(); ++i) {
      const Depth& depth = orders.depth(i);
      for (const auto& [levels, count] : {std::pair{&depth.bid, depth.bids}, std::pair{&depth.ask, depth.asks}}) {
        for (std::size_t k = 0; k < count; ++k)
          hear(static_cast<std::uint64_t>((*levels)[k].price.value), static_cast<std::uint64_t>((*levels)[k].quantity.value));
      }
      hear(static_cast<std::uint64_t>(orders.mark(i).value), static_cast<std::uint64_t>(orders.position(i).value));
    }
    hear(static_cast<std::uint64_t>(orders.equity().micros()), static_cast<std::uint64_t>(orders.now().value));
  }
  void hear(std::uint64_t a, std::uint64_t b) {
    heard_ = (heard_ ^ a) * 0x9E3779B97F4A7C15u + b;
    heard_ ^= heard_ >> 31;
  }
  void act(InstrumentId instrument, Nanos now, Orders& orders) {
    Rng& random = orders.random();
    const std::int64_t mark = orders.mark(instrument).value;
    if (mark == 0) return;
    const auto away = [&](std::int64_t most) { return 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most))); };
    if (!mine_.empty() && random.bernoulli(0.3)) {
      const OrderId order = mine_[random.below(mine_.size())];
      if (random.bernoulli(0.4)) return orders.cancel(order);
      return orders.replace(order, {mark + away(9) - 5}, {away(20)});
    }
    OrderRequest request;
    request.instrument = instrument;
    request.side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    request.quantity = {away(20)};
    const std::int64_t s = sign(request.side);
    request.price = {std::max<std::int64_t>(1, mark - s * away(8))};
    switch (random.below(16)) {
      case 0: request.type = OrderType::Market; break;
      case 1: request.type = OrderType::Stop; request.trigger_price = {mark + s * away(6)}; break;
      case 2:
        request.type = OrderType::StopLimit;
        request.trigger_price = {mark + s * away(6)};
        request.price = {mark + s * 10};
        break;
      case 3: request.type = OrderType::MarketIfTouched; request.trigger_price = request.price; break;
      case 4: request.type = OrderType::TrailingStop; request.trail = away(6); break;
      case 5: request.type = OrderType::Pegged; request.peg = static_cast<Peg>(random.below(3)); request.price = {}; break;
      case 6: request.type = OrderType::Limit; request.display = {1}; break;
      case 7: request.type = OrderType::Limit; request.hidden = true; break;
      case 8: request.type = OrderType::Limit; request.all_or_none = true; break;
      case 9:
        request.type = OrderType::Limit;
        request.time_in_force = TimeInForce::GoodTillDate;
        request.expire = now + Nanos{away(3'000'000'000)};
        break;
      case 10: request.type = OrderType::Limit; request.time_in_force = TimeInForce::Day; break;
      case 11:
        request.type = OrderType::Limit;
        request.time_in_force = random.bernoulli(0.5) ? TimeInForce::AtTheOpen : TimeInForce::AtTheClose;
        break;
      case 12: {
        request.type = OrderType::Limit;
        request.link = random.bernoulli(0.5) ? Link::OneCancelsOther : Link::OneUpdatesOther;
        request.group = 1 + static_cast<std::uint32_t>(random.below(1'000'000));
        OrderRequest other = request;
        other.side = opposite(request.side);
        other.price = {mark + s * away(8)};
        remember(orders.submit(other));
        break;
      }
      case 13:
        request.type = OrderType::Limit;
        if (!mine_.empty()) request.parent = mine_.back();
        break;
      default: request.type = OrderType::Limit; request.post_only = random.bernoulli(0.2);
    }
    if (request.type == OrderType::Market || waits(request.type)) {
      if (request.type != OrderType::StopLimit) request.price = {};
    }
    if (random.bernoulli(0.05)) request.reduce_only = true;
    remember(orders.submit(request));
  }
  static bool waits(OrderType type) {
    return type == OrderType::Stop || type == OrderType::StopLimit || type == OrderType::MarketIfTouched || type == OrderType::TrailingStop;
  }
  void remember(OrderId order) {
    if (order == 0) return;
    if (mine_.size() == 40) mine_.erase(mine_.begin());
    mine_.push_back(order);
  }

  double eager_;
  Acts acts_;
  std::vector<OrderId> mine_;
  std::uint64_t heard_ = 0;
  std::array<std::uint64_t, 32> told_{};
};

std::shared_ptr<const Tape> bars_tape(std::size_t count) {
  Rng random(5, "bars");
  std::map<std::string, std::vector<TinyBar>> all;
  for (const char* name : {"A", "B"}) {
    std::int64_t price = 10'000;
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t open = price;
      price = std::max<std::int64_t>(100, price + static_cast<std::int64_t>(random.below(21)) - 10);
      all[name].push_back({open, std::max(open, price) + 4, std::min(open, price) - 4, price, 400});
    }
  }
  Tape tape;
  for (const auto& [name, bars] : all) add_bars(tape, tiny_instrument(name), bars);
  Event dividend;
  dividend.kind = EventKind::Dividend;
  dividend.exchange_time = dividend.local_time = {40 * kPeriod};
  dividend.price = {25};
  if (count > 40) tape.events.insert(tape.events.begin() + 40, dividend);
  Event split = dividend;
  split.kind = EventKind::Split;
  split.exchange_time = split.local_time = {static_cast<std::int64_t>(count / 2) * kPeriod};
  split.price = {};
  split.payload = 1;
  split.quantity = {2};
  const auto halfway = std::find_if(tape.events.begin(), tape.events.end(), [&](const Event& event) { return event.exchange_time >= split.exchange_time; });
  tape.events.insert(halfway, split);
  return finish_tape(std::move(tape));
}

struct Feed {
  Tape tape;
  Nanos now{1000};
  Event& say(EventKind kind, Side side, std::int64_t price, std::int64_t quantity, OrderId order = 0) {
    Event& event = tape.events.emplace_back(book_event(now, kind, side, price, quantity, order));
    event.local_time += Nanos{20'000};
    return event;
  }
};

/// Order by order: adds, cancels in part and whole, executions of the front, hidden trades, a halt.
std::shared_ptr<const Tape> order_tape(std::size_t messages) {
  Rng random(6, "orders");
  Feed feed;
  feed.tape.instruments.push_back(tiny_instrument("A"));
  OrderBook book(1024);
  std::vector<OrderId> live;
  std::int64_t mid = 10'000;
  OrderId next = 1;
  const auto drop = [&](std::size_t at) {
    live[at] = live.back();
    live.pop_back();
  };
  for (std::size_t i = 0; i < messages; ++i) {
    feed.now += Nanos{static_cast<std::int64_t>(1 + random.below(20'000'000))};
    if (random.bernoulli(0.05)) mid += random.bernoulli(0.5) ? 1 : -1;
    if (i == messages / 3) feed.say(EventKind::Halt, Side::Buy, 0, 0);
    if (i == messages / 3 + 100) feed.say(EventKind::Halt, Side::Buy, 2, 0);
    const double what = random.uniform();
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    if (what < 0.45 || live.size() < 40) {
      std::int64_t price = mid - sign(side) * static_cast<std::int64_t>(1 + random.below(6));
      const Side other = opposite(side);
      if (!book.empty(other) && (book.best(other).value - price) * sign(side) <= 0) price = book.best(other).value - sign(side);
      const auto lots = static_cast<std::int64_t>(1 + random.below(30));
      book.rest(next, side, {price}, {lots});
      live.push_back(next);
      feed.say(EventKind::Add, side, price, lots, next++);
    } else if (what < 0.85) {
      const std::size_t at = random.below(live.size());
      const auto resting = *book.find(live[at]);
      const bool part = resting.quantity.value > 1 && random.bernoulli(0.3);
      feed.say(part ? EventKind::Reduce : EventKind::Delete, resting.side, resting.price.value, part ? 1 : resting.quantity.value, live[at]);
      book.reduce(live[at], part ? Lots{1} : resting.quantity);
      if (!part) drop(at);
    } else if (what < 0.88) {
      feed.say(EventKind::Hidden, side, mid, 3);
    } else if (const OrderId front = book.front(side)) {
      const auto resting = *book.find(front);
      const std::int64_t lots = std::min<std::int64_t>(resting.quantity.value, 1 + static_cast<std::int64_t>(random.below(20)));
      feed.say(EventKind::Execute, side, resting.price.value, lots, front);
      book.reduce(front, {lots});
      if (lots == resting.quantity.value) drop(static_cast<std::size_t>(std::find(live.begin(), live.end(), front) - live.begin()));
    }
  }
  return finish_tape(std::move(feed.tape));
}

/// Levels and trades.
std::shared_ptr<const Tape> level_tape(std::size_t messages) {
  Rng random(7, "levels");
  Feed feed;
  feed.tape.instruments.push_back(tiny_instrument("A"));
  std::int64_t mid = 10'000;
  for (std::size_t i = 0; i < messages; ++i) {
    feed.now += Nanos{static_cast<std::int64_t>(1 + random.below(20'000'000))};
    if (random.bernoulli(0.03)) mid += random.bernoulli(0.5) ? 1 : -1;
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const std::int64_t price = mid - sign(side) * static_cast<std::int64_t>(1 + random.below(12));
    if (i > 100 && random.bernoulli(0.1))
      feed.say(EventKind::Trade, opposite(side), mid - sign(side), static_cast<std::int64_t>(1 + random.below(15)));
    else
      feed.say(EventKind::Depth, side, price, random.bernoulli(0.1) ? 0 : static_cast<std::int64_t>(1 + random.below(60)));
    if (i == messages / 2) feed.say(EventKind::Split, Side::Buy, 0, 2).payload = 1;
  }
  return finish_tape(std::move(feed.tape));
}

struct Market {
  std::string name;
  std::shared_ptr<const MarketPlan> plan;
};

std::shared_ptr<const MarketPlan> plan_of(const std::string& market, const std::string& venue, std::shared_ptr<const Tape> tape = nullptr) {
  return build_market(Json::parse(market), Json::parse(venue), std::move(tape), engine_catalog());
}

std::string generated(const std::string& generator, double duration_s, const std::string& regime = "null") {
  return R"({"mode": "generated", "duration_s": )" + std::to_string(duration_s) + R"(, "generator": )" + generator + R"(, "regime": )" + regime + "}";
}

/// Every kind of market, with latency models between them.
std::vector<Market> markets() {
  const std::string halts = R"({"kind": "scripted", "phases": [{"name": "crash", "at_s": 8, "length_s": 6, "price_change": -0.01, "volatility": 2},
                                {"name": "halt", "at_s": 16, "length_s": 4, "halted": true}]})";
  const std::string spells = R"({"kind": "two_state", "calm_mean_s": 5, "volatile_mean_s": 3})";
  std::vector<Market> all;
  all.push_back({"bars", plan_of("{}", R"({"slippage": "propagator", "fees": {"kind": "basis_points", "bps": 1}, "calendar": "24x7"})", bars_tape(600))});
  all.push_back({"bars with latency", plan_of("{}", R"({"latency": {"kind": "lognormal"}, "slippage": "almgren_chriss"})", bars_tape(600))});
  all.push_back({"generated bars", plan_of(R"({"mode": "generated", "generator": {"kind": "bars", "bars": 1500}, "regime": "markov_switching"})", "{}")});
  all.push_back({"orders", plan_of("{}", R"({"latency": "queueing"})", order_tape(4000))});
  all.push_back({"levels", plan_of("{}", R"({"queue": "power_3", "latency": {"kind": "recorded"}})", level_tape(4000))});
  all.push_back({"reacting", plan_of(R"({"mode": "reacting"})", R"({"latency": "gamma"})", order_tape(4000))});
  all.push_back({"reacting levels", plan_of(R"({"mode": "reacting"})", "{}", level_tape(3000))});
  all.push_back({"zero intelligence",
                 plan_of(generated("\"zero_intelligence\"", 120, spells),
                         R"({"latency": "cubic", "exchange": {"dynamic_range_bps": 3, "range_action": "auction", "pause_s": 3, "self_trade": "decrement"}})")});
  all.push_back({"halts", plan_of(generated("\"zero_intelligence\"", 120),
                                  R"({"exchange": {"dynamic_range_bps": 3, "range_action": "halt", "pause_s": 3, "matching": "pro_rata"}})")});
  all.push_back({"calls", plan_of(generated("\"zero_intelligence\"", 150),
                                  R"({"exchange": {"open": "00:01", "close": "00:02", "opening_call_s": 30, "closing_call_s": 20}})")});
  all.push_back({"intensity", plan_of(generated("\"intensity\"", 4, spells), "{}")});
  for (const char* flow : {"unit_queues", "hawkes", "queue_reactive"}) {
    all.push_back({flow, plan_of(generated(std::string(R"({"kind": "book", "names": ["A", "B"], "dependence": "t_copula", "value": "heston", "flow": ")") + flow + "\"}",
                                           60, halts), R"({"latency": {"kind": "measured", "draw": true, "entry_ns": [1e4, 2e6], "response_ns": [1e5, 3e4]}})")});
  }
  all.push_back({"population",
                 plan_of(generated(R"({"kind": "book", "flow": {"kind": "population", "noise": 100, "values": 30, "executors": 2, "maker_wake_s": 2, "value_wake_s": 5,
                                    "momentum_wake_s": 3, "noise_orders": 5}, "value": "ornstein_uhlenbeck"})", 60), "{}")});
  return all;
}

/// A market with its traders.
struct Game {
  explicit Game(const std::shared_ptr<const MarketPlan>& market, double eager = 0.08, Acts acts = Acts::AtSlices, Acts others = Acts::AtSlices)
      : plan(market), first(eager, acts), second(0.03, others), simulation(market, market->whole(), 1) {
    simulation.add(first, "first", tiny_account(1e8));
    simulation.add(second, "second", tiny_account(1e8));
  }
  /// All that is left behind, and all that was heard on the way.
  [[nodiscard]] std::string result() const {
    const std::vector<RunRecord> records{simulation.record(0), simulation.record(1)};
    return record_hash(records, plan->instruments()) + " " + std::to_string(first.heard()) + " " + std::to_string(second.heard()) + " " +
           std::to_string(simulation.events()) + " " + std::to_string(records[0].warnings.size());
  }
  std::shared_ptr<const MarketPlan> plan;
  Restless first, second;
  Simulation simulation;
};

/// One strategy alone in a market.
struct Solo {
  Solo(const std::shared_ptr<const MarketPlan>& market, std::string_view kind) : plan(market), simulation(market, market->whole(), 1) {
    const strategies::StrategyContext context{plan->instruments(), plan->periods_per_year(), Rng(1, "solo"), &registries};
    Json params = Json::object({{"kind", std::string(kind)}});
    if (kind == "market_maker") {  // near enough to the mid to trade
      params["volatility"] = 0.001;
      params["decay"] = 100;
    }
    strategy = registries.strategies.build(params, "/strategies/0", context);
    simulation.add(*strategy, "solo", tiny_account());
  }
  [[nodiscard]] std::string result() const {
    return record_hash({simulation.record(0)}, plan->instruments()) + " " + std::to_string(simulation.events());
  }
  inline static const strategies::Registries registries = strategies::registries();
  std::shared_ptr<const MarketPlan> plan;
  std::unique_ptr<strategies::Strategy> strategy;
  Simulation simulation;
};

/// Saves at `count` random steps, the first and the last among them; restores into a simulation that never started and
/// into one that has played to its end, by turns; all must end as `make()` does when nobody interrupts it.
template <class Make>
void cut_anywhere(std::size_t count, const Make& make, Rng& random) {
  std::uint64_t steps = 1;
  auto whole = make();
  while (whole->simulation.step()) ++steps;
  const std::string expected = whole->result();
  std::vector<std::uint64_t> cuts{0, steps};
  while (cuts.size() < count) cuts.push_back(random.below(steps));
  std::ranges::sort(cuts);
  auto walking = make();
  std::uint64_t at = 0;
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < cuts.size(); ++i) {
    CAPTURE(cuts[i]);
    for (; at < cuts[i]; ++at) walking->simulation.step();
    walking->simulation.save(bytes);
    const auto fresh = i % 2 == 0 ? make() : nullptr;
    auto& other = fresh ? *fresh : *whole;
    other.simulation.restore(bytes);
    CHECK(other.simulation.now() == walking->simulation.now());
    other.simulation.run();
    CHECK(other.result() == expected);
  }
  walking->simulation.run();
  CHECK(walking->result() == expected);
}

void cut_game(const std::shared_ptr<const MarketPlan>& plan, std::size_t count, Rng& random) {
  cut_anywhere(count, [&] { return std::make_unique<Game>(plan); }, random);
}

/// What of a record was settled by `time`: fills, equity, and orders as they were sent.
RunRecord until(RunRecord record, Nanos time) {
  std::erase_if(record.fills, [&](const FillRow& row) { return row.time > time; });
  std::erase_if(record.equity, [&](const EquityRow& row) { return row.time > time; });
  std::erase_if(record.orders, [&](const OrderRow& row) { return row.time > time; });
  for (OrderRow& row : record.orders) {
    row.filled = {};
    row.reject = Reject::None;
    row.price = {};  // a replace may still change both
    row.quantity = {};
  }
  return record;
}

template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a run that was saved anywhere and resumed elsewhere ends like one that was never interrupted") {
  const std::vector<Market> all = markets();
  Rng random(11, "points");
  std::uint64_t sessions = 0, halts = 0;
  for (std::size_t m = 0; m < all.size(); ++m) {
    CAPTURE(all[m].name);
    Game whole(all[m].plan);
    whole.simulation.run();
    CHECK(whole.simulation.record(0).fills.size() > 20);
    CHECK(whole.first.told(EventKind::Accepted) > 20);
    CHECK(whole.first.told(EventKind::Triggered) > 0);
    sessions += whole.first.told(EventKind::Session);
    halts += whole.first.told(EventKind::Halt);
    cut_game(all[m].plan, kPoints / all.size() + (m < kPoints % all.size() ? 1 : 0), random);
  }
  CHECK(sessions > 20);
  CHECK(halts > 6);
}

TEST_CASE("a market is the same whether those who act by the clock are told of it or not, and so are its snapshots") {
  for (const Market& market : markets()) {
    CAPTURE(market.name);
    const auto game = [&](Acts first, Acts second) { return std::make_unique<Game>(market.plan, 0, first, second); };
    const auto told = game(Acts::AtTimers, Acts::AtTimers), deaf = game(Acts::Deaf, Acts::Deaf), one = game(Acts::Deaf, Acts::AtTimers);
    told->simulation.run();
    CHECK(told->simulation.record(0).fills.size() > 20);
    one->simulation.run();
    CHECK(one->result() == told->result());
    const auto stepped = game(Acts::Deaf, Acts::Deaf);
    while (stepped->simulation.step()) {
    }
    CHECK(stepped->result() == told->result());
    const std::int64_t begin = market.plan->whole().begin.value, length = market.plan->whole().end.value - begin;
    for (int part = 1; part < 8; ++part) {
      deaf->simulation.run_until({begin + length / 8 * part});
      std::vector<std::byte> bytes;
      deaf->simulation.save(bytes);
      const auto resumed = game(Acts::AtTimers, Acts::AtTimers);
      resumed->simulation.restore(bytes);
      resumed->simulation.run();
      CHECK(resumed->result() == told->result());
    }
    deaf->simulation.run();
    CHECK(deaf->result() == told->result());
  }
}

TEST_CASE("what was bought before the first mark keeps its value, whether anybody is told of the market or not") {
  struct Early final : Participant {
    explicit Early(bool deaf) : told(!deaf) {}
    [[nodiscard]] bool listens() const override { return told; }
    void on_start(Orders& orders) override { orders.set_timer({2'000}, 0); }
    void on_timer(Nanos, std::uint64_t, Orders& orders) override { orders.submit(limit_order(0, Side::Buy, 101, 3)); }
    bool told;
  };
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  for (std::int64_t second = 0; second < 6; ++second)  // asks alone, and what they cost moves no mark
    tape.events.push_back(book_event({1'000 + second * kNanosPerSecond}, EventKind::Depth, Side::Sell, 100 + second, 5));
  const auto plan = plan_of(R"({"sample_s": 1})", "{}", finish_tape(std::move(tape)));
  std::vector<EquityRow> rows[2];
  for (const bool deaf : {false, true}) {
    Early early(deaf);
    Simulation simulation(plan, plan->whole(), 1);
    simulation.add(early, "early", tiny_account());
    simulation.run();
    CHECK(simulation.record(0).fills.size() == 1);
    rows[deaf ? 1 : 0] = simulation.record(0).equity;
  }
  REQUIRE(rows[0].size() == rows[1].size());
  CHECK(rows[0].size() > 3);
  for (std::size_t i = 0; i < rows[0].size(); ++i) {
    CHECK(rows[0][i].equity_micros == rows[1][i].equity_micros);
    CHECK(rows[0][i].long_micros == rows[1][i].long_micros);
  }
}

TEST_CASE("every law, coupling, regime and latency keeps what it remembers") {
  const EngineCatalog catalog = engine_catalog();
  Rng random(12, "kinds");
  const auto book = [](const std::string& value, const std::string& dependence, const std::string& regime, const std::string& latency) {
    return plan_of(generated(R"({"kind": "book", "names": ["A", "B", "C"], "flow": {"kind": "hawkes", "warm_up_s": 20}, "value_step_s": 0.2, "value": ")" +
                                 value + R"(", "dependence": ")" + dependence + "\"}",
                             12, regime),
                   R"({"latency": ")" + latency + "\"}");
  };
  for (const auto kind : catalog.processes.kinds()) {
    CAPTURE(std::string(kind));
    cut_game(book(std::string(kind), "independent", "null", "constant"), 3, random);
  }
  for (const auto kind : catalog.dependences.kinds()) {
    CAPTURE(std::string(kind));
    cut_game(book("brownian", std::string(kind), "null", "constant"), 3, random);
  }
  for (const auto kind : catalog.regimes.kinds()) {
    if (kind == "scripted") continue;  // among the markets
    CAPTURE(std::string(kind));
    cut_game(book("brownian", "independent", "\"" + std::string(kind) + "\"", "constant"), 3, random);
  }
  for (const auto kind : catalog.latency.kinds()) {
    if (kind == "measured") continue;  // among the markets
    CAPTURE(std::string(kind));
    cut_game(book("brownian", "independent", "null", std::string(kind)), 3, random);
  }
}

TEST_CASE("every strategy keeps what it remembers") {
  Rng random(13, "strategies");
  const auto bars = plan_of("{}", "{}", bars_tape(600));
  const auto book = plan_of(generated("\"zero_intelligence\"", 60), "{}");
  for (const auto kind : Solo::registries.strategies.kinds()) {
    if (kind == "gateway") continue;  // a program outside, which refuses in words
    CAPTURE(std::string(kind));
    std::size_t fills = 0;
    for (const auto& plan : {bars, book}) {
      Solo whole(plan, kind);
      whole.simulation.run();
      fills += whole.simulation.record(0).fills.size();
      cut_anywhere(4, [&] { return std::make_unique<Solo>(plan, kind); }, random);
    }
    if (kind != "model") CHECK(fills > 0);  // a model that was not fitted does nothing
  }
}

TEST_CASE("a branch leaves the past as it was, and the future to other decisions") {
  const auto plan = plan_of(generated("\"zero_intelligence\"", 60), R"({"exchange": {"dynamic_range_bps": 3, "range_action": "auction", "pause_s": 2}})");
  Game whole(plan);
  whole.simulation.run_until({30 * kNanosPerSecond});
  std::vector<std::byte> bytes;
  whole.simulation.save(bytes);
  const Nanos cut = whole.simulation.now();
  whole.simulation.run();
  const auto record = [](const Game& game, std::uint32_t number) { return game.simulation.record(number); };
  const auto hash = [&](const RunRecord& one) { return record_hash({one}, plan->instruments()); };

  Game same(plan);
  same.simulation.branch(bytes, {});
  same.simulation.run();
  CHECK(same.result() == whole.result());

  Game other(plan, 0.5);  // the first trader goes on with another temper
  const std::array<std::uint32_t, 1> anew{0};
  other.simulation.branch(bytes, anew);
  CHECK(other.first.heard() == 0);  // a new mind
  CHECK(other.simulation.orders(0).position(0) == until(record(whole, 0), cut).fills.back().position);
  other.simulation.run();
  for (const std::uint32_t number : {0u, 1u}) {
    CHECK(hash(until(record(other, number), cut)) == hash(until(record(whole, number), cut)));
    CHECK(until(record(other, number), cut).fills.size() > 0);
    CHECK(hash(record(other, number)) != hash(record(whole, number)));  // the second meets another market
  }
  CHECK(record(other, 0).orders.size() > record(whole, 0).orders.size());
}

TEST_CASE("timers of the mind that is replaced are gone, those of others stay") {
  const auto plan = plan_of("{}", "{}", bars_tape(30));
  struct Clock final : Participant {
    std::vector<std::uint64_t> rung;
    std::uint64_t tag;
    explicit Clock(std::uint64_t with) : tag(with) {}
    void on_start(Orders& orders) override { orders.set_timer(orders.now() + Nanos{5 * kPeriod}, tag); }
    void on_timer(Nanos, std::uint64_t with, Orders&) override { rung.push_back(with); }
  };
  std::vector<std::byte> bytes;
  {
    Clock a(1), b(2);
    Simulation simulation(plan, plan->whole(), 1);
    simulation.add(a, "a", tiny_account());
    simulation.add(b, "b", tiny_account());
    simulation.run_until({2 * kPeriod});
    simulation.save(bytes);
  }
  Clock a(3), b(4);
  Simulation simulation(plan, plan->whole(), 1);
  simulation.add(a, "a", tiny_account());
  simulation.add(b, "b", tiny_account());
  const std::array<std::uint32_t, 1> anew{0};
  simulation.branch(bytes, anew);
  simulation.run();
  CHECK(a.rung == std::vector<std::uint64_t>{3});
  CHECK(b.rung == std::vector<std::uint64_t>{2});
}

TEST_CASE("bytes that are damaged, cut short or of another simulation are refused in words and change nothing") {
  const auto plan = plan_of(generated("\"zero_intelligence\"", 20), "{}");
  Game game(plan);
  game.simulation.run_until({5 * kNanosPerSecond});
  std::vector<std::byte> bytes;
  game.simulation.save(bytes);
  Game target(plan);
  target.simulation.run_until({10 * kNanosPerSecond});
  Rng random(14, "damage");
  for (int round = 0; round < 300; ++round) {
    std::vector<std::byte> bad = bytes;
    if (round % 3 == 0) bad.resize(random.below(bad.size()));
    else if (round % 3 == 1) bad[random.below(bad.size())] ^= static_cast<std::byte>(1 + random.below(255));
    else bad[random.below(64)] ^= static_cast<std::byte>(1U << random.below(8));
    CAPTURE(round);
    CHECK(refusal([&] { target.simulation.restore(bad); }).starts_with("snapshot: expected"));
  }
  CHECK(refusal([&] { target.simulation.restore({}); }) ==
        "snapshot: expected at least 64 bytes, was 0; take it again with Simulation::save");
  game.simulation.run();
  target.simulation.run();
  CHECK(target.result() == game.result());

  const auto refused = [&](const std::shared_ptr<const MarketPlan>& market, const Span& span, std::uint64_t seed, const char* name, double capital) {
    Restless one, two;
    Simulation simulation(market, span, seed);
    simulation.add(one, name, tiny_account(capital));
    simulation.add(two, "second", tiny_account(1e8));
    return refusal([&] { simulation.restore(bytes); });
  };
  Span longer = plan->whole();
  longer.begin = {kNanosPerSecond};
  const auto quicker = plan_of(generated(R"({"kind": "zero_intelligence", "market_rate": 2})", 20), "{}");
  CHECK(refused(plan, plan->whole(), 1, "first", 1e8).empty());
  CHECK(refused(quicker, plan->whole(), 1, "first", 1e8) ==
        "snapshot: expected one of the same market (plan or data), was of another; build the simulation as the one that was saved");
  CHECK(refused(plan, longer, 1, "first", 1e8).find("span") != std::string::npos);
  CHECK(refused(plan, plan->whole(), 2, "first", 1e8).find("seed") != std::string::npos);
  CHECK(refused(plan, plan->whole(), 1, "fist", 1e8).find("participants") != std::string::npos);
  CHECK(refused(plan, plan->whole(), 1, "first", 2e8).find("participants") != std::string::npos);
}

TEST_CASE("a snapshot is of its accounts' terms: each one that differs is refused") {
  const auto plan = plan_of("{}", "{}", bars_tape(30));
  struct Agreed {
    AccountAgreement account;
    double borrow_rate = 0, leverage = 5;
    bool shorting = true;
    RiskParams risk;
    Horizons horizons;
  };
  Agreed usual;
  ContractParams& future = usual.account.contracts["A"];
  future.kind = ContractKind::Future;
  future.rolls = {{"1970-01-02", 99.0, 100.0}};
  ContractParams& perpetual = usual.account.contracts["B"];
  perpetual.kind = ContractKind::Perpetual;
  perpetual.funding_rate = 0.0001;
  usual.account.margin = MarginParams{};
  usual.account.margin->mode = MarginMode::Portfolio;
  usual.risk.position = 1000;
  const auto simulate = [&](const Agreed& agreed, auto&& work) {
    AccountTerms terms = tiny_account(1e6);
    terms.borrow_rate = agreed.borrow_rate;
    terms.leverage = agreed.leverage;
    terms.shorting = agreed.shorting;
    terms.risk = agreed.risk;
    terms.horizons = agreed.horizons;
    terms.rules = account_rules(agreed.account, plan->instruments(), plan->tape().get(), "/account");
    Restless trader;
    Simulation simulation(plan, plan->whole(), 1);
    simulation.add(trader, "trader", terms);
    return work(simulation);
  };
  std::vector<std::byte> bytes;
  simulate(usual, [&](Simulation& simulation) {
    simulation.run_until({10 * kPeriod});
    simulation.save(bytes);
  });
  const auto restored = [&](const Agreed& agreed) {
    return simulate(agreed, [&](Simulation& simulation) { return refusal([&] { simulation.restore(bytes); }); });
  };
  CHECK(restored(usual).empty());
  const std::vector<std::pair<std::string, std::function<void(Agreed&)>>> changes{
      {"borrow rate", [](Agreed& a) { a.borrow_rate = 0.01; }},
      {"leverage", [](Agreed& a) { a.leverage = 6; }},
      {"shorting", [](Agreed& a) { a.shorting = false; }},
      {"risk", [](Agreed& a) { a.risk.position = 999; }},
      {"horizons", [](Agreed& a) { a.horizons.after.back() += Nanos{1}; }},
      {"horizons in bars", [](Agreed& a) { a.horizons.bars.back() += 1; }},
      {"kind", [](Agreed& a) { a.account.contracts["A"].kind = ContractKind::Spot, a.account.contracts["A"].rolls.clear(); }},
      {"roll date", [](Agreed& a) { a.account.contracts["A"].rolls[0].date = "1970-01-03"; }},
      {"roll price", [](Agreed& a) { a.account.contracts["A"].rolls[0].new_price = 101; }},
      {"roll at the mark", [](Agreed& a) { a.account.contracts["A"].rolls[0] = {"1970-01-02", {}, {}}; }},
      {"roll cost", [](Agreed& a) { a.account.contracts["A"].roll_cost_ticks = 2; }},
      {"periodic roll", [](Agreed& a) { a.account.contracts["A"].roll_every_days = 9; }},
      {"group", [](Agreed& a) { a.account.contracts["A"].group = a.account.contracts["B"].group = "x"; }},
      {"beta", [](Agreed& a) { a.account.contracts["A"].beta = 0.9; }},
      {"funding", [](Agreed& a) { a.account.contracts["B"].funding_rate = 0.0002; }},
      {"funding hours", [](Agreed& a) { a.account.contracts["B"].funding_hours = 4; }},
      {"no margin", [](Agreed& a) { a.account.margin.reset(); }},
      {"moves", [](Agreed& a) { a.account.margin->moves.back() += 0.01; }},
      {"offset", [](Agreed& a) { a.account.margin->offset = 0.5; }},
      {"initial ratio", [](Agreed& a) { a.account.margin->initial_ratio = 1.2; }},
      {"liquidation fee", [](Agreed& a) { a.account.margin->liquidation_fee = 0.006; }},
      {"insurance fund", [](Agreed& a) { a.account.margin->insurance_fund = 1; }},
      {"mode", [](Agreed& a) { a.account.margin = MarginParams{}; }},
      {"initial margin", [](Agreed& a) { a.account.margin = MarginParams{}, a.account.contracts["A"].initial_margin = 0.5; }},
      {"rates", [](Agreed& a) { a.account.rates["EUR"] = {"A"}; }},
      {"other rates", [](Agreed& a) { a.account.rates["EUR"] = {"B"}; }},
  };
  for (const auto& [name, change] : changes) {
    CAPTURE(name);
    Agreed other = usual;
    change(other);
    CHECK(restored(other) == "snapshot: expected one of the same participants (names, order or accounts), was of another; build the simulation as the one that was saved");
  }
}

TEST_CASE("a snapshot from inside a participant, and a load that does not take what was saved, are refused") {
  const auto plan = plan_of("{}", "{}", bars_tape(10));
  Probe probe;
  Simulation simulation(plan, plan->whole(), 1);
  std::vector<std::byte> bytes;
  std::string said;
  probe.slice = [&](Nanos, Orders&) { said = refusal([&] { simulation.save(bytes); }); };
  simulation.add(probe, "probe", tiny_account());
  simulation.run();
  CHECK(said == "snapshot: expected no event in hand, was inside a participant; save between run_until calls");

  struct Forgetful final : Participant {
    void save(std::vector<std::byte>& to) const override { to.resize(to.size() + 3); }
  } forgetful;
  Simulation other(plan, plan->whole(), 1);
  other.add(forgetful, "forgetful", tiny_account());
  other.save(bytes);
  CHECK(refusal([&] { other.restore(bytes); }) == "forgetful: expected load to take the 3 bytes that save wrote, was 3 fewer; mend one of them");
}

TEST_CASE("a book with levels far away goes on from its saved state as it would have") {
  Rng random(15, "book");
  OrderBook book(64), other(64);
  const auto play = [](OrderBook& on, Rng draws, OrderId from, std::size_t count) {
    std::vector<std::int64_t> told;
    for (OrderId id = from; id < from + count; ++id) {
      const Side side = draws.bernoulli(0.5) ? Side::Buy : Side::Sell;
      const Ticks price{5000 - sign(side) * (static_cast<std::int64_t>(draws.geometric(0.01)) - 2)};
      const auto note = [&](const Match& match) { told.insert(told.end(), {static_cast<std::int64_t>(match.maker), match.price.value, match.quantity.value}); };
      if (draws.bernoulli(0.6)) on.limit(id, side, price, {static_cast<std::int64_t>(1 + draws.below(9))}, note);
      else told.push_back(on.cancel(1 + draws.below(id)).cancelled.value);
    }
    return told;
  };
  play(book, random.child("past"), 1, 5000);
  play(other, random.child("elsewhere"), 1, 9000);
  REQUIRE(book.levels(Side::Buy) > 64);
  std::vector<std::byte> bytes;
  save_state(book, bytes);
  std::span<const std::byte> rest(bytes);
  load_state(other, rest);
  CHECK(rest.empty());
  CHECK(other.orders() == book.orders());
  CHECK(play(other, random.child("future"), 5001, 5000) == play(book, random.child("future"), 5001, 5000));
  CHECK(other.orders() == book.orders());
}
