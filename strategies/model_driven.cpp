#include "strategies/model_driven.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/error.hpp"
#include "strategies/features.hpp"
#include "strategies/portfolio.hpp"

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::Orders;

class ModelDriven final : public StatefulStrategy<ModelDriven> {
 public:
  struct Params {
    Json predictor = "linear";
    std::vector<Feature> features{
        {FeatureKind::Return, 1}, {FeatureKind::MarketReturn, 1}, {FeatureKind::Level, 32}};
    std::int64_t window = 32, horizon = 5, delay = 1;
    double threshold = 0;
    bool shorting = false;
    Sizing sizing{.min_trade = 0.005};
    static void fields(auto&& field) {
      field("predictor", &Params::predictor,
            {.doc = "what predicts returns", .component = "predictor"});
      field("features", &Params::features, {.doc = "the channels that it is shown"});
      field("window", &Params::window,
            {.unit = "bars", .min = 2, .max = 4096, .doc = "past that it is shown"});
      field("horizon", &Params::horizon,
            {.unit = "bars",
             .min = 1,
             .max = 4096,
             .doc = "ahead of the fill; also the bars between decisions"});
      field("delay", &Params::delay,
            {.unit = "bars",
             .min = 0,
             .max = 16,
             .doc = "from the decision to the fill: 1 where fills are at the next close"});
      field("threshold", &Params::threshold,
            {.unit = "log return",
             .min = 0,
             .max = 1,
             .doc = "predictions nearer to 0 than this are not held"});
      field("shorting", &Params::shorting, {.doc = "whether predicted falls are sold short"});
      field("sizing", &Params::sizing, {.doc = "how much is held"});
    }
  };

  ModelDriven(Params params, const StrategyContext& context)
      : params_(std::move(params)),
        window_(static_cast<std::size_t>(params_.window)),
        instruments_(context.instruments.begin(), context.instruments.end()),
        random_(context.random),
        portfolio_(params_.sizing, instruments_, context.periods_per_year),
        features_(params_.features, instruments_.size()) {
    if (context.registries == nullptr) {
      fail(Fault::Internal, "model", "expected the registries, to build its predictor from");
    }
    predictor_ = context.registries->predictors.build(params_.predictor, "/predictor",
                                                      {features_.channels(), window_, 1});
  }

  void fit(const Training& training) override {
    Features features(params_.features, instruments_.size());
    std::vector<std::int64_t> times;
    const std::span<const Event> events = training.events();
    for (std::size_t i = 0; i < events.size();) {
      const Nanos now = events[i].local_time;
      bool any = false;
      for (; i < events.size() && events[i].local_time == now; ++i) {
        if (events[i].kind != EventKind::Bar) continue;
        features.bar(events[i].instrument, training.bar(events[i]));
        any = true;
      }
      if (any) {
        features.end_slice();
        times.push_back(now.value);
      }
    }
    const auto horizon = static_cast<std::size_t>(params_.horizon),
               delay = static_cast<std::size_t>(params_.delay);
    const std::size_t width = features.channels() * window_;
    Dataset data;
    data.channels = features.channels();
    data.window = window_;
    data.outputs = 1;
    for (std::size_t row = window_; row + delay + horizon < features.rows(); ++row) {
      for (engine::InstrumentId instrument = 0; instrument < instruments_.size(); ++instrument) {
        if (!features.known(row, instrument, window_)) continue;
        data.inputs.resize(data.inputs.size() + width);
        features.window(row, instrument, window_, std::span(data.inputs).last(width));
        data.targets.push_back(static_cast<float>(
            features.log_return(row + delay, row + delay + horizon, instrument)));
        data.times.push_back(times[row]);
        ++data.rows;
      }
    }
    if (data.rows == 0) {
      fail(Fault::Scenario, "model",
           "expected a training span longer than window + features + delay + horizon, was " +
               std::to_string(features.rows()) + " bars; lengthen /walk_forward/train");
    }
    predictor_->fit(data, random_.child("fit"));
    fitted_ = true;
  }

  [[nodiscard]] Json fitted() const override { return fitted_ ? predictor_->summary() : Json(); }

  void on_start(Orders&) override {
    features_ = Features(params_.features, instruments_.size());
    portfolio_.reset();
    bars_ = 0;
    pending_ = false;
  }

  void on_event(const Event& event, Orders& orders) override {
    if (event.kind != EventKind::Bar) return;
    features_.bar(event.instrument, orders.bar(event));
    pending_ = true;
  }

  void on_slice(Nanos, Orders& orders) override {
    if (!pending_) return;
    pending_ = false;
    features_.end_slice();
    if (orders.warming_up() || !fitted_) return portfolio_.trade(orders);
    if (bars_++ % static_cast<std::size_t>(params_.horizon) == 0) decide();
    portfolio_.trade(orders);
  }

  void state(Archive& archive) { archive(portfolio_, features_, pending_, bars_); }

 private:
  void decide() {
    const std::size_t row = features_.rows() - 1, width = features_.channels() * window_;
    shown_.clear();
    inputs_.clear();
    for (engine::InstrumentId instrument = 0; instrument < instruments_.size(); ++instrument) {
      if (!features_.known(row, instrument, window_)) continue;
      shown_.push_back(instrument);
      inputs_.resize(inputs_.size() + width);
      features_.window(row, instrument, window_, std::span(inputs_).last(width));
    }
    if (shown_.empty()) return;
    outputs_.resize(shown_.size());
    predictor_->predict(inputs_, outputs_);
    // Equal parts; what is not held stays in cash.
    const double part = 1.0 / static_cast<double>(instruments_.size());
    for (std::size_t i = 0; i < instruments_.size(); ++i)
      portfolio_.want(static_cast<engine::InstrumentId>(i), 0);
    for (std::size_t i = 0; i < shown_.size(); ++i) {
      const engine::InstrumentId id = shown_[i];
      if (outputs_[i] > params_.threshold) portfolio_.want(id, part);
      if (params_.shorting && outputs_[i] < -params_.threshold) portfolio_.want(id, -part);
    }
  }

  Params params_;
  std::size_t window_;
  std::vector<engine::Instrument> instruments_;
  Rng random_;
  Portfolio portfolio_;
  Features features_;
  std::unique_ptr<Predictor> predictor_;
  bool fitted_ = false, pending_ = false;
  std::size_t bars_ = 0;
  std::vector<engine::InstrumentId> shown_;
  std::vector<float> inputs_, outputs_;
};

}  // namespace

void add_model_driven(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<ModelDriven>("model", "holds what a predictor expects to rise");
}

}  // namespace walras::strategies
