// What changes accounts without an order of the participant: corporate actions, the clock (borrowing, funding, swaps, rolls), and
// liquidation. Rules:
// - At a split open orders in the instrument expire, then positions change, and the part of a lot is paid out at the mark.
// - What the clock brings is valued at the last mark: funding at its own hours, borrowing, swaps and rolls at midnight UTC. A bar tells at
//   its close of fills before it: what fell due since them is paid on the position that they left.
// - Margins are looked at once a slice, when all marks of one time are known. An account whose equity is below the
//   maintenance margin loses its open orders, and the venue sells what it holds at market, by the venue's own fill rules and
//   whatever the price has become by then. Orders are refused until nothing is held. What equity is then missing the insurance fund pays.
#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/splits.hpp"
#include "engine/sim/state.hpp"

#include <algorithm>
#include <cstdlib>

namespace walras::engine {
namespace {

/// Nights that swaps are paid for, of the midnights that begin the days `first` to `last`: that after a Wednesday counts
/// three times, for the weekend, whose own nights count nothing.
std::int64_t swap_nights(std::int64_t first, std::int64_t last) {
  constexpr std::int64_t kNights[7] = {0, 1, 1, 3, 1, 1, 0};  // by the day that ends, from Sunday
  std::int64_t nights = (last - first + 1) / 7 * 7;
  for (std::int64_t day = last - (last - first + 1) % 7 + 1; day <= last; ++day) nights += kNights[weekday(day - 1)];
  return nights;
}

Nanos next_multiple(Nanos time, Nanos step) {
  return {(time.value / step.value + 1) * step.value};
}

/// The first roll after `time`.
Nanos roll_after(const ContractRules& contract, Nanos time) {
  Nanos next = contract.roll_every.value > 0 ? next_multiple(time, contract.roll_every) : Nanos::max();
  for (const Roll& roll : contract.rolls) {
    if (roll.time > time) return std::min(next, roll.time);
  }
  return next;
}

/// Books the same in both of a player's accounts: nobody has to be told of it. Returns what cash gained.
Money both(auto& player, auto change) {
  change(player.view);
  return change(player.truth);
}

}  // namespace

void Simulation::State::start_schedule(Player& player) const {
  player.next_funding.clear();
  player.next_roll.clear();
  if (!player.terms.rules || !player.terms.rules->scheduled) return;
  for (const ContractRules& contract : player.terms.rules->contracts) {
    const bool funded = contract.funding_every.value > 0 && contract.funding != 0;
    player.next_funding.push_back(funded ? next_multiple(span.warm_up, contract.funding_every) : Nanos::max());
    player.next_roll.push_back(roll_after(contract, span.warm_up));
  }
}

void Simulation::State::find_next_due() {
  next_due = next_day;
  for (const Player* player : by_rank) {
    for (const Nanos time : player->next_funding) next_due = std::min(next_due, time);
  }
}

void Simulation::State::account_clock(Nanos time, bool fundings) {
  const std::int64_t first = day_of(next_day), today = day_of(time);
  const std::int64_t days = std::max<std::int64_t>(0, today - first + 1);
  const std::int64_t nights = days > 0 ? swap_nights(first, today) : 0;
  for (Player* player : by_rank) {
    if (!player->next_roll.empty()) run_schedule(*player, time, nights);
    const Money borrowed = both(*player, [&](Account& account) { return account.borrow(days, player->borrow_rate); });
    post(*player, start_of_day(today), LedgerAccount::Borrow, kNoInstrument, borrowed);
  }
  if (days > 0) next_day = start_of_day(today + 1);
  if (fundings) fund(time);
  find_next_due();
}

void Simulation::State::fund(Nanos time) {
  for (Player* player : by_rank) {
    for (std::size_t i = 0; i < player->next_funding.size(); ++i) {
      const ContractRules& contract = player->terms.rules->contracts[i];
      const auto instrument = static_cast<InstrumentId>(i);
      for (Nanos& due = player->next_funding[i]; due <= time; due += contract.funding_every) {
        post(*player, due, LedgerAccount::Funding, instrument,
             both(*player, [&](Account& account) { return account.funding(instrument, contract.funding); }));
      }
    }
  }
}

void Simulation::State::run_schedule(Player& player, Nanos time, std::int64_t nights) {
  const AccountRules& rules = *player.terms.rules;
  for (std::size_t i = 0; i < rules.contracts.size(); ++i) {
    const ContractRules& contract = rules.contracts[i];
    const auto instrument = static_cast<InstrumentId>(i);
    if (nights > 0) {
      post(player, start_of_day(day_of(time)), LedgerAccount::Swap, instrument,
           both(player, [&](Account& account) { return account.swap(instrument, nights); }));
    }
    for (Nanos& due = player.next_roll[i]; due <= time; due = roll_after(contract, due)) {
      const auto dated = std::find_if(contract.rolls.begin(), contract.rolls.end(), [&](const Roll& one) { return one.time == due; });
      roll(player, instrument, dated == contract.rolls.end() ? Roll{due, {}, {}, false} : *dated);
    }
  }
}

void Simulation::State::roll(Player& player, InstrumentId instrument, const Roll& roll) {
  if (roll.priced) {
    now = std::max(now, roll.time);   // what happened last may have been long before
    expire_orders(instrument);
  }
  const std::int64_t position = player.truth.position(instrument).value;
  const Lots quantity{std::abs(position)};
  const Side leaving = position > 0 ? Side::Sell : Side::Buy;
  const Ticks cost = player.terms.rules->contracts[instrument].roll_cost;
  if (position != 0) {
    const auto trade = [&](Side side, Ticks from) {
      Ticks price = from + cost * sign(side);
      if (price.value < 1 && !instruments[instrument].negative_prices) {
        price = {1};
        ++player.clamped_rolls;
      }
      const Money slippage = player.truth.tick_value(instrument) * std::abs(price.value - from.value) * quantity.value;
      own_market_order(player, instrument, side, quantity, roll.time);
      fill(orders.size(), price, quantity, {}, false, slippage, roll.time);
    };
    // Between the two trades nothing is held, and yet no liquidation is over.
    const bool liquidating = player.margin && player.margin->liquidating;
    if (liquidating) player.margin->liquidating = false;
    closing = true;  // booked at once, for the trader too
    trade(leaving, roll.priced ? roll.old_price : marks[instrument]);
    trade(opposite(leaving), roll.priced ? roll.new_price : marks[instrument]);
    closing = false;
    if (liquidating) player.margin->liquidating = true;
  }
  if (!roll.priced) return;
  reprice(instrument, roll.new_price, roll.time);
  player.truth.mark(instrument, roll.new_price);
  player.view.mark(instrument, roll.new_price);
}

void Simulation::State::account_event(const Event& event) {
  const InstrumentId instrument = event.instrument;
  if (event.kind == EventKind::Split) {
    expire_orders(instrument);
    reprice(instrument, split_price(marks[instrument], event.payload, event.quantity.value), event.exchange_time);
  }
  for (Player* player : by_rank) {
    if (event.kind == EventKind::Dividend) {
      post(*player, event.exchange_time, LedgerAccount::Dividends, instrument,
           both(*player, [&](Account& account) { return account.dividend(instrument, event.price); }));
    } else if (event.kind == EventKind::Funding) {
      post(*player, event.exchange_time, LedgerAccount::Funding, instrument,
           both(*player, [&](Account& account) { return account.funding(instrument, event.quantity.value); }));
    } else if (event.kind == EventKind::Split) {
      const bool held = player->truth.position(instrument).value != 0;
      const Money paid = both(*player, [&](Account& account) { return account.split(instrument, event.payload, event.quantity.value); });
      if (!held) continue;
      player->changed[instrument] = 1;
      player->postings.push_back({event.exchange_time, LedgerAccount::Positions, instrument, paid.micros(), player->truth.position(instrument)});
    }
  }
}

void Simulation::State::post(Player& player, Nanos time, LedgerAccount account, InstrumentId instrument, Money amount) const {
  if (amount.value == 0) return;
  const Lots position = instrument == kNoInstrument ? Lots{} : player.truth.position(instrument);
  player.postings.push_back({time, account, instrument, amount.micros(), position});
}

void Simulation::State::withdraw(const Player* player, InstrumentId instrument, Reject why) {
  forcing = why;
  amending = true;  // a refusal leaves the order as it is
  amendment = 0;
  for (std::size_t i = 0; i < orders.size(); ++i) {
    Order& order = orders[i];
    if (!order.live || (player && players[order.player].get() != player) || (instrument != kNoInstrument && order.instrument != instrument)) continue;
    meeting = i + 1;
    if (order.at_venue)
      venue->cancel(i + 1, now, *this);
    else
      order.doomed = why;
  }
  amending = false;
  meeting = 0;
  forcing = Reject::None;
  venue_time = venue->next_time();
}

void Simulation::State::reprice(InstrumentId instrument, Ticks mark, Nanos time) {
  marks[instrument] = mark;
  marked = true;
  repriced[instrument] = time;
  last_repriced = std::max(last_repriced, time);
}

bool Simulation::State::outdated(const Event& event) const {
  if (event.exchange_time > last_repriced) [[likely]]
    return false;
  const Nanos since = repriced[event.instrument];
  if (event.kind == EventKind::Bar && event.exchange_time == since) return tape->bars[event.payload].open_time < since;
  return event.exchange_time < since;
}

void Simulation::State::expire_orders(InstrumentId instrument) { withdraw(nullptr, instrument, Reject::Expired); }

Simulation::State::Order& Simulation::State::own_market_order(Player& player, InstrumentId instrument, Side side, Lots quantity, Nanos time) {
  OrderRequest request;
  request.instrument = instrument;
  request.side = side;
  request.quantity = quantity;
  Order& order = add_order(player, request, time, Reject::None, kNoMid);
  order.at_venue = true;
  return order;
}

void Simulation::State::watch_margins() {
  marked = false;
  for (Player* player : by_rank) {
    if (!player->margin) continue;
    Margin& margin = *player->margin;
    if (margin.liquidating && player->truth.flat()) {
      settle_liquidation(*player);  // a split left nothing to sell, and no fill will tell of it
      tell_insurance(*player);
    } else if (margin.liquidating) {
      // What could not be done is tried again at every new price.
      for (std::size_t i = 0; i < instruments.size(); ++i) {
        const bool waits = margin.closing[i] != 0 && orders[margin.closing[i] - 1].live;
        if (!waits) close_by_force(*player, static_cast<InstrumentId>(i));
      }
    } else if (!player->truth.flat() && player->truth.equity() < held_margin(*player, false)) {
      liquidate(*player);
    }
  }
}

Money Simulation::State::held_margin(const Player& player, bool initial) const {
  Margin& margin = *player.margin;
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const auto instrument = static_cast<InstrumentId>(i);
    const std::int64_t lots = player.truth.position(instrument).value;
    margin.values[i] = lots == 0 ? Money{} : player.truth.value(instrument, player.truth.mark_of(instrument), lots);
  }
  return initial ? margin.model.initial(margin.values) : margin.model.maintenance(margin.values);
}

void Simulation::State::liquidate(Player& player) {
  player.margin->liquidating = true;
  ++player.margin->liquidations;
  withdraw(&player, kNoInstrument, Reject::Liquidated);
  for (std::size_t i = 0; i < instruments.size(); ++i) close_by_force(player, static_cast<InstrumentId>(i));
}

void Simulation::State::close_by_force(Player& player, InstrumentId instrument) {
  const std::int64_t position = player.truth.position(instrument).value;
  if (position == 0) return;
  const Side side = position > 0 ? Side::Sell : Side::Buy;
  const Lots quantity{std::abs(position)};
  Order& order = own_market_order(player, instrument, side, quantity, now);
  order.forced = order.known_live = true;
  order.known_open = quantity;
  player.orders.back().reject = Reject::Liquidated;
  player.open[instrument].market[static_cast<std::size_t>(side)] += quantity.value;
  if (player.risk) player.risk->forced(order, order.counted);
  const OrderId id = orders.size();
  player.margin->closing[instrument] = id;
  const Shown shown = venue->shown(instrument);
  player.watch.arrived(order.row, now, shown);
  meeting = id;
  meeting_mid = shown.mid.value_or(kNoMid);
  venue->submit(VenueOrder(id, player.rank, order), now, *this);
  meeting = 0;
  venue_time = venue->next_time();
}

void Simulation::State::settle_liquidation(Player& player) {
  Margin& margin = *player.margin;
  margin.liquidating = false;
  std::fill(margin.closing.begin(), margin.closing.end(), OrderId{0});
  const Money equity = player.truth.equity();
  if (equity.value >= 0) return;
  player.truth.insure(-equity);
  margin.owed -= equity;
  post(player, now, LedgerAccount::Insurance, kNoInstrument, -equity);
}

void Simulation::State::tell_insurance(Player& player) const {
  if (player.margin->owed.value == 0 || !player.view.flat()) return;
  player.view.insure(player.margin->owed);
  player.margin->owed = {};
}

void Simulation::State::sample_margin(Player& player, Nanos time, Money equity) const {
  const Money used = held_margin(player, true), maintenance = held_margin(player, false);
  const Money fund = player.terms.rules->margin->insurance_fund + player.truth.balance(LedgerAccount::Liquidation) +
                     player.truth.balance(LedgerAccount::Insurance);
  player.margins.push_back({time, used.micros(), maintenance.micros(), (equity - used).micros(), fund.micros()});
}

Reject Simulation::State::check_margin(const Player& player, InstrumentId instrument, const Open& after, Ticks price) const {
  Margin& margin = *player.margin;
  // Both ends of what the position may become; of other instruments the further one.
  const auto asked = [&](const Open& here) {
    std::pair<Money, Money> ends;
    for (std::size_t i = 0; i < instruments.size(); ++i) {
      const auto id = static_cast<InstrumentId>(i);
      const Open& open = id == instrument ? here : player.open[i];
      const auto [up, down] = reach(player, id, open);
      const Ticks at = marks[i].value == 0 && id == instrument ? price : marks[i];
      if (id == instrument) ends = {player.view.value(id, at, up), player.view.value(id, at, down)};
      margin.values[i] = player.view.value(id, at, std::abs(up) >= std::abs(down) ? up : down);
    }
    margin.values[instrument] = ends.first;
    const Money first = margin.model.initial(margin.values);
    margin.values[instrument] = ends.second;
    return std::max(first, margin.model.initial(margin.values));
  };
  const Money wanted = asked(after);
  return wanted <= player.view.equity() || wanted <= asked(player.open[instrument]) ? Reject::None : Reject::Margin;
}

}  // namespace walras::engine
