#include "stats/splits.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace walras::stats {

std::vector<Split> walk_forward_splits(std::size_t periods, const WalkForward& plan, const std::string& where) {
  if (plan.train < 1 || plan.test < 1) {
    fail(Fault::Scenario, where, "expected training and test spans of at least one period, was zero");
  }
  // Spans beyond the data hold no fold, however large: no sum of them may wrap around.
  const bool within = plan.train <= periods && plan.gap <= periods && plan.test / 2 <= periods;
  std::vector<Split> splits;
  // The shortest test span worth a fold of its own: a rest below half a span says little and is left out.
  const std::size_t least = plan.test - plan.test / 2;
  for (std::size_t k = 0; within && (plan.folds == 0 || k < plan.folds); ++k) {
    const std::size_t train_end = plan.train + k * plan.test;
    const std::size_t test_begin = train_end + plan.gap;
    if (test_begin + least > periods) break;
    const std::size_t test_end = test_begin + std::min(plan.test, periods - test_begin);
    splits.push_back({{plan.anchored ? 0 : train_end - plan.train, train_end}, {test_begin, test_end}});
  }
  if (splits.empty() || (plan.folds != 0 && splits.size() < plan.folds)) {
    fail(Fault::Scenario, where,
         fmt::format("expected data for {} fold(s) of {} training, {} gap and {} test periods, was {} periods, which hold {}; "
                     "shorten the spans or use more data",
                     std::max<std::size_t>(plan.folds, 1), plan.train, plan.gap, plan.test, periods, splits.size()));
  }
  return splits;
}

LeakAudit audit_leaks(std::span<const AuditedFold> folds, bool generated) {
  LeakAudit audit;
  audit.folds = folds.size();
  audit.method = generated ? "no test seed is trained on in its fold or tested twice"
                           : "every training span ends before its test span begins; no test span overlaps another";
  std::set<unsigned long long> tested;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    const AuditedFold& fold = folds[i];
    auto problem = [&](const std::string& text) { audit.problems.push_back(fmt::format("fold {}: {}", i + 1, text)); };
    if (generated) {
      if (fold.test_seeds.empty()) problem("no test seed");
      const std::set<unsigned long long> trained(fold.train_seeds.begin(), fold.train_seeds.end());
      for (const unsigned long long seed : fold.test_seeds) {
        if (trained.contains(seed)) problem(fmt::format("seed {} is trained on and tested", seed));
        if (!tested.insert(seed).second) problem(fmt::format("seed {} is tested twice", seed));
      }
      continue;
    }
    if (fold.train_begin >= fold.train_end) problem("empty training span");
    if (fold.test_begin >= fold.test_end) problem("empty test span");
    if (fold.train_end > fold.test_begin) {
      problem(fmt::format("training ends at {}, after its test begins at {}", fold.train_end, fold.test_begin));
    }
    for (std::size_t j = 0; j < i; ++j) {
      if (fold.test_begin < folds[j].test_end && folds[j].test_begin < fold.test_end) {
        problem(fmt::format("test span overlaps that of fold {}", j + 1));
      }
    }
  }
  if (folds.empty()) audit.problems.emplace_back("no folds");
  return audit;
}

}  // namespace walras::stats
