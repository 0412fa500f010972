// Every cell of order type x time in force x phase x side: what happens on arrival, written out, and
// the same from the other side.
#include "tests/exchange/exchange_venue.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::tests;

namespace {

// The market: bids 10 at 99 and 98, offers 10 at 101 and 102, last trade at 100. A buyer of 15 asks for
// 101 or better (limit, stop-limit, touched), is set off at 104 (stops), at 96 (touched), 3 away
// (trailing), or pegs to the best bid.
OrderRequest asked(OrderType type, TimeInForce time_in_force) {
  OrderRequest request = request_of(type, Side::Buy, 15);
  request.time_in_force = time_in_force;
  request.expire = {1000};
  if (has_limit(type)) request.price = {101};
  if (waits(type)) request.trigger_price = {touches(type) ? 96 : 104};
  if (trails(type)) request.trail = 3;
  return request;
}

constexpr std::array kTypes{OrderType::Limit,           OrderType::Market,
                            OrderType::Stop,            OrderType::StopLimit,
                            OrderType::MarketIfTouched, OrderType::LimitIfTouched,
                            OrderType::MarketToLimit,   OrderType::TrailingStop,
                            OrderType::TrailingStopLimit, OrderType::Pegged};
constexpr std::array kTimes{TimeInForce::GoodTillCancel, TimeInForce::ImmediateOrCancel,
                            TimeInForce::FillOrKill,     TimeInForce::Day,
                            TimeInForce::GoodTillDate,   TimeInForce::AtTheOpen,
                            TimeInForce::AtTheClose};

// Rows: a type; columns: good till cancel, immediate or cancel, fill or kill, day, good till date, at
// the open, at the close. What the participant would never have been let send (see well_formed) is -.
using Row = std::array<const char*, 7>;
struct Table {
  Phase phase;
  Row limit, market, waiting, to_limit, pegged;
};
constexpr const char* kShut = "X:closed";
constexpr const char* kHalt = "X:halted";
constexpr const char* kNone = "X:no_auction";
const Table kTables[] = {
    {Phase::Continuous,
     {"F10@101 A5", "F10@101 C5", "X:cannot_fill", "F10@101 A5", "F10@101 A5", kNone, kNone},
     {"F10@101 F5@102", "F10@101 F5@102", "F10@101 F5@102", "F10@101 F5@102", "F10@101 F5@102", kNone,
      kNone},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {"F10@101 A5", "F10@101 C5", "X:cannot_fill", "F10@101 A5", "F10@101 A5", "-", "-"},
     {"A15", "-", "-", "A15", "A15", "-", "-"}},
    {Phase::Closed,
     {kShut, kShut, kShut, kShut, kShut, kNone, kNone},
     {kShut, kShut, kShut, kShut, kShut, kNone, kNone},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {kShut, kShut, kShut, kShut, kShut, "-", "-"},
     {"A15 C15:closed", "-", "-", "A15 C15:closed", "A15 C15:closed", "-", "-"}},
    {Phase::OpeningCall,
     {"A15", "X:no_market", "X:no_market", "A15", "A15", "A15", kNone},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", "A15", kNone},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", "-", "-"},
     {"A15", "-", "-", "A15", "A15", "-", "-"}},
    {Phase::ClosingCall,
     {"A15", "X:no_market", "X:no_market", "A15", "A15", kNone, "A15"},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", kNone, "A15"},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", "-", "-"},
     {"A15", "-", "-", "A15", "A15", "-", "-"}},
    {Phase::VolatilityCall,
     {"A15", "X:no_market", "X:no_market", "A15", "A15", kNone, kNone},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", kNone, kNone},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {"A15", "X:no_market", "X:no_market", "A15", "A15", "-", "-"},
     {"A15", "-", "-", "A15", "A15", "-", "-"}},
    {Phase::Halted,
     {kHalt, kHalt, kHalt, kHalt, kHalt, kHalt, kHalt},
     {kHalt, kHalt, kHalt, kHalt, kHalt, kHalt, kHalt},
     {"A15", "A15", "A15", "A15", "A15", "-", "-"},
     {kHalt, kHalt, kHalt, kHalt, kHalt, "-", "-"},
     {"A15 C15:halted", "-", "-", "A15 C15:halted", "A15 C15:halted", "-", "-"}},
};

const Row& row(const Table& table, OrderType type) {
  if (waits(type)) return table.waiting;
  if (type == OrderType::Limit) return table.limit;
  if (type == OrderType::Market) return table.market;
  return type == OrderType::Pegged ? table.pegged : table.to_limit;
}

void open_market(Floor& floor) {
  floor.crowd(Side::Sell, 100, 1);
  floor.crowd(Side::Buy, 100, 1);
  for (const std::int64_t away : {1, 2}) {
    floor.crowd(Side::Buy, 100 - away, 10);
    floor.crowd(Side::Sell, 100 + away, 10);
  }
}

}  // namespace

TEST_CASE("every order type, time in force and phase, from both sides, does on arrival what the table says") {
  int cells = 0;
  for (const Table& table : kTables) {
    for (const OrderType type : kTypes) {
      for (std::size_t column = 0; column < kTimes.size(); ++column) {
        for (const bool mirrored : {false, true}) {
          ++cells;
          const std::string expected = row(table, type)[column];
          CAPTURE(name_of(type));
          CAPTURE(name_of(kTimes[column]));
          CAPTURE(static_cast<int>(table.phase));
          CAPTURE(mirrored);
          const OrderRequest request = asked(type, kTimes[column]);
          const Reject why = well_formed(request, false, {1});
          if (expected == "-") {
            CHECK(why == Reject::Conflict);
            continue;
          }
          REQUIRE(why == Reject::None);
          Floor floor(mirrored);
          open_market(floor);
          floor.phase(table.phase);
          const OrderId id = floor.submit(request);
          CHECK(floor.said(id) == expected);
          // Whatever it became, its owner can take back what is left, and hears of it.
          const bool rests = expected.find('A') != std::string::npos &&
                             expected.find('C') == std::string::npos;
          floor.cancel(id);
          const std::string last = floor.said(id);
          CHECK(last.substr(0, 1) == (rests ? "C" : "X"));
        }
      }
    }
  }
  CHECK(cells == 10 * 7 * 6 * 2);
}

TEST_CASE("every waiting type acts when its trigger is reached, in every time in force, from both sides") {
  struct Case {
    OrderType type;
    std::int64_t push;         // a stranger's trade at this price sets it off
    const char* immediately;   // what it does then
    const char* whole;         // with fill or kill
    const char* rests;         // good till cancel and longer
  };
  // Trailing: the trade at 98 moves the trigger to 101, the next at 101 reaches it.
  const Case cases[] = {
      {OrderType::Stop, 104, "G15@104 F10@104 F5@105", "G15@104 F10@104 F5@105", "G15@104 F10@104 F5@105"},
      {OrderType::StopLimit, 104, "G15@104 F10@104 C5", "G15@104 C15:cannot_fill", "G15@104 F10@104"},
      {OrderType::MarketIfTouched, 96, "G15@96 F10@104 F5@105", "G15@96 F10@104 F5@105",
       "G15@96 F10@104 F5@105"},
      {OrderType::LimitIfTouched, 96, "G15@96 F10@104 C5", "G15@96 C15:cannot_fill", "G15@96 F10@104"},
      {OrderType::TrailingStop, 104, "G15@103 F10@104 F5@105", "G15@103 F10@104 F5@105",
       "G15@103 F10@104 F5@105"},
      {OrderType::TrailingStopLimit, 104, "G15@103 F10@104 C5", "G15@103 C15:cannot_fill",
       "G15@103 F10@104"},
  };
  for (const Case& one : cases) {
    for (const TimeInForce time : {TimeInForce::GoodTillCancel, TimeInForce::ImmediateOrCancel,
                                   TimeInForce::FillOrKill, TimeInForce::Day, TimeInForce::GoodTillDate}) {
      for (const bool mirrored : {false, true}) {
        CAPTURE(name_of(one.type));
        CAPTURE(name_of(time));
        CAPTURE(mirrored);
        Floor floor(mirrored);
        floor.crowd(Side::Sell, 100, 1);
        floor.crowd(Side::Buy, 100, 1);
        OrderRequest request = asked(one.type, time);
        if (has_limit(one.type)) request.price = {104};
        if (one.type == OrderType::TrailingStopLimit) request.offset = {1};
        if (trails(one.type)) request.trigger_price = {};
        const OrderId id = floor.submit(request);
        CHECK(floor.said(id) == "A15");
        const std::int64_t near = 100 + (one.push > 100 ? 1 : -1);
        floor.crowd(Side::Sell, near, 1);
        floor.crowd(Side::Buy, near, 1);  // not there yet
        CHECK(floor.said(id) == "");
        if (one.push < 100) {
          floor.crowd(Side::Sell, 104, 10);
          floor.crowd(Side::Sell, 105, 10);
          floor.crowd(Side::Buy, one.push, 1);
          floor.crowd(Side::Sell, one.push, 1);
        } else {
          floor.crowd(Side::Sell, 104, 11);
          floor.crowd(Side::Sell, 105, 10);
          floor.crowd(Side::Buy, 104, 1);
        }
        const bool rests = !immediate(time);
        CHECK(floor.said(id) == (rests                                  ? one.rests
                                 : time == TimeInForce::FillOrKill ? one.whole
                                                                        : one.immediately));
      }
    }
  }
}
