#include "reports/compose.hpp"

#include "engine/base/error.hpp"
#include "reports/format.hpp"
#include "reports/significance_charts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace walras::reports {
namespace {

using stats::Evidence;
using stats::Judgement;

void check_finite(std::string_view strategy, std::string_view what, const std::vector<double>& values, std::size_t n, bool may_be_absent) {
  if (values.size() != n && !(may_be_absent && values.empty()))
    fail(Fault::Numeric, strategy, fmt::format("expected {} {} returns, was {}", n, what, values.size()));
  for (std::size_t i = 0; i < values.size(); ++i)
    if (!std::isfinite(values[i])) fail(Fault::Numeric, strategy, fmt::format("expected finite {} returns, was {} at period {}", what, values[i], i));
}

void check(const std::string& strategy, const Returns& returns) {
  check_finite(strategy, "net", returns.net, returns.times.size(), false);
  check_finite(strategy, "gross", returns.gross, returns.times.size(), true);
  check_finite(strategy, "benchmark", returns.benchmark, returns.times.size(), true);
}

Tone tone_of(Judgement judgement) {
  return judgement == Judgement::Skill ? Tone::Good : judgement == Judgement::Invalid ? Tone::Bad : Tone::Caution;
}

std::string words(Judgement judgement) {
  return judgement == Judgement::Skill ? "Skill" : judgement == Judgement::Invalid ? "Invalid" : "Skill not shown";
}

/// Whether the choice of what was traded knew the future: then no result is clean evidence.
bool hindsight(const ReportInput& input) {
  const auto says = [](const std::string& text) { return text.find("hindsight") != std::string::npos; };
  return std::any_of(input.notes.begin(), input.notes.end(), says) ||
         std::any_of(input.provenance.inputs.begin(), input.provenance.inputs.end(), [&](const auto& source) { return says(source.note); });
}

std::string headline(const ReportInput& input) {
  std::size_t skilled = 0, invalid = 0;
  for (const StrategyReport& strategy : input.strategies)
    if (const auto* verdict = verdict_of(input, strategy.name)) {
      skilled += verdict->judgement == Judgement::Skill;
      invalid += verdict->judgement == Judgement::Invalid;
    }
  const std::size_t all = input.strategies.size();
  if (all == 0) return "Nothing to judge";
  if (invalid == all) return all == 1 ? "The record is invalid" : "Every record is invalid";
  if (skilled == 0) return all == 1 ? "Skill is not shown" : "No strategy has shown skill";
  const std::string but = hindsight(input) ? ", on names chosen with hindsight" : "";
  if (skilled == all) return (all == 1 ? "Skill is shown" : fmt::format("All {} strategies have shown skill", all)) + but;
  return fmt::format("{} of {} strategies {} shown skill", skilled, all, skilled == 1 ? "has" : "have") + but;
}

VerdictStrip::Figure figure(std::string label, const Evidence* evidence, std::string note) {
  if (evidence == nullptr) return {std::move(label), std::string(kDash), "not computed", Tone::Plain};
  if (!evidence->estimate) return {std::move(label), std::string(kDash), evidence->reason, Tone::Plain};
  return {std::move(label), estimate(*evidence), std::move(note), Tone::Plain};
}

std::string level_note(const Evidence* evidence) {
  if (evidence == nullptr) return {};
  const std::string bounds = interval(*evidence);
  if (bounds.empty()) return {};
  return evidence->interval ? fixed(evidence->level * 100, 0) + "\u00a0%: " + bounds : bounds;
}

VerdictStrip::Row verdict_row(const ReportInput& input, const StrategyReport& strategy) {
  VerdictStrip::Row row;
  row.name = strategy.name;
  const auto* verdict = verdict_of(input, strategy.name);
  const auto& metrics = strategy.out_of_sample_metrics;
  const auto net = [&](std::string label, std::string_view name) {
    const Evidence* evidence = find(metrics, name);
    return figure(std::move(label), evidence, level_note(evidence));
  };
  row.outcome = verdict != nullptr ? words(verdict->judgement) : "Not judged";
  row.tone = verdict != nullptr ? tone_of(verdict->judgement) : Tone::Muted;
  if (verdict != nullptr) row.reason = sentence(verdict->words);
  row.figures.push_back(net("Sharpe ratio, net", "sharpe"));
  row.figures.push_back(net("Return a year", "cagr"));
  row.figures.push_back(net("Deepest drawdown", "max_drawdown"));
  if (verdict == nullptr) return row;
  row.figures.push_back(figure("Above benchmark, a year", &verdict->excess_return, level_note(&verdict->excess_return)));
  VerdictStrip::Figure decides = figure("p, Romano-Wolf", &verdict->romano_wolf, "decides: at most 0.05");
  if (verdict->romano_wolf.estimate) decides.value = p_value(verdict->romano_wolf.estimate);
  decides.tone = verdict->judgement == Judgement::Skill ? Tone::Good : Tone::Plain;
  row.figures.push_back(std::move(decides));
  row.figures.push_back(figure("Probabilistic Sharpe", &verdict->probabilistic_sharpe, "chance that it is above 0"));
  row.figures.push_back(figure("Deflated Sharpe", &verdict->deflated_sharpe,
                               fmt::format("{} trial{}, worth {}", input.verdict.trials, input.verdict.trials == 1 ? "" : "s",
                                           number(input.verdict.effective_trials))));
  const auto& track = verdict->minimum_track_record;
  row.figures.push_back({"Record", count(static_cast<std::int64_t>(verdict->n)),
                         track.estimate ? "periods; needs " + fixed(std::ceil(*track.estimate), 0) : "periods", Tone::Plain});
  return row;
}

std::string subtitle(const ReportInput& input) {
  std::optional<Nanos> from, to;
  for (const StrategyReport& strategy : input.strategies) {
    const auto& times = strategy.out_of_sample.times;
    if (times.empty() || !on_calendar(strategy.out_of_sample)) continue;
    from = from ? std::min(*from, times.front()) : times.front();
    to = to ? std::max(*to, times.back()) : times.back();
  }
  const std::size_t strategies = input.strategies.size();
  std::string text = fmt::format("{} strateg{}", strategies, strategies == 1 ? "y" : "ies");
  if (!input.instruments.empty()) text += fmt::format(" \u00b7 {} instrument{}", input.instruments.size(), input.instruments.size() == 1 ? "" : "s");
  if (from) text += fmt::format(" \u00b7 out of sample {} to {}", date(*from), date(*to));
  return text + (input.benchmark.empty() ? " \u00b7 benchmark: cash" : " \u00b7 benchmark: " + input.benchmark);
}

std::string short_hash(const std::string& hash) { return hash.size() > 16 ? hash.substr(0, 16) : hash; }

}  // namespace

const Evidence* find(const std::vector<Evidence>& evidence, std::string_view name) {
  for (const Evidence& item : evidence)
    if (item.name == name) return &item;
  return nullptr;
}

const stats::StrategyVerdict* verdict_of(const ReportInput& input, std::string_view name) {
  for (const auto& verdict : input.verdict.strategies)
    if (verdict.name == name) return &verdict;
  return nullptr;
}

bool on_calendar(const Returns& returns) {
  return std::adjacent_find(returns.times.begin(), returns.times.end(), [](Nanos a, Nanos b) { return a >= b; }) == returns.times.end();
}

stats::ReturnSeries series_of(const StrategyReport& strategy, const ReportInput& input) {
  stats::ReturnSeries series{.name = strategy.name, .times = strategy.out_of_sample.times, .returns = strategy.out_of_sample.net,
                             .periods_per_year = input.periods_per_year > 0 ? input.periods_per_year : 252, .start = {}};
  if (!on_calendar(strategy.out_of_sample))  // several generated markets joined: only the order of periods counts
    for (std::size_t i = 0; i < series.times.size(); ++i) series.times[i] = Nanos{static_cast<std::int64_t>(i + 1) * kNanosPerDay};
  return series;
}

std::vector<const engine::RunRecord*> records_of(const ReportInput& input, std::string_view strategy) {
  std::vector<const engine::RunRecord*> found;
  for (const engine::RunRecord& record : input.records)
    if (record.strategy == strategy && record.out_of_sample) found.push_back(&record);
  std::stable_sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->fold < b->fold; });
  return found;
}

std::vector<const StrategyReport*> detailed(const ReportInput& input) {
  std::vector<const StrategyReport*> chosen;
  for (const StrategyReport& strategy : input.strategies) chosen.push_back(&strategy);
  if (chosen.size() <= kDetailed) return chosen;
  const auto sharpe = [](const StrategyReport* strategy) {
    const Evidence* evidence = find(strategy->out_of_sample_metrics, "sharpe");
    return evidence != nullptr && evidence->estimate ? *evidence->estimate : -1e300;
  };
  std::stable_sort(chosen.begin(), chosen.end(), [&](const auto* a, const auto* b) { return sharpe(a) > sharpe(b); });
  chosen.resize(kDetailed);
  return chosen;
}

void add_verdict(Document& document, const ReportInput& input) {
  VerdictStrip strip;
  strip.headline = headline(input);
  strip.text = sentence(input.verdict.text);
  bool skill = !input.strategies.empty(), invalid = !input.strategies.empty();
  for (const StrategyReport& strategy : input.strategies) {
    const auto* verdict = verdict_of(input, strategy.name);
    skill = skill && verdict != nullptr && verdict->judgement == Judgement::Skill;
    invalid = invalid && verdict != nullptr && verdict->judgement == Judgement::Invalid;
  }
  strip.tone = skill && !hindsight(input) ? Tone::Good : invalid ? Tone::Bad : Tone::Caution;
  std::set<std::string> said;
  const auto note = [&](const std::string& text) {
    if (!text.empty() && said.insert(text).second) strip.notes.push_back(sentence(text));
  };
  for (const std::string& text : input.notes) note(text);
  for (const Provenance::Input& source : input.provenance.inputs) note(source.note);
  for (const stats::GateResult& gate : input.gates)
    if (gate.failed) note(fmt::format("Gate failed: {} ({})", gate.expression, gate.found));
  for (const StrategyReport* strategy : detailed(input)) strip.rows.push_back(verdict_row(input, *strategy));
  document.add(std::move(strip));
  if (input.strategies.size() > kDetailed)
    document.add(Paragraph{fmt::format("Shown here: the {} strategies with the highest Sharpe ratio out of sample, of {}. The significance table has them all.",
                                       kDetailed, input.strategies.size()), Tone::Muted});
}

void add_provenance(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Provenance"});
  const Provenance& from = input.provenance;
  Facts facts;
  const auto fact = [&](std::string name, std::string value) {
    if (!value.empty()) facts.facts.push_back({std::move(name), std::move(value)});
  };
  fact("Scenario", from.scenario_file);
  fact("Record", from.record_hash);
  fact("Seed", std::to_string(from.seed));
  fact("Version", from.version + (from.build.empty() ? "" : " (" + from.build + ")"));
  fact("Periods a year", input.periods_per_year > 0 ? number(input.periods_per_year) : "");
  fact("Risk-free rate", percent(input.risk_free) + " a year");
  fact("Benchmark", input.benchmark.empty() ? "cash" : input.benchmark);
  fact("Trials", fmt::format("{} recorded in study {}, worth {} independent ones", input.verdict.trials,
                             input.trial_study.empty() ? "(unnamed)" : input.trial_study, number(input.verdict.effective_trials)));
  fact("Trial ledger", input.ledger_hash);
  if (from.seconds > 0)
    fact("Run", fmt::format("{} s, {} events", number(from.seconds), count(static_cast<std::int64_t>(from.events))));
  else if (from.events > 0)
    fact("Events", count(static_cast<std::int64_t>(from.events)));
  document.add(std::move(facts));
  if (!from.inputs.empty()) {
    TableBlock table{.caption = "Inputs", .columns = {{"Name", Align::Left}, {"SHA-256", Align::Left}, {"To know", Align::Left}}, .rows = {}};
    for (const Provenance::Input& source : from.inputs)
      table.rows.push_back({{source.name}, {source.hash.empty() ? std::string(kDash) : source.hash}, {source.note.empty() ? std::string(kDash) : source.note}});
    document.add(std::move(table));
  }
  std::vector<std::pair<std::string, std::string>> warnings;
  for (const std::string& text : input.warnings) warnings.emplace_back("Run", text);
  for (const StrategyReport& strategy : input.strategies)
    for (const std::string& text : strategy.warnings) warnings.emplace_back(strategy.name, text);
  if (warnings.empty()) return;
  TableBlock table{.caption = "Warnings", .columns = {{"Where", Align::Left}, {"What", Align::Left}}, .rows = {}};
  constexpr std::size_t most = 40;
  for (std::size_t i = 0; i < std::min(most, warnings.size()); ++i) table.rows.push_back({{warnings[i].first}, {warnings[i].second, Tone::Caution}});
  if (warnings.size() > most) table.note = fmt::format("{} more are in the record.", warnings.size() - most);
  document.add(std::move(table));
}

/// What many trials cost each strategy, and how it did in worlds without alpha.
void add_searches(Document& document, const ReportInput& input) {
  if (input.verdict.strategies.empty()) return;
  const auto& own = input.significance.null_own;
  TableBlock table{.caption = "What the search costs",
                   .columns = {{"Strategy", Align::Left}, {"Sharpe left", Align::Right, "after the haircut"}, {"Haircut", Align::Left},
                               {"Hurdle", Align::Right, "excess a year"}, {"Earned", Align::Right, "excess a year"}, {"Back-test", Align::Right, "years at least"}},
                   .rows = {},
                   .note = "Haircut: the ratio whose unadjusted p-value is the adjusted one. Hurdle: mean excess return that would be significant among the study's trials. "
                           "Back-test: length below which the best of so many worthless trials is expected to do as well."};
  if (!own.empty()) table.columns.push_back({"p", Align::Right, "worlds without alpha"});
  for (const auto& verdict : input.verdict.strategies) {
    const Evidence& cut = verdict.haircut_sharpe;
    table.rows.push_back({{verdict.name}, {cut.estimate ? estimate(cut) : std::string(kDash)}, {cut.estimate ? cut.method : cut.reason},
                          {estimate(verdict.profit_hurdle)}, {estimate(verdict.excess_return)}, {estimate(verdict.minimum_backtest)}});
    if (own.empty()) continue;
    const auto found = std::find_if(own.begin(), own.end(), [&](const auto& one) { return one.name == verdict.name; });
    table.rows.back().push_back({found != own.end() ? p_value(found->p_value) : std::string(kDash)});
  }
  document.add(std::move(table));
}

void add_significance(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Significance"});
  document.add(Paragraph{"One question: could returns like these come from a strategy that is worth nothing beyond its benchmark, picked as the best of all that "
                         "was tried? The Romano-Wolf adjusted p-value answers it and decides; the others are printed beside it."});
  TableBlock table{.caption = "Out of sample, net of costs, against the benchmark",
                   .columns = {{"Strategy", Align::Left}, {"Verdict", Align::Left}, {"Excess return", Align::Right, "a year, 95 %"}, {"p", Align::Right, "one-sided, alone"},
                               {"p", Align::Right, "Romano-Wolf"}, {"p", Align::Right, "Benjamini-Hochberg"}, {"PSR", Align::Right, "above 0"},
                               {"DSR", Align::Right, "above luck"}, {"Record", Align::Right, "periods"}, {"Needed", Align::Right, "periods"}},
                   .rows = {}};
  std::vector<std::pair<std::string, double>> bars;
  for (const StrategyReport& strategy : input.strategies) {
    const auto* verdict = verdict_of(input, strategy.name);
    if (verdict == nullptr) {
      table.rows.push_back({{strategy.name}, {"Not judged", Tone::Muted}});
      while (table.rows.back().size() < table.columns.size()) table.rows.back().push_back({std::string(kDash)});
      continue;
    }
    Cell excess{estimate(verdict->excess_return)};
    excess.small = interval(verdict->excess_return);
    const auto& needed = verdict->minimum_track_record.estimate;
    table.rows.push_back({{strategy.name}, {words(verdict->judgement), tone_of(verdict->judgement)}, std::move(excess), {p_value(verdict->excess_return.p_value)},
                          {p_value(verdict->romano_wolf.estimate)}, {p_value(verdict->benjamini_hochberg.estimate)}, {p_value(verdict->probabilistic_sharpe.estimate)},
                          {p_value(verdict->deflated_sharpe.estimate)}, {count(static_cast<std::int64_t>(verdict->n))},
                          {needed ? fixed(std::ceil(*needed), 0) : std::string(kDash)}});
    if (verdict->romano_wolf.estimate && bars.size() < 16) bars.emplace_back(strategy.name, *verdict->romano_wolf.estimate);
  }
  table.note = fmt::format("p: chance of so high a mean without skill. PSR: probability that the true Sharpe ratio exceeds 0. DSR: that it exceeds what the best of {} lucky trial{} "
                           "would reach. Needed: minimum track record against 0 at 95 %. A dash: not computable; the appendix says why.",
                           input.verdict.trials, input.verdict.trials == 1 ? "" : "s");
  document.add(std::move(table));
  if (!bars.empty()) document.add(p_value_chart(bars, 0.05));
  std::vector<Curve> folds;
  for (const StrategyReport* strategy : detailed(input)) {
    Curve curve{.name = strategy->name, .points = {}};
    for (const FoldLine& fold : strategy->folds)
      if (fold.in_sample_sharpe && fold.out_of_sample_sharpe) curve.points.push_back({*fold.in_sample_sharpe, *fold.out_of_sample_sharpe});
    if (!curve.points.empty()) folds.push_back(std::move(curve));
  }
  if (!folds.empty()) document.add(fold_chart(folds));
  const SignificanceView& view = input.significance;
  if (!view.logits.empty()) document.add(logit_chart(view));
  if (!view.degradation.empty()) document.add(degradation_chart(view));
  if (SignificanceView shown = view; !shown.deflated.empty()) {
    std::vector<SignificanceView::Line> lines;  // the strategies with pages of their own, in their order
    for (const StrategyReport* strategy : detailed(input))
      for (const auto& line : view.deflated)
        if (line.name == strategy->name) lines.push_back(line);
    shown.deflated = std::move(lines);
    if (!shown.deflated.empty()) document.add(deflated_chart(shown, input.verdict.effective_trials));
  }
  if (view.p_values.size() > 1) document.add(discovery_chart(view, 0.05));
  if (!view.null_best.empty()) document.add(null_worlds_chart(view));
  add_searches(document, input);
  if (!input.study.empty()) {
    TableBlock study{.caption = "The study as a whole", .columns = {{"Figure", Align::Left}, {"Value"}, {"Range"}, {"p"}, {"n"}, {"Method", Align::Left}}, .rows = {}};
    for (const Evidence& evidence : input.study)
      study.rows.push_back({{metric_name(evidence.name)}, {estimate(evidence)}, {interval(evidence)}, {p_value(evidence.p_value)},
                            {count(static_cast<std::int64_t>(evidence.n))}, {evidence.estimate ? evidence.method : evidence.reason}});
    document.add(std::move(study));
  }
  if (input.gates.empty()) return;
  TableBlock gates{.caption = "Gates", .columns = {{"Fails if", Align::Left}, {"Found", Align::Left}, {"Result", Align::Left}}, .rows = {}};
  for (const stats::GateResult& gate : input.gates)
    gates.rows.push_back({{gate.expression}, {gate.found}, {gate.failed ? "failed" : "passed", gate.failed ? Tone::Bad : Tone::Good}});
  document.add(std::move(gates));
}

void add_learning(Document& document, const ReportInput& input) {
  bool any = false;
  for (const StrategyReport* strategy : detailed(input)) {
    for (const LearningCurve& learned : strategy->learning) {
      if (learned.x.empty() || learned.lines.empty()) continue;
      if (!any) document.add(Heading{2, "Learning"});
      any = true;
      std::vector<Curve> curves;
      for (const LearningCurve::Line& line : learned.lines) {
        Curve curve{.name = line.name, .points = {}};
        for (std::size_t i = 0; i < std::min(line.values.size(), learned.x.size()); ++i) curve.points.push_back({learned.x[i], line.values[i]});
        curves.push_back(std::move(curve));
      }
      document.add(line_chart(curves, strategy->name + ": " + learned.title, learned.x_name, learned.y_name));
    }
  }
}

void add_appendix(Document& document, const ReportInput& input) {
  document.add(Heading{2, "Appendix"});
  TableBlock table{.caption = "How each figure is computed",
                   .columns = {{"Figure", Align::Left}, {"Formula", Align::Left}, {"Unit", Align::Left}, {"Method and assumptions", Align::Left}, {"Source", Align::Left}},
                   .rows = {}, .note = "r: simple returns a period, rf: risk-free rate a period, MAR: minimum acceptable return a period, p: periods a year, b: benchmark returns, n: periods. "
                                       "Intervals come from the stationary bootstrap; a range is the spread of resampled paths of this length, not an interval.",
                   .compact = true};
  std::set<std::string> told;
  std::vector<std::pair<std::string, std::string>> reasons;
  const auto tell = [&](const Evidence& evidence, const std::string& whose) {
    if (!evidence.estimate && !evidence.reason.empty()) reasons.emplace_back(whose + ": " + metric_name(evidence.name), evidence.reason);
    if (evidence.name.empty() || evidence.formula.empty() || !told.insert(evidence.name).second) return;
    std::string how = evidence.method;
    if (!evidence.assumptions.empty()) how += (how.empty() ? "" : "; ") + ("assumes " + evidence.assumptions);
    const auto or_dash = [](const std::string& text) { return text.empty() ? std::string(kDash) : text; };
    table.rows.push_back({{metric_name(evidence.name)}, {evidence.formula}, {or_dash(evidence.unit)}, {or_dash(how)}, {or_dash(evidence.source)}});
  };
  for (const StrategyReport& strategy : input.strategies)
    for (const Evidence& evidence : strategy.out_of_sample_metrics) tell(evidence, strategy.name);
  for (const auto& verdict : input.verdict.strategies)
    for (const Evidence& evidence : verdict.evidence()) tell(evidence, verdict.name);
  for (const Evidence& evidence : input.study) tell(evidence, "Study");
  if (!table.rows.empty()) document.add(Details{"Formulas", {Block{std::move(table)}}});
  if (!reasons.empty()) {
    TableBlock why{.caption = "What could not be computed, and why", .columns = {{"Figure", Align::Left}, {"Reason", Align::Left}}, .rows = {}, .compact = true};
    for (const auto& [name, reason] : reasons) why.rows.push_back({{name}, {reason}});
    document.add(Details{"Figures without a value", {Block{std::move(why)}}});
  }
  document.add(Details{"Resolved scenario", {Block{Verbatim{input.scenario.dump(2), "resolved scenario, JSON"}}}});
}

Document run_report(const ReportInput& input) {
  for (const StrategyReport& strategy : input.strategies) {
    check(strategy.name, strategy.in_sample);
    check(strategy.name, strategy.out_of_sample);
  }
  Document document;
  document.title = input.title;
  if (const Json* about = input.scenario.find("description"); about != nullptr && about->is_string()) document.about = about->as_string();
  document.subtitle = subtitle(input);
  document.foot = fmt::format("Walras {} \u00b7 seed {} \u00b7 record {}", input.provenance.version, input.provenance.seed, short_hash(input.provenance.record_hash));
  add_verdict(document, input);
  add_provenance(document, input);
  add_performance(document, input);
  add_returns(document, input);
  add_positions(document, input);
  add_trades(document, input);
  add_costs(document, input);
  add_execution(document, input);
  add_attribution(document, input);
  add_walk_forward(document, input);
  add_splits(document, input);
  add_significance(document, input);
  add_learning(document, input);
  add_appendix(document, input);
  return document;
}

}  // namespace walras::reports
