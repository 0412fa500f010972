// TransLOB: causal dilated convolutions, then Transformer blocks that share their weights, over a
// window of order-book levels. Source: Wallbridge 2020.
#include <cmath>

#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

class TransLob final : public Net {
 public:
  struct Params {
    std::int64_t filters = 14, convolutions = 5, blocks = 2, heads = 3, hidden = 60, features = 64;
    double dropout = 0.1;
    static void fields(auto&& field) {
      field("filters", &Params::filters, {.min = 1, .max = 1023, .doc = "width of the convolutions; one more channel tells the place"});
      field("convolutions", &Params::convolutions, {.min = 1, .max = 10, .doc = "of kernel 2; the i-th has dilation 2^i"});
      field("blocks", &Params::blocks, {.min = 1, .max = 64, .doc = "passes through the Transformer block"});
      field("heads", &Params::heads, {.min = 1, .max = 64, .doc = "a divisor of filters + 1"});
      field("hidden", &Params::hidden, {.min = 1, .max = 65'536, .doc = "width inside the block"});
      field("features", &Params::features, {.min = 1, .max = 65'536, .doc = "numbers that describe a window"});
      field("dropout", &Params::dropout, {.min = 0, .max = 0.95, .doc = "share of numbers left out in training"});
    }
  };
  TransLob(Params params, const NetShape& shape, Rng& random)
      : Net(shape), blocks_(params.blocks), features_(params.features) {
    std::int64_t in = shape.channels;
    for (std::int64_t i = 0; i < params.convolutions; ++i) {
      convolutions_.push_back(register_module(
          "convolution" + std::to_string(i),
          std::make_shared<CausalConvolution>(in, params.filters, 2, std::int64_t{1} << i)));
      fill_uniform(convolutions_.back()->weight, std::sqrt(2.0), random);
      in = params.filters;
    }
    const std::int64_t width = params.filters + 1;
    norm_ = register_module("norm", std::make_shared<LayerNorm>(params.filters));
    block_ = register_module(
        "block", std::make_shared<TransformerBlock>(
                     Attention::Shape{.width = width, .heads = params.heads, .causal = true},
                     params.hidden, params.dropout, random));
    outlet_ = register_module("outlet", std::make_shared<Linear>(width * shape.window, params.features));
    fill_uniform(outlet_->weight, std::sqrt(2.0), random);
    dropout_ = register_module("dropout", std::make_shared<Dropout>(params.dropout));
  }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    torch::Tensor signal = input;
    for (const auto& convolution : convolutions_) signal = at::relu(convolution->forward(signal));
    torch::Tensor steps = norm_->forward(signal.transpose(1, 2));
    const torch::Tensor place = torch::linspace(-1.0, 1.0, steps.size(1), steps.options())
                                    .view({1, -1, 1})
                                    .expand({steps.size(0), -1, 1});
    steps = at::cat({steps, place}, 2);
    for (std::int64_t i = 0; i < blocks_; ++i) steps = block_->forward(steps);
    return dropout_->forward(at::relu(outlet_->forward(steps.flatten(1))));
  }

 private:
  std::int64_t blocks_, features_;
  std::vector<std::shared_ptr<CausalConvolution>> convolutions_;
  std::shared_ptr<LayerNorm> norm_;
  std::shared_ptr<TransformerBlock> block_;
  std::shared_ptr<Linear> outlet_;
  std::shared_ptr<Dropout> dropout_;
};

}  // namespace

void add_translob(Nets& nets) {
  nets.add<TransLob>("translob", "TransLOB: causal convolutions and a shared Transformer block");
}

}  // namespace walras::models
