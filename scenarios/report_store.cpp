#include "scenarios/report_store.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

namespace walras::scenarios {
namespace {

using reports::ReportInput;
using reports::StrategyReport;
using stats::Evidence;

Json numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double value : values) out.push_back(value);
  return out;
}
std::vector<double> numbers(const Json& json) {
  std::vector<double> out;
  for (const Json& value : json.as_array()) out.push_back(value.as_number());
  return out;
}

Json texts(const std::vector<std::string>& values) {
  Json out = Json::array();
  for (const std::string& value : values) out.push_back(value);
  return out;
}
std::vector<std::string> texts(const Json& json) {
  std::vector<std::string> out;
  for (const Json& value : json.as_array()) out.push_back(value.as_string());
  return out;
}

Json optional(const std::optional<double>& value) { return value ? Json(*value) : Json(); }
std::optional<double> optional(const Json& json) { return json.is_null() ? std::nullopt : std::optional(json.as_number()); }

/// An array, since the order of a tear sheet is part of it.
Json evidence(const std::vector<Evidence>& list) {
  Json out = Json::array();
  for (const Evidence& one : list) out.push_back(Json::object({{"name", one.name}, {"evidence", stats::to_json(one)}}));
  return out;
}
std::vector<Evidence> evidence(const Json& json) {
  std::vector<Evidence> out;
  for (const Json& one : json.as_array()) out.push_back(stats::evidence_from_json(one.at("name").as_string(), one.at("evidence")));
  return out;
}

Json fold_json(const reports::FoldLine& line) {
  return Json::object({{"fold", line.fold}, {"train_begin", line.train_begin.value}, {"train_end", line.train_end.value},
                       {"test_begin", line.test_begin.value}, {"test_end", line.test_end.value}, {"chosen", line.chosen},
                       {"candidates", line.candidates}, {"in_sample_sharpe", optional(line.in_sample_sharpe)},
                       {"out_of_sample_sharpe", optional(line.out_of_sample_sharpe)},
                       {"in_sample_return", optional(line.in_sample_return)},
                       {"out_of_sample_return", optional(line.out_of_sample_return)}, {"note", line.note}});
}
reports::FoldLine fold_line(const Json& json) {
  reports::FoldLine line;
  line.fold = static_cast<std::uint32_t>(json.at("fold").as_integer());
  line.train_begin = {json.at("train_begin").as_integer()};
  line.train_end = {json.at("train_end").as_integer()};
  line.test_begin = {json.at("test_begin").as_integer()};
  line.test_end = {json.at("test_end").as_integer()};
  line.chosen = json.at("chosen");
  line.candidates = static_cast<std::size_t>(json.at("candidates").as_integer());
  line.in_sample_sharpe = optional(json.at("in_sample_sharpe"));
  line.out_of_sample_sharpe = optional(json.at("out_of_sample_sharpe"));
  line.in_sample_return = optional(json.at("in_sample_return"));
  line.out_of_sample_return = optional(json.at("out_of_sample_return"));
  line.note = json.at("note").as_string();
  return line;
}

Json curve_json(const reports::LearningCurve& curve) {
  Json lines = Json::array();
  for (const auto& line : curve.lines) lines.push_back(Json::object({{"name", line.name}, {"values", numbers(line.values)}}));
  return Json::object({{"title", curve.title}, {"x_name", curve.x_name}, {"y_name", curve.y_name}, {"x", numbers(curve.x)}, {"lines", lines}});
}
reports::LearningCurve curve(const Json& json) {
  reports::LearningCurve out{json.at("title").as_string(), json.at("x_name").as_string(), json.at("y_name").as_string(),
                             numbers(json.at("x")), {}};
  for (const Json& line : json.at("lines").as_array()) out.lines.push_back({line.at("name").as_string(), numbers(line.at("values"))});
  return out;
}

Json strategy_json(const StrategyReport& strategy) {
  Json folds = Json::array(), curves = Json::array();
  for (const auto& line : strategy.folds) folds.push_back(fold_json(line));
  for (const auto& one : strategy.learning) curves.push_back(curve_json(one));
  Json out = Json::object({{"name", strategy.name}, {"kind", strategy.kind}, {"parameters", strategy.parameters},
                           {"in_sample_metrics", evidence(strategy.in_sample_metrics)},
                           {"out_of_sample_metrics", evidence(strategy.out_of_sample_metrics)}, {"folds", folds},
                           {"learning", curves}, {"warnings", texts(strategy.warnings)}});
  if (strategy.cone) out["cone"] = Json::object({{"low", numbers(strategy.cone->low)}, {"high", numbers(strategy.cone->high)}});
  return out;
}
StrategyReport strategy_report(const Json& json) {
  StrategyReport out;
  out.name = json.at("name").as_string();
  out.kind = json.at("kind").as_string();
  out.parameters = json.at("parameters");
  out.in_sample_metrics = evidence(json.at("in_sample_metrics"));
  out.out_of_sample_metrics = evidence(json.at("out_of_sample_metrics"));
  for (const Json& line : json.at("folds").as_array()) out.folds.push_back(fold_line(line));
  for (const Json& one : json.at("learning").as_array()) out.learning.push_back(curve(one));
  out.warnings = texts(json.at("warnings"));
  if (const Json* cone = json.find("cone")) out.cone = reports::Cone{numbers(cone->at("low")), numbers(cone->at("high"))};
  return out;
}

Json verdict_json(const stats::Verdict& verdict) {
  Json strategies = Json::array();
  for (const stats::StrategyVerdict& one : verdict.strategies) {
    strategies.push_back(Json::object({{"name", one.name}, {"judgement", stats::text(one.judgement)}, {"words", one.words}, {"n", one.n},
                                       {"evidence", evidence(one.evidence())}}));
  }
  return Json::object({{"text", verdict.text}, {"strategies", strategies}, {"trials", verdict.trials}, {"groups", verdict.groups},
                       {"effective_trials", verdict.effective_trials}});
}

stats::Judgement judgement(const std::string& name) {
  for (const stats::Judgement one : {stats::Judgement::Skill, stats::Judgement::NotShown, stats::Judgement::Invalid}) {
    if (stats::text(one) == name) return one;
  }
  fail(Fault::Data, "report", fmt::format("expected skill, not shown or invalid, was '{}'", name));
}

stats::Verdict verdict(const Json& json) {
  stats::Verdict out;
  out.text = json.at("text").as_string();
  for (const Json& one : json.at("strategies").as_array()) {
    const std::vector<Evidence> list = evidence(one.at("evidence"));
    if (list.size() != 9) fail(Fault::Data, "report", fmt::format("expected 9 figures of a verdict, was {}; run the scenario again", list.size()));
    stats::StrategyVerdict entry;
    entry.name = one.at("name").as_string();
    entry.judgement = judgement(one.at("judgement").as_string());
    entry.words = one.at("words").as_string();
    entry.n = static_cast<std::size_t>(one.at("n").as_integer());
    entry.excess_return = list[0];
    entry.romano_wolf = list[1];
    entry.benjamini_hochberg = list[2];
    entry.probabilistic_sharpe = list[3];
    entry.deflated_sharpe = list[4];
    entry.haircut_sharpe = list[5];
    entry.minimum_track_record = list[6];
    entry.minimum_backtest = list[7];
    entry.profit_hurdle = list[8];
    out.strategies.push_back(std::move(entry));
  }
  out.trials = static_cast<std::size_t>(json.at("trials").as_integer());
  out.groups = static_cast<std::size_t>(json.at("groups").as_integer());
  out.effective_trials = json.at("effective_trials").as_number();
  return out;
}

using View = reports::SignificanceView;

Json points_json(const std::vector<View::Point>& points) {
  std::vector<double> flat;
  for (const View::Point& point : points) flat.insert(flat.end(), {point.x, point.y});
  return numbers(flat);
}
std::vector<View::Point> points(const Json& json) {
  const std::vector<double> flat = numbers(json);
  std::vector<View::Point> out;
  for (std::size_t i = 0; i + 1 < flat.size(); i += 2) out.push_back({flat[i], flat[i + 1]});
  return out;
}

Json view_json(const View& view) {
  Json deflated = Json::array(), own = Json::array();
  for (const View::Line& line : view.deflated) deflated.push_back(Json::object({{"name", line.name}, {"points", points_json(line.points)}}));
  for (const View::Own& one : view.null_own) {
    own.push_back(Json::object({{"name", one.name}, {"statistic", one.statistic}, {"p_value", one.p_value}}));
  }
  Json out = Json::object({{"logits", points_json(view.logits)}, {"degradation", points_json(view.degradation)}, {"deflated", deflated},
                           {"p_values", numbers(view.p_values)}, {"null_best", points_json(view.null_best)}, {"null_own", own},
                           {"null_kind", view.null_kind}});
  if (view.degradation_line) out["line"] = points_json({*view.degradation_line});
  return out;
}
View view_from(const Json& json) {
  View out;
  out.logits = points(json.at("logits"));
  out.degradation = points(json.at("degradation"));
  if (const Json* line = json.find("line")) out.degradation_line = points(*line).at(0);
  for (const Json& one : json.at("deflated").as_array()) out.deflated.push_back({one.at("name").as_string(), points(one.at("points"))});
  out.p_values = numbers(json.at("p_values"));
  out.null_best = points(json.at("null_best"));
  for (const Json& one : json.at("null_own").as_array()) {
    out.null_own.push_back({one.at("name").as_string(), one.at("statistic").as_number(), one.at("p_value").as_number()});
  }
  out.null_kind = json.at("null_kind").as_string();
  return out;
}

Json input_json(const ReportInput& input) {
  Json strategies = Json::array(), gates = Json::array(), inputs = Json::array();
  for (const StrategyReport& strategy : input.strategies) strategies.push_back(strategy_json(strategy));
  for (const stats::GateResult& gate : input.gates) {
    gates.push_back(Json::object({{"expression", gate.expression}, {"failed", gate.failed}, {"found", gate.found}}));
  }
  for (const auto& one : input.provenance.inputs) inputs.push_back(Json::object({{"name", one.name}, {"hash", one.hash}, {"note", one.note}}));
  return Json::object(
      {{"title", input.title}, {"scenario", input.scenario}, {"periods_per_year", input.periods_per_year}, {"benchmark", input.benchmark},
       {"currency", input.currency}, {"risk_free", input.risk_free}, {"verdict", verdict_json(input.verdict)}, {"strategies", strategies},
       {"gates", gates}, {"trial_study", input.trial_study}, {"ledger_hash", input.ledger_hash}, {"study", evidence(input.study)},
       {"significance", view_json(input.significance)},
       {"notes", texts(input.notes)}, {"warnings", texts(input.warnings)}, {"trades_shown", input.trades_shown},
       {"record_hash", input.provenance.record_hash}, {"version", input.provenance.version}, {"build", input.provenance.build},
       {"scenario_file", input.provenance.scenario_file}, {"seed", static_cast<std::int64_t>(input.provenance.seed)}, {"inputs", inputs},
       {"audit", Json::object({{"folds", input.audit.folds}, {"method", input.audit.method}, {"problems", texts(input.audit.problems)}})},
       {"events", static_cast<std::int64_t>(input.provenance.events)}});
}

ReportInput input_from(const Json& json) {
  ReportInput out;
  out.title = json.at("title").as_string();
  out.scenario = json.at("scenario");
  out.periods_per_year = json.at("periods_per_year").as_number();
  out.benchmark = json.at("benchmark").as_string();
  out.currency = json.at("currency").as_string();
  out.risk_free = json.at("risk_free").as_number();
  out.verdict = verdict(json.at("verdict"));
  for (const Json& one : json.at("strategies").as_array()) out.strategies.push_back(strategy_report(one));
  for (const Json& one : json.at("gates").as_array()) {
    out.gates.push_back({one.at("expression").as_string(), one.at("failed").as_bool(), one.at("found").as_string()});
  }
  out.trial_study = json.at("trial_study").as_string();
  out.ledger_hash = json.at("ledger_hash").as_string();
  out.study = evidence(json.at("study"));
  if (const Json* view = json.find("significance")) out.significance = view_from(*view);
  out.notes = texts(json.at("notes"));
  out.warnings = texts(json.at("warnings"));
  out.trades_shown = static_cast<std::size_t>(json.at("trades_shown").as_integer());
  out.provenance.record_hash = json.at("record_hash").as_string();
  out.provenance.version = json.at("version").as_string();
  out.provenance.build = json.at("build").as_string();
  out.provenance.scenario_file = json.at("scenario_file").as_string();
  out.provenance.seed = static_cast<std::uint64_t>(json.at("seed").as_integer());
  out.provenance.events = static_cast<std::uint64_t>(json.at("events").as_integer());
  for (const Json& one : json.at("inputs").as_array()) {
    out.provenance.inputs.push_back({one.at("name").as_string(), one.at("hash").as_string(), one.at("note").as_string()});
  }
  if (const Json* audit = json.find("audit")) {  // records written before it was kept have none
    out.audit = {static_cast<std::size_t>(audit->at("folds").as_integer()), texts(audit->at("problems")), audit->at("method").as_string()};
  }
  return out;
}

Table returns_table(const std::string& name, const reports::Returns& returns) {
  std::vector<std::int64_t> times;
  for (const Nanos time : returns.times) times.push_back(time.value);
  Table table{name, {{"time", "ns since 1970", times}, {"net", "fraction", returns.net}}, {}};
  if (!returns.gross.empty()) table.columns.push_back({"gross", "fraction", returns.gross});
  if (!returns.benchmark.empty()) table.columns.push_back({"benchmark", "fraction", returns.benchmark});
  return table;
}

template <class Values>
Values column(const Table& table, std::string_view name) {
  const NamedColumn* found = table.find(name);
  if (found == nullptr) return {};
  const auto* values = std::get_if<Values>(&found->values);
  if (values == nullptr) fail(Fault::Data, table.name, fmt::format("expected another type of column {}", name));
  return *values;
}

reports::Returns returns_of(const Table& table) {
  reports::Returns out;
  for (const std::int64_t time : column<std::vector<std::int64_t>>(table, "time")) out.times.push_back({time});
  out.net = column<std::vector<double>>(table, "net");
  out.gross = column<std::vector<double>>(table, "gross");
  out.benchmark = column<std::vector<double>>(table, "benchmark");
  return out;
}

}  // namespace

void add_report(Store& store, const ReportInput& input) {
  store.tables.push_back({"report/input", {{"json", "", std::vector<std::string>{input_json(input).dump()}}}, {}});
  for (std::size_t i = 0; i < input.strategies.size(); ++i) {
    store.tables.push_back(returns_table(fmt::format("report/{}/in_sample", i), input.strategies[i].in_sample));
    store.tables.push_back(returns_table(fmt::format("report/{}/out_of_sample", i), input.strategies[i].out_of_sample));
  }
}

ReportInput report_from_store(const Store& store) {
  const auto text = column<std::vector<std::string>>(store.at("report/input"), "json");
  if (text.size() != 1) fail(Fault::Data, "report/input", fmt::format("expected one text, was {}", text.size()));
  ReportInput input = input_from(Json::parse(text[0], "report/input"));
  for (std::size_t i = 0; i < input.strategies.size(); ++i) {
    input.strategies[i].in_sample = returns_of(store.at(fmt::format("report/{}/in_sample", i)));
    input.strategies[i].out_of_sample = returns_of(store.at(fmt::format("report/{}/out_of_sample", i)));
  }
  return input;
}

}  // namespace walras::scenarios
