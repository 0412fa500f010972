#include "stats/splits.hpp"

#include "engine/base/error.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::stats;

TEST_CASE("rolling folds move along, anchored ones grow, gaps are left out") {
  const auto rolling = walk_forward_splits(20, {.train = 8, .test = 4, .gap = 1}, "/walk_forward");
  REQUIRE(rolling.size() == 3);
  CHECK(rolling[0].train == Range{0, 8});
  CHECK(rolling[0].test == Range{9, 13});
  CHECK(rolling[2].train == Range{8, 16});
  CHECK(rolling[2].test == Range{17, 20});  // shortened to the data
  const auto anchored = walk_forward_splits(20, {.anchored = true, .train = 8, .test = 4}, "/walk_forward");
  REQUIRE(anchored.size() == 3);
  CHECK(anchored[2].train == Range{0, 16});
  CHECK(anchored[2].test == Range{16, 20});
}

TEST_CASE("a rest below half a test span is left out") {
  CHECK(walk_forward_splits(13, {.train = 8, .test = 4}, "").size() == 1);
  CHECK(walk_forward_splits(14, {.train = 8, .test = 4}, "").size() == 2);
}

TEST_CASE("too little data is refused with the number of folds it holds") {
  CHECK_THROWS_WITH_AS(walk_forward_splits(13, {.train = 8, .test = 4, .folds = 3}, "/walk_forward"),
                       "/walk_forward: expected data for 3 fold(s) of 8 training, 0 gap and 4 test periods, was 13 periods, "
                       "which hold 1; shorten the spans or use more data",
                       Error);
  CHECK_THROWS_AS(walk_forward_splits(5, {.train = 8, .test = 4}, ""), Error);
  CHECK_THROWS_AS(walk_forward_splits(50, {.train = 8, .test = 0}, ""), Error);
  const auto huge = static_cast<std::size_t>(-1);  // sums of such spans wrap around
  for (const WalkForward& plan : {WalkForward{.train = huge, .test = 5}, WalkForward{.train = 8, .test = huge}, WalkForward{.train = 8, .test = 4, .gap = huge - 9}}) {
    CHECK_THROWS_AS(walk_forward_splits(50, plan, ""), Error);
  }
}

TEST_CASE("every split of every shape passes the audit, and planted leaks do not") {
  for (std::size_t train : {1, 5, 9}) {
    for (std::size_t test : {1, 3, 7}) {
      for (std::size_t gap : {0, 2}) {
        std::vector<AuditedFold> folds;
        for (const Split& split : walk_forward_splits(40, {.train = train, .test = test, .gap = gap}, "")) {
          folds.push_back({static_cast<long long>(split.train.begin), static_cast<long long>(split.train.end),
                           static_cast<long long>(split.test.begin), static_cast<long long>(split.test.end), {}, {}});
        }
        CHECK(audit_leaks(folds, false).clean());
        folds[0].train_end = folds[0].test_begin + 1;
        CHECK(audit_leaks(folds, false).problems.size() == 1);
      }
    }
  }
  const std::vector<AuditedFold> seeds{{0, 0, 0, 0, {1, 2}, {3, 4}}, {0, 0, 0, 0, {5}, {4}}};
  CHECK(audit_leaks(seeds, true).problems == std::vector<std::string>{"fold 2: seed 4 is tested twice"});
  CHECK_FALSE(audit_leaks({}, true).clean());
}
