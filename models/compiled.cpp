#include "models/compiled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <tuple>
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

/// One stage of DeepLOB's trunk: a convolution over the last steps and neighbouring places of a
/// step's plane [place][channel], a bend, a norm.
class PlaneStage {
 public:
  PlaneStage(const Source& from, const std::string& name, std::size_t in, std::size_t out, std::size_t in_places,
             std::size_t steps, std::size_t places, bool tangent)
      : in_(in), steps_(steps), places_(places), tangent_(tangent),
        out_places_(in_places / places), past_(steps * in_places * in), gathered_(steps * places * in), out_(out_places_ * out) {
    const Numbers& weight = from.array(name + ".weight", {out, in, steps, places}).values;
    Numbers rows(weight.size());  // [out][step][place][in]
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t k = 0; k < steps * places; ++k)
          rows[(o * steps * places + k) * in + i] = weight[(o * in + i) * steps * places + k];
      }
    }
    map_ = Affine(rows, from.numbers(name + ".bias", out), gathered_.size());
    shift_ = from.numbers(name + "_norm.bias", out);
    const Numbers &scale = from.numbers(name + "_norm.weight", out), &mean = from.numbers(name + "_norm.running_mean", out),
                  &variance = from.numbers(name + "_norm.running_variance", out);
    for (std::size_t i = 0; i < out; ++i) {
      scale_.push_back(scale[i] / std::sqrt(variance[i] + 1e-5F));
      shift_[i] -= mean[i] * scale_[i];
    }
  }
  /// A plane in, the plane after it out.
  const Numbers& push(const Numbers& plane) {
    std::ranges::copy(plane, past_.begin() + static_cast<std::ptrdiff_t>(at_ * plane.size()));
    at_ = (at_ + 1) % steps_;  // now the oldest
    const std::size_t run = places_ * in_;
    for (std::size_t place = 0; place < out_places_; ++place) {
      for (std::size_t k = 0; k < steps_; ++k)
        std::copy_n(past_.data() + (at_ + k) % steps_ * plane.size() + place * run, run, gathered_.data() + k * run);
      apply(gathered_.data(), out_.data() + place * shift_.size());
    }
    return out_;
  }
  /// The stage on gathered numbers [step][place][in].
  void apply(const float* x, float* y) const {
    map_(x, y);
    if (tangent_) kernels::tangent(y, shift_.size());
    for (std::size_t i = 0; i < shift_.size(); ++i) {
      const float bent = tangent_ || y[i] > 0 ? y[i] : 0.01F * y[i];
      y[i] = bent * scale_[i] + shift_[i];
    }
  }
  [[nodiscard]] std::size_t out_places() const { return out_places_; }

 private:
  std::size_t in_, steps_, places_;
  bool tangent_;
  std::size_t out_places_, at_ = 0;
  Numbers past_, gathered_, out_, scale_, shift_;
  Affine map_;
};

/// The trunk keeps the steps that its convolutions reach; the inception's outputs in the middle of the
/// window stay what they were, those at its edges (where zeros lie beside them) are made anew; their
/// projections into the LSTM are kept, and its recurrence runs over the window.
class DeepLob final : public Body {
 public:
  DeepLob(const Source& from, const Json& network, std::size_t channels, std::size_t window)
      : width_(whole(network.at("width"))), hidden_(whole(network.at("hidden"))) {
    const std::size_t w = width_;
    std::size_t places = channels;
    const auto stage = [&](std::size_t in, std::size_t steps, std::size_t across, bool tangent) {
      trunk_.emplace_back(from, fmt::format("net.trunk{}", trunk_.size()), in, w, places, steps, across, tangent);
      places = trunk_.back().out_places();
    };
    for (const auto& [in, across, tangent] : {std::tuple{std::size_t{1}, std::size_t{2}, false}, std::tuple{w, std::size_t{2}, true}, std::tuple{w, channels / 4, false}}) {
      stage(in, 1, across, tangent);
      stage(w, 4, 1, tangent);
      stage(w, 4, 1, tangent);
    }
    length_ = window - 18;
    if (length_ < 5) fail(Fault::Usage, "compile", "expected a deeplob with a window of at least 23 steps, was shorter");
    for (const char* name : {"three", "five"}) {
      const std::size_t reach = name[0] == 't' ? 3 : 5;
      before_.emplace_back(from, fmt::format("net.{}0", name), w, 2 * w, 1, 1, 1, false);
      across_.emplace_back(from, fmt::format("net.{}1", name), 2 * w, 2 * w, 1, reach, 1, false);
      reach_.push_back(reach);
    }
    pool_.emplace_back(from, "net.pool0", w, 2 * w, 1, 1, 1, false);
    const Numbers& second = from.numbers("net.lstm.recurrent_bias", 4 * hidden_);
    Numbers bias = from.numbers("net.lstm.input_bias", 4 * hidden_);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += second[i];
    project_ = Affine(from.array("net.lstm.input", {4 * hidden_, 6 * w}).values, bias, 6 * w);
    const Numbers& rows = from.array("net.lstm.recurrent", {4 * hidden_, hidden_}).values;
    recurrent_.resize(rows.size());
    for (std::size_t o = 0; o < 4 * hidden_; ++o) {
      for (std::size_t i = 0; i < hidden_; ++i) recurrent_[i * 4 * hidden_ + o] = rows[o * hidden_ + i];
    }
    now_.signal.resize(length_ * w);
    for (Numbers& kept : now_.before) kept.resize(length_ * 2 * w);
    now_.projected.resize(length_ * 4 * hidden_);
    edges_.resize(4 * 4 * hidden_);
    gathered_.resize(5 * 2 * w), described_.resize(6 * w), pooled_.resize(w);
    gates_.resize(4 * hidden_), cell_.resize(hidden_), out_.resize(hidden_);
    const Numbers zeros(channels);
    for (std::size_t i = 0; i < window; ++i) push(zeros);  // what a window of zeros leaves
    start_ = now_;
    fresh_ = trunk_;
  }
  void reset() override {
    now_ = start_;
    trunk_ = fresh_;
  }
  const Numbers& push(const Numbers& scaled) override {
    const Numbers* plane = &scaled;
    for (PlaneStage& stage : trunk_) plane = &stage.push(*plane);
    const std::size_t last = now_.first;  // the oldest gives way
    now_.first = (now_.first + 1) % length_;
    std::ranges::copy(*plane, now_.signal.begin() + static_cast<std::ptrdiff_t>(last * width_));
    for (std::size_t b = 0; b < 2; ++b) before_[b].apply(plane->data(), now_.before[b].data() + last * 2 * width_);
    const std::size_t gates = 4 * hidden_;
    describe(length_ - 3, now_.projected.data() + place(length_ - 3) * gates);
    for (std::size_t i = 0; i < 2; ++i) {
      describe(i, edges_.data() + i * gates);
      describe(length_ - 1 - i, edges_.data() + (2 + i) * gates);
    }
    std::ranges::fill(out_, 0.0F);
    std::ranges::fill(cell_, 0.0F);
    for (std::size_t i = 0; i < length_; ++i) {
      const float* from = i < 2              ? edges_.data() + i * gates
                          : i + 2 >= length_ ? edges_.data() + (2 + length_ - 1 - i) * gates
                                             : now_.projected.data() + place(i) * gates;
      std::copy_n(from, gates, gates_.data());
      kernels::multiply(recurrent_.data(), out_.data(), gates_.data(), hidden_, gates);
      kernels::lstm_cell(gates_.data(), cell_.data(), out_.data(), hidden_);
    }
    return out_;
  }

 private:
  struct State {
    std::size_t first = 0;  // where the window's first step lies
    Numbers signal, projected;
    std::array<Numbers, 2> before;
  };
  [[nodiscard]] std::size_t place(std::size_t index) const { return (now_.first + index) % length_; }
  /// The inception at a step of the window, projected into the LSTM.
  void describe(std::size_t index, float* gates) {
    const std::size_t wide = 2 * width_;
    for (std::size_t b = 0; b < 2; ++b) {
      const std::size_t reach = reach_[b], half = reach / 2;
      for (std::size_t k = 0; k < reach; ++k) {
        float* to = gathered_.data() + k * wide;
        if (index + k < half || index + k - half >= length_) std::fill_n(to, wide, 0.0F);
        else std::copy_n(now_.before[b].data() + place(index + k - half) * wide, wide, to);
      }
      across_[b].apply(gathered_.data(), described_.data() + b * wide);
    }
    std::ranges::fill(pooled_, -1e30F);
    for (std::size_t k = 0; k < 3; ++k) {
      if (index + k < 1 || index + k - 1 >= length_) continue;
      const float* step = now_.signal.data() + place(index + k - 1) * width_;
      for (std::size_t i = 0; i < width_; ++i) pooled_[i] = std::max(pooled_[i], step[i]);
    }
    pool_[0].apply(pooled_.data(), described_.data() + 2 * wide);
    project_(described_.data(), gates);
  }

  std::size_t width_, hidden_, length_ = 0;
  std::vector<PlaneStage> trunk_, fresh_, before_, across_, pool_;
  std::vector<std::size_t> reach_;
  Affine project_;
  Numbers recurrent_, edges_, gathered_, described_, pooled_, gates_, cell_, out_;
  State now_, start_;
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
    } else if (kind == "deeplob") {
      body_ = std::make_unique<DeepLob>(from, network, channels, window);
      features = whole(network.at("hidden"));
    } else {
      fail(Fault::Usage, "compile", fmt::format("expected mlp, price_cnn, lstm, transformer or deeplob, was {}", kind));
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
