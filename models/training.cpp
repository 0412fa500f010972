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

torch::Tensor loss_of(Loss loss, const torch::Tensor& predicted, const torch::Tensor& target) {
  return loss == Loss::Huber ? at::huber_loss(predicted, target) : at::mse_loss(predicted, target);
}

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

torch::Tensor tensor(std::span<float> values, std::initializer_list<std::int64_t> shape,
                     torch::Device device) {
  return torch::from_blob(values.data(), shape, torch::kFloat32).clone().to(device);
}

}  // namespace

RowSplit split_rows(const strategies::Dataset& data, const TrainingParams& params) {
  std::vector<std::size_t> first_rows;  // of each step
  for (std::size_t row = 0; row < data.rows; ++row) {
    if (data.times.empty() || row == 0 || data.times[row] != data.times[row - 1])
      first_rows.push_back(row);
  }
  const std::size_t steps = first_rows.size();
  const auto held_out =
      static_cast<std::size_t>(std::floor(static_cast<double>(steps) * params.validation));
  const std::size_t validation = steps - held_out;
  const std::size_t gap = held_out == 0 ? 0 : static_cast<std::size_t>(params.gap);
  if (params.validation > 0 && held_out == 0) {
    fail(Fault::Numeric, "validation",
         fmt::format(
             "expected at least one validation step, was a share of {} of {} steps; give more data",
             params.validation, steps));
  }
  if (validation < gap + 2) {
    fail(Fault::Numeric, "training rows",
         fmt::format("expected at least 2 steps before the gap, was {} steps, {} of them for "
                     "validation and a gap of {}; "
                     "give more data or a smaller gap",
                     steps, held_out, gap));
  }
  const auto row_of = [&](std::size_t step) { return step < steps ? first_rows[step] : data.rows; };
  return {row_of(validation - gap), row_of(validation)};
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

Trainer::Trainer(Regressor& model, const TrainingParams& params, torch::Tensor inputs,
                 torch::Tensor targets, Rng random)
    : model_(model),
      params_(params),
      inputs_(std::move(inputs)),
      targets_(std::move(targets)),
      rows_(static_cast<std::size_t>(inputs_.size(0))),
      optimiser_(model.parameters(), {.weight_decay = params.weight_decay}),
      random_(random) {
  std::iota(rows_.begin(), rows_.end(), 0U);
  begin_epoch();
  epoch_ = 0;
}

std::size_t Trainer::batches() const {
  const auto batch = static_cast<std::size_t>(params_.batch);
  return (rows_.size() + batch - 1) / batch;
}

void Trainer::begin_epoch() {
  random_.shuffle(rows_);
  torch::Tensor order = torch::empty({static_cast<std::int64_t>(rows_.size())}, torch::kInt64);
  std::ranges::copy(rows_, order.data_ptr<std::int64_t>());
  order_ = order.to(inputs_.device());
  ++epoch_;
}

double Trainer::step(std::size_t index, double learning_rate) {
  const std::int64_t begin = static_cast<std::int64_t>(index) * params_.batch;
  const std::int64_t count = std::min(params_.batch, inputs_.size(0) - begin);
  const torch::Tensor rows = order_.narrow(0, begin, count);
  optimiser_.zero_gradients();
  const torch::Tensor loss = loss_of(params_.loss, model_.forward(inputs_.index_select(0, rows)),
                                     targets_.index_select(0, rows));
  loss.backward();
  const double norm = optimiser_.clip(params_.clip);
  const double value = loss.item<double>();
  if (!std::isfinite(value) || !std::isfinite(norm)) {
    fail(Fault::Numeric, "training",
         fmt::format("expected a finite loss and gradient, was loss {} and gradient norm {} in "
                     "epoch {}, batch {}; lower the "
                     "learning rate",
                     value, norm, epoch_, index));
  }
  optimiser_.step(learning_rate);
  return value;
}

double Trainer::evaluate(const torch::Tensor& inputs, const torch::Tensor& targets) {
  const c10::InferenceMode inference;
  double sum = 0;
  constexpr std::int64_t kRows = 1024;  // bounds the memory of activations
  for (std::int64_t begin = 0; begin < inputs.size(0); begin += kRows) {
    const std::int64_t count = std::min(kRows, inputs.size(0) - begin);
    const torch::Tensor predicted = model_.forward(inputs.narrow(0, begin, count));
    sum += loss_of(params_.loss, predicted, targets.narrow(0, begin, count)).item<double>() *
           static_cast<double>(count);
  }
  return sum / static_cast<double>(inputs.size(0));
}

TrainingReport train(Regressor& model, const strategies::Dataset& data, const Scaler& scaler,
                     const TrainingParams& params, Rng random) {
  const torch::Device device = find_device(params.device, "device");
  const RowSplit split = split_rows(data, params);
  std::vector<float> inputs = data.inputs, targets = data.targets;
  scaler.scale_inputs(inputs, data.window);
  scaler.scale_targets(targets);
  const auto rows = static_cast<std::int64_t>(data.rows),
             train_rows = static_cast<std::int64_t>(split.train);
  const auto channels = static_cast<std::int64_t>(data.channels),
             window = static_cast<std::int64_t>(data.window);
  const torch::Tensor x = tensor(inputs, {rows, channels, window}, device);
  const torch::Tensor y = tensor(targets, {rows, static_cast<std::int64_t>(data.outputs)}, device);
  const auto first = static_cast<std::int64_t>(split.validation);
  const torch::Tensor held_x = x.narrow(0, first, rows - first),
                      held_y = y.narrow(0, first, rows - first);
  const bool validates = first < rows;

  model.to(device);
  Trainer trainer(model, params, x.narrow(0, 0, train_rows), y.narrow(0, 0, train_rows), random);
  TrainingReport report;
  report.train_rows = split.train;
  report.validation_rows = data.rows - split.validation;
  std::vector<torch::Tensor> best;
  double best_loss = std::numeric_limits<double>::infinity(), rate = params.learning_rate;
  const double total = static_cast<double>(params.epochs) * static_cast<double>(trainer.batches());
  for (std::int64_t epoch = 1; epoch <= params.epochs; ++epoch) {
    if (epoch > 1) trainer.begin_epoch();
    double sum = 0;
    for (std::size_t batch = 0; batch < trainer.batches(); ++batch) {
      if (params.schedule == Schedule::Cosine) {
        const double done = static_cast<double>(report.steps) / total;
        rate = params.learning_rate * 0.5 * (1.0 + std::cos(std::numbers::pi * done));
      }
      sum += trainer.step(batch, rate);
      ++report.steps;
    }
    report.epochs = epoch;
    const double train_loss = sum / static_cast<double>(trainer.batches());
    report.train_curve.push_back(train_loss);
    const double loss = validates ? trainer.evaluate(held_x, held_y) : train_loss;
    if (!std::isfinite(loss)) {
      fail(Fault::Numeric, "training",
           fmt::format("expected a finite validation loss, was {} after epoch {}", loss, epoch));
    }
    if (validates) report.validation_curve.push_back(loss);
    if (!validates || loss < best_loss) {
      best_loss = loss;
      report.best_epoch = epoch;
      report.train_loss = train_loss;
      report.validation_loss = validates ? loss : 0;
      best.clear();
      for (const torch::Tensor& parameter : model.parameters())
        best.push_back(parameter.detach().clone());
    } else {
      const std::int64_t waited = epoch - report.best_epoch;
      if (waited >= params.patience) break;
      if (params.schedule == Schedule::Plateau && 2 * waited >= params.patience) rate *= 0.5;
    }
  }
  model.to(torch::kCPU);
  const torch::NoGradGuard no_grad;
  std::size_t index = 0;
  for (torch::Tensor& parameter : model.parameters()) parameter.copy_(best[index++]);
  return report;
}

}  // namespace walras::models
