#include "engine/book/order_book.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"

#include <algorithm>

namespace walras::engine {

OrderBook::Level& OrderBook::Far::insert(std::int64_t key, const Level& level) {
  if (spare.empty()) return levels.insert_or_assign(key, level).first->second;
  Levels::node_type node = std::move(spare.back());
  spare.pop_back();
  node.key() = key;
  node.mapped() = level;
  return levels.insert(std::move(node)).position->second;
}

void OrderBook::Far::erase(Levels::iterator place) { spare.push_back(levels.extract(place)); }

void OrderBook::Far::reserve(std::size_t count) {
  spare.reserve(levels.size() + std::max(count, spare.size()));
  Levels fresh;
  for (std::size_t made = levels.size() + spare.size(); made < count; ++made) {
    fresh.emplace(0, Level{});
    spare.push_back(fresh.extract(fresh.begin()));
  }
}

OrderBook::OrderBook(std::size_t window) : nodes_(kPageSize), mask_(window - 1) {
  if (window < 64 || window > 262'144 || !std::has_single_bit(window)) {
    fail(Fault::Numeric, "book window",
         "expected a power of two from 64 to 262144 ticks, was " + std::to_string(window));
  }
  for (Half& half : halves_) {
    half.window.resize(window);
    half.words.resize(window / 64);
    half.summary.resize((window / 64 + 63) / 64);
  }
}

void OrderBook::reserve(OrderId highest_id, OrderId id_span, std::size_t far_levels) {
  const std::size_t pages = (std::min(highest_id, kMaxId) >> kPageBits) + 1;
  if (pages_.size() < pages) pages_.resize(pages);
  add_pages(id_span == 0 ? pages : std::min(pages, (id_span >> kPageBits) + 2));
  for (Half& half : halves_) half.far.reserve(far_levels);
}

/// Grows to `count` pages beside page 0.
void OrderBook::add_pages(std::size_t count) {
  const std::size_t held = nodes_.size() / kPageSize;
  if (held > count) return;
  if (count >= std::size_t{1} << (32 - kPageBits)) {
    fail(Fault::Numeric, "order book",
         "expected resting orders within fewer than 2^32 ids, was more; number them densely");
  }
  nodes_.resize((count + 1) * kPageSize);
  free_pages_.reserve(count + 1);
  for (std::size_t number = count; number >= held; --number)
    free_pages_.push_back(static_cast<std::uint32_t>(number));
}

void OrderBook::open_page(std::size_t page) {
  if (page >= pages_.size()) pages_.resize(std::max(page + 1, pages_.size() * 2));
  if (free_pages_.empty()) add_pages(2 * (nodes_.size() / kPageSize) - 1);
  pages_[page].number = free_pages_.back();
  free_pages_.pop_back();
}

OrderBook::Level* OrderBook::find_level(Half& half, std::int64_t key) {
  if (in_window(half, key)) return &half.window[slot(key)];
  const auto found = half.far.levels.find(key);
  return found == half.far.levels.end() ? nullptr : &found->second;
}

// The window is placed with the best at three quarters of it: new best prices are mostly near,
// orders mostly behind.
OrderBook::Level& OrderBook::far_or_slide(Half& half, std::int64_t key) {
  const std::int64_t window = static_cast<std::int64_t>(mask_) + 1;
  const std::int64_t best = std::max(half.best, key);
  if (key > half.base || half.best == kNoKey || half.best - half.base < window / 2)
    slide(half, best - window / 4 * 3);
  if (!in_window(half, key)) {
    const auto found = half.far.levels.find(key);
    return found == half.far.levels.end() ? half.far.insert(key, {}) : found->second;
  }
  const std::size_t at = slot(key);
  if (half.window[at].count == 0) {
    half.words[at >> 6] |= std::uint64_t{1} << (at & 63);
    half.summary[at >> 12] |= std::uint64_t{1} << ((at >> 6) & 63);
    ++half.windowed;
    half.best = std::max(half.best, key);
  }
  return half.window[at];
}

// Moves the window to [base, base + window): levels below it go to the overflow, overflow levels
// inside it come back.
void OrderBook::slide(Half& half, std::int64_t base) {
  for (std::size_t word = 0; word < half.words.size(); ++word) {
    for (std::uint64_t bits = half.words[word]; bits != 0; bits &= bits - 1) {
      const std::size_t at = (word << 6) + static_cast<std::size_t>(std::countr_zero(bits));
      const std::int64_t key =
          half.base + static_cast<std::int64_t>((at - slot(half.base)) & mask_);
      if (key >= base) continue;
      half.far.insert(key, half.window[at]);
      half.window[at] = {};
      half.words[word] &= ~(std::uint64_t{1} << (at & 63));
      --half.windowed;
    }
    if (half.words[word] == 0) half.summary[word >> 6] &= ~(std::uint64_t{1} << (word & 63));
  }
  half.base = base;
  while (!half.far.levels.empty() && half.far.levels.begin()->first >= base) {
    const auto first = half.far.levels.begin();
    const std::size_t at = slot(first->first);
    half.window[at] = first->second;
    half.words[at >> 6] |= std::uint64_t{1} << (at & 63);
    half.summary[at >> 12] |= std::uint64_t{1} << ((at >> 6) & 63);
    ++half.windowed;
    half.far.erase(first);
  }
}

// The window ran empty: the best far level, if any, becomes the best.
void OrderBook::refill(Half& half) {
  if (half.far.levels.empty()) {
    half.best = kNoKey;
    return;
  }
  half.best = half.far.levels.begin()->first;
  slide(half, half.best - (static_cast<std::int64_t>(mask_) + 1) / 4 * 3);
}

void OrderBook::leave_far(Half& half, std::int64_t key) {
  half.far.erase(half.far.levels.find(key));
}

void OrderBook::clear() {
  for (Half& half : halves_) {
    std::fill(half.window.begin(), half.window.end(), Level{});
    std::fill(half.words.begin(), half.words.end(), 0);
    std::fill(half.summary.begin(), half.summary.end(), 0);
    half.best = kNoKey;
    half.windowed = 0;
    while (!half.far.levels.empty()) half.far.erase(half.far.levels.begin());
  }
  for (Page& page : pages_) {
    if (page.number == 0) continue;
    std::fill_n(nodes_.begin() + static_cast<std::ptrdiff_t>(std::size_t{page.number} * kPageSize),
                kPageSize, Node{});
    free_pages_.push_back(page.number);
    page = {};
  }
  live_ = 0;
}

void OrderBook::Far::state(Archive& archive) {
  std::size_t count = levels.size();
  archive(count);
  if (archive.saving()) {
    for (auto& [key, level] : levels) {
      std::int64_t copy = key;
      archive(copy, level);
    }
    return;
  }
  while (!levels.empty()) erase(levels.begin());
  for (; count > 0; --count) {
    std::int64_t key = 0;
    Level level;
    archive(key, level);
    insert(key, level);
  }
}

std::size_t OrderBook::pages_in_use() const {
  std::size_t used = 1;
  for (const Page& page : pages_) used = std::max(used, std::size_t{page.number} + 1);
  return used;
}

void OrderBook::state(Archive& archive) {
  // Pages without orders hold nothing but zeros.
  const std::size_t before = pages_in_use();
  std::size_t pages = nodes_.size() / kPageSize, used = before;
  archive(pages, used);
  if (archive.loading()) {
    if (used > pages) fail(Fault::Data, "snapshot", "expected no more pages of orders than there are; take the snapshot again");
    nodes_.resize(pages * kPageSize);
    for (std::size_t page = used; page < std::min(before, pages); ++page)
      std::fill_n(nodes_.begin() + static_cast<std::ptrdiff_t>(page * kPageSize), kPageSize, Node{});
  }
  archive.bytes(nodes_.data(), used * kPageSize * sizeof(Node));
  archive(live_, pages_, free_pages_);
  for (Half& half : halves_)
    archive(half.window, half.words, half.summary, half.base, half.best, half.windowed, half.far);
}

OrderBook::LevelView OrderBook::level(Side side, Ticks price) const {
  const Level* found = price_fits(price) ? find_level(half(side), key_of(side, price)) : nullptr;
  return found ? LevelView{{found->quantity}, found->count} : LevelView{};
}

std::optional<OrderBook::Resting> OrderBook::find(OrderId id) const {
  const std::uint32_t index = index_of(id);
  if (index == 0) return std::nullopt;
  const Node& node = nodes_[index];
  return Resting{side_of(node), price_of(side_of(node), key_of(node)), {node.quantity}};
}

Lots OrderBook::ahead(OrderId id) const {
  Lots sum;
  const std::uint32_t index = index_of(id);
  if (index == 0) return sum;
  for (std::uint32_t at = nodes_[index].previous; at != 0; at = nodes_[at].previous)
    sum.value += nodes_[at].quantity;
  return sum;
}

OrderId OrderBook::front(Side side) const {
  const Half& own = half(side);
  return own.best == kNoKey ? 0 : nodes_[own.window[slot(own.best)].head].id;
}

Lots OrderBook::available(Side side, Ticks limit, Lots at_most) const {
  Lots sum;
  const std::int64_t bound = -key_of(side, limit);
  visit_levels(opposite(side), [&](Ticks price, const LevelView& level) {
    if (key_of(opposite(side), price) < bound) return false;
    sum.value += std::min(level.quantity.value, at_most.value - sum.value);
    return sum < at_most;
  });
  return sum;
}

void OrderBook::depth(Depth& depth) const {
  const auto fill = [&](Side side, auto& levels) {
    std::uint8_t count = 0;
    visit_levels(side, [&](Ticks price, const LevelView& level) {
      levels[count++] = {price, level.quantity};
      return count < kDepthLevels;
    });
    return count;
  };
  depth.bids = fill(Side::Buy, depth.bid);
  depth.asks = fill(Side::Sell, depth.ask);
}

}  // namespace walras::engine
