#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "tests/support/market.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

using namespace walras;
using namespace walras::tests;

namespace {

/// A fixed market and trader: prices, orders and everything after them follow from small integers.
RunRecord golden_run() {
  std::vector<TinyBar> bars;
  std::int64_t price = 10'000;
  for (std::int64_t i = 0; i < 300; ++i) {
    const std::int64_t open = price;
    price += (i * 7919) % 41 - 20;
    bars.push_back({open, std::max(open, price) + 7, std::min(open, price) - 7, price, 500 + i});
  }
  const auto plan = bar_market(bar_tape({{"A", bars}, {"B", {bars.rbegin(), bars.rend()}}}), R"({
    "fees": {"kind": "composite", "parts": [{"kind": "per_share", "amount": 0.005}, {"kind": "basis_points", "bps": 1.5}]},
    "slippage": {"kind": "volume_share", "impact": 0.1}, "volume_share": 0.05})");
  Probe probe;
  probe.slice = [count = std::int64_t{0}](Nanos, Orders& orders) mutable {
    ++count;
    const auto instrument = static_cast<InstrumentId>(count % 2);
    const Side side = count % 6 < 3 ? Side::Buy : Side::Sell;
    if (count % 3 == 0) orders.submit(market_order(instrument, side, 5 + count % 37));
    if (count % 5 == 0)
      orders.submit(
          limit_order(instrument, side, orders.mark(instrument).value - sign(side) * 4, 11));
  };
  AccountTerms terms = tiny_account(100'000);
  terms.borrow_rate = 0.05;
  return play(plan, probe, terms, true);
}

}  // namespace

TEST_CASE("golden run: the hash of a fixed market and trader does not move by accident") {
  const RunRecord record = golden_run();
  const std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B")};
  CHECK(record.fills.size() > 100);
  CHECK(record_hash({record}, instruments) == record_hash({golden_run()}, instruments));
  // A change of behaviour changes this value: say why in the same commit.
  CHECK(record_hash({record}, instruments) ==
        "3f5938079f571b7125313b82ebe8d75160719b2047ea36527943448071b79a14");
}

TEST_CASE(
    "the hash sees orders, fills, equity and names, and not the order of records, costs or "
    "warnings") {
  const std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B")};
  RunRecord first = golden_run(), second = first;
  second.strategy = "another";
  const std::string hash = record_hash({first, second}, instruments);
  CHECK(record_hash({second, first}, instruments) == hash);
  RunRecord changed = first;
  changed.warnings.push_back("x");
  changed.events = 0;
  CHECK(record_hash({changed, second}, instruments) == hash);
  changed = first;
  changed.equity[3].equity_micros += 1;
  CHECK(record_hash({changed, second}, instruments) != hash);
  changed = first;
  changed.fills[0].fee_micros += 1;
  CHECK(record_hash({changed, second}, instruments) != hash);
  changed = first;
  changed.orders[0].filled += Lots{1};
  CHECK(record_hash({changed, second}, instruments) != hash);
  CHECK(record_hash({first, second}, {tiny_instrument("A"), tiny_instrument("C")}) != hash);
}

TEST_CASE("a record survives the store to the last row, through a file too") {
  std::vector<Instrument> instruments{tiny_instrument("A"), tiny_instrument("B")};
  instruments[1].metadata = R"({"origin":"test"})";
  RunRecord first = golden_run(), second = first;
  first.strategy = "with/slash";
  first.warnings = {"one", "two"};
  first.fitted = Json::object({{"fast", 3}, {"score", 0.25}});
  second.fold = 4;
  second.out_of_sample = false;
  second.seed = 0xFFFF'FFFF'FFFF'FFFEu;
  const Store store = to_store({first, second}, instruments, Json::object({{"name", "test"}}));
  const auto file = std::filesystem::temp_directory_path() / "walras_run_record_test.h5";
  store.write(file);
  for (const Store& kept : {store, Store::read(file)}) {
    std::vector<Instrument> read_instruments;
    const std::vector<RunRecord> records = records_from_store(kept, read_instruments);
    REQUIRE(records.size() == 2);
    CHECK(read_instruments == instruments);
    CHECK(record_hash(records, read_instruments) == record_hash({first, second}, instruments));
    const RunRecord& read = records[1];  // "probe" goes before "with/slash"
    CHECK(read.strategy == "with/slash");
    CHECK(read.warnings == first.warnings);
    CHECK(read.fitted == first.fitted);
    CHECK(read.costs.turnover == first.costs.turnover);
    CHECK(read.positions.size() == first.positions.size());
    CHECK(read.positions.back().mark == first.positions.back().mark);
    CHECK(read.horizons_in_bars);
    CHECK(read.executions.size() == first.orders.size());
    CHECK(read.executions.back().end_mid == first.executions.back().end_mid);
    CHECK(read.markouts.size() == first.markouts.size());
    CHECK(records[0].seed == second.seed);
    CHECK_FALSE(records[0].out_of_sample);
    CHECK(records[0].fold == 4);
  }
  std::filesystem::remove(file);
  Store foreign = store;
  foreign.attributes["format"] = "something else";
  std::vector<Instrument> none;
  CHECK_THROWS_AS(static_cast<void>(records_from_store(foreign, none)), Error);
  Store cut = store;
  std::ranges::find(cut.tables, "with~1slash/oos/0/positions", &Table::name)->columns.pop_back();
  CHECK_THROWS_WITH_AS(static_cast<void>(records_from_store(cut, none)),
                       doctest::Contains("column mark"), Error);
}
