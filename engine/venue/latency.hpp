#pragma once
// Delays between a trader and the venue, on three legs: the feed (venue to trader), the entry of an
// order (trader to venue) and the response to it (venue to trader). The simulation keeps each leg
// first-in first-out for each trader.
#include "engine/base/random.hpp"
#include "engine/base/units.hpp"

#include <cstdint>

namespace walras {
class Archive;
template <class Interface, class... Context>
class Registry;
}  // namespace walras

namespace walras::engine {

/// What a trader sends.
enum class Request : std::uint8_t { New, Replace, Cancel };

class LatencyModel {
 public:
  virtual ~LatencyModel() = default;
  /// Delay of a public event that happened at `now`, of which `recorded` (>= 0) is in the recording already: what is
  /// returned comes on top of it. Range: >= 0. Called once an event, in time order.
  virtual Nanos feed(Nanos now, Nanos recorded) noexcept = 0;
  /// Delay of an order, cancel or replace sent at `now`. Range: >= 0. Called once a message, in
  /// time order.
  virtual Nanos entry(Nanos now, Request request) noexcept = 0;
  /// Delay of an answer or a fill that left the venue at `now`. Range: >= 0.
  virtual Nanos response(Nanos now) noexcept = 0;
  /// What it remembers, its random streams too. Default: nothing.
  virtual void state(Archive& /*archive*/) {}
};

/// Adds none, constant, lognormal, gamma, cubic, measured, recorded and queueing.
void add_latency_models(Registry<LatencyModel, Rng>& registry);

}  // namespace walras::engine
