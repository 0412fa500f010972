#pragma once
// Tear sheets: results in, report.html and report.pdf out. The composition root fills ReportInput from its records and
// Evidence; compose.cpp makes a Document of it. Reports compute no statistics: a figure that is judged comes as Evidence.
// What is only shown (curves, heat maps, round trips, costs) is derived here from returns and fills.
#include "engine/base/units.hpp"
#include "engine/ledger/run_record.hpp"
#include "engine/market/types.hpp"
#include "reports/document.hpp"
#include "stats/evidence.hpp"
#include "stats/splits.hpp"
#include "stats/verdict.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace walras::reports {

/// Simple returns a period. Shape: times and net have n entries; gross, benchmark n or none. Times are period ends.
/// Where times do not rise strictly (markets generated from several seeds), charts count periods instead of dates.
struct Returns {
  std::vector<Nanos> times;
  std::vector<double> net, gross, benchmark;
};

/// One line of the walk-forward table. Absent numbers are printed as a dash with `note`.
struct FoldLine {
  std::uint32_t fold = 0;
  Nanos train_begin, train_end, test_begin, test_end;
  Json chosen;                                  ///< what was fitted: parameters by name; null = nothing to fit
  std::size_t candidates = 0;                   ///< tried inside the training span
  std::optional<double> in_sample_sharpe, out_of_sample_sharpe;    ///< 1/sqrt(year)
  std::optional<double> in_sample_return, out_of_sample_return;    ///< fraction over the span, net
  std::string note;
};

/// A curve that grew while something was trained: loss, reward, accuracy.
struct LearningCurve {
  struct Line { std::string name; std::vector<double> values; };  ///< one value a point of `x`
  std::string title, x_name, y_name;
  std::vector<double> x;
  std::vector<Line> lines;
};

/// 2.5 and 97.5 % of resampled growth of 1 from the out-of-sample start; one value an out-of-sample period.
struct Cone { std::vector<double> low, high; };

struct StrategyReport {
  std::string name, kind;
  Json parameters;                              ///< resolved, as in the scenario
  Returns in_sample;                            ///< the first fold's training window; drawn before the out-of-sample part
  Returns out_of_sample;                        ///< the concatenated test spans
  std::vector<stats::Evidence> in_sample_metrics, out_of_sample_metrics;
  std::vector<FoldLine> folds;
  std::optional<Cone> cone;
  std::vector<LearningCurve> learning;
  std::vector<std::string> warnings;
};

/// Who made these results, and from what.
struct Provenance {
  struct Input { std::string name, hash, note; };  ///< note: "universe chosen with hindsight"
  std::string record_hash, version, build, scenario_file;
  std::uint64_t seed = 0;
  std::vector<Input> inputs;
  double seconds = 0;                           ///< of the run; 0 = not told
  std::uint64_t events = 0;
};

/// What the significance chapter draws beside its tables. Empty parts are left out.
struct SignificanceView {
  struct Point { double x, y; };
  struct Line { std::string name; std::vector<Point> points; };
  struct Own { std::string name; double statistic, p_value; };
  std::vector<Point> logits;                    ///< middle of a bin of logits of the chosen trial's rank, share of splits
  std::vector<Point> degradation;               ///< annual Sharpe ratio in sample, out of sample: a sample of the splits
  std::optional<Point> degradation_line;        ///< intercept, slope
  std::vector<Line> deflated;                   ///< number of trials, probability
  std::vector<double> p_values;                 ///< of all the study's trials, ascending
  std::vector<Point> null_best;                 ///< middle of a bin of the best t of a world without alpha, share of worlds
  std::vector<Own> null_own;
  std::string null_kind;
};
/// Shares of values in `count` equal bins from the lowest to the highest; one bin where they are all equal.
[[nodiscard]] std::vector<SignificanceView::Point> bins(std::span<const double> values, std::size_t count);

struct ReportInput {
  std::string title;
  Json scenario;                                ///< resolved
  Provenance provenance;
  double periods_per_year = 0;
  std::string benchmark;                        ///< its name; empty = cash
  std::string currency = "USD";
  double risk_free = 0;                         ///< a year
  stats::Verdict verdict;                       ///< as judge() gave it; its strategies are found by name
  std::vector<StrategyReport> strategies;
  stats::LeakAudit audit;                       ///< of the folds; none audited: the chapter is left out
  std::vector<stats::GateResult> gates;
  std::string trial_study, ledger_hash;         ///< the trial ledger; the counts are the verdict's
  std::vector<stats::Evidence> study;           ///< of the study as a whole: pbo, spa ...
  SignificanceView significance;
  std::vector<std::string> notes;               ///< repeated beside the verdict (hindsight); inputs' notes are added
  std::vector<std::string> warnings;
  std::span<const engine::RunRecord> records;   ///< borrowed for the call; found by strategy name
  std::span<const engine::Instrument> instruments;
  std::size_t trades_shown = 25;                ///< a strategy; the export has them all
};

/// Everything a run's report says. Throws Error{Numeric} naming the strategy where a return is not finite or lengths differ.
[[nodiscard]] Document run_report(const ReportInput& input);

/// One run in a comparison, as its summary.json says it.
struct ComparedRun {
  std::string name;                             ///< the record's folder or file
  Json summary;                                 ///< contract: docs/schema/summary.json
  std::vector<std::pair<std::string, Returns>> out_of_sample;  ///< by strategy name; may be empty
};
/// Several finished runs beside each other: metrics, verdicts, curves from each one's own start.
[[nodiscard]] Document compare_report(const std::vector<ComparedRun>& runs);

/// One self-contained page: no request leaves it. `echarts` is the text of echarts.min.js (6.x); empty = tables and texts
/// alone, with a line that says how to get the charts. Never contains NaN: Throws Error{Numeric} where a chart does.
[[nodiscard]] std::string to_html(const Document& document, std::string_view echarts);
/// Writes to_html() atomically, reading ECharts from `echarts` where that file exists. Throws Error{Io}.
void write_html(const Document& document, const std::filesystem::path& file, const std::filesystem::path& echarts);
/// The first of these that exists, else an empty path: `named`, .deps/echarts/echarts.min.js under `source_root`,
/// walras/echarts.min.js under `share`.
[[nodiscard]] std::filesystem::path find_echarts(const std::filesystem::path& named, const std::filesystem::path& source_root,
                                                 const std::filesystem::path& share);

/// Prints a page that write_html() wrote to PDF with headless Chromium, in its sandbox; as root, as the user `nobody`.
/// Throws Error{Unavailable} where there is no Chromium or its sandbox cannot start (one line: how to get the PDF),
/// Error{Io} where it fails or takes longer than `limit`. The PDF appears whole or not at all.
void write_pdf(const std::filesystem::path& html, const std::filesystem::path& pdf,
               std::chrono::seconds limit = std::chrono::seconds{60});

}  // namespace walras::reports
