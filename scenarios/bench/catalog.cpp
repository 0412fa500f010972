#include "scenarios/bench/bench.hpp"

namespace walras::scenarios {

// One declaration and one line in benchmarks() for each room's file in this folder.

Benchmarks benchmarks() {
  Benchmarks all;
  return all;
}

}  // namespace walras::scenarios
