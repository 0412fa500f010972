#include "stats/cross_validation.hpp"

#include "engine/base/error.hpp"
#include "stats/pairs.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace walras::stats {
namespace {

constexpr std::size_t kMostSplits = 200'000;
constexpr std::size_t kSpeltOut = 20;

void check(std::span<const LabelSpan> labels) {
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i].end < labels[i].begin) {
      fail(Fault::Data, "labels", fmt::format("expected a label that ends after it begins in row {}, was {} to {}", i + 1,
                                              labels[i].begin, labels[i].end));
    }
    if (i > 0 && labels[i].begin < labels[i - 1].begin) {
      fail(Fault::Data, "labels", fmt::format("expected labels in order of time, was {} after {} in row {}; sort the rows",
                                              labels[i].begin, labels[i - 1].begin, i + 1));
    }
  }
}

std::size_t choose(std::size_t n, std::size_t k) {
  double count = 1;
  for (std::size_t i = 1; i <= k; ++i) count = count * static_cast<double>(n - k + i) / static_cast<double>(i);
  return count > 1e15 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(std::llround(count));
}

void check(const PurgePlan& plan, std::size_t n, const std::string& where) {
  if (plan.folds < 2 || plan.test_folds < 1 || plan.test_folds >= plan.folds || plan.embargo < 0) {
    fail(Fault::Scenario, where, fmt::format("expected at least 2 folds, 1 to folds - 1 of them tested at a time and an embargo of at least 0, "
                                             "was {} folds, {} tested, embargo {}", plan.folds, plan.test_folds, plan.embargo));
  }
  if (n < plan.folds) {
    fail(Fault::Scenario, where, fmt::format("expected at least one observation a fold, was {} for {} folds", n, plan.folds));
  }
  if (choose(plan.folds, plan.test_folds) > kMostSplits) {
    fail(Fault::Scenario, where, fmt::format("expected at most {} splits, was {} folds choose {}", kMostSplits, plan.folds, plan.test_folds));
  }
}

/// Next choice of positions in lexicographic order; false after the last.
bool advance(std::vector<std::size_t>& chosen, std::size_t n) {
  const std::size_t k = chosen.size();
  for (std::size_t i = k; i-- > 0;) {
    if (chosen[i] == n - k + i) continue;
    ++chosen[i];
    for (std::size_t j = i + 1; j < k; ++j) chosen[j] = chosen[j - 1] + 1;
    return true;
  }
  return false;
}

std::vector<std::size_t> first_choice(std::size_t k) {
  std::vector<std::size_t> chosen(k);
  std::iota(chosen.begin(), chosen.end(), std::size_t{0});
  return chosen;
}

/// Closed spans of time that training must keep out of.
struct Forbidden {
  std::int64_t begin, end;
};

/// What a run of tested observations forbids: from its first label's begin to its last end and the embargo. Neighbouring
/// observations forbid the time between them only where their labels meet it, so runs are joined span by span.
std::vector<Forbidden> forbidden(std::span<const LabelSpan> labels, const std::vector<std::vector<std::size_t>>& tests, std::int64_t embargo) {
  std::vector<Forbidden> spans;
  for (const auto& test : tests) {
    std::int64_t last = std::numeric_limits<std::int64_t>::min();
    for (const std::size_t i : test) {
      last = std::max(last, labels[i].end);
      if (!spans.empty() && labels[i].begin <= spans.back().end) spans.back().end = std::max(spans.back().end, labels[i].end);
      else spans.push_back({labels[i].begin, labels[i].end});
    }
    if (embargo > 0 && !test.empty()) {
      const std::int64_t until = last > std::numeric_limits<std::int64_t>::max() - embargo ? std::numeric_limits<std::int64_t>::max() : last + embargo;
      spans.push_back({last, until});
    }
  }
  std::sort(spans.begin(), spans.end(), [](const Forbidden& a, const Forbidden& b) { return a.begin < b.begin; });
  std::vector<Forbidden> merged;
  for (const Forbidden& span : spans) {
    if (!merged.empty() && span.begin <= merged.back().end) merged.back().end = std::max(merged.back().end, span.end);
    else merged.push_back(span);
  }
  return merged;
}

/// The first forbidden span that a label meets; null where none.
const Forbidden* met(const std::vector<Forbidden>& spans, const LabelSpan& label) {
  const auto after = std::upper_bound(spans.begin(), spans.end(), label.end, [](std::int64_t end, const Forbidden& span) { return end < span.begin; });
  if (after == spans.begin()) return nullptr;
  const Forbidden& last = *(after - 1);  // begins at or before the label's end
  return last.end >= label.begin ? &last : nullptr;
}

/// The splits of the observations numbered `among`.
std::vector<IndexSplit> split_among(std::span<const LabelSpan> labels, const std::vector<std::size_t>& among, const PurgePlan& plan,
                                    const std::string& where) {
  check(plan, among.size(), where);
  const std::size_t size = among.size() / plan.folds;
  const auto fold = [&](std::size_t k) {
    const auto begin = among.begin() + static_cast<std::ptrdiff_t>(k * size);
    return std::vector<std::size_t>(begin, k + 1 == plan.folds ? among.end() : begin + static_cast<std::ptrdiff_t>(size));
  };
  std::vector<IndexSplit> splits;
  std::vector<std::size_t> chosen = first_choice(plan.test_folds);
  do {
    IndexSplit split;
    for (const std::size_t k : chosen) split.tests.push_back(fold(k));
    const std::vector<Forbidden> closed = forbidden(labels, split.tests, plan.embargo);
    for (std::size_t k = 0; k < plan.folds; ++k) {
      if (std::binary_search(chosen.begin(), chosen.end(), k)) continue;
      for (const std::size_t i : fold(k)) {
        if (met(closed, labels[i]) == nullptr) split.train.push_back(i);
      }
    }
    if (split.train.empty()) {
      fail(Fault::Scenario, where, fmt::format("expected training observations in every split, was none left in split {} after purging and embargo; "
                                               "use fewer folds, shorter labels or more data", splits.size() + 1));
    }
    splits.push_back(std::move(split));
  } while (advance(chosen, plan.folds));
  return splits;
}

double training_sharpe(std::span<const double> column, const std::vector<std::size_t>& rows) {
  double mean = 0, square = 0;
  if (std::all_of(rows.begin(), rows.end(), [&](std::size_t i) { return column[i] == column[rows.front()]; })) {
    return -std::numeric_limits<double>::infinity();
  }
  for (const std::size_t i : rows) mean += column[i] / static_cast<double>(rows.size());
  for (const std::size_t i : rows) square += (column[i] - mean) * (column[i] - mean);
  return square > 0 ? mean / std::sqrt(square) : -std::numeric_limits<double>::infinity();
}

}  // namespace

std::vector<LabelSpan> label_horizon(std::size_t n, std::size_t horizon) {
  std::vector<LabelSpan> labels(n);
  for (std::size_t i = 0; i < n; ++i) labels[i] = {static_cast<std::int64_t>(i), static_cast<std::int64_t>(i + horizon)};
  return labels;
}

std::vector<IndexSplit> purged_splits(std::span<const LabelSpan> labels, const PurgePlan& plan, const std::string& where) {
  check(labels);
  std::vector<std::size_t> all(labels.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return split_among(labels, all, plan, where);
}

std::size_t combinatorial_paths(std::size_t folds, std::size_t test_folds) {
  expects(test_folds >= 1 && test_folds < folds, "1 to folds - 1 test folds");
  return choose(folds - 1, test_folds - 1);
}

std::vector<std::vector<std::size_t>> path_of_tests(std::size_t folds, std::size_t test_folds) {
  expects(test_folds >= 1 && test_folds < folds, "1 to folds - 1 test folds");
  std::vector<std::vector<std::size_t>> paths;
  std::vector<std::size_t> seen(folds, 0);  // how often each fold has been tested so far
  std::vector<std::size_t> chosen = first_choice(test_folds);
  do {
    paths.emplace_back();
    for (const std::size_t fold : chosen) paths.back().push_back(seen[fold]++);
  } while (advance(chosen, folds));
  return paths;
}

std::vector<Split> blocked_splits(std::size_t periods, const BlockedPlan& plan, const std::string& where) {
  if (plan.blocks < 1 || !(plan.train_share > 0 && plan.train_share < 1)) {
    fail(Fault::Scenario, where, fmt::format("expected at least 1 block and a training share between 0 and 1, was {} and {}", plan.blocks, plan.train_share));
  }
  const std::size_t size = periods / plan.blocks;
  if (size < 2 || size - 2 < plan.gap) {
    fail(Fault::Scenario, where, fmt::format("expected blocks of at least 2 periods beside a gap of {}, was {} periods in {} blocks", plan.gap, periods, plan.blocks));
  }
  std::vector<Split> splits;
  for (std::size_t k = 0; k < plan.blocks; ++k) {
    const std::size_t begin = k * size, end = k + 1 == plan.blocks ? periods : begin + size;
    const std::size_t usable = end - begin - plan.gap;
    const auto wanted = static_cast<std::size_t>(plan.train_share * static_cast<double>(usable));
    const std::size_t train = std::clamp<std::size_t>(wanted, 1, usable - 1);
    splits.push_back({{begin, begin + train}, {begin + train + plan.gap, end}});
  }
  return splits;
}

std::vector<NestedSplit> nested_splits(std::span<const LabelSpan> labels, const PurgePlan& outer, const PurgePlan& inner, const std::string& where) {
  std::vector<NestedSplit> nested;
  for (IndexSplit& split : purged_splits(labels, outer, where)) {
    nested.push_back({split, split_among(labels, split.train, inner, where + "/inner")});
  }
  return nested;
}

std::vector<std::vector<Split>> retraining_splits(std::size_t periods, const WalkForward& plan, std::span<const std::size_t> every,
                                                  const std::string& where) {
  std::vector<std::vector<Split>> lists;
  for (const std::size_t length : every) {
    if (plan.train < 1 || length < 1 || plan.train >= periods || plan.gap >= periods - plan.train) {
      fail(Fault::Scenario, where, fmt::format("expected a retraining period of at least 1 and data beyond {} training and {} gap periods, was {} and {} periods",
                                               plan.train, plan.gap, length, periods));
    }
    std::vector<Split> splits;
    for (std::size_t test = plan.train + plan.gap; test < periods; test += length) {
      const std::size_t train_end = test - plan.gap;
      splits.push_back({{plan.anchored ? 0 : train_end - plan.train, train_end}, {test, std::min(test + length, periods)}});
    }
    lists.push_back(std::move(splits));
  }
  return lists;
}

IndexSplit indices(const Split& split) {
  IndexSplit sets{std::vector<std::size_t>(split.train.size()), {std::vector<std::size_t>(split.test.size())}};
  std::iota(sets.train.begin(), sets.train.end(), split.train.begin);
  std::iota(sets.tests[0].begin(), sets.tests[0].end(), split.test.begin);
  return sets;
}

LeakAudit audit_labels(std::span<const LabelSpan> labels, std::span<const IndexSplit> splits, std::int64_t embargo) {
  check(labels);
  LeakAudit audit;
  audit.folds = splits.size();
  audit.method = embargo > 0 ? fmt::format("no training label overlaps a tested one or begins within {} after a test block", embargo)
                             : "no training label overlaps a tested one";
  std::size_t more = 0;
  const auto problem = [&](std::size_t split, const std::string& text) {
    if (audit.problems.size() < kSpeltOut) audit.problems.push_back(fmt::format("split {}: {}", split + 1, text));
    else ++more;
  };
  for (std::size_t s = 0; s < splits.size(); ++s) {
    if (splits[s].train.empty()) problem(s, "empty training set");
    if (splits[s].tests.empty()) problem(s, "no test set");
    std::vector<char> use(labels.size(), 0);
    const auto take = [&](std::size_t i, const char* which) {
      if (i >= labels.size()) {
        problem(s, fmt::format("{} observation {} of {}", which, i, labels.size()));
        return false;
      }
      if (use[i]++ != 0) problem(s, fmt::format("observation {} is used twice", i));
      return true;
    };
    bool known = true;
    for (const auto& test : splits[s].tests) {
      if (test.empty()) problem(s, "empty test set");
      for (const std::size_t i : test) known = take(i, "test") && known;
    }
    if (!known) continue;
    const std::vector<Forbidden> closed = forbidden(labels, splits[s].tests, embargo);
    for (const std::size_t i : splits[s].train) {
      if (!take(i, "training")) continue;
      if (const Forbidden* span = met(closed, labels[i])) {
        problem(s, fmt::format("training label {} ({} to {}) meets tested or embargoed time {} to {}", i, labels[i].begin, labels[i].end, span->begin, span->end));
      }
    }
  }
  if (splits.empty()) audit.problems.emplace_back("no splits");
  if (more > 0) audit.problems.push_back(fmt::format("and {} more", more));
  return audit;
}

SelectionPaths select_on_paths(std::span<const std::span<const double>> columns, std::span<const LabelSpan> labels, const PurgePlan& plan,
                               const std::string& where) {
  if (columns.empty()) fail(Fault::Data, where, "expected at least one column of returns, was none");
  for (const auto& column : columns) {
    if (column.size() != labels.size()) {
      fail(Fault::Data, where, fmt::format("expected {} returns in every column, one a label, was {}", labels.size(), column.size()));
    }
    expect_finite(where, column);
  }
  const std::vector<IndexSplit> splits = purged_splits(labels, plan, where);
  const auto path_of = path_of_tests(plan.folds, plan.test_folds);
  SelectionPaths paths;
  paths.splits = splits.size();
  paths.returns.assign(combinatorial_paths(plan.folds, plan.test_folds), std::vector<double>(labels.size(), 0));
  for (std::size_t s = 0; s < splits.size(); ++s) {
    std::size_t best = 0;
    double score = -std::numeric_limits<double>::infinity();
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const double sharpe = training_sharpe(columns[c], splits[s].train);
      if (sharpe > score) best = c, score = sharpe;
    }
    paths.chosen.push_back(best);
    for (std::size_t t = 0; t < splits[s].tests.size(); ++t) {
      for (const std::size_t i : splits[s].tests[t]) paths.returns[path_of[s][t]][i] = columns[best][i];
    }
  }
  paths.audit = audit_labels(labels, splits, plan.embargo);
  return paths;
}

}  // namespace walras::stats
