#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include "engine/base/error.hpp"
#include "models/training.hpp"

namespace walras::models {

double learning_rate(const TrainingParams& params, std::int64_t step, std::int64_t total) {
  const double peak = params.learning_rate;
  const auto along = [](double from, double to, double share) {
    return to + (from - to) / 2 * (1 + std::cos(std::numbers::pi * share));
  };
  const auto t = static_cast<double>(step), n = static_cast<double>(total);
  double rate = peak;
  if (params.schedule == Schedule::Cosine) rate = along(peak, 0, t / n);
  if (params.schedule == Schedule::OneCycle) {
    const double top = 0.3 * n - 1, end = n - 1;
    rate = t <= top ? along(peak / 25, peak, top > 0 ? t / top : 1)
                    : along(peak, peak / 250'000, end > top ? (t - top) / (end - top) : 1);
  }
  const double warm = params.warm_up * n;
  return t < warm ? rate * (t + 1) / (warm + 1) : rate;
}

Trainer::Trainer(Regressor& model, const TrainingParams& params, torch::Tensor inputs,
                 torch::Tensor targets, Rng random, Objective* objective)
    : model_(model),
      objective_(objective),
      params_(params),
      inputs_(std::move(inputs)),
      targets_(std::move(targets)),
      by_difficulty_(rows_by_difficulty(params.curriculum, inputs_)),
      optimiser_(
          [&] {
            std::vector<torch::Tensor> all = model.parameters();
            if (objective != nullptr) {
              for (const torch::Tensor& parameter : objective->parameters()) all.push_back(parameter);
            }
            return all;
          }(),
          {.weight_decay = params.weight_decay, .decay_vectors = false}),
      scaler_(params.precision, inputs_.device()),
      random_(random) {
  for (const auto& part : model.modules(/*include_self=*/false)) {
    drops_ = drops_ || dynamic_cast<const Dropout*>(part.get()) != nullptr;
  }
  model_.train();
  begin_epoch(1);
}

std::size_t Trainer::batches() const {
  return static_cast<std::size_t>((rows_ + params_.batch - 1) / params_.batch);
}

void Trainer::begin_epoch(std::int64_t epoch) {
  epoch_ = epoch;
  const auto all = static_cast<std::size_t>(inputs_.size(0));
  const double ramp = params_.curriculum_share * static_cast<double>(params_.epochs);
  const double done = std::min(1.0, static_cast<double>(epoch) / std::max(ramp, 1.0));
  std::vector<std::uint32_t> rows = by_difficulty_;
  if (rows.empty()) {
    rows.resize(all);
    std::iota(rows.begin(), rows.end(), 0U);
  } else {  // from a third of the rows to all of them
    rows.resize(std::max<std::size_t>(1, static_cast<std::size_t>(
                                             static_cast<double>(all) * (1 + 2 * done) / 3)));
  }
  if (params_.curriculum == Curriculum::Horizon) {
    outputs_learned_ = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(done * static_cast<double>(targets_.size(1))));
  }
  random_.child("epoch", static_cast<std::uint64_t>(epoch)).shuffle(rows);
  rows_ = static_cast<std::int64_t>(rows.size());
  torch::Tensor order = torch::empty({rows_}, torch::kInt64);
  std::ranges::copy(rows, order.data_ptr<std::int64_t>());
  order_ = order.to(inputs_.device());
}

torch::Tensor Trainer::loss(const torch::Tensor& predicted, const torch::Tensor& targets) const {
  if (objective_ == nullptr) return at::mse_loss(predicted, targets);
  return objective_->loss(predicted, targets, outputs_learned_);
}

double Trainer::step(std::size_t index, double learning_rate) {
  try {
    return learn(index, learning_rate);
  } catch (const c10::OutOfMemoryError&) {
    fail(Fault::Unavailable, "training",
         fmt::format("expected room on the device for a batch of {} rows, was out of memory; use a "
                     "smaller batch with accumulate, or checkpointing in the network",
                     params_.batch));
  }
}

double Trainer::learn(std::size_t index, double learning_rate) {
  const std::int64_t begin = static_cast<std::int64_t>(index) * params_.batch;
  const torch::Tensor rows = order_.narrow(0, begin, std::min(params_.batch, rows_ - begin));
  const bool begins = index % static_cast<std::size_t>(params_.accumulate) == 0;
  const bool ends = (index + 1) % static_cast<std::size_t>(params_.accumulate) == 0 ||
                    index + 1 == batches();
  const auto drawn = static_cast<std::uint64_t>(steps_++);
  if (drops_) key_dropout(model_, random_, drawn);
  if (begins) optimiser_.zero_gradients();
  torch::Tensor x = inputs_.index_select(0, rows);
  const torch::Tensor y = targets_.index_select(0, rows);
  torch::Tensor value;
  if (params_.augmentation.any()) {
    const Altered altered = alter(x, params_.augmentation, random_.child("alter", drawn));
    const Autocast shorter(params_.precision, inputs_.device());
    const torch::Tensor predicted = model_.forward(altered.inputs);
    value = loss(predicted, y);
    if (altered.other.defined()) {
      value = altered.share * value +
              (1 - altered.share) * loss(predicted, y.index_select(0, altered.other));
    }
  } else {
    const Autocast shorter(params_.precision, inputs_.device());
    value = loss(model_.forward(x), y);
  }
  if (params_.accumulate > 1) {
    const auto first = index - index % static_cast<std::size_t>(params_.accumulate);
    const std::size_t parts = std::min<std::size_t>(
        static_cast<std::size_t>(params_.accumulate), batches() - first);
    scaler_.scale(value / static_cast<double>(parts)).backward();
  } else {
    scaler_.scale(value).backward();
  }
  double norm = 0;
  bool finite = true;
  if (ends) {
    finite = params_.precision != Precision::Float16 || scaler_.unscale(optimiser_.gradients());
    if (finite) norm = optimiser_.clip(params_.clip);
    refused_ = finite ? 0 : refused_ + 1;
  }
  const double number = value.item<double>();
  if (!std::isfinite(number) || !std::isfinite(norm) || refused_ > 32) {
    fail(Fault::Numeric, "training",
         fmt::format("expected a finite loss and gradient, was loss {} and gradient norm {} in "
                     "epoch {}, batch {}; lower the learning rate or clip harder",
                     number, refused_ > 32 ? std::numeric_limits<double>::infinity() : norm, epoch_,
                     index));
  }
  if (ends && finite) optimiser_.step(learning_rate);
  return number;
}

double Trainer::evaluate(const torch::Tensor& inputs, const torch::Tensor& targets) {
  model_.eval();
  double sum = 0;
  {
    const c10::InferenceMode inference;
    constexpr std::int64_t kRows = 1024;  // bounds the memory of activations
    for (std::int64_t begin = 0; begin < inputs.size(0); begin += kRows) {
      const std::int64_t count = std::min(kRows, inputs.size(0) - begin);
      const torch::Tensor predicted = model_.forward(inputs.narrow(0, begin, count));
      const torch::Tensor wanted = targets.narrow(0, begin, count);
      const torch::Tensor one = objective_ == nullptr ? at::mse_loss(predicted, wanted)
                                                      : objective_->loss(predicted, wanted);
      sum += one.item<double>() * static_cast<double>(count);
    }
  }
  model_.train();
  return sum / static_cast<double>(inputs.size(0));
}

void Trainer::save(Archive& archive) const {
  for (NamedArray& array : copy_out(model_)) {
    array.name = "model." + array.name;
    archive.arrays.push_back(std::move(array));
  }
  if (objective_ != nullptr) {
    for (NamedArray& array : copy_out(*objective_)) {
      array.name = "objective." + array.name;
      archive.arrays.push_back(std::move(array));
    }
  }
  optimiser_.save(archive.arrays, "optimiser.");
  archive.description["draws"] = steps_;
  archive.description["factor"] = scaler_.factor();
  archive.description["growth"] = scaler_.growth();
}

void Trainer::load(const Archive& archive) {
  copy_in(model_, archive, "model.");
  if (objective_ != nullptr) copy_in(*objective_, archive, "objective.");
  optimiser_.load(archive, "optimiser.");
  steps_ = archive.description.at("draws").as_integer();
  scaler_.restore(archive.description.at("factor").as_number(),
                  archive.description.at("growth").as_integer());
}

}  // namespace walras::models
