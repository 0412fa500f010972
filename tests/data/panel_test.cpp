#include "engine/base/files.hpp"
#include "engine/data/fetch.hpp"
#include "engine/data/source.hpp"
#include "engine/market/calendar.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <charconv>
#include <cmath>
#include <string>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {
std::string error_of(const std::string& text, const std::string& more = "{}") {
  const TemporaryFolder folder;
  return load_error(source_of("close_panel", put(folder / "P.csv", text), more)).what();
}
}  // namespace

TEST_CASE("a panel gives one close-only instrument a column, gaps counted") {
  const TemporaryFolder folder;
  const auto file = put(folder / "P.csv", "Date,B,A\n2020-01-02,10.5,\n2020-01-03,,7\n2020-01-06,11,8\n2020-01-07,12,nan\n");
  const auto tape = load_source(source_of("close_panel", file, R"({"instrument": {"total_return": true}})"));
  REQUIRE(tape->instruments.size() == 2);
  CHECK(tape->instruments[0].name == "A");
  CHECK(tape->instruments[0].close_only);
  CHECK(tape->instruments[0].total_return);
  CHECK(tape->instruments[0].tick_size == 1);
  CHECK(tape->instruments[1].tick_size == 0.1);
  CHECK(tape->bars.size() == 5);
  CHECK(tape->bars[0].open == tape->bars[0].close);
  CHECK(tape->bars[0].volume.value == 0);
  const Json& missing = tape->provenance.as_array()[0].at("detected").at("missing");
  CHECK(missing.at("A").at("before_first").as_integer() == 1);
  CHECK(missing.at("A").at("after_last").as_integer() == 1);
  CHECK(missing.at("B").at("inside").as_integer() == 1);
  CHECK(load_error(source_of("close_panel", file, R"({"allow_missing": false})")).what() ==
        file.string() + ", row 2: expected a number in \"A\", found no value (\"\")");
}

TEST_CASE("bad panels say where") {
  CHECK(error_of("Date,A,A\n").find("found twice \"A\"") != std::string::npos);
  CHECK(error_of("Date,A,\n").find("an unnamed column") != std::string::npos);
  CHECK(error_of("Date\n2020-01-02\n").find("expected a time column and one column of closes") != std::string::npos);
  CHECK(error_of("Date,A\n").find("found none") != std::string::npos);
  CHECK(error_of("Date,A\n2020-01-02,x\n").find("row 2: expected a number in \"A\", found \"x\"") != std::string::npos);
  CHECK(error_of("Date,A\n2020-01-02,-3\n").find("expected a price > 0") != std::string::npos);
  CHECK(error_of("Date,A\n2020-01-02,1\n2020-01-02,1\n").find("row 3: expected a time after") != std::string::npos);
  CHECK(error_of("Date,A\n2020-01-02,1\n", R"({"time_column": "When"})").find("expected the column \"When\", found \"Date\", \"A\"") != std::string::npos);
  CHECK(error_of("A,B\n1.5,2.5\n").find("expected a time such as") != std::string::npos);
  CHECK(error_of("Date,A\n2020-01-02,\n").find("expected rows with values, found none") != std::string::npos);
}

TEST_CASE("the S&P panel equals its file cell by cell in millionths") {
  const auto folder = market_data("daily_panel");
  if (folder.empty()) return;
  const auto file = folder / "skfolio_sp500_20_close_1990-2022.csv.gz";
  const auto tape = read_sp500_panel(file);
  REQUIRE(tape->instruments.size() == 20);
  REQUIRE(tape->bars.size() == 20 * 8313);
  CHECK(format_date(tape->events.front().exchange_time) == "1990-01-02");
  CHECK(format_date(tape->events.back().exchange_time) == "2022-12-28");
  InputStream stream(file);
  std::string_view line;
  REQUIRE(stream.line(line));
  std::size_t event = 0;
  while (stream.line(line)) {  // columns are sorted by name already
    std::size_t at = line.find(',');
    const std::string date(line.substr(0, at));
    for (std::size_t column = 0; column < 20; ++column, ++event) {
      double price = 0;
      const auto end = std::from_chars(line.data() + at + 1, line.data() + line.size(), price).ptr;
      at = static_cast<std::size_t>(end - line.data());
      const Event& found = tape->events[event];
      REQUIRE(found.instrument == column);
      REQUIRE(found.price.value == std::llround(price * 1e6));
      REQUIRE(format_date(found.exchange_time) == date);
    }
  }
  CHECK(event == tape->events.size());
  const Instrument& apple = tape->instruments[0];
  CHECK(apple.name == "AAPL");
  CHECK(apple.close_only);
  CHECK(apple.total_return);
  CHECK(apple.tick_size == 1e-6);
  CHECK(apple.metadata.find("hindsight") != std::string::npos);
  const auto index = read_sp500_index(folder / "skfolio_sp500_index_1990-2022.csv.gz");
  CHECK(index->bars.size() == 8313);
  CHECK(index->instruments[0].name == "SP500");
  CHECK(!index->instruments[0].total_return);
  for (std::size_t day = 0; day < 8313; ++day) {
    REQUIRE(index->events[day].exchange_time == tape->events[20 * day].exchange_time);
  }
}

TEST_CASE("a ragged panel counts its missing cells") {
  const auto folder = market_data("daily_panel");
  if (folder.empty()) return;
  const auto tape = load_source(source_of("close_panel", folder / "pypfopt_19_close_1990-2024_ragged.csv.zst"));
  std::int64_t missing = 0;
  for (const auto& [name, counts] : tape->provenance.as_array()[0].at("detected").at("missing").as_object()) {
    for (const auto& [where, count] : counts.as_object()) missing += count.as_integer();
  }
  // SOURCE.md counts 31,461 empty cells over 20 columns.
  CHECK(missing + static_cast<std::int64_t>(tape->bars.size()) ==
        8796 * static_cast<std::int64_t>(tape->instruments.size()));
  CHECK(missing == 31'461);
  const Json summary = describe(*tape);
  CHECK(summary.at("rows").as_integer() == static_cast<std::int64_t>(tape->events.size()));
  CHECK(load_error(source_of("close_panel", folder / "olps_djia.csv.zst")).fault() == Fault::Data);
}
