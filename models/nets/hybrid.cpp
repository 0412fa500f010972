// Hybrid: three paths over one window, price CNN, LSTM and Transformer. The CNN's steps ask the
// LSTM's (cross-attention: what patterns should remember, of what came before); an attention of one
// query fuses the three summaries; a gate, which sees the level and spread of each channel over the
// window (the market's regime), decides how much each path counts.
#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

class Hybrid final : public Net {
 public:
  struct Params {
    std::int64_t width = 32, heads = 4, blocks = 3, kernel = 3, layers = 2, hidden = 64;
    double dropout = 0;
    static void fields(auto&& field) {
      field("width", &Params::width, {.min = 2, .max = 4096, .doc = "numbers of a step in each path, the features"});
      field("heads", &Params::heads, {.min = 1, .max = 64, .doc = "of each attention; a divisor of the width"});
      field("blocks", &Params::blocks, {.min = 1, .max = 12, .doc = "residual blocks of the CNN"});
      field("kernel", &Params::kernel, {.unit = "steps", .min = 2, .max = 15, .doc = "taps of the CNN"});
      field("layers", &Params::layers, {.min = 1, .max = 64, .doc = "blocks of the Transformer"});
      field("hidden", &Params::hidden, {.min = 1, .max = 65'536, .doc = "width inside a Transformer block"});
      field("dropout", &Params::dropout, {.min = 0, .max = 0.95, .doc = "share of features left out in training"});
    }
  };

  Hybrid(Params params, const NetShape& shape, Rng& random) : Net(shape), width_(params.width) {
    const std::int64_t width = params.width;
    const auto path = [&](const char* name, Json json) {
      return register_module(name, build_net(json, shape, random, ""));
    };
    cnn_ = path("cnn", Json::object({{"kind", "price_cnn"},
                                     {"channels", width},
                                     {"blocks", params.blocks},
                                     {"kernel", params.kernel},
                                     {"features", width}}));
    lstm_ = path("lstm", Json::object({{"kind", "lstm"}, {"hidden", width}, {"heads", 0}}));
    transformer_ = path("transformer", Json::object({{"kind", "transformer"},
                                                     {"width", width},
                                                     {"heads", params.heads},
                                                     {"layers", params.layers},
                                                     {"hidden", params.hidden},
                                                     {"dropout", params.dropout}}));
    for (std::size_t i = 0; i < 3; ++i) {
      norms_[i] = register_module("norm" + std::to_string(i), std::make_shared<LayerNorm>(width));
    }
    cross_ = register_module(
        "cross", std::make_shared<Attention>(
                     Attention::Shape{
                         .width = width, .heads = params.heads, .causal = true, .band = shape.window},
                     random));
    fusion_ = register_module("fusion", std::make_shared<AttentionPooling>(width, random));
    gate_ = register_module("gate", std::make_shared<Linear>(2 * shape.channels, 3));
    outlet_ = register_module("outlet", std::make_shared<Linear>(2 * width, width));
    dropout_ = register_module("dropout", std::make_shared<Dropout>(params.dropout));
    fill_uniform(gate_->weight, 0.5, random);
    fill_uniform(outlet_->weight, 1.0, random);
  }
  [[nodiscard]] bool causal() const override { return true; }
  [[nodiscard]] std::int64_t features() const override { return width_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    return combine(input, 1).squeeze(1);
  }
  torch::Tensor stream(const torch::Tensor& input) override {
    return combine(input, input.size(2)).transpose(1, 2);
  }

 private:
  /// (B, C, T) -> (B, last, width)
  torch::Tensor combine(const torch::Tensor& input, std::int64_t last) {
    const std::int64_t batch = input.size(0), length = input.size(2), first = length - last;
    const torch::Tensor memory = norms_[1]->forward(lstm_->sequence(input).transpose(1, 2));
    const torch::Tensor temporal = memory.narrow(1, first, last);
    const torch::Tensor pattern = last == 1 && length == shape().window
                                      ? cnn_->forward(input).unsqueeze(1)
                                      : cnn_->sequence(input).transpose(1, 2).narrow(1, first, last);
    const torch::Tensor spatial = norms_[0]->forward(pattern);
    const torch::Tensor distant =
        last == 1 && length == shape().window
            ? transformer_->forward(input).unsqueeze(1)
            : transformer_->sequence(input).transpose(1, 2).narrow(1, first, last);
    const torch::Tensor crossed = spatial + cross_->forward(spatial, memory);
    // (B, last, 3, width), each path weighed by the gate
    const torch::Tensor paths =
        at::stack({crossed, temporal, norms_[2]->forward(distant)}, 2);
    const torch::Tensor gate = at::softmax(gate_->forward(regime(input, last)), 2).unsqueeze(3);
    const torch::Tensor fused =
        fusion_->forward((paths * gate * 3.0).reshape({batch * last, 3, width_}))
            .view({batch, last, width_});
    const torch::Tensor gated = (paths * gate).sum(2);
    return dropout_->forward(at::gelu(outlet_->forward(at::cat({fused, gated}, 2))));
  }

  /// Mean and deviation of each channel over the window that ends at each of the last steps.
  [[nodiscard]] torch::Tensor regime(const torch::Tensor& input, std::int64_t last) const {
    const std::int64_t window = shape().window, length = input.size(2);
    if (last == 1 && length == window) {
      const torch::Tensor mean = input.mean(2), square = input.square().mean(2);
      return at::cat({mean, spread(square - mean.square())}, 1).unsqueeze(1);
    }
    const auto moving = [&](const torch::Tensor& x) {
      return at::avg_pool1d(at::constant_pad_nd(x, {window - 1, 0}), {window}, {1})
          .narrow(2, length - last, last);
    };
    const torch::Tensor mean = moving(input);
    return at::cat({mean, spread(moving(input.square()) - mean.square())}, 1).transpose(1, 2);
  }
  static torch::Tensor spread(const torch::Tensor& variance) {
    return at::sqrt(variance.clamp_min(1e-8));
  }

  std::int64_t width_;
  std::shared_ptr<Net> cnn_, lstm_, transformer_;
  std::array<std::shared_ptr<LayerNorm>, 3> norms_;
  std::shared_ptr<Attention> cross_;
  std::shared_ptr<AttentionPooling> fusion_;
  std::shared_ptr<Linear> gate_, outlet_;
  std::shared_ptr<Dropout> dropout_;
};

}  // namespace

void add_hybrid(Nets& nets) {
  nets.add<Hybrid>("hybrid",
                   "CNN, LSTM and Transformer over one window, fused by attention, gated by regime");
}

}  // namespace walras::models
