#pragma once
// What the file adapters share: their registration, resolution of paths, the record of one input.
#include "engine/data/source.hpp"
#include "engine/data/csv.hpp"
#include "engine/market/calendar.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace walras::engine {

void add_ohlcv_csv(SourceRegistry& registry);
void add_close_panel(SourceRegistry& registry);
void add_lobster(SourceRegistry& registry);
void add_library_source(SourceRegistry& registry);
void add_itch(SourceRegistry& registry);
void add_dbn(SourceRegistry& registry);
void add_binance(SourceRegistry& registry);
void add_tardis(SourceRegistry& registry);
void add_lean(SourceRegistry& registry);

/// What to do with a row whose values cannot stand.
enum class BadRow : std::uint8_t {
  Stop,   ///< an error that names the row
  Skip,   ///< left out and counted
  Widen   ///< high and low are widened to hold open and close, and counted; anything else stops
};

/// `path` itself when absolute, else below the context's root. Throws Error{Scenario} when empty.
[[nodiscard]] std::filesystem::path resolve_path(const SourceContext& context, const std::string& path);
/// File name up to its first dot: "BTC-ETH.csv.zst" -> "BTC-ETH".
[[nodiscard]] std::string stem_of(const std::filesystem::path& file);
/// {"file": name without folders, "sha256", "kind"}: how an entry of Tape::provenance begins.
[[nodiscard]] Json provenance_entry(const std::filesystem::path& file, std::string_view kind);
/// The delimiter of "auto" (0), "comma", "semicolon", "tab", "pipe" or a single character.
[[nodiscard]] char delimiter_of(const std::string& name, const std::string& where);

/// Reads the stamps of a file: checks that all are written alike, and brings them to UTC.
class StampReader {
 public:
  StampReader(DateOrder order, TimeZone zone) : order_(order), zone_(zone) {}
  /// The instant of `day` and, where the file has a column of its own for it, `time`.
  /// Throws Error{Data} at the reader's row.
  Nanos read(std::string_view day, std::optional<std::string_view> time, const CsvReader& reader);
  /// Every stamp so far was a day, or midnight as written.
  [[nodiscard]] bool dates() const { return dates_; }
  [[nodiscard]] bool zoned() const { return zoned_; }
  /// "month first", "day first", or "year first" where nothing had to be told apart.
  [[nodiscard]] std::string_view order_text() const {
    return order_ == DateOrder::MonthDayYear   ? "month first"
           : order_ == DateOrder::DayMonthYear ? "day first"
                                               : "year first";
  }
  /// For files that hold days: midnight UTC of the day as it was written.
  [[nodiscard]] Nanos written_day(Nanos instant) const;

 private:
  DateOrder order_;
  TimeZone zone_;
  bool first_ = true, date_only_ = false, zoned_ = false, dates_ = true;
  std::int64_t offset_ = 0;  // ns east of UTC of the last stamp
};

/// Month or day first? Reads the column until one number is beyond 12. Throws Error{Data} when none is.
[[nodiscard]] DateOrder detect_date_order(const std::filesystem::path& file, std::string_view member,
                                          char delimiter, std::size_t column);
/// A reader for this file, given its first time cell: the order of day and month is detected where it matters and is
/// not given.
[[nodiscard]] StampReader stamp_reader(const std::filesystem::path& file, std::string_view member, char delimiter,
                                       std::size_t column, std::string_view first_cell, DateOrder order,
                                       const std::string& time_zone, const std::string& where);

}  // namespace walras::engine

namespace walras {
template <>
struct EnumNames<engine::BadRow> {
  static constexpr std::array<std::pair<engine::BadRow, std::string_view>, 3> names{
      {{engine::BadRow::Stop, "stop"}, {engine::BadRow::Skip, "skip"}, {engine::BadRow::Widen, "widen"}}};
};
template <>
struct EnumNames<engine::DateOrder> {
  static constexpr std::array<std::pair<engine::DateOrder, std::string_view>, 3> names{
      {{engine::DateOrder::Auto, "auto"},
       {engine::DateOrder::MonthDayYear, "month_day_year"},
       {engine::DateOrder::DayMonthYear, "day_month_year"}}};
};
}  // namespace walras
