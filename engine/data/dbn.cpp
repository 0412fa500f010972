#include "engine/data/dbn.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/adapters.hpp"
#include "engine/data/bars.hpp"
#include "engine/data/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace walras::engine {
namespace {

constexpr std::uint64_t kNoTime = std::numeric_limits<std::uint64_t>::max();
constexpr std::size_t kMostMetadata = std::size_t{1} << 28;

/// Reads little-endian values one after another; `short_` once they run out.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    T value{};
    if (!has(sizeof value)) return value;
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string text(std::size_t size) {
    if (!has(size)) return {};
    const auto* from = reinterpret_cast<const char*>(bytes_.data() + at_);
    at_ += size;
    return {from, ::strnlen(from, size)};
  }
  void skip(std::size_t size) {
    if (has(size)) at_ += size;
  }
  [[nodiscard]] bool short_of_bytes() const { return short_; }

 private:
  bool has(std::size_t size) {
    if (size > bytes_.size() - at_) short_ = true;
    return !short_;
  }
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  bool short_ = false;
};

std::uint32_t number_or(const std::string& text, std::uint32_t otherwise) {
  if (text.empty() || text.size() > 9 || text.find_first_not_of("0123456789") != std::string::npos) return otherwise;
  return static_cast<std::uint32_t>(std::stoul(text));
}

}  // namespace

std::optional<DbnMetadata> read_dbn_metadata(std::span<const std::byte> bytes, const std::string& file, std::size_t& used) {
  const auto refuse = [&](const std::string& text) { refuse_dbn(file, 0, text); };
  if (bytes.size() < 8) return {};
  if (std::memcmp(bytes.data(), "DBN", 3) != 0) refuse("expected \"DBN\" and a version, found other bytes");
  DbnMetadata found;
  found.version = std::to_integer<int>(bytes[3]);
  if (found.version < 1 || found.version > 3) refuse(fmt::format("expected version 1, 2 or 3 of DBN, found {}", found.version));
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 4, sizeof length);
  if (length < 100 || length > kMostMetadata) refuse(fmt::format("expected metadata of 100 bytes to 256 MiB, found {}", length));
  if (bytes.size() - 8 < length) return {};
  used = 8 + std::size_t{length};
  Cursor at(bytes.subspan(8, length));
  found.dataset = at.text(16);
  found.schema = at.take<std::uint16_t>();
  at.skip(24);  // start, end, limit
  if (found.version == 1) at.skip(8);  // record count
  at.skip(2);   // symbol types asked for and given
  found.ts_out = at.take<std::uint8_t>() != 0;
  if (found.version > 1) found.symbol_length = at.take<std::uint16_t>();
  if (found.symbol_length == 0 || found.symbol_length > 1024) refuse(fmt::format("expected symbols of 1 to 1024 bytes, found {}", found.symbol_length));
  at.skip(found.version == 1 ? 47 : 53);
  at.skip(at.take<std::uint32_t>());  // a schema definition that none uses yet
  for (int list = 0; list < 3 && !at.short_of_bytes(); ++list) {  // symbols, partial, not found
    const auto count = at.take<std::uint32_t>();
    for (std::uint32_t i = 0; i < count && !at.short_of_bytes(); ++i) {
      std::string symbol = at.text(found.symbol_length);
      if (list == 0) found.symbols.push_back(std::move(symbol));
    }
  }
  const auto mappings = at.take<std::uint32_t>();
  for (std::uint32_t i = 0; i < mappings && !at.short_of_bytes(); ++i) {
    const std::string symbol = at.text(found.symbol_length);
    const auto intervals = at.take<std::uint32_t>();
    for (std::uint32_t k = 0; k < intervals && !at.short_of_bytes(); ++k) {
      at.skip(8);  // dates
      const std::string id = at.text(found.symbol_length);
      if (const std::uint32_t number = number_or(id, 0); number != 0) found.names[number] = symbol;
      else if (const std::uint32_t asked = number_or(symbol, 0); asked != 0) found.names[asked] = id;
    }
  }
  if (at.short_of_bytes()) refuse("expected lists of symbols within the metadata, found longer ones");
  return found;
}

void refuse_dbn(const std::string& file, std::uint64_t byte, const std::string& text) {
  fail(Fault::Data, fmt::format("{}, byte {}", file, byte), text);
}

std::size_t dbn_least_length(std::uint8_t type) {
  switch (type) {
    case kDbnMbo: return 56;
    case kDbnTrade: return 48;
    case kDbnMbp1: case 0xC3: case 0xC4: case 0xB1: case 0xC0: case 0xC1: case 0xC2: return 80;
    case kDbnMbp10: return 368;
    case 0x11: case 0x20: case 0x21: case 0x22: case 0x23: case 0x24: return 56;
    case 0x12: return 32;
    case 0x13: return 360;
    default: return 16;
  }
}

namespace {

class Dbn final : public Source {
 public:
  struct Params {
    std::string path, definitions;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end;
    bool strict = false;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "a .dbn file of any version, plain or zstd, or a fragment of records without metadata"});
      field("definitions", &P::definitions, {.doc = "a .dbn file of instrument definitions that states symbols, ticks and multipliers"});
      field("instrument", &P::instrument, {.doc = "terms of all instruments; sizes left out are from definitions, or detected"});
      field("instruments", &P::instruments, {.doc = "symbols to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("strict", &P::strict, {.doc = "stop at the first message that does not fit what came before, instead of counting it"});
    }
  };

  Dbn(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where),
        faults_(path_.string(), params_.strict), orders_(tape_, faults_, "byte"), levels_(tape_, faults_, "byte") {
    if (!params_.definitions.empty()) definitions_ = resolve_path(context, params_.definitions);
  }

  Tape read() override {
    if (!definitions_.empty()) read_records(definitions_, [](const DbnRecord&, std::uint64_t) {});
    read_records(path_, [this](const DbnRecord& record, std::uint64_t byte) { take(record, byte); });
    for (std::size_t i = 0; i < trades_.size(); ++i) tell_trade(static_cast<InstrumentId>(i));
    Json entry = provenance_entry(path_, "dbn");
    if (!definitions_.empty()) entry["definitions_sha256"] = sha256_file(definitions_);
    entry["rows"] = records_;
    entry["detected"] = Json::object({{"dataset", metadata_.dataset}, {"version", metadata_.version}});
    Json types = Json::object();
    for (const auto& [type, count] : types_) types[fmt::format("0x{:02x}", type)] = count;
    entry["detected"]["records"] = std::move(types);
    Json actions = Json::object();
    for (const auto& [action, count] : actions_) actions[std::string(1, action)] = count;
    entry["detected"]["actions"] = std::move(actions);
    entry["notes"] = Json::array();
    if (metadata_.version == 0) entry["notes"].push_back("a fragment without metadata: instruments are named by their numbers where no definition names them");
    if (!bars_.empty()) return finish_bars(std::move(entry));
    if (tape_.events.empty()) {
      fail(Fault::Data, path_.string(),
           fmt::format("expected orders, levels, trades or bars, found {} records of other kinds", records_));
    }
    for (const auto& [id, name] : names_) {
      if (ticks_.contains(id)) units_.tick_sizes[name] = ticks_[id];
    }
    for (Instrument& one : tape_.instruments) one.negative_prices = negative_;
    entry["detected"]["instruments"] = settle_units(tape_, params_.instrument, units_, path_.string());
    entry["detected"]["executions_beyond_what_was_shown"] = orders_.hidden();
    entry["detected"]["faults"] = faults_.counts();
    faults_.note(entry["notes"]);
    note_books(check_books(tape_), entry);
    tape_.provenance.push_back(std::move(entry));
    return select(std::move(tape_), {params_.instruments, params_.begin, params_.end}, where_);
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;
  struct Trade {
    FeedTime when{};
    std::int64_t price = 0, size = 0;
    Side aggressor = Side::Buy;
    bool open = false, filled = false;
  };
  struct Start {
    bool live = false;
    Nanos last;   // exchange time of the last live record
  };

  void refuse_older(const std::filesystem::path& file) const {
    std::ifstream stream(file, std::ios::binary);
    std::array<char, 16> head{};
    stream.read(head.data(), head.size());
    if (std::memcmp(head.data(), "P*M\x18", 4) == 0 && std::memcmp(head.data() + 8, "DBZ", 3) == 0) {
      refuse_dbn(file.string(), 0, "expected DBN, found the older DBZ container; convert it with Databento's dbn-cli");
    }
  }

  template <class Visit>
  void read_records(const std::filesystem::path& file, Visit&& visit) {
    InputStream stream(file);
    refuse_older(file);
    std::vector<std::byte> buffer(kBlock);
    std::size_t held = 0;
    std::uint64_t base = 0;
    bool headed = false;
    DbnMetadata metadata;
    for (;;) {
      if (held == buffer.size()) buffer.resize(2 * buffer.size());
      const std::size_t got = stream.read(std::span(buffer).subspan(held));
      held += got;
      const auto bytes = std::span<const std::byte>(buffer).first(held);
      std::size_t used = 0;
      if (!headed && held >= 8) {
        if (fragment(bytes)) {
          headed = true;
        } else if (auto found = read_dbn_metadata(bytes, file.string(), used)) {
          metadata = std::move(*found);
          if (file == path_) metadata_ = metadata;
          headed = true;
        }
      }
      if (headed) {
        used += read_dbn(bytes.subspan(used), metadata.ts_out, file.string(), base + used,
                         [&](const DbnRecord& record, std::uint64_t byte) {
                           if (record.type() == 0x13) define(record);
                           visit(record, byte);
                         });
      }
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used), buffer.begin() + static_cast<std::ptrdiff_t>(held), buffer.begin());
      held -= used;
      base += used;
      if (got == 0) break;
    }
    if (held > 0 || !headed) {
      refuse_dbn(file.string(), base, fmt::format("expected a whole record, found {} bytes at the end; is the file cut off?", held));
    }
  }

  /// Records without metadata: the first is one of a known type and length.
  static bool fragment(std::span<const std::byte> bytes) {
    if (std::memcmp(bytes.data(), "DBN", 3) == 0) return false;
    const DbnRecord first(bytes.data());
    const std::size_t least = dbn_least_length(first.type());
    return least > 16 && first.length() >= least && first.length() <= least + 200;
  }

  void define(const DbnRecord& record) {
    const std::size_t at = record.length() >= 520 ? 238 : 200;
    const std::string symbol(record.text(at, record.length() >= 520 ? 71 : record.length() >= 400 ? 71 : 22));
    if (symbol.empty()) return;
    defined_[record.instrument()] = symbol;
    const auto increment = record.get<std::int64_t>(24), unit = record.get<std::int64_t>(88);
    if (increment > 0 && increment != kDbnNoPrice) tick_of_[symbol] = static_cast<double>(increment) / 1e9;
    if (unit > 0 && unit != kDbnNoPrice) multiplier_of_[symbol] = static_cast<double>(unit) / 1e9;
  }

  InstrumentId instrument(const DbnRecord& record) {
    const std::uint64_t key = std::uint64_t{record.publisher()} << 32 | record.instrument();
    const auto at = numbers_.find(key);
    if (at != numbers_.end()) return at->second;
    const auto number = static_cast<InstrumentId>(tape_.instruments.size());
    const auto given = metadata_.names.find(record.instrument());
    const auto stated = defined_.find(record.instrument());
    std::string name = given != metadata_.names.end() ? given->second : stated != defined_.end() ? stated->second : fmt::format("{}", record.instrument());
    const std::string symbol = name;
    const auto taken = [&] {
      return std::any_of(tape_.instruments.begin(), tape_.instruments.end(), [&](const Instrument& other) { return other.name == name; });
    };
    if (taken()) name += fmt::format("@{}", record.publisher());
    if (taken()) name += fmt::format("#{}", record.instrument());
    Instrument one;
    one.name = name;
    one.currency = params_.instrument.currency;
    one.multiplier = params_.instrument.multiplier;
    if (one.multiplier == 1 && multiplier_of_.contains(symbol)) one.multiplier = multiplier_of_[symbol];
    one.total_return = params_.instrument.total_return;
    one.periods_per_year = params_.instrument.periods_per_year.value_or(0);
    if (!params_.instrument.metadata.is_null()) one.metadata = params_.instrument.metadata.dump();
    if (tick_of_.contains(symbol)) {
      ticks_[number] = tick_of_[symbol];
    }
    names_[number] = name;
    tape_.instruments.push_back(std::move(one));
    numbers_.emplace(key, number);
    trades_.resize(number + std::size_t{1});
    starts_.resize(number + std::size_t{1});
    return number;
  }

  static Nanos time_of(std::uint64_t stamp, std::uint64_t otherwise) {
    const std::uint64_t chosen = stamp == kNoTime || stamp > std::uint64_t{1} << 62 ? otherwise : stamp;
    return {chosen > std::uint64_t{1} << 62 ? 0 : static_cast<std::int64_t>(chosen)};
  }
  static std::string place(std::uint64_t byte) { return fmt::format("byte {}", byte); }

  void take(const DbnRecord& record, std::uint64_t byte) {
    ++records_;
    ++types_[record.type()];
    switch (record.type()) {
      case kDbnMbo: return take_mbo(record, byte);
      case kDbnTrade: case kDbnMbp1: case kDbnMbp10: case 0xC3: case 0xC4: case 0xB1: case 0xC0: case 0xC1: case 0xC2:
        return take_levels(record, byte);
      case 0x20: case 0x21: case 0x22: case 0x23: return take_bar(record, byte);
      case 0x12: return take_status(record, byte);
      default: return;
    }
  }

  void take_mbo(const DbnRecord& record, std::uint64_t byte) {
    const DbnMbo message(record);
    const InstrumentId number = instrument(record);
    ++actions_[message.action];
    if (message.flags & kDbnFlagDoubtful) faults_.add(FeedFault::DoubtfulBook, place(byte), "the flag \"maybe bad book\"");
    const std::uint64_t received = record.get<std::uint64_t>(40);
    FeedTime when{time_of(record.ts_event(), received), time_of(received, record.ts_event()), byte};
    const bool snapshot = message.flags & kDbnFlagSnapshot;
    Start& start = starts_[number];
    if (snapshot && start.live) when.exchange = start.last;
    if (snapshot || (message.flags & kDbnFlagBadReceive)) when.local = when.exchange;
    if (!snapshot) {
      if (!start.live) begin_at(number, when);
      start.live = true;
      start.last = std::max(start.last, when.exchange);
    }
    if (message.action != 'F') tell_trade(number);
    const bool sided = message.side == 'A' || message.side == 'B';
    const Side side = message.side == 'A' ? Side::Sell : Side::Buy;
    const auto price_known = [&] {
      if (message.price != kDbnNoPrice) return true;
      faults_.add(FeedFault::BadPrice, place(byte), "an undefined price");
      return false;
    };
    switch (message.action) {
      case 'A':
      case 'M':
        if (!price_known()) return;
        if (!sided) return faults_.add(FeedFault::BadPrice, place(byte), "an order without a side");
        negative_ = negative_ || message.price <= 0;
        if (message.action == 'A') return orders_.add(when, number, message.order, side, message.price, message.size, snapshot ? kSnapshot : std::uint16_t{0});
        return orders_.modify(when, number, message.order, side, message.price, message.size);
      case 'C': return orders_.told_reduce(when, number, message.order, message.size);
      case 'R': return orders_.clear(when, number);
      case 'T':
        if (price_known()) trades_[number] = {when, message.price, message.size, side, true, false};
        return;
      case 'F':
        trades_[number].filled = true;
        if (!price_known()) return;
        return orders_.fill(when, number, message.order, side, message.price, message.size, exact(message.price, number, message.order));
      default: return;
    }
  }

  /// The traded price in 1e-4 where it is not the order's own: auctions trade at one price.
  std::uint32_t exact(std::int64_t price, InstrumentId number, std::uint64_t order) {
    if (price == kDbnNoPrice || price == orders_.price(number, order) || price <= 0 || price % 100'000 != 0) return 0;
    const std::int64_t units = price / 100'000;
    return units > std::int64_t{0xFFFFFFFF} ? 0 : static_cast<std::uint32_t>(units);
  }

  /// Trades whose resting orders the feed did not name are prints.
  void tell_trade(InstrumentId number) {
    Trade& trade = trades_[number];
    if (trade.open && !trade.filled) orders_.print(trade.when, number, EventKind::Trade, trade.aggressor, trade.price, trade.size);
    trade.open = false;
  }

  /// A snapshot is how things stood when the feed went live: its orders enter then.
  void begin_at(InstrumentId number, const FeedTime& when) {
    for (Event& event : tape_.events) {
      if (event.instrument != number) continue;
      event.exchange_time = when.exchange;
      event.local_time = std::max(when.exchange, event.local_time <= when.exchange ? when.exchange : event.local_time);
    }
  }

  void take_levels(const DbnRecord& record, std::uint64_t byte) {
    const InstrumentId number = instrument(record);
    const char action = record.get<char>(28), side = record.get<char>(29);
    ++actions_[action];
    const auto flags = record.get<std::uint8_t>(30);
    const std::uint64_t received = record.get<std::uint64_t>(32);
    FeedTime when{time_of(record.ts_event(), received), time_of(received, record.ts_event()), byte};
    if (flags & (kDbnFlagBadReceive | kDbnFlagSnapshot)) when.local = std::max(when.local, when.exchange);
    if (flags & kDbnFlagDoubtful) faults_.add(FeedFault::DoubtfulBook, place(byte), "the flag \"maybe bad book\"");
    if (action == 'R') return levels_.clear(when, number);
    const std::size_t window = record.type() == kDbnTrade ? 0 : record.type() == kDbnMbp10 ? 10 : 1;
    for (const bool bid : {true, false}) {
      if (window == 0) break;
      shown_.clear();
      for (std::size_t i = 0; i < window; ++i) {
        const std::size_t at = 48 + 32 * i;
        const auto price = record.get<std::int64_t>(at + (bid ? 0 : 8));
        const auto size = record.get<std::uint32_t>(at + (bid ? 16 : 20));
        if (price == kDbnNoPrice || size == 0) continue;
        negative_ = negative_ || price <= 0;
        shown_.emplace_back(price, size);
      }
      levels_.show(when, number, bid ? Side::Buy : Side::Sell, shown_, window);
    }
    if (action != 'T') return;
    const auto price = record.get<std::int64_t>(16);
    if (price == kDbnNoPrice) return faults_.add(FeedFault::BadPrice, place(byte), "a trade without a price");
    negative_ = negative_ || price <= 0;
    levels_.trade(when, number, side == 'A' ? Side::Sell : Side::Buy, price, record.get<std::uint32_t>(24));
  }

  void take_status(const DbnRecord& record, std::uint64_t byte) {
    const auto action = record.get<std::uint16_t>(24);
    // 7: trading; 1, 3, 11: orders are taken but not matched; 8 to 15 otherwise: stopped.
    const int state = action == 7 ? 2 : action == 1 || action == 3 || action == 11 ? 1 : action >= 8 && action <= 15 ? 0 : -1;
    if (state < 0) return;
    const std::uint64_t received = record.get<std::uint64_t>(16);
    const InstrumentId number = instrument(record);
    orders_.print({time_of(record.ts_event(), received), time_of(received, record.ts_event()), byte}, number, EventKind::Halt, Side::Sell, state, 0);
  }

  static Decimal decimal(std::int64_t mantissa, int exponent) {
    if (mantissa == 0) return {};
    while (mantissa % 10 == 0) {
      mantissa /= 10;
      ++exponent;
    }
    return {mantissa, exponent};
  }

  void take_bar(const DbnRecord& record, std::uint64_t byte) {
    const InstrumentId number = instrument(record);
    RawBar bar;
    bar.stamp = time_of(record.ts_event(), 0);
    std::array<std::int64_t, 4> prices{};
    for (std::size_t i = 0; i < 4; ++i) {
      prices[i] = record.get<std::int64_t>(16 + 8 * i);
      if (prices[i] == kDbnNoPrice || (prices[i] <= 0 && !params_.instrument.negative_prices))
        faults_.refuse(place(byte), "expected a price > 0 (\"negative_prices\" where they are meant), found none");
    }
    const auto [open, high, low, close] = prices;
    if (high < std::max(open, close) || low > std::min(open, close))
      faults_.refuse(place(byte), fmt::format("expected high >= open and close and low <= both, found O {} H {} L {} C {} (1e-9)", open, high, low, close));
    const auto volume = record.get<std::uint64_t>(48);
    if (volume > std::uint64_t{1} << 62) faults_.refuse(place(byte), "expected a volume below 2^62, found more");
    bar.open = decimal(open, -9);
    bar.high = decimal(high, -9);
    bar.low = decimal(low, -9);
    bar.close = decimal(close, -9);
    bar.volume = decimal(static_cast<std::int64_t>(volume), 0);
    static constexpr std::array<std::int64_t, 4> kSeconds{1, 60, 3600, 86'400};
    const std::int64_t seconds = kSeconds[record.type() - 0x20];
    if (interval_s_ != 0 && interval_s_ != seconds) faults_.refuse(place(byte), "expected bars of one length in a file, found two");
    interval_s_ = seconds;
    RawSeries& series = bars_[number];
    series.name = names_[number];
    if (!series.bars.empty() && bar.stamp <= series.bars.back().stamp) {
      faults_.add(FeedFault::ClockBack, place(byte), format_time(bar.stamp));
      return;
    }
    series.bars.push_back(bar);
  }

  Tape finish_bars(Json entry) {
    if (!tape_.events.empty()) {
      fail(Fault::Data, path_.string(), "expected bars or a book, found both in one file");
    }
    std::vector<RawSeries> all;
    for (auto& [number, series] : bars_) all.push_back(std::move(series));
    BarLayout layout;
    layout.dates = interval_s_ == 86'400;
    layout.stamp = StampMeaning::Open;
    layout.interval_s = interval_s_;
    Tape tape;
    entry["detected"]["bars"] = append_bars(tape, std::move(all), params_.instrument, layout, path_.string());
    entry["detected"]["faults"] = faults_.counts();
    faults_.note(entry["notes"]);
    tape.provenance.push_back(std::move(entry));
    return select(std::move(tape), {params_.instruments, params_.begin, params_.end}, where_);
  }

  Params params_;
  std::filesystem::path path_, definitions_;
  std::string where_;
  Tape tape_;
  FeedFaults faults_;
  OrderFeed orders_;
  LevelFeed levels_;
  FeedUnits units_;
  DbnMetadata metadata_;
  std::map<std::uint32_t, std::string> defined_;
  std::map<std::string, double> tick_of_, multiplier_of_;
  std::map<std::uint64_t, InstrumentId> numbers_;
  std::map<InstrumentId, std::string> names_;
  std::map<InstrumentId, double> ticks_;
  std::vector<Trade> trades_;
  std::vector<Start> starts_;
  std::vector<std::pair<std::int64_t, std::int64_t>> shown_;
  std::map<std::uint8_t, std::size_t> types_;
  std::map<char, std::size_t> actions_;
  std::map<InstrumentId, RawSeries> bars_;
  std::int64_t interval_s_ = 0;
  std::size_t records_ = 0;
  bool negative_ = false;
};

}  // namespace

void add_dbn(SourceRegistry& registry) {
  registry.add<Dbn>("dbn", "Databento Binary Encoding: orders, levels, trades or bars of any dataset");
}

}  // namespace walras::engine
