#pragma once
// Where a record's profit came from, instrument by instrument: from marks, fills and fees, so that the parts add up.
#include "engine/ledger/run_record.hpp"
#include "engine/market/types.hpp"
#include "stats/attribution.hpp"

#include <span>
#include <string>
#include <vector>

namespace walras::reports {

/// One instrument's part of a strategy's profit, in currency units.
struct InstrumentProfit {
  engine::InstrumentId instrument = 0;
  double profit = 0;       ///< after fees; dividends, borrow and interest are in `financing`
  double fees = 0, slippage = 0, traded = 0;
  std::size_t fills = 0;
};
struct ProfitParts {
  std::vector<InstrumentProfit> instruments;   ///< those that were traded or held, largest profit first
  double financing = 0;                        ///< what is no instrument's: dividends, borrow, rounding
  /// Contributions to the return of each period (profit over equity at its start), in the order of `instruments`, then
  /// financing where there is any. They add up to the strategy's returns.
  std::vector<stats::Part> contributions;
};
/// Records of one strategy, in order of fold. Throws Error{Data} where a row names an instrument that is not given.
[[nodiscard]] ProfitParts profit_parts(std::span<const engine::RunRecord* const> records, std::span<const engine::Instrument> instruments);

}  // namespace walras::reports
