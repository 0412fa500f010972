#pragma once
// The inner loops of the bootstrap: plain arithmetic over raw arrays, no allocation, no exceptions.
// g++ compiles them for the processor, nvcc for the GPU as well (replicate_sums.cu).
#include <cmath>
#include <cstddef>
#include <cstdint>

#if defined(__CUDACC__)
#define WALRAS_KERNEL __host__ __device__ inline
#else
#define WALRAS_KERNEL inline
#endif

namespace walras::stats {

/// A run of consecutive observations, start .. start + length - 1; wraps around at the end of the
/// series.
struct Block {
  std::uint32_t start, length;
};

namespace kernel {

/// Length of a block from 32 random bits: geometric; inverse_log_stay is 1 / log(probability to go
/// on), and 0 stands for blocks of one. Does not rise with the bits.
inline double block_length_from_bits(std::uint32_t bits, double inverse_log_stay) {
  if (inverse_log_stay == 0) return 1;
  const double uniform = (static_cast<double>(bits) + 0.5) * 0x1p-32;
  return std::floor(std::log(uniform) * inverse_log_stay) + 1;
}

/// A uniform start from 32 random bits. Its bias is below n / 2^32.
inline std::uint32_t block_start_from_bits(std::uint32_t bits, std::uint32_t n) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(bits) * n) >> 32);
}

/// Running sums of a centred series and of its square, interleaved: {sum, square sum} before
/// observation t. Shape: 2 (n + 1) doubles.
struct Moments {
  const double* running;
  std::uint32_t n;
  double centre;  ///< what was subtracted from every observation
};

struct PairSum {
  double first, second;
};

WALRAS_KERNEL PairSum block_sum(const Moments& series, Block block) {
  const double* from = series.running + 2 * static_cast<std::size_t>(block.start);
  const std::size_t end = static_cast<std::size_t>(block.start) + block.length;
  if (end <= series.n) {
    const double* to = series.running + 2 * end;
    return {to[0] - from[0], to[1] - from[1]};
  }
  const double* last = series.running + 2 * static_cast<std::size_t>(series.n);
  const double* wrapped = series.running + 2 * (end - series.n);
  return {last[0] - from[0] + wrapped[0], last[1] - from[1] + wrapped[1]};
}

/// Sums over one replicate.
struct Totals {
  double first = 0, second = 0;
};

WALRAS_KERNEL Totals totals(const Moments& series, const Block* blocks, std::size_t count) {
  Totals sum;
  for (std::size_t i = 0; i < count; ++i) {
    const PairSum block = block_sum(series, blocks[i]);
    sum.first += block.first;
    sum.second += block.second;
  }
  return sum;
}

/// Sums over one replicate, and of the products of its blocks' sums, from which every standard
/// error of a smooth function of the two means follows.
struct Products {
  double first = 0, second = 0;
  double first_first = 0, first_second = 0, second_second = 0;
  double first_length = 0, second_length = 0, length_length = 0;
};

WALRAS_KERNEL Products products(const Moments& series, const Block* blocks, std::size_t count) {
  Products sum;
  for (std::size_t i = 0; i < count; ++i) {
    const PairSum block = block_sum(series, blocks[i]);
    const double length = blocks[i].length;
    sum.first += block.first;
    sum.second += block.second;
    sum.first_first += block.first * block.first;
    sum.first_second += block.first * block.second;
    sum.second_second += block.second * block.second;
    sum.first_length += block.first * length;
    sum.second_length += block.second * length;
    sum.length_length += length * length;
  }
  return sum;
}

/// Replicates and series that counted_totals() sums at once.
inline constexpr std::size_t kCountTile = 4, kSeriesTile = 2;

/// Totals of kCountTile replicates of kSeriesTile series from how often each observation was drawn:
/// out[series * stride + replicate]. Each sum runs over the observations in order.
/// Shape: counts kCountTile * n, interleaved; values 2 n a series ({centred, its square} at t).
WALRAS_KERNEL void counted_totals(const double* counts, const double* first, const double* second,
                                  std::size_t n, double (&sums)[2 * kSeriesTile][kCountTile]) {
  for (auto& row : sums) {
    for (double& sum : row) sum = 0;
  }
  for (std::size_t t = 0; t < n; ++t) {
    const double* drawn = counts + kCountTile * t;
    const double x[2 * kSeriesTile] = {first[2 * t], first[2 * t + 1], second[2 * t],
                                       second[2 * t + 1]};
    for (std::size_t i = 0; i < 2 * kSeriesTile; ++i) {
      for (std::size_t r = 0; r < kCountTile; ++r) sums[i][r] += x[i] * drawn[r];
    }
  }
}

/// A statistic, and a x + b x^2 + c: how much an observation (centred) moves it, n times.
struct Influence {
  double value = 0, a = 0, b = 0, c = 0;
  bool defined = false;
  [[nodiscard]] WALRAS_KERNEL double sum(const PairSum& block, double length) const {
    return a * block.first + b * block.second + c * length;
  }
};

/// Sharpe ratio with divisor n.
inline Influence sharpe_influence(const Totals& sum, double n, double centre, double tiny) {
  const double mean = sum.first / n;
  const double variance = sum.second / n - mean * mean;
  if (!(variance > tiny)) return {};
  const double deviation = std::sqrt(variance);
  const double sharpe = (mean + centre) / deviation;
  const double b = -sharpe / (2 * variance);
  return {sharpe, 1 / deviation - 2 * mean * b, b,
          -mean / deviation + b * (mean * mean - variance), true};
}

/// A mean and its standard error; error 0 where the replicate has no variance.
struct Estimate {
  double value, error;
};

/// Standard error from a sum of squares that is the difference of parts as large as `parts`: what is left of their rounding
/// is no variance.
inline double error_of(double squares, double parts, double n) {
  return squares > 1e-12 * parts ? std::sqrt(squares) / n : 0;
}

inline Estimate mean_with_error(const Products& sum, double n, double centre) {
  const double mean = sum.first / n;
  const double lengths = mean * mean * sum.length_length;
  const double squares = sum.first_first - 2 * mean * sum.first_length + lengths;
  return {mean + centre, error_of(squares, sum.first_first + lengths, n)};
}

/// Variance (n - 1) and its standard error; {0, 0} where there is none.
inline Estimate variance_with_error(const Products& sum, double n, double tiny) {
  const double mean = sum.first / n;
  const double variance = sum.second / n - mean * mean;
  if (!(variance > tiny)) return {0, 0};
  const double a = -2 * mean;
  const double c = mean * mean - variance;
  const double squares = a * a * sum.first_first + sum.second_second +
                         c * c * sum.length_length + 2 * a * sum.first_second +
                         2 * a * c * sum.first_length + 2 * c * sum.second_length;
  const double parts = a * a * sum.first_first + sum.second_second + c * c * sum.length_length;
  return {variance * n / (n - 1), error_of(squares, parts, n)};
}

/// Mean over standard deviation (n - 1). NaN-free: no variance gives {0, 0}.
inline Estimate sharpe_with_error(const Products& sum, double n, double centre, double tiny) {
  const double mean = sum.first / n;
  const double variance = sum.second / n - mean * mean;
  if (!(variance > tiny)) return {0, 0};
  const double deviation = std::sqrt(variance);
  const double sharpe = (mean + centre) / deviation;
  // The influence of observation x: (x - mean)/sd - sharpe/2 (((x - mean)/sd)^2 - 1), summed over a
  // block, is a sum + b squares + c length.
  const double b = -sharpe / (2 * variance);
  const double a = 1 / deviation - 2 * mean * b;
  const double c = -mean / deviation + b * (mean * mean - variance);
  const double squares = a * a * sum.first_first + b * b * sum.second_second +
                         c * c * sum.length_length + 2 * a * b * sum.first_second +
                         2 * a * c * sum.first_length + 2 * b * c * sum.second_length;
  const double parts = a * a * sum.first_first + b * b * sum.second_second + c * c * sum.length_length;
  return {sharpe * std::sqrt((n - 1) / n), error_of(squares, parts, n)};
}

inline double sharpe_only(const Totals& sum, double n, double centre, double tiny, bool& defined) {
  const double mean = sum.first / n;
  const double variance = sum.second / n - mean * mean;
  defined = variance > tiny;
  return defined ? (mean + centre) / std::sqrt(variance * n / (n - 1)) : 0;
}

}  // namespace kernel
}  // namespace walras::stats
