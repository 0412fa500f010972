#pragma once
// Round trips: what a strategy's fills amount to, position by position.
#include "engine/ledger/run_record.hpp"
#include "engine/market/types.hpp"

#include <optional>
#include <span>
#include <vector>

namespace walras::reports {

/// From flat to flat in one instrument, in one direction. A fill that turns a position round ends one trip and begins the
/// next, its fee shared by quantity. Since a trip ends flat, its profit needs no rule (first in first out, average cost)
/// for which purchase belongs to which sale; prices are averages weighted by quantity.
struct RoundTrip {
  engine::InstrumentId instrument = 0;
  std::uint32_t fold = 0;
  engine::Side side = engine::Side::Buy;  ///< Buy: long
  Nanos entry, exit;                      ///< first and last fill; exit of an open trip: the end of the record
  double quantity = 0;                    ///< bought (long) or sold (short) over the trip, in the instrument's units
  double entry_price = 0, exit_price = 0; ///< currency units; exit of an open trip: the last mark
  double profit = 0;                      ///< currency units, after fees; dividends and borrow are the account's
  double costs = 0;                       ///< fees and slippage within, currency units
  double fraction = 0;                    ///< profit over the value entered
  bool open = false;                      ///< not closed when the record ended
  /// Lowest and highest unrealised profit at the record's marks on the way, over the value entered until then; both
  /// include 0, the moment of entry. Absent where no mark was taken in between.
  std::optional<double> adverse = {}, favourable = {};
};
/// In order of entry, then instrument. Shape: fills of one record, in time order. Throws Error{Data} where a fill names an
/// instrument that is not given.
[[nodiscard]] std::vector<RoundTrip> round_trips(const engine::RunRecord& record, std::span<const engine::Instrument> instruments);

}  // namespace walras::reports
