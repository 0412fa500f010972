#include "scenarios/study_tests.hpp"

#include "stats/model_set.hpp"
#include "stats/p_values.hpp"
#include "stats/superior.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::scenarios {
namespace {

using stats::Evidence;

/// The trials of the study that share this run's out-of-sample periods, and what their tests need.
struct Study {
  std::vector<std::string> names;
  std::vector<std::span<const double>> net, excess;
  std::vector<double> p_values;  // of all trials, one-sided and unadjusted
  stats::ResamplePlan plan;
};

Evidence named(std::string name, std::string unit, std::string method, std::string source) {
  Evidence evidence = stats::without_estimate(std::move(name), std::move(unit), "");
  evidence.method = std::move(method);
  evidence.source = std::move(source);
  return evidence;
}

void add_overfitting(const Study& study, Judged& judged) {
  const std::string method = "combinatorially symmetric cross-validation, 16 blocks, Sharpe ratio";
  std::vector<Evidence> figures{
      named("probability_of_overfitting", "probability", method, "BaileyBorweinLopezDePradoZhu2017"),
      named("performance_degradation", "slope", method + ": out of sample on in sample, of the chosen trial", "BaileyBorweinLopezDePradoZhu2017"),
      named("probability_of_loss", "probability", method + ": the chosen trial below 0 out of sample", "BaileyBorweinLopezDePradoZhu2017"),
      named("dominance", "order", method + ": the chosen trial over a blind choice; 1: by everybody's taste, 2: by that of all who shun risk, 0: not",
            "BaileyBorweinLopezDePradoZhu2017")};
  std::string reason;
  if (study.net.size() < 2) reason = "needs at least two trials with the same out-of-sample periods";
  else if (study.net.front().size() < 32) reason = fmt::format("needs at least 32 periods, has {}", study.net.front().size());
  if (reason.empty()) {
    judged.overfitting = stats::backtest_overfitting(study.net);
    const stats::Overfitting& found = *judged.overfitting;
    figures[0].estimate = found.probability;
    if (found.degradation) figures[1].estimate = found.degradation->slope;
    else figures[1].reason = "the chosen trial's performance in sample does not vary";
    figures[2].estimate = found.probability_of_loss;
    figures[3].estimate = found.dominance.first ? 1 : found.dominance.second ? 2 : 0;
  }
  for (Evidence& figure : figures) {
    figure.n = study.net.empty() ? 0 : study.net.front().size();
    if (!reason.empty()) figure.reason = reason;
    if (figure.estimate) figure.assumptions = "unreliable with six trials or fewer";
    judged.study.push_back(std::move(figure));
  }
}

Evidence superior(const Study& study, StudyTest test) {
  const bool hansen = test == StudyTest::SuperiorAbility;
  Evidence evidence = hansen ? named("superior_predictive_ability", "standard errors",
                                     "Hansen's test, studentised, stationary bootstrap, consistent p-value", "Hansen2005")
                             : named("reality_check", "standard errors",
                                     "White's reality check, studentised, stationary bootstrap", "White2000");
  evidence.null = "no trial of the study is better than the benchmark";
  if (study.excess.empty() || study.excess.front().size() < 10) {
    evidence.reason = fmt::format("needs at least 10 periods, has {}", study.excess.empty() ? 0 : study.excess.front().size());
    return evidence;
  }
  const stats::SuperiorAbility result = stats::superior_ability(study.excess, study.plan);
  evidence.n = study.plan.periods;
  evidence.estimate = result.statistic;
  evidence.p_value = hansen ? result.consistent : result.upper;
  return evidence;
}

/// Every trial that the data cannot tell from the best, of the net excess returns.
Evidence confidence_set(const Study& study, double level) {
  Evidence evidence = named("model_confidence_set", "trials", fmt::format("trials that may be the best, at {:g} %", 100 * level), "HansenLundeNason2011");
  evidence.null = "all trials of the study are equally good";
  const std::size_t periods = study.excess.front().size();
  if (study.excess.size() < 2) evidence.reason = "needs at least two trials with the same out-of-sample periods";
  else if (periods < 10) evidence.reason = fmt::format("needs at least 10 periods, has {}", periods);
  if (!evidence.reason.empty()) return evidence;
  std::vector<std::vector<double>> losses;
  for (const std::span<const double> excess : study.excess) {
    losses.emplace_back(excess.begin(), excess.end());
    for (double& loss : losses.back()) loss = -loss;
  }
  const std::vector<std::span<const double>> views(losses.begin(), losses.end());
  // Against the mean of those left: the pairs of a ledger of thousands would be millions.
  const stats::ModelSet found = stats::model_confidence_set(views, study.plan, stats::SetStatistic::Maximum);
  const std::vector<std::size_t> kept = found.included(1 - level);
  evidence.n = periods;
  evidence.estimate = static_cast<double>(kept.size());
  evidence.p_value = found.p_value[found.order.front()];
  constexpr std::size_t kNamed = 10;
  for (std::size_t i = 0; i < std::min(kept.size(), kNamed); ++i) evidence.method += (i == 0 ? ": " : ", ") + study.names[kept[i]];
  if (kept.size() > kNamed) evidence.method += fmt::format(" and {} more", kept.size() - kNamed);
  return evidence;
}

Evidence true_share(const Study& study) {
  Evidence evidence = named("true_share", "fraction", "share of trials without skill, by their p-values", "StoreyTaylorSiegmund2004");
  evidence.n = study.p_values.size();
  if (study.p_values.size() < 20) {
    evidence.reason = fmt::format("needs at least 20 trials to tell, has {}", study.p_values.size());
    return evidence;
  }
  const stats::QValues found = stats::storey_q_values(study.p_values);
  evidence.estimate = found.true_share;
  evidence.method += fmt::format(" above {:g}; smallest q-value {:.4f}", found.lambda, *std::ranges::min_element(found.q));
  evidence.assumptions = "independent or weakly dependent tests";
  return evidence;
}

Evidence null_evidence(const NullWorlds& worlds) {
  Evidence evidence = named("null_worlds", "standard errors",
                            fmt::format("this run, its grids and refits included, repeated on {} worlds without alpha ({}), best of each world; earlier runs of the study are not repeated", worlds.worlds, worlds.kind), "");
  evidence.estimate = worlds.best_statistic;
  evidence.p_value = worlds.p_value;
  evidence.null = "the best strategy does as well in a world without alpha";
  evidence.n = worlds.worlds;
  evidence.formula = "t = mean / (sd / sqrt(n)) of returns over the benchmark; p = (1 + #{best t of a world >= best t}) / (worlds + 1)";
  return evidence;
}

}  // namespace

void add_study_tests(const Setup& setup, Judged& judged) {
  Study study;
  study.p_values = judged.verdict.trial_p_values;
  for (const stats::Trial& trial : judged.ledger.trials) {
    if (trial.times != judged.strategies.front().net.times) continue;
    study.names.push_back(trial.strategy);
    study.net.emplace_back(trial.net);
    study.excess.emplace_back(trial.excess);
  }
  if (study.excess.front().size() >= 10) {
    study.plan = {study.excess.front().size(), static_cast<std::size_t>(setup.scenario.evidence.resamples),
                  stats::shared_block_length(study.excess, false), setup.scenario.seed};
  }
  for (const StudyTest test : setup.scenario.evidence.tests) {
    if (test == StudyTest::Overfitting) add_overfitting(study, judged);
    else if (test == StudyTest::TrueShare) judged.study.push_back(true_share(study));
    else if (test == StudyTest::ConfidenceSet) judged.study.push_back(confidence_set(study, setup.scenario.evidence.level));
    else judged.study.push_back(superior(study, test));
  }
  if (judged.null_worlds) judged.study.push_back(null_evidence(*judged.null_worlds));
}

}  // namespace walras::scenarios
