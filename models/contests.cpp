// Compiled networks against the same networks through LibTorch, for `walras bench`.
#include "models/attention.hpp"
#include "models/catalog.hpp"
#include "models/compiled.hpp"
#include "models/net.hpp"

namespace walras::models {
namespace {

class Latency final : public strategies::Contest {
 public:
  /// `whole`: a unit of work is a window from its first step, else one more step of a stream.
  Latency(const char* json, strategies::PredictorContext shape, bool whole)
      : shape_(shape), whole_(whole), output_(shape.outputs) {
    Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
    add_models(registry);
    Json asked = Json::parse(json);
    asked["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 64})");
    predictor_ = registry.build(asked, "", shape);
    Rng random(1, "latency");
    strategies::Dataset data;
    data.rows = 64;
    data.channels = shape.channels;
    data.window = shape.window;
    data.outputs = shape.outputs;
    for (std::size_t i = 0; i < data.rows * shape.channels * shape.window; ++i)
      data.inputs.push_back(static_cast<float>(random.normal()));
    for (std::size_t i = 0; i < data.rows * shape.outputs; ++i)
      data.targets.push_back(static_cast<float>(random.normal()));
    predictor_->fit(data, random);
    std::vector<std::byte> saved;
    predictor_->save(saved);
    compiled_ = compile(Archive::read(saved, "latency"));
    window_.assign(data.inputs.begin(), data.inputs.begin() + static_cast<std::ptrdiff_t>(shape.channels * shape.window));
    steps_ = data.inputs;
    for (std::size_t i = 0; i < shape.window; ++i) push();
  }
  void ours() override {
    if (!whole_) return push();
    compiled_->reset();
    for (std::size_t i = 0; i < shape_.window; ++i) push();
  }
  void bare() override { predictor_->predict(window_, output_); }

 private:
  void push() {
    compiled_->push({steps_.data() + at_, shape_.channels}, output_);
    at_ = (at_ + shape_.channels) % (steps_.size() - shape_.channels);
  }
  strategies::PredictorContext shape_;
  bool whole_;
  std::vector<float> output_, window_, steps_;
  std::unique_ptr<strategies::Predictor> predictor_;
  std::unique_ptr<Compiled> compiled_;
  std::size_t at_ = 0;
};

/// One training step of causal attention at a length: with the linear kernel (ours) and with softmax
/// (bare), forward and backward.
class Crossover final : public strategies::Contest {
 public:
  explicit Crossover(std::int64_t length) {
    use_one_thread();
    Rng random(1, "crossover");
    const auto make = [&random](AttentionKind kind) {
      return std::make_unique<Attention>(
          Attention::Shape{.width = 64, .heads = 4, .kind = kind, .causal = true}, random);
    };
    linear_ = make(AttentionKind::Linear);
    softmax_ = make(AttentionKind::Softmax);
    steps_ = torch::empty({1, length, 64});
    for (std::int64_t i = 0; i < steps_.numel(); ++i)
      steps_.data_ptr<float>()[i] = static_cast<float>(random.normal());
    steps_.requires_grad_();
  }
  void ours() override { learn(*linear_); }
  void bare() override { learn(*softmax_); }

 private:
  void learn(Attention& attention) {
    attention.zero_grad();
    attention.forward(steps_, steps_).square().mean().backward();
  }
  std::unique_ptr<Attention> linear_, softmax_;
  torch::Tensor steps_;
};

}  // namespace

void add_contests(strategies::Contests& contests) {
  const auto add = [&contests](const char* name, const char* json, strategies::PredictorContext shape, bool whole) {
    contests[name] = [=] { return std::make_unique<Latency>(json, shape, whole); };
  };
  constexpr const char* kLstm = R"({"kind": "lstm", "network": {"hidden": 64, "heads": 0}})";
  add("latency_mlp", R"({"kind": "mlp", "network": {"hidden": [64, 64]}})", {16, 1, 3}, false);
  add("latency_lstm_step", kLstm, {40, 100, 3}, false);
  add("latency_lstm_window", kLstm, {40, 100, 3}, true);
  add("latency_transformer_cached",
      R"({"kind": "transformer", "network": {"width": 64, "heads": 4, "layers": 2, "hidden": 128}})", {40, 100, 3}, false);
  for (const std::int64_t length : {128, 256, 512, 1024, 2048, 4096})
    contests["attention_crossover/" + std::to_string(length)] = [length] { return std::make_unique<Crossover>(length); };
}

}  // namespace walras::models
