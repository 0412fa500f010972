// Profile CNN: convolutions over images of (step, price place). The channels of the window are
// planes x places: volume at each price offset, depth of the book, its imbalance. Layers for the
// places come first (microstructure: neighbouring prices at one time), then for both, then
// attention over places weighs where in the profile the news is, and a causal convolution ends it.
#include <fmt/format.h>

#include <cmath>

#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

class ProfileCnn final : public Net {
 public:
  struct Params {
    std::int64_t places = 16, channels = 16, blocks = 2, kernel = 3, features = 16;
    bool batch_norm = true;
    static void fields(auto&& field) {
      field("places", &Params::places,
            {.min = 2, .max = 4096, .doc = "prices of a profile; the channels are planes x places"});
      field("channels", &Params::channels, {.min = 1, .max = 1024, .doc = "width of the convolutions"});
      field("blocks", &Params::blocks,
            {.min = 1, .max = 12, .doc = "residual blocks over steps and places"});
      field("kernel", &Params::kernel,
            {.min = 3, .max = 15, .doc = "taps along steps and places; odd"});
      field("features", &Params::features,
            {.min = 1, .max = 1024, .doc = "numbers that describe a window"});
      field("batch_norm", &Params::batch_norm, {.doc = "batch normalisation after convolutions"});
    }
  };

  ProfileCnn(Params params, const NetShape& shape, Rng& random)
      : Net(shape), places_(params.places), features_(params.features) {
    if (shape.channels % params.places != 0) {
      fail(Fault::Scenario, "places",
           fmt::format("expected a divisor of the {} channels (planes x places), was {}",
                       shape.channels, params.places));
    }
    if (params.kernel % 2 == 0)
      fail(Fault::Scenario, "kernel", fmt::format("expected an odd kernel, was {}", params.kernel));
    const std::int64_t planes = shape.channels / params.places, width = params.channels,
                       reach = (params.kernel - 1) / 2;
    micro_ = plane("micro", {.in = planes, .out = width, .places = params.kernel, .place_pad = reach},
                   params.batch_norm, random);
    for (std::int64_t block = 0; block < params.blocks; ++block) {
      blocks_.push_back(plane("block" + std::to_string(block),
                              {.in = width,
                               .out = width,
                               .steps = params.kernel,
                               .places = params.kernel,
                               .step_pad = reach,
                               .place_pad = reach,
                               .causal = true},
                              params.batch_norm, random));
    }
    pooling_ = register_module("pooling", std::make_shared<AttentionPooling>(width, random));
    outlet_ = register_module("outlet", std::make_shared<CausalConvolution>(
                                            width, params.features, params.kernel, 1));
    fill_uniform(outlet_->weight, std::sqrt(2.0), random);
  }

  [[nodiscard]] bool causal() const override { return true; }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    return stream(input).select(2, input.size(2) - 1);
  }
  torch::Tensor stream(const torch::Tensor& input) override {
    const std::int64_t batch = input.size(0), steps = input.size(2);
    torch::Tensor image =
        input.view({batch, input.size(1) / places_, places_, steps}).transpose(2, 3);
    image = apply(micro_, image);
    for (const Layer& block : blocks_) image = image + apply(block, image);
    // (B, width, T, P) -> pool the places of each step
    const torch::Tensor rows = image.permute({0, 2, 3, 1}).reshape({batch * steps, places_, -1});
    const torch::Tensor pooled = pooling_->forward(rows).view({batch, steps, -1}).transpose(1, 2);
    return at::relu(outlet_->forward(pooled));
  }

 private:
  struct Layer {
    std::shared_ptr<PlaneConvolution> convolution;
    std::shared_ptr<BatchNorm> norm;
  };
  Layer plane(const std::string& name, const PlaneConvolution::Shape& shape, bool batch_norm,
              Rng& random) {
    Layer made{register_module(name, std::make_shared<PlaneConvolution>(shape)), nullptr};
    fill_uniform(made.convolution->weight, std::sqrt(2.0), random);
    if (batch_norm)
      made.norm = register_module(name + "_norm", std::make_shared<BatchNorm>(shape.out));
    return made;
  }
  static torch::Tensor apply(const Layer& layer, const torch::Tensor& image) {
    torch::Tensor out = layer.convolution->forward(image);
    if (layer.norm) out = layer.norm->forward(out);
    return at::relu(out);
  }

  std::int64_t places_, features_;
  Layer micro_;
  std::vector<Layer> blocks_;
  std::shared_ptr<AttentionPooling> pooling_;
  std::shared_ptr<CausalConvolution> outlet_;
};

}  // namespace

void add_profile_cnn(Nets& nets) {
  nets.add<ProfileCnn>("profile_cnn",
                       "convolutions over volume-at-price and depth images, pooled by attention");
}

}  // namespace walras::models
