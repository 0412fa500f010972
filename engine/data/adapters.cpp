#include "engine/data/adapters.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"
#include "engine/data/csv.hpp"

#include <fmt/format.h>

namespace walras::engine {

void add_sources(SourceRegistry& registry) {
  add_ohlcv_csv(registry);
  add_close_panel(registry);
  add_lobster(registry);
  add_library_source(registry);
  add_itch(registry);
  add_dbn(registry);
  add_binance(registry);
  add_tardis(registry);
  add_lean(registry);
}

std::filesystem::path resolve_path(const SourceContext& context, const std::string& path) {
  if (path.empty()) {
    fail(Fault::Scenario, context.where + "/path",
         "expected the path of a data file, was empty; name it in the scenario, or with --set "
         "/market/source/path=FILE");
  }
  const std::filesystem::path given(path);
  return given.is_absolute() ? given : context.root / given;
}

std::string stem_of(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  const std::string stem = name.substr(0, name.find('.'));
  return stem.empty() ? name : stem;
}

Json provenance_entry(const std::filesystem::path& file, std::string_view kind) {
  return Json::object(
      {{"file", file.filename().string()}, {"sha256", sha256_file(file)}, {"kind", kind}});
}

char delimiter_of(const std::string& name, const std::string& where) {
  if (name == "auto") return 0;
  if (name == "comma") return ',';
  if (name == "semicolon") return ';';
  if (name == "tab") return '\t';
  if (name == "pipe") return '|';
  if (name.size() == 1) return name[0];
  fail(Fault::Scenario, where + "/delimiter",
       fmt::format("expected auto, comma, semicolon, tab, pipe or one character, was \"{}\"", name));
}

Nanos StampReader::read(std::string_view day, std::optional<std::string_view> time,
                        const CsvReader& reader) {
  auto stamp = parse_stamp(day, order_);
  if (stamp && time) {
    const auto of_day = parse_time_of_day(*time);
    if (!of_day || !stamp->date_only) {
      fail(Fault::Data, reader.place(),
           fmt::format("expected a date and a time of day such as 09:35:00, found \"{}\" and \"{}\"",
                       day.substr(0, 60), time->substr(0, 60)));
    }
    stamp->time += Nanos{*of_day};
    stamp->date_only = false;
  }
  if (!stamp) {
    fail(Fault::Data, reader.place(),
         fmt::format("expected a time such as 2012-06-21, 2012-06-21 09:30:00, 6/21/2012, 20120621 "
                     "or a count since 1970, found \"{}\"",
                     day.substr(0, 60)));
  }
  if (first_) {
    date_only_ = stamp->date_only;
    zoned_ = stamp->zoned;
    first_ = false;
  } else if (stamp->date_only != date_only_ || stamp->zoned != zoned_) {
    fail(Fault::Data, reader.place(),
         fmt::format("expected a time written as in the first row (a {}, {}), found \"{}\"",
                     date_only_ ? "date" : "date and time", zoned_ ? "with a zone" : "without a zone",
                     day.substr(0, 60)));
  }
  dates_ = dates_ && (stamp->time.value + stamp->offset) % kNanosPerDay == 0;
  if (date_only_) return stamp->time;
  if (zoned_) {
    offset_ = stamp->offset;
    return stamp->time;
  }
  const Nanos instant = zone_.to_utc(stamp->time);
  offset_ = (stamp->time - instant).value;
  return instant;
}

Nanos StampReader::written_day(Nanos instant) const {
  // Offsets differ by daylight saving within a file: midnight by the last of them is at most an hour off.
  return start_of_day(day_of(instant + Nanos{offset_ + kNanosPerDay / 2}));
}

DateOrder detect_date_order(const std::filesystem::path& file, std::string_view member,
                            char delimiter, std::size_t column) {
  CsvReader reader(file, member, delimiter);
  const auto number = [](std::string_view text) {
    int value = 0;
    for (const char c : text.substr(0, 3)) {
      if (c < '0' || c > '9') return -1;
      value = value * 10 + (c - '0');
    }
    return value;
  };
  while (reader.next()) {
    const std::string_view text = reader.cell(column);
    const std::size_t first = text.find_first_of("/-.");
    if (first == std::string_view::npos || first > 2) break;  // the row itself will be refused
    const std::size_t second = text.find_first_of("/-.", first + 1);
    if (second == std::string_view::npos) break;
    if (number(text.substr(0, first)) > 12) return DateOrder::DayMonthYear;
    if (number(text.substr(first + 1, second - first - 1)) > 12) return DateOrder::MonthDayYear;
  }
  fail(Fault::Data, reader.name(),
       "expected a day beyond the twelfth to tell month/day/year from day/month/year, found none; "
       "set \"date_order\" to month_day_year or day_month_year");
}

StampReader stamp_reader(const std::filesystem::path& file, std::string_view member, char delimiter,
                         std::size_t column, std::string_view first_cell, DateOrder order,
                         const std::string& time_zone, const std::string& where) {
  const TimeZone zone = TimeZone::named(time_zone, where + "/time_zone");
  const bool year_last = !parse_stamp(first_cell) && (parse_stamp(first_cell, DateOrder::MonthDayYear) ||
                                                      parse_stamp(first_cell, DateOrder::DayMonthYear));
  if (year_last && order == DateOrder::Auto) {
    order = detect_date_order(file, member, delimiter, column);
  }
  return {order, zone};
}

}  // namespace walras::engine
