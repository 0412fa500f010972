// Who trades with whom while trading is continuous.
#include "engine/venue/exchange.hpp"

#include "engine/base/error.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
namespace {

/// Whether `a` comes before `b` among the prices of a resting side.
bool better(Side resting, std::int64_t a, std::int64_t b) { return (a - b) * sign(resting) > 0; }

/// amount x numerator / denominator, rounded down; numerator <= denominator.
std::int64_t part_of(std::int64_t amount, std::int64_t numerator, std::int64_t denominator) {
  return static_cast<std::int64_t>(Money::Integer{amount} * numerator / denominator);
}

bool within(std::int64_t price, std::int64_t centre, std::int64_t bps) {
  if (bps == 0 || centre == 0) return true;
  const Money::Integer size = centre < 0 ? -Money::Integer{centre} : Money::Integer{centre};
  const Money::Integer gap = price < centre ? Money::Integer{centre} - price
                                            : Money::Integer{price} - centre;
  return gap * 10'000 <= size * bps;
}

}  // namespace

bool Exchange::inside(Ticks price) const {
  return within(price.value, centre_.value, rules_.static_bps) &&
         within(price.value, before_.value, rules_.dynamic_bps);
}

std::optional<Ticks> Exchange::next_price(const Taker& taker) const {
  const Side resting = opposite(taker.side);
  std::optional<Ticks> best;
  if (!book_.empty(resting)) best = book_.best(resting);
  for (const Dark& order : dark(resting)) {
    if (order.all && order.quantity > taker.left) continue;
    if (!best || better(resting, order.price, best->value)) best = Ticks{order.price};
    break;
  }
  if (!best || taker.any_price) return best;
  return better(resting, taker.limit.value, best->value) ? std::nullopt : best;
}

void Exchange::walk(Taker& taker) {
  const Side resting = opposite(taker.side);
  while (taker.left > 0 && !taker.stopped) {
    const auto price = next_price(taker);
    if (!price) return;
    if (!inside(*price)) {
      taker.breached = true;
      return;
    }
    if (!book_.empty(resting) && book_.best(resting) == *price) take_shown(taker, *price);
    if (taker.left > 0 && !taker.stopped) take_dark(taker, *price);
  }
}

void Exchange::take_shown(Taker& taker, Ticks price) {
  const Side resting = opposite(taker.side);
  while (taker.left > 0 && !taker.stopped && !book_.empty(resting) &&
         book_.best(resting) == price) {
    if (rules_.matching == Matching::ProRata) {
      share_out(taker, price);
    } else if (guarded(taker) && owns_at(resting, price, taker.owner)) {
      take_front(taker, price);
    } else {
      bulk(taker, price, taker.left);
    }
  }
}

/// Trades with the queue at the best price, first come first served.
void Exchange::bulk(Taker& taker, Ticks price, std::int64_t at_most) {
  spent_.clear();
  book_.limit(taker.id, taker.side, price, {at_most}, TimeInForce::ImmediateOrCancel, false,
              [&](const Match& match) {
                traded(taker, match.maker, price, match.quantity.value, match.maker_left.value);
                if (match.maker_left.value == 0) spend(match.maker);
              });
  show_more(opposite(taker.side), price);
}

/// Trades with, or is kept from, the first in the queue alone.
void Exchange::take_front(Taker& taker, Ticks price) {
  const Side resting = opposite(taker.side);
  const OrderId front = book_.front(resting);
  const std::int64_t shown = book_.find(front)->quantity.value;
  if (owner_of(front) == taker.owner)
    return prevent(taker, front, shown + reserve_of(front));
  bulk(taker, price, std::min(taker.left, shown));
}

bool Exchange::owns_at(Side side, Ticks price, std::uint32_t owner) const {
  if (index_.size() == 0) return false;
  bool owns = false;
  book_.visit_orders(side, price, [&](OrderId id, Lots) { owns = owns || owner_of(id) == owner; });
  return owns;
}

/// One round of pro-rata over what is shown at the best price.
void Exchange::share_out(Taker& taker, Ticks price) {
  const Side resting = opposite(taker.side);
  shares_.clear();
  bool own = false;
  book_.visit_orders(resting, price, [&](OrderId id, Lots quantity) {
    const bool mine = guarded(taker) && owner_of(id) == taker.owner;
    own = own || mine;
    shares_.push_back({id, quantity.value, mine ? -1 : 0});
  });
  const bool stops = own && (rules_.self_trade == SelfTrade::CancelNewest ||
                             rules_.self_trade == SelfTrade::CancelBoth);
  for (const Share& share : shares_) {
    if (share.part >= 0 || rules_.self_trade == SelfTrade::CancelNewest) continue;
    prevent(taker, share.id, share.quantity + reserve_of(share.id));
  }
  std::erase_if(shares_, [](const Share& share) { return share.part < 0; });
  std::int64_t total = 0;
  for (const Share& share : shares_) total += share.quantity;
  const std::int64_t given = std::min(taker.left, total);
  if (given > 0) {
    std::int64_t rest = given;
    const std::int64_t lot = rules_.lot.value;
    for (Share& share : shares_) {
      share.part = part_of(given / lot, share.quantity, total) * lot;
      rest -= share.part;
    }
    for (Share& share : shares_) {
      const std::int64_t more = std::min(rest, share.quantity - share.part);
      share.part += more;
      rest -= more;
    }
    spent_.clear();
    for (const Share& share : shares_) {
      if (share.part == 0) continue;
      book_.reduce(share.id, {share.part});
      const std::int64_t left = share.quantity - share.part;
      traded(taker, share.id, price, share.part, left);
      if (left == 0) spend(share.id);
    }
    show_more(resting, price);
  }
  if (stops && taker.left > 0) taker.stopped = true;
}

void Exchange::take_dark(Taker& taker, Ticks price) {
  const Side resting = opposite(taker.side);
  auto& orders = dark(resting);
  std::size_t i = 0;
  while (i < orders.size() && taker.left > 0 && !taker.stopped) {
    const Dark order = orders[i];
    if (better(resting, price.value, order.price)) return;
    // At a better price only what does not fit is left.
    if (order.price != price.value || (order.all && order.quantity > taker.left)) {
      ++i;
      continue;
    }
    if (guarded(taker) && order.owner == taker.owner) {
      prevent(taker, order.id, order.quantity);
      continue;  // gone, smaller, or the end
    }
    const std::int64_t quantity = std::min(order.quantity, taker.left);
    if (quantity == order.quantity)
      extract(order.id);
    else
      orders[i].quantity -= quantity;
    traded(taker, order.id, price, quantity, order.quantity - quantity);
  }
}

/// Two orders of one owner meet; `open` is of the resting one.
void Exchange::prevent(Taker& taker, OrderId maker, std::int64_t open) {
  const SelfTrade policy = rules_.self_trade;
  if (policy == SelfTrade::CancelNewest) {
    taker.stopped = true;
    return;
  }
  const std::int64_t gone = policy == SelfTrade::Decrement ? std::min(open, taker.left) : open;
  const Open resting = *find(maker);
  if (gone == open) {
    extract(maker);
    cancelled(maker, resting.side, resting.price, open, Reject::SelfTrade);
  } else {
    shrink(maker, gone);
    Report said;
    said.kind = Report::Kind::Replaced;
    said.side = resting.side;
    said.why = Reject::SelfTrade;
    said.order = maker;
    said.price = resting.price;
    said.quantity = {open - gone};
    report(said);
  }
  if (policy == SelfTrade::CancelBoth) taker.stopped = true;
  if (policy != SelfTrade::Decrement) return;
  taker.left -= gone;
  if (taker.left == 0) taker.stopped = true;  // its owner hears of the end
}

/// `shown_left`: of the resting order in the book.
void Exchange::traded(Taker& taker, OrderId maker, Ticks price, std::int64_t quantity,
                      std::int64_t shown_left) {
  taker.left -= quantity;
  last_ = price;
  if (reference_.value == 0) reference_ = price;
  Report said;
  said.kind = Report::Kind::Trade;
  said.side = taker.side;
  said.order = taker.id;
  said.maker = maker;
  said.price = price;
  said.quantity = {quantity};
  said.left = {taker.left};
  said.maker_left = {shown_left + reserve_of(maker)};
  report(said);
}

/// What was shown of an order is gone.
void Exchange::spend(OrderId id) {
  if (index_.size() == 0) return;
  if (reserve_of(id) > 0)
    spent_.push_back(id);
  else
    forget_record(id);
}

/// Reserves come up behind everybody else.
void Exchange::show_more(Side side, Ticks price) {
  for (const OrderId id : spent_) {
    Record& kept = *record(id);
    const std::int64_t shown = std::min(kept.display, kept.reserve);
    kept.reserve -= shown;
    book_.rest(id, side, price, {shown});
  }
  spent_.clear();
}

/// Orders of `side` that wait for all of their quantity try again, first come first served.
void Exchange::wake(Side side) {
  if (all_or_none_[at(side)] == 0) return;
  auto& orders = dark(side);
  for (std::size_t i = 0; i < orders.size();) {
    const Dark order = orders[i];
    const Lots all{order.quantity};
    if (!order.all || takeable(side, order.owner, Ticks{order.price}, all) < all) {
      ++i;
      continue;
    }
    extract(order.id);
    Taker taker{order.id, order.owner, side, order.quantity, false, {order.price}};
    walk(taker);
    expects(taker.left == 0, "all or none: what was counted can be taken");
  }
}

// The same walk on paper. Where self-trade prevention would end or shorten the order, it ends here.
Lots Exchange::takeable(Side side, std::uint32_t owner, std::optional<Ticks> limit,
                        Lots want) const {
  const Side resting = opposite(side);
  const bool guard = owner != 0 && rules_.self_trade != SelfTrade::Allow;
  if (dark(resting).empty() && !guard && icebergs_ == 0 && rules_.static_bps == 0 &&
      rules_.dynamic_bps == 0) {
    const Ticks any{sign(side) * OrderBook::kMaxPrice};
    return book_.available(side, limit.value_or(any), want);
  }
  std::int64_t sum = 0;
  bool end = false;
  const auto reaches = [&](std::int64_t price) {
    if ((limit && better(resting, limit->value, price)) || !inside({price})) end = true;
    return !end;
  };
  const auto count = [&](std::int64_t quantity) {
    sum += std::min(quantity, want.value - sum);
    if (sum == want.value) end = true;
  };
  const auto& unseen = dark(resting);
  std::size_t next = 0;
  // Unseen orders at better prices than `price`, or at it as well.
  const auto count_unseen = [&](std::optional<std::int64_t> price, bool at_it) {
    for (; !end && next < unseen.size(); ++next) {
      const Dark& order = unseen[next];
      if (price && !better(resting, order.price, *price) && !(at_it && order.price == *price))
        return;
      if (order.all && order.quantity > want.value - sum) continue;
      if (!reaches(order.price)) return;
      if (guard && order.owner == owner) {
        if (rules_.self_trade != SelfTrade::CancelOldest) end = true;
        continue;
      }
      count(order.quantity);
    }
  };
  book_.visit_levels(resting, [&](Ticks price, const OrderBook::LevelView& level) {
    count_unseen(price.value, false);
    if (end || !reaches(price.value)) return false;
    if (!guard && icebergs_ == 0) {
      count(level.quantity.value);
    } else {
      count_shown(resting, price, guard ? owner : 0, count, end);
    }
    count_unseen(price.value, true);
    return !end;
  });
  count_unseen(std::nullopt, false);
  return {sum};
}

template <class Count>
void Exchange::count_shown(Side resting, Ticks price, std::uint32_t owner, const Count& count,
                           bool& end) const {
  const bool own = owner != 0 && owns_at(resting, price, owner);
  const bool oldest = rules_.self_trade == SelfTrade::CancelOldest;
  const bool shares = rules_.matching == Matching::ProRata;
  if (own && shares && rules_.self_trade == SelfTrade::Decrement) {
    end = true;  // comes first there
    return;
  }
  bool met = false;  // an order of the same owner stands before the rest of the queue
  book_.visit_orders(resting, price, [&](OrderId id, Lots shown) {
    if (end || met) return;
    if (own && owner_of(id) == owner) {
      met = !oldest && !shares;
      return;
    }
    count(shown.value + (own && !oldest ? 0 : reserve_of(id)));
  });
  if (own && !oldest) end = true;
}

}  // namespace walras::engine
