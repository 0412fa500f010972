#pragma once
// Contest: the same work done two ways, so that a benchmark can time them in interleaved pairs. A
// plug-in registers its contests; `walras bench` runs them without knowing what they are made of.
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace walras::strategies {

class Contest {
 public:
  virtual ~Contest() = default;
  /// One unit of work as Walras does it.
  virtual void ours() = 0;
  /// The same unit as the underlying library does it, with nothing of ours around it.
  virtual void bare() = 0;
};

/// Name ("trainer_overhead/price_cnn") -> maker. Both sides start from equal state and are warmed
/// up by the caller.
using Contests = std::map<std::string, std::function<std::unique_ptr<Contest>()>, std::less<>>;

}  // namespace walras::strategies
