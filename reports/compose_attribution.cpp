// The chapters on where returns came from, and on the splits between what was learnt from and what was judged.
#include "reports/attribution.hpp"
#include "reports/compose.hpp"
#include "reports/format.hpp"
#include "stats/attribution.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::reports {
namespace {

constexpr std::size_t kInstruments = 12;  ///< shown one by one; the rest is summed

std::string amount(double value) { return fixed(value, std::fabs(value) < 1000 ? 2 : 0); }

/// Instruments by the size of their profit, the rest as one line.
void add_instruments(Document& document, const ReportInput& input, const StrategyReport& strategy) {
  const auto records = records_of(input, strategy.name);
  const ProfitParts parts = profit_parts(records, input.instruments);
  if (parts.instruments.empty()) return;
  const std::vector<stats::RiskShare> risks = stats::risk_shares(parts.contributions);
  std::vector<std::size_t> order(parts.instruments.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return std::fabs(parts.instruments[a].profit) > std::fabs(parts.instruments[b].profit); });
  const std::size_t shown = std::min(order.size(), kInstruments);
  std::sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(shown));  // back to the largest profit first

  TableBlock table{.caption = "Profit and risk by instrument: " + strategy.name,
                   .columns = {{"Instrument", Align::Left}, {"Profit", Align::Right, input.currency + ", after fees"}, {"Contribution", Align::Right, "to return, summed"},
                               {"Fees", Align::Right, input.currency}, {"Slippage", Align::Right, input.currency}, {"Traded", Align::Right, input.currency}, {"Fills"},
                               {"Risk", Align::Right, "share of variance"}, {"Volatility", Align::Right, "contribution, annual"}},
                   .rows = {}, .note = {}, .compact = true};
  const double root = std::sqrt(input.periods_per_year > 0 ? input.periods_per_year : 252);
  const auto summed = [](const stats::Part& part) {
    double sum = 0;
    for (const double value : part.contributions) sum += value;
    return sum;
  };
  InstrumentProfit all;
  double contribution = 0, share = 0, risk = 0;
  std::vector<std::string> names;
  std::vector<std::optional<double>> profits;
  InstrumentProfit rest;
  double rest_contribution = 0, rest_share = 0, rest_risk = 0;
  const auto row = [&](const std::string& name, const InstrumentProfit& one, double contributed, double variance, double volatility) {
    table.rows.push_back({{name}, {amount(one.profit)}, {percent(contributed)}, {amount(one.fees)}, {amount(one.slippage)}, {amount(one.traded)},
                          {count(static_cast<std::int64_t>(one.fills))}, {risks.empty() ? std::string(kDash) : percent(variance)},
                          {risks.empty() ? std::string(kDash) : percent(volatility * root)}});
    names.push_back(name);
    profits.emplace_back(one.profit);
  };
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    const std::size_t i = order[rank];
    const InstrumentProfit& one = parts.instruments[i];
    const double contributed = summed(parts.contributions[i]);
    const double variance = risks.empty() ? 0 : risks[i].share, volatility = risks.empty() ? 0 : risks[i].contribution;
    all.profit += one.profit, all.fees += one.fees, all.slippage += one.slippage, all.traded += one.traded, all.fills += one.fills;
    contribution += contributed, share += variance, risk += volatility;
    if (rank < shown) {
      row(input.instruments[one.instrument].name, one, contributed, variance, volatility);
    } else {
      rest.profit += one.profit, rest.fees += one.fees, rest.slippage += one.slippage, rest.traded += one.traded, rest.fills += one.fills;
      rest_contribution += contributed, rest_share += variance, rest_risk += volatility;
    }
  }
  if (order.size() > shown) row(fmt::format("{} others", order.size() - shown), rest, rest_contribution, rest_share, rest_risk);
  if (parts.contributions.size() > parts.instruments.size()) {  // financing
    const std::size_t last = parts.contributions.size() - 1;
    InstrumentProfit financing;
    financing.profit = parts.financing;
    const double contributed = summed(parts.contributions[last]);
    const double variance = risks.empty() ? 0 : risks[last].share, volatility = risks.empty() ? 0 : risks[last].contribution;
    row("Dividends and financing", financing, contributed, variance, volatility);
    all.profit += financing.profit;
    contribution += contributed, share += variance, risk += volatility;
  }
  const std::size_t bars = names.size();
  table.rule_after = table.rows.size();
  row("All", all, contribution, share, risk);
  names.resize(bars);
  profits.resize(bars);
  table.note = "Parts add up. A negative share of variance: the instrument moved against the rest and made the whole calmer.";
  if (bars > 1) {
    Chart chart = bar_chart(names, {strategy.name}, {profits}, "Profit by instrument: " + strategy.name, "money");
    chart.message = fmt::format("Largest: {} with {}; smallest: {} with {}.", names.front(), money(*profits.front(), input.currency), input.instruments[parts.instruments.back().instrument].name,
                                money(parts.instruments.back().profit, input.currency));
    document.add(std::move(chart));
  }
  document.add(std::move(table));
}

void add_group_table(std::vector<Block>& blocks, const std::string& caption, const std::string& first, const std::vector<stats::Group>& groups, const std::string& note) {
  if (groups.size() < 2) return;
  TableBlock table{.caption = caption,
                   .columns = {{first, Align::Left}, {"Periods"}, {"Return", Align::Right, "a period"}, {"Standard error"}, {"Sum", Align::Right, "adds up"}, {"Compounded"}, {"Above 0"},
                               {"p", Align::Right, "alone"}, {"p", Align::Right, "of so many"}},
                   .rows = {}, .note = note, .compact = true};
  for (const stats::Group& group : groups) {
    Cell adjusted{p_value(group.adjusted)};
    if (group.adjusted && *group.adjusted <= 0.05) adjusted.tone = Tone::Caution;
    table.rows.push_back({{group.label}, {count(static_cast<std::int64_t>(group.n))}, {fixed(group.mean * 100, 3) + "\u00a0%"},
                          {group.standard_error ? fixed(*group.standard_error * 100, 3) + "\u00a0%" : std::string(kDash)}, {percent(group.sum)}, {percent(group.growth)},
                          {percent(group.hit_rate)}, {p_value(group.p_value)}, std::move(adjusted)});
  }
  blocks.push_back(Block{std::move(table)});
}

void add_times(Document& document, const ReportInput& input, const StrategyReport& strategy) {
  const stats::ReturnSeries series = series_of(strategy, input);
  const std::string note = "p: of a mean like that of all other periods (Welch); of so many: allowing for the number of groups (Holm). UTC.";
  const bool within_day = input.periods_per_year > 400;
  std::vector<Block> blocks;
  if (within_day) add_group_table(blocks, "By hour: " + strategy.name, "Hour", stats::by_time(series, stats::TimeUnit::Hour), note);
  if (input.periods_per_year > 60) add_group_table(blocks, "By weekday: " + strategy.name, "Weekday", stats::by_time(series, stats::TimeUnit::Weekday), note);
  add_group_table(blocks, "By month: " + strategy.name, "Month", stats::by_time(series, stats::TimeUnit::Month), note);
  if (!blocks.empty()) document.add(Details{"Returns of " + strategy.name + " by time", std::move(blocks)});
}

void add_regimes(Document& document, const ReportInput& input, const StrategyReport& strategy) {
  const stats::ReturnSeries series = series_of(strategy, input);
  const auto window = static_cast<std::size_t>(std::clamp((input.periods_per_year > 0 ? input.periods_per_year : 252) / 4, 3.0, 1e6));
  if (series.returns.size() < 4 * window) return;
  const bool own = strategy.out_of_sample.benchmark.empty();
  const std::vector<double>& market = own ? strategy.out_of_sample.net : strategy.out_of_sample.benchmark;
  const std::string whose = own ? "the strategy" : input.benchmark.empty() ? "the benchmark" : input.benchmark;
  const std::vector<std::string> labels = stats::volatility_regimes(market, window);
  const std::vector<std::string> trend = stats::trend_regimes(market, window);
  TableBlock table{.caption = "By regime of " + whose + ": " + strategy.name,
                   .columns = {{"Regime", Align::Left}, {"Periods"}, {"Return", Align::Right, "mean a year"}, {"Volatility", Align::Right, "annual"}, {"Sharpe ratio"},
                               {"Drawdown", Align::Right, "worst, laid end to end"}},
                   .rows = {},
                   .note = fmt::format("Told before each period from the {} periods before it: volatility against what had been seen until then (thirds), trend by the sign of growth.", window),
                   .compact = true};
  for (const auto* list : {&labels, &trend}) {
    for (const char* label : {"calm", "normal", "turbulent", "rising", "falling"}) {
      for (const stats::RegimeMetrics& regime : stats::metrics_by_label(series, *list, input.risk_free)) {
        if (regime.label != label) continue;
        const auto get = [&](const char* name) { return estimate(*find(regime.metrics, name)); };
        table.rows.push_back({{sentence(label)}, {count(static_cast<std::int64_t>(regime.metrics.front().n))}, {get("mean_return")}, {get("volatility")}, {get("sharpe")}, {get("max_drawdown")}});
      }
    }
    if (list == &labels) table.rule_after = table.rows.size();
  }
  if (table.rows.size() > 1) document.add(std::move(table));
}

// --- Splits

Json object(Json::Object members) { return Json::object(std::move(members)); }

/// One bar a fold on the axis of time: training, what was left out, test.
Chart split_chart(const std::vector<FoldLine>& folds) {
  const auto at = [](Nanos time) { return Json(time.value / 1'000'000); };
  const auto part = [&](const char* name, const char* colour, auto begin, auto end) {
    Json::Array data;
    for (std::size_t k = 0; k < folds.size(); ++k) {
      const Nanos from = begin(folds[k]), to = end(folds[k]);
      if (to <= from) continue;
      const Json row(static_cast<std::int64_t>(k + 1));
      data.push_back(Json::array({at(from), row}));
      data.push_back(Json::array({at(to), row}));
      data.push_back(Json::array({at(to), Json("-")}));
    }
    return object({{"type", "line"}, {"name", name}, {"color", colour}, {"showSymbol", false}, {"connectNulls", false}, {"silent", true},
                   {"lineStyle", object({{"width", folds.size() > 20 ? 5 : 11}, {"cap", "butt"}})}, {"data", Json::array(std::move(data))}});
  };
  Json options = object({{"grid", object({{"left", 56}, {"right", 18}, {"top", 40}, {"bottom", 40}})},
                         {"legend", object({{"show", true}, {"top", 0}, {"left", 0}, {"itemWidth", 14}, {"itemHeight", 8}})},
                         {"tooltip", object({{"show", false}})},
                         {"xAxis", object({{"type", "time"}, {"splitLine", object({{"show", false}})}})},
                         {"yAxis", object({{"type", "value"}, {"inverse", true}, {"min", 0}, {"max", static_cast<std::int64_t>(folds.size() + 1)}, {"minInterval", 1}, {"name", "fold"},
                                           {"splitLine", object({{"show", false}})}})},
                         {"series", Json::array({part("training", "@series1", [](const FoldLine& f) { return f.train_begin; }, [](const FoldLine& f) { return f.train_end; }),
                                                 part("left out", "@benchmark", [](const FoldLine& f) { return f.train_end; }, [](const FoldLine& f) { return f.test_begin; }),
                                                 part("test", "@series2", [](const FoldLine& f) { return f.test_begin; }, [](const FoldLine& f) { return f.test_end; })})},
                         {"walras", object({{"x", "time"}, {"y", "count"}})}});
  return {.title = "Training and test spans", .options = std::move(options), .label = "Each fold's training and test span on the axis of time",
          .message = fmt::format("{} fold{}: each is trained on the span before its test span; no test span is met twice.", folds.size(), folds.size() == 1 ? "" : "s"),
          .height = static_cast<int>(std::clamp<std::size_t>(90 + 22 * folds.size(), 150, 420))};
}

}  // namespace

void add_attribution(Document& document, const ReportInput& input) {
  std::vector<const StrategyReport*> strategies = detailed(input);
  std::erase_if(strategies, [](const auto* strategy) { return strategy->out_of_sample.net.empty(); });
  if (strategies.empty()) return;
  document.add(Heading{2, "Where the return came from", "Attribution"});
  document.add(Paragraph{"Out of sample. Breakdowns that were not foreseen find patterns in luck too: each group's p-value allows for the number of groups, and none of "
                         "them enters the verdict.", Tone::Muted});
  for (const auto* strategy : strategies) {
    document.add(Heading{3, strategy->name});
    add_instruments(document, input, *strategy);
    if (on_calendar(strategy->out_of_sample)) {
      add_regimes(document, input, *strategy);
      add_times(document, input, *strategy);
    }
  }
}

void add_splits(Document& document, const ReportInput& input) {
  if (input.audit.folds == 0) return;
  document.add(Heading{2, "Splits and leaks", "Splits"});
  const bool clean = input.audit.clean();
  document.add(Paragraph{fmt::format("Leak audit of {} fold{}: {}. Checked: {}.", input.audit.folds, input.audit.folds == 1 ? "" : "s", clean ? "clean" : "not clean", input.audit.method),
                         clean ? Tone::Good : Tone::Bad});
  for (const std::string& problem : input.audit.problems) document.add(Paragraph{sentence(problem) + ".", Tone::Bad});
  const std::vector<FoldLine>* folds = input.strategies.empty() ? nullptr : &input.strategies.front().folds;
  if (folds == nullptr || folds->empty() || folds->front().train_end <= folds->front().train_begin) return;
  const bool recorded = std::all_of(folds->begin(), folds->end(), [](const FoldLine& f) { return f.train_end <= f.test_begin; });
  if (recorded) document.add(split_chart(*folds));
  else document.add(Paragraph{"Folds of a generated market are disjoint sets of seeds: training and test paths lie over the same dates and share no random number.", Tone::Muted});
}

}  // namespace walras::reports
