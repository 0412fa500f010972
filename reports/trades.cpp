#include "reports/trades.hpp"

#include "engine/base/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace walras::reports {
namespace {

/// A trip under way: sums over its fills.
struct Building {
  RoundTrip trip;
  std::int64_t position = 0;  ///< lots, signed
  double entered = 0, left = 0, entered_quantity = 0, left_quantity = 0, fees = 0, slippage = 0;

  void finish() {
    const double direction = trip.side == engine::Side::Buy ? 1 : -1;
    trip.quantity = entered_quantity;
    trip.profit = direction * (left - entered) - fees;
    trip.costs = fees + slippage;
    trip.fraction = entered != 0 ? trip.profit / std::fabs(entered) : 0;
  }
};

/// The way of an open trip past one mark.
void pass(const engine::PositionRow& row, std::map<engine::InstrumentId, Building>& open, std::span<const engine::Instrument> instruments) {
  const auto found = open.find(row.instrument);
  if (found == open.end() || found->second.position == 0 || found->second.entered == 0) return;
  Building& building = found->second;
  const engine::Instrument& instrument = instruments[row.instrument];
  const double direction = building.trip.side == engine::Side::Buy ? 1 : -1;
  const double held = instrument.quantity(Lots{std::abs(building.position)}) * instrument.price(row.mark) * instrument.multiplier;
  const double profit = (direction * (building.left + held - building.entered) - building.fees) / std::fabs(building.entered);
  building.trip.adverse = std::min(building.trip.adverse.value_or(0), profit);
  building.trip.favourable = std::max(building.trip.favourable.value_or(0), profit);
}

/// A split while a trip is under way: more or fewer shares, and the part of one paid out.
void split(const engine::PostingRow& row, std::map<engine::InstrumentId, Building>& open) {
  const auto found = open.find(row.instrument);
  if (row.account != engine::LedgerAccount::Positions || found == open.end() || found->second.position == 0) return;
  Building& building = found->second;
  const double ratio = static_cast<double>(row.position.value) / static_cast<double>(building.position);
  building.position = row.position.value;
  building.entered_quantity *= ratio;
  building.left_quantity *= ratio;
  building.left += (building.trip.side == engine::Side::Buy ? 1 : -1) * static_cast<double>(row.amount_micros) / 1e6;
}

}  // namespace

std::vector<RoundTrip> round_trips(const engine::RunRecord& record, std::span<const engine::Instrument> instruments) {
  std::vector<RoundTrip> trips;
  std::map<engine::InstrumentId, Building> open;
  auto mark_row = record.positions.begin();
  auto posting = record.postings.begin();
  const auto splits_to = [&](Nanos time) {
    for (; posting != record.postings.end() && posting->time <= time; ++posting) split(*posting, open);
  };
  for (const engine::FillRow& fill : record.fills) {
    // A sample is taken after all that happened at its time.
    for (; mark_row != record.positions.end() && mark_row->time < fill.time; ++mark_row) {
      splits_to(mark_row->time);
      pass(*mark_row, open, instruments);
    }
    splits_to(fill.time);
    if (fill.instrument >= instruments.size())
      fail(Fault::Data, record.strategy, fmt::format("expected a fill in one of {} instruments, was number {}", instruments.size(), fill.instrument));
    const engine::Instrument& instrument = instruments[fill.instrument];
    std::int64_t rest = fill.quantity.value;
    while (rest > 0) {
      Building& building = open[fill.instrument];
      if (building.position == 0) {
        building = {};
        building.trip.instrument = fill.instrument;
        building.trip.fold = record.fold;
        building.trip.side = fill.side;
        building.trip.entry = fill.time;
      }
      const bool entering = fill.side == building.trip.side;
      const std::int64_t part = entering ? rest : std::min(rest, std::abs(building.position));
      const double share = static_cast<double>(part) / static_cast<double>(fill.quantity.value);
      const double quantity = instrument.quantity(Lots{part});
      const double value = quantity * instrument.price(fill.price) * instrument.multiplier;
      (entering ? building.entered : building.left) += value;
      (entering ? building.entered_quantity : building.left_quantity) += quantity;
      building.fees += share * static_cast<double>(fill.fee_micros) / 1e6;
      building.slippage += share * static_cast<double>(fill.slippage_micros) / 1e6;
      building.position += engine::sign(fill.side) * part;
      building.trip.exit = fill.time;
      rest -= part;
      if (building.position != 0) continue;
      building.finish();
      building.trip.entry_price = building.entered / building.entered_quantity / instrument.multiplier;
      building.trip.exit_price = building.left / building.left_quantity / instrument.multiplier;
      trips.push_back(building.trip);
    }
  }
  for (; mark_row != record.positions.end(); ++mark_row) {
    splits_to(mark_row->time);
    pass(*mark_row, open, instruments);
  }
  for (auto& [id, building] : open) {
    if (building.position == 0) continue;
    const engine::Instrument& instrument = instruments[id];
    double mark = building.entered / building.entered_quantity / instrument.multiplier;
    for (auto row = record.positions.rbegin(); row != record.positions.rend(); ++row)
      if (row->instrument == id) {
        mark = instrument.price(row->mark);
        break;
      }
    const double held = instrument.quantity(Lots{std::abs(building.position)});
    building.left += held * mark * instrument.multiplier;
    building.finish();
    building.trip.entry_price = building.entered / building.entered_quantity / instrument.multiplier;
    building.trip.exit_price = mark;
    building.trip.exit = record.end;
    building.trip.open = true;
    trips.push_back(building.trip);
  }
  std::sort(trips.begin(), trips.end(), [](const RoundTrip& a, const RoundTrip& b) {
    return std::tie(a.entry, a.instrument, a.exit) < std::tie(b.entry, b.instrument, b.exit);
  });
  return trips;
}

}  // namespace walras::reports
