// LEAN's data folder: who owned a ticker when, what splits and dividends did, and ticks of two venues of one pair.
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <algorithm>
#include <cmath>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

Json lean(const std::filesystem::path& folder, const std::string& ticker, const std::string& more = "{}") {
  Json json = source_of("lean", folder, more);
  json["instruments"].push_back(ticker);
  return json;
}
const Json& entry(const Tape& tape) { return tape.provenance.as_array()[0]; }

double largest_move(const Tape& tape) {
  double largest = 0;
  for (std::size_t i = 1; i < tape.bars.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(tape.bars[i].close.value) / static_cast<double>(tape.bars[i - 1].close.value) - 1));
  }
  return largest;
}

}  // namespace

TEST_CASE("earlier owners of a ticker stay out: no move beyond 60 % where the files alone show jumps of thousands") {
  const auto folder = market_data("lean");
  if (folder.empty()) return;
  for (const std::string ticker : {"WM", "USO", "EEM", "BNO", "FB", "AAPL", "GOOG", "GOOGL", "IBM", "SPY"}) {
    CAPTURE(ticker);
    const auto tape = load_source(lean(folder, ticker));
    CHECK(tape->bars.size() > 1000);
    CHECK(largest_move(*tape) < 0.6);
    CHECK(tape->instruments[0].name == ticker);
    CHECK(tape->instruments[0].total_return);
  }
  // WM.zip holds two companies: the one of today wore two other tickers before 2009-08-05.
  const auto waste = load_source(lean(folder, "WM"));
  CHECK(entry(*waste).at("notes").dump().find("earlier owners") != std::string::npos);
  CHECK(format_date(waste->bars.front().open_time) < "2009-08-05");
}

TEST_CASE("AAPL: splits and dividends, folded in or paid") {
  const auto folder = market_data("lean");
  if (folder.empty()) return;
  const auto all = load_source(lean(folder, "AAPL"));
  const auto splits = load_source(lean(folder, "AAPL", R"({"adjust": "splits"})"));
  REQUIRE(all->bars.size() == splits->bars.size());
  CHECK(largest_move(*splits) < 0.6);
  const auto dividends = std::count_if(splits->events.begin(), splits->events.end(), [](const Event& event) { return event.kind == EventKind::Dividend; });
  CHECK(dividends > 20);
  CHECK(entry(*splits).at("detected").at("AAPL").at("dividends").as_integer() == dividends);
  // Holding one share and putting each payment back at the close before its day earns what the folded prices say.
  double shares = 1, last = 0;
  const auto close_of = [](const Tape& tape, std::size_t i) { return tape.instruments[0].price(tape.bars[i].close); };
  for (const Event& event : splits->events) {
    if (event.kind == EventKind::Bar) last = splits->instruments[0].price(event.price);
    if (event.kind == EventKind::Dividend) shares *= 1 / (1 - splits->instruments[0].price(event.price) / last);
  }
  const double paid = shares * close_of(*splits, splits->bars.size() - 1) / close_of(*splits, 0);
  const double folded = close_of(*all, all->bars.size() - 1) / close_of(*all, 0);
  CHECK(paid / folded == doctest::Approx(1).epsilon(0.002));  // factors have seven digits, prices of 1998 four
  // Raw prices come with their splits: 2:1 in 2000 and 2005, 7:1 in 2014, 4:1 in 2020, and holding one share through them earns the same.
  const auto raw = load_source(lean(folder, "AAPL", R"({"adjust": "raw"})"));
  REQUIRE(raw->bars.size() == all->bars.size());
  std::vector<std::int64_t> ratios;
  double held = 1;
  for (const Event& event : raw->events) {
    if (event.kind == EventKind::Bar) last = raw->instruments[0].price(event.price);
    if (event.kind == EventKind::Dividend) held *= 1 / (1 - raw->instruments[0].price(event.price) / last);
    if (event.kind != EventKind::Split) continue;
    CHECK(event.payload == 1);
    ratios.push_back(event.quantity.value);
    held *= static_cast<double>(event.quantity.value);
  }
  CHECK(ratios == std::vector<std::int64_t>{2, 2, 7, 4});
  CHECK(held * close_of(*raw, raw->bars.size() - 1) / close_of(*raw, 0) / folded == doctest::Approx(1).epsilon(0.002));
  const auto minutes = load_source(lean(folder, "AAPL", R"({"resolution": "minute"})"));
  CHECK(largest_move(*minutes) < 0.05);
}

TEST_CASE("ticks of one pair from two venues: one is crossed or locked in a quarter of its rows, the other never") {
  const auto folder = market_data("lean");
  if (folder.empty()) return;
  const std::string day = R"("resolution": "tick", "security": "forex", "begin": "2014-05-02T05:00:00", "end": "2014-05-03T04:59:59")";
  const auto fxcm = load_source(lean(folder, "EURUSD", "{" + day + R"(, "market": "fxcm"})"));
  CHECK(entry(*fxcm).at("detected").at("rows_crossed_or_locked").as_integer() >= 25'065);
  const auto oanda = load_source(lean(folder, "EURUSD", "{" + day + R"(, "market": "oanda"})"));
  CHECK(entry(*oanda).at("detected").at("rows_crossed_or_locked").as_integer() == 0);
  CHECK(entry(*oanda).at("detected").at("crossed").as_integer() == 0);
  CHECK(fxcm->instruments[0].tick_size == 0.00001);
}

TEST_CASE("IBM ticks: the best of all venues, trades signed by the quotes they met, suspicious rows left out") {
  const auto folder = market_data("lean");
  if (folder.empty()) return;
  const auto tape = load_source(lean(folder, "IBM", R"({"resolution": "tick", "begin": "2013-10-07T13:30:00", "end": "2013-10-07T14:00:00"})"));
  CHECK(entry(*tape).at("detected").at("suspicious_left_out").as_integer() > 0);
  CHECK(tape->instruments[0].tick_size <= 0.01);
  std::size_t buys = 0, sells = 0;
  for (const Event& event : tape->events) {
    if (event.kind == EventKind::Trade) (event.side == Side::Buy ? buys : sells) += 1;
  }
  CHECK(buys > 100);
  CHECK(sells > 100);
}

TEST_CASE("bars of quotes are mids; folders and tickers that are not there are told") {
  const auto folder = market_data("lean");
  if (folder.empty()) return;
  const auto bars = load_source(lean(folder, "EURUSD", R"({"resolution": "daily", "security": "forex", "market": "oanda"})"));
  CHECK(bars->bars.size() > 1000);
  const auto coins = load_source(lean(folder, "BTCUSD", R"({"resolution": "minute", "security": "crypto", "market": "coinbase"})"));
  CHECK(coins->bars[0].volume.value > 0);
  CHECK(load_error(lean(folder, "NONE")).fault() == Fault::Data);
  CHECK(load_error(lean(folder, "AAPL", R"({"market": "mars"})")).fault() == Fault::Data);
  CHECK(load_error(lean(folder, "../AAPL")).fault() == Fault::Scenario);
}
