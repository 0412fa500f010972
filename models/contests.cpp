// Compiled networks against the same networks through LibTorch, for `walras bench`.
#include "models/attention.hpp"
#include "models/catalog.hpp"
#include "models/compiled.hpp"
#include "models/net.hpp"

namespace walras::models {
namespace {

/// What a unit of work is: one more step of a compiled stream, a window of it from its first step, or a
/// window by the predictor itself, which is what both are compared with.
enum class Unit : std::uint8_t { Step, Window, Prediction };

class Latency final : public strategies::Contest {
 public:
  Latency(const char* json, strategies::PredictorContext shape, Unit unit)
      : shape_(shape), unit_(unit), output_(shape.outputs) {
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
    window_.assign(data.inputs.begin(), data.inputs.begin() + static_cast<std::ptrdiff_t>(shape.channels * shape.window));
    if (unit_ == Unit::Prediction) return;
    std::vector<std::byte> saved;
    predictor_->save(saved);
    compiled_ = compile(Archive::read(saved, "latency"));
    steps_ = data.inputs;
    for (std::size_t i = 0; i < shape.window; ++i) push();
  }
  void ours() override {
    if (unit_ == Unit::Prediction) return bare();
    if (unit_ == Unit::Step) return push();
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
  Unit unit_;
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
  const auto add = [&contests](const char* name, const char* json, strategies::PredictorContext shape, Unit unit) {
    contests[name] = [=] { return std::make_unique<Latency>(json, shape, unit); };
  };
  constexpr const char* kLstm = R"({"kind": "lstm", "network": {"hidden": 64, "heads": 0}})";
  add("latency_mlp", R"({"kind": "mlp", "network": {"hidden": [64, 64]}})", {16, 1, 3}, Unit::Step);
  add("latency_lstm_step", kLstm, {40, 100, 3}, Unit::Step);
  add("latency_lstm_window", kLstm, {40, 100, 3}, Unit::Window);
  constexpr const char* kTransformer =
      R"({"kind": "transformer", "network": {"width": 64, "heads": 4, "layers": 2, "hidden": 128}})";
  add("latency_transformer", kTransformer, {40, 100, 3}, Unit::Prediction);
  add("latency_transformer_cached", kTransformer, {40, 100, 3}, Unit::Step);
  add("latency_deeplob", R"({"kind": "deeplob"})", {40, 100, 3}, Unit::Step);
  for (const std::int64_t length : {128, 256, 512, 1024, 2048, 4096})
    contests["attention_crossover/" + std::to_string(length)] = [length] { return std::make_unique<Crossover>(length); };
}

}  // namespace walras::models
