#include "engine/data/source.hpp"

#include "engine/base/error.hpp"
#include "engine/market/calendar.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace walras::engine {
namespace {

constexpr InstrumentId kNone = std::numeric_limits<InstrumentId>::max();

std::string instrument_names(const Tape& tape) {
  std::string text;
  for (std::size_t i = 0; i < tape.instruments.size() && i < 30; ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", tape.instruments[i].name);
  }
  if (tape.instruments.size() > 30) text += fmt::format(" and {} more", tape.instruments.size() - 30);
  return text;
}

Nanos time_limit(const std::string& text, Nanos otherwise, const std::string& where) {
  if (text.empty()) return otherwise;
  const auto stamp = parse_stamp(text);
  if (!stamp) {
    fail(Fault::Scenario, where,
         fmt::format("expected a day such as 2012-06-21 or an ISO time, was \"{}\"", text));
  }
  return stamp->time;
}

/// New number of each instrument, or kNone where it is not wanted.
std::vector<InstrumentId> number_wanted(const Tape& tape, const std::vector<std::string>& names,
                                        const std::string& where) {
  std::vector<InstrumentId> number(tape.instruments.size(), kNone);
  if (names.empty()) {
    for (std::size_t i = 0; i < number.size(); ++i) number[i] = static_cast<InstrumentId>(i);
    return number;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto at = std::find_if(tape.instruments.begin(), tape.instruments.end(),
                                 [&](const Instrument& one) { return one.name == names[i]; });
    if (at == tape.instruments.end()) {
      fail(Fault::Scenario, fmt::format("{}/instruments/{}", where, i),
           fmt::format("expected one of {}, was \"{}\"", instrument_names(tape), names[i]));
    }
    InstrumentId& place = number[static_cast<std::size_t>(at - tape.instruments.begin())];
    if (place != kNone) {
      fail(Fault::Scenario, fmt::format("{}/instruments/{}", where, i),
           fmt::format("expected each name once, was \"{}\" again", names[i]));
    }
    place = 0;
  }
  InstrumentId next = 0;
  for (InstrumentId& place : number) {
    if (place != kNone) place = next++;
  }
  return number;
}

/// Instruments that have nothing in the time wanted: an error where they were named, else left out and noted.
void drop_without_events(Tape& tape, const Selection& selection, Nanos begin, Nanos end,
                         const std::string& where, std::vector<InstrumentId>& number) {
  std::vector<bool> has_events(number.size(), false);
  bool any = false;
  for (const Event& event : tape.events) {
    if (number[event.instrument] == kNone || event.exchange_time < begin ||
        event.exchange_time >= end) {
      continue;
    }
    has_events[event.instrument] = any = true;
  }
  const std::string span =
      fmt::format("from {} to {}", selection.begin.empty() ? "the start" : selection.begin,
                  selection.end.empty() ? "the end" : selection.end);
  if (!any) fail(Fault::Data, where, fmt::format("expected data {}, found none", span));
  InstrumentId next = 0;
  for (std::size_t i = 0; i < number.size(); ++i) {
    if (number[i] == kNone) continue;
    if (has_events[i]) {
      number[i] = next++;
      continue;
    }
    const std::string& name = tape.instruments[i].name;
    if (!selection.instruments.empty()) {
      fail(Fault::Data, where, fmt::format("expected data of {} {}, found none", name, span));
    }
    number[i] = kNone;
    if (tape.provenance.size() > 0) {
      tape.provenance.as_array().back()["notes"].push_back(
          fmt::format("{} has no data {} and is left out", name, span));
    }
  }
}

}  // namespace

Tape select(Tape tape, const Selection& selection, const std::string& where) {
  if (selection.instruments.empty() && selection.begin.empty() && selection.end.empty()) return tape;
  const Nanos begin = time_limit(selection.begin, Nanos::min(), where + "/begin");
  const Nanos end = time_limit(selection.end, Nanos::max(), where + "/end");
  auto number = number_wanted(tape, selection.instruments, where);
  drop_without_events(tape, selection, begin, end, where, number);
  Tape kept;
  for (std::size_t i = 0; i < tape.instruments.size(); ++i) {
    if (number[i] == kNone) continue;
    kept.instruments.push_back(std::move(tape.instruments[i]));
    if (!tape.initial_books.empty()) kept.initial_books.push_back(tape.initial_books[i]);
  }
  for (const Event& event : tape.events) {
    const InstrumentId id = number[event.instrument];
    if (id == kNone || event.exchange_time >= end) continue;
    if (event.exchange_time < begin) {
      if (!kept.initial_books.empty() &&
          kept.initial_books[id].bids + kept.initial_books[id].asks > 0) {
        fail(Fault::Data, where + "/begin",
             fmt::format("expected the first event of {} or an earlier time, because its book is "
                         "known only at its start, was {}; begin the trading later instead",
                         kept.instruments[id].name, selection.begin));
      }
      continue;
    }
    Event& added = kept.events.emplace_back(event);
    added.instrument = id;
    if (event.kind != EventKind::Bar) continue;
    added.payload = static_cast<std::uint32_t>(kept.bars.size());
    kept.bars.push_back(tape.bars[event.payload]);
  }
  kept.provenance = std::move(tape.provenance);
  return kept;
}

Tape merge(std::vector<Tape> tapes) {
  Tape joined;
  std::size_t events = 0, bars = 0;
  bool books = false;
  for (const Tape& tape : tapes) {
    events += tape.events.size();
    bars += tape.bars.size();
    books = books || !tape.initial_books.empty();
  }
  if (bars > std::numeric_limits<std::uint32_t>::max()) {
    fail(Fault::Data, "market data", fmt::format("expected fewer than 2^32 bars, were {}", bars));
  }
  joined.events.reserve(events);
  joined.bars.reserve(bars);
  for (Tape& tape : tapes) {
    const auto first_instrument = static_cast<InstrumentId>(joined.instruments.size());
    const auto first_bar = static_cast<std::uint32_t>(joined.bars.size());
    if (books) {
      tape.initial_books.resize(tape.instruments.size());
      joined.initial_books.insert(joined.initial_books.end(), tape.initial_books.begin(),
                                  tape.initial_books.end());
    }
    std::move(tape.instruments.begin(), tape.instruments.end(),
              std::back_inserter(joined.instruments));
    for (Event& event : tape.events) {
      event.instrument += first_instrument;
      if (event.kind == EventKind::Bar) event.payload += first_bar;
      joined.events.push_back(event);
    }
    joined.bars.insert(joined.bars.end(), tape.bars.begin(), tape.bars.end());
    if (!tape.provenance.is_null()) {
      for (Json& entry : tape.provenance.as_array()) joined.provenance.push_back(std::move(entry));
    }
    tape = Tape{};
  }
  return joined;
}

std::shared_ptr<const Tape> load_tape(const Json& json, const std::string& where,
                                      const SourceRegistry& registry, const SourceContext& context) {
  const auto read = [&](const Json& section, const std::string& place) {
    SourceContext here = context;
    here.where = place;
    return registry.build(section, place, here)->read();
  };
  if (!json.is_array()) return finish_tape(read(json, where));
  if (json.size() == 0) {
    fail(Fault::Scenario, where, "expected at least one source, was an empty list");
  }
  std::vector<Tape> tapes;
  for (std::size_t i = 0; i < json.size(); ++i) {
    tapes.push_back(read(json.as_array()[i], fmt::format("{}/{}", where, i)));
  }
  return finish_tape(merge(std::move(tapes)));
}

}  // namespace walras::engine
