#pragma once
// The metrics of a tear sheet. Each is one entry of a list: name, unit, formula, what it assumes,
// and a function of sums over the returns, of the path, or of their order, so that the estimate and
// its resamples come from one formula. What cannot be computed (no variance, no loss, one day,
// ruin) says why. Knows no market and no trades beyond the numbers given to it.
#include "stats/evidence.hpp"
#include "stats/returns.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walras::stats {

/// What a figure depends on besides the returns. Yearly rates become per-period ones by (1 +
/// r)^(1/p) - 1, once.
struct Conventions {
  double risk_free = 0;  ///< a year; in excess returns. Range: > -1
  double minimum_acceptable =
      0;               ///< MAR a year; for Sortino, downside deviation and Omega. Range: > -1
  double tail = 0.05;  ///< probability beyond VaR and CVaR, and of the tail ratio. Range: (0, 0.5)
  double ruin_loss = 0.5;  ///< share of the starting capital whose loss is ruin. Range: (0, 1)
  /// Replaces the years told from time stamps, as for joined test spans.
  std::optional<double> calendar_years = std::nullopt;
};
/// Rate a period that compounds to `yearly` over `periods_per_year` periods.
[[nodiscard]] double per_period_rate(double yearly, double periods_per_year);

/// What a metric's resamples are called.
enum class Resampling : std::uint8_t {
  None,
  Interval,  ///< a confidence interval: a smooth function of the returns' distribution
  Range      ///< the spread over resampled paths of this length
};

/// What is known of a metric before any number.
struct MetricInfo {
  std::string_view name, unit, formula, assumptions, source;
  Resampling resampling = Resampling::None;
  bool needs_benchmark = false;
  std::string_view group = {};  ///< "return", "risk", "ratio", "drawdown", "tail", "benchmark"
};
/// Every metric of returns, in the order of a tear sheet.
[[nodiscard]] std::vector<MetricInfo> metric_list();

/// Every metric of `series`, in the order of metric_list(), without intervals; those that need a
/// benchmark only when there is one. Throws Error{Data} as check() does, and Error{Numeric} for
/// conventions out of range.
[[nodiscard]] std::vector<Evidence> measure(const ReturnSeries& series,
                                            const Conventions& conventions = {},
                                            const ReturnSeries* benchmark = nullptr);
/// One metric by name. Throws Error{Numeric} when there is none of that name.
[[nodiscard]] Evidence measure(std::string_view metric, const ReturnSeries& series,
                               const Conventions& conventions = {},
                               const ReturnSeries* benchmark = nullptr);

/// measure() with 95 % intervals and ranges from the stationary bootstrap: those of mean and Sharpe
/// studentised, the others by percentile. Series that share `replicates`, `mean_block` and `seed`
/// and have equal length share indices.
struct Resamples {
  std::size_t replicates = 2000;
  double mean_block = 0;  ///< 0: automatic, for this series alone
  std::uint64_t seed = 0;
  double level = 0.95;
};
[[nodiscard]] std::vector<Evidence> measure_with_intervals(const ReturnSeries& series,
                                                           const Conventions& conventions,
                                                           const ReturnSeries* benchmark,
                                                           const Resamples& resamples);

/// A fall from a former high of equity (the starting capital included) and the way back.
struct Drawdown {
  std::size_t peak = 0, trough = 0;     ///< in equity_curve(): 0 is the starting capital
  std::optional<std::size_t> recovery;  ///< first value at or above the peak; absent: ongoing
  Nanos peak_time, trough_time;
  std::optional<Nanos> recovery_time;
  double depth = 0;  ///< fraction of the peak, in (0, 1]
  Nanos length;      ///< from the peak to recovery, or to the last date when ongoing
};
/// The deepest drawdowns, deepest first, earlier first among equals. They do not overlap.
[[nodiscard]] std::vector<Drawdown> worst_drawdowns(const ReturnSeries& series,
                                                    std::size_t count = 10);
/// Fraction below the running peak at each period's end, as a positive number. Shape: n.
[[nodiscard]] std::vector<double> underwater(std::span<const double> returns);
/// The same at each period's low: `lows` are low / previous close - 1, at most the period's return.
/// Shape: n, n.
[[nodiscard]] std::vector<double> underwater(std::span<const double> returns,
                                             std::span<const double> lows);

/// One year's compounded returns; months without a period's end are absent. Dates are UTC.
struct YearReturns {
  int year = 0;
  std::array<std::optional<double>, 12> months;
  double total = 0;
};
[[nodiscard]] std::vector<YearReturns> yearly_returns(const ReturnSeries& series);

/// Over the `window` periods up to each period, annualised by the bar frequency, never by the
/// window. Shape: n; absent before a full window and where a window has no variance (for the Sharpe
/// ratio). Range: window >= 2.
[[nodiscard]] std::vector<std::optional<double>> rolling_volatility(const ReturnSeries& series,
                                                                    std::size_t window);
[[nodiscard]] std::vector<std::optional<double>> rolling_sharpe(const ReturnSeries& series,
                                                                std::size_t window,
                                                                double risk_free = 0);
/// The minimum acceptable return is a year's; only the window's own periods count. Absent where none fell below it.
[[nodiscard]] std::vector<std::optional<double>> rolling_sortino(const ReturnSeries& series, std::size_t window,
                                                                 double minimum_acceptable = 0);
/// Any metric of metric_list() over the `window` periods up to every `step`-th period, counted back from the last.
/// Shape: n; absent between steps, before a full window, and where the metric has no estimate. Range: step >= 1.
/// Throws Error{Numeric} for an unknown metric, and for one that needs a benchmark where there is none.
[[nodiscard]] std::vector<std::optional<double>> rolling_metric(std::string_view metric, const ReturnSeries& series,
                                                                std::size_t window, std::size_t step = 1,
                                                                const Conventions& conventions = {},
                                                                const ReturnSeries* benchmark = nullptr);
/// Beta to an aligned benchmark. Shape: benchmark n.
[[nodiscard]] std::vector<std::optional<double>> rolling_beta(const ReturnSeries& series,
                                                              std::span<const double> benchmark,
                                                              std::size_t window);

/// One round trip, from flat to flat.
struct TradeFacts {
  double profit = 0;                              ///< after costs, in currency
  std::optional<double> fraction = std::nullopt;  ///< profit over the value entered
  std::optional<double> days = std::nullopt;      ///< from first to last fill
  /// Worst and best unrealised profit on the way over the value entered: adverse <= 0 <= favourable; absent where no
  /// mark was seen.
  std::optional<double> adverse = std::nullopt, favourable = std::nullopt;
};

/// What trading did, as the ledger counted it; the statistics only divide and resample.
struct TradingFigures {
  double turnover = 0;  ///< value traded over a year, one way, as a multiple of average equity
  double exposure = 0;  ///< share of periods with a position, in [0, 1]
  double gross_leverage = 0;  ///< average gross position value over equity
  double costs = 0;           ///< fees, spread and slippage a year, as a fraction of average equity
  std::vector<TradeFacts> trades = {};  ///< in order of entry
  double years = 0;           ///< calendar years traded; 0: not known
  double capital = 0;         ///< average equity, in currency; 0: not known
  double gross = 0;           ///< profit before costs a year, as a fraction of average equity
  double slippage = 0;        ///< the part of `costs` that is spread, slippage and impact
  double dominant_share = 0;  ///< mean share of the largest position in gross position value; 0: not known
};
/// What trading_metrics() gives, before any number.
[[nodiscard]] std::vector<MetricInfo> trading_metric_list();
/// Turnover, exposure, costs, break-even cost, capacity, and the statistics of round trips: every entry of
/// trading_metric_list(). Trade metrics resample trades (independently) for their intervals. Throws Error{Numeric}
/// when a number is not finite.
[[nodiscard]] std::vector<Evidence> trading_metrics(const TradingFigures& figures,
                                                    const Resamples& resamples);

}  // namespace walras::stats
