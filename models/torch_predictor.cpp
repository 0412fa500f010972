#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/error.hpp"
#include "models/catalog.hpp"
#include "models/nets/price_cnn.hpp"
#include "models/training.hpp"

namespace walras::models {
namespace {

struct PriceCnnPredictorParams {
  PriceCnnParams network;
  TrainingParams training;
  static void fields(auto&& field) {
    field("network", &PriceCnnPredictorParams::network, {.doc = "shape of the network"});
    field("training", &PriceCnnPredictorParams::training, {.doc = "how it is trained"});
  }
};

/// A network with its scaler behind the torch-free interface.
class PriceCnnPredictor final : public strategies::Predictor {
 public:
  using Params = PriceCnnPredictorParams;
  PriceCnnPredictor(Params params, const strategies::PredictorContext& context)
      : params_(params), context_(context) {
    if (context.channels == 0 || context.window == 0 || context.outputs == 0) {
      fail(Fault::Scenario, "price_cnn", "expected at least one channel, one step and one output");
    }
  }

  void fit(const strategies::Dataset& data, Rng random) override {
    use_one_thread();
    if (data.channels != context_.channels || data.window != context_.window ||
        data.outputs != context_.outputs ||
        data.inputs.size() != data.rows * data.channels * data.window ||
        data.targets.size() != data.rows * data.outputs ||
        (!data.times.empty() && data.times.size() != data.rows)) {
      fail(Fault::Numeric, "training data",
           fmt::format("expected rows of {} x {} inputs and {} outputs, was {} x {} and {}",
                       context_.channels, context_.window, context_.outputs, data.channels,
                       data.window, data.outputs));
    }
    const RowSplit split = split_rows(data, params_.training);
    check_finite(data, static_cast<std::size_t>(params_.training.batch));
    const Scaler scaler = Scaler::fit(data, split.train);
    std::shared_ptr<Regressor> model = make(random.child("weights"));
    report_ = train(*model, data, scaler, params_.training, random.child("batches"));
    scaler_ = scaler;
    model_ = std::move(model);
  }

  void predict(std::span<const float> input, std::span<float> output) override {
    expects(model_ != nullptr, "fit() or load() before predict()");
    expects(input.size() % (context_.channels * context_.window) == 0,
            "input is rows x channels x window");
    use_one_thread();
    const c10::InferenceMode inference;
    const auto rows =
        static_cast<std::int64_t>(input.size() / (context_.channels * context_.window));
    torch::Tensor x = torch::empty({rows, static_cast<std::int64_t>(context_.channels),
                                    static_cast<std::int64_t>(context_.window)});
    const std::span<float> scaled(x.data_ptr<float>(), input.size());
    std::ranges::copy(input, scaled.begin());
    scaler_.scale_inputs(scaled, context_.window);
    const torch::Tensor y = model_->forward(x).contiguous();
    expects(output.size() == static_cast<std::size_t>(y.numel()), "output is rows x outputs");
    std::copy_n(y.data_ptr<float>(), output.size(), output.begin());
    scaler_.restore_targets(output);
  }

  [[nodiscard]] Json summary() const override {
    if (model_ == nullptr) return {};
    Json result = Json::object({{"parameters", parameter_count(*model_)},
                                {"epochs", report_.epochs},
                                {"best_epoch", report_.best_epoch},
                                {"steps", report_.steps},
                                {"train_rows", report_.train_rows},
                                {"validation_rows", report_.validation_rows},
                                {"train_loss", report_.train_loss},
                                {"validation_loss", report_.validation_loss}});
    if (!report_.train_curve.empty()) {
      Json curve = Json::object({{"title", "Training loss"}, {"x_name", "epoch"}, {"y_name", "loss of scaled targets"}});
      for (std::int64_t epoch = 1; epoch <= report_.epochs; ++epoch) curve["x"].push_back(epoch);
      for (const double loss : report_.train_curve) curve["lines"]["training"].push_back(loss);
      for (const double loss : report_.validation_curve) curve["lines"]["validation"].push_back(loss);
      result["curves"].push_back(std::move(curve));
    }
    return result;
  }

  void save(std::vector<std::byte>& bytes) const override {
    expects(model_ != nullptr, "fit() or load() before save()");
    Archive archive{description(), copy_out(*model_)};
    const auto add = [&archive](const char* name, const std::vector<float>& values) {
      archive.arrays.push_back({name, {static_cast<std::int64_t>(values.size())}, values});
    };
    add("scaler.input_mean", scaler_.input_mean);
    add("scaler.input_scale", scaler_.input_scale);
    add("scaler.target_mean", scaler_.target_mean);
    add("scaler.target_scale", scaler_.target_scale);
    archive.write(bytes);
  }

  void load(std::span<const std::byte> bytes) override {
    const Archive archive = Archive::read(bytes, "price_cnn");
    if (archive.description != description()) {
      fail(Fault::Data, "price_cnn",
           fmt::format("expected a network saved as {}, was {}", description().dump(),
                       archive.description.dump()));
    }
    const std::array<std::int64_t, 1> channels{static_cast<std::int64_t>(context_.channels)};
    const std::array<std::int64_t, 1> outputs{static_cast<std::int64_t>(context_.outputs)};
    Scaler scaler{archive.at("scaler.input_mean", channels).values,
                  archive.at("scaler.input_scale", channels).values,
                  archive.at("scaler.target_mean", outputs).values,
                  archive.at("scaler.target_scale", outputs).values};
    for (const std::vector<float>* scales : {&scaler.input_scale, &scaler.target_scale}) {
      for (const float scale : *scales) {
        if (!(scale > 0) || !std::isfinite(scale))
          fail(Fault::Data, "price_cnn", "expected scales > 0");
      }
    }
    std::shared_ptr<Regressor> model = make(Rng(0, "price_cnn"));
    copy_in(*model, archive);
    scaler_ = std::move(scaler);
    model_ = std::move(model);
    report_ = {};
  }

 private:
  [[nodiscard]] std::shared_ptr<Regressor> make(Rng random) const {
    std::shared_ptr<Net> net =
        price_cnn(params_.network, static_cast<std::int64_t>(context_.channels), random);
    return std::make_shared<Regressor>(std::move(net), static_cast<std::int64_t>(context_.outputs),
                                       random);
  }
  [[nodiscard]] Json description() const {
    return Json::object({{"kind", "price_cnn"},
                         {"network", dump(params_.network)},
                         {"channels", context_.channels},
                         {"window", context_.window},
                         {"outputs", context_.outputs}});
  }

  Params params_;
  strategies::PredictorContext context_;
  std::shared_ptr<Regressor> model_;
  Scaler scaler_;
  TrainingReport report_;
};

}  // namespace

void add_models(Registry<strategies::Predictor, const strategies::PredictorContext&>& registry) {
  registry.add<PriceCnnPredictor>("price_cnn",
                                  "causal dilated convolutions over price windows (LibTorch)");
}

}  // namespace walras::models
