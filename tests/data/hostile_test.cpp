// Input that nobody writes on purpose, or somebody does.
#include "engine/data/source.hpp"
#include "tests/data/sources.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <iterator>
#include <string>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

const std::string kHeader = "Date,Open,High,Low,Close,Volume\n";

std::string error_of(const std::string& text, const std::string& kind = "ohlcv_csv") {
  const TemporaryFolder folder;
  return load_error(source_of(kind, put(folder / "X.csv", text))).what();
}

std::string bytes_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("lines of more than a mebibyte are refused with their row") {
  const std::string text = error_of(kHeader + "2020-01-02,1,1,1,1," + std::string(2'000'000, '1') + "\n");
  CAPTURE(text);
  CHECK(text.find("2") != std::string::npos);
  CHECK(text.size() < 1000);
  CHECK(error_of(std::string(3'000'000, 'x')).size() < 1000);
}

TEST_CASE("half a million columns, cells and delimiters end in a short message") {
  CHECK(error_of(std::string(500'000, ',') + "\n1\n").size() < 3000);
  CHECK(error_of(std::string(500'000, ',') + "\n", "close_panel").size() < 3000);
  std::string header = "Date", row = "2020-01-02";
  for (int i = 0; i < 20'000; ++i) {
    header += ",A" + std::to_string(i);
    row += ",1";
  }
  const TemporaryFolder folder;
  const auto tape = load_source(source_of("close_panel", put(folder / "wide.csv", header + "\n" + row + "\n")));
  CHECK(tape->instruments.size() == 20'000);
}

TEST_CASE("large numbers are kept exactly, larger ones refused, and no rounding goes unsaid") {
  const TemporaryFolder folder;
  const auto tape = load_source(source_of("ohlcv_csv", put(folder / "X.csv", kHeader + "2020-01-02,1000000000,1000000000,1000000000,1000000000,999999999999999999\n")));
  CHECK(tape->bars[0].close.value == 1'000'000'000);
  CHECK(tape->bars[0].volume.value == 999'999'999'999'999'999);
  CHECK(error_of(kHeader + "2020-01-02,1,1,1,1,99999999999999999999\n").find("expected a volume of X at 2020-01-02T00:00:00Z that fits 64-bit") != std::string::npos);
  CHECK(error_of(kHeader + "2020-01-02,1,1,1e-12,1,1\n").find("at least half a tick") != std::string::npos);
  const auto coarse = load_source(source_of("ohlcv_csv", put(folder / "X.csv", kHeader + "2020-01-02,1.5,1.5,1.5,1.5,1\n"), R"({"instrument": {"tick_size": 1}})"));
  CHECK(coarse->bars[0].close.value == 2);
  CHECK(coarse->provenance.as_array()[0].at("detected").at("instruments").at("X").at("prices_rounded").as_integer() == 4);
}

TEST_CASE("binary files, UTF-16 and wrong archives are refused") {
  CHECK(error_of(std::string("\xff\xfe\x44\0\x61\0", 6)).find("NUL byte") != std::string::npos);
  CHECK(error_of(std::string(1000, '\0')).find("NUL byte") != std::string::npos);
  CHECK(!error_of("\x1f\x8b\x08").empty());
  CHECK(!error_of("PK\x03\x04").empty());
}

TEST_CASE("compressed files cut anywhere are refused, never half read") {
  const auto daily = market_data("daily_ohlcv");
  const auto lobster = market_data("lobster");
  if (daily.empty() || lobster.empty()) return;
  const TemporaryFolder folder;
  for (const auto& file : {daily / "arch_sp500_1999-2018.csv.gz", daily / "GOOG_2004-2013.csv.zst", daily / "quandl_wiki_sample_2014.zip"}) {
    const std::string whole = bytes_of(file);
    for (const double part : {0.001, 0.1, 0.5, 0.9, 0.999}) {
      // A zip ends in its table of contents: without it the member is still whole, and its checksum holds.
      if (part == 0.999 && file.extension() == ".zip") continue;
      CAPTURE(file.string());
      CAPTURE(part);
      const auto cut = put(folder / "cut", whole.substr(0, static_cast<std::size_t>(part * static_cast<double>(whole.size()))));
      const Error error = load_error(source_of("ohlcv_csv", cut));
      CHECK((error.fault() == Fault::Data || error.fault() == Fault::Io));
      CHECK(std::string(error.what()).find("cut") != std::string::npos);
    }
  }
  const std::string day = bytes_of(lobster / "LOBSTER_SampleFile_GOOG_2012-06-21_1.zip");
  CHECK(load_error(source_of("lobster", put(folder / "cut.zip", day.substr(0, day.size() / 2)))).fault() == Fault::Data);
}
