#pragma once
// AdamW over a fixed list of parameters, on LibTorch's fused kernels, with clipping of the global
// gradient norm.
#include <vector>

#include "models/torch.hpp"

namespace walras::models {

/// Adam with decoupled weight decay; decay 0 is plain Adam. Source: Loshchilov and Hutter 2019,
/// algorithm 2.
class AdamW {
 public:
  struct Settings {
    double beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weight_decay = 0;
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

 private:
  void collect();

  std::vector<torch::Tensor> parameters_, gradients_, first_, second_, steps_;
  Settings settings_;
  bool collected_ = false;
};

}  // namespace walras::models
