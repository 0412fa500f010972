// The engine against backtesting.py 0.6.6 (numbers by tests/oracle/backtesting_parity.py): a crossover with a fixed size on
// EURUSD hours and BTCUSD months, market orders at the next open, percentage commission.
#include "engine/base/json.hpp"
#include "engine/catalog.hpp"
#include "engine/data/source.hpp"
#include "engine/sim/simulation.hpp"
#include "reports/trades.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>

#include <deque>

using namespace walras;

namespace {

/// Reverses at every crossing of two averages of closes, always with the same number of units.
class Crossover final : public engine::Participant {
 public:
  Crossover(std::size_t fast, std::size_t slow, Lots units) : fast_(fast), slow_(slow), units_(units) {}

  void on_event(const engine::Event& event, engine::Orders& orders) override {
    if (event.kind != engine::EventKind::Bar) return;
    closes_.push_back(event.price.value);
    if (closes_.size() > slow_) closes_.pop_front();
    if (closes_.size() < slow_) return;
    const std::int64_t spread = sum(fast_) * static_cast<std::int64_t>(slow_) - sum(slow_) * static_cast<std::int64_t>(fast_);
    const bool up = before_ < 0 && spread > 0, down = before_ > 0 && spread < 0;
    before_ = spread;
    if (!up && !down) return;
    engine::OrderRequest request;
    request.side = up ? engine::Side::Buy : engine::Side::Sell;
    request.quantity = units_;
    if (orders.position(0).value != 0) orders.submit(request);  // closes the old position
    orders.submit(request);
  }

 private:
  [[nodiscard]] std::int64_t sum(std::size_t count) const {
    std::int64_t total = 0;
    for (std::size_t i = closes_.size() - count; i < closes_.size(); ++i) total += closes_[i];
    return total;
  }
  std::size_t fast_, slow_;
  Lots units_;
  std::deque<std::int64_t> closes_;
  std::int64_t before_ = 0;
};

void compare(const std::string& market, const std::filesystem::path& file, const char* tick_size) {
  const Json expected = Json::read(tests::source_root() / "tests/data/backtesting_parity.json").at(market);
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  const Json source = Json::parse(R"({"kind": "ohlcv_csv", "path": ")" + file.string() +
                                  R"(", "instrument": {"name": "X", "tick_size": )" + tick_size + R"(, "lot_size": 1}})");
  const auto tape = engine::load_tape(source, "/market/source", sources, {});
  CHECK(tape->bars.size() == static_cast<std::size_t>(expected.at("bars").as_integer()));

  const Json venue = Json::object(
      {{"fees", Json::object({{"kind", "basis_points"}, {"bps", expected.at("commission").as_number() * 1e4}})},
       {"fill_at", "next_open"},
       {"volume_share", 0}});
  const auto plan = engine::build_market(Json::object({{"mode", "replay"}}), venue, tape, engine::engine_catalog());
  engine::Span span = plan->whole();
  span.close_at_end = false;
  engine::Simulation simulation(plan, span, 1);
  Crossover strategy(static_cast<std::size_t>(expected.at("fast").as_integer()),
                     static_cast<std::size_t>(expected.at("slow").as_integer()), Lots{expected.at("units").as_integer()});
  engine::AccountTerms terms;
  terms.capital = Money::from_units(expected.at("cash").as_number());
  terms.leverage = 10;
  const auto participant = simulation.add(strategy, "crossover", terms);
  simulation.run();
  const engine::RunRecord record = simulation.record(participant);

  const double final_equity = static_cast<double>(record.equity.back().equity_micros) * 1e-6;
  CHECK(final_equity == doctest::Approx(expected.at("final_equity").as_number()).epsilon(1e-12));
  const auto trips = reports::round_trips(record, tape->instruments);
  const auto& trades = expected.at("trades").as_array();
  REQUIRE(trips.size() == trades.size() + 1);  // the last one is still open
  for (std::size_t i = 0; i < trades.size(); ++i) {
    CAPTURE(i);
    const auto& trade = trades[i].as_array();
    CHECK((trips[i].side == engine::Side::Buy) == (trade[2].as_integer() > 0));
    CHECK(trips[i].entry == tape->bars[static_cast<std::size_t>(trade[0].as_integer())].open_time);
    CHECK(trips[i].exit == tape->bars[static_cast<std::size_t>(trade[1].as_integer())].open_time);
    CHECK(trips[i].entry_price == doctest::Approx(trade[3].as_number()).epsilon(1e-12));
    CHECK(trips[i].exit_price == doctest::Approx(trade[4].as_number()).epsilon(1e-12));
    CHECK(std::abs(trips[i].profit - trade[5].as_number()) < 0.005);
  }
}

}  // namespace

TEST_CASE("EURUSD hours: every trade and the final equity as backtesting.py has them") {
  const auto folder = tests::market_data("fx_ticks");
  if (!folder.empty()) compare("eurusd", folder / "EURUSD_1h_2017-2018.csv.zst", "1e-5");
}

TEST_CASE("BTCUSD months: every trade and the final equity as backtesting.py has them") {
  const auto folder = tests::market_data("crypto_bars");
  if (!folder.empty()) compare("btcusd", folder / "BTCUSD_1M_2012-2024.csv", "0.01");
}
