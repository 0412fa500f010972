#pragma once
// Internal to reports/compose*.cpp: the chapters of a run's report.
#include "reports/charts.hpp"
#include "reports/report.hpp"
#include "stats/returns.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walras::reports {

/// Strategies that get pages of their own, charts and trade lists; tables have them all.
inline constexpr std::size_t kDetailed = 6;

/// The strategies with pages of their own: all, or the first kDetailed by out-of-sample Sharpe ratio.
[[nodiscard]] std::vector<const StrategyReport*> detailed(const ReportInput& input);
[[nodiscard]] const stats::Evidence* find(const std::vector<stats::Evidence>& evidence, std::string_view name);
[[nodiscard]] const stats::StrategyVerdict* verdict_of(const ReportInput& input, std::string_view name);
/// Whether times rise strictly, so that dates mean something.
[[nodiscard]] bool on_calendar(const Returns& returns);
[[nodiscard]] stats::ReturnSeries series_of(const StrategyReport& strategy, const ReportInput& input);
/// The out-of-sample records of a strategy in order of fold.
[[nodiscard]] std::vector<const engine::RunRecord*> records_of(const ReportInput& input, std::string_view strategy);

void add_verdict(Document& document, const ReportInput& input);
void add_provenance(Document& document, const ReportInput& input);
void add_performance(Document& document, const ReportInput& input);
void add_returns(Document& document, const ReportInput& input);
void add_positions(Document& document, const ReportInput& input);
void add_trades(Document& document, const ReportInput& input);
void add_costs(Document& document, const ReportInput& input);
void add_execution(Document& document, const ReportInput& input);
void add_walk_forward(Document& document, const ReportInput& input);
void add_significance(Document& document, const ReportInput& input);
void add_attribution(Document& document, const ReportInput& input);
void add_splits(Document& document, const ReportInput& input);
void add_learning(Document& document, const ReportInput& input);
void add_appendix(Document& document, const ReportInput& input);

}  // namespace walras::reports
