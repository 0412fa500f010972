#include "strategies/features.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "strategies/indicators.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>

namespace walras::strategies {
namespace {

// Logarithms are kept as integers, so that rolling sums of them are exact.
constexpr double kUnit = 1e-12;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMonday = 4 * 86'400 * kSecond;  // 1970 began on a Thursday

std::int64_t fixed_log(std::int64_t price) {
  return std::llround(std::log(static_cast<double>(price)) / kUnit);
}
double number(std::int64_t fixed) { return static_cast<double>(fixed) * kUnit; }

/// What happened in one bar of any frame.
struct Candle {
  std::int64_t high = 0, low = 0, close = 0, volume = 0, bought = 0, sold = 0;
  void add(const Candle& later) {
    high = std::max(high, later.high);
    low = std::min(low, later.low);
    close = later.close;
    volume += later.volume;
    bought += later.bought;
    sold += later.sold;
  }
};

/// End of the period (begin, end] of a frame in which `time` lies.
std::int64_t period_end(std::int64_t time, std::int64_t length) {
  const std::int64_t since = time - kMonday;
  const std::int64_t whole = since / length * length;
  return kMonday + (since > whole ? whole + length : whole);
}

/// The streaming state of one feature of one instrument.
class Channel {
 public:
  explicit Channel(const Feature& feature)
      : feature_(feature), place_(std::llround(feature.place_bp * 1e-4 / kUnit)) {
    const auto bars = static_cast<std::size_t>(feature.bars);
    switch (feature.kind) {
      case FeatureKind::Return:
      case FeatureKind::MarketReturn:
      case FeatureKind::Level:
      case FeatureKind::Volume:
        sum_.emplace(bars);
        break;
      case FeatureKind::Flow:
        sum_.emplace(bars);
        total_.emplace(bars);
        break;
      case FeatureKind::Volatility:
        moments_.emplace(bars);
        break;
      case FeatureKind::Range:
        high_.emplace(bars);
        low_.emplace(bars);
        break;
      case FeatureKind::VolumeImage:
        candles_.resize(bars);
        break;
      default:
        break;
    }
  }
  [[nodiscard]] const Feature& feature() const { return feature_; }
  [[nodiscard]] bool ready() const { return pushed_ > feature_.bars; }

  /// A bar of the feature's frame is whole. Returns the value of features of one channel.
  double push(const Candle& candle, std::int64_t change, std::int64_t close, std::span<float> out) {
    if (feature_.kind > FeatureKind::Flow) return 0;  // of the book alone: look()
    // Where nobody was seen to trade there is no flow, rather than a balanced one.
    if (feature_.kind == FeatureKind::Flow && pushed_ == 0 && candle.bought + candle.sold == 0) return 0;
    ++pushed_;
    double value = 0;
    switch (feature_.kind) {
      case FeatureKind::Return:
      case FeatureKind::MarketReturn:
        sum_->push(change);
        value = number(sum_->sum());
        break;
      case FeatureKind::Level:
        sum_->push(close);
        value = number(close) - sum_->mean() * kUnit;
        break;
      case FeatureKind::Volume:
        sum_->push(candle.volume);
        value = std::log1p(static_cast<double>(candle.volume)) - std::log1p(sum_->mean());
        break;
      case FeatureKind::Flow:
        sum_->push(candle.bought - candle.sold);
        total_->push(candle.bought + candle.sold);
        if (total_->sum() > 0)
          value = static_cast<double>(sum_->sum()) / static_cast<double>(total_->sum());
        break;
      case FeatureKind::Volatility:
        moments_->push(change);
        value = std::sqrt(std::max(0.0, moments_->variance())) * kUnit;
        break;
      case FeatureKind::Range:
        high_->push(candle.high);
        low_->push(candle.low);
        value = low_->value() > 0 ? std::log(static_cast<double>(high_->value()) /
                                             static_cast<double>(low_->value()))
                                  : 0;
        break;
      case FeatureKind::VolumeImage:
        candles_[static_cast<std::size_t>((pushed_ - 1) % feature_.bars)] = candle;
        volume_image(close, out);
        return 0;
      default:
        return 0;
    }
    out[0] = static_cast<float>(value);
    return value;
  }

  /// The book at the end of a row. Returns false where it is none of the feature's business.
  void look(const engine::Depth& depth, std::span<float> out) {
    const auto size = [](const engine::Depth::Level& level) {
      return static_cast<double>(level.quantity.value);
    };
    const std::int64_t bid = depth.bid[0].price.value, ask = depth.ask[0].price.value;
    const std::int64_t mid = fixed_log(bid + ask);  // in half ticks
    const std::size_t levels = out.size() / 4;
    switch (feature_.kind) {
      case FeatureKind::Spread:
        out[0] = static_cast<float>(number(fixed_log(ask) - fixed_log(bid)));
        break;
      case FeatureKind::Imbalance: {
        double bids = 0, asks = 0;
        const auto count = static_cast<std::size_t>(feature_.places);
        for (std::size_t i = 0; i < std::min<std::size_t>(count, depth.bids); ++i)
          bids += size(depth.bid[i]);
        for (std::size_t i = 0; i < std::min<std::size_t>(count, depth.asks); ++i)
          asks += size(depth.ask[i]);
        out[0] = static_cast<float>(bids + asks > 0 ? (bids - asks) / (bids + asks) : 0);
        break;
      }
      case FeatureKind::Microprice: {
        const double of_bid = size(depth.bid[0]), of_ask = size(depth.ask[0]),
                     both = of_bid + of_ask;
        const double micro =
            (static_cast<double>(bid) * of_ask + static_cast<double>(ask) * of_bid) / both;
        out[0] = static_cast<float>(both > 0 ? std::log(2 * micro / static_cast<double>(bid + ask)) : 0);
        break;
      }
      case FeatureKind::Book:
        for (std::size_t i = 0; i < levels; ++i) {
          const bool asks = i < depth.asks, bids = i < depth.bids;
          // Where there is no level any more, the last one's price with no size.
          const auto& a = depth.ask[asks ? i : depth.asks - 1U];
          const auto& b = depth.bid[bids ? i : depth.bids - 1U];
          out[4 * i] = static_cast<float>(number(fixed_log(2 * a.price.value) - mid));
          out[4 * i + 1] = static_cast<float>(asks ? std::log1p(size(a)) : 0);
          out[4 * i + 2] = static_cast<float>(b.price.value > 0 ? number(fixed_log(2 * b.price.value) - mid) : 0);
          out[4 * i + 3] = static_cast<float>(bids ? std::log1p(size(b)) : 0);
        }
        break;
      case FeatureKind::DepthImage: {
        std::ranges::fill(out, 0.0F);
        const auto put = [&](const engine::Depth::Level& level) {
          if (level.price.value <= 0) return;
          const std::int64_t at = place_of(fixed_log(2 * level.price.value) - mid);
          if (at < 0 || at >= feature_.places) return;
          float& value = out[static_cast<std::size_t>(at)];
          value = static_cast<float>(std::log1p(std::expm1(static_cast<double>(value)) + size(level)));
        };
        for (std::size_t i = 0; i < depth.bids; ++i) put(depth.bid[i]);
        for (std::size_t i = 0; i < depth.asks; ++i) put(depth.ask[i]);
        break;
      }
      default:
        return;
    }
    if (pushed_ <= feature_.bars) pushed_ = feature_.bars + 1;
  }
  void state(Archive& archive) {
    const auto kept = [&](auto& window) {
      if (window) archive(*window);
    };
    archive(pushed_, candles_);
    kept(sum_);
    kept(total_);
    kept(moments_);
    kept(high_);
    kept(low_);
  }

 private:
  [[nodiscard]] std::int64_t place_of(std::int64_t offset) const {
    const std::int64_t whole = offset >= 0 ? offset / place_ : -((place_ - 1 - offset) / place_);
    return whole + feature_.places / 2;
  }
  void volume_image(std::int64_t close, std::span<float> out) const {
    std::array<double, 256> shares{};
    double total = 0;
    const auto count = static_cast<std::size_t>(std::min(pushed_, feature_.bars));
    const auto places = static_cast<std::size_t>(feature_.places);
    for (std::size_t i = 0; i < count; ++i) {
      const Candle& candle = candles_[i];
      if (candle.volume <= 0 || candle.low <= 0) continue;
      const auto volume = static_cast<double>(candle.volume);
      total += volume;
      const std::int64_t low = fixed_log(candle.low) - close, high = fixed_log(candle.high) - close;
      const std::int64_t from = std::max<std::int64_t>(place_of(low), 0);
      const std::int64_t to = std::min<std::int64_t>(place_of(high), feature_.places - 1);
      for (std::int64_t at = from; at <= to; ++at) {
        const std::int64_t begin = (at - feature_.places / 2) * place_;
        const std::int64_t inside = std::min(high, begin + place_) - std::max(low, begin);
        shares[static_cast<std::size_t>(at)] +=
            high > low ? volume * static_cast<double>(inside) / static_cast<double>(high - low) : volume;
      }
    }
    for (std::size_t at = 0; at < places; ++at)
      out[at] = static_cast<float>(total > 0 ? shares[at] / total : 0);
  }

  Feature feature_;
  std::int64_t place_, pushed_ = 0;
  std::optional<RollingSum> sum_, total_;
  std::optional<RollingMoments> moments_;
  std::optional<RollingMaximum> high_;
  std::optional<RollingMinimum> low_;
  std::vector<Candle> candles_;
};

/// Bars of one length of one instrument.
struct Frame {
  std::int64_t length = 0;  // 0: the stream's own
  Candle candle;
  std::int64_t end = 0, close = 0;
  bool open = false, started = false;
};

}  // namespace

std::size_t Feature::width() const {
  switch (kind) {
    case FeatureKind::VolumeImage:
    case FeatureKind::DepthImage:
      return static_cast<std::size_t>(places);
    case FeatureKind::Book:
      return 4 * static_cast<std::size_t>(places);
    default:
      return 1;
  }
}

struct Features::Line {
  std::vector<Frame> frames;          // the stream's own first
  std::vector<Channel> channels;      // of each feature
  std::vector<std::size_t> frame_of;  // of each feature
  std::vector<float> values;          // of all channels, as they hold
  std::vector<double> exact;          // of each feature
  Candle candle;                      // of the row in hand, else the last one
  std::int64_t bar_end = 0;
  bool fresh = false, timed = false, started = false;
  std::size_t first = 0, ready = 0;  // rows
  bool is_ready = false;
  void state(Archive& archive) {
    for (Channel& channel : channels) archive(channel);
    archive(frames, values, exact, candle, bar_end, fresh, timed, started, first, ready, is_ready);
  }

  void push(std::size_t frame, const Candle& whole) {
    Frame& state = frames[frame];
    const std::int64_t close = fixed_log(whole.close);
    const std::int64_t change = state.started ? close - state.close : 0;
    state.started = true;
    state.close = close;
    std::span<float> out(values);
    for (std::size_t k = 0; k < channels.size(); ++k) {
      const std::size_t width = channels[k].feature().width();
      if (frame_of[k] == frame) exact[k] = channels[k].push(whole, change, close, out.first(width));
      out = out.subspan(width);
    }
  }
  /// Bars of longer frames out of those of rows.
  void advance(std::size_t frame, std::int64_t now) {
    Frame& state = frames[frame];
    if (fresh) {
      const std::int64_t end = period_end(timed ? bar_end : now, state.length);
      if (state.open && state.end != end) {
        push(frame, state.candle);
        state.open = false;
      }
      if (state.open) state.candle.add(candle);
      else state.candle = candle;
      state.open = true;
      state.end = end;
    }
    // A bar may be delivered after its end: its own time decides, else that of the row.
    if (state.open && (fresh && timed ? bar_end : now) >= state.end) {
      push(frame, state.candle);
      state.open = false;
    }
  }
};

Features::Features(std::vector<Feature> declared, std::size_t instruments, std::size_t keep)
    : declared_(std::move(declared)), keep_(keep), lines_(instruments) {
  if (declared_.empty())
    fail(Fault::Scenario, "features", "expected at least one feature, was none");
  for (std::size_t k = 0; k < declared_.size(); ++k) {
    const Feature& feature = declared_[k];
    const std::string where = "features/" + std::to_string(k);
    if (feature.kind == FeatureKind::Volatility && feature.bars < 2)
      fail(Fault::Scenario, where, "expected a volatility over at least 2 bars, was 1");
    const bool levels = feature.kind == FeatureKind::Book || feature.kind == FeatureKind::Imbalance;
    if (levels && feature.places > static_cast<std::int64_t>(engine::kDepthLevels)) {
      fail(Fault::Scenario, where + "/places",
           "expected at most 10 levels, was " + std::to_string(feature.places));
    }
    channels_ += feature.width();
  }
  for (Line& line : lines_) {
    line.frames.emplace_back();
    for (const Feature& feature : declared_) {
      const std::int64_t length = feature.frame_s * kSecond;
      auto found = std::ranges::find(line.frames, length, &Frame::length);
      if (found == line.frames.end()) {
        line.frames.emplace_back();
        found = std::prev(line.frames.end());
        found->length = length;
      }
      line.frame_of.push_back(static_cast<std::size_t>(found - line.frames.begin()));
      line.channels.emplace_back(feature);
    }
    line.values.resize(channels_);
    line.exact.resize(declared_.size());
  }
  if (keep_ > 0) {
    values_.resize(keep_ * instruments * channels_);
    paths_.resize(keep_ * instruments);
    times_.resize(keep_);
  }
}
Features::~Features() = default;
Features::Features(Features&&) noexcept = default;
Features& Features::operator=(Features&&) noexcept = default;

void Features::state(Archive& archive) {
  for (Line& line : lines_) archive(line);
  archive(rows_, values_, paths_, times_);
}

void Features::bar(engine::InstrumentId instrument, const engine::Bar& bar) {
  if (bar.close.value <= 0) return;
  Line& line = lines_[instrument];
  const Candle candle{bar.high.value, bar.low.value, bar.close.value, bar.volume.value, 0, 0};
  if (line.fresh) line.candle.add(candle);
  else line.candle = candle;
  line.bar_end = bar.close_time.value;
  line.fresh = line.timed = true;
}

void Features::quote(engine::InstrumentId instrument, std::int64_t half_ticks) {
  if (half_ticks <= 0) return;
  Line& line = lines_[instrument];
  if (line.fresh && line.candle.close > 0) {
    line.candle.add({half_ticks, half_ticks, half_ticks, 0, 0, 0});
    return;
  }
  // The bar of a row opens where the last one closed.
  const std::int64_t before = line.started ? line.candle.close : half_ticks;
  const Candle traded = line.fresh ? line.candle : Candle{};
  line.candle = {std::max(before, half_ticks), std::min(before, half_ticks), half_ticks,
                 traded.volume, traded.bought, traded.sold};
  line.fresh = true;
}

void Features::trade(engine::InstrumentId instrument, engine::Side aggressor, Lots quantity) {
  Line& line = lines_[instrument];
  if (!line.fresh) {
    const std::int64_t close = line.started ? line.candle.close : 0;
    line.candle = {close, close, close, 0, 0, 0};
    line.fresh = true;
  }
  line.candle.volume += quantity.value;
  (aggressor == engine::Side::Buy ? line.candle.bought : line.candle.sold) += quantity.value;
}

void Features::book(engine::InstrumentId instrument, const engine::Depth& depth) {
  if (!depth.two_sided() || depth.bid[0].price.value <= 0) return;
  Line& line = lines_[instrument];
  std::span<float> out(line.values);
  for (Channel& channel : line.channels) {
    const std::size_t width = channel.feature().width();
    channel.look(depth, out.first(width));
    out = out.subspan(width);
  }
}

std::size_t Features::new_row() {
  if (keep_ == 0) {
    values_.resize(values_.size() + lines_.size() * channels_);
    paths_.resize(paths_.size() + lines_.size());
    times_.push_back(0);
  }
  return keep_ == 0 ? rows_ : rows_ % keep_;
}

void Features::end_row(Nanos now) {
  const std::size_t at = new_row();
  times_[at] = now.value;
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    Line& line = lines_[i];
    if (line.candle.close <= 0) line.fresh = false;  // traded before there was a price
    if (!line.fresh && line.started) {
      const std::int64_t close = line.candle.close;
      line.candle = {close, close, close, 0, 0, 0};
    }
    if (line.fresh || line.started) {
      if (!line.started) line.first = rows_;
      line.started = true;
      line.push(0, line.candle);
      for (std::size_t frame = 1; frame < line.frames.size(); ++frame) line.advance(frame, now.value);
      line.fresh = line.timed = false;
      if (!line.is_ready && std::ranges::all_of(line.channels, &Channel::ready)) {
        line.is_ready = true;
        line.ready = rows_;
      }
    }
    std::ranges::copy(line.values, values_.begin() + static_cast<std::ptrdiff_t>((at * lines_.size() + i) * channels_));
    paths_[at * lines_.size() + i] =
        line.started ? Path{fixed_log(std::max<std::int64_t>(line.candle.high, 1)),
                            fixed_log(std::max<std::int64_t>(line.candle.low, 1)), line.frames[0].close}
                     : Path{};
  }
  std::size_t channel = 0;
  for (std::size_t k = 0; k < declared_.size(); ++k) {
    if (declared_[k].kind == FeatureKind::MarketReturn) {
      double sum = 0;
      std::size_t present = 0;
      for (const Line& line : lines_) {
        if (!line.started) continue;
        sum += line.exact[k];
        ++present;
      }
      const auto mean = present == 0 ? 0.0F : static_cast<float>(sum / static_cast<double>(present));
      for (std::size_t i = 0; i < lines_.size(); ++i)
        values_[(at * lines_.size() + i) * channels_ + channel] = mean;
    }
    channel += declared_[k].width();
  }
  ++rows_;
}

void Features::expects_kept(std::size_t row) const {
  expects(row < rows_ && (keep_ == 0 || row + keep_ >= rows_), "a row that is kept");
}

bool Features::known(std::size_t row, engine::InstrumentId instrument, std::size_t length) const {
  const Line& line = lines_[instrument];
  return line.is_ready && row < rows_ && row + 1 >= line.ready + length;
}

std::size_t Features::first(engine::InstrumentId instrument) const {
  return lines_[instrument].started ? lines_[instrument].first : rows_;
}

void Features::window(std::size_t row, engine::InstrumentId instrument, std::size_t length,
                      std::span<float> out) const {
  expects(known(row, instrument, length) && out.size() == channels_ * length,
          "a known window and room for it");
  for (std::size_t step = 0; step < length; ++step) {
    const float* value = values_.data() +
                         (place(row + 1 - length + step) * lines_.size() + instrument) * channels_;
    for (std::size_t k = 0; k < channels_; ++k) out[k * length + step] = value[k];
  }
}

double Features::log_return(std::size_t from, std::size_t to, engine::InstrumentId id) const {
  return number(paths_[place(to) * lines_.size() + id].close -
                paths_[place(from) * lines_.size() + id].close);
}
double Features::log_high(std::size_t from, std::size_t to, engine::InstrumentId id) const {
  return number(paths_[place(to) * lines_.size() + id].high -
                paths_[place(from) * lines_.size() + id].close);
}
double Features::log_low(std::size_t from, std::size_t to, engine::InstrumentId id) const {
  return number(paths_[place(to) * lines_.size() + id].low -
                paths_[place(from) * lines_.size() + id].close);
}

std::string Features::rows_to_bytes() const {
  expects(keep_ == 0, "all rows");
  std::string bytes;
  const auto put = [&bytes](const auto* data, std::size_t count) {
    bytes.append(reinterpret_cast<const char*>(data), count * sizeof(*data));
  };
  const std::array<std::uint64_t, 3> shape{rows_, lines_.size(), channels_};
  put(shape.data(), shape.size());
  for (const Line& line : lines_) {
    const std::array<std::uint64_t, 4> known{line.started, line.first, line.is_ready, line.ready};
    put(known.data(), known.size());
  }
  put(times_.data(), times_.size());
  put(paths_.data(), paths_.size());
  put(values_.data(), values_.size());
  return bytes;
}

bool Features::rows_from_bytes(std::string_view bytes) {
  expects(keep_ == 0, "all rows");
  const auto take = [&bytes](auto* data, std::size_t count) {
    std::memcpy(data, bytes.data(), count * sizeof(*data));
    bytes.remove_prefix(count * sizeof(*data));
  };
  std::array<std::uint64_t, 3> shape{};
  const std::size_t lines = lines_.size(), head = sizeof shape + lines * 32;
  if (bytes.size() < head) return false;
  take(shape.data(), shape.size());
  const std::size_t row = sizeof(std::int64_t) + lines * (sizeof(Path) + channels_ * sizeof(float));
  if (shape[1] != lines || shape[2] != channels_ || (bytes.size() - lines * 32) % row != 0 ||
      shape[0] != (bytes.size() - lines * 32) / row) {
    return false;
  }
  rows_ = shape[0];
  for (Line& line : lines_) {
    std::array<std::uint64_t, 4> known{};
    take(known.data(), known.size());
    line.started = known[0] != 0;
    line.first = known[1];
    line.is_ready = known[2] != 0;
    line.ready = known[3];
  }
  times_.resize(rows_);
  paths_.resize(rows_ * lines);
  values_.resize(rows_ * lines * channels_);
  take(times_.data(), times_.size());
  take(paths_.data(), paths_.size());
  take(values_.data(), values_.size());
  return true;
}

}  // namespace walras::strategies
