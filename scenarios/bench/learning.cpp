// What the trainers of the learning plug-in cost beyond the LibTorch calls in them, by interleaved pairs.
#include "scenarios/bench/bench.hpp"
#include "scenarios/plugins.hpp"

#include <algorithm>
#include <memory>

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

}  // namespace

void add_learning_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({"trainer_overhead",
                        "one training step of the price CNN (batch 128 of 4 x 32) and of PPO (batch 256, two nets of 2 x 64) "
                        "against the same step written in bare LibTorch calls, median of 301 interleaved pairs",
                        "%", false, 10, trainers});
}

}  // namespace walras::scenarios
