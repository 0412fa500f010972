#pragma once
// Net: what every network of ours is: windows (B, C, T) in, features (B, H) of the last step out.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/random.hpp"
#include "models/archive.hpp"
#include "models/device.hpp"
#include "models/torch.hpp"

namespace walras::models {

class Net : public torch::nn::Module {
 public:
  /// Shape: (B, C, T) -> (B, H).
  virtual torch::Tensor forward(const torch::Tensor& input) = 0;
  /// Shape: (B, C, T) -> (B, H, T). Step t depends on inputs up to t alone, bit for bit.
  virtual torch::Tensor sequence(const torch::Tensor& input) = 0;
  /// H.
  [[nodiscard]] virtual std::int64_t features() const = 0;
};

/// Number of trainable numbers.
[[nodiscard]] std::int64_t parameter_count(const torch::nn::Module& module);
/// Copies of all parameters, in the module's order.
[[nodiscard]] std::vector<NamedArray> copy_out(const torch::nn::Module& module);
/// Sets all parameters from arrays. Throws Error{Data} when one is absent, of another shape or not
/// finite.
void copy_in(torch::nn::Module& module, const Archive& archive, const std::string& prefix = "");

/// Throws Error{Unavailable} at `where` when CUDA is demanded and absent.
[[nodiscard]] torch::Device find_device(Device wanted, const std::string& where);
/// One intra-op thread on the calling thread: small networks are slower with more. Call before any
/// computation.
void use_one_thread();

}  // namespace walras::models
