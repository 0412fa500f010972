#include "strategies/model_driven.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/error.hpp"
#include "strategies/portfolio.hpp"

namespace walras::strategies {
namespace {

using engine::Event;
using engine::EventKind;
using engine::Orders;

/// Closes of all instruments, one row a slice; what fit() and trading both read, so that they
/// cannot differ.
class Closes {
 public:
  static constexpr std::size_t kChannels = 3;

  explicit Closes(std::size_t instruments)
      : latest_(instruments, kUnknown), instruments_(instruments) {}

  void set(std::size_t instrument, double close) {
    latest_[instrument] = close > 0 ? std::log(close) : kUnknown;
  }
  /// Ends a slice: an instrument without a bar keeps its last close.
  void push() {
    levels_.insert(levels_.end(), latest_.begin(), latest_.end());
    double sum = 0;
    for (std::size_t i = 0; rows() > 1 && i < instruments_; ++i)
      sum += log_return(rows() - 2, rows() - 1, i);
    averages_.push_back(sum / static_cast<double>(instruments_));
  }
  [[nodiscard]] std::size_t rows() const { return levels_.size() / instruments_; }
  /// 0 where either close is unknown.
  [[nodiscard]] double log_return(std::size_t from, std::size_t to, std::size_t instrument) const {
    const double before = level(from, instrument), after = level(to, instrument);
    return before == kUnknown || after == kUnknown ? 0.0 : after - before;
  }
  /// Whether the instrument had a close before the window that ends at `row` began.
  [[nodiscard]] bool known(std::size_t row, std::size_t instrument, std::size_t window) const {
    return row >= window && level(row - window, instrument) != kUnknown;
  }
  /// Channels of one instrument, [channel][step], oldest first: own return, the average return of
  /// all instruments, and own price against its mean over the window, all in logarithms and all
  /// known at the close of `row`.
  void window(std::size_t row, std::size_t instrument, std::size_t length,
              std::span<float> out) const {
    double mean = 0;
    for (std::size_t step = 0; step < length; ++step) {
      const std::size_t at = row - length + 1 + step;
      const double change = log_return(row - length, at, instrument);
      mean += change / static_cast<double>(length);
      out[step] = static_cast<float>(log_return(at - 1, at, instrument));
      out[length + step] = static_cast<float>(averages_[at]);
      out[2 * length + step] = static_cast<float>(change);
    }
    for (std::size_t step = 0; step < length; ++step)
      out[2 * length + step] -= static_cast<float>(mean);
  }

 private:
  static constexpr double kUnknown = -1e300;  // no logarithm of a price
  [[nodiscard]] double level(std::size_t row, std::size_t instrument) const {
    return levels_[row * instruments_ + instrument];
  }

  std::vector<double> latest_, levels_, averages_;
  std::size_t instruments_;
};

class ModelDriven final : public Strategy {
 public:
  struct Params {
    Json predictor = "linear";
    std::int64_t window = 32, horizon = 5, delay = 1;
    double threshold = 0;
    bool shorting = false;
    Sizing sizing{.min_trade = 0.005};
    static void fields(auto&& field) {
      field("predictor", &Params::predictor,
            {.doc = "what predicts returns", .component = "predictor"});
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
        portfolio_(params_.sizing, instruments_),
        closes_(instruments_.size()) {
    if (context.registries == nullptr) {
      fail(Fault::Internal, "model", "expected the registries, to build its predictor from");
    }
    predictor_ = context.registries->predictors.build(params_.predictor, "/predictor",
                                                      {Closes::kChannels, window_, 1});
  }

  void fit(const Training& training) override {
    Closes closes(instruments_.size());
    std::vector<std::int64_t> times;
    const std::span<const Event> events = training.events();
    for (std::size_t i = 0; i < events.size();) {
      const Nanos now = events[i].local_time;
      bool any = false;
      for (; i < events.size() && events[i].local_time == now; ++i) {
        if (events[i].kind != EventKind::Bar) continue;
        closes.set(events[i].instrument,
                   instruments_[events[i].instrument].price(training.bar(events[i]).close));
        any = true;
      }
      if (any) {
        closes.push();
        times.push_back(now.value);
      }
    }
    const auto horizon = static_cast<std::size_t>(params_.horizon),
               delay = static_cast<std::size_t>(params_.delay);
    const std::size_t width = Closes::kChannels * window_;
    Dataset data;
    data.channels = Closes::kChannels;
    data.window = window_;
    data.outputs = 1;
    for (std::size_t row = window_; row + delay + horizon < closes.rows(); ++row) {
      for (std::size_t instrument = 0; instrument < instruments_.size(); ++instrument) {
        if (!closes.known(row, instrument, window_)) continue;
        data.inputs.resize(data.inputs.size() + width);
        closes.window(row, instrument, window_, std::span(data.inputs).last(width));
        data.targets.push_back(
            static_cast<float>(closes.log_return(row + delay, row + delay + horizon, instrument)));
        data.times.push_back(times[row]);
        ++data.rows;
      }
    }
    if (data.rows == 0) {
      fail(Fault::Scenario, "model",
           "expected a training span longer than window + delay + horizon, was " +
               std::to_string(closes.rows()) + " bars; lengthen /walk_forward/train");
    }
    predictor_->fit(data, random_.child("fit"));
    fitted_ = true;
  }

  [[nodiscard]] Json fitted() const override { return fitted_ ? predictor_->summary() : Json(); }

  void on_start(Orders&) override {
    closes_ = Closes(instruments_.size());
    portfolio_.reset();
    bars_ = 0;
    pending_ = false;
  }

  void on_event(const Event& event, Orders& orders) override {
    if (event.kind != EventKind::Bar) return;
    closes_.set(event.instrument, instruments_[event.instrument].price(orders.bar(event).close));
    pending_ = true;
  }

  void on_slice(Nanos, Orders& orders) override {
    if (!pending_) return;
    pending_ = false;
    closes_.push();
    if (orders.warming_up() || !fitted_ || closes_.rows() <= window_) return;
    if (bars_++ % static_cast<std::size_t>(params_.horizon) == 0) decide();
    portfolio_.trade(orders);
  }

 private:
  void decide() {
    const std::size_t row = closes_.rows() - 1, width = Closes::kChannels * window_;
    shown_.clear();
    inputs_.clear();
    for (std::size_t instrument = 0; instrument < instruments_.size(); ++instrument) {
      if (!closes_.known(row, instrument, window_)) continue;
      shown_.push_back(instrument);
      inputs_.resize(inputs_.size() + width);
      closes_.window(row, instrument, window_, std::span(inputs_).last(width));
    }
    if (shown_.empty()) return;
    outputs_.resize(shown_.size());
    predictor_->predict(inputs_, outputs_);
    // Equal parts; what is not held stays in cash.
    const double part = 1.0 / static_cast<double>(instruments_.size());
    for (std::size_t i = 0; i < instruments_.size(); ++i)
      portfolio_.want(static_cast<engine::InstrumentId>(i), 0);
    for (std::size_t i = 0; i < shown_.size(); ++i) {
      const auto id = static_cast<engine::InstrumentId>(shown_[i]);
      if (outputs_[i] > params_.threshold) portfolio_.want(id, part);
      if (params_.shorting && outputs_[i] < -params_.threshold) portfolio_.want(id, -part);
    }
  }

  Params params_;
  std::size_t window_;
  std::vector<engine::Instrument> instruments_;
  Rng random_;
  Portfolio portfolio_;
  Closes closes_;
  std::unique_ptr<Predictor> predictor_;
  bool fitted_ = false, pending_ = false;
  std::size_t bars_ = 0;
  std::vector<std::size_t> shown_;
  std::vector<float> inputs_, outputs_;
};

}  // namespace

void add_model_driven(Registry<Strategy, const StrategyContext&>& registry) {
  registry.add<ModelDriven>("model", "holds what a predictor expects to rise");
}

}  // namespace walras::strategies
