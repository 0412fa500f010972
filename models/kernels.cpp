#include "models/kernels.hpp"

#include <bit>
#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define WALRAS_WIDE __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define WALRAS_WIDE
#endif

namespace walras::models::kernels {
namespace {

/// exp(x) = 2^n e^r with |r| <= ln 2 / 2; the polynomial is Taylor's to r^6.
inline float fast_exp(float x) {
  x = x < -87.0F ? -87.0F : x;
  x = x > 88.0F ? 88.0F : x;
  const float scaled = x * 1.44269504F;
  const auto n = static_cast<std::int32_t>(scaled + (scaled < 0 ? -0.5F : 0.5F));
  const auto whole = static_cast<float>(n);
  const float r = (x - whole * 0.693359375F) + whole * 2.12194440e-4F;
  const float p =
      1.0F + r * (1.0F + r * (0.5F + r * (1.0F / 6 + r * (1.0F / 24 + r * (1.0F / 120 + r * (1.0F / 720))))));
  return p * std::bit_cast<float>((n + 127) << 23);
}

}  // namespace

WALRAS_WIDE void multiply(const float* __restrict weights, const float* __restrict x, float* __restrict y,
                          std::size_t in, std::size_t out) {
  std::size_t i = 0;
  for (; i + 4 <= in; i += 4) {
    const float *a = weights + i * out, *b = a + out, *c = b + out, *d = c + out;
    const float p = x[i], q = x[i + 1], r = x[i + 2], s = x[i + 3];
    for (std::size_t o = 0; o < out; ++o) y[o] = (((y[o] + a[o] * p) + b[o] * q) + c[o] * r) + d[o] * s;
  }
  for (; i < in; ++i) {
    const float* a = weights + i * out;
    const float p = x[i];
    for (std::size_t o = 0; o < out; ++o) y[o] += a[o] * p;
  }
}

WALRAS_WIDE void logistic(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = 1.0F / (1.0F + fast_exp(-values[i]));
}

WALRAS_WIDE void tangent(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = 1.0F - 2.0F / (1.0F + fast_exp(2.0F * values[i]));
}

WALRAS_WIDE void exponential(float* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) values[i] = fast_exp(values[i]);
}

WALRAS_WIDE void lstm_cell(float* __restrict gates, float* __restrict cell, float* __restrict hidden,
                           std::size_t width) {
  const float *input = gates, *forget = gates + width, *candidate = gates + 2 * width, *output = gates + 3 * width;
  for (std::size_t i = 0; i < width; ++i) {
    const float f = 1.0F / (1.0F + fast_exp(-forget[i])), in = 1.0F / (1.0F + fast_exp(-input[i]));
    const float g = 1.0F - 2.0F / (1.0F + fast_exp(2.0F * candidate[i]));
    cell[i] = f * cell[i] + in * g;
    hidden[i] = (1.0F - 2.0F / (1.0F + fast_exp(2.0F * cell[i]))) / (1.0F + fast_exp(-output[i]));
  }
}

}  // namespace walras::models::kernels
