#pragma once
// Objective: what a network learns of a target, as one or several tasks with a loss each. All tasks
// of an output read the same target, so that heads for its direction, its quantiles, its size and
// its regime need no other data. Weights between tasks are fixed or learned.
#include <cstdint>
#include <span>
#include <vector>

#include "engine/base/config.hpp"
#include "models/torch.hpp"

namespace walras::models {

enum class Loss : std::uint8_t { SquaredError, Huber };
enum class TaskKind : std::uint8_t {
  Value,       ///< the target itself: 1 column
  Direction,   ///< falls, stays, rises: 3 columns of logits
  Quantiles,   ///< of the target: a column for each level
  Volatility,  ///< log |target|, standardised: 1 column
  Regime       ///< calm, usual, wild by thirds of |target| in training: 3 columns of logits
};

struct Task {
  TaskKind kind = TaskKind::Value;
  double weight = 1, threshold = 0.1;
  std::vector<double> levels{0.1, 0.5, 0.9};
  static void fields(auto&& field) {
    field("kind", &Task::kind, {.doc = "what is learned of the target"});
    field("weight", &Task::weight, {.min = 1e-6, .max = 1e6, .doc = "of its loss in the sum"});
    field("threshold", &Task::threshold,
          {.unit = "deviations",
           .min = 0,
           .max = 100,
           .doc = "of a direction: targets nearer to 0 than this share of their deviation stay"});
    field("levels", &Task::levels,
          {.min = 0.001, .max = 0.999, .doc = "of quantiles, increasing"});
  }
};

struct ObjectiveParams {
  std::vector<Task> tasks{Task{}};
  Loss loss = Loss::SquaredError;
  bool uncertainty = false, balanced = false;
  double smoothing = 0, focus = 0;
  static void fields(auto&& field) {
    using P = ObjectiveParams;
    field("tasks", &P::tasks, {.doc = "what is learned, a head each; predictions are the first's"});
    field("loss", &P::loss, {.doc = "of value and volatility tasks, on scaled targets"});
    field("uncertainty", &P::uncertainty, {.doc = "learn the weights between tasks"});
    field("balanced", &P::balanced, {.doc = "weigh classes by the inverse of their share in training"});
    field("smoothing", &P::smoothing,
          {.min = 0, .max = 0.9, .doc = "share of a class's target spread over all classes"});
    field("focus", &P::focus,
          {.min = 0, .max = 10, .doc = "exponent of the focal loss; 0 = cross-entropy"});
  }
};

/// Source: uncertainty weighting, Kendall, Gal and Cipolla 2018, eq. 7; focal loss, Lin et al. 2017.
class Objective final : public torch::nn::Module {
 public:
  /// `mean` and `scale` (outputs) are what training targets were scaled by.
  /// Throws Error{Scenario} on no task and on levels that do not increase.
  Objective(const ObjectiveParams& params, std::span<const float> mean, std::span<const float> scale);
  /// Fits class shares, thirds and spreads. Shape: scaled training targets (N, outputs).
  void fit(const torch::Tensor& targets);
  /// Columns of the head that the network needs.
  [[nodiscard]] std::int64_t columns() const;
  /// Shape: predicted (B, columns), scaled target (B, outputs) -> (). `outputs_learned` of the
  /// outputs count, the first ones (0 = all).
  torch::Tensor loss(const torch::Tensor& predicted, const torch::Tensor& target,
                     std::int64_t outputs_learned = 0) const;
  /// Shape: (B, columns) -> (B, outputs), the first task's answer on the scale of scaled targets: a
  /// value, the middle quantile, P(rises) - P(falls), a volatility's logarithm, P(wild) - P(calm).
  [[nodiscard]] torch::Tensor decode(const torch::Tensor& predicted) const;
  /// Whether decode() gives scaled targets, which a scaler can restore.
  [[nodiscard]] bool restores() const;
  /// Classes of a class task and logits of it. Shape: (B, outputs), (B, outputs, classes).
  [[nodiscard]] torch::Tensor classes(const Task& task, const torch::Tensor& target) const;
  [[nodiscard]] torch::Tensor logits(std::size_t task, const torch::Tensor& predicted) const;
  [[nodiscard]] const ObjectiveParams& params() const { return params_; }

 private:
  [[nodiscard]] torch::Tensor term(std::size_t task, const torch::Tensor& predicted,
                                   const torch::Tensor& target) const;
  [[nodiscard]] torch::Tensor cross_entropy(std::size_t task, const torch::Tensor& logits,
                                            const torch::Tensor& classes) const;
  ObjectiveParams params_;
  std::int64_t outputs_;
  bool plain_;  // one value task: no detour in the training step
  torch::Tensor mean_, scale_, thirds_, log_moments_, log_variance_;
  std::vector<torch::Tensor> class_weights_;
};

}  // namespace walras::models

template <>
struct walras::EnumNames<walras::models::Loss> {
  using E = walras::models::Loss;
  static constexpr std::array<std::pair<E, std::string_view>, 2> names{
      {{E::SquaredError, "squared_error"}, {E::Huber, "huber"}}};
};
template <>
struct walras::EnumNames<walras::models::TaskKind> {
  using E = walras::models::TaskKind;
  static constexpr std::array<std::pair<E, std::string_view>, 5> names{
      {{E::Value, "value"},
       {E::Direction, "direction"},
       {E::Quantiles, "quantiles"},
       {E::Volatility, "volatility"},
       {E::Regime, "regime"}}};
};
