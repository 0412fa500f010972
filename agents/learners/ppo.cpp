#include "agents/learners/ppo.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "agents/learners/ppo_step.hpp"
#include "agents/memory.hpp"
#include "engine/base/error.hpp"
#include "models/net.hpp"

namespace walras::agents {
namespace {

torch::Tensor view(std::span<const float> values, std::initializer_list<std::int64_t> shape) {
  // from_blob takes a mutable pointer only; nothing writes through it.
  return torch::from_blob(const_cast<float*>(values.data()), shape, torch::kFloat32);
}

class Ppo final : public Agent {
 public:
  Ppo(const PpoParams& params, const Spaces& spaces, const Rng& random)
      : params_(params),
        spaces_(spaces),
        actions_random_(random.child("actions")),
        batches_random_(random.child("batches")),
        device_(models::find_device(params.device, "device")),
        network_(make(random.child("weights"))),
        step_(*network_, params),
        rollout_(spaces, static_cast<std::size_t>(params.steps)),
        next_observations_(spaces.environments * spaces.observation) {
    rows_.resize(rollout_.values.size());
    std::iota(rows_.begin(), rows_.end(), 0U);
  }

  void act(std::span<const float> observations, bool explore,
           std::span<std::int32_t> actions) override {
    models::use_one_thread();
    const c10::InferenceMode inference;
    const std::size_t rows = actions.size();
    const torch::Tensor input = rows_of(observations, rows);
    const torch::Tensor logits = network_->logits(input).to(torch::kCPU).contiguous();
    const std::span<const float> scores(logits.data_ptr<float>(), rows * spaces_.actions);
    if (!explore) {
      for (std::size_t row = 0; row < rows; ++row) {
        const auto own = scores.subspan(row * spaces_.actions, spaces_.actions);
        actions[row] = static_cast<std::int32_t>(std::ranges::max_element(own) - own.begin());
      }
      return;
    }
    expects(rows == spaces_.environments, "one row an environment");
    expects(rollout_.filled < rollout_.steps, "learn() before acting on");
    const torch::Tensor values = network_->values(input).to(torch::kCPU).contiguous();
    const std::size_t at = rollout_.filled * rows;
    std::ranges::copy(observations, rollout_.observations.begin() +
                                        static_cast<std::ptrdiff_t>(at * spaces_.observation));
    for (std::size_t row = 0; row < rows; ++row) {
      const auto [action, log_probability] =
          draw(scores.subspan(row * spaces_.actions, spaces_.actions));
      actions[row] = action;
      rollout_.actions[at + row] = action;
      rollout_.log_probabilities[at + row] = log_probability;
      rollout_.values[at + row] = values.data_ptr<float>()[row];
    }
  }

  void observe(const Transitions& transitions) override {
    expects(rollout_.filled < rollout_.steps, "observe() follows an exploring act()");
    const std::size_t at = rollout_.filled * spaces_.environments;
    const auto place = static_cast<std::ptrdiff_t>(at);
    std::ranges::copy(transitions.rewards, rollout_.rewards.begin() + place);
    std::ranges::copy(transitions.terminated, rollout_.terminated.begin() + place);
    std::ranges::copy(transitions.truncated, rollout_.truncated.begin() + place);
    if (std::ranges::find(transitions.truncated, 1) != transitions.truncated.end()) {
      const std::vector<float> values = critic(transitions.final_observations);
      std::ranges::copy(values, rollout_.final_values.begin() + place);
    }
    next_observations_ = transitions.observations;
    ++rollout_.filled;
  }

  bool learn(double progress) override {
    if (rollout_.filled < rollout_.steps) return false;
    models::use_one_thread();
    const std::size_t count = rollout_.values.size();
    std::vector<float> advantages(count), returns(count);
    generalised_advantages(rollout_, critic(next_observations_), params_.gamma, params_.lambda,
                           advantages);
    std::ranges::transform(advantages, rollout_.values, returns.begin(), std::plus{});
    rollout_.filled = 0;

    const auto n = static_cast<std::int64_t>(count);
    torch::Tensor actions = torch::empty({n}, torch::kInt64);
    std::ranges::copy(rollout_.actions, actions.data_ptr<std::int64_t>());
    const PpoBatch batch{rows_of(rollout_.observations, count), actions.to(device_),
                         view(rollout_.log_probabilities, {n}).to(device_),
                         view(advantages, {n}).to(device_), view(returns, {n}).to(device_)};
    const double left = params_.decay ? std::max(1.0 - progress, 0.0) : 1.0;
    torch::Tensor order = torch::empty({n}, torch::kInt64);
    losses_ = {};
    std::int64_t steps = 0;
    for (std::int64_t epoch = 0; epoch < params_.epochs; ++epoch) {
      batches_random_.shuffle(rows_);
      std::ranges::copy(rows_, order.data_ptr<std::int64_t>());
      const torch::Tensor placed = order.to(device_);
      for (std::int64_t begin = 0; begin < n; begin += params_.batch) {
        const PpoStep::Losses losses =
            step_.take(batch, placed.narrow(0, begin, std::min(params_.batch, n - begin)), left);
        losses_.policy += losses.policy;
        losses_.value += losses.value;
        losses_.entropy += losses.entropy;
        ++steps;
      }
    }
    for (double* loss : {&losses_.policy, &losses_.value, &losses_.entropy})
      *loss /= static_cast<double>(steps);
    ++updates_;
    return true;
  }

  [[nodiscard]] Json summary() const override {
    return Json::object(
        {{"learner", "ppo"},
         {"parts", "clipped ratio, generalised advantages, advantages normalised a mini-batch"},
         {"parameters", models::parameter_count(*network_)},
         {"updates", updates_},
         {"policy_loss", losses_.policy},
         {"value_loss", losses_.value}});
  }

  void save(std::vector<std::byte>& bytes) const override {
    models::Archive{description(), models::copy_out(*network_)}.write(bytes);
  }
  void load(std::span<const std::byte> bytes) override {
    const models::Archive archive = models::Archive::read(bytes, "ppo");
    if (archive.description != description()) {
      fail(Fault::Data, "ppo",
           fmt::format("expected a policy saved as {}, was {}", description().dump(),
                       archive.description.dump()));
    }
    models::copy_in(*network_, archive);
  }

 private:
  [[nodiscard]] std::shared_ptr<ActorCritic> make(Rng random) const {
    models::use_one_thread();
    auto network = std::make_shared<ActorCritic>(static_cast<std::int64_t>(spaces_.observation),
                                                 static_cast<std::int64_t>(spaces_.actions),
                                                 params_.hidden, random);
    network->to(device_);
    return network;
  }
  [[nodiscard]] torch::Tensor rows_of(std::span<const float> observations, std::size_t rows) const {
    expects(observations.size() == rows * spaces_.observation, "rows x observation");
    return view(observations,
                {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(spaces_.observation)})
        .to(device_);
  }
  [[nodiscard]] std::vector<float> critic(std::span<const float> observations) const {
    const c10::InferenceMode inference;
    const torch::Tensor values =
        network_->values(rows_of(observations, spaces_.environments)).to(torch::kCPU).contiguous();
    return {values.data_ptr<float>(), values.data_ptr<float>() + values.numel()};
  }
  [[nodiscard]] Json description() const {
    Json::Array hidden(params_.hidden.begin(), params_.hidden.end());
    return Json::object({{"kind", "ppo"},
                         {"observation", spaces_.observation},
                         {"actions", spaces_.actions},
                         {"hidden", std::move(hidden)}});
  }

  struct Drawn {
    std::int32_t action;
    float log_probability;
  };
  /// Draws from softmax(scores) in double, so that the draw does not hang on the order of float
  /// sums.
  Drawn draw(std::span<const float> scores) {
    const double top = *std::ranges::max_element(scores);
    double sum = 0;
    weights_.clear();
    for (const float score : scores) {
      weights_.push_back(std::exp(score - top));
      sum += weights_.back();
    }
    if (!std::isfinite(sum))
      fail(Fault::Numeric, "ppo",
           "expected finite scores of actions, was NaN; lower the learning rate");
    const std::size_t action = actions_random_.categorical(weights_);
    return {static_cast<std::int32_t>(action),
            static_cast<float>(scores[action] - top - std::log(sum))};
  }

  const PpoParams params_;
  const Spaces spaces_;
  Rng actions_random_, batches_random_;
  const torch::Device device_;
  std::shared_ptr<ActorCritic> network_;
  PpoStep step_;
  Rollout rollout_;
  std::vector<float> next_observations_;
  std::vector<std::uint32_t> rows_;
  std::vector<double> weights_;
  PpoStep::Losses losses_{};
  std::int64_t updates_ = 0;
};

}  // namespace

PpoStep::PpoStep(ActorCritic& network, const PpoParams& params)
    : network_(network), params_(params), optimiser_(network.parameters(), {.epsilon = 1e-5}) {}

PpoStep::Losses PpoStep::take(const PpoBatch& batch, const torch::Tensor& rows, double rate_share) {
  const auto pick = [&rows](const torch::Tensor& all) { return all.index_select(0, rows); };
  const torch::Tensor observations = pick(batch.observations);
  optimiser_.zero_gradients();
  const PpoWeights weights{
      .clip = params_.clip * rate_share, .value = params_.value, .entropy = params_.entropy};
  const PpoTerms terms =
      ppo_loss(network_.logits(observations), network_.values(observations), pick(batch.actions),
               pick(batch.log_probabilities), pick(batch.advantages), pick(batch.returns), weights);
  terms.total.backward();
  const double norm = optimiser_.clip(params_.gradient_clip);
  const Losses losses{terms.policy.item<double>(), terms.value.item<double>(),
                      terms.entropy.defined() ? terms.entropy.item<double>() : 0};
  if (!std::isfinite(losses.policy) || !std::isfinite(losses.value) || !std::isfinite(norm)) {
    fail(Fault::Numeric, "ppo",
         fmt::format("expected finite losses and gradient, was policy {}, value {}, gradient norm "
                     "{}; lower the learning "
                     "rate or look for NaN in the observations",
                     losses.policy, losses.value, norm));
  }
  optimiser_.step(params_.learning_rate * rate_share);
  return losses;
}

std::unique_ptr<Agent> make_ppo(const PpoParams& params, const Spaces& spaces, const Rng& random) {
  if (params.hidden.empty())
    fail(Fault::Scenario, "hidden", "expected at least one hidden layer, was none");
  return std::make_unique<Ppo>(params, spaces, random);
}

}  // namespace walras::agents
