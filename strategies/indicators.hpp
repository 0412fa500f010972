#pragma once
// Streaming indicators: one push a bar, constant time, no allocation after construction. Windows of
// integers (ticks, lots) keep exact sums, so that a value never depends on how long ago the stream
// began.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace walras::strategies {

/// Sum over the last `length` values. Range: length >= 1.
class RollingSum {
 public:
  explicit RollingSum(std::size_t length) : values_(length) {}
  void push(std::int64_t value) {
    std::int64_t& place = values_[next_];
    sum_ += value - place;
    place = value;
    if (++next_ == values_.size()) next_ = 0;
    if (count_ < values_.size()) ++count_;
  }
  [[nodiscard]] bool full() const { return count_ == values_.size(); }
  [[nodiscard]] std::int64_t sum() const { return sum_; }  ///< values not yet pushed count as 0
  [[nodiscard]] double mean() const {
    return static_cast<double>(sum_) / static_cast<double>(values_.size());
  }
  /// The value pushed length - 1 pushes ago, once full.
  [[nodiscard]] std::int64_t oldest() const { return values_[next_]; }
  void state(auto& archive) { archive(values_, sum_, next_, count_); }

 private:
  std::vector<std::int64_t> values_;
  std::int64_t sum_ = 0;
  std::size_t next_ = 0, count_ = 0;
};

/// Mean and sample variance over the last `length` values. Range: length >= 2, |value| < 1e15.
class RollingMoments {
 public:
  explicit RollingMoments(std::size_t length) : sum_(length), length_(length) {}
  void push(std::int64_t value) {
    const std::int64_t gone = sum_.full() ? sum_.oldest() : 0;
    squares_ += static_cast<Wide>(value) * value - static_cast<Wide>(gone) * gone;
    sum_.push(value);
  }
  [[nodiscard]] bool full() const { return sum_.full(); }
  [[nodiscard]] double mean() const { return sum_.mean(); }
  /// Unbiased; exactly 0 for equal values.
  [[nodiscard]] double variance() const {
    const auto n = static_cast<Wide>(length_);
    const Wide scaled = n * squares_ - static_cast<Wide>(sum_.sum()) * sum_.sum();
    return static_cast<double>(scaled) /
           (static_cast<double>(length_) * static_cast<double>(length_ - 1));
  }
  void state(auto& archive) { archive(sum_, squares_); }

 private:
  __extension__ typedef __int128 Wide;
  RollingSum sum_;
  std::size_t length_;
  Wide squares_ = 0;
};

/// Extreme of the last `length` values: std::greater<> keeps the largest, std::less<> the smallest.
template <class Better>
class RollingExtreme {
 public:
  explicit RollingExtreme(std::size_t length) : queue_(length) {}
  void push(std::int64_t value) {
    if (size_ > 0 && queue_[head_].at + queue_.size() == pushed_) {
      head_ = wrap(head_ + 1);
      --size_;
    }
    while (size_ > 0 && !Better{}(queue_[wrap(head_ + size_ - 1)].value, value)) --size_;
    queue_[wrap(head_ + size_)] = {value, pushed_};
    ++size_;
    ++pushed_;
  }
  [[nodiscard]] bool full() const { return pushed_ >= queue_.size(); }
  [[nodiscard]] std::int64_t value() const { return queue_[head_].value; }  ///< once pushed
  void state(auto& archive) { archive(queue_, head_, size_, pushed_); }

 private:
  struct Candidate {
    std::int64_t value;
    std::size_t at;
  };
  [[nodiscard]] std::size_t wrap(std::size_t index) const {
    return index >= queue_.size() ? index - queue_.size() : index;
  }
  std::vector<Candidate> queue_;  // best first, each better than all that came later
  std::size_t head_ = 0, size_ = 0, pushed_ = 0;
};
using RollingMaximum = RollingExtreme<std::greater<>>;
using RollingMinimum = RollingExtreme<std::less<>>;

}  // namespace walras::strategies
