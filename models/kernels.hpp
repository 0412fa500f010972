#pragma once
// Vector kernels of compiled networks: plain loops, one version for each width of the machine's
// registers, chosen when the program starts. Sums run over inputs in order, so every version adds
// the same numbers in the same order.
#include <cstddef>

namespace walras::models::kernels {

/// y += W x. Shape: W in x out, input by input (a column of the matrix lies together).
void multiply(const float* weights, const float* x, float* y, std::size_t in, std::size_t out);
/// Logistic function and hyperbolic tangent in place, to 3e-7.
void logistic(float* values, std::size_t count);
void tangent(float* values, std::size_t count);
/// Exponential in place, relative error 3e-7, for values below 88.
void exponential(float* values, std::size_t count);
/// cell = forget * cell + input * candidate, on gates as they lie: input, forget, candidate, output.
void lstm_cell(float* gates, float* cell, float* hidden, std::size_t width);

}  // namespace walras::models::kernels
