#include "models/objective.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"

namespace walras::models {
namespace {

bool of_classes(TaskKind kind) { return kind == TaskKind::Direction || kind == TaskKind::Regime; }

std::int64_t width(const Task& task) {
  if (of_classes(task.kind)) return 3;
  return task.kind == TaskKind::Quantiles ? static_cast<std::int64_t>(task.levels.size()) : 1;
}

torch::Tensor row(std::span<const float> values) {
  return torch::tensor(std::vector<float>(values.begin(), values.end()));
}

}  // namespace

Objective::Objective(const ObjectiveParams& params, std::span<const float> mean,
                     std::span<const float> scale)
    : params_(params),
      outputs_(static_cast<std::int64_t>(mean.size())),
      plain_(params.tasks.size() == 1 && params.tasks[0].kind == TaskKind::Value &&
             !params.uncertainty) {
  if (params_.tasks.empty()) fail(Fault::Scenario, "tasks", "expected at least one task, was none");
  for (const Task& task : params_.tasks) {
    if (task.kind == TaskKind::Quantiles &&
        (task.levels.empty() || !std::ranges::is_sorted(task.levels, std::less_equal<>{}))) {
      fail(Fault::Scenario, "tasks", "expected levels of quantiles that increase");
    }
  }
  mean_ = register_buffer("mean", row(mean));
  scale_ = register_buffer("scale", row(scale));
  thirds_ = register_buffer("thirds", torch::zeros({2, outputs_}));
  log_moments_ = register_buffer("log_moments", torch::zeros({2, outputs_}));
  const auto tasks = static_cast<std::int64_t>(params_.tasks.size());
  for (std::int64_t task = 0; task < tasks; ++task)
    class_weights_.push_back(register_buffer("class_weights" + std::to_string(task), torch::ones({3})));
  log_variance_ = params_.uncertainty ? register_parameter("log_variance", torch::zeros({tasks}))
                                      : torch::Tensor();
}

void Objective::fit(const torch::Tensor& targets) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor size = (targets * scale_ + mean_).abs();
  const torch::Tensor sorted = std::get<0>(size.sort(0));
  const std::int64_t n = targets.size(0);
  thirds_.copy_(at::stack({sorted[n / 3], sorted[2 * n / 3]}));
  const torch::Tensor logs = at::log(size.clamp_min(1e-12));
  const torch::Tensor spread = logs.std(0, /*unbiased=*/false);
  log_moments_.copy_(at::stack({logs.mean(0), at::where(spread > 1e-6, spread, at::ones_like(spread))}));
  if (!params_.balanced) return;
  for (std::size_t i = 0; i < params_.tasks.size(); ++i) {
    if (!of_classes(params_.tasks[i].kind)) continue;
    const torch::Tensor counts =
        at::bincount(classes(params_.tasks[i], targets).reshape(-1), {}, 3).to(torch::kFloat32);
    class_weights_[i].copy_(counts.sum() / (3 * counts.clamp_min(1)));
  }
}

std::int64_t Objective::columns() const {
  std::int64_t sum = 0;
  for (const Task& task : params_.tasks) sum += width(task);
  return sum * outputs_;
}

torch::Tensor Objective::logits(std::size_t task, const torch::Tensor& predicted) const {
  std::int64_t first = 0;
  for (std::size_t i = 0; i < task; ++i) first += width(params_.tasks[i]) * outputs_;
  const std::int64_t wide = width(params_.tasks[task]);
  return predicted.narrow(1, first, wide * outputs_).view({predicted.size(0), outputs_, wide});
}

torch::Tensor Objective::classes(const Task& task, const torch::Tensor& target) const {
  const torch::Tensor raw = target * scale_ + mean_;
  if (task.kind == TaskKind::Regime) {
    const torch::Tensor size = raw.abs();
    return (size >= thirds_[0]).to(torch::kInt64) + (size >= thirds_[1]).to(torch::kInt64);
  }
  const torch::Tensor limit = task.threshold * scale_;
  return 1 + (raw > limit).to(torch::kInt64) - (raw < -limit).to(torch::kInt64);
}

torch::Tensor Objective::cross_entropy(std::size_t task, const torch::Tensor& logits,
                                       const torch::Tensor& classes) const {
  const torch::Tensor flat = logits.reshape({-1, 3}), wanted = classes.reshape(-1);
  if (params_.focus <= 0) {
    return at::cross_entropy_loss(flat, wanted, class_weights_[task], at::Reduction::Mean, -100,
                                  params_.smoothing);
  }
  const torch::Tensor each = at::cross_entropy_loss(flat, wanted, class_weights_[task],
                                                    at::Reduction::None, -100, params_.smoothing);
  const torch::Tensor hit = at::softmax(flat, 1).gather(1, wanted.unsqueeze(1)).squeeze(1);
  return (at::pow(1 - hit, params_.focus) * each).sum() /
         class_weights_[task].index_select(0, wanted).sum();
}

torch::Tensor Objective::term(std::size_t index, const torch::Tensor& predicted,
                              const torch::Tensor& target) const {
  const Task& task = params_.tasks[index];
  const auto distance = [this](const torch::Tensor& a, const torch::Tensor& b) {
    return params_.loss == Loss::Huber ? at::huber_loss(a, b) : at::mse_loss(a, b);
  };
  if (of_classes(task.kind)) return cross_entropy(index, predicted, classes(task, target));
  if (task.kind == TaskKind::Value) return distance(predicted.squeeze(2), target);
  if (task.kind == TaskKind::Volatility) {
    const torch::Tensor logs = at::log((target * scale_ + mean_).abs().clamp_min(1e-12));
    return distance(predicted.squeeze(2), (logs - log_moments_[0]) / log_moments_[1]);
  }
  const torch::Tensor levels = torch::tensor(task.levels, predicted.options());
  const torch::Tensor over = target.unsqueeze(2) - predicted;
  return at::maximum(levels * over, (levels - 1) * over).mean();
}

torch::Tensor Objective::loss(const torch::Tensor& predicted, const torch::Tensor& target,
                              std::int64_t outputs_learned) const {
  const bool all = outputs_learned == 0 || outputs_learned >= outputs_;
  if (plain_ && all) {
    return params_.loss == Loss::Huber ? at::huber_loss(predicted, target)
                                       : at::mse_loss(predicted, target);
  }
  torch::Tensor sum;
  for (std::size_t i = 0; i < params_.tasks.size(); ++i) {
    torch::Tensor part = logits(i, predicted), wanted = target;
    if (!all) {
      // The rest learns nothing: its predictions are set to what cannot be improved upon.
      const torch::Tensor on =
          (torch::arange(outputs_, target.options()) < static_cast<double>(outputs_learned)).to(target.dtype());
      part = part * on.view({1, outputs_, 1});
      wanted = target * on;
    }
    torch::Tensor one = term(i, part, wanted) * params_.tasks[i].weight;
    if (params_.uncertainty) {
      const torch::Tensor s = log_variance_[static_cast<std::int64_t>(i)];
      one = of_classes(params_.tasks[i].kind) ? at::exp(-s) * one + s / 2
                                              : at::exp(-s) * one / 2 + s / 2;
    }
    sum = sum.defined() ? sum + one : one;
  }
  return sum;
}

torch::Tensor Objective::decode(const torch::Tensor& predicted) const {
  const torch::Tensor part = logits(0, predicted);
  const Task& task = params_.tasks[0];
  if (of_classes(task.kind)) {
    const torch::Tensor p = at::softmax(part, 2);
    return p.select(2, 2) - p.select(2, 0);
  }
  if (task.kind == TaskKind::Volatility) return part.squeeze(2) * log_moments_[1] + log_moments_[0];
  return part.select(2, width(task) / 2);
}

bool Objective::restores() const {
  return params_.tasks[0].kind == TaskKind::Value || params_.tasks[0].kind == TaskKind::Quantiles;
}

}  // namespace walras::models
