// What a training step of ours costs beyond the LibTorch calls in it. The bare side is written with
// LibTorch's own modules and calls: the same gather, forward, loss, backward, clipping and fused
// optimiser kernel, and nothing else.
#include <algorithm>
#include <numeric>

#include "agents/catalog.hpp"
#include "agents/learners/ppo_step.hpp"
#include "models/training.hpp"

namespace walras::agents {
namespace {

/// LibTorch's fused AdamW kernel with its state, as its callers hold it: matrices decay, vectors do
/// not, as in the trainer.
struct BareAdam {
  explicit BareAdam(std::vector<torch::Tensor> all, double decay_, double epsilon_)
      : parameters(std::move(all)), decay(decay_), epsilon(epsilon_) {
    decayed = static_cast<std::size_t>(
        std::stable_partition(parameters.begin(), parameters.end(),
                              [this](const torch::Tensor& p) { return decay <= 0 || p.dim() > 1; }) -
        parameters.begin());
    for (const torch::Tensor& parameter : parameters) {
      first.push_back(torch::zeros_like(parameter));
      second.push_back(torch::zeros_like(parameter));
      steps.push_back(torch::zeros({}));
    }
  }
  void zero() {
    for (torch::Tensor& parameter : parameters) parameter.mutable_grad() = torch::Tensor();
  }
  void step(double rate) {
    const torch::NoGradGuard no_grad;
    std::vector<torch::Tensor> gradients;
    for (const torch::Tensor& parameter : parameters) gradients.push_back(parameter.grad());
    at::_foreach_add_(steps, 1);
    const at::TensorList p(parameters), g(gradients), m(first), v(second), t(steps);
    const auto run = [&](std::size_t begin, std::size_t count, double pull) {
      if (count == 0) return;
      at::_fused_adamw_(p.slice(begin, count), g.slice(begin, count), m.slice(begin, count),
                        v.slice(begin, count), {}, t.slice(begin, count), rate, 0.9, 0.999, pull,
                        epsilon, false, false);
    };
    run(0, decayed, decay);
    run(decayed, parameters.size() - decayed, 0);
  }
  std::vector<torch::Tensor> parameters, first, second, steps;
  double decay, epsilon;
  std::size_t decayed = 0;
};

torch::Tensor draws(std::initializer_list<std::int64_t> shape, Rng random) {
  torch::Tensor values = torch::empty(shape);
  for (std::int64_t i = 0; i < values.numel(); ++i)
    values.data_ptr<float>()[i] = static_cast<float>(random.normal());
  return values;
}

class PriceCnnContest final : public strategies::Contest {
 public:
  PriceCnnContest()
      : inputs_(draws({4096, kInputs, kWindow}, random_.child("inputs"))),
        targets_(draws({4096, 1}, random_.child("targets"))) {
    models::use_one_thread();
    Rng weights = random_.child("weights");
    model_ = std::make_shared<models::Regressor>(
        models::build_net("price_cnn", {kInputs, kWindow}, weights), 1, weights);
    trainer_ = std::make_unique<models::Trainer>(*model_, params_, inputs_, targets_,
                                                 random_.child("batches"));
    bare_inlet_ = conv(kInputs, kChannels, 1, 1);
    for (std::int64_t block = 0; block < 3; ++block) {
      bare_blocks_.push_back(
          {conv(kChannels, kChannels, 3, std::int64_t{1} << block),
           conv(kChannels, kChannels, 1, 1), std::int64_t{2} << block});
    }
    bare_outlet_ = conv(kChannels, kChannels, 1, 1);
    bare_head_ = torch::nn::Linear(kChannels, 1);
    std::vector<torch::Tensor> all;
    const auto append = [&all](const auto& module) {
      for (const torch::Tensor& parameter : module->parameters()) all.push_back(parameter);
    };
    append(bare_inlet_);
    for (const Block& block : bare_blocks_) append(block.first), append(block.second);
    append(bare_outlet_);
    append(bare_head_);
    bare_adam_ = std::make_unique<BareAdam>(std::move(all), params_.weight_decay, 1e-8);
    order_ = torch::arange(4096);
  }

  void ours() override {
    trainer_->step(ours_ % trainer_->batches(), params_.learning_rate);
    ++ours_;
  }

  void bare() override {
    const torch::Tensor rows = order_.narrow(
        0, static_cast<std::int64_t>(bare_ % trainer_->batches()) * params_.batch, params_.batch);
    ++bare_;
    bare_adam_->zero();
    torch::Tensor signal = bare_inlet_(inputs_.index_select(0, rows));
    for (Block& block : bare_blocks_) {
      const torch::Tensor inside =
          torch::relu(block.first(torch::constant_pad_nd(signal, {block.padding, 0})));
      signal = torch::relu(signal + block.second(inside));
    }
    const torch::Tensor last =
        torch::relu(bare_outlet_(signal.narrow(2, kWindow - 1, 1))).select(2, 0);
    const torch::Tensor loss = torch::mse_loss(bare_head_(last), targets_.index_select(0, rows));
    loss.backward();
    torch::nn::utils::clip_grad_norm_(bare_adam_->parameters, params_.clip);
    sum_ += loss.item<double>();
    bare_adam_->step(params_.learning_rate);
  }

 private:
  struct Block {
    torch::nn::Conv1d first, second;
    std::int64_t padding;
  };
  static torch::nn::Conv1d conv(std::int64_t in, std::int64_t out, std::int64_t kernel,
                                std::int64_t dilation) {
    return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, kernel).dilation(dilation));
  }

  static constexpr std::int64_t kInputs = 4, kWindow = 32, kChannels = 16;  // the defaults
  Rng random_{1, "contest"};
  models::TrainingParams params_;
  torch::Tensor inputs_, targets_, order_;
  std::shared_ptr<models::Regressor> model_;
  std::unique_ptr<models::Trainer> trainer_;
  torch::nn::Conv1d bare_inlet_{nullptr}, bare_outlet_{nullptr};
  std::vector<Block> bare_blocks_;
  torch::nn::Linear bare_head_{nullptr};
  std::unique_ptr<BareAdam> bare_adam_;
  std::size_t ours_ = 0, bare_ = 0;
  double sum_ = 0;
};

class PpoContest final : public strategies::Contest {
 public:
  PpoContest() {
    models::use_one_thread();
    Rng weights = random_.child("weights");
    network_ = std::make_shared<ActorCritic>(kObservation, kActions, params_.hidden, weights);
    step_ = std::make_unique<PpoStep>(*network_, params_);
    batch_.observations = draws({kRows, kObservation}, random_.child("observations"));
    batch_.actions = torch::arange(kRows).remainder(kActions);
    batch_.log_probabilities =
        torch::full({kRows}, -std::log(static_cast<double>(kActions)), torch::kFloat32);
    batch_.advantages = draws({kRows}, random_.child("advantages"));
    batch_.returns = draws({kRows}, random_.child("returns"));
    rows_ = torch::arange(kRows).narrow(0, 0, params_.batch);
    policy_ = mlp(kActions);
    critic_ = mlp(1);
    std::vector<torch::Tensor> all = policy_->parameters();
    for (const torch::Tensor& parameter : critic_->parameters()) all.push_back(parameter);
    adam_ = std::make_unique<BareAdam>(std::move(all), 0.0, 1e-5);
  }

  void ours() override { step_->take(batch_, rows_, 1.0); }

  void bare() override {
    const auto pick = [this](const torch::Tensor& values) { return values.index_select(0, rows_); };
    adam_->zero();
    const torch::Tensor observations = pick(batch_.observations);
    const torch::Tensor logits = policy_->forward(observations),
                        values = critic_->forward(observations).squeeze(1);
    torch::Tensor advantages = pick(batch_.advantages);
    advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8);
    const torch::Tensor chosen =
        torch::log_softmax(logits, 1).gather(1, pick(batch_.actions).unsqueeze(1)).squeeze(1);
    const torch::Tensor ratio = torch::exp(chosen - pick(batch_.log_probabilities));
    const torch::Tensor clipped = ratio.clamp(1 - params_.clip, 1 + params_.clip);
    const torch::Tensor policy_loss = -torch::min(ratio * advantages, clipped * advantages).mean();
    const torch::Tensor value_loss = torch::mse_loss(values, pick(batch_.returns));
    const torch::Tensor loss = policy_loss + params_.value * value_loss;
    loss.backward();
    torch::nn::utils::clip_grad_norm_(adam_->parameters, params_.gradient_clip);
    sum_ += policy_loss.item<double>() + value_loss.item<double>();
    adam_->step(params_.learning_rate);
  }

 private:
  torch::nn::Sequential mlp(std::int64_t out) const {
    return torch::nn::Sequential(torch::nn::Linear(kObservation, params_.hidden[0]),
                                 torch::nn::Tanh(),
                                 torch::nn::Linear(params_.hidden[0], params_.hidden[1]),
                                 torch::nn::Tanh(), torch::nn::Linear(params_.hidden[1], out));
  }

  static constexpr std::int64_t kObservation = 8, kActions = 9, kRows = 1024;
  Rng random_{1, "contest"};
  PpoParams params_;
  PpoBatch batch_;
  torch::Tensor rows_;
  std::shared_ptr<ActorCritic> network_;
  std::unique_ptr<PpoStep> step_;
  torch::nn::Sequential policy_{nullptr}, critic_{nullptr};
  std::unique_ptr<BareAdam> adam_;
  double sum_ = 0;
};

}  // namespace

void add_contests(strategies::Contests& contests) {
  contests["trainer_overhead/price_cnn"] = [] { return std::make_unique<PriceCnnContest>(); };
  contests["trainer_overhead/ppo"] = [] { return std::make_unique<PpoContest>(); };
}

}  // namespace walras::agents
