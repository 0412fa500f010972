// Recorded feeds: order-by-order messages in memory, decoded and applied to books that keep every queue in order; and a
// whole back-test on a feed of price levels.
#include "scenarios/bench/bench.hpp"

#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/book/recorded_book.hpp"
#include "engine/data/dbn.hpp"
#include "engine/catalog.hpp"
#include "engine/data/itch.hpp"
#include "engine/sim/simulation.hpp"

#include <memory>
#include <string>
#include <vector>

namespace walras::scenarios {
namespace {

using namespace engine;

constexpr std::size_t kMessages = 5'000'000;

/// A day of order traffic in one stock as a feed tells it, made with the ids and the mix of real feeds: 40 % adds near the
/// touch, as many deletions, the rest cuts, executions and changes of live orders.
struct Flow {
  enum class Kind : std::uint8_t { Add, Reduce, Delete, Execute, Change };
  struct Message {
    Kind kind;
    Side side;
    std::uint64_t id, new_id;
    std::int64_t price;
    std::uint32_t quantity;
  };
  std::vector<Message> messages;
};

Flow make_flow(std::size_t count, bool new_id_on_change) {
  Rng random(7, "l3_rebuild");
  struct Live {
    std::uint64_t id;
    std::int64_t price;
    std::uint32_t quantity;
    Side side;
  };
  std::vector<Live> live;
  Flow flow;
  flow.messages.reserve(count);
  std::uint64_t id = 6'412'777'264'941;
  std::int64_t mid = 19'200;
  while (flow.messages.size() < count) {
    const double draw = random.uniform();
    if (random.uniform() < 0.02) mid += random.bernoulli(0.5) ? -1 : 1;
    if (draw < 0.40 || live.size() < 5000) {
      const Side side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
      const std::int64_t price = mid - sign(side) * (1 + static_cast<std::int64_t>(random.geometric(0.05)));
      const auto quantity = static_cast<std::uint32_t>(1 + random.below(100));
      id += 1 + random.below(3);
      live.push_back({id, price, quantity, side});
      flow.messages.push_back({Flow::Kind::Add, side, id, 0, price, quantity});
      continue;
    }
    const std::size_t at = random.below(live.size());
    Live& order = live[at];
    const auto gone = [&] {
      order = live.back();
      live.pop_back();
    };
    if (draw < 0.50 && order.quantity > 1) {
      const auto part = static_cast<std::uint32_t>(1 + random.below(order.quantity - 1));
      flow.messages.push_back({draw < 0.45 ? Flow::Kind::Reduce : Flow::Kind::Execute, order.side, order.id, 0, order.price, part});
      order.quantity -= part;
    } else if (draw < 0.60) {
      const std::int64_t price = mid - sign(order.side) * (1 + static_cast<std::int64_t>(random.geometric(0.05)));
      const std::uint64_t next = new_id_on_change ? ++id : order.id;
      flow.messages.push_back({Flow::Kind::Change, order.side, order.id, next, price, order.quantity});
      order.id = next;
      order.price = price;
    } else {
      flow.messages.push_back({Flow::Kind::Delete, order.side, order.id, 0, order.price, order.quantity});
      gone();
    }
  }
  return flow;
}

void put_big(std::vector<std::byte>& to, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) to.push_back(static_cast<std::byte>(value >> (8 * i)));
}

std::vector<std::byte> as_itch(const Flow& flow) {
  std::vector<std::byte> bytes;
  const auto head = [&](char type, std::size_t index, std::uint64_t id) {
    put_big(bytes, kItchLength[static_cast<std::size_t>(type)], 2);
    put_big(bytes, static_cast<std::uint64_t>(type), 1);
    put_big(bytes, 1, 2);
    put_big(bytes, 0, 2);
    put_big(bytes, 34'200'000'000'000 + index * 1000, 6);
    put_big(bytes, id, 8);
  };
  for (std::size_t i = 0; i < flow.messages.size(); ++i) {
    const Flow::Message& message = flow.messages[i];
    switch (message.kind) {
      case Flow::Kind::Add:
        head('A', i, message.id);
        put_big(bytes, message.side == Side::Buy ? 'B' : 'S', 1);
        put_big(bytes, message.quantity, 4);
        for (const char c : std::string("WALRAS  ")) bytes.push_back(static_cast<std::byte>(c));
        put_big(bytes, static_cast<std::uint64_t>(message.price * 100), 4);
        break;
      case Flow::Kind::Reduce:
        head('X', i, message.id);
        put_big(bytes, message.quantity, 4);
        break;
      case Flow::Kind::Delete:
        head('D', i, message.id);
        break;
      case Flow::Kind::Execute:
        head('E', i, message.id);
        put_big(bytes, message.quantity, 4);
        put_big(bytes, i, 8);
        break;
      case Flow::Kind::Change:
        head('U', i, message.id);
        put_big(bytes, message.new_id, 8);
        put_big(bytes, message.quantity, 4);
        put_big(bytes, static_cast<std::uint64_t>(message.price * 100), 4);
    }
  }
  return bytes;
}

template <class T>
void put(std::vector<std::byte>& to, T value) {
  const auto* from = reinterpret_cast<const std::byte*>(&value);
  to.insert(to.end(), from, from + sizeof value);
}

std::vector<std::byte> as_dbn(const Flow& flow, std::size_t& records) {
  std::vector<std::byte> bytes;
  records = 0;
  std::uint64_t time = 1'703'541'600'000'000'000;
  const auto record = [&](char action, const Flow::Message& message, std::uint32_t size) {
    ++records;
    put<std::uint8_t>(bytes, 14);
    put<std::uint8_t>(bytes, kDbnMbo);
    put<std::uint16_t>(bytes, 1);
    put<std::uint32_t>(bytes, 17077);
    put<std::uint64_t>(bytes, time += 1000);
    put<std::uint64_t>(bytes, message.id);
    put<std::int64_t>(bytes, message.price * 250'000'000);
    put<std::uint32_t>(bytes, size);
    put<std::uint8_t>(bytes, kDbnFlagLast);
    put<std::uint8_t>(bytes, 0);
    put<char>(bytes, action);
    put<char>(bytes, message.side == Side::Buy ? 'B' : 'A');
    put<std::uint64_t>(bytes, time + 50'000);
    put<std::int32_t>(bytes, 0);
    put<std::uint32_t>(bytes, 1);
  };
  for (const Flow::Message& message : flow.messages) {
    switch (message.kind) {
      case Flow::Kind::Add: record('A', message, message.quantity); break;
      case Flow::Kind::Change: record('M', message, message.quantity); break;
      case Flow::Kind::Execute:
        record('T', message, message.quantity);
        record('F', message, message.quantity);
        record('C', message, message.quantity);
        break;
      default: record('C', message, message.quantity);
    }
  }
  return bytes;
}

void demand(bool holds) {
  if (!holds) fail(Fault::Internal, "l3_rebuild", "expected a book that follows the feed, was one that does not");
}

double itch_rate(const std::vector<std::byte>& bytes) {
  RecordedBook book(4096, 8192);
  std::size_t messages = 0, missed = 0;
  const double time = seconds([&] {
    read_itch(bytes, "memory", 0, [&](const ItchMessage& message, std::uint64_t) {
      ++messages;
      switch (message.type()) {
        case 'A': case 'F':
          missed += book.add(message.reference(), message.side(), {message.price() / 100}, {message.shares()}) != Reject::None;
          break;
        case 'E': case 'C': case 'X':
          missed += book.reduce(message.reference(), {message.part()}).value == 0;
          break;
        case 'D':
          missed += book.remove(message.reference()).value == 0;
          break;
        case 'U':
          missed += book.replace(message.reference(), message.new_reference(), {message.new_price() / 100}, {message.new_shares()}) != Reject::None;
          break;
        default: break;
      }
    });
  });
  demand(messages == kMessages && missed == 0 && book.book().orders() > 0);
  return static_cast<double>(messages) / time;
}

double dbn_rate(const std::vector<std::byte>& bytes, std::size_t records) {
  RecordedBook book(4096, 8192);
  std::size_t messages = 0, missed = 0;
  const double time = seconds([&] {
    read_dbn(bytes, false, "memory", 0, [&](const DbnRecord& record, std::uint64_t) {
      ++messages;
      if (record.type() != kDbnMbo) return;
      const DbnMbo message(record);
      switch (message.action) {
        case 'A':
          missed += book.add(message.order, message.side == 'B' ? Side::Buy : Side::Sell, {message.price / 250'000'000}, {message.size}) != Reject::None;
          break;
        case 'C':
          missed += book.reduce(message.order, {message.size}).value == 0;
          break;
        case 'M':
          missed += book.modify(message.order, {message.price / 250'000'000}, {message.size}) != Reject::None;
          break;
        case 'R': book.clear(); break;
        default: break;
      }
    });
  });
  demand(messages == records && missed == 0 && book.book().orders() > 0);
  return static_cast<double>(messages) / time;
}

std::vector<BenchCase> prepare() {
  const auto itch = std::make_shared<std::vector<std::byte>>(as_itch(make_flow(kMessages, true)));
  std::size_t records = 0;
  const auto dbn = std::make_shared<std::vector<std::byte>>(as_dbn(make_flow(kMessages, false), records));
  return {{"ITCH 5.0", [itch] { return itch_rate(*itch); }}, {"DBN", [dbn, records] { return dbn_rate(*dbn, records); }}};
}

constexpr std::size_t kEvents = 4'000'000;

/// Changes of 20 levels a side around a wandering mid, a tenth of them trades; 1 ms of mean spacing and of delay.
std::shared_ptr<const Tape> make_levels() {
  Rng random(1, "l2_backtest");
  Tape tape;
  Instrument instrument;
  instrument.name = "RANDOM";
  tape.instruments.push_back(instrument);
  tape.events.reserve(kEvents);
  std::int64_t time = kNanosPerSecond, mid = 10'000;
  for (std::size_t i = 0; i < kEvents; ++i) {
    time += 10'000 + static_cast<std::int64_t>(random.below(1'990'000));
    const double step = random.uniform();
    mid += step < 0.02 ? -1 : step < 0.04 ? 1 : 0;
    const bool trade = random.uniform() < 0.1;
    Event event;
    event.exchange_time = {time};
    event.local_time = {time + 1'000'000};
    event.kind = trade ? EventKind::Trade : EventKind::Depth;
    event.side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
    const auto level = static_cast<std::int64_t>(1 + random.below(20));
    event.price = {mid - sign(event.side) * (trade ? 1 : level)};
    event.quantity = {static_cast<std::int64_t>(random.below(20)) + (trade ? 1 : 0)};
    if (trade) event.side = opposite(event.side);
    tape.events.push_back(event);
  }
  return finish_tape(std::move(tape));
}

/// Every 100 ms: takes back its quotes and sets new ones at the touch.
class Quoter final : public Participant {
 public:
  [[nodiscard]] bool listens() const override { return false; }
  void on_start(Orders& orders) override { orders.set_timer(orders.now(), 0); }
  void on_timer(Nanos time, std::uint64_t, Orders& orders) override {
    orders.set_timer(time + Nanos{100'000'000}, 0);
    const Depth& depth = orders.depth(0);
    if (!depth.two_sided() || depth.bid[0].price >= depth.ask[0].price) return;
    for (OrderId& order : live_) {
      if (order != 0) orders.cancel(order);
    }
    OrderRequest request;
    request.type = OrderType::Limit;
    request.post_only = true;
    request.quantity = {1};
    request.price = depth.bid[0].price;
    live_[0] = orders.submit(request);
    request.side = Side::Sell;
    request.price = depth.ask[0].price;
    live_[1] = orders.submit(request);
  }

 private:
  OrderId live_[2] = {0, 0};
};

std::vector<BenchCase> prepare_l2() {
  const EngineCatalog catalog = engine_catalog();
  const Json venue = Json::parse(
      R"({"latency": {"kind": "constant", "feed_ns": 0, "entry_ns": 1000000, "response_ns": 1000000}, "queue": "power_2", "queue_power": 2,
          "fees": {"kind": "maker_taker", "maker_bps": -1, "taker_bps": 4}})");
  const auto plan = build_market(Json::object(), venue, make_levels(), catalog);
  return {{"", [plan] {
             Quoter quoter;
             std::uint64_t fills = 0;
             const double taken = seconds([&] {
               AccountTerms terms;
               terms.capital = Money::from_units(1e9);
               terms.leverage = 1e6;
               Simulation simulation(plan, plan->whole(), 1);
               simulation.add(quoter, "quoter", terms);
               simulation.run();
               fills = simulation.record(0).fills.size();
             });
             if (fills < 1000) fail(Fault::Internal, "l2_backtest", "expected quotes to fill, did not");
             return static_cast<double>(kEvents) / taken;
           }}};
}

}  // namespace

void add_feed_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({"l3_rebuild",
                        "5 M order-by-order messages in memory, as ITCH 5.0 and as DBN, decoded and applied to a book that keeps every "
                        "queue first in, first out",
                        "messages/s", true, 12e6, prepare});
  benchmarks.push_back({"l2_backtest",
                        "back-test on 4 M changes of price levels and trades: two quotes renewed every 100 ms, latency, queue positions, "
                        "fees, equity every minute",
                        "events/s", true, 12e6, prepare_l2});
}

}  // namespace walras::scenarios
