// Compiled networks against the same networks through LibTorch, for `walras bench`.
#include "models/catalog.hpp"
#include "models/compiled.hpp"

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
}

}  // namespace walras::models
