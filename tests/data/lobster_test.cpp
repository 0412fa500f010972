#include "engine/book/order_book.hpp"
#include "engine/data/lobster.hpp"
#include "engine/data/source.hpp"
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

using Levels = std::span<const Depth::Level>;

const std::string kMessages =
    "34200.000000001,1,11,100,5853300,1\n34200.5,4,12,18,5853400,-1\n34200.5,5,0,1,5853350,1\n"
    "34201,2,11,40,5853300,1\n34202.25,3,11,60,5853300,1\n34203,7,0,0,-1,-1\n";
const std::string kBook =
    "5853400,18,5853300,100\n9999999999,0,5853300,100\n9999999999,0,5853300,100\n"
    "9999999999,0,5853300,60\n9999999999,0,-9999999999,0\n9999999999,0,-9999999999,0\n";
const std::string kName = "GOOG_2012-06-21_34200000_57600000_message_1.csv";
const std::string kBookName = "GOOG_2012-06-21_34200000_57600000_orderbook_1.csv";

/// Applies one message to a book that knows whole levels only, as resting orders of one id a level.
class LevelBook {
 public:
  /// Rests the levels of one row; ids from 1.
  void fill(Levels bids, Levels asks) {
    for (std::size_t id = 1; id <= ids_.size(); ++id) book_.cancel(id);
    ids_.clear();
    for (const auto& level : bids) put(Side::Buy, level);
    for (const auto& level : asks) put(Side::Sell, level);
  }
  void apply(const Event& event) {
    if (event.kind == EventKind::Add) {
      put(event.side, {event.price, event.quantity});
    } else if (event.kind == EventKind::Reduce || event.kind == EventKind::Delete || event.kind == EventKind::Execute) {
      take(event);
    }
  }
  /// True when the best `count` levels of the row are those of the book.
  bool shows(Side side, Levels row, std::size_t count) const {
    std::size_t i = 0;
    bool equal = true;
    book_.visit_levels(side, [&](Ticks price, OrderBook::LevelView view) {
      if (i >= count || i >= row.size()) return false;
      equal = equal && row[i].price == price && row[i].quantity == view.quantity;
      ++i;
      return true;
    });
    return equal && i >= std::min(count, row.size());
  }

 private:
  void put(Side side, const Depth::Level& level) {
    ids_.push_back({side, level.price});
    book_.rest(ids_.size(), side, level.price, level.quantity);
  }
  /// Takes the quantity from whatever rests at the price: which order it was does not show in a level.
  void take(const Event& event) {
    Lots left = event.quantity;
    for (std::size_t id = 1; id <= ids_.size() && left.value > 0; ++id) {
      if (ids_[id - 1].first != event.side || ids_[id - 1].second != event.price) continue;
      const auto resting = book_.find(id);
      if (!resting) continue;
      const Lots by = std::min(left, resting->quantity);
      book_.reduce(id, by);
      left -= by;
    }
  }
  OrderBook book_{4096};
  std::vector<std::pair<Side, Ticks>> ids_;
};

struct Steps { std::size_t total = 0, inner = 0, all = 0; };

/// From each row of the book file and the next message: does the next row follow? At all levels but the last, and at all.
Steps one_step(const std::filesystem::path& path, const Tape& tape) {
  LobsterBook rows(LobsterFiles::find(path), 100);
  LevelBook book;
  Steps steps;
  std::vector<Depth::Level> bids, asks;
  REQUIRE(rows.next());
  const std::size_t levels = rows.levels();
  for (std::size_t i = 1; i < tape.events.size(); ++i) {
    bids.assign(rows.bids().begin(), rows.bids().end());
    asks.assign(rows.asks().begin(), rows.asks().end());
    book.fill(bids, asks);
    book.apply(tape.events[i]);
    REQUIRE(rows.next());
    ++steps.total;
    const auto follows = [&](std::size_t count) {
      return book.shows(Side::Buy, rows.bids(), count) && book.shows(Side::Sell, rows.asks(), count);
    };
    steps.inner += follows(levels - 1) ? 1 : 0;
    steps.all += follows(levels) ? 1 : 0;
  }
  CHECK(!rows.next());
  return steps;
}

std::size_t count(const Tape& tape, EventKind kind) {
  return static_cast<std::size_t>(std::count_if(tape.events.begin(), tape.events.end(),
                                                [&](const Event& event) { return event.kind == kind; }));
}

}  // namespace

TEST_CASE("messages become events with the day and New York's time of the file name") {
  const TemporaryFolder folder;
  put(folder / kBookName, kBook);
  const auto tape = load_source(source_of("lobster", put(folder / kName, kMessages)));
  REQUIRE(tape->events.size() == 6);
  CHECK(tape->instruments[0].name == "GOOG");
  CHECK(tape->instruments[0].tick_size == 0.01);
  const auto& events = tape->events;
  CHECK(format_time(events[0].exchange_time) == "2012-06-21T13:30:00.000000001Z");
  CHECK(events[0].kind == EventKind::Add);
  CHECK(events[0].side == Side::Buy);
  CHECK(events[0].price.value == 58533);
  CHECK(events[0].quantity.value == 100);
  CHECK(events[0].order == 11);
  CHECK(events[1].kind == EventKind::Execute);
  CHECK(events[1].side == Side::Sell);
  CHECK(events[2].kind == EventKind::Hidden);  // file order at equal times
  CHECK(events[2].price.value == 58534);       // nearest cent
  CHECK(events[2].payload == 5'853'350);       // exact, in 1e-4
  CHECK(events[3].kind == EventKind::Reduce);
  CHECK(events[4].kind == EventKind::Delete);
  CHECK(events[5].kind == EventKind::Halt);
  CHECK(events[5].price.value == 0);
  // The first row holds the first message already; the book before it does not.
  REQUIRE(tape->initial_books.size() == 1);
  CHECK(tape->initial_books[0].bids == 0);
  CHECK(tape->initial_books[0].asks == 1);
  CHECK(tape->initial_books[0].ask[0] == Depth::Level{{58534}, {18}});
  const auto fine = load_source(source_of("lobster", folder / kName, R"({"instrument": {"tick_size": 0.0001, "name": "X"}})"));
  CHECK(fine->events[2].price.value == 5'853'350);
  CHECK(fine->instruments[0].name == "X");
}

TEST_CASE("the book before the first message is found for every kind of message") {
  const TemporaryFolder folder;
  const auto first_book = [&](const std::string& message, const std::string& row) {
    put(folder / kBookName, row + "\n");
    return load_source(source_of("lobster", put(folder / kName, message + "\n")))->initial_books[0];
  };
  auto depth = first_book("34200,3,7,30,5853300,1", "5853400,18,5853200,100,5853500,1,5853100,1");
  REQUIRE(depth.bids == 3);
  CHECK(depth.bid[0] == Depth::Level{{58533}, {30}});
  CHECK(depth.bid[1] == Depth::Level{{58532}, {100}});
  depth = first_book("34200,4,7,30,5853500,-1", "5853400,18,5853200,100,5853600,1,5853100,1");
  REQUIRE(depth.asks == 3);
  CHECK(depth.ask[1] == Depth::Level{{58535}, {30}});
  CHECK(depth.ask[2] == Depth::Level{{58536}, {1}});
  depth = first_book("34200,2,7,30,5853400,-1", "5853400,18,5853200,100,5853500,1,5853100,1");
  CHECK(depth.ask[0] == Depth::Level{{58534}, {48}});
  depth = first_book("34200,1,7,18,5853400,-1", "5853400,18,5853200,100,5853500,1,5853100,1");
  CHECK(depth.asks == 1);
  CHECK(depth.ask[0] == Depth::Level{{58535}, {1}});
  depth = first_book("34200,5,0,18,5853400,-1", "5853400,18,5853200,100,5853500,1,5853100,1");
  CHECK(depth.asks == 2);
}

TEST_CASE("bad messages and books say where") {
  const TemporaryFolder folder;
  put(folder / kBookName, kBook);
  const auto refused = [&](const std::string& text, const std::string& message) {
    CAPTURE(text);
    const std::string what = load_error(source_of("lobster", put(folder / kName, text))).what();
    CAPTURE(what);
    CHECK(what.find(message) != std::string::npos);
  };
  const std::string good = "34200,1,11,100,5853300,1\n";
  refused("", "was an empty file");
  refused(good + "34199,1,12,100,5853300,1\n", "row 2: expected a time not before 34200 s, found 34199 s");
  refused(good + "x,1,12,100,5853300,1\n", "row 2: expected seconds after midnight");
  refused(good + "90000,1,12,100,5853300,1\n", "row 2: expected seconds after midnight");
  refused(good + "34200,8,12,100,5853300,1\n", "row 2: expected a message type from 1 to 7, found 8");
  refused(good + "34200,1,12,0,5853300,1\n", "row 2: expected a size > 0, found 0");
  refused(good + "34200,1,12,100,-1,1\n", "row 2: expected a price > 0, found -1");
  refused(good + "34200,1,0,100,5853300,1\n", "row 2: expected the id of an order, found 0");
  refused(good + "34200,1,12,100,5853300,2\n", "row 2: expected a direction of 1 (buy) or -1 (sell), found 2");
  refused(good + "34200,1,12,100,5853300\n", "row 2: expected a 64-bit integer as direction, found \"\"");
  refused(good + "34200,1,12,100,99999999999999999999,1\n", "row 2: expected a 64-bit integer as price");
  refused(good + "34200,1,12,100,5853350,1\n", "row 2: expected a price on ticks of 0.01, found 585.335");
  refused(good + "34200,7,0,0,5,-1\n", "row 2: expected -1, 0 or 1 as the price of a halt");
  refused(good + "\n", "row 2: expected seconds after midnight");
  put(folder / kBookName, "5853400,18,5853300\n");
  refused(good, "expected ask price, ask size, bid price, bid size");
  put(folder / kBookName, "5853400,18,5853300,-4\n");
  refused(good, "row 1: expected a price > 0 on ticks of 0.01 and a size > 0 at level 1");
  put(folder / kBookName, "");
  refused(good, "expected one row a message, was an empty file");
  std::filesystem::remove(folder / kBookName);
  refused(good, "set \"book\": \"none\"");
  CHECK(load_source(source_of("lobster", folder / kName, R"({"book": "none"})"))->initial_books.empty());
  CHECK(load_error(source_of("lobster", folder / "none.zip")).fault() == Fault::Data);
  put(folder / "plain_message.csv", good);
  CHECK(std::string(load_error(source_of("lobster", folder / "plain_message.csv", R"({"book": "none"})")).what()).find("date") !=
        std::string::npos);
}

TEST_CASE("GOOG, ten levels: row k-1 and message k give levels 1 to 9 of row k, for every step of the day") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  const auto path = folder / "LOBSTER_SampleFile_GOOG_2012-06-21_10.zip";
  const auto tape = load_source(source_of("lobster", path, R"({"window": false})"));
  CHECK(tape->events.size() == 147'916);
  CHECK(count(*tape, EventKind::Add) == 71'258);
  CHECK(count(*tape, EventKind::Reduce) == 19);
  CHECK(count(*tape, EventKind::Delete) == 64'961);
  CHECK(count(*tape, EventKind::Execute) == 7'765);
  CHECK(count(*tape, EventKind::Hidden) == 3'913);
  CHECK(tape->provenance.as_array()[0].at("detected").at("prices_between_ticks").as_integer() == 50);
  CHECK(format_time(tape->events.front().exchange_time).find("2012-06-21T13:30:00.0") == 0);
  std::size_t equal_times = 0;
  for (std::size_t i = 1; i < tape->events.size(); ++i) {
    equal_times += tape->events[i].exchange_time == tape->events[i - 1].exchange_time ? 1 : 0;
    REQUIRE(tape->events[i].sequence == i);
  }
  CHECK(equal_times == 8'537);
  const Steps steps = one_step(path, *tape);
  CHECK(steps.total == 147'915);
  CHECK(steps.inner == 147'915);
  CHECK(steps.all == 103'464);
}

TEST_CASE("AAPL: the ten-level slice follows step by step; the one-level day holds its counts") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  const auto slice = folder / "slices" / "AAPL_2012-06-21_34200000_57600000_message_10.csv";
  const auto tape = load_source(source_of("lobster", slice, R"({"window": false})"));
  CHECK(tape->events.size() == 999);
  CHECK(tape->initial_books[0].bids == 9);  // ten in the first row, one of them from the first message
  CHECK(tape->initial_books[0].asks == 10);
  const Steps steps = one_step(slice, *tape);
  CHECK(steps.total == 998);
  CHECK(steps.inner == 998);
  const auto path = folder / "LOBSTER_SampleFile_AAPL_2012-06-21_1.zip";
  const auto day = load_source(source_of("lobster", path, R"({"window": false})"));
  CHECK(day->events.size() == 118'497);
  CHECK(count(*day, EventKind::Execute) == 23'658);
  CHECK(day->provenance.as_array()[0].at("detected").at("prices_between_ticks").as_integer() == 372);
  const Steps one_level = one_step(path, *day);
  CHECK(one_level.total == 118'496);
  CHECK(one_level.all == 88'425);
}

TEST_CASE("the three depths of the GOOG day tell of the same executions") {
  const auto folder = market_data("lobster");
  if (folder.empty()) return;
  std::vector<std::vector<Event>> executions;
  for (const char* level : {"10", "5", "1"}) {
    const auto tape = load_source(source_of("lobster", folder / ("LOBSTER_SampleFile_GOOG_2012-06-21_" + std::string(level) + ".zip"),
                                            R"({"book": "none"})"));
    std::vector<Event>& found = executions.emplace_back();
    std::copy_if(tape->events.begin(), tape->events.end(), std::back_inserter(found), [](const Event& event) {
      return event.kind == EventKind::Execute || event.kind == EventKind::Hidden;
    });
  }
  for (std::size_t i = 1; i < executions.size(); ++i) {
    REQUIRE(executions[i].size() == executions[0].size());
    for (std::size_t k = 0; k < executions[0].size(); ++k) {
      REQUIRE(executions[i][k].exchange_time == executions[0][k].exchange_time);
      REQUIRE(executions[i][k].price == executions[0][k].price);
      REQUIRE(executions[i][k].quantity == executions[0][k].quantity);
    }
  }
}
