#pragma once
// The walk-forward itself: every strategy is fitted on each fold's training span and then trades the test span it has never
// seen, in simulations of its own. Units of work run in parallel; results do not depend on how many threads there are.
#include "scenarios/setup.hpp"

#include <string>
#include <vector>

namespace walras::scenarios {

/// One strategy on one fold.
struct FoldResult {
  std::vector<engine::RunRecord> in_sample;        ///< the fitted strategy on its own training span; one a seed
  std::vector<engine::RunRecord> out_of_sample;    ///< on the test span; one a seed
  Json chosen;                                     ///< parameters that fit picked and what fit() found; null: nothing to fit
  std::size_t candidates = 1;                      ///< tried inside the training span
};

struct StrategyResult {
  StrategyEntry entry;
  Json resolved;                                   ///< the entry with every default
  std::vector<FoldResult> folds;
};

/// Runs the whole study. Finished units are kept in `checkpoints` (a folder; empty: none) and, with options.resume, taken from
/// there. Throws Error{Interrupted} when options.interrupted is set.
std::vector<StrategyResult> walk_forward(const Setup& setup, const RunOptions& options,
                                         const std::filesystem::path& checkpoints);
/// The same for what is only judged, as the worlds without alpha are: the fitted strategy plays its training span where
/// there is a grid to choose from or a benchmark to match, and not for the record. Keeps nothing, reports no progress.
std::vector<StrategyResult> walk_forward_judged(const Setup& setup, const RunOptions& options);

/// Each simulation that the strategy did not trade to its end, and why: "fold 1, in sample: cut off at ...".
std::vector<std::string> cut_offs(const StrategyResult& result);

/// A strategy as its first grid point describes it. Throws Error{Scenario} with its place.
std::unique_ptr<strategies::Strategy> build_strategy(const Setup& setup, std::size_t strategy, const Fold& fold);

/// Period returns of a record: the first period starts from capital. `shift` is added to the times.
stats::ReturnSeries net_returns(const engine::RunRecord& record, double periods_per_year, Nanos shift = {});
/// The same before costs.
stats::ReturnSeries gross_returns(const engine::RunRecord& record, double periods_per_year, Nanos shift = {});

}  // namespace walras::scenarios
