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

using Instruments = std::vector<Instrument>;

std::string time_or_none(Nanos time) { return time == engine::kNever ? std::string() : engine::format_time(time); }

/// Of a middle price in half ticks.
std::string mid(const Instrument& instrument, std::int64_t half_ticks) {
  return half_ticks == engine::kNoMid ? std::string() : exact(instrument.price({half_ticks}) / 2);
}

// Each appends a record's rows to its file; `start` is what every row begins with.

void add_orders(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const engine::OrderRow& row : record.orders) {
    const Instrument& instrument = instruments.at(row.instrument);
    file += fmt::format("{}{},{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(row.time), row.order, quoted(instrument.name), side(row.side),
                        engine::name_of(row.type), engine::name_of(row.time_in_force),
                        row.price.value != 0 || row.type == engine::OrderType::Limit ? exact(instrument.price(row.price)) : "", exact(instrument.quantity(row.quantity)),
                        exact(instrument.quantity(row.filled)), row.reject == engine::Reject::None ? std::string_view() : engine::name_of(row.reject),
                        exact(instrument.price(row.arrival_mark)));
  }
}

void add_fills(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const engine::FillRow& row : record.fills) {
    const Instrument& instrument = instruments.at(row.instrument);
    file += fmt::format("{}{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(row.time), row.order, quoted(instrument.name), side(row.side),
                        row.maker ? "maker" : "taker", exact(instrument.price(row.price)), exact(instrument.quantity(row.quantity)), money(row.fee_micros),
                        money(row.slippage_micros), exact(instrument.quantity(row.position)));
  }
}

void add_equity(std::string& file, const std::string& start, const RunRecord& record, const Instruments&) {
  for (const engine::EquityRow& row : record.equity) {
    file += fmt::format("{}{},{},{},{},{}\n", start, engine::format_time(row.time), money(row.equity_micros), money(row.gross_micros), money(row.long_micros),
                        money(row.short_micros));
  }
}

void add_positions(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const engine::PositionRow& row : record.positions) {
    const Instrument& instrument = instruments.at(row.instrument);
    file += fmt::format("{}{},{},{},{}\n", start, engine::format_time(row.time), quoted(instrument.name), exact(instrument.quantity(row.position)),
                        exact(instrument.price(row.mark)));
  }
}

void add_trades(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const reports::RoundTrip& trip : reports::round_trips(record, instruments)) {
    file += fmt::format("{}{},{},{},{},{},{},{},{},{},{},{}\n", start, engine::format_time(trip.entry), engine::format_time(trip.exit),
                        quoted(instruments.at(trip.instrument).name), trip.side == engine::Side::Buy ? "long" : "short", exact(trip.quantity),
                        exact(trip.entry_price), exact(trip.exit_price), exact(trip.profit), exact(trip.costs), exact(trip.fraction), trip.open ? "yes" : "no");
  }
}

void add_executions(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  std::size_t order = 0;   // both are in the order in which orders were sent
  for (const engine::ExecutionRow& row : record.executions) {
    while (order < record.orders.size() && record.orders[order].order != row.order) ++order;
    if (order == record.orders.size()) fail(Fault::Data, "executions", fmt::format("expected an order {} beside them, found none; the file is no run record", row.order));
    const Instrument& instrument = instruments.at(record.orders[order].instrument);
    file += fmt::format("{}{},{},{},{},{},{},{},{},{},{}\n", start, row.order, quoted(instrument.name), time_or_none(row.arrived), time_or_none(row.first_fill),
                        time_or_none(row.last_fill), time_or_none(row.ended), mid(instrument, row.decision_mid), mid(instrument, row.arrival_mid),
                        mid(instrument, row.end_mid), row.vwap == engine::kNoMid ? std::string() : exact(instrument.price({row.vwap}) / 1e6));
  }
}

void add_markouts(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const engine::MarkoutRow& row : record.markouts) {
    const engine::FillRow& fill = record.fills.at(row.fill);
    const Instrument& instrument = instruments.at(fill.instrument);
    file += fmt::format("{}{},{},{},{},{},{},{}\n", start, row.fill, engine::format_time(fill.time), fill.order, quoted(instrument.name),
                        record.horizons_in_bars ? exact(static_cast<double>(row.horizon)) : exact(static_cast<double>(row.horizon) / 1e9),
                        record.horizons_in_bars ? "bars" : "s", mid(instrument, row.mid));
  }
}

void add_switches(std::string& file, const std::string& start, const RunRecord& record, const Instruments&) {
  for (const engine::SwitchRow& row : record.switches)
    file += fmt::format("{}{},{},{},{}\n", start, engine::format_time(row.time), engine::name_of(row.cause), money(row.equity_micros), row.cancelled);
}

void add_postings(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments) {
  for (const engine::PostingRow& row : record.postings) {
    const Instrument* instrument = row.instrument == engine::kNoInstrument ? nullptr : &instruments.at(row.instrument);
    file += fmt::format("{}{},{},{},{},{}\n", start, engine::format_time(row.time), engine::name_of(row.account), instrument ? quoted(instrument->name) : "",
                        money(row.amount_micros), instrument ? exact(instrument->quantity(row.position)) : "");
  }
}

void add_margin(std::string& file, const std::string& start, const RunRecord& record, const Instruments&) {
  for (const engine::MarginRow& row : record.margin) {
    file += fmt::format("{}{},{},{},{},{}\n", start, engine::format_time(row.time), money(row.used_micros), money(row.maintenance_micros),
                        money(row.free_micros), money(row.fund_micros));
  }
}

struct CsvFile {
  const char* name;
  const char* columns;   // after those that every row begins with
  void (*add)(std::string& file, const std::string& start, const RunRecord& record, const Instruments& instruments);
};
/// As docs/record.md has them: a file for each table, and the round trips.
constexpr std::array<CsvFile, 10> kFiles{{
    {"orders.csv", "time,order,instrument,side,type,time_in_force,price,quantity,filled,reject,arrival_mark", add_orders},
    {"fills.csv", "time,order,instrument,side,liquidity,price,quantity,fee,slippage,position", add_fills},
    {"equity.csv", "time,equity,gross,long,short", add_equity},
    {"positions.csv", "time,instrument,position,mark", add_positions},
    {"trades.csv", "entry,exit,instrument,side,quantity,entry_price,exit_price,profit,costs,return,open", add_trades},
    {"executions.csv", "order,instrument,arrived,first_fill,last_fill,ended,decision_mid,arrival_mid,end_mid,vwap", add_executions},
    {"markouts.csv", "fill,time,order,instrument,horizon,horizon_unit,mid", add_markouts},
    {"switches.csv", "time,cause,equity,cancelled", add_switches},
    {"postings.csv", "time,account,instrument,amount,position", add_postings},
    {"margin.csv", "time,used,maintenance,free,fund", add_margin},
}};

int export_record(const Arguments& arguments) {
  std::filesystem::path file = arguments.text("RECORD");
  if (std::filesystem::is_directory(file)) file /= "record.h5";
  std::vector<Instrument> instruments;
  const std::vector<RunRecord> records = engine::records_from_store(Store::read(file), instruments);
  const std::filesystem::path out = arguments.text("--out", (file.parent_path() / "csv").string());
  std::error_code problem;
  std::filesystem::create_directories(out, problem);
  if (problem) fail(Fault::Io, out.string(), "expected a folder to write to, was refused: " + problem.message());
  for (const CsvFile& one : kFiles) {
    std::string text = fmt::format("strategy,sample,fold,seed,{}\n", one.columns);
    for (const RunRecord& record : records) one.add(text, prefix(record), record, instruments);
    write_atomically(out / one.name, text);
    std::cout << "wrote " << (out / one.name).string() << '\n';
  }
  return 0;
}

}  // namespace

Command export_command() {
  return {"export", "write all tables of a run, and its round trips, as CSV", {{"RECORD", "record.h5, or the folder of a run"}},
          {{"--out", "DIR", "where the files go (default: csv beside the record)"}},
          {"walras export results/quickstart", "walras export results/quickstart/record.h5 --out csv"}, export_record};
}

}  // namespace walras::scenarios
