#include "engine/data/source.hpp"
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

const std::string kHeader = "Date,Open,High,Low,Close,Volume\n";

/// The tape of one small file.
std::shared_ptr<const Tape> load_text(const std::string& text, const std::string& more = "{}") {
  const TemporaryFolder folder;
  return load_source(source_of("ohlcv_csv", put(folder / "X.csv", text), more));
}

std::string error_of(const std::string& text, const std::string& more = "{}") {
  const TemporaryFolder folder;
  return load_error(source_of("ohlcv_csv", put(folder / "X.csv", text), more)).what();
}

std::string when(Nanos time) { return format_time(time); }
const Json& detected(const Tape& tape) { return tape.provenance.as_array()[0].at("detected"); }

}  // namespace

TEST_CASE("daily bars end with the last nanosecond of their day") {
  const auto tape = load_text(kHeader + "2020-01-02,10.5,11,10,10.75,1000\n2020-01-03,10.75,12,10.7,12,2000\n");
  REQUIRE(tape->bars.size() == 2);
  const Instrument& instrument = tape->instruments[0];
  CHECK(instrument.name == "X");
  CHECK(instrument.tick_size == 0.01);
  CHECK(instrument.lot_size == 1);
  CHECK(instrument.periods_per_year == 252);
  CHECK(when(tape->bars[0].open_time) == "2020-01-02T00:00:00Z");
  CHECK(when(tape->bars[0].close_time) == "2020-01-02T23:59:59.999999999Z");
  CHECK(tape->bars[0].open.value == 1050);
  CHECK(tape->bars[0].high.value == 1100);
  CHECK(tape->bars[0].low.value == 1000);
  CHECK(tape->bars[0].close.value == 1075);
  CHECK(tape->bars[0].volume.value == 1000);
  CHECK(tape->events[0].kind == EventKind::Bar);
  CHECK(tape->events[0].price.value == 1075);
}

TEST_CASE("one table written in many ways gives one and the same tape") {
  const auto base = load_text(kHeader + "2020-01-02,10.5,11,10,10.75,1000\n2020-01-03,10.75,12,10.7,12,2000\n");
  const std::vector<std::pair<std::string, std::string>> ways{
      {"date;open;high;low;close;volume\n2020-01-02;10.5;11;10;10.75;1000\n2020-01-03;10.75;12;10.7;12;2000", "{}"},
      {"volume\tCLOSE\tlow\tHigh\topen\ttime\r\n1000\t10.75\t10\t11\t10.5\t2020/1/2\r\n2000\t12\t10.7\t12\t10.75\t2020/1/3\r\n", "{}"},
      {"\xEF\xBB\xBF,open,high,low,close,volume\n20200102,10.5,11,10,10.75,1000\n20200103,10.75,12,10.7,12,2000\n", "{}"},
      {",date,open,high,low,close,volume\n0,2020-01-02,10.5,11,10,10.75,1000\n1,2020-01-03,10.75,12,10.7,12,2000\n", "{}"},
      {"<Date>, <Open>, <High>, <Low>, <Close>, <Volume>\n2020-01-02, 10.5, 11, 10, 10.75, 1000\n2020-01-03, 10.75, 12, 10.7, 12, 2000\n\n\n", "{}"},
      {"\"Date\",\"Open\",\"High\",\"Low\",\"Close\",\"Volume\"\n\"2020-01-02\",\"10.50\",11,10,10.75,1e3\n2020-01-03,10.75,12,10.7,12.000,2000.0\n", "{}"},
      {"unix,open,high,low,close,Vol.\n1577923200,10.5,11,10,10.75,1000\n1578009600,10.75,12,10.7,12,2000\n", "{}"},
      {"ts_ns,open,high,low,close,volume\n1577923200000000000,10.5,11,10,10.75,1000\n1578009600000000000,10.75,12,10.7,12,2000\n", "{}"},
      {"timestamp,open,high,low,close,volume\n2020-01-02T00:00:00+09:00,10.5,11,10,10.75,1000\n2020-01-03T00:00:00+09:00,10.75,12,10.7,12,2000\n", "{}"},
      {"Date,Open,High,Low,Close,Volume\n1/2/2020,10.5,11,10,10.75,1000\n1/3/2020,10.75,12,10.7,12,2000\n", R"({"date_order": "month_day_year"})"},
      {"Date,Open,High,Low,Close,Volume\n2020-01-03,10.75,12,10.7,12,2000\n2020-01-02,10.5,11,10,10.75,1000\n", R"({"newest_first": true})"},
      {"when|a|b|c|d|e\n2020-01-02|10.5|11|10|10.75|1000\n2020-01-03|10.75|12|10.7|12|2000\n",
       R"({"columns": {"time": "when", "open": "a", "high": "b", "low": "c", "close": "d", "volume": "e"}})"},
  };
  for (const auto& way : ways) {
    CAPTURE(way.first);
    const auto tape = load_text(way.first, way.second);
    CHECK(tape->bars.size() == 2);
    CHECK(tape->content_hash == base->content_hash);
  }
}

TEST_CASE("minute bars are known at their end; the stamp's meaning may be given") {
  const std::string text = "time,open,high,low,close\n2020-01-02 09:30:00,1,2,1,2\n2020-01-02 09:31:00,2,2,1,1\n"
                           "2020-01-02 09:33:00,1,1,1,1\n";
  auto tape = load_text(text);
  CHECK(when(tape->bars[0].open_time) == "2020-01-02T09:30:00Z");
  CHECK(when(tape->bars[0].close_time) == "2020-01-02T09:30:59.999999999Z");
  CHECK(when(tape->bars[1].close_time) == "2020-01-02T09:31:59.999999999Z");
  tape = load_text(text, R"({"stamp": "close", "time_zone": "America/New_York"})");
  CHECK(when(tape->bars[0].open_time) == "2020-01-02T14:29:00Z");
  CHECK(when(tape->bars[0].close_time) == "2020-01-02T14:29:59.999999999Z");
  CHECK(error_of("time,open,high,low,close\n2020-01-02 09:30:00,1,2,1,2\n").find("interval_s") != std::string::npos);
  tape = load_text("time,open,high,low,close\n2020-01-02 09:30:00,1,2,1,2\n", R"({"interval_s": 300})");
  CHECK(when(tape->bars[0].close_time) == "2020-01-02T09:34:59.999999999Z");
}

TEST_CASE("weeks and months: Mondays and firsts begin the bar, other days end it") {
  auto tape = load_text(kHeader + "2020-01-01,1,1,1,1,0\n2020-02-01,1,1,1,1,0\n2020-03-01,1,1,1,1,0\n");
  CHECK(when(tape->bars[1].open_time) == "2020-02-01T00:00:00Z");
  CHECK(when(tape->bars[1].close_time) == "2020-02-29T23:59:59.999999999Z");
  CHECK(tape->instruments[0].periods_per_year == 12);
  tape = load_text(kHeader + "2020-01-31,1,1,1,1,0\n2020-02-29,1,1,1,1,0\n2020-03-31,1,1,1,1,0\n");
  CHECK(when(tape->bars[1].open_time) == "2020-02-01T00:00:00Z");
  CHECK(when(tape->bars[1].close_time) == "2020-02-29T23:59:59.999999999Z");
  tape = load_text(kHeader + "2020-01-06,1,1,1,1,0\n2020-01-13,1,1,1,1,0\n2020-01-20,1,1,1,1,0\n");
  CHECK(when(tape->bars[2].close_time) == "2020-01-26T23:59:59.999999999Z");
  CHECK(tape->instruments[0].periods_per_year == 52);
  tape = load_text(kHeader + "2020-01-10,1,1,1,1,0\n2020-01-17,1,1,1,1,0\n");
  CHECK(when(tape->bars[1].open_time) == "2020-01-11T00:00:00Z");
}

TEST_CASE("scaling by the adjusted close moves all four prices") {
  const std::string text = "Date,Open,High,Low,Close,Adj Close,Volume\n2020-01-02,100,110,90,100,50,7\n2020-01-03,100,104,98,102,102,7\n";
  auto tape = load_text(text, R"({"adjust": "scale"})");
  CHECK(tape->bars[0].open.value == 50);
  CHECK(tape->bars[0].high.value == 55);
  CHECK(tape->bars[0].low.value == 45);
  CHECK(tape->bars[0].close.value == 50);
  CHECK(tape->bars[1].close.value == 102);
  CHECK(tape->instruments[0].total_return);
  tape = load_text(text);
  CHECK(tape->bars[0].close.value == 100);
  CHECK(!tape->instruments[0].total_return);
  CHECK(tape->provenance.as_array()[0].at("notes").as_array()[0].as_string().find("adjusted close differs from close in 1 of 2") == 0);
  CHECK(error_of(kHeader + "2020-01-02,1,1,1,1,1\n", R"({"adjust": "scale"})").find("expected a column for adjusted") != std::string::npos);
}

TEST_CASE("a bad row stops with its place, what was expected and what was found") {
  const std::string good = "2020-01-02,10,11,9,10,5\n";
  const std::vector<std::pair<std::string, std::string>> cases{
      {"2020-01-03,10,10,9,11,5", "row 3: expected high >= open and close and low <= both, found O 10 H 10 L 9 C 11"},
      {"2020-01-03,10,12,10.5,11,5", "row 3: expected high >= open and close and low <= both"},
      {"2020-01-02,10,11,9,10,5", "row 3: expected a time after 2020-01-02T00:00:00Z, found the same again"},
      {"2020-01-01,10,11,9,10,5", "row 3: expected a time after 2020-01-02T00:00:00Z, found 2020-01-01"},
      {"2020-01-03,-1,11,-2,10,5", "row 3: expected a price > 0 in \"Open\", found -1"},
      {"2020-01-03,0,11,0,10,5", "row 3: expected a price > 0 in \"Open\", found 0"},
      {"2020-01-03,10,11,9,NaN,5", "row 3: expected a number in \"Close\", found no value (\"NaN\")"},
      {"2020-01-03,10,,9,10,5", "row 3: expected a number in \"High\", found no value (\"\")"},
      {"2020-01-03,10,11,9,ten,5", "row 3: expected a number in \"Close\", found \"ten\""},
      {"2020-01-03,10,11,9,1e400,5", "row 3: expected a number in \"Close\", found \"1e400\""},
      {"2020-01-03,10,11,9,10,-5", "row 3: expected a volume >= 0, found -5"},
      {"2020-01-03,10,11,9,10", "row 3: expected 6 cells as in the header, found 5"},
      {"2020-01-03,10,11,9,10,5,6", "row 3: expected 6 cells as in the header, found 7"},
      {"2020-13-03,10,11,9,10,5", "row 3: expected a time such as"},
      {"2020-01-03 10:00:00,10,11,9,10,5", "row 3: expected a time written as in the first row"},
      {"\n2020-01-03,10,11,9,10,5", "row 3: expected 6 cells, was an empty line amid the rows"},
      {"\"2020-01-03,10,11,9,10,5", "row 3: expected a closing double quote"},
      {std::string("2020-01-03,10,11,9,1\0,5", 23), "row 3: expected text, found a NUL byte"},
      {"2020-01-03,10,11e200,9,10,5", "fits 64-bit counts"},
  };
  for (const auto& one : cases) {
    CAPTURE(one.first);
    const std::string text = error_of(kHeader + good + one.first + "\n");
    CAPTURE(text);
    CHECK(text.find(one.second) != std::string::npos);
    CHECK(text.find("X.csv") != std::string::npos);
  }
}

TEST_CASE("files without data say what they are") {
  CHECK(error_of("").find("expected a header and rows, was an empty file") != std::string::npos);
  CHECK(error_of(kHeader).find("expected rows after the header, found none") != std::string::npos);
  CHECK(error_of("\n\n").find("was an empty line") != std::string::npos);
  CHECK(error_of("Date,Open,High,Low,Volume\n2020-01-02,1,1,1,1\n").find(
            "expected a column for close, found \"Date\", \"Open\", \"High\", \"Low\", \"Volume\"") != std::string::npos);
  CHECK(error_of("2020-01-02,1,1,1,1,1\n2020-01-03,1,1,1,1,1\n").find("must be a header") != std::string::npos);
  CHECK(error_of("Date,Open,Open,High,Low,Close\n").find("expected one column") != std::string::npos);
  CHECK(error_of("Date,Open,High,Low,Close\n1/2/2020,1,1,1,1\n").find("date_order") != std::string::npos);
  const Error missing = load_error(source_of("ohlcv_csv", "nowhere.csv"));
  CHECK(missing.fault() == Fault::Data);
}

TEST_CASE("rows are skipped or widened only when the scenario says so, and are counted") {
  const std::string text = kHeader + "2020-01-02,10,11,9,10,5\n2020-01-03,10,10,9,11,5\n2020-01-06,10,11,9,,5\n2020-01-07,10,11,9,10,5\n";
  auto tape = load_text(text, R"({"on_bad_row": "skip"})");
  CHECK(tape->bars.size() == 2);
  const Json& entry = tape->provenance.as_array()[0];
  CHECK(entry.at("rows").as_integer() == 4);
  CHECK(entry.at("rows_skipped").as_integer() == 2);
  CHECK(error_of(text, R"({"on_bad_row": "widen"})").find("row 4") != std::string::npos);
  tape = load_text(kHeader + "2020-01-02,10,9,11,12,5\n", R"({"on_bad_row": "widen"})");
  CHECK(tape->bars[0].high.value == 12);
  CHECK(tape->bars[0].low.value == 10);
  CHECK(tape->provenance.as_array()[0].at("rows_widened").as_integer() == 1);
  tape = load_text(kHeader + "2020-04-20,17,18,-40,-37,5\n", R"({"instrument": {"negative_prices": true}})");
  CHECK(tape->bars[0].close.value == -37);
}

TEST_CASE("a volume column without values can be left out") {
  const std::string text = kHeader + "2020-01-02,10,11,9,10,\n2020-01-03,10,11,9,10,\n";
  CHECK(error_of(text).find("found no value") != std::string::npos);
  CHECK(load_text(text, R"({"columns": {"volume": ""}})")->bars[0].volume.value == 0);
}

TEST_CASE("a folder is one instrument a file; unknown settings are refused") {
  const TemporaryFolder folder;
  put(folder / "B.csv", kHeader + "2020-01-02,10,11,9,10,5\n");
  put(folder / "A.csv", kHeader + "2020-01-02,20,21,19,20,5\n");
  put(folder / "notes.txt", "nothing");
  const auto tape = load_source(source_of("ohlcv_csv", folder.path()));
  REQUIRE(tape->instruments.size() == 2);
  CHECK(tape->instruments[0].name == "A");
  CHECK(tape->provenance.size() == 2);
  CHECK(load_error(source_of("ohlcv_csv", folder.path(), R"({"tick": 1})")).fault() == Fault::Scenario);
  CHECK(load_error(source_of("ohlcv_tsv", folder.path())).fault() == Fault::Scenario);
  CHECK(std::string(load_error(source_of("ohlcv_csv", "")).what()).find("/market/source/path: expected the path") == 0);
  CHECK(std::string(load_error(Json::array({source_of("ohlcv_csv", folder / "A.csv", R"({"instruments": ["B"]})")})).what()) ==
        "/market/source/0/instruments/0: expected one of A, was \"B\"");
  const Json twice = Json::array({source_of("ohlcv_csv", folder / "A.csv"), source_of("ohlcv_csv", folder / "A.csv")});
  CHECK(load_error(twice).fault() == Fault::Data);
  CHECK(load_error(Json::array()).fault() == Fault::Scenario);
}

TEST_CASE("the daily files of the market data are read as they are") {
  const auto folder = market_data("daily_ohlcv");
  if (folder.empty()) return;
  struct Case { std::string file; std::size_t bars; std::string first, last; double tick; };
  const std::vector<Case> cases{
      {"MSFT_1986-2017.csv.zst", 7983, "1986-03-13", "2017-11-10", 1e-5},
      {"SPY_1999-2020.csv.zst", 5241, "1999-11-01", "2020-08-28", 1e-4},
      {"arch_sp500_1999-2018.csv.gz", 5031, "1999-01-04", "2018-12-31", 1e-6},
      {"arch_nasdaq_1999-2018.csv.gz", 5031, "1999-01-04", "2018-12-31", 1e-6},
      {"GOOG_2004-2013.csv.zst", 2148, "2004-08-19", "2013-03-01", 0.01},
  };
  for (const Case& one : cases) {
    CAPTURE(one.file);
    const auto tape = load_source(source_of("ohlcv_csv", folder / one.file));
    CHECK(tape->bars.size() == one.bars);
    CHECK(format_date(tape->events.front().exchange_time) == one.first);
    CHECK(format_date(tape->events.back().exchange_time) == one.last);
    CHECK(tape->instruments[0].tick_size == one.tick);
    CHECK(tape->instruments[0].periods_per_year == 252);
    CHECK(detected(*tape).at("instruments").as_object()[0].second.at("prices_rounded").as_integer() == 0);
  }
  const auto stacked = load_source(source_of("ohlcv_csv", folder / "bokeh_stocks_long_2000-2013.csv.gz"));
  CHECK(stacked->instruments.size() == 5);
  CHECK(stacked->bars.size() == 12'154);
  CHECK(stacked->instruments[1].name == "FB");
  const auto wiki = load_source(source_of("ohlcv_csv", folder / "quandl_wiki_sample_2014.zip",
                                          R"({"instruments": ["ZEN"], "instrument": {"tick_size": 0.001}})"));
  CHECK(format_date(wiki->events.front().exchange_time) == "2014-05-15");
  const auto split = load_source(source_of("ohlcv_csv", folder / "quandl_wiki_sample_2014.zip",
                                           R"({"instruments": ["AAPL"], "adjust": "scale"})"));
  for (std::size_t i = 1; i < split->bars.size(); ++i) {  // the 7:1 split is gone
    const double change = static_cast<double>(split->bars[i].close.value) / static_cast<double>(split->bars[i - 1].close.value);
    CHECK(change > 0.9);
    CHECK(change < 1.1);
  }
}

TEST_CASE("the intraday files of the market data are read as they are") {
  const auto crypto = market_data("crypto_bars");
  const auto futures = market_data("futures_bars");
  const auto forex = market_data("fx_ticks");
  if (crypto.empty() || futures.empty() || forex.empty()) return;
  const auto perpetual = load_source(source_of("ohlcv_csv", crypto / "btc-perp-20211231-20220201_1m.csv.zst"));
  CHECK(perpetual->bars.size() == 45'031);
  CHECK(perpetual->instruments[0].periods_per_year == 365 * 1440);
  CHECK(detected(*perpetual).at("interval").as_string() == "60 s");
  const auto bittrex = load_source(source_of("ohlcv_csv", crypto / "bittrex_1m_201711"));
  CHECK(bittrex->instruments.size() == 8);
  CHECK(bittrex->instruments[1].name == "BTC-ETC");
  CHECK(bittrex->instruments[0].tick_size == 1e-8);
  CHECK(bittrex->instruments[0].lot_size == 1e-4);  // tick x lot stays a multiple of 1e-12
  const auto noisy = load_source(source_of("ohlcv_csv", crypto / "bittrex_5m_201801" / "ADA_BTC.csv.zst"));
  CHECK(noisy->bars.size() == 5720);
  CHECK(noisy->bars[0].open.value == 5330);  // 5.330000000000001e-05
  const auto monthly = load_source(source_of("ohlcv_csv", crypto / "BTCUSD_1M_2012-2024.csv"));
  CHECK(monthly->instruments[0].periods_per_year == 12);
  CHECK(load_error(source_of("ohlcv_csv", crypto / "perp_funding" / "XRP_USDT_USDT-8h-funding_rate.csv")).fault() == Fault::Data);

  const auto index = load_source(source_of("ohlcv_csv", futures / "CFFEX.IF.HOT_m5_2014-2017.csv.zst",
      R"({"time_zone": "Asia/Shanghai", "instrument": {"name": "IF", "multiplier": 300, "currency": "CNY", "tick_size": 0.2}})"));
  CHECK(index->bars.size() == 46'833);
  CHECK(detected(*index).at("stamp").as_string().find("bar close, detected") == 0);
  CHECK(format_time(index->bars[0].open_time) == "2014-01-02T01:30:00Z");
  CHECK(index->instruments[0].periods_per_year == doctest::Approx(252 * 48).epsilon(0.01));
  const auto euro = load_source(source_of("ohlcv_csv", futures / "6EH4.XCME_1min_20240101_20240131.csv.gz"));
  CHECK(euro->bars.size() == 29'996);
  CHECK(euro->instruments[0].tick_size == 5e-5 * 0.2);  // decimals show 1e-5; the contract's step is given by hand
  const auto hourly = load_source(source_of("ohlcv_csv", forex / "EURUSD_1h_2017-2018.csv.zst"));
  CHECK(hourly->bars.size() == 5000);
  CHECK(hourly->instruments[0].periods_per_year == doctest::Approx(252 * 24).epsilon(0.02));
  const auto bid = load_source(source_of("ohlcv_csv", forex / "fxcm_gbpusd_m1_bid_201202.csv.zst"));
  CHECK(bid->bars.size() == 30'117);
  CHECK(detected(*bid).at("time_zone").as_string() == "as written");
}

TEST_CASE("dividends, splits and fundings of named columns come at the open of their bar, before it") {
  const std::string text =
      "Date,Open,High,Low,Close,Volume,Dividends,Stock Splits,rate\n"
      "2020-01-02,40,40,40,40,10,0,0,\n2020-01-03,10,10,10,10,10,0.25,4.0,-0.0001\n2020-01-06,15,15,15,15,10,,0.6666666,0\n2020-01-07,10,10,10,10,10,0,1.5,0\n";
  CHECK(load_text(text)->events.size() == 4);  // named by nobody: prices may have been adjusted
  const std::string named = R"({"columns": {"dividend": "Dividends", "split": "Stock Splits", "funding": "rate"}})";
  CHECK(error_of(text, named).find("expected a split of X at 2020-01-06T00:00:00Z") != std::string::npos);
  std::string sound = text;
  sound.replace(sound.find("0.6666666"), 9, "0.1");
  const auto tape = load_text(sound, named);
  REQUIRE(tape->events.size() == 9);
  const std::vector<EventKind> kinds{EventKind::Bar, EventKind::Split, EventKind::Dividend, EventKind::Funding, EventKind::Bar, EventKind::Split, EventKind::Bar, EventKind::Split, EventKind::Bar};
  for (std::size_t i = 0; i < kinds.size(); ++i) CHECK(tape->events[i].kind == kinds[i]);
  CHECK(when(tape->events[1].exchange_time) == "2020-01-03T00:00:00Z");
  CHECK((tape->events[1].payload == 1 && tape->events[1].quantity == Lots{4}));
  CHECK(tape->events[2].price == tape->instruments[0].ticks(0.25));
  CHECK(tape->events[3].quantity == Lots{-100'000});
  CHECK((tape->events[5].payload == 10 && tape->events[5].quantity == Lots{1}));
  CHECK((tape->events[7].payload == 2 && tape->events[7].quantity == Lots{3}));
}
