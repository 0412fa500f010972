// The statistics alone, on any returns: every column of a CSV is judged as a trial of one study.
#include "engine/base/error.hpp"
#include "engine/data/csv.hpp"
#include "engine/market/calendar.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "stats/tear_sheet.hpp"
#include "stats/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <iostream>

namespace walras::scenarios {
namespace {

struct ReturnsFile {
  std::vector<stats::ReturnSeries> series;
  std::string calendar;   ///< the rule that told the periods a year
};

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

double parse_return(std::string_view text, const std::string& place, const std::string& column) {
  double value = 0;
  const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
  const auto [end, problem] = std::from_chars(begin, text.data() + text.size(), value);
  if (problem != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    fail(Fault::Data, place, fmt::format("column {}: expected a simple return as 0.0123, was '{}'; fill or drop rows that have none", column, text));
  }
  if (value < -1) {
    fail(Fault::Data, place, fmt::format("column {}: expected a simple return >= -1, was {}; percentages must be divided by 100", column, value));
  }
  return value;
}

/// A column named date or time is time; every other column is one strategy.
ReturnsFile read_returns(const std::filesystem::path& file, std::optional<double> periods) {
  engine::CsvReader reader(file, "", 0);
  const std::vector<std::string>& header = reader.header();
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
      const auto stamp = engine::parse_stamp(reader.cell(*time_column));
      if (!stamp) fail(Fault::Data, reader.place(), fmt::format("column {}: expected a date as 2024-01-31, was '{}'", header[*time_column], reader.cell(*time_column)));
      if (!times.empty() && stamp->time <= times.back()) {
        fail(Fault::Data, reader.place(), fmt::format("column {}: expected a time after the row before, was '{}'; sort the rows and drop duplicates", header[*time_column], reader.cell(*time_column)));
      }
      times.push_back(stamp->time);
    } else {
      times.push_back({static_cast<std::int64_t>(std::llround(static_cast<double>(times.size() + 1) * 365.25 / *periods * static_cast<double>(kNanosPerDay)))});
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      result.series[i].returns.push_back(parse_return(reader.cell(columns[i]), reader.place(), header[columns[i]]));
    }
  }
  if (times.size() < 2) fail(Fault::Data, reader.name(), fmt::format("expected at least 2 rows of returns, was {}", times.size()));
  const stats::Calendar calendar = periods ? stats::Calendar{*periods, fmt::format("--periods {}", *periods)} : stats::infer_calendar(times);
  result.calendar = calendar.rule;
  for (stats::ReturnSeries& series : result.series) {
    series.times = times;
    series.periods_per_year = calendar.periods_per_year;
    stats::check(series);
  }
  return result;
}

struct Judged {
  std::string name;
  std::vector<stats::Evidence> metrics, significance;
  stats::StrategyVerdict verdict;
};

std::string shown(const stats::Evidence& evidence) {
  if (!evidence.estimate) return "-";
  const bool fraction = evidence.unit.starts_with("fraction");
  const auto text = [&](double value) { return fraction ? fmt::format("{:.2f}", value * 100) : figure(value); };
  std::string out = text(*evidence.estimate);
  if (evidence.interval) out += fmt::format(" [{}, {}]", text(evidence.interval->low), text(evidence.interval->high));
  return out + (fraction ? " %" : "");
}

Json metrics_json(const std::vector<stats::Evidence>& list) {
  Json out = Json::object();
  for (const stats::Evidence& evidence : list) out[evidence.name] = stats::to_json(evidence);
  return out;
}

int run_stats(const Arguments& arguments) {
  use_threads(arguments);
  const std::filesystem::path file = arguments.text("CSV");
  ReturnsFile input = read_returns(file, arguments.number("--periods", 1e-3, 1e10));
  const double risk_free = arguments.number("--risk-free", -0.5, 10).value_or(0);
  const auto seed = static_cast<std::uint64_t>(arguments.integer("--seed", 0, 9'000'000'000'000'000).value_or(1));
  const auto resamples = static_cast<std::size_t>(arguments.integer("--resamples", 100, 1'000'000).value_or(2000));

  std::optional<stats::ReturnSeries> benchmark;
  if (arguments.has("--benchmark")) {
    const auto found = std::ranges::find(input.series, arguments.text("--benchmark"), &stats::ReturnSeries::name);
    if (found == input.series.end()) fail(Fault::Usage, "--benchmark", fmt::format("expected a column of {}, was '{}'", file.string(), arguments.text("--benchmark")));
    benchmark = *found;
    input.series.erase(found);
    if (input.series.empty()) fail(Fault::Data, file.string(), "expected a column of returns beside time and benchmark, was none");
  }

  stats::Conventions conventions;
  conventions.risk_free = risk_free;
  conventions.minimum_acceptable = arguments.number("--mar", -0.5, 10).value_or(0);
  std::vector<stats::Trial> trials;
  std::vector<stats::Contender> contenders;
  for (const stats::ReturnSeries& series : input.series) {
    const double weight = benchmark ? stats::volatility_weight(series.returns, benchmark->returns) : 0;
    const std::vector<double> against = benchmark ? benchmark->returns : std::vector<double>{};
    trials.push_back({series.name, series.name, series.times, series.returns,
                      stats::excess_over_benchmark(series.returns, against, weight, stats::per_period_rate(risk_free, series.periods_per_year)),
                      series.periods_per_year});
    contenders.push_back({series.name, series.name, {}, {}});
  }
  const stats::TrialLedger ledger = stats::merge_trials({file.stem().string(), {}}, trials).ledger;
  const stats::Verdict verdict = stats::judge(contenders, ledger, {.risk_free = risk_free, .seed = seed});

  std::vector<Judged> judged;
  for (std::size_t i = 0; i < input.series.size(); ++i) {
    judged.push_back({input.series[i].name,
                      stats::tear_sheet({.net = input.series[i], .benchmark = benchmark ? &*benchmark : nullptr, .trading = {}, .conventions = conventions,
                                         .resamples = {.replicates = resamples, .seed = seed}}),
                      verdict.strategies[i].evidence(), verdict.strategies[i]});
  }

  if (arguments.has("--json")) {
    Json list = Json::array();
    for (const Judged& one : judged) {
      list.push_back(Json::object({{"name", one.name}, {"metrics", metrics_json(one.metrics)}, {"significance", metrics_json(one.significance)},
                                   {"verdict", stats::text(one.verdict.judgement)}, {"reason", one.verdict.words}}));
    }
    print_json("stats", Json::object({{"file", file.filename().string()}, {"periods", input.series.front().returns.size()},
                                      {"periods_per_year", input.series.front().periods_per_year}, {"calendar", input.calendar},
                                      {"strategies", list}, {"verdict", verdict.text}}));
    return 0;
  }
  std::cout << fmt::format("{}: {} periods, {}\n\n", file.filename().string(), input.series.front().returns.size(), input.calendar);
  std::vector<std::string> head{""};
  for (const Judged& one : judged) head.push_back(one.name);
  TextTable table(head);
  const auto rows = [&](auto part) {
    for (std::size_t i = 0; i < (judged.front().*part).size(); ++i) {
      std::vector<std::string> cells{(judged.front().*part)[i].name};
      for (const Judged& one : judged) cells.push_back(shown((one.*part)[i]));
      table.add(cells);
    }
  };
  rows(&Judged::metrics);
  rows(&Judged::significance);
  std::cout << table.str() << "\nVerdict: " << verdict.text << '\n';
  for (const Judged& one : judged) std::cout << fmt::format("  {}: {}; {}\n", one.name, stats::text(one.verdict.judgement), one.verdict.words);
  return 0;
}

}  // namespace

Command stats_command() {
  return {"stats", "the statistics and the verdict on any returns", {{"CSV", "a header, a column date or time, one column of simple returns a strategy"}},
          {{"--periods", "N", "periods a year (default: told from the dates)"},
           {"--benchmark", "COLUMN", "the column that the others are judged against (default: cash)"},
           {"--risk-free", "RATE", "a year, as 0.02 (default: 0)"},
           {"--mar", "RATE", "minimum acceptable return a year, of Sortino and Omega (default: 0)"},
           {"--resamples", "N", "bootstrap repetitions (default: 2000)"},
           {"--seed", "N", "of the bootstrap (default: 1)"},
           {"--threads", "N", "how many to use; results do not depend on it (default: all cores)"},
           {"--json", "", "everything, with methods and assumptions"}},
          {"walras stats returns.csv", "walras stats returns.csv --benchmark index --json"}, run_stats};
}

}  // namespace walras::scenarios
