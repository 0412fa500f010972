#include "models/optimiser.hpp"

#include <cmath>
#include <optional>

namespace walras::models {

AdamW::AdamW(std::vector<torch::Tensor> parameters, Settings settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  for (const torch::Tensor& parameter : parameters_) {
    first_.push_back(torch::zeros_like(parameter));
    second_.push_back(torch::zeros_like(parameter));
    steps_.push_back(
        torch::zeros({}, torch::TensorOptions().dtype(torch::kFloat32).device(parameter.device())));
  }
}

void AdamW::zero_gradients() {
  for (torch::Tensor& parameter : parameters_) parameter.mutable_grad() = torch::Tensor();
  collected_ = false;
}

void AdamW::collect() {
  if (collected_) return;
  gradients_.clear();
  for (torch::Tensor& parameter : parameters_) {
    if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
    gradients_.push_back(parameter.grad());
  }
  collected_ = true;
}

double AdamW::clip(double limit) {
  const torch::NoGradGuard no_grad;
  collect();
  const double norm = at::stack(at::_foreach_norm(gradients_)).norm().item<double>();
  if (std::isfinite(norm) && norm > limit) at::_foreach_mul_(gradients_, limit / (norm + 1e-6));
  return norm;
}

void AdamW::step(double learning_rate) {
  const torch::NoGradGuard no_grad;
  collect();
  at::_foreach_add_(steps_, 1);
  at::_fused_adamw_(parameters_, gradients_, first_, second_, /*max_exp_avg_sqs=*/{}, steps_,
                    learning_rate, settings_.beta1, settings_.beta2, settings_.weight_decay,
                    settings_.epsilon, /*amsgrad=*/false,
                    /*maximize=*/false);
}

}  // namespace walras::models
