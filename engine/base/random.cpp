#include "engine/base/random.hpp"

#include <Random123/philox.h>

#include <cmath>
#include <numbers>
#include <utility>

namespace walras {
namespace {

__extension__ typedef unsigned __int128 Wide;

using Block = std::array<std::uint64_t, 4>;

Block philox(const Block& counter, std::uint64_t key0, std::uint64_t key1) noexcept {
  const r123::Philox4x64::ctr_type in = {{counter[0], counter[1], counter[2], counter[3]}};
  const r123::Philox4x64::key_type key = {{key0, key1}};
  const r123::Philox4x64::ctr_type out = r123::Philox4x64()(in, key);
  return {out[0], out[1], out[2], out[3]};
}

/// log(k!). The re-entrant form does not write the global sign.
double log_factorial(double k) noexcept {
  int sign = 0;
  return lgamma_r(k + 1, &sign);
}

}  // namespace

std::uint64_t stable_hash(std::string_view name) noexcept {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3U;
  }
  return hash;
}

Rng::Rng(std::uint64_t seed, std::string_view name, std::uint64_t index) noexcept
    : seed_(seed), name_(stable_hash(name)), index_(index), counter_(0) {}

Rng::Rng(const State& state) noexcept
    : seed_(state.seed), name_(state.name), index_(state.index), counter_(state.counter) {
  if ((counter_ & 3U) != 0) refill();
}

void Rng::refill() noexcept { block_ = philox({counter_ >> 2U, index_, 0, 0}, seed_, name_); }

Rng Rng::child(std::string_view name, std::uint64_t index) const noexcept {
  // The last word keeps these blocks apart from those that are drawn, where it is 0.
  const Block mixed = philox({stable_hash(name), index_, 0, 1}, seed_, name_);
  return Rng(State{mixed[0], mixed[1], index, 0});
}

Rng::State Rng::state() const noexcept { return {seed_, name_, index_, counter_}; }

double Rng::uniform(double low, double high) noexcept {
  const double value = low + (high - low) * uniform();
  return value < high ? value : std::nextafter(high, low);
}

double Rng::uniform_open() noexcept { return (static_cast<double>(bits() >> 12U) + 0.5) * 0x1p-52; }

// Lemire, Fast random integer generation in an interval, ACM TOMACS 29 (2019), algorithm 5.
std::uint64_t Rng::below(std::uint64_t n) noexcept {
  Wide product = static_cast<Wide>(bits()) * n;
  auto low = static_cast<std::uint64_t>(product);
  if (low < n) {
    const std::uint64_t threshold = (0 - n) % n;
    while (low < threshold) {
      product = static_cast<Wide>(bits()) * n;
      low = static_cast<std::uint64_t>(product);
    }
  }
  return static_cast<std::uint64_t>(product >> 64U);
}

bool Rng::bernoulli(double p) noexcept { return uniform() < p; }

// Box and Muller; one of the two numbers is dropped so that the stream's state stays a counter.
double Rng::normal() noexcept {
  const double radius = std::sqrt(-2.0 * std::log(uniform_open()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double Rng::exponential(double rate) noexcept { return -std::log(uniform_open()) / rate; }

std::uint64_t Rng::poisson(double mean) noexcept {
  if (!(mean > 0)) return 0;
  if (mean < 10) {  // inversion by sequential search
    double u = uniform(), probability = std::exp(-mean);
    std::uint64_t k = 0;
    while (u >= probability && k < 200) {
      u -= probability;
      ++k;
      probability *= mean / static_cast<double>(k);
    }
    return k;
  }
  // Hoermann, The transformed rejection method for generating Poisson random variables (1993),
  // PTRS.
  const double b = 0.931 + 2.53 * std::sqrt(mean), a = -0.059 + 0.02483 * b;
  const double inverse_alpha = 1.1239 + 1.1328 / (b - 3.4), v_r = 0.9277 - 3.6224 / (b - 2);
  const double log_mean = std::log(mean);
  for (;;) {
    const double u = uniform() - 0.5;
    const double v = uniform_open();
    const double us = 0.5 - std::abs(u);
    if (us <= 0) continue;
    const double k = std::floor((2 * a / us + b) * u + mean + 0.43);
    if (us >= 0.07 && v <= v_r) return static_cast<std::uint64_t>(k);
    if (k < 0 || (us < 0.013 && v > us)) continue;
    if (std::log(v) + std::log(inverse_alpha) - std::log(a / (us * us) + b) <=
        k * log_mean - mean - log_factorial(k)) {
      return static_cast<std::uint64_t>(k);
    }
  }
}

// Marsaglia and Tsang, A simple method for generating gamma variables, ACM TOMS 26 (2000).
double Rng::gamma(double shape, double scale) noexcept {
  double boost = 1;
  if (shape < 1) {
    boost = std::pow(uniform_open(), 1 / shape);
    shape += 1;
  }
  const double d = shape - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = normal();
    const double root = 1 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(uniform_open()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return d * v * boost * scale;
    }
  }
}

double Rng::student_t(double degrees) noexcept {
  const double z = normal();
  return z / std::sqrt(gamma(degrees / 2, 2) / degrees);
}

std::uint64_t Rng::geometric(double p) noexcept {
  if (p >= 1) return 0;
  const double failures = std::floor(std::log(uniform_open()) / std::log1p(-p));
  return failures < 9e18 ? static_cast<std::uint64_t>(failures)
                         : std::uint64_t{9'000'000'000'000'000'000};
}

std::size_t Rng::categorical(std::span<const double> weights) noexcept {
  double sum = 0;
  for (const double weight : weights) sum += weight;
  double left = uniform() * sum;
  std::size_t last = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] <= 0) continue;
    if (left < weights[i]) return i;
    left -= weights[i];
    last = i;  // rounding may leave a crumb at the end
  }
  return last;
}

void Rng::shuffle(std::span<std::uint32_t> items) noexcept {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[below(i)]);
}

}  // namespace walras
