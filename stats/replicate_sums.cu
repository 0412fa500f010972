// See replicate_sums.hpp. nvcc compiles this file for CUDA; replicate_sums_cpu.cpp includes it for
// the processor. What differs between the two is in the last lines.
#include "stats/replicate_sums.hpp"

#include <thrust/device_vector.h>
#include <thrust/execution_policy.h>
#include <thrust/for_each.h>
#include <thrust/iterator/counting_iterator.h>

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
#include <cuda_runtime.h>
#define WALRAS_BACKEND cuda
#else
#include <oneapi/tbb/info.h>
#include <oneapi/tbb/task_arena.h>
#include "engine/base/parallel.hpp"
#define WALRAS_BACKEND cpu
#endif

#include <algorithm>

namespace walras::stats::WALRAS_BACKEND {
namespace {

template <class Value>
const Value* raw(const thrust::device_vector<Value>& values) {
  return thrust::raw_pointer_cast(values.data());
}

/// What a kernel reads; pointers of the device.
struct Inputs {
  const double* running;
  const double* values;
  const Block* blocks;
  const std::uint32_t* first;
  std::uint32_t periods;
  std::size_t series, replicates;

  [[nodiscard]] WALRAS_KERNEL kernel::Moments moments(std::size_t k) const {
    return {running + k * 2 * (static_cast<std::size_t>(periods) + 1), periods, 0};
  }
};

struct SumTotals {
  Inputs in;
  kernel::Totals* out;
  WALRAS_KERNEL void operator()(std::size_t i) const {
    const std::size_t b = i % in.replicates;
    out[i] = kernel::totals(in.moments(i / in.replicates), in.blocks + in.first[b],
                            in.first[b + 1] - in.first[b]);
  }
};

struct SumProducts {
  Inputs in;
  kernel::Products* out;
  WALRAS_KERNEL void operator()(std::size_t i) const {
    const std::size_t b = i % in.replicates;
    out[i] = kernel::products(in.moments(i / in.replicates), in.blocks + in.first[b],
                              in.first[b + 1] - in.first[b]);
  }
};

/// How often a tile of replicates drew each observation, interleaved.
struct Count {
  Inputs in;
  double* counts;
  WALRAS_KERNEL void operator()(std::size_t tile) const {
    double* own = counts + tile * kernel::kCountTile * in.periods;
    for (std::size_t i = 0; i < kernel::kCountTile * in.periods; ++i) own[i] = 0;
    for (std::size_t r = 0; r < kernel::kCountTile; ++r) {
      const std::size_t b = tile * kernel::kCountTile + r;
      if (b >= in.replicates) return;
      for (std::uint32_t j = in.first[b]; j < in.first[b + 1]; ++j) {
        std::uint32_t at = in.blocks[j].start;
        for (std::uint32_t i = 0; i < in.blocks[j].length; ++i) {
          own[kernel::kCountTile * at + r] += 1;
          if (++at == in.periods) at = 0;
        }
      }
    }
  }
};

struct SumCounted {
  Inputs in;
  const double* counts;
  kernel::Totals* out;
  std::size_t tiles;
  WALRAS_KERNEL void operator()(std::size_t i) const {
    const std::size_t tile = i % tiles;
    const std::size_t k = i / tiles * kernel::kSeriesTile;
    const std::size_t next = k + 1 < in.series ? k + 1 : k;
    const std::size_t stride = 2 * static_cast<std::size_t>(in.periods);
    double sums[2 * kernel::kSeriesTile][kernel::kCountTile];
    kernel::counted_totals(counts + tile * kernel::kCountTile * in.periods, in.values + k * stride,
                           in.values + next * stride, in.periods, sums);
    for (std::size_t r = 0; r < kernel::kCountTile; ++r) {
      const std::size_t b = tile * kernel::kCountTile + r;
      if (b >= in.replicates) return;
      out[k * in.replicates + b] = {sums[0][r], sums[1][r]};
      if (next != k) out[next * in.replicates + b] = {sums[2][r], sums[3][r]};
    }
  }
};

/// Calls work(0) .. work(count - 1) on the device.
template <class Work>
void each(std::size_t count, const Work& work);

/// Storage of the device that grows and is kept between calls.
template <class Value>
Value* room(thrust::device_vector<Value>& values, std::size_t count) {
  if (values.size() < count) values.resize(count);
  return thrust::raw_pointer_cast(values.data());
}

class Sums final : public ReplicateSums {
 public:
  explicit Sums(const Panel& panel)
      : running_(panel.running.begin(), panel.running.end()),
        values_(panel.values.begin(), panel.values.end()),
        periods_(panel.periods),
        series_(panel.series) {}

  void totals(const Draws& draws, std::span<kernel::Totals> out) override {
    const Inputs in = inputs(draws);
    run(totals_, out, [&](kernel::Totals* device) {
      each(out.size(), SumTotals{in, device});
    });
  }
  void products(const Draws& draws, std::span<kernel::Products> out) override {
    const Inputs in = inputs(draws);
    run(products_, out, [&](kernel::Products* device) {
      each(out.size(), SumProducts{in, device});
    });
  }
  void counted_totals(const Draws& draws, std::span<kernel::Totals> out) override {
    const Inputs in = inputs(draws);
    const std::size_t tiles = (in.replicates + kernel::kCountTile - 1) / kernel::kCountTile;
    double* counts = room(counts_, tiles * kernel::kCountTile * periods_);
    run(totals_, out, [&](kernel::Totals* device) {
      each(tiles, Count{in, counts});
      const std::size_t pairs = (series_ + kernel::kSeriesTile - 1) / kernel::kSeriesTile;
      each(pairs * tiles, SumCounted{in, counts, device, tiles});
    });
  }

 private:
  Inputs inputs(const Draws& draws) {
    blocks_.assign(draws.blocks.begin(), draws.blocks.end());
    first_.assign(draws.first.begin(), draws.first.end());
    return {raw(running_), raw(values_), raw(blocks_), raw(first_), periods_, series_,
            draws.replicates()};
  }

  template <class Value, class Work>
  static void run(thrust::device_vector<Value>& device, std::span<Value> out, const Work& work) {
    work(room(device, out.size()));
    thrust::copy(device.begin(), device.begin() + static_cast<std::ptrdiff_t>(out.size()),
                 out.begin());
  }

  thrust::device_vector<double> running_, values_, counts_;
  thrust::device_vector<Block> blocks_;
  thrust::device_vector<std::uint32_t> first_;
  thrust::device_vector<kernel::Totals> totals_;
  thrust::device_vector<kernel::Products> products_;
  std::uint32_t periods_;
  std::size_t series_;
};

template <class Work>
void each(std::size_t count, const Work& work) {
  const auto all = [&] {
    thrust::for_each_n(thrust::device, thrust::counting_iterator<std::size_t>(0), count, work);
  };
#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
  all();
#else
  // As engine/base/parallel: the caller's number of threads, and no outer work taken up while waiting.
  if (threads() == 1) {
    for (std::size_t i = 0; i < count; ++i) work(i);
    return;
  }
  oneapi::tbb::task_arena arena(std::min(threads(), oneapi::tbb::info::default_concurrency()));
  arena.execute([&] { oneapi::tbb::this_task_arena::isolate(all); });
#endif
}

}  // namespace

std::unique_ptr<ReplicateSums> replicate_sums(const Panel& panel) {
  return std::make_unique<Sums>(panel);
}

#if THRUST_DEVICE_SYSTEM == THRUST_DEVICE_SYSTEM_CUDA
std::string_view obstacle() {
  int count = 0;
  const cudaError_t problem = cudaGetDeviceCount(&count);
  if (problem != cudaSuccess) return cudaGetErrorString(problem);
  return count > 0 ? "" : "no CUDA-capable device is detected";
}
#endif

}  // namespace walras::stats::WALRAS_BACKEND
