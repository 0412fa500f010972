// Tests of two records of equal Sharpe ratio, and of families in which some are worse, under four processes.
#include "stats/comparison.hpp"
#include "stats/model_set.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/superior.hpp"
#include "tests/stats/samples.hpp"
#include "tests/stats/size_and_power_verdict.hpp"
#include "tests/stats/worlds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::stats {
namespace {

constexpr std::size_t kDays = 2520;
constexpr std::size_t kReplicates = 399;
constexpr std::size_t kEqual = 8;
constexpr std::size_t kWorse = 2;
constexpr double kEdge = 0.05;  // mean over standard deviation, a day

bool rejects(const Evidence& evidence) { return *evidence.p_value <= 0.05; }

/// Two records with correlation 0.6; the first earns `edge` more deviations a day than the second.
std::array<std::vector<double>, 2> pair(Process process, std::uint64_t world, double edge) {
  std::vector<double> a = draw(process, kDays, world, 200);
  std::vector<double> b = draw(process, kDays, world, 201);
  for (std::size_t t = 0; t < kDays; ++t) {
    b[t] = 0.6 * a[t] + 0.8 * b[t];
    a[t] += (kEdge + edge) * kDailyDeviation;
    b[t] += kEdge * kDailyDeviation;
  }
  return {a, b};
}

std::vector<double> losses_of(std::vector<double> returns) {
  for (double& value : returns) value = -value;
  return returns;
}

std::vector<bool> between(Process process, std::uint64_t world, double edge) {
  const auto [a, b] = pair(process, world, edge);
  const std::vector<double> loss_a = losses_of(a);
  const std::vector<double> loss_b = losses_of(b);
  const ResamplePlan plan{kDays, kReplicates, circular_block_length(a, b), world, BlockScheme::Circular};
  const double larger = *bayesian_sharpe(a, b, 1000, world).statistic;
  return {rejects(ledoit_wolf(a, b, plan)),
          rejects(jobson_korkie_memmel(a, b)),
          larger <= 0.025 || larger >= 0.975,
          rejects(paired_permutation_test(a, b, PairedStatistic::Sharpe, kReplicates, world)),
          rejects(paired_permutation_test(a, b, PairedStatistic::Mean, kReplicates, world)),
          rejects(diebold_mariano(loss_a, loss_b)),
          rejects(giacomini_white(loss_a, loss_b))};
}

Column at_size(std::string name, bool holds) { return holds ? Column{std::move(name), 0.035, 0.065} : Column{std::move(name)}; }

Part size_of_pairs(Process process) {
  // What each test declares: exchanges ask for independent pairs, the formulas for independent normal ones, the tests of
  // loss for differences without autocorrelation at a horizon of 1.
  const bool normal = process == Process::Normal;
  const bool independent = normal || process == Process::Student;
  const bool uncorrelated = process != Process::Autoregressive;
  Part part;
  part.name = fmt::format("pairs-{}", key_of(process));
  part.title = fmt::format("Two records of equal Sharpe ratio, {}", name_of(process));
  part.doc = "Correlation 0.6, daily Sharpe ratio 0.05, over 2,520 days, 399 replicates; two-sided tests at 5 %.";
  part.what = "test";
  part.columns = {at_size("Ledoit-Wolf, Sharpe ratios", true),
                  at_size("Jobson-Korkie-Memmel, Sharpe ratios", normal),
                  at_size("Bayesian comparison of Sharpe ratios, central 95 % leave out 0", normal),
                  at_size("paired permutation, Sharpe ratios", independent),
                  at_size("paired permutation, means", independent),
                  at_size("Diebold-Mariano, small-sample correction", uncorrelated),
                  at_size("Giacomini-White", uncorrelated)};
  part.world = [process](std::uint64_t world) { return between(process, world, 0); };
  part.cost = 10;
  return part;
}

std::vector<bool> among(Process process, std::uint64_t world) {
  std::vector<std::vector<double>> excess;
  std::vector<std::vector<double>> losses;
  for (std::uint64_t k = 0; k < kEqual + kWorse; ++k) {
    excess.push_back(draw(process, kDays, world, 300 + k));
    if (k >= kEqual) {
      for (double& value : excess.back()) value -= 0.1 * kDailyDeviation;
    }
    losses.push_back(losses_of(excess.back()));
  }
  const auto views = spans(excess);
  const ResamplePlan plan{kDays, kReplicates, shared_block_length(views, false), world};
  const SuperiorAbility spa = superior_ability(views, plan);
  const StepDown steps = romano_wolf(views, plan);
  std::vector<bool> loses_one_of_the_best;
  std::vector<bool> leaves_out_the_worse;
  for (const SetStatistic statistic : {SetStatistic::Range, SetStatistic::Maximum}) {
    const std::vector<double> p = model_confidence_set(spans(losses), plan, statistic).p_value;
    loses_one_of_the_best.push_back(*std::min_element(p.begin(), p.begin() + kEqual) <= 0.05);
    leaves_out_the_worse.push_back(*std::max_element(p.begin() + kEqual, p.end()) <= 0.05);
  }
  return {reality_check(views, plan, true).p_value <= 0.05,
          reality_check(views, plan, false).p_value <= 0.05,
          spa.consistent <= 0.05,
          spa.lower <= 0.05,
          *std::min_element(steps.adjusted.begin(), steps.adjusted.end()) <= 0.05,
          loses_one_of_the_best[0],
          loses_one_of_the_best[1],
          leaves_out_the_worse[0],
          leaves_out_the_worse[1]};
}

Part size_of_family(Process process) {
  Part part;
  part.name = fmt::format("family-{}", key_of(process));
  part.title = fmt::format("Ten records, two of them worse, {}", name_of(process));
  part.doc = "Eight as good as the benchmark, two worse by an annual Sharpe ratio of 1.6, over 2,520 days, 399 replicates.";
  part.what = "test";
  part.columns = {{"reality check, studentised", 0, 0.065},
                  {"reality check, in units of return", 0, 0.065},
                  {"superior predictive ability, consistent", 0, 0.065},
                  {"superior predictive ability, lower bound (liberal by construction)"},
                  {"Romano-Wolf step-down, any of ten", 0, 0.065},
                  {"model confidence set, range, any of the best eight left out", 0, 0.065},
                  {"model confidence set, maximum, any of the best eight left out", 0, 0.065},
                  {"model confidence set, range, both worse ones left out (power)"},
                  {"model confidence set, maximum, both worse ones left out (power)"}};
  part.world = [process](std::uint64_t world) { return among(process, world); };
  part.cost = 10;
  return part;
}

Part power_of_pairs() {
  Part part;
  part.name = "power-pairs";
  part.title = "Power between two records";
  part.doc =
      "GARCH(1,1), correlation 0.6, Sharpe ratios 1.2 a year apart over 2,520 days: 4.2 standard errors of the difference under normal theory.";
  part.what = "test";
  for (const Column& column : size_of_pairs(Process::Garch).columns) part.columns.push_back({column.name, 0.95, 1});
  part.world = [](std::uint64_t world) { return between(Process::Garch, world, 1.2 / std::sqrt(252.0)); };
  part.cost = 10;
  return part;
}

}  // namespace

std::vector<Part> comparison_parts() {
  std::vector<Part> parts;
  for (const Process process : kProcesses) parts.push_back(size_of_pairs(process));
  for (const Process process : kProcesses) parts.push_back(size_of_family(process));
  parts.push_back(power_of_pairs());
  return parts;
}

}  // namespace walras::stats
