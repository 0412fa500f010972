#include "scenarios/bench/bench.hpp"

namespace walras::scenarios {

// One declaration and one line in benchmarks() for each room's file in this folder.
void add_book_benchmarks(Benchmarks& benchmarks);
void add_engine_benchmarks(Benchmarks& benchmarks);
void add_feed_benchmarks(Benchmarks& benchmarks);
void add_gateway_benchmarks(Benchmarks& benchmarks);
void add_learning_benchmarks(Benchmarks& benchmarks);
void add_market_benchmarks(Benchmarks& benchmarks);
void add_simulation_benchmarks(Benchmarks& benchmarks);
void add_stats_benchmarks(Benchmarks& benchmarks);
void add_program_benchmarks(Benchmarks& benchmarks);
void add_study_benchmarks(Benchmarks& benchmarks);

Benchmarks benchmarks() {
  Benchmarks all;
  add_book_benchmarks(all);
  add_engine_benchmarks(all);
  add_feed_benchmarks(all);
  add_gateway_benchmarks(all);
  add_learning_benchmarks(all);
  add_market_benchmarks(all);
  add_simulation_benchmarks(all);
  add_stats_benchmarks(all);
  add_program_benchmarks(all);
  add_study_benchmarks(all);
  return all;
}

}  // namespace walras::scenarios
