#pragma once
// One side of a recorded book as sums by price. Prices near the best, where nearly all messages are, are places of a
// window, with a bit for each level that is there: a level is found by its price alone, and the best ones are those of
// the highest bits. What is worse than the window lies beside it in order.
#include "engine/base/archive.hpp"
#include "engine/market/types.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
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

  explicit Ladder(Side side) : direction_(sign(side)), window_(kWindow) {}
  [[nodiscard]] bool empty() const { return words_ == 0; }
  /// Not of an empty side.
  [[nodiscard]] const Level& best() const { return window_[highest()]; }
  [[nodiscard]] const Level& worst() const {
    if (!far_.empty()) return far_.front();
    const auto word = static_cast<std::size_t>(std::countr_zero(words_));
    return window_[word * 64 + static_cast<std::size_t>(std::countr_zero(used_[word]))];
  }
  /// Calls with each level, best first, until `more` says no.
  void visit(auto&& more) {
    if (!visit_window(more)) return;
    for (std::size_t i = far_.size(); i-- > 0;) {
      if (!more(far_[i])) return;
    }
  }
  /// Whether price a is better than price b on this side.
  [[nodiscard]] bool better(std::int64_t a, std::int64_t b) const { return (a - b) * direction_ > 0; }
  Level* find(std::int64_t price) {
    const std::int64_t key = price * direction_;
    const std::uint64_t place = place_of(key);
    if (place < kWindow) return has(place) ? &window_[place] : nullptr;
    if (key >= base_ || far_.empty()) return nullptr;
    const auto at = far_place(price);
    return at != far_.end() && at->price == price ? &*at : nullptr;
  }
  void add(std::int64_t price, std::int64_t quantity, std::int64_t consumed = 0) {
    Level& level = get(price);
    level.quantity += quantity;
    level.consumed += consumed;
  }
  /// The level now holds `quantity`. Returns what it held.
  std::int64_t set(std::int64_t price, std::int64_t quantity) {
    Level* level = find(price);
    if (!level) {
      if (quantity > 0) get(price).quantity = quantity;
      return 0;
    }
    touch(price, quantity > 0);
    const std::int64_t before = level->quantity;
    level->quantity = quantity;
    if (quantity < before && level->consumed > 0) {
      // Who left is not told: of those consumed as many as of the others.
      const auto gone = static_cast<std::int64_t>(static_cast<double>(before - quantity) * static_cast<double>(level->consumed) / static_cast<double>(before));
      level->consumed = std::min(level->consumed - gone, quantity);
    }
    if (quantity == 0) erase(price);
    return before;
  }
  /// Takes quantity off a level, of which `consumed` own orders had taken before.
  void reduce(std::int64_t price, std::int64_t quantity, std::int64_t consumed) {
    Level* level = find(price);
    if (!level) return;
    touch(price, level->quantity > quantity);
    level->quantity -= quantity;
    level->consumed = std::min(std::max<std::int64_t>(0, level->consumed - consumed), level->quantity);
    if (level->quantity <= 0) erase(price);
  }
  /// Forgets levels better than `price`: the market has just shown that they are gone.
  void forget_better(std::int64_t price) {
    while (!empty() && better(best().price, price)) {
      news_ = News::Levels;
      erase(best().price);
    }
  }
  void clear() {
    words_ = 0;
    used_.fill(0);
    far_.clear();
    news_ = News::Levels;
  }
  void state(Archive& archive) {
    std::vector<Level> levels;
    visit([&](const Level& level) { return levels.push_back(level), true; });
    archive(levels);
    if (archive.loading()) {
      clear();
      for (const Level& level : levels) get(level.price) = level;
    }
    archive(news_, changed_, last_shown_);
  }
  /// Whether the best levels changed since they were last shown.
  [[nodiscard]] bool news() const { return news_ != News::None; }
  /// Brings `out`, the best levels as last shown, and their `count` up to date.
  void show(std::array<Depth::Level, kDepthLevels>& out, std::uint8_t& count) {
    if (news_ == News::Quantity) {  // mostly: its place is the number of better levels
      std::size_t place = 0;
      for (std::size_t i = 0; i < kDepthLevels; ++i) place += static_cast<std::size_t>((i < count) & ((out[i].price.value - changed_) * direction_ > 0));
      out[place].quantity = {window_[place_of(changed_ * direction_)].quantity};
      news_ = News::None;
      return;
    }
    std::size_t shown = 0;
    visit([&](const Level& level) {
      out[shown] = {{level.price}, {level.quantity}};
      return ++shown < kDepthLevels;
    });
    count = static_cast<std::uint8_t>(shown);
    last_shown_ = shown == kDepthLevels ? out[shown - 1].price.value * direction_ : std::numeric_limits<std::int64_t>::min();
    news_ = News::None;
  }

 private:
  enum class News : std::uint8_t { None, Quantity, Levels };  // since the best levels were shown: the quantity of one, or more

  // A key is a price so turned that the higher one is better.
  static constexpr std::size_t kWindow = 1024, kWords = kWindow / 64;
  static constexpr std::int64_t kBelow = 768;  // room for worse prices where the window begins anew

  [[nodiscard]] std::uint64_t place_of(std::int64_t key) const { return static_cast<std::uint64_t>(key) - static_cast<std::uint64_t>(base_); }
  [[nodiscard]] bool has(std::uint64_t place) const { return (used_[place / 64] >> (place % 64) & 1) != 0; }
  [[nodiscard]] std::size_t highest() const {
    const auto word = static_cast<std::size_t>(31 - std::countl_zero(words_));
    return word * 64 + static_cast<std::size_t>(63 - std::countl_zero(used_[word]));
  }
  bool visit_window(auto&& more) {
    for (std::uint32_t words = words_; words != 0;) {
      const auto word = static_cast<std::size_t>(31 - std::countl_zero(words));
      words ^= std::uint32_t{1} << word;
      for (std::uint64_t bits = used_[word]; bits != 0;) {
        const auto bit = static_cast<std::size_t>(63 - std::countl_zero(bits));
        bits ^= std::uint64_t{1} << bit;
        if (!more(window_[word * 64 + bit])) return false;
      }
    }
    return true;
  }
  /// A level is about to change, in quantity alone or not.
  void touch(std::int64_t price, bool stays) {
    const std::int64_t key = price * direction_;
    if (key < last_shown_) return;
    const bool first = news_ == News::None || (news_ == News::Quantity && changed_ == price);
    news_ = stays && first && place_of(key) < kWindow ? News::Quantity : News::Levels;
    changed_ = price;
  }
  std::vector<Level>::iterator far_place(std::int64_t price) {
    return std::lower_bound(far_.begin(), far_.end(), price, [this](const Level& level, std::int64_t wanted) { return better(wanted, level.price); });
  }
  Level& occupy(std::uint64_t place, const Level& level) {
    used_[place / 64] |= std::uint64_t{1} << (place % 64);
    words_ |= std::uint32_t{1} << (place / 64);
    return window_[place] = level;
  }
  /// The level at a price, an empty new one where there was none. It counts as changed.
  Level& get(std::int64_t price) {
    Level* level = find(price);
    touch(price, level != nullptr);
    if (level) return *level;
    const std::int64_t key = price * direction_;
    if (empty() || (key > base_ && place_of(key) >= kWindow)) move_window(key);
    const std::uint64_t place = place_of(key);
    if (place < kWindow) return occupy(place, {price, 0, 0});
    return *far_.insert(far_place(price), {price, 0, 0});
  }
  void erase(std::int64_t price) {
    const std::int64_t key = price * direction_;
    const std::uint64_t place = place_of(key);
    if (place >= kWindow) {
      far_.erase(far_place(price));
      return;
    }
    used_[place / 64] &= ~(std::uint64_t{1} << (place % 64));
    if (used_[place / 64] == 0) words_ &= ~(std::uint32_t{1} << (place / 64));
    // The best is always in the window, and worse ones are near it.
    if (!far_.empty() && (empty() || highest() < kWindow / 4)) move_window(empty() ? far_.back().price * direction_ : best().price * direction_);
  }
  /// Begins the window anew around a key.
  void move_window(std::int64_t key) {
    const std::size_t kept = far_.size();
    visit_window([&](const Level& level) { return far_.push_back(level), true; });  // best first, and better than all beside it
    std::reverse(far_.begin() + static_cast<std::ptrdiff_t>(kept), far_.end());
    used_.fill(0);
    words_ = 0;
    base_ = std::max(key, std::numeric_limits<std::int64_t>::min() + kBelow) - kBelow;
    for (; !far_.empty() && place_of(far_.back().price * direction_) < kWindow; far_.pop_back())
      occupy(place_of(far_.back().price * direction_), far_.back());
  }

  std::int64_t direction_, base_ = 0;
  std::array<std::uint64_t, kWords> used_{};
  std::uint32_t words_ = 0;  // which of `used_` are not 0
  News news_ = News::Levels;
  std::int64_t changed_ = 0;  // price of the level with news
  std::int64_t last_shown_ = std::numeric_limits<std::int64_t>::min();  // key of the worst level last shown, where all places were
  std::vector<Level> window_, far_;
};

}  // namespace walras::engine
