#include "stats/compare.hpp"

#include "engine/base/error.hpp"
#include "stats/comparison.hpp"
#include "stats/model_set.hpp"
#include "stats/multiple_testing.hpp"
#include "stats/pairs.hpp"
#include "stats/superior.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <functional>

namespace walras::stats {
namespace {

constexpr std::array<ComparisonTest, 10> kTests{{
    {"superior_ability", "does the best of all beat the benchmark?", false},
    {"reality_check", "the same, by White's older test", false},
    {"stepm", "which of them beat the benchmark, given that all were tried?", false},
    {"model_confidence_set", "which of them, the benchmark among them, may be the best?", false},
    {"ledoit_wolf", "do the Sharpe ratios differ? dependence and fat tails allowed", true},
    {"jobson_korkie_memmel", "the same for independent normal returns", true},
    {"bayesian_sharpe", "how probable is it that the Sharpe ratio is the larger?", true},
    {"paired_permutation", "would it matter if the two were exchanged, day by day?", true},
    {"diebold_mariano", "do the mean returns differ?", true},
    {"giacomini_white", "can it be told in advance which will do better?", true},
}};

using Series = std::vector<double>;

/// The panel, checked and turned as the tests want it.
struct Panels {
  std::vector<Series> excess;  // records less benchmark
  std::vector<Series> losses;  // all of them, the benchmark last
  std::vector<std::span<const double>> excess_views, loss_views;
};

Panels arrange(std::span<const NamedReturns> records, const NamedReturns* benchmark) {
  Panels panels;
  const std::size_t n = records.front().returns.size();
  const auto check_one = [&](const NamedReturns& one) {
    if (one.returns.size() != n) {
      fail(Fault::Numeric, one.name,
           fmt::format("expected {} periods as {} has, was {}", n, records.front().name,
                       one.returns.size()));
    }
    expect_finite(one.name, one.returns);
    Series& loss = panels.losses.emplace_back(one.returns.begin(), one.returns.end());
    for (double& value : loss) value = -value;
  };
  for (const NamedReturns& record : records) check_one(record);
  if (benchmark != nullptr) check_one(*benchmark);
  for (const NamedReturns& record : records) {
    Series& excess = panels.excess.emplace_back(record.returns.begin(), record.returns.end());
    for (std::size_t t = 0; benchmark != nullptr && t < n; ++t) excess[t] -= benchmark->returns[t];
  }
  panels.excess_views.assign(panels.excess.begin(), panels.excess.end());
  panels.loss_views.assign(panels.losses.begin(), panels.losses.end());
  return panels;
}

std::string_view against(const NamedReturns* benchmark) {
  return benchmark != nullptr ? benchmark->name : "cash";
}

Evidence bootstrapped(std::string name, const ResamplePlan& plan, std::string source,
                      std::string null) {
  Evidence evidence = pair_evidence(std::move(name), "standard errors", plan.periods);
  evidence.null = std::move(null);
  evidence.assumptions = "stationary returns, dependence that dies out within some blocks";
  evidence.source = std::move(source);
  evidence.method = fmt::format("{} bootstrap, mean block {:.3g}, {} replicates", text(plan.scheme),
                                plan.mean_block, plan.replicates);
  return evidence;
}

void add_superior(Comparisons& result, const Panels& panels, const ResamplePlan& plan,
                  const NamedReturns* benchmark) {
  const SuperiorAbility spa = superior_ability(panels.excess_views, plan);
  const std::string null = fmt::format("none is better than {}", against(benchmark));
  for (const auto& [name, p] : {std::pair{"superior_ability", spa.consistent},
                                {"superior_ability_lower", spa.lower},
                                {"superior_ability_upper", spa.upper}}) {
    Evidence evidence = bootstrapped(name, plan, "Hansen2005", null);
    if (spa.best) {
      evidence.estimate = spa.statistic;
      evidence.statistic = spa.statistic;
      evidence.p_value = p;
    } else {
      evidence.reason = "no record varies against the benchmark";
    }
    result.family.push_back(std::move(evidence));
  }
}

void add_reality_check(Comparisons& result, const Panels& panels, const ResamplePlan& plan,
                       const NamedReturns* benchmark) {
  const bool varies = superior_ability(panels.excess_views, {plan.periods, 1, plan.mean_block})
                          .best.has_value();
  for (const bool studentized : {true, false}) {
    Evidence evidence =
        bootstrapped(studentized ? "reality_check" : "reality_check_raw", plan, "White2000",
                     fmt::format("none is better than {}", against(benchmark)));
    if (varies) {
      const RealityCheck check = reality_check(panels.excess_views, plan, studentized);
      evidence.estimate = check.statistic;
      evidence.statistic = check.statistic;
      evidence.p_value = check.p_value;
    } else {
      evidence.reason = "no record varies against the benchmark";
    }
    evidence.unit = studentized ? "standard errors" : "sqrt(n) mean";
    result.family.push_back(std::move(evidence));
  }
}

void add_stepm(Comparisons& result, const Panels& panels, const ResamplePlan& plan,
               const NamedReturns* benchmark) {
  const StepDown steps = romano_wolf(panels.excess_views, plan);
  for (std::size_t k = 0; k < panels.excess.size(); ++k) {
    Evidence evidence =
        bootstrapped("stepm", plan, "RomanoWolf2005, RomanoWolf2016",
                     fmt::format("not better than {}, nor is any record before it",
                                 against(benchmark)));
    evidence.method += "; adjusted for all records";
    if (steps.standard_error[k] > 0) {
      evidence.estimate = steps.t[k];
      evidence.statistic = steps.t[k];
      evidence.p_value = steps.adjusted[k];
    } else {
      evidence.reason = "does not vary against the benchmark";
    }
    result.records[k].tests.push_back(std::move(evidence));
  }
}

void add_model_set(Comparisons& result, const Panels& panels, const ResamplePlan& plan) {
  for (const SetStatistic statistic : {SetStatistic::Range, SetStatistic::Maximum}) {
    const bool range = statistic == SetStatistic::Range;
    const char* name = range ? "model_confidence_set" : "model_confidence_set_max";
    std::vector<double> p;
    if (panels.losses.size() > 1 && plan.periods > 1) p = model_confidence_set(panels.loss_views, plan, statistic).p_value;
    for (std::size_t k = 0; k < result.records.size(); ++k) {
      Evidence evidence = bootstrapped(name, plan, "HansenLundeNason2011", "may be the best");
      evidence.unit = "p-value";
      evidence.method += range ? ", largest |t| of a pair" : ", largest t against the mean";
      if (p.empty()) {
        evidence.reason = "needs at least two records over at least two periods";
      } else {
        evidence.estimate = p[k];
        evidence.p_value = p[k];
      }
      result.records[k].tests.push_back(std::move(evidence));
    }
  }
}

/// A pair's tests may find that there is no variance to divide by: the reason then.
Evidence told(const char* name, std::size_t n, const std::function<Evidence()>& test) {
  try {
    return test();
  } catch (const Error& error) {
    if (error.fault() != Fault::Numeric) throw;
    return refuse(pair_evidence(name, "loss", n), error.message());
  }
}

void add_pair(Comparisons::Record& record, std::string_view test, std::span<const double> returns,
              std::span<const double> losses, std::span<const double> benchmark,
              std::span<const double> benchmark_losses, const CompareOptions& options) {
  const std::size_t n = returns.size();
  if (test == "ledoit_wolf") {
    const double block = options.mean_block > 0 ? options.mean_block
                                                : circular_block_length(returns, benchmark);
    const ResamplePlan plan{.periods = n,
                            .replicates = options.replicates,
                            .mean_block = block,
                            .seed = options.seed,
                            .scheme = BlockScheme::Circular};
    record.tests.push_back(ledoit_wolf(returns, benchmark, plan, options.level));
  } else if (test == "jobson_korkie_memmel") {
    record.tests.push_back(jobson_korkie_memmel(returns, benchmark));
  } else if (test == "bayesian_sharpe") {
    record.tests.push_back(
        bayesian_sharpe(returns, benchmark, 20'000, options.seed, options.level));
  } else if (test == "paired_permutation") {
    for (const auto& [name, statistic] :
         {std::pair{"paired_permutation_mean", PairedStatistic::Mean},
          {"paired_permutation_sharpe", PairedStatistic::Sharpe}}) {
      Evidence evidence = paired_permutation_test(returns, benchmark, statistic,
                                                  options.replicates, options.seed);
      evidence.name = name;
      record.tests.push_back(std::move(evidence));
    }
  } else if (test == "diebold_mariano") {
    record.tests.push_back(told("diebold_mariano", n, [&] {
      return diebold_mariano(losses, benchmark_losses, options.horizon,
                             options.horizon > 1 ? LossVariance::Bartlett
                                                 : LossVariance::Rectangular);
    }));
  } else if (test == "giacomini_white") {
    record.tests.push_back(told("giacomini_white", n, [&] {
      return giacomini_white(losses, benchmark_losses, options.horizon);
    }));
  }
}

/// The tests asked for, in the order of the list.
std::vector<const ComparisonTest*> wanted(const CompareOptions& options,
                                          const NamedReturns* benchmark) {
  for (const std::string& name : options.tests) {
    const auto found = std::ranges::find(kTests, name, &ComparisonTest::name);
    if (found == kTests.end()) {
      std::string known;
      for (const ComparisonTest& test : kTests) known += fmt::format(" {}", test.name);
      fail(Fault::Usage, "compare", fmt::format("expected tests of{}, was '{}'", known, name));
    }
    if (found->against_benchmark && benchmark == nullptr) {
      fail(Fault::Usage, "compare",
           fmt::format("expected a benchmark for {}, was none; name a column", name));
    }
  }
  std::vector<const ComparisonTest*> result;
  for (const ComparisonTest& test : kTests) {
    const bool asked = std::ranges::find(options.tests, test.name) != options.tests.end();
    const bool possible = benchmark != nullptr || !test.against_benchmark;
    if (options.tests.empty() ? possible : asked) result.push_back(&test);
  }
  return result;
}

}  // namespace

std::span<const ComparisonTest> comparison_tests() { return kTests; }

Comparisons compare(std::span<const NamedReturns> records, const NamedReturns* benchmark,
                    const CompareOptions& options) {
  if (records.empty()) fail(Fault::Numeric, "compare", "expected at least one record, was none");
  const std::vector<const ComparisonTest*> tests = wanted(options, benchmark);
  const Panels panels = arrange(records, benchmark);
  const std::size_t n = records.front().returns.size();
  if (n < 10) {
    fail(Fault::Numeric, "compare", fmt::format("expected at least 10 periods, was {}", n));
  }
  const ResamplePlan plan{
      .periods = n,
      .replicates = options.replicates,
      .mean_block = options.mean_block > 0 ? options.mean_block
                                           : shared_block_length(panels.excess_views, false),
      .seed = options.seed,
      .device = options.device};
  check(plan);
  Comparisons result{n, plan.mean_block, {}, {}};
  for (const NamedReturns& record : records) result.records.push_back({std::string(record.name), {}});
  const bool in_set = benchmark != nullptr &&
                      std::ranges::find(tests, "model_confidence_set", &ComparisonTest::name) != tests.end();
  if (in_set) result.records.push_back({std::string(benchmark->name), {}});

  for (const ComparisonTest* test : tests) {
    if (test->name == "superior_ability") {
      add_superior(result, panels, plan, benchmark);
    } else if (test->name == "reality_check") {
      add_reality_check(result, panels, plan, benchmark);
    } else if (test->name == "stepm") {
      add_stepm(result, panels, plan, benchmark);
    } else if (test->name == "model_confidence_set") {
      add_model_set(result, panels, plan);
    } else {
      for (std::size_t k = 0; k < records.size(); ++k) {
        add_pair(result.records[k], test->name, records[k].returns, panels.losses[k],
                 benchmark->returns, panels.losses.back(), options);
      }
    }
  }
  return result;
}

}  // namespace walras::stats
