#pragma once
// Deterministic loops over TBB: the split into chunks depends on the work alone, never on the number of
// threads, and reductions run in chunk order, so that 1 and N threads give the same bits.
#include <cstddef>
#include <functional>

namespace walras {

/// Number of threads in use by the loops below. Range: >= 1. Default: all cores.
void set_threads(int threads);
[[nodiscard]] int threads();

/// Calls body(i) for i in [0, n), in any order and in parallel. The lowest-indexed exception is rethrown.
void parallel_for(std::size_t n, const std::function<void(std::size_t)>& body);

/// Calls body(begin, end, chunk) for consecutive chunks of `grain` items.
void parallel_chunks(std::size_t n, std::size_t grain,
                     const std::function<void(std::size_t begin, std::size_t end, std::size_t chunk)>& body);

}  // namespace walras
