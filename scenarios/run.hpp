#pragma once
// The composition root: the only place that knows every module. A scenario goes in; a record, a summary with the
// verdict and a report come out.
#include "scenarios/scenario.hpp"

#include <atomic>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walras::scenarios {

struct RunOptions {
  std::filesystem::path scenario;
  std::filesystem::path out;                 ///< empty: results/<name> beside the working folder
  std::vector<std::string> sets;             ///< "/json/pointer=value"
  std::optional<std::uint64_t> seed;
  bool each = false;                         ///< every point of a grid is a strategy (and a trial) of its own
  bool resume = false;                       ///< keep folds finished by an interrupted run of the same scenario
  std::filesystem::path ledger;              ///< empty: .walras/STUDY.h5 beside the scenario
  std::filesystem::path library;             ///< data library; empty: the user's
  std::vector<std::string> fail_if;          ///< gates, "deflated_sharpe < 0.95"
  bool gate_on_verdict = false;              ///< `validate`: a verdict other than skill is a failed gate
  bool html = true, pdf = true;
  /// Called from any thread after each finished unit of work: done, total, what. May be empty.
  std::function<void(std::size_t done, std::size_t total, const std::string& what)> progress;
  /// Notices for people ("PDF skipped: ..."). May be empty.
  std::function<void(const std::string&)> notice;
  /// Set by Ctrl-C; finished folds are kept and Error{Interrupted} is thrown. May be null.
  const std::atomic<bool>* interrupted = nullptr;
};

struct RunOutcome {
  Json summary;                              ///< as written to summary.json
  std::filesystem::path out;
  bool gates_passed = true;
  bool cut_off = false;                      ///< a strategy stopped before its end: summary.json says which and why
  std::vector<std::filesystem::path> files;  ///< written, in order
};

/// Runs a scenario the whole way. All files are written beside their place and renamed. Throws Error.
RunOutcome run(const RunOptions& options);

/// Checks a scenario without running it: builds every component and loads its data's head. Returns the resolved scenario.
Json check(const RunOptions& options);

/// Whether a scenario names a kind that only the learning plug-in brings.
bool needs_learning(const Scenario& scenario);
/// Names of library sets that the scenario's sources ask for.
std::vector<std::string> needed_sets(const Scenario& scenario);

}  // namespace walras::scenarios
