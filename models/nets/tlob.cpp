// TLOB: attention in turn over steps and over features, after a normalisation along both. Source:
// Berti and Kasneci 2025.
#include <cmath>

#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

/// Bilinear normalisation: each window is standardised along its steps and along its channels, with
/// scales and shifts of their own, and the two are mixed. Source: Tran et al. 2021.
class BilinearNorm final : public torch::nn::Module {
 public:
  BilinearNorm(std::int64_t channels, std::int64_t window)
      : channel_scale_(register_parameter("channel_scale", torch::ones({channels, 1}))),
        channel_shift_(register_parameter("channel_shift", torch::zeros({channels, 1}))),
        step_scale_(register_parameter("step_scale", torch::ones({1, window}))),
        step_shift_(register_parameter("step_shift", torch::zeros({1, window}))),
        mix_(register_parameter("mix", torch::full({2}, 0.5))) {}
  torch::Tensor forward(const torch::Tensor& input) const {  // (B, C, T), same out
    const auto standard = [&input](std::int64_t along) {
      const torch::Tensor centred = input - input.mean(along, true);
      return centred / at::sqrt(centred.square().mean(along, true) + 1e-5);
    };
    return mix_[0] * (standard(2) * channel_scale_ + channel_shift_) +
           mix_[1] * (standard(1) * step_scale_ + step_shift_);
  }

 private:
  torch::Tensor channel_scale_, channel_shift_, step_scale_, step_shift_, mix_;
};

class Tlob final : public Net {
 public:
  struct Params {
    std::int64_t width = 40, layers = 2, heads = 1, features = 64;
    double dropout = 0;
    static void fields(auto&& field) {
      field("width", &Params::width, {.min = 2, .max = 4096, .doc = "numbers of a step"});
      field("layers", &Params::layers, {.min = 1, .max = 32, .doc = "pairs of attention over steps and over features"});
      field("heads", &Params::heads, {.min = 1, .max = 64, .doc = "a divisor of the width and of the window"});
      field("features", &Params::features, {.min = 1, .max = 65'536, .doc = "numbers that describe a window"});
      field("dropout", &Params::dropout, {.min = 0, .max = 0.95, .doc = "share of numbers left out in training"});
    }
  };
  Tlob(Params params, const NetShape& shape, Rng& random)
      : Net(shape), features_(params.features), width_(params.width) {
    norm_ = register_module("norm", std::make_shared<BilinearNorm>(shape.channels, shape.window));
    inlet_ = register_module("inlet", std::make_shared<Linear>(shape.channels, params.width));
    fill_uniform(inlet_->weight, 1.0, random);
    const auto block = [&](const std::string& name, std::int64_t width) {
      return register_module(name, std::make_shared<TransformerBlock>(
                                       Attention::Shape{.width = width, .heads = params.heads},
                                       4 * width, params.dropout, random));
    };
    for (std::int64_t layer = 0; layer < params.layers; ++layer) {
      const std::string name = std::to_string(layer);
      over_steps_.push_back(block("steps" + name, params.width));
      over_features_.push_back(block("features" + name, shape.window));
    }
    outlet_ = register_module("outlet", std::make_shared<Linear>(params.width * shape.window, params.features));
    fill_uniform(outlet_->weight, std::sqrt(2.0), random);
  }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    torch::Tensor steps = inlet_->forward(norm_->forward(input).transpose(1, 2));
    steps = steps + sinusoidal_positions(steps.size(1), width_, steps);
    for (std::size_t i = 0; i < over_steps_.size(); ++i) {
      steps = over_steps_[i]->forward(steps);
      steps = over_features_[i]->forward(steps.transpose(1, 2).contiguous()).transpose(1, 2).contiguous();
    }
    return at::gelu(outlet_->forward(steps.flatten(1)));
  }

 private:
  std::int64_t features_, width_;
  std::shared_ptr<BilinearNorm> norm_;
  std::shared_ptr<Linear> inlet_, outlet_;
  std::vector<std::shared_ptr<TransformerBlock>> over_steps_, over_features_;
};

}  // namespace

void add_tlob(Nets& nets) {
  nets.add<Tlob>("tlob", "TLOB: attention over steps and over features in turn");
}

}  // namespace walras::models
