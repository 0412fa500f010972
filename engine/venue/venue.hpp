#pragma once
// Venue: the market as the simulation sees it. It takes recorded events or has a clock of its own,
// takes orders at exchange time, and reports fills, answers and public events into a sink. It knows
// nothing of participants' accounts, fees or latencies (the simulation adds those), and never looks
// beyond the event it was given. A Generator is the immutable description of a generated market,
// shared by threads; it makes a fresh Venue for a seed.
#include "engine/base/random.hpp"
#include "engine/base/registry.hpp"
#include "engine/market/event.hpp"
#include "engine/venue/exchange_rules.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace walras {
class Archive;
}

namespace walras::engine {

class Dependence;
class Flow;
class Process;
class Regime;
struct DependenceContext;
struct FlowContext;
struct ProcessContext;
struct Tape;

/// An order as it reaches the venue: `quantity` is what is open, > 0. Ids are unique and rise from 1.
struct VenueOrder : OrderRequest {
  OrderId id = 0;
  std::uint32_t participant = 0;  ///< whose; place in the order of names
  VenueOrder() = default;
  VenueOrder(OrderId number, std::uint32_t owner, const OrderRequest& request)
      : OrderRequest(request), id(number), participant(owner) {}
};

/// Where a venue reports; implemented by the simulation. Nothing here allocates or throws.
class VenueSink {
 public:
  /// A public event; `exchange_time`, `instrument`, `kind` and the payload are the venue's, the
  /// simulation sets the local time. `depth`: the visible book after the event, which stays where it is, and as it is
  /// until the venue next acts; null where there is no book or it did not change.
  virtual void publish(const Event& event, const Depth* depth) = 0;
  /// A fill of an own order at exchange time `time`. `remaining`: of the order, after it; when 0
  /// the order is gone. `slippage`: cost against the reference price of the fill model (for takers
  /// on a book the mid before the order), >= 0.
  virtual void fill(OrderId order, Ticks price, Lots quantity, Lots remaining, bool maker,
                    Money slippage, Nanos time) = 0;
  /// The answer to an order, cancel or replace: Accepted, Rejected (with why; the order is gone),
  /// Cancelled (`quantity` was left; the order is gone; `why` where nobody asked for it), Replaced
  /// (`price`, `quantity` now open) or Triggered.
  /// A refused cancel or replace of a live order is Rejected with `why` NotYourOrder, UnknownOrder,
  /// BadPrice or BadQuantity and leaves the order as it was. An order that fills at once needs no
  /// Accepted.
  virtual void answer(EventKind kind, OrderId order, Ticks price, Lots quantity, Reject why) = 0;
  /// What of a working order may still fill: less than its quantity where a fill of the same call has taken it back.
  [[nodiscard]] virtual Lots wanted(const VenueOrder& order) const { return order.quantity; }

 protected:
  ~VenueSink() = default;
};

/// What a venue has shown of an instrument so far, at exchange time.
struct Shown {
  std::optional<std::int64_t> mid;  ///< half ticks: of the book, else the last trade or close
  std::int64_t volume = 0;          ///< traded, in lots; bars are not counted
  Money::Integer value = 0;         ///< ticks x lots of it
};

/// What a venue does itself. The rest the order desk in front of it does, or refuses.
struct VenueAbilities {
  bool triggers = false;   ///< stops and touched orders, trailing or not
  bool expiry = false;     ///< day orders and good till date
  bool auctions = false;   ///< orders for the open and the close
  bool display = false;    ///< hidden orders and icebergs
  bool whole = false;      ///< all-or-none, minimum quantity
  bool to_limit = false;   ///< market-to-limit
  bool no_book = false;    ///< bars: nothing to peg to
  bool shows_own = false;  ///< published depth contains participants' resting orders
};

class Venue {
 public:
  virtual ~Venue() = default;
  [[nodiscard]] virtual VenueAbilities abilities() const { return {}; }
  [[nodiscard]] virtual Shown shown(InstrumentId /*instrument*/) const { return {}; }
  /// Called once, before anything else; a generator publishes the opening book here.
  virtual void start(Nanos /*begin*/, VenueSink&) {}
  /// The next time at which this venue acts by itself; Nanos::max() when only events and orders
  /// move it.
  [[nodiscard]] virtual Nanos next_time() const noexcept { return Nanos::max(); }
  /// Plays what happens at next_time(), which must then be later or equal.
  virtual void advance(VenueSink&) {}
  /// Takes the next event of the tape, and publishes it.
  virtual void replay(const Event&, VenueSink&) {}
  virtual void submit(const VenueOrder& order, Nanos now, VenueSink& sink) = 0;
  virtual void cancel(OrderId order, Nanos now, VenueSink& sink) = 0;
  /// Changes price and open quantity. Priority is kept when only the quantity falls.
  virtual void replace(OrderId order, Ticks price, Lots quantity, Nanos now, VenueSink& sink) = 0;
  /// Fills the whole of a closing market order at the end of the span, with this venue's friction
  /// and whatever the quantity: bars at the last close worsened by slippage; books level by level,
  /// and what exceeds the visible depth at its last level. Own orders are gone by then.
  virtual void close_out(const VenueOrder& order, Nanos now, VenueSink& sink) = 0;
  /// All that changes while it plays, between two calls. Loading is for a venue that was made alike, started or not.
  virtual void state(Archive& archive) = 0;
};

/// What a generator is built from besides its own parameters.
struct GeneratorContext {
  std::vector<Instrument>
      instruments;  ///< as the scenario states them; empty: the generator's own default
  /// Makes the regime of one path; empty when the scenario names none.
  std::function<std::unique_ptr<Regime>(Rng)> regime;
  double duration_s =
      0;  ///< of the market as the scenario states it; 0: the generator's own default
  ExchangeRules exchange;  ///< how orders are matched
  /// The laws and couplings of prices, and the flows, that a scenario may name inside a generator.
  std::shared_ptr<const Registry<Process, const ProcessContext&>> processes;
  std::shared_ptr<const Registry<Dependence, const DependenceContext&>> dependences;
  std::shared_ptr<const Registry<Flow, const FlowContext&>> flows;
};

class Generator {
 public:
  virtual ~Generator() = default;
  [[nodiscard]] virtual const std::vector<Instrument>& instruments() const = 0;
  /// Length of one path.
  [[nodiscard]] virtual Nanos duration() const = 0;
  /// Spacing of equity samples when the scenario gives none. 0: at every bar's close.
  [[nodiscard]] virtual Nanos sampling() const = 0;
  /// Seconds of trading in a year, for annualisation: 252 days of 6.5 hours unless the market says
  /// otherwise.
  [[nodiscard]] virtual double seconds_per_year() const { return 252 * 6.5 * 3600; }
  /// Kind of the latency model when the scenario names none.
  [[nodiscard]] virtual const char* default_latency() const { return "constant"; }
  /// A market on [0, duration), all of whose randomness comes from `random`.
  [[nodiscard]] virtual std::unique_ptr<Venue> venue(Rng random) const = 0;
  /// Whether a path is a tape of bars, made whole before it is played: then bars() is asked for in place of venue().
  [[nodiscard]] virtual bool makes_bars() const { return false; }
  [[nodiscard]] virtual std::shared_ptr<const Tape> bars(Rng /*random*/) const { return nullptr; }
  /// Fills in the defaults of components that are named inside this generator's own parameters.
  virtual void resolve(Json& /*json*/) const {}
};

}  // namespace walras::engine
