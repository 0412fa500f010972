// A run record as CSV files: what spreadsheets and other programs read. Prices and quantities are in the instrument's units.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/ledger/run_record.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/order_rules.hpp"
#include "reports/trades.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"

#include <fmt/format.h>

#include <array>
#include <iostream>
#include <map>

namespace walras::scenarios {
namespace {

using engine::Instrument;
using engine::RunRecord;

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// What every row begins with.
std::string prefix(const RunRecord& record) {
  return fmt::format("{},{},{},{},", quoted(record.strategy), record.out_of_sample ? "out_of_sample" : "in_sample", record.fold, record.seed);
}

std::string money(std::int64_t micros) {
  const std::int64_t whole = micros / 1'000'000, rest = micros % 1'000'000;
  return fmt::format("{}{}.{:06}", micros < 0 && whole == 0 ? "-" : "", whole, rest < 0 ? -rest : rest);
}

std::string_view side(engine::Side which) { return which == engine::Side::Buy ? "buy" : "sell"; }

/// The five files by name.
std::map<std::string, std::string> to_csv(const std::vector<RunRecord>& records, const std::vector<Instrument>& instruments) {
  const std::string first = "strategy,sample,fold,seed,";
  std::map<std::string, std::string> files{
      {"orders.csv", first + "time,order,instrument,side,type,time_in_force,price,quantity,filled,reject,arrival_mark\n"},
      {"fills.csv", first + "time,order,instrument,side,liquidity,price,quantity,fee,slippage,position\n"},
      {"equity.csv", first + "time,equity,gross,long,short\n"},
      {"positions.csv", first + "time,instrument,position,mark\n"},
      {"trades.csv", first + "entry,exit,instrument,side,quantity,entry_price,exit_price,profit,costs,return,open\n"}};
  for (const RunRecord& record : records) {
    const std::string start = prefix(record);
    for (const engine::OrderRow& row : record.orders) {
      const Instrument& instrument = instruments.at(row.instrument);
      files["orders.csv"] += fmt::format(
          "{}{},{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(row.time), row.order, quoted(instrument.name), side(row.side),
          engine::name_of(row.type), engine::name_of(row.time_in_force),
          row.price.value != 0 || row.type == engine::OrderType::Limit ? exact(instrument.price(row.price)) : "", exact(instrument.quantity(row.quantity)),
          exact(instrument.quantity(row.filled)), row.reject == engine::Reject::None ? std::string_view() : engine::name_of(row.reject), exact(instrument.price(row.arrival_mark)));
    }
    for (const engine::FillRow& row : record.fills) {
      const Instrument& instrument = instruments.at(row.instrument);
      files["fills.csv"] += fmt::format("{}{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(row.time), row.order,
                                        quoted(instrument.name), side(row.side), row.maker ? "maker" : "taker", exact(instrument.price(row.price)),
                                        exact(instrument.quantity(row.quantity)), money(row.fee_micros), money(row.slippage_micros),
                                        exact(instrument.quantity(row.position)));
    }
    for (const engine::EquityRow& row : record.equity) {
      files["equity.csv"] += fmt::format("{}{},{},{},{},{}\n", start, engine::format_time(row.time), money(row.equity_micros),
                                         money(row.gross_micros), money(row.long_micros), money(row.short_micros));
    }
    for (const engine::PositionRow& row : record.positions) {
      const Instrument& instrument = instruments.at(row.instrument);
      files["positions.csv"] += fmt::format("{}{},{},{},{}\n", start, engine::format_time(row.time), quoted(instrument.name),
                                            exact(instrument.quantity(row.position)), exact(instrument.price(row.mark)));
    }
    for (const reports::RoundTrip& trip : reports::round_trips(record, instruments)) {
      files["trades.csv"] += fmt::format("{}{},{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(trip.entry), engine::format_time(trip.exit),
                                         quoted(instruments.at(trip.instrument).name), trip.side == engine::Side::Buy ? "long" : "short",
                                         exact(trip.quantity), exact(trip.entry_price), exact(trip.exit_price), exact(trip.profit),
                                         exact(trip.costs), exact(trip.fraction), trip.open ? "yes" : "no");
    }
  }
  return files;
}

int export_record(const Arguments& arguments) {
  std::filesystem::path file = arguments.text("RECORD");
  if (std::filesystem::is_directory(file)) file /= "record.h5";
  std::vector<Instrument> instruments;
  const std::vector<RunRecord> records = engine::records_from_store(Store::read(file), instruments);
  const std::filesystem::path out = arguments.text("--out", (file.parent_path() / "csv").string());
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) fail(Fault::Io, out.string(), "expected a folder to write to, was refused: " + problem.message());
  for (const auto& [name, text] : to_csv(records, instruments)) {
    write_atomically(out / name, text);
    std::cout << "wrote " << (out / name).string() << '\n';
  }
  return 0;
}

}  // namespace

Command export_command() {
  return {"export", "write a run's trades, orders, fills, positions and equity as CSV", {{"RECORD", "record.h5, or the folder of a run"}},
          {{"--out", "DIR", "where the files go (default: csv beside the record)"}},
          {"walras export results/quickstart", "walras export results/quickstart/record.h5 --out csv"}, export_record};
}

}  // namespace walras::scenarios
