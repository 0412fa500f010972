#pragma once
// VectorEnvironment: many equal environments stepped together. Ends are told apart by type:
// `terminated` is part of the problem (no value follows), `truncated` is a time limit (the value of
// the final observation still counts). An environment that ended restarts at once: `observations`
// then holds the first of the new episode and `final_observations` the last of the old. Torch-free.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace walras::agents {

/// Sizes that learners need to know. Actions are discrete, 0 .. actions - 1.
struct Spaces {
  std::size_t environments = 1, observation = 0, actions = 0;
};

/// What one step of all environments brought.
struct Transitions {
  explicit Transitions(const Spaces& spaces)
      : observations(spaces.environments * spaces.observation),
        final_observations(spaces.environments * spaces.observation),
        rewards(spaces.environments),
        terminated(spaces.environments),
        truncated(spaces.environments) {}

  std::vector<float> observations;        ///< environments x observation; to act on next
  std::vector<float> final_observations;  ///< rows are valid where terminated or truncated
  std::vector<float> rewards;
  std::vector<std::uint8_t> terminated, truncated;  ///< never both
};

class VectorEnvironment {
 public:
  virtual ~VectorEnvironment() = default;
  [[nodiscard]] virtual Spaces spaces() const = 0;
  /// Starts a new episode everywhere. Shape: observations environments x observation.
  virtual void reset(std::span<float> observations) = 0;
  /// Shape: one action an environment. Contract: reset() came first.
  virtual void step(std::span<const std::int32_t> actions, Transitions& out) = 0;
};

}  // namespace walras::agents
