#include "engine/data/itch.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/adapters.hpp"
#include "engine/data/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <vector>

namespace walras::engine {

void refuse_itch(const std::string& file, std::uint64_t byte, std::size_t length, unsigned char type) {
  fail(Fault::Data, fmt::format("{}, byte {}", file, byte),
       fmt::format("expected an ITCH 5.0 message behind a two-byte length (or zero), found length {} and type {}; is this "
                   "the binary file of one day?",
                   length, type >= 32 && type < 127 ? std::string(1, static_cast<char>(type)) : fmt::format("0x{:02x}", type)));
}

namespace {

/// The day in a file name: YYYYMMDD, MMDDYYYY or MMDDYY, as the exchange and its users write it. Empty when there is none.
std::string day_of_name(const std::string& name) {
  const auto valid = [](int year, int month, int day) {
    return year >= 2000 && year < 2100 && month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
  };
  for (std::size_t at = 0; at < name.size(); ++at) {
    std::size_t digits = 0;
    while (at + digits < name.size() && name[at + digits] >= '0' && name[at + digits] <= '9') ++digits;
    const auto number = [&](std::size_t from, std::size_t count) { return std::stoi(name.substr(at + from, count)); };
    if (digits == 8 && valid(number(0, 4), number(4, 2), number(6, 2)))
      return fmt::format("{:04}-{:02}-{:02}", number(0, 4), number(4, 2), number(6, 2));
    if (digits == 8 && valid(number(4, 4), number(0, 2), number(2, 2)))
      return fmt::format("{:04}-{:02}-{:02}", number(4, 4), number(0, 2), number(2, 2));
    if (digits == 6 && valid(2000 + number(4, 2), number(0, 2), number(2, 2)))
      return fmt::format("{:04}-{:02}-{:02}", 2000 + number(4, 2), number(0, 2), number(2, 2));
    at += digits;
  }
  return {};
}

class Itch final : public Source {
 public:
  struct Params {
    std::string path;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end, date;
    std::string time_zone = "America/New_York";
    bool strict = false;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "the binary file of one day, plain, gzip, zstd, xz or zip"});
      field("instrument", &P::instrument, {.doc = "terms of all stocks; tick_size default: 0.01 where every order keeps to it"});
      field("instruments", &P::instruments, {.doc = "stocks to keep; empty: all that have orders, trades or halts"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("date", &P::date, {.doc = "the day as YYYY-MM-DD; default: from the file name"});
      field("time_zone", &P::time_zone, {.doc = "zone of the times since midnight"});
      field("strict", &P::strict, {.doc = "stop at the first message that does not fit what came before, instead of counting it"});
    }
  };

  Itch(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where),
        faults_(path_.string(), params_.strict), feed_(tape_, faults_, "byte") {}

  Tape read() override {
    const std::string date = params_.date.empty() ? day_of_name(path_.filename().string()) : params_.date;
    const auto stamp = parse_stamp(date);
    if (!stamp || !stamp->date_only) {
      fail(Fault::Scenario, where_ + "/date",
           fmt::format("expected the day as YYYY-MM-DD here or in the file name, was \"{}\"", date));
    }
    // Messages of a day are told from one midnight; no US session spans a change of the clocks.
    const TimeZone zone = TimeZone::named(params_.time_zone, where_ + "/time_zone");
    midnight_ = zone.to_utc(stamp->time + Nanos{kNanosPerDay / 2}) - Nanos{kNanosPerDay / 2};
    read_messages();
    keep_used(tape_);
    if (tape_.events.empty()) {
      fail(Fault::Data, path_.string(), "expected orders, trades or halts of the stocks wanted, found none");
    }
    Json entry = provenance_entry(path_, "itch50");
    entry["rows"] = messages_;
    FeedUnits units;
    units.price_decimals = 4;
    if (!params_.instrument.tick_size) {
      for (const Instrument& one : tape_.instruments) units.tick_sizes[one.name] = fine_[one.name] ? 0.0001 : 0.01;
    }
    Json types = Json::object();
    for (std::size_t type = 0; type < counts_.size(); ++type) {
      if (counts_[type] > 0) types[std::string(1, static_cast<char>(type))] = counts_[type];
    }
    entry["detected"] = Json::object({{"date", date}, {"messages", std::move(types)}, {"faults", faults_.counts()}});
    entry["detected"]["instruments"] = settle_units(tape_, params_.instrument, units, path_.string());
    entry["notes"] = Json::array();
    faults_.note(entry["notes"]);
    if (unknown_types_ > 0) entry["notes"].push_back(fmt::format("{} messages of unknown types were left out", unknown_types_));
    note_books(check_books(tape_), entry);
    tape_.provenance.push_back(std::move(entry));
    return select(std::move(tape_), {{}, params_.begin, params_.end}, where_);
  }

 private:
  static constexpr std::size_t kBlock = std::size_t{1} << 20;

  void read_messages() {
    InputStream stream(path_);
    std::vector<std::byte> buffer(kBlock);
    std::size_t held = 0;
    std::uint64_t base = 0;
    for (;;) {
      const std::size_t got = stream.read(std::span(buffer).subspan(held));
      if (got == 0) break;
      held += got;
      const std::size_t used = read_itch(std::span<const std::byte>(buffer).first(held), path_.string(), base,
                                         [this](const ItchMessage& message, std::uint64_t byte) { take(message, byte); });
      std::copy(buffer.begin() + static_cast<std::ptrdiff_t>(used), buffer.begin() + static_cast<std::ptrdiff_t>(held), buffer.begin());
      held -= used;
      base += used;
    }
    if (held > 0) faults_.refuse(fmt::format("byte {}", base), fmt::format("expected a whole message, found {} bytes at the end; is the file cut off?", held));
    for (const std::string& name : params_.instruments) {
      if (!numbers_.contains(name)) fail(Fault::Scenario, where_ + "/instruments", fmt::format("expected a stock of the file, was \"{}\"", name));
    }
  }

  static constexpr std::uint32_t kIgnored = 0xFFFFFFFF, kUnseen = 0xFFFFFFFE;

  /// Number of the stock; kIgnored when it is not wanted.
  InstrumentId instrument(const ItchMessage& message, std::string_view name) {
    const std::uint16_t locate = message.locate();
    if (locates_.size() <= locate) locates_.resize(locate + std::size_t{1}, kUnseen);
    InstrumentId& number = locates_[locate];
    if (number != kUnseen || name.empty()) return number == kUnseen ? kIgnored : number;
    const bool wanted = params_.instruments.empty() ||
                        std::find(params_.instruments.begin(), params_.instruments.end(), name) != params_.instruments.end();
    number = kIgnored;
    numbers_.emplace(std::string(name), 0);
    if (!wanted) return number;
    number = static_cast<InstrumentId>(tape_.instruments.size());
    Instrument one;
    one.name = name;
    one.currency = params_.instrument.currency;
    one.multiplier = params_.instrument.multiplier;
    one.total_return = params_.instrument.total_return;
    one.periods_per_year = params_.instrument.periods_per_year.value_or(0);
    if (!params_.instrument.metadata.is_null()) one.metadata = params_.instrument.metadata.dump();
    tape_.instruments.push_back(std::move(one));
    return number;
  }

  void take(const ItchMessage& message, std::uint64_t byte) {
    ++messages_;
    const auto type = static_cast<unsigned char>(message.type());
    if (type >= kItchLength.size() || kItchLength[type] == 0) {
      ++unknown_types_;
      return;
    }
    ++counts_[type];
    const Nanos time = midnight_ + message.of_day();
    const FeedTime when{time, time, byte};
    switch (message.type()) {
      case 'R': instrument(message, message.stock(11)); return;
      case 'H': {
        const InstrumentId number = instrument(message, message.stock(11));
        const char state = message.trading_state();
        if (number != kIgnored) feed_.print(when, number, EventKind::Halt, Side::Sell, state == 'T' ? 2 : state == 'Q' ? 1 : 0, 0);
        return;
      }
      case 'A': case 'F': return add(message, when);
      case 'P': case 'Q': return trade(message, when);
      case 'E': case 'C': case 'X': case 'D': case 'U': return change(message, when);
      default: return;
    }
  }

  void add(const ItchMessage& message, const FeedTime& when) {
    const InstrumentId number = instrument(message, message.stock(24));
    if (number == kIgnored) return;
    if (message.price() == 0 || !message.side_known())
      return faults_.add(FeedFault::BadPrice, fmt::format("byte {}", when.place), fmt::format("price {} and side '{}'", message.price(), message.character(19)));
    keep_tick(number, message.price());
    feed_.add(when, number, message.reference(), message.side(), message.price(), message.shares());
  }

  void change(const ItchMessage& message, const FeedTime& when) {
    const InstrumentId number = instrument(message, {});
    if (number == kIgnored) {
      if (locates_[message.locate()] == kUnseen)
        faults_.add(FeedFault::UnknownOrder, fmt::format("byte {}", when.place), fmt::format("order {} of a stock never named", message.reference()));
      return;
    }
    switch (message.type()) {
      case 'E': return feed_.execute(when, number, message.reference(), message.part());
      case 'C': return feed_.execute(when, number, message.reference(), message.part(), message.price());
      case 'X': return feed_.reduce(when, number, message.reference(), message.part());
      case 'D': return feed_.remove(when, number, message.reference());
      default:
        if (message.new_price() == 0) return faults_.add(FeedFault::BadPrice, fmt::format("byte {}", when.place), "price 0");
        if (feed_.knows(number, message.reference())) keep_tick(number, message.new_price());
        feed_.replace(when, number, message.reference(), message.new_reference(), message.new_price(), message.new_shares());
    }
  }

  void trade(const ItchMessage& message, const FeedTime& when) {
    const bool cross = message.type() == 'Q';
    const InstrumentId number = instrument(message, message.stock(cross ? 19 : 24));
    if (number == kIgnored) return;
    if (!cross) {
      if (message.price() == 0) return faults_.add(FeedFault::BadPrice, fmt::format("byte {}", when.place), "price 0");
      return feed_.print(when, number, EventKind::Hidden, message.side(), message.price(), message.shares(), message.price());
    }
    // Every cross is told, also one without shares.
    if (message.cross_shares() == 0 || message.cross_price() == 0) return;
    if (message.cross_shares() > std::uint64_t{1} << 62)
      return faults_.add(FeedFault::BadQuantity, fmt::format("byte {}", when.place), fmt::format("{}", message.cross_shares()));
    feed_.print(when, number, EventKind::Trade, Side::Buy, message.cross_price(), static_cast<std::int64_t>(message.cross_shares()),
                message.cross_price(), kAuctionTrade);
  }

  void keep_tick(InstrumentId number, std::uint32_t price) {
    if (price % 100 != 0) fine_[tape_.instruments[number].name] = true;
  }

  Params params_;
  std::filesystem::path path_;
  std::string where_;
  Tape tape_;
  FeedFaults faults_;
  OrderFeed feed_;
  Nanos midnight_;
  std::vector<InstrumentId> locates_;
  std::map<std::string, int, std::less<>> numbers_;
  std::map<std::string, bool, std::less<>> fine_;
  std::array<std::size_t, 128> counts_{};
  std::size_t messages_ = 0, unknown_types_ = 0;
};

}  // namespace

void add_itch(SourceRegistry& registry) {
  registry.add<Itch>("itch50", "NASDAQ TotalView-ITCH 5.0: every order of every stock of one day");
}

}  // namespace walras::engine
