#pragma once
// Dependence: what couples the prices of a generated market. It draws one standard normal shock an
// instrument and step; the processes turn them into returns, so that any laws can be coupled in any
// way. It knows no process.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"

#include <span>
#include <string>

namespace walras {
class Archive;
}

namespace walras::engine {

struct DependenceContext {
  std::span<const std::string> names;  ///< of the instruments, sorted
  Rng random;                          ///< parts are keyed by names of instruments and sectors
};

class Dependence {
 public:
  virtual ~Dependence() = default;
  /// The shocks of the next step. Shape: as many as names. Each is standard normal.
  virtual void draw(std::span<double> shocks) noexcept = 0;
  /// What it remembers, its random streams too. Default: nothing.
  virtual void state(Archive& /*archive*/) {}
};

using DependenceRegistry = Registry<Dependence, const DependenceContext&>;

/// Adds independent, factor (a market and its sectors), gaussian_copula, t_copula and dcc. With
/// independent, factor, and the copulas of one common correlation, a further instrument changes no
/// other's shocks.
void add_dependences(DependenceRegistry& registry);

/// Probability that a Student t of `degrees` lies below x. Range: degrees > 0.
double student_below(double x, double degrees) noexcept;
/// The standard normal quantile. Range: 0 < p < 1.
double normal_quantile(double p) noexcept;

}  // namespace walras::engine
