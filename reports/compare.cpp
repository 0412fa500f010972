#include "engine/base/error.hpp"
#include "reports/charts.hpp"
#include "reports/format.hpp"
#include "reports/report.hpp"

#include <fmt/format.h>

#include <cmath>

namespace walras::reports {
namespace {

std::string text_at(const Json& json, std::string_view pointer) {
  const Json* found = json.pointer(pointer);
  return found == nullptr ? std::string() : found->is_string() ? found->as_string() : found->is_number() ? number(found->as_number()) : std::string();
}

/// A figure of a summary's metric map, with its interval under it.
Cell figure(const Json& metrics, std::string_view name) {
  const Json* metric = metrics.find(name);
  Cell cell{std::string(kDash)};
  if (metric == nullptr) return cell;
  const Json* unit = metric->find("unit");
  const std::string in = unit != nullptr && unit->is_string() ? unit->as_string() : "";
  if (const Json* value = metric->find("estimate"); value != nullptr && value->is_number()) cell.text = in_unit(value->as_number(), in);
  for (const char* key : {"interval", "range"}) {
    const Json* bounds = metric->find(key);
    if (bounds == nullptr || !bounds->is_array() || bounds->size() != 2) continue;
    cell.small = std::string(key[0] == 'r' ? "range " : "") + in_unit(bounds->as_array()[0].as_number(), in) + " to " + in_unit(bounds->as_array()[1].as_number(), in);
    break;
  }
  return cell;
}

const Json* verdict_of(const Json& summary, const std::string& strategy) {
  const Json* verdicts = summary.pointer("/verdict/strategies");
  if (verdicts == nullptr || !verdicts->is_array()) return nullptr;
  for (const Json& verdict : verdicts->as_array())
    if (const Json* name = verdict.find("name"); name != nullptr && name->is_string() && name->as_string() == strategy) return &verdict;
  return nullptr;
}

std::string outcome_of(const Json* verdict) {
  if (verdict == nullptr) return std::string(kDash);
  for (const char* key : {"verdict", "judgement", "outcome"})
    if (const Json* outcome = verdict->find(key); outcome != nullptr && outcome->is_string()) return outcome->as_string();
  return std::string(kDash);
}

}  // namespace

Document compare_report(const std::vector<ComparedRun>& runs) {
  Document document;
  document.title = "Comparison of runs";
  for (const ComparedRun& run : runs) document.subtitle += (document.subtitle.empty() ? "" : " \u00b7 ") + run.name;
  document.foot = fmt::format("Walras \u00b7 comparison of {} run{}", runs.size(), runs.size() == 1 ? "" : "s");

  document.add(Heading{2, "Runs"});
  TableBlock about{.caption = "What was run", .columns = {{"Run", Align::Left}, {"Scenario", Align::Left}, {"Seed"}, {"Version", Align::Left}, {"Record", Align::Left}, {"Verdict", Align::Left}}, .rows = {}};
  for (const ComparedRun& run : runs)
    about.rows.push_back({{run.name}, {text_at(run.summary, "/scenario")}, {text_at(run.summary, "/seed")}, {text_at(run.summary, "/walras")},
                          {text_at(run.summary, "/record_hash").substr(0, 16)}, {text_at(run.summary, "/verdict/text")}});
  document.add(std::move(about));

  document.add(Heading{2, "Out of sample"});
  TableBlock table{.caption = "Out of sample, net of costs",
                   .columns = {{"Run and strategy", Align::Left}, {"Verdict", Align::Left}, {"Sharpe ratio"}, {"Return", Align::Right, "a year"}, {"Volatility"}, {"Deepest drawdown"},
                               {"Turnover", Align::Right, "1/year"}, {"Round trips"}},
                   .rows = {}, .note = "Under each figure its 95 % interval, or the range of resampled paths. Runs over different dates are not comparable by these figures alone."};
  for (const ComparedRun& run : runs) {
    const Json* strategies = run.summary.find("strategies");
    if (strategies == nullptr || !strategies->is_array()) fail(Fault::Data, run.name, "expected a summary with a list of strategies, was none; run the scenario again");
    for (const Json& strategy : strategies->as_array()) {
      const std::string name = text_at(strategy, "/name");
      const Json* metrics = strategy.find("out_of_sample");
      const Json none = Json::object();
      const Json& from = metrics != nullptr ? *metrics : none;
      std::vector<Cell> row{{run.name}, {outcome_of(verdict_of(run.summary, name))}};
      row[0].small = name;
      for (const char* metric : {"sharpe", "cagr", "volatility", "max_drawdown", "turnover", "trades"}) row.push_back(figure(from, metric));
      table.rows.push_back(std::move(row));
    }
  }
  document.add(std::move(table));

  std::vector<Curve> curves;
  bool calendar = true;
  for (const ComparedRun& run : runs)
    for (const auto& [name, returns] : run.out_of_sample) {
      for (std::size_t i = 1; i < returns.times.size(); ++i) calendar = calendar && returns.times[i - 1] < returns.times[i];
      if (returns.net.size() != returns.times.size()) fail(Fault::Numeric, run.name, "expected one return a period");
    }
  for (const ComparedRun& run : runs)
    for (const auto& [name, returns] : run.out_of_sample) {
      if (curves.size() == 8 || returns.net.empty()) continue;
      Curve curve{.name = run.name + ": " + name, .points = {}};
      double level = 1;
      for (std::size_t i = 0; i < returns.net.size(); ++i) {
        if (!std::isfinite(returns.net[i])) fail(Fault::Numeric, run.name, fmt::format("expected finite returns, was {} at period {}", returns.net[i], i));
        curve.points.push_back({calendar ? static_cast<double>(returns.times[i].value) / 1e6 : static_cast<double>(i + 1), level *= 1 + returns.net[i]});
      }
      curves.push_back(std::move(curve));
    }
  if (!curves.empty()) document.add(equity_chart(curves, {.calendar = calendar, .out_of_sample_from = {}, .name = "periods"}, false));
  return document;
}

}  // namespace walras::reports
