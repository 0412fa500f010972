#include "engine/ledger/run_record.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace walras::engine {
namespace {

// One list of columns a table: writing, reading and hashing all go through it, so that they cannot
// disagree.

template <class Visitor>
void columns(OrderRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("order", "", row.order);
  column("instrument", "index", row.instrument);
  column("side", "0 buy, 1 sell", row.side);
  column("type", "OrderType: 0 limit, 1 market, ...", row.type);
  column("time_in_force", "TimeInForce: 0 good till cancel, 1 immediate or cancel, 2 fill or kill, ...",
         row.time_in_force);
  column("price", "ticks", row.price.value);
  column("quantity", "lots", row.quantity.value);
  column("filled", "lots", row.filled.value);
  column("reject", "Reject", row.reject);
  column("arrival_mark", "ticks", row.arrival_mark.value);
}

template <class Visitor>
void columns(FillRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("order", "", row.order);
  column("instrument", "index", row.instrument);
  column("side", "0 buy, 1 sell", row.side);
  column("maker", "0 no, 1 yes", row.maker);
  column("price", "ticks", row.price.value);
  column("quantity", "lots", row.quantity.value);
  column("fee", "1e-6 currency", row.fee_micros);
  column("slippage", "1e-6 currency", row.slippage_micros);
  column("position", "lots", row.position.value);
}

template <class Visitor>
void columns(EquityRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("equity", "1e-6 currency", row.equity_micros);
  column("gross", "1e-6 currency", row.gross_micros);
  column("long", "1e-6 currency", row.long_micros);
  column("short", "1e-6 currency", row.short_micros);
}

template <class Visitor>
void columns(PositionRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("instrument", "index", row.instrument);
  column("position", "lots", row.position.value);
  column("mark", "ticks", row.mark.value);
}

template <class Visitor>
void columns(ExecutionRow& row, Visitor&& column) {
  column("order", "", row.order);
  column("arrived", "ns", row.arrived.value);
  column("first_fill", "ns", row.first_fill.value);
  column("last_fill", "ns", row.last_fill.value);
  column("ended", "ns", row.ended.value);
  column("decision_mid", "1/2 ticks", row.decision_mid);
  column("arrival_mid", "1/2 ticks", row.arrival_mid);
  column("end_mid", "1/2 ticks", row.end_mid);
  column("vwap", "1e-6 ticks", row.vwap);
}

template <class Visitor>
void columns(MarkoutRow& row, Visitor&& column) {
  column("fill", "row of fills", row.fill);
  column("horizon", "ns, or bars", row.horizon);
  column("mid", "1/2 ticks", row.mid);
}

template <class Visitor>
void columns(SwitchRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("cause", "Reject", row.cause);
  column("equity", "1e-6 currency", row.equity_micros);
  column("cancelled", "orders", row.cancelled);
}

template <class Visitor>
void columns(PostingRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("account", "LedgerAccount: 1 positions (a split), 6 dividends, 7 borrow, ...", row.account);
  column("instrument", "index; 4294967295 the whole account", row.instrument);
  column("amount", "1e-6 currency", row.amount_micros);
  column("position", "lots", row.position.value);
}

template <class Visitor>
void columns(MarginRow& row, Visitor&& column) {
  column("time", "ns", row.time.value);
  column("used", "1e-6 currency", row.used_micros);
  column("maintenance", "1e-6 currency", row.maintenance_micros);
  column("free", "1e-6 currency", row.free_micros);
  column("fund", "1e-6 currency", row.fund_micros);
}

template <class Value>
std::int64_t to_integer(const Value& value) {
  return static_cast<std::int64_t>(value);
}

template <class Row>
void hash_rows(Sha256& hash, const std::vector<Row>& rows) {
  hash.update_integer(static_cast<std::int64_t>(rows.size()));
  for (Row row : rows)
    columns(row, [&](const char*, const char*, const auto& value) {
      hash.update_integer(to_integer(value));
    });
}

template <class Row>
Table to_table(const std::string& name, const std::vector<Row>& rows) {
  Table table;
  table.name = name;
  table.attributes = Json::object();
  std::vector<std::vector<std::int64_t>> values;
  Row names{};
  columns(names, [&](const char* column, const char* unit, const auto&) {
    table.columns.push_back({column, unit, {}});
  });
  values.resize(table.columns.size());
  for (auto& column : values) column.reserve(rows.size());
  for (Row row : rows) {
    std::size_t at = 0;
    columns(row, [&](const char*, const char*, const auto& value) {
      values[at++].push_back(to_integer(value));
    });
  }
  for (std::size_t i = 0; i < values.size(); ++i) table.columns[i].values = std::move(values[i]);
  return table;
}

template <class Row>
std::vector<Row> from_table(const Table& table) {
  std::vector<Row> rows(table.rows());
  Row names{};
  std::vector<const std::vector<std::int64_t>*> values;
  columns(names, [&](const char* name, const char*, const auto&) {
    const NamedColumn* column = table.find(name);
    const auto* integers =
        column ? std::get_if<std::vector<std::int64_t>>(&column->values) : nullptr;
    if (!integers || integers->size() != rows.size()) {
      fail(Fault::Data, table.name,
           fmt::format("expected an integer column {}, found none; the file is no run record",
                       name));
    }
    values.push_back(integers);
  });
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::size_t at = 0;
    columns(rows[i], [&](const char*, const char*, auto& value) {
      value = static_cast<std::remove_reference_t<decltype(value)>>((*values[at++])[i]);
    });
  }
  return rows;
}

std::vector<const RunRecord*> in_order(const std::vector<RunRecord>& records) {
  std::vector<const RunRecord*> sorted;
  for (const RunRecord& record : records) sorted.push_back(&record);
  const auto key = [](const RunRecord* record) {
    return std::tie(record->strategy, record->out_of_sample, record->fold, record->seed);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const RunRecord* a, const RunRecord* b) { return key(a) < key(b); });
  return sorted;
}

std::string fold_path(const RunRecord& record) {
  return fmt::format("{}/{}/{}", escape_pointer(record.strategy),
                     record.out_of_sample ? "oos" : "is", record.fold);
}

Json describe(const RunRecord& record) {
  Json warnings = Json::array();
  for (const std::string& warning : record.warnings) warnings.push_back(warning);
  // Seeds are 64 bits without a sign, which JSON integers do not hold.
  return Json::object({{"strategy", record.strategy},
                       {"fold", static_cast<std::int64_t>(record.fold)},
                       {"out_of_sample", record.out_of_sample},
                       {"seed", std::to_string(record.seed)},
                       {"begin_ns", record.begin.value},
                       {"end_ns", record.end.value},
                       {"capital", record.capital_micros},
                       {"fees", record.costs.fees},
                       {"slippage", record.costs.slippage},
                       {"borrow", record.costs.borrow},
                       {"dividends", record.costs.dividends},
                       {"turnover", record.costs.turnover},
                       {"funding", record.costs.funding},
                       {"swap", record.costs.swap},
                       {"liquidation", record.costs.liquidation},
                       {"insurance", record.costs.insurance},
                       {"liquidations", static_cast<std::int64_t>(record.liquidations)},
                       {"events", static_cast<std::int64_t>(record.events)},
                       {"horizons_in_bars", record.horizons_in_bars},
                       {"fitted", record.fitted},
                       {"warnings", std::move(warnings)},
                       {"cut_off", record.cut_off}});
}

RunRecord described(const Json& text) {
  RunRecord record;
  record.strategy = text.at("strategy").as_string();
  record.fold = static_cast<std::uint32_t>(text.at("fold").as_integer());
  record.out_of_sample = text.at("out_of_sample").as_bool();
  record.seed = std::stoull(text.at("seed").as_string());
  record.begin = {text.at("begin_ns").as_integer()};
  record.end = {text.at("end_ns").as_integer()};
  record.capital_micros = text.at("capital").as_integer();
  record.costs.fees = text.at("fees").as_integer();
  record.costs.slippage = text.at("slippage").as_integer();
  record.costs.borrow = text.at("borrow").as_integer();
  record.costs.dividends = text.at("dividends").as_integer();
  record.costs.turnover = text.at("turnover").as_integer();
  const auto later = [&](const char* key) {  // not in records of earlier versions
    const Json* value = text.find(key);
    return value ? value->as_integer() : 0;
  };
  record.costs.funding = later("funding");
  record.costs.swap = later("swap");
  record.costs.liquidation = later("liquidation");
  record.costs.insurance = later("insurance");
  record.liquidations = static_cast<std::uint32_t>(later("liquidations"));
  record.events = static_cast<std::uint64_t>(text.at("events").as_integer());
  if (const Json* bars = text.find("horizons_in_bars")) record.horizons_in_bars = bars->as_bool();
  record.fitted = text.at("fitted");
  for (const Json& warning : text.at("warnings").as_array())
    record.warnings.push_back(warning.as_string());
  if (const Json* reason = text.find("cut_off")) record.cut_off = reason->as_string();
  return record;
}

Table instrument_table(const std::vector<Instrument>& instruments) {
  std::vector<std::string> name, currency, metadata;
  std::vector<double> tick_size, lot_size, multiplier, periods;
  std::vector<std::uint8_t> negative_prices, close_only, total_return;
  for (const Instrument& instrument : instruments) {
    name.push_back(instrument.name);
    currency.push_back(instrument.currency);
    metadata.push_back(instrument.metadata);
    tick_size.push_back(instrument.tick_size);
    lot_size.push_back(instrument.lot_size);
    multiplier.push_back(instrument.multiplier);
    periods.push_back(instrument.periods_per_year);
    negative_prices.push_back(instrument.negative_prices ? 1 : 0);
    close_only.push_back(instrument.close_only ? 1 : 0);
    total_return.push_back(instrument.total_return ? 1 : 0);
  }
  return {"instruments",
          {{"name", "", std::move(name)},
           {"currency", "", std::move(currency)},
           {"tick_size", "currency", std::move(tick_size)},
           {"lot_size", "shares", std::move(lot_size)},
           {"multiplier", "currency/point", std::move(multiplier)},
           {"negative_prices", "0 no, 1 yes", std::move(negative_prices)},
           {"close_only", "0 no, 1 yes", std::move(close_only)},
           {"total_return", "0 no, 1 yes", std::move(total_return)},
           {"periods_per_year", "1/year", std::move(periods)},
           {"metadata", "JSON", std::move(metadata)}},
          Json::object()};
}

template <class T>
const std::vector<T>& values_of(const Table& table, std::string_view name) {
  const NamedColumn* column = table.find(name);
  const auto* values = column ? std::get_if<std::vector<T>>(&column->values) : nullptr;
  if (!values)
    fail(Fault::Data, table.name,
         fmt::format("expected a column {}, found none; the file is no run record", name));
  return *values;
}

std::vector<Instrument> instruments_of(const Table& table) {
  std::vector<Instrument> instruments(table.rows());
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    Instrument& instrument = instruments[i];
    instrument.name = values_of<std::string>(table, "name")[i];
    instrument.currency = values_of<std::string>(table, "currency")[i];
    instrument.metadata = values_of<std::string>(table, "metadata")[i];
    instrument.tick_size = values_of<double>(table, "tick_size")[i];
    instrument.lot_size = values_of<double>(table, "lot_size")[i];
    instrument.multiplier = values_of<double>(table, "multiplier")[i];
    instrument.periods_per_year = values_of<double>(table, "periods_per_year")[i];
    instrument.negative_prices = values_of<std::uint8_t>(table, "negative_prices")[i] != 0;
    instrument.close_only = values_of<std::uint8_t>(table, "close_only")[i] != 0;
    instrument.total_return = values_of<std::uint8_t>(table, "total_return")[i] != 0;
  }
  return instruments;
}

}  // namespace

std::string record_hash(const std::vector<RunRecord>& records,
                        const std::vector<Instrument>& instruments) {
  Sha256 hash;
  const auto text = [&](const std::string& value) {
    hash.update_integer(static_cast<std::int64_t>(value.size()));
    hash.update(value);
  };
  hash.update_integer(static_cast<std::int64_t>(instruments.size()));
  for (const Instrument& instrument : instruments) text(instrument.name);
  hash.update_integer(static_cast<std::int64_t>(records.size()));
  for (const RunRecord* record : in_order(records)) {
    text(record->strategy);
    hash.update_integer(record->out_of_sample ? 1 : 0);
    hash.update_integer(record->fold);
    hash.update_integer(record->capital_micros);
    hash_rows(hash, record->orders);
    hash_rows(hash, record->fills);
    hash_rows(hash, record->equity);
    if (!record->margin.empty()) hash_rows(hash, record->margin);
  }
  return hash.hex();
}

Store to_store(const std::vector<RunRecord>& records, const std::vector<Instrument>& instruments,
               Json attributes) {
  Store store;
  store.attributes = std::move(attributes);
  store.attributes["format"] = "walras/record/1";
  store.attributes["record_hash"] = record_hash(records, instruments);
  std::vector<std::string> paths, about;
  std::map<std::string, std::size_t> paths_of_fold;   // generated markets: one simulation a seed
  store.tables.push_back(instrument_table(instruments));
  for (const RunRecord* record : in_order(records)) {
    std::string path = fold_path(*record);
    if (const std::size_t before = paths_of_fold[path]++; before > 0) path += fmt::format("-{}", before);
    paths.push_back(path);
    about.push_back(describe(*record).dump());
    store.tables.push_back(to_table(path + "/orders", record->orders));
    store.tables.push_back(to_table(path + "/fills", record->fills));
    store.tables.push_back(to_table(path + "/equity", record->equity));
    store.tables.push_back(to_table(path + "/positions", record->positions));
    if (!record->executions.empty()) store.tables.push_back(to_table(path + "/executions", record->executions));
    if (!record->markouts.empty()) store.tables.push_back(to_table(path + "/markouts", record->markouts));
    if (!record->switches.empty()) store.tables.push_back(to_table(path + "/switches", record->switches));
    if (!record->postings.empty()) store.tables.push_back(to_table(path + "/postings", record->postings));
    if (!record->margin.empty()) store.tables.push_back(to_table(path + "/margin", record->margin));
  }
  store.tables.push_back({"folds",
                          {{"path", "", std::move(paths)}, {"about", "JSON", std::move(about)}},
                          Json::object()});
  return store;
}

std::vector<RunRecord> records_from_store(const Store& store,
                                          std::vector<Instrument>& instruments) {
  const Json* format = store.attributes.find("format");
  if (!format || !format->is_string() || format->as_string() != "walras/record/1") {
    fail(Fault::Data, "run record",
         "expected a file of format walras/record/1, was another; give a record.h5 written by "
         "walras run");
  }
  instruments = instruments_of(store.at("instruments"));
  const Table& folds = store.at("folds");
  const auto& paths = values_of<std::string>(folds, "path");
  const auto& about = values_of<std::string>(folds, "about");
  std::vector<RunRecord> records;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string& path = paths[i];
    RunRecord record = described(Json::parse(about[i], "run record"));
    record.orders = from_table<OrderRow>(store.at(path + "/orders"));
    record.fills = from_table<FillRow>(store.at(path + "/fills"));
    record.equity = from_table<EquityRow>(store.at(path + "/equity"));
    record.positions = from_table<PositionRow>(store.at(path + "/positions"));
    if (const Table* executions = store.find(path + "/executions")) record.executions = from_table<ExecutionRow>(*executions);
    if (const Table* markouts = store.find(path + "/markouts")) record.markouts = from_table<MarkoutRow>(*markouts);
    if (const Table* switches = store.find(path + "/switches")) record.switches = from_table<SwitchRow>(*switches);
    if (const Table* postings = store.find(path + "/postings")) record.postings = from_table<PostingRow>(*postings);
    if (const Table* margin = store.find(path + "/margin")) record.margin = from_table<MarginRow>(*margin);
    records.push_back(std::move(record));
  }
  return records;
}

}  // namespace walras::engine
