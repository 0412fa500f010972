#include "scenarios/cli/stats_parts.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/cli/returns_file.hpp"
#include "stats/attribution.hpp"
#include "stats/cross_validation.hpp"
#include "stats/factors.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <numeric>

namespace walras::scenarios {
namespace {

using stats::Evidence;
using stats::ReturnSeries;

// --- Factors

struct FactorData {
  std::vector<ReturnSeries> factors;
  std::optional<ReturnSeries> risk_free;
};

FactorData read_factors(const Arguments& arguments, double periods) {
  const std::filesystem::path file = arguments.text("--factors");
  FactorData data;
  for (ReturnSeries& series : read_returns(file, std::nullopt, arguments.has("--factors-percent") ? 0.01 : 1).series) {
    series.periods_per_year = periods;
    if (series.name == "rf" || series.name == "RF") data.risk_free = std::move(series);
    else data.factors.push_back(std::move(series));
  }
  if (data.factors.empty()) fail(Fault::Data, file.string(), "expected a column of factor returns beside time and risk-free rate, was none");
  return data;
}

/// The periods of `series` over which every factor has values.
ReturnSeries covered(const ReturnSeries& series, const FactorData& data, const std::string& file) {
  const Nanos first = data.factors.front().times.front(), last = data.factors.front().times.back();
  ReturnSeries kept = series;
  kept.times.clear();
  kept.returns.clear();
  kept.start.reset();
  for (std::size_t t = 0; t < series.times.size(); ++t) {
    const Nanos begin = t == 0 ? stats::start_of(series) : series.times[t - 1];
    // A period is covered where factor values end in it; at its edges a month may end on its last trading day or its last day.
    if (series.times[t] < first || begin >= last) continue;
    if (kept.times.empty()) kept.start = begin;
    kept.times.push_back(series.times[t]);
    kept.returns.push_back(series.returns[t]);
  }
  if (kept.times.empty()) fail(Fault::Data, file, fmt::format("expected factor values over the dates of {}, was none there", series.name));
  return kept;
}

/// The day on which a period ends does not matter where both are monthly: the last trading day and the last day are one month.
void to_month_ends(ReturnSeries& series) {
  if (series.periods_per_year != 12) return;
  for (Nanos& time : series.times) {
    const std::chrono::year_month_day day(std::chrono::floor<std::chrono::days>(std::chrono::sys_time<std::chrono::nanoseconds>(std::chrono::nanoseconds(time.value))));
    time = Nanos{std::chrono::sys_days(day.year() / day.month() / std::chrono::last).time_since_epoch().count() * kNanosPerDay};
  }
}

Json factors_json(const stats::FactorRegression& fit, std::span<const stats::Factor> factors, std::size_t left_out) {
  Json betas = Json::object(), paid = Json::object(), risk = Json::object();
  for (std::size_t f = 0; f < factors.size(); ++f) {
    betas[factors[f].name] = stats::to_json(fit.betas[f]);
    if (!fit.reason.empty()) continue;
    paid[factors[f].name] = fit.contributions[f];
    risk[factors[f].name] = fit.risk_shares[f];
  }
  Json json = Json::object({{"periods", fit.n}, {"left_out", left_out}, {"lags", fit.lags}, {"alpha", stats::to_json(fit.alpha)}, {"betas", betas}});
  if (!fit.reason.empty()) return json;
  json["contributions"] = paid;
  json["risk_shares"] = risk;
  json["r_squared"] = fit.r_squared;
  json["adjusted_r_squared"] = fit.adjusted_r_squared;
  json["residual_volatility"] = fit.residual_volatility;
  return json;
}

std::string factors_text(const std::string& name, const stats::FactorRegression& fit, std::size_t left_out) {
  std::string out = fmt::format("\nFactors of {}: {} periods{}\n", name, fit.n, left_out > 0 ? fmt::format(" ({} without factor values left out)", left_out) : "");
  if (!fit.reason.empty()) return out + "no regression: " + fit.reason + "\n";
  TextTable table({"", "estimate", "95 % low", "high", "p", "paid a year", "share of variance"});
  const auto row = [&](const std::string& label, const Evidence& e, bool fraction, const std::string& paid, const std::string& risk) {
    const auto cell = [&](std::optional<double> value) { return fraction ? percent(value) : figure(value); };
    table.add({label, cell(e.estimate), cell(e.interval ? std::optional(e.interval->low) : std::nullopt), cell(e.interval ? std::optional(e.interval->high) : std::nullopt),
               figure(e.p_value), paid, risk});
  };
  row("alpha a year", fit.alpha, true, percent(fit.alpha.estimate), "");
  for (std::size_t f = 0; f < fit.betas.size(); ++f) row(fit.betas[f].name, fit.betas[f], false, percent(fit.contributions[f]), percent(fit.risk_shares[f]));
  return out + table.str() + fmt::format("R squared {}, adjusted {}; residual volatility {} a year; errors allow for autocorrelation over {} lags\n", figure(fit.r_squared),
                                         figure(fit.adjusted_r_squared), percent(fit.residual_volatility), fit.lags);
}

void add_factors(const Arguments& arguments, std::span<const ReturnSeries> all, StatsParts& parts) {
  const FactorData data = read_factors(arguments, all.front().periods_per_year);
  const std::string file = arguments.text("--factors");
  for (std::size_t i = 0; i < all.size(); ++i) {
    ReturnSeries moved = all[i];
    to_month_ends(moved);
    const auto aligned = [&](const ReturnSeries& factor, const ReturnSeries& to) {
      ReturnSeries own = factor;
      to_month_ends(own);
      stats::Aligned result = stats::align(to, own);
      if (result.missing > 0) {
        fail(Fault::Data, file, fmt::format("expected a value of {} in every period of {}, was without one in {} of {}; the factors must be at least as frequent as the returns",
                                            factor.name, to.name, result.missing, to.times.size()));
      }
      return result.returns;
    };
    FactorData months = data;
    for (ReturnSeries& factor : months.factors) to_month_ends(factor);
    const ReturnSeries series = covered(moved, months, file);
    std::vector<stats::Factor> factors;
    for (const ReturnSeries& factor : data.factors) factors.push_back({factor.name, aligned(factor, series)});
    const std::vector<double> risk_free = data.risk_free ? aligned(*data.risk_free, series) : std::vector<double>{};
    const stats::FactorRegression fit = stats::regress_factors(series, factors, risk_free);
    const std::size_t left_out = all[i].times.size() - series.times.size();
    parts.strategies[i]["factors"] = factors_json(fit, factors, left_out);
    parts.text += factors_text(all[i].name, fit, left_out);
  }
}

// --- By time or regime

std::vector<stats::Group> groups_of(const std::string& unit, const ReturnSeries& series, const ReturnSeries* benchmark) {
  if (unit == "hour") return stats::by_time(series, stats::TimeUnit::Hour);
  if (unit == "weekday") return stats::by_time(series, stats::TimeUnit::Weekday);
  if (unit == "month") return stats::by_time(series, stats::TimeUnit::Month);
  if (unit == "year") return stats::by_time(series, stats::TimeUnit::Year);
  const std::vector<double> market = benchmark != nullptr ? stats::align(series, *benchmark).returns : series.returns;
  // A quarter of a year, told before each period from those before it.
  const auto window = static_cast<std::size_t>(std::clamp(series.periods_per_year / 4, 3.0, 1e6));
  static const std::vector<std::string> order{"calm", "normal", "turbulent", "rising", "falling", "early"};
  if (unit == "volatility") return stats::by_label(series.returns, stats::volatility_regimes(market, window), order);
  if (unit == "trend") return stats::by_label(series.returns, stats::trend_regimes(market, window), order);
  fail(Fault::Usage, "--by", fmt::format("expected hour, weekday, month, year, volatility or trend, was '{}'", unit));
}

void add_groups(const std::string& unit, std::span<const ReturnSeries> all, const ReturnSeries* benchmark, StatsParts& parts) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    Json list = Json::array();
    TextTable table({unit, "periods", "return a period", "standard error", "sum", "compounded", "above 0", "p alone", "p of so many"});
    for (const stats::Group& group : groups_of(unit, all[i], benchmark)) {
      Json json = Json::object({{"label", group.label}, {"n", group.n}, {"sum", group.sum}, {"mean", group.mean}, {"growth", group.growth}, {"hit_rate", group.hit_rate}});
      if (group.standard_error) json["standard_error"] = *group.standard_error;
      if (group.p_value) json["p_value"] = *group.p_value;
      if (group.adjusted) json["adjusted_p_value"] = *group.adjusted;
      list.push_back(json);
      table.add({group.label, std::to_string(group.n), fmt::format("{:.4f} %", group.mean * 100), group.standard_error ? fmt::format("{:.4f} %", *group.standard_error * 100) : "-",
                 percent(group.sum), percent(group.growth), percent(group.hit_rate), figure(group.p_value), figure(group.adjusted)});
    }
    parts.strategies[i]["by_" + unit] = list;
    parts.text += fmt::format("\n{} by {}\n{}p: of a mean like that of all other periods; of so many: allowing for the number of groups (Holm)\n", all[i].name, unit, table.str());
  }
}

// --- Cross-validated choice

stats::PurgePlan plan_of(const Arguments& arguments) {
  const std::string text = arguments.text("--cpcv");
  stats::PurgePlan plan;
  const char *at = text.data(), *end = text.data() + text.size();
  const auto first = std::from_chars(at, end, plan.folds);
  const bool comma = first.ec == std::errc{} && first.ptr != end && *first.ptr == ',';
  if (comma) {
    const auto second = std::from_chars(first.ptr + 1, end, plan.test_folds);
    if (second.ec == std::errc{} && second.ptr == end) {
      plan.embargo = arguments.integer("--embargo", 0, 1'000'000'000).value_or(0);
      return plan;
    }
  }
  fail(Fault::Usage, "--cpcv", fmt::format("expected two counts as 10,2 (folds, tested at a time), was '{}'", text));
}

void add_paths(const Arguments& arguments, std::span<const ReturnSeries> all, StatsParts& parts) {
  const stats::PurgePlan plan = plan_of(arguments);
  std::vector<std::span<const double>> columns;
  for (const ReturnSeries& series : all) columns.emplace_back(series.returns);
  const auto horizon = static_cast<std::size_t>(arguments.integer("--horizon", 0, 1'000'000).value_or(0));
  const std::vector<stats::LabelSpan> labels = stats::label_horizon(all.front().returns.size(), horizon);
  const stats::SelectionPaths paths = stats::select_on_paths(columns, labels, plan, "--cpcv");
  std::vector<double> sharpes;
  for (const std::vector<double>& path : paths.returns) {
    ReturnSeries series = all.front();
    series.returns = path;
    if (const auto value = stats::measure("sharpe", series).estimate) sharpes.push_back(*value);
  }
  std::map<std::string, std::int64_t> chosen;
  for (const std::size_t column : paths.chosen) ++chosen[all[column].name];
  Json list = Json::array(), counts = Json::object(), problems = Json::array();
  for (const double value : sharpes) list.push_back(value);
  for (const auto& [name, count] : chosen) counts[name] = count;
  for (const std::string& problem : paths.audit.problems) problems.push_back(problem);
  parts.whole["cross_validation"] = Json::object({{"folds", plan.folds}, {"tested", plan.test_folds}, {"horizon", horizon}, {"embargo", plan.embargo}, {"splits", paths.splits},
                                                  {"paths", paths.returns.size()}, {"sharpe", list}, {"chosen", counts},
                                                  {"audit", Json::object({{"clean", paths.audit.clean()}, {"method", paths.audit.method}, {"problems", problems}})}});
  parts.text += fmt::format("\nChoosing the best column by its training Sharpe ratio: {} splits, {} paths\n", paths.splits, paths.returns.size());
  if (sharpes.empty()) {
    parts.text += "no path has a variance\n";
  } else {
    std::ranges::sort(sharpes);
    const auto below = std::ranges::count_if(sharpes, [](double value) { return value < 0; });
    parts.text += fmt::format("Sharpe ratio out of sample: lowest {}, median {}, highest {}; {} of {} paths below 0\n", figure(sharpes.front()), figure(sharpes[sharpes.size() / 2]),
                              figure(sharpes.back()), below, sharpes.size());
  }
  for (const auto& [name, count] : chosen) parts.text += fmt::format("  {} chosen in {} of {} splits\n", name, count, paths.splits);
  parts.text += fmt::format("Leak audit: {} ({})\n", paths.audit.clean() ? "clean" : "not clean", paths.audit.method);
}

}  // namespace

StatsParts stats_parts(const Arguments& arguments, std::span<const ReturnSeries> series, const ReturnSeries* benchmark) {
  StatsParts parts;
  parts.strategies.assign(series.size(), Json::object());
  if (arguments.has("--factors")) add_factors(arguments, series, parts);
  else if (arguments.has("--factors-percent")) fail(Fault::Usage, "--factors-percent", "expected --factors FILE with it, was alone");
  if (arguments.has("--by")) add_groups(arguments.text("--by"), series, benchmark, parts);
  if (arguments.has("--cpcv")) add_paths(arguments, series, parts);
  else if (arguments.has("--horizon") || arguments.has("--embargo")) fail(Fault::Usage, "--cpcv", "expected --cpcv FOLDS,TEST with --horizon and --embargo, was without");
  return parts;
}

}  // namespace walras::scenarios
