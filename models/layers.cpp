#include "models/layers.hpp"

#include <cmath>
#include <vector>

namespace walras::models {
namespace {

void assign(torch::Tensor& target, const std::vector<float>& values) {
  const torch::NoGradGuard no_grad;
  target.copy_(torch::tensor(values).view(target.sizes()));
}

}  // namespace

void fill_uniform(torch::Tensor weight, double gain, Rng& random) {
  const auto count = static_cast<std::size_t>(weight.numel());
  const double fan_in = static_cast<double>(weight.numel()) / static_cast<double>(weight.size(0));
  const double bound = gain * std::sqrt(3.0 / fan_in);
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>(random.uniform(-bound, bound));
  assign(weight, values);
}

void fill_orthogonal(torch::Tensor weight, double gain, Rng& random) {
  const auto rows = static_cast<std::size_t>(weight.size(0)),
             columns = static_cast<std::size_t>(weight.size(1));
  const std::size_t vectors = std::min(rows, columns), length = std::max(rows, columns);
  std::vector<double> basis(vectors * length);
  for (std::size_t v = 0; v < vectors; ++v) {
    double* row = basis.data() + v * length;
    double norm = 0;
    do {  // modified Gram-Schmidt; a vector that vanishes (probability 0) is drawn again
      for (std::size_t i = 0; i < length; ++i) row[i] = random.normal();
      for (std::size_t u = 0; u < v; ++u) {
        const double* other = basis.data() + u * length;
        double dot = 0;
        for (std::size_t i = 0; i < length; ++i) dot += row[i] * other[i];
        for (std::size_t i = 0; i < length; ++i) row[i] -= dot * other[i];
      }
      norm = 0;
      for (std::size_t i = 0; i < length; ++i) norm += row[i] * row[i];
      norm = std::sqrt(norm);
    } while (norm < 1e-6);
    for (std::size_t i = 0; i < length; ++i) row[i] /= norm;
  }
  std::vector<float> values(rows * columns);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      const double value = rows <= columns ? basis[r * length + c] : basis[c * length + r];
      values[r * columns + c] = static_cast<float>(gain * value);
    }
  }
  assign(weight, values);
}

Linear::Linear(std::int64_t in, std::int64_t out)
    : weight(register_parameter("weight", torch::zeros({out, in}))),
      bias(register_parameter("bias", torch::zeros({out}))) {}

torch::Tensor Linear::forward(const torch::Tensor& input) const {
  return at::linear(input, weight, bias);
}

CausalConvolution::CausalConvolution(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                     std::int64_t dilation)
    : weight(register_parameter("weight", torch::zeros({out, in, kernel}))),
      bias(register_parameter("bias", torch::zeros({out}))),
      kernel_(kernel),
      dilation_(dilation) {}

torch::Tensor CausalConvolution::forward(const torch::Tensor& input) const {
  const std::int64_t past = (kernel_ - 1) * dilation_;
  const torch::Tensor padded = past == 0 ? input : at::constant_pad_nd(input, {past, 0});
  return at::conv1d(padded, weight, bias, /*stride=*/{1}, /*padding=*/at::IntArrayRef{0},
                    /*dilation=*/{dilation_});
}

}  // namespace walras::models
