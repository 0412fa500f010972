// DeepLOB: convolutions that join price with volume, bid with ask, then levels; an inception module
// of three widths in time; an LSTM. Channels are (ask price, ask volume, bid price, bid volume) a
// level, levels a multiple of 4 channels; ten of them in the paper. Source: Zhang, Zohren and
// Roberts 2019, as their published PyTorch code has it (143,907 numbers with a head of 3 classes).
#include <fmt/format.h>

#include <cmath>

#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

enum class Bend : std::uint8_t { Leaky, Tanh };

class DeepLob final : public Net {
 public:
  struct Params {
    std::int64_t width = 32, hidden = 64;
    static void fields(auto&& field) {
      field("width", &Params::width, {.min = 1, .max = 1024, .doc = "of the convolutions; the inception's is twice it"});
      field("hidden", &Params::hidden, {.min = 1, .max = 4096, .doc = "of the LSTM, the features"});
    }
  };
  DeepLob(Params params, const NetShape& shape, Rng& random) : Net(shape), hidden_(params.hidden) {
    if (shape.channels % 4 != 0) {
      fail(Fault::Scenario, "deeplob",
           fmt::format("expected 4 channels (ask price, ask volume, bid price, bid volume) a level, "
                       "was {} channels", shape.channels));
    }
    if (shape.window < 19)
      fail(Fault::Scenario, "deeplob", fmt::format("expected a window of at least 19 steps, was {}", shape.window));
    const std::int64_t w = params.width, levels = shape.channels / 4;
    stage(trunk_, "trunk", {.in = 1, .out = w, .places = 2, .stride = 2}, Bend::Leaky, random);
    times(w, Bend::Leaky, random);
    stage(trunk_, "trunk", {.in = w, .out = w, .places = 2, .stride = 2}, Bend::Tanh, random);
    times(w, Bend::Tanh, random);
    stage(trunk_, "trunk", {.in = w, .out = w, .places = levels}, Bend::Leaky, random);
    times(w, Bend::Leaky, random);
    stage(three_, "three", {.in = w, .out = 2 * w}, Bend::Leaky, random);
    stage(three_, "three", {.in = 2 * w, .out = 2 * w, .steps = 3, .step_pad = 1}, Bend::Leaky, random);
    stage(five_, "five", {.in = w, .out = 2 * w}, Bend::Leaky, random);
    stage(five_, "five", {.in = 2 * w, .out = 2 * w, .steps = 5, .step_pad = 2}, Bend::Leaky, random);
    stage(pool_, "pool", {.in = w, .out = 2 * w}, Bend::Leaky, random);
    lstm_ = register_module("lstm", std::make_shared<Lstm>(6 * w, hidden_, false, random));
  }
  [[nodiscard]] std::int64_t features() const override { return hidden_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    torch::Tensor image = input.transpose(1, 2).unsqueeze(1);  // (B, 1, T, C)
    for (const Stage& part : trunk_) image = part(image);
    torch::Tensor three = image, five = image;
    for (const Stage& part : three_) three = part(three);
    for (const Stage& part : five_) five = part(five);
    const torch::Tensor pool = pool_[0](at::max_pool2d(image, {3, 1}, {1, 1}, {1, 0}));
    const torch::Tensor steps = at::cat({three, five, pool}, 1).squeeze(3).transpose(1, 2);
    return lstm_->forward(steps).select(1, steps.size(1) - 1);
  }

 private:
  struct Stage {
    std::shared_ptr<PlaneConvolution> convolution;
    std::shared_ptr<BatchNorm> norm;
    Bend bend;
    torch::Tensor operator()(const torch::Tensor& image) const {
      const torch::Tensor out = convolution->forward(image);
      return norm->forward(bend == Bend::Tanh ? at::tanh(out) : at::leaky_relu(out, 0.01));
    }
  };
  void stage(std::vector<Stage>& list, const char* name, const PlaneConvolution::Shape& shape,
             Bend bend, Rng& random) {
    const std::string full = name + std::to_string(list.size());
    list.push_back({register_module(full, std::make_shared<PlaneConvolution>(shape)),
                    register_module(full + "_norm", std::make_shared<BatchNorm>(shape.out)), bend});
    fill_uniform(list.back().convolution->weight, bend == Bend::Tanh ? 1.0 : std::sqrt(2.0), random);
  }
  void times(std::int64_t width, Bend bend, Rng& random) {
    for (int i = 0; i < 2; ++i)
      stage(trunk_, "trunk", {.in = width, .out = width, .steps = 4}, bend, random);
  }

  std::int64_t hidden_;
  std::vector<Stage> trunk_, three_, five_, pool_;
  std::shared_ptr<Lstm> lstm_;
};

}  // namespace

void add_deeplob(Nets& nets) {
  nets.add<DeepLob>("deeplob", "DeepLOB: convolutions over order-book levels, inception, LSTM");
}

}  // namespace walras::models
