#include "scenarios/run.hpp"

#include "engine/base/files.hpp"
#include "scenarios/locations.hpp"
#include "scenarios/output.hpp"
#include "scenarios/report_store.hpp"
#include "scenarios/version.hpp"

#include <fmt/format.h>

#include <chrono>
#include <set>

namespace walras::scenarios {
namespace {

namespace fs = std::filesystem;

/// Fails now rather than after the work where the results could not be written.
void require_writable(const fs::path& folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed) {
    fail(Fault::Io, folder.string(),
         fmt::format("expected a folder that results can be written to, was refused: {}; name another with --out", failed.message()));
  }
  const fs::path probe = folder / ".probe";
  write_atomically(probe, "");
  fs::remove(probe, failed);
}

class Writer {
 public:
  Writer(const RunOptions& options, fs::path out) : options_(options), out_(std::move(out)) {}

  std::vector<fs::path> write(const Finished& finished) {
    const std::vector<engine::RunRecord> records = all_records(finished.results);
    const reports::ReportInput input = report_input(finished, records);
    Store record = record_store(finished, records);
    add_report(record, input);
    record.write(place("record.h5"));
    write_atomically(place("summary.json"), summary_of(finished).dump(2) + "\n");
    if (options_.html) report(finished, input);
    return files_;
  }

 private:
  fs::path place(const char* name) {
    files_.push_back(out_ / name);
    return files_.back();
  }

  void report(const Finished& finished, const reports::ReportInput& input) {
    const fs::path html = place("report.html");
    const fs::path echarts = echarts_file();
    reports::write_html(reports::run_report(input), html, echarts);
    const fs::path pdf = out_ / "report.pdf";
    if (!options_.pdf || !finished.setup.scenario.report.pdf) return;
    try {
      reports::write_pdf(html, pdf);
      files_.push_back(pdf);
    } catch (const Error& error) {
      // The page holds all that the print would: without Chromium a run still ends well.
      std::error_code ignored;
      fs::remove(pdf, ignored);
      if (options_.notice) options_.notice(std::string("no report.pdf: ") + error.what());
    }
  }

  const RunOptions& options_;
  fs::path out_;
  std::vector<fs::path> files_;
};

void collect_sets(const Json& json, std::set<std::string>& sets) {
  if (json.is_object()) {
    const Json* kind = json.find("kind");
    const Json* set = json.find("name");
    if (kind && set && *kind == Json("library") && set->is_string()) sets.insert(set->as_string());
    for (const auto& [unused, value] : json.as_object()) collect_sets(value, sets);
  } else if (json.is_array()) {
    for (const Json& item : json.as_array()) collect_sets(item, sets);
  }
}

}  // namespace

bool needs_learning(const Scenario& scenario) {
  const strategies::Registries core = strategies::registries();
  for (const StrategyEntry& entry : scenario.strategies) {
    if (is_learning_kind(entry.kind) || names_learning_kind(entry.params) || names_learning_kind(entry.grid)) return true;
    const auto found = core.strategies.entries().find(entry.kind);
    if (found == core.strategies.entries().end() || !found->second.defaults.is_object()) continue;
    for (const auto& [key, value] : found->second.defaults.as_object()) {   // what is left out may name one, too
      if (!entry.params.find(key) && !entry.grid.find(key) && names_learning_kind(Json::object({{key, value}}))) return true;
    }
  }
  return false;
}

std::vector<std::string> needed_sets(const Scenario& scenario) {
  std::set<std::string> sets;
  collect_sets(scenario.market, sets);
  collect_sets(scenario.benchmark, sets);
  return {sets.begin(), sets.end()};
}

Json check(const RunOptions& options) {
  const Setup setup = prepare(options);
  with_file(options.scenario, [&] {
    for (std::size_t s = 0; s < setup.scenario.strategies.size(); ++s) {
      build_strategy(setup, s, setup.folds.front());
    }
  });
  return setup.resolved;
}

RunOutcome run(const RunOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string& expression : options.fail_if) (void)stats::parse_gate(expression);
  Setup setup = prepare(options);
  const fs::path out = options.out.empty() ? fs::path("results") / setup.scenario.name : options.out;
  require_writable(out);

  const fs::path ledger = options.ledger.empty() ? stats::ledger_path(options.scenario, setup.scenario.study) : options.ledger;
  (void)stats::read_ledger(ledger, setup.scenario.study);  // a ledger that cannot be read is told before the work, not after
  const fs::path checkpoints = out / ".partial";
  std::vector<StrategyResult> results;
  with_file(options.scenario, [&] { results = walk_forward(setup, options, checkpoints); });

  std::optional<NullWorlds> null_worlds;
  if (setup.scenario.evidence.null_worlds) {
    std::vector<std::vector<double>> excess;
    for (const StrategyResult& result : results) excess.push_back(judged_excess(setup, result));
    with_file(options.scenario, [&] { null_worlds = run_null_worlds(setup, options, excess, checkpoints); });
  }
  const Judged judged = judge_study(setup, results, ledger, std::move(null_worlds));
  Finished finished{setup, results, judged, evaluate_gates(judged, results, options), "", 0};
  finished.record_hash = engine::record_hash(all_records(results), setup.plan->instruments());
  finished.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  RunOutcome outcome;
  outcome.out = out;
  outcome.files = Writer(options, out).write(finished);
  outcome.summary = summary_of(finished);
  for (const stats::GateResult& gate : finished.gates) outcome.gates_passed = outcome.gates_passed && !gate.failed;
  for (const StrategyResult& result : results) outcome.cut_off = outcome.cut_off || !cut_offs(result).empty();
  std::error_code ignored;
  fs::remove_all(checkpoints, ignored);
  return outcome;
}

}  // namespace walras::scenarios
