#pragma once
// Counts what the whole test executable allocates; link allocations.cpp.
#include <cstddef>

namespace walras::tests {

/// Calls of operator new so far.
std::size_t allocations();

}  // namespace walras::tests
