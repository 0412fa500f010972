// The trading metrics of performance.hpp: divisions of what the ledger counted, and resampled
// trades.
#include "stats/performance.hpp"

#include "engine/base/error.hpp"
#include "stats/resample.hpp"

#include <fmt/format.h>
#include <cmath>
#include <functional>

namespace walras::stats {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct Tally {
  double wins = 0, losses = 0, gained = 0, lost = 0, n = 0;
};
Tally tally(std::span<const double> trades) {
  Tally result;
  for (const double profit : trades) {
    result.wins += profit > 0 ? 1 : 0;
    result.losses += profit < 0 ? 1 : 0;
    result.gained += profit > 0 ? profit : 0;
    result.lost += profit < 0 ? -profit : 0;
    result.n += 1;
  }
  return result;
}

struct TradeMetric {
  const char* name;
  const char* unit;
  const char* formula;
  const char* reason;  // when undefined
  double (*compute)(const Tally& t);
};
constexpr TradeMetric kTradeMetrics[] = {
    {"trade_hit_rate", "fraction of round trips", "count(profit > 0) / count", "no round trips",
     [](const Tally& t) { return t.n > 0 ? t.wins / t.n : kUndefined; }},
    {"trade_payoff", "ratio", "mean(profit where > 0) / mean(|profit| where < 0)",
     "no winning or no losing round trip",
     [](const Tally& t) {
       return t.wins > 0 && t.losses > 0 ? t.gained / t.wins / (t.lost / t.losses) : kUndefined;
     }},
    {"trade_expectancy", "currency a round trip", "mean(profit)", "no round trips",
     [](const Tally& t) { return t.n > 0 ? (t.gained - t.lost) / t.n : kUndefined; }},
    {"profit_factor", "ratio", "sum(profit where > 0) / sum(|profit| where < 0)",
     "no losing round trip",
     [](const Tally& t) { return t.lost > 0 ? t.gained / t.lost : kUndefined; }},
};

}  // namespace

std::vector<Evidence> trading_metrics(const TradingFigures& figures, const Resamples& resamples) {
  std::vector<Evidence> result;
  const auto given = [&](const char* name, const char* unit, const char* formula, double value) {
    Evidence evidence;
    evidence.name = name;
    evidence.unit = unit;
    evidence.formula = formula;
    if (!std::isfinite(value))
      fail(Fault::Numeric, name, fmt::format("expected a finite number, was {}", value));
    evidence.estimate = value;
    result.push_back(std::move(evidence));
  };
  given("turnover", "1/year", "value bought and sold a year / 2 / average equity",
        figures.turnover);
  given("exposure", "fraction of periods", "periods with a position / periods", figures.exposure);
  given("gross_leverage", "ratio", "mean(sum(|position value|) / equity)", figures.gross_leverage);
  given("costs", "fraction a year", "fees, spread, slippage and borrow a year / average equity",
        figures.costs);
  given("trades", "round trips", "positions opened and closed",
        static_cast<double>(figures.trades.size()));

  for (const double profit : figures.trades) {
    if (!std::isfinite(profit)) {
      fail(Fault::Numeric, "trades", fmt::format("expected finite profits, was {}", profit));
    }
  }
  for (const TradeMetric& metric : kTradeMetrics) {
    Evidence evidence = without_estimate(metric.name, metric.unit, "");
    evidence.formula = metric.formula;
    evidence.n = figures.trades.size();
    const double value = metric.compute(tally(figures.trades));
    if (std::isnan(value)) {
      evidence.reason = metric.reason;
      result.push_back(std::move(evidence));
      continue;
    }
    evidence.estimate = value;
    if (evidence.n >= 2 && resamples.replicates >= 2) {
      const ResamplePlan plan{evidence.n, resamples.replicates, 1, resamples.seed};
      std::vector<double> values =
          bootstrap(figures.trades, plan,
                    [&](std::span<const double> trades) { return metric.compute(tally(trades)); });
      const auto undefined =
          std::erase_if(values, [](double resampled) { return std::isnan(resampled); });
      if (static_cast<double>(undefined) <= 0.01 * static_cast<double>(plan.replicates)) {
        evidence.interval = percentile_bounds(values, resamples.level);
        evidence.level = resamples.level;
        evidence.method =
            fmt::format("bootstrap of round trips, {} replicates, percentile", plan.replicates);
        evidence.assumptions = "independent round trips";
      } else {
        evidence.method =
            fmt::format("no interval: undefined in {} of {} resamples", undefined, plan.replicates);
      }
    }
    result.push_back(std::move(evidence));
  }
  return result;
}

}  // namespace walras::stats
