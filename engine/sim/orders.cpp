#include "engine/sim/state.hpp"

#include "engine/base/error.hpp"
#include "engine/market/order_rules.hpp"
#include "engine/market/tape.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
Nanos Simulation::State::entry_time(Player& player, Request request) {
  player.last_entry = std::max(player.last_entry, now + latency->entry(now, request));
  return player.last_entry;
}

Nanos Simulation::State::response_time(Player& player) {
  player.last_response = std::max(player.last_response, now + latency->response(now));
  return player.last_response;
}

Simulation::State::Order* Simulation::State::own_order(const Player& player, OrderId id) {
  if (id == 0 || id > orders.size()) return nullptr;
  Order& order = orders[id - 1];
  return players[order.player].get() == &player ? &order : nullptr;
}

Reject Simulation::State::check(const Player& player, const OrderRequest& request,
                                const Order* replaced) const {
  if (request.instrument >= instruments.size()) return Reject::UnknownInstrument;
  if (player.margin && player.margin->liquidating) return Reject::Liquidated;
  const bool negative_prices = instruments[request.instrument].negative_prices;
  if (const Reject reject = well_formed(request, negative_prices, now); reject != Reject::None)
    return reject;
  if (request.type == OrderType::Market && marks[request.instrument].value == 0)
    return Reject::NoMarket;
  if (!player.view.convertible(request.instrument)) return Reject::NoMarket;
  if (player.risk) {
    if (const Reject reject = check_risk(player, request); reject != Reject::None) return reject;
  }
  return check_funds(player, request, replaced);
}

std::pair<std::int64_t, std::int64_t> Simulation::State::reach(const Player& player, InstrumentId instrument, const Open& open) {
  const std::int64_t sure = player.view.position(instrument).value + open.market[0] - open.market[1];
  return {sure + open.limit[0], sure - open.limit[1]};
}

// The position that would be held if all open market orders filled, and of the limit orders those
// of the worse side, may not go beyond the terms. Orders that bring a position nearer to zero are
// always allowed.
Reject Simulation::State::check_funds(const Player& player, const OrderRequest& request,
                                      const Order* replaced) const {
  const auto widest = [](std::pair<std::int64_t, std::int64_t> ends) {
    return std::max(std::abs(ends.first), std::abs(ends.second));
  };
  Open before = player.open[request.instrument];
  if (replaced) before.limit[index(replaced->side)] -= replaced->known_open.value;
  Open after = before;
  (request.type == OrderType::Market ? after.market : after.limit)[index(request.side)] +=
      request.quantity.value;
  const auto ends = reach(player, request.instrument, after);
  if (!player.terms.shorting && request.side == Side::Sell && ends.second < 0)
    return Reject::ShortSale;
  if (widest(ends) <= widest(reach(player, request.instrument, player.open[request.instrument])))
    return Reject::None;

  Money gross;
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const bool here = i == request.instrument;
    const std::int64_t lots = widest(here ? ends : reach(player, static_cast<InstrumentId>(i), player.open[i]));
    if (lots == 0) continue;
    Ticks price = marks[i];
    if (price.value == 0 && here) price = request.price;
    gross += player.view.value(static_cast<InstrumentId>(i), {std::abs(price.value)}, lots);
  }
  const double allowed = player.terms.leverage * player.view.equity().units();
  // A rounded weight may miss the bound by the last bits of a double.
  if (gross.units() > allowed * (1 + 1e-9)) return Reject::Funds;
  return player.margin ? check_margin(player, request.instrument, after, request.price) : Reject::None;
}

void Simulation::State::refuse(Player& player, OrderId id, const OrderRequest& request,
                               Reject why) {
  Item item;
  item.time = now;
  item.turn = Turn::Answer;
  item.what = What::Answer;
  item.rank = player.rank;
  item.kind = EventKind::Rejected;
  item.why = why;
  item.order = id;
  item.price = request.price;
  item.quantity = request.quantity;
  item.exchange_time = now;
  push(item);
}

OrderId Simulation::State::submit(Player& player, const OrderRequest& request) {
  if (over || !started) return 0;
  if (now < span.begin) {
    ++player.refused_in_warm_up;
    return 0;
  }
  if (player.risk) player.risk->roll(now, player.view);
  const Reject reject = check(player, request, nullptr);
  const OrderId id = enter(player, request, reject);
  if (reject != Reject::None) count_refusal(player, reject, false);
  return id;
}

Simulation::State::Order& Simulation::State::add_order(Player& player, const OrderRequest& request, Nanos time, Reject reject, std::int64_t mid) {
  Order order;
  static_cast<OrderRequest&>(order) = request;
  order.player = static_cast<std::uint32_t>(player.port.participant_);
  order.row = static_cast<std::uint32_t>(player.orders.size());
  order.instrument = request.instrument < instruments.size() ? request.instrument : 0;
  order.open = request.quantity;
  order.live = reject == Reject::None;
  orders.push_back(order);
  player.orders.push_back({time,
                           orders.size(),
                           order.instrument,
                           request.side,
                           request.type,
                           request.time_in_force,
                           request.price,
                           request.quantity,
                           {},
                           reject,
                           marks[order.instrument]});
  player.watch.decided(orders.size(), mid);
  return orders.back();
}

OrderId Simulation::State::enter(Player& player, const OrderRequest& request, Reject reject) {
  const InstrumentId instrument = request.instrument < instruments.size() ? request.instrument : 0;
  const Depth& depth = depths[instrument];
  const std::int64_t mid = depth.two_sided() ? depth.bid[0].price.value + depth.ask[0].price.value : 2 * marks[instrument].value;
  Order& order = add_order(player, request, now, reject, mid);
  order.known_open = order.open;
  order.known_live = order.live;
  const OrderId id = orders.size();
  if (reject != Reject::None) {
    refuse(player, id, request, reject);
    return 0;
  }
  Open& open = player.open[request.instrument];
  (request.type == OrderType::Market ? open.market : open.limit)[index(request.side)] +=
      request.quantity.value;
  if (player.risk) player.risk->sent(request, order.counted, now);
  Item item;
  item.time = entry_time(player, Request::New);
  item.turn = Turn::Arrival;
  item.what = What::Submit;
  item.rank = player.rank;
  item.order = id;
  push(item);
  return id;
}

void Simulation::State::cancel(Player& player, OrderId id) {
  if (over || !started) return;
  const Order* order = own_order(player, id);
  if (!order || order->forced)
    return refuse(player, id, {},
                  id == 0 || id > orders.size() ? Reject::UnknownOrder : Reject::NotYourOrder);
  Item item;
  item.time = entry_time(player, Request::Cancel);
  item.turn = Turn::Arrival;
  item.what = What::Cancel;
  item.rank = player.rank;
  item.order = id;
  push(item);
}

void Simulation::State::replace(Player& player, OrderId id, Ticks price, Lots quantity) {
  if (over || !started) return;
  Order* order = own_order(player, id);
  if (order && order->forced) order = nullptr;
  OrderRequest request;
  if (order) request = *order;
  set_price(request, price);
  request.quantity = quantity;
  if (!order)
    return refuse(player, id, request,
                  id == 0 || id > orders.size() ? Reject::UnknownOrder : Reject::NotYourOrder);
  request.display = request.minimum = {};  // they were checked on arrival
  if (order->type == OrderType::Market) return refuse(player, id, request, Reject::BadPrice);
  if (player.risk) player.risk->roll(now, player.view);
  if (const Reject reject = check(player, request, order); reject != Reject::None) {
    refuse(player, id, request, reject);
    return count_refusal(player, reject, true);
  }
  Item item;
  item.time = entry_time(player, Request::Replace);
  item.turn = Turn::Arrival;
  item.what = What::Replace;
  item.rank = player.rank;
  item.order = id;
  item.price = price;
  item.quantity = quantity;
  if (player.risk && order->known_live)
    player.risk->changing(*order, order->counted, id, quantity, next_sequence, now);
  push(item);
}

Lots Simulation::State::allowed(Player& player, const OrderRequest& request) {
  if (!player.risk || request.instrument >= instruments.size()) return request.quantity;
  player.risk->roll(now, player.view);
  return player.risk->allowed(request, {now, player.view, marks});
}

void Simulation::State::pop_item() {
  const Item item = agenda.pop();
  switch (item.what) {
    case What::Submit:
    case What::Cancel:
    case What::Replace:
      arrive(item);
      venue_time = venue->next_time();
      break;
    case What::Answer:
      answer_known(item);
      break;
    case What::Fill:
      fill_known(item, true);
      break;
    case What::Timer: {
      Player& player = *by_rank[item.rank];
      player.participant->on_timer(item.time, item.order, player.port);
    }
  }
}

void Simulation::State::arrive(const Item& item) {
  Order& order = orders[item.order - 1];
  const Shown shown = venue->shown(order.instrument);
  meeting = item.order;
  meeting_mid = shown.mid.value_or(kNoMid);
  if (item.what == What::Submit) {
    Player& player = *players[order.player];
    order.at_venue = true;
    if (order.doomed != Reject::None) {
      meeting = 0;
      return answer(EventKind::Rejected, item.order, item.price, order.open, order.doomed);
    }
    player.watch.arrived(order.row, now, shown);
    VenueOrder arriving(item.order, player.rank, order);
    arriving.quantity = order.open;
    venue->submit(arriving, now, *this);
    meeting = 0;
    return;
  }
  amending = true;
  amendment = item.sequence;
  if (!order.live)
    answer(EventKind::Rejected, item.order, item.price, item.quantity, Reject::UnknownOrder);
  else if (item.what == What::Cancel)
    venue->cancel(item.order, now, *this);
  else
    venue->replace(item.order, item.price, item.quantity, now, *this);
  amending = false;
  meeting = 0;
}

void Simulation::State::answer(EventKind kind, OrderId id, Ticks price, Lots quantity, Reject why) {
  Order& order = orders[id - 1];
  Player& player = *players[order.player];
  OrderRow& row = player.orders[order.row];
  Item item;
  if (forcing != Reject::None && kind == EventKind::Cancelled && why == Reject::None) why = forcing;
  // A refused cancel or replace leaves the order as it was; any other refusal ends it.
  const bool of_amendment = amending && id == meeting;
  if (kind == EventKind::Cancelled || (kind == EventKind::Rejected && !of_amendment)) {
    order.live = false;
    item.last = true;
    if (kind == EventKind::Rejected) row.reject = why;
    player.watch.ended(order.row, now, venue->shown(order.instrument));
  } else if (kind == EventKind::Replaced) {
    order.price = row.price = price;
    order.open = quantity;
    row.quantity = row.filled + quantity;
  }
  item.time = response_time(player);
  item.turn = Turn::Answer;
  item.what = What::Answer;
  item.rank = player.rank;
  item.kind = kind;
  item.why = why;
  item.order = id;
  item.price = price;
  item.quantity = quantity;
  item.remaining = {of_amendment ? static_cast<std::int64_t>(amendment) : 0};
  item.exchange_time = now;
  push(item);
}

void Simulation::State::fill(OrderId id, Ticks price, Lots quantity, Lots remaining, bool maker,
                             Money slippage, Nanos time) {
  if (by_bars && next_due <= time && !closing) [[unlikely]] {
    fund(time);
    find_next_due();
  }
  if (unheard) deliver_unheard(now);
  Order& order = orders[id - 1];
  Player& player = *players[order.player];
  expects(order.live && quantity.value > 0, "only live orders fill");
  order.open = remaining;
  order.live = remaining.value > 0;
  const Money fee = fees[order.instrument]->fee(order.side, price, quantity, maker);
  player.truth.mark(order.instrument, marks[order.instrument]);
  player.truth.fill(order.instrument, order.side, price, quantity, fee, slippage);
  player.changed[order.instrument] = 1;
  player.orders[order.row].filled += quantity;
  player.fills.push_back({time, id, order.instrument, order.side, maker, price, quantity,
                          fee.micros(), slippage.micros(),
                          player.truth.position(order.instrument)});
  if (order.forced) {
    post(player, time, LedgerAccount::Liquidation, order.instrument,
         player.truth.liquidation_fee(order.instrument, price, quantity, player.terms.rules->margin->liquidation_fee));
  }
  if (player.margin && player.margin->liquidating && player.truth.flat()) settle_liquidation(player);
  if (!closing) {
    const Shown shown = venue->shown(order.instrument);
    const std::int64_t mid = id == meeting ? meeting_mid : shown.mid.value_or(kNoMid);
    player.watch.filled(order.row, player.fills.size() - 1, now, mid, shown, !order.live);
    next_markout = std::min(next_markout, player.watch.first_due(time));
  }
  Item item;
  item.turn = Turn::Answer;
  item.what = What::Fill;
  item.rank = player.rank;
  item.maker = maker;
  item.order = id;
  item.price = price;
  item.quantity = quantity;
  item.remaining = remaining;
  item.exchange_time = time;
  item.fee = fee;
  item.slippage = slippage;
  if (closing) {
    item.time = now;
    return fill_known(item, false);
  }
  item.time = response_time(player);
  push(item);
}

void Simulation::State::release(Player& player, Order& order, Lots quantity) {
  Open& open = player.open[order.instrument];
  (order.type == OrderType::Market ? open.market : open.limit)[index(order.side)] -= quantity.value;
  order.known_open -= quantity;
}

void Simulation::State::answer_known(const Item& item) {
  Player& player = *by_rank[item.rank];
  Event event;
  event.exchange_time = item.exchange_time;
  event.local_time = item.time;
  event.sequence = item.sequence;
  event.kind = item.kind;
  event.flags = static_cast<std::uint16_t>(item.why);
  event.price = item.price;
  event.quantity = item.quantity;
  event.order = item.order;
  if (Order* order = own_order(player, item.order)) {
    event.instrument = order->instrument;
    event.side = order->side;
    if (order->known_live) {
      const bool replaced = item.kind == EventKind::Replaced;
      if (player.risk) {
        const auto request = static_cast<std::uint64_t>(item.remaining.value);
        if (item.last)
          player.risk->ended(*order, order->counted, item.order);
        else if (replaced || (request != 0 && item.kind == EventKind::Rejected))
          player.risk->answered(*order, order->counted, item.order, request,
                                replaced ? std::optional(item.quantity) : std::nullopt);
      }
      if (item.last) {
        release(player, *order, order->known_open);
        order->known_live = false;
      } else if (replaced) {
        release(player, *order, order->known_open - item.quantity);
      }
    }
  }
  player.participant->on_event(event, player.port);
}

void Simulation::State::fill_known(const Item& item, bool tell) {
  Player& player = *by_rank[item.rank];
  Order& order = orders[item.order - 1];
  if (player.risk) {
    player.risk->roll(now, player.view);
    if (item.remaining.value > 0)
      player.risk->filled(order, order.counted, item.quantity);
    else
      player.risk->ended(order, order.counted, item.order);
  }
  player.view.mark(order.instrument, marks[order.instrument]);
  player.view.fill(order.instrument, order.side, item.price, item.quantity, item.fee,
                   item.slippage);
  if (order.forced) {
    static_cast<void>(player.view.liquidation_fee(order.instrument, item.price, item.quantity, player.terms.rules->margin->liquidation_fee));
  }
  if (player.margin) tell_insurance(player);
  if (order.known_live) {
    release(
        player, order,
        item.remaining.value == 0 ? order.known_open : std::min(item.quantity, order.known_open));
    order.known_live = item.remaining.value > 0;
  }
  if (!tell) return;
  const Fill fill{item.order,    order.instrument, order.side, item.maker,         item.price,
                  item.quantity, item.remaining,   item.fee,   item.exchange_time, item.time};
  player.participant->on_fill(fill, player.port);
}

// The port.

OrderId Orders::submit(const OrderRequest& request) {
  Simulation::State& state = *simulation_->state_;
  return state.submit(*state.players[participant_], request);
}

Lots Orders::allowed(const OrderRequest& request) {
  Simulation::State& state = *simulation_->state_;
  return state.allowed(*state.players[participant_], request);
}

void Orders::cancel(OrderId order) {
  Simulation::State& state = *simulation_->state_;
  state.cancel(*state.players[participant_], order);
}

void Orders::replace(OrderId order, Ticks price, Lots quantity) {
  Simulation::State& state = *simulation_->state_;
  state.replace(*state.players[participant_], order, price, quantity);
}

void Orders::set_timer(Nanos at, std::uint64_t tag) {
  Simulation::State& state = *simulation_->state_;
  if (state.over) return;
  Simulation::State::Item item;
  item.time = std::max(at, state.now);
  item.turn = Turn::Timer;
  item.what = Simulation::State::What::Timer;
  item.rank = state.players[participant_]->rank;
  item.order = tag;
  state.push(item);
}

Nanos Orders::now() const { return simulation_->state_->now; }
Nanos Orders::end() const { return simulation_->state_->span.end; }

bool Orders::warming_up() const {
  const Simulation::State& state = *simulation_->state_;
  return state.now < state.span.begin;
}

std::span<const Instrument> Orders::instruments() const { return simulation_->state_->instruments; }
const Depth& Orders::depth(InstrumentId instrument) const {
  return simulation_->state_->depths[instrument];
}
const Bar* Orders::last_bar(InstrumentId instrument) const {
  return simulation_->state_->bars[instrument];
}
const Bar& Orders::bar(const Event& event) const {
  return simulation_->state_->tape->bars[event.payload];
}
Ticks Orders::mark(InstrumentId instrument) const { return simulation_->state_->marks[instrument]; }

Lots Orders::position(InstrumentId instrument) const {
  return simulation_->state_->players[participant_]->view.position(instrument);
}

Lots Orders::open_quantity(InstrumentId instrument, Side side) const {
  const Simulation::State::Open& open =
      simulation_->state_->players[participant_]->open[instrument];
  return {open.market[index(side)] + open.limit[index(side)]};
}

Money Orders::cash() const { return simulation_->state_->players[participant_]->view.cash(); }
Money Orders::equity() const { return simulation_->state_->players[participant_]->view.equity(); }
double Orders::exchange_rate(InstrumentId instrument) const { return simulation_->state_->players[participant_]->view.exchange_rate(instrument); }
Rng& Orders::random() { return simulation_->state_->players[participant_]->random; }

}  // namespace walras::engine
