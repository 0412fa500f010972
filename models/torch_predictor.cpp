#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "engine/base/error.hpp"
#include "models/catalog.hpp"
#include "models/compiled.hpp"
#include "models/net.hpp"
#include "models/tracking/tracker.hpp"
#include "models/training.hpp"

namespace walras::models {
namespace {

struct NetPredictorParams {
  Json network = Json::object();
  TrainingParams training;
  TrackingParams tracking;
  static void fields(auto&& field) {
    field("network", &NetPredictorParams::network, {.doc = "shape of the network"});
    field("training", &NetPredictorParams::training, {.doc = "how it is trained"});
    field("tracking", &NetPredictorParams::tracking, {.doc = "who is told how training goes"});
  }
};

/// A network of any kind, with its scaler, behind the torch-free interface.
class NetPredictor final : public strategies::Predictor {
 public:
  using Make = std::function<std::shared_ptr<Net>(const NetShape&, Rng&)>;
  NetPredictor(std::string kind, NetPredictorParams params, Make make,
               const strategies::PredictorContext& context)
      : kind_(std::move(kind)),
        network_(std::move(params.network)),
        training_(std::move(params.training)),
        tracking_(std::move(params.tracking)),
        make_(std::move(make)),
        context_(context) {
    if (context.channels == 0 || context.window == 0 || context.outputs == 0) {
      fail(Fault::Scenario, kind_, "expected at least one channel, one step and one output");
    }
    // Built once here, so that a shape that does not fit is told when the scenario is read.
    Rng random(0, kind_);
    (void)make_(shape(), random);
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
    const RowSplit split = split_rows(data, training_);
    check_finite(data, static_cast<std::size_t>(training_.batch));
    scaler_ = Scaler::fit(data, split.train);
    make(random.child("weights"));
    Tracker tracker(tracking_, kind_, Json::object({{"network", network_}, {"training", dump(training_)}}));
    report_ = train(*model_, *objective_, data, scaler_, training_, random.child("batches"),
                    [&tracker](const TrainingReport& report) {
                      tracker.scalar("train_loss", report.train_curve.back(), report.epochs);
                      tracker.scalar("learning_rate", report.rate_curve.back(), report.epochs);
                      if (!report.validation_curve.empty())
                        tracker.scalar("validation_loss", report.validation_curve.back(), report.epochs);
                      tracker.flush();
                      return true;
                    });
    compile_model();
    if (const Json* found = report_.metrics.is_null() ? nullptr : report_.metrics.find("information_coefficient"))
      tracker.scalar("information_coefficient", found->as_number(), report_.best_epoch);
    tracker.finish();
  }

  void predict(std::span<const float> input, std::span<float> output) override {
    expects(model_ != nullptr, "fit() or load() before predict()");
    expects(input.size() % (context_.channels * context_.window) == 0,
            "input is rows x channels x window");
    const std::size_t shown = context_.channels * context_.window, count = input.size() / shown;
    expects(output.size() == count * context_.outputs, "output is rows x outputs");
    if (!windows_.empty()) {
      // A row is an instrument's mostly, and its window the last one moved on.
      const std::size_t streams = windows_[0].slides() ? std::clamp<std::size_t>(count, 1, kStreams) : 1;
      while (windows_.size() < streams) windows_.push_back(windows_[0].another());
      for (std::size_t row = 0; row < count; ++row) {
        windows_[row % streams].predict(input.subspan(row * shown, shown), output.subspan(row * context_.outputs, context_.outputs));
      }
      return;
    }
    use_one_thread();
    const c10::InferenceMode inference;
    const auto rows = static_cast<std::int64_t>(count);
    torch::Tensor x = torch::empty({rows, static_cast<std::int64_t>(context_.channels),
                                    static_cast<std::int64_t>(context_.window)});
    const std::span<float> scaled(x.data_ptr<float>(), input.size());
    std::ranges::copy(input, scaled.begin());
    scaler_.scale_inputs(scaled, context_.window);
    const torch::Tensor y = objective_->decode(model_->forward(x)).contiguous();
    std::copy_n(y.data_ptr<float>(), output.size(), output.begin());
    if (objective_->restores()) scaler_.restore_targets(output);
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
    if (!report_.metrics.is_null()) result["validation"] = report_.metrics;
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
    archive().write(bytes);
  }

  void load(std::span<const std::byte> bytes) override {
    const Archive archive = Archive::read(bytes, kind_);
    if (archive.description != description()) {
      fail(Fault::Data, kind_,
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
          fail(Fault::Data, kind_, "expected scales > 0");
      }
    }
    const std::shared_ptr<Regressor> model = model_;
    const std::shared_ptr<Objective> objective = objective_;
    const Scaler before = std::exchange(scaler_, std::move(scaler));
    try {
      make(Rng(0, kind_));
      copy_in(*objective_, archive, "objective.");
      copy_in(*model_, archive);
    } catch (...) {  // a refused file leaves the predictor as it was
      model_ = model;
      objective_ = objective;
      scaler_ = before;
      throw;
    }
    model_->eval();
    report_ = {};
    compile_model();
  }

 private:
  static constexpr std::size_t kStreams = 1024;  // more rows than that share
  void make(Rng random) {
    objective_ = std::make_shared<Objective>(training_.objective, scaler_.target_mean,
                                             scaler_.target_scale);
    model_ = std::make_shared<Regressor>(make_(shape(), random), objective_->columns(), random);
  }
  [[nodiscard]] Archive archive() const {
    Archive archive{description(), copy_out(*model_)};
    const auto add = [&archive](const char* name, const std::vector<float>& values) {
      archive.arrays.push_back({name, {static_cast<std::int64_t>(values.size())}, values});
    };
    for (NamedArray& array : copy_out(*objective_)) {
      array.name = "objective." + array.name;
      archive.arrays.push_back(std::move(array));
    }
    add("scaler.input_mean", scaler_.input_mean);
    add("scaler.input_scale", scaler_.input_scale);
    add("scaler.target_mean", scaler_.target_mean);
    add("scaler.target_scale", scaler_.target_scale);
    return archive;
  }
  /// Windows go through fused kernels where there are some for this network, else through LibTorch.
  void compile_model() {
    windows_.clear();
    try {
      windows_.emplace_back(compile(archive()), context_.channels);
    } catch (const Error& error) {
      if (error.fault() != Fault::Usage) throw;
    }
  }
  [[nodiscard]] NetShape shape() const {
    return {static_cast<std::int64_t>(context_.channels),
            static_cast<std::int64_t>(context_.window)};
  }
  [[nodiscard]] Json description() const {
    return Json::object({{"kind", kind_},
                         {"network", network_},
                         {"objective", dump(training_.objective)},
                         {"channels", context_.channels},
                         {"window", context_.window},
                         {"outputs", context_.outputs}});
  }

  std::string kind_;
  Json network_;  // resolved
  TrainingParams training_;
  TrackingParams tracking_;
  Make make_;
  strategies::PredictorContext context_;
  std::shared_ptr<Regressor> model_;
  std::shared_ptr<Objective> objective_;
  std::vector<SlidingWindow> windows_;  // by row; empty: through LibTorch
  Scaler scaler_;
  TrainingReport report_;
};

}  // namespace

void add_models(Registry<strategies::Predictor, const strategies::PredictorContext&>& registry) {
  Nets nets("network");
  add_nets(nets);
  for (const auto& [kind, net] : nets.entries()) {
    Registry<strategies::Predictor, const strategies::PredictorContext&>::Entry entry;
    entry.doc = net.doc + " (LibTorch)";
    entry.schema = schema<NetPredictorParams>();
    Json& of_network = entry.schema["properties"]["network"];
    const Json description = of_network.at("description");
    of_network = net.schema;
    of_network["description"] = description;
    of_network["default"] = net.defaults;
    entry.defaults = dump(NetPredictorParams{});
    entry.defaults["network"] = net.defaults;
    entry.resolve = [net = net](const Json& params, const std::string& where) {
      NetPredictorParams resolved = load<NetPredictorParams>(params, where);
      resolved.network = net.resolve(resolved.network, where + "/network");
      return dump(resolved);
    };
    entry.build = [kind = kind, net = net](const Json& params, const std::string& where,
                                           const strategies::PredictorContext& context)
        -> std::unique_ptr<strategies::Predictor> {
      NetPredictorParams read = load<NetPredictorParams>(params, where);
      read.network = net.resolve(read.network, where + "/network");
      const auto make = [build = net.build, network = read.network, where](const NetShape& shape, Rng& random) {
        return std::shared_ptr<Net>(build(network, where + "/network", shape, random));
      };
      return std::make_unique<NetPredictor>(kind, std::move(read), make, context);
    };
    registry.add(kind, std::move(entry));
  }
}

}  // namespace walras::models
