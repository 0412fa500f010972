#pragma once
// One side of a recorded book as sums by price, the best level last: nearly all messages are near it.
#include "engine/market/types.hpp"

#include <algorithm>
#include <vector>

namespace walras::engine {

class Ladder {
 public:
  struct Level {
    std::int64_t price = 0;
    std::int64_t quantity = 0;
    std::int64_t consumed = 0;  ///< of quantity, by own orders
    [[nodiscard]] std::int64_t left() const { return quantity - consumed; }
  };

  explicit Ladder(Side side) : direction_(sign(side)) { levels_.reserve(1024); }
  [[nodiscard]] bool empty() const { return levels_.empty(); }
  [[nodiscard]] const Level& best() const { return levels_.back(); }
  /// From the best: 0, 1, ...
  Level& at(std::size_t depth) { return levels_[levels_.size() - 1 - depth]; }
  [[nodiscard]] const Level& worst() const { return levels_.front(); }
  [[nodiscard]] std::size_t size() const { return levels_.size(); }
  /// Whether price a is better than price b on this side.
  [[nodiscard]] bool better(std::int64_t a, std::int64_t b) const { return (a - b) * direction_ > 0; }
  Level* find(std::int64_t price) {
    const auto place = position(price);
    return place != levels_.end() && place->price == price ? &*place : nullptr;
  }
  void add(std::int64_t price, std::int64_t quantity, std::int64_t consumed = 0) {
    const auto place = position(price);
    touch(place);
    if (place != levels_.end() && place->price == price) {
      place->quantity += quantity;
      place->consumed += consumed;
    } else {
      insert(place, Level{price, quantity, consumed});
    }
  }
  /// The level now holds `quantity`. Returns what it held.
  std::int64_t set(std::int64_t price, std::int64_t quantity) {
    const auto place = position(price);
    if (place == levels_.end() || place->price != price) {
      if (quantity > 0) insert(place, Level{price, quantity, 0});
      return 0;
    }
    touch(place);
    const std::int64_t before = place->quantity;
    place->quantity = quantity;
    if (quantity < before && place->consumed > 0) {
      // Who left is not told: of those consumed as many as of the others.
      const auto gone = static_cast<std::int64_t>(static_cast<double>(before - quantity) * static_cast<double>(place->consumed) / static_cast<double>(before));
      place->consumed = std::min(place->consumed - gone, quantity);
    }
    if (quantity == 0) levels_.erase(place);
    return before;
  }
  /// Takes quantity off a level, of which `consumed` own orders had taken before.
  void reduce(std::int64_t price, std::int64_t quantity, std::int64_t consumed) {
    const auto place = position(price);
    if (place == levels_.end() || place->price != price) return;
    touch(place);
    place->quantity -= quantity;
    place->consumed = std::min(std::max<std::int64_t>(0, place->consumed - consumed), place->quantity);
    if (place->quantity <= 0) levels_.erase(place);
  }
  /// Forgets levels better than `price`: the market has just shown that they are gone.
  void forget_better(std::int64_t price) {
    while (!levels_.empty() && better(levels_.back().price, price)) {
      levels_.pop_back();
      touched_ = 0;
    }
  }
  void clear() {
    levels_.clear();
    touched_ = 0;
  }
  void state(auto& archive) { archive(levels_, touched_); }
  /// Whether the best levels changed since they were last shown.
  [[nodiscard]] bool news() const { return touched_ < kDepthLevels; }
  /// Brings `out`, the best levels as last shown, and their `count` up to date.
  void show(std::array<Depth::Level, kDepthLevels>& out, std::uint8_t& count) {
    count = static_cast<std::uint8_t>(std::min(levels_.size(), kDepthLevels));
    const Level* best = levels_.data() + levels_.size() - 1;
    for (std::size_t i = touched_; i < count; ++i) out[i] = {{(best - i)->price}, {(best - i)->quantity}};
    touched_ = kDepthLevels;
  }

 private:
  void touch(std::vector<Level>::iterator place) {
    touched_ = std::min(touched_, static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, levels_.end() - place - 1)));
  }
  void insert(std::vector<Level>::iterator place, const Level& level) {
    // A new level stands before the better ones, and pushes the worse ones back.
    touched_ = std::min(touched_, static_cast<std::size_t>(levels_.end() - place));
    levels_.insert(place, level);
  }
  std::vector<Level>::iterator position(std::int64_t price) {
    auto place = levels_.end();
    for (int steps = 0; steps < 8 && place != levels_.begin(); ++steps) {
      if (!better(std::prev(place)->price, price) && std::prev(place)->price != price) return place;
      --place;
      if (place->price == price) return place;
    }
    return std::lower_bound(levels_.begin(), place, price,
                            [this](const Level& level, std::int64_t wanted) { return better(wanted, level.price); });
  }

  std::int64_t direction_;
  std::size_t touched_ = 0;  // the best level that changed since the last show, counted from the best
  std::vector<Level> levels_;
};

}  // namespace walras::engine
