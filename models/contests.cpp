// Compiled networks against the same networks through LibTorch, for `walras bench`.
#include "models/attention.hpp"
#include "models/catalog.hpp"
#include "models/compiled.hpp"
#include "models/net.hpp"
#include "models/training.hpp"

namespace walras::models {
namespace {

/// What a unit of work is: one more step of a stream, or a window as a predictor is given it.
enum class Unit : std::uint8_t { Step, Window };

/// A compiled network, and the same weights through LibTorch on a whole window.
class Latency final : public strategies::Contest {
 public:
  Latency(const char* json, strategies::PredictorContext shape, Unit unit)
      : shape_(shape), unit_(unit), output_(shape.outputs) {
    use_one_thread();
    Registry<strategies::Predictor, const strategies::PredictorContext&> registry("predictor");
    add_models(registry);
    Json asked = Json::parse(json);
    asked["training"] = Json::parse(R"({"epochs": 1, "gap": 0, "batch": 64})");
    const auto predictor = registry.build(asked, "", shape);
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
    predictor->fit(data, random);
    std::vector<std::byte> saved;
    predictor->save(saved);
    const Archive archive = Archive::read(saved, "latency");
    compiled_ = compile(archive);
    Json network = archive.description.at("network");
    network["kind"] = asked.at("kind");
    const auto channels = static_cast<std::int64_t>(shape.channels), steps = static_cast<std::int64_t>(shape.window);
    model_ = std::make_shared<Regressor>(build_net(network, {channels, steps}, random), static_cast<std::int64_t>(shape.outputs), random);
    copy_in(*model_, archive);
    model_->eval();
    window_ = torch::tensor(std::vector<float>(data.inputs.begin(), data.inputs.begin() + channels * steps)).view({1, channels, steps});
    steps_ = std::move(data.inputs);
    for (std::size_t i = 0; i < shape.window; ++i) push();
  }
  void ours() override {
    if (unit_ == Unit::Step) push();
    else compiled_->window({steps_.data(), shape_.channels * shape_.window}, output_);
  }
  void bare() override {
    const c10::InferenceMode inference;
    (void)model_->forward(window_);
  }

 private:
  void push() {
    compiled_->push({steps_.data() + at_, shape_.channels}, output_);
    at_ = (at_ + shape_.channels) % (steps_.size() - shape_.channels);
  }
  strategies::PredictorContext shape_;
  Unit unit_;
  std::vector<float> output_, steps_;
  std::unique_ptr<Compiled> compiled_;
  std::shared_ptr<Regressor> model_;
  torch::Tensor window_;
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
  add("latency_transformer", kTransformer, {40, 100, 3}, Unit::Window);
  add("latency_transformer_cached", kTransformer, {40, 100, 3}, Unit::Step);
  add("latency_deeplob", R"({"kind": "deeplob"})", {40, 100, 3}, Unit::Step);
  add("latency_deeplob_window", R"({"kind": "deeplob"})", {40, 100, 3}, Unit::Window);
  for (const std::int64_t length : {128, 256, 512, 1024, 2048, 4096})
    contests["attention_crossover/" + std::to_string(length)] = [length] { return std::make_unique<Crossover>(length); };
}

}  // namespace walras::models
