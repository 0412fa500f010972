#include "engine/base/parallel.hpp"

#include <oneapi/tbb/info.h>
#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

namespace walras {
namespace {

/// How many threads a loop may use: a property of the process, like its thread pool.
std::atomic<int>& thread_limit() {
  static std::atomic<int> limit{std::max(1, oneapi::tbb::info::default_concurrency())};
  return limit;
}

}  // namespace

void set_threads(int threads) { thread_limit() = std::max(1, threads); }

int threads() { return thread_limit(); }

void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body) {
  // Every index below the lowest failed one is still run: which exception leaves does not depend on
  // timing.
  std::atomic<std::size_t> lowest{n};
  std::exception_ptr error;
  std::mutex mutex;
  auto guarded = [&](std::size_t i) {
    if (i > lowest.load()) return;
    try {
      body(i);
    } catch (...) {
      const std::lock_guard lock(mutex);
      if (i < lowest.load()) {
        lowest = i;
        error = std::current_exception();
      }
    }
  };
  if (threads() == 1 || n <= 1) {
    for (std::size_t i = 0; i < n; ++i) guarded(i);
  } else {
    // More threads than cores would only wait for each other.
    oneapi::tbb::task_arena arena(std::min(threads(), oneapi::tbb::info::default_concurrency()));
    arena.execute([&] {
      // Isolated: a thread that waits for an inner loop must not take up an outer item meanwhile.
      oneapi::tbb::this_task_arena::isolate([&] {
        oneapi::tbb::parallel_for(std::size_t{0}, n, guarded, oneapi::tbb::simple_partitioner());
      });
    });
  }
  if (error) std::rethrow_exception(error);
}

void parallel_chunks(std::size_t n, std::size_t grain,
                     const std::function<void(std::size_t, std::size_t, std::size_t)>& body) {
  grain = std::max<std::size_t>(grain, 1);
  parallel_for((n + grain - 1) / grain, [&](std::size_t chunk) {
    body(chunk * grain, std::min(n, (chunk + 1) * grain), chunk);
  });
}

}  // namespace walras
