#include "stats/verdict.hpp"

#include "engine/base/error.hpp"
#include "stats/performance.hpp"
#include "stats/sharpe.hpp"
#include "tests/stats/samples.hpp"

#include <doctest/doctest.h>

using namespace walras;
using namespace walras::stats;

namespace {

Trial trial(const std::string& key, std::vector<double> returns, double shift_days = 0) {
  ReturnSeries series = spaced(std::move(returns), 252);
  for (Nanos& time : series.times) time += Nanos{static_cast<std::int64_t>(shift_days * kNanosPerDay)};
  return {key, key, series.times, series.returns, series.returns, 252};
}

/// Twelve trials of ten years: the first with `edge` a day over 1 % of volatility, the others worthless.
TrialLedger ledger_with(double edge, std::size_t trials = 12, std::size_t periods = 2520, bool other_dates = false) {
  TrialLedger ledger{"s", {}};
  for (std::size_t k = 0; k < trials; ++k) {
    const std::string key = std::string("trial ") + static_cast<char>('a' + k);
    ledger.trials.push_back(
        trial(key, normals(periods, k == 0 ? edge : 0, 0.01, 21, k), other_dates ? static_cast<double>(k) : 0));
  }
  return ledger;
}

Contender contender(const std::string& key = "trial a") { return {key, key, {}, {}}; }

Evidence figure(const std::string& name, std::optional<double> value) {
  Evidence evidence = without_estimate(name, "", value ? "" : "no variance");
  evidence.estimate = value;
  return evidence;
}

}  // namespace

TEST_CASE("a clear edge is skill, with its grounds in words") {
  const Contender one[] = {contender()};
  const Verdict verdict = judge(one, ledger_with(0.0012));
  const StrategyVerdict& strategy = verdict.strategies[0];
  CAPTURE(strategy.words);
  CHECK(strategy.judgement == Judgement::Skill);
  CHECK(verdict.all_skill());
  CHECK(verdict.text == "trial a shows skill, judged among 12 trials.");
  CHECK(*strategy.romano_wolf.estimate <= 0.05);
  CHECK(*strategy.romano_wolf.estimate >= *strategy.excess_return.p_value);
  CHECK(*strategy.benjamini_hochberg.estimate >= *strategy.excess_return.p_value);
  REQUIRE(strategy.excess_return.interval.has_value());
  CHECK(strategy.excess_return.interval->low < *strategy.excess_return.estimate);
  CHECK(*strategy.deflated_sharpe.estimate < *strategy.probabilistic_sharpe.estimate);
  CHECK(strategy.evidence().size() == 9);
  CHECK(*strategy.haircut_sharpe.estimate < annual(sharpe_facts(ledger_with(0.0012).trials[0].excess)->sharpe, 252).value);
  CHECK(*strategy.profit_hurdle.estimate < *strategy.excess_return.estimate);
  CHECK(*strategy.minimum_backtest.estimate < 10);
  REQUIRE(strategy.deflated_by_trials.size() > 5);
  for (std::size_t i = 1; i < strategy.deflated_by_trials.size(); ++i) {
    CHECK(strategy.deflated_by_trials[i].probability <= strategy.deflated_by_trials[i - 1].probability);
  }
  CHECK(verdict.trial_p_values.size() == 12);
  CHECK(verdict.effective_trials > 11);
}

TEST_CASE("a worthless strategy is not shown, with what it would take") {
  const Contender one[] = {contender("trial b")};
  const Verdict verdict = judge(one, ledger_with(0.0012));
  const StrategyVerdict& strategy = verdict.strategies[0];
  CHECK(strategy.judgement == Judgement::NotShown);
  CHECK_FALSE(verdict.all_skill());
  CHECK(verdict.text == "Skill is not shown, judged among 12 trials.");
  CHECK(strategy.words.find("the annual Sharpe ratio over the benchmark would have to be about") != std::string::npos);
}

TEST_CASE("more trials and more groups of dates raise the bar") {
  const Contender one[] = {contender()};
  const auto adjusted = [&](const TrialLedger& ledger) {
    return *judge(one, ledger).strategies[0].romano_wolf.estimate;
  };
  const double alone = adjusted(ledger_with(0.0006, 1));
  const double among = adjusted(ledger_with(0.0006, 20));
  CHECK(alone < among);
  // The same trials on dates of their own: each is tested alone, times the number of groups.
  const Verdict groups = judge(one, ledger_with(0.0006, 12, 2520, true));
  CHECK(groups.groups == 12);
  CHECK(*groups.strategies[0].romano_wolf.estimate == doctest::Approx(std::min(1.0, 12 * alone)).epsilon(0.02));
}

TEST_CASE("leaks and faults make a record invalid, whatever it earned") {
  Contender leaky = contender();
  leaky.audit.problems = {"fold 3: training ends after its test begins"};
  Contender faulty = contender();
  faulty.faults = {"the account was ruined in fold 2"};
  const Contender both[] = {leaky, faulty};
  const Verdict verdict = judge(both, ledger_with(0.002));
  CHECK(verdict.strategies[0].judgement == Judgement::Invalid);
  CHECK(verdict.strategies[0].words == "fold 3: training ends after its test begins");
  CHECK(verdict.strategies[1].judgement == Judgement::Invalid);
  CHECK(text(Judgement::Invalid) == "invalid");
  CHECK(verdict.text == "None of 2 strategies shows skill, judged among 12 trials. The record of 2 is invalid.");
}

TEST_CASE("skill needs both a small p-value and the minimum track record") {
  int skill = 0, too_short = 0, not_significant = 0;
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    // Returns that take back part of the last one: the bootstrap knows that their mean is sure, the minimum track
    // record, which assumes independence, does not.
    std::vector<double> returns = normals(120, 0.0016, 0.01, seed);
    for (std::size_t t = returns.size(); t-- > 1;) returns[t] -= 0.4 * (returns[t - 1] - 0.0016);
    const TrialLedger ledger{"s", {trial("trial a", returns)}};
    const Contender one[] = {contender()};
    const StrategyVerdict strategy = judge(one, ledger, {.replicates = 999}).strategies[0];
    CAPTURE(strategy.words);
    const bool significant = *strategy.romano_wolf.estimate <= 0.05;
    const bool long_enough =
        strategy.minimum_track_record.estimate && *strategy.minimum_track_record.estimate <= 120;
    CHECK((strategy.judgement == Judgement::Skill) == (significant && long_enough));
    if (significant && !long_enough) {
      CHECK(strategy.words.find("shorter than the minimum") != std::string::npos);
      ++too_short;
    }
    skill += strategy.judgement == Judgement::Skill ? 1 : 0;
    not_significant += significant ? 0 : 1;
  }
  CHECK(skill > 0);
  CHECK(too_short > 0);
  CHECK(not_significant > 0);
}

TEST_CASE("ratios of trials at other frequencies are brought to the judged one's periods before their variance is taken") {
  TrialLedger ledger = ledger_with(0.0012, 2);
  ledger.trials[1].periods_per_year = 252.0 / 16;
  const double own = sharpe_facts(ledger.trials[0].net)->sharpe.value, other = sharpe_facts(ledger.trials[1].net)->sharpe.value / 4;
  const double variance = (own - other) * (own - other) / 2;
  const Contender one[] = {contender()};
  const Verdict verdict = judge(one, ledger);
  const double expected = deflated_sharpe(*dependent_sharpe_facts(ledger.trials[0].net), verdict.effective_trials, variance);
  CHECK(*verdict.strategies[0].deflated_sharpe.estimate == doctest::Approx(expected));
}

TEST_CASE("records without variance, of one period or of none are answered in words") {
  TrialLedger ledger{"s", {trial("flat", std::vector<double>(100, 0)), trial("none", {}), trial("one", {0.01})}};
  const Contender all[] = {contender("flat"), contender("none"), contender("one")};
  const Verdict verdict = judge(all, ledger);
  CHECK(verdict.strategies[0].judgement == Judgement::NotShown);
  CHECK(verdict.strategies[1].judgement == Judgement::Invalid);
  CHECK(verdict.strategies[2].judgement == Judgement::NotShown);
  for (const StrategyVerdict& strategy : verdict.strategies) {
    CHECK_FALSE(strategy.words.empty());
    for (const Evidence& evidence : strategy.evidence()) {
      CAPTURE(evidence.name);
      CHECK(evidence.estimate.has_value() != !evidence.reason.empty());
      CHECK_NOTHROW((void)to_json(evidence).dump());
    }
  }
  const Contender stranger[] = {contender("stranger")};
  CHECK_THROWS_AS((void)judge(stranger, ledger), Error);
}

TEST_CASE("the benchmark is matched in volatility on the training span") {
  const std::vector<double> strategy = normals(500, 0, 0.02, 1);
  std::vector<double> benchmark = strategy;
  for (double& r : benchmark) r *= 0.5;
  CHECK(volatility_weight(strategy, benchmark) == doctest::Approx(2));
  CHECK(volatility_weight(strategy, std::vector<double>(10, 0.01)) == 0);
  // Idle in training: nothing to match, and no reason to be judged against cash instead.
  CHECK(volatility_weight(std::vector<double>(10, 0.0), benchmark) == 1);
  // A levered benchmark earns nothing over itself, whatever cash pays.
  std::vector<double> levered;
  for (const double b : benchmark) levered.push_back(0.0001 + 2 * (b - 0.0001));
  for (const double d : excess_over_benchmark(levered, benchmark, 2, 0.0001)) CHECK(std::abs(d) < 1e-15);
  CHECK(excess_over_benchmark(std::vector<double>{0.01}, {}, 1, 0.002)[0] == doctest::Approx(0.008));
  CHECK_THROWS_AS((void)excess_over_benchmark(levered, std::vector<double>(3), 1, 0), Error);
}

TEST_CASE("gates read a comparison and answer with what was found") {
  const std::vector<Evidence> evidence{figure("sharpe", 0.8), figure("deflated_sharpe", 0.97), figure("calmar", std::nullopt)};
  CHECK(evaluate(parse_gate("sharpe < 1"), evidence).failed);
  CHECK(evaluate(parse_gate("sharpe < 1"), evidence).found == "sharpe = 0.8");
  CHECK_FALSE(evaluate(parse_gate("deflated_sharpe<0.95"), evidence).failed);
  CHECK(evaluate(parse_gate(" sharpe >= 0.8 "), evidence).failed);
  CHECK_FALSE(evaluate(parse_gate("sharpe > 0.8"), evidence).failed);
  CHECK(evaluate(parse_gate("sharpe == 0.8"), evidence).failed);
  CHECK_FALSE(evaluate(parse_gate("sharpe != 0.8"), evidence).failed);
  CHECK(evaluate(parse_gate("sharpe <= -1e-3"), evidence).failed == false);
  std::vector<Evidence> with_interval = evidence;
  with_interval[0].interval = Bounds{-0.2, 1.7};
  CHECK(evaluate(parse_gate("sharpe.low < 0"), with_interval).failed);
  CHECK_FALSE(evaluate(parse_gate("sharpe.high < 0"), with_interval).failed);
}

TEST_CASE("a figure that cannot be computed shuts the gate") {
  const std::vector<Evidence> evidence{figure("calmar", std::nullopt), figure("sharpe", 1)};
  const GateResult result = evaluate(parse_gate("calmar < 1"), evidence);
  CHECK(result.failed);
  CHECK(result.found == "no calmar: no variance");
  CHECK(evaluate(parse_gate("sharpe.p_value > 0.05"), evidence).failed);
}

TEST_CASE("gates that make no sense are refused with the reason") {
  const std::vector<Evidence> evidence{figure("sharpe", 1), figure("sortino", 1), figure("calmar", 1)};
  for (const char* bad : {"", "sharpe", "sharpe <", "< 1", "sharpe = 1", "sharpe < one", "sharpe < 1 2", "sharpe < nan",
                          "sha rpe < 1", "sharpe ! 1", "sharpe < 1e999"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS((void)parse_gate(bad), Error);
  }
  CHECK_THROWS_WITH_AS((void)evaluate(parse_gate("sharp < 1"), evidence),
                       "--fail-if 'sharp < 1': expected the name of a figure, was sharp; did you mean sharpe, calmar, "
                       "sortino?",
                       Error);
}
