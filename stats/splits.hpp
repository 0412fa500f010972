#pragma once
// Walk-forward splits over periods 0 .. n-1 in time order, and the audit that proves that no fold trains on what it is
// judged on. Knows no dates and no data: the caller maps periods to times.
#include "stats/evidence.hpp"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace walras::stats {

/// Periods [begin, end).
struct Range {
  std::size_t begin = 0, end = 0;
  [[nodiscard]] std::size_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

struct Split { Range train, test; };

struct WalkForward {
  bool anchored = false;   ///< the training span grows from period 0 instead of moving along
  std::size_t train = 0;   ///< periods in the (first) training span; >= 1
  std::size_t test = 0;    ///< periods in each test span; >= 1
  std::size_t gap = 0;     ///< periods left out between training and test
  std::size_t folds = 0;   ///< 0: as many as fit; the last test span is shortened to the data, but not below half of `test`
};

/// The folds; test spans follow each other without overlap. Throws Error{Scenario} naming `where` when the periods
/// do not hold the folds asked for, with the number that they hold.
[[nodiscard]] std::vector<Split> walk_forward_splits(std::size_t periods, const WalkForward& plan, const std::string& where);

/// One fold as the audit sees it: what it learnt from and what it was judged on, as intervals of time or as sets of
/// seeds. Intervals are half-open and may be of any unit.
struct AuditedFold {
  long long train_begin = 0, train_end = 0, test_begin = 0, test_end = 0;
  std::vector<unsigned long long> train_seeds, test_seeds;
};

/// What the audit found. Clean when `problems` is empty.
struct LeakAudit {
  std::size_t folds = 0;
  std::vector<std::string> problems;   ///< "fold 3: training ends at ..., after its test begins at ..."
  std::string method;                  ///< what was checked, in words
  [[nodiscard]] bool clean() const { return problems.empty(); }
};

/// Proves for every fold that training ends before its test begins and, where there are seeds, that no test seed was
/// trained on in that fold, and over all folds that no test interval or test seed is used twice. Empty folds are problems.
[[nodiscard]] LeakAudit audit_leaks(std::span<const AuditedFold> folds, bool generated);

}  // namespace walras::stats
