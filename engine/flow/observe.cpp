#include "engine/flow/observe.hpp"

#include "engine/base/error.hpp"
#include "engine/market/tape.hpp"
#include "engine/sim/simulation.hpp"
#include "engine/venue/replay_venue.hpp"

#include <algorithm>
#include <cmath>

namespace walras::engine {
namespace {

std::int64_t quantity_at(const Depth& depth, Side side, Ticks price) {
  const auto& levels = side == Side::Buy ? depth.bid : depth.ask;
  const std::size_t count = side == Side::Buy ? depth.bids : depth.asks;
  for (std::size_t i = 0; i < count; ++i) {
    if (levels[i].price == price) return levels[i].quantity.value;
  }
  return 0;
}

class Eyes final : public VenueSink {
 public:
  Eyes(MarketView& view, InstrumentId instrument) : view_(view), instrument_(instrument) {}

  void publish(const Event& event, const Depth* depth) override {
    if (event.instrument != instrument_) return;
    const double now = static_cast<double>(event.exchange_time.value) * 1e-9;
    look(now);
    switch (event.kind) {
      case EventKind::Trade:
        take(event, event.side, now);
        traded_.push_back({event.price, event.quantity});
        break;
      case EventKind::Execute:
        take(event, opposite(event.side), now);
        break;
      case EventKind::Add:
        if (event.flags != kWindowMove)
          note(now, false, event.side, event.price, event.quantity.value);
        break;
      case EventKind::Reduce:
      case EventKind::Delete:
        if (event.flags != kWindowMove)
          note(now, true, event.side, event.price, event.quantity.value);
        break;
      case EventKind::Depth:
        if (depth) compare(*depth, now);
        break;
      default:
        break;
    }
    if (depth) depth_ = *depth;
  }
  void fill(OrderId, Ticks, Lots, Lots, bool, Money, Nanos) override {}
  void answer(EventKind, OrderId, Ticks, Lots, Reject) override {}
  void look(double now) {
    if (next_look_ < 0) next_look_ = std::ceil(now);
    for (; next_look_ <= now; next_look_ += 1) {
      if (!depth_.two_sided()) continue;
      SeenBook seen{next_look_, mid(), spread(), {}, {}, 0};
      for (std::size_t k = 0; k < kDepthLevels; ++k) {
        seen.bid[k] = quantity_at(depth_, Side::Buy,
                                  depth_.bid[0].price - Ticks{static_cast<std::int64_t>(k)});
        seen.ask[k] = quantity_at(depth_, Side::Sell,
                                  depth_.ask[0].price + Ticks{static_cast<std::int64_t>(k)});
      }
      for (std::size_t k = 0; k < depth_.bids; ++k) seen.lots += depth_.bid[k].quantity.value;
      for (std::size_t k = 0; k < depth_.asks; ++k) seen.lots += depth_.ask[k].quantity.value;
      view_.books.push_back(seen);
    }
  }

 private:
  struct Traded {
    Ticks price;
    Lots quantity;
  };
  double mid() const {
    return 0.5 * static_cast<double>(depth_.bid[0].price.value + depth_.ask[0].price.value);
  }
  std::int64_t spread() const {
    return depth_.two_sided() ? (depth_.ask[0].price - depth_.bid[0].price).value : 0;
  }

  void take(const Event& event, Side taker, double now) {
    auto& all = view_.market_orders;
    if (!all.empty() && all.back().time_s == now && all.back().side == taker) {
      all.back().lots += event.quantity.value;
      return;
    }
    if (!depth_.two_sided()) return;
    const Depth::Level& met = taker == Side::Buy ? depth_.ask[0] : depth_.bid[0];
    all.push_back({now, taker, event.quantity.value, mid(), met.quantity.value, spread()});
  }
  void note(double now, bool cancel, Side side, Ticks price, std::int64_t lots) {
    const bool other = side == Side::Buy ? depth_.asks > 0 : depth_.bids > 0,
               own = side == Side::Buy ? depth_.bids > 0 : depth_.asks > 0;
    const std::int64_t opposite_best = !other              ? price.value
                                       : side == Side::Buy ? depth_.ask[0].price.value
                                                           : depth_.bid[0].price.value;
    const std::int64_t own_best = !own                ? price.value
                                  : side == Side::Buy ? depth_.bid[0].price.value
                                                      : depth_.ask[0].price.value;
    view_.orders.push_back({now, cancel, side, sign(side) * (opposite_best - price.value),
                            sign(side) * (own_best - price.value), quantity_at(depth_, side, price),
                            spread(), lots});
  }
  /// Generated books say what they look like, not what was done: the difference that trades do not
  /// explain was orders.
  void compare(const Depth& now_depth, double now) {
    for (const Side side : {Side::Buy, Side::Sell}) {
      const auto& before = side == Side::Buy ? depth_.bid : depth_.ask;
      const auto& after = side == Side::Buy ? now_depth.bid : now_depth.ask;
      const std::size_t n = side == Side::Buy ? depth_.bids : depth_.asks,
                        m = side == Side::Buy ? now_depth.bids : now_depth.asks;
      // Prices beyond the worst that either view shows are unknown in one of them.
      const auto edge = [&](const auto& levels, std::size_t count) {
        return count < kDepthLevels ? -sign(side) * std::int64_t{1} << 60
                                    : levels[count - 1].price.value;
      };
      const std::int64_t a = edge(before, n), b = edge(after, m),
                         limit = side == Side::Buy ? std::max(a, b) : std::min(a, b);
      std::size_t i = 0, j = 0;
      while (i < n || j < m) {
        const bool old_first =
            j >= m || (i < n && sign(side) * (before[i].price - after[j].price).value >= 0);
        const bool new_first =
            i >= n || (j < m && sign(side) * (after[j].price - before[i].price).value >= 0);
        const Ticks price = old_first ? before[i].price : after[j].price;
        std::int64_t had = old_first ? before[i].quantity.value : 0;
        const std::int64_t has = new_first ? after[j].quantity.value : 0;
        if (old_first) ++i;
        if (new_first) ++j;
        if (sign(side) * (price.value - limit) < 0) break;
        for (const Traded& trade : traded_)
          had -= trade.price == price ? std::min(had, trade.quantity.value) : 0;
        if (has > had) note(now, false, side, price, has - had);
        if (has < had) note(now, true, side, price, had - has);
      }
    }
    traded_.clear();
  }

  MarketView& view_;
  InstrumentId instrument_;
  Depth depth_;
  double next_look_ = -1;
  std::vector<Traded> traded_;  // since the last depth
};

}  // namespace

MarketView MarketView::between(double from, double to) const {
  MarketView part;
  part.tick_size = tick_size;
  part.begin_s = std::max(begin_s, from);
  part.end_s = std::min(end_s, to);
  const auto copy = [&](const auto& all, auto& some) {
    std::copy_if(all.begin(), all.end(), std::back_inserter(some),
                 [&](const auto& seen) { return seen.time_s >= from && seen.time_s < to; });
  };
  copy(orders, part.orders);
  copy(market_orders, part.market_orders);
  copy(books, part.books);
  return part;
}

MarketView observe(const Tape& tape, InstrumentId instrument) {
  const bool book = std::any_of(tape.events.begin(), tape.events.end(),
                                [](const Event& event) { return event.kind == EventKind::Add; });
  if (!book)
    fail(Fault::Data, "market data",
         "expected order messages, found none; a book is calibrated from data such as LOBSTER's");
  MarketView view;
  view.tick_size = tape.instruments[instrument].tick_size;
  Eyes eyes(view, instrument);
  const auto venue = make_replay_venue(tape, {});
  venue->start(tape.events.front().exchange_time, eyes);
  for (const Event& event : tape.events) venue->replay(event, eyes);
  view.begin_s = static_cast<double>(tape.events.front().exchange_time.value) * 1e-9;
  view.end_s = static_cast<double>(tape.events.back().exchange_time.value) * 1e-9;
  return view;
}

MarketView observe(const MarketPlan& plan, std::uint64_t seed, InstrumentId instrument) {
  if (!plan.generated() || plan.sampling().value == 0)
    fail(Fault::Scenario, "/market", "expected a generated order book, was another market");
  MarketView view;
  view.tick_size = plan.instruments()[instrument].tick_size;
  Eyes eyes(view, instrument);
  const auto venue = plan.venue(Rng(seed, "venue"), nullptr);
  const Nanos end = plan.whole().end;
  venue->start({}, eyes);
  view.orders.clear();  // the opening book did not come as orders
  while (venue->next_time() < end) venue->advance(eyes);
  view.end_s = static_cast<double>(end.value) * 1e-9;
  eyes.look(view.end_s - 1e-9);
  return view;
}

}  // namespace walras::engine
