#pragma once
// A recorded market in memory: immutable once built, shared by all folds and threads.
#include "engine/base/json.hpp"
#include "engine/market/event.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace walras::engine {

/// Events sorted by (exchange_time, source, sequence); instruments sorted by name.
struct Tape {
  std::vector<Instrument> instruments;
  std::vector<Event> events;
  std::vector<Bar> bars;
  std::vector<Depth> initial_books;     ///< by instrument, or empty; where a feed starts mid-session (LOBSTER's first row)
  Json provenance;                      ///< per input: file name, SHA-256, format, row count, notes (adjustment, hindsight, gaps)
  std::string content_hash;             ///< SHA-256 over instruments, events and bars: no path, no time of reading

  /// Puts a bar at the end, with its event: at its close, when it is known at once.
  void append(InstrumentId instrument, const Bar& bar);
  [[nodiscard]] std::span<const Event> between(Nanos begin, Nanos end) const;  ///< exchange_time in [begin, end)
};

/// Sorts, numbers and hashes; throws Error{Data} on a broken invariant. All adapters end here.
std::shared_ptr<const Tape> finish_tape(Tape tape);

}  // namespace walras::engine
