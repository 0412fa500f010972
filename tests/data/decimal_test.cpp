#include "engine/base/error.hpp"
#include "engine/market/decimal.hpp"
#include "engine/market/types.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace walras;
using namespace walras::engine;

namespace {
std::int64_t ticks(std::string_view text, double step) {
  const auto number = parse_decimal(text);
  REQUIRE(number);
  return scale(*number, shortest_decimal(step)).value().count;
}
}  // namespace

TEST_CASE("decimal text becomes ticks with one rounding, halves away from zero") {
  CHECK(ticks("0.07533", 1e-5) == 7533);
  CHECK(ticks("1.005", 0.01) == 101);  // 1.005 is below the half as a double
  CHECK(ticks("-1.005", 0.01) == -101);
  CHECK(ticks("1.00499999999999999", 0.01) == 100);
  CHECK(ticks("135.5625", 0.25) == 542);
  CHECK(ticks("5.330000000000001e-05", 1e-8) == 5330);
  CHECK(ticks("+12", 1) == 12);
  CHECK(ticks(".5", 0.5) == 1);
  CHECK(ticks("5.", 1) == 5);
  CHECK(ticks("1E3", 0.001) == 1'000'000);
  CHECK(ticks("123456789012345678901234567890", 1e25) == 12346);
  CHECK(ticks("0.000000000000000000000000000000000000000000001", 1) == 0);
  CHECK(ticks("0e300", 1) == 0);
  CHECK(ticks("9000000000000000000", 1) == 9'000'000'000'000'000'000);
  CHECK(!scale(*parse_decimal("9000000000000000001000"), {1, 0}));
  CHECK(!scale(*parse_decimal("1e300"), {1, 0}));
}

TEST_CASE("what is no number is refused") {
  for (const char* text : {"", "-", "+", ".", "e5", "1e", "1e+", "1.2.3", "nan", "inf", "0x10", "1,5", "1 2", "--1",
                           "1e999", "1e+-5", " 1", "1 "}) {
    CAPTURE(text);
    CHECK(!parse_decimal(text));
  }
}

TEST_CASE("decimals compare by value") {
  const auto order = [](const char* a, const char* b) { return compare(*parse_decimal(a), *parse_decimal(b)); };
  CHECK(order("1.10", "1.1") == 0);
  CHECK(order("1e2", "99.999") == 1);
  CHECK(order("-1e2", "99.999") == -1);
  CHECK(order("0", "-1e-300") == 1);
  CHECK(order("1e300", "1") == 1);
  CHECK(order("-1e300", "-1") == -1);
  CHECK(order("123456789.123456789", "123456789.12345679") == -1);
}

TEST_CASE("a tick's worth is exact, or an error says why not") {
  Instrument instrument;
  instrument.name = "X";
  CHECK(instrument.tick_value().value == Money::kPerUnit / 100);
  instrument.tick_size = 1e-6;
  instrument.multiplier = 1000;
  CHECK(instrument.tick_value().value == Money::kPerUnit / 1000);
  instrument.tick_size = 0.03125;
  instrument.multiplier = 1;
  CHECK(instrument.tick_value().value == Money::kPerUnit / 32);
  instrument.tick_size = 1e-8;
  instrument.lot_size = 1e-8;
  CHECK_THROWS_WITH_AS(static_cast<void>(instrument.tick_value()), doctest::Contains("multiple of 1e-12"), Error);
  instrument.lot_size = 0;
  CHECK_THROWS_AS(static_cast<void>(instrument.tick_value()), Error);
}

TEST_CASE("prices and quantities round to the nearest step") {
  Instrument instrument;
  CHECK(instrument.ticks(1.005).value == 101);
  CHECK(instrument.ticks(-1.005).value == -101);
  CHECK(instrument.ticks(1.0049999).value == 100);
  CHECK(instrument.ticks(0).value == 0);
  CHECK(instrument.lots(2.5).value == 3);
  CHECK_THROWS_AS(static_cast<void>(instrument.ticks(1e300)), Error);
  CHECK_THROWS_AS(static_cast<void>(instrument.ticks(std::stod("nan"))), Error);
}
