// Open, high, low, close and volume in delimited text: one file an instrument, or stacked with a symbol column.
#include "engine/data/adapters.hpp"
#include "engine/data/bars.hpp"
#include "engine/data/csv.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace walras {
template <>
struct EnumNames<engine::StampMeaning> {
  static constexpr std::array<std::pair<engine::StampMeaning, std::string_view>, 3> names{
      {{engine::StampMeaning::Auto, "auto"},
       {engine::StampMeaning::Open, "open"},
       {engine::StampMeaning::Close, "close"}}};
};
namespace engine {
namespace {
enum class Adjust : std::uint8_t { AsIs, Scale };
}
}  // namespace engine
template <>
struct EnumNames<engine::Adjust> {
  static constexpr std::array<std::pair<engine::Adjust, std::string_view>, 2> names{
      {{engine::Adjust::AsIs, "as_is"}, {engine::Adjust::Scale, "scale"}}};
};
}  // namespace walras

namespace walras::engine {
namespace {

enum Role : std::size_t { kTime, kTimeOfDay, kSymbol, kOpen, kHigh, kLow, kClose, kVolume, kAdjusted, kDividend, kSplit, kFunding, kRoles };

struct RoleNames {
  std::string_view role;
  std::vector<std::string_view> columns;  // lower case, letters and digits only; best first
};

const std::array<RoleNames, kRoles>& role_names() {
  static const std::array<RoleNames, kRoles> kNames{{
      {"time", {"date", "timestamp", "datetime", "opentime", "closetime", "timeutc", "timestamputc",
                "dateutc", "tsns", "tsevent", "ts", "unix", "time"}},
      {"time_of_day", {"time"}},
      {"symbol", {"symbol", "ticker", "instrument", "sym"}},
      {"open", {"open", "o"}},
      {"high", {"high", "h"}},
      {"low", {"low", "l"}},
      {"close", {"close", "c"}},
      {"volume", {"volume", "vol", "v", "volumecoin", "volumebase", "tickvolume", "tickvol"}},
      {"adjusted", {"adjclose", "adjustedclose", "closeadj"}},
      // Only where they are named: prices are often adjusted for them already.
      {"dividend", {}},
      {"split", {}},
      {"funding", {}},
  }};
  return kNames;
}

std::string plain(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') result += static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) result += c;
  }
  return result;
}

class OhlcvCsv final : public Source {
 public:
  struct Params {
    std::string path, member;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end;
    std::map<std::string, std::string> columns;
    std::string delimiter = "auto", time_zone = "UTC";
    DateOrder date_order = DateOrder::Auto;
    StampMeaning stamp = StampMeaning::Auto;
    std::optional<std::int64_t> interval_s;
    Adjust adjust = Adjust::AsIs;
    bool newest_first = false;
    BadRow on_bad_row = BadRow::Stop;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "file (plain, gzip, zstd, xz or zip), or a folder of .csv files"});
      field("member", &P::member, {.doc = "which member of a zip: the first whose name contains this"});
      field("instrument", &P::instrument, {.doc = "what is traded; sizes left out are detected"});
      field("instruments", &P::instruments, {.doc = "names to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("columns", &P::columns, {.doc = "role (time, time_of_day, symbol, open, high, low, close, volume, "
            "adjusted) to column name where it is not recognised; \"\" leaves the role out. dividend (per share), split (new "
            "shares for each old one) and funding (rate that longs pay), at the open of their bar, are read only where named here"});
      field("delimiter", &P::delimiter, {.doc = "auto, comma, semicolon, tab, pipe or one character"});
      field("time_zone", &P::time_zone, {.doc = "zone of times written without one"});
      field("date_order", &P::date_order, {.doc = "reading of 1/2/2003"});
      field("stamp", &P::stamp, {.doc = "which end of the bar a time names"});
      field("interval_s", &P::interval_s, {.unit = "s", .min = 1, .max = 3.2e7,
            .doc = "length of a bar; default: the most frequent distance"});
      field("adjust", &P::adjust, {.doc = "as_is, or scale: all prices times adjusted close / close"});
      field("newest_first", &P::newest_first, {.doc = "the file runs backwards in time"});
      field("on_bad_row", &P::on_bad_row, {.doc = "stop, skip (counted), or widen high and low (counted)"});
    }
  };

  OhlcvCsv(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where) {}

  Tape read() override {
    Tape tape;
    if (std::filesystem::is_directory(path_)) {
      std::vector<std::filesystem::path> files;
      for (const auto& entry : std::filesystem::directory_iterator(path_)) {
        const std::string name = entry.path().filename().string();
        if (entry.is_regular_file() && name.find(".csv") != std::string::npos) {
          files.push_back(entry.path());
        }
      }
      std::sort(files.begin(), files.end());
      if (files.empty()) fail(Fault::Data, path_.string(), "expected .csv files, found none");
      if (!params_.instrument.name.empty() && files.size() > 1) {
        fail(Fault::Scenario, where_ + "/instrument/name",
             fmt::format("expected no name for a folder of {} files: each is named by its file",
                         files.size()));
      }
      for (const auto& file : files) read_file(file, tape);
    } else {
      read_file(path_, tape);
    }
    return select(std::move(tape), {params_.instruments, params_.begin, params_.end}, where_);
  }

 private:
  struct Layout {
    std::array<std::optional<std::size_t>, kRoles> column;
    [[nodiscard]] bool has(Role role) const { return column[role].has_value(); }
  };
  struct Counts {
    std::size_t rows = 0, skipped = 0, widened = 0, adjusted_differs = 0, no_volume = 0;
    std::string first_skipped;
  };

  Layout find_columns(const CsvReader& reader) const {
    const auto& header = reader.header();
    std::vector<std::string> names;
    for (const std::string& name : header) names.push_back(plain(name));
    Layout layout;
    std::vector<bool> used(header.size(), false);
    for (const auto& [role, column] : params_.columns) {
      std::size_t known = 0;
      while (known < kRoles && role_names()[known].role != role) ++known;
      if (known == kRoles) {
        fail(Fault::Scenario, where_ + "/columns/" + role,
             "expected time, time_of_day, symbol, open, high, low, close, volume, adjusted, dividend, split or funding");
      }
      if (column.empty()) continue;
      const auto at = std::find(header.begin(), header.end(), column);
      if (at == header.end()) {
        fail(Fault::Data, reader.place(),
             fmt::format("expected the column \"{}\" for {}, found {}", column, role,
                         listed(header)));
      }
      const auto index = static_cast<std::size_t>(at - header.begin());
      layout.column[known] = index;
      used[index] = true;
    }
    for (std::size_t role = 0; role < kRoles; ++role) {
      if (params_.columns.contains(std::string(role_names()[role].role))) continue;
      for (const std::string_view wanted : role_names()[role].columns) {
        const auto at = std::find(names.begin(), names.end(), wanted);
        if (at == names.end()) continue;
        const auto index = static_cast<std::size_t>(at - names.begin());
        if (used[index]) continue;
        if (std::count(names.begin(), names.end(), wanted) > 1) {
          fail(Fault::Data, reader.place(),
               fmt::format("expected one column \"{}\", found {}; choose with \"columns\"", wanted,
                           listed(header)));
        }
        layout.column[role] = index;
        used[index] = true;
        break;
      }
    }
    if (!layout.has(kTime) && header[0].empty()) layout.column[kTime] = 0;  // an unnamed index
    for (const Role role : {kTime, kOpen, kHigh, kLow, kClose}) {
      if (layout.has(role)) continue;
      fail(Fault::Data, reader.place(),
           fmt::format("expected a column for {}, found {}; name it with \"columns\": {{\"{}\": "
                       "\"...\"}}{}{}",
                       role_names()[role].role, listed(header), role_names()[role].role,
                       role == kTime ? "" : ", or use the kind close_panel for closes alone",
                       parse_decimal(header[0]) || parse_stamp(header[0])
                           ? "; the first line must be a header"
                           : ""));
    }
    return layout;
  }

  void read_file(const std::filesystem::path& file, Tape& tape) const {
    const char delimiter = delimiter_of(params_.delimiter, where_);
    CsvReader reader(file, params_.member, delimiter);
    const Layout layout = find_columns(reader);
    if (params_.adjust == Adjust::Scale && !layout.has(kAdjusted)) {
      fail(Fault::Data, reader.place(),
           fmt::format("expected a column for adjusted because of \"adjust\": \"scale\", found {}",
                       listed(reader.header())));
    }
    if (!reader.next()) {
      fail(Fault::Data, reader.name(), "expected rows after the header, found none");
    }
    StampReader stamps =
        stamp_reader(file, params_.member, delimiter, *layout.column[kTime],
                     reader.cell(*layout.column[kTime]), params_.date_order, params_.time_zone, where_);
    std::map<std::string, RawSeries, std::less<>> all;
    Counts counts;
    RawSeries* series = nullptr;
    do {
      ++counts.rows;
      const std::string_view symbol =
          layout.has(kSymbol) ? reader.cell(*layout.column[kSymbol]) : std::string_view{};
      if (series == nullptr || series->name != symbol) series = &series_for(all, symbol);
      read_row(reader, layout, stamps, *series, counts);
    } while (reader.next());
    finish_file(file, reader, layout, stamps, std::move(all), counts, tape);
  }

  static RawSeries& series_for(std::map<std::string, RawSeries, std::less<>>& all,
                               std::string_view symbol) {
    const auto at = all.find(symbol);
    if (at != all.end()) return at->second;
    RawSeries& series = all[std::string(symbol)];
    series.name = symbol;
    return series;
  }

  /// A fault of one row: an error, or a count when rows may be skipped.
  void refuse(const CsvReader& reader, Counts& counts, const std::string& message) const {
    if (params_.on_bad_row != BadRow::Skip) {
      fail(Fault::Data, reader.place(),
           message + "; mend the file, or set \"on_bad_row\": \"skip\" to leave such rows out");
    }
    ++counts.skipped;
    if (counts.first_skipped.empty()) {
      counts.first_skipped = fmt::format("row {}: {}", reader.row(), message);
    }
  }

  bool read_number(const CsvReader& reader, std::size_t column, Counts& counts,
                   Decimal& value) const {
    const std::string_view text = reader.cell(column);
    const auto number = parse_decimal(text);
    if (number) {
      value = *number;
      return true;
    }
    const std::string& name = reader.header()[column];
    refuse(reader, counts,
           means_missing(text)
               ? fmt::format("expected a number in \"{}\", found no value (\"{}\")", name, text)
               : fmt::format("expected a number in \"{}\", found \"{}\"", name, text.substr(0, 60)));
    return false;
  }

  void read_row(const CsvReader& reader, const Layout& layout, StampReader& stamps,
                RawSeries& series, Counts& counts) const {
    std::optional<std::string_view> time;
    if (layout.has(kTimeOfDay)) time = reader.cell(*layout.column[kTimeOfDay]);
    RawBar bar;
    bar.stamp = stamps.read(reader.cell(*layout.column[kTime]), time, reader);
    if (!series.bars.empty()) {
      const Nanos last = series.bars.back().stamp;
      const bool in_order = params_.newest_first ? bar.stamp < last : bar.stamp > last;
      if (!in_order) {
        refuse(reader, counts,
               fmt::format("expected a time {} {}, found {}{}",
                           params_.newest_first ? "before" : "after", format_time(last),
                           bar.stamp == last ? "the same again, " : "", format_time(bar.stamp)));
        return;
      }
    }
    const std::array<std::pair<Role, Decimal*>, 4> prices{
        {{kOpen, &bar.open}, {kHigh, &bar.high}, {kLow, &bar.low}, {kClose, &bar.close}}};
    for (const auto& [role, value] : prices) {
      if (!read_number(reader, *layout.column[role], counts, *value)) return;
      if (value->mantissa <= 0 && !params_.instrument.negative_prices) {
        refuse(reader, counts,
               fmt::format("expected a price > 0 in \"{}\", found {} (set "
                           "\"negative_prices\" where they are meant)",
                           reader.header()[*layout.column[role]],
                           reader.cell(*layout.column[role])));
        return;
      }
    }
    if (!check_range(reader, counts, bar)) return;
    if (layout.has(kVolume)) {
      if (!read_number(reader, *layout.column[kVolume], counts, bar.volume)) return;
      if (bar.volume.mantissa < 0) {
        refuse(reader, counts, fmt::format("expected a volume >= 0, found {}",
                                           reader.cell(*layout.column[kVolume])));
        return;
      }
      counts.no_volume += bar.volume.mantissa == 0 ? 1 : 0;
    }
    if (layout.has(kAdjusted)) {
      if (!read_number(reader, *layout.column[kAdjusted], counts, bar.adjusted)) return;
      counts.adjusted_differs += bar.adjusted == bar.close ? 0 : 1;
      if (params_.adjust == Adjust::Scale && (bar.adjusted.mantissa <= 0 || bar.close.mantissa <= 0)) {
        refuse(reader, counts, "expected close and adjusted close > 0 to scale by");
        return;
      }
    }
    for (const auto& [role, kind] : {std::pair{kSplit, EventKind::Split}, {kDividend, EventKind::Dividend}, {kFunding, EventKind::Funding}}) {
      Decimal value;
      if (!layout.has(role) || means_missing(reader.cell(*layout.column[role]))) continue;
      if (!read_number(reader, *layout.column[role], counts, value)) return;
      if (value.mantissa != 0) series.actions.push_back({bar.stamp, kind, value});
    }
    series.bars.push_back(bar);
  }

  bool check_range(const CsvReader& reader, Counts& counts, RawBar& bar) const {
    const Decimal& top = compare(bar.open, bar.close) >= 0 ? bar.open : bar.close;
    const Decimal& bottom = compare(bar.open, bar.close) >= 0 ? bar.close : bar.open;
    const bool high_fits = compare(bar.high, top) >= 0;
    const bool low_fits = compare(bar.low, bottom) <= 0;
    if (high_fits && low_fits) return true;
    if (params_.on_bad_row == BadRow::Widen) {
      ++counts.widened;
      const Decimal low = low_fits ? bar.low : bottom;
      if (!high_fits) bar.high = top;
      bar.low = low;
      return true;
    }
    refuse(reader, counts,
           fmt::format("expected high >= open and close and low <= both, found O {} H {} L {} C {} "
                       "(\"on_bad_row\": \"widen\" extends high and low)",
                       bar.open.value(), bar.high.value(), bar.low.value(), bar.close.value()));
    return false;
  }

  void finish_file(const std::filesystem::path& file, const CsvReader& reader, const Layout& layout,
                   const StampReader& stamps, std::map<std::string, RawSeries, std::less<>> all,
                   const Counts& counts, Tape& tape) const {
    std::vector<RawSeries> series;
    for (auto& [symbol, one] : all) {
      if (params_.newest_first) {
        std::reverse(one.bars.begin(), one.bars.end());
        std::stable_sort(one.actions.begin(), one.actions.end(), [](const RawAction& a, const RawAction& b) { return a.stamp < b.stamp; });
      }
      if (!layout.has(kSymbol)) {
        one.name = params_.instrument.name.empty() ? stem_of(file) : params_.instrument.name;
      } else if (symbol.empty()) {
        fail(Fault::Data, reader.name(), "expected a symbol in every row, found an empty cell");
      }
      if (stamps.dates()) {
        for (RawBar& bar : one.bars) bar.stamp = stamps.written_day(bar.stamp);
        for (RawAction& action : one.actions) action.stamp = stamps.written_day(action.stamp);
      }
      series.push_back(std::move(one));
    }
    BarLayout bars;
    bars.dates = stamps.dates();
    bars.volume = layout.has(kVolume);
    bars.scale = params_.adjust == Adjust::Scale;
    bars.stamp = params_.stamp;
    bars.interval_s = params_.interval_s;
    Json detected = append_bars(tape, std::move(series), params_.instrument, bars, reader.name());
    Json columns = Json::object();
    for (std::size_t role = 0; role < kRoles; ++role) {
      if (layout.column[role]) {
        columns[role_names()[role].role] = reader.header()[*layout.column[role]];
      }
    }
    detected["date_order"] = stamps.order_text();
    detected["delimiter"] = std::string(1, reader.delimiter());
    detected["columns"] = std::move(columns);
    detected["time_zone"] = bars.dates       ? "days"
                            : stamps.zoned() ? "as written"
                                             : params_.time_zone;
    Json notes = Json::array();
    if (layout.has(kAdjusted) && counts.adjusted_differs > 0) {
      notes.push_back(fmt::format(
          "adjusted close differs from close in {} of {} rows: {}", counts.adjusted_differs,
          counts.rows,
          bars.scale ? "all prices were scaled by adjusted close / close"
                     : "prices are used as they are, without dividends and perhaps with splits"));
    }
    if (counts.no_volume > 0) notes.push_back(fmt::format("{} bars without volume", counts.no_volume));
    if (!counts.first_skipped.empty()) notes.push_back("first row skipped: " + counts.first_skipped);
    Json entry = provenance_entry(file, "ohlcv_csv");
    entry["rows"] = counts.rows;
    entry["rows_skipped"] = counts.skipped;
    entry["rows_widened"] = counts.widened;
    entry["detected"] = std::move(detected);
    entry["notes"] = std::move(notes);
    tape.provenance.push_back(std::move(entry));
  }

  Params params_;
  std::filesystem::path path_;
  std::string where_;
};

}  // namespace

void add_ohlcv_csv(SourceRegistry& registry) {
  registry.add<OhlcvCsv>("ohlcv_csv",
                         "bars in delimited text, daily to minute; columns are recognised");
}

}  // namespace walras::engine
