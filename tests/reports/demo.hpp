#pragma once
// A run's results made up for the tests: three strategies over eight years of weekdays, with everything a report can show.
#include "engine/base/random.hpp"
#include "reports/report.hpp"
#include "stats/performance.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace walras::tests {

struct Demo {
  std::vector<engine::Instrument> instruments;
  std::vector<engine::RunRecord> records;
  reports::ReportInput input;
};

inline std::vector<Nanos> weekdays(std::int64_t first_day, std::size_t n) {
  std::vector<Nanos> times;
  for (std::int64_t day = first_day; times.size() < n; ++day)
    if (day % 7 != 2 && day % 7 != 3) times.push_back(Nanos{day * kNanosPerDay});  // 1970-01-01 was a Thursday
  return times;
}

/// Everything in it is finite and ordinary; `days` out of sample, after a quarter as many in sample.
inline Demo demo(std::size_t days = 2016, std::size_t strategies = 3) {
  Demo made;
  for (const char* name : {"AAPL", "BAC", "CVX", "GE", "JNJ", "KO", "MSFT", "PFE", "WMT", "XOM"}) {
    engine::Instrument instrument;
    instrument.name = name;
    made.instruments.push_back(instrument);
  }
  const std::size_t before = days / 4;
  const std::vector<Nanos> times = weekdays(14'600, before + days);
  std::vector<double> market;
  Rng rng(7, "market");
  for (std::size_t i = 0; i < times.size(); ++i)
    market.push_back(0.0003 + 0.010 * rng.student_t(4) / std::sqrt(2.0) * (i % 900 > 780 ? 1.9 : 0.85) - (i % 900 > 820 && i % 900 < 860 ? 0.004 : 0.0));
  constexpr const char* names[] = {"Buy and hold", "Moving averages", "Momentum, cross-section"};
  constexpr const char* kinds[] = {"buy_and_hold", "moving_average", "cross_sectional_momentum"};
  reports::ReportInput& input = made.input;
  input.title = "US large caps, three rules";
  input.scenario = Json::parse(R"({"walras": 1, "name": "demo", "seed": 7, "strategies": [{"kind": "buy_and_hold"}]})");
  input.provenance = {.record_hash = std::string(64, 'a'), .version = "0.1.0", .build = "gcc 12", .scenario_file = "scenarios/demo.json", .seed = 7,
                      .inputs = {{"prices", std::string(64, 'b'), "Universe chosen with hindsight: these companies are known to have survived to 2022."}},
                      .seconds = 1.93, .events = 161'280};
  input.periods_per_year = 252;
  input.benchmark = "S&P 500";
  input.verdict.text = "None of the three strategies earned more than luck explains once all that was tried is counted.";
  input.verdict.trials = strategies;
  input.verdict.groups = 1;
  input.verdict.effective_trials = 1 + 0.4 * static_cast<double>(strategies);
  input.trial_study = "demo";
  input.ledger_hash = std::string(64, 'c');
  for (std::size_t s = 0; s < strategies; ++s) {
    reports::StrategyReport strategy;
    strategy.name = s < 3 ? names[s] : "Variant " + std::to_string(s);
    strategy.kind = kinds[s % 3];
    Rng own(7, "strategy", s);
    for (std::size_t i = 0; i < times.size(); ++i) {
      auto& part = i < before ? strategy.in_sample : strategy.out_of_sample;
      const double gross = market[i] * (1.02 - 0.25 * static_cast<double>(s % 3)) + 0.003 * own.normal() + (i < before ? 0.0004 : 0.0001);
      part.times.push_back(times[i]);
      part.gross.push_back(gross);
      part.net.push_back(gross - 0.00002 * static_cast<double>(1 + 3 * (s % 3)));
      part.benchmark.push_back(market[i]);
    }
    const auto measured = [&](const reports::Returns& part) {
      const stats::ReturnSeries series{.name = strategy.name, .times = part.times, .returns = part.net, .periods_per_year = 252, .start = {}};
      const stats::ReturnSeries benchmark{.name = "benchmark", .times = part.times, .returns = part.benchmark, .periods_per_year = 252, .start = {}};
      return stats::measure(series, {}, &benchmark);
    };
    strategy.in_sample_metrics = measured(strategy.in_sample);
    strategy.out_of_sample_metrics = measured(strategy.out_of_sample);
    for (stats::Evidence& evidence : strategy.out_of_sample_metrics) {
      if (!evidence.estimate) continue;
      const double width = 0.3 * std::fabs(*evidence.estimate) + (evidence.name == "sharpe" ? 0.4 : 0);
      const stats::Bounds bounds{*evidence.estimate - width, *evidence.estimate + width};
      (evidence.name == "max_drawdown" || evidence.name == "calmar" ? evidence.range : evidence.interval) = bounds;
    }
    for (std::uint32_t fold = 0; fold < 8; ++fold) {
      const std::size_t length = days / 8, from = before + fold * length;
      engine::RunRecord record;
      record.strategy = strategy.name;
      record.fold = fold;
      record.begin = times[from];
      record.end = times[from + length - 1];
      record.capital_micros = 1'000'000'000'000;
      double equity = 1e6;
      std::vector<std::int64_t> held(made.instruments.size(), 0);
      engine::OrderId order = 0;
      const auto trade = [&](Nanos time, engine::InstrumentId id, std::int64_t target, std::int64_t price) {
        const std::int64_t change = target - held[id];
        if (change == 0) return;
        held[id] = target;
        const std::int64_t value = std::abs(change) * price * 10'000;  // in millionths: a tick is a cent
        record.fills.push_back({time, ++order, id, change > 0 ? engine::Side::Buy : engine::Side::Sell, false, Ticks{price}, Lots{std::abs(change)},
                                value / 20'000, value / 10'000, Lots{target}});
        record.costs.fees += value / 20'000;
        record.costs.slippage += value / 10'000;
        record.costs.turnover += value;
      };
      record.equity.push_back({times[from - 1], 1'000'000'000'000, 1'000'000'000'000, 0, 0});
      for (std::size_t i = 0; i < length; ++i) {
        equity *= 1 + strategy.out_of_sample.net[from - before + i];
        double longs = 0, shorts = 0;
        for (engine::InstrumentId id = 0; id < held.size(); ++id) {
          const auto price = static_cast<std::int64_t>(5000 + 400 * id + 900 * std::sin(static_cast<double>(from + i) / 90 + id));
          std::int64_t target = held[id];
          if (i + 1 == length) target = 0;
          else if (i % (s == 0 ? 10'000 : 42) == 0) target = s == 0 ? 1500 + 100 * id : static_cast<std::int64_t>(own.below(4)) * 900 - (s == 2 ? 900 : 0);
          trade(times[from + i], id, target, price);
          const double value = static_cast<double>(held[id]) * static_cast<double>(price) / 100;
          (value > 0 ? longs : shorts) += std::fabs(value);
          if (held[id] != 0) record.positions.push_back({times[from + i], id, Lots{held[id]}, Ticks{price}});
        }
        const auto micros = [](double value) { return static_cast<std::int64_t>(std::llround(value * 1e6)); };
        record.equity.push_back({times[from + i], micros(equity), micros(equity), micros(longs), micros(shorts)});
      }
      made.records.push_back(std::move(record));
      reports::FoldLine line;
      line.fold = fold;
      line.train_begin = times[from - before];
      line.train_end = times[from - 1];
      line.test_begin = times[from];
      line.test_end = times[from + length - 1];
      line.chosen = s == 0 ? Json() : Json::object({{"fast", static_cast<int>(10 + 5 * own.below(4))}, {"slow", static_cast<int>(100 + 50 * own.below(3))}});
      line.candidates = s == 0 ? 0 : 12;
      line.out_of_sample_sharpe = 0.4 + 0.7 * own.normal();
      line.in_sample_sharpe = 0.6 + 0.5 * *line.out_of_sample_sharpe + 0.3 * own.normal();
      line.in_sample_return = 0.4 * *line.in_sample_sharpe;
      line.out_of_sample_return = 0.15 * *line.out_of_sample_sharpe;
      strategy.folds.push_back(std::move(line));
    }
    stats::StrategyVerdict verdict;
    verdict.name = strategy.name;
    verdict.judgement = stats::Judgement::NotShown;
    verdict.words = "The adjusted p-value is above 0.05. A record of this quality would need about three times as many periods.";
    verdict.n = days;
    const auto evidence = [&](std::string name, double value, std::string unit) {
      stats::Evidence out;
      out.name = std::move(name);
      out.estimate = value;
      out.unit = std::move(unit);
      out.n = days;
      out.formula = "as in docs/statistics.md";
      return out;
    };
    const double p = 0.11 + 0.17 * static_cast<double>(s % 5);
    verdict.excess_return = evidence("excess_return", 0.021 - 0.01 * static_cast<double>(s), "fraction a year");
    verdict.excess_return.interval = stats::Bounds{-0.031, 0.064};
    verdict.excess_return.p_value = p / 2;
    verdict.romano_wolf = evidence("romano_wolf", p, "probability");
    verdict.benjamini_hochberg = evidence("benjamini_hochberg", p * 0.9, "probability");
    verdict.probabilistic_sharpe = evidence("probabilistic_sharpe", 0.912, "probability");
    verdict.deflated_sharpe = evidence("deflated_sharpe", 0.61, "probability");
    verdict.minimum_track_record = evidence("minimum_track_record", 5120.4, "periods");
    input.verdict.strategies.push_back(std::move(verdict));
    input.strategies.push_back(std::move(strategy));
  }
  return made;
}

/// The input, with its records in place; valid as long as `made` lives where it is.
inline reports::ReportInput input_of(const Demo& made) {
  reports::ReportInput input = made.input;
  input.records = made.records;
  input.instruments = made.instruments;
  return input;
}

}  // namespace walras::tests
