#pragma once
// Participant: whoever trades in the market. Strategies, agents, background flow and replayed history come
// through this one door. It sees only what was delivered to it, at its own local time, and acts through Orders.
#include "engine/base/random.hpp"
#include "engine/market/event.hpp"

#include <span>
#include <vector>

namespace walras::engine {

class Simulation;
struct Tape;

/// A participant's port to the market; valid for the life of the simulation, bound to one participant.
/// Nothing here allocates or throws after start; refusals come back as Rejected events (and id 0 when refused at once).
class Orders {
 public:
  /// Sends an order; it reaches the venue after the entry latency. Returns its id, or 0 when refused at once (warm-up, bad quantity, ended).
  OrderId submit(const OrderRequest& request);
  /// The largest quantity up to the request's that the participant's risk rules take now; all of it where there are none.
  [[nodiscard]] Lots allowed(const OrderRequest& request);
  void cancel(OrderId order);
  /// Changes price or quantity (new open quantity). Priority is kept when only the quantity falls.
  void replace(OrderId order, Ticks price, Lots quantity);
  /// Calls on_timer(at, tag) at local time `at` (not before now).
  void set_timer(Nanos at, std::uint64_t tag);

  [[nodiscard]] Nanos now() const;                 ///< local time of the event in hand
  [[nodiscard]] Nanos end() const;                 ///< when the simulation ends (exclusive)
  [[nodiscard]] bool warming_up() const;           ///< orders are refused until the span begins
  [[nodiscard]] std::span<const Instrument> instruments() const;
  [[nodiscard]] const Depth& depth(InstrumentId instrument) const;  ///< as last delivered to this participant; bars give none
  [[nodiscard]] const Bar* last_bar(InstrumentId instrument) const; ///< as last delivered, or nullptr
  [[nodiscard]] const Bar& bar(const Event& event) const;           ///< payload of a Bar event
  /// Last price known to this participant: mid of the delivered depth, else last trade or close. 0 ticks before the first.
  [[nodiscard]] Ticks mark(InstrumentId instrument) const;
  [[nodiscard]] Lots position(InstrumentId instrument) const;       ///< filled, as reported to this participant
  [[nodiscard]] Lots open_quantity(InstrumentId instrument, Side side) const;  ///< of own live orders
  [[nodiscard]] Money cash() const;
  [[nodiscard]] Money equity() const;              ///< cash plus positions at mark
  /// What one unit of an instrument's currency is worth in the account's, by the marks; 1 where they are the same, 0 before the first mark.
  [[nodiscard]] double exchange_rate(InstrumentId instrument) const;
  Rng& random();                                   ///< this participant's own stream

 private:
  friend class Simulation;
  Orders(Simulation& simulation, std::uint32_t participant) : simulation_(&simulation), participant_(participant) {}
  Simulation* simulation_;
  std::uint32_t participant_;
};

class Participant {
 public:
  virtual ~Participant() = default;
  virtual void on_start(Orders&) {}
  /// Whether it wants to be told of market events (on_event) and slices (on_slice). One that does not acts on timers,
  /// fills and answers alone, and finds depth, marks and its account as if it had been told: a market in which nobody
  /// listens takes half the time. The answer may not change.
  [[nodiscard]] virtual bool listens() const { return true; }
  /// One delivered market event, or an answer to an own order (Accepted, Rejected, Cancelled, Replaced).
  virtual void on_event(const Event&, Orders&) {}
  /// Once after every event of equal local time has been delivered; portfolio rules decide here.
  virtual void on_slice(Nanos, Orders&) {}
  virtual void on_fill(const Fill&, Orders&) {}
  virtual void on_timer(Nanos, std::uint64_t /*tag*/, Orders&) {}
  virtual void on_stop(Orders&) {}
  /// State for snapshots, appended to / taken from bytes. Default: stateless.
  virtual void save(std::vector<std::byte>&) const {}
  virtual void load(std::span<const std::byte>&) {}
};

}  // namespace walras::engine
