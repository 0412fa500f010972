#include "models/net.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "engine/base/error.hpp"
#include "models/attention.hpp"

namespace walras::models {

namespace {

using NamedTensors = std::vector<std::pair<std::string, torch::Tensor>>;

NamedTensors named_tensors(const torch::nn::Module& module) {
  NamedTensors all;
  for (const auto& item : module.named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) all.emplace_back(item.key(), item.value());
  return all;
}

}  // namespace

torch::Tensor Net::forward(const torch::Tensor& input) {
  check(input, false);
  return window(input);
}

torch::Tensor Net::sequence(const torch::Tensor& input) {
  check(input, true);
  return stream(input);
}

torch::Tensor Net::stream(const torch::Tensor&) {
  fail(Fault::Numeric, "network",
       "expected a causal network for a stream, was one of closed windows");
}

void Net::check(const torch::Tensor& input, bool any_length) const {
  const auto refuse = [](std::string_view dimension, std::int64_t expected, std::int64_t found) {
    fail(Fault::Numeric, "network input",
         fmt::format("expected {} {}, was {}", expected, dimension, found));
  };
  if (input.dim() != 3) refuse("dimensions (batch, channels, steps)", 3, input.dim());
  if (input.size(0) < 1) refuse("or more rows (dimension 0, batch)", 1, input.size(0));
  if (input.size(1) != shape_.channels)
    refuse("channels (dimension 1)", shape_.channels, input.size(1));
  if (!any_length && input.size(2) != shape_.window)
    refuse("steps (dimension 2, the window)", shape_.window, input.size(2));
  if (any_length && input.size(2) < 1) refuse("or more steps (dimension 2)", 1, input.size(2));
}

std::shared_ptr<Net> build_net(const Json& json, NetShape shape, Rng& random,
                               const std::string& where) {
  static const Nets nets = [] {
    Nets all("network");
    add_nets(all);
    return all;
  }();
  return nets.build(json, where, shape, random);
}

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::vector<NamedArray> copy_out(const torch::nn::Module& module) {
  std::vector<NamedArray> arrays;
  for (const auto& [name, tensor] : named_tensors(module)) {
    const torch::Tensor values = tensor.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    const float* begin = values.data_ptr<float>();
    arrays.push_back(
        {name, values.sizes().vec(), std::vector<float>(begin, begin + values.numel())});
  }
  return arrays;
}

void copy_in(torch::nn::Module& module, const Archive& archive, const std::string& prefix) {
  // All are checked before the first is changed: a refused file leaves the network as it was.
  NamedTensors all = named_tensors(module);
  for (const auto& [key, tensor] : all) {
    const std::string name = prefix + key;
    for (const float value : archive.at(name, tensor.sizes()).values) {
      if (!std::isfinite(value))
        fail(Fault::Data, name, "expected finite weights, was NaN or infinity");
    }
  }
  const torch::NoGradGuard no_grad;
  for (auto& [key, tensor] : all) {
    const NamedArray& array = archive.at(prefix + key, tensor.sizes());
    torch::Tensor values = torch::empty(tensor.sizes());
    if (!array.values.empty())
      std::memcpy(values.data_ptr<float>(), array.values.data(),
                  array.values.size() * sizeof(float));
    tensor.copy_(values);
  }
}

std::vector<std::pair<std::string, torch::Tensor>> attention_weights(Net& net,
                                                                     const torch::Tensor& input) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<std::string, torch::Tensor>> weights;
  const auto record = [&net](bool on) {
    for (const auto& part : net.modules(/*include_self=*/false)) {
      if (auto* attention = dynamic_cast<Attending*>(part.get())) attention->record = on;
    }
  };
  record(true);
  net.forward(input);
  record(false);
  for (const auto& item : net.named_modules("", /*include_self=*/false)) {
    if (auto* attention = dynamic_cast<Attending*>(item.value().get()); attention != nullptr) {
      if (attention->recorded.defined()) weights.emplace_back(item.key(), attention->recorded);
      attention->recorded = torch::Tensor();
    }
  }
  return weights;
}

torch::Device find_device(Device wanted, const std::string& where) {
  if (wanted == Device::Cpu) return torch::kCPU;
  // The CPU library finds CUDA only when its CUDA sibling is loaded; that is not linked, for it
  // need not be there.
  const bool loaded = dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  if (loaded && torch::cuda::is_available()) return {torch::kCUDA, 0};
  if (wanted == Device::Cuda) {
    fail(Fault::Unavailable, where,
         loaded ? "expected a CUDA device, found none; use \"cpu\" or \"auto\""
                : "expected LibTorch with CUDA, was the CPU build; install the CUDA libraries "
                  "or use \"cpu\" or \"auto\"");
  }
  return torch::kCPU;
}

void use_one_thread() {
  if (at::get_num_threads() != 1) at::set_num_threads(1);
}

}  // namespace walras::models
