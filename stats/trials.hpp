#pragma once
// The trial ledger: everything that was tried in a study, with its out-of-sample returns, so that
// the verdict on the best knows how many there were. A file beside the scenario; locked, atomic;
// repeats add nothing.
#include "engine/base/json.hpp"
#include "engine/base/units.hpp"

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::stats {

/// One strategy's resolved entry with the market, venue, account, benchmark and walk-forward it ran
/// under.
struct Trial {
  std::string key;           ///< from trial_key(); unique
  std::string strategy;      ///< its name, for people
  std::vector<Nanos> times;  ///< ends of the out-of-sample periods; strictly increasing
  std::vector<double> net;   ///< simple returns after costs
  std::vector<double>
      excess;  ///< net less the volatility-matched benchmark's (or cash): what the verdict judges
  double periods_per_year = 252;
};

/// What makes a trial; the report's settings are no part of it.
struct TrialInputs {
  std::string study;
  Json resolved;  ///< {"strategy", "market", "venue", "account", "benchmark", "walk_forward"}
  std::string data_hash;  ///< of the market data read; empty for generated markets
  std::string
      plugin_hash;  ///< of the plug-in file the strategy comes from; empty for the core's own
  std::uint64_t seed = 0;
};
/// SHA-256 in hex. Members of objects are sorted first, so that their order makes no trial.
[[nodiscard]] std::string trial_key(const TrialInputs& inputs);

/// All trials of a study.
struct TrialLedger {
  std::string study;
  std::vector<Trial> trials;  ///< sorted by key
  [[nodiscard]] std::size_t size() const { return trials.size(); }
  [[nodiscard]] const Trial* find(std::string_view key) const;
  /// Independent trials that these are worth: see effective_trials(). 0 when empty.
  [[nodiscard]] double effective() const;
  /// Indices of the trials with equal out-of-sample times, group by group, in order of their first
  /// member.
  [[nodiscard]] std::vector<std::vector<std::size_t>> groups() const;
  /// SHA-256 in hex over all trials.
  [[nodiscard]] std::string hash() const;
};

/// `.walras/STUDY.h5` beside the scenario; characters that a file name cannot hold are escaped.
[[nodiscard]] std::filesystem::path ledger_path(const std::filesystem::path& scenario,
                                                std::string_view study);
/// The ledger; empty when the file is not there. Throws Error{Data} when it is damaged or of
/// another study, Error{Io}.
[[nodiscard]] TrialLedger read_ledger(const std::filesystem::path& file, std::string_view study);

/// What adding trials did.
struct Recorded {
  TrialLedger ledger;  ///< with the new trials
  std::size_t added = 0;
  std::size_t repeated = 0;  ///< keys already there, with the same returns
  std::size_t replaced =
      0;  ///< keys already there, with other returns (another version of Walras): the new ones hold
};
/// Adds trials under a lock (FILE.lock) and replaces the file atomically; nothing is written when
/// nothing is new. Throws Error{Numeric} for a trial that is not finite or not in order, else as
/// read_ledger().
Recorded record_trials(const std::filesystem::path& file, std::string_view study,
                       std::span<const Trial> trials);
/// The same in memory, for `walras stats` and tests.
Recorded merge_trials(TrialLedger ledger, std::span<const Trial> trials);

}  // namespace walras::stats
