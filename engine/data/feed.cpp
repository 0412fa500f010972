#include "engine/data/feed.hpp"

#include "engine/base/error.hpp"
#include "engine/book/recorded_book.hpp"
#include "engine/market/calendar.hpp"
#include "engine/market/decimal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <set>

namespace walras::engine {
namespace {

struct FaultText {
  std::string_view name, expected, done;
};
constexpr std::array<FaultText, kFeedFaults> kTexts{{
    {"unknown_order", "an order that rests", "messages named orders that do not rest and were left out"},
    {"duplicate_order", "the id of a new order", "orders were added twice; the later one stands"},
    {"bad_quantity", "a quantity > 0 that the order has", "quantities were not possible and were cut or left out"},
    {"bad_price", "a price > 0", "prices were missing or not possible; those messages were left out"},
    {"clock_back", "a time not before the last one", "exchange times went back; the last time was kept"},
    {"clock_skew", "a receive time not before the exchange time", "messages were received before they were sent; they are known at their exchange time"},
    {"sequence_gap", "the next sequence number", "gaps in the sequence; the book starts anew after each"},
    {"doubtful_book", "a book that its publisher trusts", "messages are marked by their publisher as doubtful"},
}};

Event& append(Tape& tape, FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price,
              std::int64_t quantity) {
  Event& event = tape.events.emplace_back();
  event.exchange_time = time.exchange;
  event.local_time = time.local;
  event.instrument = instrument;
  event.kind = kind;
  event.side = side;
  event.price = {price};
  event.quantity = {quantity};
  return event;
}

}  // namespace

void FeedFaults::add(FeedFault fault, const std::string& place, const std::string& found) {
  const auto kind = static_cast<std::size_t>(fault);
  if (strict_) {
    refuse(place, fmt::format("expected {}, found {}; set \"strict\": false to count such messages and go on",
                              kTexts[kind].expected, found));
  }
  if (counts_[kind]++ == 0) first_[kind] = place;
}

void FeedFaults::refuse(const std::string& place, const std::string& text) const {
  fail(Fault::Data, fmt::format("{}, {}", file_, place), text);
}

Json FeedFaults::counts() const {
  Json all = Json::object();
  for (std::size_t kind = 0; kind < kFeedFaults; ++kind) {
    if (counts_[kind] > 0) all[kTexts[kind].name] = counts_[kind];
  }
  return all;
}

void FeedFaults::note(Json& notes) const {
  for (std::size_t kind = 0; kind < kFeedFaults; ++kind) {
    if (counts_[kind] > 0) notes.push_back(fmt::format("{} {} (first at {})", counts_[kind], kTexts[kind].done, first_[kind]));
  }
}

std::string FeedClock::place(std::uint64_t place) const { return fmt::format("{} {}", unit_, place); }

FeedTime FeedClock::settle(InstrumentId instrument, FeedTime time) {
  if (instrument >= last_.size()) last_.resize(instrument + 1, Nanos::min());
  if (time.local < time.exchange) {
    faults_->add(FeedFault::ClockSkew, place(time.place),
                 fmt::format("{} received at {}", format_time(time.exchange), format_time(time.local)));
    time.local = time.exchange;
  }
  Nanos& last = last_[instrument];
  if (time.exchange < last) {
    faults_->add(FeedFault::ClockBack, place(time.place),
                 fmt::format("{} after {}", format_time(time.exchange), format_time(last)));
    time.exchange = last;
    time.local = std::max(time.local, last);
  }
  last = time.exchange;
  return time;
}

OrderFeed::Known* OrderFeed::known(InstrumentId instrument, std::uint64_t id) {
  if (instrument >= orders_.size()) orders_.resize(instrument + 1);
  return id == 0 ? nullptr : orders_[instrument].find(id);
}

OrderFeed::Known* OrderFeed::wanted(FeedTime time, InstrumentId instrument, std::uint64_t id) {
  Known* order = known(instrument, id);
  if (order && order->quantity > 0) return order;
  faults_->add(FeedFault::UnknownOrder, clock_.place(time.place), fmt::format("order {}", id));
  return nullptr;
}

std::int64_t OrderFeed::part(FeedTime time, const Known& order, std::int64_t quantity) {
  if (quantity > 0 && quantity <= order.quantity) return quantity;
  faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{} of {}", quantity, order.quantity));
  return std::clamp<std::int64_t>(quantity, 0, order.quantity);
}

Event& OrderFeed::push(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price,
                       std::int64_t quantity, std::uint64_t id) {
  Event& event = append(*tape_, clock_.settle(instrument, time), instrument, kind, side, price, quantity);
  event.order = id;
  return event;
}

void OrderFeed::add(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price,
                    std::int64_t quantity, std::uint16_t flags) {
  if (quantity <= 0) return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  Known* there = known(instrument, id);
  if (there && there->quantity > 0) {
    faults_->add(FeedFault::DuplicateOrder, clock_.place(time.place), fmt::format("order {} again", id));
    push(time, instrument, EventKind::Delete, there->side, there->price, there->quantity, id);
  }
  if (id == 0) return faults_->add(FeedFault::UnknownOrder, clock_.place(time.place), "a new order without an id");
  orders_[instrument].insert(id, {price, quantity, 0, side});
  push(time, instrument, EventKind::Add, side, price, quantity, id).flags = flags;
}

void OrderFeed::reduce(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity) {
  Known* order = wanted(time, instrument, id);
  if (!order) return;
  const std::int64_t gone = part(time, *order, quantity);
  if (gone == 0) return;
  const bool last = gone == order->quantity;
  push(time, instrument, last ? EventKind::Delete : EventKind::Reduce, order->side, order->price, gone, id);
  order->quantity -= gone;
  if (last && order->told == 0) orders_[instrument].erase(id);
}

void OrderFeed::remove(FeedTime time, InstrumentId instrument, std::uint64_t id) {
  Known* order = wanted(time, instrument, id);
  if (!order) return;
  push(time, instrument, EventKind::Delete, order->side, order->price, order->quantity, id);
  orders_[instrument].erase(id);
}

void OrderFeed::execute(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity, std::uint32_t exact) {
  Known* order = wanted(time, instrument, id);
  if (!order) return;
  const std::int64_t traded = part(time, *order, quantity);
  if (traded == 0) return;
  push(time, instrument, EventKind::Execute, order->side, order->price, traded, id).payload = exact;
  order->quantity -= traded;
  if (order->quantity == 0 && order->told == 0) orders_[instrument].erase(id);
}

void OrderFeed::fill(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price,
                     std::int64_t quantity, std::uint32_t exact) {
  if (quantity <= 0) return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  Known* order = known(instrument, id);
  const std::int64_t shown = order ? std::min(quantity, order->quantity) : 0;
  if (shown > 0) {
    push(time, instrument, EventKind::Execute, order->side, order->price, shown, id).payload = exact;
    order->quantity -= shown;
    order->told += shown;
    side = order->side;
  }
  if (quantity == shown) return;
  ++hidden_;
  push(time, instrument, EventKind::Hidden, side, price, quantity - shown, 0);
}

void OrderFeed::told_reduce(FeedTime time, InstrumentId instrument, std::uint64_t id, std::int64_t quantity) {
  Known* order = known(instrument, id);
  if (order && order->told > 0 && quantity > 0) {
    const std::int64_t told = std::min(quantity, order->told);
    order->told -= told;
    quantity -= told;
    if (order->quantity == 0 && order->told == 0) {
      orders_[instrument].erase(id);
      order = nullptr;
    }
    if (quantity == 0) return;
  }
  reduce(time, instrument, id, quantity);
}

void OrderFeed::modify(FeedTime time, InstrumentId instrument, std::uint64_t id, Side side, std::int64_t price, std::int64_t quantity) {
  Known* order = known(instrument, id);
  if (!order) {
    // A feed that says all of an order: it rests from now on.
    faults_->add(FeedFault::UnknownOrder, clock_.place(time.place), fmt::format("a change of order {}", id));
    return add(time, instrument, id, side, price, quantity);
  }
  if (quantity <= 0) return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  order->told = 0;
  if (order->price == price && order->side == side && quantity <= order->quantity) {
    if (quantity < order->quantity) {
      push(time, instrument, EventKind::Reduce, side, price, order->quantity - quantity, id);
      order->quantity = quantity;
    }
    return;
  }
  if (order->quantity > 0) push(time, instrument, EventKind::Delete, order->side, order->price, order->quantity, id);
  *order = {price, quantity, 0, side};
  push(time, instrument, EventKind::Add, side, price, quantity, id);
}

void OrderFeed::replace(FeedTime time, InstrumentId instrument, std::uint64_t old, std::uint64_t id, std::int64_t price, std::int64_t quantity) {
  Known* order = wanted(time, instrument, old);
  if (!order) return;
  const Side side = order->side;
  remove(time, instrument, old);
  add(time, instrument, id, side, price, quantity);
}

void OrderFeed::clear(FeedTime time, InstrumentId instrument) {
  if (instrument < orders_.size()) orders_[instrument].clear();
  push(time, instrument, EventKind::Depth, Side::Buy, 0, 0, 0).flags = kBookClear;
}

void OrderFeed::print(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price, std::int64_t quantity,
                      std::uint32_t exact, std::uint16_t flags) {
  if (kind != EventKind::Halt && quantity <= 0)
    return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  Event& event = push(time, instrument, kind, side, price, quantity, 0);
  event.payload = exact;
  event.flags = flags;
}

void LevelFeed::push(FeedTime time, InstrumentId instrument, EventKind kind, Side side, std::int64_t price,
                     std::int64_t quantity, std::uint16_t flags) {
  append(*tape_, clock_.settle(instrument, time), instrument, kind, side, price, quantity).flags = flags;
}

void LevelFeed::level(FeedTime time, InstrumentId instrument, Side side, std::int64_t price, std::int64_t quantity, std::uint16_t flags) {
  if (quantity < 0) return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  push(time, instrument, EventKind::Depth, side, price, quantity, flags);
}

void LevelFeed::clear(FeedTime time, InstrumentId instrument) {
  push(time, instrument, EventKind::Depth, Side::Buy, 0, 0, kBookClear);
  shown_.erase({instrument, Side::Buy});
  shown_.erase({instrument, Side::Sell});
}

void LevelFeed::trade(FeedTime time, InstrumentId instrument, Side aggressor, std::int64_t price, std::int64_t quantity) {
  if (quantity <= 0) return faults_->add(FeedFault::BadQuantity, clock_.place(time.place), fmt::format("{}", quantity));
  push(time, instrument, EventKind::Trade, aggressor, price, quantity, 0);
}

void LevelFeed::show(FeedTime time, InstrumentId instrument, Side side,
                     std::span<const std::pair<std::int64_t, std::int64_t>> levels, std::size_t window) {
  auto& shown = shown_[{instrument, side}];
  if (std::equal(levels.begin(), levels.end(), shown.begin(), shown.end())) return;
  const auto worse = [side](std::int64_t a, std::int64_t b) { return side == Side::Buy ? a < b : a > b; };
  const auto quantity_at = [](std::span<const std::pair<std::int64_t, std::int64_t>> all, std::int64_t price) {
    const auto at = std::find_if(all.begin(), all.end(), [price](const auto& level) { return level.first == price; });
    return at == all.end() ? std::int64_t{-1} : at->second;
  };
  for (const auto& [price, quantity] : shown) {
    if (quantity_at(levels, price) >= 0) continue;
    const bool beyond = levels.size() == window && worse(price, levels.back().first);
    level(time, instrument, side, price, 0, beyond ? kWindowMove : std::uint16_t{0});
  }
  for (const auto& [price, quantity] : levels) {
    const std::int64_t before = quantity_at(shown, price);
    if (before == quantity) continue;
    const bool entered = before < 0 && shown.size() == window && worse(price, shown.back().first);
    level(time, instrument, side, price, quantity, entered ? kWindowMove : std::uint16_t{0});
  }
  shown.assign(levels.begin(), levels.end());
}

namespace {

bool exact_price(const Event& event) {
  if (event.flags & kBookClear && event.kind == EventKind::Depth) return false;
  return event.kind == EventKind::Add || event.kind == EventKind::Reduce || event.kind == EventKind::Delete ||
         event.kind == EventKind::Execute || event.kind == EventKind::Depth;
}

bool has_price(const Event& event) {
  return exact_price(event) || event.kind == EventKind::Hidden || event.kind == EventKind::Trade;
}

std::int64_t power_of_ten(int exponent) {
  std::int64_t value = 1;
  for (int i = 0; i < exponent; ++i) value *= 10;
  return value;
}

/// The largest of 1, 2.5, 5 (`round`: only 1) times a power of ten that divides `whole`; at most `most`.
std::int64_t step_within(std::int64_t whole, bool round, std::int64_t most) {
  std::int64_t best = 1;
  for (std::int64_t power = 1; power <= most; power *= 10) {
    for (const std::int64_t tenths : {10, 25, 50}) {
      if ((tenths != 10 && round) || (power == 1 && tenths == 25)) continue;
      const std::int64_t step = power * tenths / 10;
      if (step <= most && step > best && whole % step == 0) best = step;
    }
  }
  return best;
}

struct Raw {
  std::int64_t price = 0, quantity = 0;   // greatest common divisors
  std::int64_t trade_price = 0;           // of trades alone, for feeds without a book
  std::set<std::int64_t> prices;          // up to 16 different ones
  bool negative = false;
};

Decimal stated(double size, int decimals, const char* what, const std::string& file, std::int64_t& raw) {
  const Decimal size_decimal = shortest_decimal(size);
  const auto count = scale(size_decimal, Decimal{1, -decimals});
  if (!count || !count->exact || count->count < 1) {
    fail(Fault::Scenario, file, fmt::format("expected a {} that is a multiple of 1e-{}, was {}", what, decimals, size));
  }
  raw = count->count;
  return size_decimal;
}

std::int64_t nearest(std::int64_t value, std::int64_t step) {
  const std::int64_t whole = value / step, rest = value % step;
  return whole + (2 * rest >= step ? 1 : 2 * rest <= -step ? -1 : 0);
}

}  // namespace

Json settle_units(Tape& tape, const InstrumentTerms& terms, const FeedUnits& units, const std::string& file) {
  std::vector<Raw> raw(tape.instruments.size());
  for (const Event& event : tape.events) {
    Raw& one = raw[event.instrument];
    one.quantity = std::gcd(one.quantity, event.quantity.value);
    if (!has_price(event)) continue;
    std::int64_t& common = exact_price(event) ? one.price : one.trade_price;
    common = std::gcd(common, event.price.value);
    if (one.prices.size() < 16) one.prices.insert(event.price.value);
    one.negative = one.negative || event.price.value <= 0;
  }
  Json found = Json::object();
  std::vector<std::int64_t> ticks, lots, between(raw.size(), 0);
  for (std::size_t i = 0; i < raw.size(); ++i) {
    Instrument& instrument = tape.instruments[i];
    std::int64_t common = raw[i].price > 0 ? raw[i].price : raw[i].trade_price;
    if (common == 0) common = power_of_ten(units.price_decimals);
    const std::int64_t unit = power_of_ten(units.price_decimals);
    const bool few = raw[i].prices.size() < 16;
    std::int64_t tick = step_within(common, few, few ? unit : unit * 1'000);
    const auto known = units.tick_sizes.find(instrument.name);
    if (terms.tick_size) {
      stated(*terms.tick_size, units.price_decimals, "tick_size", file, tick);
    } else if (known != units.tick_sizes.end()) {
      stated(known->second, units.price_decimals, "tick size", file, tick);
    }
    if (raw[i].price % tick != 0) {
      fail(Fault::Data, file,
           fmt::format("expected prices of {} on ticks of {}, found steps of {}; state \"instrument\": {{\"tick_size\": ...}}",
                       instrument.name, static_cast<double>(tick) / static_cast<double>(unit),
                       static_cast<double>(step_within(raw[i].price, false, unit)) / static_cast<double>(unit)));
    }
    const std::int64_t lot_unit = power_of_ten(units.quantity_decimals);
    std::int64_t lot = units.quantity_decimals == 0 ? 1 : step_within(raw[i].quantity == 0 ? lot_unit : raw[i].quantity, true, lot_unit);
    if (terms.lot_size) stated(*terms.lot_size, units.quantity_decimals, "lot_size", file, lot);
    if (raw[i].quantity % lot != 0) {
      fail(Fault::Data, file, fmt::format("expected quantities of {} in lots of {}, found finer ones", instrument.name,
                                          static_cast<double>(lot) / static_cast<double>(lot_unit)));
    }
    instrument.tick_size = static_cast<double>(tick) / static_cast<double>(unit);
    instrument.lot_size = static_cast<double>(lot) / static_cast<double>(lot_unit);
    instrument.negative_prices = instrument.negative_prices || terms.negative_prices;
    ticks.push_back(tick);
    lots.push_back(lot);
  }
  for (Event& event : tape.events) {
    const std::int64_t tick = ticks[event.instrument];
    event.quantity.value /= lots[event.instrument];
    if (!has_price(event)) continue;
    between[event.instrument] += event.price.value % tick != 0 ? 1 : 0;
    event.price.value = nearest(event.price.value, tick);
  }
  for (std::size_t i = 0; i < raw.size(); ++i) {
    found[tape.instruments[i].name] = Json::object({{"tick_size", tape.instruments[i].tick_size},
                                                    {"lot_size", tape.instruments[i].lot_size},
                                                    {"prices_between_ticks", between[i]}});
  }
  return found;
}

namespace {

/// One displayed book rebuilt from any events.
class Shown {
 public:
  void apply(const Event& event) {
    if (event.kind == EventKind::Depth) {
      if (event.flags & kBookClear) {
        orders_.clear();
        for (auto& side : levels_) side.clear();
        return;
      }
      auto& side = levels_[static_cast<std::size_t>(event.side)];
      if (event.flags & kTouchOnly) side.clear();
      if (event.quantity.value == 0) side.erase(event.price.value);
      else side[event.price.value] = event.quantity.value;
    } else if (event.order == 0) {
      return;
    } else if (event.kind == EventKind::Add) {
      orders_.add(event.order, event.side, event.price, event.quantity);
    } else if (event.kind == EventKind::Delete) {
      orders_.remove(event.order);
    } else if (event.kind == EventKind::Reduce || event.kind == EventKind::Execute) {
      orders_.reduce(event.order, event.quantity);
    }
  }
  /// Best bid minus best ask; nothing when a side is empty.
  [[nodiscard]] std::optional<std::int64_t> overlap() const {
    const OrderBook& book = orders_.book();
    if (!book.empty(Side::Buy) && !book.empty(Side::Sell)) return book.best(Side::Buy).value - book.best(Side::Sell).value;
    if (levels_[0].empty() || levels_[1].empty()) return {};
    return levels_[0].rbegin()->first - levels_[1].begin()->first;
  }

 private:
  RecordedBook orders_;
  std::array<std::map<std::int64_t, std::int64_t>, 2> levels_;
};

}  // namespace

std::optional<std::int64_t> read_fixed(std::string_view text, int decimals) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  std::int64_t value = 0;
  int after = -1;
  bool digits = false;
  for (const char c : text) {
    if (c == '.' && after < 0) {
      after = 0;
      continue;
    }
    if (c < '0' || c > '9') return {};
    digits = true;
    if (after >= decimals) {
      if (c != '0') return {};
      continue;
    }
    value = value * 10 + (c - '0');
    if (value > std::int64_t{1} << 58) return {};
    after += after >= 0 ? 1 : 0;
  }
  if (!digits) return {};
  for (int i = std::max(after, 0); i < decimals; ++i) {
    value *= 10;
    if (value > std::int64_t{1} << 58) return {};
  }
  return negative ? -value : value;
}

BookCheck check_books(const Tape& tape) {
  BookCheck check;
  std::map<InstrumentId, Shown> books;
  std::map<InstrumentId, Nanos> times;
  const auto judge = [&](InstrumentId instrument) {
    const auto overlap = books[instrument].overlap();
    if (!overlap) return;
    ++check.instants;
    if (*overlap > 0 && check.crossed++ == 0) check.first_crossed = times[instrument];
    check.locked += *overlap == 0 ? 1 : 0;
  };
  for (const Event& event : tape.events) {
    if (event.kind == EventKind::Bar || event.kind >= EventKind::Dividend) continue;
    const auto at = times.find(event.instrument);
    if (at != times.end() && at->second != event.exchange_time) judge(event.instrument);
    times[event.instrument] = event.exchange_time;
    books[event.instrument].apply(event);
  }
  for (const auto& [instrument, book] : books) judge(instrument);
  return check;
}

void note_books(const BookCheck& check, Json& entry) {
  entry["detected"]["instants_with_both_sides"] = check.instants;
  entry["detected"]["crossed"] = check.crossed;
  entry["detected"]["locked"] = check.locked;
  if (check.crossed + check.locked > 0) {
    std::string text = fmt::format("the book was crossed after {} and locked after {} of {} instants", check.crossed, check.locked, check.instants);
    if (check.crossed > 0) text += fmt::format("; first crossed at {}", format_time(check.first_crossed));
    entry["notes"].push_back(text + ": an auction, or a feed that lags; orders meet the book as it is shown");
  }
}

void keep_used(Tape& tape) {
  std::vector<bool> used(tape.instruments.size(), false);
  for (const Event& event : tape.events) used[event.instrument] = true;
  std::vector<InstrumentId> number(used.size(), 0);
  std::vector<Instrument> kept;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    number[i] = static_cast<InstrumentId>(kept.size());
    kept.push_back(std::move(tape.instruments[i]));
  }
  tape.instruments = std::move(kept);
  for (Event& event : tape.events) event.instrument = number[event.instrument];
}

}  // namespace walras::engine
