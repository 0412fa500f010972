#include "engine/data/fetch.hpp"
#include "engine/data/library.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

bool same(const Tape& a, const Tape& b) {
  return a.content_hash == b.content_hash && a.instruments == b.instruments && a.provenance == b.provenance &&
         a.events.size() == b.events.size() &&
         std::memcmp(a.events.data(), b.events.data(), a.events.size() * sizeof(Event)) == 0;
}

std::shared_ptr<const Tape> small_tape(const std::filesystem::path& folder) {
  return load_source(source_of("ohlcv_csv", put(folder / "X.csv", "Date,Open,High,Low,Close,Volume\n2020-01-02,10.5,11,10,10.75,1000\n"
                                                                 "2020-01-03,10.75,12,10.7,12,0\n")));
}

}  // namespace

TEST_CASE("a set comes back from the library bit for bit, and as a source") {
  const TemporaryFolder folder;
  const Library library(folder / "library");
  CHECK(library.names().empty());
  CHECK(!library.contains("a/path.csv"));
  const auto tape = small_tape(folder.path());
  const auto file = library.import("x-1", *tape, Json::object({{"title", "a test"}, {"licence", "none"}}));
  CHECK(std::filesystem::exists(file));
  CHECK(library.load("x-1")->instruments[0].metadata == R"({"title":"a test","licence":"none"})");
  library.import("plain", *tape, {});
  CHECK(same(*tape, *library.load("plain")));
  std::filesystem::remove(folder / "library" / "plain.h5");
  const auto source = Json::parse(R"({"kind": "library", "name": "x-1", "begin": "2020-01-03"})", "test");
  CHECK(load_source(source, {"", folder / "library"})->events.size() == 1);
  const Json list = library.list();
  REQUIRE(list.size() == 1);
  CHECK(list.as_array()[0].at("name").as_string() == "x-1");
  CHECK(list.as_array()[0].at("title").as_string() == "a test");
  CHECK(list.as_array()[0].at("rows").as_integer() == 2);
  const Json shown = library.show("x-1");
  CHECK(shown.at("metadata").at("licence").as_string() == "none");
  const Json& instrument = shown.at("instruments").as_array()[0];
  CHECK(instrument.at("bars_without_volume").as_integer() == 1);
  CHECK(instrument.at("largest_moves").as_array()[0].at("change").as_number() == doctest::Approx(12 / 10.75 - 1));
  CHECK(shown.at("provenance").as_array()[0].at("file").as_string() == "X.csv");
}

TEST_CASE("a set with a book keeps it") {
  const TemporaryFolder folder;
  put(folder / "A_2012-06-21_0_1_orderbook_1.csv", "101000,5,100000,7\n");
  const auto tape = load_source(source_of("lobster", put(folder / "A_2012-06-21_0_1_message_1.csv", "34200,5,0,1,100500,1\n")));
  const Library library(folder / "library");
  library.import("A", *tape, {});
  const auto back = library.load("A");
  CHECK(same(*tape, *back));
  CHECK(back->initial_books[0].bid[0] == Depth::Level{{1000}, {7}});
}

TEST_CASE("unknown, damaged and badly named sets are refused in words") {
  const TemporaryFolder folder;
  const Library library(folder / "library");
  const auto tape = small_tape(folder.path());
  CHECK_THROWS_WITH_AS(static_cast<void>(library.load("nothing")), doctest::Contains("expected a set called \"nothing\", found none"), Error);
  for (const char* name : {"", "../x", ".hidden", "a/b", "a b"}) {
    CHECK_THROWS_AS(static_cast<void>(library.import(name, *tape, {})), Error);
  }
  const auto file = library.import("x", *tape, {});
  CHECK_THROWS_WITH_AS(static_cast<void>(library.load("y")), doctest::Contains("\"x\""), Error);
  std::fstream bytes(file, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(-20, std::ios::end);
  bytes.put('\x7f');
  bytes.close();
  CHECK_THROWS_AS(static_cast<void>(library.load("x")), Error);
  std::filesystem::resize_file(file, 100);
  CHECK_THROWS_AS(static_cast<void>(library.load("x")), Error);
  put(folder / "library" / "z.h5", "not a store");
  CHECK_THROWS_AS(static_cast<void>(library.load("z")), Error);
}

TEST_CASE("fetching knows its names and refuses a package that is not the pinned one") {
  const TemporaryFolder folder;
  const Library library(folder / "library");
  CHECK_THROWS_WITH_AS(static_cast<void>(fetch("sp5000", library)), "data fetch: expected one of sp500, was \"sp5000\"", Error);
  const auto package = put(folder / "skfolio.whl", "PK");
  CHECK_THROWS_WITH_AS(static_cast<void>(import_package("sp500", package, library)), doctest::Contains("2d324c62a4188dc0"), Error);
  CHECK(library.names().empty());
  CHECK(fetchable_sets().size() == 1);
}
