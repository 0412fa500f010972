#include "engine/data/dbn.hpp"

#include "engine/book/recorded_book.hpp"
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <algorithm>
#include <cmath>
#include <functional>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

const Json& detected(const Tape& tape) { return tape.provenance.as_array()[0].at("detected"); }

/// Market-by-order records behind the metadata of one instrument.
class DbnFile {
 public:
  explicit DbnFile(int version = 1, const std::string& symbol = "XYZ") {
    const std::size_t width = version == 1 ? 22 : 71;
    std::string body = padded("TEST", 16);
    put(body, 0, 2);
    for (int i = 0; i < 3; ++i) put(body, 0, 8);
    if (version == 1) put(body, 0, 8);
    body += std::string("\x01\0\0", 3);
    if (version > 1) put(body, width, 2);
    body += std::string(version == 1 ? 47 : 53, '\0');
    put(body, 0, 4);
    put(body, 1, 4);
    body += padded(symbol, width);
    put(body, 0, 4);
    put(body, 0, 4);
    put(body, 1, 4);
    body += padded(symbol, width);
    put(body, 1, 4);
    put(body, 20200101, 4);
    put(body, 20200102, 4);
    body += padded("42", width);
    bytes_ = "DBN";
    bytes_ += static_cast<char>(version);
    put(bytes_, body.size(), 4);
    bytes_ += body;
  }
  DbnFile& mbo(char action, char side, std::uint64_t order, double price, std::uint64_t size, int flags = 0x80, std::int64_t lag = 10) {
    time_ += 1000;
    return mbo_at(time_, action, side, order, price, size, flags, lag);
  }
  DbnFile& mbo_at(std::int64_t time, char action, char side, std::uint64_t order, double price, std::uint64_t size, int flags, std::int64_t lag) {
    std::string record;
    put(record, 14, 1);
    put(record, 0xA0, 1);
    put(record, 1, 2);
    put(record, 42, 4);
    put(record, static_cast<std::uint64_t>(time), 8);
    put(record, order, 8);
    put(record, price > 1e9 ? static_cast<std::uint64_t>(kDbnNoPrice) : static_cast<std::uint64_t>(std::llround(price * 1e9)), 8);
    put(record, size, 4);
    put(record, static_cast<std::uint64_t>(flags), 1);
    put(record, 0, 1);
    record += action;
    record += side;
    put(record, static_cast<std::uint64_t>(time + lag), 8);
    put(record, 0, 8);
    bytes_ += record;
    return *this;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  static void put(std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
  }
  static std::string padded(std::string text, std::size_t size) {
    text.resize(size, '\0');
    return text;
  }
  std::string bytes_;
  std::int64_t time_ = 1'600'000'000'000'000'000;
};

using Line = std::tuple<EventKind, Side, std::int64_t, std::int64_t, std::uint64_t>;
std::vector<Line> lines(const Tape& tape) {
  std::vector<Line> all;
  for (const Event& event : tape.events) all.emplace_back(event.kind, event.side, event.price.value, event.quantity.value, event.order);
  return all;
}

RecordedBook rebuild(const Tape& tape) {
  RecordedBook book(4096);
  for (const Event& event : tape.events) {
    if (event.kind == EventKind::Add) REQUIRE(book.add(event.order, event.side, event.price, event.quantity) == Reject::None);
    if (event.kind == EventKind::Delete) REQUIRE(book.remove(event.order) == event.quantity);
    if (event.kind == EventKind::Reduce || event.kind == EventKind::Execute) REQUIRE(book.reduce(event.order, event.quantity) == event.quantity);
    if (event.kind == EventKind::Depth) book.clear();
  }
  return book;
}

}  // namespace

TEST_CASE("a match is one execution for each resting order: what the feed repeats is not counted twice") {
  for (const int version : {1, 2, 3}) {
    CAPTURE(version);
    DbnFile file(version);
    file.mbo('A', 'B', 1, 10.25, 5).mbo('A', 'B', 2, 10.25, 3).mbo('A', 'A', 3, 10.5, 4);
    file.mbo('T', 'A', 9, 10.25, 6, 0).mbo('F', 'B', 1, 10.25, 5, 0).mbo('F', 'B', 2, 10.25, 1, 0);
    file.mbo('C', 'B', 1, 10.25, 5, 0).mbo('M', 'B', 2, 10.25, 2);
    file.mbo('T', 'B', 9, 10.5, 2).mbo('M', 'A', 3, 10.75, 4).mbo('M', 'A', 3, 10.75, 1).mbo('C', 'A', 3, 10.75, 1);
    const TemporaryFolder folder;
    const auto tape = load_source(source_of("dbn", put(folder / "x.dbn", file.bytes())));
    CHECK(tape->instruments[0].name == "XYZ");
    CHECK(tape->instruments[0].tick_size == 0.01);
    const std::vector<Line> expected{{EventKind::Add, Side::Buy, 1025, 5, 1},     {EventKind::Add, Side::Buy, 1025, 3, 2},
                                     {EventKind::Add, Side::Sell, 1050, 4, 3},    {EventKind::Execute, Side::Buy, 1025, 5, 1},
                                     {EventKind::Execute, Side::Buy, 1025, 1, 2}, {EventKind::Trade, Side::Buy, 1050, 2, 0},
                                     {EventKind::Delete, Side::Sell, 1050, 4, 3}, {EventKind::Add, Side::Sell, 1075, 4, 3},
                                     {EventKind::Reduce, Side::Sell, 1075, 3, 3}, {EventKind::Delete, Side::Sell, 1075, 1, 3}};
    CHECK(lines(*tape) == expected);
    CHECK(tape->events[0].local_time - tape->events[0].exchange_time == Nanos{10});
    CHECK(detected(*tape).at("faults").size() == 0);
  }
}

TEST_CASE("a DBN feed that contradicts itself is counted, or stopped at its byte") {
  struct Case {
    const char* fault;
    std::function<void(DbnFile&)> spoil;
  };
  const std::vector<Case> cases{
      {"unknown_order", [](DbnFile& f) { f.mbo('C', 'B', 77, 10, 5); }},
      {"unknown_order", [](DbnFile& f) { f.mbo('M', 'B', 77, 10, 5); }},
      {"duplicate_order", [](DbnFile& f) { f.mbo('A', 'B', 1, 10, 5); }},
      {"bad_quantity", [](DbnFile& f) { f.mbo('A', 'B', 8, 10, 0); }},
      {"bad_quantity", [](DbnFile& f) { f.mbo('C', 'B', 1, 10, 4'000'000'000); }},
      {"bad_price", [](DbnFile& f) { f.mbo('A', 'B', 8, 1e10, 5); }},
      {"bad_price", [](DbnFile& f) { f.mbo('A', 'N', 8, 10, 5); }},
      {"clock_back", [](DbnFile& f) { f.mbo_at(1'500'000'000'000'000'000, 'A', 'B', 8, 10, 5, 0x80, 200'000'000'000'000'000); }},
      {"clock_skew", [](DbnFile& f) { f.mbo('A', 'B', 8, 10, 5, 0x80, -7); }},
      {"doubtful_book", [](DbnFile& f) { f.mbo('A', 'B', 8, 10, 5, 0x84); }}};
  for (const Case& one : cases) {
    CAPTURE(one.fault);
    DbnFile file;
    file.mbo('A', 'B', 1, 10.25, 5).mbo('A', 'A', 2, 10.5, 5);
    const std::size_t byte = file.bytes().size();
    one.spoil(file);
    file.mbo('C', 'A', 2, 10.5, 5);
    const TemporaryFolder folder;
    const auto path = put(folder / "x.dbn", file.bytes());
    const auto tape = load_source(source_of("dbn", path));
    CHECK(detected(*tape).at("faults").at(one.fault).as_integer() == 1);
    CHECK(tape->events.back().kind == EventKind::Delete);
    const std::string text = load_error(source_of("dbn", path, R"({"strict": true})")).what();
    CAPTURE(text);
    CHECK(text.find("byte " + std::to_string(byte) + ": expected") != std::string::npos);
  }
}

TEST_CASE("an iceberg trades beyond what it shows: the rest is hidden, and its refreshment joins the back") {
  DbnFile file;
  file.mbo('A', 'B', 1, 10.25, 2).mbo('A', 'B', 2, 10.25, 3).mbo('T', 'A', 9, 10.25, 5, 0).mbo('F', 'B', 1, 10.25, 5, 0).mbo('M', 'B', 1, 10.25, 2);
  file.mbo('T', 'A', 9, 10.25, 1, 0).mbo('F', 'B', 77, 10.25, 1);
  const TemporaryFolder folder;
  const auto tape = load_source(source_of("dbn", put(folder / "x.dbn", file.bytes())));
  const std::vector<Line> expected{{EventKind::Add, Side::Buy, 1025, 2, 1},     {EventKind::Add, Side::Buy, 1025, 3, 2},
                                   {EventKind::Execute, Side::Buy, 1025, 2, 1}, {EventKind::Hidden, Side::Buy, 1025, 3, 0},
                                   {EventKind::Add, Side::Buy, 1025, 2, 1},     {EventKind::Hidden, Side::Buy, 1025, 1, 0}};
  CHECK(lines(*tape) == expected);
  CHECK(detected(*tape).at("faults").size() == 0);
}

TEST_CASE("a snapshot enters when the feed goes live, and a cleared book is empty") {
  DbnFile file;
  const std::int64_t yesterday = 1'599'900'000'000'000'000;
  file.mbo_at(yesterday, 'R', 'N', 0, 1e10, 0, 0x28, 500).mbo_at(yesterday, 'A', 'B', 1, 10.25, 5, 0x28, 500).mbo_at(yesterday + 5, 'A', 'A', 2, 10.5, 5, 0x28, 500);
  file.mbo('A', 'B', 3, 10.25, 1).mbo('R', 'N', 0, 1e10, 0).mbo('A', 'B', 4, 10.0, 1);
  const TemporaryFolder folder;
  const auto tape = load_source(source_of("dbn", put(folder / "x.dbn", file.bytes())));
  CHECK(tape->events.size() == 6);
  for (std::size_t i = 0; i < 4; ++i) CHECK(tape->events[i].exchange_time == Nanos{1'600'000'000'000'001'000});
  CHECK(tape->events[1].flags == kSnapshot);
  const RecordedBook book = rebuild(*tape);
  CHECK(book.book().orders() == 1);
}

TEST_CASE("bytes that are no DBN are refused with their place") {
  const TemporaryFolder folder;
  const auto text_of = [&](const std::string& bytes) { return std::string(load_error(source_of("dbn", put(folder / "x.dbn", bytes))).what()); };
  DbnFile file;
  file.mbo('A', 'B', 1, 10.25, 5);
  CHECK(text_of(file.bytes() + "abc").find("is the file cut off?") != std::string::npos);
  CHECK(text_of(file.bytes().substr(0, 40)).find("is the file cut off?") != std::string::npos);
  CHECK(text_of("hello, this is no binary file of any kind").find("expected") != std::string::npos);
  CHECK(text_of(std::string("DBN\x09") + std::string(200, 'x')).find("version 1, 2 or 3") != std::string::npos);
  CHECK(text_of(std::string("DBN\x01\xff\xff\xff\xff") + std::string(200, 'x')).find("metadata of 100 bytes") != std::string::npos);
  std::string longer = file.bytes();
  longer[8 + 16 + 2 + 24 + 8 + 3 + 47 + 4] = '\x7f';  // more symbols than there are bytes
  CHECK(text_of(longer).find("lists of symbols") != std::string::npos);
  CHECK(text_of(file.bytes() + std::string(16, '\0')).find("16 bytes or more") != std::string::npos);
  CHECK(text_of(file.bytes() + std::string("\x05\xA0", 2) + std::string(18, '\0')).find("length of its type") != std::string::npos);
  const auto fixtures = market_data("dbn");
  if (fixtures.empty()) return;
  CHECK(std::string(load_error(source_of("dbn", fixtures / "schema_fixtures" / "test_data.mbo.dbz")).what()).find("DBZ") != std::string::npos);
}

TEST_CASE("ES of 2023-12-25: the book after 68,792 records, and what each of them became") {
  const auto folder = market_data("dbn");
  if (folder.empty()) return;
  const auto tape = load_source(source_of("dbn", folder / "esh4-glbx-mdp3-20231225.mbo.dbn.zst"));
  CHECK(detected(*tape).at("actions").dump() == R"({"A":29216,"C":17999,"F":6371,"M":12233,"T":2973})");
  CHECK(detected(*tape).at("faults").size() == 0);
  CHECK(tape->instruments[0].name == "ESH4");
  CHECK(tape->instruments[0].tick_size == 0.25);
  // 28 executions of icebergs went beyond the quantity shown, 7 of the opening auction met orders never shown.
  CHECK(detected(*tape).at("executions_beyond_what_was_shown").as_integer() == 35);
  std::int64_t executed = 0;
  for (const Event& event : tape->events) {
    if (event.kind == EventKind::Execute || event.kind == EventKind::Hidden) executed += event.quantity.value;
  }
  CHECK(executed == 10201);  // the sizes of all F records
  CHECK(std::count_if(tape->events.begin(), tape->events.end(), [](const Event& event) { return event.flags == kSnapshot; }) == 8725);
  const RecordedBook rebuilt = rebuild(*tape);
  const OrderBook& book = rebuilt.book();
  // By an independent reading: adds, changes and cancels alone, in dictionaries.
  CHECK(book.orders() == 11'217);
  CHECK(book.levels(Side::Buy) == 922);
  CHECK(book.levels(Side::Sell) == 565);
  CHECK(book.best(Side::Buy) == Ticks{4810 * 4});
  CHECK(book.best(Side::Sell) == Ticks{4810 * 4 + 1});
  CHECK(book.level(Side::Buy, book.best(Side::Buy)).quantity == Lots{22});
  CHECK(book.level(Side::Sell, book.best(Side::Sell)).quantity == Lots{28});
  CHECK(format_time(tape->events.front().exchange_time).starts_with("2023-12-25T22:00:00.18"));
}

TEST_CASE("every schema and version of the fixtures is read, or refused in words") {
  const auto folder = market_data("dbn");
  if (folder.empty()) return;
  std::size_t read = 0, refused = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "schema_fixtures")) {
    const std::string name = entry.path().filename().string();
    CAPTURE(name);
    const bool events = name.find("definition") == name.npos && name.find("statistics") == name.npos && name.find("imbalance") == name.npos &&
                        name.find(".dbz") == name.npos;
    if (events) {
      std::shared_ptr<const Tape> tape;
      // Fixtures are slices: orders of the mbo one were added before it, and a 1d bar file may be empty.
      try {
        tape = load_source(source_of("dbn", entry.path()));
      } catch (const Error& error) {
        const std::string text = error.what();
        CAPTURE(text);
        const bool empty = text.find("found 0 records") != std::string::npos;
        const bool slice = name.find(".mbo.") != name.npos && text.find("found 2 records") != std::string::npos;
        CHECK((empty || slice));
        ++refused;
        continue;
      }
      ++read;
      CHECK(tape->events.size() > 0);
      if (name.find("ohlcv") != name.npos) CHECK(tape->bars.size() > 0);
    } else {
      const Error error = load_error(source_of("dbn", entry.path()));
      CHECK(error.fault() == Fault::Data);
      CHECK(std::string(error.what()).find("expected") != std::string::npos);
      ++refused;
    }
  }
  CHECK(read + refused == 81);
  CHECK(read >= 43);
}

TEST_CASE("definitions state tick and multiplier") {
  const auto folder = market_data("dbn");
  if (folder.empty()) return;
  DbnFile file(1, "ESM3");
  file.mbo('A', 'B', 1, 4000, 5);
  const TemporaryFolder place;
  Json source = source_of("dbn", put(place / "x.dbn", file.bytes()));
  CHECK(load_source(source)->instruments[0].tick_size == 1);
  source["definitions"] = (folder / "definition-glbx-es-fut.dbn.zst").string();
  const auto tape = load_source(source);
  CHECK(tape->instruments[0].tick_size == 0.25);
  CHECK(tape->instruments[0].multiplier == 50);
}
