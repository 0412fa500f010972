#include "engine/sim/execution.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"
#include "engine/market/tape.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

/// Value over volume in 1e-6 ticks; none where nothing traded.
std::int64_t mean_price(Money::Integer value, std::int64_t volume) {
  return volume > 0 ? static_cast<std::int64_t>(value * 1'000'000 / volume) : kNoMid;
}

/// The closes of one instrument.
struct Closes {
  std::vector<Nanos> time;
  std::vector<std::int64_t> close;
  std::vector<std::int64_t> volume{0};         // up to before each close
  std::vector<Money::Integer> value{0};        // thrice, at (high + low + close) / 3
  void add(const Bar& bar) {
    time.push_back(bar.close_time);
    close.push_back(bar.close.value);
    volume.push_back(volume.back() + bar.volume.value);
    value.push_back(value.back() + Money::Integer{bar.volume.value} * (bar.high.value + bar.low.value + bar.close.value));
  }
  /// Closes at or before a time.
  [[nodiscard]] std::size_t until(Nanos when) const { return static_cast<std::size_t>(std::ranges::upper_bound(time, when) - time.begin()); }
};

/// The reference price of a fill on bars, in half ticks: what slippage was reckoned from.
std::int64_t reference(const FillRow& fill, const Instrument& instrument) {
  const double slipped = static_cast<double>(fill.slippage_micros) / 1e6 / (instrument.tick_value().units() * static_cast<double>(fill.quantity.value));
  return 2 * fill.price.value - sign(fill.side) * std::llround(2 * slipped);
}

}  // namespace

void check_horizons(const Horizons& horizons, const std::string& where) {
  const auto rises = [](const auto& values) { return std::ranges::adjacent_find(values, [](auto a, auto b) { return a >= b; }) == values.end(); };
  if (!rises(horizons.after)) fail(Fault::Scenario, where + "/markout_s", "expected times that rise, was another order or one twice");
  if (!rises(horizons.bars)) fail(Fault::Scenario, where + "/markout_bars", "expected numbers of bars that rise, was another order or one twice");
}

void ExecutionWatch::start(bool bars) {
  bars_ = bars;
  next_.assign(bars ? 0 : horizons_.after.size(), 0);
  rows_.reserve(1024);
  traded_.reserve(1024);
  markouts_.reserve(1024 * (1 + next_.size()));
}

void ExecutionWatch::decided(OrderId order, std::int64_t mid) {
  rows_.push_back({order, kNever, kNever, kNever, kNever, mid, kNoMid, kNoMid, kNoMid});
  traded_.emplace_back();
}

void ExecutionWatch::arrived(std::size_t row, Nanos now, const Shown& shown) {
  rows_[row].arrived = now;
  rows_[row].arrival_mid = shown.mid.value_or(kNoMid);
  traded_[row] = {shown.volume, shown.value};
}

void ExecutionWatch::filled(std::size_t row, std::size_t fill, Nanos now, std::int64_t mid, const Shown& shown, bool done) {
  ExecutionRow& order = rows_[row];
  if (order.first_fill == kNever) order.first_fill = now;
  order.last_fill = now;
  if (done) ended(row, now, shown);
  if (bars_) return;
  order.vwap = mean_price(shown.value - traded_[row].value, shown.volume - traded_[row].volume);
  if (mid != kNoMid) markouts_.push_back({fill, 0, mid});
}

void ExecutionWatch::ended(std::size_t row, Nanos now, const Shown& shown) {
  rows_[row].ended = now;
  rows_[row].end_mid = shown.mid.value_or(kNoMid);
}

Nanos ExecutionWatch::first_due(Nanos now) const {
  return bars_ || next_.empty() ? Nanos::max() : later_by(now, horizons_.after.front());
}

Nanos ExecutionWatch::settle(Nanos time, std::span<const FillRow> fills, const Venue& venue) {
  Nanos first = Nanos::max();
  for (std::size_t h = 0; h < next_.size(); ++h) {
    std::size_t& fill = next_[h];
    for (; fill < fills.size(); ++fill) {
      const Nanos when = later_by(fills[fill].time, horizons_.after[h]);
      if (when >= time) {
        first = std::min(first, when);
        break;
      }
      if (const auto mid = venue.shown(fills[fill].instrument).mid) markouts_.push_back({fill, horizons_.after[h].value, *mid});
    }
  }
  return first;
}

void ExecutionWatch::report(RunRecord& record, const Tape* tape, Nanos until, std::span<const Instrument> instruments) const {
  record.executions = rows_;
  record.markouts = markouts_;
  record.horizons_in_bars = bars_;
  if (!bars_ || !tape || record.fills.empty()) return;
  std::vector<Closes> closes(instruments.size());
  for (const Event& event : tape->between(record.begin, until)) {
    if (event.kind == EventKind::Bar) closes[event.instrument].add(tape->bars[event.payload]);
  }
  std::size_t row = 0;
  for (std::size_t f = 0; f < record.fills.size(); ++f) {
    const FillRow& fill = record.fills[f];
    // Orders fill in any order, but mostly near to one another.
    while (row + 1 < record.executions.size() && record.executions[row].order < fill.order) ++row;
    while (row > 0 && record.executions[row].order > fill.order) --row;
    if (record.executions[row].arrived == kNever) continue;
    record.markouts.push_back({f, 0, reference(fill, instruments[fill.instrument])});
    const Closes& own = closes[fill.instrument];
    const std::size_t after = own.until(fill.time);
    for (const std::int64_t bars : horizons_.bars) {
      const std::size_t at = after + static_cast<std::size_t>(bars) - 1;
      if (at < own.close.size()) record.markouts.push_back({f, bars, 2 * own.close[at]});
    }
  }
  for (std::size_t i = 0; i < record.executions.size() && i < record.orders.size(); ++i) {
    ExecutionRow& order = record.executions[i];
    if (order.arrived == kNever || order.last_fill == kNever) continue;
    const Closes& own = closes[record.orders[i].instrument];
    const std::size_t from = own.until(order.arrived), to = own.until(order.last_fill);
    order.vwap = to > from ? mean_price(own.value[to] - own.value[from], 3 * (own.volume[to] - own.volume[from])) : kNoMid;
  }
}

void ExecutionWatch::state(Archive& archive) { archive(rows_, traded_, markouts_, next_); }

}  // namespace walras::engine
