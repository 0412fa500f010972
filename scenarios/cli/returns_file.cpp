#include "scenarios/cli/returns_file.hpp"

#include "engine/base/error.hpp"
#include "engine/data/csv.hpp"
#include "engine/market/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cmath>

namespace walras::scenarios {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

double parse_return(std::string_view text, const std::string& place, const std::string& column, double scale) {
  double value = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, problem] = std::from_chars(begin, text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    const char* mend = text.ends_with('%')                               ? "write percentages as fractions"
                       : text.find(',') != std::string_view::npos ? "write decimals with a point"
                                                                  : "fill or drop rows that have none";
    fail(Fault::Data, place, fmt::format("column {}: expected a simple return as 0.0123, was '{}'; {}", column, text, mend));
  }
  value *= scale;
  if (value < -1) {
    fail(Fault::Data, place, fmt::format("column {}: expected a simple return >= -1, was {}; percentages must be divided by 100", column, value));
  }
  return value;
}

/// Six digits are a month, which ends at its last day.
std::optional<Nanos> parse_time(std::string_view text) {
  unsigned month = 0;
  if (text.size() == 6 && std::from_chars(text.data(), text.data() + 6, month).ptr == text.data() + 6 && month % 100 >= 1 && month % 100 <= 12 &&
      month >= 180001 && month <= 220012) {
    const std::chrono::year_month_day_last last = std::chrono::year(static_cast<int>(month / 100)) / std::chrono::month(month % 100) / std::chrono::last;
    return Nanos{std::chrono::sys_days(last).time_since_epoch().count() * kNanosPerDay};
  }
  const auto stamp = engine::parse_stamp(text);
  return stamp ? std::optional(stamp->time) : std::nullopt;
}

/// A row is a period, a column a strategy: a header of dates says that they were swapped.
void check_axes(const std::vector<std::string>& header, const std::string& file) {
  const auto dates = std::ranges::count_if(header, [](const std::string& name) { return parse_time(name).has_value(); });
  if (dates < 2 || dates + 1 < static_cast<std::ptrdiff_t>(header.size())) return;
  fail(Fault::Data, fmt::format("{}, row 1", file),
       fmt::format("expected names of strategies across and dates down, was {} dates across: rows and columns are swapped; transpose the file", dates));
}

/// Names go to terminals and reports, and tell columns apart.
void check_names(const std::vector<std::string>& header, const std::string& file) {
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string place = fmt::format("{}, row 1", file);
    if (header[i].empty()) {
      fail(Fault::Data, place, fmt::format("expected a name of every column, was none of column {} of {}; name it, or drop the commas around it", i + 1, header.size()));
    }
    if (std::ranges::any_of(header[i], [](unsigned char c) { return c < 0x20 || c == 0x7f; })) {
      fail(Fault::Data, place, fmt::format("expected a printable name of column {}, was one with control characters", i + 1));
    }
  }
}

/// A column in which every period earns more than half of the capital holds prices, or factors of growth.
void check_returns(const stats::ReturnSeries& series, const std::string& file) {
  const auto [low, high] = std::ranges::minmax_element(series.returns);
  if (*low < 0.5) return;
  fail(Fault::Data, file, fmt::format("column {}: expected simple returns as 0.0123, was {} to {}: prices or factors of growth? Divide each by the one before it, "
                                      "less 1, or take 1 from each factor", series.name, *low, *high));
}

}  // namespace

ReturnsFile read_returns(const std::filesystem::path& file, std::optional<double> periods, double scale) {
  engine::CsvReader reader(file, "", 0);
  const std::vector<std::string>& header = reader.header();
  check_axes(header, reader.name());
  check_names(header, reader.name());
  std::optional<std::size_t> time_column;
  ReturnsFile result;
  std::vector<std::size_t> columns;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const std::string name = lower(header[i]);
    if (name == "date" || name == "time" || name == "datetime" || name == "timestamp") {
      if (time_column) fail(Fault::Data, reader.name(), fmt::format("expected one column of time, were two: {} and {}", header[*time_column], header[i]));
      time_column = i;
      continue;
    }
    if (parse_time(header[i])) {
      fail(Fault::Data, fmt::format("{}, row 1", reader.name()),
           fmt::format("expected a header with the names of strategies, was the date {}; rows and columns are swapped: one row a date, one column a strategy", header[i]));
    }
    double number = 0;
    if (std::from_chars(header[i].data(), header[i].data() + header[i].size(), number).ec == std::errc{}) {
      fail(Fault::Data, fmt::format("{}, row 1", reader.name()), fmt::format("expected a header with names, was the number {}; write one, as date,my_strategy", header[i]));
    }
    if (std::ranges::any_of(result.series, [&](const auto& other) { return other.name == header[i]; })) {
      fail(Fault::Data, fmt::format("{}, row 1", reader.name()), fmt::format("expected columns of different names, was {} twice", header[i]));
    }
    columns.push_back(i);
    result.series.push_back({.name = header[i], .times = {}, .returns = {}, .start = {}});
  }
  if (columns.empty()) fail(Fault::Data, reader.name(), "expected a column of returns beside the time, was none");
  if (!time_column && !periods) {
    fail(Fault::Data, reader.name(), fmt::format("expected a column named date or time, were {}; without one, say --periods N a year", fmt::join(header, ", ")));
  }
  std::vector<Nanos> times;
  while (reader.next()) {
    if (time_column) {
      const auto stamp = parse_time(reader.cell(*time_column));
      if (!stamp) fail(Fault::Data, reader.place(), fmt::format("column {}: expected a date as 2024-01-31, was '{}'", header[*time_column], reader.cell(*time_column)));
      if (!times.empty() && *stamp <= times.back()) {
        fail(Fault::Data, reader.place(), fmt::format("column {}: expected a time after the row before, was '{}'; sort the rows and drop duplicates", header[*time_column], reader.cell(*time_column)));
      }
      times.push_back(*stamp);
    } else {
      times.push_back({static_cast<std::int64_t>(std::llround(static_cast<double>(times.size() + 1) * 365.25 / *periods * static_cast<double>(kNanosPerDay)))});
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      result.series[i].returns.push_back(parse_return(reader.cell(columns[i]), reader.place(), header[columns[i]], scale));
    }
  }
  if (times.size() < 2) fail(Fault::Data, reader.name(), fmt::format("expected at least 2 rows of returns, was {}", times.size()));
  if (!time_column && columns.size() > times.size()) {
    fail(Fault::Data, reader.name(), fmt::format("expected more rows (periods) than columns (strategies), was {} and {}: rows and columns may be swapped; transpose the file, or add a column of dates", times.size(), columns.size()));
  }
  const stats::Calendar calendar = periods ? stats::Calendar{*periods, fmt::format("--periods {}", *periods)} : stats::infer_calendar(times);
  result.calendar = calendar.rule;
  for (stats::ReturnSeries& series : result.series) {
    series.times = times;
    series.periods_per_year = calendar.periods_per_year;
    stats::check(series);
    check_returns(series, reader.name());
  }
  return result;
}

}  // namespace walras::scenarios
