#pragma once
// Internal to stats/verdict*.cpp: the figures of one contender, everything but the judgement.
#include "stats/multiple_testing.hpp"
#include "stats/sharpe.hpp"
#include "stats/verdict.hpp"

#include <optional>
#include <span>

namespace walras::stats {

/// Standard deviation (n - 1); 0 where rounding is all that varies.
[[nodiscard]] double deviation_of(std::span<const double> x);

/// A group of trials with the same dates, tested together.
struct GroupTest {
  std::vector<std::size_t> members;  // indices of the ledger's trials
  StepDown tests;
  double mean_block = 1;
  std::size_t replicates = 0;
};

/// Figures of one contender: everything but the judgement.
struct Figures {
  const Trial* trial = nullptr;
  const GroupTest* group = nullptr;
  std::size_t place = 0;  // in the group
  double adjusted = 1;    // times the number of groups
  std::optional<SharpeFacts> excess;
  std::optional<Bounds> interval;  // of the mean excess return
};

/// Two-sided p-values of all trials' ratios over their benchmarks, as haircuts take them.
[[nodiscard]] std::vector<double> ratio_p_values(const TrialLedger& ledger);
/// Variance over all trials of their Sharpe ratios, in periods of which a year has so many; 0 with fewer than two.
[[nodiscard]] double sharpe_variance(const TrialLedger& ledger, double risk_free, double periods_per_year);

void fill_returns(StrategyVerdict& verdict, const Figures& f, const VerdictOptions& options);
void fill_adjusted(StrategyVerdict& verdict, const Figures& f, std::size_t groups, double hochberg, std::size_t trials);
void fill_sharpe(StrategyVerdict& verdict, const Figures& f, double variance, double effective, std::size_t trials,
                 const VerdictOptions& options);
/// `index`: the trial's place in the ledger, of whose trials `ratio_p` are.
void fill_haircut(StrategyVerdict& verdict, const Figures& f, std::span<const double> ratio_p, std::size_t index,
                  double effective, const VerdictOptions& options);

}  // namespace walras::stats
