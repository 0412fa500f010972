#pragma once
// The verdict: is what a strategy earned out of sample, over its benchmark, more than the luck of
// all that was tried? And the gates: comparisons of named figures with numbers.
#include "stats/evidence.hpp"
#include "stats/splits.hpp"
#include "stats/trials.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::stats {

/// Weight of the benchmark that matches the strategy's volatility on the training span:
/// sd(strategy) / sd(benchmark). 1 when only the strategy does not vary: there is nothing to match,
/// and the benchmark stays what is to be beaten. 0 when the benchmark does not vary: cash is judged
/// against.
[[nodiscard]] double volatility_weight(std::span<const double> train_strategy,
                                       std::span<const double> train_benchmark);
/// What the verdict judges: (net - rf) - weight (benchmark - rf), rf a period. An empty benchmark
/// is cash: net - rf. Shape: n, n or none. Throws Error{Numeric} on unequal lengths.
[[nodiscard]] std::vector<double> excess_over_benchmark(std::span<const double> net,
                                                        std::span<const double> benchmark,
                                                        double weight, double risk_free);

enum class Judgement : std::uint8_t { Skill, NotShown, Invalid };
/// "skill", "not shown", "invalid".
[[nodiscard]] std::string_view text(Judgement judgement);

/// One strategy before the court; its returns are the trial's.
struct Contender {
  std::string name;
  std::string trial_key;  ///< a trial of the ledger
  LeakAudit audit;
  std::vector<std::string> faults;  ///< anything else that makes its record worthless, in words
};

struct VerdictOptions {
  double significance = 0.05;
  double risk_free = 0;             ///< a year; for PSR and DSR, which judge net returns over cash
  std::size_t replicates = 10'000;  ///< raised when the number of groups of trials asks for more
  double mean_block = 0;            ///< 0: automatic, the largest of the group's
  std::uint64_t seed = 0;
  std::string matched_on = "the training span";  ///< where the benchmark's weight was found, for people
};

struct StrategyVerdict {
  std::string name;
  Judgement judgement = Judgement::NotShown;
  std::string words;       ///< the reason, with what it would take or what is wrong
  std::size_t n = 0;       ///< periods out of sample
  Evidence excess_return;  ///< yearly mean over the benchmark: interval, one-sided unadjusted p
  Evidence
      romano_wolf;  ///< adjusted p times the number of groups, as estimate: the one that decides
  Evidence benjamini_hochberg;  ///< among all the study's trials
  Evidence probabilistic_sharpe, deflated_sharpe, minimum_track_record;
  Evidence haircut_sharpe;    ///< annual ratio over the benchmark that is left among all the study's trials
  Evidence minimum_backtest;  ///< years below which the best of so many worthless trials is expected to do as well
  Evidence profit_hurdle;     ///< yearly excess return that would be significant among them
  /// Probability of the deflated ratio had there been so many independent trials; empty where their ratios do not vary.
  struct Deflated {
    double trials, probability;
  };
  std::vector<Deflated> deflated_by_trials;
  /// All of the above: for tables, summary.json and the gates.
  [[nodiscard]] std::vector<Evidence> evidence() const;
};
struct Verdict {
  std::string text;                         ///< the whole run's, in one or two sentences
  std::vector<StrategyVerdict> strategies;  ///< in the order of the contenders
  std::size_t trials = 0, groups = 0;
  double effective_trials = 0;
  std::vector<double> trial_p_values;       ///< one-sided and unadjusted, in the ledger's order
  [[nodiscard]] bool all_skill() const;
};
/// Throws Error{Internal} when a contender is not in the ledger.
[[nodiscard]] Verdict judge(std::span<const Contender> contenders, const TrialLedger& ledger,
                            const VerdictOptions& options = {});

/// A condition under which a run has failed: "deflated_sharpe < 0.95", "sharpe.low < 0".
struct Gate {
  enum class Part : std::uint8_t { Estimate, Low, High, PValue };
  enum class Comparison : std::uint8_t { Less, LessEqual, Greater, GreaterEqual, Equal, NotEqual };
  std::string expression;
  std::string metric;
  Part part = Part::Estimate;
  Comparison comparison = Comparison::Less;
  double threshold = 0;
};
/// Reads NAME[.low|.high|.p_value] < | <= | > | >= | == | != NUMBER. Throws Error{Usage} saying
/// what is wrong where.
[[nodiscard]] Gate parse_gate(std::string_view expression);
struct GateResult {
  std::string expression;
  bool failed = false;  ///< the condition holds, or the figure could not be computed
  std::string found;    ///< "sharpe = 0.81", or the reason why there is none
};
/// Throws Error{Usage} listing the names nearest to it when there is no such metric, or it has no
/// such part at all.
[[nodiscard]] GateResult evaluate(const Gate& gate, std::span<const Evidence> evidence);

}  // namespace walras::stats
