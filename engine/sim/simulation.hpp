#pragma once
// One market being played: pop the next event, route it, deliver, record. A MarketPlan says everything about the market
// but who trades in it; a Simulation adds the participants. Many simulations may share one plan, one a thread.
#include "engine/base/json.hpp"
#include "engine/ledger/run_record.hpp"
#include "engine/market/tape.hpp"
#include "engine/sim/execution.hpp"
#include "engine/sim/participant.hpp"
#include "engine/sim/risk.hpp"

#include <memory>
#include <string>

namespace walras::engine {

struct EngineCatalog;
struct AccountRules;
class FeeModel;
class LatencyModel;
class TradingCalendar;
class Venue;

/// When a simulation plays. Orders are refused in [warm_up, begin); positions are closed, with costs, at end.
struct Span {
  Nanos warm_up, begin, end;   ///< warm_up <= begin <= end; [begin, end) is traded
  bool close_at_end = true;
};

/// A participant's account. Built from the scenario's "account".
struct AccountTerms {
  Money capital;
  double borrow_rate = 0;      ///< a year, on the value of short positions
  double leverage = 1;         ///< gross exposure allowed as a multiple of equity; orders beyond it are rejected (Funds)
  bool shorting = true;
  std::optional<RiskParams> risk = {};   ///< rules in front of the participant; none: unlimited
  std::shared_ptr<const AccountRules> rules = {};  ///< contracts, currencies, margin; null: spot, in one currency, without margin
  Horizons horizons = {};      ///< after fills, at which execution is measured
};

/// Everything about a market but its participants and its seed: tape or generator, venue, sampling. Immutable, shared.
class MarketPlan {
 public:
  virtual ~MarketPlan() = default;
  [[nodiscard]] virtual const std::vector<Instrument>& instruments() const = 0;
  [[nodiscard]] virtual const std::shared_ptr<const Tape>& tape() const = 0;   ///< null for generated markets
  [[nodiscard]] virtual Span whole() const = 0;        ///< first to last time of the data, or [0, duration) for generated
  [[nodiscard]] virtual double periods_per_year() const = 0;   ///< of the equity samples
  [[nodiscard]] virtual bool generated() const = 0;    ///< a fold is a set of seeds
  [[nodiscard]] virtual const Json& resolved() const = 0;      ///< {"market", "venue"} with all defaults
  /// The venue's trading hours; null: it never closes.
  [[nodiscard]] virtual const TradingCalendar* calendar() const { return nullptr; }
  /// Spacing of equity samples; 0 = once after each slice (bars).
  [[nodiscard]] virtual Nanos sampling() const = 0;
  /// Whether the venue must see the tape from its first event to know the book (recorded books).
  [[nodiscard]] virtual bool replays_from_start() const = 0;
  /// The events that a simulation plays: the tape, one made from `random` (generated bars), or null.
  [[nodiscard]] virtual std::shared_ptr<const Tape> path(Rng /*random*/) const { return tape(); }
  /// That of the simulation with this seed.
  [[nodiscard]] std::shared_ptr<const Tape> path_of(std::uint64_t seed) const { return path(Rng(seed, "venue")); }
  /// What each simulation makes for itself, from the same `random` as its path, which outlives the venue.
  [[nodiscard]] virtual std::unique_ptr<Venue> venue(Rng random, const Tape* path) const = 0;
  [[nodiscard]] virtual std::unique_ptr<LatencyModel> latency(Rng random) const = 0;
  [[nodiscard]] virtual const FeeModel& fees(InstrumentId instrument) const = 0;
};

/// Builds a plan from the scenario's "market", "venue" and "instruments" sections. `data_root` resolves relative paths.
/// `tape` supplies recorded data already loaded (null for generated markets). Throws Error{Scenario} with JSON pointers.
std::shared_ptr<const MarketPlan> build_market(const Json& market, const Json& venue, std::shared_ptr<const Tape> tape, const EngineCatalog& catalog);

class Simulation {
 public:
  Simulation(std::shared_ptr<const MarketPlan> plan, const Span& span, std::uint64_t seed);
  ~Simulation();
  Simulation(const Simulation&) = delete;

  /// Adds a participant before the start; borrowed for the life of the simulation. `name` keys its random stream and its
  /// place in ties; names are unique. Returns its number.
  std::uint32_t add(Participant& participant, const std::string& name, const AccountTerms& terms);
  /// Plays everything up to and including local time `time`; starts on first use. Returns false once the end was reached.
  bool run_until(Nanos time);
  /// Plays the next event alone. Returns false once the end was reached.
  bool step();
  /// Plays to the end, closes positions, calls on_stop.
  void run();
  [[nodiscard]] Nanos now() const;
  [[nodiscard]] bool ended() const;
  /// A participant's port, for environments that act between run_until calls.
  [[nodiscard]] Orders& orders(std::uint32_t participant);
  /// What the participant left behind; call once, after the end (or earlier, for a partial record).
  [[nodiscard]] RunRecord record(std::uint32_t participant) const;
  [[nodiscard]] std::uint64_t events() const;  ///< processed so far

  /// Writes a snapshot into `bytes`, in place of what they held: the market, the accounts, the record so far, and the
  /// participants through their save(). Buffers that are used again cost least. Starts on first use; not from inside a
  /// participant. Snapshots are of this build and machine: they branch and resume, and are no file format.
  void save(std::vector<std::byte>& bytes);
  /// Goes back (or on) to a snapshot of a simulation with the same plan, span, seed and participants (names, order,
  /// accounts); it need not have started. Each participant begins anew with on_start, then takes its state with load.
  /// Throws Error{Data} in words, and nothing has changed, where bytes are damaged, cut short, or of another simulation.
  void restore(std::span<const std::byte> bytes);
  /// A counterfactual: restore, but the participants whose numbers are in `anew` keep only what the market knows of them
  /// (account, positions, orders on their way or resting, random stream): their timers are gone, nothing is loaded, and
  /// on_start asks them what to do from here. Before that moment all is as it was.
  void branch(std::span<const std::byte> bytes, std::span<const std::uint32_t> anew);

 private:
  friend class Orders;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace walras::engine
