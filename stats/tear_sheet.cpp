#include "stats/tear_sheet.hpp"

#include "engine/base/error.hpp"
#include "stats/diagnostics.hpp"
#include "stats/sharpe.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace walras::stats {
namespace {

Evidence counted(std::string name, std::size_t count, std::size_t n, std::string formula) {
  Evidence evidence = without_estimate(std::move(name), "periods", "");
  evidence.estimate = static_cast<double>(count);
  evidence.n = n;
  evidence.formula = std::move(formula);
  return evidence;
}

void append_inference(std::vector<Evidence>& sheet, const TearSheetInput& input) {
  const ReturnSeries& net = input.net;
  const std::size_t n = net.returns.size();
  sheet.push_back(lo_adjusted_sharpe(net, input.conventions.risk_free));

  std::vector<double> excess(net.returns);
  const double rate = per_period_rate(input.conventions.risk_free, net.periods_per_year);
  for (double& value : excess) value -= rate;
  Evidence psr = without_estimate("probabilistic_sharpe", "probability", "");
  psr.formula =
      "Phi(SR sqrt(n - 1) / sqrt(1 - skewness SR + (raw kurtosis - 1) / 4 SR^2)), SR a period";
  psr.source = "BaileyLopezDePrado2012";
  psr.n = n;
  psr.assumptions = "independent returns";
  if (n < kFewestPeriods) {
    psr.reason = fmt::format("needs at least {} periods, has {}", kFewestPeriods, n);
  } else if (const auto facts = dependent_sharpe_facts(excess)) {
    psr.estimate = probabilistic_sharpe(*facts);
    if (facts->dependence != 1) {
      psr.assumptions = "stationary returns";
      psr.method = fmt::format("variance under dependence, {:.2f} times that of independent returns", facts->dependence);
    }
    psr.null = "the true Sharpe ratio is at most 0";
  } else {
    psr.reason = "the returns have no variance";
  }
  sheet.push_back(std::move(psr));

  // Smoothed or trending returns overstate both ratios by the same factor.
  const Evidence &plain = find(sheet, "sharpe"), &sortino = find(sheet, "sortino"), &adjusted = find(sheet, "lo_adjusted_sharpe");
  Evidence lo = without_estimate("lo_adjusted_sortino", "1/sqrt(year)", "");
  lo.formula = "sortino x lo_adjusted_sharpe / sharpe";
  lo.source = "Lo2002";
  lo.n = n;
  for (const Evidence* part : {&plain, &sortino, &adjusted}) {
    if (lo.reason.empty() && !part->estimate) lo.reason = part->reason;
  }
  if (lo.reason.empty() && *plain.estimate == 0) lo.reason = "the Sharpe ratio is 0";
  if (lo.reason.empty()) lo.estimate = *sortino.estimate * *adjusted.estimate / *plain.estimate;
  sheet.push_back(std::move(lo));

  sheet.push_back(autocorrelation_at(net.returns, 1));
  for (Evidence& evidence : diagnostics(net.returns, input.conventions.tail)) sheet.push_back(std::move(evidence));

  const auto traded =
      std::find_if(net.returns.begin(), net.returns.end(), [](double value) { return value != 0; });
  sheet.push_back(
      counted("leading_zeros", static_cast<std::size_t>(traded - net.returns.begin()), n,
              "periods before the first return other than 0; they are part of every figure"));
  sheet.push_back(
      counted("zero_returns",
              static_cast<std::size_t>(std::count(net.returns.begin(), net.returns.end(), 0.0)), n,
              "count(r = 0)"));
}

}  // namespace

std::vector<Evidence> tear_sheet(const TearSheetInput& input) {
  std::vector<Evidence> sheet =
      measure_with_intervals(input.net, input.conventions, input.benchmark, input.resamples);
  append_inference(sheet, input);
  if (input.trading) {
    std::vector<Evidence> trading = trading_metrics(*input.trading, input.resamples);
    Evidence exposed = without_estimate("return_on_exposure", "fraction a year", "");
    exposed.formula = "cagr / exposure";
    exposed.n = input.net.returns.size();
    const Evidence& growth = find(sheet, "cagr");
    if (!growth.estimate) exposed.reason = growth.reason;
    else if (!(input.trading->exposure > 0)) exposed.reason = "no position was held";
    else exposed.estimate = *growth.estimate / input.trading->exposure;
    sheet.push_back(std::move(exposed));
    sheet.insert(sheet.end(), std::make_move_iterator(trading.begin()),
                 std::make_move_iterator(trading.end()));
  }
  return sheet;
}

const Evidence& find(const std::vector<Evidence>& evidence, std::string_view name) {
  for (const Evidence& entry : evidence) {
    if (entry.name == name) return entry;
  }
  fail(Fault::Internal, name, "expected a figure of that name, was none");
}

std::vector<Evidence> average(std::span<const std::vector<Evidence>> folds) {
  if (folds.empty()) return {};
  std::vector<Evidence> result;
  for (std::size_t k = 0; k < folds.front().size(); ++k) {
    Evidence mean = folds.front()[k];
    mean.interval.reset();
    mean.range.reset();
    mean.p_value.reset();
    mean.null.clear();
    mean.estimate.reset();
    mean.n = 0;
    double sum = 0;
    std::size_t count = 0;
    for (const std::vector<Evidence>& fold : folds) {
      expects(fold.size() == folds.front().size() && fold[k].name == mean.name,
              "folds with the same metrics");
      mean.n += fold[k].n;
      if (!fold[k].estimate) {
        if (mean.reason.empty()) mean.reason = fold[k].reason;
        continue;
      }
      sum += *fold[k].estimate;
      ++count;
    }
    if (count > 0) {
      mean.estimate = sum / static_cast<double>(count);
      mean.reason.clear();
    }
    mean.method = fmt::format("mean over {} of {} folds", count, folds.size());
    result.push_back(std::move(mean));
  }
  return result;
}

}  // namespace walras::stats
