#include "models/compiled.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/align/aligned_allocator.hpp>
#include <cmath>
#include <tuple>
#include <vector>

#include "engine/base/error.hpp"
#include "models/kernels.hpp"

namespace walras::models {
namespace {

/// A strip never lies across two lines of the cache.
using Numbers = std::vector<float, boost::alignment::aligned_allocator<float, 64>>;
using Array = std::vector<float>;

std::size_t whole(const Json& json) { return static_cast<std::size_t>(json.as_integer()); }

/// What a network is built from: the archive's arrays, checked by shape.
struct Source {
  const Archive& saved;
  const NamedArray& array(const std::string& name, std::initializer_list<std::size_t> shape) const {
    std::vector<std::int64_t> sides;
    for (const std::size_t side : shape) sides.push_back(static_cast<std::int64_t>(side));
    return saved.at(name, sides);
  }
  const Array& numbers(const std::string& name, std::size_t count) const { return array(name, {count}).values; }
};

/// y = W x + b, the matrix in strips.
class Affine {
 public:
  Affine() = default;
  Affine(const Array& rows, const Array& bias, std::size_t in)
      : in_(in), out_(bias.size()) {
    Numbers padded(bias.begin(), bias.end()), strips(kernels::strips(out_) * in * kernels::kStrip);
    padded.resize(kernels::strips(out_) * kernels::kStrip);
    for (std::size_t o = 0; o < out_; ++o) {
      for (std::size_t i = 0; i < in; ++i)
        strips[(o / kernels::kStrip * in + i) * kernels::kStrip + o % kernels::kStrip] = rows[o * in + i];
    }
    bias_ = std::make_shared<const Numbers>(std::move(padded));
    weights_ = std::make_shared<const Numbers>(std::move(strips));
  }
  Affine(const Source& from, const std::string& name, std::size_t in, std::size_t out)
      : Affine(from.array(name + ".weight", {out, in}).values, from.numbers(name + ".bias", out), in) {}
  void operator()(const float* x, float* y) const { kernels::multiply(matrix(bias_->data()), x, y); }
  /// y = start + W x; start has room for whole strips, and may be y.
  void add(const float* x, const float* start, float* y) const { kernels::multiply(matrix(start), x, y); }
  /// Of rows of x that lie x_step apart, into rows of y without gaps.
  void operator()(const float* x, std::size_t x_step, float* y, std::size_t rows) const {
    kernels::multiply(matrix(bias_->data()), x, x_step, y, out_, rows);
  }
  [[nodiscard]] std::size_t in() const { return in_; }
  [[nodiscard]] std::size_t out() const { return out_; }

 private:
  [[nodiscard]] kernels::Matrix matrix(const float* start) const { return {weights_->data(), start, in_, out_, in_}; }
  std::size_t in_ = 0, out_ = 0;
  std::shared_ptr<const Numbers> bias_, weights_;  // one for all streams of a network
};

void relu(Numbers& values) {
  for (float& value : values) value = value < 0 ? 0 : value;  // what is no number stays none
}

class Norm {
 public:
  Norm() = default;
  Norm(const Source& from, const std::string& name, std::size_t width)
      : scale_(from.numbers(name + ".weight", width)), shift_(from.numbers(name + ".bias", width)) {}
  void operator()(const float* x, float* y) const {
    kernels::normalise(x, scale_.data(), shift_.data(), y, scale_.size());
  }

 private:
  Array scale_, shift_;
};

/// What lies between a step's channels and its features.
class Body {
 public:
  virtual ~Body() = default;
  /// Another stream of the same network; matrices are shared.
  [[nodiscard]] virtual std::unique_ptr<Body> clone() const = 0;
  virtual void reset() = 0;
  virtual const Numbers& push(const float* scaled) = 0;
  /// Features after a whole window [step][channel], from a reset on.
  virtual const Numbers& window(const Numbers& scaled, std::size_t channels) {
    reset();
    const Numbers* features = nullptr;
    for (std::size_t at = 0; at < scaled.size(); at += channels) features = &push(scaled.data() + at);
    return *features;
  }
  /// How many of the last steps decide the features: no earlier one changes a bit. 0: all since the reset do.
  [[nodiscard]] virtual std::size_t reach() const { return 0; }
};

class Mlp final : public Body {
 public:
  [[nodiscard]] std::unique_ptr<Body> clone() const override { return std::make_unique<Mlp>(*this); }
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
  const Numbers& push(const float* scaled) override {
    for (std::size_t c = 0; c < channels_; ++c) {
      float* line = past_.data() + c * window_;
      std::copy(line + 1, line + window_, line);
      line[window_ - 1] = scaled[c];
    }
    return judge();
  }
  const Numbers& window(const Numbers& scaled, std::size_t channels) override {
    for (std::size_t t = 0; t < window_; ++t) {
      for (std::size_t c = 0; c < channels; ++c) past_[c * window_ + t] = scaled[t * channels + c];
    }
    return judge();
  }
  [[nodiscard]] std::size_t reach() const override { return window_; }

 private:
  const Numbers& judge() {
    const float* x = past_.data();
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      layers_[i](x, values_[i].data());
      relu(values_[i]);
      x = values_[i].data();
    }
    return values_.back();
  }
  std::size_t channels_, window_;
  Numbers past_;
  std::vector<Affine> layers_;
  std::vector<Numbers> values_;
};

class Lstm final : public Body {
 public:
  [[nodiscard]] std::unique_ptr<Body> clone() const override { return std::make_unique<Lstm>(*this); }
  Lstm(const Source& from, const Json& network, std::size_t channels) {
    const std::size_t width = whole(network.at("hidden"));
    const Json::Array& horizons = network.at("horizons").as_array();
    if (horizons.size() != 1 || whole(horizons[0]) != 1 || whole(network.at("heads")) != 0)
      fail(Fault::Usage, "compile", "expected an lstm of one horizon of 1 step without attention, was another");
    const std::string name = "net.level0.lstm.";
    const Array& second = from.numbers(name + "recurrent_bias", 4 * width);
    Array bias = from.numbers(name + "input_bias", 4 * width);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += second[i];
    input_ = Affine(from.array(name + "input", {4 * width, channels}).values, bias, channels);
    recurrent_ = Affine(from.array(name + "recurrent", {4 * width, width}).values, Array(4 * width), width);
    norm_ = Norm(from, "net.level0.norm", width);
    gates_.resize(kernels::strips(4 * width) * kernels::kStrip);
    hidden_.resize(width), cell_.resize(width), out_.resize(width);
  }
  void reset() override {
    std::ranges::fill(hidden_, 0.0F);
    std::ranges::fill(cell_, 0.0F);
  }
  const Numbers& push(const float* scaled) override {
    step(scaled);
    norm_(hidden_.data(), out_.data());
    return out_;
  }
  const Numbers& window(const Numbers& scaled, std::size_t channels) override {
    reset();
    for (std::size_t at = 0; at < scaled.size(); at += channels) step(scaled.data() + at);
    norm_(hidden_.data(), out_.data());
    return out_;
  }

 private:
  void step(const float* scaled) {
    input_(scaled, gates_.data());
    recurrent_.add(hidden_.data(), gates_.data(), gates_.data());
    kernels::lstm_cell(gates_.data(), cell_.data(), hidden_.data(), cell_.size());
  }
  Affine input_, recurrent_;
  Norm norm_;
  Numbers gates_, hidden_, cell_, out_;
};

/// A causal convolution that keeps the steps it still reaches.
class Convolution {
 public:
  Convolution(const Source& from, const std::string& name, std::size_t in, std::size_t out,
              std::size_t kernel, std::size_t dilation)
      : in_(in), kernel_(kernel), dilation_(dilation), past_(in * ((kernel - 1) * dilation + 1)), gathered_(in * kernel), out_(out) {
    const Array& weight = from.array(name + ".weight", {out, in, kernel}).values;
    Array rows(weight.size());  // [out][tap][in]
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
  /// Steps before the last that it reads.
  [[nodiscard]] std::size_t before() const { return (kernel_ - 1) * dilation_; }

 private:
  std::size_t in_, kernel_, dilation_, at_ = 0;
  Numbers past_, gathered_, out_;
  Affine map_;
};

class PriceCnn final : public Body {
 public:
  [[nodiscard]] std::unique_ptr<Body> clone() const override { return std::make_unique<PriceCnn>(*this); }
  PriceCnn(const Source& from, const Json& network, std::size_t channels)
      : width_(whole(network.at("channels"))), channels_(channels), features_(whole(network.at("features"))) {
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
          const Array &weight = from.numbers(part + "_norm.weight", width_), &mean = from.numbers(part + "_norm.running_mean", width_),
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
  const Numbers& push(const float* scaled) override {
    for (std::size_t b = 0; b < branches_.size(); ++b) {
      run(branches_[b], scaled);
      std::ranges::copy(branches_[b].signal, joined_.begin() + static_cast<std::ptrdiff_t>(b * width_));
    }
    outlet_(joined_.data(), out_.data());
    relu(out_);
    return out_;
  }
  [[nodiscard]] std::size_t reach() const override {
    std::size_t longest = 1;
    for (const Branch& branch : branches_) {
      std::size_t steps = branch.frame;
      for (const Block& block : branch.blocks) steps += block.first.before();
      longest = std::max(longest, steps);
    }
    return longest;
  }

 private:
  struct Block {
    Convolution first, second;
    Array scale, shift;
    Numbers inside;
  };
  struct Branch {
    std::size_t frame, at;
    Numbers past, mean;
    Convolution inlet;
    std::vector<Block> blocks;
    Numbers signal;
  };
  void run(Branch& branch, const float* scaled) const {
    const float* x = scaled;
    if (branch.frame > 1) {
      std::copy_n(scaled, channels_, branch.past.data() + branch.at * channels_);
      branch.at = (branch.at + 1) % branch.frame;
      std::ranges::fill(branch.mean, 0.0F);
      for (std::size_t k = 0; k < branch.frame; ++k) {  // oldest first, so that a sum does not depend on when the stream began
        const float* step = branch.past.data() + (branch.at + k) % branch.frame * channels_;
        for (std::size_t c = 0; c < channels_; ++c) branch.mean[c] += step[c];
      }
      for (float& value : branch.mean) value /= std::sqrt(static_cast<float>(branch.frame));
      x = branch.mean.data();
    }
    std::ranges::copy(branch.inlet.push(x), branch.signal.begin());
    for (Block& block : branch.blocks) {
      std::ranges::copy(block.first.push(branch.signal.data()), block.inside.begin());
      for (std::size_t i = 0; i < block.scale.size(); ++i) block.inside[i] = block.inside[i] * block.scale[i] + block.shift[i];
      relu(block.inside);
      const Numbers& added = block.second.push(block.inside.data());
      for (std::size_t i = 0; i < added.size(); ++i) branch.signal[i] = branch.signal[i] + added[i] < 0 ? 0 : branch.signal[i] + added[i];
    }
  }
  std::size_t width_, channels_, features_;
  std::vector<Branch> branches_;
  Numbers joined_, out_;
  Affine outlet_;
};

/// Keys and values of the last T steps; a query meets them oldest last.
class Transformer final : public Body {
 public:
  [[nodiscard]] std::unique_ptr<Body> clone() const override { return std::make_unique<Transformer>(*this); }
  Transformer(const Source& from, const Json& network, std::size_t channels, std::size_t window)
      : width_(whole(network.at("width"))), heads_(whole(network.at("heads"))), scales_(whole(network.at("scales"))), window_(window) {
    const std::string positions = network.at("positions").as_string(), kind = network.at("attention").as_string();
    if (!network.at("causal").as_bool() || (positions != "rotary" && positions != "none") || (kind != "softmax" && kind != "auto") || window >= 1024)
      fail(Fault::Usage, "compile", "expected a causal transformer with softmax and rotary or no positions, was another");
    rotary_ = positions == "rotary";
    for (std::size_t i = 0, half = rotary_ ? width_ / heads_ / 2 : 0; i < half; ++i)
      speeds_.push_back(std::exp(-std::log(10000.0) * static_cast<double>(i) / static_cast<double>(half)));
    cosines_.resize(speeds_.size()), sines_.resize(speeds_.size());
    const std::size_t hidden = whole(network.at("hidden"));
    inlet_ = Affine(from, "net.inlet", channels, width_);
    for (std::size_t i = 0; i < whole(network.at("layers")); ++i) {
      const std::string name = fmt::format("net.block{}.", i);
      blocks_.push_back({Norm(from, name + "before_attention", width_), Norm(from, name + "before_hidden", width_),
                         Affine(from.array(name + "attention.weight", {3 * width_, width_}).values, from.numbers(name + "attention.bias", 3 * width_), width_),
                         Affine(from, name + "attention.outlet", width_, width_), Affine(from, name + "inlet", width_, hidden), Affine(from, name + "outlet", hidden, width_),
                         Numbers(kernels::strips(window) * kernels::kStrip * width_), Numbers(heads_ * window * kernels::strips(width_ / heads_) * kernels::kStrip)});
    }
    norm_ = Norm(from, "net.norm", width_);
    for (Numbers* rows : {&signal_, &normed_, &mixed_}) rows->resize(window * width_);
    projected_.resize(window * 3 * width_), hidden_.resize(window * hidden), scores_.resize(window), out_.resize(width_);
  }
  void reset() override { step_ = 0; }
  const Numbers& push(const float* scaled) override { return pass(scaled, 1); }
  const Numbers& window(const Numbers& scaled, std::size_t channels) override {
    reset();
    return pass(scaled.data(), scaled.size() / channels);
  }

 private:
  struct Block {
    Norm before_attention, before_hidden;
    Affine project, after, inlet, outlet;
    Numbers keys, values;  // of each head, a ring of T places
  };
  /// The next steps, rows of channels, together: a layer reads its weights once. Of the last layer's
  /// steps only the last one is asked for.
  const Numbers& pass(const float* scaled, std::size_t rows) {
    inlet_(scaled, inlet_.in(), signal_.data(), rows);
    for (Block& block : blocks_) {
      for (std::size_t row = 0; row < rows; ++row) block.before_attention(signal_.data() + row * width_, normed_.data() + row * width_);
      block.project(normed_.data(), width_, projected_.data(), rows);
      const std::size_t from = &block == &blocks_.back() ? rows - 1 : 0;
      for (std::size_t row = 0; row < rows; ++row) attend(block, row, row >= from);
      const std::size_t asked = rows - from;
      float *signal = signal_.data() + from * width_, *normed = normed_.data();
      block.after(mixed_.data() + from * width_, width_, normed, asked);
      for (std::size_t i = 0; i < asked * width_; ++i) signal[i] += normed[i];
      for (std::size_t row = 0; row < asked; ++row) block.before_hidden(signal + row * width_, normed + row * width_);
      block.inlet(normed, width_, hidden_.data(), asked);
      kernels::gelu(hidden_.data(), asked * block.inlet.out());
      block.outlet(hidden_.data(), block.inlet.out(), normed, asked);
      for (std::size_t i = 0; i < asked * width_; ++i) signal[i] += normed[i];
    }
    step_ += rows;
    norm_(signal_.data() + (rows - 1) * width_, out_.data());
    return out_;
  }
  /// Turns the halves of each head's vector by a step's angles.
  void turn(float* x, std::size_t step) {
    const std::size_t half = speeds_.size();
    for (std::size_t i = 0; i < half; ++i) {
      const double angle = static_cast<double>(step) * speeds_[i];
      cosines_[i] = static_cast<float>(std::cos(angle));
      sines_[i] = static_cast<float>(std::sin(angle));
    }
    for (float* head = x; head < x + 2 * width_; head += 2 * half) {  // queries, then keys
      for (std::size_t i = 0; i < half; ++i) {
        const float a = head[i], b = head[i + half];
        head[i] = a * cosines_[i] - b * sines_[i];
        head[i + half] = a * sines_[i] + b * cosines_[i];
      }
    }
  }
  /// A step's keys and values are kept; and, where it is asked for, its query meets those so far.
  void attend(Block& block, std::size_t row, bool asked) {
    const std::size_t d = width_ / heads_, step = step_ + row, place = step % window_, filled = std::min(step + 1, window_);
    const std::size_t lanes = kernels::kStrip;
    const float scale = 1 / std::sqrt(static_cast<float>(d));
    float* projected = projected_.data() + row * 3 * width_;
    if (rotary_) turn(projected, step);
    for (std::size_t h = 0; h < heads_; ++h) {
      const float *q = projected + h * d, *k = q + width_, *v = k + width_;
      // Keys and values as matrices in strips: scores of all places in one product, and their mixture in one.
      float *keys = block.keys.data() + h * block.keys.size() / heads_, *values = block.values.data() + h * block.values.size() / heads_;
      for (std::size_t i = 0; i < d; ++i) {
        keys[(place / lanes * d + i) * lanes + place % lanes] = k[i] * scale;
        values[(i / lanes * window_ + place) * lanes + i % lanes] = v[i];
      }
      if (!asked) continue;
      kernels::multiply({keys, nullptr, d, filled, d}, q, scores_.data());
      std::size_t band = window_;
      for (std::size_t s = h % scales_; s > 0; --s) band /= 4;
      const auto hide = [&](float score) {  // what the head does not see
        for (std::size_t age = std::max<std::size_t>(band, 1); age < filled; ++age) scores_[place >= age ? place - age : place + window_ - age] = score;
      };
      hide(-1e30F);
      const float sum = kernels::softmax(scores_.data(), filled);
      hide(0);  // nothing, rather than next to nothing
      float* mixed = mixed_.data() + row * width_ + h * d;
      kernels::multiply({values, nullptr, filled, d, window_}, scores_.data(), mixed);
      for (std::size_t i = 0; i < d; ++i) mixed[i] /= sum;
    }
  }

  std::size_t width_, heads_, scales_, window_, step_ = 0;
  bool rotary_ = true;
  Affine inlet_;
  std::vector<Block> blocks_;
  Norm norm_;
  std::vector<double> speeds_;  // of rotary positions
  Numbers cosines_, sines_, signal_, normed_, mixed_, out_, projected_, hidden_, scores_;
};

/// One stage of DeepLOB's trunk: a convolution over the last steps and neighbouring places of a
/// step's plane [place][channel], a bend, a norm.
class PlaneStage {
 public:
  PlaneStage(const Source& from, const std::string& name, std::size_t in, std::size_t out, std::size_t in_places,
             std::size_t steps, std::size_t places, bool tangent)
      : in_(in), steps_(steps), places_(places), tangent_(tangent),
        out_places_(in_places / places), past_(steps == 1 ? 0 : steps * in_places * in), out_(out_places_ * out) {
    const Array& weight = from.array(name + ".weight", {out, in, steps, places}).values;
    Array rows(weight.size());  // [out][step][place][in]
    for (std::size_t o = 0; o < out; ++o) {
      for (std::size_t i = 0; i < in; ++i) {
        for (std::size_t k = 0; k < steps * places; ++k)
          rows[(o * steps * places + k) * in + i] = weight[(o * in + i) * steps * places + k];
      }
    }
    map_ = Affine(rows, from.numbers(name + ".bias", out), steps * places * in);
    shift_ = from.numbers(name + "_norm.bias", out);
    const Array &scale = from.numbers(name + "_norm.weight", out), &mean = from.numbers(name + "_norm.running_mean", out),
                  &variance = from.numbers(name + "_norm.running_variance", out);
    for (std::size_t i = 0; i < out; ++i) {
      scale_.push_back(scale[i] / std::sqrt(variance[i] + 1e-5F));
      shift_[i] -= mean[i] * scale_[i];
    }
  }
  /// A plane in, the plane after it out.
  const float* push(const float* plane) {
    const std::size_t run = places_ * in_;
    if (steps_ == 1) {
      apply(plane, run, out_.data(), out_places_);
      return out_.data();
    }
    for (std::size_t place = 0; place < out_places_; ++place) {
      float* steps = past_.data() + place * steps_ * run;
      std::copy(steps + run, steps + steps_ * run, steps);
      std::copy_n(plane + place * run, run, steps + (steps_ - 1) * run);
    }
    apply(past_.data(), steps_ * run, out_.data(), out_places_);
    return out_.data();
  }
  /// The stage on rows of gathered numbers [step][place][in] that lie x_step apart.
  void apply(const float* x, std::size_t x_step, float* y, std::size_t rows) const {
    map_(x, x_step, y, rows);
    if (tangent_) kernels::tangent(y, rows * shift_.size());
    kernels::scale_rows(y, scale_.data(), shift_.data(), shift_.size(), rows, !tangent_);
  }
  [[nodiscard]] std::size_t out_places() const { return out_places_; }

 private:
  std::size_t in_, steps_, places_;
  bool tangent_;
  std::size_t out_places_;
  Numbers past_;  // [place][step][numbers of a place], oldest step first
  Numbers out_;
  Array scale_, shift_;
  Affine map_;
};

/// The trunk keeps the steps that its convolutions reach; the inception's outputs in the middle of the
/// window stay what they were, those at its edges (where zeros lie beside them) are made anew; their
/// projections into the LSTM are kept, and its recurrence runs over the window.
class DeepLob final : public Body {
 public:
  [[nodiscard]] std::unique_ptr<Body> clone() const override { return std::make_unique<DeepLob>(*this); }
  DeepLob(const Source& from, const Json& network, std::size_t channels, std::size_t shown)
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
    length_ = shown < 23 ? 0 : shown - 18;
    if (length_ == 0) fail(Fault::Usage, "compile", "expected a deeplob with a window of at least 23 steps, was shorter");
    for (const char* name : {"three", "five"}) {
      const std::size_t reach = name[0] == 't' ? 3 : 5;
      before_.emplace_back(from, fmt::format("net.{}0", name), w, 2 * w, 1, 1, 1, false);
      across_.emplace_back(from, fmt::format("net.{}1", name), 2 * w, 2 * w, 1, reach, 1, false);
      reach_.push_back(reach);
    }
    pool_.emplace_back(from, "net.pool0", w, 2 * w, 1, 1, 1, false);
    const Array& second = from.numbers("net.lstm.recurrent_bias", 4 * hidden_);
    Array bias = from.numbers("net.lstm.input_bias", 4 * hidden_);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += second[i];
    project_ = Affine(from.array("net.lstm.input", {4 * hidden_, 6 * w}).values, bias, 6 * w);
    recurrent_ = Affine(from.array("net.lstm.recurrent", {4 * hidden_, hidden_}).values, Array(4 * hidden_), hidden_);
    now_.signal.resize(length_ * w);
    for (Numbers& kept : now_.before) kept.resize(length_ * 2 * w);
    now_.projected.resize(length_ * 4 * hidden_ + kernels::kStrip);  // the last row has room for whole strips
    edges_.resize(kDescribed * 4 * hidden_ + kernels::kStrip);
    gathered_.resize(kDescribed * 5 * 2 * w), branch_.resize(kDescribed * 2 * w);
    described_.resize(kDescribed * 6 * w), pooled_.resize(kDescribed * w);
    gates_.resize(4 * hidden_), cell_.resize(hidden_), out_.resize(hidden_);
    fresh_ = trunk_;
    window(Numbers(channels * shown), channels);  // what a window of zeros leaves
    start_ = now_;
    fresh_ = trunk_;
  }
  void reset() override {
    now_ = start_;
    trunk_ = fresh_;
  }
  const Numbers& push(const float* scaled) override {
    see(scaled);
    // A step that has left the edge, then the edges: two steps at each end.
    describe({length_ - 3, 0, 1, length_ - 1, length_ - 2});
    keep(length_ - 3, 0);
    return recur();
  }
  const Numbers& window(const Numbers& scaled, std::size_t channels) override {
    trunk_ = fresh_;
    for (std::size_t at = 0; at < scaled.size(); at += channels) see(scaled.data() + at);
    for (std::size_t i = 2; i + 2 < length_; i += kDescribed) {
      std::array<std::size_t, kDescribed> steps{};
      for (std::size_t k = 0; k < kDescribed; ++k) steps[k] = std::min(i + k, length_ - 3);
      describe(steps);
      for (std::size_t k = 0; k < kDescribed; ++k) keep(steps[k], k);
    }
    describe({length_ - 3, 0, 1, length_ - 1, length_ - 2});
    return recur();
  }
  [[nodiscard]] std::size_t reach() const override { return length_ + 18; }

 private:
  struct State {
    std::size_t first = 0;  // where the window's first step lies
    Numbers signal, projected;
    std::array<Numbers, 2> before;
  };
  [[nodiscard]] std::size_t place(std::size_t index) const { return (now_.first + index) % length_; }
  static constexpr std::size_t kDescribed = 5;
  /// The trunk takes a step; the oldest of the window gives way.
  void see(const float* scaled) {
    const float* plane = scaled;
    for (PlaneStage& stage : trunk_) plane = stage.push(plane);
    const std::size_t last = now_.first;
    now_.first = (now_.first + 1) % length_;
    std::copy_n(plane, width_, now_.signal.data() + last * width_);
    for (std::size_t b = 0; b < 2; ++b) before_[b].apply(plane, width_, now_.before[b].data() + last * 2 * width_, 1);
  }
  /// A described step stays what it is as long as it is in the middle of the window.
  void keep(std::size_t step, std::size_t row) {
    const std::size_t gates = 4 * hidden_;
    std::copy_n(edges_.data() + row * gates, gates, now_.projected.data() + place(step) * gates);
  }
  const Numbers& recur() {
    const std::size_t gates = 4 * hidden_;
    std::ranges::fill(out_, 0.0F);
    std::ranges::fill(cell_, 0.0F);
    for (std::size_t i = 0; i < length_; ++i) {
      const float* from = i < 2              ? edges_.data() + (1 + i) * gates
                          : i + 2 >= length_ ? edges_.data() + (3 + length_ - 1 - i) * gates
                                             : now_.projected.data() + place(i) * gates;
      recurrent_.add(out_.data(), from, gates_.data());
      kernels::lstm_cell(gates_.data(), cell_.data(), out_.data(), hidden_);
    }
    return out_;
  }
  /// The inception at steps of the window, projected into the LSTM: rows of edges_.
  void describe(const std::array<std::size_t, kDescribed>& steps) {
    const std::size_t wide = 2 * width_;
    for (std::size_t b = 0; b < 2; ++b) {
      const std::size_t reach = reach_[b], half = reach / 2;
      for (std::size_t row = 0; row < kDescribed; ++row) {
        for (std::size_t k = 0; k < reach; ++k) {
          float* to = gathered_.data() + (row * reach + k) * wide;
          const std::size_t index = steps[row] + k;
          if (index < half || index - half >= length_) std::fill_n(to, wide, 0.0F);
          else std::copy_n(now_.before[b].data() + place(index - half) * wide, wide, to);
        }
      }
      join(across_[b], gathered_.data(), reach * wide, b);
    }
    std::ranges::fill(pooled_, -1e30F);
    for (std::size_t row = 0; row < kDescribed; ++row) {
      float* to = pooled_.data() + row * width_;
      for (std::size_t k = 0; k < 3; ++k) {
        const std::size_t index = steps[row] + k;
        if (index < 1 || index - 1 >= length_) continue;
        const float* step = now_.signal.data() + place(index - 1) * width_;
        for (std::size_t i = 0; i < width_; ++i) to[i] = step[i] <= to[i] ? to[i] : step[i];
      }
    }
    join(pool_[0], pooled_.data(), width_, 2);
    project_(described_.data(), 3 * wide, edges_.data(), kDescribed);
  }
  /// A branch of the inception on rows of x, into its third of what describes a step.
  void join(const PlaneStage& stage, const float* x, std::size_t x_step, std::size_t third) {
    const std::size_t wide = 2 * width_;
    stage.apply(x, x_step, branch_.data(), kDescribed);
    for (std::size_t row = 0; row < kDescribed; ++row)
      std::copy_n(branch_.data() + row * wide, wide, described_.data() + (row * 3 + third) * wide);
  }

  std::size_t width_, hidden_, length_ = 0;
  std::vector<PlaneStage> trunk_, fresh_, before_, across_, pool_;
  std::vector<std::size_t> reach_;
  Affine project_, recurrent_;
  Numbers edges_, gathered_, branch_, described_, pooled_, gates_, cell_, out_;
  State now_, start_;
};

/// A body that is copied as a value.
struct OwnBody : std::unique_ptr<Body> {
  using std::unique_ptr<Body>::operator=;
  OwnBody() = default;
  OwnBody(const OwnBody& other) : std::unique_ptr<Body>(other->clone()) {}
};

class Fused final : public Compiled {
 public:
  [[nodiscard]] std::unique_ptr<Compiled> clone() const override { return std::make_unique<Fused>(*this); }
  explicit Fused(const Archive& saved) {
    const Json& about = saved.description;
    const Source from{saved};
    const std::string kind = about.at("kind").as_string();
    const Json& task = about.at("objective").at("tasks").as_array().at(0);
    const std::string learned = task.at("kind").as_string();
    if (learned == "quantiles") answers_ = task.at("levels").size(), answer_ = answers_ / 2;
    else if (learned == "direction" || learned == "regime") answers_ = 3, of_classes_ = true;
    else if (learned != "value") fail(Fault::Usage, "compile", "expected a first task of value, quantiles, direction or regime, was " + learned);
    const std::size_t channels = whole(about.at("channels")), window = whole(about.at("window")), outputs = whole(about.at("outputs"));
    const Json& network = about.at("network");
    check_shape(kind, network, channels, window, outputs);
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
    head_ = first_task(saved, features, outputs * answers_);
    mean_ = from.numbers("scaler.input_mean", channels);
    scale_ = from.numbers("scaler.input_scale", channels);
    target_mean_ = from.numbers("scaler.target_mean", outputs);
    target_scale_ = from.numbers("scaler.target_scale", outputs);
    scaled_.resize(channels);
    shown_.resize(channels * window);
    columns_.resize(head_.out());
  }
  void reset() override { body_->reset(); }
  void push(std::span<const float> channels, std::span<float> outputs) override {
    expects(channels.size() == mean_.size() && outputs.size() == target_mean_.size(), "channels in, outputs out");
    for (std::size_t c = 0; c < channels.size(); ++c) scaled_[c] = (channels[c] - mean_[c]) / scale_[c];
    answer(body_->push(scaled_.data()), outputs);
  }
  void window(std::span<const float> input, std::span<float> outputs) override {
    expects(input.size() == shown_.size() && outputs.size() == target_mean_.size(), "a window in, outputs out");
    const std::size_t channels = mean_.size(), steps = shown_.size() / channels;
    for (std::size_t c = 0; c < channels; ++c) {
      for (std::size_t t = 0; t < steps; ++t) shown_[t * channels + c] = (input[c * steps + t] - mean_[c]) / scale_[c];
    }
    answer(body_->window(shown_, channels), outputs);
  }
  [[nodiscard]] bool slides() const override { return body_->reach() > 0 && body_->reach() * mean_.size() <= shown_.size(); }

 private:
  /// Descriptions of shapes that no network has. Those of arrays are checked where they are read.
  void check_shape(const std::string& kind, const Json& network, std::size_t channels, std::size_t window, std::size_t outputs) const {
    const auto require = [&](bool good, const char* what) {
      if (!good) fail(Fault::Data, kind, fmt::format("expected {}, was {}", what, network.dump()));
    };
    const auto within = [&](std::int64_t value, std::int64_t most) { return value >= 1 && value <= most; };
    constexpr std::int64_t kMost = std::int64_t{1} << 20;
    for (const std::size_t count : {channels, window, outputs, answers_}) require(within(static_cast<std::int64_t>(count), kMost), "1 to 1,048,576 channels, steps and outputs");
    for (const auto& [name, most] : {std::pair{"channels", kMost}, {"features", kMost}, {"kernel", std::int64_t{1024}}, {"blocks", std::int64_t{32}},
                                     {"width", kMost}, {"heads", kMost}, {"layers", std::int64_t{1024}}, {"scales", std::int64_t{32}}}) {
      const Json* found = network.find(name);
      const bool none = std::string_view(name) == "heads" && kind != "transformer";  // there 0 is none
      if (found) require(none ? found->as_integer() >= 0 : within(found->as_integer(), most), name);
    }
    if (const Json* frames = network.find("frames")) {
      for (const Json& frame : frames->as_array()) require(within(frame.as_integer(), kMost), "frames of at least one step");
    }
    if (kind == "transformer") {
      const std::int64_t width = network.at("width").as_integer(), heads = network.at("heads").as_integer();
      require(width % heads == 0, "heads that divide the width");
      require(network.at("positions").as_string() != "rotary" || width / heads % 2 == 0, "heads of an even width for rotary positions");
    }
    if (kind == "deeplob") require(channels % 4 == 0, "4 channels a level");
  }
  /// The first rows of the head; those of other tasks are learned for the features' sake.
  static Affine first_task(const Archive& saved, std::size_t features, std::size_t columns) {
    const auto find = [&saved](const std::string& name, std::size_t sides, std::size_t least) -> const NamedArray& {
      for (const NamedArray& array : saved.arrays) {
        if (array.name == name && array.shape.size() == sides && static_cast<std::size_t>(array.shape[0]) >= least) return array;
      }
      fail(Fault::Data, name, fmt::format("expected at least {} rows, was no array of them", least));
    };
    const NamedArray &weight = find("head.weight", 2, columns), &bias = find("head.bias", 1, columns);
    if (static_cast<std::size_t>(weight.shape[1]) != features)
      fail(Fault::Data, "head.weight", fmt::format("expected {} columns, was {}", features, weight.shape[1]));
    const auto part = [](const Array& values, std::size_t count) { return Array(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count)); };
    return {part(weight.values, columns * features), part(bias.values, columns), features};
  }
  void answer(const Numbers& features, std::span<float> outputs) {
    head_(features.data(), columns_.data());
    for (std::size_t o = 0; o < outputs.size(); ++o) {
      const float* columns = columns_.data() + o * answers_;
      if (of_classes_) {  // P(rises) - P(falls)
        const float highest = std::max({columns[0], columns[1], columns[2]});
        const float falls = std::exp(columns[0] - highest), stays = std::exp(columns[1] - highest), rises = std::exp(columns[2] - highest);
        outputs[o] = (rises - falls) / (falls + stays + rises);
      } else {
        outputs[o] = columns[answer_] * target_scale_[o] + target_mean_[o];
      }
    }
  }

  std::size_t answers_ = 1, answer_ = 0;  // columns of the head for an output, and the one that is taken
  bool of_classes_ = false;
  OwnBody body_;
  Affine head_;
  Array mean_, scale_, target_mean_, target_scale_;
  Numbers scaled_, shown_, columns_;
};

}  // namespace

SlidingWindow::SlidingWindow(std::unique_ptr<Compiled> network, std::size_t channels)
    : network_(std::move(network)), channels_(channels), step_(channels) {}

void SlidingWindow::predict(std::span<const float> input, std::span<float> outputs) {
  constexpr std::size_t kMost = 4;  // steps between two windows: with more, a window is not dearer
  const std::size_t steps = input.size() / channels_;
  const auto moved_by = [&](std::size_t by) {
    for (std::size_t c = 0; c < channels_; ++c) {
      const float *was = seen_.data() + c * steps + by, *is = input.data() + c * steps;
      if (!std::equal(was, was + (steps - by), is)) return false;
    }
    return true;
  };
  std::size_t by = 1;
  const bool known = network_->slides() && seen_.size() == input.size();
  while (known && by <= std::min(kMost, steps) && !moved_by(by)) ++by;
  if (known && by <= std::min(kMost, steps)) {
    for (std::size_t t = steps - by; t < steps; ++t) {
      for (std::size_t c = 0; c < channels_; ++c) step_[c] = input[c * steps + t];
      network_->push(step_, outputs);
    }
  } else {
    network_->window(input, outputs);
  }
  seen_.assign(input.begin(), input.end());
}

std::unique_ptr<Compiled> compile(const Archive& saved) { return std::make_unique<Fused>(saved); }

}  // namespace walras::models
