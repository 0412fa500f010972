#include "scenarios/run.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/cli/scenario_flags.hpp"

#include <fmt/format.h>

#include <csignal>
#include <iostream>

namespace walras::scenarios {
namespace {

std::atomic<bool> interrupted{false};   // a signal handler can reach nothing else

extern "C" void on_interrupt(int signal) {
  interrupted.store(true);
  std::signal(signal, SIG_DFL);   // a second Ctrl-C ends at once
}

std::optional<double> estimate(const Json& metrics, std::string_view name) {
  const Json* metric = metrics.find(name);
  const Json* value = metric == nullptr ? nullptr : metric->find("estimate");
  if (value == nullptr || !value->is_number()) return std::nullopt;
  return value->as_number();
}

std::string interval(const Json& metrics, std::string_view name) {
  const Json* metric = metrics.find(name);
  const Json* bounds = metric == nullptr ? nullptr : metric->find("interval");
  if (bounds == nullptr || bounds->size() != 2) return "";
  return fmt::format(" [{:.2f}, {:.2f}]", bounds->as_array()[0].as_number(), bounds->as_array()[1].as_number());
}

std::string text_of(const Json& object, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (const Json* value = object.find(name); value != nullptr && value->is_string()) return value->as_string();
  }
  return "";
}

void print_outcome(const RunOutcome& outcome) {
  const Json& summary = outcome.summary;
  const Json& verdict = summary.at("verdict");
  TextTable table({"out of sample", "CAGR", "volatility", "Sharpe [95 %]", "max drawdown", "verdict"});
  for (const Json& strategy : summary.at("strategies").as_array()) {
    const Json& metrics = strategy.at("out_of_sample");
    std::string judged = "-";
    for (const Json& entry : verdict.at("strategies").as_array()) {
      if (text_of(entry, {"name"}) == strategy.at("name").as_string()) judged = text_of(entry, {"judgement"});
    }
    const auto sharpe = estimate(metrics, "sharpe");
    table.add({strategy.at("name").as_string(), percent(estimate(metrics, "cagr")), percent(estimate(metrics, "volatility")),
               sharpe ? fmt::format("{:.2f}{}", *sharpe, interval(metrics, "sharpe")) : "-",
               percent(estimate(metrics, "max_drawdown")), judged});
  }
  std::cout << table.str() << "\nVerdict: " << verdict.at("text").as_string() << '\n';
  if (const Json* notes = summary.find("notes"); notes != nullptr) {
    for (const Json& note : notes->as_array()) std::cout << "Mind: " << note.as_string() << '\n';
  }
  if (const Json* gates = verdict.find("gates"); gates != nullptr) {
    for (const Json& gate : gates->as_array()) {
      const Json* passed = gate.find("passed");
      std::cout << fmt::format("Gate {}: {} ({})\n", passed != nullptr && passed->as_bool() ? "passed" : "failed",
                               text_of(gate, {"expression"}), text_of(gate, {"found"}));
    }
  }
  std::cout << '\n';
  for (const std::filesystem::path& file : outcome.files) std::cout << "wrote " << file.string() << '\n';
}

int run_scenario(const Arguments& arguments, bool gate_on_verdict) {
  use_threads(arguments);
  RunOptions options = run_options(arguments);
  options.gate_on_verdict = gate_on_verdict;
  options.interrupted = &interrupted;
  const bool quiet = arguments.has("--quiet");
  Progress progress(!quiet);
  options.progress = [&](std::size_t done, std::size_t total, const std::string& what) { progress.update(done, total, what); };
  options.notice = [&](const std::string& text) {
    progress.clear();
    if (!quiet) notice(text);
  };
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  RunOutcome outcome;
  try {
    outcome = run(options);
  } catch (const Error& error) {
    if (error.fault() != Fault::Interrupted) throw;
    progress.clear();
    fail(Fault::Interrupted, "", "interrupted; finished folds are kept: the same command with --resume goes on from there");
  }
  progress.clear();
  if (arguments.has("--json")) {
    std::cout << outcome.summary.dump(2) << '\n';
  } else if (!quiet) {
    print_outcome(outcome);
  }
  if (outcome.cut_off) {
    for (const Json& strategy : outcome.summary.at("strategies").as_array()) {
      const Json* reasons = strategy.find("cut_off");
      if (reasons != nullptr) notice(fmt::format("{} was cut off: {}", strategy.at("name").as_string(), reasons->as_array().front().as_string()));
    }
    return 1;   // ahead of the gates: what they judged is no record of the strategy
  }
  return outcome.gates_passed ? 0 : 4;
}

std::vector<Flag> flags() {
  std::vector<Flag> all = scenario_flags();
  all.insert(all.end(), {
      {"--out", "DIR", "where the results go (default: results/<name>)"},
      {"--each", "", "every point of a grid is a strategy, and a trial, of its own"},
      {"--resume", "", "go on from the last finished fold of an interrupted run"},
      {"--ledger", "FILE", "the study's ledger of trials (default: .walras/STUDY.h5 beside the scenario)"},
      {"--fail-if", "EXPR", "exit 4 where a strategy meets EXPR, as 'deflated_sharpe < 0.95'", true},
      {"--no-pdf", "", "write the HTML report only"},
      {"--threads", "N", "how many to use; results do not depend on it (default: all cores)"},
      {"--json", "", "print summary.json instead of the table"},
      {"--quiet", "", "print errors only"}});
  return all;
}

}  // namespace

Command run_command() {
  return {"run", "run a scenario: record, verdict and report", {{"SCENARIO", "a scenario file"}}, flags(),
          {"walras run scenarios/quickstart.json --out results",
           "walras run my_study.json --set /account/capital=50000 --seed 7"},
          [](const Arguments& arguments) { return run_scenario(arguments, false); }};
}

Command validate_command() {
  return {"validate", "run, then exit 4 unless skill is shown and every gate passes", {{"SCENARIO", "a scenario file"}}, flags(),
          {"walras validate my_study.json --fail-if 'deflated_sharpe < 0.95'",
           "walras validate my_study.json --json > verdict.json"},
          [](const Arguments& arguments) { return run_scenario(arguments, true); }};
}

}  // namespace walras::scenarios
