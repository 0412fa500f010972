#pragma once
// Net: what every network of ours is: windows (B, C, T) in, features (B, H) of the last step out.
// Architectures are kinds of a registry (add_nets); their classes stay in their own files. Weights
// are drawn from the project's generator.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"
#include "models/archive.hpp"
#include "models/device.hpp"
#include "models/torch.hpp"

namespace walras::models {

/// What a net is built for.
struct NetShape {
  std::int64_t channels = 0, window = 0;  ///< C and T, >= 1
};

class Net : public torch::nn::Module {
 public:
  explicit Net(NetShape shape) : shape_(shape) {}
  /// Shape: (B, C, T) -> (B, H).
  /// Throws: Error{Numeric} that names the dimension which differs from shape().
  torch::Tensor forward(const torch::Tensor& input);
  /// Shape: (B, C, L) -> (B, H, L), any length L; causal nets only. Step t depends on inputs up to
  /// t alone, bit for bit, and where attention looks back, on the last T of them.
  torch::Tensor sequence(const torch::Tensor& input);
  [[nodiscard]] virtual bool causal() const { return false; }
  /// H.
  [[nodiscard]] virtual std::int64_t features() const = 0;
  [[nodiscard]] const NetShape& shape() const { return shape_; }

 protected:
  virtual torch::Tensor window(const torch::Tensor& input) = 0;
  virtual torch::Tensor stream(const torch::Tensor& input);

 private:
  void check(const torch::Tensor& input, bool any_length) const;
  NetShape shape_;
};

using Nets = Registry<Net, const NetShape&, Rng&>;
/// Adds every architecture.
void add_nets(Nets& nets);
/// Builds {"kind": ..., params} or "kind". Throws Error{Scenario} at `where`.
[[nodiscard]] std::shared_ptr<Net> build_net(const Json& json, NetShape shape, Rng& random,
                                             const std::string& where = "network");

/// Number of trainable numbers.
[[nodiscard]] std::int64_t parameter_count(const torch::nn::Module& module);
/// Copies of all parameters and buffers, in the module's order.
[[nodiscard]] std::vector<NamedArray> copy_out(const torch::nn::Module& module);
/// Sets all parameters and buffers from arrays. Throws Error{Data} when one is absent, of another
/// shape or not finite; then nothing was changed.
void copy_in(torch::nn::Module& module, const Archive& archive, const std::string& prefix = "");

/// Weights of every attention in one pass over `input` without gradients: name of the layer,
/// (B, heads, queries, keys), each row >= 0 with sum 1.
[[nodiscard]] std::vector<std::pair<std::string, torch::Tensor>> attention_weights(
    Net& net, const torch::Tensor& input);

/// Throws Error{Unavailable} at `where` when CUDA is demanded and absent.
[[nodiscard]] torch::Device find_device(Device wanted, const std::string& where);
/// One intra-op thread on the calling thread: small networks are slower with more. Call before any
/// computation.
void use_one_thread();

}  // namespace walras::models
