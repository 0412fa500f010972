// The order book alone, on generated flows with cancels of live orders only: near the touch (few
// orders, many trades), deep (300,000 resting orders), and other shapes. A callback counts every
// trade. One flow goes through the whole exchange, with every order type at hand.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/book/order_book.hpp"
#include "engine/venue/exchange.hpp"

#include <algorithm>
#include <memory>

namespace walras::scenarios {
namespace {

using namespace engine;

struct Message {
  enum class Kind : std::uint8_t { Limit, Cancel, Market };
  OrderId id;
  Ticks price;
  std::int32_t quantity;
  Kind kind;
  Side side;
};

struct Flow {
  double tail;            ///< distances from the mid are 1 + Geometric(tail) ticks
  std::size_t live_goal;  ///< cancels are rarer below it
  std::int64_t swing = 0;  ///< the mid also swings this many ticks up and down, every 100,000 messages
  bool bursts = false;     ///< every 20,000 messages half of the live orders are cancelled in a row
  std::int64_t crash = 0;  ///< ticks that the mid falls, in the middle tenth of the messages
  std::size_t live_start = 0;  ///< orders placed before the clock starts
};

constexpr std::size_t kMessages = 4'000'000;

/// Where the mid is led to after `messages`, beside its walk.
std::int64_t drift(const Flow& flow, std::size_t messages) {
  std::int64_t ticks = 0;
  if (flow.swing > 0) {
    const auto phase = static_cast<std::int64_t>(messages % 100'000);  // down, up past, and back
    const std::int64_t quarter = 25'000;
    const std::int64_t wave = phase < quarter       ? -phase
                              : phase < 3 * quarter ? phase - 2 * quarter
                                                    : 4 * quarter - phase;
    ticks += wave * flow.swing / quarter;
  }
  if (flow.crash > 0) {
    const auto begun = static_cast<std::int64_t>(messages) - static_cast<std::int64_t>(kMessages) * 45 / 100;
    const std::int64_t length = static_cast<std::int64_t>(kMessages) / 10;
    ticks -= flow.crash * std::clamp<std::int64_t>(begun, 0, length) / length;
  }
  return ticks;
}

// Keeps the live orders in a list to draw cancels from; a book tells which orders trade away.
std::vector<Message> make_messages(const Flow& flow, OrderId& last_id) {
  Rng random(7, "book flow");
  OrderBook book(16'384);
  std::vector<Message> messages;
  const std::size_t count = kMessages + flow.live_start;
  messages.reserve(count);
  std::vector<OrderId> live;
  std::vector<std::size_t> place(count + 1);  // of an order in `live`
  const auto forget = [&](OrderId id) {
    live[place[id]] = live.back();
    place[live.back()] = place[id];
    live.pop_back();
  };
  const auto on_trade = [&](const Match& match) {
    if (match.maker_left.value == 0) forget(match.maker);
  };
  const auto cancel = [&](OrderId gone) {
    messages.push_back({gone, {}, 0, Message::Kind::Cancel, Side::Buy});
    book.cancel(gone);
    forget(gone);
  };
  OrderId id = 1;
  std::int64_t walk = 100'000;
  while (messages.size() < count) {
    const double kind = messages.size() < flow.live_start ? 0 : random.uniform();
    if (random.uniform() < 0.02) walk += random.bernoulli(0.5) ? -1 : 1;
    const std::int64_t mid = walk + drift(flow, messages.size());
    if (flow.bursts && messages.size() % 20'000 == 19'999) {
      for (std::size_t left = live.size() / 2; left > 0 && messages.size() < count; --left)
        cancel(live[random.below(live.size())]);
      continue;
    }
    const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const double cancels = live.size() < flow.live_goal ? 0.38 : 0.50;
    if (kind < 0.95 - cancels || live.size() < 50) {
      std::int64_t distance = 1 + static_cast<std::int64_t>(random.geometric(flow.tail));
      if (random.uniform() < 0.03) distance = -2;
      const auto quantity = static_cast<std::int32_t>(1 + random.below(100));
      const Ticks price{mid - sign(side) * distance};
      messages.push_back({id, price, quantity, Message::Kind::Limit, side});
      if (book.limit(id, side, price, {quantity}, on_trade).resting.value > 0) {
        place[id] = live.size();
        live.push_back(id);
      }
      ++id;
    } else if (kind < 0.95) {
      cancel(live[random.below(live.size())]);
    } else {
      const auto quantity = static_cast<std::int32_t>(1 + random.below(20));
      messages.push_back({id, {}, quantity, Message::Kind::Market, side});
      book.market(id++, side, {quantity}, on_trade);
    }
  }
  last_id = id;
  return messages;
}

double messages_per_second(const std::vector<Message>& messages, OrderId last_id, std::size_t untimed) {
  OrderBook book(16'384);
  book.reserve(last_id);
  std::uint64_t trades = 0;
  std::int64_t traded = 0;
  const auto on_trade = [&](const Match& match) {
    ++trades;
    traded += match.quantity.value;
  };
  const auto play = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i) {
      const Message& message = messages[i];
      switch (message.kind) {
        case Message::Kind::Limit:
          book.limit(message.id, message.side, message.price, {message.quantity}, on_trade);
          break;
        case Message::Kind::Cancel:
          book.cancel(message.id);
          break;
        case Message::Kind::Market:
          book.market(message.id, message.side, {message.quantity}, on_trade);
          break;
      }
    }
  };
  play(0, untimed);
  const double time = seconds([&] { play(untimed, messages.size()); });
  if (trades == 0 || traded == 0)
    fail(Fault::Internal, "bench", "expected trades in the book flow, was none");
  return static_cast<double>(messages.size() - untimed) / time;
}

/// The same messages through an exchange, whose reports are read and forgotten.
double exchange_messages_per_second(const std::vector<Message>& messages, OrderId last_id) {
  Exchange exchange({}, 16'384);
  exchange.reserve(last_id);
  std::uint64_t trades = 0;
  const double time = seconds([&] {
    for (const Message& message : messages) {
      switch (message.kind) {
        case Message::Kind::Limit:
          exchange.add(message.id, message.side, message.price, {message.quantity}, {});
          break;
        case Message::Kind::Cancel:
          exchange.cancel(message.id);
          break;
        case Message::Kind::Market:
          exchange.take(message.id, message.side, {message.quantity}, {});
          break;
      }
      for (const Report& report : exchange.reports()) trades += report.kind == Report::Kind::Trade;
      exchange.forget();
    }
  });
  if (trades == 0) fail(Fault::Internal, "bench", "expected trades on the exchange, was none");
  return static_cast<double>(messages.size()) / time;
}

BenchCase book_case(std::string name, const Flow& flow) {
  OrderId last_id = 0;
  const auto messages = std::make_shared<std::vector<Message>>(make_messages(flow, last_id));
  return {std::move(name), [messages, last_id, untimed = flow.live_start] {
            return messages_per_second(*messages, last_id, untimed);
          }};
}

Benchmark benchmark(std::string name, std::string work, double target, const Flow& flow) {
  return {.name = std::move(name),
          .work = std::move(work),
          .unit = "messages/s",
          .higher_is_better = true,
          .target = target,
          .prepare = [flow] { return std::vector<BenchCase>{book_case("", flow)}; },
          .runs = 9};
}

}  // namespace

void add_book_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back(benchmark(
      "book_flow",
      "4 M messages near the touch (about 900 live orders on 75 levels), a callback on every trade",
      40e6, {.tail = 0.15, .live_goal = 10'000}));
  benchmarks.push_back(benchmark("book_deep",
                                 "4 M messages on a deep book (300,000 live orders on 6,400 "
                                 "levels), a callback on every trade",
                                 12e6, {.tail = 0.002, .live_goal = 300'000}));
  benchmarks.push_back(
      {.name = "book_shapes",
       .work = "4 M messages on a book that is thin (50 live orders), near (1,000), deep (300,000), swings "
               "by 500 ticks, loses half of its orders in bursts, or crashes through 20 % of its price",
       .unit = "messages/s",
       .target = 10e6,
       .prepare =
           [] {
             return std::vector<BenchCase>{
                 book_case("thin", {.tail = 0.15, .live_goal = 50}),
                 book_case("near", {.tail = 0.15, .live_goal = 1'000}),
                 book_case("deep", {.tail = 0.002, .live_goal = 300'000}),
                 book_case("swings", {.tail = 0.05, .live_goal = 10'000, .swing = 500}),
                 book_case("bursts", {.tail = 0.05, .live_goal = 50'000, .bursts = true}),
                 book_case("crash", {.tail = 0.05, .live_goal = 10'000, .crash = 20'000})};
           },
       .runs = 5});
  benchmarks.push_back(
      {.name = "book_million",
       .work = "4 M messages on a book with 1 M live orders on 6,400 levels",
       .unit = "messages/s",
       .prepare =
           [] {
             return std::vector<BenchCase>{book_case(
                 "", {.tail = 0.002, .live_goal = 1'000'000, .live_start = 1'100'000})};
           },
       .runs = 5});
  benchmarks.push_back(
      {.name = "exchange_flow",
       .work = "the messages of book_flow through an exchange with every order type, reports read",
       .unit = "messages/s",
       .prepare =
           [] {
             OrderId last_id = 0;
             const auto messages = std::make_shared<std::vector<Message>>(
                 make_messages({.tail = 0.15, .live_goal = 10'000}, last_id));
             return std::vector<BenchCase>{{"", [messages, last_id] {
                                              return exchange_messages_per_second(*messages, last_id);
                                            }}};
           },
       .runs = 5});
}

}  // namespace walras::scenarios
