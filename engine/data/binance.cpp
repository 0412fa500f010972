// Raw captures of Binance websocket streams: "<time of receipt> <message>" a line, one REST snapshot among them.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/adapters.hpp"
#include "engine/data/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>

namespace walras::engine {
namespace {
enum class CaptureBook : std::uint8_t { Depth, Touch };
}
}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::CaptureBook> {
  static constexpr std::array<std::pair<engine::CaptureBook, std::string_view>, 2> names{
      {{engine::CaptureBook::Depth, "depth"}, {engine::CaptureBook::Touch, "touch"}}};
};
}  // namespace walras

namespace walras::engine {
namespace {

constexpr int kDecimals = 8;
constexpr std::int64_t kMillisecond = 1'000'000;

class Binance final : public Source {
 public:
  struct Params {
    std::string path;
    std::vector<std::string> more;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end;
    CaptureBook book = CaptureBook::Depth;
    std::optional<double> clock_offset_ms;
    double minimum_latency_ms = 1;
    bool strict = false;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "the capture, plain, gzip, zstd, xz or zip"});
      field("more", &P::more, {.doc = "captures that follow it without a break, in order: their book goes on"});
      field("instrument", &P::instrument, {.doc = "terms of all symbols; sizes left out are detected"});
      field("instruments", &P::instruments, {.doc = "symbols to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("book", &P::book, {.doc = "depth: the book of the depth stream; touch: the best bid and ask of the bookTicker stream"});
      field("clock_offset_ms", &P::clock_offset_ms, {.unit = "ms", .min = -1e9, .max = 1e9,
            .doc = "added to times of receipt; default: none, or where messages seem to arrive before they were sent, what makes the fastest take minimum_latency_ms"});
      field("minimum_latency_ms", &P::minimum_latency_ms, {.unit = "ms", .min = 0, .max = 1e6, .doc = "of the fastest message, where the clock has to be corrected"});
      field("strict", &P::strict, {.doc = "stop at the first message that does not fit what came before, instead of counting it"});
    }
  };

  Binance(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where),
        faults_(path_.string(), params_.strict), feed_(tape_, faults_, "row") {
    files_.push_back(path_);
    for (const std::string& file : params_.more) files_.push_back(resolve_path(context, file));
  }

  Tape read() override {
    for (const auto& file : files_) snapshot_ahead_ = snapshot_ahead_ || holds_snapshot(file);
    for (const auto& file : files_) read_file(file);
    flush_held(std::numeric_limits<std::int64_t>::min());
    if (tape_.events.empty()) {
      fail(Fault::Data, path_.string(), fmt::format("expected {} or trades of a Binance stream, found {} lines of other kinds",
                                                    params_.book == CaptureBook::Depth ? "depth updates" : "bookTicker messages", rows_));
    }
    Json entry = provenance_entry(path_, "binance");
    for (std::size_t i = 1; i < files_.size(); ++i) entry["more"].push_back(Json::object({{"file", files_[i].filename().string()}, {"sha256", sha256_file(files_[i])}}));
    entry["rows"] = rows_;
    Json kinds = Json::object();
    for (const auto& [kind, count] : kinds_) kinds[kind] = count;
    const double shift = correct_clock();
    entry["detected"] = Json::object({{"messages", std::move(kinds)}, {"time_unit", unit_}, {"snapshot", snapshot_ahead_},
                                      {"updates_before_snapshot", stale_}, {"shortest_delay_ms", static_cast<double>(shortest_) * 1e-6},
                                      {"clock_offset_ms", shift}, {"times_held_to_order_of_receipt", raised_}});
    entry["detected"]["instruments"] = settle_units(tape_, params_.instrument, {kDecimals, kDecimals, {}}, path_.string());
    entry["detected"]["faults"] = faults_.counts();
    entry["notes"] = Json::array();
    if (params_.book == CaptureBook::Depth && !snapshot_ahead_ && kinds_.contains("depthUpdate"))
      entry["notes"].push_back("no snapshot: only levels that were touched are known");
    if (shift != 0) entry["notes"].push_back(fmt::format("the recording clock was off: {:.3f} ms were added to times of receipt", shift));
    faults_.note(entry["notes"]);
    note_books(check_books(tape_), entry);
    tape_.provenance.push_back(std::move(entry));
    return select(std::move(tape_), {params_.instruments, params_.begin, params_.end}, where_);
  }

 private:
  struct Symbol {
    InstrumentId number = 0;
    std::int64_t last_update = 0;      // u of the last update applied, or of the snapshot
    bool from_snapshot = false, seen = false;
    std::int64_t last_time = 0;        // exchange time of the last event, ns
  };
  struct Held {
    std::string symbol;
    Json update;
    std::int64_t received = 0;
    std::uint64_t row = 0;
  };

  static bool holds_snapshot(const std::filesystem::path& file) {
    InputStream stream(file);
    std::string_view line;
    while (stream.line(line)) {
      const std::size_t space = line.find(' ');
      if (space != line.npos && line.substr(space + 1).starts_with("{\"lastUpdateId\"")) return true;
    }
    return false;
  }

  [[nodiscard]] std::string place() const { return fmt::format("row {}", row_); }
  [[noreturn]] void refuse(const std::string& text) const { fail(Fault::Data, fmt::format("{}, row {}", file_, row_), text); }

  void read_file(const std::filesystem::path& file) {
    InputStream stream(file);
    file_ = file.string();
    std::string_view line;
    while (stream.line(line)) {
      row_ = stream.row();
      if (line.empty()) continue;
      ++rows_;
      const std::size_t space = line.find(' ');
      const std::int64_t received = receipt(line.substr(0, space));
      if (space == line.npos) refuse("expected a message behind the time of receipt, found none");
      if (received < last_received_) {
        faults_.add(FeedFault::ClockBack, place(), "a time of receipt before the last one");
      }
      last_received_ = std::max(last_received_, received);
      Json json;
      try {
        json = Json::parse(line.substr(space + 1), file_);
      } catch (const Error& error) {
        refuse(fmt::format("expected a JSON message behind the time of receipt: {}", error.what()));
      }
      try {
        take(json, last_received_);
      } catch (const Error& error) {
        if (error.fault() != Fault::Scenario) throw;
        refuse(fmt::format("expected the members of a Binance message: {}", error.what()));
      }
    }
  }

  /// Times of receipt in ms, us or ns, told by their size.
  std::int64_t receipt(std::string_view text) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || stop != text.data() + text.size() || value < 100'000'000'000 || value > std::int64_t{1} << 62)
      refuse(fmt::format("expected a time of receipt in ms, us or ns since 1970 and a space, found \"{}\"", text.substr(0, 40)));
    const std::int64_t factor = value < 100'000'000'000'000 ? 1'000'000 : value < 100'000'000'000'000'000 ? 1'000 : 1;
    unit_ = factor == 1 ? "ns" : factor == 1'000 ? "us" : "ms";
    return value * factor;
  }
  /// Exchange times are in ms, in us where the stream was asked for them.
  [[nodiscard]] std::int64_t stamp(const Json& value) const {
    const std::int64_t number = value.as_integer();
    if (number < 0 || number > 100'000'000'000'000'000) refuse(fmt::format("expected a time in ms or us since 1970, found {}", number));
    return number < 100'000'000'000'000 ? number * kMillisecond : number * 1'000;
  }

  void take(const Json& json, std::int64_t received) {
    if (json.find("lastUpdateId")) {
      ++kinds_["snapshot"];
      if (params_.book == CaptureBook::Depth) snapshot(json, received);
      return;
    }
    const Json* data = json.find("data");
    const Json& message = data ? *data : json;
    const Json* kind = message.find("e");
    const bool quote = !kind && message.find("B") && message.find("A") && message.find("u");
    const std::string name = kind && kind->is_string() ? kind->as_string() : quote ? "bookTicker" : "other";
    ++kinds_[name];
    if (name == "depthUpdate" && params_.book == CaptureBook::Depth) return update(message, received);
    if (name == "bookTicker" && params_.book == CaptureBook::Touch) return touch(message, received);
    if (name == "trade" || name == "aggTrade") return trade(message, received);
  }

  Symbol& symbol(const std::string& name) {
    const auto [at, is_new] = symbols_.try_emplace(name);
    if (is_new) {
      at->second.number = static_cast<InstrumentId>(tape_.instruments.size());
      Instrument one;
      one.name = name;
      one.currency = params_.instrument.currency;
      one.multiplier = params_.instrument.multiplier;
      one.periods_per_year = params_.instrument.periods_per_year.value_or(0);
      if (!params_.instrument.metadata.is_null()) one.metadata = params_.instrument.metadata.dump();
      tape_.instruments.push_back(std::move(one));
    }
    return at->second;
  }

  /// Events keep the order of receipt: trades lie between book updates, whatever their own times say.
  FeedTime when(Symbol& symbol, std::int64_t exchange, std::int64_t received) {
    if (exchange < symbol.last_time) {
      // A minute is no interleaving of streams: a clock has gone back.
      if (symbol.last_time - exchange > 60 * kNanosPerSecond) faults_.add(FeedFault::ClockBack, place(), "an exchange time a minute or more before the last");
      else ++raised_;
      exchange = symbol.last_time;
    } else if (exchange > 0) {
      shortest_ = std::min(shortest_, received - exchange);
    }
    symbol.last_time = exchange;
    return {{exchange}, {exchange}, row_};
  }
  /// Remembers when everything added since the last call was received.
  void keep_receipt(std::int64_t received) { received_.resize(tape_.events.size(), received); }

  bool amount(const Json& text, bool price, std::int64_t& value) {
    const auto read = read_fixed(text.as_string(), kDecimals);
    if (read && (price ? *read > 0 : *read >= 0)) {
      value = *read;
      return true;
    }
    faults_.add(price ? FeedFault::BadPrice : FeedFault::BadQuantity, place(), fmt::format("\"{}\"", text.as_string().substr(0, 40)));
    return false;
  }
  void levels(const FeedTime& time, InstrumentId number, const Json* rows, Side side) {
    if (!rows) return;
    for (const Json& row : rows->as_array()) {
      std::int64_t price = 0, quantity = 0;
      if (row.size() < 2) refuse("expected [price, quantity] in a level");
      if (amount(row.as_array()[0], true, price) && amount(row.as_array()[1], false, quantity)) feed_.level(time, number, side, price, quantity);
    }
  }

  void snapshot(const Json& json, std::int64_t received) {
    const Json* named = json.find("symbol");
    std::string name = named ? named->as_string() : "";
    if (name.empty()) {
      if (symbols_.size() + held_names() != 1) refuse("expected messages of one symbol before a snapshot that does not name its own");
      name = symbols_.empty() ? held_.front().symbol : symbols_.begin()->first;
    }
    Symbol& one = symbol(name);
    const Json* time = json.find("T");
    const FeedTime now = when(one, time ? std::max(stamp(*time), one.last_time) : one.last_time, received);
    feed_.clear(now, one.number);
    levels(now, one.number, json.find("bids"), Side::Buy);
    levels(now, one.number, json.find("asks"), Side::Sell);
    keep_receipt(received);
    one.last_update = json.at("lastUpdateId").as_integer();
    one.from_snapshot = one.seen = true;
    flush_held(received);
  }
  /// Names of held updates that no symbol has yet (0 or 1 matter).
  [[nodiscard]] std::size_t held_names() const {
    std::size_t count = 0;
    for (const Held& held : held_) count += symbols_.contains(held.symbol) ? 0 : 1;
    return symbols_.empty() && count > 0 ? 1 : 0;
  }
  void flush_held(std::int64_t received) {
    std::vector<Held> held;
    held.swap(held_);
    for (const Held& one : held) {
      row_ = one.row;
      apply(one.update, received == std::numeric_limits<std::int64_t>::min() ? one.received : received);
    }
  }

  void update(const Json& message, std::int64_t received) {
    const std::string& name = message.at("s").as_string();
    if (snapshot_ahead_ && !(symbols_.contains(name) && symbols_.at(name).seen)) {
      held_.push_back({name, message, received, row_});
      return;
    }
    apply(message, received);
  }
  void apply(const Json& message, std::int64_t received) {
    Symbol& one = symbol(message.at("s").as_string());
    const std::int64_t first = message.at("U").as_integer(), last = message.at("u").as_integer();
    const Json* previous = message.find("pu");
    if (one.seen && last <= one.last_update) {
      ++stale_;
      return;
    }
    const Json* matched = message.find("T");
    const FeedTime time = when(one, stamp(matched ? *matched : message.at("E")), received);
    // The first update after a snapshot overlaps it.
    const bool follows = !one.seen || (one.from_snapshot ? first <= one.last_update + 1
                                       : previous        ? previous->as_integer() == one.last_update
                                                         : first == one.last_update + 1);
    if (!follows) {
      faults_.add(FeedFault::SequenceGap, place(), fmt::format("{} after {}", previous ? previous->as_integer() : first, one.last_update));
      feed_.clear(time, one.number);
    }
    one.seen = true;
    one.from_snapshot = false;
    one.last_update = last;
    levels(time, one.number, message.find("b"), Side::Buy);
    levels(time, one.number, message.find("a"), Side::Sell);
    keep_receipt(received);
  }

  void touch(const Json& message, std::int64_t received) {
    Symbol& one = symbol(message.at("s").as_string());
    const Json* matched = message.find("T");
    const FeedTime time = when(one, matched ? stamp(*matched) : one.last_time > 0 ? one.last_time : received, received);
    std::int64_t price = 0, quantity = 0;
    if (amount(message.at("b"), true, price) && amount(message.at("B"), false, quantity)) feed_.level(time, one.number, Side::Buy, price, quantity, kTouchOnly);
    if (amount(message.at("a"), true, price) && amount(message.at("A"), false, quantity)) feed_.level(time, one.number, Side::Sell, price, quantity, kTouchOnly);
    keep_receipt(received);
  }

  void trade(const Json& message, std::int64_t received) {
    std::int64_t price = 0, quantity = 0;
    if (!amount(message.at("p"), true, price) || !amount(message.at("q"), false, quantity)) return;
    if (const Json* way = message.find("X"); way && way->is_string() && way->as_string() != "MARKET") {
      ++kinds_["trade_outside_the_book"];  // insurance fund and the like
      return;
    }
    Symbol& one = symbol(message.at("s").as_string());
    const Json* matched = message.find("T");
    const FeedTime time = when(one, stamp(matched ? *matched : message.at("E")), received);
    feed_.trade(time, one.number, message.at("m").as_bool() ? Side::Sell : Side::Buy, price, quantity);
    keep_receipt(received);
  }

  /// Sets local times. Returns the milliseconds added to times of receipt.
  double correct_clock() {
    if (shortest_ == std::numeric_limits<std::int64_t>::max()) shortest_ = 0;
    std::int64_t shift = 0;
    if (params_.clock_offset_ms) shift = std::llround(*params_.clock_offset_ms * 1e6);
    else if (shortest_ < 0) shift = std::llround(params_.minimum_latency_ms * 1e6) - shortest_;
    for (std::size_t i = 0; i < tape_.events.size(); ++i) {
      tape_.events[i].local_time = std::max(tape_.events[i].exchange_time, Nanos{received_[i] + shift});
    }
    return static_cast<double>(shift) * 1e-6;
  }

  Params params_;
  std::filesystem::path path_;
  std::vector<std::filesystem::path> files_;
  std::string where_, file_, unit_ = "ns";
  Tape tape_;
  FeedFaults faults_;
  LevelFeed feed_;
  std::map<std::string, Symbol> symbols_;
  std::map<std::string, std::size_t> kinds_;
  std::vector<Held> held_;
  std::vector<std::int64_t> received_;
  std::uint64_t row_ = 0;
  std::size_t rows_ = 0, stale_ = 0, raised_ = 0;
  std::int64_t last_received_ = 0, shortest_ = std::numeric_limits<std::int64_t>::max();
  bool snapshot_ahead_ = false;
};

}  // namespace

void add_binance(SourceRegistry& registry) {
  registry.add<Binance>("binance", "raw captures of Binance websocket streams: spot, USD-M and COIN-M");
}

}  // namespace walras::engine
