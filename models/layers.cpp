#include "models/layers.hpp"

#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "models/checkpointing.hpp"

namespace walras::models {
namespace {

void assign(torch::Tensor& target, const std::vector<float>& values) {
  const torch::NoGradGuard no_grad;
  target.copy_(torch::tensor(values).view(target.sizes()));
}

using Part = std::function<torch::Tensor(const torch::Tensor&)>;

struct PartHolder final : torch::CustomClassHolder {
  explicit PartHolder(Part held) : part(std::move(held)) {}
  Part part;
};

/// A node of the graph that holds the part and its input, and computes the part again when asked
/// for the gradient.
struct Recompute : torch::autograd::Function<Recompute> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context,
                               const torch::Tensor& input, const Part& part) {
    context->save_for_backward({input});
    context->saved_data["part"] =
        at::IValue::make_capsule(c10::make_intrusive<PartHolder>(part));
    return part(input);
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::Tensor input = context->get_saved_variables()[0].detach().requires_grad_();
    const auto held = context->saved_data["part"].toCapsule();
    const torch::AutoGradMode with_gradients(true);
    const torch::Tensor output = static_cast<PartHolder&>(*held).part(input);
    output.backward(gradients[0]);  // adds to the parameters' gradients
    return {input.grad(), torch::Tensor()};
  }
};

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

PlaneConvolution::PlaneConvolution(const Shape& shape)
    : weight(register_parameter(
          "weight", torch::zeros({shape.out, shape.in, shape.steps, shape.places}))),
      bias(register_parameter("bias", torch::zeros({shape.out}))),
      shape_(shape) {}

torch::Tensor PlaneConvolution::forward(const torch::Tensor& input) const {
  if (!shape_.causal || shape_.step_pad == 0) {
    return at::conv2d(input, weight, bias, at::IntArrayRef{1, shape_.stride},
                      at::IntArrayRef{shape_.step_pad, shape_.place_pad});
  }
  const torch::Tensor padded = at::constant_pad_nd(input, {0, 0, 2 * shape_.step_pad, 0});
  return at::conv2d(padded, weight, bias, at::IntArrayRef{1, shape_.stride},
                    at::IntArrayRef{0, shape_.place_pad});
}

BatchNorm::BatchNorm(std::int64_t channels)
    : weight(register_parameter("weight", torch::ones({channels}))),
      bias(register_parameter("bias", torch::zeros({channels}))),
      running_mean(register_buffer("running_mean", torch::zeros({channels}))),
      running_variance(register_buffer("running_variance", torch::ones({channels}))) {}

torch::Tensor BatchNorm::forward(const torch::Tensor& input) const {
  return at::batch_norm(input, weight, bias, running_mean, running_variance, is_training(), 0.1,
                        1e-5, /*cudnn_enabled=*/true);
}

LayerNorm::LayerNorm(std::int64_t width)
    : weight(register_parameter("weight", torch::ones({width}))),
      bias(register_parameter("bias", torch::zeros({width}))),
      width_(width) {}

torch::Tensor LayerNorm::forward(const torch::Tensor& input) const {
  return at::layer_norm(input, {width_}, weight, bias, 1e-5);
}

torch::Tensor Dropout::forward(const torch::Tensor& input) const {
  if (!is_training() || rate_ <= 0) return input;
  // Drawn on the CPU: one key, one mask, wherever the network computes.
  const torch::Tensor kept =
      torch::empty(input.sizes(), input.options().device(torch::kCPU))
          .bernoulli_(1 - rate_, at::detail::createCPUGenerator(key))
          .to(input.device());
  return input * kept / (1 - rate_);
}

void key_dropout(torch::nn::Module& module, const Rng& random, std::uint64_t step) {
  std::uint64_t index = 0;
  for (const auto& part : module.modules(/*include_self=*/false)) {
    if (auto* dropout = dynamic_cast<Dropout*>(part.get()))
      dropout->key = random.child("dropout", step).child("layer", index++).bits();
  }
}

Lstm::Lstm(std::int64_t in, std::int64_t hidden, bool both_ways, Rng& random)
    : hidden_(hidden), both_ways_(both_ways) {
  for (const std::string& end : {std::string(), std::string("_reverse")}) {
    if (!end.empty() && !both_ways) break;
    const auto add = [&](const std::string& name, at::IntArrayRef sizes) {
      return register_parameter(name + end, torch::zeros(sizes));
    };
    const torch::Tensor input = add("input", {4 * hidden, in}),
                        recurrent = add("recurrent", {4 * hidden, hidden}),
                        bias = add("input_bias", {4 * hidden});
    add("recurrent_bias", {4 * hidden});
    fill_uniform(input, 1.0, random);
    for (std::int64_t gate = 0; gate < 4; ++gate)
      fill_orthogonal(recurrent.detach().narrow(0, gate * hidden, hidden), 1.0, random);
    const torch::NoGradGuard no_grad;
    bias.narrow(0, hidden, hidden).fill_(1);
  }
}

torch::Tensor Lstm::forward(const torch::Tensor& input) const {
  const torch::Tensor start =
      torch::zeros({both_ways_ ? 2 : 1, input.size(0), hidden_}, input.options());
  return std::get<0>(at::lstm(input, {start, start}, parameters(/*recurse=*/false),
                              /*has_biases=*/true, /*num_layers=*/1, /*dropout=*/0.0,
                              is_training(), both_ways_, /*batch_first=*/true));
}

torch::Tensor checkpointed(std::function<torch::Tensor(const torch::Tensor&)> part,
                           const torch::Tensor& input) {
  return Recompute::apply(input, part);
}

}  // namespace walras::models
