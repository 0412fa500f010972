// The statistics alone, on any returns: every column of a CSV is judged as a trial of one study.
#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/compare.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/cli/returns_file.hpp"
#include "scenarios/cli/stats_parts.hpp"
#include "stats/tear_sheet.hpp"
#include "stats/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>

namespace walras::scenarios {
namespace {

struct Judged {
  std::string name;
  std::vector<stats::Evidence> metrics, significance;
  stats::StrategyVerdict verdict;
};

/// Rows of a terminal's table; the rest with --all.
constexpr std::array kKey{"total_return", "cagr", "volatility", "sharpe", "sortino", "calmar", "omega", "max_drawdown", "longest_drawdown", "ulcer_index",
                          "var_historical", "cvar_historical", "var_evt", "skewness", "raw_kurtosis", "tail_ratio", "hit_rate", "payoff", "beta", "alpha",
                          "information_ratio", "treynor", "up_capture", "down_capture", "lo_adjusted_sharpe", "autocorrelation", "ljung_box", "jarque_bera",
                          "kupiec_historical", "christoffersen_historical", "leading_zeros"};

std::string shown(const stats::Evidence& evidence) {
  if (!evidence.estimate) return "-";
  // What is more than a thousandfold is no percentage that anybody reads.
  const bool fraction = evidence.unit.starts_with("fraction") && std::abs(*evidence.estimate) < 1000;
  const auto text = [&](double value) { return fraction ? fmt::format("{:.2f}", value * 100) : figure(value); };
  std::string out = text(*evidence.estimate);
  if (evidence.p_value) out += fmt::format(" (p {})", figure(evidence.p_value));
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

  const std::optional<stats::Comparisons> compared =
      comparisons(arguments, input.series, benchmark ? &*benchmark : nullptr, resamples, seed);

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
  const stats::Verdict verdict = stats::judge(contenders, ledger, {.risk_free = risk_free, .seed = seed, .matched_on = "the whole record"});

  std::vector<Judged> judged;
  for (std::size_t i = 0; i < input.series.size(); ++i) {
    judged.push_back({input.series[i].name,
                      stats::tear_sheet({.net = input.series[i], .benchmark = benchmark ? &*benchmark : nullptr, .trading = {}, .conventions = conventions,
                                         .resamples = {.replicates = resamples, .seed = seed}}),
                      verdict.strategies[i].evidence(), verdict.strategies[i]});
  }

  const StatsParts parts = stats_parts(arguments, input.series, benchmark ? &*benchmark : nullptr);
  if (arguments.has("--json")) {
    Json list = Json::array();
    for (std::size_t i = 0; i < judged.size(); ++i) {
      const Judged& one = judged[i];
      list.push_back(Json::object({{"name", one.name}, {"metrics", metrics_json(one.metrics)}, {"significance", metrics_json(one.significance)},
                                   {"verdict", stats::text(one.verdict.judgement)}, {"reason", one.verdict.words}}));
      for (const auto& [key, value] : parts.strategies[i].as_object()) list.as_array().back()[key] = value;
    }
    Json out = Json::object({{"file", file.filename().string()}, {"periods", input.series.front().returns.size()},
                                      {"periods_per_year", input.series.front().periods_per_year}, {"calendar", input.calendar},
                                      {"strategies", list}, {"verdict", verdict.text}});
    for (const auto& [key, value] : parts.whole.as_object()) out[key] = value;
    if (compared) out["comparisons"] = to_json(*compared);
    print_json("stats", out);
    return 0;
  }
  std::cout << fmt::format("{}: {} periods, {}\n\n", file.filename().string(), input.series.front().returns.size(), input.calendar);
  std::vector<std::string> head{""};
  for (const Judged& one : judged) head.push_back(one.name);
  TextTable table(head);
  std::size_t hidden = 0;
  const auto rows = [&](auto part, bool all) {
    for (std::size_t i = 0; i < (judged.front().*part).size(); ++i) {
      if (!all && std::ranges::find(kKey, (judged.front().*part)[i].name) == kKey.end()) {
        ++hidden;
        continue;
      }
      std::vector<std::string> cells{(judged.front().*part)[i].name};
      for (const Judged& one : judged) cells.push_back(shown((one.*part)[i]));
      table.add(cells);
    }
  };
  rows(&Judged::metrics, arguments.has("--all"));
  rows(&Judged::significance, true);
  std::cout << table.str();
  if (hidden > 0) std::cout << fmt::format("{} more figures: --all; what one means: walras list metrics NAME\n", hidden);
  std::cout << parts.text << "\nVerdict: " << verdict.text << '\n';
  for (const Judged& one : judged) std::cout << fmt::format("  {}: {}; {}\n", one.name, stats::text(one.verdict.judgement), one.verdict.words);
  if (compared) std::cout << '\n' << text(*compared);
  return 0;
}

}  // namespace

Command stats_command() {
  Command command{"stats", "the statistics and the verdict on any returns", {{"CSV", "a header, a column date or time, one column of simple returns a strategy"}},
          {{"--periods", "N", "periods a year (default: told from the dates)"},
           {"--benchmark", "COLUMN", "the column that the others are judged against (default: cash)"},
           {"--risk-free", "RATE", "a year, as 0.02 (default: 0)"},
           {"--mar", "RATE", "minimum acceptable return a year, of Sortino and Omega (default: 0)"},
           {"--resamples", "N", "bootstrap repetitions (default: 2000)"},
           {"--factors", "FILE", "a CSV of factor returns to regress on; a column rf or RF is the risk-free rate"},
           {"--factors-percent", "", "the factors are in percent, as Fama and French publish them"},
           {"--by", "UNIT", "returns by hour, weekday, month, year, or the volatility or trend of the benchmark (else their own)"},
           {"--cpcv", "FOLDS,TEST", "whether choosing the best column works: combinatorial purged splits, as 10,2 (10,1: purged k-fold)"},
           {"--horizon", "N", "periods that a return's decision looks ahead, purged around test folds (default: 0)"},
           {"--embargo", "N", "periods left out of training after each test fold (default: 0)"},
           {"--all", "", "every figure, not only the key ones"},
           {"--seed", "N", "of the bootstrap (default: 1)"},
           {"--threads", "N", "how many to use; results do not depend on it (default: all cores)"},
           {"--json", "", "everything, with methods and assumptions"}},
          {"walras stats returns.csv", "walras stats returns.csv --benchmark index --compare all --json", "walras stats returns.csv --factors ff3.csv --by weekday"}, run_stats};
  for (Flag& flag : comparison_flags()) command.flags.push_back(std::move(flag));
  return command;
}

}  // namespace walras::scenarios
