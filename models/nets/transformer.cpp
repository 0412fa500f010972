// Transformer encoder over steps. With rotary positions it is a stream: only distances count, and a
// step sees at most the last T steps of each layer.
#include <fmt/format.h>

#include <algorithm>

#include "models/attention.hpp"
#include "models/checkpointing.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

class Transformer final : public Net {
 public:
  struct Params {
    std::int64_t width = 32, heads = 4, layers = 2, hidden = 64, scales = 1;
    AttentionKind attention = AttentionKind::Auto;
    Positions positions = Positions::Rotary;
    bool causal = true, checkpointing = false;
    double dropout = 0;
    static void fields(auto&& field) {
      field("width", &Params::width, {.min = 1, .max = 4096, .doc = "numbers of a step, the features"});
      field("heads", &Params::heads, {.min = 1, .max = 64, .doc = "of attention; a divisor of the width"});
      field("layers", &Params::layers, {.min = 1, .max = 64, .doc = "blocks"});
      field("hidden", &Params::hidden, {.min = 1, .max = 65'536, .doc = "width inside a block"});
      field("scales", &Params::scales,
            {.min = 1,
             .max = 6,
             .doc = "time scales: head h sees the last window / 4^(h mod scales) steps"});
      field("attention", &Params::attention,
            {.doc = "kernel: quadratic softmax, or linear ones for long windows; auto takes the "
                    "faster by the window's length"});
      field("positions", &Params::positions, {.doc = "how a step knows its place"});
      field("causal", &Params::causal, {.doc = "whether a step sees only those before it"});
      field("checkpointing", &Params::checkpointing,
            {.doc = "compute blocks twice in training instead of storing their insides"});
      field("dropout", &Params::dropout,
            {.min = 0, .max = 0.95, .doc = "share of numbers inside a block left out in training"});
    }
  };

  Transformer(Params params, const NetShape& shape, Rng& random)
      : Net(shape), params_(std::move(params)) {
    if (params_.scales > 1 && !params_.causal)
      fail(Fault::Scenario, "scales", "expected 1 without causal attention, was " +
                                          std::to_string(params_.scales));
    AttentionKind kind = params_.attention;
    if (kind == AttentionKind::Auto) {
      kind = params_.scales > 1 || shape.window < kCrossover ? AttentionKind::Softmax
                                                             : AttentionKind::Linear;
    }
    const bool softmax = kind == AttentionKind::Softmax;
    if (params_.scales > 1 && !softmax)
      fail(Fault::Scenario, "scales", "expected 1 with a linear kernel, was " +
                                          std::to_string(params_.scales));
    inlet_ = register_module("inlet", std::make_shared<Linear>(shape.channels, params_.width));
    fill_uniform(inlet_->weight, 1.0, random);
    if (params_.positions == Positions::Learned) {
      place_ = register_parameter("place", torch::zeros({shape.window, params_.width}));
      fill_uniform(place_.detach(), 0.1, random);
    }
    for (std::int64_t layer = 0; layer < params_.layers; ++layer) {
      blocks_.push_back(register_module(
          "block" + std::to_string(layer),
          std::make_shared<TransformerBlock>(
              Attention::Shape{.width = params_.width,
                               .heads = params_.heads,
                               .kind = kind,
                               .causal = params_.causal,
                               .band = params_.causal && softmax ? shape.window : 0,
                               .scales = params_.scales,
                               .rotary = params_.positions == Positions::Rotary},
              params_.hidden, params_.dropout, random)));
    }
    norm_ = register_module("norm", std::make_shared<LayerNorm>(params_.width));
  }
  [[nodiscard]] bool causal() const override { return params_.causal; }
  [[nodiscard]] std::int64_t features() const override { return params_.width; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    const torch::Tensor steps = trunk(input, params_.causal ? 1 : 0);
    return norm_->forward(params_.causal ? steps.select(1, 0) : steps.mean(1));
  }
  torch::Tensor stream(const torch::Tensor& input) override {
    if (!params_.causal) return Net::stream(input);
    if (params_.positions == Positions::Learned && input.size(2) > shape().window) {
      fail(Fault::Numeric, "network input",
           fmt::format("expected at most {} steps (dimension 2) with learned positions, was {}; "
                       "rotary positions have no end",
                       shape().window, input.size(2)));
    }
    return norm_->forward(trunk(input, 0)).transpose(1, 2);
  }

 private:
  /// (B, C, T) -> (B, last or T, width)
  torch::Tensor trunk(const torch::Tensor& input, std::int64_t last) {
    torch::Tensor steps = inlet_->forward(input.transpose(1, 2));
    const std::int64_t length = input.size(2);
    if (params_.positions == Positions::Sinusoidal)
      steps = steps + sinusoidal_positions(length, params_.width, steps);
    if (params_.positions == Positions::Learned) steps = steps + place_.narrow(0, 0, length);
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      TransformerBlock& block = *blocks_[i];
      const std::int64_t kept = i + 1 == blocks_.size() ? last : 0;
      const auto run = [&block, kept](const torch::Tensor& x) { return block.forward(x, kept); };
      steps = params_.checkpointing && is_training() ? checkpointed(run, steps) : run(steps);
    }
    return steps;
  }

  Params params_;
  std::shared_ptr<Linear> inlet_;
  torch::Tensor place_;
  std::vector<std::shared_ptr<TransformerBlock>> blocks_;
  std::shared_ptr<LayerNorm> norm_;
};

}  // namespace

void add_transformer(Nets& nets) {
  nets.add<Transformer>("transformer",
                        "Transformer encoder: softmax, linear or Performer attention over steps");
}

}  // namespace walras::models
