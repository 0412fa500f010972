#include "strategies/model_driven.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "strategies/feature_stream.hpp"
#include "strategies/portfolio.hpp"
#include "strategies/targets.hpp"

namespace walras::strategies {
namespace {

using engine::Event;
using engine::Orders;

class ModelDriven final : public StatefulStrategy<ModelDriven> {
 public:
  struct Params {
    Json predictor = "linear";
    std::vector<Feature> features{
        {FeatureKind::Return, 1}, {FeatureKind::MarketReturn, 1}, {FeatureKind::Level, 32}};
    std::vector<Target> targets{Target{}};
    std::int64_t window = 32, horizon = 5, delay = 1, markets = 1;
    double step_s = 0, threshold = 0;
    std::string cache;
    bool shorting = false;
    Sizing sizing{.min_trade = 0.005};
    static void fields(auto&& field) {
      field("predictor", &Params::predictor,
            {.doc = "what predicts returns", .component = "predictor"});
      field("features", &Params::features, {.doc = "the channels that it is shown"});
      field("targets", &Params::targets,
            {.doc = "what it learns to expect, an output each; the first one is traded on"});
      field("step_s", &Params::step_s,
            {.unit = "s",
             .min = 0,
             .max = 86'400,
             .doc = "one bar of the strategy, by the clock: needed in order books, where bars are "
                    "made of mids and trades; 0 = the market's own bars"});
      field("markets", &Params::markets,
            {.min = 1, .max = 10'000, .doc = "of generated markets: how many it learns from"});
      field("cache", &Params::cache,
            {.doc = "folder in which rows of features are kept by the hash of data and "
                    "declaration; empty = none"});
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
             .doc = "predictions of the first target nearer to 0 than this are not held"});
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
        stream_(params_.features, params_.step_s, instruments_.size(), window_) {
    if (context.registries == nullptr) {
      fail(Fault::Internal, "model", "expected the registries, to build its predictor from");
    }
    if (params_.targets.empty() || !params_.targets.front().is_signed()) {
      fail(Fault::Scenario, "model/targets",
           "expected a first target that tells rises from falls (return, direction or "
           "triple_barrier), since it is traded on");
    }
    predictor_ = context.registries->predictors.build(
        params_.predictor, "/predictor", {stream_.features().channels(), window_, params_.targets.size()});
  }

  void fit(const Training& training) override {
    Dataset data;
    data.channels = stream_.features().channels();
    data.window = window_;
    data.outputs = params_.targets.size();
    for (std::int64_t market = 0; market < params_.markets; ++market) {
      const FeatureStream seen = observe_cached(params_.features, params_.step_s, training,
                                                static_cast<std::uint64_t>(market), params_.cache);
      add_rows(seen.features(), data);
      if (data.rows == 0) refuse(seen);
    }
    predictor_->fit(data, random_.child("fit"));
    fitted_ = true;
  }

  [[nodiscard]] Json fitted() const override { return fitted_ ? predictor_->summary() : Json(); }

  void on_start(Orders& orders) override {
    stream_.start(orders);
    portfolio_.reset();
    bars_ = 0;
  }

  void on_event(const Event& event, Orders& orders) override { stream_.event(event, orders); }
  void on_slice(Nanos now, Orders& orders) override {
    if (stream_.slice(now, orders)) act(orders);
  }
  void on_timer(Nanos now, std::uint64_t tag, Orders& orders) override {
    if (stream_.timer(now, tag, orders)) act(orders);
  }
  void state(Archive& archive) { archive(portfolio_, stream_, bars_); }

 private:
  /// Training rows of one market, in time order and after those of the markets before.
  void add_rows(const Features& features, Dataset& data) const {
    const auto delay = static_cast<std::size_t>(params_.delay);
    std::size_t furthest = 0;
    for (const Target& target : params_.targets) furthest = std::max(furthest, ahead(target));
    const std::size_t width = features.channels() * window_;
    const std::int64_t later = data.times.empty() ? 0 : data.times.back() + 1;
    std::vector<float> expected(params_.targets.size());
    for (std::size_t row = window_; row + delay + furthest < features.rows(); ++row) {
      for (engine::InstrumentId instrument = 0; instrument < instruments_.size(); ++instrument) {
        if (!features.known(row, instrument, window_)) continue;
        bool complete = true;
        for (std::size_t k = 0; k < expected.size() && complete; ++k) {
          const Target& target = params_.targets[k];
          const auto value = target_value(features, target, row, delay, ahead(target), instrument);
          complete = value.has_value();
          expected[k] = value.value_or(0);
        }
        if (!complete) continue;
        data.inputs.resize(data.inputs.size() + width);
        features.window(row, instrument, window_, std::span(data.inputs).last(width));
        data.targets.insert(data.targets.end(), expected.begin(), expected.end());
        const std::int64_t time = features.time_of(row);
        data.times.push_back(later == 0 ? time : later + time - features.time_of(0));
        ++data.rows;
      }
    }
  }
  [[nodiscard]] std::size_t ahead(const Target& target) const {
    return static_cast<std::size_t>(target.bars > 0 ? target.bars : params_.horizon);
  }
  [[noreturn]] void refuse(const FeatureStream& seen) const {
    if (params_.step_s <= 0 && !seen.saw_bars()) {
      fail(Fault::Scenario, "model/step_s",
           "expected a step > 0 s, since this market has no bars of its own, was 0");
    }
    for (const Feature& feature : params_.features) {
      if (!feature.of_book() || seen.saw_book()) continue;
      fail(Fault::Scenario, "model/features",
           "expected features of bars, since this market shows no order book, was " +
               dump(feature).at("kind").as_string());
    }
    fail(Fault::Scenario, "model",
         "expected a training span longer than window + features + delay + horizon, was " +
             std::to_string(seen.features().rows()) + " bars; lengthen /walk_forward/train");
  }
  void act(Orders& orders) {
    if (orders.warming_up() || !fitted_) return portfolio_.trade(orders);
    if (bars_++ % static_cast<std::size_t>(params_.horizon) == 0) decide();
    portfolio_.trade(orders);
  }
  void decide() {
    const Features& features = stream_.features();
    const std::size_t row = features.rows() - 1, width = features.channels() * window_;
    shown_.clear();
    inputs_.clear();
    for (engine::InstrumentId instrument = 0; instrument < instruments_.size(); ++instrument) {
      if (!features.known(row, instrument, window_)) continue;
      shown_.push_back(instrument);
      inputs_.resize(inputs_.size() + width);
      features.window(row, instrument, window_, std::span(inputs_).last(width));
    }
    if (shown_.empty()) return;
    const std::size_t outputs = params_.targets.size();
    outputs_.resize(shown_.size() * outputs);
    predictor_->predict(inputs_, outputs_);
    // Equal parts; what is not held stays in cash.
    const double part = 1.0 / static_cast<double>(instruments_.size());
    for (std::size_t i = 0; i < instruments_.size(); ++i)
      portfolio_.want(static_cast<engine::InstrumentId>(i), 0);
    for (std::size_t i = 0; i < shown_.size(); ++i) {
      const engine::InstrumentId id = shown_[i];
      const float expected = outputs_[i * outputs];
      if (expected > params_.threshold) portfolio_.want(id, part);
      if (params_.shorting && expected < -params_.threshold) portfolio_.want(id, -part);
    }
  }

  Params params_;
  std::size_t window_;
  std::vector<engine::Instrument> instruments_;
  Rng random_;
  Portfolio portfolio_;
  FeatureStream stream_;
  std::unique_ptr<Predictor> predictor_;
  bool fitted_ = false;
  std::size_t bars_ = 0;
  std::vector<engine::InstrumentId> shown_;
  std::vector<float> inputs_, outputs_;
};

}  // namespace

void add_model_driven(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<ModelDriven>("model", "holds what a predictor expects to rise");
}

}  // namespace walras::strategies
