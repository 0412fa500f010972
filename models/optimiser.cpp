#include "models/optimiser.hpp"

#include <cmath>
#include <algorithm>
#include <cstring>

namespace walras::models {

AdamW::AdamW(std::vector<torch::Tensor> parameters, Settings settings)
    : parameters_(std::move(parameters)), settings_(settings) {
  // One list, those that decay first: two runs of the fused kernel at most.
  const auto decays = [&settings](const torch::Tensor& p) {
    return settings.decay_vectors || p.dim() > 1;
  };
  const auto rest = std::stable_partition(parameters_.begin(), parameters_.end(), decays);
  decayed_ = static_cast<std::size_t>(rest - parameters_.begin());
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
  const at::TensorList all(parameters_), gradients(gradients_), first(first_), second(second_),
      steps(steps_);
  const auto run = [&](std::size_t begin, std::size_t count, double decay) {
    if (count == 0) return;
    at::_fused_adamw_(all.slice(begin, count), gradients.slice(begin, count),
                      first.slice(begin, count), second.slice(begin, count),
                      /*max_exp_avg_sqs=*/{}, steps.slice(begin, count), learning_rate,
                      settings_.beta1, settings_.beta2, decay, settings_.epsilon,
                      /*amsgrad=*/false, /*maximize=*/false);
  };
  run(0, decayed_, settings_.weight_decay);
  run(decayed_, parameters_.size() - decayed_, 0);
}

std::vector<torch::Tensor>& AdamW::gradients() {
  collect();
  return gradients_;
}

void AdamW::save(std::vector<NamedArray>& arrays, const std::string& prefix) const {
  const auto add = [&](const char* name, const std::vector<torch::Tensor>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const torch::Tensor values = list[i].to(torch::kCPU).contiguous();
      const float* begin = values.data_ptr<float>();
      arrays.push_back({prefix + name + std::to_string(i), values.sizes().vec(),
                        std::vector<float>(begin, begin + values.numel())});
    }
  };
  add("first.", first_);
  add("second.", second_);
  add("steps.", steps_);
}

void AdamW::load(const Archive& archive, const std::string& prefix) {
  const torch::NoGradGuard no_grad;
  const auto take = [&](const char* name, std::vector<torch::Tensor>& list) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      const NamedArray& array = archive.at(prefix + name + std::to_string(i), list[i].sizes());
      torch::Tensor values = torch::empty(list[i].sizes());
      std::memcpy(values.data_ptr<float>(), array.values.data(), array.values.size() * sizeof(float));
      list[i].copy_(values);
    }
  };
  take("first.", first_);
  take("second.", second_);
  take("steps.", steps_);
}

Autocast::Autocast(Precision precision, torch::Device device)
    : active_(precision != Precision::Float32), device_(device.type()) {
  if (!active_) return;
  was_enabled_ = at::autocast::is_autocast_enabled(device_);
  was_type_ = at::autocast::get_autocast_dtype(device_);
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_,
                                   precision == Precision::Bfloat16 ? at::kBFloat16 : at::kHalf);
  at::autocast::increment_nesting();
}

Autocast::~Autocast() {
  if (!active_) return;
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, was_type_);
}

LossScaler::LossScaler(Precision precision, torch::Device device)
    : active_(precision == Precision::Float16) {
  if (!active_) return;
  scale_ = torch::full({}, 65'536.0, torch::TensorOptions().dtype(torch::kFloat32).device(device));
  growth_ = torch::zeros({}, torch::TensorOptions().dtype(torch::kInt32).device(device));
}

bool LossScaler::unscale(std::vector<torch::Tensor>& gradients) {
  if (!active_) return true;
  const torch::NoGradGuard no_grad;
  torch::Tensor found = torch::zeros({}, scale_.options());
  at::_amp_foreach_non_finite_check_and_unscale_(gradients, found, at::reciprocal(scale_));
  at::_amp_update_scale_(scale_, growth_, found, 2.0, 0.5, 2000);
  return found.item<double>() == 0;
}

double LossScaler::factor() const { return active_ ? scale_.item<double>() : 1; }
std::int64_t LossScaler::growth() const { return active_ ? growth_.item<std::int32_t>() : 0; }

void LossScaler::restore(double factor, std::int64_t growth) {
  if (!active_) return;
  scale_.fill_(factor);
  growth_.fill_(growth);
}

}  // namespace walras::models
