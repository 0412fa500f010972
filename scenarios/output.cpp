#include "scenarios/output.hpp"

#include "engine/ledger/execution_quality.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/order_rules.hpp"
#include "scenarios/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace walras::scenarios {
namespace {

using engine::RunRecord;
using stats::Evidence;

double units(std::int64_t micros) { return static_cast<double>(micros) / 1e6; }

Json metrics_json(const std::vector<Evidence>& evidence) {
  Json json = Json::object();
  for (const Evidence& metric : evidence) json[metric.name] = stats::to_json(metric);
  return json;
}

std::vector<reports::FoldLine> fold_lines(const Setup& setup, const StrategyResult& result, const StrategyEvidence& evidence) {
  std::vector<reports::FoldLine> lines;
  for (std::size_t k = 0; k < result.folds.size(); ++k) {
    const Fold& fold = setup.folds[k];
    reports::FoldLine line;
    line.fold = fold.index;
    line.train_begin = fold.train.begin;
    line.train_end = fold.train.end - Nanos{1};  // spans are half-open; people read the last moment within
    line.test_begin = fold.test.begin;
    line.test_end = fold.test.end - Nanos{1};
    if (const Json* params = result.folds[k].chosen.find("params")) line.chosen = *params;
    line.candidates = result.folds[k].candidates;
    line.in_sample_sharpe = evidence.folds[k].in_sample_sharpe;
    line.out_of_sample_sharpe = evidence.folds[k].out_of_sample_sharpe;
    line.in_sample_return = evidence.folds[k].in_sample_return;
    line.out_of_sample_return = evidence.folds[k].out_of_sample_return;
    lines.push_back(std::move(line));
  }
  return lines;
}

/// fit() may leave curves: {"curves": [{"title", "x_name", "y_name", "x": [...], "lines": {name: [...]}}]}.
std::vector<reports::LearningCurve> learning_curves(const StrategyResult& result) {
  std::vector<reports::LearningCurve> curves;
  for (std::size_t k = 0; k < result.folds.size(); ++k) {
    const Json* fitted = result.folds[k].chosen.find("fitted");
    const Json* given = fitted ? fitted->find("curves") : nullptr;
    if (!given || !given->is_array()) continue;
    for (const Json& curve : given->as_array()) {
      reports::LearningCurve one;
      one.title = fmt::format("{}, fold {}", curve.at("title").as_string(), k + 1);
      one.x_name = curve.at("x_name").as_string();
      one.y_name = curve.at("y_name").as_string();
      for (const Json& x : curve.at("x").as_array()) one.x.push_back(x.as_number());
      for (const auto& [name, values] : curve.at("lines").as_object()) {
        reports::LearningCurve::Line line{name, {}};
        for (const Json& value : values.as_array()) line.values.push_back(value.as_number());
        one.lines.push_back(std::move(line));
      }
      curves.push_back(std::move(one));
    }
  }
  return curves;
}

/// {1, 2, 3, 5}: "folds 1 to 3, 5".
std::string folds_in_words(const std::vector<std::uint32_t>& folds) {
  std::string text = folds.size() == 1 ? "fold " : "folds ";
  for (std::size_t i = 0; i < folds.size();) {
    std::size_t last = i;
    while (last + 1 < folds.size() && folds[last + 1] == folds[last] + 1) ++last;
    text += fmt::format("{}{}", i == 0 ? "" : ", ", folds[i]);
    if (last > i) text += fmt::format("{}{}", last == i + 1 ? ", " : " to ", folds[last]);
    i = last + 1;
  }
  return text;
}

/// Out of sample, each once, with the folds that it comes from.
std::vector<std::string> warnings_of(const StrategyResult& result) {
  std::vector<std::pair<std::string, std::vector<std::uint32_t>>> told;
  for (const FoldResult& fold : result.folds) {
    for (const RunRecord& record : fold.out_of_sample) {
      for (const std::string& warning : record.warnings) {
        auto found = std::ranges::find(told, warning, [](const auto& one) { return one.first; });
        if (found == told.end()) found = told.insert(told.end(), {warning, {}});
        if (found->second.empty() || found->second.back() != record.fold + 1) found->second.push_back(record.fold + 1);
      }
    }
  }
  std::vector<std::string> texts;
  for (const auto& [warning, folds] : told) texts.push_back(folds_in_words(folds) + ": " + warning);
  return texts;
}

/// What the account paid, received and went through. Out of sample, all folds.
Json account_json(const StrategyResult& result) {
  engine::CostTotals sum;
  std::int64_t liquidations = 0;
  Json switches = Json::array();
  for (const FoldResult& fold : result.folds) {
    for (const RunRecord& record : fold.out_of_sample) {
      sum.fees += record.costs.fees;
      sum.slippage += record.costs.slippage;
      sum.borrow += record.costs.borrow;
      sum.dividends += record.costs.dividends;
      sum.funding += record.costs.funding;
      sum.swap += record.costs.swap;
      sum.liquidation += record.costs.liquidation;
      sum.insurance += record.costs.insurance;
      liquidations += record.liquidations;
      for (const engine::SwitchRow& row : record.switches) {
        switches.push_back(Json::object({{"fold", static_cast<std::int64_t>(record.fold)},
                                         {"seed", static_cast<std::int64_t>(record.seed)},
                                         {"time", engine::format_time(row.time)},
                                         {"cause", std::string(engine::name_of(row.cause))},
                                         {"equity", units(row.equity_micros)},
                                         {"cancelled", row.cancelled}}));
      }
    }
  }
  return Json::object({{"fees", units(sum.fees)},
                       {"slippage", units(sum.slippage)},
                       {"borrow", units(sum.borrow)},
                       {"dividends", units(sum.dividends)},
                       {"funding", units(sum.funding)},
                       {"swap", units(sum.swap)},
                       {"liquidations", liquidations},
                       {"liquidation_fees", units(sum.liquidation)},
                       {"insurance", units(sum.insurance)},
                       {"switches", std::move(switches)}});
}

/// Out of sample, all folds.
Json execution_json(const StrategyResult& result, std::span<const engine::Instrument> instruments) {
  std::vector<const RunRecord*> records;
  for (const FoldResult& fold : result.folds) {
    for (const RunRecord& record : fold.out_of_sample) records.push_back(&record);
  }
  return engine::to_json(engine::execution_summary(records, instruments));
}

std::uint64_t events_of(const std::vector<StrategyResult>& results) {
  std::uint64_t events = 0;
  for (const StrategyResult& result : results) {
    for (const FoldResult& fold : result.folds) {
      for (const RunRecord& record : fold.in_sample) events += record.events;
      for (const RunRecord& record : fold.out_of_sample) events += record.events;
    }
  }
  return events;
}

Json trials_json(const Judged& judged) {
  return Json::object({{"study", judged.ledger.study},
                       {"recorded", judged.ledger.size()},
                       {"groups", judged.verdict.groups},
                       {"effective", judged.verdict.effective_trials},
                       {"ledger_hash", judged.ledger.hash()}});
}

Json null_worlds_json(const Finished& finished) {
  const NullWorlds& worlds = *finished.judged.null_worlds;
  Json strategies = Json::array(), best = Json::array();
  for (std::size_t s = 0; s < worlds.statistics.size(); ++s) {
    strategies.push_back(Json::object({{"name", finished.results[s].entry.name}, {"statistic", worlds.statistics[s]}, {"p_value", worlds.p_values[s]}}));
  }
  for (const double value : worlds.best) best.push_back(value);
  return Json::object({{"kind", worlds.kind}, {"worlds", worlds.worlds}, {"p_value", worlds.p_value}, {"strategies", std::move(strategies)}, {"best", std::move(best)}});
}

/// What the significance chapter draws: bins and a sample, so that the record stays small.
reports::SignificanceView significance_view(const Finished& finished) {
  reports::SignificanceView view;
  const Judged& judged = finished.judged;
  const double year = std::sqrt(finished.setup.plan->periods_per_year());
  if (judged.overfitting) {
    constexpr std::size_t kPoints = 400;
    const stats::Overfitting& found = *judged.overfitting;
    view.logits = reports::bins(found.logits, 41);
    const std::size_t step = std::max<std::size_t>(1, found.logits.size() / kPoints);
    for (std::size_t i = 0; i < found.logits.size(); i += step) view.degradation.push_back({found.chosen_inside[i] * year, found.chosen_outside[i] * year});
    if (found.degradation) view.degradation_line = {found.degradation->intercept * year, found.degradation->slope};
  }
  for (const stats::StrategyVerdict& one : judged.verdict.strategies) {
    reports::SignificanceView::Line line{one.name, {}};
    for (const auto& point : one.deflated_by_trials) line.points.push_back({point.trials, point.probability});
    if (!line.points.empty()) view.deflated.push_back(std::move(line));
  }
  view.p_values = judged.verdict.trial_p_values;
  std::ranges::sort(view.p_values);
  if (judged.null_worlds) {
    const auto worlds = static_cast<double>(judged.null_worlds->worlds);
    view.null_best = reports::bins(judged.null_worlds->best, static_cast<std::size_t>(2 * std::cbrt(worlds)) + 2);
    for (std::size_t s = 0; s < judged.null_worlds->statistics.size(); ++s) {
      view.null_own.push_back({finished.results[s].entry.name, judged.null_worlds->statistics[s], judged.null_worlds->p_values[s]});
    }
    view.null_kind = judged.null_worlds->kind;
  }
  return view;
}

}  // namespace

std::vector<RunRecord> all_records(const std::vector<StrategyResult>& results) {
  std::vector<RunRecord> records;
  for (const StrategyResult& result : results) {
    for (const FoldResult& fold : result.folds) {
      records.insert(records.end(), fold.in_sample.begin(), fold.in_sample.end());
      records.insert(records.end(), fold.out_of_sample.begin(), fold.out_of_sample.end());
    }
  }
  return records;
}

Json summary_of(const Finished& finished) {
  const Setup& setup = finished.setup;
  Json summary = Json::object({{"schema", "walras/summary/1"},
                               {"walras", version()},
                               {"scenario", setup.scenario.name},
                               {"seed", static_cast<std::int64_t>(setup.scenario.seed)},
                               {"record_hash", finished.record_hash},
                               {"benchmark", setup.benchmark_name.empty() ? "cash" : setup.benchmark_name}});
  Json strategies = Json::array();
  for (std::size_t s = 0; s < finished.results.size(); ++s) {
    const StrategyResult& result = finished.results[s];
    const StrategyEvidence& evidence = finished.judged.strategies[s];
    std::size_t candidates = 0;
    for (const FoldResult& fold : result.folds) candidates += fold.candidates;
    Json stopped = Json::array();
    for (const std::string& reason : cut_offs(result)) stopped.push_back(reason);
    strategies.push_back(Json::object({{"name", result.entry.name},
                                       {"kind", result.entry.kind},
                                       {"folds", result.folds.size()},
                                       {"candidates", candidates},
                                       {"in_sample", metrics_json(evidence.in_sample)},
                                       {"out_of_sample", metrics_json(evidence.out_of_sample)},
                                       {"execution", execution_json(result, setup.plan->instruments())},
                                       {"account", account_json(result)}}));
    if (stopped.size() > 0) strategies.as_array().back()["cut_off"] = std::move(stopped);
  }
  summary["strategies"] = std::move(strategies);
  summary["trials"] = trials_json(finished.judged);
  summary["study"] = metrics_json(finished.judged.study);
  if (finished.judged.null_worlds) summary["null_worlds"] = null_worlds_json(finished);
  Json verdicts = Json::array();
  for (std::size_t s = 0; s < finished.results.size(); ++s) {
    const stats::StrategyVerdict& verdict = finished.judged.verdict.strategies[s];
    verdicts.push_back(Json::object({{"name", verdict.name},
                                     {"judgement", stats::text(verdict.judgement)},
                                     {"reason", verdict.words},
                                     {"evidence", metrics_json(verdict.evidence())}}));
  }
  Json gates = Json::array();
  for (const stats::GateResult& gate : finished.gates) {
    gates.push_back(Json::object({{"expression", gate.expression}, {"passed", !gate.failed}, {"found", gate.found}}));
  }
  summary["verdict"] = Json::object(
      {{"text", finished.judged.verdict.text}, {"strategies", std::move(verdicts)}, {"gates", std::move(gates)}});
  Json notes = Json::array();
  for (const InputNote& input : setup.inputs) {
    if (!input.note.empty()) notes.push_back(input.note);
  }
  summary["notes"] = std::move(notes);
  return summary;
}

reports::ReportInput report_input(const Finished& finished, const std::vector<RunRecord>& records) {
  const Setup& setup = finished.setup;
  reports::ReportInput input;
  input.title = setup.scenario.report.title.empty() ? setup.scenario.name : setup.scenario.report.title;
  input.scenario = setup.resolved;
  input.provenance = {.record_hash = finished.record_hash,
                      .version = version(),
                      .build = build_id(),
                      .scenario_file = setup.file.filename().string(),
                      .seed = setup.scenario.seed,
                      .inputs = {},
                      .seconds = finished.seconds,
                      .events = events_of(finished.results)};
  for (const InputNote& note : setup.inputs) input.provenance.inputs.push_back({note.name, note.hash, note.note});
  input.periods_per_year = setup.plan->periods_per_year();
  input.benchmark = setup.benchmark_name;
  input.currency = setup.scenario.account.currency;
  input.risk_free = setup.scenario.evidence.risk_free_rate;
  input.verdict = finished.judged.verdict;
  for (std::size_t s = 0; s < finished.results.size(); ++s) {
    const StrategyResult& result = finished.results[s];
    const StrategyEvidence& evidence = finished.judged.strategies[s];
    reports::StrategyReport strategy;
    strategy.name = result.entry.name;
    strategy.kind = result.entry.kind;
    strategy.parameters = result.resolved;
    strategy.in_sample = {evidence.in_sample_net.times, evidence.in_sample_net.returns, evidence.in_sample_gross.returns, {}};
    strategy.out_of_sample = {evidence.net.times, evidence.net.returns, evidence.gross.returns, evidence.benchmark};
    strategy.in_sample_metrics = evidence.in_sample;
    strategy.out_of_sample_metrics = evidence.out_of_sample;
    strategy.folds = fold_lines(setup, result, evidence);
    strategy.cone = evidence.cone;
    strategy.learning = learning_curves(result);
    strategy.warnings = warnings_of(result);
    input.strategies.push_back(std::move(strategy));
  }
  input.audit = setup.audit;
  input.gates = finished.gates;
  input.trial_study = setup.scenario.study;
  input.ledger_hash = finished.judged.ledger.hash();
  input.study = finished.judged.study;
  input.significance = significance_view(finished);
  input.records = records;
  input.instruments = setup.plan->instruments();
  input.trades_shown = static_cast<std::size_t>(setup.scenario.report.trades);
  return input;
}

Store record_store(const Finished& finished, const std::vector<RunRecord>& records) {
  Json inputs = Json::array();
  for (const InputNote& note : finished.setup.inputs) {
    inputs.push_back(Json::object({{"name", note.name}, {"sha256", note.hash}, {"note", note.note}}));
  }
  return engine::to_store(records, finished.setup.plan->instruments(),
                          Json::object({{"schema", "walras/record/1"},
                                        {"walras", version()},
                                        {"build", build_id()},
                                        {"scenario", finished.setup.scenario.name},
                                        {"seed", static_cast<std::int64_t>(finished.setup.scenario.seed)},
                                        {"record_hash", finished.record_hash},
                                        {"periods_per_year", finished.setup.plan->periods_per_year()},
                                        {"data_hash", finished.setup.data_hash},
                                        {"plugin_hash", finished.setup.plugin_hash},
                                        {"resolved", finished.setup.resolved},
                                        {"inputs", std::move(inputs)}}));
}

}  // namespace walras::scenarios
