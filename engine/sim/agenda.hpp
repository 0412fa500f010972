#pragma once
// Agenda: what is still to come in a simulation, first things first. A heap of small keys, four children each, over a pool of
// items that do not move: the cost of an item grows with the log of how many are pending, and little of it is memory.
#include "engine/base/units.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace walras::engine {

/// `Item` has `time`, `turn` (an enum below 16), `rank` (below 2^28) and `sequence`, by which items are ordered, in this order.
template <class Item>
class Agenda {
 public:
  [[nodiscard]] bool empty() const { return keys_.empty(); }
  /// Of the first. Not of an empty agenda.
  [[nodiscard]] Nanos time() const { return {keys_.front().time}; }
  [[nodiscard]] auto turn() const { return static_cast<decltype(Item::turn)>(keys_.front().turn_and_rank >> 28); }
  void reserve(std::size_t count) {
    keys_.reserve(count);
    pool_.reserve(count);
    free_.reserve(count);
  }

  void push(const Item& item) {
    std::uint32_t place = static_cast<std::uint32_t>(pool_.size());
    if (free_.empty()) {
      pool_.push_back(item);
    } else {
      place = free_.back();
      free_.pop_back();
      pool_[place] = item;
    }
    const Key key{item.time.value, item.sequence, static_cast<std::uint32_t>(item.turn) << 28 | item.rank, place};
    std::size_t at = keys_.size();
    keys_.push_back(key);
    for (; at > 0 && key < keys_[(at - 1) / 4]; at = (at - 1) / 4) keys_[at] = keys_[(at - 1) / 4];
    keys_[at] = key;
  }
  /// Takes the first out.
  Item pop() {
    const std::uint32_t place = keys_.front().place;
    const Key last = keys_.back();
    keys_.pop_back();
    if (!keys_.empty()) sink(0, last);
    free_.push_back(place);
    return pool_[place];
  }
  template <class Gone>
  void erase_if(Gone&& gone) {
    std::erase_if(keys_, [&](const Key& key) {
      if (!gone(pool_[key.place])) return false;
      free_.push_back(key.place);
      return true;
    });
    for (std::size_t at = keys_.size(); at-- > 0;) sink(at, keys_[at]);
  }
  void state(auto& archive) { archive(keys_, pool_, free_); }

 private:
  struct Key {
    std::int64_t time;
    std::uint64_t sequence;
    std::uint32_t turn_and_rank;
    std::uint32_t place;  // in the pool
    bool operator<(const Key& other) const {
      if (time != other.time) return time < other.time;
      if (turn_and_rank != other.turn_and_rank) return turn_and_rank < other.turn_and_rank;
      return sequence < other.sequence;
    }
  };

  /// Puts `key` in at `at` or below, where it belongs.
  void sink(std::size_t at, const Key key) {
    const std::size_t size = keys_.size();
    while (4 * at + 1 < size) {
      const std::size_t first = 4 * at + 1, end = std::min(first + 4, size);
      std::size_t best = first;
      for (std::size_t child = first + 1; child < end; ++child) best = keys_[child] < keys_[best] ? child : best;
      if (!(keys_[best] < key)) break;
      keys_[at] = keys_[best];
      at = best;
    }
    keys_[at] = key;
  }

  std::vector<Key> keys_;
  std::vector<Item> pool_;
  std::vector<std::uint32_t> free_;
};

}  // namespace walras::engine
