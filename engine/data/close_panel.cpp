// Wide panels of closes: a time column, then one column of prices for each instrument. Cells may be missing.
#include "engine/data/adapters.hpp"
#include "engine/data/bars.hpp"
#include "engine/data/csv.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace walras::engine {
namespace {

class ClosePanel final : public Source {
 public:
  struct Params {
    std::string path, member;
    InstrumentTerms instrument;
    std::vector<std::string> instruments;
    std::string begin, end;
    std::string delimiter = "auto", time_zone = "UTC", time_column;
    DateOrder date_order = DateOrder::Auto;
    bool newest_first = false;
    bool allow_missing = true;
    static void fields(auto&& field) {
      using P = Params;
      field("path", &P::path, {.doc = "file (plain, gzip, zstd, xz or zip)"});
      field("member", &P::member, {.doc = "which member of a zip: the first whose name contains this"});
      field("instrument", &P::instrument, {.doc = "terms of every instrument but the name; sizes left out are detected"});
      field("instruments", &P::instruments, {.doc = "names to keep; empty: all"});
      field("begin", &P::begin, {.doc = "first time kept, ISO, UTC; empty: from the start"});
      field("end", &P::end, {.doc = "first time left out, ISO, UTC; empty: to the end"});
      field("delimiter", &P::delimiter, {.doc = "auto, comma, semicolon, tab, pipe or one character"});
      field("time_zone", &P::time_zone, {.doc = "zone of times written without one"});
      field("time_column", &P::time_column, {.doc = "column of the time; empty: the first"});
      field("date_order", &P::date_order, {.doc = "reading of 1/2/2003"});
      field("newest_first", &P::newest_first, {.doc = "the file runs backwards in time"});
      field("allow_missing", &P::allow_missing, {.doc = "empty or NaN cells are gaps and are counted; false: an error"});
    }
  };

  ClosePanel(Params params, const SourceContext& context)
      : params_(std::move(params)), path_(resolve_path(context, params_.path)), where_(context.where) {}

  Tape read() override {
    const char delimiter = delimiter_of(params_.delimiter, where_);
    CsvReader reader(path_, params_.member, delimiter);
    const std::size_t time_column = find_time(reader);
    std::vector<RawSeries> series = name_series(reader, time_column);
    if (!reader.next()) {
      fail(Fault::Data, reader.name(), "expected rows after the header, found none");
    }
    StampReader stamps =
        stamp_reader(path_, params_.member, delimiter, time_column, reader.cell(time_column),
                     params_.date_order, params_.time_zone, where_);
    std::vector<Gaps> gaps(series.size());
    std::size_t rows = 0;
    std::optional<Nanos> last;
    do {
      const Nanos stamp = stamps.read(reader.cell(time_column), std::nullopt, reader);
      check_order(reader, last, stamp);
      last = stamp;
      ++rows;
      for (std::size_t column = 0, i = 0; column < reader.header().size(); ++column) {
        if (column == time_column) continue;
        read_cell(reader, column, stamp, series[i], gaps[i]);
        ++i;
      }
    } while (reader.next());
    return finish(reader, stamps, std::move(series), gaps, rows);
  }

 private:
  /// Cells without a value: before the first price of a column, between prices, after the last.
  struct Gaps {
    std::size_t before = 0, inside = 0, open = 0;  // open = since the last price
  };

  std::size_t find_time(const CsvReader& reader) const {
    const auto& header = reader.header();
    if (params_.time_column.empty()) return 0;
    const auto at = std::find(header.begin(), header.end(), params_.time_column);
    if (at == header.end()) {
      fail(Fault::Data, reader.place(),
           fmt::format("expected the column \"{}\", found {}", params_.time_column, listed(header)));
    }
    return static_cast<std::size_t>(at - header.begin());
  }

  static std::vector<RawSeries> name_series(const CsvReader& reader, std::size_t time_column) {
    std::vector<RawSeries> series;
    std::set<std::string> seen;
    for (std::size_t column = 0; column < reader.header().size(); ++column) {
      if (column == time_column) continue;
      const std::string& name = reader.header()[column];
      if (name.empty() || !seen.insert(name).second) {
        fail(Fault::Data, reader.place(),
             fmt::format("expected one named column for each instrument, found {} \"{}\"",
                         name.empty() ? "an unnamed column" : "twice", name.substr(0, 60)));
      }
      series.push_back({name, {}});
    }
    if (series.empty()) {
      fail(Fault::Data, reader.place(),
           fmt::format("expected a time column and one column of closes for each instrument, found "
                       "{}",
                       listed(reader.header())));
    }
    return series;
  }

  void check_order(const CsvReader& reader, const std::optional<Nanos>& last, Nanos stamp) const {
    if (!last || (params_.newest_first ? stamp < *last : stamp > *last)) return;
    fail(Fault::Data, reader.place(),
         fmt::format("expected a time {} {}, found {}{}", params_.newest_first ? "before" : "after",
                     format_time(*last), stamp == *last ? "the same again, " : "",
                     format_time(stamp)));
  }

  void read_cell(const CsvReader& reader, std::size_t column, Nanos stamp, RawSeries& series,
                 Gaps& gaps) const {
    const std::string_view text = reader.cell(column);
    const auto number = parse_decimal(text);
    if (!number) {
      if (means_missing(text) && params_.allow_missing) {
        ++(series.bars.empty() ? gaps.before : gaps.open);
        return;
      }
      fail(Fault::Data, reader.place(),
           means_missing(text)
               ? fmt::format("expected a number in \"{}\", found no value (\"{}\")", series.name, text)
               : fmt::format("expected a number in \"{}\", found \"{}\"", series.name,
                             text.substr(0, 60)));
    }
    if (number->mantissa <= 0 && !params_.instrument.negative_prices) {
      fail(Fault::Data, reader.place(),
           fmt::format("expected a price > 0 in \"{}\", found {} (set \"negative_prices\" where "
                       "they are meant)",
                       series.name, text.substr(0, 60)));
    }
    gaps.inside += gaps.open;
    gaps.open = 0;
    RawBar bar;
    bar.stamp = stamp;
    bar.close = *number;
    series.bars.push_back(bar);
  }

  Tape finish(const CsvReader& reader, const StampReader& stamps, std::vector<RawSeries> series,
              const std::vector<Gaps>& gaps, std::size_t rows) const {
    Json missing = Json::object();
    for (std::size_t i = 0; i < series.size(); ++i) {
      if (params_.newest_first) std::reverse(series[i].bars.begin(), series[i].bars.end());
      if (stamps.dates()) {
        for (RawBar& bar : series[i].bars) bar.stamp = stamps.written_day(bar.stamp);
      }
      const std::size_t before = params_.newest_first ? gaps[i].open : gaps[i].before;
      const std::size_t after = params_.newest_first ? gaps[i].before : gaps[i].open;
      if (before + gaps[i].inside + after == 0) continue;
      missing[series[i].name] = Json::object(
          {{"before_first", before}, {"inside", gaps[i].inside}, {"after_last", after}});
    }
    BarLayout layout;
    layout.dates = stamps.dates();
    layout.close_only = true;
    layout.volume = false;
    Tape tape;
    Json detected = append_bars(tape, std::move(series), params_.instrument, layout, reader.name());
    detected["date_order"] = stamps.order_text();
    detected["delimiter"] = std::string(1, reader.delimiter());
    detected["time_zone"] = layout.dates ? "days" : stamps.zoned() ? "as written" : params_.time_zone;
    detected["missing"] = std::move(missing);
    Json entry = provenance_entry(path_, "close_panel");
    entry["rows"] = rows;
    entry["detected"] = std::move(detected);
    entry["notes"] = Json::array({Json("closes only: open, high and low equal the close, no volume")});
    tape.provenance.push_back(std::move(entry));
    return select(std::move(tape), {params_.instruments, params_.begin, params_.end}, where_);
  }

  Params params_;
  std::filesystem::path path_;
  std::string where_;
};

}  // namespace

void add_close_panel(SourceRegistry& registry) {
  registry.add<ClosePanel>("close_panel", "closes in a wide table: a time column, then one column an instrument");
}

}  // namespace walras::engine
