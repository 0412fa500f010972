#pragma once
// IdMap: order id -> value in one flat array, for ids that a feed chose and that may be anywhere in 64 bits. Open
// addressing with linear probing; deletion shifts back, so that no tombstones gather. Id 0 means none.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace walras::engine {

template <class Value>
class IdMap {
 public:
  /// `room`: ids held without growth; rounded up to a power of two.
  explicit IdMap(std::size_t room = 1024) {
    std::size_t size = 16;
    while (size < 2 * room) size *= 2;
    slots_.resize(size);
    mask_ = size - 1;
  }

  /// Null when the id is not held. Valid until the next insert or erase.
  [[nodiscard]] Value* find(std::uint64_t id) {
    for (std::size_t at = home(id); slots_[at].id != 0; at = (at + 1) & mask_) {
      if (slots_[at].id == id) return &slots_[at].value;
    }
    return nullptr;
  }
  [[nodiscard]] const Value* find(std::uint64_t id) const { return const_cast<IdMap*>(this)->find(id); }
  /// Holds `value` under `id` (not 0), in place of what was there.
  Value& insert(std::uint64_t id, const Value& value) {
    if ((count_ + 1) * 2 > slots_.size()) grow();
    std::size_t at = home(id);
    while (slots_[at].id != 0 && slots_[at].id != id) at = (at + 1) & mask_;
    count_ += slots_[at].id == 0 ? 1 : 0;
    slots_[at] = {id, value};
    return slots_[at].value;
  }
  bool erase(std::uint64_t id) {
    std::size_t hole = home(id);
    while (slots_[hole].id != id) {
      if (slots_[hole].id == 0) return false;
      hole = (hole + 1) & mask_;
    }
    for (std::size_t at = (hole + 1) & mask_; slots_[at].id != 0; at = (at + 1) & mask_) {
      if (((at - home(slots_[at].id)) & mask_) >= ((at - hole) & mask_)) {
        slots_[hole] = slots_[at];
        hole = at;
      }
    }
    slots_[hole].id = 0;
    --count_;
    return true;
  }
  void clear() {
    if (count_ > 0) std::fill(slots_.begin(), slots_.end(), Slot{});
    count_ = 0;
  }
  [[nodiscard]] std::size_t size() const { return count_; }
  void state(auto& archive) { archive(slots_, mask_, count_); }
  /// Starts loading what find(id) will read. A hint.
  void prefetch(std::uint64_t id) const { __builtin_prefetch(&slots_[home(id)]); }
  /// Calls visit(id, value&) for all, in no order that may show.
  template <class Visit>
  void visit(Visit&& visit) {
    for (Slot& slot : slots_) {
      if (slot.id != 0) visit(slot.id, slot.value);
    }
  }

 private:
  struct Slot {
    std::uint64_t id = 0;
    Value value{};
  };
  [[nodiscard]] std::size_t home(std::uint64_t id) const {
    return static_cast<std::size_t>((id * 0x9E3779B97F4A7C15u) >> 24) & mask_;
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    mask_ = slots_.size() - 1;
    count_ = 0;
    for (const Slot& slot : old) {
      if (slot.id != 0) insert(slot.id, slot.value);
    }
  }

  std::vector<Slot> slots_;
  std::size_t mask_ = 0, count_ = 0;
};

}  // namespace walras::engine
