// Snapshots: a header that says whose state follows, the state, and the bytes of each participant. Nothing of it reaches
// the simulation before the header and its checksum agree. Pointers into the tape are kept as indices.
#include "engine/base/archive.hpp"
#include "engine/base/config_impl.hpp"
#include "engine/base/error.hpp"
#include "engine/base/random.hpp"
#include "engine/book/huge_pages.hpp"
#include "engine/sim/state.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace walras::engine {
namespace {

constexpr std::uint64_t kMagic = 0x50414e53524c4157;  // WALRSNAP in memory
constexpr std::size_t kKin = 5;
constexpr std::array<const char*, kKin> kWhat{"build", "market (plan or data)", "span", "seed",
                                              "participants (names, order or accounts)"};

struct Header {
  std::uint64_t magic = kMagic;
  std::uint64_t size = 0;  // of all bytes
  std::array<std::uint64_t, kKin> kin{};
  std::uint64_t checksum = 0;  // of all bytes, with 0 here
};
static_assert(sizeof(Header) == 64);

/// Four lanes of multiply and shift, each of which any change of one word changes. Against damage, not against forgery.
std::uint64_t checksum(std::span<const std::byte> bytes) noexcept {
  constexpr std::uint64_t kFactor = 0x9E3779B97F4A7C15u;
  std::array<std::uint64_t, 4> lanes{1, 2, 3, bytes.size()};
  std::array<std::uint64_t, 4> words;
  const auto mix = [&] {
    for (std::size_t i = 0; i < 4; ++i) {
      lanes[i] = (lanes[i] ^ words[i]) * kFactor;
      lanes[i] ^= lanes[i] >> 29;
    }
  };
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof words; left -= sizeof words, at += sizeof words) {
    std::memcpy(words.data(), at, sizeof words);
    mix();
  }
  words.fill(0);
  if (left > 0) std::memcpy(words.data(), at, left);
  mix();
  for (const std::uint64_t lane : lanes) lanes[0] = (std::rotl(lanes[0], 17) ^ lane) * kFactor;
  return lanes[0];
}

template <class T>
std::uint64_t hash_of(const T& value) {
  static_assert(std::has_unique_object_representations_v<T>);
  std::array<char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  return stable_hash({bytes.data(), bytes.size()});
}

Header header_of(std::span<const std::byte> bytes) {
  constexpr const char* kMend = "; take it again with Simulation::save";
  Header header;
  if (bytes.size() < sizeof header)
    fail(Fault::Data, "snapshot", fmt::format("expected at least {} bytes, was {}{}", sizeof header, bytes.size(), kMend));
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic)
    fail(Fault::Data, "snapshot", fmt::format("expected a snapshot of a simulation, was something else{}", kMend));
  if (header.size != bytes.size())
    fail(Fault::Data, "snapshot", fmt::format("expected {} bytes, was {}: it was cut short or grew{}", header.size, bytes.size(), kMend));
  Header unsigned_header = header;
  unsigned_header.checksum = 0;
  std::array<std::byte, sizeof header> first;
  std::memcpy(first.data(), &unsigned_header, sizeof header);
  if (header.checksum != (checksum(first) ^ checksum(bytes.subspan(sizeof header))))
    fail(Fault::Data, "snapshot", fmt::format("expected the checksum that it was written with, was another: it is damaged{}", kMend));
  return header;
}

}  // namespace

void Simulation::State::Player::state(Archive& archive) {
  archive(truth, view, random, open, changed, last_entry, last_response, refused_in_warm_up);
  archive(orders, fills, equity, positions, postings, margins, next_funding, next_roll, clamped_rolls, warnings);
  if (margin) archive(margin->closing, margin->owed, margin->liquidations, margin->liquidating);
  archive(watch);
  if (risk) archive(*risk);
}

void Simulation::State::state(Archive& archive) {
  archive(*venue, *latency, players, orders, agenda, next_sequence);
  std::size_t next = tape ? static_cast<std::size_t>(cursor - tape->events.data()) : 0;
  archive(next);
  if (archive.loading() && tape) cursor = tape->events.data() + next;
  archive(venue_time, feed_last, marks, repriced, last_repriced, depths);
  for (const Bar*& bar : bars) {
    std::size_t index = bar ? static_cast<std::size_t>(bar - tape->bars.data()) + 1 : 0;  // 0: none
    archive(index);
    bar = index > 0 ? &tape->bars[index - 1] : nullptr;
  }

  // Of the ring what is under way, from its head on.
  std::size_t under_way = ring_count;
  bool with_depths = !ring_depths.empty();
  archive(under_way, with_depths);
  if (archive.loading()) {
    if (ring.size() < under_way) ring.resize(std::bit_ceil(under_way));
    ring_shows.resize(ring.size());
    if (with_depths || !ring_depths.empty()) ring_depths.resize(ring.size());
    ring_head = 0;
    ring_count = under_way;
  }
  for (std::size_t i = 0; i < under_way; ++i) {
    const std::size_t place = (ring_head + i) & (ring.size() - 1);
    archive(ring[place], ring_shows[place]);
    if (ring_shows[place]) archive(ring_depths[place]);
  }

  archive(now, next_sample, next_day, next_due, next_markout, marked, slice_time, slice_due, sample_due, over, event_count);
  if (archive.loading()) {
    silent = closing = amending = false;
    forcing = Reject::None;
  }
}

/// What must be equal for a snapshot to fit, as hashes of the parts that kWhat names.
void Simulation::State::find_kin() {
  if (!kin.empty()) return;
  const std::array<std::uint64_t, 8> sizes{2 /* version of this file */, sizeof(State), sizeof(Player), sizeof(Item),
                                           sizeof(Order), sizeof(Event), sizeof(Depth), sizeof(OrderRow)};
  std::string market = plan->resolved().dump();
  for (const Instrument& instrument : instruments)
    market += fmt::format("/{} {} {}", instrument.name, instrument.tick_size, instrument.lot_size);
  if (plan->tape()) market += plan->tape()->content_hash;
  std::string names;
  for (const auto& player : players) {
    const AccountTerms& terms = player->terms;
    names += fmt::format("{}/{}/{}/{}/{}/{}/{};", player->name, player->name.size(), terms.capital.units(), terms.borrow_rate,
                         terms.leverage, terms.shorting, terms.risk ? walras::dump(*terms.risk).dump() : "");
    for (const Nanos after : terms.horizons.after) names += fmt::format("h{};", after.value);
    for (const std::int64_t count : terms.horizons.bars) names += fmt::format("b{};", count);
    if (!terms.rules) continue;
    if (const auto& m = terms.rules->margin) {
      names += fmt::format("m{}:{}:{}:{}:{}", static_cast<int>(m->mode), m->offset, m->initial_ratio, m->liquidation_fee, m->insurance_fund.units());
      for (const std::int64_t move : m->moves) names += fmt::format(":{}", move);
    }
    for (const CurrencyRules& currency : terms.rules->currencies) {
      names += currency.name;
      for (const RateLeg& leg : currency.legs) names += fmt::format(":{}{}", leg.inverse ? "1/" : "", leg.instrument);
    }
    for (const ContractRules& contract : terms.rules->contracts) {
      names += fmt::format("{}:{}:{}:{}:{}:{}:{};", static_cast<int>(contract.kind), contract.currency, contract.initial, contract.maintenance,
                           contract.group, contract.beta, contract.borrow);
      names += fmt::format("{}:{}:{}:{}:{}:{};", contract.funding, contract.funding_every.value, contract.swap_long, contract.swap_short,
                           contract.roll_every.value, contract.roll_cost.value);
      for (const Roll& roll : contract.rolls) names += fmt::format("{}:{}:{}:{};", roll.time.value, roll.old_price.value, roll.new_price.value, roll.priced);
    }
  }
  const std::array<std::int64_t, 4> when{span.warm_up.value, span.begin.value, span.end.value, span.close_at_end ? 1 : 0};
  kin = {hash_of(sizes), stable_hash(market), hash_of(when), seed, stable_hash(names)};
}

void Simulation::State::save(std::vector<std::byte>& bytes) {
  if (inside) fail(Fault::Usage, "snapshot", "expected no event in hand, was inside a participant; save between run_until calls");
  if (!started) play(Nanos::min(), false);
  find_kin();
  std::size_t size = sizeof(Header);
  Archive measure(size);
  state(measure);
  bytes.clear();
  bytes.reserve(size + size / 64 + 4096);  // participants are small
  prefer_huge_pages(bytes.data(), bytes.capacity());
  bytes.resize(sizeof(Header));
  Archive archive(bytes);
  state(archive);
  for (const auto& player : players) {
    const std::size_t at = bytes.size();
    std::uint64_t length = 0;
    archive(length);
    player->participant->save(bytes);
    length = bytes.size() - at - sizeof length;
    std::memcpy(bytes.data() + at, &length, sizeof length);
  }
  Header header;
  header.size = bytes.size();
  std::ranges::copy(kin, header.kin.begin());
  std::memcpy(bytes.data(), &header, sizeof header);
  const std::span<const std::byte> all(bytes);
  header.checksum = checksum(all.first(sizeof header)) ^ checksum(all.subspan(sizeof header));
  std::memcpy(bytes.data(), &header, sizeof header);
}

void Simulation::State::restore(std::span<const std::byte> bytes, std::span<const std::uint32_t> anew) {
  if (inside) fail(Fault::Usage, "snapshot", "expected no event in hand, was inside a participant; restore between run_until calls");
  const Header header = header_of(bytes);
  find_kin();
  for (std::size_t i = 0; i < kKin; ++i) {
    if (header.kin[i] == kin[i]) continue;
    fail(Fault::Data, "snapshot",
         fmt::format("expected one of the same {}, was of another; build the simulation as the one that was saved", kWhat[i]));
  }
  for (const std::uint32_t number : anew) {
    if (number >= players.size())
      fail(Fault::Usage, "snapshot", fmt::format("expected numbers of participants below {}, was {}", players.size(), number));
  }
  const auto begins_anew = [&](const Player& player) {
    return std::ranges::find(anew, player.port.participant_) != anew.end();
  };
  if (!started) make();
  const Inside at_work(inside);
  // Whatever on_start does to the market here, the snapshot replaces.
  for (Player* player : by_rank) {
    if (!begins_anew(*player)) player->participant->on_start(player->port);
  }
  Archive archive(bytes.subspan(sizeof header));
  state(archive);
  for (const auto& player : players) {
    std::uint64_t length = 0;
    archive(length);
    if (length > archive.rest().size()) fail(Fault::Data, "snapshot", "expected the bytes of each participant, were too few");
    std::span<const std::byte> own = archive.rest().first(length);
    archive = Archive(archive.rest().subspan(length));
    if (begins_anew(*player)) continue;
    player->participant->load(own);
    if (!own.empty())
      fail(Fault::Data, player->name, fmt::format("expected load to take the {} bytes that save wrote, was {} fewer; mend one of them", length, own.size()));
  }
  if (!anew.empty()) {
    agenda.erase_if([&](const Item& item) { return item.what == What::Timer && begins_anew(*by_rank[item.rank]); });
    for (Player* player : by_rank) {
      if (begins_anew(*player) && !over) player->participant->on_start(player->port);
    }
  }
}

void Simulation::save(std::vector<std::byte>& bytes) { state_->save(bytes); }
void Simulation::restore(std::span<const std::byte> bytes) { state_->restore(bytes, {}); }
void Simulation::branch(std::span<const std::byte> bytes, std::span<const std::uint32_t> anew) {
  state_->restore(bytes, anew);
}

}  // namespace walras::engine
