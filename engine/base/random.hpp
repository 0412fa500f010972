#pragma once
// Counter-based random streams (Random123 Philox4x64-10) with samplers of our own: the same bits on
// every compiler and standard library. A stream is keyed (seed, hash of a component's stable name, index), so
// that agents, paths and threads draw independently of the order in which they run.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace walras {

/// FNV-1a 64 of a component's stable name.
[[nodiscard]] std::uint64_t stable_hash(std::string_view name) noexcept;

/// A random stream. Cheap to copy; its state is 3 keys and a counter (saved in snapshots).
class Rng {
 public:
  struct State { std::uint64_t seed, name, index, counter; bool operator==(const State&) const = default; };

  Rng(std::uint64_t seed, std::string_view name, std::uint64_t index = 0) noexcept;
  explicit Rng(const State& state) noexcept;
  /// A stream for a part of this component: independent of this one and of its position.
  [[nodiscard]] Rng child(std::string_view name, std::uint64_t index = 0) const noexcept;
  [[nodiscard]] State state() const noexcept;

  /// 64 uniform bits
  std::uint64_t bits() noexcept {
    const std::uint64_t lane = counter_ & 3U;
    if (lane == 0) refill();
    ++counter_;
    return block_[lane];
  }
  /// in [0, 1), 53 bits
  double uniform() noexcept { return static_cast<double>(bits() >> 11U) * 0x1p-53; }
  double uniform(double low, double high) noexcept;       ///< in [low, high)
  double uniform_open() noexcept;                         ///< in (0, 1)
  std::uint64_t below(std::uint64_t n) noexcept;          ///< in [0, n), unbiased; n >= 1
  bool bernoulli(double p) noexcept;
  double normal() noexcept;                               ///< mean 0, variance 1
  double exponential(double rate) noexcept;               ///< mean 1/rate; rate > 0
  std::uint64_t poisson(double mean) noexcept;            ///< mean >= 0
  double gamma(double shape, double scale) noexcept;      ///< shape, scale > 0
  double student_t(double degrees) noexcept;              ///< degrees > 0
  std::uint64_t geometric(double p) noexcept;             ///< failures before the first success; 0 < p <= 1
  std::size_t categorical(std::span<const double> weights) noexcept;  ///< weights >= 0, sum > 0
  void shuffle(std::span<std::uint32_t> items) noexcept;  ///< uniform permutation

 private:
  void refill() noexcept;

  std::array<std::uint64_t, 4> block_{};
  std::uint64_t seed_, name_, index_, counter_;  // counter_ counts 64-bit draws; block_ caches draws 4k..4k+3
};

}  // namespace walras
