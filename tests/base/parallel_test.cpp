#include "engine/base/parallel.hpp"

#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <numeric>
#include <vector>

using namespace walras;

TEST_CASE("a parallel loop visits every item once, whatever the number of threads") {
  const int before = threads();
  for (const int count : {1, 2, 5}) {
    set_threads(count);
    std::vector<std::atomic<int>> visits(10'007);
    parallel_for(visits.size(), [&](std::size_t i) { ++visits[i]; });
    for (const auto& visit : visits) REQUIRE(visit == 1);
  }
  set_threads(before);
}

TEST_CASE("chunks depend on the work alone, and sums in chunk order are the same bits for any number of threads") {
  const int before = threads();
  std::vector<double> sums;
  for (const int count : {1, 2, 3}) {
    set_threads(count);
    std::vector<double> parts(1 + 99'999 / 1000);
    parallel_chunks(100'000, 1000, [&](std::size_t begin, std::size_t end, std::size_t chunk) {
      for (std::size_t i = begin; i < end; ++i) parts[chunk] += 1.0 / (1.0 + static_cast<double>(i));
    });
    sums.push_back(std::accumulate(parts.begin(), parts.end(), 0.0));
  }
  set_threads(before);
  CHECK(sums[0] == sums[1]);
  CHECK(sums[0] == sums[2]);
}

TEST_CASE("the exception of the lowest index leaves the loop") {
  for (int attempt = 0; attempt < 20; ++attempt) {
    CHECK_THROWS_WITH_AS(parallel_for(1000,
                                      [](std::size_t i) {
                                        if (i % 300 == 7) fail(Fault::Numeric, std::to_string(i), "planted");
                                      }),
                         "7: planted", Error);
  }
}

TEST_CASE("loops nest") {
  std::vector<int> cells(64 * 64);
  parallel_for(64, [&](std::size_t i) { parallel_for(64, [&](std::size_t j) { ++cells[i * 64 + j]; }); });
  for (const int cell : cells) REQUIRE(cell == 1);
}

TEST_CASE("empty work is no work") {
  parallel_for(0, [](std::size_t) { FAIL("called"); });
  parallel_chunks(0, 10, [](std::size_t, std::size_t, std::size_t) { FAIL("called"); });
}
