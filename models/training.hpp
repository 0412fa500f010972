#pragma once
// Training of a network on rows of windows: split by time, scaling fitted on training rows alone,
// mini-batches drawn by the project's generator, early stopping on the last rows with a gap before
// them.
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/base/config.hpp"
#include "engine/base/random.hpp"
#include "models/batches.hpp"
#include "models/layers.hpp"
#include "models/net.hpp"
#include "models/objective.hpp"
#include "models/optimiser.hpp"
#include "strategies/rows.hpp"

namespace walras::models {

enum class Schedule : std::uint8_t { Constant, Cosine, Plateau, OneCycle };

struct TrainingParams {
  std::int64_t epochs = 30, batch = 128, patience = 5, gap = 64;
  double learning_rate = 1e-3, weight_decay = 1e-2, clip = 1.0, validation = 0.2;
  double warm_up = 0, ema = 0, swa = 0, curriculum_share = 0.5;
  std::int64_t accumulate = 1;
  Schedule schedule = Schedule::Cosine;
  Curriculum curriculum = Curriculum::None;
  Precision precision = Precision::Float32;
  ObjectiveParams objective;
  Augmentation augmentation;
  std::string checkpoints;
  Device device = Device::Cpu;
  static void fields(auto&& field) {
    using P = TrainingParams;
    field("epochs", &P::epochs,
          {.min = 1, .max = 100'000, .doc = "passes over the training rows, at most"});
    field("batch", &P::batch,
          {.unit = "rows", .min = 1, .max = 1'048'576, .doc = "rows of a step"});
    field("learning_rate", &P::learning_rate,
          {.min = 1e-9, .max = 10, .doc = "of AdamW, at the start"});
    field("weight_decay", &P::weight_decay, {.min = 0, .max = 10, .doc = "decoupled, of AdamW"});
    field("clip", &P::clip,
          {.min = 1e-6, .max = 1e6, .doc = "largest Euclidean norm of the gradient"});
    field("schedule", &P::schedule,
          {.doc = "of the learning rate: to 0 along a cosine, halved on a plateau, or up and down "
                  "in one cycle whose peak is the learning rate"});
    field("warm_up", &P::warm_up,
          {.min = 0, .max = 0.9, .doc = "first share of the steps, in which the rate rises from 0"});
    field("accumulate", &P::accumulate,
          {.min = 1, .max = 4096, .doc = "batches whose gradients make one step"});
    field("ema", &P::ema,
          {.min = 0, .max = 0.99999, .doc = "decay of the moving average of the weights that is kept; 0 = none"});
    field("swa", &P::swa,
          {.min = 0, .max = 0.9, .doc = "last share of the epochs whose weights are averaged; 0 = none"});
    field("precision", &P::precision, {.doc = "of products in training; float16 scales the loss by itself"});
    field("objective", &P::objective, {.doc = "what is learned of the target"});
    field("augmentation", &P::augmentation, {.doc = "how training windows are altered"});
    field("curriculum", &P::curriculum, {.doc = "easy rows or outputs first"});
    field("curriculum_share", &P::curriculum_share,
          {.min = 0.01, .max = 1, .doc = "share of the epochs after which all rows and outputs are in"});
    field("checkpoints", &P::checkpoints,
          {.doc = "folder in which training is saved after each epoch and resumed from; empty = none"});
    field("validation", &P::validation,
          {.min = 0, .max = 0.9, .doc = "last share of the steps, for early stopping; 0 = none"});
    field("gap", &P::gap,
          {.unit = "steps",
           .min = 0,
           .max = 1e9,
           .doc = "left out before validation, so that windows do not overlap"});
    field("patience", &P::patience,
          {.unit = "epochs",
           .min = 1,
           .max = 100'000,
           .doc = "epochs without a better validation loss before stopping"});
    field("device", &P::device,
          {.doc = "where to train; auto takes CUDA where it is, and then results depend on it"});
  }
};

using strategies::RowSplit;
/// Splits by steps (times), as the params say. Throws as strategies::split_rows.
[[nodiscard]] RowSplit split_rows(const strategies::Dataset& data, const TrainingParams& params);

/// Mean and standard deviation a channel (of inputs) and an output (of targets; mean 0 where it
/// cannot be told from 0).
struct Scaler {
  std::vector<float> input_mean, input_scale, target_mean, target_scale;  ///< scale > 0

  /// Fits on rows [0, rows) of data alone. Throws Error{Numeric} naming row, batch and feature of a
  /// NaN.
  static Scaler fit(const strategies::Dataset& data, std::size_t rows);
  void scale_inputs(std::span<float> inputs,
                    std::size_t window) const;           ///< rows x channels x window, in place
  void scale_targets(std::span<float> targets) const;    ///< rows x outputs, in place
  void restore_targets(std::span<float> targets) const;  ///< the inverse
};

/// Throws Error{Numeric} naming row, batch (rows / `batch`) and feature of the first value that is
/// not finite.
void check_finite(const strategies::Dataset& data, std::size_t batch);

/// Net plus a linear head: (B, C, T) -> (B, outputs).
class Regressor final : public torch::nn::Module {
 public:
  Regressor(std::shared_ptr<Net> net, std::int64_t outputs, Rng& random);
  torch::Tensor forward(const torch::Tensor& input) { return head_->forward(net_->forward(input)); }
  [[nodiscard]] Net& net() { return *net_; }
  /// (B, C, T) -> the net's features.
  torch::Tensor features(const torch::Tensor& input) { return net_->forward(input); }

 private:
  std::shared_ptr<Net> net_;
  std::shared_ptr<Linear> head_;
};

/// Learning rate of a step (from 0) of `total`; Plateau is left to the caller. Source: one cycle,
/// Smith and Topin 2018, with cosine flanks: from 1/25 of the peak, at 30 % of the steps, to 1/250,000.
[[nodiscard]] double learning_rate(const TrainingParams& params, std::int64_t step,
                                   std::int64_t total);

/// One optimisation at a time: owns the optimiser, the scaled data and the order of rows. Every draw
/// is a function of the epoch or the step, so a resumed training goes on with the same bits.
class Trainer {
 public:
  /// `inputs` (N, C, T) and `targets` (N, outputs) are scaled already. `model` and `objective` are
  /// borrowed; without an objective the loss is the plain squared error.
  Trainer(Regressor& model, const TrainingParams& params, torch::Tensor inputs,
          torch::Tensor targets, Rng random, Objective* objective = nullptr);

  /// Draws the order of the rows of an epoch (from 1); batches follow it.
  void begin_epoch(std::int64_t epoch);
  /// Batches of this epoch.
  [[nodiscard]] std::size_t batches() const;
  /// One step on batch `index` of this epoch. Returns: its loss. Throws Error{Numeric} when it or a
  /// gradient is not finite, Error{Unavailable} when the device has no room for the batch.
  double step(std::size_t index, double learning_rate);
  /// Mean loss without learning.
  [[nodiscard]] double evaluate(const torch::Tensor& inputs, const torch::Tensor& targets);
  void save(Archive& archive) const;
  void load(const Archive& archive);

 private:
  double learn(std::size_t index, double learning_rate);
  [[nodiscard]] torch::Tensor loss(const torch::Tensor& predicted, const torch::Tensor& targets) const;

  Regressor& model_;
  Objective* objective_;
  TrainingParams params_;
  torch::Tensor inputs_, targets_, order_;
  std::vector<std::uint32_t> by_difficulty_;
  AdamW optimiser_;
  LossScaler scaler_;
  Rng random_;
  std::int64_t epoch_ = 0, steps_ = 0, outputs_learned_ = 0, rows_ = 0;
  std::int64_t refused_ = 0;  // steps in a row whose scaled gradients were not finite
  bool drops_ = false;        // whether the network has dropout
};

struct TrainingReport {
  std::int64_t epochs = 0, best_epoch = 0, steps = 0;
  double train_loss = 0;       ///< mean of the best epoch's batches, on scaled targets
  double validation_loss = 0;  ///< of the best epoch; 0 without validation
  std::size_t train_rows = 0, validation_rows = 0;
  std::vector<double> train_curve, validation_curve, rate_curve;  ///< by epoch; the second may be empty
  bool resumed = false;
  Json metrics;  ///< on validation rows, of the kept weights; null without validation
};
/// Called after each epoch; false stops the training there (a later call resumes it).
using Progress = std::function<bool(const TrainingReport&)>;
/// Trains `model`; leaves the weights of the best epoch in it. The scaler must have been fitted on
/// the same split; the objective is fitted here. Throws Error{Io} when a checkpoint cannot be
/// written, Error{Data} when one is damaged or of another training.
TrainingReport train(Regressor& model, Objective& objective, const strategies::Dataset& data,
                     const Scaler& scaler, const TrainingParams& params, Rng random,
                     const Progress& progress = {});

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Schedule> {
  using E = walras::models::Schedule;
  static constexpr std::array<std::pair<E, std::string_view>, 4> names{
      {{E::Constant, "constant"},
       {E::Cosine, "cosine"},
       {E::Plateau, "plateau"},
       {E::OneCycle, "one_cycle"}}};
};
