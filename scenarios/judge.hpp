#pragma once
// From the walk-forward's records to evidence: out-of-sample returns are joined, compared with the benchmark, entered into the
// study's ledger of trials and judged among them.
#include "reports/report.hpp"
#include "scenarios/null_worlds.hpp"
#include "scenarios/study.hpp"
#include "stats/overfitting.hpp"
#include "stats/superior.hpp"
#include "stats/tear_sheet.hpp"
#include "stats/trials.hpp"
#include "stats/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walras::scenarios {

/// Figures of one fold, for the walk-forward table.
struct FoldFigures {
  std::optional<double> in_sample_sharpe, out_of_sample_sharpe;   ///< 1/sqrt(year)
  std::optional<double> in_sample_return, out_of_sample_return;   ///< total, net
};

struct StrategyEvidence {
  std::string trial_key;
  stats::ReturnSeries net, gross;               ///< out of sample, test spans joined
  double years = 0;                             ///< calendar years inside the test spans
  std::vector<double> benchmark;                ///< aligned with net; empty: cash
  std::vector<double> excess;                   ///< net less the volatility-matched benchmark: what is judged
  stats::ReturnSeries in_sample_net, in_sample_gross;  ///< of the first fold's training span
  std::vector<stats::Evidence> in_sample;       ///< means over folds
  std::vector<stats::Evidence> out_of_sample;   ///< with intervals and ranges
  std::vector<FoldFigures> folds;
  std::optional<reports::Cone> cone;            ///< of resampled growth; absent for very long records
};

struct Judged {
  std::vector<StrategyEvidence> strategies;
  stats::TrialLedger ledger;
  stats::Verdict verdict;
  std::vector<stats::Evidence> study;           ///< of the study as a whole: the tests that the scenario asks for
  std::optional<stats::Overfitting> overfitting;  ///< what its figure rests on; absent where it could not be computed
  std::optional<NullWorlds> null_worlds;        ///< absent where none were asked for
};

/// Measures, records the trials in `ledger_file` and judges.
Judged judge_study(const Setup& setup, const std::vector<StrategyResult>& results, const std::filesystem::path& ledger_file,
                   std::optional<NullWorlds> null_worlds);

/// Out-of-sample returns net of costs over the volatility-matched benchmark, test spans joined: what is judged.
std::vector<double> judged_excess(const Setup& setup, const StrategyResult& result);

/// Gates of the run: the verdict (for `validate`) and each fail-if expression, over every strategy's evidence.
std::vector<stats::GateResult> evaluate_gates(const Judged& judged, const std::vector<StrategyResult>& results, const RunOptions& options);

}  // namespace walras::scenarios
