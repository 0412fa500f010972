#pragma once
// Vector kernels of compiled networks: one version for each width of the machine's registers, chosen
// when the program starts. A sum runs over inputs in order, with fused multiplication and addition
// where the machine has it: results are those of one CPU type.
//
// A matrix lies in strips of 16 outputs, input by input: the weight of input i for output o is number
// (o / 16 * pitch + i) * 16 + o % 16, where pitch is the inputs that a strip has room for. The last
// strip is filled up with zeros.
#include <cstddef>

namespace walras::models::kernels {

constexpr std::size_t kStrip = 16;
constexpr std::size_t strips(std::size_t outputs) { return (outputs + kStrip - 1) / kStrip; }

/// y = b + W x, of one x or of several rows of them. The bias has room for whole strips; null: zeros.
struct Matrix {
  const float* weights;
  const float* bias;
  std::size_t in, out, pitch;
};
void multiply(const Matrix& by, const float* x, float* y);
/// Rows of x lie x_step apart, those of y y_step.
void multiply(const Matrix& by, const float* x, std::size_t x_step, float* y, std::size_t y_step, std::size_t rows);
/// Hyperbolic tangent in place, to 3e-7.
void tangent(float* values, std::size_t count);
/// exp(value - largest) in place, relative error 3e-7; the sum of them, at least 1.
float softmax(float* values, std::size_t count);
/// x times the normal distribution's share below x, in place, to 5e-7 of x (Abramowitz and Stegun 7.1.26).
void gelu(float* values, std::size_t count);
/// Layer normalisation: (x - mean) / sqrt(variance + 1e-5) * scale + shift.
void normalise(const float* x, const float* scale, const float* shift, float* y, std::size_t width);
/// Of rows of y: value, or 0.01 of it where it is negative and `leaky`; times scale, plus shift.
void scale_rows(float* y, const float* scale, const float* shift, std::size_t width, std::size_t rows, bool leaky);
/// cell = forget * cell + input * candidate, on gates as they lie: input, forget, candidate, output.
void lstm_cell(const float* gates, float* cell, float* hidden, std::size_t width);

}  // namespace walras::models::kernels
