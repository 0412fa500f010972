// The trading metrics of performance.hpp: divisions of what the ledger counted, and resampled trades.
#include "stats/performance.hpp"

#include "engine/base/error.hpp"
#include "engine/base/parallel.hpp"
#include "stats/resample.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cmath>

namespace walras::stats {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

struct Tally {
  double wins = 0, losses = 0, gained = 0, lost = 0, n = 0, best = 0, worst = 0, square = 0;
  [[nodiscard]] double mean() const { return (gained - lost) / n; }
};
Tally tally(std::span<const double> trades) {
  Tally result;
  for (const double profit : trades) {
    result.wins += profit > 0 ? 1 : 0;
    result.losses += profit < 0 ? 1 : 0;
    result.gained += profit > 0 ? profit : 0;
    result.lost += profit < 0 ? -profit : 0;
    result.best = std::max(result.best, profit);
    result.worst = std::min(result.worst, profit);
    result.n += 1;
  }
  if (result.n > 0) {
    for (const double profit : trades) result.square += (profit - result.mean()) * (profit - result.mean());
  }
  return result;
}

/// Of round-trip profits; resampled.
struct TradeMetric {
  MetricInfo info;
  const char* reason;  // when undefined
  double (*compute)(const Tally& t);
};
constexpr const char* kTrips = "no round trips";
constexpr const char* kIndependent = "independent round trips";
constexpr Resampling I = Resampling::Interval;
constexpr Resampling N = Resampling::None;

constexpr TradeMetric kTradeMetrics[] = {
    {{"trade_hit_rate", "fraction of round trips", "count(profit > 0) / count", kIndependent, "", I}, kTrips,
     [](const Tally& t) { return t.n > 0 ? t.wins / t.n : kUndefined; }},
    {{"trade_payoff", "ratio", "mean(profit where > 0) / mean(|profit| where < 0)", kIndependent, "", I},
     "no winning or no losing round trip",
     [](const Tally& t) {
       return t.wins > 0 && t.losses > 0 ? t.gained / t.wins / (t.lost / t.losses) : kUndefined;
     }},
    {{"trade_expectancy", "currency a round trip", "mean(profit)", kIndependent, "", I}, kTrips,
     [](const Tally& t) { return t.n > 0 ? t.mean() : kUndefined; }},
    {{"profit_factor", "ratio", "sum(profit where > 0) / sum(|profit| where < 0)", kIndependent, "", I},
     "no losing round trip", [](const Tally& t) { return t.lost > 0 ? t.gained / t.lost : kUndefined; }},
    {{"trade_average_win", "currency a round trip", "mean(profit where > 0)", kIndependent, "", I},
     "no winning round trip", [](const Tally& t) { return t.wins > 0 ? t.gained / t.wins : kUndefined; }},
    {{"trade_average_loss", "currency a round trip", "mean(|profit| where < 0)", kIndependent, "", I},
     "no losing round trip", [](const Tally& t) { return t.losses > 0 ? t.lost / t.losses : kUndefined; }},
    {{"trade_expectancy_in_losses", "ratio", "mean(profit) / mean(|profit| where < 0)", kIndependent, "Tharp1998", I},
     "no losing round trip", [](const Tally& t) { return t.losses > 0 ? t.mean() / (t.lost / t.losses) : kUndefined; }},
    {{"trade_kelly", "x capital", "W - (1 - W) / trade_payoff, W = trade_hit_rate", "each round trip wins or loses its average", "Kelly1956", I},
     "no winning or no losing round trip",
     [](const Tally& t) {
       if (!(t.wins > 0 && t.losses > 0)) return kUndefined;
       return t.wins / t.n - (1 - t.wins / t.n) / (t.gained / t.wins / (t.lost / t.losses));
     }},
    {{"trade_t_statistic", "standard errors", "sqrt(count) mean(profit) / sd(profit), sd with count - 1", kIndependent, "", N},
     "fewer than two round trips, or all of one profit",
     [](const Tally& t) {
       return t.n > 1 && t.square > 0 ? t.mean() / std::sqrt(t.square / (t.n - 1) / t.n) : kUndefined;
     }},
    {{"trade_best", "currency", "max(profit, 0)", "", "", N}, kTrips, [](const Tally& t) { return t.n > 0 ? t.best : kUndefined; }},
    {{"trade_worst", "currency", "min(profit, 0)", "", "", N}, kTrips, [](const Tally& t) { return t.n > 0 ? t.worst : kUndefined; }},
};

/// Of the figures as a whole: no resampling.
struct WholeMetric {
  MetricInfo info;
  const char* reason;  // when undefined
  double (*compute)(const TradingFigures& f);
};

double mean_of(const TradingFigures& f, std::optional<double> TradeFacts::*part) {
  double sum = 0, count = 0;
  for (const TradeFacts& trade : f.trades) {
    if (!(trade.*part)) continue;
    sum += *(trade.*part);
    count += 1;
  }
  return count > 0 ? sum / count : kUndefined;
}
double longest_run(const TradingFigures& f, double sign) {
  if (f.trades.empty()) return kUndefined;
  double run = 0, longest = 0;
  for (const TradeFacts& trade : f.trades) {
    run = trade.profit * sign > 0 ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  return longest;
}
double edge_ratio(const TradingFigures& f) {
  const double against = -mean_of(f, &TradeFacts::adverse);
  return against > 0 ? mean_of(f, &TradeFacts::favourable) / against : kUndefined;
}
/// Profit a year at k times the size is k (g - s sqrt(k)): g after all costs but slippage, slippage s growing with the
/// square root of size. It is zero at (g / s)^2 and largest at (2 g / 3 s)^2.
double capacity(const TradingFigures& f, double share) {
  const double edge = f.gross - (f.costs - f.slippage);
  if (!(f.slippage > 0 && edge > 0 && f.capital > 0)) return kUndefined;
  return f.capital * std::pow(share * edge / f.slippage, 2);
}
constexpr const char* kNoCapacity = "no slippage to scale, or no profit before it";
constexpr const char* kSquareRoot = "slippage grows with the square root of size, other costs in proportion";

constexpr WholeMetric kWholeMetrics[] = {
    {{"turnover", "1/year", "value bought and sold a year / 2 / average equity", "", "", N}, "",
     [](const TradingFigures& f) { return f.turnover; }},
    {{"exposure", "fraction of periods", "periods with a position / periods", "", "", N}, "",
     [](const TradingFigures& f) { return f.exposure; }},
    {{"gross_leverage", "ratio", "mean(sum(|position value|) / equity)", "", "", N}, "",
     [](const TradingFigures& f) { return f.gross_leverage; }},
    {{"costs", "fraction a year", "fees, spread, slippage and borrow a year / average equity", "", "", N}, "",
     [](const TradingFigures& f) { return f.costs; }},
    {{"concentration", "fraction of position value", "mean(largest |position value| / sum(|position value|))", "", "", N}, "no positions",
     [](const TradingFigures& f) { return f.dominant_share > 0 ? f.dominant_share : kUndefined; }},
    {{"break_even_cost", "basis points of value traded", "profit before costs / value traded: the cost a trade that leaves nothing", "", "", N},
     "nothing was traded",
     [](const TradingFigures& f) { return f.turnover > 0 ? f.gross / (2 * f.turnover) * 1e4 : kUndefined; }},
    {{"capacity", "currency", "C ((g - f) / s)^2: equity at which slippage eats the profit; C average equity, g gross, f other costs, s slippage",
      kSquareRoot, "AlmgrenThumHauptmannLi2005", N},
     kNoCapacity, [](const TradingFigures& f) { return capacity(f, 1); }},
    {{"best_size", "currency", "C (2 (g - f) / (3 s))^2: equity at which profit in currency is largest", kSquareRoot,
      "AlmgrenThumHauptmannLi2005", N},
     kNoCapacity, [](const TradingFigures& f) { return capacity(f, 2.0 / 3); }},
    {{"trades", "round trips", "positions opened and closed", "", "", N}, "",
     [](const TradingFigures& f) { return static_cast<double>(f.trades.size()); }},
    {{"trades_per_year", "round trips a year", "round trips / calendar years", "", "", N}, "the time traded is not known",
     [](const TradingFigures& f) { return f.years > 0 ? static_cast<double>(f.trades.size()) / f.years : kUndefined; }},
    {{"trade_return", "fraction of the value entered", "mean(profit / value entered)", "", "", N}, "no round trips of known value",
     [](const TradingFigures& f) { return mean_of(f, &TradeFacts::fraction); }},
    {{"trade_holding", "days", "mean time from first to last fill", "", "", N}, "no round trips of known length",
     [](const TradingFigures& f) { return mean_of(f, &TradeFacts::days); }},
    {{"trade_consecutive_wins", "round trips", "longest run of profit > 0, in order of entry", "", "", N}, kTrips,
     [](const TradingFigures& f) { return longest_run(f, 1); }},
    {{"trade_consecutive_losses", "round trips", "longest run of profit < 0, in order of entry", "", "", N}, kTrips,
     [](const TradingFigures& f) { return longest_run(f, -1); }},
    {{"adverse_excursion", "fraction of the value entered", "mean(worst unrealised profit of a round trip / value entered)",
      "marks at period ends", "Sweeney1997", N},
     "no marks within round trips", [](const TradingFigures& f) { return mean_of(f, &TradeFacts::adverse); }},
    {{"favourable_excursion", "fraction of the value entered", "mean(best unrealised profit of a round trip / value entered)",
      "marks at period ends", "Sweeney1997", N},
     "no marks within round trips", [](const TradingFigures& f) { return mean_of(f, &TradeFacts::favourable); }},
    {{"edge_ratio", "ratio", "favourable_excursion / -adverse_excursion", "marks at period ends", "", N},
     "no marks within round trips, or none against them", edge_ratio},
};

Evidence blank(const MetricInfo& info) {
  Evidence evidence = without_estimate(std::string(info.name), std::string(info.unit), "");
  evidence.formula = info.formula;
  evidence.assumptions = info.assumptions;
  evidence.source = info.source;
  return evidence;
}

void check(const TradingFigures& figures) {
  const auto finite = [](const char* name, double value) {
    if (!std::isfinite(value)) fail(Fault::Numeric, name, fmt::format("expected a finite number, was {}", value));
  };
  finite("turnover", figures.turnover);
  finite("exposure", figures.exposure);
  finite("gross_leverage", figures.gross_leverage);
  finite("costs", figures.costs);
  finite("gross", figures.gross);
  finite("slippage", figures.slippage);
  finite("capital", figures.capital);
  for (const TradeFacts& trade : figures.trades) {
    finite("trades", trade.profit);
    for (const auto& part : {trade.fraction, trade.days, trade.adverse, trade.favourable}) finite("trades", part.value_or(0));
  }
}

/// Intervals of all trade metrics from one set of resamples: each is tallied once.
void resample(std::span<const double> profits, const Resamples& resamples, std::span<Evidence> evidence) {
  const ResamplePlan plan{profits.size(), resamples.replicates, 1, resamples.seed};
  constexpr std::size_t kMany = std::size(kTradeMetrics);
  std::vector<std::array<double, kMany>> values(plan.replicates);
  const BlockSampler sampler(plan);
  parallel_chunks(plan.replicates, 32, [&](std::size_t begin, std::size_t end, std::size_t) {
    std::vector<Block> blocks;
    std::vector<double> drawn(profits.size());
    for (std::size_t b = begin; b < end; ++b) {
      sampler.draw(b, blocks);
      take_blocks(profits, blocks, drawn);
      const Tally counted = tally(drawn);
      for (std::size_t m = 0; m < kMany; ++m) values[b][m] = kTradeMetrics[m].compute(counted);
    }
  });
  for (std::size_t m = 0; m < kMany; ++m) {
    if (kTradeMetrics[m].info.resampling != I || !evidence[m].estimate) continue;
    std::vector<double> own;
    for (const auto& row : values) {
      if (!std::isnan(row[m])) own.push_back(row[m]);
    }
    const std::size_t undefined = plan.replicates - own.size();
    if (static_cast<double>(undefined) > 0.01 * static_cast<double>(plan.replicates)) {
      evidence[m].method = fmt::format("no interval: undefined in {} of {} resamples", undefined, plan.replicates);
      continue;
    }
    evidence[m].interval = percentile_bounds(own, resamples.level);
    evidence[m].level = resamples.level;
    evidence[m].method = fmt::format("bootstrap of round trips, {} replicates, percentile", plan.replicates);
  }
}

}  // namespace

std::vector<MetricInfo> trading_metric_list() {
  std::vector<MetricInfo> list;
  for (const WholeMetric& metric : kWholeMetrics) list.push_back(metric.info);
  for (const TradeMetric& metric : kTradeMetrics) list.push_back(metric.info);
  for (MetricInfo& info : list) info.group = "trading";
  return list;
}

std::vector<Evidence> trading_metrics(const TradingFigures& figures, const Resamples& resamples) {
  check(figures);
  std::vector<Evidence> result;
  for (const WholeMetric& metric : kWholeMetrics) {
    Evidence evidence = blank(metric.info);
    const double value = metric.compute(figures);
    if (std::isfinite(value)) evidence.estimate = value;
    else evidence.reason = std::isnan(value) ? metric.reason : "the figure overflows";
    result.push_back(std::move(evidence));
  }
  std::vector<double> profits;
  for (const TradeFacts& trade : figures.trades) profits.push_back(trade.profit);
  const Tally whole = tally(profits);
  const std::size_t first = result.size();
  for (const TradeMetric& metric : kTradeMetrics) {
    Evidence evidence = blank(metric.info);
    evidence.n = profits.size();
    const double value = metric.compute(whole);
    if (!std::isfinite(value)) {
      evidence.reason = metric.reason;
    } else {
      evidence.estimate = value;
    }
    result.push_back(std::move(evidence));
  }
  if (profits.size() >= 2 && resamples.replicates >= 2) resample(profits, resamples, std::span(result).subspan(first));
  return result;
}

}  // namespace walras::stats
