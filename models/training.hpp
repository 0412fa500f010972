#pragma once
// Training of a network on rows of windows: split by time, scaling fitted on training rows alone,
// mini-batches drawn by the project's generator, early stopping on the last rows with a gap before
// them.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "engine/base/config.hpp"
#include "engine/base/random.hpp"
#include "models/layers.hpp"
#include "models/net.hpp"
#include "models/optimiser.hpp"
#include "strategies/predictor.hpp"

namespace walras::models {

enum class Schedule : std::uint8_t { Constant, Cosine, Plateau };
enum class Loss : std::uint8_t { SquaredError, Huber };

struct TrainingParams {
  std::int64_t epochs = 30, batch = 128, patience = 5, gap = 64;
  double learning_rate = 1e-3, weight_decay = 1e-2, clip = 1.0, validation = 0.2;
  Schedule schedule = Schedule::Cosine;
  Loss loss = Loss::SquaredError;
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
          {.doc = "of the learning rate: to 0 along a cosine, or halved on a plateau"});
    field("loss", &P::loss, {.doc = "of scaled targets"});
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

/// Rows [0, train) train, rows [validation, rows) validate.
struct RowSplit {
  std::size_t train = 0, validation = 0;
};
/// Splits by steps (times), never within one. Throws Error{Numeric} when either part would be empty
/// (validation only when asked for).
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

 private:
  std::shared_ptr<Net> net_;
  std::shared_ptr<Linear> head_;
};

/// One optimisation at a time: owns the optimiser, the scaled data and the order of rows.
class Trainer {
 public:
  /// `inputs` (N, C, T) and `targets` (N, outputs) are scaled already. `model` is borrowed.
  Trainer(Regressor& model, const TrainingParams& params, torch::Tensor inputs,
          torch::Tensor targets, Rng random);

  /// Draws a new order of the rows; batches follow it.
  void begin_epoch();
  [[nodiscard]] std::size_t batches() const;
  /// One step on batch `index` of this epoch. Returns: its loss. Throws Error{Numeric} when it or a
  /// gradient is not finite.
  double step(std::size_t index, double learning_rate);
  /// Mean loss without learning.
  [[nodiscard]] double evaluate(const torch::Tensor& inputs, const torch::Tensor& targets);

 private:
  Regressor& model_;
  TrainingParams params_;
  torch::Tensor inputs_, targets_, order_;
  std::vector<std::uint32_t> rows_;
  AdamW optimiser_;
  Rng random_;
  std::int64_t epoch_ = 0;
};

struct TrainingReport {
  std::int64_t epochs = 0, best_epoch = 0, steps = 0;
  double train_loss = 0;       ///< mean of the best epoch's batches, on scaled targets
  double validation_loss = 0;  ///< of the best epoch; 0 without validation
  std::size_t train_rows = 0, validation_rows = 0;
  std::vector<double> train_curve, validation_curve;  ///< loss by epoch; the second may be empty
};
/// Trains `model`; leaves the weights of the best epoch in it. The scaler must have been fitted on
/// the same split.
TrainingReport train(Regressor& model, const strategies::Dataset& data, const Scaler& scaler,
                     const TrainingParams& params, Rng random);

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Schedule> {
  using E = walras::models::Schedule;
  static constexpr std::array<std::pair<E, std::string_view>, 3> names{
      {{E::Constant, "constant"}, {E::Cosine, "cosine"}, {E::Plateau, "plateau"}}};
};
template <>
struct walras::EnumNames<walras::models::Loss> {
  using E = walras::models::Loss;
  static constexpr std::array<std::pair<E, std::string_view>, 2> names{
      {{E::SquaredError, "squared_error"}, {E::Huber, "huber"}}};
};
