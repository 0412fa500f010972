#include "engine/ledger/execution_quality.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace walras::engine {
namespace {

/// Money that one lot gains when the price rises by half a tick.
double half_tick(const Instrument& instrument) { return instrument.tick_value().units() / 2; }

/// By order: its row.
std::map<OrderId, std::size_t> rows_of(const RunRecord& record) {
  std::map<OrderId, std::size_t> rows;
  for (std::size_t i = 0; i < record.orders.size(); ++i) rows.emplace_hint(rows.end(), record.orders[i].order, i);
  return rows;
}

bool refused(const OrderRow& row) { return row.reject != Reject::None && row.filled.value == 0; }

struct Sum {
  double cost = 0, value = 0;
  void add(double c, double v) {
    cost += c;
    value += v;
  }
  [[nodiscard]] std::optional<double> bps() const { return value > 0 ? std::optional(cost / value * 1e4) : std::nullopt; }
};

/// What the sums of all records are made of.
struct Sums {
  ExecutionSummary summary;
  double delay_ns = 0, queue = 0;
  Shortfall shortfall;
  Sum arrival, vwap, effective, maker, taker;
  struct After { Sum realised, adverse, maker_adverse; std::size_t fills = 0, maker_fills = 0; };
  std::map<std::int64_t, After> after;

  void add(const RunRecord& record, std::span<const Instrument> instruments) {
    if (record.executions.size() != record.orders.size()) return;   // an older record measured nothing
    summary.in_bars = summary.in_bars || record.horizons_in_bars;
    const auto costs = shortfalls(record, instruments);
    for (std::size_t i = 0; i < record.orders.size(); ++i) add_order(record, i, costs[i]);
    add_fills(record, instruments);
  }

  void add_order(const RunRecord& record, std::size_t i, const std::optional<Shortfall>& cost) {
    const OrderRow& row = record.orders[i];
    const ExecutionRow& execution = record.executions[i];
    if (refused(row)) {
      ++summary.refused;
      return;
    }
    if (execution.arrived == kNever) return;   // under way at the end, or a closing by the simulation itself
    ++summary.orders;
    summary.filled += row.filled.value > 0;
    delay_ns += static_cast<double>((execution.arrived - row.time).value);
    if (!cost) return;
    shortfall.delay += cost->delay;
    shortfall.trading += cost->trading;
    shortfall.opportunity += cost->opportunity;
    shortfall.fees += cost->fees;
    summary.sent_value += cost->value;
    summary.filled_value += cost->value * static_cast<double>(row.filled.value) / static_cast<double>(row.quantity.value);
  }

  void add_fills(const RunRecord& record, std::span<const Instrument> instruments) {
    const std::map<OrderId, std::size_t> rows = rows_of(record);
    std::vector<std::int64_t> mids(record.fills.size(), kNoMid);
    for (const MarkoutRow& mark : record.markouts) {
      if (mark.horizon == 0) mids[mark.fill] = mark.mid;
    }
    for (std::size_t f = 0; f < record.fills.size(); ++f) {
      const FillRow& fill = record.fills[f];
      const auto found = rows.find(fill.order);
      if (found == rows.end()) continue;
      const ExecutionRow& execution = record.executions[found->second];
      if (execution.arrived == kNever) continue;
      const double unit = half_tick(instruments[fill.instrument]) * static_cast<double>(fill.quantity.value);
      const auto against = [&](std::int64_t mid) { return unit * static_cast<double>(sign(fill.side)) * static_cast<double>(2 * fill.price.value - mid); };
      const auto worth = [&](std::int64_t mid) { return unit * std::abs(static_cast<double>(mid)); };
      if (execution.arrival_mid != kNoMid) arrival.add(against(execution.arrival_mid), worth(execution.arrival_mid));
      if (execution.vwap != kNoMid) {
        const double mean = static_cast<double>(execution.vwap) / 1e6;   // ticks
        vwap.add(2 * unit * static_cast<double>(sign(fill.side)) * (static_cast<double>(fill.price.value) - mean), 2 * unit * std::abs(mean));
      }
      if (mids[f] == kNoMid) continue;
      effective.add(2 * against(mids[f]), worth(mids[f]));
      (fill.maker ? maker : taker).add(2 * against(mids[f]), worth(mids[f]));
      if (fill.maker) {
        summary.maker_value += worth(mids[f]);
        queue += worth(mids[f]) * static_cast<double>((fill.time - execution.arrived).value);
      }
    }
    for (const MarkoutRow& mark : record.markouts) {
      if (mark.horizon == 0 || mids[mark.fill] == kNoMid) continue;
      const FillRow& fill = record.fills[mark.fill];
      const double unit = half_tick(instruments[fill.instrument]) * static_cast<double>(fill.quantity.value) * 2 * static_cast<double>(sign(fill.side));
      const double worth = std::abs(unit / 2 * static_cast<double>(mids[mark.fill]));
      const double moved = unit * static_cast<double>(mark.mid - mids[mark.fill]);
      After& at = after[mark.horizon];
      ++at.fills;
      at.realised.add(unit * static_cast<double>(2 * fill.price.value - mark.mid), worth);
      at.adverse.add(moved, worth);
      if (!fill.maker) continue;
      ++at.maker_fills;
      at.maker_adverse.add(moved, worth);
    }
  }

  ExecutionSummary finish() {
    const auto share = [](double part, double whole) { return whole > 0 ? std::optional(part / whole) : std::nullopt; };
    ExecutionSummary& s = summary;
    s.fill_ratio = share(s.filled_value, s.sent_value);
    s.maker_share = share(s.maker_value, effective.value);
    if (s.orders > 0) s.delay_s = delay_ns / 1e9 / static_cast<double>(s.orders);
    if (s.maker_value > 0) s.queue_s = queue / s.maker_value / 1e9;
    if (s.sent_value > 0) {
      const double bps = 1e4 / s.sent_value;
      s.delay_bps = shortfall.delay * bps;
      s.trading_bps = shortfall.trading * bps;
      s.opportunity_bps = shortfall.opportunity * bps;
      s.fees_bps = shortfall.fees * bps;
      s.shortfall_bps = shortfall.total() * bps;
    }
    s.arrival_bps = arrival.bps();
    s.vwap_bps = vwap.bps();
    s.effective_spread_bps = effective.bps();
    s.maker_effective_spread_bps = maker.bps();
    s.taker_effective_spread_bps = taker.bps();
    for (const auto& [horizon, at] : after) {
      s.after.push_back({horizon, at.fills, at.realised.bps().value_or(0), at.adverse.bps().value_or(0), at.maker_adverse.bps().value_or(0), at.maker_fills});
    }
    return s;
  }
};

}  // namespace

std::vector<std::optional<Shortfall>> shortfalls(const RunRecord& record, std::span<const Instrument> instruments) {
  std::vector<std::optional<Shortfall>> all(record.orders.size());
  if (record.executions.size() != record.orders.size()) return all;
  const std::map<OrderId, std::size_t> rows = rows_of(record);
  for (std::size_t i = 0; i < record.orders.size(); ++i) {
    const OrderRow& row = record.orders[i];
    const ExecutionRow& execution = record.executions[i];
    if (refused(row) || execution.arrived == kNever || execution.decision_mid == kNoMid || execution.arrival_mid == kNoMid) continue;
    const double unit = half_tick(instruments[row.instrument]) * static_cast<double>(sign(row.side));
    Shortfall cost;
    const auto filled = static_cast<double>(row.filled.value), left = static_cast<double>((row.quantity - row.filled).value);
    cost.value = std::abs(unit * static_cast<double>(execution.decision_mid)) * static_cast<double>(row.quantity.value);
    cost.delay = unit * static_cast<double>(execution.arrival_mid - execution.decision_mid) * filled;
    if (execution.end_mid != kNoMid) cost.opportunity = unit * static_cast<double>(execution.end_mid - execution.decision_mid) * left;
    all[i] = cost;
  }
  for (const FillRow& fill : record.fills) {
    const auto found = rows.find(fill.order);
    if (found == rows.end() || !all[found->second]) continue;
    const double unit = half_tick(instruments[fill.instrument]) * static_cast<double>(sign(fill.side)) * static_cast<double>(fill.quantity.value);
    all[found->second]->trading += unit * static_cast<double>(2 * fill.price.value - record.executions[found->second].arrival_mid);
    all[found->second]->fees += static_cast<double>(fill.fee_micros) / 1e6;
  }
  return all;
}

ExecutionSummary execution_summary(std::span<const RunRecord* const> records, std::span<const Instrument> instruments) {
  Sums sums;
  for (const RunRecord* record : records) sums.add(*record, instruments);
  return sums.finish();
}

Json to_json(const ExecutionSummary& summary) {
  Json json = Json::object({{"orders", summary.orders}, {"refused", summary.refused}, {"filled", summary.filled}});
  const auto put = [&](const char* name, const std::optional<double>& value) {
    if (value && std::isfinite(*value)) json[name] = *value;
  };
  put("fill_ratio", summary.fill_ratio);
  put("maker_share", summary.maker_share);
  put("delay_s", summary.delay_s);
  put("queue_s", summary.queue_s);
  put("shortfall_bps", summary.shortfall_bps);
  put("delay_bps", summary.delay_bps);
  put("trading_bps", summary.trading_bps);
  put("opportunity_bps", summary.opportunity_bps);
  put("fees_bps", summary.fees_bps);
  put("arrival_bps", summary.arrival_bps);
  put("vwap_bps", summary.vwap_bps);
  put("effective_spread_bps", summary.effective_spread_bps);
  put("maker_effective_spread_bps", summary.maker_effective_spread_bps);
  put("taker_effective_spread_bps", summary.taker_effective_spread_bps);
  Json after = Json::array();
  for (const ExecutionSummary::After& at : summary.after) {
    Json one = Json::object({{"horizon", at.horizon}, {"unit", summary.in_bars ? "bars" : "ns"}, {"fills", at.fills},
                             {"realised_spread_bps", at.realised_spread_bps}, {"adverse_bps", at.adverse_bps}});
    if (at.maker_fills > 0) one["maker_adverse_bps"] = at.maker_adverse_bps;
    after.push_back(std::move(one));
  }
  json["after"] = std::move(after);
  return json;
}

}  // namespace walras::engine
