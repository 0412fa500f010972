// Queue positions on feeds that show only sums, their error against exact positions on the same tape, and liquidity that is
// consumed once.
#include "engine/base/error.hpp"
#include "engine/data/source.hpp"
#include "engine/venue/queue_model.hpp"
#include "tests/support/data.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

using namespace walras;
using namespace walras::tests;

namespace {

/// A recorded book of sums or orders, one line a microsecond.
class Lines {
 public:
  Lines() { tape_.instruments.push_back(tiny_instrument("A")); }
  Lines& put(EventKind kind, Side side, std::int64_t price, std::int64_t lots, OrderId order = 0, std::uint16_t flags = 0) {
    Event event;
    event.exchange_time = event.local_time = {static_cast<std::int64_t>(tape_.events.size()) * 1000};
    event.kind = kind;
    event.order = order;
    event.side = side;
    event.price = {price};
    event.quantity = {lots};
    event.flags = flags;
    tape_.events.push_back(event);
    return *this;
  }
  Lines& level(Side side, std::int64_t price, std::int64_t lots, std::uint16_t flags = 0) { return put(EventKind::Depth, side, price, lots, 0, flags); }
  /// A trade; side of the aggressor.
  Lines& trade(Side side, std::int64_t price, std::int64_t lots) { return put(EventKind::Trade, side, price, lots); }
  std::shared_ptr<const MarketPlan> market(const std::string& queue) {
    put(EventKind::Halt, Side::Sell, 1, 0);
    const EngineCatalog catalog = engine_catalog();
    return build_market(Json::object(), Json::parse(R"({"latency": "none", "queue": ")" + queue + "\"}"), finish_tape(std::move(tape_)), catalog);
  }

 private:
  Tape tape_;
};

Probe order_after(std::size_t line, const OrderRequest& request) {
  Probe probe;
  probe.event = [line, request, seen = std::size_t{0}](const Event& event, Orders& orders) mutable {
    if (event.kind < EventKind::Accepted && seen++ == line) orders.submit(request);
  };
  return probe;
}

std::int64_t filled(const RunRecord& record) {
  std::int64_t sum = 0;
  for (const FillRow& fill : record.fills) sum += fill.quantity.value;
  return sum;
}

}  // namespace

TEST_CASE("the share of a decrease that falls behind an order, in each of its forms") {
  const auto behind = [](QueueRule rule, double front, double back, double power = 3) { return QueueModel{rule, power}.behind(front, back); };
  CHECK(behind(QueueRule::Power1, 1, 3, 2) == doctest::Approx(9.0 / 10));
  CHECK(behind(QueueRule::Power2, 1, 3, 2) == doctest::Approx(9.0 / 16));
  CHECK(behind(QueueRule::Power3, 1, 3, 2) == doctest::Approx(15.0 / 16));
  CHECK(behind(QueueRule::Log1, 1, 3) == doctest::Approx(std::log(4) / (std::log(4) + std::log(2))));
  CHECK(behind(QueueRule::Log2, 1, 3) == doctest::Approx(std::log(4) / std::log(5)));
  for (const QueueRule rule : {QueueRule::Power1, QueueRule::Power2, QueueRule::Power3, QueueRule::Log1, QueueRule::Log2}) {
    CAPTURE(static_cast<int>(rule));
    CHECK(behind(rule, 0, 0) == 0.5);
    CHECK(behind(rule, 0, 5) == doctest::Approx(1));   // nobody ahead who could leave
    CHECK(behind(rule, 5, 0) == doctest::Approx(0));   // nobody behind
    for (double front = 0; front < 20; front += 3) {
      for (double back = 0; back < 20; back += 3) {
        const double p = behind(rule, front, back);
        REQUIRE(p >= 0);
        REQUIRE(p <= 1);
      }
    }
  }
}

TEST_CASE("a level that shrinks without trades moves an order up by its model, and trades are not counted twice") {
  // Ahead 10, behind 30; 8 leave. Power 1 with n = 1: 30 / 40 behind, so 2 ahead.
  const QueueModel model{QueueRule::Power1, 1};
  CHECK(model.moved(10, 40, 32, 0) == doctest::Approx(8));
  CHECK(model.moved(10, 40, 32, 8) == doctest::Approx(10));   // all of it traded, and was told before
  CHECK(model.moved(10, 40, 50, 0) == doctest::Approx(10));   // growth is behind
  CHECK(model.moved(10, 40, 3, 0) <= 3);                      // never more than there is
  CHECK(QueueModel{QueueRule::RiskAverse}.moved(10, 40, 32, 0) == doctest::Approx(10));
  CHECK(QueueModel{QueueRule::RiskAverse}.moved(10, 40, 7, 0) == doctest::Approx(7));
  // More falls behind than there is: the rest was ahead.
  CHECK(QueueModel{QueueRule::Power3, 3}.moved(10, 12, 2, 0) <= 2);
}

TEST_CASE("on a feed of sums an order waits for trades through its queue, partly and in full") {
  Lines lines;
  lines.level(Side::Buy, 100, 10).level(Side::Sell, 102, 10);  // own buy of 5 at 100 behind 10
  lines.trade(Side::Sell, 100, 6).level(Side::Buy, 100, 4);    // 4 ahead
  lines.level(Side::Buy, 100, 9);                              // behind
  lines.trade(Side::Sell, 100, 7).level(Side::Buy, 100, 2);    // 4 ahead, then 3 of ours
  lines.trade(Side::Sell, 99, 1);                              // through us
  lines.level(Side::Sell, 100, 3);                             // the ask comes to us
  Probe probe = order_after(1, limit_order(0, Side::Buy, 100, 5));
  const RunRecord record = play(lines.market("risk_averse"), probe);
  REQUIRE(record.fills.size() == 3);
  CHECK(record.fills[0].quantity == Lots{3});
  CHECK(record.fills[0].time == Nanos{5000});
  CHECK(record.fills[1].quantity == Lots{1});
  CHECK(record.fills[1].time == Nanos{7000});
  CHECK(record.fills[2].quantity == Lots{1});
  CHECK(record.fills[2].time == Nanos{8000});
  for (const FillRow& fill : record.fills) CHECK(fill.price == Ticks{100});
}

TEST_CASE("a feed of the touch alone: the best level replaces its side") {
  Lines lines;
  lines.level(Side::Buy, 100, 10, kTouchOnly).level(Side::Sell, 102, 10, kTouchOnly).level(Side::Buy, 101, 4, kTouchOnly).level(Side::Buy, 99, 4, kTouchOnly);
  Probe probe;
  std::vector<std::pair<std::int64_t, int>> bids;
  probe.event = [&](const Event&, Orders& orders) {
    const Depth& depth = orders.depth(0);
    if (depth.bids > 0) bids.emplace_back(depth.bid[0].price.value, depth.bids);
  };
  play(lines.market("risk_averse"), probe);
  REQUIRE(bids.size() == 5);
  CHECK(bids[2] == std::pair<std::int64_t, int>{101, 1});
  CHECK(bids[3] == std::pair<std::int64_t, int>{99, 1});
}

TEST_CASE("a cleared book gives nothing, and fifo is refused where no order is named") {
  Lines lines;
  lines.level(Side::Buy, 100, 10).level(Side::Sell, 102, 10).level(Side::Buy, 0, 0, kBookClear).level(Side::Sell, 105, 10);
  Probe probe = order_after(2, market_order(0, Side::Buy, 5));
  const RunRecord record = play(lines.market("log_1"), probe);
  CHECK(record.fills.empty());
  CHECK(record.orders[0].reject == Reject::NoMarket);
  Lines sums;
  sums.level(Side::Buy, 100, 10);
  CHECK_THROWS_WITH_AS(sums.market("fifo"), doctest::Contains("/venue/queue"), Error);
}

TEST_CASE("depth that own orders took is gone until the orders taken leave, also by cancels") {
  for (const bool cancelled : {false, true}) {
    CAPTURE(cancelled);
    Lines lines;
    lines.put(EventKind::Add, Side::Buy, 99, 10, 1).put(EventKind::Add, Side::Sell, 101, 10, 2).put(EventKind::Add, Side::Sell, 101, 5, 3);
    // Own buys 10 here: all of order 2.
    lines.put(EventKind::Halt, Side::Sell, 2, 0);
    lines.put(cancelled ? EventKind::Delete : EventKind::Execute, Side::Sell, 101, 10, 2);
    lines.put(EventKind::Halt, Side::Sell, 2, 0);
    Probe probe;
    probe.event = [seen = 0](const Event& event, Orders& orders) mutable {
      if (event.kind >= EventKind::Accepted) return;
      if (seen == 2) orders.submit(market_order(0, Side::Buy, 10));
      if (seen == 5) orders.submit(market_order(0, Side::Buy, 10));
      ++seen;
    };
    const RunRecord record = play(lines.market("fifo"), probe);
    // The second order finds the five of order 3, neither more nor less.
    CHECK(filled(record) == 15);
    REQUIRE(record.fills.size() == 2);
    CHECK(record.fills[1].quantity == Lots{5});
  }
  // A cancel of an order that was not taken leaves the others as they are.
  Lines lines;
  lines.put(EventKind::Add, Side::Buy, 99, 10, 1).put(EventKind::Add, Side::Sell, 101, 10, 2).put(EventKind::Add, Side::Sell, 101, 5, 3);
  lines.put(EventKind::Halt, Side::Sell, 2, 0).put(EventKind::Delete, Side::Sell, 101, 5, 3).put(EventKind::Halt, Side::Sell, 2, 0);
  Probe probe;
  probe.event = [seen = 0](const Event& event, Orders& orders) mutable {
    if (event.kind >= EventKind::Accepted) return;
    if (seen == 2) orders.submit(market_order(0, Side::Buy, 4));
    if (seen == 5) orders.submit(market_order(0, Side::Buy, 100));
    ++seen;
  };
  const RunRecord record = play(lines.market("fifo"), probe);
  CHECK(filled(record) == 10);
}

TEST_CASE("ES of 2023-12-25: the error of each model of sums against exact positions on the same tape") {
  const auto folder = market_data("dbn");
  if (folder.empty()) return;
  SourceRegistry sources("source");
  add_sources(sources);
  const auto tape = load_tape(Json::object({{"kind", "dbn"}, {"path", (folder / "esh4-glbx-mdp3-20231225.mbo.dbn.zst").string()}}),
                              "/market/source", sources, {});
  const EngineCatalog catalog = engine_catalog();
  /// One order of one contract at the bid and at the ask every two seconds, never cancelled: how much fills, and when.
  const auto run = [&](const std::string& rule) {
    const auto plan = build_market(Json::object(), Json::parse(R"({"latency": "none", "queue": ")" + rule + "\"}"), tape, catalog);
    Probe probe;
    probe.start = [](Orders& orders) { orders.set_timer(orders.now() + Nanos{3700 * kNanosPerSecond}, 0); };
    probe.timer = [](Nanos time, std::uint64_t, Orders& orders) {
      const Depth& depth = orders.depth(0);
      if (depth.two_sided()) {
        orders.submit(limit_order(0, Side::Buy, depth.bid[0].price.value, 1));
        orders.submit(limit_order(0, Side::Sell, depth.ask[0].price.value, 1));
      }
      orders.set_timer(time + Nanos{2 * kNanosPerSecond}, 0);
    };
    AccountTerms terms = tiny_account(1e12);
    return play(plan, probe, terms);
  };
  const RunRecord exact = run("fifo");
  std::map<OrderId, std::int64_t> when;
  for (const FillRow& fill : exact.fills) when[fill.order] = fill.time.value;
  REQUIRE(when.size() > 1000);
  std::map<std::string, double> late;
  for (const std::string rule : {"risk_averse", "power_1", "power_2", "power_3", "log_1", "log_2"}) {
    const RunRecord record = run(rule);
    REQUIRE(record.orders.size() == exact.orders.size());
    std::size_t both = 0, only_exact = 0, only_model = 0;
    double delay = 0, distance = 0;
    std::map<OrderId, std::int64_t> model;
    for (const FillRow& fill : record.fills) model[fill.order] = fill.time.value;
    for (const auto& [order, time] : when) {
      const auto at = model.find(order);
      if (at == model.end()) {
        ++only_exact;
        continue;
      }
      ++both;
      delay += static_cast<double>(at->second - time) * 1e-9;
      distance += std::abs(static_cast<double>(at->second - time)) * 1e-9;
    }
    for (const auto& [order, time] : model) only_model += when.contains(order) ? 0 : 1;
    late[rule] = delay / static_cast<double>(both);
    MESSAGE(rule << ": " << both << " fill in both, " << only_exact << " exactly only, " << only_model << " in the model only; mean lateness "
                 << late[rule] << " s, mean distance " << distance / static_cast<double>(both) << " s");
    CHECK(both > 9 * when.size() / 10);
  }
  // Cancels ahead never help a risk-averse order: it is never early, and later than any model that shares.
  for (const auto& [rule, mean] : late) CHECK(mean <= late["risk_averse"] + 1e-9);
  CHECK(late["risk_averse"] >= 0);
}
