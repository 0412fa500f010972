#pragma once
// ExecutionWatch: notes what the market was like when a participant's orders were decided, arrived, filled and ended, and
// some time after each fill. It is asked for nothing while no fill waits for a horizon: the loop compares one time. On
// bars what comes after a fill is taken from the tape at the end.
#include "engine/ledger/run_record.hpp"
#include "engine/venue/venue.hpp"

#include <span>
#include <utility>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::engine {

struct Tape;

/// When after a fill the mid is noted.
struct Horizons {
  std::vector<Nanos> after{{100'000'000}, {1'000'000'000}, {10'000'000'000}, {60'000'000'000}};  ///< on books; ascending, > 0
  std::vector<std::int64_t> bars{1, 5, 20};  ///< on bars: closes after the fill; ascending, > 0
};
/// Throws Error{Scenario} where they do not rise. `where`: of the object with markout_s and markout_bars.
void check_horizons(const Horizons& horizons, const std::string& where);

class ExecutionWatch {
 public:
  explicit ExecutionWatch(Horizons horizons) : horizons_(std::move(horizons)) {}
  /// `bars`: nothing is noted after fills.
  void start(bool bars);

  /// One for each order of the participant, in the order of its rows. `mid`: as the participant knows it, in half ticks.
  void decided(OrderId order, std::int64_t mid);
  void arrived(std::size_t row, Nanos now, const Shown& shown);
  /// `mid`: before the fill; `shown`: now; `fill`: its row.
  void filled(std::size_t row, std::size_t fill, Nanos now, std::int64_t mid, const Shown& shown, bool done);
  void ended(std::size_t row, Nanos now, const Shown& shown);
  [[nodiscard]] bool has_arrived(std::size_t row) const { return rows_[row].arrived != kNever; }

  /// Notes what fell due before `time`. Returns when the next falls due.
  Nanos settle(Nanos time, std::span<const FillRow> fills, const Venue& venue);
  /// When the first horizon after a fill at `now` falls due.
  [[nodiscard]] Nanos first_due(Nanos now) const;

  /// What was noted, into the record; on bars with what `tape` says up to `until`.
  void report(RunRecord& record, const Tape* tape, Nanos until, std::span<const Instrument> instruments) const;
  void state(Archive& archive);

 private:
  /// What the market had traded when an order arrived.
  struct Traded {
    std::int64_t volume = 0;
    Money::Integer value = 0;
  };
  Horizons horizons_;
  bool bars_ = false;
  std::vector<ExecutionRow> rows_;
  std::vector<Traded> traded_;         // beside rows_
  std::vector<MarkoutRow> markouts_;
  std::vector<std::size_t> next_;      // by horizon: the first fill that it has not been noted for
};

}  // namespace walras::engine
