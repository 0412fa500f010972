#include "engine/data/itch.hpp"

#include "engine/book/recorded_book.hpp"
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <algorithm>
#include <functional>
#include <tuple>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

/// A file of ITCH messages written field by field.
class ItchFile {
 public:
  explicit ItchFile(bool lengths = true) : lengths_(lengths) {}
  ItchFile& begin(char type, std::uint16_t locate, std::uint64_t of_day) {
    finish();
    message_ = {type};
    return number(locate, 2).number(0, 2).number(of_day, 6);
  }
  ItchFile& number(std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i) message_ += static_cast<char>(value >> (8 * i));
    return *this;
  }
  ItchFile& text(std::string value, std::size_t bytes) {
    value.resize(bytes, ' ');
    message_ += value;
    return *this;
  }
  ItchFile& add(std::uint64_t of_day, std::uint64_t id, char side, std::uint32_t shares, std::uint32_t price) {
    return begin('A', 7, of_day).number(id, 8).text({side}, 1).number(shares, 4).text("XYZ", 8).number(price, 4);
  }
  std::string bytes() {
    finish();
    return bytes_;
  }

 private:
  void finish() {
    if (message_.empty()) return;
    const std::size_t length = lengths_ ? message_.size() : 0;
    bytes_ += static_cast<char>(length >> 8);
    bytes_ += static_cast<char>(length);
    bytes_ += message_;
    message_.clear();
  }
  bool lengths_;
  std::string bytes_, message_;
};

constexpr std::uint64_t kOpen = 34'200'000'000'000;

Json day_of(const std::filesystem::path& file, const std::string& more = "{}") {
  Json json = source_of("itch50", file, more);
  json["date"] = "2019-01-30";
  return json;
}

std::size_t number_of(const Tape& tape, EventKind kind) {
  return static_cast<std::size_t>(std::count_if(tape.events.begin(), tape.events.end(), [kind](const Event& event) { return event.kind == kind; }));
}

RecordedBook rebuild(const Tape& tape, const std::string& name) {
  RecordedBook book(1024);
  for (const Event& event : tape.events) {
    if (tape.instruments[event.instrument].name != name) continue;
    if (event.kind == EventKind::Add) REQUIRE(book.add(event.order, event.side, event.price, event.quantity) == Reject::None);
    if (event.kind == EventKind::Delete) REQUIRE(book.remove(event.order) == event.quantity);
    if (event.kind == EventKind::Reduce || event.kind == EventKind::Execute) REQUIRE(book.reduce(event.order, event.quantity) == event.quantity);
  }
  return book;
}

}  // namespace

TEST_CASE("an ITCH day becomes events: adds, executions, cuts, deletions, replacements, trades, crosses and halts") {
  for (const bool lengths : {true, false}) {
    CAPTURE(lengths);
    ItchFile file(lengths);
    file.begin('R', 7, kOpen).text("XYZ", 8).text("", 20);
    file.begin('H', 7, kOpen).text("XYZ", 8).text("T", 1).text("", 5);
    file.add(kOpen + 1, 11, 'B', 300, 10'0100).add(kOpen + 2, 12, 'S', 100, 10'0300);
    file.begin('E', 7, kOpen + 3).number(11, 8).number(100, 4).number(1, 8);
    file.begin('C', 7, kOpen + 4).number(12, 8).number(40, 4).number(2, 8).text("Y", 1).number(10'0250, 4);
    file.begin('X', 7, kOpen + 5).number(11, 8).number(50, 4);
    file.begin('U', 7, kOpen + 6).number(11, 8).number(13, 8).number(70, 4).number(10'0200, 4);
    file.begin('P', 7, kOpen + 7).number(0, 8).text("S", 1).number(25, 4).text("XYZ", 8).number(10'0255, 4).number(3, 8);
    file.begin('Q', 7, kOpen + 8).number(1000, 8).text("XYZ", 8).number(10'0300, 4).number(4, 8).text("C", 1);
    file.begin('D', 7, kOpen + 9).number(13, 8);
    const TemporaryFolder folder;
    const auto tape = load_source(day_of(put(folder / "x.itch", file.bytes())));
    REQUIRE(tape->instruments.size() == 1);
    CHECK(tape->instruments[0].name == "XYZ");
    CHECK(tape->instruments[0].tick_size == 0.01);
    const std::vector<std::tuple<EventKind, Side, std::int64_t, std::int64_t, std::uint64_t, std::uint32_t>> expected{
        {EventKind::Halt, Side::Sell, 2, 0, 0, 0},
        {EventKind::Add, Side::Buy, 1001, 300, 11, 0},
        {EventKind::Add, Side::Sell, 1003, 100, 12, 0},
        {EventKind::Execute, Side::Buy, 1001, 100, 11, 0},
        {EventKind::Execute, Side::Sell, 1003, 40, 12, 10'0250},
        {EventKind::Reduce, Side::Buy, 1001, 50, 11, 0},
        {EventKind::Delete, Side::Buy, 1001, 150, 11, 0},
        {EventKind::Add, Side::Buy, 1002, 70, 13, 0},
        {EventKind::Hidden, Side::Sell, 1003, 25, 0, 10'0255},
        {EventKind::Trade, Side::Buy, 1003, 1000, 0, 10'0300},
        {EventKind::Delete, Side::Buy, 1002, 70, 13, 0}};
    REQUIRE(tape->events.size() == expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CAPTURE(i);
      const Event& event = tape->events[i];
      CHECK(std::tuple{event.kind, event.side, event.price.value, event.quantity.value, event.order, event.payload} == expected[i]);
    }
    CHECK(format_time(tape->events[0].exchange_time) == "2019-01-30T14:30:00Z");
    CHECK(tape->events[1].exchange_time - tape->events[0].exchange_time == Nanos{1});
  }
}

TEST_CASE("an ITCH feed that contradicts itself is counted, or stopped at its byte") {
  struct Case {
    const char* fault;
    std::function<void(ItchFile&)> spoil;
    const char* text;
  };
  const std::vector<Case> cases{
      {"unknown_order", [](ItchFile& f) { f.begin('D', 7, kOpen + 5).number(99, 8); }, "byte 76: expected an order that rests, found order 99"},
      {"unknown_order", [](ItchFile& f) { f.begin('E', 9, kOpen + 5).number(99, 8).number(1, 4).number(1, 8); }, "order 99 of a stock never named"},
      {"duplicate_order", [](ItchFile& f) { f.add(kOpen + 5, 11, 'B', 100, 10'0000); }, "order 11 again"},
      {"bad_quantity", [](ItchFile& f) { f.add(kOpen + 5, 13, 'B', 0, 10'0000); }, "expected a quantity > 0 that the order has, found 0"},
      {"bad_quantity", [](ItchFile& f) { f.begin('X', 7, kOpen + 5).number(11, 8).number(4'000'000'000, 4); }, "found 4000000000 of 300"},
      {"bad_price", [](ItchFile& f) { f.add(kOpen + 5, 13, 'B', 100, 0); }, "expected a price > 0"},
      {"bad_price", [](ItchFile& f) { f.add(kOpen + 5, 13, 'Z', 100, 10'0000); }, "side 'Z'"},
      {"clock_back", [](ItchFile& f) { f.add(kOpen - 5, 13, 'B', 100, 10'0000); }, "expected a time not before the last one"}};
  for (const Case& one : cases) {
    CAPTURE(one.text);
    ItchFile file;
    file.add(kOpen + 1, 11, 'B', 300, 10'0100).add(kOpen + 2, 12, 'S', 100, 10'0300);
    one.spoil(file);
    file.begin('D', 7, kOpen + 9).number(12, 8);
    const TemporaryFolder folder;
    const auto path = put(folder / "x.itch", file.bytes());
    const auto tape = load_source(day_of(path));
    const Json& entry = tape->provenance.as_array()[0];
    CHECK(entry.at("detected").at("faults").at(one.fault).as_integer() == 1);
    CHECK(entry.at("notes").size() >= 1);
    CHECK(tape->events.back().kind == EventKind::Delete);
    const std::string text = load_error(day_of(path, R"({"strict": true})")).what();
    CAPTURE(text);
    CHECK(text.find(one.text) != std::string::npos);
    CHECK(text.find("byte 76") != std::string::npos);
  }
}

TEST_CASE("bytes that are no ITCH, or end early, are refused with their byte") {
  const TemporaryFolder folder;
  const auto text_of = [&](const std::string& bytes) { return std::string(load_error(day_of(put(folder / "x.itch", bytes))).what()); };
  ItchFile file;
  const std::string good = file.add(kOpen, 1, 'B', 100, 10'0000).bytes();
  CHECK(text_of(good + "hello world, this is text").find("is the file cut off?") != std::string::npos);
  CHECK(text_of(good + good.substr(0, 20)).find("is the file cut off?") != std::string::npos);
  CHECK(text_of("").find("found none") != std::string::npos);
  CHECK(text_of(good + std::string("\0\x05" "Azzzz", 7)).find("found length 5 and type A") != std::string::npos);
  // A type of a later version is skipped by its length.
  const auto tape = load_source(day_of(put(folder / "x.itch", std::string("\0\x0c~abcdefghijk", 14) + good)));
  CHECK(tape->events.size() == 1);
  CHECK(tape->provenance.as_array()[0].at("notes").dump().find("unknown types") != std::string::npos);
  Json undated = source_of("itch50", put(folder / "plain.itch", good));
  CHECK(std::string(load_error(undated).what()).find("/date") != std::string::npos);
  CHECK(load_source(source_of("itch50", put(folder / "01302019.NASDAQ_ITCH50", good)))->events.size() == 1);
  CHECK(std::string(load_error(day_of(put(folder / "x.itch", good), R"({"instruments": ["ABC"]})")).what()).find("ABC") != std::string::npos);
}

TEST_CASE("the published files: real start-of-day messages, and an artificial day with zero lengths") {
  const auto folder = market_data("itch50");
  if (folder.empty()) return;
  const auto start = load_source(day_of(folder / "sample_real_1000.itch"));
  CHECK(number_of(*start, EventKind::Halt) == 3);
  CHECK(start->provenance.as_array()[0].at("rows").as_integer() == 1000);
  CHECK(start->provenance.as_array()[0].at("detected").at("messages").at("R").as_integer() == 993);
  const auto day = load_source(source_of("itch50", folder / "ex20101224.TEST_ITCH_50.gz"));
  const Json& entry = day->provenance.as_array()[0];
  CHECK(entry.at("detected").at("date").as_string() == "2010-12-24");
  CHECK(entry.at("detected").at("messages").dump() ==
        R"({"A":4997,"D":1745,"E":198,"F":3,"H":3,"P":5000,"R":3,"S":6,"U":12,"X":45})");
  CHECK(entry.at("detected").at("faults").at("unknown_order").as_integer() == 118);  // 117, and an order without a reference
  CHECK(entry.at("detected").at("crossed").as_integer() > 0);  // made without a matching engine
  struct Final {
    const char* name;
    std::size_t bids, asks;
    std::int64_t bid, bid_lots, ask, ask_lots, bid_sum, ask_sum;
  };
  std::size_t live = 0;
  // By an independent reading of the file into dictionaries.
  for (const Final& one : {Final{"ALC", 226, 245, 2706, 100, 2054, 100, 8566, 7221}, Final{"BOB", 169, 174, 69667, 100, 53417, 100, 133703, 219846},
                           Final{"CHAR", 173, 168, 256500, 30, 195750, 5, 9522, 10315}}) {
    CAPTURE(one.name);
    const RecordedBook rebuilt = rebuild(*day, one.name);
    const OrderBook& book = rebuilt.book();
    const auto at = std::find_if(day->instruments.begin(), day->instruments.end(), [&](const Instrument& i) { return i.name == one.name; });
    const std::int64_t scale = at->tick_size == 0.01 ? 100 : 1;
    CHECK(book.levels(Side::Buy) == one.bids);
    CHECK(book.levels(Side::Sell) == one.asks);
    const std::int64_t bid = one.bid * (std::string(one.name) == "ALC" ? 100 : 1), ask = one.ask * (std::string(one.name) == "ALC" ? 100 : 1);
    CHECK(book.best(Side::Buy).value * scale == bid);
    CHECK(book.best(Side::Sell).value * scale == ask);
    CHECK(book.level(Side::Buy, book.best(Side::Buy)).quantity.value == one.bid_lots);
    CHECK(book.level(Side::Sell, book.best(Side::Sell)).quantity.value == one.ask_lots);
    std::int64_t sums[2] = {0, 0};
    for (const Side side : {Side::Buy, Side::Sell}) {
      book.visit_levels(side, [&](Ticks, OrderBook::LevelView level) {
        sums[static_cast<std::size_t>(side)] += level.quantity.value;
        return true;
      });
    }
    CHECK(sums[0] == one.bid_sum);
    CHECK(sums[1] == one.ask_sum);
    live += book.orders();
  }
  CHECK(live == 3203);
  CHECK(load_error(source_of("itch50", folder / "ex20101224.TEST_ITCH_50.gz", R"({"strict": true})")).fault() == Fault::Data);
  const auto one = load_source(source_of("itch50", folder / "ex20101224.TEST_ITCH_50.gz", R"({"instruments": ["BOB"]})"));
  CHECK(one->instruments.size() == 1);
}
