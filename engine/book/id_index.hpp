#pragma once
// IdIndex: order id -> a small number, in one flat array. Open addressing with linear probing;
// erasing shifts back what probed past, so that nothing is ever marked as gone. For the few orders
// of a book that need more than OrderBook keeps of them.
#include "engine/market/types.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace walras::engine {

class IdIndex {
 public:
  static constexpr std::uint32_t kNone = 0xffffffff;
  IdIndex() : slots_(64) {}
  /// No allocation until more than `count` ids are held.
  void reserve(std::size_t count) {
    while (slots_.size() < 2 * (count + 1)) grow();
  }
  [[nodiscard]] std::size_t size() const { return count_; }
  /// kNone when the id is not held.
  [[nodiscard]] std::uint32_t find(OrderId id) const {
    if (count_ == 0) return kNone;
    for (std::size_t at = home(id); slots_[at].id != 0; at = next(at)) {
      if (slots_[at].id == id) return slots_[at].value;
    }
    return kNone;
  }
  /// `id` is neither 0 nor held.
  void insert(OrderId id, std::uint32_t value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    std::size_t at = home(id);
    while (slots_[at].id != 0) at = next(at);
    slots_[at] = {id, value};
    ++count_;
  }
  void erase(OrderId id) {
    std::size_t hole = home(id);
    while (slots_[hole].id != id) {
      if (slots_[hole].id == 0) return;
      hole = next(hole);
    }
    for (std::size_t at = next(hole); slots_[at].id != 0; at = next(at)) {
      const std::size_t mask = slots_.size() - 1;
      if (((at - home(slots_[at].id)) & mask) >= ((at - hole) & mask)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole] = {};
    --count_;
  }
  void state(auto& archive) { archive(slots_, count_); }
  void clear() {
    for (Slot& slot : slots_) slot = {};
    count_ = 0;
  }

 private:
  struct Slot {
    OrderId id = 0;  // 0 = free
    std::uint32_t value = 0;
  };
  [[nodiscard]] std::size_t home(OrderId id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15u) >> 24) & (slots_.size() - 1);
  }
  [[nodiscard]] std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    count_ = 0;
    for (const Slot& slot : old) {
      if (slot.id != 0) insert(slot.id, slot.value);
    }
  }

  std::vector<Slot> slots_;
  std::size_t count_ = 0;
};

}  // namespace walras::engine
