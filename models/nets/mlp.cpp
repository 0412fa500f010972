// Multilayer perceptron over the whole window: what a network without any idea of time can do.
#include <cmath>

#include "models/layers.hpp"
#include "models/nets/nets.hpp"

namespace walras::models {
namespace {

class Mlp final : public Net {
 public:
  struct Params {
    std::vector<std::int64_t> hidden{64, 64};
    double dropout = 0;
    static void fields(auto&& field) {
      field("hidden", &Params::hidden,
            {.min = 1, .max = 65'536, .doc = "widths of the hidden layers; the last are the features"});
      field("dropout", &Params::dropout,
            {.min = 0, .max = 0.95, .doc = "share of hidden numbers left out in training"});
    }
  };
  Mlp(Params params, const NetShape& shape, Rng& random) : Net(shape) {
    if (params.hidden.empty())
      fail(Fault::Scenario, "hidden", "expected at least one hidden layer, was none");
    std::int64_t in = shape.channels * shape.window;
    for (const std::int64_t out : params.hidden) {
      const std::string name = "layer" + std::to_string(layers_.size());
      layers_.push_back(register_module(name, std::make_shared<Linear>(in, out)));
      fill_uniform(layers_.back()->weight, std::sqrt(2.0), random);
      in = out;
    }
    features_ = in;
    dropout_ = register_module("dropout", std::make_shared<Dropout>(params.dropout));
  }
  [[nodiscard]] std::int64_t features() const override { return features_; }

 protected:
  torch::Tensor window(const torch::Tensor& input) override {
    torch::Tensor signal = input.flatten(1);
    for (const auto& layer : layers_) signal = at::relu(layer->forward(signal));
    return dropout_->forward(signal);
  }

 private:
  std::vector<std::shared_ptr<Linear>> layers_;
  std::shared_ptr<Dropout> dropout_;
  std::int64_t features_ = 0;
};

}  // namespace

void add_mlp(Nets& nets) {
  nets.add<Mlp>("mlp", "fully connected layers over the whole window");
}

void add_nets(Nets& nets) {
  add_deeplob(nets);
  add_hybrid(nets);
  add_lstm(nets);
  add_mlp(nets);
  add_price_cnn(nets);
  add_profile_cnn(nets);
  add_tlob(nets);
  add_transformer(nets);
  add_translob(nets);
}

}  // namespace walras::models
