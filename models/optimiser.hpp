#pragma once
// AdamW over a fixed list of parameters, on LibTorch's fused kernels, with clipping of the global
// gradient norm; mixed precision with automatic loss scaling.
#include <cstdint>
#include <vector>

#include "engine/base/config.hpp"
#include "models/archive.hpp"
#include "models/torch.hpp"

namespace walras::models {

/// Adam with decoupled weight decay; decay 0 is plain Adam. Source: Loshchilov and Hutter 2019,
/// algorithm 2.
class AdamW {
 public:
  struct Settings {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
    bool decay_vectors = true;  ///< whether biases and scales (one dimension) decay, too
  };
  AdamW(std::vector<torch::Tensor> parameters, Settings settings);

  /// Forgets the gradients of the last step. Call before backward().
  void zero_gradients();
  /// Scales all gradients so that their joint Euclidean norm is at most `limit` (> 0).
  /// Returns: the norm before; not finite when a gradient is not, and then nothing was scaled.
  double clip(double limit);
  /// Moves every parameter by one step of size `learning_rate`.
  void step(double learning_rate);
  [[nodiscard]] const std::vector<torch::Tensor>& parameters() const { return parameters_; }
  /// Gradients as they are, all defined: what a LossScaler divides.
  [[nodiscard]] std::vector<torch::Tensor>& gradients();
  /// Moments and step counts as "<prefix>first.0", ...: all that a resumed training needs.
  void save(std::vector<NamedArray>& arrays, const std::string& prefix) const;
  void load(const Archive& archive, const std::string& prefix);

 private:
  void collect();

  std::vector<torch::Tensor> parameters_, gradients_, first_, second_, steps_;
  std::size_t decayed_ = 0;  // the first so many; the rest does not decay
  Settings settings_;
  bool collected_ = false;
};

enum class Precision : std::uint8_t { Float32, Bfloat16, Float16 };

/// Lets LibTorch compute in a shorter format where that is safe, on this thread, while it lives.
/// Float32 changes nothing.
class Autocast {
 public:
  Autocast(Precision precision, torch::Device device);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  bool active_, was_enabled_ = false;
  at::DeviceType device_;
  at::ScalarType was_type_ = at::kFloat;
};

/// Keeps gradients of float16 above its smallest numbers: losses are multiplied, gradients divided;
/// a step with a gradient that is not finite is left out and the factor halved; after 2,000 good
/// ones it doubles.
class LossScaler {
 public:
  explicit LossScaler(Precision precision, torch::Device device);
  [[nodiscard]] torch::Tensor scale(const torch::Tensor& loss) const {
    return active_ ? loss * scale_ : loss;
  }
  /// Divides the gradients. Returns: whether all are finite; true without scaling.
  bool unscale(std::vector<torch::Tensor>& gradients);
  [[nodiscard]] double factor() const;
  [[nodiscard]] std::int64_t growth() const;
  void restore(double factor, std::int64_t growth);

 private:
  bool active_;
  torch::Tensor scale_, growth_;
};

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Precision> {
  using E = walras::models::Precision;
  static constexpr std::array<std::pair<E, std::string_view>, 3> names{
      {{E::Float32, "float32"}, {E::Bfloat16, "bfloat16"}, {E::Float16, "float16"}}};
};
