#include "strategies/features.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "strategies/indicators.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace walras::strategies {
namespace {

// Logarithms are kept as integers, so that rolling sums of them are exact.
constexpr double kUnit = 1e-12;

std::int64_t fixed_log(std::int64_t ticks) {
  return std::llround(std::log(static_cast<double>(ticks)) / kUnit);
}
double number(std::int64_t fixed) { return static_cast<double>(fixed) * kUnit; }

/// The streaming state of one channel of one instrument.
class Channel {
 public:
  explicit Channel(const Feature& feature) : feature_(feature) {
    const auto bars = static_cast<std::size_t>(feature.bars);
    switch (feature.kind) {
      case FeatureKind::Return:
      case FeatureKind::MarketReturn:
      case FeatureKind::Level:
      case FeatureKind::Volume:
        sum_.emplace(bars);
        break;
      case FeatureKind::Volatility:
        moments_.emplace(bars);
        break;
      case FeatureKind::Range:
        high_.emplace(bars);
        low_.emplace(bars);
    }
  }
  double push(std::int64_t change, std::int64_t close, const engine::Bar& bar) {
    switch (feature_.kind) {
      case FeatureKind::Return:
      case FeatureKind::MarketReturn:
        sum_->push(change);
        return number(sum_->sum());
      case FeatureKind::Level:
        sum_->push(close);
        return number(close) - sum_->mean() * kUnit;
      case FeatureKind::Volume:
        sum_->push(bar.volume.value);
        return std::log1p(static_cast<double>(bar.volume.value)) - std::log1p(sum_->mean());
      case FeatureKind::Volatility:
        moments_->push(change);
        return std::sqrt(std::max(0.0, moments_->variance())) * kUnit;
      case FeatureKind::Range:
        high_->push(bar.high.value);
        low_->push(bar.low.value);
        return low_->value() > 0 ? std::log(static_cast<double>(high_->value()) /
                                            static_cast<double>(low_->value()))
                                 : 0;
    }
    return 0;
  }
  void state(Archive& archive) {
    const auto kept = [&](auto& window) {
      if (window) archive(*window);
    };
    kept(sum_);
    kept(moments_);
    kept(high_);
    kept(low_);
  }

 private:
  Feature feature_;
  std::optional<RollingSum> sum_;
  std::optional<RollingMoments> moments_;
  std::optional<RollingMaximum> high_;
  std::optional<RollingMinimum> low_;
};

}  // namespace

struct Features::Line {
  std::vector<Channel> channels;
  engine::Bar bar{};  // of the slice in hand, else the last one
  bool fresh = false, started = false;
  std::int64_t close = 0;  // log of the last close
  std::size_t first = 0;   // row of the first bar
  void state(Archive& archive) {
    for (Channel& channel : channels) archive(channel);
    archive(bar, fresh, started, close, first);
  }
};

Features::Features(std::vector<Feature> channels, std::size_t instruments)
    : channels_(std::move(channels)), lines_(instruments), market_(channels_.size()) {
  if (channels_.empty())
    fail(Fault::Scenario, "features", "expected at least one feature, was none");
  for (const Feature& feature : channels_) {
    if (feature.kind == FeatureKind::Volatility && feature.bars < 2) {
      fail(Fault::Scenario, "features", "expected a volatility over at least 2 bars, was 1");
    }
    longest_ = std::max(longest_, static_cast<std::size_t>(feature.bars));
  }
  for (Line& line : lines_) {
    for (const Feature& feature : channels_) line.channels.emplace_back(feature);
  }
}
Features::~Features() = default;
Features::Features(Features&&) noexcept = default;
Features& Features::operator=(Features&&) noexcept = default;

void Features::state(Archive& archive) {
  for (Line& line : lines_) archive(line);
  archive(rows_, values_, closes_);
}

void Features::bar(engine::InstrumentId instrument, const engine::Bar& bar) {
  if (bar.close.value <= 0) return;
  lines_[instrument].bar = bar;
  lines_[instrument].fresh = true;
}

void Features::end_slice() {
  const std::size_t count = channels_.size();
  std::size_t place = values_.size(), present = 0;
  values_.resize(place + lines_.size() * count);
  std::ranges::fill(market_, 0);
  for (Line& line : lines_) {
    if (!line.fresh && line.started) {
      const Ticks close = line.bar.close;
      line.bar.open = line.bar.high = line.bar.low = close;
      line.bar.volume = {0};
    }
    if (line.fresh || line.started) {
      const std::int64_t close = fixed_log(line.bar.close.value);
      const std::int64_t change = line.started ? close - line.close : 0;
      if (!line.started) line.first = rows_;
      line.started = true;
      line.fresh = false;
      line.close = close;
      ++present;
      for (std::size_t k = 0; k < count; ++k) {
        const double value = line.channels[k].push(change, close, line.bar);
        values_[place + k] = static_cast<float>(value);
        market_[k] += value;
      }
    }
    closes_.push_back(line.close);
    place += count;
  }
  for (std::size_t k = 0; k < count; ++k) {
    if (channels_[k].kind != FeatureKind::MarketReturn || present == 0) continue;
    const auto mean = static_cast<float>(market_[k] / static_cast<double>(present));
    for (std::size_t i = 0; i < lines_.size(); ++i)
      values_[(rows_ * lines_.size() + i) * count + k] = mean;
  }
  ++rows_;
}

bool Features::known(std::size_t row, engine::InstrumentId instrument, std::size_t length) const {
  const Line& line = lines_[instrument];
  return line.started && row < rows_ && row + 1 >= line.first + longest_ + length;
}

void Features::window(std::size_t row, engine::InstrumentId instrument, std::size_t length,
                      std::span<float> out) const {
  expects(known(row, instrument, length) && out.size() == channels_.size() * length,
          "a known window and room for it");
  const std::size_t count = channels_.size(), stride = lines_.size() * count;
  const float* value = values_.data() + (row + 1 - length) * stride + instrument * count;
  for (std::size_t step = 0; step < length; ++step, value += stride) {
    for (std::size_t k = 0; k < count; ++k) out[k * length + step] = value[k];
  }
}

double Features::log_return(std::size_t from, std::size_t to,
                            engine::InstrumentId instrument) const {
  return number(closes_[to * lines_.size() + instrument] -
                closes_[from * lines_.size() + instrument]);
}

}  // namespace walras::strategies
