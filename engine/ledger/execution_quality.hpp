#pragma once
// Execution quality: what trading cost against the prices that were there, from the rows of run records. All costs are
// signed so that > 0 costs: a buy above the mid, a sell below it. A maker's are mostly negative: it earns the spread.
#include "engine/ledger/run_record.hpp"

#include <optional>
#include <span>
#include <vector>

namespace walras::engine {

struct ExecutionSummary {
  /// Some time after a fill.
  struct After {
    std::int64_t horizon = 0;            ///< ns, or bars
    std::size_t fills = 0;               ///< with a mid at the horizon
    double realised_spread_bps = 0;      ///< 2 x (price - mid then), of the value traded
    double adverse_bps = 0;              ///< effective less realised spread of the same fills: how far the mid moved on, twice
    double maker_adverse_bps = 0;        ///< against makers: < 0 when prices run through their quotes
    std::size_t maker_fills = 0;
  };
  std::size_t orders = 0;                ///< that reached the venue and were not refused
  std::size_t refused = 0;               ///< at once or by the venue
  std::size_t filled = 0;                ///< of orders, at least in part
  double sent_value = 0, filled_value = 0, maker_value = 0;   ///< currency, at the mid when decided
  std::optional<double> fill_ratio, maker_share;              ///< of values
  std::optional<double> delay_s;                              ///< decision to venue, mean
  std::optional<double> queue_s;                              ///< venue to a fill as maker, mean by value
  std::optional<double> shortfall_bps;                        ///< implementation shortfall, of sent_value: the sum of the next four
  std::optional<double> delay_bps, trading_bps, opportunity_bps, fees_bps;
  std::optional<double> arrival_bps, vwap_bps;                ///< price against the mid on arrival, the market's VWAP; of values filled
  std::optional<double> effective_spread_bps, maker_effective_spread_bps, taker_effective_spread_bps;
  bool in_bars = false;                                       ///< what horizons count
  std::vector<After> after;                                   ///< ascending
};

/// Of all records together. Units: of prices and money the account currency. Source: Perold1988 (shortfall),
/// HuangStoll1996 (effective and realised spread).
[[nodiscard]] ExecutionSummary execution_summary(std::span<const RunRecord* const> records, std::span<const Instrument> instruments);
/// For summary.json; what could not be measured is left out.
[[nodiscard]] Json to_json(const ExecutionSummary& summary);

/// One order's costs in money, from its row, its execution and its fills; none where it never reached the venue or there was no mid.
struct Shortfall {
  double delay = 0, trading = 0, opportunity = 0, fees = 0, value = 0;
  [[nodiscard]] double total() const { return delay + trading + opportunity + fees; }
};
/// One entry an order of the record.
[[nodiscard]] std::vector<std::optional<Shortfall>> shortfalls(const RunRecord& record, std::span<const Instrument> instruments);

}  // namespace walras::engine
