#pragma once
// Everything that compares records, over one panel: which of them beats the benchmark, given that all
// were tried, which may be the best, and how each pair with the benchmark stands. For commands and
// reports; the tests themselves are in superior.hpp, multiple_testing.hpp, model_set.hpp and
// comparison.hpp.
#include "stats/replicate_sums.hpp"
#include "stats/evidence.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::stats {

/// One column of a panel of returns.
struct NamedReturns {
  std::string_view name;
  std::span<const double> returns;
};

/// A test that may be asked for, and what it answers.
struct ComparisonTest {
  std::string_view name;  ///< "ledoit_wolf"
  std::string_view question;
  bool against_benchmark;  ///< compares each record with the benchmark, and needs one
};
/// All of them, in the order in which they are shown.
[[nodiscard]] std::span<const ComparisonTest> comparison_tests();

struct CompareOptions {
  std::vector<std::string> tests;  ///< by name; empty: all that the panel allows
  std::size_t horizon = 1;         ///< periods that a forecast looks ahead (forecast tests)
  std::size_t replicates = 10'000;
  double mean_block = 0;  ///< of the bootstraps; 0: automatic
  std::uint64_t seed = 1;
  double level = 0.95;
  Device device = Device::Cpu;
};

struct Comparisons {
  std::size_t periods = 0;
  double mean_block = 1;         ///< that the bootstraps of all series used
  std::vector<Evidence> family;  ///< about the best of all: superior ability, reality check
  struct Record {
    std::string name;
    std::vector<Evidence> tests;
  };
  std::vector<Record> records;  ///< in the panel's order; the benchmark last, if in the model set
};
/// Losses are returns with the sign turned. A test that cannot be computed is evidence with the
/// reason. Range: at least one record. Shape: all of equal length. Throws Error{Numeric} for another
/// shape or a value that is not finite, Error{Usage} for an unknown test or one that lacks a benchmark.
[[nodiscard]] Comparisons compare(std::span<const NamedReturns> records,
                                  const NamedReturns* benchmark, const CompareOptions& options);

}  // namespace walras::stats
