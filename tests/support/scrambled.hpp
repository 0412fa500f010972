#pragma once
// Markets whose future is drawn anew after a point that a test knows: whoever sees only the past
// must do the same before it.
#include "engine/catalog.hpp"
#include "tests/support/market.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace walras::tests {

inline constexpr std::size_t kScrambledBars = 400, kScrambledMessages = 4'000;

/// Bars of three random walks; after bar `known` another future is drawn.
inline std::shared_ptr<const MarketPlan> scrambled_bars(std::size_t known, std::uint64_t future) {
  std::map<std::string, std::vector<TinyBar>> all;
  for (const char* name : {"A", "B", "C"}) {
    Rng past(1, name), then(future, name);
    double log_price = std::log(10'000.0);
    std::int64_t last = 10'000;
    for (std::size_t i = 0; i < kScrambledBars; ++i) {
      Rng& random = i < known ? past : then;
      log_price += 0.01 * random.normal();
      const std::int64_t close = std::llround(std::exp(log_price));
      const std::int64_t reach = static_cast<std::int64_t>(random.below(50));
      all[name].push_back({last, std::max(last, close) + reach, std::min(last, close) - reach,
                           close, 1'000'000 + static_cast<std::int64_t>(random.below(1'000'000))});
      last = close;
    }
  }
  return bar_market(bar_tape(all));
}

/// A recorded book of limit orders that come, go and trade, `apart_ms` from one to the next; after
/// message `known` others come.
inline std::shared_ptr<const MarketPlan> scrambled_book(std::size_t known, std::uint64_t future,
                                                        std::int64_t apart_ms = 1) {
  Tape tape;
  tape.instruments.push_back(tiny_instrument("A"));
  std::map<std::uint64_t, Event> live;
  std::uint64_t next = 1;
  Rng past(1, "book"), then(future, "book");
  std::int64_t centre = 10'000;
  const auto record = [&](Event event, std::size_t i) {
    event.exchange_time = event.local_time = {static_cast<std::int64_t>(i + 1) * apart_ms * 1'000'000};
    tape.events.push_back(event);
  };
  for (std::size_t i = 0; i < kScrambledMessages; ++i) {
    Rng& random = i < known ? past : then;
    if (i % 20 == 0) centre += static_cast<std::int64_t>(random.below(3)) - 1;
    if (live.size() > 60) {
      auto gone = live.begin();
      std::advance(gone, static_cast<std::ptrdiff_t>(random.below(live.size())));
      const bool trades = random.below(3) == 0;
      for (auto other = live.begin(); trades && other != live.end(); ++other) {  // the best of its side
        const Event &best = gone->second, &now = other->second;
        if (now.side == best.side && (now.price.value - best.price.value) * sign(best.side) > 0)
          gone = other;
      }
      Event event = gone->second;
      event.kind = trades ? EventKind::Execute : EventKind::Delete;
      record(event, i);
      live.erase(gone);
      continue;
    }
    Event event;
    event.kind = EventKind::Add;
    event.order = next++;
    event.side = random.below(2) == 0 ? Side::Buy : Side::Sell;
    event.quantity = {1 + static_cast<std::int64_t>(random.below(100))};
    std::int64_t price =
        centre - sign(event.side) * (1 + static_cast<std::int64_t>(random.below(8)));
    for (const auto& [id, other] : live) {  // never crossed
      if (other.side == event.side) continue;
      price = event.side == Side::Buy ? std::min(price, other.price.value - 1)
                                      : std::max(price, other.price.value + 1);
    }
    event.price = {price};
    live[event.order] = event;
    record(event, i);
  }
  return build_market(Json::object(), Json::parse(R"({"latency": "none"})"),
                      finish_tape(std::move(tape)), engine_catalog());
}

}  // namespace walras::tests
