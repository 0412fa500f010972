#include "tests/exchange/exchange_venue.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

template <class Story>
void both_sides(Story&& story) {
  for (const bool mirrored : {false, true}) {
    CAPTURE(mirrored);
    Floor floor(mirrored);
    floor.crowd(Side::Sell, 100, 1);
    floor.crowd(Side::Buy, 100, 1);
    floor.crowd(Side::Buy, 99, 10);
    floor.crowd(Side::Sell, 101, 10);
    story(floor);
  }
}

OrderRequest grouped(OrderRequest request, Link link) {
  request.group = 7;
  request.link = link;
  return request;
}

}  // namespace

TEST_CASE("one cancels other: the first fill, even of a part, ends the others") {
  both_sides([](Floor& floor) {
    const OrderId profit = floor.submit(grouped(limit_of(Side::Sell, 103, 5), Link::OneCancelsOther));
    const OrderId stop = floor.submit(
        grouped(request_of(OrderType::Stop, Side::Sell, 5, 0, 97), Link::OneCancelsOther));
    const OrderId stranger = floor.submit(
        grouped(request_of(OrderType::Stop, Side::Sell, 5, 0, 97), Link::OneCancelsOther), 1);
    CHECK(floor.said(profit) == "A5");
    CHECK(floor.said(stop) == "A5");
    floor.crowd(Side::Buy, 103, 12);
    CHECK(floor.said(profit) == "F2@103");
    CHECK(floor.said(stop) == "C5:linked");
    CHECK(floor.said(stranger) == "A5");  // another participant's group of the same number
    floor.cancel(profit);
    CHECK(floor.said(profit) == "C3");
  });
}

TEST_CASE("one updates other: a fill takes the same quantity off the others") {
  both_sides([](Floor& floor) {
    const OrderId profit = floor.submit(grouped(limit_of(Side::Sell, 103, 5), Link::OneUpdatesOther));
    const OrderId stop = floor.submit(
        grouped(request_of(OrderType::Stop, Side::Sell, 5, 0, 97), Link::OneUpdatesOther));
    const OrderId resting =
        floor.submit(grouped(limit_of(Side::Sell, 104, 5), Link::OneUpdatesOther));
    floor.said(profit), floor.said(stop), floor.said(resting);
    floor.crowd(Side::Buy, 103, 12);
    CHECK(floor.said(profit) == "F2@103");
    CHECK(floor.said(stop) == "P3@97:linked");
    CHECK(floor.said(resting) == "P3@104");
    floor.crowd(Side::Buy, 103, 3);
    CHECK(floor.said(profit) == "F3@103");
    CHECK(floor.said(stop) == "C3:linked");
    CHECK(floor.said(resting) == "C3:linked");
  });
}

TEST_CASE("a bracket's children wait for the entry, are as large as it has filled, and end with each other") {
  both_sides([](Floor& floor) {
    const OrderId entry = floor.submit(limit_of(Side::Buy, 100, 8));
    const auto child = [&](OrderRequest request) {
      request.parent = entry;
      return floor.submit(grouped(request, Link::OneUpdatesOther));
    };
    const OrderId profit = child(limit_of(Side::Sell, 104, 8));
    const OrderId stop = child(request_of(OrderType::Stop, Side::Sell, 8, 0, 97));
    CHECK(floor.said(entry) == "A8");
    CHECK(floor.said(profit) == "A8");
    CHECK(floor.said(stop) == "A8");
    floor.crowd(Side::Sell, 100, 3);
    CHECK(floor.said(entry) == "F3@100");
    CHECK(floor.exchange().find(profit)->quantity == Lots{3});
    floor.crowd(Side::Sell, 100, 5);
    CHECK(floor.exchange().find(profit)->quantity == Lots{8});
    floor.said(profit), floor.said(stop);
    // Down through the stop: it sells into 99 and the rest below; the profit taker goes.
    floor.crowd(Side::Buy, 98, 1);
    floor.crowd(Side::Buy, 97, 2);
    floor.crowd(Side::Buy, 96, 20);
    floor.crowd(Side::Sell, 97, 12);
    CHECK(floor.said(stop) == "G8@97 F1@97 F7@96");
    CHECK(floor.said(profit).find(":linked") != std::string::npos);
    CHECK_FALSE(floor.exchange().find(profit));
  });
}

TEST_CASE("children of an order that ends unfilled end; of no order or another's they are refused") {
  both_sides([](Floor& floor) {
    const OrderId entry = floor.submit(limit_of(Side::Buy, 98, 8));
    OrderRequest request = limit_of(Side::Sell, 104, 8);
    request.parent = entry;
    const OrderId child = floor.submit(request);
    const OrderId stranger = floor.submit(request, 1);
    CHECK(floor.said(stranger) == "X:bad_link");
    floor.cancel(entry);
    CHECK(floor.said(child) == "A8 C8:linked");
    CHECK(floor.said(floor.submit(request)) == "X:linked");
    request.parent = 99;
    CHECK(floor.said(floor.submit(request)) == "X:bad_link");
  });
}

TEST_CASE("a trailing stop follows the market one way only, by ticks or by a share of the price") {
  both_sides([](Floor& floor) {
    OrderRequest request = request_of(OrderType::TrailingStop, Side::Buy, 4);
    request.trail = 3;
    const OrderId id = floor.submit(request);
    floor.said(id);
    floor.crowd(Side::Sell, 99, 11);  // trades at 99: the trigger is 102
    floor.crowd(Side::Sell, 97, 1), floor.crowd(Side::Buy, 97, 1);    // 100
    floor.crowd(Side::Buy, 98, 1), floor.crowd(Side::Sell, 98, 1);    // stays 100
    CHECK(floor.said(id) == "");
    floor.crowd(Side::Sell, 100, 5);
    floor.crowd(Side::Buy, 100, 2);
    CHECK(floor.said(id).substr(0, 7) == "G4@100 ");
  });
  Floor floor;
  floor.crowd(Side::Sell, 100, 1), floor.crowd(Side::Buy, 100, 1);
  OrderRequest request = request_of(OrderType::TrailingStop, Side::Sell, 4);
  request.trail = 500;  // 5 %
  request.trail_unit = TrailUnit::BasisPoints;
  const OrderId id = floor.submit(request);
  floor.said(id);
  floor.crowd(Side::Buy, 120, 1), floor.crowd(Side::Sell, 120, 1);
  floor.crowd(Side::Buy, 114, 2), floor.crowd(Side::Sell, 115, 1), floor.crowd(Side::Buy, 115, 1);
  CHECK(floor.said(id) == "");
  floor.crowd(Side::Sell, 114, 1);
  CHECK(floor.said(id) == "G4@114 F1@114 C3");
}

TEST_CASE("triggers look at the last trade, the side they would take from, or the mid") {
  both_sides([](Floor& floor) {
    OrderRequest request = request_of(OrderType::Stop, Side::Buy, 1, 0, 103);
    request.trigger = TriggerPrice::BidAsk;
    const OrderId by_ask = floor.submit(request);
    request.trigger = TriggerPrice::Mid;
    request.trigger_price = {102};
    const OrderId by_mid = floor.submit(request);
    request.trigger = TriggerPrice::Last;
    const OrderId by_last = floor.submit(request);
    floor.said(by_ask), floor.said(by_mid), floor.said(by_last);
    floor.crowd(Side::Sell, 105, 10);
    floor.crowd(Side::Buy, 101, 10);  // takes the offers at 101: bid 99, ask 105, mid 102, last 101
    CHECK(floor.said(by_ask) == "G1@103 F1@105");
    CHECK(floor.said(by_mid).substr(0, 6) == "G1@102");
    CHECK(floor.said(by_last).substr(0, 6) == "G1@102");  // set off by the first's own trade at 105
  });
}

TEST_CASE("pegs follow the best price of others, keep their offset and never pass their limit") {
  both_sides([](Floor& floor) {
    OrderRequest request = request_of(OrderType::Pegged, Side::Buy, 4);
    request.peg = Peg::Primary;
    request.offset = {1};
    request.price = {100};
    const OrderId id = floor.submit(request);
    CHECK(floor.exchange().find(id)->price == floor.price(98));
    const OrderId higher = floor.crowd(Side::Buy, 100, 1);
    CHECK(floor.exchange().find(id)->price == floor.price(99));
    const OrderId inside = floor.submit(limit_of(Side::Sell, 103, 1));
    static_cast<void>(inside);
    floor.crowd_cancels(higher);
    CHECK(floor.exchange().find(id)->price == floor.price(98));
    // Alone at the top it does not chase itself.
    floor.crowd(Side::Sell, 99, 10);
    CHECK(floor.exchange().find(id)->price == floor.price(98));
    floor.said(id);
    floor.replace(id, 97, 4);
    floor.crowd(Side::Buy, 100, 1);
    CHECK(floor.exchange().find(id)->price == floor.price(97));
    floor.cancel(id);
    CHECK(floor.said(id).find("C4") != std::string::npos);
  });
  both_sides([](Floor& floor) {
    OrderRequest request = request_of(OrderType::Pegged, Side::Buy, 4);
    request.peg = Peg::Mid;
    const OrderId id = floor.submit(request);
    CHECK(floor.exchange().find(id)->price == floor.price(100));
    floor.crowd(Side::Sell, 100, 1);
    CHECK(floor.said(id) == "A4 F1@100");
  });
}

TEST_CASE("day orders end with the session, others at their date, whether they rest or wait") {
  TradingCalendar::Rules hours;
  hours.week.fill({{1000, 5000}});
  const auto calendar = std::make_shared<TradingCalendar>(hours);
  Floor floor(false, {}, false, calendar);
  floor.now = 2000;
  OrderRequest request = limit_of(Side::Buy, 90, 3);
  request.time_in_force = TimeInForce::Day;
  const OrderId resting = floor.submit(request);
  request = request_of(OrderType::Stop, Side::Buy, 3, 0, 130);
  request.time_in_force = TimeInForce::GoodTillDate;
  request.expire = {3000};
  const OrderId waiting = floor.submit(request);
  floor.until(2999);
  CHECK(floor.said(waiting) == "A3");
  floor.until(3000);
  CHECK(floor.said(waiting) == "C3:expired");
  floor.until(4999);
  CHECK(floor.said(resting) == "A3");
  floor.until(5000);
  CHECK(floor.said(resting) == "C3:expired");
  // After the close: until the next close.
  request = limit_of(Side::Buy, 90, 3);
  request.time_in_force = TimeInForce::Day;
  const OrderId overnight = floor.submit(request);
  floor.until(kNanosPerDay + 4999);
  CHECK(floor.said(overnight) == "A3");
  floor.until(kNanosPerDay + 5000);
  CHECK(floor.said(overnight) == "C3:expired");
}

TEST_CASE("reduce-only orders never turn a position round") {
  both_sides([](Floor& floor) {
    OrderRequest request = limit_of(Side::Sell, 103, 9);
    request.reduce_only = true;
    CHECK(floor.said(floor.submit(request)) == "X:reduce_only");
    floor.submit(request_of(OrderType::Market, Side::Buy, 6));
    const OrderId id = floor.submit(request);
    CHECK(floor.said(id) == "A6");
    floor.submit(request_of(OrderType::Market, Side::Sell, 2));
    CHECK(floor.said(id) == "P4@103");
    floor.submit(request_of(OrderType::Market, Side::Sell, 4));
    CHECK(floor.said(id) == "C4:reduce_only");
  });
}

TEST_CASE("before a venue that cannot, the desk slices icebergs and holds all-or-none orders itself") {
  for (const bool mirrored : {false, true}) {
    CAPTURE(mirrored);
    Floor floor(mirrored, {}, true);
    floor.crowd(Side::Buy, 99, 10);
    OrderRequest request = limit_of(Side::Sell, 101, 10);
    request.display = {4};
    const OrderId iceberg = floor.submit(request);
    CHECK(floor.said(iceberg) == "A10");
    CHECK(floor.exchange().find(iceberg)->quantity == Lots{4});
    floor.crowd(Side::Sell, 101, 2);
    floor.crowd(Side::Buy, 101, 5);  // the slice, then the stranger who came before the next
    CHECK(floor.said(iceberg) == "F4@101");
    CHECK(floor.exchange().find(iceberg)->quantity == Lots{4});
    floor.crowd(Side::Buy, 101, 5);
    CHECK(floor.said(iceberg) == "F4@101");
    CHECK(floor.exchange().find(iceberg)->quantity == Lots{2});
    floor.cancel(iceberg);
    CHECK(floor.said(iceberg) == "C2");

    request = limit_of(Side::Sell, 99, 12);
    request.all_or_none = true;
    const OrderId whole = floor.submit(request);
    CHECK(floor.said(whole) == "A12");
    floor.crowd(Side::Buy, 99, 2);
    CHECK(floor.said(whole).substr(0, 3) == "F10");
    request.all_or_none = false;
    request.minimum = {3};
    CHECK(floor.said(floor.submit(request)) == "X:minimum_quantity");
    CHECK(floor.said(floor.submit(request_of(OrderType::MarketToLimit, Side::Sell, 2))) ==
          "X:no_market");
  }
}
