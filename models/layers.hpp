#pragma once
// Layers that networks are made of. Weights are drawn from the project's generator, never from
// LibTorch's global one.
#include <cstdint>
#include <string>
#include <vector>

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
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (..., in) -> (..., out)
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

/// Two-dimensional convolution over (step, place) images. Padding is zeros on both sides of the
/// places; of the steps on both sides, or all of it before the first (`causal`).
class PlaneConvolution final : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t in = 1, out = 1;
    std::int64_t steps = 1, places = 1;         ///< the kernel
    std::int64_t stride = 1;                    ///< over the places
    std::int64_t step_pad = 0, place_pad = 0;   ///< zeros on each side
    bool causal = false;                        ///< 2 x step_pad zeros before, none after
  };
  explicit PlaneConvolution(const Shape& shape);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (B, in, T, P) -> (B, out, T', P')
  torch::Tensor weight, bias;

 private:
  Shape shape_;
};

/// Batch normalisation over dimension 1, by the batch's moments in training, by running moments
/// (momentum 0.1) otherwise. Source: Ioffe and Szegedy 2015.
class BatchNorm final : public torch::nn::Module {
 public:
  explicit BatchNorm(std::int64_t channels);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (B, channels, ...), same out
  torch::Tensor weight, bias, running_mean, running_variance;
};

/// Normalises the last dimension to mean 0 and variance 1, then scales and shifts. Source: Ba,
/// Kiros and Hinton 2016.
class LayerNorm final : public torch::nn::Module {
 public:
  explicit LayerNorm(std::int64_t width);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (..., width), same out
  torch::Tensor weight, bias;

 private:
  std::int64_t width_;
};

/// Zeroes each number with probability `rate` in training and scales the rest by 1 / (1 - rate).
/// The mask is a function of the key alone: whoever trains sets one a step (see key_dropout), so
/// that a step repeated or resumed draws the same mask.
class Dropout final : public torch::nn::Module {
 public:
  explicit Dropout(double rate) : rate_(rate) {}
  torch::Tensor forward(const torch::Tensor& input) const;
  std::uint64_t key = 0;

 private:
  double rate_;
};
/// Gives every Dropout of a module a key of this step's own.
void key_dropout(torch::nn::Module& module, const Rng& random, std::uint64_t step);

/// Long short-term memory, one layer, one or both directions. Gates in the order input, forget,
/// cell, output. Source: Hochreiter and Schmidhuber 1997.
class Lstm final : public torch::nn::Module {
 public:
  /// Recurrent weights are orthogonal, forget gates start open (bias 1).
  Lstm(std::int64_t in, std::int64_t hidden, bool both_ways, Rng& random);
  torch::Tensor forward(const torch::Tensor& input) const;  ///< (B, T, in) -> (B, T, H or 2 H)

 private:
  std::int64_t hidden_;
  bool both_ways_;
};

}  // namespace walras::models
