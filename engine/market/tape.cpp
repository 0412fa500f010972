#include "engine/market/tape.hpp"

#include "engine/base/error.hpp"
#include "engine/base/files.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

namespace walras::engine {
namespace {

void check_instruments(const std::vector<Instrument>& instruments) {
  if (instruments.empty()) fail(Fault::Data, "market data", "expected an instrument, found none");
  for (std::size_t i = 0; i < instruments.size(); ++i) {
    const Instrument& instrument = instruments[i];
    if (instrument.name.empty()) {
      fail(Fault::Data, "market data", "expected every instrument to have a name, one is empty");
    }
    if (i > 0 && instruments[i - 1].name == instrument.name) {
      fail(Fault::Data, instrument.name,
           "expected one source for each instrument, found two; rename or select one");
    }
    static_cast<void>(instrument.tick_value());
  }
}

void sort_instruments(Tape& tape) {
  std::vector<InstrumentId> order(tape.instruments.size());
  std::iota(order.begin(), order.end(), InstrumentId{0});
  std::stable_sort(order.begin(), order.end(), [&](InstrumentId a, InstrumentId b) {
    return tape.instruments[a].name < tape.instruments[b].name;
  });
  std::vector<InstrumentId> place(order.size());
  std::vector<Instrument> instruments;
  std::vector<Depth> books;
  instruments.reserve(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = static_cast<InstrumentId>(i);
    instruments.push_back(std::move(tape.instruments[order[i]]));
    if (!tape.initial_books.empty()) books.push_back(tape.initial_books[order[i]]);
  }
  tape.instruments = std::move(instruments);
  tape.initial_books = std::move(books);
  for (Event& event : tape.events) event.instrument = place[event.instrument];
}

std::string place_of(const Tape& tape, const Event& event) {
  return fmt::format("{}, event {}", tape.instruments[event.instrument].name, event.sequence);
}

void check_bar(const Tape& tape, const Event& event, const Bar& bar) {
  const bool ordered = bar.low <= std::min(bar.open, bar.close) &&
                       bar.high >= std::max(bar.open, bar.close) && bar.open_time <= bar.close_time;
  if (!ordered || bar.close_time != event.exchange_time) {
    fail(Fault::Data, place_of(tape, event),
         fmt::format("expected low <= open, close <= high and open time <= close time = event "
                     "time, was O {} H {} L {} C {} ticks, {} .. {} ns at {} ns",
                     bar.open.value, bar.high.value, bar.low.value, bar.close.value,
                     bar.open_time.value, bar.close_time.value, event.exchange_time.value));
  }
  if (bar.volume.value < 0) {
    fail(Fault::Data, place_of(tape, event),
         fmt::format("expected volume >= 0, was {} lots", bar.volume.value));
  }
}

bool has_price(EventKind kind) {
  return kind == EventKind::Bar || kind == EventKind::Add || kind == EventKind::Execute ||
         kind == EventKind::Hidden || kind == EventKind::Trade;
}

/// Numbers events by instrument in the order given, and checks each. An instrument's own events
/// must already be in time order: that order is what its source says about equal times.
void number_events(Tape& tape) {
  std::vector<std::uint64_t> next(tape.instruments.size(), 0);
  std::vector<Nanos> last(tape.instruments.size(), Nanos::min());
  for (Event& event : tape.events) {
    event.source = event.instrument;
    event.sequence = next[event.instrument]++;
    if (event.kind > EventKind::Funding) {
      fail(Fault::Data, place_of(tape, event),
           fmt::format("expected a market event, was kind {}", static_cast<int>(event.kind)));
    }
    if (event.exchange_time < last[event.instrument] || event.local_time < event.exchange_time) {
      fail(Fault::Data, place_of(tape, event),
           fmt::format("expected times in ascending order and local time >= exchange time, was "
                       "exchange {} ns, local {} ns after {} ns",
                       event.exchange_time.value, event.local_time.value,
                       last[event.instrument].value));
    }
    last[event.instrument] = event.exchange_time;
    if (has_price(event.kind) && event.price.value <= 0 &&
        !tape.instruments[event.instrument].negative_prices) {
      fail(Fault::Data, place_of(tape, event),
           fmt::format("expected a price > 0, was {} ticks; set negative_prices where they are "
                       "meant",
                       event.price.value));
    }
    if (event.kind == EventKind::Split && (event.payload == 0 || event.quantity.value <= 0 || event.quantity.value > 1'000'000 || event.payload > 1'000'000)) {
      fail(Fault::Data, place_of(tape, event),
           fmt::format("expected a split of 1 to 1000000 lots into 1 to 1000000, was {} into {}", event.payload, event.quantity.value));
    }
    if (event.kind == EventKind::Bar) {
      if (event.payload >= tape.bars.size()) {
        fail(Fault::Data, place_of(tape, event), "expected the index of a bar, was out of range");
      }
      check_bar(tape, event, tape.bars[event.payload]);
    }
  }
}

/// Sorts by (time, source, sequence) and lays the bars out in the order in which they are read.
void sort_events(Tape& tape) {
  const auto before = [](const Event& a, const Event& b) {
    if (a.exchange_time != b.exchange_time) return a.exchange_time < b.exchange_time;
    if (a.source != b.source) return a.source < b.source;
    return a.sequence < b.sequence;
  };
  if (!std::is_sorted(tape.events.begin(), tape.events.end(), before)) {
    std::sort(tape.events.begin(), tape.events.end(), before);
  }
  std::vector<Bar> bars;
  bars.reserve(tape.bars.size());
  for (Event& event : tape.events) {
    if (event.kind != EventKind::Bar) continue;
    bars.push_back(tape.bars[event.payload]);
    event.payload = static_cast<std::uint32_t>(bars.size() - 1);
  }
  tape.bars = std::move(bars);
}

template <class T>
void hash_values(Sha256& hash, const std::vector<T>& values) {
  static_assert(std::has_unique_object_representations_v<T>,
                "padding would put stray bytes into the hash");
  static_assert(std::endian::native == std::endian::little);
  hash.update_integer(static_cast<std::int64_t>(values.size()));
  hash.update(std::as_bytes(std::span(values)));
}

std::string hash_contents(const Tape& tape) {
  Sha256 hash;
  hash.update_integer(static_cast<std::int64_t>(tape.instruments.size()));
  for (const Instrument& instrument : tape.instruments) {
    for (const std::string* text : {&instrument.name, &instrument.currency}) {
      hash.update_integer(static_cast<std::int64_t>(text->size()));
      hash.update(*text);
    }
    for (const double number : {instrument.tick_size, instrument.lot_size, instrument.multiplier,
                                instrument.periods_per_year}) {
      hash.update_integer(std::bit_cast<std::int64_t>(number));
    }
    hash.update_integer((instrument.negative_prices ? 1 : 0) + (instrument.close_only ? 2 : 0) +
                        (instrument.total_return ? 4 : 0));
  }
  hash_values(hash, tape.events);
  hash_values(hash, tape.bars);
  hash.update_integer(static_cast<std::int64_t>(tape.initial_books.size()));
  for (const Depth& book : tape.initial_books) {
    hash.update_integer(book.bids);
    hash.update_integer(book.asks);
    for (std::size_t i = 0; i < book.bids; ++i) {
      hash.update_integer(book.bid[i].price.value);
      hash.update_integer(book.bid[i].quantity.value);
    }
    for (std::size_t i = 0; i < book.asks; ++i) {
      hash.update_integer(book.ask[i].price.value);
      hash.update_integer(book.ask[i].quantity.value);
    }
  }
  return hash.hex();
}

}  // namespace

void Tape::append(InstrumentId instrument, const Bar& bar) {
  Event event;
  event.exchange_time = event.local_time = bar.close_time;
  event.instrument = instrument;
  event.kind = EventKind::Bar;
  event.price = bar.close;
  event.quantity = bar.volume;
  event.payload = static_cast<std::uint32_t>(bars.size());
  bars.push_back(bar);
  events.push_back(event);
}

std::span<const Event> Tape::between(Nanos begin, Nanos end) const {
  const auto at = [&](Nanos time) {
    return std::lower_bound(events.begin(), events.end(), time, [](const Event& event, Nanos t) {
      return event.exchange_time < t;
    });
  };
  const auto first = at(begin);
  const auto last = end > begin ? at(end) : first;
  return {first, last};
}

std::shared_ptr<const Tape> finish_tape(Tape tape) {
  for (const Event& event : tape.events) {
    if (event.instrument >= tape.instruments.size()) {
      fail(Fault::Data, "market data",
           fmt::format("expected an instrument below {}, was {}", tape.instruments.size(),
                       event.instrument));
    }
  }
  if (!tape.initial_books.empty() && tape.initial_books.size() != tape.instruments.size()) {
    fail(Fault::Data, "market data",
         fmt::format("expected an initial book for each of {} instruments or none, were {}",
                     tape.instruments.size(), tape.initial_books.size()));
  }
  sort_instruments(tape);
  check_instruments(tape.instruments);
  number_events(tape);
  sort_events(tape);
  tape.content_hash = hash_contents(tape);
  return std::make_shared<const Tape>(std::move(tape));
}

}  // namespace walras::engine
