#include "engine/sim/simulation.hpp"

#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"
#include "engine/sim/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace walras::engine {
namespace {

/// Of a two-sided book, the lower of two ticks.
Ticks mid(const Depth& depth) { return {(depth.bid[0].price.value + depth.ask[0].price.value) >> 1}; }

/// Dividends and the like: no price has changed, and no slice comes of them.
bool quiet(EventKind kind) { return kind >= EventKind::Dividend && kind <= EventKind::Funding; }

}  // namespace

Simulation::State::State(Simulation& owner, std::shared_ptr<const MarketPlan> market,
                         const Span& when, std::uint64_t root)
    : simulation(owner), plan(std::move(market)), span(when), seed(root) {
  expects(plan != nullptr, "a simulation has a plan");
  if (!(span.warm_up <= span.begin && span.begin <= span.end)) {
    fail(Fault::Scenario, "span",
         fmt::format("expected warm_up <= begin <= end, was {} .. {} .. {} ns", span.warm_up.value,
                     span.begin.value, span.end.value));
  }
  instruments = plan->instruments();
  interval = plan->sampling();
  marks.resize(instruments.size());
  repriced.resize(instruments.size(), Nanos::min());
  depths.resize(instruments.size());
  bars.resize(instruments.size(), nullptr);
  for (std::size_t i = 0; i < instruments.size(); ++i)
    fees.push_back(&plan->fees(static_cast<InstrumentId>(i)));
  ring.resize(16);
  ring_shows.resize(16);
  latest.resize(instruments.size(), nullptr);
  moved.resize(instruments.size(), 0);
  touched.reserve(instruments.size());
  agenda.reserve(256);
  orders.reserve(1024);
}

/// All that is made once from plan and seed, at its beginning.
void Simulation::State::make() {
  started = true;
  by_rank.clear();
  for (auto& player : players) by_rank.push_back(player.get());
  std::sort(by_rank.begin(), by_rank.end(),
            [](const Player* a, const Player* b) { return a->name < b->name; });
  path = plan->path_of(seed);
  tape = path.get();
  venue = plan->venue(Rng(seed, "venue"), tape);
  latency = plan->latency(Rng(seed, "latency"));
  now = span.warm_up;
  next_day = {(day_of(span.warm_up) + 1) * kNanosPerDay};
  by_bars = venue->abilities().no_book;
  unheard = interval.value > 0 && !by_bars && (!tape || tape->bars.empty());
  listeners.clear();
  for (Player* player : by_rank) {
    start_schedule(*player);
    if (player->participant->listens()) listeners.push_back(player);
    unheard = unheard && listeners.empty() && !player->risk && !player->margin;
  }
  find_next_due();

  std::size_t expected_samples = 1;
  if (tape) {
    const auto events = tape->between(span.warm_up, span.end);
    cursor = events.data();
    tape_end = events.data() + events.size();
    const auto traded = tape->between(span.begin, span.end);
    expected_samples += traded.size();
  }
  if (interval.value > 0) {
    next_sample = later_by(span.begin, interval);
    const std::int64_t length = span.end.value - span.begin.value;
    expected_samples = static_cast<std::size_t>(
        std::min<std::int64_t>(length / interval.value + 2, std::int64_t{1} << 22));
  }
  for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
    Player& player = *by_rank[rank];
    player.rank = static_cast<std::uint32_t>(rank);
    risk_watched = risk_watched || player.risk;
    player.orders.reserve(1024);
    player.fills.reserve(1024);
    // Untouched memory costs nothing, so every slice of a recorded market has its row set aside.
    player.equity.reserve(expected_samples + 2);
    player.positions.reserve(expected_samples);
    player.postings.reserve(1024);
    if (player.margin) player.margins.reserve(expected_samples + 2);
    const std::int64_t capital = player.terms.capital.micros();
    player.equity.push_back({span.begin, capital, capital, 0, 0});
    player.watch.start(venue->abilities().no_book);
  }
}

void Simulation::State::start() {
  make();
  venue->start(span.warm_up, *this);
  if (tape && plan->replays_from_start()) {
    // The book as it stood when the span begins; nobody is told how it came about.
    silent = true;
    for (const Event* event = tape->events.data(); event != cursor; ++event)
      venue->replay(*event, *this);
    silent = false;
  }
  venue_time = venue->next_time();
  for (Player* player : by_rank) player->participant->on_start(player->port);
}

void Simulation::State::push(Item item) {
  item.sequence = next_sequence++;
  agenda.push(item);
}

void Simulation::State::advance_clock(Nanos time, bool fundings) {
  if (time >= next_due) [[unlikely]]
    account_clock(time, fundings);
  now = std::max(now, time);
}

bool Simulation::State::play(Nanos limit, bool once) {
  if (over) return false;
  const Inside at_work(inside);
  if (!started) start();
  return once ? loop<true>(limit) : loop<false>(limit);
}

template <bool Once>
bool Simulation::State::loop(Nanos limit) {
  for (bool more = true; more; more = !Once) {
    if (!Once && unheard) play_unheard(limit);
    Nanos time = cursor != tape_end ? cursor->exchange_time : Nanos::max();
    time = std::min(time, venue_time);
    Turn turn = Turn::Market;
    const auto consider = [&](Nanos candidate, Turn its_turn) {
      if (candidate < time || (candidate == time && its_turn < turn)) {
        time = candidate;
        turn = its_turn;
      }
    };
    bool from_agenda = false;
    if (ring_count > 0) consider(ring[ring_head].local_time, Turn::Feed);
    if (slice_due) consider(slice_time, Turn::Slice);
    if (sample_due) consider(slice_time, Turn::Sample);
    if (next_sample < time) {
      time = next_sample;
      turn = Turn::Sample;
    }
    if (!agenda.empty() && (agenda.time() < time || (agenda.time() == time && agenda.turn() <= turn))) {
      time = agenda.time();
      from_agenda = true;
    }
    if (time >= span.end) {
      now = std::max(now, std::min(limit, span.end));
      if (limit < span.end) return true;
      finish();
      return false;
    }
    if (time > limit) {
      now = std::max(now, limit);
      return true;
    }
    if (next_markout < time) [[unlikely]]
      settle(time);
    // On bars fundings wait until the fills before them are told.
    advance_clock(time, !by_bars || (from_agenda ? agenda.turn() : turn) > Turn::Answer);
    if (from_agenda) {
      pop_item();
      continue;
    }
    switch (turn) {
      case Turn::Market:
        play_market(time);
        break;
      case Turn::Feed:
        deliver_feed();
        break;
      case Turn::Slice:
        run_slice();
        break;
      default:
        if (interval.value > 0) {
          sample(time);
          next_sample = later_by(next_sample, interval);
        } else {
          sample_due = false;
          sample(time);
        }
    }
  }
  return true;
}

// Everything before `time` has happened, so that the mids of times before it are those of now.
void Simulation::State::settle(Nanos time) {
  next_markout = Nanos::max();
  for (Player* player : by_rank)
    next_markout = std::min(next_markout, player->watch.settle(time, player->fills, *venue));
}

void Simulation::State::play_market(Nanos time) {
  // Nothing goes before the market at its own time, so all of its events of that time go at once.
  while (cursor != tape_end && cursor->exchange_time == time) {
    const Event& event = *cursor++;
    if (event.kind >= EventKind::Dividend) [[unlikely]] {
      if (unheard) deliver_unheard(time);
      account_event(event);
    }
    venue->replay(event, *this);
  }
  if (venue_time == time) venue->advance(*this);
  venue_time = venue->next_time();  // events may have set something off that ends by itself
}

// Until the first thing that is neither market nor feed, and the loop goes on from there. Feed changes nothing at the
// venue, so that market and feed need not take turns: what a fill finds is delivered before it is booked.
void Simulation::State::play_unheard(Nanos limit) {
  constexpr std::size_t kWaiting = 32;  // few events under way: what is written again and again stays in the cache
  const Nanos least = std::min({next_sample, next_due, span.end, later_by(limit, Nanos{1})});
  const auto bound = [&] {  // fills bring answers and horizons
    return std::min({least, later_by(next_markout, Nanos{1}), agenda.empty() ? Nanos::max() : agenda.time()});
  };
  for (;;) {
    const Nanos time = std::min(cursor != tape_end ? cursor->exchange_time : Nanos::max(), venue_time);
    if (time >= bound()) break;
    now = std::max(now, time);
    if (ring_count >= kWaiting) deliver_unheard(time);
    play_market(time);
  }
  deliver_unheard(bound());
}

// Of depths the last one counts, and where it has two sides the mark is its mid, whatever came before.
void Simulation::State::deliver_unheard(Nanos before) {
  std::size_t known = 0;
  while (known < ring_count && ring[(ring_head + known) & (ring.size() - 1)].local_time < before) ++known;
  if (known == 0) return;
  const auto place = [&](std::size_t i) { return (ring_head + i) & (ring.size() - 1); };
  // Before its first mark an instrument is valued at what it was bought for: there every event must be looked at.
  std::size_t first = 0;
  if (instruments.size() == 1 && marks[0].value != 0) {
    first = known - 1;
    while (first > 0 && !(ring_shows[place(first)] && ring_depths[place(first)].two_sided() && !outdated(ring[place(first)]))) --first;
  }
  for (std::size_t i = first; i < known; ++i) {
    const Event& event = ring[place(i)];
    const InstrumentId instrument = event.instrument;
    const Depth*& depth = latest[instrument];
    if (!depth) {
      depth = &depths[instrument];
      touched.push_back(instrument);
    }
    if (ring_shows[place(i)]) depth = &ring_depths[place(i)];
    const Ticks mark = mark_after(event, *depth, ring_shows[place(i)] != 0);
    if (mark != marks[instrument]) moved[instrument] = 1;
    marks[instrument] = mark;
  }
  for (const InstrumentId instrument : touched) {
    const Depth* depth = std::exchange(latest[instrument], nullptr);
    if (depth != &depths[instrument]) depths[instrument] = *depth;
    if (std::exchange(moved[instrument], std::uint8_t{0}) != 0) mark_accounts(instrument);
  }
  touched.clear();
  for (std::size_t i = known; i-- > 0;) {
    const Event& event = ring[place(i)];
    if (quiet(event.kind)) continue;
    slice_time = event.local_time;
    break;
  }
  now = std::max(now, ring[place(known - 1)].local_time);
  ring_head = ring_count == known ? 0 : place(known);
  ring_count -= known;
}

Ticks Simulation::State::mark_after(const Event& event, const Depth& depth, bool shows) const {
  const Ticks before = marks[event.instrument];
  if (outdated(event)) return before;
  switch (event.kind) {
    case EventKind::Bar:
      return event.price;
    case EventKind::Trade:
    case EventKind::Execute:
    case EventKind::Hidden:
      if (!depth.two_sided()) return event.price;
      break;
    default:
      break;
  }
  return shows && depth.two_sided() ? mid(depth) : before;
}

void Simulation::State::mark_accounts(InstrumentId instrument) {
  for (Player* player : by_rank) {
    player->truth.mark(instrument, marks[instrument]);
    player->view.mark(instrument, marks[instrument]);
  }
}

void Simulation::State::publish(const Event& event, const Depth* depth) {
  if (silent) return;
  ++event_count;
  const Nanos known = std::max(event.local_time, event.exchange_time);
  feed_last = std::max(feed_last, later_by(known, latency->feed(event.exchange_time, known - event.exchange_time)));
  if (feed_last >= span.end) return;
  if (ring_count == ring.size()) [[unlikely]] {
    // Seldom: more events under way than ever before. Unrolled into twice the room.
    std::vector<Event> wider(ring.size() * 2);
    std::vector<std::uint8_t> wider_shows(wider.size());
    std::vector<Depth> wider_depths(ring_depths.empty() ? 0 : wider.size());
    for (std::size_t i = 0; i < ring_count; ++i) {
      const std::size_t from = (ring_head + i) & (ring.size() - 1);
      wider[i] = ring[from];
      wider_shows[i] = ring_shows[from];
      if (!wider_depths.empty()) wider_depths[i] = ring_depths[from];
    }
    ring.swap(wider);
    ring_shows.swap(wider_shows);
    ring_depths.swap(wider_depths);
    ring_head = 0;
  }
  const std::size_t place = (ring_head + ring_count++) & (ring.size() - 1);
  ring[place] = event;
  ring[place].local_time = feed_last;
  ring_shows[place] = depth != nullptr;
  if (depth) {
    if (ring_depths.empty()) [[unlikely]]
      ring_depths.resize(ring.size());
    // Whole: copies of a length that varies cost more than they save.
    ring_depths[place] = *depth;
  }
}

void Simulation::State::deliver_feed() {
  const Event event = ring[ring_head];
  const InstrumentId instrument = event.instrument;
  const bool shows = ring_shows[ring_head] != 0;
  if (shows) depths[instrument] = ring_depths[ring_head];
  // Begun again from its first place whenever it is empty: few places, and those in the cache.
  ring_head = --ring_count == 0 ? 0 : (ring_head + 1) & (ring.size() - 1);
  if (event.kind == EventKind::Bar) bars[instrument] = &tape->bars[event.payload];
  const Ticks mark = mark_after(event, depths[instrument], shows);
  if (mark != marks[instrument]) {
    marks[instrument] = mark;
    marked = true;
    mark_accounts(instrument);
  }
  for (Player* player : listeners) player->participant->on_event(event, player->port);
  // One slice a local time: what a slice itself sets off at the same time waits for the next.
  if (event.local_time != slice_time && !quiet(event.kind)) {
    slice_time = event.local_time;
    slice_due = true;
    sample_due = interval.value == 0 && slice_time >= span.begin;
  }
}

void Simulation::State::run_slice() {
  slice_due = false;
  if (marked) watch_margins();
  if (risk_watched) [[unlikely]] {
    // Here every mark is of this time; among its events some are older than others.
    for (Player* player : by_rank)
      if (player->risk) watch_risk(*player);
  }
  for (Player* player : listeners) player->participant->on_slice(slice_time, player->port);
}

void Simulation::State::sample(Nanos time) {
  for (Player* player : by_rank) sample(*player, time);
}

void Simulation::State::sample(Player& player, Nanos time) {
  const Account& account = player.truth;
  const Money equity = account.equity();
  player.equity.push_back({time, equity.micros(), (equity + account.costs()).micros(),
                           account.long_value().micros(), account.short_value().micros()});
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const auto instrument = static_cast<InstrumentId>(i);
    const Lots position = account.position(instrument);
    if (position.value == 0 && player.changed[i] == 0) continue;
    player.changed[i] = 0;
    player.positions.push_back({time, instrument, position, marks[i]});
  }
  if (player.margin) sample_margin(player, time, equity);
}

void Simulation::State::finish() {
  over = true;
  // What was on its way to the trader is booked without asking; what was on its way to the venue
  // never got there.
  while (!agenda.empty()) {
    const Item item = agenda.pop();
    if (item.what == What::Fill) {
      fill_known(item, false);
    } else if (item.what == What::Submit) {
      Order& order = orders[item.order - 1];
      players[order.player]->orders[order.row].reject = Reject::Ended;
    }
  }
  settle(span.end);
  for (Order& order : orders) {
    if (order.live && players[order.player]->watch.has_arrived(order.row))
      players[order.player]->watch.ended(order.row, span.end, venue->shown(order.instrument));
    order.live = order.known_live = false;
  }
  for (Player* player : by_rank) std::fill(player->open.begin(), player->open.end(), Open{});
  now = span.end;
  if (span.close_at_end) close_positions();
  for (Player* player : by_rank) {
    warn(*player);
    player->participant->on_stop(player->port);
  }
}

void Simulation::State::warn(Player& player) const {
  const auto say = [&](std::uint64_t count, const char* why) {
    if (count > 0) player.warnings.push_back(fmt::format("{} orders were refused: {}", count, why));
  };
  const auto refused = [&](Reject why) {
    return static_cast<std::uint64_t>(
        std::count_if(player.orders.begin(), player.orders.end(),
                      [why](const OrderRow& order) { return order.reject == why; }));
  };
  say(player.refused_in_warm_up, "sent before trading began (warm-up)");
  say(refused(Reject::Funds), "beyond the leverage that the account allows");
  say(refused(Reject::Margin), "beyond the initial margin that the account could find");
  if (player.margin && player.margin->liquidations > 0) {
    player.warnings.push_back(
        fmt::format("the account fell below its maintenance margin and was closed by force {} time{}, at fees of {:.2f}; the insurance fund paid {:.2f}",
                    player.margin->liquidations, player.margin->liquidations == 1 ? "" : "s", player.truth.balance(LedgerAccount::Liquidation).units(),
                    player.truth.received(LedgerAccount::Insurance).units()));
  }
  if (player.clamped_rolls > 0) {
    player.warnings.push_back(fmt::format("{} trades of rolls were done at a price of one tick, since roll_cost_ticks is no less than the price then was",
                                          player.clamped_rolls));
  }
  say(refused(Reject::ShortSale), "short sales, which the account does not allow");
  say(refused(Reject::NoMarket), "no price to trade at");
  if (player.risk) player.risk->add_warnings(player.warnings);
  const auto broke = std::find_if(player.equity.begin(), player.equity.end(),
                                  [](const EquityRow& row) { return row.equity_micros <= 0; });
  if (broke != player.equity.end()) {
    player.warnings.push_back(fmt::format("equity was lost: {:.2f} at {}", static_cast<double>(broke->equity_micros) / 1e6, format_time(broke->time)));
  }
}

void Simulation::State::close_positions() {
  closing = true;
  // The time of the last thing that happened: positions are closed where the record ends, at prices
  // known then.
  for (Player* player : by_rank) {
    Nanos time = interval.value > 0 ? span.end : std::max(span.begin, slice_time);
    // A span that ends just after a sample ends with it: a nanosecond is no period of its own.
    if (interval.value > 0 && player->equity.size() > 1 &&
        player->equity.back().time + Nanos{1} == span.end) {
      time = player->equity.back().time;
    }
    bool closed = false;
    for (std::size_t i = 0; i < instruments.size(); ++i) {
      const auto instrument = static_cast<InstrumentId>(i);
      const std::int64_t position = player->truth.position(instrument).value;
      if (position == 0) continue;
      closed = true;
      const Side side = position > 0 ? Side::Sell : Side::Buy;
      const Lots quantity{position > 0 ? position : -position};
      const Order order = own_market_order(*player, instrument, side, quantity, time);
      venue->close_out(VenueOrder(orders.size(), player->rank, order), time, *this);
      if (player->truth.position(instrument).value != 0) {
        player->warnings.push_back(fmt::format(
            "{} could not be closed at the end: no price to trade at", instruments[i].name));
      }
    }
    if (player->margin && player->margin->liquidating) settle_liquidation(*player);
    // Closing belongs to the last period: where its sample exists, it is taken again after the
    // closing.
    if (!player->equity.empty() && player->equity.size() > 1 &&
        player->equity.back().time == time) {
      if (!closed) continue;
      player->equity.pop_back();
      if (player->margin) player->margins.pop_back();
      while (!player->positions.empty() && player->positions.back().time == time)
        player->positions.pop_back();
    }
    if (closed || interval.value > 0) sample(*player, time);
  }
  closing = false;
}

Simulation::Simulation(std::shared_ptr<const MarketPlan> plan, const Span& span, std::uint64_t seed)
    : state_(std::make_unique<State>(*this, std::move(plan), span, seed)) {}
Simulation::~Simulation() = default;

std::uint32_t Simulation::add(Participant& participant, const std::string& name,
                              const AccountTerms& terms) {
  State& state = *state_;
  if (state.started)
    fail(Fault::Internal, name, "expected participants to be added before the start");
  for (const auto& player : state.players) {
    if (player->name == name)
      fail(Fault::Scenario, name,
           "expected each participant to have a name of its own, was taken twice");
  }
  if (!(terms.borrow_rate >= 0 && terms.borrow_rate <= 100) ||
      !(terms.leverage > 0 && terms.leverage <= 1e6)) {
    fail(Fault::Scenario, "/account",
         fmt::format("expected borrow_rate in [0, 100] and leverage in (0, 1e6], was {} and {}",
                     terms.borrow_rate, terms.leverage));
  }
  const auto number = static_cast<std::uint32_t>(state.players.size());
  state.players.push_back(std::make_unique<State::Player>(*this, number, participant, name, terms,
                                                          state.instruments,
                                                          Rng(state.seed, "participant/" + name)));
  if (terms.risk) {
    state.players.back()->risk =
        std::make_unique<RiskRules>(*terms.risk, state.instruments, state.plan->calendar(),
                                    terms.capital, state.span.begin);
  }
  state.players.back()->borrow_rate = std::llround(terms.borrow_rate * 1e12);
  return number;
}

bool Simulation::run_until(Nanos time) { return state_->play(time, false); }
bool Simulation::step() { return state_->play(Nanos::max(), true); }
void Simulation::run() { state_->play(Nanos::max(), false); }
Nanos Simulation::now() const { return state_->now; }
bool Simulation::ended() const { return state_->over; }
Orders& Simulation::orders(std::uint32_t participant) {
  return state_->players.at(participant)->port;
}
std::uint64_t Simulation::events() const { return state_->event_count; }
RunRecord Simulation::record(std::uint32_t participant) const {
  return state_->record(*state_->players.at(participant));
}

RunRecord Simulation::State::record(const Player& player) const {
  RunRecord record;
  record.strategy = player.name;
  record.seed = seed;
  record.begin = span.begin;
  record.end = span.end;
  record.capital_micros = player.terms.capital.micros();
  record.orders = player.orders;
  record.fills = player.fills;
  record.equity = player.equity;
  record.positions = player.positions;
  if (player.risk) record.switches = player.risk->switches();
  record.postings = player.postings;
  record.margin = player.margins;
  record.costs.fees = player.truth.balance(LedgerAccount::Fees).micros();
  player.watch.report(record, tape, std::min(now + Nanos{1}, span.end), instruments);
  record.costs.slippage = player.truth.slippage().micros();
  record.costs.borrow = player.truth.balance(LedgerAccount::Borrow).micros();
  record.costs.dividends = player.truth.received(LedgerAccount::Dividends).micros();
  record.costs.turnover = player.truth.turnover().micros();
  record.costs.funding = player.truth.received(LedgerAccount::Funding).micros();
  record.costs.swap = player.truth.received(LedgerAccount::Swap).micros();
  record.costs.liquidation = player.truth.balance(LedgerAccount::Liquidation).micros();
  record.costs.insurance = player.truth.received(LedgerAccount::Insurance).micros();
  if (player.margin) record.liquidations = player.margin->liquidations;
  record.events = event_count;
  record.warnings = player.warnings;
  return record;
}

}  // namespace walras::engine
