#include "models/kernels.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define WALRAS_WIDE __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define WALRAS_WIDE
#endif

namespace walras::models::kernels {
namespace {

// The compiler splits it into the registers that there are. Functions that take it by value would be
// split before they are inlined, so the kernels write it out.
using Strip = float __attribute__((vector_size(kStrip * sizeof(float))));

/// exp(x) = 2^n e^r with |r| <= ln 2 / 2; the polynomial is Taylor's to r^6.
inline float fast_exp(float x, float limit) {
  x = x < -limit ? -limit : x;
  x = x > limit ? limit : x;
  // Adding 1.5 * 2^23 leaves the nearest whole number in the last bits.
  const float shifted = x * 1.44269504F + 12582912.0F, whole = shifted - 12582912.0F;
  const std::int32_t n = std::bit_cast<std::int32_t>(shifted) - std::bit_cast<std::int32_t>(12582912.0F);
  const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
  const float p =
      1.0F + r * (1.0F + r * (0.5F + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720))))));
  return p * std::bit_cast<float>((n + 127) << 23);
}

/// Beyond it a gate is 0 or 1 to the last bit but of numbers that no sum sees, and products of two
/// exponentials stay finite.
constexpr float kGate = 40;

}  // namespace

WALRAS_WIDE void multiply(const Matrix& by, const float* x, float* y) {
  const std::size_t count = strips(by.out), step = by.pitch * kStrip;
  std::size_t s = 0;
  for (; s + 4 <= count; s += 4) {
    const float *w0 = by.weights + s * step, *w1 = w0 + step, *w2 = w1 + step, *w3 = w2 + step;
    Strip a{}, b{}, c{}, d{};
    if (by.bias != nullptr) {
      std::memcpy(&a, by.bias + s * kStrip, sizeof a);
      std::memcpy(&b, by.bias + (s + 1) * kStrip, sizeof b);
      std::memcpy(&c, by.bias + (s + 2) * kStrip, sizeof c);
      std::memcpy(&d, by.bias + (s + 3) * kStrip, sizeof d);
    }
    for (std::size_t i = 0; i < by.in; ++i) {
      Strip v0, v1, v2, v3;
      std::memcpy(&v0, w0 + i * kStrip, sizeof v0);
      std::memcpy(&v1, w1 + i * kStrip, sizeof v1);
      std::memcpy(&v2, w2 + i * kStrip, sizeof v2);
      std::memcpy(&v3, w3 + i * kStrip, sizeof v3);
      a += v0 * x[i];
      b += v1 * x[i];
      c += v2 * x[i];
      d += v3 * x[i];
    }
    float* to = y + s * kStrip;
    std::memcpy(to, &a, sizeof a);
    std::memcpy(to + kStrip, &b, sizeof b);
    std::memcpy(to + 2 * kStrip, &c, sizeof c);
    const std::size_t left = by.out - (s + 3) * kStrip;
    std::memcpy(to + 3 * kStrip, &d, left < kStrip ? left * sizeof(float) : sizeof d);
  }
  for (; s < count; ++s) {
    const float* w = by.weights + s * step;
    Strip even{}, odd{};
    if (by.bias != nullptr) std::memcpy(&even, by.bias + s * kStrip, sizeof even);
    std::size_t i = 0;
    for (; i + 2 <= by.in; i += 2) {
      Strip v0, v1;
      std::memcpy(&v0, w + i * kStrip, sizeof v0);
      std::memcpy(&v1, w + (i + 1) * kStrip, sizeof v1);
      even += v0 * x[i];
      odd += v1 * x[i + 1];
    }
    if (i < by.in) {
      Strip v0;
      std::memcpy(&v0, w + i * kStrip, sizeof v0);
      even += v0 * x[i];
    }
    even += odd;
    const std::size_t left = by.out - s * kStrip;
    std::memcpy(y + s * kStrip, &even, left < kStrip ? left * sizeof(float) : sizeof even);
  }
}

WALRAS_WIDE void multiply(const Matrix& by, const float* x, std::size_t x_step, float* y, std::size_t y_step,
                          std::size_t rows) {
  const std::size_t count = strips(by.out), step = by.pitch * kStrip;
  for (std::size_t s = 0; s < count; ++s) {
    const float* w = by.weights + s * step;
    Strip start{};
    if (by.bias != nullptr) std::memcpy(&start, by.bias + s * kStrip, sizeof start);
    const std::size_t left = by.out - s * kStrip, bytes = left < kStrip ? left * sizeof(float) : sizeof start;
    for (std::size_t row = 0; row < rows; row += 6) {  // six rows by a strip: what 16 registers hold
      // Of rows that are not there the last one is done again.
      const std::size_t last = rows - 1 - row;
      const std::size_t r1 = last < 1 ? last : 1, r2 = last < 2 ? last : 2, r3 = last < 3 ? last : 3,
                        r4 = last < 4 ? last : 4, r5 = last < 5 ? last : 5;
      const float* x0 = x + row * x_step;
      const float *x1 = x0 + r1 * x_step, *x2 = x0 + r2 * x_step, *x3 = x0 + r3 * x_step, *x4 = x0 + r4 * x_step,
                  *x5 = x0 + r5 * x_step;
      Strip a = start, b = start, c = start, d = start, e = start, f = start;
      for (std::size_t i = 0; i < by.in; ++i) {
        Strip v;
        std::memcpy(&v, w + i * kStrip, sizeof v);
        a += v * x0[i];
        b += v * x1[i];
        c += v * x2[i];
        d += v * x3[i];
        e += v * x4[i];
        f += v * x5[i];
      }
      float* to = y + row * y_step + s * kStrip;
      std::memcpy(to, &a, bytes);
      std::memcpy(to + r1 * y_step, &b, bytes);
      std::memcpy(to + r2 * y_step, &c, bytes);
      std::memcpy(to + r3 * y_step, &d, bytes);
      std::memcpy(to + r4 * y_step, &e, bytes);
      std::memcpy(to + r5 * y_step, &f, bytes);
    }
  }
}

WALRAS_WIDE void tangent(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = 1.0F - 2.0F / (1.0F + fast_exp(2.0F * values[i], kGate));
}

WALRAS_WIDE float softmax(float* values, std::size_t count) {
  const std::size_t whole = count - count % kStrip;
  float lanes[kStrip], largest = values[0];
  for (float& lane : lanes) lane = largest;
  for (std::size_t i = 0; i < whole; i += kStrip) {
    for (std::size_t k = 0; k < kStrip; ++k) lanes[k] = values[i + k] > lanes[k] ? values[i + k] : lanes[k];
  }
  for (const float lane : lanes) largest = lane > largest ? lane : largest;
  for (std::size_t i = whole; i < count; ++i) largest = values[i] > largest ? values[i] : largest;
  for (std::size_t i = 0; i < count; ++i) values[i] = fast_exp(values[i] - largest, 87);
  for (float& lane : lanes) lane = 0;
  for (std::size_t i = 0; i < whole; i += kStrip) {
    for (std::size_t k = 0; k < kStrip; ++k) lanes[k] += values[i + k];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (std::size_t i = whole; i < count; ++i) sum += values[i];
  return sum;
}

WALRAS_WIDE void gelu(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const float x = values[i], z = std::fabs(x) * 0.70710678F;
    const float t = 1.0F / (1.0F + 0.3275911F * z);
    const float tail = t * (0.254829592F + t * (-0.284496736F + t * (1.421413741F + t * (-1.453152027F + t * 1.061405429F)))) *
                       fast_exp(-z * z, 87);
    values[i] = x * (x < 0 ? 0.5F * tail : 1.0F - 0.5F * tail);
  }
}

WALRAS_WIDE void normalise(const float* __restrict x, const float* __restrict scale, const float* __restrict shift,
                           float* __restrict y, std::size_t width) {
  const std::size_t whole = width - width % kStrip;
  const auto n = static_cast<float>(width);
  float lanes[kStrip] = {};
  for (std::size_t i = 0; i < whole; i += kStrip) {
    for (std::size_t k = 0; k < kStrip; ++k) lanes[k] += x[i + k];
  }
  float sum = 0;
  for (const float lane : lanes) sum += lane;
  for (std::size_t i = whole; i < width; ++i) sum += x[i];
  const float mean = sum / n;
  for (float& lane : lanes) lane = 0;
  for (std::size_t i = 0; i < whole; i += kStrip) {
    for (std::size_t k = 0; k < kStrip; ++k) lanes[k] += (x[i + k] - mean) * (x[i + k] - mean);
  }
  float square = 0;
  for (const float lane : lanes) square += lane;
  for (std::size_t i = whole; i < width; ++i) square += (x[i] - mean) * (x[i] - mean);
  const float by = 1.0F / std::sqrt(square / n + 1e-5F);
  for (std::size_t i = 0; i < width; ++i) y[i] = (x[i] - mean) * by * scale[i] + shift[i];
}

WALRAS_WIDE void scale_rows(float* __restrict y, const float* __restrict scale, const float* __restrict shift,
                            std::size_t width, std::size_t rows, bool leaky) {
  const float below = leaky ? 0.01F : 1.0F;
  for (std::size_t row = 0; row < rows; ++row) {
    float* values = y + row * width;
    for (std::size_t i = 0; i < width; ++i)
      values[i] = (values[i] > 0 ? values[i] : below * values[i]) * scale[i] + shift[i];
  }
}

WALRAS_WIDE void lstm_cell(const float* __restrict gates, float* __restrict cell, float* __restrict hidden,
                           std::size_t width) {
  const float *input = gates, *forget = gates + width, *candidate = gates + 2 * width, *output = gates + 3 * width;
  for (std::size_t i = 0; i < width; ++i) {
    const float in = 1.0F + fast_exp(-input[i], kGate), f = 1.0F + fast_exp(-forget[i], kGate);
    const float g = fast_exp(2.0F * candidate[i], kGate), out = 1.0F + fast_exp(-output[i], kGate);
    cell[i] = cell[i] / f + (g - 1.0F) / ((g + 1.0F) * in);
    const float c = fast_exp(2.0F * cell[i], kGate);
    hidden[i] = (c - 1.0F) / ((c + 1.0F) * out);
  }
}

}  // namespace walras::models::kernels
