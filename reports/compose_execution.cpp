#include "reports/compose.hpp"

#include "engine/ledger/execution_quality.hpp"
#include "reports/format.hpp"

#include <fmt/format.h>

#include <map>

namespace walras::reports {
namespace {

using engine::ExecutionSummary;

std::string bps(const std::optional<double>& value) { return value ? fixed(*value, 2) : std::string(kDash); }

std::string horizon_words(std::int64_t horizon, bool in_bars) {
  if (in_bars) return fmt::format("{} bar{}", horizon, horizon == 1 ? "" : "s");
  const double seconds = static_cast<double>(horizon) / 1e9;
  return seconds < 1 ? fmt::format("{} ms", number(seconds * 1e3)) : fmt::format("{} s", number(seconds));
}

std::string seconds_words(const std::optional<double>& seconds) {
  return seconds ? number(*seconds) : std::string(kDash);
}

}  // namespace

void add_execution(Document& document, const ReportInput& input) {
  std::vector<std::pair<std::string, ExecutionSummary>> found;
  for (const StrategyReport& strategy : input.strategies) {
    ExecutionSummary summary = execution_summary(records_of(input, strategy.name), input.instruments);
    if (summary.orders + summary.refused > 0) found.emplace_back(strategy.name, std::move(summary));
  }
  if (found.empty()) return;
  const bool in_bars = found.front().second.in_bars;
  document.add(Heading{2, "Execution quality", "Execution"});
  document.add(Paragraph{std::string("Out of sample, all folds. Costs are positive, what was earned is negative. Shortfall compares with the mid when an order was decided, on the trader's clock; "
                                     "effective and realised spreads with the mid at the venue just before a fill and some time after it.") +
                             (in_bars ? " On bars the mid before a fill is the price of the fill rule, later ones are closes." : ""),
                         Tone::Muted});
  TableBlock orders{.caption = "Orders",
                    .columns = {{"Strategy", Align::Left}, {"Orders"}, {"Refused"}, {"Filled", Align::Right, "orders"}, {"Fill ratio", Align::Right, "by value"}, {"As maker", Align::Right, "by value"},
                                {"Delay", Align::Right, "s"}, {"Queue", Align::Right, "s"}},
                    .rows = {}};
  TableBlock costs{.caption = "Implementation shortfall and spreads, in basis points",
                   .columns = {{"Strategy", Align::Left}, {"Shortfall"}, {"Delay"}, {"Trading"}, {"Missed"}, {"Fees"}, {"Against arrival"}, {"Against VWAP"}, {"Effective spread"},
                               {"as taker"}, {"as maker"}},
                   .rows = {}, .note = "Shortfall and its four parts are of the value sent, the rest of the value filled.", .compact = true};
  TableBlock after{.caption = "After the fill, in basis points",
                   .columns = {{"Strategy", Align::Left}, {"After", Align::Left}, {"Fills"}, {"Realised spread"}, {"Adverse selection", Align::Right, "effective less realised"},
                               {"of makers"}},
                   .rows = {}, .note = "Adverse selection below zero means that prices ran against the fills: a maker is run over. A taker's own impact, and what it knew, show above zero.", .compact = true};
  for (const auto& [name, s] : found) {
    orders.rows.push_back({{name}, {count(static_cast<std::int64_t>(s.orders))}, {count(static_cast<std::int64_t>(s.refused))}, {count(static_cast<std::int64_t>(s.filled))}, {percent(s.fill_ratio)},
                           {percent(s.maker_share)}, {seconds_words(s.delay_s)}, {seconds_words(s.queue_s)}});
    costs.rows.push_back({{name}, {bps(s.shortfall_bps)}, {bps(s.delay_bps)}, {bps(s.trading_bps)}, {bps(s.opportunity_bps)}, {bps(s.fees_bps)}, {bps(s.arrival_bps)}, {bps(s.vwap_bps)},
                          {bps(s.effective_spread_bps)}, {bps(s.taker_effective_spread_bps)}, {bps(s.maker_effective_spread_bps)}});
    for (const ExecutionSummary::After& at : s.after) {
      after.rows.push_back({{name}, {horizon_words(at.horizon, s.in_bars)}, {count(static_cast<std::int64_t>(at.fills))}, {fixed(at.realised_spread_bps, 2)}, {fixed(at.adverse_bps, 2)},
                            {at.maker_fills > 0 ? fixed(at.maker_adverse_bps, 2) : std::string(kDash)}});
    }
  }
  document.add(std::move(orders));
  document.add(std::move(costs));
  if (!after.rows.empty()) document.add(std::move(after));
}

}  // namespace walras::reports
