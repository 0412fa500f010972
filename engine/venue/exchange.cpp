// Entry, change and leaving of orders, and what the exchange remembers of them.
#include "engine/venue/exchange.hpp"

#include "engine/market/order_rules.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
namespace {

// What IdIndex says of orders that do not rest in the book.
constexpr std::uint32_t kDarkBuy = IdIndex::kNone - 1, kDarkSell = IdIndex::kNone - 2,
                        kWaiting = IdIndex::kNone - 3, kFirstMark = kWaiting;

constexpr std::uint32_t dark_mark(Side side) { return side == Side::Buy ? kDarkBuy : kDarkSell; }

bool sum_fits(std::int64_t a, std::int64_t b) {
  return a <= std::numeric_limits<std::int64_t>::max() - b;
}

}  // namespace

Exchange::Exchange(ExchangeRules rules, std::size_t window)
    : rules_(std::move(rules)), book_(window) {
  simple_rules_ = rules_.matching == Matching::PriceTime && rules_.ticks.empty() &&
                  rules_.lot.value == 1 && rules_.largest == Lots::max() && rules_.band_bps == 0 &&
                  rules_.static_bps == 0 && rules_.dynamic_bps == 0;
  reports_.reserve(256);
  spent_.reserve(64);
}

void Exchange::reserve(OrderId highest_id, OrderId id_span, std::size_t special) {
  book_.reserve(highest_id, id_span);
  index_.reserve(special);
  records_.reserve(special);
  free_records_.reserve(special);
  for (auto& side : dark_) side.reserve(special);
  for (auto& side : market_) side.reserve(64);
  held_.reserve(64);
  shares_.reserve(special);
  spent_.reserve(special);
  reports_.reserve(special);
}

// What is remembered.

Exchange::Record* Exchange::record(OrderId id) {
  const std::uint32_t slot = index_.find(id);
  return slot < kFirstMark ? &records_[slot] : nullptr;
}

std::uint32_t Exchange::owner_of(OrderId id) const {
  const std::uint32_t slot = index_.find(id);
  return slot < kFirstMark ? records_[slot].owner : 0;
}

std::int64_t Exchange::reserve_of(OrderId id) const {
  if (icebergs_ == 0) return 0;
  const std::uint32_t slot = index_.find(id);
  return slot < kFirstMark ? records_[slot].reserve : 0;
}

void Exchange::remember(const Record& what) {
  std::uint32_t slot = static_cast<std::uint32_t>(records_.size());
  if (free_records_.empty()) {
    records_.push_back(what);
  } else {
    slot = free_records_.back();
    free_records_.pop_back();
    records_[slot] = what;
  }
  index_.insert(what.id, slot);
  if (what.display > 0) ++icebergs_;
}

void Exchange::forget_record(OrderId id) {
  const std::uint32_t slot = index_.find(id);
  if (slot >= kFirstMark) return;
  if (records_[slot].display > 0) --icebergs_;
  records_[slot] = {};
  free_records_.push_back(slot);
  index_.erase(id);
}

void Exchange::insert_dark(Side side, const Dark& order) {
  auto& orders = dark(side);
  // Best price first; hidden before all-or-none; then by time.
  const auto place = std::find_if(orders.begin(), orders.end(), [&](const Dark& other) {
    const std::int64_t ahead = (order.price - other.price) * sign(side);
    if (ahead != 0) return ahead > 0;
    return !order.all && other.all;
  });
  orders.insert(place, order);
  if (order.all) ++all_or_none_[at(side)];
  index_.insert(order.id, dark_mark(side));
}

bool Exchange::known(OrderId id) const {
  return index_.find(id) != IdIndex::kNone || book_.find(id).has_value();
}

std::optional<Exchange::Open> Exchange::find(OrderId id) const {
  const std::uint32_t slot = index_.find(id);
  if (slot == kDarkBuy || slot == kDarkSell) {
    const Side side = slot == kDarkBuy ? Side::Buy : Side::Sell;
    for (const Dark& order : dark(side)) {
      if (order.id == id) return Open{side, {order.price}, {order.quantity}, order.owner};
    }
  }
  if (slot == kWaiting) {
    for (const auto* list : {&market_[0], &market_[1], &held_}) {
      for (const Waiting& order : *list) {
        if (order.id != id) continue;
        return Open{order.request.side, order.request.price, order.request.quantity, order.owner};
      }
    }
  }
  const auto resting = book_.find(id);
  if (!resting) return std::nullopt;
  const Lots reserve{slot < kFirstMark ? records_[slot].reserve : 0};
  return Open{resting->side, resting->price, resting->quantity + reserve, owner_of(id)};
}

std::size_t Exchange::orders() const {
  return book_.orders() + dark_[0].size() + dark_[1].size() + market_[0].size() +
         market_[1].size() + held_.size();
}

void Exchange::clear() {
  book_.clear();
  for (auto& side : dark_) side.clear();
  for (auto& side : market_) side.clear();
  held_.clear();
  records_.clear();
  free_records_.clear();
  index_.clear();
  icebergs_ = all_or_none_[0] = all_or_none_[1] = 0;
}

void Exchange::tell(Report::Kind kind, OrderId id, Side side, Ticks price, Lots quantity, Reject why) {
  Report said;
  said.kind = kind;
  said.side = side;
  said.why = why;
  said.order = id;
  said.price = price;
  said.quantity = quantity;
  report(said);
}

void Exchange::refuse(OrderId id, Side side, Ticks price, Lots quantity, Reject why) {
  tell(Report::Kind::Rejected, id, side, price, quantity, why);
}

void Exchange::cancelled(OrderId id, Side side, Ticks price, std::int64_t quantity, Reject why) {
  tell(Report::Kind::Cancelled, id, side, price, {quantity}, why);
}

// What is refused.

bool Exchange::on_grid(Ticks price) const {
  const std::int64_t size = std::abs(price.value);
  std::int64_t step = 1;
  for (const TickStep& row : rules_.ticks) {
    if (size < row.from.value) break;
    step = row.step;
  }
  return price.value % step == 0;
}

Reject Exchange::check_numbers(bool priced, Ticks price, Lots quantity) const {
  if (quantity.value <= 0 || quantity > rules_.largest) return Reject::BadQuantity;
  if (quantity.value % rules_.lot.value != 0) return Reject::LotSize;
  if (!priced) return Reject::None;
  if (price.value > OrderBook::kMaxPrice || price.value < -OrderBook::kMaxPrice ||
      (price.value <= 0 && !rules_.negative_prices)) {
    return Reject::BadPrice;
  }
  if (!on_grid(price)) return Reject::TickSize;
  if (rules_.band_bps > 0 && reference_.value != 0) {
    const std::int64_t width = std::abs(reference_.value) / 10'000 * rules_.band_bps +
                               std::abs(reference_.value) % 10'000 * rules_.band_bps / 10'000;
    if (std::abs(price.value - reference_.value) > width) return Reject::PriceBand;
  }
  return Reject::None;
}

bool Exchange::has_auction(TimeInForce time_in_force) const {
  if (time_in_force == TimeInForce::AtTheOpen) {
    return phase_ == Phase::OpeningCall || (rules_.calendar && rules_.opening_call.value > 0);
  }
  return phase_ == Phase::ClosingCall || (rules_.calendar && rules_.closing_call.value > 0);
}

Reject Exchange::acceptable(OrderId id, const OrderRequest& request) const {
  if (id == 0) return Reject::UnknownOrder;
  if (id > OrderBook::kMaxId) return Reject::Capacity;
  if (known(id)) return Reject::DuplicateOrder;
  const bool limit = request.type == OrderType::Limit;
  if (!limit && request.type != OrderType::Market && request.type != OrderType::MarketToLimit)
    return Reject::Conflict;
  if (const Reject why = check_numbers(limit, request.price, request.quantity);
      why != Reject::None) {
    return why;
  }
  if (const Reject why = well_formed(request, rules_.negative_prices, now_); why != Reject::None)
    return why;
  if (request.display.value % rules_.lot.value != 0 || request.minimum.value % rules_.lot.value != 0)
    return Reject::LotSize;
  if (phase_ == Phase::Halted) return Reject::Halted;
  if (for_auction(request.time_in_force))
    return has_auction(request.time_in_force) ? Reject::None : Reject::NoAuction;
  if (phase_ == Phase::Closed) return Reject::Closed;
  if (!in_call()) return Reject::None;
  if (immediate(request.time_in_force)) return Reject::NoMarket;
  if (request.post_only) return Reject::WouldCross;
  if (request.all_or_none) return Reject::CannotFill;
  return request.minimum.value > 0 ? Reject::MinimumQuantity : Reject::None;
}

// Entry.

void Exchange::submit(OrderId id, std::uint32_t owner, const OrderRequest& request, Nanos now) {
  now_ = now;
  fix_ranges();
  if (const Reject why = acceptable(id, request); why != Reject::None)
    return refuse(id, request.side, request.price, request.quantity, why);
  const bool opening = request.time_in_force == TimeInForce::AtTheOpen;
  if (for_auction(request.time_in_force) &&
      phase_ != (opening ? Phase::OpeningCall : Phase::ClosingCall)) {
    held_.push_back({id, owner, request});
    if (request.type != OrderType::Limit) held_.back().request.price = {};
    index_.insert(id, kWaiting);
    return tell(Report::Kind::Accepted, id, request.side, request.price, request.quantity);
  }
  if (in_call()) return gather(id, owner, request);
  trade(id, owner, request);
}

void Exchange::add(OrderId id, Side side, Ticks price, Lots quantity, Nanos now) {
  if (!plain() || price.value <= 0 || index_.find(id) != IdIndex::kNone) {
    OrderRequest request;
    request.type = OrderType::Limit;
    request.side = side;
    request.price = price;
    request.quantity = quantity;
    return submit(id, 0, request, now);
  }
  now_ = now;
  fix_ranges();
  Taker taker{id, 0, side, quantity.value, false, price};
  const Outcome outcome = book_.limit(id, side, price, quantity, [&](const Match& match) {
    traded(taker, match.maker, match.price, match.quantity.value, match.maker_left.value);
    if (match.maker_left.value == 0 && index_.size() > 0) forget_record(match.maker);
  });
  if (outcome.reject != Reject::None) return refuse(id, side, price, quantity, outcome.reject);
  if (outcome.resting.value == 0) return;
  tell(Report::Kind::Accepted, id, side, price, outcome.resting);
}

void Exchange::take(OrderId id, Side side, Lots quantity, Nanos now) {
  OrderRequest request;
  request.side = side;
  request.quantity = quantity;
  submit(id, 0, request, now);
}

void Exchange::trade(OrderId id, std::uint32_t owner, const OrderRequest& request) {
  Taker taker{id, owner, request.side, request.quantity.value, request.type == OrderType::Market,
              request.price};
  if (request.type == OrderType::MarketToLimit) {
    taker.any_price = true;
    const auto best = next_price(taker);
    if (!best) return refuse(id, request.side, {}, request.quantity, Reject::NoMarket);
    OrderRequest limited = request;
    limited.type = OrderType::Limit;
    limited.price = *best;
    return trade(id, owner, limited);
  }
  if (request.all_or_none) {
    const Lots there = takeable(request.side, owner, request.price, request.quantity);
    if (there < request.quantity) return rest(id, owner, request, request.quantity.value);
  } else if (const Reject why = unable(taker, request); why != Reject::None) {
    return refuse(id, request.side, request.price, request.quantity, why);
  }
  walk(taker);
  settle(taker, request);
}

Reject Exchange::unable(const Taker& taker, const OrderRequest& request) const {
  const bool market = request.type == OrderType::Market;
  if ((market || request.post_only) && next_price(taker).has_value() == request.post_only)
    return market ? Reject::NoMarket : Reject::WouldCross;
  const Lots wanted = request.time_in_force == TimeInForce::FillOrKill ? request.quantity
                                                                       : request.minimum;
  if (wanted.value == 0) return Reject::None;
  const auto limit = market ? std::nullopt : std::optional(request.price);
  if (takeable(request.side, taker.owner, limit, request.quantity) >= wanted) return Reject::None;
  return request.time_in_force == TimeInForce::FillOrKill ? Reject::CannotFill
                                                          : Reject::MinimumQuantity;
}

/// What becomes of the part that was not traded.
void Exchange::settle(Taker& taker, const OrderRequest& request) {
  if (taker.stopped)
    return cancelled(taker.id, taker.side, request.price, taker.left, Reject::SelfTrade);
  if (taker.left == 0) return;
  const bool goes_on = request.type == OrderType::Limit && !immediate(request.time_in_force);
  if (taker.breached) {
    const bool rests = goes_on && rules_.range_action == RangeAction::Auction;
    if (!rests) cancelled(taker.id, taker.side, request.price, taker.left, Reject::PriceBand);
    if (rules_.range_action == RangeAction::Halt) halt(now_, now_ + rules_.pause);
    if (rules_.range_action == RangeAction::Auction)
      call(Phase::VolatilityCall, now_, now_ + rules_.pause);
    if (rests) rest(taker.id, taker.owner, request, taker.left);
    return;
  }
  if (!goes_on) return cancelled(taker.id, taker.side, request.price, taker.left, Reject::None);
  rest(taker.id, taker.owner, request, taker.left);
}

void Exchange::rest(OrderId id, std::uint32_t owner, const OrderRequest& request,
                    std::int64_t quantity) {
  if (request.hidden || request.all_or_none) {
    insert_dark(request.side, {id, owner, request.all_or_none, request.post_only,
                               request.price.value, quantity});
  } else {
    const std::int64_t shown = request.display.value > 0 && request.display.value < quantity
                                   ? request.display.value
                                   : quantity;
    if (book_.rest(id, request.side, request.price, {shown}).reject != Reject::None)
      return cancelled(id, request.side, request.price, quantity, Reject::BadQuantity);
    const bool auction = for_auction(request.time_in_force);
    if (owner != 0 || request.display.value > 0 || request.post_only || auction) {
      remember({id, owner, request.post_only, request.time_in_force, request.display.value,
                quantity - shown});
    }
  }
  if (!amending_) {
    tell(Report::Kind::Accepted, id, request.side, request.price, {quantity});
  }
  if (!in_call()) wake(opposite(request.side));
}

/// In a call: nothing trades yet.
void Exchange::gather(OrderId id, std::uint32_t owner, const OrderRequest& request) {
  if (request.type == OrderType::Limit)
    return rest(id, owner, request, request.quantity.value);
  market_[at(request.side)].push_back({id, owner, request});
  market_[at(request.side)].back().request.price = {};
  index_.insert(id, kWaiting);
  tell(Report::Kind::Accepted, id, request.side, {}, request.quantity);
}

void Exchange::enter_held(TimeInForce which) {
  std::size_t kept = 0;
  amending_ = true;  // they were accepted before
  for (std::size_t i = 0; i < held_.size(); ++i) {
    const Waiting order = held_[i];
    if (order.request.time_in_force != which) {
      held_[kept++] = order;
      continue;
    }
    if (order.request.type == OrderType::Limit) {
      index_.erase(order.id);
      rest(order.id, order.owner, order.request, order.request.quantity.value);
    } else {
      market_[at(order.request.side)].push_back(order);
    }
  }
  amending_ = false;
  held_.resize(kept);
}

// Leaving and changing.

/// Takes an order out without a word. Nothing when it is not here.
std::optional<Exchange::Open> Exchange::extract(OrderId id) {
  const auto open = find(id);
  if (!open) return std::nullopt;
  const std::uint32_t slot = index_.find(id);
  const auto is = [id](const auto& order) { return order.id == id; };
  if (slot == kDarkBuy || slot == kDarkSell) {
    auto& orders = dark(open->side);
    const auto place = std::find_if(orders.begin(), orders.end(), is);
    if (place->all) --all_or_none_[at(open->side)];
    orders.erase(place);
    index_.erase(id);
  } else if (slot == kWaiting) {
    for (auto* list : {&market_[0], &market_[1], &held_}) std::erase_if(*list, is);
    index_.erase(id);
  } else {
    book_.cancel(id);
    forget_record(id);
  }
  return open;
}

void Exchange::cancel(OrderId id) {
  if (index_.find(id) == IdIndex::kNone) {  // in the book alone, or nowhere
    const auto resting = book_.find(id);
    if (!resting) return refuse(id, Side::Buy, {}, {}, Reject::UnknownOrder);
    book_.cancel(id);
    return cancelled(id, resting->side, resting->price, resting->quantity.value, Reject::None);
  }
  if (const auto open = extract(id))
    return cancelled(id, open->side, open->price, open->quantity.value, Reject::None);
  refuse(id, Side::Buy, {}, {}, Reject::UnknownOrder);
}

/// Takes `by`, less than is open, off an order, which keeps its place. From what is not shown first.
void Exchange::shrink(OrderId id, std::int64_t by) {
  const std::uint32_t slot = index_.find(id);
  if (slot == kDarkBuy || slot == kDarkSell) {
    auto& orders = dark(slot == kDarkBuy ? Side::Buy : Side::Sell);
    std::find_if(orders.begin(), orders.end(), [id](const Dark& order) { return order.id == id; })
        ->quantity -= by;
    return;
  }
  if (slot == kWaiting) {
    for (auto* list : {&market_[0], &market_[1], &held_}) {
      for (Waiting& order : *list) {
        if (order.id == id) order.request.quantity.value -= by;
      }
    }
    return;
  }
  if (slot < kFirstMark) {
    const std::int64_t unseen = std::min(by, records_[slot].reserve);
    records_[slot].reserve -= unseen;
    by -= unseen;
  }
  if (by > 0) book_.reduce(id, {by});
}

void Exchange::replace(OrderId id, Ticks price, Lots quantity, Nanos now) {
  now_ = now;
  fix_ranges();
  const auto open = find(id);
  const auto refused = [&](Reject why) {
    refuse(id, open ? open->side : Side::Buy, price, quantity, why);
  };
  if (!open) return refused(Reject::UnknownOrder);
  if (phase_ == Phase::Halted) return refused(Reject::Halted);
  if (phase_ == Phase::Closed) return refused(Reject::Closed);
  const OrderRequest request = describe(id, *open, price, quantity);
  const bool limit = request.type == OrderType::Limit;
  if (!limit && price != open->price) return refused(Reject::BadPrice);
  if (const Reject why = check_numbers(limit, price, quantity); why != Reject::None)
    return refused(why);
  Report said;
  said.kind = Report::Kind::Replaced;
  said.side = open->side;
  said.order = id;
  said.price = price;
  said.quantity = quantity;
  if (price == open->price && quantity <= open->quantity) {
    if (quantity < open->quantity) shrink(id, (open->quantity - quantity).value);
    report(said);
    // What had to be done whole may be small enough now.
    if (request.all_or_none && !in_call()) wake(open->side);
    return;
  }
  if (request.post_only && !in_call() &&
      next_price({id, open->owner, open->side, quantity.value, false, price})) {
    return refused(Reject::WouldCross);
  }
  const std::int64_t there = book_.level(open->side, price).quantity.value;
  if (limit && !sum_fits(there, quantity.value)) return refused(Reject::BadQuantity);
  const bool waiting = index_.find(id) == kWaiting;
  const bool held = waiting && std::any_of(held_.begin(), held_.end(), [id](const Waiting& order) {
    return order.id == id;
  });
  extract(id);
  report(said);
  if (waiting) {
    (held ? held_ : market_[at(open->side)]).push_back({id, open->owner, request});
    index_.insert(id, kWaiting);
    return;
  }
  amending_ = true;
  if (in_call())
    rest(id, open->owner, request, quantity.value);
  else
    trade(id, open->owner, request);
  amending_ = false;
}

/// The request that would put an order where it is, with another price and quantity.
OrderRequest Exchange::describe(OrderId id, const Open& open, Ticks price, Lots quantity) const {
  OrderRequest request;
  const std::uint32_t slot = index_.find(id);
  if (slot == kWaiting) {
    for (const auto* list : {&market_[0], &market_[1], &held_}) {
      for (const Waiting& order : *list) {
        if (order.id == id) request = order.request;
      }
    }
  } else {
    request.type = OrderType::Limit;
  }
  request.side = open.side;
  request.price = price;
  request.quantity = quantity;
  if (slot == kDarkBuy || slot == kDarkSell) {
    for (const Dark& order : dark(open.side)) {
      if (order.id != id) continue;
      request.all_or_none = order.all;
      request.hidden = !order.all;
      request.post_only = order.post_only;
    }
  } else if (slot < kFirstMark) {
    const Record& kept = records_[slot];
    request.post_only = kept.post_only;
    request.time_in_force = kept.time_in_force;
    request.display.value = kept.display;
  }
  return request;
}

}  // namespace walras::engine
