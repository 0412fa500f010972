#include "engine/base/error.hpp"
#include "engine/data/source.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace walras;
using namespace walras::engine;

namespace {

/// One instrument with a bar a second from `start`, closes as given.
Tape bars_of(const std::string& name, std::int64_t start, const std::vector<std::int64_t>& closes) {
  Tape tape;
  Instrument instrument;
  instrument.name = name;
  tape.instruments.push_back(instrument);
  for (std::size_t i = 0; i < closes.size(); ++i) {
    const Nanos open{(start + static_cast<std::int64_t>(i)) * kNanosPerSecond};
    const Nanos close = open + Nanos{kNanosPerSecond - 1};
    const Ticks price{closes[i]};
    Event event;
    event.exchange_time = event.local_time = close;
    event.price = price;
    event.payload = static_cast<std::uint32_t>(tape.bars.size());
    tape.bars.push_back({open, close, price, price, price, price, {5}});
    tape.events.push_back(event);
  }
  return tape;
}

Tape both(bool swapped) {
  std::vector<Tape> tapes;
  tapes.push_back(swapped ? bars_of("B", 1, {20, 21}) : bars_of("A", 0, {10, 11, 12}));
  tapes.push_back(swapped ? bars_of("A", 0, {10, 11, 12}) : bars_of("B", 1, {20, 21}));
  return merge(std::move(tapes));
}

}  // namespace

TEST_CASE("a tape is the same whatever the order in which its sources came") {
  const auto first = finish_tape(both(false));
  const auto second = finish_tape(both(true));
  CHECK(first->content_hash == second->content_hash);
  CHECK(first->instruments[0].name == "A");
  REQUIRE(first->events.size() == 5);
  const std::vector<std::int64_t> expected{10, 11, 20, 12, 21};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CHECK(first->events[i].price.value == expected[i]);
    CHECK(first->events[i].payload == i);
    CHECK(first->bars[i].close == first->events[i].price);
    CHECK(second->events[i].instrument == first->events[i].instrument);
  }
  CHECK(first->events[3].sequence == 2);
}

TEST_CASE("any change of the data changes the hash") {
  const auto base = finish_tape(both(false));
  Tape tape = both(false);
  tape.bars[1].volume = {6};
  CHECK(finish_tape(tape)->content_hash != base->content_hash);
  tape = both(false);
  tape.instruments[0].lot_size = 2;
  CHECK(finish_tape(tape)->content_hash != base->content_hash);
  tape = both(false);
  tape.provenance = Json::object({{"file", "elsewhere.csv"}});
  CHECK(finish_tape(tape)->content_hash == base->content_hash);
}

TEST_CASE("a broken invariant is refused") {
  const auto refused = [](auto&& damage) {
    Tape tape = both(false);
    damage(tape);
    CHECK_THROWS_AS(static_cast<void>(finish_tape(std::move(tape))), Error);
  };
  refused([](Tape& t) { t.instruments[1].name = "A"; });
  refused([](Tape& t) { t.instruments[1].name = ""; });
  refused([](Tape& t) { t.instruments[1].tick_size = 0; });
  refused([](Tape& t) { t.events[0].instrument = 7; });
  refused([](Tape& t) { t.events[0].payload = 99; });
  refused([](Tape& t) { t.events[0].price = {0}; });
  refused([](Tape& t) { t.bars[0].high = {9}; });
  refused([](Tape& t) { t.bars[0].volume = {-1}; });
  refused([](Tape& t) { t.events[0].local_time = {0}; });
  refused([](Tape& t) { std::swap(t.events[0], t.events[1]); });
  refused([](Tape& t) { t.events[0].kind = EventKind::Accepted; });
  refused([](Tape& t) { t.initial_books.resize(1); });
  refused([](Tape& t) { t = Tape{}; });
}

TEST_CASE("between() holds its begin and not its end") {
  const auto tape = finish_tape(both(false));
  const Nanos second{2 * kNanosPerSecond - 1};
  CHECK(tape->between(second, {3 * kNanosPerSecond - 1}).size() == 2);
  CHECK(tape->between(Nanos::min(), Nanos::max()).size() == 5);
  CHECK(tape->between(second, second).empty());
  CHECK(tape->between(Nanos::max(), Nanos::min()).empty());
}

TEST_CASE("a selection keeps names and times, and says what is not there") {
  const auto whole = finish_tape(both(false));
  const auto one = finish_tape(select(Tape(*whole), {{"B"}, "", ""}, "/source"));
  CHECK(one->instruments.size() == 1);
  CHECK(one->events.size() == 2);
  CHECK(one->bars[1].close.value == 21);
  const auto late = finish_tape(select(Tape(*whole), {{}, "1970-01-01T00:00:02", ""}, "/source"));
  CHECK(late->events.size() == 2);
  const auto early = finish_tape(select(Tape(*whole), {{}, "", "1970-01-01T00:00:01"}, "/source"));
  CHECK(early->instruments.size() == 1);  // B had not begun
  CHECK_THROWS_WITH_AS(select(Tape(*whole), {{"C"}, "", ""}, "/source"),
                       "/source/instruments/0: expected one of A, B, was \"C\"", Error);
  CHECK_THROWS_AS(select(Tape(*whole), {{"B", "B"}, "", ""}, ""), Error);
  CHECK_THROWS_AS(select(Tape(*whole), {{"B"}, "", "1970-01-01T00:00:01"}, ""), Error);
  CHECK_THROWS_AS(select(Tape(*whole), {{}, "2020-01-01", ""}, ""), Error);
  CHECK_THROWS_AS(select(Tape(*whole), {{}, "yesterday", ""}, ""), Error);
}
