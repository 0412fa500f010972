#include "engine/flow/flow.hpp"

#include "engine/base/archive.hpp"

#include <cmath>

namespace walras::engine {
namespace {
const Regime::State kPlain{};
}

void add_flows(FlowRegistry& registry) {
  add_unit_queues(registry);
  add_hawkes_flow(registry);
  add_queue_reactive(registry);
  add_population(registry);
}

Crowd::Crowd(InstrumentId instrument, double tick_size, double value_ticks, std::size_t window)
    : id_(instrument),
      tick_size_(tick_size),
      value_(value_ticks),
      book_(window),
      state_(&kPlain),
      slots_(1) {
  matches_.reserve(64);
}

void Crowd::state(Archive& archive) {
  archive(value_, book_, now_, slots_, free_, matches_, traded_, depth_, changed_);
}

std::int64_t Crowd::twice_mid() const {
  if (book_.empty(Side::Buy) || book_.empty(Side::Sell)) return 2 * std::llround(value_);
  return book_.best(Side::Buy).value + book_.best(Side::Sell).value;
}

OrderId Crowd::book_id(CrowdOrder order) const {
  const auto slot = static_cast<std::uint32_t>(order);
  return slot != 0 && slot < slots_.size() && slots_[slot].generation == order >> 32
             ? crowd_id(slot)
             : 0;
}

Lots Crowd::open(CrowdOrder order) const {
  const OrderId id = book_id(order);
  if (id == 0) return {};
  const auto resting = book_.find(id);
  return resting ? resting->quantity : Lots{};
}

std::uint32_t Crowd::take_slot() {
  if (free_.empty()) {
    slots_.emplace_back();
    return static_cast<std::uint32_t>(slots_.size() - 1);
  }
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  return slot;
}

void Crowd::free_slot(std::uint32_t slot) {
  ++slots_[slot].generation;
  free_.push_back(slot);
}

bool Crowd::visible(Side side, Ticks price) const {
  const auto& levels = side == Side::Buy ? depth_.bid : depth_.ask;
  const std::uint8_t count = side == Side::Buy ? depth_.bids : depth_.asks;
  return count < kDepthLevels ||
         sign(side) * (price.value - levels[kDepthLevels - 1].price.value) >= 0;
}

CrowdOrder Crowd::limit(Side side, Ticks price, Lots quantity, std::uint32_t tag) {
  if (state_->halted || price.value < 1 || quantity.value < 1) return 0;
  const std::uint32_t slot = take_slot();
  slots_[slot].tag = tag;
  const std::size_t before = matches_.size();
  const Outcome outcome = book_.limit(crowd_id(slot), side, price, quantity,
                                      [this](const Match& match) { matches_.push_back(match); });
  traded_ += outcome.filled;
  if (matches_.size() != before) changed_ = true;
  touched(side, price);
  if (outcome.resting.value > 0) return name_of(crowd_id(slot));
  free_slot(slot);
  return 0;
}

Lots Crowd::market(Side side, Lots quantity) {
  if (state_->halted || quantity.value < 1 || book_.empty(opposite(side))) return {};
  const std::uint32_t slot = take_slot();
  const Outcome outcome = book_.market(crowd_id(slot), side, quantity,
                                       [this](const Match& match) { matches_.push_back(match); });
  free_slot(slot);
  traded_ += outcome.filled;
  changed_ = true;
  return outcome.filled;
}

bool Crowd::cancel(CrowdOrder order) {
  const OrderId id = book_id(order);
  if (id == 0 || state_->halted) return false;
  const auto resting = book_.find(id);
  if (!resting) return false;
  book_.cancel(id);
  free_slot(static_cast<std::uint32_t>(number_of(id)));
  touched(resting->side, resting->price);
  return true;
}

bool Crowd::cancel_at(Side side, Ticks price, std::uint64_t place) {
  OrderId found = 0;
  std::uint64_t seen = 0;
  book_.visit_orders(side, price, [&](OrderId id, Lots) {
    if (!is_own(id) && seen++ == place) found = id;
  });
  return found != 0 && cancel(name_of(found));
}

std::uint64_t Crowd::orders_at(Side side, Ticks price) const {
  std::uint64_t count = 0;
  book_.visit_orders(side, price, [&](OrderId id, Lots) { count += is_own(id) ? 0 : 1; });
  return count;
}

}  // namespace walras::engine
