#pragma once
// From rows of prices to bars on a tape: spacing, meaning of the time stamps, tick and lot size, periods a year.
// Shared by the adapters for bars; knows no file layout.
#include "engine/data/source.hpp"
#include "engine/market/decimal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walras::engine {

/// Which end of its bar a time stamp names.
enum class StampMeaning : std::uint8_t { Auto, Open, Close };

struct RawBar {
  Nanos stamp;                             ///< UTC; midnight of the written day for dates
  Decimal open, high, low, close, volume;
  Decimal adjusted;                        ///< close adjusted for dividends and splits, where there is one
};

/// What happens to holders before the bar of this stamp opens.
struct RawAction {
  Nanos stamp;
  EventKind kind;                          ///< Dividend: per share; Split: new shares for each old one; Funding: rate
  Decimal value;
};

struct RawSeries {
  std::string name;
  std::vector<RawBar> bars;                ///< in ascending order of time
  std::vector<RawAction> actions = {};     ///< in ascending order of time
};

struct BarLayout {
  bool dates = false;                      ///< stamps are days
  bool close_only = false;
  bool volume = true;                      ///< there is a column of volumes
  bool scale = false;                      ///< open, high, low and close are multiplied by adjusted / close
  StampMeaning stamp = StampMeaning::Auto;
  std::optional<std::int64_t> interval_s;  ///< empty: detected
};

/// A split as whole numbers: `from` lots become `to`. Nothing where they are not within a million.
struct SplitRatio { std::int64_t from, to; };
[[nodiscard]] std::optional<SplitRatio> split_ratio(const Decimal& value);

/// Appends the series to the tape as one instrument each.
/// Bar times: a bar holds [open_time, close_time]; close_time is its last nanosecond, so that it carries the date of its own day.
/// Returns: what was detected, as {"interval", "stamp", "periods_per_year", "instruments": {...}}.
/// Throws: Error{Data} naming `file` and the instrument when sizes cannot hold the numbers.
Json append_bars(Tape& tape, std::vector<RawSeries> series, const InstrumentTerms& terms,
                 const BarLayout& layout, const std::string& file);

}  // namespace walras::engine
