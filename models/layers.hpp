#pragma once
// Layers that networks are made of. Weights are drawn from the project's generator, never from
// LibTorch's global one.
#include <cstdint>
#include <string>

#include "engine/base/random.hpp"
#include "models/torch.hpp"

namespace walras::models {

/// Fills a (out, in...) weight with uniform(-b, b), b = gain * sqrt(3 / fan_in): variance gain^2 /
/// fan_in.
void fill_uniform(torch::Tensor weight, double gain, Rng& random);
/// Fills a (rows, columns) weight with a random orthogonal matrix (orthonormal along the shorter
/// side) times gain.
void fill_orthogonal(torch::Tensor weight, double gain, Rng& random);

/// y = x W' + b.
class Linear final : public torch::nn::Module {
 public:
  Linear(std::int64_t in, std::int64_t out);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (B, in) -> (B, out)
  torch::Tensor weight, bias;
};

/// One-dimensional convolution whose output at step t depends on inputs up to t: zeros are put
/// before the first step only. Kernel k and dilation d see the steps t, t - d, ..., t - (k-1) d.
class CausalConvolution final : public torch::nn::Module {
 public:
  CausalConvolution(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t dilation);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (B, in, T) -> (B, out, T)
  torch::Tensor weight, bias;

 private:
  std::int64_t kernel_, dilation_;
};

}  // namespace walras::models
