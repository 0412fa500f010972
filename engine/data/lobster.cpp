#include "engine/data/lobster.hpp"

#include "engine/data/adapters.hpp"

#include "engine/base/error.hpp"
#include "engine/market/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace walras::engine {
namespace {

constexpr std::int64_t kEmptyPrice = 9'999'999'999;

/// Splits a line of integers; cells are reused.
void parse_integers(std::string_view line, std::vector<std::int64_t>& cells, const InputStream& stream) {
  cells.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  while (true) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (error != std::errc{} || (stop != end && *stop != ',')) {
      const std::string_view rest(at, static_cast<std::size_t>(end - at));
      fail(Fault::Data, fmt::format("{}, row {}", stream.name(), stream.row()),
           fmt::format("expected a 64-bit integer in column {}, found \"{}\"", cells.size() + 1,
                       rest.substr(0, std::min<std::size_t>(rest.find(','), 40))));
    }
    cells.push_back(value);
    if (stop == end) return;
    at = stop + 1;
  }
}

/// "<ticker>_<YYYY-MM-DD>_..." of a file name.
void read_name(const std::string& name, LobsterFiles& files) {
  files.ticker = name.substr(0, name.find_first_of("_."));
  for (std::size_t at = 0; at + 10 <= name.size(); ++at) {
    const std::string_view text(name.data() + at, 10);
    const auto stamp = text[4] == '-' && text[7] == '-' ? parse_stamp(text) : std::nullopt;
    if (!stamp || !stamp->date_only) continue;
    files.date = text;
    return;
  }
}

std::filesystem::path book_beside(const std::filesystem::path& messages) {
  std::string name = messages.filename().string();
  const std::size_t at = name.find("message");
  if (at == std::string::npos) return {};
  name.replace(at, 7, "orderbook");
  std::string bare = name;
  for (const std::string_view ending : {".zst", ".gz", ".xz"}) {
    if (bare.ends_with(ending)) bare.resize(bare.size() - ending.size());
  }
  for (const std::string_view ending : {"", ".zst", ".gz", ".xz"}) {
    auto candidate = messages.parent_path() / (bare + std::string(ending));
    if (std::filesystem::exists(candidate)) return candidate;
  }
  return {};
}

struct Message {
  Nanos of_day;
  int type = 0;
  std::int64_t order = 0, size = 0, price = 0;
  Side side = Side::Buy;
};

/// Reads messages one by one and checks each for itself.
class Messages {
 public:
  explicit Messages(const LobsterFiles& files) : stream_(files.messages, files.messages_member) {}

  bool next(Message& message) {
    std::string_view line;
    if (!stream_.line(line)) return false;
    if (stream_.row() == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const char* at = line.data();
    const char* const end = at + line.size();
    message.of_day = {read_time(at, end)};
    message.type = static_cast<int>(read_integer(at, end, "type"));
    message.order = read_integer(at, end, "order id");
    message.size = read_integer(at, end, "size");
    message.price = read_integer(at, end, "price");
    const std::int64_t direction = read_integer(at, end, "direction");
    // Later files may carry a seventh column (the attribution of the order); it says nothing about the book.
    if (at != end && std::count(at, end, ',') > 1) {
      refuse("expected six columns (time, type, order id, size, price, direction), found more");
    }
    check(message, direction);
    message.side = direction == 1 ? Side::Buy : Side::Sell;
    return true;
  }
  [[noreturn]] void refuse(const std::string& text) const {
    fail(Fault::Data, fmt::format("{}, row {}", stream_.name(), stream_.row()), text);
  }
  [[nodiscard]] const std::string& name() const { return stream_.name(); }

 private:
  void check(const Message& message, std::int64_t direction) {
    if (message.type < 1 || message.type > 7) {
      refuse(fmt::format("expected a message type from 1 to 7, found {}", message.type));
    }
    if (direction != 1 && direction != -1) {
      refuse(fmt::format("expected a direction of 1 (buy) or -1 (sell), found {}", direction));
    }
    if (message.of_day < last_) {
      refuse(fmt::format("expected a time not before {} s, found {} s",
                         static_cast<double>(last_.value) / 1e9,
                         static_cast<double>(message.of_day.value) / 1e9));
    }
    last_ = message.of_day;
    if (message.type == 7) {
      if (message.price < -1 || message.price > 1) {
        refuse(fmt::format("expected -1, 0 or 1 as the price of a halt, found {}", message.price));
      }
      return;
    }
    if (message.size <= 0) refuse(fmt::format("expected a size > 0, found {}", message.size));
    if (message.price <= 0) refuse(fmt::format("expected a price > 0, found {}", message.price));
    if (message.order < 0) refuse(fmt::format("expected an order id >= 0, found {}", message.order));
    if (message.type <= 4 && message.order == 0) refuse("expected the id of an order, found 0");
  }

  std::int64_t read_time(const char*& at, const char* end) {
    std::int64_t seconds = 0;
    const char* const begin = at;
    const auto [stop, error] = std::from_chars(at, end, seconds);
    at = stop;
    std::int64_t nanos = 0;
    if (error == std::errc{} && at != end && *at == '.') {
      std::int64_t unit = kNanosPerSecond / 10;
      for (++at; at != end && *at >= '0' && *at <= '9'; ++at, unit /= 10) nanos += (*at - '0') * unit;
    }
    const bool whole = error == std::errc{} && at != end && *at == ',';
    if (!whole || seconds < 0 || seconds >= 86'400) {
      refuse(fmt::format("expected seconds after midnight from 0 to 86400, found \"{}\"",
                         std::string_view(begin, static_cast<std::size_t>(std::min(end, begin + 40) - begin))));
    }
    ++at;
    return seconds * kNanosPerSecond + nanos;
  }

  std::int64_t read_integer(const char*& at, const char* end, std::string_view what) {
    std::int64_t value = 0;
    const auto [stop, error] = std::from_chars(at, end, value);
    if (at == end || error != std::errc{} || (stop != end && *stop != ',')) {
      refuse(fmt::format("expected a 64-bit integer as {}, found \"{}\"", what,
                         std::string_view(at, static_cast<std::size_t>(std::min(end, at + 40) - at))));
    }
    at = stop == end ? end : stop + 1;
    return value;
  }

  InputStream stream_;
  Nanos last_{};
};

/// Turns the book after the first message into the book before it.
void undo(const Event& event, Depth& depth) {
  const bool buy = event.side == Side::Buy;
  auto& levels = buy ? depth.bid : depth.ask;
  std::uint8_t& count = buy ? depth.bids : depth.asks;
  std::int64_t change = 0;
  if (event.kind == EventKind::Add) change = -event.quantity.value;
  if (event.kind == EventKind::Reduce || event.kind == EventKind::Delete ||
      event.kind == EventKind::Execute) {
    change = event.quantity.value;
  }
  if (change == 0) return;
  const auto end = levels.begin() + count;
  const auto at = std::find_if(levels.begin(), end, [&](const Depth::Level& level) {
    return buy ? level.price <= event.price : level.price >= event.price;
  });
  if (at != end && at->price == event.price) {
    at->quantity.value += change;
    if (at->quantity.value > 0) return;
    std::move(at + 1, end, at);
    --count;
  } else if (change > 0 && at != levels.end()) {
    const auto last = count < kDepthLevels ? end : end - 1;
    std::move_backward(at, last, last + 1);
    *at = {event.price, {change}};
    count = static_cast<std::uint8_t>(std::min<std::size_t>(count + 1u, kDepthLevels));
  }
}

class Lobster final : public Source {
 public:
  struct Params {
    std::string path, book;
    InstrumentTerms instrument;
    std::string date, time_zone = "America/New_York";
    std::string begin, end;
    bool window = true;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "the zip of a day, or its message file"});
      field("book", &P::book, {.doc = "order-book file; empty: in the zip or beside the messages; none: not used"});
      field("instrument", &P::instrument, {.doc = "name and sizes; default: the ticker in the file name, cents, one share"});
      field("date", &P::date, {.doc = "day of the messages, YYYY-MM-DD; empty: from the file name"});
      field("time_zone", &P::time_zone, {.doc = "zone of the seconds after midnight"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; the book is known only at the start of the file"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("window", &P::window,
            {.doc = "with a book file: levels that enter or leave the depth shown become events too, so that the rebuilt book "
                    "equals the recorded one"});
    }
  };

  Lobster(Params params, const SourceContext& context)
      : params_(std::move(params)),
        files_(LobsterFiles::find(resolve_path(context, params_.path),
                                  params_.book.empty() || params_.book == "none"
                                      ? std::filesystem::path(params_.book)
                                      : resolve_path(context, params_.book))),
        where_(context.where) {}

  Tape read() override {
    const Decimal tick = shortest_decimal(params_.instrument.tick_size.value_or(0.01));
    const auto per_tick = scale(tick, Decimal{1, -4});
    if (!per_tick || !per_tick->exact || per_tick->count < 1) {
      fail(Fault::Scenario, where_ + "/instrument/tick_size",
           fmt::format("expected a multiple of 0.0001, was {}", tick.value()));
    }
    per_tick_ = per_tick->count;
    const Decimal lot = shortest_decimal(params_.instrument.lot_size.value_or(1));
    if (lot != Decimal{1, 0}) {
      fail(Fault::Scenario, where_ + "/instrument/lot_size", "expected 1: the files count single shares");
    }
    Tape tape;
    tape.instruments.push_back(make_instrument(tick));
    read_messages(tape);
    if (!files_.book.empty()) {
      read_first_book(tape);
      if (params_.window) follow_book(tape);
    }
    tape.provenance.push_back(describe_input(tape));
    return select(std::move(tape), {{}, params_.begin, params_.end}, where_);
  }

 private:
  Instrument make_instrument(const Decimal& tick) const {
    const InstrumentTerms& terms = params_.instrument;
    Instrument instrument;
    instrument.name = terms.name.empty() ? files_.ticker : terms.name;
    instrument.currency = terms.currency;
    instrument.tick_size = tick.value();
    instrument.lot_size = 1;
    instrument.multiplier = terms.multiplier;
    instrument.negative_prices = terms.negative_prices;
    instrument.total_return = terms.total_return;
    instrument.periods_per_year = terms.periods_per_year.value_or(0);
    if (!terms.metadata.is_null()) instrument.metadata = terms.metadata.dump();
    return instrument;
  }

  [[nodiscard]] Nanos midnight() const {
    const std::string& date = params_.date.empty() ? files_.date : params_.date;
    const auto stamp = parse_stamp(date);
    if (!stamp || !stamp->date_only) {
      fail(Fault::Scenario, where_ + "/date",
           fmt::format("expected the day as YYYY-MM-DD here or in the file name, was \"{}\"", date));
    }
    return stamp->time;
  }

  void read_messages(Tape& tape) {
    const Nanos day = midnight();
    const TimeZone zone = TimeZone::named(params_.time_zone, where_ + "/time_zone");
    Messages messages(files_);
    Message message;
    std::int64_t last_hour = -1, shift = 0;  // the offset of a zone changes on a whole hour
    while (messages.next(message)) {
      const std::int64_t hour = message.of_day.value / (3600 * kNanosPerSecond);
      if (hour != last_hour) {
        const Nanos local = day + Nanos{hour * 3600 * kNanosPerSecond};
        shift = (zone.to_utc(local) - local).value;
        last_hour = hour;
      }
      Event event = to_event(message, messages);
      event.exchange_time = event.local_time = day + message.of_day + Nanos{shift};
      tape.events.push_back(event);
      ++counts_[static_cast<std::size_t>(message.type)];
    }
    if (tape.events.empty()) fail(Fault::Data, messages.name(), "expected messages, was an empty file");
  }

  Event to_event(const Message& message, const Messages& messages) {
    static constexpr std::array<EventKind, 8> kKinds{
        EventKind::Bar /* no type 0 */, EventKind::Add, EventKind::Reduce, EventKind::Delete,
        EventKind::Execute, EventKind::Hidden, EventKind::Trade, EventKind::Halt};
    Event event;
    event.kind = kKinds[static_cast<std::size_t>(message.type)];
    event.side = message.side;
    if (message.type == 7) {
      event.price = {message.price + 1};  // -1, 0, 1: halted, quoting resumes, trading resumes
      return event;
    }
    event.quantity = {message.size};
    std::int64_t ticks = message.price / per_tick_;
    const std::int64_t rest = message.price % per_tick_;
    if (rest != 0) {
      if (message.type <= 4) {
        messages.refuse(fmt::format("expected a price on ticks of {}, found {}; set "
                                    "\"instrument\": {{\"tick_size\": 0.0001}}",
                                    static_cast<double>(per_tick_) / kLobsterPerUnit,
                                    static_cast<double>(message.price) / kLobsterPerUnit));
      }
      ticks += 2 * rest >= per_tick_ ? 1 : 0;
      ++between_ticks_;
    }
    if (message.type >= 5) {
      // Hidden and auction trades may fall between ticks: the exact price travels along.
      if (message.price > std::int64_t{0xFFFFFFFF}) {
        messages.refuse(fmt::format("expected a price below 429496, found {}",
                                    static_cast<double>(message.price) / kLobsterPerUnit));
      }
      event.payload = static_cast<std::uint32_t>(message.price);
    } else {
      event.order = static_cast<std::uint64_t>(message.order);
    }
    event.price = {ticks};
    return event;
  }

  void read_first_book(Tape& tape) {
    LobsterBook book(files_, per_tick_);
    if (!book.next()) {
      fail(Fault::Data, files_.book.string(), "expected one row a message, was an empty file");
    }
    levels_ = book.levels();
    Depth depth;
    const auto copy = [](std::span<const Depth::Level> from, auto& to, std::uint8_t& count) {
      count = static_cast<std::uint8_t>(std::min(from.size(), kDepthLevels));
      std::copy_n(from.begin(), count, to.begin());
    };
    copy(book.bids(), depth.bid, depth.bids);
    copy(book.asks(), depth.ask, depth.asks);
    undo(tape.events.front(), depth);
    tape.initial_books.push_back(depth);
  }

  /// Adds what no message tells: deep levels leave and re-enter the best levels shown, with what happened to them unseen.
  void follow_book(Tape& tape) {
    LobsterBook book(files_, per_tick_);
    const Depth& first = tape.initial_books.front();
    std::array<std::vector<Depth::Level>, 2> shown{
        std::vector<Depth::Level>(first.bid.begin(), first.bid.begin() + first.bids),
        std::vector<Depth::Level>(first.ask.begin(), first.ask.begin() + first.asks)};
    std::vector<Event> events;
    events.reserve(tape.events.size() * 2);
    for (const Event& event : tape.events) {
      if (!book.next()) {
        fail(Fault::Data, files_.book.string(),
             fmt::format("expected one row a message, {} messages, found {} rows", tape.events.size(), book.row()));
      }
      events.push_back(event);
      apply(event, shown[static_cast<std::size_t>(event.side)]);
      compare(event, Side::Buy, book.bids(), shown[0], events);
      compare(event, Side::Sell, book.asks(), shown[1], events);
    }
    window_moves_ = events.size() - tape.events.size();
    tape.events = std::move(events);
  }

  static void apply(const Event& event, std::vector<Depth::Level>& levels) {
    const bool adds = event.kind == EventKind::Add;
    if (!adds && event.kind != EventKind::Reduce && event.kind != EventKind::Delete && event.kind != EventKind::Execute) return;
    const auto at = place(levels, event.side, event.price);
    const bool there = at != levels.end() && at->price == event.price;
    if (adds && !there) {
      levels.insert(at, {event.price, event.quantity});
    } else if (there) {
      at->quantity += adds ? event.quantity : -event.quantity;
      if (at->quantity.value <= 0) levels.erase(at);
    }
  }

  static std::vector<Depth::Level>::iterator place(std::vector<Depth::Level>& levels, Side side, Ticks price) {
    return std::find_if(levels.begin(), levels.end(), [&](const Depth::Level& level) {
      return side == Side::Buy ? level.price <= price : level.price >= price;
    });
  }

  /// Says how `shown` becomes `row`, and makes it so.
  static void compare(const Event& cause, Side side, std::span<const Depth::Level> row, std::vector<Depth::Level>& shown,
                      std::vector<Event>& events) {
    if (std::equal(row.begin(), row.end(), shown.begin(), shown.end())) return;
    const auto say = [&](EventKind kind, Ticks price, std::int64_t quantity) {
      Event event;
      event.exchange_time = cause.exchange_time;
      event.local_time = cause.local_time;
      event.kind = kind;
      event.side = side;
      event.flags = kWindowMove;
      event.price = price;
      event.quantity = {quantity};
      events.push_back(event);
    };
    const auto quantity_at = [](std::span<const Depth::Level> levels, Ticks price) {
      const auto at = std::find_if(levels.begin(), levels.end(), [&](const Depth::Level& level) { return level.price == price; });
      return at == levels.end() ? std::int64_t{0} : at->quantity.value;
    };
    for (const Depth::Level& level : shown) {
      const std::int64_t now = quantity_at(row, level.price);
      if (now == 0) say(EventKind::Delete, level.price, level.quantity.value);
      else if (now < level.quantity.value) say(EventKind::Reduce, level.price, level.quantity.value - now);
    }
    for (const Depth::Level& level : row) {
      const std::int64_t before = quantity_at(shown, level.price);
      if (level.quantity.value > before) say(EventKind::Add, level.price, level.quantity.value - before);
    }
    shown.assign(row.begin(), row.end());
  }

  [[nodiscard]] Json describe_input(const Tape& tape) const {
    Json entry = provenance_entry(files_.messages, "lobster");
    if (!files_.book.empty() && files_.book != files_.messages) {
      entry["book_file"] = files_.book.filename().string();
      entry["book_sha256"] = sha256_file(files_.book);
    }
    entry["rows"] = tape.events.size() - window_moves_;
    Json types = Json::object();
    static constexpr std::array<std::string_view, 8> kNames{
        "", "new", "partial_cancel", "delete", "execution", "hidden_execution", "cross", "halt"};
    for (std::size_t type = 1; type < counts_.size(); ++type) {
      if (counts_[type] > 0) types[kNames[type]] = counts_[type];
    }
    entry["detected"] = Json::object({{"date", params_.date.empty() ? files_.date : params_.date},
                                      {"time_zone", params_.time_zone},
                                      {"levels", levels_},
                                      {"messages", std::move(types)},
                                      {"prices_between_ticks", between_ticks_},
                                      {"window_moves", window_moves_}});
    Json notes = Json::array();
    notes.push_back(files_.book.empty()
                        ? "no order-book file: the book starts empty"
                        : "the book starts from the first order-book row, without its message");
    if (levels_ > 0) {
      notes.push_back(fmt::format("only messages that touch the best {} levels are in the file", levels_));
    }
    entry["notes"] = std::move(notes);
    return entry;
  }

  Params params_;
  LobsterFiles files_;
  std::string where_;
  std::int64_t per_tick_ = 100;
  std::array<std::size_t, 8> counts_{};
  std::size_t between_ticks_ = 0, levels_ = 0, window_moves_ = 0;
};

}  // namespace

LobsterFiles LobsterFiles::find(const std::filesystem::path& path, const std::filesystem::path& book) {
  if (!std::filesystem::exists(path)) {
    fail(Fault::Data, path.string(), "expected a file or a folder, found none; mend the path");
  }
  LobsterFiles files;
  files.messages = path;
  const auto members = archive_members(path);
  const auto member = [&](std::string_view part) {
    const auto at = std::find_if(members.begin(), members.end(), [&](const std::string& name) {
      return name.find(part) != std::string::npos;
    });
    return at == members.end() ? std::string{} : *at;
  };
  if (!members.empty()) {
    files.messages_member = member("_message_");
    if (files.messages_member.empty()) {
      fail(Fault::Data, path.string(),
           fmt::format("expected a member whose name contains _message_, found {}", listed(members)));
    }
  }
  read_name(members.empty() ? path.filename().string()
                            : std::filesystem::path(files.messages_member).filename().string(),
            files);
  if (book == "none") return files;
  if (!book.empty()) {
    files.book = book;
    return files;
  }
  files.book_member = member("_orderbook_");
  files.book = files.book_member.empty() ? book_beside(path) : path;
  if (files.book.empty()) {
    fail(Fault::Data, path.string(),
         "expected the order-book file in the zip or beside the messages, named alike with "
         "\"orderbook\" for \"message\"; name it with \"book\", or set \"book\": \"none\"");
  }
  return files;
}

LobsterBook::LobsterBook(const LobsterFiles& files, std::int64_t per_tick)
    : stream_(files.book, files.book_member), per_tick_(per_tick) {}

bool LobsterBook::next() {
  std::string_view line;
  if (!stream_.line(line)) return false;
  parse_integers(line, cells_, stream_);
  if (levels_ == 0) levels_ = cells_.size() / 4;
  const auto refuse = [&](const std::string& text) {
    fail(Fault::Data, fmt::format("{}, row {}", stream_.name(), stream_.row()), text);
  };
  if (levels_ == 0 || cells_.size() != 4 * levels_) {
    refuse(fmt::format("expected ask price, ask size, bid price, bid size for each of {} levels, "
                       "found {} columns",
                       std::max<std::size_t>(levels_, 1), cells_.size()));
  }
  bids_.clear();
  asks_.clear();
  for (std::size_t level = 0; level < levels_; ++level) {
    const std::int64_t* const cell = &cells_[4 * level];
    const auto add = [&](std::int64_t price, std::int64_t size, std::vector<Depth::Level>& side) {
      if (price == kEmptyPrice || price == -kEmptyPrice) {
        if (size != 0) refuse(fmt::format("expected size 0 at an empty level, found {}", size));
        return;
      }
      if (price <= 0 || price % per_tick_ != 0 || size <= 0) {
        refuse(fmt::format("expected a price > 0 on ticks of {} and a size > 0 at level {}, found {} "
                           "and {}; for finer prices set \"instrument\": {{\"tick_size\": 0.0001}}",
                           static_cast<double>(per_tick_) / kLobsterPerUnit, level + 1,
                           static_cast<double>(price) / kLobsterPerUnit, size));
      }
      side.push_back({{price / per_tick_}, {size}});
    };
    add(cell[0], cell[1], asks_);
    add(cell[2], cell[3], bids_);
  }
  return true;
}

void add_lobster(SourceRegistry& registry) {
  registry.add<Lobster>("lobster", "NASDAQ order-book messages of one stock and day, as LOBSTER ships them");
}

}  // namespace walras::engine
