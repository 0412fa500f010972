#pragma once
// All that a run leaves behind, as integer rows; enough, with the resolved scenario, to repeat it bit for bit.
#include "engine/base/json.hpp"
#include "engine/base/store.hpp"
#include "engine/ledger/ledger.hpp"
#include "engine/market/types.hpp"

#include <string>
#include <vector>

namespace walras::engine {

struct OrderRow {
  Nanos time;                 ///< decision, local clock
  OrderId order; InstrumentId instrument; Side side; OrderType type; TimeInForce time_in_force;
  Ticks price; Lots quantity; Lots filled; Reject reject;
  Ticks arrival_mark;         ///< mark when decided, for implementation shortfall
};
struct FillRow {
  Nanos time;                 ///< exchange clock
  OrderId order; InstrumentId instrument; Side side; bool maker;
  Ticks price; Lots quantity;
  std::int64_t fee_micros;    ///< commission and exchange fee
  std::int64_t slippage_micros; ///< cost against the reference price of the fill model (spread, impact); >= 0 costs
  Lots position;              ///< after the fill
};
/// One sample of the account: every bar slice, or every sampling interval.
struct EquityRow {
  Nanos time;
  std::int64_t equity_micros; ///< net
  std::int64_t gross_micros;  ///< net plus fees, fees of liquidations, slippage and borrowing so far
  std::int64_t long_micros, short_micros;  ///< market value of long and (positive) short positions
};
struct PositionRow { Nanos time; InstrumentId instrument; Lots position; Ticks mark; };  ///< at each sample where a position is held or changed

/// A time that never came, and a mid that was not there.
inline constexpr Nanos kNever = Nanos::min();
inline constexpr std::int64_t kNoMid = Nanos::min().value;

/// How an order met the market: one row an order, beside `orders`. Times are the venue's; on bars a fill is known at the bar's
/// close. Mids are twice the middle price in ticks, so that they are whole (on bars the last close).
struct ExecutionRow {
  OrderId order;
  Nanos arrived;              ///< at the venue; kNever: refused before, or closed by the simulation at the end
  Nanos first_fill, last_fill, ended;
  std::int64_t decision_mid;  ///< as its owner knew it
  std::int64_t arrival_mid, end_mid;
  std::int64_t vwap;          ///< 1e-6 ticks, of the market from arrival to the last fill; kNoMid where nothing traded
};
/// The mid some time after a fill.
struct MarkoutRow {
  std::uint64_t fill;         ///< row in `fills`
  std::int64_t horizon;       ///< ns, or bars; 0: just before the fill (on bars: the reference price of the fill rule)
  std::int64_t mid;           ///< half ticks
};

/// Risk rules ended a participant's trading.
struct SwitchRow {
  Nanos time;                 ///< local clock
  Reject cause;
  std::int64_t equity_micros;
  std::int64_t cancelled;     ///< own orders that were taken back
};

inline constexpr InstrumentId kNoInstrument = 0xFFFFFFFF;
/// Money that moved without a fill: dividends, splits, borrowing, funding, swaps, liquidation fees, the insurance fund.
struct PostingRow {
  Nanos time;
  LedgerAccount account;      ///< from which cash had it; Positions: a split
  InstrumentId instrument;    ///< kNoInstrument: of the whole account
  std::int64_t amount_micros; ///< as cash sees it, in the instrument's currency
  Lots position;              ///< after it
};
/// Margin at a sample of the account; accounts without margin have none.
struct MarginRow {
  Nanos time;
  std::int64_t used_micros, maintenance_micros;  ///< initial and maintenance margin of the positions
  std::int64_t free_micros;   ///< equity less what is used
  std::int64_t fund_micros;   ///< balance of the insurance fund
};

/// Sums over the run, in millionths of the account currency.
struct CostTotals { std::int64_t fees = 0, slippage = 0, borrow = 0, dividends = 0, turnover = 0, funding = 0, swap = 0, liquidation = 0, insurance = 0; };

/// What one participant left behind in one simulation (one fold, or one seed).
struct RunRecord {
  std::string strategy;       ///< its name in the scenario
  std::uint32_t fold = 0;
  bool out_of_sample = true;
  std::uint64_t seed = 0;
  Nanos begin, end;           ///< trading span; warm-up excluded
  std::int64_t capital_micros = 0;
  std::vector<OrderRow> orders;
  std::vector<FillRow> fills;
  std::vector<EquityRow> equity;     ///< first row = capital at begin
  std::vector<PositionRow> positions;
  std::vector<ExecutionRow> executions;   ///< one an order
  std::vector<MarkoutRow> markouts;
  bool horizons_in_bars = false;     ///< of markouts
  std::vector<SwitchRow> switches;   ///< mostly none
  std::vector<PostingRow> postings;
  std::vector<MarginRow> margin;
  CostTotals costs;
  std::uint32_t liquidations = 0;    ///< times that the account fell below its maintenance margin
  std::uint64_t events = 0;   ///< events processed
  Json fitted;                ///< what fit() chose: parameters, criterion, candidates tried
  std::vector<std::string> warnings;
  std::string cut_off;        ///< why the strategy stopped before the end, among the warnings too; empty: it did not
};

/// SHA-256 over orders, fills, integer equity and margin of all records, sorted by (strategy, out_of_sample, fold): no wall-clock time, path or thread count.
[[nodiscard]] std::string record_hash(const std::vector<RunRecord>& records, const std::vector<Instrument>& instruments);
/// Tables /<strategy>/<oos|is>/<fold>/{orders,fills,equity,positions,executions,markouts}, and switches, postings and margin where there are
/// any, with units; documented in docs/record.md.
[[nodiscard]] Store to_store(const std::vector<RunRecord>& records, const std::vector<Instrument>& instruments, Json attributes);
/// Throws Error{Data} where the file is no run record.
[[nodiscard]] std::vector<RunRecord> records_from_store(const Store& store, std::vector<Instrument>& instruments);

}  // namespace walras::engine
