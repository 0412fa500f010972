// CSV files as Tardis ships them: trades, quotes, incremental_book_L2 and book_snapshot_N.
#include "engine/base/error.hpp"
#include "engine/data/adapters.hpp"
#include "engine/data/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace walras::engine {
namespace {

constexpr int kDecimals = 8;

class Tardis final : public Source {
 public:
  struct Params {
    std::string path, trades;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end;
    bool strict = false;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "a CSV file of trades, quotes, incremental_book_L2 or book_snapshot_N, plain, gzip, zstd, xz or zip; told by its header"});
      field("trades", &P::trades, {.doc = "the trades that belong to it: at equal times they go before the book"});
      field("instrument", &P::instrument, {.doc = "terms of all symbols; sizes left out are detected"});
      field("instruments", &P::instruments, {.doc = "symbols to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("strict", &P::strict, {.doc = "stop at the first row that does not fit what came before, instead of counting it"});
    }
  };

  Tardis(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where),
        faults_(path_.string(), params_.strict), feed_(tape_, faults_, "row") {
    if (!params_.trades.empty()) trades_path_ = resolve_path(context, params_.trades);
  }

  Tape read() override {
    if (!trades_path_.empty()) {
      CsvReader reader(trades_path_, "", ',');
      const Columns columns = find(reader);
      if (columns.layout != Layout::Trades) fail(Fault::Data, reader.place(), "expected the header of trades (side, price, amount), found another");
      while (reader.next()) trades_.push_back(read_trade(reader, columns));
    }
    CsvReader reader(path_, "", ',');
    const Columns columns = find(reader);
    if (columns.layout == Layout::Trades && !trades_path_.empty())
      fail(Fault::Scenario, where_ + "/trades", "expected a book beside the trades, were trades twice");
    while (reader.next()) {
      ++rows_;
      take(reader, columns);
    }
    tell_trades(std::numeric_limits<std::int64_t>::max());
    if (tape_.events.empty()) fail(Fault::Data, path_.string(), "expected rows after the header, found none");
    Json entry = provenance_entry(path_, "tardis");
    if (!trades_path_.empty()) {
      entry["trades_file"] = trades_path_.filename().string();
      entry["trades_sha256"] = sha256_file(trades_path_);
    }
    entry["rows"] = rows_;
    static constexpr std::array<std::string_view, 4> kLayouts{"trades", "quotes", "incremental_book_L2", "book_snapshot"};
    entry["detected"] = Json::object({{"layout", kLayouts[static_cast<std::size_t>(columns.layout)]}, {"levels", columns.levels},
                                      {"trades_without_side", sideless_}});
    entry["detected"]["instruments"] = settle_units(tape_, params_.instrument, {kDecimals, kDecimals, {}}, path_.string());
    entry["detected"]["faults"] = faults_.counts();
    entry["notes"] = Json::array();
    faults_.note(entry["notes"]);
    if (columns.layout == Layout::Trades) entry["notes"].push_back("trades alone: there is no book to trade against");
    note_books(check_books(tape_), entry);
    tape_.provenance.push_back(std::move(entry));
    return select(std::move(tape_), {params_.instruments, params_.begin, params_.end}, where_);
  }

 private:
  enum class Layout : std::uint8_t { Trades, Quotes, Incremental, Snapshot };
  struct Columns {
    Layout layout = Layout::Trades;
    std::size_t exchange = 0, symbol = 0, time = 0, local = 0;
    std::size_t side = 0, price = 0, amount = 0, snapshot = 0;
    std::size_t bid_price = 0, bid_amount = 0, ask_price = 0, ask_amount = 0, levels = 0;
  };
  struct Trade {
    InstrumentId instrument = 0;
    FeedTime when{};
    Side side = Side::Buy;
    std::int64_t price = 0, amount = 0;
  };

  static Columns find(const CsvReader& reader) {
    const auto& header = reader.header();
    const auto at = [&](std::string_view name) {
      return static_cast<std::size_t>(std::find(header.begin(), header.end(), name) - header.begin());
    };
    const auto has = [&](std::string_view name) { return at(name) < header.size(); };
    const auto need = [&](std::string_view name) {
      if (!has(name)) fail(Fault::Data, reader.place(), fmt::format("expected a column {} as in files of Tardis, found {}", name, listed(header)));
      return at(name);
    };
    Columns columns;
    columns.exchange = need("exchange");
    columns.symbol = need("symbol");
    columns.time = need("timestamp");
    columns.local = need("local_timestamp");
    if (has("asks[0].price")) {
      columns.layout = Layout::Snapshot;
      columns.ask_price = at("asks[0].price");
      while (has(fmt::format("asks[{}].price", columns.levels))) {
        const std::size_t first = columns.ask_price + 4 * columns.levels;
        if (need(fmt::format("asks[{}].price", columns.levels)) != first || need(fmt::format("asks[{}].amount", columns.levels)) != first + 1 ||
            need(fmt::format("bids[{}].price", columns.levels)) != first + 2 || need(fmt::format("bids[{}].amount", columns.levels)) != first + 3) {
          fail(Fault::Data, reader.place(), "expected ask price, ask amount, bid price, bid amount level by level, found another order");
        }
        ++columns.levels;
      }
    } else if (has("ask_price")) {
      columns.layout = Layout::Quotes;
      columns.ask_price = need("ask_price");
      columns.ask_amount = need("ask_amount");
      columns.bid_price = need("bid_price");
      columns.bid_amount = need("bid_amount");
    } else {
      columns.layout = has("is_snapshot") ? Layout::Incremental : Layout::Trades;
      if (has("is_snapshot")) columns.snapshot = at("is_snapshot");
      columns.side = need("side");
      columns.price = need("price");
      columns.amount = need("amount");
    }
    return columns;
  }

  static std::int64_t micros(const CsvReader& reader, std::size_t column) {
    const std::string_view text = reader.cell(column);
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < 0 || value > 9'000'000'000'000'000) {
      fail(Fault::Data, reader.place(), fmt::format("expected microseconds since 1970 in \"{}\", found \"{}\"", reader.header()[column], text.substr(0, 40)));
    }
    return value * 1000;
  }
  static FeedTime when(const CsvReader& reader, const Columns& columns) {
    return {{micros(reader, columns.time)}, {micros(reader, columns.local)}, reader.row()};
  }

  InstrumentId instrument(const CsvReader& reader, const Columns& columns) {
    const std::string name(reader.cell(columns.symbol));
    const auto [at, is_new] = numbers_.try_emplace(name, static_cast<InstrumentId>(tape_.instruments.size()));
    if (is_new) {
      Instrument one;
      one.name = params_.instrument.name.empty() ? name : params_.instrument.name;
      if (!params_.instrument.name.empty() && !tape_.instruments.empty())
        fail(Fault::Scenario, where_ + "/instrument/name", "expected no name for a file of several symbols");
      one.currency = params_.instrument.currency;
      one.multiplier = params_.instrument.multiplier;
      one.periods_per_year = params_.instrument.periods_per_year.value_or(0);
      if (!params_.instrument.metadata.is_null()) one.metadata = params_.instrument.metadata.dump();
      tape_.instruments.push_back(std::move(one));
    }
    return at->second;
  }

  bool number(const CsvReader& reader, std::size_t column, bool price, std::int64_t& value) {
    const std::string_view text = reader.cell(column);
    const auto read = read_fixed(text, kDecimals);
    if (read && (price ? *read > 0 || params_.instrument.negative_prices : *read >= 0)) {
      value = *read;
      return true;
    }
    faults_.add(price ? FeedFault::BadPrice : FeedFault::BadQuantity, fmt::format("row {}", reader.row()), fmt::format("\"{}\"", text.substr(0, 40)));
    return false;
  }

  Trade read_trade(const CsvReader& reader, const Columns& columns) {
    Trade trade;
    trade.instrument = instrument(reader, columns);
    trade.when = when(reader, columns);
    const std::string_view side = reader.cell(columns.side);
    trade.side = side == "sell" ? Side::Sell : Side::Buy;
    sideless_ += side == "sell" || side == "buy" ? 0 : 1;
    if (!number(reader, columns.price, true, trade.price) || !number(reader, columns.amount, false, trade.amount)) trade.amount = 0;
    return trade;
  }
  void tell(const Trade& trade) {
    if (trade.amount > 0) feed_.trade(trade.when, trade.instrument, trade.side, trade.price, trade.amount);
  }
  void tell_trades(std::int64_t until) {
    while (next_trade_ < trades_.size() && trades_[next_trade_].when.exchange.value <= until) tell(trades_[next_trade_++]);
  }

  void take(const CsvReader& reader, const Columns& columns) {
    if (columns.layout == Layout::Trades) return tell(read_trade(reader, columns));
    const InstrumentId number_of = instrument(reader, columns);
    const FeedTime time = when(reader, columns);
    tell_trades(time.exchange.value);
    std::int64_t price = 0, amount = 0;
    switch (columns.layout) {
      case Layout::Quotes:
        if (!reader.cell(columns.bid_price).empty() && number(reader, columns.bid_price, true, price) && number(reader, columns.bid_amount, false, amount))
          feed_.level(time, number_of, Side::Buy, price, amount, kTouchOnly);
        if (!reader.cell(columns.ask_price).empty() && number(reader, columns.ask_price, true, price) && number(reader, columns.ask_amount, false, amount))
          feed_.level(time, number_of, Side::Sell, price, amount, kTouchOnly);
        return;
      case Layout::Incremental: {
        const std::string_view first = reader.cell(columns.snapshot);
        const bool snapshot = first == "true";
        if (!snapshot && first != "false") fail(Fault::Data, reader.place(), fmt::format("expected true or false in \"is_snapshot\", found \"{}\"", first.substr(0, 20)));
        if (snapshot && !in_snapshot_[number_of]) feed_.clear(time, number_of);
        in_snapshot_[number_of] = snapshot;
        const std::string_view side = reader.cell(columns.side);
        if (side != "bid" && side != "ask") fail(Fault::Data, reader.place(), fmt::format("expected bid or ask in \"side\", found \"{}\"", side.substr(0, 20)));
        if (number(reader, columns.price, true, price) && number(reader, columns.amount, false, amount))
          feed_.level(time, number_of, side == "bid" ? Side::Buy : Side::Sell, price, amount);
        return;
      }
      default:
        for (const bool ask : {true, false}) {
          levels_.clear();
          for (std::size_t i = 0; i < columns.levels; ++i) {
            const std::size_t at = columns.ask_price + 4 * i + (ask ? 0 : 2);
            if (reader.cell(at).empty()) continue;
            if (number(reader, at, true, price) && number(reader, at + 1, false, amount) && amount > 0) levels_.emplace_back(price, amount);
          }
          feed_.show(time, number_of, ask ? Side::Sell : Side::Buy, levels_, columns.levels);
        }
    }
  }

  Params params_;
  std::filesystem::path path_, trades_path_;
  std::string where_;
  Tape tape_;
  FeedFaults faults_;
  LevelFeed feed_;
  std::map<std::string, InstrumentId> numbers_;
  std::map<InstrumentId, bool> in_snapshot_;
  std::vector<Trade> trades_;
  std::size_t next_trade_ = 0, rows_ = 0, sideless_ = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> levels_;
};

}  // namespace

void add_tardis(SourceRegistry& registry) {
  registry.add<Tardis>("tardis", "CSV files of Tardis: trades, quotes, level updates and snapshots of crypto books");
}

}  // namespace walras::engine
