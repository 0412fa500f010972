#pragma once
// The whole study, search included, on markets without alpha: how often does luck alone do as well? Each world is run and
// judged as the real one was, and leaves one number a strategy. Worlds run in parallel; results do not depend on how many
// threads there are, and finished worlds survive an interruption.
#include "scenarios/study.hpp"

#include <string>
#include <vector>

namespace walras::scenarios {

struct NullWorlds {
  std::string kind;
  std::size_t worlds = 0;
  std::vector<double> statistics;   ///< of the real study, one a strategy: t of the mean excess over the benchmark
  std::vector<double> p_values;     ///< one a strategy: (1 + #{best of a world >= its own}) / (worlds + 1)
  std::vector<double> best;         ///< of each world: the largest t among its strategies
  double best_statistic = 0;        ///< of the real study
  double p_value = 1;               ///< of the best strategy
};

/// Runs scenario.evidence.null_worlds. `excess`: the real study's judged returns, one series a strategy. Finished worlds are
/// kept in `checkpoints` (empty: none). Throws Error{Interrupted}; Error{Scenario} where such worlds cannot be made.
NullWorlds run_null_worlds(const Setup& setup, const RunOptions& options, const std::vector<std::vector<double>>& excess,
                           const std::filesystem::path& checkpoints);

}  // namespace walras::scenarios
