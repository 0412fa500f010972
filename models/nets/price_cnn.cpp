#include "models/nets/price_cnn.hpp"

#include <cmath>
#include <vector>

#include "models/layers.hpp"

namespace walras::models {
namespace {

/// x + conv2(relu(conv1(x))), followed by relu; dilation 2^i in the first convolution.
class PriceCnn final : public Net {
 public:
  PriceCnn(const PriceCnnParams& params, std::int64_t inputs, Rng& random)
      : features_(params.features),
        inlet_(register_module("inlet",
                               std::make_shared<CausalConvolution>(inputs, params.channels, 1, 1))),
        outlet_(register_module("outlet", std::make_shared<CausalConvolution>(
                                              params.channels, params.features, 1, 1))) {
    for (std::int64_t block = 0; block < params.blocks; ++block) {
      const std::string name = "block" + std::to_string(block);
      const std::int64_t dilation = std::int64_t{1} << block;
      blocks_.push_back(
          {register_module(name + "_first",
                           std::make_shared<CausalConvolution>(params.channels, params.channels,
                                                               params.kernel, dilation)),
           register_module(name + "_second", std::make_shared<CausalConvolution>(
                                                 params.channels, params.channels, 1, 1))});
    }
    fill_uniform(inlet_->weight, 1.0, random);
    // Each block adds to the signal; the second convolution is scaled so that the sum keeps its
    // size.
    const double residual_gain = 1.0 / std::sqrt(static_cast<double>(params.blocks));
    for (const Block& block : blocks_) {
      fill_uniform(block.first->weight, std::sqrt(2.0), random);
      fill_uniform(block.second->weight, residual_gain, random);
    }
    fill_uniform(outlet_->weight, std::sqrt(2.0), random);
  }

  torch::Tensor sequence(const torch::Tensor& input) override {
    return at::relu(outlet_->forward(trunk(input)));
  }
  torch::Tensor forward(const torch::Tensor& input) override {
    const torch::Tensor last = trunk(input).narrow(2, input.size(2) - 1, 1);
    return at::relu(outlet_->forward(last)).select(2, 0);
  }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 private:
  struct Block {
    std::shared_ptr<CausalConvolution> first, second;
  };
  [[nodiscard]] torch::Tensor trunk(const torch::Tensor& input) const {
    torch::Tensor signal = inlet_->forward(input);
    for (const Block& block : blocks_) {
      signal = at::relu(signal + block.second->forward(at::relu(block.first->forward(signal))));
    }
    return signal;
  }

  std::int64_t features_;
  std::shared_ptr<CausalConvolution> inlet_, outlet_;
  std::vector<Block> blocks_;
};

}  // namespace

std::shared_ptr<Net> price_cnn(const PriceCnnParams& params, std::int64_t inputs, Rng& random) {
  return std::make_shared<PriceCnn>(params, inputs, random);
}

}  // namespace walras::models
