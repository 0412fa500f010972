#include "models/net.hpp"

#include <dlfcn.h>

#include <cmath>
#include <cstring>

#include "engine/base/error.hpp"

namespace walras::models {

std::int64_t parameter_count(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

std::vector<NamedArray> copy_out(const torch::nn::Module& module) {
  std::vector<NamedArray> arrays;
  for (const auto& item : module.named_parameters()) {
    const torch::Tensor values = item.value().detach().to(torch::kCPU).contiguous();
    const float* begin = values.data_ptr<float>();
    arrays.push_back(
        {item.key(), values.sizes().vec(), std::vector<float>(begin, begin + values.numel())});
  }
  return arrays;
}

void copy_in(torch::nn::Module& module, const Archive& archive, const std::string& prefix) {
  // All are checked before the first is changed: a refused file leaves the network as it was.
  for (const auto& item : module.named_parameters()) {
    const std::string name = prefix + item.key();
    for (const float value : archive.at(name, item.value().sizes()).values) {
      if (!std::isfinite(value))
        fail(Fault::Data, name, "expected finite weights, was NaN or infinity");
    }
  }
  const torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const NamedArray& array = archive.at(prefix + item.key(), item.value().sizes());
    torch::Tensor values = torch::empty(item.value().sizes());
    std::memcpy(values.data_ptr<float>(), array.values.data(), array.values.size() * sizeof(float));
    item.value().copy_(values);
  }
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
