#include "engine/data/library.hpp"

#include "engine/data/adapters.hpp"

#include "engine/base/error.hpp"
#include "engine/base/store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
namespace {

constexpr std::string_view kFormat = "walras/data/1";
constexpr std::string_view kEnding = ".h5";

bool is_set_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

template <class T, class Rows, class Get>
NamedColumn column(std::string name, std::string unit, const Rows& rows, Get get) {
  std::vector<T> values;
  values.reserve(rows.size());
  for (const auto& row : rows) values.push_back(static_cast<T>(get(row)));
  return {std::move(name), std::move(unit), std::move(values)};
}

Table instruments_table(const Tape& tape) {
  const auto& rows = tape.instruments;
  Table table;
  table.name = "instruments";
  table.columns = {
      column<std::string>("name", "", rows, [](const Instrument& i) { return i.name; }),
      column<std::string>("currency", "", rows, [](const Instrument& i) { return i.currency; }),
      column<double>("tick_size", "currency", rows, [](const Instrument& i) { return i.tick_size; }),
      column<double>("lot_size", "units", rows, [](const Instrument& i) { return i.lot_size; }),
      column<double>("multiplier", "currency/point", rows,
                     [](const Instrument& i) { return i.multiplier; }),
      column<double>("periods_per_year", "1/year", rows,
                     [](const Instrument& i) { return i.periods_per_year; }),
      column<std::uint8_t>("negative_prices", "", rows,
                           [](const Instrument& i) { return i.negative_prices; }),
      column<std::uint8_t>("close_only", "", rows, [](const Instrument& i) { return i.close_only; }),
      column<std::uint8_t>("total_return", "", rows,
                           [](const Instrument& i) { return i.total_return; }),
      column<std::string>("metadata", "JSON", rows, [](const Instrument& i) { return i.metadata; })};
  return table;
}

Table events_table(const Tape& tape) {
  const auto& rows = tape.events;
  Table table;
  table.name = "events";
  table.columns = {
      column<std::int64_t>("exchange_time", "ns", rows,
                           [](const Event& e) { return e.exchange_time.value; }),
      column<std::int64_t>("delay", "ns", rows,
                           [](const Event& e) { return (e.local_time - e.exchange_time).value; }),
      column<std::int32_t>("instrument", "", rows, [](const Event& e) { return e.instrument; }),
      column<std::uint8_t>("kind", "", rows, [](const Event& e) { return e.kind; }),
      column<std::uint8_t>("side", "", rows, [](const Event& e) { return e.side; }),
      column<std::int32_t>("flags", "", rows, [](const Event& e) { return e.flags; }),
      column<std::int64_t>("price", "ticks", rows, [](const Event& e) { return e.price.value; }),
      column<std::int64_t>("quantity", "lots", rows, [](const Event& e) { return e.quantity.value; }),
      column<std::int64_t>("order", "", rows, [](const Event& e) { return e.order; }),
      column<std::int64_t>("payload", "", rows, [](const Event& e) { return e.payload; })};
  return table;
}

Table bars_table(const Tape& tape) {
  const auto& rows = tape.bars;
  Table table;
  table.name = "bars";
  table.columns = {
      column<std::int64_t>("open_time", "ns", rows, [](const Bar& b) { return b.open_time.value; }),
      column<std::int64_t>("close_time", "ns", rows, [](const Bar& b) { return b.close_time.value; }),
      column<std::int64_t>("open", "ticks", rows, [](const Bar& b) { return b.open.value; }),
      column<std::int64_t>("high", "ticks", rows, [](const Bar& b) { return b.high.value; }),
      column<std::int64_t>("low", "ticks", rows, [](const Bar& b) { return b.low.value; }),
      column<std::int64_t>("close", "ticks", rows, [](const Bar& b) { return b.close.value; }),
      column<std::int64_t>("volume", "lots", rows, [](const Bar& b) { return b.volume.value; })};
  return table;
}

struct BookLevel {
  std::int32_t instrument;
  Side side;
  Depth::Level level;
};

Table books_table(const Tape& tape) {
  std::vector<BookLevel> rows;
  for (std::size_t i = 0; i < tape.initial_books.size(); ++i) {
    const Depth& depth = tape.initial_books[i];
    const auto id = static_cast<std::int32_t>(i);
    for (std::size_t k = 0; k < depth.bids; ++k) rows.push_back({id, Side::Buy, depth.bid[k]});
    for (std::size_t k = 0; k < depth.asks; ++k) rows.push_back({id, Side::Sell, depth.ask[k]});
  }
  Table table;
  table.name = "initial_books";
  table.columns = {
      column<std::int32_t>("instrument", "", rows, [](const BookLevel& b) { return b.instrument; }),
      column<std::uint8_t>("side", "", rows, [](const BookLevel& b) { return b.side; }),
      column<std::int64_t>("price", "ticks", rows,
                           [](const BookLevel& b) { return b.level.price.value; }),
      column<std::int64_t>("quantity", "lots", rows,
                           [](const BookLevel& b) { return b.level.quantity.value; })};
  return table;
}

/// Typed access to the columns of one table; every mismatch is a damaged or foreign file.
class Columns {
 public:
  Columns(const Store& store, std::string_view table, std::string file)
      : table_(store.at(table)), file_(std::move(file)) {}

  template <class T>
  const std::vector<T>& get(std::string_view name) const {
    const NamedColumn* const found = table_.find(name);
    const auto* const values = found == nullptr ? nullptr : std::get_if<std::vector<T>>(&found->values);
    if (values == nullptr || values->size() != table_.rows()) {
      fail(Fault::Data, file_,
           fmt::format("expected the column {}/{}, found none of that type; import the set again",
                       table_.name, name));
    }
    return *values;
  }
  [[nodiscard]] std::size_t rows() const { return table_.rows(); }

 private:
  const Table& table_;
  std::string file_;
};

void read_instruments(const Columns& columns, Tape& tape) {
  const auto& name = columns.get<std::string>("name");
  const auto& currency = columns.get<std::string>("currency");
  const auto& tick_size = columns.get<double>("tick_size");
  const auto& lot_size = columns.get<double>("lot_size");
  const auto& multiplier = columns.get<double>("multiplier");
  const auto& periods = columns.get<double>("periods_per_year");
  const auto& negative = columns.get<std::uint8_t>("negative_prices");
  const auto& close_only = columns.get<std::uint8_t>("close_only");
  const auto& total_return = columns.get<std::uint8_t>("total_return");
  const auto& metadata = columns.get<std::string>("metadata");
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    Instrument instrument;
    instrument.name = name[i];
    instrument.currency = currency[i];
    instrument.tick_size = tick_size[i];
    instrument.lot_size = lot_size[i];
    instrument.multiplier = multiplier[i];
    instrument.periods_per_year = periods[i];
    instrument.negative_prices = negative[i] != 0;
    instrument.close_only = close_only[i] != 0;
    instrument.total_return = total_return[i] != 0;
    instrument.metadata = metadata[i];
    tape.instruments.push_back(std::move(instrument));
  }
}

void read_events(const Columns& columns, Tape& tape) {
  const auto& time = columns.get<std::int64_t>("exchange_time");
  const auto& delay = columns.get<std::int64_t>("delay");
  const auto& instrument = columns.get<std::int32_t>("instrument");
  const auto& kind = columns.get<std::uint8_t>("kind");
  const auto& side = columns.get<std::uint8_t>("side");
  const auto& flags = columns.get<std::int32_t>("flags");
  const auto& price = columns.get<std::int64_t>("price");
  const auto& quantity = columns.get<std::int64_t>("quantity");
  const auto& order = columns.get<std::int64_t>("order");
  const auto& payload = columns.get<std::int64_t>("payload");
  tape.events.resize(columns.rows());
  for (std::size_t i = 0; i < tape.events.size(); ++i) {
    Event& event = tape.events[i];
    event.exchange_time = {time[i]};
    event.local_time = {time[i] + delay[i]};
    event.instrument = static_cast<InstrumentId>(instrument[i]);
    event.kind = static_cast<EventKind>(kind[i]);
    event.side = side[i] == 0 ? Side::Buy : Side::Sell;
    event.flags = static_cast<std::uint16_t>(flags[i]);
    event.price = {price[i]};
    event.quantity = {quantity[i]};
    event.order = static_cast<std::uint64_t>(order[i]);
    event.payload = static_cast<std::uint32_t>(payload[i]);
  }
}

void read_bars(const Columns& columns, Tape& tape) {
  const auto& open_time = columns.get<std::int64_t>("open_time");
  const auto& close_time = columns.get<std::int64_t>("close_time");
  const auto& open = columns.get<std::int64_t>("open");
  const auto& high = columns.get<std::int64_t>("high");
  const auto& low = columns.get<std::int64_t>("low");
  const auto& close = columns.get<std::int64_t>("close");
  const auto& volume = columns.get<std::int64_t>("volume");
  tape.bars.resize(columns.rows());
  for (std::size_t i = 0; i < tape.bars.size(); ++i) {
    tape.bars[i] = {{open_time[i]}, {close_time[i]}, {open[i]}, {high[i]},
                    {low[i]},       {close[i]},      {volume[i]}};
  }
}

void read_books(const Columns& columns, Tape& tape, const std::string& file) {
  const auto& instrument = columns.get<std::int32_t>("instrument");
  const auto& side = columns.get<std::uint8_t>("side");
  const auto& price = columns.get<std::int64_t>("price");
  const auto& quantity = columns.get<std::int64_t>("quantity");
  if (columns.rows() == 0) return;
  tape.initial_books.resize(tape.instruments.size());
  for (std::size_t i = 0; i < columns.rows(); ++i) {
    const auto id = static_cast<std::size_t>(instrument[i]);
    if (id >= tape.initial_books.size()) {
      fail(Fault::Data, file, "expected initial books of known instruments; import the set again");
    }
    Depth& depth = tape.initial_books[id];
    std::uint8_t& count = side[i] == 0 ? depth.bids : depth.asks;
    if (count == kDepthLevels) {
      fail(Fault::Data, file, "expected at most ten levels a side; import the set again");
    }
    (side[i] == 0 ? depth.bid : depth.ask)[count++] = {{price[i]}, {quantity[i]}};
  }
}

class LibrarySet final : public Source {
 public:
  struct Params {
    std::string name;
    std::vector<std::string> instruments;
    std::string begin, end;
    static void fields(auto&& field) {
      using P = Params;
      field("name", &P::name, {.required = true, .doc = "set in the local library (walras data show lists them)"});
      field("instruments", &P::instruments, {.doc = "names to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
    }
  };
  LibrarySet(Params params, const SourceContext& context)
      : params_(std::move(params)), library_(context.library), where_(context.where) {}

  Tape read() override {
    return select(Tape(*library_.load(params_.name)),
                  {params_.instruments, params_.begin, params_.end}, where_);
  }

 private:
  Params params_;
  Library library_;
  std::string where_;
};

}  // namespace

std::filesystem::path Library::default_folder() {
  if (const char* const data = std::getenv("XDG_DATA_HOME"); data != nullptr && *data == '/') {
    return std::filesystem::path(data) / "walras" / "data";
  }
  if (const char* const home = std::getenv("HOME"); home != nullptr && *home == '/') {
    return std::filesystem::path(home) / ".local" / "share" / "walras" / "data";
  }
  return std::filesystem::path(".walras") / "data";
}

std::filesystem::path Library::file_of(std::string_view name) const {
  if (!is_set_name(name)) {
    fail(Fault::Usage, "name of a data set",
         fmt::format("expected letters, digits, \"_\", \"-\" and \".\", was \"{}\"",
                     name.substr(0, 100)));
  }
  return folder_ / (std::string(name) + std::string(kEnding));
}

bool Library::contains(std::string_view name) const {
  return is_set_name(name) && std::filesystem::exists(file_of(name));
}

std::vector<std::string> Library::names() const {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    if (entry.path().extension() == kEnding) names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Json Library::list() const {
  Json sets = Json::array();
  for (const std::string& name : names()) {
    const Store store = Store::read(file_of(name), std::vector<std::string>{});
    Json entry = Json::object({{"name", name}});
    if (const Json* const summary = store.attributes.find("summary"); summary != nullptr && summary->is_object()) {
      for (const auto& [key, value] : summary->as_object()) entry[key] = value;
    }
    if (const Json* const metadata = store.attributes.find("metadata"); metadata != nullptr && metadata->is_object()) {
      for (const auto& [key, value] : metadata->as_object()) entry[key] = value;
    }
    sets.push_back(std::move(entry));
  }
  return sets;
}

Json Library::show(std::string_view name) const {
  const auto tape = load(name);
  const Store store = Store::read(file_of(name), std::vector<std::string>{});
  Json json = Json::object({{"name", name}});
  if (const Json* const metadata = store.attributes.find("metadata")) json["metadata"] = *metadata;
  const Json description = describe(*tape);
  for (const auto& [key, value] : description.as_object()) json[key] = value;
  return json;
}

std::filesystem::path Library::import(std::string_view name, const Tape& tape, const Json& metadata) const {
  expects(!tape.content_hash.empty(), "a tape is finished before it is imported");
  const auto file = file_of(name);
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    fail(Fault::Io, folder_.string(),
         fmt::format("cannot create the data library: {}; name another folder with --library",
                     error.message()));
  }
  Json summary = Json::object({{"rows", tape.events.size()}, {"instruments", tape.instruments.size()}});
  if (!tape.events.empty()) {
    summary["first"] = format_bar_end(tape.events.front().exchange_time);
    summary["last"] = format_bar_end(tape.events.back().exchange_time);
  }
  Store store;
  store.attributes = Json::object({{"format", kFormat},
                                   {"content_hash", tape.content_hash},
                                   {"summary", std::move(summary)},
                                   {"metadata", metadata.is_null() ? Json::object() : metadata},
                                   {"provenance", tape.provenance}});
  store.tables = {instruments_table(tape), events_table(tape), bars_table(tape), books_table(tape)};
  store.write(file);
  return file;
}

std::shared_ptr<const Tape> Library::load(std::string_view name) const {
  const auto file = file_of(name);
  if (!std::filesystem::exists(file)) {
    const auto known = names();
    fail(Fault::Data, folder_.string(),
         fmt::format("expected a set called \"{}\", found {}; `walras data fetch {}` or `walras data "
                     "import` brings it in",
                     name, known.empty() ? "none" : listed(known), name));
  }
  const Store store = Store::read(file);
  const Json* const format = store.attributes.find("format");
  const Json* const hash = store.attributes.find("content_hash");
  if (format == nullptr || *format != Json(kFormat) || hash == nullptr || !hash->is_string()) {
    fail(Fault::Data, file.string(),
         fmt::format("expected a data set of format {}; import it again", kFormat));
  }
  Tape tape;
  read_instruments(Columns(store, "instruments", file.string()), tape);
  const Json* const metadata = store.attributes.find("metadata");
  if (metadata != nullptr && metadata->size() > 0) {
    // What was noted of the set holds for each of its instruments that has no notes of its own.
    for (Instrument& instrument : tape.instruments) {
      if (instrument.metadata.empty()) instrument.metadata = metadata->dump();
    }
  }
  read_events(Columns(store, "events", file.string()), tape);
  read_bars(Columns(store, "bars", file.string()), tape);
  read_books(Columns(store, "initial_books", file.string()), tape, file.string());
  if (const Json* const provenance = store.attributes.find("provenance")) tape.provenance = *provenance;
  auto finished = finish_tape(std::move(tape));
  if (finished->content_hash != hash->as_string()) {
    fail(Fault::Data, file.string(),
         fmt::format("expected contents with SHA-256 {}, were {}; import the set again",
                     hash->as_string(), finished->content_hash));
  }
  return finished;
}

void add_library_source(SourceRegistry& registry) {
  registry.add<LibrarySet>("library", "a set of the local data library, by name");
}

}  // namespace walras::engine
