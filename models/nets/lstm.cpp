// LSTM with attention, over several horizons. Level h reads means of h steps (times sqrt(h)), has
// an LSTM of its own, layer normalisation and multi-head attention over its steps. Both directions
// see the whole window, so that net is for closed windows; the causal one is a stream: a coarse
// level moves on every h steps from the stream's start, and holds its last state between.
#include <algorithm>
#include <cmath>

#include "models/attention.hpp"
#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

struct LstmParams {
  std::vector<std::int64_t> horizons{1};
  std::int64_t hidden = 32, heads = 4;
  double dropout = 0;
  static void fields(auto&& field) {
    field("horizons", &LstmParams::horizons,
          {.unit = "steps", .min = 1, .max = 4096, .doc = "levels: steps that one of theirs covers"});
    field("hidden", &LstmParams::hidden,
          {.min = 1, .max = 4096, .doc = "width of each direction of each level"});
    field("heads", &LstmParams::heads,
          {.min = 0, .max = 64, .doc = "of attention over a level's steps; 0 = no attention"});
    field("dropout", &LstmParams::dropout,
          {.min = 0, .max = 0.95, .doc = "share of features left out in training"});
  }
};

/// One horizon: (B, C, T) -> states (B, T / h, width).
class Level final : public torch::nn::Module {
 public:
  Level(std::int64_t inputs, std::int64_t horizon, std::int64_t window, const LstmParams& params,
        bool both_ways, Rng& random)
      : horizon_(horizon),
        width_(params.hidden * (both_ways ? 2 : 1)),
        lstm_(register_module("lstm", std::make_shared<Lstm>(inputs, params.hidden, both_ways, random))),
        norm_(register_module("norm", std::make_shared<LayerNorm>(width_))) {
    if (params.heads > 0) {
      attention_ = register_module(
          "attention",
          std::make_shared<Attention>(Attention::Shape{.width = width_,
                                                       .heads = params.heads,
                                                       .causal = !both_ways,
                                                       .band = both_ways ? 0 : window / horizon},
                                      random));
    }
  }
  torch::Tensor forward(const torch::Tensor& input) {
    torch::Tensor steps = input;
    if (horizon_ > 1)
      steps = at::avg_pool1d(input, {horizon_}) * std::sqrt(static_cast<double>(horizon_));
    const torch::Tensor states = norm_->forward(lstm_->forward(steps.transpose(1, 2)));
    return attention_ ? states + attention_->forward(states, states) : states;
  }
  [[nodiscard]] std::int64_t horizon() const { return horizon_; }
  [[nodiscard]] std::int64_t width() const { return width_; }

 private:
  std::int64_t horizon_, width_;
  std::shared_ptr<Lstm> lstm_;
  std::shared_ptr<LayerNorm> norm_;
  std::shared_ptr<Attention> attention_;
};

template <bool kBothWays>
class LstmNet final : public Net {
 public:
  using Params = LstmParams;
  LstmNet(const Params& params, const NetShape& shape, Rng& random) : Net(shape) {
    if (params.horizons.empty())
      fail(Fault::Scenario, "horizons", "expected at least one horizon, was none");
    for (const std::int64_t horizon : params.horizons) {
      if (horizon > shape.window) {
        fail(Fault::Scenario, "horizons",
             "expected horizons within the window of " + std::to_string(shape.window) +
                 " steps, was " + std::to_string(horizon));
      }
      const std::string name = "level" + std::to_string(levels_.size());
      levels_.push_back(register_module(
          name, std::make_shared<Level>(shape.channels, horizon, shape.window, params, kBothWays,
                                        random)));
      if (kBothWays) {
        poolings_.push_back(register_module(
            name + "_pooling", std::make_shared<AttentionPooling>(levels_.back()->width(), random)));
      }
      features_ += levels_.back()->width();
    }
    dropout_ = register_module("dropout", std::make_shared<Dropout>(params.dropout));
  }
  [[nodiscard]] bool causal() const override { return !kBothWays; }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    std::vector<torch::Tensor> parts;
    for (std::size_t i = 0; i < levels_.size(); ++i) {
      const torch::Tensor states = levels_[i]->forward(input);
      parts.push_back(kBothWays ? poolings_[i]->forward(states)
                                : states.select(1, states.size(1) - 1));
    }
    return dropout_->forward(at::cat(parts, 1));
  }
  torch::Tensor stream(const torch::Tensor& input) override {
    if (kBothWays) return Net::stream(input);
    const std::int64_t length = input.size(2);
    std::vector<torch::Tensor> parts;
    for (const auto& level : levels_) {
      const std::int64_t h = level->horizon();
      if (length < h) {
        parts.push_back(torch::zeros({input.size(0), level->width(), length}, input.options()));
        continue;
      }
      // State k is complete at step (k + 1) h - 1 and holds for h steps; before the first: zeros.
      torch::Tensor states = level->forward(input).transpose(1, 2);
      if (h > 1) states = at::repeat_interleave(states, h, 2);
      states = at::constant_pad_nd(states, {h - 1, 0});
      parts.push_back(states.narrow(2, 0, length));
    }
    return at::cat(parts, 1);
  }

 private:
  std::vector<std::shared_ptr<Level>> levels_;
  std::vector<std::shared_ptr<AttentionPooling>> poolings_;
  std::shared_ptr<Dropout> dropout_;
  std::int64_t features_ = 0;
};

}  // namespace

void add_lstm(Nets& nets) {
  nets.add<LstmNet<true>>(
      "bilstm", "LSTM in both directions with attention, over several horizons; closed windows only");
  nets.add<LstmNet<false>>("lstm", "LSTM with causal attention, over several horizons; streams");
}

}  // namespace walras::models
