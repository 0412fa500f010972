#pragma once
// TradingDesk: what an agent sees of a market and what its actions do there. The training
// environment and the strategy that trades afterwards both use it, so that they cannot differ.
// Torch-free.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/base/config.hpp"
#include "engine/sim/participant.hpp"

namespace walras::agents {

enum class DeskMode : std::uint8_t {
  Quotes,    ///< an action is a pair of quotes around the mid: a width and a skew
  Positions  ///< an action is a position to hold: short, flat or long the limit
};

struct DeskParams {
  DeskMode mode = DeskMode::Quotes;
  std::string instrument;
  double step_s = 1, price_scale = 0, inventory_penalty = 0.02;
  std::int64_t quantity = 1, limit = 10;
  std::vector<double> widths{1, 2, 4}, skews{-1, 0, 1};
  static void fields(auto&& field) {
    using P = DeskParams;
    field("mode", &P::mode,
          {.doc = "quotes: makes a market; positions: takes long, flat or short"});
    field("instrument", &P::instrument, {.doc = "name; empty: the first"});
    field("step_s", &P::step_s, {.unit = "s", .min = 1e-6, .max = 1e7, .doc = "between decisions"});
    field("quantity", &P::quantity, {.unit = "lots", .min = 1, .max = 1e12, .doc = "of a quote"});
    field("limit", &P::limit,
          {.unit = "lots", .min = 1, .max = 1e12, .doc = "largest position, long or short"});
    field("widths", &P::widths,
          {.unit = "ticks",
           .min = 0,
           .max = 1e9,
           .doc = "choices of the distance of a quote to the mid"});
    field("skews", &P::skews,
          {.unit = "ticks", .min = -1e9, .max = 1e9, .doc = "choices of the shift of both quotes"});
    field("inventory_penalty", &P::inventory_penalty,
          {.unit = "reward",
           .min = 0,
           .max = 1e6,
           .doc = "a step, at the limit; grows with the square of the position"});
    field("price_scale", &P::price_scale,
          {.unit = "ticks",
           .min = 0,
           .max = 1e9,
           .doc = "a usual move in a step, for observations and rewards; 0: the largest width"});
  }
};

class TradingDesk {
 public:
  /// Inventory, time left, spread, imbalance (best level, five levels), move over 1 and 5 steps,
  /// recent volatility.
  static constexpr std::size_t kObservation = 8;

  /// Throws Error{Scenario} at `where` when the instrument is unknown or there is nothing to choose
  /// from.
  TradingDesk(const DeskParams& params, std::span<const engine::Instrument> instruments,
              const std::string& where = "");

  [[nodiscard]] std::size_t actions() const;
  /// When to decide next: a step on, or the end, where less than half a step would be left for it.
  [[nodiscard]] Nanos next(const engine::Orders& orders) const;
  /// Forgets the run before; call at its start.
  void begin(const engine::Orders& orders);
  /// What is visible now, scaled to about +-1. Call once a decision, before act(). Shape: out
  /// kObservation.
  void observe(const engine::Orders& orders, std::span<float> out);
  /// Cancels, places or keeps orders so that they are what `action` says.
  void act(engine::Orders& orders, std::int32_t action);
  /// Change of equity since the call (or begin()) before, in units of price_scale x quantity held,
  /// less the inventory's penalty. Call once a step, after the market has moved on.
  [[nodiscard]] double reward(const engine::Orders& orders);

 private:
  struct Quote {
    engine::OrderId order = 0;
    Ticks price;
  };
  [[nodiscard]] std::optional<double> middle(const engine::Orders& orders) const;
  void quote(engine::Orders& orders, engine::Side side, Ticks price, bool wanted);
  void hold(engine::Orders& orders, std::int64_t target);

  DeskParams params_;
  engine::InstrumentId instrument_ = 0;
  Nanos step_;
  double price_scale_, money_scale_;
  Quote bid_, ask_;
  std::vector<double> mids_;  // a ring of the last kMids decisions' mids, in ticks
  std::size_t seen_ = 0;
  Nanos began_;
  Money equity_;
};

}  // namespace walras::agents

template <>
struct walras::EnumNames<walras::agents::DeskMode> {
  using E = walras::agents::DeskMode;
  static constexpr std::array<std::pair<E, std::string_view>, 2> names{
      {{E::Quotes, "quotes"}, {E::Positions, "positions"}}};
};
