#include "stats/verdict.hpp"

#include "engine/base/error.hpp"
#include "stats/resample.hpp"
#include "stats/verdict_figures.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <map>

namespace walras::stats {
namespace {

GroupTest test_group(const TrialLedger& ledger, std::vector<std::size_t> members,
                     std::size_t groups, const VerdictOptions& options) {
  GroupTest group;
  group.members = std::move(members);
  std::vector<std::span<const double>> series;
  for (const std::size_t i : group.members) series.emplace_back(ledger.trials[i].excess);
  if (series.front().empty()) return group;
  group.mean_block =
      options.mean_block > 0 ? options.mean_block : shared_block_length(series, false);
  // Enough replicates that an adjusted p times the number of groups can fall well below the level.
  const double needed = 20 * static_cast<double>(groups) / options.significance;
  group.replicates = std::max(options.replicates, static_cast<std::size_t>(needed));
  const ResamplePlan plan{series.front().size(), group.replicates, group.mean_block, options.seed};
  group.tests = romano_wolf(series, plan);
  return group;
}

std::string years_of(double periods, double periods_per_year) {
  const double years = periods / periods_per_year;
  if (years >= 1000) return "over 1,000 years";
  return years < 2 ? fmt::format("{:.1f} months", 12 * years) : fmt::format("{:.1f} years", years);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : "; ") + part;
  return text;
}

void decide(StrategyVerdict& verdict, const Contender& contender, const Figures& f,
            std::size_t groups, const VerdictOptions& options) {
  std::vector<std::string> faults = contender.faults;
  faults.insert(faults.end(), contender.audit.problems.begin(), contender.audit.problems.end());
  if (verdict.n == 0) faults.emplace_back("there is no out-of-sample period");
  if (!faults.empty()) {
    verdict.judgement = Judgement::Invalid;
    verdict.words = joined(faults);
    return;
  }
  verdict.judgement = Judgement::NotShown;
  if (verdict.n < kFewestPeriods || !(f.group->tests.standard_error[f.place] > 0)) {
    verdict.words = verdict.n < kFewestPeriods
                        ? fmt::format("{} out-of-sample {} nothing: at least {} are needed", verdict.n,
                                      verdict.n == 1 ? "period shows" : "periods show", kFewestPeriods)
                        : "the returns over the benchmark do not vary: there is nothing to test";
    return;
  }
  const StepDown& tests = f.group->tests;
  const double p = f.trial->periods_per_year;
  const auto n = static_cast<double>(verdict.n);
  const double t = tests.t[f.place];
  const double sharpe = annual(f.excess->sharpe, p).value;
  const double critical = tests.critical_value(options.significance / static_cast<double>(groups));
  const bool significant = f.adjusted <= options.significance;
  const bool long_enough =
      verdict.minimum_track_record.estimate && n >= *verdict.minimum_track_record.estimate;
  const std::string among =
      fmt::format("{} {}", f.group->members.size(),
                  f.group->members.size() == 1 ? "trial" : "trials of the same dates");
  const std::string record = fmt::format("{} periods ({})", verdict.n, years_of(n, p));
  if (significant && long_enough) {
    verdict.judgement = Judgement::Skill;
    verdict.words = fmt::format(
        "annual Sharpe ratio over the benchmark {:.2f}; adjusted p {:.4f} among {}{}, {:g} or less "
        "needed; "
        "record of {}, {:.0f} needed",
        sharpe, f.adjusted, among, groups > 1 ? fmt::format(" in {} groups", groups) : "",
        options.significance, record, std::ceil(*verdict.minimum_track_record.estimate));
    return;
  }
  verdict.words =
      fmt::format("adjusted p {:.4f} among {}{}, {:g} or less needed", f.adjusted, among,
                  groups > 1 ? fmt::format(" in {} groups", groups) : "", options.significance);
  if (significant) {
    verdict.words =
        fmt::format("the record of {} is shorter than the minimum of {:.0f} periods", record,
                    std::ceil(verdict.minimum_track_record.estimate.value_or(n + 1)));
    return;
  }
  if (std::isfinite(critical) && critical > 0) {
    // The ratio that this record length would need, at the standard error it has.
    const double needed =
        critical * tests.standard_error[f.place] / deviation_of(f.trial->excess) * std::sqrt(p);
    verdict.words += fmt::format(
        "; over {} the annual Sharpe ratio over the benchmark would have to be about {:.2f}, was "
        "{:.2f}",
        record, needed, sharpe);
    if (t > 0) {
      const double periods = n * (critical / t) * (critical / t);
      verdict.words +=
          fmt::format("; at {:.2f} it would take about {}", sharpe, years_of(periods, p));
    }
  }
}

std::string summary(const Verdict& verdict) {
  std::vector<std::string> skill;
  std::size_t invalid = 0;
  for (const StrategyVerdict& strategy : verdict.strategies) {
    if (strategy.judgement == Judgement::Skill) skill.push_back(strategy.name);
    invalid += strategy.judgement == Judgement::Invalid ? 1 : 0;
  }
  const std::size_t all = verdict.strategies.size();
  std::string text;
  if (skill.empty()) {
    text = all == 1 ? "Skill is not shown" : fmt::format("None of {} strategies shows skill", all);
  } else {
    std::string names;
    for (const std::string& name : skill) names += (names.empty() ? "" : ", ") + name;
    text = all == 1 ? fmt::format("{} shows skill", names)
                    : fmt::format("{} of {} strategies {} skill: {}", skill.size(), all,
                                  skill.size() == 1 ? "shows" : "show", names);
  }
  text += fmt::format(", judged among {} {}.", verdict.trials,
                      verdict.trials == 1 ? "trial" : "trials");
  if (invalid > 0)
    text += fmt::format(" The record of {} is invalid.",
                        invalid == 1 ? "one" : std::to_string(invalid));
  return text;
}

/// Studentised intervals of the contenders' mean excess returns, by trial; one set of indices a group of dates.
std::map<std::string, Bounds> excess_intervals(std::span<const Contender> contenders, const TrialLedger& ledger,
                                               const std::vector<GroupTest>& groups, std::uint64_t seed) {
  std::map<std::string, Bounds> found;
  for (const GroupTest& group : groups) {
    std::vector<std::string> keys;
    std::vector<std::span<const double>> series;
    for (const std::size_t member : group.members) {
      const Trial& trial = ledger.trials[member];
      const bool wanted = std::any_of(contenders.begin(), contenders.end(), [&](const Contender& c) { return c.trial_key == trial.key; });
      if (!wanted || trial.excess.size() < 2) continue;
      keys.push_back(trial.key);
      series.emplace_back(trial.excess);
    }
    if (series.empty()) continue;
    const ResamplePlan plan{series.front().size(), std::min<std::size_t>(group.replicates, 2000), group.mean_block, seed};
    const std::vector<IntervalEstimate> intervals = mean_intervals(series, plan, 0.95, IntervalMethod::Studentized);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (intervals[i].interval) found.emplace(keys[i], *intervals[i].interval);
    }
  }
  return found;
}

}  // namespace

double volatility_weight(std::span<const double> train_strategy,
                         std::span<const double> train_benchmark) {
  const double benchmark = deviation_of(train_benchmark);
  if (!(benchmark > 0)) return 0;
  const double strategy = deviation_of(train_strategy);
  return strategy > 0 ? strategy / benchmark : 1;
}

std::vector<double> excess_over_benchmark(std::span<const double> net,
                                          std::span<const double> benchmark, double weight,
                                          double risk_free) {
  if (!benchmark.empty() && benchmark.size() != net.size()) {
    fail(Fault::Numeric, "benchmark",
         fmt::format("expected {} returns, was {}; align it first", net.size(), benchmark.size()));
  }
  std::vector<double> excess;
  excess.reserve(net.size());
  for (std::size_t t = 0; t < net.size(); ++t) {
    const double over = benchmark.empty() ? 0 : weight * (benchmark[t] - risk_free);
    excess.push_back(net[t] - risk_free - over);
  }
  return excess;
}

std::string_view text(Judgement judgement) {
  switch (judgement) {
    case Judgement::Skill:
      return "skill";
    case Judgement::NotShown:
      return "not shown";
    case Judgement::Invalid:
      return "invalid";
  }
  return "invalid";
}

std::vector<Evidence> StrategyVerdict::evidence() const {
  return {excess_return,   romano_wolf,          benjamini_hochberg, probabilistic_sharpe, deflated_sharpe,
          haircut_sharpe,  minimum_track_record, minimum_backtest,   profit_hurdle};
}

bool Verdict::all_skill() const {
  return !strategies.empty() &&
         std::all_of(strategies.begin(), strategies.end(),
                     [](const StrategyVerdict& s) { return s.judgement == Judgement::Skill; });
}

Verdict judge(std::span<const Contender> contenders, const TrialLedger& ledger,
              const VerdictOptions& options) {
  if (!(options.significance > 0 && options.significance < 1)) {
    fail(Fault::Numeric, "significance",
         fmt::format("expected a level between 0 and 1, was {}", options.significance));
  }
  Verdict verdict;
  verdict.trials = ledger.size();
  verdict.effective_trials = ledger.effective();
  std::vector<GroupTest> groups;
  std::vector<double> unadjusted(ledger.size(), 1);
  const std::vector<std::vector<std::size_t>> members = ledger.groups();
  verdict.groups = members.size();
  for (const std::vector<std::size_t>& group : members) {
    groups.push_back(test_group(ledger, group, members.size(), options));
    for (std::size_t i = 0; i < groups.back().tests.unadjusted.size(); ++i) {
      unadjusted[group[i]] = groups.back().tests.unadjusted[i];
    }
  }
  const std::vector<double> hochberg = adjust(unadjusted, Adjustment::BenjaminiHochberg);
  const std::vector<double> ratio_p = ratio_p_values(ledger);
  verdict.trial_p_values = unadjusted;
  const std::map<std::string, Bounds> intervals = excess_intervals(contenders, ledger, groups, options.seed);

  std::map<double, double> ratio_variance;  // by periods a year
  for (const Contender& contender : contenders) {
    Figures figures;
    std::size_t index = 0;
    for (const GroupTest& group : groups) {
      for (std::size_t i = 0; i < group.members.size(); ++i) {
        if (ledger.trials[group.members[i]].key != contender.trial_key) continue;
        index = group.members[i];
        figures.trial = &ledger.trials[index];
        figures.group = &group;
        figures.place = i;
      }
    }
    if (figures.trial == nullptr) {
      fail(Fault::Internal, contender.name, "expected its trial in the ledger, was none");
    }
    StrategyVerdict result;
    result.name = contender.name;
    result.n = figures.trial->times.size();
    if (result.n > 0) {
      figures.adjusted = std::min(
          1.0, figures.group->tests.adjusted[figures.place] * static_cast<double>(verdict.groups));
      figures.excess = sharpe_facts(figures.trial->excess);
      if (const auto found = intervals.find(contender.trial_key); found != intervals.end()) figures.interval = found->second;
    }
    fill_returns(result, figures, options);
    fill_adjusted(result, figures, verdict.groups, hochberg[index], verdict.trials);
    const auto [variance, fresh] = ratio_variance.try_emplace(figures.trial->periods_per_year, 0);
    if (fresh) variance->second = sharpe_variance(ledger, options.risk_free, figures.trial->periods_per_year);
    fill_sharpe(result, figures, variance->second, verdict.effective_trials, verdict.trials, options);
    fill_haircut(result, figures, ratio_p, index, verdict.effective_trials, options);
    decide(result, contender, figures, verdict.groups, options);
    verdict.strategies.push_back(std::move(result));
  }
  verdict.text = summary(verdict);
  return verdict;
}

}  // namespace walras::stats
