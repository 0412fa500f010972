#pragma once
// Source: one description of recorded data in a scenario, and the tape that it becomes. Adapters (ohlcv_csv, close_panel,
// lobster, library) hide file layouts; what they detected is in Tape::provenance. They know nothing of venues or
// strategies. A section reads {"kind": "ohlcv_csv", "path": "...", "instrument": {...}, ...}; an array of sections is
// merged into one tape.
#include "engine/base/registry.hpp"
#include "engine/market/tape.hpp"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace walras::engine {

/// Where sources look for what scenarios name.
struct SourceContext {
  std::filesystem::path root;     ///< relative paths start here: the folder of the scenario
  std::filesystem::path library;  ///< the local data library
  std::string where{};            ///< JSON pointer of the source's section, for messages; load_tape() fills it in
};

/// One input. Reads are pure: the same files give the same tape.
class Source {
 public:
  virtual ~Source() = default;
  /// Everything the input holds, not yet finished. Throws Error{Data} with file and row, Error{Io}, Error{Scenario}.
  virtual Tape read() = 0;
};

using SourceRegistry = Registry<Source, const SourceContext&>;
/// Adds ohlcv_csv, close_panel, lobster, itch50, dbn, binance, tardis, lean and library.
void add_sources(SourceRegistry& registry);

/// What an instrument is called and how its integers translate; members left out are detected.
struct InstrumentTerms {
  std::string name;                    ///< empty: the symbol column or the file name
  std::string currency = "USD";
  std::optional<double> tick_size;     ///< empty: the decimals written in the file, at most eight
  std::optional<double> lot_size;      ///< empty: the decimals of the volumes, at most eight
  double multiplier = 1;
  bool negative_prices = false;
  bool total_return = false;
  std::optional<double> periods_per_year;
  Json metadata;                       ///< free notes, kept as text: origin, licence, hindsight
  static void fields(auto&& field) {
    using T = InstrumentTerms;
    field("name", &T::name, {.doc = "name; default: the symbol column or the file name"});
    field("currency", &T::currency, {.doc = "currency of prices"});
    field("tick_size", &T::tick_size, {.unit = "currency units", .min = 1e-12, .max = 1e6,
          .doc = "smallest price step; default: the decimals written in the file, at most 8"});
    field("lot_size", &T::lot_size, {.unit = "shares, coins or contracts", .min = 1e-12, .max = 1e9,
          .doc = "smallest quantity; default: the decimals of the volumes, at most 8"});
    field("multiplier", &T::multiplier, {.unit = "currency units per point", .min = 1e-9, .max = 1e9,
          .doc = "money per point and contract"});
    field("negative_prices", &T::negative_prices, {.doc = "prices <= 0 are meant"});
    field("total_return", &T::total_return, {.doc = "prices contain dividends: none are booked"});
    field("periods_per_year", &T::periods_per_year, {.unit = "1/year", .min = 0.01, .max = 1e10,
          .doc = "bars a year; default: from the bars observed"});
    field("metadata", &T::metadata, {.doc = "free notes kept with the data: origin, licence"});
  }
};

/// Which part of a tape is wanted. Empty members select everything.
struct Selection {
  std::vector<std::string> instruments;  ///< names
  std::string begin, end;                ///< ISO times or days, UTC; begin <= time < end
};

/// Keeps what is selected. Throws Error{Scenario} for a name the tape does not have (listing those it has) and for a
/// time that cannot be read, Error{Data} when nothing is left or an initial book would no longer fit.
Tape select(Tape tape, const Selection& selection, const std::string& where);
/// Joins tapes of different instruments. Throws Error{Data} when two have an instrument of the same name.
Tape merge(std::vector<Tape> tapes);
/// Builds, reads, merges and finishes: `json` is one source section or an array of them, `where` its JSON pointer.
std::shared_ptr<const Tape> load_tape(const Json& json, const std::string& where,
                                      const SourceRegistry& registry, const SourceContext& context);

/// The kind of source that reads a file or folder, told by its content; ohlcv_csv where nothing else fits. Throws Error{Io}
/// and Error{Data} for what cannot be opened.
[[nodiscard]] std::string detect_kind(const std::filesystem::path& path);

/// What a tape holds, for `walras data show`: span, and by instrument rows, first and last time, gaps, bars without
/// volume, largest moves, detected sizes; and the provenance.
Json describe(const Tape& tape);

}  // namespace walras::engine
