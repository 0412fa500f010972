#include "models/compiled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "engine/base/error.hpp"
#include "models/kernels.hpp"

namespace walras::models {
namespace {

using Numbers = std::vector<float>;

std::size_t whole(const Json& json) { return static_cast<std::size_t>(json.as_integer()); }

/// What a network is built from: the archive's arrays, checked by shape.
struct Source {
  const Archive& saved;
  const NamedArray& array(const std::string& name, std::initializer_list<std::size_t> shape) const {
    std::vector<std::int64_t> sides;
    for (const std::size_t side : shape) sides.push_back(static_cast<std::int64_t>(side));
    return saved.at(name, sides);
  }
  const Numbers& numbers(const std::string& name, std::size_t count) const { return array(name, {count}).values; }
};

/// y = W x + b, the matrix turned so that an input's weights lie together.
class Affine {
 public:
  Affine() = default;
  Affine(const Numbers& rows, const Numbers& bias, std::size_t in) : in_(in), bias_(bias), weights_(rows.size()) {
    for (std::size_t o = 0; o < bias.size(); ++o) {
      for (std::size_t i = 0; i < in; ++i) weights_[i * bias.size() + o] = rows[o * in + i];
    }
  }
  Affine(const Source& from, const std::string& name, std::size_t in, std::size_t out)
      : Affine(from.array(name + ".weight", {out, in}).values, from.numbers(name + ".bias", out), in) {}
  void operator()(const float* x, float* y) const {
    std::ranges::copy(bias_, y);
    kernels::multiply(weights_.data(), x, y, in_, bias_.size());
  }
  [[nodiscard]] std::size_t out() const { return bias_.size(); }

 private:
  std::size_t in_ = 0;
  Numbers bias_, weights_;
};

void relu(Numbers& values) {
  for (float& value : values) value = value > 0 ? value : 0;
}

class Norm {
 public:
  Norm() = default;
  Norm(const Source& from, const std::string& name, std::size_t width)
      : scale_(from.numbers(name + ".weight", width)), shift_(from.numbers(name + ".bias", width)) {}
  void operator()(const float* x, float* y) const {
    const std::size_t n = scale_.size();
    double mean = 0, square = 0;
    for (std::size_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]);
    mean /= static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) square += (static_cast<double>(x[i]) - mean) * (static_cast<double>(x[i]) - mean);
    const auto by = static_cast<float>(1 / std::sqrt(square / static_cast<double>(n) + 1e-5));
    const auto centre = static_cast<float>(mean);
    for (std::size_t i = 0; i < n; ++i) y[i] = (x[i] - centre) * by * scale_[i] + shift_[i];
  }

 private:
  Numbers scale_, shift_;
};

/// What lies between a step's channels and its features.
class Body {
 public:
  virtual ~Body() = default;
  virtual void reset() = 0;
  virtual const Numbers& push(const Numbers& scaled) = 0;
};

class Mlp final : public Body {
 public:
  Mlp(const Source& from, const Json& network, std::size_t channels, std::size_t window)
      : channels_(channels), window_(window), past_(channels * window) {
    std::size_t in = past_.size();
    for (const Json& width : network.at("hidden").as_array()) {
      layers_.emplace_back(from, fmt::format("net.layer{}", layers_.size()), in, whole(width));
      in = whole(width);
      values_.emplace_back(in);
    }
    if (layers_.empty()) fail(Fault::Data, "mlp", "expected at least one hidden layer, was none");
  }
  void reset() override { std::ranges::fill(past_, 0.0F); }
  const Numbers& push(const Numbers& scaled) override {
    for (std::size_t c = 0; c < channels_; ++c) {
      float* line = past_.data() + c * window_;
      std::copy(line + 1, line + window_, line);
      line[window_ - 1] = scaled[c];
    }
    const float* x = past_.data();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i](x, values_[i].data());
      relu(values_[i]);
      x = values_[i].data();
    }
    return values_.back();
  }

 private:
  std::size_t channels_, window_;
  Numbers past_;
  std::vector<Affine> layers_;
  std::vector<Numbers> values_;
};

class Lstm final : public Body {
 public:
  Lstm(const Source& from, const Json& network, std::size_t channels) {
    const std::size_t width = whole(network.at("hidden"));
    const Json::Array& horizons = network.at("horizons").as_array();
    if (horizons.size() != 1 || whole(horizons[0]) != 1 || whole(network.at("heads")) != 0)
      fail(Fault::Usage, "compile", "expected an lstm of one horizon of 1 step without attention, was another");
    const std::string name = "net.level0.lstm.";
    const Numbers& input = from.array(name + "input", {4 * width, channels}).values;
    const Numbers& recurrent = from.array(name + "recurrent", {4 * width, width}).values;
    Numbers rows, bias = from.numbers(name + "input_bias", 4 * width);
    const Numbers& second = from.numbers(name + "recurrent_bias", 4 * width);
    for (std::size_t o = 0; o < 4 * width; ++o) {  // one product over inputs and state
      bias[o] += second[o];
      rows.insert(rows.end(), input.begin() + static_cast<std::ptrdiff_t>(o * channels), input.begin() + static_cast<std::ptrdiff_t>((o + 1) * channels));
      rows.insert(rows.end(), recurrent.begin() + static_cast<std::ptrdiff_t>(o * width), recurrent.begin() + static_cast<std::ptrdiff_t>((o + 1) * width));
    }
    gate_ = Affine(rows, bias, channels + width);
    norm_ = Norm(from, "net.level0.norm", width);
    joined_.resize(channels + width);
    gates_.resize(4 * width);
    cell_.resize(width);
    out_.resize(width);
  }
  void reset() override {
    std::ranges::fill(joined_, 0.0F);
    std::ranges::fill(cell_, 0.0F);
  }
  const Numbers& push(const Numbers& scaled) override {
    std::ranges::copy(scaled, joined_.begin());
    gate_(joined_.data(), gates_.data());
    float* hidden = joined_.data() + scaled.size();
    kernels::lstm_cell(gates_.data(), cell_.data(), hidden, cell_.size());
    norm_(hidden, out_.data());
    return out_;
  }

 private:
  Affine gate_;
  Norm norm_;
  Numbers joined_, gates_, cell_, out_;
};

/// A causal convolution that keeps the steps it still reaches.
class Convolution {
 public:
  Convolution(const Source& from, const std::string& name, std::size_t in, std::size_t out,
              std::size_t kernel, std::size_t dilation)
      : in_(in), kernel_(kernel), dilation_(dilation), past_(in * ((kernel - 1) * dilation + 1)), gathered_(in * kernel), out_(out) {
    const Numbers& weight = from.array(name + ".weight", {out, in, kernel}).values;
    Numbers rows(weight.size());  // [out][tap][in]
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t k = 0; k < kernel; ++k) rows[(o * kernel + k) * in + i] = weight[(o * in + i) * kernel + k];
      }
    }
    map_ = Affine(rows, from.numbers(name + ".bias", out), in * kernel);
  }
  const Numbers& push(const float* x) {
    if (kernel_ == 1) {
      map_(x, out_.data());
      return out_;
    }
    const std::size_t length = past_.size() / in_;
    std::copy(x, x + in_, past_.data() + at_ * in_);
    for (std::size_t k = 0; k < kernel_; ++k) {
      const std::size_t place = (at_ + length - (kernel_ - 1 - k) * dilation_) % length;
      std::copy_n(past_.data() + place * in_, in_, gathered_.data() + k * in_);
    }
    at_ = (at_ + 1) % length;
    map_(gathered_.data(), out_.data());
    return out_;
  }
  void reset() {
    std::ranges::fill(past_, 0.0F);
    at_ = 0;
  }

 private:
  std::size_t in_, kernel_, dilation_, at_ = 0;
  Numbers past_, gathered_, out_;
  Affine map_;
};

class PriceCnn final : public Body {
 public:
  PriceCnn(const Source& from, const Json& network, std::size_t channels)
      : width_(whole(network.at("channels"))), features_(whole(network.at("features"))) {
    if (whole(network.at("heads")) != 0)
      fail(Fault::Usage, "compile", "expected a price_cnn without attention (heads 0), was one with it");
    const std::size_t kernel = whole(network.at("kernel"));
    const bool norms = network.at("batch_norm").as_bool();
    for (const Json& frame : network.at("frames").as_array()) {
      const std::string name = fmt::format("net.frame{}", branches_.size());
      Branch branch{whole(frame), 0, Numbers(channels * whole(frame)), Numbers(channels), Convolution(from, name + ".inlet", channels, width_, 1, 1), {}, Numbers(width_)};
      for (std::size_t block = 0; block < whole(network.at("blocks")); ++block) {
        const std::string part = fmt::format("{}.block{}", name, block);
        Block made{Convolution(from, part + "_first", width_, width_, kernel, branch.frame << block),
                   Convolution(from, part + "_second", width_, width_, 1, 1), {}, {}, Numbers(width_)};
        if (norms) {
          made.shift = from.numbers(part + "_norm.bias", width_);
          const Numbers &weight = from.numbers(part + "_norm.weight", width_), &mean = from.numbers(part + "_norm.running_mean", width_),
                        &variance = from.numbers(part + "_norm.running_variance", width_);
          for (std::size_t i = 0; i < width_; ++i) {
            made.scale.push_back(weight[i] / std::sqrt(variance[i] + 1e-5F));
            made.shift[i] -= mean[i] * made.scale[i];
          }
        }
        branch.blocks.push_back(std::move(made));
      }
      branches_.push_back(std::move(branch));
    }
    joined_.resize(width_ * branches_.size());
    outlet_ = Affine(from.array("net.outlet.weight", {features_, joined_.size(), 1}).values, from.numbers("net.outlet.bias", features_), joined_.size());
    out_.resize(features_);
  }
  void reset() override {
    for (Branch& branch : branches_) {
      std::ranges::fill(branch.past, 0.0F);
      branch.at = 0;
      for (Block& block : branch.blocks) block.first.reset();
    }
  }
  const Numbers& push(const Numbers& scaled) override {
    for (std::size_t b = 0; b < branches_.size(); ++b) {
      run(branches_[b], scaled);
      std::ranges::copy(branches_[b].signal, joined_.begin() + static_cast<std::ptrdiff_t>(b * width_));
    }
    outlet_(joined_.data(), out_.data());
    relu(out_);
    return out_;
  }

 private:
  struct Block {
    Convolution first, second;
    Numbers scale, shift, inside;
  };
  struct Branch {
    std::size_t frame, at;
    Numbers past, mean;
    Convolution inlet;
    std::vector<Block> blocks;
    Numbers signal;
  };
  static void run(Branch& branch, const Numbers& scaled) {
    const float* x = scaled.data();
    if (branch.frame > 1) {
      std::ranges::copy(scaled, branch.past.begin() + static_cast<std::ptrdiff_t>(branch.at * scaled.size()));
      branch.at = (branch.at + 1) % branch.frame;
      std::ranges::fill(branch.mean, 0.0F);
      for (std::size_t i = 0; i < branch.past.size(); ++i) branch.mean[i % scaled.size()] += branch.past[i];
      for (float& value : branch.mean) value /= std::sqrt(static_cast<float>(branch.frame));
      x = branch.mean.data();
    }
    std::ranges::copy(branch.inlet.push(x), branch.signal.begin());
    for (Block& block : branch.blocks) {
      std::ranges::copy(block.first.push(branch.signal.data()), block.inside.begin());
      for (std::size_t i = 0; i < block.scale.size(); ++i) block.inside[i] = block.inside[i] * block.scale[i] + block.shift[i];
      relu(block.inside);
      const Numbers& added = block.second.push(block.inside.data());
      for (std::size_t i = 0; i < added.size(); ++i) branch.signal[i] = std::max(0.0F, branch.signal[i] + added[i]);
    }
  }
  std::size_t width_, features_;
  std::vector<Branch> branches_;
  Numbers joined_, out_;
  Affine outlet_;
};

/// Keys and values of the last T steps; a query meets them oldest last.
class Transformer final : public Body {
 public:
  Transformer(const Source& from, const Json& network, std::size_t channels, std::size_t window)
      : width_(whole(network.at("width"))), heads_(whole(network.at("heads"))), scales_(whole(network.at("scales"))), window_(window) {
    const std::string positions = network.at("positions").as_string(), kind = network.at("attention").as_string();
    if (!network.at("causal").as_bool() || (positions != "rotary" && positions != "none") || (kind != "softmax" && kind != "auto") || window >= 1024)
      fail(Fault::Usage, "compile", "expected a causal transformer with softmax and rotary or no positions, was another");
    rotary_ = positions == "rotary";
    const std::size_t hidden = whole(network.at("hidden"));
    inlet_ = Affine(from, "net.inlet", channels, width_);
    for (std::size_t i = 0; i < whole(network.at("layers")); ++i) {
      const std::string name = fmt::format("net.block{}.", i);
      blocks_.push_back({Norm(from, name + "before_attention", width_), Norm(from, name + "before_hidden", width_),
                         Affine(from.array(name + "attention.weight", {3 * width_, width_}).values, from.numbers(name + "attention.bias", 3 * width_), width_),
                         Affine(from, name + "attention.outlet", width_, width_), Affine(from, name + "inlet", width_, hidden), Affine(from, name + "outlet", hidden, width_),
                         Numbers(window * width_), Numbers(window * width_)});
    }
    norm_ = Norm(from, "net.norm", width_);
    signal_.resize(width_), normed_.resize(width_), mixed_.resize(width_), out_.resize(width_);
    projected_.resize(3 * width_), hidden_.resize(hidden), scores_.resize(window);
  }
  void reset() override { step_ = 0; }
  const Numbers& push(const Numbers& scaled) override {
    inlet_(scaled.data(), signal_.data());
    for (Block& block : blocks_) {
      block.before_attention(signal_.data(), normed_.data());
      block.project(normed_.data(), projected_.data());
      attend(block);
      block.after(mixed_.data(), normed_.data());
      for (std::size_t i = 0; i < width_; ++i) signal_[i] += normed_[i];
      block.before_hidden(signal_.data(), normed_.data());
      block.inlet(normed_.data(), hidden_.data());
      for (float& value : hidden_) value *= 0.5F * (1 + std::erf(value * 0.70710678F));
      block.outlet(hidden_.data(), normed_.data());
      for (std::size_t i = 0; i < width_; ++i) signal_[i] += normed_[i];
    }
    ++step_;
    norm_(signal_.data(), out_.data());
    return out_;
  }

 private:
  struct Block {
    Norm before_attention, before_hidden;
    Affine project, after, inlet, outlet;
    Numbers keys, values;  // [head][place][d]: a ring of T places
  };
  void turn(float* x, std::size_t head) const {
    const std::size_t half = head / 2;
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(step_) * std::exp(-std::log(10000.0) * static_cast<double>(i) / static_cast<double>(half));
      const auto c = static_cast<float>(std::cos(angle)), s = static_cast<float>(std::sin(angle));
      const float a = x[i], b = x[i + half];
      x[i] = a * c - b * s;
      x[i + half] = a * s + b * c;
    }
  }
  void attend(Block& block) {
    const std::size_t d = width_ / heads_, place = step_ % window_;
    const float scale = 1 / std::sqrt(static_cast<float>(d));
    for (std::size_t h = 0; h < heads_; ++h) {
      float *q = projected_.data() + h * d, *k = q + width_, *v = k + width_;
      if (rotary_) turn(q, d), turn(k, d);
      float *keys = block.keys.data() + h * window_ * d, *values = block.values.data() + h * window_ * d;
      for (std::size_t i = 0; i < d; ++i) keys[i * window_ + place] = k[i];  // [d][place]: scores in one product
      std::copy_n(v, d, values + place * d);
      std::size_t band = window_;
      for (std::size_t s = h % scales_; s > 0; --s) band /= 4;
      const std::size_t seen = std::min({step_ + 1, window_, std::max<std::size_t>(band, 1)});
      const std::size_t filled = std::min(step_ + 1, window_);
      std::fill_n(scores_.begin(), filled, 0.0F);
      // All filled places at once, then those outside the band are left out.
      Numbers& scores = scores_;
      if (filled == window_) {
        kernels::multiply(keys, q, scores.data(), d, window_);
      } else {
        for (std::size_t i = 0; i < d; ++i) {
          for (std::size_t p = 0; p < filled; ++p) scores[p] += keys[i * window_ + p] * q[i];
        }
      }
      float highest = -1e30F;
      const auto inside = [&](std::size_t p) { return (place + window_ - p) % window_ < seen; };
      for (std::size_t p = 0; p < filled; ++p) {
        scores[p] = inside(p) ? scores[p] * scale : -1e30F;
        highest = std::max(highest, scores[p]);
      }
      for (std::size_t p = 0; p < filled; ++p) scores[p] -= highest;
      kernels::exponential(scores.data(), filled);
      float sum = 0;
      for (std::size_t p = 0; p < filled; ++p) {
        if (!inside(p)) scores[p] = 0;
        sum += scores[p];
      }
      float* mixed = mixed_.data() + h * d;
      std::fill_n(mixed, d, 0.0F);
      kernels::multiply(values, scores.data(), mixed, filled, d);
      for (std::size_t i = 0; i < d; ++i) mixed[i] /= sum;
    }
  }

  std::size_t width_, heads_, scales_, window_, step_ = 0;
  bool rotary_ = true;
  Affine inlet_;
  std::vector<Block> blocks_;
  Norm norm_;
  Numbers signal_, normed_, mixed_, out_, projected_, hidden_, scores_;
};

class Fused final : public Compiled {
 public:
  explicit Fused(const Archive& saved) {
    const Json& about = saved.description;
    const Source from{saved};
    const std::string kind = about.at("kind").as_string();
    const Json& tasks = about.at("objective").at("tasks");
    if (tasks.size() != 1 || tasks.as_array()[0].at("kind").as_string() != "value")
      fail(Fault::Usage, "compile", "expected a network that learned one value task, was another objective");
    const std::size_t channels = whole(about.at("channels")), window = whole(about.at("window")), outputs = whole(about.at("outputs"));
    const Json& network = about.at("network");
    std::size_t features = 0;
    if (kind == "mlp") {
      body_ = std::make_unique<Mlp>(from, network, channels, window);
      features = whole(network.at("hidden").as_array().back());
    } else if (kind == "lstm") {
      body_ = std::make_unique<Lstm>(from, network, channels);
      features = whole(network.at("hidden"));
    } else if (kind == "price_cnn") {
      body_ = std::make_unique<PriceCnn>(from, network, channels);
      features = whole(network.at("features"));
    } else if (kind == "transformer") {
      body_ = std::make_unique<Transformer>(from, network, channels, window);
      features = whole(network.at("width"));
    } else {
      fail(Fault::Usage, "compile", fmt::format("expected mlp, price_cnn, lstm or transformer, was {}", kind));
    }
    head_ = Affine(from, "head", features, outputs);
    mean_ = from.numbers("scaler.input_mean", channels);
    scale_ = from.numbers("scaler.input_scale", channels);
    target_mean_ = from.numbers("scaler.target_mean", outputs);
    target_scale_ = from.numbers("scaler.target_scale", outputs);
    scaled_.resize(channels);
  }
  void reset() override { body_->reset(); }
  void push(std::span<const float> channels, std::span<float> outputs) override {
    expects(channels.size() == scaled_.size() && outputs.size() == target_mean_.size(), "channels in, outputs out");
    for (std::size_t c = 0; c < scaled_.size(); ++c) scaled_[c] = (channels[c] - mean_[c]) / scale_[c];
    head_(body_->push(scaled_).data(), outputs.data());
    for (std::size_t o = 0; o < outputs.size(); ++o) outputs[o] = outputs[o] * target_scale_[o] + target_mean_[o];
  }

 private:
  std::unique_ptr<Body> body_;
  Affine head_;
  Numbers mean_, scale_, target_mean_, target_scale_, scaled_;
};

}  // namespace

std::unique_ptr<Compiled> compile(const Archive& saved) { return std::make_unique<Fused>(saved); }

}  // namespace walras::models
