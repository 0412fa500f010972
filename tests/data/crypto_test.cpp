// Captures of crypto exchanges: Binance's raw streams and the CSV files of Tardis.
#include "engine/market/calendar.hpp"
#include "engine/data/feed.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <algorithm>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

const Json& detected(const Tape& tape) { return tape.provenance.as_array()[0].at("detected"); }
std::size_t count(const Tape& tape, EventKind kind) {
  return static_cast<std::size_t>(std::count_if(tape.events.begin(), tape.events.end(), [kind](const Event& event) { return event.kind == kind; }));
}

/// Lines of a futures capture: received one second before the exchange says it was sent.
std::string depth(std::int64_t received_ms, std::int64_t time_ms, int first, int last, int previous, const std::string& bids, const std::string& asks = "[]") {
  return std::to_string(received_ms) + R"( {"stream":"x@depth","data":{"e":"depthUpdate","E":)" + std::to_string(time_ms) + R"(,"T":)" + std::to_string(time_ms) +
         R"(,"s":"X","U":)" + std::to_string(first) + R"(,"u":)" + std::to_string(last) + R"(,"pu":)" + std::to_string(previous) + R"(,"b":)" + bids + R"(,"a":)" + asks + "}}\n";
}
std::string snapshot(std::int64_t received_ms, int last) {
  return std::to_string(received_ms) + R"( {"lastUpdateId":)" + std::to_string(last) + R"(,"bids":[["100.0","5"],["99.9","7"]],"asks":[["100.1","6"]]})" + "\n";
}
std::string trade(std::int64_t received_ms, std::int64_t time_ms, const char* price, const char* quantity, bool maker) {
  return std::to_string(received_ms) + R"( {"stream":"x@trade","data":{"e":"trade","E":)" + std::to_string(time_ms) + R"(,"T":)" + std::to_string(time_ms) +
         R"(,"s":"X","t":1,"p":")" + price + R"(","q":")" + quantity + R"(","X":"MARKET","m":)" + (maker ? "true" : "false") + "}}\n";
}

constexpr std::int64_t kStart = 1'700'000'000'000;

}  // namespace

TEST_CASE("a Binance book starts at its snapshot, drops updates that the snapshot holds, and follows the rest") {
  const TemporaryFolder folder;
  const std::string text = depth(kStart, kStart + 1000, 1, 10, 0, R"([["100.0","1"]])") + depth(kStart + 1, kStart + 1001, 11, 20, 10, R"([["100.0","9"]])") +
                           snapshot(kStart + 2, 15) + trade(kStart + 3, kStart + 1002, "100.0", "2.5", true) +
                           depth(kStart + 4, kStart + 1004, 21, 30, 20, R"([["100.0","0"]])", R"([["100.2","1.25"]])");
  const auto tape = load_source(source_of("binance", put(folder / "x", text)));
  CHECK(tape->instruments[0].name == "X");
  CHECK(tape->instruments[0].tick_size == 0.1);
  CHECK(tape->instruments[0].lot_size == 0.01);
  REQUIRE(tape->events.size() == 8);
  CHECK(tape->events[0].flags == kBookClear);
  const std::vector<std::tuple<EventKind, Side, std::int64_t, std::int64_t>> expected{
      {EventKind::Depth, Side::Buy, 1000, 500}, {EventKind::Depth, Side::Buy, 999, 700},   {EventKind::Depth, Side::Sell, 1001, 600},
      {EventKind::Depth, Side::Buy, 1000, 900}, {EventKind::Trade, Side::Sell, 1000, 250}, {EventKind::Depth, Side::Buy, 1000, 0},
      {EventKind::Depth, Side::Sell, 1002, 125}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i);
    const Event& event = tape->events[i + 1];
    CHECK(std::tuple{event.kind, event.side, event.price.value, event.quantity.value} == expected[i]);
  }
  CHECK(detected(*tape).at("updates_before_snapshot").as_integer() == 1);
  // The clock of the recorder is a second slow: the fastest message is given the smallest latency.
  CHECK(detected(*tape).at("clock_offset_ms").as_number() == doctest::Approx(1001));
  CHECK(tape->events.back().local_time - tape->events.back().exchange_time == Nanos{1'000'000});
  const auto given = load_source(source_of("binance", folder / "x", R"({"clock_offset_ms": 1500})"));
  CHECK(given->events.back().local_time - given->events.back().exchange_time == Nanos{500'000'000});
}

TEST_CASE("a gap in Binance's update numbers empties the book, or stops at its row") {
  const TemporaryFolder folder;
  const std::string text = snapshot(kStart, 15);
  const std::string named = depth(kStart, kStart, 10, 20, 9, R"([["100.0","9"]])");
  const auto path = put(folder / "x", named + text + depth(kStart + 4, kStart + 4, 31, 40, 30, R"([["99.0","1"]])"));
  const auto tape = load_source(source_of("binance", path));
  CHECK(detected(*tape).at("faults").at("sequence_gap").as_integer() == 1);
  CHECK(tape->events[tape->events.size() - 2].flags == kBookClear);
  const std::string strict = load_error(source_of("binance", path, R"({"strict": true})")).what();
  CHECK(strict.find("row 3: expected the next sequence number, found 30 after 20") != std::string::npos);
}

TEST_CASE("what is no capture is refused with its row; what cannot be is counted") {
  const TemporaryFolder folder;
  const auto error_of = [&](const std::string& text, const std::string& more = "{}") {
    return std::string(load_error(source_of("binance", put(folder / "x", text), more)).what());
  };
  const std::string good = trade(kStart, kStart, "100.0", "1", false);
  CHECK(error_of(good + "hello\n").find("row 2: expected a time of receipt") != std::string::npos);
  CHECK(error_of(good + "1700000000001 {\"e\":\n").find("row 2: expected a JSON message") != std::string::npos);
  CHECK(error_of(good + "1700000000001 {\"e\":\"trade\"}\n").find("row 2: expected the members") != std::string::npos);
  CHECK(error_of("").find("found 0 lines") != std::string::npos);
  for (const auto& [fault, bad] : {std::pair<std::string, std::string>{"bad_quantity", trade(kStart + 1, kStart + 1, "100.0", "-1", false)},
                                   {"bad_quantity", trade(kStart + 1, kStart + 1, "100.0", "99999999999999999999", false)},
                                   {"bad_price", trade(kStart + 1, kStart + 1, "0", "1", false)},
                                   {"clock_back", trade(kStart - 1, kStart + 1, "100.0", "1", false)},
                                   {"clock_back", trade(kStart + 1, kStart - 100'000, "100.0", "1", false)}}) {
    CAPTURE(fault);
    CAPTURE(bad);
    const auto tape = load_source(source_of("binance", put(folder / "x", good + bad + good)));
    CHECK(detected(*tape).at("faults").at(fault).as_integer() >= 1);
    CHECK(error_of(good + bad, R"({"strict": true})").find("row 2: expected") != std::string::npos);
  }
}

TEST_CASE("Binance 2024: no gap, a clock 1.25 s slow; the spot day goes on after midnight") {
  const auto folder = market_data("binance_raw");
  if (folder.empty()) return;
  const auto spot = load_source(source_of("binance", folder / "spot" / "btcusdt_20240808.gz",
                                          R"({"more": [")" + (folder / "spot" / "btcusdt_20240809.gz").string() + "\"]}"));
  CHECK(detected(*spot).at("faults").size() == 0);
  CHECK(detected(*spot).at("time_unit").as_string() == "ns");
  CHECK(detected(*spot).at("messages").at("snapshot").as_integer() == 1);
  CHECK(detected(*spot).at("shortest_delay_ms").as_number() < -1200);
  CHECK(detected(*spot).at("shortest_delay_ms").as_number() > -1300);
  CHECK(detected(*spot).at("crossed").as_integer() == 0);
  CHECK(spot->instruments[0].tick_size == 0.01);
  CHECK(spot->instruments[0].lot_size == 0.000001);  // some quantities have six decimals
  CHECK(count(*spot, EventKind::Trade) > 9'757);
  CHECK(spot->events.front().exchange_time < parse_stamp("2024-08-09")->time);
  CHECK(spot->events.back().exchange_time > parse_stamp("2024-08-09T00:04:00")->time);
  const auto coin = load_source(source_of("binance", folder / "cm" / "btcusd_perp_20240808.gz"));
  CHECK(detected(*coin).at("faults").size() == 0);
  CHECK(coin->instruments[0].tick_size == 0.1);
  CHECK(coin->instruments[0].lot_size == 1);
  CHECK(count(*coin, EventKind::Trade) == 2'286);
  CHECK(detected(*coin).at("crossed").as_integer() == 0);
}

TEST_CASE("Binance 2023: times in microseconds, the touch of bookTicker, and depth without a snapshot") {
  const auto folder = market_data("binance_raw");
  if (folder.empty()) return;
  const auto depth_day = load_source(source_of("binance", folder / "usdm_2023" / "btcusdt_20230404.dat.gz"));
  CHECK(detected(*depth_day).at("time_unit").as_string() == "us");
  CHECK(detected(*depth_day).at("faults").size() == 0);
  CHECK(count(*depth_day, EventKind::Trade) == 2'197);
  const auto touch = load_source(source_of("binance", folder / "usdm_2023" / "btcusdt_20230404.dat.gz", R"({"book": "touch"})"));
  CHECK(count(*touch, EventKind::Depth) == 2 * 6'765);
  CHECK(detected(*touch).at("crossed").as_integer() == 0);
  const auto spot = load_source(source_of("binance", folder / "spot_2023" / "btcusdt_20230405.dat.gz"));
  CHECK(spot->provenance.as_array()[0].at("notes").dump().find("no snapshot") != std::string::npos);
}

TEST_CASE("Tardis files are told by their headers") {
  const auto folder = market_data("tardis");
  if (folder.empty()) return;
  const auto trades = load_source(source_of("tardis", folder / "binance-futures_trades_BTCUSDT_20200222.csv.zst"));
  CHECK(count(*trades, EventKind::Trade) == 9'999);
  CHECK(detected(*trades).at("layout").as_string() == "trades");
  CHECK(trades->instruments[0].lot_size == 0.001);
  const auto quotes = load_source(source_of("tardis", folder / "binance-futures_quotes_BTCUSDT_20200222.csv.zst",
                                            R"({"trades": ")" + (folder / "binance-futures_trades_BTCUSDT_20200222.csv.zst").string() + "\"}"));
  CHECK(count(*quotes, EventKind::Depth) == 2 * 9'999);
  CHECK(count(*quotes, EventKind::Trade) == 9'999);
  const auto five = load_source(source_of("tardis", folder / "binance-futures_book_snapshot_5_BTCUSDT.csv"));
  CHECK(detected(*five).at("levels").as_integer() == 5);
  CHECK(detected(*five).at("crossed").as_integer() == 0);
  CHECK(detected(*load_source(source_of("tardis", folder / "binance-futures_book_snapshot_25_BTCUSDT.csv"))).at("levels").as_integer() == 25);
  const auto updates = load_source(source_of("tardis", folder / "deribit_incremental_book_L2_BTC-PERPETUAL.csv"));
  CHECK(updates->events.front().flags == kBookClear);
  CHECK(count(*updates, EventKind::Depth) == 16);
}

TEST_CASE("trades go before the book of the same time, snapshots replace it, and zero removes a level") {
  const TemporaryFolder folder;
  const std::string book = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n"
                           "x,B,1000000,1000500,true,bid,10.5,3\nx,B,1000000,1000500,true,ask,11,4\n"
                           "x,B,2000000,2000500,false,bid,10.5,1\nx,B,3000000,3000500,false,ask,11,0\nx,B,4000000,4000500,true,bid,10,2\n";
  const std::string trades = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nx,B,2000000,2000400,1,sell,10.5,2\nx,B,5000000,5000400,2,unknown,10,1\n";
  put(folder / "trades.csv", trades);
  const auto tape = load_source(source_of("tardis", put(folder / "book.csv", book), R"({"trades": ")" + (folder / "trades.csv").string() + "\"}"));
  std::vector<int> kinds;
  for (const Event& event : tape->events) kinds.push_back(event.kind == EventKind::Trade ? 1 : event.flags == kBookClear ? 2 : 0);
  CHECK(kinds == std::vector<int>{2, 0, 0, 1, 0, 0, 2, 0, 1});
  CHECK(tape->events[5].quantity == Lots{0});
  CHECK(tape->events[1].local_time - tape->events[1].exchange_time == Nanos{500'000});
  CHECK(detected(*tape).at("trades_without_side").as_integer() == 1);
  const auto error_of = [&](const std::string& text) { return std::string(load_error(source_of("tardis", put(folder / "bad.csv", text))).what()); };
  CHECK(error_of("a,b\n1,2\n").find("expected a column exchange") != std::string::npos);
  CHECK(error_of("exchange,symbol,timestamp,local_timestamp,id,side,price,amount\nx,B,soon,1,1,buy,1,1\n").find("row 2: expected microseconds") != std::string::npos);
  CHECK(error_of("exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\nx,B,1,1,maybe,bid,1,1\n").find("true or false") != std::string::npos);
}

TEST_CASE("fixed decimals are read exactly or not at all") {
  CHECK(read_fixed("61837.63000000", 8) == 6'183'763'000'000);
  CHECK(read_fixed("0.00000001", 8) == 1);
  CHECK(read_fixed("-1.5", 1) == -15);
  CHECK(read_fixed("5", 0) == 5);
  CHECK(read_fixed("1.250", 2) == 125);
  for (const char* text : {"", ".", "-", "1e5", "1.2.3", " 1", "1.001", "99999999999999999999", "9999999999999999", "nan"}) {
    CAPTURE(text);
    CHECK(!read_fixed(text, 2));
  }
}
