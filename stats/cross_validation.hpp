#pragma once
// Cross-validation for observations whose labels take time: index sets that share no moment between training and test,
// as plain lists that can be read, counted and audited. Walk-forward splits are in splits.hpp.
#include "stats/splits.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace walras::stats {

/// The time that an observation's label depends on, both ends included: from the decision to the outcome. Any unit.
struct LabelSpan {
  std::int64_t begin = 0, end = 0;
};
/// Labels of n observations one period apart, each known `horizon` periods later.
[[nodiscard]] std::vector<LabelSpan> label_horizon(std::size_t n, std::size_t horizon);

/// One split. Indices rise; `tests` has one set for each test fold, in order of time.
struct IndexSplit {
  std::vector<std::size_t> train;
  std::vector<std::vector<std::size_t>> tests;
};

struct PurgePlan {
  std::size_t folds = 5;        ///< consecutive blocks of equal size, the rest in the last; >= 2
  std::size_t test_folds = 1;   ///< of them tested at a time; 1 .. folds - 1. 1: purged k-fold
  std::int64_t embargo = 0;     ///< left out of training after each test block, counted from its labels' last end; >= 0
};
/// Every choice of `test_folds` test folds, in lexicographic order. Training observations whose label spans overlap one
/// tested are purged, those that begin within the embargo after a test block are left out.
/// Shape: labels in order of begin. Throws Error{Data} for labels that end before they begin or are out of order, and
/// Error{Scenario} naming `where` for a plan out of range or one that leaves a training set empty.
/// Source: LopezDePrado2018, chapters 7 and 12.
[[nodiscard]] std::vector<IndexSplit> purged_splits(std::span<const LabelSpan> labels, const PurgePlan& plan,
                                                    const std::string& where);

/// Which path the test fold number `test` of a split belongs to: every path tests each fold once.
/// Shape: splits x test_folds, values below combinatorial_paths().
[[nodiscard]] std::vector<std::vector<std::size_t>> path_of_tests(std::size_t folds, std::size_t test_folds);
/// test_folds / folds x (folds choose test_folds).
[[nodiscard]] std::size_t combinatorial_paths(std::size_t folds, std::size_t test_folds);

/// The periods cut into blocks, each with a training part, a gap and a test part of its own: no block sees another.
/// Throws Error{Scenario} where a block cannot hold one training and one test period.
struct BlockedPlan {
  std::size_t blocks = 5;
  double train_share = 0.7;  ///< of a block without its gap; in (0, 1)
  std::size_t gap = 0;
};
[[nodiscard]] std::vector<Split> blocked_splits(std::size_t periods, const BlockedPlan& plan, const std::string& where);

/// For choosing and judging on one record: each outer split with the inner splits of its training set.
struct NestedSplit {
  IndexSplit outer;
  std::vector<IndexSplit> inner;  ///< indices of the whole record
};
[[nodiscard]] std::vector<NestedSplit> nested_splits(std::span<const LabelSpan> labels, const PurgePlan& outer,
                                                     const PurgePlan& inner, const std::string& where);

/// Walk-forward plans that differ in how often they retrain and are judged on the same periods: for each length in
/// `every` the folds of `plan` with test spans of that length, the last one shortened to the end.
/// Throws Error{Scenario} as walk_forward_splits() does.
[[nodiscard]] std::vector<std::vector<Split>> retraining_splits(std::size_t periods, const WalkForward& plan,
                                                                std::span<const std::size_t> every, const std::string& where);

/// A walk-forward split as index sets.
[[nodiscard]] IndexSplit indices(const Split& split);

/// Proves for every split that no training label span overlaps a tested one or begins within the embargo after a test
/// block, that no observation is in two sets, and that no set is empty. At most 20 problems are spelt out.
[[nodiscard]] LeakAudit audit_labels(std::span<const LabelSpan> labels, std::span<const IndexSplit> splits,
                                     std::int64_t embargo = 0);

/// What choosing the best column by its training Sharpe ratio would have earned on every path of the plan.
struct SelectionPaths {
  std::size_t splits = 0;
  std::vector<std::vector<double>> returns;  ///< paths x n: of what was chosen, period by period
  std::vector<std::size_t> chosen;           ///< one column a split
  LeakAudit audit;
};
/// Shape: columns of equal length, one label a row. Throws as purged_splits() does, and Error{Data} where lengths differ.
[[nodiscard]] SelectionPaths select_on_paths(std::span<const std::span<const double>> columns,
                                             std::span<const LabelSpan> labels, const PurgePlan& plan, const std::string& where);

}  // namespace walras::stats
