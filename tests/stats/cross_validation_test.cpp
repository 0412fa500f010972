#include "stats/cross_validation.hpp"

#include "engine/base/error.hpp"
#include "engine/base/json.hpp"
#include "tests/stats/samples.hpp"
#include "tests/support/data.hpp"

#include <doctest/doctest.h>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

using namespace walras;
using namespace walras::stats;

namespace {

using Set = std::vector<std::size_t>;

Set range(std::size_t first, std::size_t last) {
  Set set(last - first + 1);
  std::iota(set.begin(), set.end(), first);
  return set;
}

/// Labels of random begins and lengths: some overlap many others, some nobody.
std::vector<LabelSpan> random_labels(std::size_t n, std::uint64_t index) {
  Rng random(17, "test labels", index);
  std::vector<LabelSpan> labels(n);
  std::int64_t at = -50;
  for (LabelSpan& label : labels) {
    at += static_cast<std::int64_t>(random.uniform() * 4);
    const auto length = static_cast<std::int64_t>(random.uniform() < 0.1 ? random.uniform() * 40 : random.uniform() * 5);
    label = {at, at + length};
  }
  return labels;
}

/// By definition, pair by pair: whether training on i leaks into the tests.
bool leaks(const std::vector<LabelSpan>& labels, const IndexSplit& split, std::size_t i, std::int64_t embargo) {
  for (const auto& test : split.tests) {
    std::int64_t last = labels[test[0]].end;
    for (const std::size_t j : test) {
      if (labels[i].begin <= labels[j].end && labels[j].begin <= labels[i].end) return true;
      last = std::max(last, labels[j].end);
    }
    if (embargo > 0 && labels[i].end >= last && labels[i].begin <= last + embargo) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("combinatorial splits of twelve observations in three folds are skfolio's") {
  // skfolio: tests/test_model_selection/test_combinatorial.py
  const auto labels = label_horizon(12, 0);
  const auto splits = purged_splits(labels, {.folds = 3, .test_folds = 2}, "");
  REQUIRE(splits.size() == 3);
  CHECK(splits[0].train == range(8, 11));
  CHECK(splits[0].tests == std::vector<Set>{range(0, 3), range(4, 7)});
  CHECK(splits[1].train == range(4, 7));
  CHECK(splits[1].tests == std::vector<Set>{range(0, 3), range(8, 11)});
  CHECK(splits[2].train == range(0, 3));
  CHECK(splits[2].tests == std::vector<Set>{range(4, 7), range(8, 11)});
  CHECK(combinatorial_paths(3, 2) == 2);
  CHECK(path_of_tests(3, 2) == std::vector<Set>{{0, 0}, {1, 0}, {1, 1}});
}

TEST_CASE("a purge of one observation and an embargo of one are skfolio's") {
  const auto purged = purged_splits(label_horizon(12, 1), {.folds = 3, .test_folds = 2}, "");
  CHECK(purged[0].train == range(9, 11));
  CHECK(purged[1].train == range(5, 6));
  CHECK(purged[2].train == range(0, 2));
  const auto embargoed = purged_splits(label_horizon(12, 0), {.folds = 3, .test_folds = 2, .embargo = 1}, "");
  CHECK(embargoed[0].train == range(9, 11));
  CHECK(embargoed[1].train == range(5, 7));
  CHECK(embargoed[2].train == range(0, 3));
}

TEST_CASE("splits and paths of many plans are skfolio's") {
  // tests/oracle/splits.py
  const Json expected = Json::read(tests::source_root() / "tests" / "data" / "splits_oracle.json");
  const auto set = [](const Json& json) {
    Set values;
    for (const Json& item : json.as_array()) values.push_back(static_cast<std::size_t>(item.as_integer()));
    return values;
  };
  const auto number = [](const Json& json, const char* key) { return static_cast<std::size_t>(json.at(key).as_integer()); };
  for (const Json& plan : expected.at("combinatorial").as_array()) {
    const auto labels = label_horizon(number(plan, "n"), number(plan, "purge"));
    const auto splits = purged_splits(labels, {.folds = number(plan, "folds"), .test_folds = number(plan, "tested"), .embargo = plan.at("embargo").as_integer()}, "");
    const Json::Array& theirs = plan.at("splits").as_array();
    REQUIRE(splits.size() == theirs.size());
    for (std::size_t s = 0; s < splits.size(); ++s) {
      CHECK(splits[s].train == set(theirs[s].at("train")));
      for (std::size_t t = 0; t < splits[s].tests.size(); ++t) CHECK(splits[s].tests[t] == set(theirs[s].at("tests").as_array()[t]));
      CHECK(path_of_tests(number(plan, "folds"), number(plan, "tested"))[s] == set(plan.at("paths").as_array()[s]));
    }
  }
  for (const Json& plan : expected.at("walk_forward").as_array()) {
    const auto splits = walk_forward_splits(
        number(plan, "n"), {.anchored = plan.at("anchored").as_bool(), .train = number(plan, "train"), .test = number(plan, "test"), .gap = number(plan, "gap")}, "");
    const Json::Array& theirs = plan.at("splits").as_array();
    REQUIRE(splits.size() >= theirs.size());  // ours ends with a shortened span where half of one is left
    for (std::size_t s = 0; s < theirs.size(); ++s) {
      CHECK(Set{splits[s].train.begin, splits[s].train.end, splits[s].test.begin, splits[s].test.end} == set(theirs[s]));
    }
  }
}

TEST_CASE("five folds, two tested: sizes 2 2 2 2 4, ten splits, four paths, each testing every fold once") {
  const auto splits = purged_splits(label_horizon(12, 0), {.folds = 5, .test_folds = 2}, "");
  REQUIRE(splits.size() == 10);
  CHECK(combinatorial_paths(5, 2) == 4);
  CHECK(splits[0].tests[0].size() == 2);
  CHECK(splits.back().tests[1].size() == 4);
  const auto paths = path_of_tests(5, 2);
  std::set<std::pair<std::size_t, std::size_t>> met;  // (path, first observation): peer error "the same path again"
  for (std::size_t s = 0; s < splits.size(); ++s) {
    for (std::size_t t = 0; t < 2; ++t) CHECK(met.emplace(paths[s][t], splits[s].tests[t][0]).second);
  }
  CHECK(met.size() == 20);
}

TEST_CASE("purging leaves no overlapping label spans over random interval sets, and removes no more than it must") {
  for (std::uint64_t round = 0; round < 60; ++round) {
    const auto labels = random_labels(60 + round, round);
    const std::int64_t embargo = static_cast<std::int64_t>(round % 4) * 3;
    const PurgePlan plan{.folds = 4 + round % 3, .test_folds = 1 + round % 2, .embargo = embargo};
    std::vector<IndexSplit> splits;
    try {
      splits = purged_splits(labels, plan, "");
    } catch (const Error&) {
      continue;  // one long label can empty a training set: refused
    }
    CHECK(audit_labels(labels, splits, embargo).clean());
    for (const IndexSplit& split : splits) {
      std::vector<char> role(labels.size(), 0);
      for (const auto& test : split.tests) {
        for (const std::size_t j : test) role[j] = 1;
      }
      for (const std::size_t i : split.train) role[i] = 2;
      for (std::size_t i = 0; i < labels.size(); ++i) {
        if (role[i] == 1) continue;
        CHECK((role[i] == 2) == !leaks(labels, split, i, embargo));
      }
    }
  }
}

TEST_CASE("the audit and a naive twin find the same planted leaks") {
  std::size_t found = 0;
  for (std::uint64_t round = 0; round < 200; ++round) {
    Rng random(23, "test leaks", round);
    const auto labels = random_labels(40, round);
    IndexSplit split{{}, {{}}};
    for (std::size_t i = 0; i < labels.size(); ++i) {  // random roles: most leak
      const double role = random.uniform();
      if (role < 0.1) split.tests[0].push_back(i);
      else if (role < 0.2) split.train.push_back(i);
    }
    if (split.train.empty() || split.tests[0].empty()) continue;
    const bool leaky = std::any_of(split.train.begin(), split.train.end(), [&](std::size_t i) { return leaks(labels, split, i, 2); });
    CHECK(audit_labels(labels, std::vector{split}, 2).clean() == !leaky);
    found += leaky;
  }
  CHECK(found > 20);
  CHECK(found < 180);
}

TEST_CASE("peer error: a label that reaches into the test span from before it is purged") {
  // mlfinlab #295: only the labels that begin inside the test span were looked at
  std::vector<LabelSpan> labels = label_horizon(20, 0);
  labels[2].end = 11;
  const auto splits = purged_splits(labels, {.folds = 2}, "");
  CHECK(std::find(splits[1].train.begin(), splits[1].train.end(), 2) == splits[1].train.end());
}

TEST_CASE("complaint: the embargo counts from the labels' end, beyond the purge") {
  const auto splits = purged_splits(label_horizon(30, 2), {.folds = 3, .embargo = 3}, "");
  // the middle test block 10 .. 19 has labels to 21: 20 and 21 are purged, 22 to 24 embargoed
  CHECK(splits[1].train == [] { Set set = range(0, 7); const Set rest = range(25, 29); set.insert(set.end(), rest.begin(), rest.end()); return set; }());
}

TEST_CASE("blocks train and test within themselves") {
  const auto splits = blocked_splits(43, {.blocks = 4, .train_share = 0.6, .gap = 1}, "");
  REQUIRE(splits.size() == 4);
  CHECK(splits[1].train == Range{10, 15});
  CHECK(splits[1].test == Range{16, 20});
  CHECK(splits[3].test.end == 43);
  CHECK_THROWS_AS((void)blocked_splits(10, {.blocks = 5, .gap = 1}, ""), Error);
  const auto huge = static_cast<std::size_t>(-1);  // a sum with it wraps around
  CHECK_THROWS_AS((void)blocked_splits(100, {.blocks = 5, .gap = huge}, ""), Error);
  const std::vector<std::size_t> every{5};
  CHECK_THROWS_AS((void)retraining_splits(100, {.train = huge, .test = 5, .gap = 2}, every, ""), Error);
  const std::vector<double> hole{0.1, std::nan(""), 0.1, 0.2};
  const std::vector<std::span<const double>> columns{hole};
  CHECK_THROWS_AS((void)select_on_paths(columns, label_horizon(4, 0), {2, 1}, ""), Error);
}

TEST_CASE("nested splits choose inside the outer training set only") {
  const auto labels = label_horizon(60, 2);
  const auto nested = nested_splits(labels, {.folds = 5, .embargo = 1}, {.folds = 3, .embargo = 1}, "");
  REQUIRE(nested.size() == 5);
  for (const NestedSplit& split : nested) {
    CHECK(split.inner.size() == 3);
    CHECK(audit_labels(labels, split.inner, 1).clean());
    const std::set<std::size_t> outer(split.outer.train.begin(), split.outer.train.end());
    for (const IndexSplit& inner : split.inner) {
      for (const std::size_t i : inner.train) CHECK(outer.contains(i));
      for (const std::size_t i : inner.tests[0]) CHECK(outer.contains(i));
    }
  }
}

TEST_CASE("retraining more or less often is judged on the same periods") {
  const std::size_t every[] = {5, 21, 1000};
  for (const bool anchored : {false, true}) {
    const auto lists = retraining_splits(200, {.anchored = anchored, .train = 60, .gap = 3}, every, "");
    REQUIRE(lists.size() == 3);
    for (const auto& splits : lists) {
      CHECK(splits.front().test.begin == 63);
      CHECK(splits.back().test.end == 200);
      for (std::size_t k = 0; k < splits.size(); ++k) {
        CHECK(splits[k].train.end + 3 == splits[k].test.begin);
        CHECK(splits[k].train.begin == (anchored ? 0 : splits[k].train.end - 60));
        if (k > 0) CHECK(splits[k].test.begin == splits[k - 1].test.end);
      }
    }
    CHECK(lists[2].size() == 1);
  }
  std::vector<IndexSplit> sets;
  for (const Split& split : walk_forward_splits(100, {.train = 30, .test = 10, .gap = 2}, "")) sets.push_back(indices(split));
  CHECK(audit_labels(label_horizon(100, 2), sets).clean());       // a gap as long as the labels
  CHECK_FALSE(audit_labels(label_horizon(100, 3), sets).clean());  // and one too short
}

TEST_CASE("plans and labels out of range are refused in words") {
  const auto labels = label_horizon(12, 0);
  CHECK_THROWS_AS((void)purged_splits(labels, {.folds = 1}, ""), Error);
  CHECK_THROWS_AS((void)purged_splits(labels, {.folds = 3, .test_folds = 3}, ""), Error);
  CHECK_THROWS_AS((void)purged_splits(labels, {.folds = 13}, ""), Error);
  CHECK_THROWS_AS((void)purged_splits(labels, {.folds = 3, .embargo = -1}, ""), Error);
  CHECK_THROWS_AS((void)purged_splits(label_horizon(60, 0), {.folds = 50, .test_folds = 25}, ""), Error);
  CHECK_THROWS_WITH_AS((void)purged_splits(label_horizon(12, 12), {.folds = 3}, "/cv"),
                       "/cv: expected training observations in every split, was none left in split 1 after purging and embargo; "
                       "use fewer folds, shorter labels or more data", Error);
  CHECK_THROWS_WITH_AS((void)purged_splits(std::vector<LabelSpan>{{0, 1}, {3, 2}}, {.folds = 2}, ""),
                       "labels: expected a label that ends after it begins in row 2, was 3 to 2", Error);
  CHECK_THROWS_AS((void)purged_splits(std::vector<LabelSpan>{{3, 4}, {1, 2}}, {.folds = 2}, ""), Error);
  const std::vector<IndexSplit> twice{{{0, 1}, {{1, 2}}}}, empty{{{}, {{}}}}, beyond{{{0}, {{99}}}};
  CHECK_FALSE(audit_labels(labels, twice).clean());
  CHECK_FALSE(audit_labels(labels, empty).clean());
  CHECK_FALSE(audit_labels(labels, beyond).clean());
  CHECK_FALSE(audit_labels(labels, {}).clean());
}

TEST_CASE("choosing on paths keeps to the chosen columns, and one column is its own path") {
  const std::vector<std::vector<double>> columns{normals(200, 0.001, 0.01, 1), normals(200, 0.0, 0.01, 2), normals(200, 0.004, 0.01, 3)};
  const auto labels = label_horizon(200, 0);
  const SelectionPaths paths = select_on_paths(spans(columns), labels, {.folds = 6, .test_folds = 2, .embargo = 2}, "");
  CHECK(paths.splits == 15);
  REQUIRE(paths.returns.size() == 5);
  CHECK(paths.audit.clean());
  for (const std::size_t chosen : paths.chosen) CHECK(chosen == 2);  // its mean is four standard errors ahead
  CHECK(paths.returns[3] == columns[2]);
  const std::vector<std::vector<double>> constant{std::vector<double>(200, 0.001), columns[0]};
  for (const std::size_t chosen : select_on_paths(spans(constant), labels, {}, "").chosen) CHECK(chosen == 1);
  const std::vector<std::vector<double>> shorter{normals(199, 0, 1, 1)};
  CHECK_THROWS_AS((void)select_on_paths(spans(shorter), labels, {}, ""), Error);
}
