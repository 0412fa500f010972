// Phases: sessions, halts and calls; and the auction that ends a call.
#include "engine/venue/exchange.hpp"

#include "engine/market/order_rules.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
Phase Exchange::scheduled(Nanos time) const {
  if (!rules_.calendar || rules_.calendar->always_open()) return Phase::Continuous;
  const Session session = rules_.calendar->session(time);
  if (time < session.open)
    return session.open - time <= rules_.opening_call ? Phase::OpeningCall : Phase::Closed;
  return session.close - time <= rules_.closing_call ? Phase::ClosingCall : Phase::Continuous;
}

Nanos Exchange::next_change(Nanos time) const {
  if (!rules_.calendar || rules_.calendar->always_open()) return Nanos::max();
  const Session session = rules_.calendar->session(time);
  for (const Nanos change :
       {session.open - rules_.opening_call, session.open, session.close - rules_.closing_call}) {
    if (change > time) return change;
  }
  return session.close;
}

void Exchange::start(Nanos now) {
  now_ = now;
  change_ = next_change(now);
  const Phase phase = scheduled(now);
  if (phase != phase_) enter(phase);
}

void Exchange::enter(Phase phase) {
  if ((phase == Phase::Continuous || phase == Phase::Closed) && gathered_) end_call();
  phase_ = phase;
  Report said;
  said.kind = Report::Kind::Phase;
  said.phase = phase;
  report(said);
  if (in_call()) gathered_ = true;
  if (phase == Phase::OpeningCall) enter_held(TimeInForce::AtTheOpen);
  if (phase == Phase::ClosingCall) enter_held(TimeInForce::AtTheClose);
  if (phase == Phase::Continuous) {
    wake(Side::Buy);
    wake(Side::Sell);
  }
}

void Exchange::advance() {
  const Nanos time = next_time();
  if (time == Nanos::max()) return;
  now_ = time;
  fix_ranges();
  if (until_ == time) {
    until_ = Nanos::max();
    if (phase_ == Phase::Halted) return resume(time);
    return enter(scheduled(time));
  }
  change_ = next_change(time);
  const Phase next = scheduled(time);
  if (phase_ == Phase::Halted && next != Phase::Closed) return;
  until_ = Nanos::max();
  // A call that runs into another ends first.
  if (gathered_ && phase_ != next) end_call();
  if (next != phase_) enter(next);
}

void Exchange::halt(Nanos now, Nanos until) {
  now_ = now;
  until_ = until;
  if (phase_ != Phase::Halted) enter(Phase::Halted);
}

void Exchange::resume(Nanos now) {
  if (phase_ != Phase::Halted) return;
  const Phase next = scheduled(now);
  if (next == Phase::Continuous && rules_.pause.value > 0)
    return call(Phase::VolatilityCall, now, now + rules_.pause);
  now_ = now;
  until_ = Nanos::max();
  enter(next);
}

void Exchange::call(Phase phase, Nanos now, Nanos until) {
  now_ = now;
  until_ = until;
  enter(phase);
}

// The auction.

void Exchange::gather_side(Side side, std::vector<Interest>& out) const {
  out.clear();
  for (const Waiting& order : market_[at(side)])
    out.push_back({order.id, 0, order.request.quantity.value, 0, true});
  const auto& unseen = dark(side);
  std::size_t next = 0;
  const auto add_unseen = [&](std::optional<std::int64_t> price, bool at_it) {
    for (; next < unseen.size(); ++next) {
      const Dark& order = unseen[next];
      if (price && (order.price - *price) * sign(side) <= 0 && !(at_it && order.price == *price))
        return;
      if (!order.all) out.push_back({order.id, order.price, order.quantity});
    }
  };
  book_.visit_levels(side, [&](Ticks price, const OrderBook::LevelView&) {
    add_unseen(price.value, false);
    book_.visit_orders(side, price, [&](OrderId id, Lots shown) {
      out.push_back({id, price.value, shown.value + reserve_of(id)});
    });
    add_unseen(price.value, true);
    return true;
  });
  add_unseen(std::nullopt, false);
}

// Of the limits that were named: the largest volume; among those the smallest surplus; among those,
// where all have bids left over the highest, where all have offers left over the lowest, else the
// one at or nearest to the reference price, which itself counts where it lies between. Without any
// limits: the reference price.
std::optional<Exchange::Indication> Exchange::price_of(const std::vector<Interest>& bids,
                                                       const std::vector<Interest>& asks,
                                                       Ticks reference) {
  std::vector<std::int64_t> prices;
  Money::Integer bought = 0, sold = 0, market_offers = 0;  // at the price in hand
  for (const Interest& bid : bids) {
    bought += bid.quantity;
    if (!bid.market) prices.push_back(bid.price);
  }
  for (const Interest& ask : asks) {
    if (ask.market)
      market_offers += ask.quantity;
    else
      prices.push_back(ask.price);
  }
  const auto indication = [&](std::int64_t price) {
    constexpr Money::Integer kMost = std::numeric_limits<std::int64_t>::max();
    const Money::Integer surplus = std::clamp(bought - sold, -kMost, kMost);
    return Indication{{price},
                      {static_cast<std::int64_t>(std::min({bought, sold, kMost}))},
                      static_cast<std::int64_t>(surplus)};
  };
  sold = market_offers;
  if (prices.empty()) {
    if (reference.value == 0 || bought == 0 || sold == 0) return std::nullopt;
    return indication(reference.value);
  }
  std::sort(prices.begin(), prices.end());
  prices.erase(std::unique(prices.begin(), prices.end()), prices.end());
  std::size_t below = bids.size(), reached = 0;  // bids from `below` on are too low
  while (reached < asks.size() && asks[reached].market) ++reached;
  const auto at_price = [&](std::int64_t price) {  // of rising prices
    for (; below > 0 && !bids[below - 1].market && bids[below - 1].price < price; --below)
      bought -= bids[below - 1].quantity;
    for (; reached < asks.size() && asks[reached].price <= price; ++reached)
      sold += asks[reached].quantity;
    return indication(price);
  };
  Indication low, high;  // the ends of what is left to choose from
  bool bids_over = true, offers_over = true, found = false;
  for (const std::int64_t price : prices) {
    const Indication there = at_price(price);
    if (there.volume.value == 0) continue;
    const std::int64_t surplus = std::abs(there.surplus);
    const bool more = !found || there.volume > low.volume ||
                      (there.volume == low.volume && surplus < std::abs(low.surplus));
    if (!more && (there.volume < low.volume || surplus > std::abs(low.surplus))) continue;
    if (more) {
      low = there;
      bids_over = offers_over = found = true;
    }
    high = there;
    bids_over = bids_over && there.surplus > 0;
    offers_over = offers_over && there.surplus < 0;
  }
  if (!found) return std::nullopt;
  if (bids_over) return high;
  if (offers_over || reference.value == 0) return low;
  const std::int64_t chosen = std::clamp(reference, low.price, high.price).value;
  bought = sold = 0;
  for (const Interest& bid : bids) bought += bid.market || bid.price >= chosen ? bid.quantity : 0;
  for (const Interest& ask : asks) sold += ask.market || ask.price <= chosen ? ask.quantity : 0;
  return indication(chosen);
}

std::optional<Exchange::Indication> Exchange::indication() const {
  if (!in_call()) return std::nullopt;
  std::vector<Interest> bids, asks;
  gather_side(Side::Buy, bids);
  gather_side(Side::Sell, asks);
  return price_of(bids, asks, reference_);
}

void Exchange::uncross() {
  gather_side(Side::Buy, bids_);
  gather_side(Side::Sell, asks_);
  const auto result = price_of(bids_, asks_, reference_);
  if (!result) return;
  std::int64_t left = result->volume.value;
  last_ = reference_ = result->price;
  for (std::size_t i = 0, j = 0; left > 0;) {
    Interest& bid = bids_[i];
    Interest& ask = asks_[j];
    const std::int64_t quantity =
        std::min({left, bid.quantity - bid.filled, ask.quantity - ask.filled});
    left -= quantity;
    bid.filled += quantity;
    ask.filled += quantity;
    Report said;
    said.kind = Report::Kind::Trade;
    said.auction = true;
    said.order = bid.id;
    said.maker = ask.id;
    said.price = result->price;
    said.quantity = {quantity};
    said.left = {bid.quantity - bid.filled};
    said.maker_left = {ask.quantity - ask.filled};
    report(said);
    if (bid.filled == bid.quantity) ++i;
    if (ask.filled == ask.quantity) ++j;
  }
  for (const Interest& bid : bids_) apply(bid, Side::Buy);
  for (const Interest& ask : asks_) apply(ask, Side::Sell);
}

/// Takes what traded in the auction off an order. Of an iceberg the shown part trades first.
void Exchange::apply(const Interest& interest, Side side) {
  if (interest.filled == 0) return;
  if (interest.filled == interest.quantity) {
    extract(interest.id);
    return;
  }
  Record* kept = record(interest.id);
  if (!kept || kept->reserve == 0) return shrink(interest.id, interest.filled);
  const std::int64_t shown = book_.find(interest.id)->quantity.value;
  if (interest.filled < shown) {
    book_.reduce(interest.id, {interest.filled});
    return;
  }
  book_.cancel(interest.id);
  kept->reserve -= interest.filled - shown;
  const std::int64_t next = std::min(kept->display, kept->reserve);
  kept->reserve -= next;
  book_.rest(interest.id, side, {interest.price}, {next});
}

void Exchange::end_call() {
  gathered_ = false;
  const std::size_t before = reports_.size();
  uncross();
  fix_ranges();
  const bool priced = reports_.size() > before;
  // Market orders end with the auction, but for those that go on as limit orders at its price.
  for (const Side side : {Side::Buy, Side::Sell}) {
    auto& orders = market_[at(side)];
    for (const Waiting& order : orders) {
      index_.erase(order.id);
      const bool goes_on = priced && order.request.type == OrderType::MarketToLimit &&
                           !for_auction(order.request.time_in_force);
      if (!goes_on) {
        cancelled(order.id, side, {}, order.request.quantity.value, Reject::Expired);
        continue;
      }
      OrderRequest limited = order.request;
      limited.type = OrderType::Limit;
      limited.price = last_;
      amending_ = true;
      rest(order.id, order.owner, limited, order.request.quantity.value);
      amending_ = false;
    }
    orders.clear();
  }
  // Those in the book came for this auction.
  std::vector<OrderId> over;
  for (const Record& kept : records_) {
    if (kept.id != 0 && for_auction(kept.time_in_force)) over.push_back(kept.id);
  }
  std::sort(over.begin(), over.end());
  for (const OrderId id : over) {
    const Open open = *extract(id);
    cancelled(id, open.side, open.price, open.quantity.value, Reject::Expired);
  }
}

}  // namespace walras::engine
