// Price CNN: one branch for each time frame, causal dilated convolutions in residual blocks, and
// attention over time. A frame of f steps sees the moving mean of the last f (times sqrt(f), which
// keeps the variance of noise) at every f-th step: bars of that frame which end now, whatever the
// clock's phase. So one stream of base bars serves all frames, and the net stays causal.
#include <cmath>

#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

/// x + conv2(relu(conv1(x))), followed by relu; dilation 2^i in the first convolution.
class Branch final : public torch::nn::Module {
 public:
  Branch(std::int64_t inputs, std::int64_t channels, std::int64_t blocks, std::int64_t kernel,
         std::int64_t frame, bool batch_norm, Rng& random)
      : frame_(frame),
        inlet_(register_module("inlet",
                               std::make_shared<CausalConvolution>(inputs, channels, 1, 1))) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      const std::string name = "block" + std::to_string(block);
      const std::int64_t dilation = frame << block;
      Block made{register_module(name + "_first", std::make_shared<CausalConvolution>(
                                                      channels, channels, kernel, dilation)),
                 register_module(name + "_second",
                                 std::make_shared<CausalConvolution>(channels, channels, 1, 1)),
                 nullptr};
      if (batch_norm)
        made.norm = register_module(name + "_norm", std::make_shared<BatchNorm>(channels));
      blocks_.push_back(std::move(made));
    }
    fill_uniform(inlet_->weight, 1.0, random);
    // Each block adds to the signal; the second convolution is scaled so that the sum keeps its
    // size.
    const double residual_gain = 1.0 / std::sqrt(static_cast<double>(blocks));
    for (const Block& block : blocks_) {
      fill_uniform(block.first->weight, std::sqrt(2.0), random);
      fill_uniform(block.second->weight, residual_gain, random);
    }
  }

  /// (B, inputs, T) -> (B, channels, T)
  torch::Tensor forward(const torch::Tensor& input) const {
    torch::Tensor signal = input;
    if (frame_ > 1) {
      signal = at::avg_pool1d(at::constant_pad_nd(input, {frame_ - 1, 0}), {frame_}, {1}) *
               std::sqrt(static_cast<double>(frame_));
    }
    signal = inlet_->forward(signal);
    for (const Block& block : blocks_) {
      torch::Tensor inside = block.first->forward(signal);
      if (block.norm) inside = block.norm->forward(inside);
      signal = at::relu(signal + block.second->forward(at::relu(inside)));
    }
    return signal;
  }

 private:
  struct Block {
    std::shared_ptr<CausalConvolution> first, second;
    std::shared_ptr<BatchNorm> norm;
  };
  std::int64_t frame_;
  std::shared_ptr<CausalConvolution> inlet_;
  std::vector<Block> blocks_;
};

class PriceCnn final : public Net {
 public:
  struct Params {
    std::vector<std::int64_t> frames{1};
    std::int64_t channels = 16, blocks = 3, kernel = 3, features = 16, heads = 0;
    bool batch_norm = false;
    static void fields(auto&& field) {
      field("frames", &Params::frames,
            {.unit = "steps",
             .min = 1,
             .max = 4096,
             .doc = "time frames, a branch each: 1, 5 and 15 on minute bars"});
      field("channels", &Params::channels,
            {.min = 1, .max = 1024, .doc = "width of the convolutions of a branch"});
      field("blocks", &Params::blocks,
            {.min = 1,
             .max = 12,
             .doc = "residual blocks; block i looks back in steps of 2^i bars of the frame"});
      field("kernel", &Params::kernel,
            {.unit = "steps", .min = 2, .max = 15, .doc = "taps of a convolution"});
      field("features", &Params::features,
            {.min = 1, .max = 1024, .doc = "numbers that describe a window"});
      field("heads", &Params::heads,
            {.min = 0, .max = 64, .doc = "of attention over the window's steps; 0 = no attention"});
      field("batch_norm", &Params::batch_norm,
            {.doc = "batch normalisation inside the residual blocks"});
    }
  };

  PriceCnn(Params params, const NetShape& shape, Rng& random)
      : Net(shape), features_(params.features) {
    if (params.frames.empty())
      fail(Fault::Scenario, "frames", "expected at least one time frame, was none");
    for (const std::int64_t frame : params.frames) {
      const std::string name = "frame" + std::to_string(branches_.size());
      branches_.push_back(register_module(
          name, std::make_shared<Branch>(shape.channels, params.channels, params.blocks,
                                         params.kernel, frame, params.batch_norm, random)));
    }
    const std::int64_t width =
        params.channels * static_cast<std::int64_t>(params.frames.size());
    if (params.heads > 0) {
      norm_ = register_module("norm", std::make_shared<LayerNorm>(width));
      attention_ = register_module(
          "attention",
          std::make_shared<Attention>(Attention::Shape{.width = width,
                                                       .heads = params.heads,
                                                       .causal = true,
                                                       .band = shape.window},
                                      random));
    }
    outlet_ = register_module(
        "outlet", std::make_shared<CausalConvolution>(width, params.features, 1, 1));
    fill_uniform(outlet_->weight, std::sqrt(2.0), random);
  }

  [[nodiscard]] bool causal() const override { return true; }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    return at::relu(outlet_->forward(trunk(input, 1))).select(2, 0);
  }
  torch::Tensor stream(const torch::Tensor& input) override {
    return at::relu(outlet_->forward(trunk(input, input.size(2))));
  }

 private:
  /// (B, C, T) -> (B, width, last), the last steps.
  torch::Tensor trunk(const torch::Tensor& input, std::int64_t last) {
    torch::Tensor signal = branches_[0]->forward(input);
    if (branches_.size() > 1) {
      std::vector<torch::Tensor> all{signal};
      for (std::size_t i = 1; i < branches_.size(); ++i)
        all.push_back(branches_[i]->forward(input));
      signal = at::cat(all, 1);
    }
    const std::int64_t first = input.size(2) - last;
    if (!attention_) return signal.narrow(2, first, last);
    const torch::Tensor steps = norm_->forward(signal.transpose(1, 2));
    const torch::Tensor asking = first == 0 ? steps : steps.narrow(1, first, last);
    return signal.narrow(2, first, last) + attention_->forward(asking, steps).transpose(1, 2);
  }

  std::int64_t features_;
  std::vector<std::shared_ptr<Branch>> branches_;
  std::shared_ptr<LayerNorm> norm_;
  std::shared_ptr<Attention> attention_;
  std::shared_ptr<CausalConvolution> outlet_;
};

}  // namespace

void add_price_cnn(Nets& nets) {
  nets.add<PriceCnn>("price_cnn",
                     "causal dilated convolutions over price windows, a branch for each time frame");
}

}  // namespace walras::models
