#include "models/training.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "engine/base/error.hpp"

namespace walras::models {
namespace {

/// Mean and deviation in double, in row order; deviation 1 where there is none.
struct Moments {
  double sum = 0, squares = 0;
  std::size_t count = 0;
  void add(float value) {
    sum += value;
    squares += static_cast<double>(value) * value;
    ++count;
  }
  [[nodiscard]] double mean() const { return sum / static_cast<double>(count); }
  [[nodiscard]] float deviation() const {
    const double variance = std::max(squares / static_cast<double>(count) - mean() * mean(), 0.0);
    // Below the rounding of the sums a spread is noise of a constant, and would be blown up.
    const bool constant = variance <= 1e-10 * mean() * mean() || variance < 1e-30;
    return constant ? 1.0F : static_cast<float>(std::sqrt(variance));
  }
};

}  // namespace

RowSplit split_rows(const strategies::Dataset& data, const TrainingParams& params) {
  return strategies::split_rows(data, params.validation, static_cast<std::size_t>(params.gap));
}

void check_finite(const strategies::Dataset& data, std::size_t batch) {
  const auto first = [](const std::vector<float>& values) {
    return static_cast<std::size_t>(
        std::ranges::find_if(values, [](float value) { return !std::isfinite(value); }) -
        values.begin());
  };
  const std::size_t input = first(data.inputs), target = first(data.targets);
  const std::size_t width = data.channels * data.window;
  if (input < data.inputs.size()) {
    const std::size_t row = input / width;
    fail(Fault::Numeric, "training data",
         fmt::format("expected finite inputs, was {} in row {} (batch {}), feature {}, step {}",
                     data.inputs[input], row, row / batch, input % width / data.window,
                     input % data.window));
  }
  if (target < data.targets.size()) {
    const std::size_t row = target / data.outputs;
    fail(Fault::Numeric, "training data",
         fmt::format("expected finite targets, was {} in row {} (batch {}), output {}",
                     data.targets[target], row, row / batch, target % data.outputs));
  }
}

Scaler Scaler::fit(const strategies::Dataset& data, std::size_t rows) {
  std::vector<Moments> inputs(data.channels), targets(data.outputs);
  for (std::size_t row = 0; row < rows; ++row) {
    const float* window = data.inputs.data() + row * data.channels * data.window;
    for (std::size_t channel = 0; channel < data.channels; ++channel) {
      for (std::size_t step = 0; step < data.window; ++step)
        inputs[channel].add(window[channel * data.window + step]);
    }
    for (std::size_t output = 0; output < data.outputs; ++output)
      targets[output].add(data.targets[row * data.outputs + output]);
  }
  Scaler scaler;
  for (const Moments& moments : inputs) {
    scaler.input_mean.push_back(static_cast<float>(moments.mean()));
    scaler.input_scale.push_back(moments.deviation());
  }
  for (const Moments& moments : targets) {
    scaler.target_mean.push_back(static_cast<float>(moments.mean()));
    scaler.target_scale.push_back(moments.deviation());
  }
  return scaler;
}

void Scaler::scale_inputs(std::span<float> inputs, std::size_t window) const {
  const std::size_t channels = input_mean.size();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::size_t channel = i / window % channels;
    inputs[i] = (inputs[i] - input_mean[channel]) / input_scale[channel];
  }
}

void Scaler::scale_targets(std::span<float> targets) const {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::size_t output = i % target_mean.size();
    targets[i] = (targets[i] - target_mean[output]) / target_scale[output];
  }
}

void Scaler::restore_targets(std::span<float> targets) const {
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const std::size_t output = i % target_mean.size();
    targets[i] = targets[i] * target_scale[output] + target_mean[output];
  }
}

Regressor::Regressor(std::shared_ptr<Net> net, std::int64_t outputs, Rng& random)
    : net_(register_module("net", std::move(net))),
      head_(register_module("head", std::make_shared<Linear>(net_->features(), outputs))) {
  fill_uniform(head_->weight, 0.5, random);
}

}  // namespace walras::models
