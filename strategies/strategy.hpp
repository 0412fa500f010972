#pragma once
// Strategy: a Participant that can be fitted on a training span and then trades, seeing only what is delivered.
#include "engine/base/archive.hpp"
#include "engine/sim/participant.hpp"
#include "engine/sim/simulation.hpp"

#include <memory>
#include <span>
#include <string>

namespace walras::strategies {

/// The training span: events in delivery order and a market confined to it. Nothing beyond its end can be reached.
class Training {
 public:
  virtual ~Training() = default;
  [[nodiscard]] virtual std::span<const engine::Instrument> instruments() const = 0;
  /// Recorded events with local time in [begin, end); of generated bars those of the first training seed; empty for
  /// generated books.
  [[nodiscard]] virtual std::span<const engine::Event> events() const = 0;
  [[nodiscard]] virtual const engine::Bar& bar(const engine::Event& event) const = 0;  ///< throws Error{Internal} beyond the span
  /// A fresh simulation of the span (recorded) or of an unseen seed (generated; `seed` is mixed into the fold's own training seeds).
  [[nodiscard]] virtual std::unique_ptr<engine::Simulation> market(std::uint64_t seed) const = 0;
  [[nodiscard]] virtual const engine::AccountTerms& account() const = 0;
  [[nodiscard]] virtual engine::Span span() const = 0;
  [[nodiscard]] virtual double periods_per_year() const = 0;
  /// Hash of all that decides what market() plays: data, market, venue, span and seeds; empty: not told.
  [[nodiscard]] virtual std::string identity() const { return {}; }
};

class Strategy : public engine::Participant {
 public:
  // One fitted strategy plays several simulations, one after the other: on_start() begins each anew, keeping what
  // fit() learnt and forgetting the rest (indicator states, targets, open orders).

  /// Learns from the training span; called once before trading, never sees later data. Default: nothing to learn.
  virtual void fit(const Training&) {}
  /// What fit() found, for the record; null when nothing.
  [[nodiscard]] virtual Json fitted() const { return {}; }
  /// Why it stopped before the end of the simulation that it played last, for the record; empty when it did not.
  [[nodiscard]] virtual std::string cut_off() const { return {}; }
};

/// A strategy whose state for snapshots is what `Rule::state(Archive&)` names: what on_start() would forget. What fit()
/// learnt is not of it: a snapshot is restored into a strategy that was built and fitted alike.
template <class Rule>
class StatefulStrategy : public Strategy {
 public:
  void save(std::vector<std::byte>& bytes) const final { save_state(static_cast<const Rule&>(*this), bytes); }
  void load(std::span<const std::byte>& bytes) final { load_state(static_cast<Rule&>(*this), bytes); }
};

}  // namespace walras::strategies
