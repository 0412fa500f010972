// Any bytes are rules and then requests to an exchange; the naive twin plays the same, and both must
// agree in every report and every order.
#include "tests/exchange/random_operations.hpp"

#include <cstdio>
#include <cstdlib>

using namespace walras;
using namespace walras::engine;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::uint8_t* end = data + size;
  const auto below = [&](std::uint64_t bound) -> std::uint64_t {
    return data == end ? 0 : *data++ % bound;
  };
  Twins twins(random_rules(below));
  for (int step = 0; data != end && step < 2000; ++step) {
    std::string difference = twins.step(below);
    if (difference.empty()) difference = twins.compare_orders();
    if (difference.empty()) continue;
    std::fprintf(stderr, "step %d: %s\n", step, difference.c_str());
    std::abort();
  }
  return 0;
}
