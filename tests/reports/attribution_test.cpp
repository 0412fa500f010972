#include "reports/attribution.hpp"

#include "engine/base/error.hpp"
#include "reports/compose.hpp"
#include "reports/trades.hpp"
#include "tests/reports/demo.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::reports;

namespace {

std::vector<std::string> words(const ReportInput& input) { return texts(run_report(input)); }
bool says(const std::vector<std::string>& all, std::string_view part) {
  return std::any_of(all.begin(), all.end(), [&](const std::string& text) { return text.find(part) != std::string::npos; });
}

}  // namespace

TEST_CASE("profit by instrument follows marks, fills and fees, and the rest is financing") {
  std::vector<engine::Instrument> instruments(2);
  instruments[0].name = "X";
  instruments[1].name = "Y";
  engine::RunRecord record;
  record.begin = Nanos{10};
  record.end = Nanos{40};
  record.capital_micros = 1000'000'000;
  const auto fill = [&](std::int64_t time, engine::InstrumentId id, engine::Side side, std::int64_t price, std::int64_t quantity) {
    record.fills.push_back({Nanos{time}, 1, id, side, false, Ticks{price}, Lots{quantity}, 1'000'000, 500'000, Lots{0}});
  };
  const auto sample = [&](std::int64_t time, double equity) { record.equity.push_back({Nanos{time}, static_cast<std::int64_t>(equity * 1e6), 0, 0, 0}); };
  // a tick is a cent: X bought at 2.00, marked 2.50, sold at 3.00; Y sold short at 5.00, marked 5.20
  sample(10, 1000);
  fill(20, 0, engine::Side::Buy, 200, 100);
  record.positions.push_back({Nanos{20}, 0, Lots{100}, Ticks{250}});
  sample(20, 1000 + 50 - 1);
  fill(25, 1, engine::Side::Sell, 500, 50);
  record.positions.push_back({Nanos{30}, 0, Lots{100}, Ticks{260}});
  record.positions.push_back({Nanos{30}, 1, Lots{-50}, Ticks{520}});
  sample(30, 1000 + 60 - 1 - 10 - 1 - 3);  // and 3 of borrow
  fill(35, 0, engine::Side::Sell, 300, 100);
  record.positions.push_back({Nanos{40}, 1, Lots{-50}, Ticks{480}});
  sample(40, 1000 + 100 - 2 + 10 - 1 - 3);
  const engine::RunRecord* one[] = {&record};
  const ProfitParts parts = profit_parts(one, instruments);
  REQUIRE(parts.instruments.size() == 2);
  CHECK(parts.instruments[0].instrument == 0);
  CHECK(parts.instruments[0].profit == doctest::Approx(98));
  CHECK(parts.instruments[1].profit == doctest::Approx(9));
  CHECK(parts.instruments[0].fees == 2);
  CHECK(parts.instruments[0].slippage == 1);
  CHECK(parts.instruments[0].traded == doctest::Approx(500));
  CHECK(parts.financing == doctest::Approx(-3));
  REQUIRE(parts.contributions.size() == 3);
  CHECK(parts.contributions[2].name == "financing");
  const double equity[] = {1000, 1049, 1045, 1104};
  for (std::size_t t = 0; t < 3; ++t) {
    double sum = 0;
    for (const stats::Part& part : parts.contributions) sum += part.contributions[t];
    CHECK(sum == doctest::Approx(equity[t + 1] / equity[t] - 1).epsilon(1e-12));
  }
  record.fills[0].instrument = 9;
  CHECK_THROWS_AS((void)profit_parts(one, instruments), Error);
}

TEST_CASE("contributions of a whole record add up to its returns, period by period") {
  const tests::Demo made = tests::demo(504);
  for (const StrategyReport& strategy : made.input.strategies) {
    ReportInput input = made.input;
    input.records = made.records;
    const ProfitParts parts = profit_parts(records_of(input, strategy.name), made.instruments);
    REQUIRE(parts.contributions.front().contributions.size() == strategy.out_of_sample.net.size());
    for (std::size_t t = 0; t < strategy.out_of_sample.net.size(); ++t) {
      double sum = 0;
      for (const stats::Part& part : parts.contributions) sum += part.contributions[t];
      CHECK(sum == doctest::Approx(strategy.out_of_sample.net[t]).epsilon(1e-6));  // equity is kept in millionths
    }
  }
}

TEST_CASE("excursions of a round trip are its worst and best mark") {
  std::vector<engine::Instrument> instruments(1);
  engine::RunRecord record;
  record.end = Nanos{9};
  const auto fill = [&](std::int64_t time, engine::Side side, std::int64_t price, std::int64_t quantity) {
    record.fills.push_back({Nanos{time}, 1, 0, side, false, Ticks{price}, Lots{quantity}, 1'000'000, 0, Lots{0}});
  };
  const auto mark = [&](std::int64_t time, std::int64_t position, std::int64_t price) { record.positions.push_back({Nanos{time}, 0, Lots{position}, Ticks{price}}); };
  fill(1, engine::Side::Sell, 1000, 100);  // short 100 at 10.00, fee 1
  mark(1, -100, 1000);
  mark(2, -100, 1100);  // 100 lost
  mark(3, -100, 800);   // 200 gained
  fill(4, engine::Side::Buy, 900, 100);
  fill(6, engine::Side::Buy, 900, 10);  // long, closed before any mark
  fill(7, engine::Side::Sell, 950, 10);
  const auto trips = round_trips(record, instruments);
  REQUIRE(trips.size() == 2);
  CHECK(*trips[0].adverse == doctest::Approx(-101.0 / 1000));
  CHECK(*trips[0].favourable == doctest::Approx(199.0 / 1000));
  CHECK_FALSE(trips[1].adverse.has_value());
}

TEST_CASE("the report says where returns came from, and that no fold leaks") {
  tests::Demo made = tests::demo(1008);
  made.input.records = made.records;
  made.input.instruments = made.instruments;
  made.input.audit = {8, {}, "every training span ends before its test span begins; no test span overlaps another"};
  const auto all = words(made.input);
  for (const char* part : {"Where the return came from", "Profit and risk by instrument: Moving averages", "By weekday: Buy and hold", "By month: Momentum, cross-section",
                           "By regime of S&P 500: Buy and hold", "Splits and leaks", "Leak audit of 8 folds: clean", "Training and test spans"}) {
    CAPTURE(part);
    CHECK(says(all, part));
  }
  made.input.audit.problems = {"fold 3: test span overlaps that of fold 2"};
  const auto leaky = words(made.input);
  CHECK(says(leaky, "not clean"));
  CHECK(says(leaky, "Fold 3: test span overlaps that of fold 2."));
}
