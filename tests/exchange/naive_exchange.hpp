#pragma once
// The exchange again, as plainly as can be: one list of orders, searched from end to end for every
// trade, and a copy of all of it wherever something must be known beforehand. The oracle of the
// random tests and the fuzz target; slow, and close to the words of docs/orders.md.
#include "engine/market/order_rules.hpp"
#include "engine/venue/exchange.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <list>
#include <optional>
#include <set>
#include <vector>

namespace walras::engine {

class NaiveExchange {
 public:
  enum class Where : std::uint8_t { Shown, Hidden, All, Market, Held };
  struct Order {
    OrderId id = 0;
    std::uint32_t owner = 0;
    Side side = Side::Buy;
    Where where = Where::Shown;
    std::int64_t price = 0, shown = 0, reserve = 0, display = 0;
    std::uint64_t stamp = 0;
    OrderRequest request;
    [[nodiscard]] std::int64_t total() const { return shown + reserve; }
  };

  explicit NaiveExchange(ExchangeRules what) : rules(std::move(what)) {}

  ExchangeRules rules;
  std::list<Order> orders;
  std::vector<Report> said;
  Phase phase = Phase::Continuous;
  std::int64_t last = 0, before = 0, reference = 0, centre = 0;
  Nanos now{}, until = Nanos::max();

  void submit(OrderId id, std::uint32_t owner, const OrderRequest& request, Nanos time) {
    now = time;
    fix();
    if (const Reject why = acceptable(id, request); why != Reject::None)
      return say(Report::Kind::Rejected, id, request.side, request.price.value,
                 request.quantity.value, why);
    Order order = make(id, owner, request);
    if (for_auction(request.time_in_force) && phase != call_for(request.time_in_force)) {
      order.where = Where::Held;
      orders.push_back(order);
      return say(Report::Kind::Accepted, id, order.side, request.price.value, order.shown);
    }
    arrive(order, true);
  }
  void cancel(OrderId id) {
    const auto found = find(id);
    if (found == orders.end())
      return say(Report::Kind::Rejected, id, Side::Buy, 0, 0, Reject::UnknownOrder);
    const Order order = *found;
    orders.erase(found);
    say(Report::Kind::Cancelled, id, order.side, order.price, order.total());
  }
  void replace(OrderId id, std::int64_t price, std::int64_t quantity, Nanos time) {
    now = time;
    fix();
    const auto found = find(id);
    const Side side = found == orders.end() ? Side::Buy : found->side;
    const auto refuse = [&](Reject why) {
      say(Report::Kind::Rejected, id, side, price, quantity, why);
    };
    if (found == orders.end()) return refuse(Reject::UnknownOrder);
    if (phase == Phase::Halted) return refuse(Reject::Halted);
    if (phase == Phase::Closed) return refuse(Reject::Closed);
    const bool limit = found->request.type == OrderType::Limit;
    if (!limit && price != found->price) return refuse(Reject::BadPrice);
    if (const Reject why = check(limit, price, quantity); why != Reject::None) return refuse(why);
    if (price == found->price && quantity <= found->total()) {
      shrink(*found, found->total() - quantity);
      say(Report::Kind::Replaced, id, side, price, quantity);
      if (found->where == Where::All && !in_call()) wake(side);
      return;
    }
    Order order = *found;
    order.price = price;
    order.request.price = {price};
    order.request.quantity = {quantity};
    order.request.minimum = {};
    order.stamp = ++clock;
    order.shown = quantity;
    order.reserve = 0;
    if (order.request.post_only && !in_call() && best(order, quantity)) return refuse(Reject::WouldCross);
    orders.erase(found);
    say(Report::Kind::Replaced, id, side, price, quantity);
    if (order.where == Where::Held || order.where == Where::Market) {
      orders.push_back(order);
      return;
    }
    arrive(order, false);
  }
  void enter(Phase next) {
    if ((next == Phase::Continuous || next == Phase::Closed) && gathered) end_call();
    phase = next;
    Report report;
    report.kind = Report::Kind::Phase;
    report.phase = next;
    said.push_back(report);
    if (in_call()) gathered = true;
    for (const TimeInForce mine : {TimeInForce::AtTheOpen, TimeInForce::AtTheClose}) {
      if (phase != call_for(mine)) continue;
      std::vector<Order> due;
      for (const Order& order : orders) {
        if (order.where == Where::Held && order.request.time_in_force == mine) due.push_back(order);
      }
      for (const Order& order : due) {
        orders.erase(find(order.id));
        arrive(order, false);
      }
    }
    if (phase == Phase::Continuous) {
      wake(Side::Buy);
      wake(Side::Sell);
    }
  }
  void call(Phase which, Nanos time, Nanos ends) {
    now = time;
    until = ends;
    enter(which);
  }
  void halt(Nanos time, Nanos ends) {
    now = time;
    until = ends;
    if (phase != Phase::Halted) enter(Phase::Halted);
  }
  /// The end of what call() or halt() began; no calendar here.
  void advance() {
    now = until;
    fix();
    until = Nanos::max();
    if (phase == Phase::Halted && rules.pause.value > 0)
      return call(Phase::VolatilityCall, now, now + rules.pause);
    enter(Phase::Continuous);
  }
  std::list<Order>::iterator find(OrderId id) {
    auto at = orders.begin();
    while (at != orders.end() && at->id != id) ++at;
    return at;
  }

 private:
  struct Taker {
    OrderId id;
    std::uint32_t owner;
    Side side;
    std::int64_t left, limit;
    bool any, stopped = false, breached = false;
  };

  void fix() {
    before = last;
    centre = reference;
  }
  static Phase call_for(TimeInForce time_in_force) {
    return time_in_force == TimeInForce::AtTheOpen    ? Phase::OpeningCall
           : time_in_force == TimeInForce::AtTheClose ? Phase::ClosingCall
                                                      : Phase::Continuous;
  }
  [[nodiscard]] bool in_call() const {
    return phase == Phase::OpeningCall || phase == Phase::ClosingCall ||
           phase == Phase::VolatilityCall;
  }
  void say(Report::Kind kind, OrderId id, Side side, std::int64_t price, std::int64_t quantity,
           Reject why = Reject::None) {
    Report report;
    report.kind = kind;
    report.order = id;
    report.side = side;
    report.price = {price};
    report.quantity = {quantity};
    report.why = why;
    if (!mute) said.push_back(report);
  }
  Order make(OrderId id, std::uint32_t owner, const OrderRequest& request) {
    Order order;
    order.id = id;
    order.owner = owner;
    order.side = request.side;
    order.where = request.all_or_none ? Where::All : request.hidden ? Where::Hidden : Where::Shown;
    order.price = request.type == OrderType::Limit ? request.price.value : 0;
    order.shown = request.quantity.value;
    order.display = request.display.value;
    order.stamp = ++clock;
    order.request = request;
    return order;
  }
  static bool close_to(std::int64_t price, std::int64_t centre, std::int64_t bps) {
    return bps == 0 || centre == 0 || std::abs(price - centre) * 10'000 <= std::abs(centre) * bps;
  }
  Reject check(bool priced, std::int64_t price, std::int64_t quantity) const {
    if (quantity <= 0 || quantity > rules.largest.value) return Reject::BadQuantity;
    if (quantity % rules.lot.value != 0) return Reject::LotSize;
    if (!priced) return Reject::None;
    if (price <= 0 && !rules.negative_prices) return Reject::BadPrice;
    std::int64_t step = 1;
    for (const TickStep& row : rules.ticks) {
      if (std::abs(price) >= row.from.value) step = row.step;
    }
    if (price % step != 0) return Reject::TickSize;
    return close_to(price, reference, rules.band_bps) ? Reject::None : Reject::PriceBand;
  }
  Reject acceptable(OrderId id, const OrderRequest& request) {
    if (id == 0) return Reject::UnknownOrder;
    if (find(id) != orders.end()) return Reject::DuplicateOrder;
    const bool limit = request.type == OrderType::Limit;
    if (!limit && request.type != OrderType::Market && request.type != OrderType::MarketToLimit)
      return Reject::Conflict;
    if (const Reject why = check(limit, request.price.value, request.quantity.value);
        why != Reject::None) {
      return why;
    }
    if (const Reject why = well_formed(request, rules.negative_prices, now); why != Reject::None)
      return why;
    if (request.display.value % rules.lot.value != 0 || request.minimum.value % rules.lot.value != 0)
      return Reject::LotSize;
    if (phase == Phase::Halted) return Reject::Halted;
    if (for_auction(request.time_in_force))
      return phase == call_for(request.time_in_force) ? Reject::None : Reject::NoAuction;
    if (phase == Phase::Closed) return Reject::Closed;
    if (!in_call()) return Reject::None;
    if (immediate(request.time_in_force)) return Reject::NoMarket;
    if (request.post_only) return Reject::WouldCross;
    if (request.all_or_none) return Reject::CannotFill;
    return request.minimum.value > 0 ? Reject::MinimumQuantity : Reject::None;
  }

  /// `told`: its owner hears that it rests.
  void arrive(Order order, bool told) {
    const OrderRequest& request = order.request;
    if (in_call()) {
      if (request.type != OrderType::Limit) order.where = Where::Market;
      return rest(order, order.shown, told);
    }
    Taker taker{order.id, order.owner, order.side, order.shown, order.price,
                request.type != OrderType::Limit};
    const auto refuse = [&](Reject why) {
      say(Report::Kind::Rejected, order.id, order.side,
          request.type == OrderType::MarketToLimit ? 0 : request.price.value, order.shown, why);
    };
    if (request.type == OrderType::MarketToLimit) {
      const Order* first = best(taker);
      if (!first) return refuse(Reject::NoMarket);
      order.price = taker.limit = first->price;
      order.request.type = OrderType::Limit;
      order.request.price = {first->price};
      taker.any = false;
      return arrive(order, told);
    }
    if (order.where == Where::All) {
      if (takeable(taker) < order.shown) return rest(order, order.shown, told);
    } else {
      if (taker.any && !best(taker)) return refuse(Reject::NoMarket);
      if (request.post_only && best(taker)) return refuse(Reject::WouldCross);
      const bool whole = request.time_in_force == TimeInForce::FillOrKill;
      if (whole && takeable(taker) < order.shown) return refuse(Reject::CannotFill);
      if (!whole && request.minimum.value > 0 && takeable(taker) < request.minimum.value)
        return refuse(Reject::MinimumQuantity);
    }
    walk(taker);
    const auto leave = [&](Reject why) {
      say(Report::Kind::Cancelled, order.id, order.side, request.price.value, taker.left, why);
    };
    if (taker.stopped) return leave(Reject::SelfTrade);
    if (taker.left == 0) return;
    const bool stays = !taker.any && !immediate(request.time_in_force);
    if (taker.breached) {
      const bool gathers = stays && rules.range_action == RangeAction::Auction;
      if (!gathers) leave(Reject::PriceBand);
      if (rules.range_action == RangeAction::Halt) halt(now, now + rules.pause);
      if (rules.range_action == RangeAction::Auction)
        call(Phase::VolatilityCall, now, now + rules.pause);
      if (gathers) rest(order, taker.left, told);
      return;
    }
    if (!stays) return leave(Reject::None);
    rest(order, taker.left, told);
  }
  void rest(Order order, std::int64_t quantity, bool told) {
    order.shown = quantity;
    if (order.where == Where::Shown && order.display > 0 && order.display < quantity) {
      order.reserve = quantity - order.display;
      order.shown = order.display;
    }
    orders.push_back(order);
    if (told) say(Report::Kind::Accepted, order.id, order.side, order.price, quantity);
    if (!in_call()) wake(opposite(order.side));
  }

  /// The resting order that this one meets first.
  Order* best(const Taker& taker) {
    Order* first = nullptr;
    for (Order& order : orders) {
      if (order.side == taker.side || order.where > Where::All) continue;
      if (!taker.any && (order.price - taker.limit) * sign(taker.side) > 0) continue;
      if (order.where == Where::All && order.shown > taker.left) continue;
      if (!first || before_of(order, *first)) first = &order;
    }
    return first;
  }
  Order* best(const Order& order, std::int64_t quantity) {
    return best(Taker{order.id, order.owner, order.side, quantity, order.price, false});
  }
  static bool before_of(const Order& a, const Order& b) {
    if (a.price != b.price) return (a.price - b.price) * sign(a.side) > 0;
    if (a.where != b.where) return a.where < b.where;
    return a.stamp < b.stamp;
  }
  [[nodiscard]] bool own(const Taker& taker, const Order& order) const {
    return rules.self_trade != SelfTrade::Allow && taker.owner != 0 && order.owner == taker.owner;
  }
  void walk(Taker& taker) {
    while (taker.left > 0 && !taker.stopped) {
      Order* maker = best(taker);
      if (!maker) return;
      if (!close_to(maker->price, centre, rules.static_bps) ||
          !close_to(maker->price, before, rules.dynamic_bps)) {
        taker.breached = true;
        return;
      }
      if (maker->where == Where::Shown && rules.matching == Matching::ProRata)
        share(taker, maker->price);
      else if (own(taker, *maker))
        prevent(taker, *maker);
      else
        deal(taker, *maker, std::min(taker.left, maker->shown));
    }
  }
  void deal(Taker& taker, Order& maker, std::int64_t quantity) {
    taker.left -= quantity;
    maker.shown -= quantity;
    last = maker.price;
    if (reference == 0) reference = last;
    Report report;
    report.kind = Report::Kind::Trade;
    report.side = taker.side;
    report.order = taker.id;
    report.maker = maker.id;
    report.price = {maker.price};
    report.quantity = {quantity};
    report.left = {taker.left};
    report.maker_left = {maker.total()};
    if (!mute) said.push_back(report);
    taken += quantity;
    refresh(maker);
  }
  void refresh(Order& order) {
    if (order.shown > 0) return;
    if (order.reserve == 0) {
      orders.erase(find(order.id));
      return;
    }
    order.shown = std::min(order.display, order.reserve);
    order.reserve -= order.shown;
    order.stamp = ++clock;
  }
  void share(Taker& taker, std::int64_t price) {
    std::vector<Order*> level;
    for (Order& order : orders) {
      if (order.side != taker.side && order.where == Where::Shown && order.price == price)
        level.push_back(&order);
    }
    std::sort(level.begin(), level.end(),
              [](const Order* a, const Order* b) { return a->stamp < b->stamp; });
    std::vector<Order*> mine;
    for (Order* order : level) {
      if (own(taker, *order)) mine.push_back(order);
    }
    std::erase_if(level, [&](const Order* order) { return own(taker, *order); });
    const bool stops = !mine.empty() && (rules.self_trade == SelfTrade::CancelNewest ||
                                         rules.self_trade == SelfTrade::CancelBoth);
    if (rules.self_trade != SelfTrade::CancelNewest) {
      for (Order* order : mine) {
        if (dry && rules.self_trade == SelfTrade::Decrement) {
          taker.stopped = true;
          return;
        }
        prevent(taker, *order);
      }
    }
    std::int64_t total = 0;
    for (const Order* order : level) total += order->shown;
    const std::int64_t given = std::min(taker.left, total);
    std::vector<std::int64_t> parts;
    std::int64_t rest_of = given;
    for (const Order* order : level) {
      parts.push_back(given / rules.lot.value * order->shown / total * rules.lot.value);
      rest_of -= parts.back();
    }
    for (std::size_t i = 0; i < level.size(); ++i) {
      const std::int64_t more = std::min(rest_of, level[i]->shown - parts[i]);
      parts[i] += more;
      rest_of -= more;
    }
    for (std::size_t i = 0; i < level.size(); ++i) {
      if (parts[i] > 0) deal(taker, *level[i], parts[i]);
    }
    if (stops && taker.left > 0) taker.stopped = true;
  }
  void prevent(Taker& taker, Order& maker) {
    const SelfTrade policy = rules.self_trade;
    if (policy == SelfTrade::CancelNewest || (dry && policy != SelfTrade::CancelOldest)) {
      taker.stopped = true;
      return;
    }
    const std::int64_t open = maker.total();
    const std::int64_t gone = policy == SelfTrade::Decrement ? std::min(open, taker.left) : open;
    const Order copy = maker;
    if (gone == open) {
      orders.erase(find(maker.id));
      say(Report::Kind::Cancelled, copy.id, copy.side, copy.price, open, Reject::SelfTrade);
    } else {
      shrink(maker, gone);
      say(Report::Kind::Replaced, copy.id, copy.side, copy.price, open - gone, Reject::SelfTrade);
    }
    if (policy == SelfTrade::CancelBoth) taker.stopped = true;
    if (policy == SelfTrade::Decrement) {
      taker.left -= gone;
      taker.stopped = taker.left == 0;
    }
  }
  static void shrink(Order& order, std::int64_t by) {
    const std::int64_t unseen = std::min(by, order.reserve);
    order.reserve -= unseen;
    order.shown -= by - unseen;
  }
  /// Tried out on a copy of everything. Self-trade prevention that touches the order ends the count.
  std::int64_t takeable(Taker taker) const {
    NaiveExchange copy = *this;
    copy.mute = copy.dry = true;
    copy.taken = 0;
    copy.walk(taker);
    return copy.taken;
  }
  void wake(Side side) {
    std::vector<Order> waiting;
    for (const Order& order : orders) {
      if (order.side == side && order.where == Where::All) waiting.push_back(order);
    }
    std::sort(waiting.begin(), waiting.end(), before_of);
    for (const Order& order : waiting) {
      if (find(order.id) == orders.end()) continue;
      Taker taker{order.id, order.owner, side, order.shown, order.price, false};
      if (takeable(taker) < order.shown) continue;
      orders.erase(find(order.id));
      walk(taker);
    }
  }

  // The auction.

  void end_call() {
    gathered = false;
    std::vector<Order*> bids = interests(Side::Buy), asks = interests(Side::Sell);
    const auto result = price_of(bids, asks);
    if (result) uncross(bids, asks, *result);
    fix();
    std::vector<Order> over;
    for (const Side side : {Side::Buy, Side::Sell}) {
      for (const Order& order : orders) {
        if (order.side == side && order.where == Where::Market) over.push_back(order);
      }
    }
    for (Order order : over) {
      orders.erase(find(order.id));
      if (!result || order.request.type != OrderType::MarketToLimit ||
          for_auction(order.request.time_in_force)) {
        say(Report::Kind::Cancelled, order.id, order.side, 0, order.shown, Reject::Expired);
        continue;
      }
      order.where = Where::Shown;
      order.request.type = OrderType::Limit;
      order.price = last;
      order.request.price = {last};
      order.stamp = ++clock;
      rest(order, order.shown, false);
    }
    std::set<OrderId> ends;
    for (const Order& order : orders) {
      if (order.where < Where::Market && for_auction(order.request.time_in_force))
        ends.insert(order.id);
    }
    for (const OrderId id : ends) {
      const Order order = *find(id);
      orders.erase(find(id));
      say(Report::Kind::Cancelled, id, order.side, order.price, order.total(), Reject::Expired);
    }
  }
  std::vector<Order*> interests(Side side) {
    std::vector<Order*> out;
    for (Order& order : orders) {
      if (order.side == side && order.where != Where::All && order.where != Where::Held)
        out.push_back(&order);
    }
    std::sort(out.begin(), out.end(), [](const Order* a, const Order* b) {
      const bool first = a->where == Where::Market, second = b->where == Where::Market;
      if (first != second) return first;
      return first ? a->stamp < b->stamp : before_of(*a, *b);
    });
    return out;
  }
  struct Result {
    std::int64_t price, volume, surplus;
  };
  static Result at(const std::vector<Order*>& bids, const std::vector<Order*>& asks,
                   std::int64_t price) {
    std::int64_t bought = 0, sold = 0;
    for (const Order* bid : bids)
      bought += bid->where == Where::Market || bid->price >= price ? bid->total() : 0;
    for (const Order* ask : asks)
      sold += ask->where == Where::Market || ask->price <= price ? ask->total() : 0;
    return {price, std::min(bought, sold), bought - sold};
  }
  std::optional<Result> price_of(const std::vector<Order*>& bids,
                                 const std::vector<Order*>& asks) const {
    std::set<std::int64_t> limits;
    for (const auto* side : {&bids, &asks}) {
      for (const Order* order : *side) {
        if (order->where != Where::Market) limits.insert(order->price);
      }
    }
    std::vector<Result> all;
    for (const std::int64_t price : limits) all.push_back(at(bids, asks, price));
    if (limits.empty() && reference != 0) all.push_back(at(bids, asks, reference));
    std::erase_if(all, [](const Result& each) { return each.volume == 0; });
    if (all.empty()) return std::nullopt;
    std::int64_t most = 0;
    for (const Result& each : all) most = std::max(most, each.volume);
    std::erase_if(all, [&](const Result& each) { return each.volume < most; });
    std::int64_t least = std::numeric_limits<std::int64_t>::max();
    for (const Result& each : all) least = std::min(least, std::abs(each.surplus));
    std::erase_if(all, [&](const Result& each) { return std::abs(each.surplus) > least; });
    const auto every = [&](auto test) { return std::all_of(all.begin(), all.end(), test); };
    if (every([](const Result& each) { return each.surplus > 0; })) return all.back();
    if (every([](const Result& each) { return each.surplus < 0; }) || reference == 0)
      return all.front();
    return at(bids, asks, std::clamp(reference, all.front().price, all.back().price));
  }
  void uncross(const std::vector<Order*>& bids, const std::vector<Order*>& asks,
               const Result& result) {
    std::vector<std::int64_t> open_bids, open_asks;
    for (const Order* bid : bids) open_bids.push_back(bid->total());
    for (const Order* ask : asks) open_asks.push_back(ask->total());
    last = reference = result.price;
    std::int64_t left = result.volume;
    for (std::size_t i = 0, j = 0; left > 0;) {
      const std::int64_t quantity = std::min({left, open_bids[i], open_asks[j]});
      left -= quantity;
      open_bids[i] -= quantity;
      open_asks[j] -= quantity;
      Report report;
      report.kind = Report::Kind::Trade;
      report.auction = true;
      report.order = bids[i]->id;
      report.maker = asks[j]->id;
      report.price = {result.price};
      report.quantity = {quantity};
      report.left = {open_bids[i]};
      report.maker_left = {open_asks[j]};
      said.push_back(report);
      if (open_bids[i] == 0) ++i;
      if (open_asks[j] == 0) ++j;
    }
    for (std::size_t i = 0; i < bids.size(); ++i) settle(*bids[i], open_bids[i]);
    for (std::size_t j = 0; j < asks.size(); ++j) settle(*asks[j], open_asks[j]);
  }
  void settle(Order& order, std::int64_t open) {
    const std::int64_t filled = order.total() - open;
    if (filled == 0) return;
    if (filled < order.shown) {
      order.shown -= filled;
      return;
    }
    order.reserve -= filled - order.shown;
    order.shown = 0;
    refresh(order);
  }

  std::uint64_t clock = 0;
  bool mute = false, dry = false, gathered = false;
  std::int64_t taken = 0;
};

}  // namespace walras::engine
