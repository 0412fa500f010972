#pragma once
// Agent: acts, observes, learns, saves, loads, over spans. Torch-free.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "agents/environment.hpp"
#include "engine/base/json.hpp"

namespace walras::agents {

class Agent {
 public:
  virtual ~Agent() = default;
  /// Chooses an action for each row of observations. `explore` draws from the policy and remembers
  /// the rows for learning (then rows = environments); otherwise the likeliest action is taken and
  /// nothing is remembered.
  virtual void act(std::span<const float> observations, bool explore,
                   std::span<std::int32_t> actions) = 0;
  /// Takes in what followed the last exploring act().
  virtual void observe(const Transitions& transitions) = 0;
  /// Learns when enough was observed. `progress` in [0, 1] is the share of the training that is
  /// over. Returns: whether it learned. Throws Error{Numeric} on a loss that is not finite.
  virtual bool learn(double progress) = 0;
  /// {"parameters", "updates", "policy_loss", ...} for the record.
  [[nodiscard]] virtual Json summary() const = 0;
  virtual void save(std::vector<std::byte>& bytes) const = 0;
  /// Throws Error{Data} on bytes that are not a policy of this shape; the agent is then unchanged.
  virtual void load(std::span<const std::byte> bytes) = 0;
};

}  // namespace walras::agents
