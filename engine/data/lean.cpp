// The data folder of LEAN: zipped CSV files by class, market, resolution and ticker, with map files that say which ticker a
// security had when, and factor files that say what splits and dividends did to its price.
#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/adapters.hpp"
#include "engine/data/bars.hpp"
#include "engine/data/feed.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace walras::engine {
namespace {
enum class LeanClass : std::uint8_t { Equity, Forex, Cfd, Crypto };
enum class LeanResolution : std::uint8_t { Daily, Hour, Minute, Second, Tick };
enum class LeanAdjust : std::uint8_t { All, Splits, Raw };
}  // namespace
}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::LeanClass> {
  static constexpr std::array<std::pair<engine::LeanClass, std::string_view>, 4> names{
      {{engine::LeanClass::Equity, "equity"}, {engine::LeanClass::Forex, "forex"}, {engine::LeanClass::Cfd, "cfd"}, {engine::LeanClass::Crypto, "crypto"}}};
};
template <>
struct EnumNames<engine::LeanResolution> {
  static constexpr std::array<std::pair<engine::LeanResolution, std::string_view>, 5> names{
      {{engine::LeanResolution::Daily, "daily"}, {engine::LeanResolution::Hour, "hour"}, {engine::LeanResolution::Minute, "minute"},
       {engine::LeanResolution::Second, "second"}, {engine::LeanResolution::Tick, "tick"}}};
};
template <>
struct EnumNames<engine::LeanAdjust> {
  static constexpr std::array<std::pair<engine::LeanAdjust, std::string_view>, 3> names{
      {{engine::LeanAdjust::All, "all"}, {engine::LeanAdjust::Splits, "splits"}, {engine::LeanAdjust::Raw, "raw"}}};
};
}  // namespace walras

namespace walras::engine {
namespace {

/// A row of a map file: the ticker in use up to and including a day.
struct Mapped {
  std::int64_t last_day = 0;
  std::string ticker;
};
/// A row of a factor file: what prices up to and including a day are multiplied by.
struct Factor {
  std::int64_t last_day = 0;
  double price = 1, split = 1, reference = 0;
};

/// Cells of one line; quotes do not occur.
void split(std::string_view line, std::vector<std::string_view>& cells) {
  cells.clear();
  for (;;) {
    const std::size_t comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == line.npos) return;
    line.remove_prefix(comma + 1);
  }
}

class Lean final : public Source {
 public:
  struct Params {
    std::string path;
    LeanClass security = LeanClass::Equity;
    std::string market = "usa";
    LeanResolution resolution = LeanResolution::Daily;
    std::vector<std::string> instruments;
    InstrumentTerms instrument;
    LeanAdjust adjust = LeanAdjust::All;
    std::string begin, end, time_zone;
    double quote_size = 1'000'000;
    bool strict = false;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "the folder that holds equity, forex, crypto ..."});
      field("security", &P::security, {.doc = "class of securities"});
      field("market", &P::market, {.doc = "folder below the class: usa, fxcm, oanda, coinbase ..."});
      field("resolution", &P::resolution, {.doc = "bars of a day, an hour, a minute or a second, or ticks"});
      field("instruments", &P::instruments, {.required = true, .doc = "tickers of today (of the last day for what is delisted), as the map files are named"});
      field("instrument", &P::instrument, {.doc = "terms of all; sizes left out are detected"});
      field("adjust", &P::adjust, {.doc = "equity: all folds splits and dividends into prices; splits leaves dividends as payments; raw as traded, with both as events"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("time_zone", &P::time_zone, {.doc = "zone of the files; default: New York for equity, UTC-05:00 for fxcm, else UTC"});
      field("quote_size", &P::quote_size, {.unit = "units", .min = 1, .max = 1e12, .doc = "ticks without sizes: quantity assumed at the touch"});
      field("strict", &P::strict, {.doc = "ticks: stop at the first row that does not fit, instead of counting it"});
    }
  };

  Lean(Params params, const SourceContext& context)
      : params_(std::move(params)), root_(resolve_path(context, params_.path)), where_(context.where),
        faults_(root_.string(), params_.strict), feed_(tape_, faults_, "row") {
    if (params_.instruments.empty()) fail(Fault::Scenario, where_ + "/instruments", "expected at least one ticker, was none");
    const std::string zone = !params_.time_zone.empty() ? params_.time_zone
                             : params_.security == LeanClass::Equity ? "America/New_York"
                             : params_.market == "fxcm" ? "-05:00" : "UTC";
    zone_ = TimeZone::named(zone, where_ + "/time_zone");
    base_ = root_ / std::string(EnumNames<LeanClass>::names[static_cast<std::size_t>(params_.security)].second) / params_.market;
    if (!std::filesystem::is_directory(base_)) fail(Fault::Data, base_.string(), "expected a folder of LEAN data, found none; mend the path");
  }

  Tape read() override {
    for (const std::string& name : params_.instruments) {
      std::string ticker = name;
      std::transform(ticker.begin(), ticker.end(), ticker.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      for (const char c : ticker) {
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '-' && c != '_')
          fail(Fault::Scenario, where_ + "/instruments", fmt::format("expected a ticker, was \"{}\"", name));
      }
      if (ticker.starts_with('.')) fail(Fault::Scenario, where_ + "/instruments", fmt::format("expected a ticker, was \"{}\"", name));
      read_maps(ticker);
      if (params_.resolution == LeanResolution::Tick) read_ticks(name);
      else read_bars(name);
    }
    Json entry = Json::object({{"file", root_.filename().string()}, {"sha256", hash_.hex()}, {"kind", "lean"}, {"rows", rows_}});
    entry["detected"] = std::move(detected_);
    entry["notes"] = Json::array();
    if (params_.resolution == LeanResolution::Tick) {
      entry["detected"]["instruments"] = settle_units(tape_, params_.instrument, {8, 8, {}}, root_.string());
      entry["detected"]["faults"] = faults_.counts();
      entry["detected"]["rows_crossed_or_locked"] = crossed_rows_;
      entry["detected"]["suspicious_left_out"] = suspicious_;
      faults_.note(entry["notes"]);
      note_books(check_books(tape_), entry);
    }
    if (earlier_ > 0) entry["notes"].push_back(fmt::format("{} rows of earlier owners of a ticker were left out", earlier_));
    if (crossed_bars_ > 0) entry["notes"].push_back(fmt::format("{} rows were left out: open or close outside high and low, or a side missing", crossed_bars_));
    if (params_.adjust == LeanAdjust::All && params_.security == LeanClass::Equity) entry["notes"].push_back("splits and dividends are folded into all prices, with what was known at the end of the factor file");
    if (tape_.events.empty()) fail(Fault::Data, base_.string(), "expected rows in the time asked for, found none");
    tape_.provenance.push_back(std::move(entry));
    return select(std::move(tape_), {{}, params_.begin, params_.end}, where_);
  }

 private:
  [[noreturn]] void refuse(const InputStream& stream, const std::string& text) const {
    fail(Fault::Data, fmt::format("{}, row {}", stream.name(), stream.row()), text);
  }
  static std::int64_t day_number(std::string_view text, const InputStream& stream) {
    const auto stamp = parse_stamp(text.substr(0, 8));
    if (!stamp || !stamp->date_only || text.size() < 8)
      fail(Fault::Data, fmt::format("{}, row {}", stream.name(), stream.row()), fmt::format("expected a day as YYYYMMDD, found \"{}\"", text.substr(0, 20)));
    return day_of(stamp->time);
  }
  static double real(std::string_view text, const InputStream& stream) {
    const auto number = parse_decimal(text);
    if (!number) fail(Fault::Data, fmt::format("{}, row {}", stream.name(), stream.row()), fmt::format("expected a number, found \"{}\"", text.substr(0, 40)));
    return number->value();
  }

  void read_maps(const std::string& ticker) {
    maps_.clear();
    factors_.clear();
    first_day_ = std::numeric_limits<std::int64_t>::min();
    const auto map = base_ / "map_files" / (ticker + ".csv"), factor = base_ / "factor_files" / (ticker + ".csv");
    std::string_view line;
    std::vector<std::string_view> cells;
    if (std::filesystem::exists(map)) {
      hash_.update(sha256_file(map));
      InputStream stream(map);
      while (stream.line(line)) {
        if (line.empty()) continue;
        split(line, cells);
        if (cells.size() < 2) refuse(stream, "expected date,ticker[,exchange]");
        const std::int64_t day = day_number(cells[0], stream);
        if (!maps_.empty() && day <= maps_.back().last_day) refuse(stream, "expected days in ascending order");
        maps_.push_back({day, std::string(cells[1])});
      }
      if (!maps_.empty()) first_day_ = maps_.front().last_day;
    }
    if (maps_.empty()) maps_.push_back({std::numeric_limits<std::int64_t>::max(), ticker});
    if (params_.security != LeanClass::Equity || !std::filesystem::exists(factor)) return;
    hash_.update(sha256_file(factor));
    InputStream stream(factor);
    while (stream.line(line)) {
      if (line.empty()) continue;
      split(line, cells);
      if (cells.size() < 3) refuse(stream, "expected date,price factor,split factor[,reference price]");
      Factor row{day_number(cells[0], stream), real(cells[1], stream), real(cells[2], stream), cells.size() > 3 ? real(cells[3], stream) : 0};
      if (!(row.price > 0) || !(row.split > 0)) refuse(stream, "expected factors > 0");
      if (!factors_.empty() && row.last_day <= factors_.back().last_day) refuse(stream, "expected days in ascending order");
      factors_.push_back(row);
    }
  }
  [[nodiscard]] const Factor& factor_on(std::int64_t day) const {
    static constexpr Factor kNone;
    const auto at = std::lower_bound(factors_.begin(), factors_.end(), day, [](const Factor& row, std::int64_t wanted) { return row.last_day < wanted; });
    return at == factors_.end() ? (factors_.empty() ? kNone : factors_.back()) : *at;
  }
  /// What prices and volumes of a day are multiplied by.
  [[nodiscard]] std::pair<double, double> scales(std::int64_t day) const {
    if (params_.security != LeanClass::Equity || params_.adjust == LeanAdjust::Raw) return {1, 1};
    const Factor& factor = factor_on(day);
    return {factor.split * (params_.adjust == LeanAdjust::All ? factor.price : 1), 1 / factor.split};
  }
  [[nodiscard]] int price_decimals() const { return params_.security == LeanClass::Equity ? 4 : 0; }

  /// Days on which this security wore `ticker`: after the row before, up to its own.
  template <class Visit>
  void for_each_ticker(Visit&& visit) {
    std::int64_t from = first_day_;
    for (const Mapped& row : maps_) {
      visit(row.ticker, from, row.last_day);
      from = std::max(from, row.last_day == std::numeric_limits<std::int64_t>::max() ? row.last_day : row.last_day + 1);
    }
  }
  [[nodiscard]] bool by_day() const { return params_.resolution != LeanResolution::Daily && params_.resolution != LeanResolution::Hour; }
  [[nodiscard]] std::string_view folder() const { return EnumNames<LeanResolution>::names[static_cast<std::size_t>(params_.resolution)].second; }

  /// The files of one ticker, in order of time: (file, day), day 0 where a file holds all days.
  [[nodiscard]] std::vector<std::pair<std::filesystem::path, std::int64_t>> files_of(const std::string& ticker, std::string_view what) const {
    std::vector<std::pair<std::filesystem::path, std::int64_t>> files;
    if (!by_day()) {
      for (const std::string& name : {ticker + ".zip", fmt::format("{}_{}.zip", ticker, what)}) {
        const auto file = base_ / folder() / name;
        if (std::filesystem::exists(file)) files.emplace_back(file, 0);
      }
      return files;
    }
    const auto place = base_ / folder() / ticker;
    if (!std::filesystem::is_directory(place)) return files;
    const std::string ending = fmt::format("_{}.zip", what);
    for (const auto& entry : std::filesystem::directory_iterator(place)) {
      const std::string name = entry.path().filename().string();
      if (name.size() != 8 + ending.size() || !name.ends_with(ending)) continue;
      const auto stamp = parse_stamp(name.substr(0, 8));
      if (stamp && stamp->date_only) files.emplace_back(entry.path(), day_of(stamp->time));
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
    return files;
  }
  [[nodiscard]] bool wanted_day(std::int64_t day) const {
    const auto limit = [](const std::string& text) { return text.empty() ? std::optional<Stamp>{} : parse_stamp(text); };
    const auto begin = limit(params_.begin), end = limit(params_.end);
    return !(begin && day < day_of(begin->time) - 1) && !(end && day > day_of(end->time) + 1);
  }

  static Decimal scaled(std::string_view text, int decimals, double scale, const InputStream& stream) {
    const auto number = parse_decimal(text);
    if (!number) fail(Fault::Data, fmt::format("{}, row {}", stream.name(), stream.row()), fmt::format("expected a number, found \"{}\"", text.substr(0, 40)));
    if (scale == 1) return number->mantissa == 0 ? Decimal{} : Decimal{number->mantissa, number->exponent - decimals};
    return rounded(number->value() * std::pow(10.0, -decimals) * scale, 6);
  }
  static Decimal rounded(double value, int decimals) {
    std::int64_t mantissa = std::llround(value * std::pow(10.0, decimals));
    int exponent = -decimals;
    while (mantissa != 0 && mantissa % 10 == 0) mantissa /= 10, ++exponent;
    return mantissa == 0 ? Decimal{} : Decimal{mantissa, exponent};
  }

  // Bars.

  void read_bars(const std::string& name) {
    const bool quotes = params_.security != LeanClass::Equity && !has_trades();
    RawSeries series;
    series.name = name;
    std::vector<std::string_view> cells;
    for_each_ticker([&](const std::string& ticker, std::int64_t from, std::int64_t to) {
      for (const auto& [file, day] : files_of(ticker, quotes ? "quote" : "trade")) {
        if (day != 0 && (day < from || day > to || !wanted_day(day))) continue;
        hash_.update(sha256_file(file));
        InputStream stream(file);
        std::string_view line;
        while (stream.line(line)) {
          if (line.empty()) continue;
          ++rows_;
          split(line, cells);
          take_bar(stream, cells, day, from, to, quotes, series);
        }
      }
    });
    if (series.bars.empty()) fail(Fault::Data, base_.string(), fmt::format("expected {} bars of {}, found none", folder(), name));
    BarLayout layout;
    layout.dates = params_.resolution == LeanResolution::Daily;
    layout.stamp = StampMeaning::Open;
    layout.volume = !quotes;
    static constexpr std::array<std::int64_t, 4> kSeconds{86'400, 3600, 60, 1};
    layout.interval_s = kSeconds[static_cast<std::size_t>(params_.resolution)];
    InstrumentTerms terms = params_.instrument;
    terms.name.clear();
    terms.total_return = terms.total_return || (params_.security == LeanClass::Equity && params_.adjust == LeanAdjust::All && !factors_.empty());
    const std::int64_t first = day_of(series.bars.front().stamp), last = day_of(series.bars.back().stamp);
    const std::size_t before = tape_.events.size();
    Tape bars;
    std::vector<RawSeries> all;
    all.push_back(std::move(series));
    Json found = append_bars(bars, std::move(all), terms, layout, base_.string());
    const std::size_t dividends = pay_dividends(bars, first, last);
    found["dividends"] = dividends;
    detected_[name] = std::move(found);
    std::vector<Tape> both;
    both.push_back(std::move(tape_));
    both.push_back(std::move(bars));
    if (before == 0) both.erase(both.begin());
    tape_ = merge(std::move(both));
  }
  [[nodiscard]] bool has_trades() const {
    for (const Mapped& row : maps_) {
      for (const auto& [file, day] : files_of(row.ticker, "trade")) {
        if (by_day() || file.filename().string().ends_with("_trade.zip")) return true;
      }
    }
    return false;
  }

  void take_bar(const InputStream& stream, const std::vector<std::string_view>& cells, std::int64_t day, std::int64_t from, std::int64_t to,
                bool quotes, RawSeries& series) {
    if (cells.size() != (quotes ? 11 : 6)) refuse(stream, fmt::format("expected {} columns of a bar, found {}", quotes ? 11 : 6, cells.size()));
    RawBar bar;
    Nanos local;
    if (by_day()) {
      local = start_of_day(day) + of_day(cells[0], stream);
    } else {
      const auto stamp = parse_stamp(cells[0]);
      if (!stamp) refuse(stream, fmt::format("expected a time as YYYYMMDD HH:MM, found \"{}\"", cells[0].substr(0, 30)));
      local = stamp->time;
    }
    const std::int64_t local_day = day_of(local);
    if (local_day < from || local_day > to) {
      ++earlier_;
      return;
    }
    const auto [price_scale, volume_scale] = scales(local_day);
    std::array<Decimal*, 4> prices{&bar.open, &bar.high, &bar.low, &bar.close};
    for (std::size_t i = 0; i < 4; ++i) {
      if (!quotes) {
        *prices[i] = scaled(cells[1 + i], price_decimals(), price_scale, stream);
        continue;
      }
      if (cells[1 + i].empty() || cells[6 + i].empty()) {
        ++crossed_bars_;
        return;
      }
      *prices[i] = rounded((real(cells[1 + i], stream) + real(cells[6 + i], stream)) / 2, 6);
    }
    if (!quotes) bar.volume = volume_scale == 1 ? scaled(cells[5], 0, 1, stream) : rounded(real(cells[5], stream) * volume_scale, 0);
    const bool fits = bar.low.mantissa > 0 && compare(bar.high, bar.open) >= 0 && compare(bar.high, bar.close) >= 0 && compare(bar.low, bar.open) <= 0 && compare(bar.low, bar.close) <= 0;
    if (!fits) {
      if (!quotes) refuse(stream, fmt::format("expected prices > 0 and high >= open, close >= low, found O {} H {} L {} C {}", bar.open.value(), bar.high.value(), bar.low.value(), bar.close.value()));
      ++crossed_bars_;
      return;
    }
    bar.stamp = params_.resolution == LeanResolution::Daily ? start_of_day(local_day) : zone_.to_utc(local);
    if (!series.bars.empty() && bar.stamp <= series.bars.back().stamp) refuse(stream, fmt::format("expected a time after {}, found {}", format_time(series.bars.back().stamp), format_time(bar.stamp)));
    series.bars.push_back(bar);
  }

  /// A split that makes `ratio` new shares of each old one, as the smallest whole numbers that fit: factors have seven decimals.
  Event split_event(Event event, double ratio) const {
    for (std::uint32_t from = 1; from <= 1000; ++from) {
      const double to = std::round(ratio * from);
      if (to < 1 || std::abs(to / from - ratio) > 2e-5 * ratio) continue;
      event.kind = EventKind::Split;
      event.price = {};
      event.payload = from;
      event.quantity = {static_cast<std::int64_t>(to)};
      return event;
    }
    fail(Fault::Data, base_.string(), fmt::format("expected split factors that are ratios of whole numbers up to 1000, found {} at {}", ratio, format_time(event.exchange_time)));
  }

  /// Payments between the days of the data, in the shares of the last day. Returns their number.
  std::size_t pay_dividends(Tape& tape, std::int64_t first, std::int64_t last) {
    if (params_.security != LeanClass::Equity || params_.adjust == LeanAdjust::All) return 0;
    std::size_t count = 0;
    for (std::size_t i = 0; i + 1 < factors_.size(); ++i) {
      const Factor& row = factors_[i];
      const Factor& next = factors_[i + 1];
      if (row.last_day < first || row.last_day >= last) continue;
      Event event;
      event.exchange_time = event.local_time = start_of_day(row.last_day + 1);
      const double part = 1 - row.price / next.price;
      const bool raw_split = params_.adjust == LeanAdjust::Raw && std::abs(row.split / next.split - 1) > 1e-9;
      if (part <= 1e-9 || row.reference <= 0) {
        if (raw_split) tape.events.push_back(split_event(event, next.split / row.split));
        continue;
      }
      event.kind = EventKind::Dividend;
      // The amount per share of that day, in shares of today.
      const double amount = row.reference * part * (params_.adjust == LeanAdjust::Splits ? next.split : 1);
      event.price = tape.instruments[0].ticks(amount);
      // The dividend is one of the shares of before the split.
      if (event.price.value != 0) {
        tape.events.push_back(event);
        ++count;
      }
      if (raw_split) tape.events.push_back(split_event(event, next.split / row.split));
    }
    std::stable_sort(tape.events.begin(), tape.events.end(), [](const Event& a, const Event& b) { return a.exchange_time < b.exchange_time; });
    return count;
  }

  // Ticks.

  Nanos of_day(std::string_view text, const InputStream& stream) const {
    const auto millis = parse_decimal(text);
    const auto count = millis ? scale(*millis, Decimal{1, -6}) : std::nullopt;
    if (!count || count->count < 0 || count->count >= kNanosPerDay)
      refuse(stream, fmt::format("expected milliseconds since midnight, found \"{}\"", text.substr(0, 30)));
    return {count->count};
  }

  struct Tick {
    Nanos time;
    std::uint64_t row = 0;
    bool trade = false;
    std::int64_t price = 0, size = 0;                          // trade
    std::int64_t bid = 0, bid_size = 0, ask = 0, ask_size = 0; // quote; 0 = not told
    std::string venue;
  };

  void read_ticks(const std::string& name) {
    const auto number = static_cast<InstrumentId>(tape_.instruments.size());
    Instrument one;
    one.name = name;
    one.currency = params_.instrument.currency;
    one.multiplier = params_.instrument.multiplier;
    one.periods_per_year = params_.instrument.periods_per_year.value_or(0);
    tape_.instruments.push_back(one);
    std::map<std::int64_t, std::vector<std::filesystem::path>> days;
    for_each_ticker([&](const std::string& ticker, std::int64_t from, std::int64_t to) {
      for (const char* what : {"quote", "trade"}) {
        for (const auto& [file, day] : files_of(ticker, what)) {
          if (day >= from && day <= to && wanted_day(day)) days[day].push_back(file);
        }
      }
    });
    if (days.empty()) fail(Fault::Data, base_.string(), fmt::format("expected ticks of {} in the time asked for, found none", name));
    for (const auto& [day, files] : days) {
      std::vector<Tick> ticks;
      for (const auto& file : files) read_tick_file(file, day, ticks);
      // Quotes go first at equal times: a trade is judged by the quotes it met.
      std::stable_sort(ticks.begin(), ticks.end(), [](const Tick& a, const Tick& b) { return a.time < b.time; });
      venues_.clear();
      for (const Tick& tick : ticks) tell(tick, number);
    }
  }

  std::int64_t fixed(std::string_view text, bool price, const InputStream& stream) const {
    const int decimals = price && params_.security == LeanClass::Equity ? 4 : 8;
    const auto value = text.empty() ? std::optional<std::int64_t>{0} : read_fixed(text, price && decimals == 4 ? 4 : 8);
    if (!value || *value < 0) refuse(stream, fmt::format("expected a {} >= 0, found \"{}\"", price ? "price" : "size", text.substr(0, 40)));
    return *value;
  }

  void read_tick_file(const std::filesystem::path& file, std::int64_t day, std::vector<Tick>& ticks) {
    hash_.update(sha256_file(file));
    InputStream stream(file);
    const bool trade = file.filename().string().ends_with("_trade.zip");
    std::string_view line;
    std::vector<std::string_view> cells;
    while (stream.line(line)) {
      if (line.empty()) continue;
      ++rows_;
      split(line, cells);
      Tick tick;
      tick.row = stream.row();
      tick.time = zone_.to_utc(start_of_day(day) + of_day(cells[0], stream));
      tick.trade = trade;
      // Equity prices count 1e-4: read with four decimals they count 1e-8.
      if (trade && cells.size() == 6) {
        if (cells[5] == "1") {
          ++suspicious_;
          continue;
        }
        tick.price = fixed(cells[1], true, stream);
        tick.size = fixed(cells[2], false, stream);
      } else if (!trade && cells.size() == 8) {
        if (cells[7] == "1") {
          ++suspicious_;
          continue;
        }
        tick.bid = fixed(cells[1], true, stream);
        tick.bid_size = fixed(cells[2], false, stream);
        tick.ask = fixed(cells[3], true, stream);
        tick.ask_size = fixed(cells[4], false, stream);
        tick.venue = cells[5];
      } else if (!trade && cells.size() == 3) {
        tick.bid = fixed(cells[1], true, stream);
        tick.ask = fixed(cells[2], true, stream);
        tick.bid_size = tick.ask_size = std::llround(params_.quote_size) * 100'000'000;
        crossed_rows_ += tick.bid > 0 && tick.ask > 0 && tick.bid >= tick.ask ? 1 : 0;
      } else {
        refuse(stream, fmt::format("expected a tick of 3, 6 (trade) or 8 (quote) columns, found {}", cells.size()));
      }
      ticks.push_back(std::move(tick));
    }
  }

  struct Quote {
    std::int64_t bid = 0, bid_size = 0, ask = 0, ask_size = 0;
  };

  void tell(const Tick& tick, InstrumentId number) {
    const FeedTime when{tick.time, tick.time, tick.row};
    if (tick.trade) {
      if (tick.price == 0 || tick.size == 0) return faults_.add(FeedFault::BadPrice, fmt::format("row {}", tick.row), "a trade without price or size");
      // By the quotes it met, else by the change of price.
      if (best_.ask > 0 && tick.price >= best_.ask) aggressor_ = Side::Buy;
      else if (best_.bid > 0 && tick.price <= best_.bid) aggressor_ = Side::Sell;
      else if (tick.price != last_price_ && last_price_ > 0) aggressor_ = tick.price > last_price_ ? Side::Buy : Side::Sell;
      last_price_ = tick.price;
      return feed_.trade(when, number, aggressor_, tick.price, tick.size);
    }
    Quote& own = venues_[tick.venue];
    if (tick.bid > 0) own.bid = tick.bid, own.bid_size = tick.bid_size;
    if (tick.ask > 0) own.ask = tick.ask, own.ask_size = tick.ask_size;
    Quote best;
    for (const auto& [venue, quote] : venues_) {
      if (quote.bid > best.bid) best.bid = quote.bid, best.bid_size = 0;
      if (quote.bid == best.bid) best.bid_size += quote.bid_size;
      if (quote.ask > 0 && (best.ask == 0 || quote.ask < best.ask)) best.ask = quote.ask, best.ask_size = 0;
      if (quote.ask > 0 && quote.ask == best.ask) best.ask_size += quote.ask_size;
    }
    if (best.bid > 0 && (best.bid != best_.bid || best.bid_size != best_.bid_size)) feed_.level(when, number, Side::Buy, best.bid, best.bid_size, kTouchOnly);
    if (best.ask > 0 && (best.ask != best_.ask || best.ask_size != best_.ask_size)) feed_.level(when, number, Side::Sell, best.ask, best.ask_size, kTouchOnly);
    best_ = best;
  }

  Params params_;
  std::filesystem::path root_, base_;
  std::string where_;
  TimeZone zone_ = TimeZone::named("UTC", "");
  Tape tape_;
  FeedFaults faults_;
  LevelFeed feed_;
  Sha256 hash_;
  Json detected_ = Json::object();
  std::vector<Mapped> maps_;
  std::vector<Factor> factors_;
  std::int64_t first_day_ = 0;
  std::size_t rows_ = 0, earlier_ = 0, crossed_bars_ = 0, crossed_rows_ = 0, suspicious_ = 0;
  std::map<std::string, Quote> venues_;
  Quote best_;
  Side aggressor_ = Side::Buy;
  std::int64_t last_price_ = 0;
};

}  // namespace

void add_lean(SourceRegistry& registry) {
  registry.add<Lean>("lean", "a LEAN data folder: bars and ticks, with ticker changes, splits and dividends");
}

}  // namespace walras::engine
