// Every order type on a generated market, through the simulation.
#include "engine/base/error.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

std::shared_ptr<const MarketPlan> crowd(const std::string& venue, double duration_s = 600) {
  const EngineCatalog catalog = engine_catalog();
  const std::string market = R"({"mode": "generated", "generator": "zero_intelligence", "duration_s": )" +
                             std::to_string(duration_s) + "}";
  return build_market(Json::parse(market), Json::parse(venue), nullptr, catalog);
}

std::int64_t signed_sum(const RunRecord& record) {
  std::int64_t sum = 0;
  for (const FillRow& fill : record.fills) sum += sign(fill.side) * fill.quantity.value;
  return sum;
}

}  // namespace

TEST_CASE("every type and link lives in a generated market; fills are the position, whatever happens") {
  for (const char* exchange :
       {R"({})", R"({"exchange": {"matching": "pro_rata", "self_trade": "decrement"}})",
        R"({"exchange": {"dynamic_range_bps": 3, "range_action": "auction", "pause_s": 5, "self_trade": "cancel_oldest"}})",
        R"({"exchange": {"open": "00:01", "close": "00:08", "opening_call_s": 30, "closing_call_s": 30}})"}) {
    CAPTURE(exchange);
    Probe probe;
    Rng random(3, "orders");
    std::vector<OrderId> sent;
    probe.start = [](Orders& orders) { orders.set_timer({kNanosPerSecond}, 0); };
    probe.timer = [&](Nanos now, std::uint64_t, Orders& orders) {
      orders.set_timer(now + Nanos{kNanosPerSecond / 2}, 0);
      const std::int64_t mark = orders.mark(0).value;
      if (mark == 0) return;
      OrderRequest request;
      request.side = random.bernoulli(0.5) ? Side::Buy : Side::Sell;
      request.type = static_cast<OrderType>(random.below(10));
      request.time_in_force = static_cast<TimeInForce>(random.below(7));
      request.quantity = {1 + static_cast<std::int64_t>(random.below(20))};
      request.price = {mark + static_cast<std::int64_t>(random.below(21)) - 10};
      request.trigger_price = {mark + static_cast<std::int64_t>(random.below(21)) - 10};
      request.trail = 1 + static_cast<std::int64_t>(random.below(8));
      request.peg = static_cast<Peg>(random.below(3));
      request.expire = now + Nanos{20 * kNanosPerSecond};
      request.hidden = random.below(6) == 0;
      request.all_or_none = random.below(8) == 0;
      request.reduce_only = random.below(8) == 0;
      if (random.below(5) == 0) request.display = {1 + static_cast<std::int64_t>(random.below(5))};
      if (random.below(6) == 0) {
        request.group = 1 + static_cast<std::uint32_t>(random.below(3));
        request.link = random.bernoulli(0.5) ? Link::OneCancelsOther : Link::OneUpdatesOther;
      }
      if (!sent.empty() && random.below(6) == 0) request.parent = sent[random.below(sent.size())];
      if (const OrderId id = orders.submit(request)) sent.push_back(id);
      if (!sent.empty() && random.below(3) == 0) orders.cancel(sent[random.below(sent.size())]);
      if (!sent.empty() && random.below(3) == 0)
        orders.replace(sent[random.below(sent.size())], {mark + static_cast<std::int64_t>(random.below(9)) - 4}, {3});
    };
    AccountTerms terms = tiny_account(1e9);
    terms.shorting = true;
    const RunRecord record = play(crowd(exchange), probe, terms);
    CHECK(record.fills.size() > 20);
    CHECK(record.fills.back().position.value == signed_sum(record));
    std::map<OrderId, std::int64_t> filled;
    for (const FillRow& fill : record.fills) filled[fill.order] += fill.quantity.value;
    for (const OrderRow& order : record.orders) {
      CHECK(filled[order.order] == order.filled.value);
      if (order.reject != Reject::None) CHECK(order.filled.value == 0);
    }
    // The same seed, the same bits.
    Probe nobody;
    CHECK(play(crowd(exchange), nobody, terms).fills.empty());
  }
}

TEST_CASE("a generated market with sessions opens and closes by auction") {
  const auto plan = crowd(
      R"({"exchange": {"open": "00:02", "close": "00:08", "opening_call_s": 60, "closing_call_s": 60}})");
  Probe probe;
  std::vector<std::pair<Phase, std::int64_t>> phases;
  std::vector<Event> prints;
  probe.event = [&](const Event& event, Orders&) {
    if (event.kind == EventKind::Session)
      phases.emplace_back(static_cast<Phase>(event.flags), event.exchange_time.value / kNanosPerSecond);
    if (event.kind == EventKind::Trade && event.flags == kAuctionTrade) prints.push_back(event);
  };
  OrderId opening = 0, closing = 0;
  probe.start = [](Orders& orders) { orders.set_timer({30 * kNanosPerSecond}, 0); };
  probe.timer = [&](Nanos, std::uint64_t, Orders& orders) {
    OrderRequest request = market_order(0, Side::Buy, 5);
    request.time_in_force = TimeInForce::AtTheOpen;
    opening = orders.submit(request);
    request.side = Side::Sell;
    request.time_in_force = TimeInForce::AtTheClose;
    closing = orders.submit(request);
  };
  const RunRecord record = play(plan, probe);
  const std::vector<std::pair<Phase, std::int64_t>> wanted{{Phase::Closed, 0},
                                                           {Phase::OpeningCall, 60},
                                                           {Phase::Continuous, 120},
                                                           {Phase::ClosingCall, 420},
                                                           {Phase::Closed, 480}};
  CHECK(phases == wanted);
  CHECK(prints.size() > 4);
  REQUIRE(record.fills.size() >= 2);
  CHECK(record.fills.front().order == opening);
  CHECK(record.fills.front().time == Nanos{120 * kNanosPerSecond});
  CHECK(record.fills.back().order == closing);
  CHECK(record.fills.back().time == Nanos{480 * kNanosPerSecond});
  for (const Event& print : prints) {
    const std::int64_t second = print.exchange_time.value / kNanosPerSecond;
    CHECK((second == 120 || second == 480));
  }
}

TEST_CASE("settings of the exchange that make no sense are refused where they are written") {
  const auto refused = [](const char* venue) {
    try {
      crowd(venue);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("taken");
  };
  CHECK(refused(R"({"exchange": {"open": "09:30"}})").find("/venue/exchange: expected open and close together") == 0);
  CHECK(refused(R"({"exchange": {"open": "09:30", "close": "08:00"}})").find("/venue/exchange/close: expected a time after open") == 0);
  CHECK(refused(R"({"exchange": {"open": "noon", "close": "08:00"}})").find("/venue/exchange/open: expected a time of day") == 0);
  CHECK(refused(R"({"exchange": {"opening_call_s": 5}})").find("/venue/exchange: expected hours") == 0);
  CHECK(refused(R"({"exchange": {"tick_table": [{"step": 0.015}]}})").find("/venue/exchange/tick_table: expected steps") == 0);
  CHECK(refused(R"({"exchange": {"tick_table": [{"from": 5, "step": 0.05}, {"from": 5, "step": 0.1}]}})").find("/venue/exchange/tick_table: expected rows") == 0);
  CHECK(refused(R"({"exchange": {"matching": "fair"}})") != "taken");
  CHECK(refused(R"({"exchange": {"tick_table": [{"from": 5, "step": 0.05}]}})") == "taken");
}
