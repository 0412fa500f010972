// Generated markets at their own door: a sink that listens, and players that act at once.
#include "engine/catalog.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <vector>

using namespace walras;
using namespace walras::engine;

namespace {

/// Remembers what a venue says.
struct Listener final : VenueSink {
  struct Filled {
    OrderId order;
    Ticks price;
    Lots quantity, remaining;
    bool maker;
    Money slippage;
  };
  struct Answer {
    EventKind kind;
    OrderId order;
    Ticks price;
    Lots quantity;
    Reject why;
  };
  std::vector<Event> events;
  std::vector<Filled> fills;
  std::vector<Answer> answers;
  Depth depth;
  bool keep_events = true;
  std::function<void(const Event&)> on_event = [](const Event&) {};

  void publish(const Event& event, const Depth* now) override {
    if (now) depth = *now;
    if (keep_events) events.push_back(event);
    on_event(event);
  }
  void fill(OrderId order, Ticks price, Lots quantity, Lots remaining, bool maker, Money slippage,
            Nanos) override {
    fills.push_back({order, price, quantity, remaining, maker, slippage});
  }
  void answer(EventKind kind, OrderId order, Ticks price, Lots quantity, Reject why) override {
    answers.push_back({kind, order, price, quantity, why});
  }
};

std::unique_ptr<Generator> generator(std::string_view json, std::string_view regime = "",
                                     double duration_s = 0) {
  Registry<Generator, const GeneratorContext&> generators("generator");
  add_generators(generators);
  GeneratorContext context;
  context.duration_s = duration_s;
  if (!regime.empty()) {
    const Json parsed = Json::parse(regime);
    context.regime = [parsed](Rng random) {
      Registry<Regime, Rng> regimes("regime");
      add_regimes(regimes);
      return regimes.build(parsed, "/market/regime", random);
    };
  }
  return generators.build(Json::parse(json), "/market/generator", context);
}

void play(Venue& venue, Listener& listener, double until_s) {
  const Nanos end{static_cast<std::int64_t>(until_s * 1e9)};
  while (venue.next_time() < end) venue.advance(listener);
}

/// The largest gap between the empirical distribution of `values` and the exponential of the given
/// rate, times sqrt(n).
double exponential_distance(std::vector<double> values, double rate) {
  std::sort(values.begin(), values.end());
  const double n = static_cast<double>(values.size());
  double gap = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double expected = 1 - std::exp(-rate * values[i]);
    gap = std::max(
        {gap, expected - static_cast<double>(i) / n, static_cast<double>(i + 1) / n - expected});
  }
  return gap * std::sqrt(n);
}
constexpr double kOneInTenThousand = 2.23;  // Kolmogorov's distribution

}  // namespace

TEST_CASE("market orders of the crowd arrive as a Poisson process") {
  const auto market = generator(R"({"kind": "zero_intelligence", "market_rate": 1.5})");
  const auto venue = market->venue(Rng(1, "test"));
  Listener listener;
  venue->start({0}, listener);
  play(*venue, listener, 3600);
  std::vector<double> gaps;
  Nanos last;
  for (const Event& event : listener.events) {
    if (event.kind != EventKind::Trade || event.exchange_time == last) continue;
    if (last.value != 0)
      gaps.push_back(static_cast<double>((event.exchange_time - last).value) * 1e-9);
    last = event.exchange_time;
  }
  REQUIRE(gaps.size() > 9000);
  CHECK(exponential_distance(gaps, 3.0) < kOneInTenThousand);
}

TEST_CASE("the crowd's book is stationary, two-sided and never crossed") {
  const auto market = generator(R"({"kind": "zero_intelligence"})");
  const auto venue = market->venue(Rng(2, "test"));
  Listener listener;
  listener.keep_events = false;
  std::vector<double> sizes, spreads;
  Nanos sampled;
  bool crossed = false;
  std::size_t thin = 0, seen = 0;
  listener.on_event = [&](const Event& event) {
    if (event.kind != EventKind::Depth) return;
    const Depth& depth = listener.depth;
    ++seen;
    if (!depth.two_sided()) {
      ++thin;
      return;
    }
    crossed = crossed || depth.bid[0].price >= depth.ask[0].price;
    if (event.exchange_time < sampled) return;
    sampled = event.exchange_time + Nanos{20 * kNanosPerSecond};
    double size = 0;
    for (std::size_t i = 0; i < depth.bids; ++i)
      size += static_cast<double>(depth.bid[i].quantity.value);
    for (std::size_t i = 0; i < depth.asks; ++i)
      size += static_cast<double>(depth.ask[i].quantity.value);
    sizes.push_back(size);
    spreads.push_back(static_cast<double>((depth.ask[0].price - depth.bid[0].price).value));
  };
  venue->start({0}, listener);
  play(*venue, listener, 4 * 3600);
  CHECK_FALSE(crossed);
  CHECK(thin * 1000 < seen);
  // The halves differ by less than 4 standard errors of their difference, taken over batches.
  for (const std::vector<double>* series : {&sizes, &spreads}) {
    constexpr std::size_t kBatches = 12;
    std::vector<double> means;
    const std::size_t length = series->size() / (2 * kBatches);
    for (std::size_t b = 0; b < 2 * kBatches; ++b) {
      double sum = 0;
      for (std::size_t i = b * length; i < (b + 1) * length; ++i) sum += (*series)[i];
      means.push_back(sum / static_cast<double>(length));
    }
    double first = 0, second = 0, mean = 0, variance = 0;
    for (std::size_t b = 0; b < kBatches; ++b)
      first += means[b] / kBatches, second += means[b + kBatches] / kBatches;
    for (const double value : means) mean += value / static_cast<double>(means.size());
    for (const double value : means)
      variance += (value - mean) * (value - mean) / static_cast<double>(means.size() - 1);
    CAPTURE(first);
    CAPTURE(second);
    CHECK(std::abs(first - second) < 4 * std::sqrt(2 * variance / kBatches));
  }
}

TEST_CASE("the same seed gives the same market, another seed another") {
  const auto market = generator(R"({"kind": "zero_intelligence"})", R"({"kind": "two_state"})");
  const auto trace = [&](std::uint64_t seed) {
    const auto venue = market->venue(Rng(seed, "test"));
    Listener listener;
    std::uint64_t hash = 0;
    listener.keep_events = false;
    listener.on_event = [&](const Event& event) {
      for (const std::int64_t part :
           {event.exchange_time.value, event.price.value, event.quantity.value,
            listener.depth.bid[0].price.value, listener.depth.ask[0].quantity.value}) {
        hash = (hash ^ static_cast<std::uint64_t>(part)) * 0x100000001b3;
      }
    };
    venue->start({0}, listener);
    play(*venue, listener, 600);
    return hash;
  };
  CHECK(trace(5) == trace(5));
  CHECK(trace(5) != trace(6));
}

TEST_CASE("calm and volatile spells have their lengths and shares") {
  Registry<Regime, Rng> regimes("regime");
  add_regimes(regimes);
  const auto regime = regimes.build(
      Json::parse(R"({"kind": "two_state", "calm_mean_s": 30, "volatile_mean_s": 10})"), "",
      Rng(3, "regime"));
  std::array<std::vector<double>, 2> spells;
  double since = 0, in_volatile = 0;
  int label = regime->at({0}).label;
  bool scaled = true;
  constexpr double kStep = 0.02, kEnd = 200'000;
  for (double now = 0; now < kEnd; now += kStep) {
    const Regime::State& state = regime->at({static_cast<std::int64_t>(now * 1e9)});
    in_volatile += state.label * kStep;
    scaled = scaled && state.volatility == (state.label == 1 ? 3 : 1);
    if (state.label == label) continue;
    spells[static_cast<std::size_t>(label)].push_back(now - since);
    since = now;
    label = state.label;
  }
  CHECK(scaled);
  REQUIRE(spells[0].size() > 4000);
  CHECK(exponential_distance(spells[0], 1 / 30.0) < kOneInTenThousand);
  CHECK(exponential_distance(spells[1], 1 / 10.0) < kOneInTenThousand);
  CHECK(in_volatile / kEnd == doctest::Approx(0.25).epsilon(0.05));
}

TEST_CASE("the regime scales the crowd's activity") {
  const auto count = [](const char* regime) {
    const auto market = generator(R"({"kind": "zero_intelligence"})", regime);
    const auto venue = market->venue(Rng(4, "test"));
    Listener listener;
    venue->start({0}, listener);
    listener.events.clear();
    play(*venue, listener, 1800);
    return static_cast<double>(
        std::count_if(listener.events.begin(), listener.events.end(),
                      [](const Event& event) { return event.kind == EventKind::Depth; }));
  };
  const double calm = count(R"({"kind": "constant"})");
  const double busy = count(R"({"kind": "constant", "activity": 3})");
  CHECK(busy / calm == doctest::Approx(3).epsilon(0.05));
}

TEST_CASE("an own order joins the crowd's queue, and what it takes is gone") {
  const auto market = generator(R"({"kind": "zero_intelligence"})");
  const auto venue = market->venue(Rng(7, "test"));
  Listener listener;
  venue->start({0}, listener);
  const Depth before = listener.depth;
  OrderRequest request;
  request.quantity = before.ask[0].quantity + before.ask[1].quantity;
  VenueOrder order(1, 0, request);
  venue->submit(order, {1}, listener);
  REQUIRE(listener.fills.size() >= 2);
  CHECK(listener.fills.back().remaining == Lots{0});
  CHECK(listener.fills.front().price == before.ask[0].price);
  CHECK(listener.fills.back().price == before.ask[1].price);
  CHECK_FALSE(listener.fills.front().maker);
  CHECK(listener.fills.front().slippage.value > 0);
  CHECK(listener.depth.ask[0].price == before.ask[2].price);
  CHECK(listener.answers.empty());

  // Post-only at the ask is refused; one tick inside the spread it leads the book.
  order.id = 2;
  order.side = Side::Sell;
  order.type = OrderType::Limit;
  order.post_only = true;
  order.price = listener.depth.bid[0].price;
  order.quantity = {5};
  venue->submit(order, {2}, listener);
  CHECK(listener.answers.back().why == Reject::WouldCross);
  order.id = 3;
  order.price = listener.depth.bid[0].price + Ticks{1};
  venue->submit(order, {3}, listener);
  CHECK(listener.answers.back().kind == EventKind::Accepted);
  CHECK(listener.depth.ask[0].price == order.price);
  CHECK(listener.depth.ask[0].quantity == Lots{5});
  listener.fills.clear();
  play(*venue, listener, 30);
  REQUIRE(!listener.fills.empty());
  std::int64_t filled = 0;
  for (const auto& fill : listener.fills) {
    CHECK(fill.maker);
    CHECK(fill.price == order.price);
    filled += fill.quantity.value;
  }
  CHECK(filled == 5);
  CHECK(listener.fills.back().remaining == Lots{0});
  venue->cancel(3, {31 * kNanosPerSecond}, listener);
  CHECK(listener.answers.back().why == Reject::UnknownOrder);

  // A replaced order keeps its id; cancelling it removes its depth.
  order.id = 4;
  order.post_only = false;
  order.price = listener.depth.ask[0].price + Ticks{500};
  venue->submit(order, {31 * kNanosPerSecond}, listener);
  venue->replace(4, order.price, {2}, {31 * kNanosPerSecond}, listener);
  CHECK(listener.answers.back().kind == EventKind::Replaced);
  venue->cancel(4, {32 * kNanosPerSecond}, listener);
  CHECK(listener.answers.back().kind == EventKind::Cancelled);
  CHECK(listener.answers.back().quantity == Lots{2});
}

TEST_CASE("the crowd's price follows the fundamental value's drift") {
  const auto market = generator(R"({"kind": "zero_intelligence", "value_volatility": 0})",
                                R"({"kind": "constant", "drift": 1e-6})");
  double sum = 0;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    const auto venue = market->venue(Rng(seed, "test"));
    Listener listener;
    venue->start({0}, listener);
    play(*venue, listener, 3600);
    sum += 0.5 *
           static_cast<double>((listener.depth.bid[0].price + listener.depth.ask[0].price).value) /
           4;
  }
  CHECK(sum == doctest::Approx(10'000 * std::exp(0.0036)).epsilon(0.001));
}

namespace {

/// Avellaneda and Stoikov's inventory strategy, by the book: quotes around a reservation price
/// after every step.
struct Quoter {
  double profit = 0;
  std::int64_t inventory = 0;
  double spread_sum = 0;
  int quotes = 0;
};

Quoter quote_one_path(const Generator& market, std::uint64_t seed) {
  constexpr double kGamma = 0.1, kSigma = 2, kDecay = 1.5, kTick = 1e-6;
  const auto venue = market.venue(Rng(seed, "path"));
  Listener listener;
  listener.keep_events = false;
  Quoter player;
  double cash = 0;
  OrderId id = 0;
  std::array<OrderId, 2> quotes{};
  const auto quote = [&](Nanos now) {
    const double left = 1 - static_cast<double>(now.value) * 1e-9;
    const double mid =
        0.5 * kTick *
        static_cast<double>((listener.depth.bid[0].price + listener.depth.ask[0].price).value);
    const double reserve =
        mid - static_cast<double>(player.inventory) * kGamma * kSigma * kSigma * left;
    const double spread =
        kGamma * kSigma * kSigma * left + 2 / kGamma * std::log1p(kGamma / kDecay);
    player.spread_sum += spread;
    ++player.quotes;
    for (const Side side : {Side::Buy, Side::Sell}) {
      OrderId& mine = quotes[static_cast<std::size_t>(side)];
      const Ticks price{
          std::llround((reserve - static_cast<double>(sign(side)) * spread / 2) / kTick)};
      if (mine != 0) {
        venue->replace(mine, price, {1}, now, listener);
      } else {
        mine = ++id;
        OrderRequest request;
        request.side = side;
        request.type = OrderType::Limit;
        request.price = price;
        request.quantity = {1};
        venue->submit(VenueOrder(mine, 0, request), now, listener);
      }
    }
  };
  venue->start({0}, listener);
  quote({0});
  while (venue->next_time() < market.duration()) {
    const Nanos now = venue->next_time();
    venue->advance(listener);
    for (const auto& fill : listener.fills) {
      const bool bought = fill.order == quotes[0];
      player.inventory += bought ? 1 : -1;
      cash += (bought ? -kTick : kTick) * static_cast<double>(fill.price.value);
      quotes[bought ? 0 : 1] = 0;
    }
    listener.fills.clear();
    listener.answers.clear();
    if (now.value < 1'000'000'000) quote(now);
  }
  const double mid =
      0.5 * kTick *
      static_cast<double>((listener.depth.bid[0].price + listener.depth.ask[0].price).value);
  player.profit = cash + static_cast<double>(player.inventory) * mid;
  return player;
}

}  // namespace

TEST_CASE("the intensity market gives the paper's table to its own strategy") {
  const auto market = generator(R"({"kind": "intensity"})");
  constexpr int kPaths = 2000;
  double profit = 0, square = 0, inventory = 0, inventory_square = 0, spread = 0;
  for (std::uint64_t seed = 0; seed < kPaths; ++seed) {
    const Quoter player = quote_one_path(*market, seed);
    REQUIRE(player.quotes == 200);
    const auto q = static_cast<double>(player.inventory);
    profit += player.profit / kPaths;
    square += player.profit * player.profit / kPaths;
    inventory += q / kPaths;
    inventory_square += q * q / kPaths;
    spread += player.spread_sum / 200 / kPaths;
  }
  const double deviation = std::sqrt(square - profit * profit);
  const double inventory_deviation = std::sqrt(inventory_square - inventory * inventory);
  MESSAGE("profit ", profit, " std ", deviation, " final q ", inventory, " std q ",
          inventory_deviation, " spread ", spread);
  // Table of AvellanedaStoikov2008, 1,000 paths; 3 standard errors of the difference with 2,000 of
  // ours.
  CHECK(std::abs(profit - 65.0) < 3 * 6.6 * std::sqrt(1 / 1000.0 + 1.0 / kPaths));
  CHECK(std::abs(deviation - 6.6) < 3 * 6.6 * std::sqrt((1 / 1000.0 + 1.0 / kPaths) / 2));
  CHECK(std::abs(inventory - 0.08) < 3 * 2.9 * std::sqrt(1 / 1000.0 + 1.0 / kPaths));
  CHECK(std::abs(inventory_deviation - 2.9) < 3 * 2.9 * std::sqrt((1 / 1000.0 + 1.0 / kPaths) / 2));
  CHECK(spread == doctest::Approx(1.4917704).epsilon(1e-7));
}

TEST_CASE("the intensity market refuses what it cannot play") {
  CHECK_THROWS_AS(generator(R"({"kind": "intensity", "step_s": 2})", "", 1.0), Error);
  CHECK_THROWS_AS(generator(R"({"kind": "intensity", "stepp_s": 2})"), Error);
}

namespace {

/// +1 when the ask queue empties first after the crowd's book has first shown `bids` and `asks`
/// orders at its best prices, -1 when the bid queue does, 0 when the book never showed them.
int race(const Generator& market, std::uint64_t seed, std::int64_t bids, std::int64_t asks) {
  const auto venue = market.venue(Rng(seed, "race"));
  Listener listener;
  listener.keep_events = false;
  venue->start({0}, listener);
  Ticks bid, ask;
  bool racing = false;
  for (int steps = 0; racing || steps < 300; ++steps) {
    venue->advance(listener);
    const Depth& depth = listener.depth;
    if (racing) {
      if (depth.asks == 0 || depth.ask[0].price > ask) return 1;
      if (depth.bids == 0 || depth.bid[0].price < bid) return -1;
    } else if (depth.two_sided() && depth.bid[0].quantity == Lots{bids} &&
               depth.ask[0].quantity == Lots{asks}) {
      racing = true;
      bid = depth.bid[0].price;
      ask = depth.ask[0].price;
    }
  }
  return 0;
}

}  // namespace

TEST_CASE("the shorter queue empties first as often as the closed form says") {
  // Unit orders at the best prices only, limit and market orders at the same rate: the model of
  // ContDeLarrard2013, whose probability of an upward move is known.
  const auto market = generator(
      R"({"kind": "zero_intelligence", "limit_rate": 1, "limit_tail": 1, "limit_lots": 1, "cancel_rate": 1e-6,
    "market_rate": 1, "market_lots": 1, "value_volatility": 0, "pull": 0, "warm_up_s": 0})");
  struct Case {
    std::int64_t bids, asks;
    double up;
  };
  for (const Case& each :
       {Case{1, 1, 0.5}, Case{2, 1, 0.6976527}, Case{3, 1, 0.7906109}, Case{1, 3, 1 - 0.7906109}}) {
    double races = 0, ups = 0;
    for (std::uint64_t seed = 0; seed < 10'000; ++seed) {
      const int result = race(*market, seed, each.bids, each.asks);
      races += result != 0;
      ups += result > 0;
    }
    CAPTURE(each.bids);
    CAPTURE(each.asks);
    REQUIRE(races > 5000);
    CHECK(std::abs(ups / races - each.up) < 3 * std::sqrt(each.up * (1 - each.up) / races));
  }
}
