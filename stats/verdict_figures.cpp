#include "stats/verdict_figures.hpp"

#include "stats/haircut.hpp"
#include "stats/performance.hpp"
#include "stats/resample.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <numeric>

namespace walras::stats {
namespace {

Evidence named(std::string name, std::string unit, std::size_t n, std::string formula,
               std::string source) {
  Evidence evidence = without_estimate(std::move(name), std::move(unit), "");
  evidence.n = n;
  evidence.formula = std::move(formula);
  evidence.source = std::move(source);
  return evidence;
}

std::vector<double> over_cash(const Trial& trial, double risk_free) {
  std::vector<double> returns(trial.net);
  const double rate = per_period_rate(risk_free, trial.periods_per_year);
  for (double& value : returns) value -= rate;
  return returns;
}

std::string too_few(std::size_t n) { return fmt::format("needs at least {} periods, has {}", kFewestPeriods, n); }

/// Annual ratio over the benchmark, corrected for first-order autocorrelation.
AnnualSharpe corrected_sharpe(const Trial& trial, const SharpeFacts& facts) {
  const double rho = std::clamp(first_autocorrelation(trial.excess), -0.99, 0.99);
  return autocorrelation_corrected(annual(facts.sharpe, trial.periods_per_year), rho, std::max(1.0, trial.periods_per_year));
}

}  // namespace

double deviation_of(std::span<const double> x) {
  if (x.size() < 2) return 0;
  const RunningMoments moments(x);
  const double square = moments.square_sum();
  const auto n = static_cast<double>(x.size());
  return square / n > moments.tiny() ? std::sqrt(square / (n - 1)) : 0;
}

double sharpe_variance(const TrialLedger& ledger, double risk_free, double periods_per_year) {
  std::vector<double> ratios;
  for (const Trial& trial : ledger.trials) {
    if (const auto facts = sharpe_facts(over_cash(trial, risk_free)))
      ratios.push_back(facts->sharpe.value * std::sqrt(trial.periods_per_year / periods_per_year));
  }
  if (ratios.size() < 2) return 0;
  const auto n = static_cast<double>(ratios.size());
  const double mean = std::accumulate(ratios.begin(), ratios.end(), 0.0) / n;
  double square = 0;
  for (const double ratio : ratios) square += (ratio - mean) * (ratio - mean);
  return square / (n - 1);
}

std::vector<double> ratio_p_values(const TrialLedger& ledger) {
  std::vector<double> p;
  for (const Trial& trial : ledger.trials) {
    const auto facts = sharpe_facts(trial.excess);
    p.push_back(facts ? sharpe_p_value(per_period(corrected_sharpe(trial, *facts), trial.periods_per_year), facts->n) : 1);
  }
  return p;
}

void fill_returns(StrategyVerdict& verdict, const Figures& f, const VerdictOptions& options) {
  const double p = f.trial->periods_per_year;
  verdict.excess_return = named(
      "excess_return", "fraction a year", verdict.n,
      "mean((net - rf) - w (benchmark - rf)) p, w matches volatility on " + options.matched_on, "");
  Evidence& excess = verdict.excess_return;
  if (verdict.n < 2) {
    excess.reason = "fewer than two periods";
    return;
  }
  excess.estimate = f.group->tests.mean[f.place] * p;
  if (!(f.group->tests.standard_error[f.place] > 0)) {
    excess.assumptions = "does not vary: no test is possible";
    return;
  }
  if (verdict.n < kFewestPeriods) {
    excess.assumptions = "no test: " + too_few(verdict.n);
    return;
  }
  excess.p_value = f.group->tests.unadjusted[f.place];
  excess.null = "mean at most 0";
  if (f.interval) excess.interval = Bounds{f.interval->low * p, f.interval->high * p};
  excess.method = fmt::format(
      "stationary bootstrap, mean block {:.3g} periods, studentised; p from {} replicates",
      f.group->mean_block, f.group->replicates);
  excess.assumptions = "stationary returns";
}

void fill_adjusted(StrategyVerdict& verdict, const Figures& f, std::size_t groups, double hochberg,
                   std::size_t trials) {
  verdict.romano_wolf = named("romano_wolf", "p-value", verdict.n,
                              "(1 + #{largest t* of the not larger ones >= t}) / (B + 1), "
                              "step-down, times the number of groups of dates",
                              "RomanoWolf2005");
  verdict.benjamini_hochberg =
      named("benjamini_hochberg", "p-value", verdict.n, "smallest p_(i) N / i from this rank up",
            "BenjaminiHochberg1995");
  if (verdict.n < kFewestPeriods || !(f.group->tests.standard_error[f.place] > 0)) {
    verdict.romano_wolf.reason = verdict.n < kFewestPeriods ? too_few(verdict.n) : "the excess returns do not vary";
    verdict.benjamini_hochberg.reason = verdict.romano_wolf.reason;
    return;
  }
  verdict.romano_wolf.estimate = f.adjusted;
  verdict.romano_wolf.p_value = f.adjusted;
  verdict.romano_wolf.null = "no trial with these dates has a mean above 0";
  verdict.romano_wolf.method = fmt::format(
      "among {} trials with the same dates, groups of dates: {}, {} replicates, mean block {:.3g} "
      "periods",
      f.group->members.size(), groups, f.group->replicates, f.group->mean_block);
  verdict.romano_wolf.assumptions = "stationary returns";
  verdict.benjamini_hochberg.estimate = hochberg;
  verdict.benjamini_hochberg.p_value = hochberg;
  verdict.benjamini_hochberg.null = "mean at most 0";
  verdict.benjamini_hochberg.method =
      fmt::format("share of false discoveries among {} trials", trials);
  verdict.benjamini_hochberg.assumptions = "positively dependent tests";
}

void fill_sharpe(StrategyVerdict& verdict, const Figures& f, double variance, double effective,
                 std::size_t trials, const VerdictOptions& options) {
  verdict.probabilistic_sharpe =
      named("probabilistic_sharpe", "probability", verdict.n,
            "Phi(SR sqrt(n - 1) / sqrt(1 - skewness SR + (raw kurtosis - 1) / 4 SR^2))",
            "BaileyLopezDePrado2012");
  verdict.deflated_sharpe = named(
      "deflated_sharpe", "probability", verdict.n,
      "probabilistic Sharpe against sqrt(V) E_N, V the variance of the trials' ratios a period",
      "BaileyLopezDePrado2014");
  verdict.minimum_track_record = named(
      "minimum_track_record", "periods", verdict.n,
      "1 + (1 - skewness SR + (raw kurtosis - 1) / 4 SR^2) (z / SR)^2", "BaileyLopezDePrado2012");
  if (verdict.n < kFewestPeriods) {
    for (Evidence* evidence : {&verdict.probabilistic_sharpe, &verdict.deflated_sharpe, &verdict.minimum_track_record}) evidence->reason = too_few(verdict.n);
    return;
  }
  if (const auto facts = dependent_sharpe_facts(over_cash(*f.trial, options.risk_free))) {
    const bool dependent = facts->dependence != 1;
    const std::string returns = dependent ? "stationary returns" : "independent returns";
    const std::string variance_note =
        dependent ? fmt::format("; variance under dependence, {:.2f} times that of independent returns", facts->dependence) : "";
    verdict.probabilistic_sharpe.estimate = probabilistic_sharpe(*facts);
    verdict.probabilistic_sharpe.assumptions = returns;
    verdict.probabilistic_sharpe.method = "net returns over cash, against 0" + variance_note;
    verdict.deflated_sharpe.estimate = deflated_sharpe(*facts, std::max(1.0, effective), variance);
    verdict.deflated_sharpe.assumptions = returns + "; normal ratios of trials";
    verdict.deflated_sharpe.method =
        fmt::format("{} trials worth {:.3g} independent ones, V = {:.4g}", trials, effective, variance) + variance_note;
    if (variance > 0) {
      for (const double count : {1., 2., 3., 5., 7., 10., 15., 20., 30., 50., 70., 100., 150., 200., 300., 500., 700., 1000.}) {
        verdict.deflated_by_trials.push_back({count, deflated_sharpe(*facts, count, variance)});
      }
    }
  } else {
    verdict.probabilistic_sharpe.reason = verdict.deflated_sharpe.reason = "the returns have no variance";
  }
  if (!f.excess) {
    verdict.minimum_track_record.reason = "the excess returns do not vary";
  } else if (const auto facts = dependent_sharpe_facts(f.trial->excess); const auto length = minimum_track_record(*facts)) {
    verdict.minimum_track_record.estimate = *length;
    verdict.minimum_track_record.method = "excess returns over the benchmark, against 0 at 95 %";
    if (facts->dependence != 1)
      verdict.minimum_track_record.method += fmt::format("; variance under dependence, {:.2f} times that of independent returns", facts->dependence);
    verdict.minimum_track_record.assumptions = facts->dependence != 1 ? "stationary returns" : "independent returns";
  } else {
    verdict.minimum_track_record.reason =
        "the mean excess return is not above 0: no length would do";
  }
}

void fill_haircut(StrategyVerdict& verdict, const Figures& f, std::span<const double> ratio_p, std::size_t index,
                  double effective, const VerdictOptions& options) {
  verdict.haircut_sharpe = named("haircut_sharpe", "1/sqrt(year)", verdict.n,
                                 "annual ratio whose two-sided p equals the adjusted one; corrected for first-order autocorrelation",
                                 "HarveyLiu2015");
  verdict.profit_hurdle = named("profit_hurdle", "fraction a year", verdict.n,
                                "mean excess return at this volatility for an adjusted two-sided p at the level", "HarveyLiu2015");
  verdict.minimum_backtest = named("minimum_backtest", "years", verdict.n, "(E_N / annual ratio)^2",
                                   "BaileyBorweinLopezDePradoZhu2014");
  if (!f.excess || verdict.n < kFewestPeriods) {
    const std::string reason = verdict.n < kFewestPeriods ? too_few(verdict.n) : "the excess returns do not vary";
    for (Evidence* evidence : {&verdict.haircut_sharpe, &verdict.profit_hurdle, &verdict.minimum_backtest}) evidence->reason = reason;
    return;
  }
  const double p = f.trial->periods_per_year;
  const AnnualSharpe sharpe = corrected_sharpe(*f.trial, *f.excess);
  const auto among = fmt::format("among {} trials, Benjamini-Yekutieli", ratio_p.size());
  verdict.profit_hurdle.estimate = profit_hurdle(deviation_of(f.trial->excess) * std::sqrt(p), p, verdict.n, ratio_p, index,
                                                 Adjustment::BenjaminiYekutieli, options.significance);
  verdict.profit_hurdle.method = fmt::format("{}, level {:g}", among, options.significance);
  verdict.profit_hurdle.assumptions = "independent normal returns";
  if (!(sharpe.value > 0)) {
    verdict.haircut_sharpe.reason = "the mean excess return is not above 0: there is nothing to cut";
    verdict.minimum_backtest.reason = "the mean excess return is not above 0: no length would do";
    return;
  }
  const Haircut cut = haircut_sharpe(sharpe, p, verdict.n, ratio_p, index, Adjustment::BenjaminiYekutieli);
  const Haircut holm = haircut_sharpe(sharpe, p, verdict.n, ratio_p, index, Adjustment::Holm);
  const Haircut bonferroni = haircut_sharpe(sharpe, p, verdict.n, static_cast<double>(ratio_p.size()));
  verdict.haircut_sharpe.estimate = cut.sharpe.value;
  verdict.haircut_sharpe.p_value = cut.adjusted;
  verdict.haircut_sharpe.null = "mean 0";
  verdict.haircut_sharpe.method = fmt::format("{}: {:.0f} % of {:.2f} cut off; Holm {:.0f} %, Bonferroni {:.0f} %", among, 100 * cut.share,
                                              sharpe.value, 100 * holm.share, 100 * bonferroni.share);
  verdict.haircut_sharpe.assumptions = "normal returns with first-order autocorrelation";
  verdict.minimum_backtest.estimate = minimum_backtest_years(std::max(1.0, effective), sharpe);
  verdict.minimum_backtest.method = fmt::format("the best of {:.3g} worthless independent trials reaches this ratio in expectation over as long a record", std::max(1.0, effective));
  verdict.minimum_backtest.assumptions = "independent normal returns";
}

}  // namespace walras::stats
