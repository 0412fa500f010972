// Single tests and families of ten without skill, under four processes.
#include "stats/dependence.hpp"
#include "stats/haircut.hpp"
#include "stats/model_set.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/permutation.hpp"
#include "stats/superior.hpp"
#include "stats/wild.hpp"
#include "tests/stats/samples.hpp"
#include "tests/stats/size_and_power_verdict.hpp"
#include "tests/stats/worlds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::stats {
namespace {

constexpr std::size_t kDays = 2520;
constexpr std::size_t kReplicates = 499;
constexpr std::size_t kWildReplicates = 199;  // every one has a weight and a lagged product a day
constexpr std::size_t kModels = 10;

std::vector<bool> single(const std::vector<double>& x, std::uint64_t world) {
  const std::vector<std::vector<double>> series{x};
  const auto one = spans(series);
  const StepDown test = romano_wolf(one, {kDays, kReplicates, shared_block_length(one, false), world});
  const auto plain = sharpe_facts(x);
  const auto dependent = dependent_sharpe_facts(x);
  const AnnualSharpe corrected = autocorrelation_corrected(annual(plain->sharpe, 252), first_autocorrelation(x), 252);
  return {test.adjusted[0] <= 0.05,
          probabilistic_sharpe(*plain) >= 0.95,
          probabilistic_sharpe(*dependent) >= 0.95,
          sharpe_p_value(plain->sharpe, kDays) <= 0.05,
          sharpe_p_value(per_period(corrected, 252), kDays) <= 0.05,
          *sign_flip_test(x, kReplicates, world).p_value <= 0.05};
}

std::vector<bool> rejections(Process process, std::uint64_t world) {
  std::vector<std::vector<double>> series;
  for (std::uint64_t k = 0; k < kModels; ++k) series.push_back(draw(process, kDays, world, k));
  std::vector<bool> found = single(series[0], world);
  const auto all = spans(series);
  const ResamplePlan plan{kDays, kReplicates, shared_block_length(all, false), world};
  const SuperiorAbility spa = superior_ability(all, plan);
  const StepDown steps = romano_wolf(all, plan);
  found.push_back(reality_check(all, plan).p_value <= 0.05);
  found.push_back(spa.consistent <= 0.05);
  for (const SetStatistic statistic : {SetStatistic::Range, SetStatistic::Maximum}) {
    found.push_back(model_confidence_set(all, plan, statistic).included(0.05).size() < kModels);
  }
  found.push_back(*std::min_element(steps.adjusted.begin(), steps.adjusted.end()) <= 0.05);
  return found;
}

Part size_of(Process process) {
  // What assumes independence is due only where there is no autocorrelation; elsewhere its distortion is printed.
  const bool dependent = process == Process::Autoregressive;
  const auto due = [&](bool holds) { return holds ? Column{"", 0.035, 0.065} : Column{}; };
  const auto column = [&](std::string test, bool holds) {
    Column one = due(holds);
    one.name = std::move(test);
    return one;
  };
  Part part;
  part.name = fmt::format("size-{}", key_of(process));
  part.title = fmt::format("Size at 5 %, {}", name_of(process));
  part.doc = "Mean 0 over 2,520 days, 499 replicates; families are ten such series.";
  part.what = "test";
  part.columns = {column("studentised bootstrap of the mean (the verdict's, one trial)", true),
                  column("probabilistic Sharpe ratio, variance of independent returns", !dependent),
                  column("probabilistic Sharpe ratio, variance under dependence where significant (as printed)", true),
                  column("two-sided t of the Sharpe ratio", !dependent),
                  column("two-sided t of the Sharpe ratio, corrected for autocorrelation (as haircuts take it)", true),
                  column("sign flips", !dependent),
                  {"reality check, studentised, ten models", 0, 0.065},
                  {"superior predictive ability, ten models", 0, 0.065},
                  {"model confidence set, any of ten equal models left out, range", 0, 0.065},
                  {"model confidence set, any of ten equal models left out, maximum", 0, 0.065},
                  {"Romano-Wolf step-down, any of ten models", 0, 0.065}};
  part.world = [process](std::uint64_t world) { return rejections(process, world); };
  part.cost = 10;
  return part;
}

constexpr WildWeights kWeights[] = {WildWeights::Rademacher, WildWeights::Mammen, WildWeights::Normal, WildWeights::Dependent};

std::vector<bool> wild(Process process, std::uint64_t world) {
  const std::vector<double> x = draw(process, kDays, world, 400);
  // The weights' correlation is the triangle of circular blocks.
  const auto block = static_cast<std::size_t>(std::max(std::round(block_length(x).circular), std::round(std::pow(kDays, 0.2))));
  std::vector<bool> found;
  for (const WildWeights weights : kWeights) {
    found.push_back(*wild_mean_test(x, {kWildReplicates, world, weights, block}).p_value <= 0.05);
  }
  return found;
}

Part size_of_wild(Process process) {
  // Independent weights ask for returns without autocorrelation, of any variances; dependent ones for stationary ones.
  const bool uncorrelated = process != Process::Autoregressive;
  const double low = uncorrelated ? 0.035 : 0;
  const double high = uncorrelated ? 0.065 : 1;
  Part part;
  part.name = fmt::format("wild-{}", key_of(process));
  part.title = fmt::format("Wild bootstrap tests of a mean at 5 %, {}", name_of(process));
  part.doc = "Mean 0 over 2,520 days, 199 replicates; two-sided. Dependent weights are correlated over the automatic circular block.";
  part.what = "weights";
  part.columns = {{"Rademacher", low, high}, {"Mammen", low, high}, {"normal", low, high}, {"dependent", 0.035, 0.065}};
  part.world = [process](std::uint64_t world) { return wild(process, world); };
  part.cost = 10;
  return part;
}

Part power_of_one() {
  Part part;
  part.name = "power-single";
  part.title = "Power of single tests";
  part.doc = "Independent normal returns with an annual Sharpe ratio of 0.79 over 2,520 days; normal theory promises 80 %.";
  part.what = "test";
  part.columns = {{"studentised bootstrap of the mean (the verdict's, one trial)", 0.76, 1},
                  {"probabilistic Sharpe ratio, variance of independent returns", 0.76, 1},
                  {"probabilistic Sharpe ratio, variance under dependence where significant (as printed)", 0.76, 1},
                  {"two-sided t of the Sharpe ratio"},
                  {"two-sided t of the Sharpe ratio, corrected for autocorrelation (as haircuts take it)"},
                  {"sign flips", 0.76, 1}};
  part.world = [](std::uint64_t world) {
    std::vector<double> x = draw(Process::Normal, kDays, world, 100);
    for (double& value : x) value += 0.79 / std::sqrt(252.0) * kDailyDeviation;
    return single(x, world);
  };
  part.cost = 4;
  return part;
}

}  // namespace

std::vector<Part> test_parts() {
  std::vector<Part> parts;
  for (const Process process : kProcesses) parts.push_back(size_of(process));
  for (const Process process : kProcesses) parts.push_back(size_of_wild(process));
  parts.push_back(power_of_one());
  return parts;
}

}  // namespace walras::stats
