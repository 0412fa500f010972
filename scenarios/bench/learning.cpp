// What the trainers of the learning plug-in cost beyond the LibTorch calls in them, by interleaved pairs.
#include "scenarios/bench/bench.hpp"
#include "scenarios/plugins.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

namespace walras::scenarios {
namespace {

constexpr int kPairs = 301, kWarmUp = 30;

/// A contest and what must stay loaded while it lives; members are destroyed in reverse order.
struct Stage {
  Modules modules;
  strategies::Registries registries = strategies::registries();
  std::unique_ptr<strategies::Contest> contest;
};

/// Median over pairs of ours / bare, as excess in per cent. Which one goes first alternates.
double excess(strategies::Contest& contest) {
  std::vector<double> ratios;
  for (int pair = -kWarmUp; pair < kPairs; ++pair) {
    double ours = 0, bare = 0;
    const auto time_ours = [&] { ours = seconds([&] { contest.ours(); }); };
    const auto time_bare = [&] { bare = seconds([&] { contest.bare(); }); };
    if (pair % 2 == 0) {
      time_ours();
      time_bare();
    } else {
      time_bare();
      time_ours();
    }
    if (pair >= 0) ratios.push_back(ours / bare);
  }
  std::ranges::nth_element(ratios, ratios.begin() + kPairs / 2);
  return (ratios[kPairs / 2] - 1) * 100;
}

std::vector<BenchCase> trainers() {
  std::vector<BenchCase> cases;
  for (const std::string name : {"price_cnn", "ppo"}) {
    auto stage = std::make_shared<Stage>();
    load_learning(stage->registries, stage->modules);
    stage->contest = stage->registries.contests.at("trainer_overhead/" + name)();
    cases.push_back({name, [stage] { return excess(*stage->contest); }});
  }
  return cases;
}

/// Microseconds of one unit of work: the quantile of `units` timed one by one.
template <class Work>
double latency(Work work, double quantile, std::size_t units) {
  std::vector<double> times(units);
  for (double& time : times) time = seconds(work) * 1e6;
  const auto place = times.begin() + static_cast<std::ptrdiff_t>(quantile * static_cast<double>(units - 1));
  std::ranges::nth_element(times, place);
  return *place;
}

auto latencies(const std::string& name, double quantile, bool bare) {
  return [name, quantile, bare] {
    auto stage = std::make_shared<Stage>();
    load_learning(stage->registries, stage->modules);
    stage->contest = stage->registries.contests.at(name)();
    return std::vector<BenchCase>{{"", [stage, quantile, bare] {
      return bare ? latency([&] { stage->contest->bare(); }, quantile, 400) : latency([&] { stage->contest->ours(); }, quantile, 4000);
    }}};
  };
}

/// Length from which on the linear kernel takes less time than softmax, between the two lengths on a
/// logarithmic scale.
double crossover(const std::vector<std::pair<double, strategies::Contest*>>& lengths) {
  double before = 0, last = 0;
  for (const auto& [length, contest] : lengths) {
    std::vector<double> ratios;
    const int pairs = length < 1000 ? 61 : 11;
    for (int pair = -2; pair < pairs; ++pair) {
      const double ours = seconds([c = contest] { c->ours(); }), bare = seconds([c = contest] { c->bare(); });
      if (pair >= 0) ratios.push_back(ours / bare);
    }
    std::ranges::nth_element(ratios, ratios.begin() + pairs / 2);
    const double now = std::log(ratios[static_cast<std::size_t>(pairs / 2)]);
    if (now <= 0 && last == 0) return length;
    if (now <= 0) return before * std::pow(length / before, last / (last - now));
    before = length;
    last = now;
  }
  return before;
}

std::vector<BenchCase> crossovers() {
  std::vector<std::shared_ptr<Stage>> stages;
  std::vector<std::pair<double, strategies::Contest*>> lengths;
  for (const int length : {128, 256, 512, 1024, 2048, 4096}) {
    Stage& stage = *stages.emplace_back(std::make_shared<Stage>());
    load_learning(stage.registries, stage.modules);
    stage.contest = stage.registries.contests.at("attention_crossover/" + std::to_string(length))();
    lengths.emplace_back(length, stage.contest.get());
  }
  return {{"", [stages, lengths] { return crossover(lengths); }}};
}

}  // namespace

void add_learning_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({"trainer_overhead",
                        "one training step of the price CNN (batch 128 of 4 x 32) and of PPO (batch 256, two nets of 2 x 64) "
                        "against the same step written in bare LibTorch calls, median of 301 interleaved pairs",
                        "%", false, 3, trainers});
  benchmarks.push_back({"attention_crossover",
                        "length from which causal attention with the linear kernel is faster than with softmax, forward and "
                        "backward, 4 heads of 16, by medians of interleaved pairs from 128 to 4,096 steps",
                        "steps", false, 0, crossovers, 3});
  const auto add = [&](const std::string& name, const std::string& work, double target, double quantile = 0.5) {
    benchmarks.push_back({name, work + ", batch 1, one core, compiled", "us", false, target, latencies(name, quantile, false)});
  };
  // Without a step of its own LibTorch has to see the whole window again.
  const auto beside = [&](const std::string& name, const std::string& work) {
    benchmarks.push_back({name + "_libtorch", work + " through LibTorch, the whole window, batch 1, one core", "us", false, 0, latencies(name, 0.5, true)});
  };
  add("latency_mlp", "a prediction of an MLP 16-64-64-3", 1);
  beside("latency_mlp", "an MLP 16-64-64-3");
  add("latency_lstm_step", "one more step of an LSTM 40 to 64, 99th percentile", 5, 0.99);
  add("latency_lstm_window", "a window of 100 steps of an LSTM 40 to 64", 100);
  beside("latency_lstm_window", "an LSTM 40 to 64");
  add("latency_transformer", "a window of 100 steps of a Transformer 2 x 64, 4 heads", 350);
  add("latency_transformer_cached", "one more step of a Transformer 2 x 64, 4 heads, window 100, cached keys", 15);
  beside("latency_transformer", "a Transformer 2 x 64, 4 heads");
  add("latency_deeplob", "one more book state of the published DeepLOB, window 100", 150);
  add("latency_deeplob_window", "a window of 100 book states of the published DeepLOB", 0);
  beside("latency_deeplob_window", "the published DeepLOB");
}

}  // namespace walras::scenarios
