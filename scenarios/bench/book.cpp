// The order book alone, on two generated flows with cancels of live orders only: near the touch
// (few orders, many trades) and deep (300,000 resting orders). A callback counts every trade.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/book/order_book.hpp"

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
};

constexpr std::size_t kMessages = 4'000'000;

// Keeps the live orders in a list to draw cancels from; a book tells which orders trade away.
std::vector<Message> make_messages(const Flow& flow, OrderId& last_id) {
  Rng random(7, "book flow");
  OrderBook book(16'384);
  std::vector<Message> messages;
  messages.reserve(kMessages);
  std::vector<OrderId> live;
  std::vector<std::size_t> place(kMessages + 1);  // of an order in `live`
  const auto forget = [&](OrderId id) {
    live[place[id]] = live.back();
    place[live.back()] = place[id];
    live.pop_back();
  };
  const auto on_trade = [&](const Match& match) {
    if (match.maker_left.value == 0) forget(match.maker);
  };
  OrderId id = 1;
  std::int64_t mid = 100'000;
  while (messages.size() < kMessages) {
    const double kind = random.uniform();
    if (random.uniform() < 0.02) mid += random.bernoulli(0.5) ? -1 : 1;
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
      const OrderId gone = live[random.below(live.size())];
      messages.push_back({gone, {}, 0, Message::Kind::Cancel, side});
      book.cancel(gone);
      forget(gone);
    } else {
      const auto quantity = static_cast<std::int32_t>(1 + random.below(20));
      messages.push_back({id, {}, quantity, Message::Kind::Market, side});
      book.market(id++, side, {quantity}, on_trade);
    }
  }
  last_id = id;
  return messages;
}

double messages_per_second(const std::vector<Message>& messages, OrderId last_id) {
  OrderBook book(16'384);
  book.reserve(last_id);
  std::uint64_t trades = 0;
  std::int64_t traded = 0;
  const auto on_trade = [&](const Match& match) {
    ++trades;
    traded += match.quantity.value;
  };
  const double time = seconds([&] {
    for (const Message& message : messages) {
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
  });
  if (trades == 0 || traded == 0)
    fail(Fault::Internal, "bench", "expected trades in the book flow, was none");
  return static_cast<double>(messages.size()) / time;
}

Benchmark benchmark(std::string name, std::string work, double target, const Flow& flow) {
  return {.name = std::move(name),
          .work = std::move(work),
          .unit = "messages/s",
          .higher_is_better = true,
          .target = target,
          .prepare =
              [flow] {
                OrderId last_id = 0;
                const auto messages =
                    std::make_shared<std::vector<Message>>(make_messages(flow, last_id));
                return std::vector<BenchCase>{
                    {"", [messages, last_id] { return messages_per_second(*messages, last_id); }}};
              },
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
}

}  // namespace walras::scenarios
