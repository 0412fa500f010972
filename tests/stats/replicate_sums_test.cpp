// The one source of the sums, as the processor runs it and, where there is one, a GPU.
#include "stats/replicate_sums.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/multiple_testing.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>
#include <cstring>

using namespace walras;
using namespace walras::stats;

namespace {

std::vector<RunningMoments> some_series(std::size_t count, std::size_t n) {
  std::vector<RunningMoments> moments;
  for (std::uint64_t k = 0; k < count; ++k) moments.emplace_back(autoregression(n, 0.2, 0.01, 3, k));
  return moments;
}

/// Every sum of a device, as bytes to compare.
std::vector<double> everything(ReplicateSums& sums, const Draws& draws, std::size_t series) {
  std::vector<kernel::Totals> totals(series * draws.replicates());
  std::vector<kernel::Totals> counted(totals.size());
  std::vector<kernel::Products> products(totals.size());
  sums.totals(draws, totals);
  sums.counted_totals(draws, counted);
  sums.products(draws, products);
  std::vector<double> all;
  for (const auto* part : {&totals, &counted}) {
    for (const kernel::Totals& one : *part) all.insert(all.end(), {one.first, one.second});
  }
  for (const kernel::Products& one : products) {
    all.insert(all.end(), {one.first, one.second, one.first_first, one.first_second, one.second_second, one.first_length,
                           one.second_length, one.length_length});
  }
  return all;
}

}  // namespace

TEST_CASE("the device source gives the kernels' bits, on one thread and on two") {
  const int before = threads();
  for (const std::size_t series : {1, 2, 5}) {
    const std::vector<RunningMoments> moments = some_series(series, 301);
    const Panel panel(moments);
    for (const double block : {1.0, 2.5, 30.0}) {
      const ResamplePlan plan{301, 67, block, 4};
      const Draws draws = BlockSampler(plan).draw(0, plan.replicates);
      REQUIRE(draws.replicates() == 67);
      std::vector<std::vector<double>> runs;
      for (const int count : {1, 2}) {
        set_threads(count);
        runs.push_back(everything(*replicate_sums(panel, Device::Cpu), draws, series));
      }
      CHECK(runs[0] == runs[1]);
      for (std::size_t k = 0; k < series; ++k) {
        for (std::size_t b = 0; b < 67; ++b) {
          const std::span<const Block> blocks = draws.of(b);
          const kernel::Totals totals = kernel::totals(moments[k].view(), blocks.data(), blocks.size());
          const kernel::Products products = kernel::products(moments[k].view(), blocks.data(), blocks.size());
          const std::size_t at = k * 67 + b;
          const std::size_t counted = series * 67 + at;
          CHECK(runs[0][2 * at] == totals.first);
          CHECK(runs[0][2 * at + 1] == totals.second);
          // other order of addition: equal to rounding
          CHECK(std::abs(runs[0][2 * counted] - totals.first) < 1e-13);
          CHECK(std::abs(runs[0][2 * counted + 1] - totals.second) < 1e-13);
          const double* own = runs[0].data() + 4 * series * 67 + 8 * at;
          const double expected[] = {products.first, products.second, products.first_first, products.first_second,
                                     products.second_second, products.first_length, products.second_length, products.length_length};
          for (int i = 0; i < 8; ++i) CHECK(own[i] == expected[i]);
        }
      }
    }
  }
  set_threads(before);
}

TEST_CASE("replicates drawn together are those drawn one by one") {
  for (const BlockScheme scheme : {BlockScheme::Stationary, BlockScheme::Circular, BlockScheme::Moving}) {
    const ResamplePlan plan{97, 300, 4, 4, scheme};
    const BlockSampler sampler(plan);
    const Draws draws = sampler.draw(40, 240);
    std::vector<Block> blocks;
    for (std::size_t b = 0; b < 200; ++b) {
      sampler.draw(40 + b, blocks);
      const std::span<const Block> own = draws.of(b);
      REQUIRE(own.size() == blocks.size());
      CHECK(std::memcmp(own.data(), blocks.data(), own.size_bytes()) == 0);
    }
  }
}

TEST_CASE("a GPU gives the processor's bits; where there is none, it is refused in words") {
  const std::vector<RunningMoments> moments = some_series(5, 301);
  const Panel panel(moments);
  const ResamplePlan plan{301, 67, 5, 4};
  const std::string problem(cuda::obstacle());
  if (!problem.empty()) {
    MESSAGE("no CUDA here: " << problem);
    CHECK_THROWS_AS((void)replicate_sums(panel, Device::Cuda), Error);
    const std::vector<double> x = normals(301, 0, 1, 1);
    const std::vector<std::span<const double>> one{x};
    ResamplePlan on_gpu = plan;
    on_gpu.device = Device::Cuda;
    CHECK_THROWS_WITH_AS((void)mean_intervals(one, on_gpu, 0.95, IntervalMethod::Percentile),
                         ("device: expected a CUDA device, was none: " + problem + "; the processor gives the same figures").c_str(), Error);
    try {
      (void)romano_wolf(one, on_gpu);
    } catch (const Error& error) {
      CHECK(error.fault() == Fault::Unavailable);
    }
    return;
  }
  const Draws draws = BlockSampler(plan).draw(0, plan.replicates);
  CHECK(everything(*replicate_sums(panel, Device::Cuda), draws, 5) == everything(*replicate_sums(panel, Device::Cpu), draws, 5));
}
