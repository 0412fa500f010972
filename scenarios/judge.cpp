#include "scenarios/judge.hpp"

#include "engine/base/parallel.hpp"
#include "reports/trades.hpp"
#include "scenarios/study_tests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::scenarios {
namespace {

using engine::RunRecord;
using stats::Evidence;
using stats::ReturnSeries;

/// Joins pieces that may each stand for one path of a generated market: those follow each other, one path length apart.
class Pieces {
 public:
  Pieces(const Setup& setup) : periods_(setup.plan->periods_per_year()), generated_(setup.plan->generated()) {
    if (generated_) stride_ = setup.plan->whole().end - setup.plan->whole().begin;
  }
  void add(const RunRecord& record) {
    const Nanos shift = generated_ ? stride_ * static_cast<std::int64_t>(net_.size()) : Nanos{};
    net_.push_back(net_returns(record, periods_, shift));
    gross_.push_back(gross_returns(record, periods_, shift));
  }
  [[nodiscard]] const std::vector<ReturnSeries>& net() const { return net_; }
  [[nodiscard]] stats::Joined joined() const { return stats::join(net_); }
  [[nodiscard]] stats::Joined joined_gross() const { return stats::join(gross_); }

 private:
  double periods_;
  bool generated_;
  Nanos stride_{};
  std::vector<ReturnSeries> net_, gross_;
};

/// Mean share of the largest position in gross position value, over the samples with positions.
double dominant_share(const std::vector<const RunRecord*>& records, const std::vector<engine::Instrument>& instruments) {
  double shares = 0, samples = 0;
  for (const RunRecord* record : records) {
    double largest = 0, all = 0;
    const auto close = [&] {
      if (all > 0) shares += largest / all, samples += 1;
      largest = all = 0;
    };
    for (std::size_t i = 0; i < record->positions.size(); ++i) {
      const engine::PositionRow& row = record->positions[i];
      if (i > 0 && record->positions[i - 1].time != row.time) close();
      const engine::Instrument& instrument = instruments[row.instrument];
      const double value = std::fabs(instrument.quantity(row.position) * instrument.price(row.mark) * instrument.multiplier);
      largest = std::max(largest, value);
      all += value;
    }
    close();
  }
  return samples > 0 ? shares / samples : 0;
}

stats::TradingFigures trading_figures(const std::vector<const RunRecord*>& records, double years,
                                      const std::vector<engine::Instrument>& instruments) {
  stats::TradingFigures figures;
  double turnover = 0, costs = 0, slippage = 0, profit = 0, equity = 0, gross = 0;
  std::size_t rows = 0, exposed = 0;
  for (const RunRecord* record : records) {
    turnover += static_cast<double>(record->costs.turnover);
    costs += static_cast<double>(record->costs.fees + record->costs.liquidation + record->costs.slippage + record->costs.borrow);
    slippage += static_cast<double>(record->costs.slippage);
    if (!record->equity.empty()) profit += static_cast<double>(record->equity.back().equity_micros - record->capital_micros);
    // A period is lived through with what is held at its start: the last row starts none, and of several rows of one
    // time the last one stands.
    for (std::size_t i = 0; i + 1 < record->equity.size(); ++i) {
      const engine::EquityRow& row = record->equity[i];
      if (record->equity[i + 1].time == row.time) continue;
      ++rows;
      const double held = static_cast<double>(row.long_micros + row.short_micros);
      if (held > 0) ++exposed;
      equity += static_cast<double>(row.equity_micros);
      if (row.equity_micros > 0) gross += held / static_cast<double>(row.equity_micros);
    }
    for (const reports::RoundTrip& trip : reports::round_trips(*record, instruments)) {
      figures.trades.push_back({.profit = trip.profit,
                                .fraction = trip.entry_price != 0 ? std::optional(trip.fraction) : std::nullopt,
                                .days = static_cast<double>((trip.exit - trip.entry).value) / static_cast<double>(kNanosPerDay),
                                .adverse = trip.adverse,
                                .favourable = trip.favourable});
    }
  }
  figures.dominant_share = dominant_share(records, instruments);
  figures.years = years;
  if (rows == 0) return figures;
  const double average = equity / static_cast<double>(rows);
  if (average > 0 && years > 0) {
    figures.turnover = turnover / years / average / 2;  // bought and sold: one way is half
    figures.costs = costs / years / average;
    figures.slippage = slippage / years / average;
    figures.gross = (profit + costs) / years / average;
    figures.capital = average / 1e6;
  }
  figures.exposure = static_cast<double>(exposed) / static_cast<double>(rows);
  figures.gross_leverage = gross / static_cast<double>(rows);
  return figures;
}

/// The central 95 % of resampled growth, period by period: drift and luck of a record like this one.
std::optional<reports::Cone> growth_cone(const std::vector<double>& returns, std::uint64_t seed) {
  constexpr std::size_t kLongest = 20'000;
  constexpr std::size_t kReplicates = 400;
  const std::size_t n = returns.size();
  if (n < 10 || n > kLongest) return std::nullopt;
  const std::vector<std::span<const double>> one{returns};
  const stats::ResamplePlan plan{n, kReplicates, stats::shared_block_length(one, false), seed};
  std::vector<std::vector<double>> paths(kReplicates);
  parallel_for(kReplicates, [&](std::size_t r) {
    double growth = 1;
    for (const std::uint32_t i : stats::draw_indices(plan, r)) paths[r].push_back(growth *= 1 + returns[i]);
  });
  reports::Cone cone;
  std::vector<double> column(kReplicates);
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t r = 0; r < kReplicates; ++r) column[r] = paths[r][t];
    std::ranges::sort(column);
    cone.low.push_back(stats::quantile(column, 0.025));
    cone.high.push_back(stats::quantile(column, 0.975));
  }
  return cone;
}

std::optional<double> estimate(std::string_view metric, const ReturnSeries& series, const stats::Conventions& conventions) {
  return series.returns.empty() ? std::nullopt : stats::measure(metric, series, conventions).estimate;
}

/// The benchmark's weight is set on the training span: a bolder strategy is compared with as bold a benchmark. Appends one
/// record's part to the joined excess returns and the benchmark's.
void append_excess(const Setup& setup, const FoldResult& fold, const ReturnSeries& piece, std::vector<double>& excess,
                   std::vector<double>& benchmark) {
  const double periods = setup.plan->periods_per_year();
  std::vector<double> aligned;
  double weight = 0;
  if (setup.benchmark) {
    std::vector<double> trained, matched;
    for (const RunRecord& record : fold.in_sample) {
      const ReturnSeries series = net_returns(record, periods);
      const auto train = stats::align(series, *setup.benchmark).returns;
      trained.insert(trained.end(), series.returns.begin(), series.returns.end());
      matched.insert(matched.end(), train.begin(), train.end());
    }
    weight = stats::volatility_weight(trained, matched);
    aligned = stats::align(piece, *setup.benchmark).returns;
    benchmark.insert(benchmark.end(), aligned.begin(), aligned.end());
  }
  const double rate = stats::per_period_rate(setup.scenario.evidence.risk_free_rate, periods);
  const auto part = stats::excess_over_benchmark(piece.returns, aligned, weight, rate);
  excess.insert(excess.end(), part.begin(), part.end());
}

/// One strategy, from its records to its figures.
class Measurement {
 public:
  Measurement(const Setup& setup, const StrategyResult& result) : setup_(setup), result_(result) {
    conventions_.risk_free = setup.scenario.evidence.risk_free_rate;
    conventions_.minimum_acceptable = setup.scenario.evidence.minimum_acceptable_return;
  }

  /// Returns, benchmark and excess: what the other strategies' evidence depends on too.
  void collect(StrategyEvidence& evidence) {
    Pieces pieces(setup_);
    std::vector<std::vector<Evidence>> in_sample;
    for (const FoldResult& fold : result_.folds) {
      evidence.folds.push_back(fold_figures(fold));
      in_sample.push_back(in_sample_figures(fold));
      for (const RunRecord& record : fold.out_of_sample) {
        pieces.add(record);
        records_.push_back(&record);
        append_excess(setup_, fold, pieces.net().back(), evidence.excess, evidence.benchmark);
      }
    }
    stats::Joined joined = pieces.joined();
    evidence.net = std::move(joined.series);
    evidence.net.name = result_.entry.name;
    evidence.years = joined.years;
    evidence.gross = pieces.joined_gross().series;
    evidence.in_sample = stats::average(in_sample);
    Pieces first(setup_);
    for (const RunRecord& record : result_.folds.front().in_sample) first.add(record);
    evidence.in_sample_net = first.joined().series;
    evidence.in_sample_gross = first.joined_gross().series;
    evidence.trial_key = key();
  }

  /// Figures with intervals. `mean_block`: of the one set of bootstrap indices that all strategies share.
  void judge(StrategyEvidence& evidence, double mean_block) const {
    evidence.out_of_sample = out_of_sample_figures(evidence, mean_block);
    evidence.cone = growth_cone(evidence.net.returns, setup_.scenario.seed);
  }

 private:
  std::vector<Evidence> out_of_sample_figures(const StrategyEvidence& evidence, double mean_block) const {
    stats::TearSheetInput input;
    input.net = evidence.net;
    input.benchmark = setup_.benchmark ? &*setup_.benchmark : nullptr;
    input.trading = trading_figures(records_, evidence.years, setup_.plan->instruments());
    input.conventions = conventions_;
    input.conventions.calendar_years = evidence.years;
    input.resamples.replicates = static_cast<std::size_t>(setup_.scenario.evidence.resamples);
    input.resamples.level = setup_.scenario.evidence.level;
    input.resamples.seed = setup_.scenario.seed;
    input.resamples.mean_block = mean_block;
    return stats::tear_sheet(input);
  }

  std::vector<Evidence> in_sample_figures(const FoldResult& fold) const {
    Pieces pieces(setup_);
    std::vector<const RunRecord*> records;
    for (const RunRecord& record : fold.in_sample) {
      pieces.add(record);
      records.push_back(&record);
    }
    stats::Joined joined = pieces.joined();
    stats::TearSheetInput input;
    input.net = std::move(joined.series);
    input.benchmark = setup_.benchmark ? &*setup_.benchmark : nullptr;
    input.trading = trading_figures(records, joined.years, setup_.plan->instruments());
    input.conventions = conventions_;
    input.conventions.calendar_years = joined.years;
    input.resamples.replicates = 0;
    return stats::tear_sheet(input);
  }

  FoldFigures fold_figures(const FoldResult& fold) const {
    const auto mean = [&](std::string_view metric, const std::vector<RunRecord>& records) -> std::optional<double> {
      double sum = 0;
      for (const RunRecord& record : records) {
        const auto value = estimate(metric, net_returns(record, setup_.plan->periods_per_year()), conventions_);
        if (!value) return std::nullopt;
        sum += *value;
      }
      return sum / static_cast<double>(records.size());
    };
    return {mean("sharpe", fold.in_sample), mean("sharpe", fold.out_of_sample), mean("total_return", fold.in_sample),
            mean("total_return", fold.out_of_sample)};
  }

  std::string key() const {
    Json resolved = Json::object();
    Json entry = result_.resolved;
    // The name is for people: the same strategy under another name is the same trial.
    std::erase_if(entry.as_object(), [](const Json::Member& member) { return member.first == "name"; });
    resolved["strategy"] = std::move(entry);
    for (const char* part : {"instruments", "market", "venue", "account", "benchmark", "walk_forward"}) {
      resolved[part] = setup_.resolved.at(part);
    }
    if (setup_.tape) {
      // What was read counts, not where it lies: the data hash stands for the source and the selection.
      Json& market = resolved["market"];
      std::erase_if(market.as_object(), [](const Json::Member& member) { return member.first == "source"; });
      resolved["instruments"] = Json::array();
    }
    if (setup_.benchmark) resolved["benchmark"] = setup_.benchmark_name;
    return stats::trial_key({setup_.scenario.study, resolved, setup_.data_hash, setup_.plugin_hash, setup_.scenario.seed});
  }

  const Setup& setup_;
  const StrategyResult& result_;
  stats::Conventions conventions_;
  std::vector<const RunRecord*> records_;  // out of sample
};

}  // namespace

std::vector<double> judged_excess(const Setup& setup, const StrategyResult& result) {
  std::vector<double> excess, benchmark;
  for (const FoldResult& fold : result.folds) {
    for (const RunRecord& record : fold.out_of_sample) {
      append_excess(setup, fold, net_returns(record, setup.plan->periods_per_year()), excess, benchmark);
    }
  }
  return excess;
}

Judged judge_study(const Setup& setup, const std::vector<StrategyResult>& results, const std::filesystem::path& ledger_file,
                   std::optional<NullWorlds> null_worlds) {
  Judged judged;
  judged.null_worlds = std::move(null_worlds);
  judged.strategies.resize(results.size());
  std::vector<Measurement> measurements;
  for (const StrategyResult& result : results) measurements.emplace_back(setup, result);
  parallel_for(results.size(), [&](std::size_t s) { measurements[s].collect(judged.strategies[s]); });
  std::vector<std::span<const double>> nets;
  for (const StrategyEvidence& evidence : judged.strategies) nets.emplace_back(evidence.net.returns);
  const double mean_block = nets.front().size() >= 2 ? stats::shared_block_length(nets, true) : 1;
  parallel_for(results.size(), [&](std::size_t s) { measurements[s].judge(judged.strategies[s], mean_block); });

  std::vector<stats::Trial> trials;
  std::vector<stats::Contender> contenders;
  for (std::size_t s = 0; s < results.size(); ++s) {
    const StrategyEvidence& evidence = judged.strategies[s];
    trials.push_back({evidence.trial_key, results[s].entry.name, evidence.net.times, evidence.net.returns, evidence.excess,
                      evidence.net.periods_per_year});
    contenders.push_back({results[s].entry.name, evidence.trial_key, setup.audit, cut_offs(results[s])});
  }
  judged.ledger = stats::record_trials(ledger_file, setup.scenario.study, trials).ledger;
  stats::VerdictOptions options;
  options.risk_free = setup.scenario.evidence.risk_free_rate;
  options.seed = setup.scenario.seed;
  judged.verdict = stats::judge(contenders, judged.ledger, options);

  add_study_tests(setup, judged);
  return judged;
}

std::vector<stats::GateResult> evaluate_gates(const Judged& judged, const std::vector<StrategyResult>& results, const RunOptions& options) {
  std::vector<stats::GateResult> outcomes;
  if (options.gate_on_verdict) {
    for (std::size_t s = 0; s < results.size(); ++s) {
      const stats::StrategyVerdict& verdict = judged.verdict.strategies[s];
      outcomes.push_back({fmt::format("{}: verdict is skill", results[s].entry.name), verdict.judgement != stats::Judgement::Skill,
                          std::string(stats::text(verdict.judgement))});
    }
  }
  for (const std::string& expression : options.fail_if) {
    const stats::Gate gate = stats::parse_gate(expression);
    for (std::size_t s = 0; s < results.size(); ++s) {
      std::vector<Evidence> evidence = judged.strategies[s].out_of_sample;
      // The verdict's own figures stand before those of the same name in the tear sheet: they know the number of trials.
      const std::vector<Evidence> verdict = judged.verdict.strategies[s].evidence();
      std::erase_if(evidence, [&](const Evidence& e) {
        return std::ranges::any_of(verdict, [&](const Evidence& v) { return v.name == e.name; });
      });
      evidence.insert(evidence.end(), verdict.begin(), verdict.end());
      evidence.insert(evidence.end(), judged.study.begin(), judged.study.end());
      const stats::GateResult result = stats::evaluate(gate, evidence);
      outcomes.push_back({fmt::format("{}: fail if {}", results[s].entry.name, expression), result.failed, result.found});
    }
  }
  return outcomes;
}

}  // namespace walras::scenarios
