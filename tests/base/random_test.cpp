#include "engine/base/random.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <numeric>
#include <set>
#include <vector>

using namespace walras;

namespace {

constexpr std::size_t kDraws = 200'000;

/// sqrt(n) times the Kolmogorov-Smirnov distance; above 1.95 in one of a thousand samples.
double kolmogorov(std::vector<double> sample, const std::function<double(double)>& cdf) {
  std::sort(sample.begin(), sample.end());
  const auto n = static_cast<double>(sample.size());
  double distance = 0;
  for (std::size_t i = 0; i < sample.size(); ++i) {
    const double p = cdf(sample[i]), rank = static_cast<double>(i);
    distance = std::max({distance, p - rank / n, (rank + 1) / n - p});
  }
  return distance * std::sqrt(n);
}

std::vector<double> draw(const std::function<double()>& sampler) {
  std::vector<double> sample(kDraws);
  std::generate(sample.begin(), sample.end(), sampler);
  return sample;
}

/// Chi-square statistic in standard deviations above its mean, cells with less than 10 expected
/// pooled.
double chi_square(const std::vector<double>& counts, const std::vector<double>& probabilities) {
  const double n = std::accumulate(counts.begin(), counts.end(), 0.0);
  double statistic = 0, cells = 0, pooled_count = 0, pooled_expected = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double expected = n * probabilities[i];
    if (expected < 10) {
      pooled_count += counts[i];
      pooled_expected += expected;
      continue;
    }
    statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    ++cells;
  }
  if (pooled_expected >= 1) {
    statistic +=
        (pooled_count - pooled_expected) * (pooled_count - pooled_expected) / pooled_expected;
    ++cells;
  }
  return (statistic - (cells - 1)) / std::sqrt(2 * (cells - 1));
}

double normal_cdf(double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); }

/// Regularised lower incomplete gamma for shapes 0.5, 1, 1.5, ... by its recurrence.
double gamma_cdf(double shape, double x) {
  if (x <= 0) return 0;
  const bool whole = shape == std::floor(shape);
  double at = whole ? 1 : 0.5;
  double p = whole ? -std::expm1(-x) : std::erf(std::sqrt(x));
  for (; at < shape; ++at) p -= std::exp(at * std::log(x) - x - std::lgamma(at + 1));
  return p;
}

}  // namespace

TEST_CASE("streams are Philox4x64-10: known answers of Random123 and of numpy") {
  Rng zero(Rng::State{0, 0, 0, 0});
  CHECK(zero.bits() == 0x16554d9eca36314cU);
  CHECK(zero.bits() == 0xdb20fe9d672d0fdcU);
  CHECK(zero.bits() == 0xd7e772cee186176bU);
  CHECK(zero.bits() == 0x7e68b68aec7ba23bU);
  // numpy.random.Philox(counter=[6, 9, 0, 0], key=[12345, 67890]) draws block 7 first.
  Rng seventh(Rng::State{12345, 67890, 9, 28});
  CHECK(seventh.bits() == 0x2b00215a84388effU);
  CHECK(seventh.bits() == 0x82c056abe0e6167eU);
  CHECK(seventh.bits() == 0x08d428f921cdf504U);
  CHECK(seventh.bits() == 0x6c895f76a8022216U);
}

TEST_CASE("names are hashed with FNV-1a 64") {
  CHECK(stable_hash("") == 0xcbf29ce484222325U);
  CHECK(stable_hash("a") == 0xaf63dc4c8601ec8cU);
  CHECK(stable_hash("foobar") == 0x85944171f73967e8U);
}

TEST_CASE("a stream goes on from its saved state at any position") {
  for (int position = 0; position < 9; ++position) {
    CAPTURE(position);
    Rng random(7, "saved", 3);
    for (int i = 0; i < position; ++i) random.bits();
    Rng restored(random.state());
    Rng copy = random;
    for (int i = 0; i < 20; ++i) {
      const std::uint64_t expected = random.bits();
      CHECK(restored.bits() == expected);
      CHECK(copy.bits() == expected);
    }
    CHECK(restored.state() == random.state());
  }
}

TEST_CASE("streams of other seeds, names, indices and children are unrelated") {
  const Rng base(1, "agent", 0);
  std::vector<Rng> streams{base,
                           Rng(2, "agent", 0),
                           Rng(1, "agenu", 0),
                           Rng(1, "agent", 1),
                           base.child("latency"),
                           base.child("latency", 1),
                           base.child("fees"),
                           base.child("latency").child("latency"),
                           Rng(2, "agent").child("latency"),
                           Rng(1, "latency", 0)};
  std::vector<std::vector<double>> samples;
  std::set<std::uint64_t> firsts;
  for (Rng& stream : streams) {
    firsts.insert(Rng(stream).bits());
    samples.push_back(draw([&] { return stream.normal(); }));
  }
  CHECK(firsts.size() == streams.size());
  for (std::size_t a = 0; a < samples.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      const double sum =
          std::inner_product(samples[a].begin(), samples[a].end(), samples[b].begin(), 0.0);
      CAPTURE(a);
      CAPTURE(b);
      CHECK(std::abs(sum) / std::sqrt(static_cast<double>(kDraws)) < 4);  // 45 pairs
    }
  }
}

TEST_CASE("a child does not depend on how far its parent has drawn") {
  Rng parent(1, "agent");
  Rng before = parent.child("x", 2);
  for (int i = 0; i < 5; ++i) parent.bits();
  Rng after = parent.child("x", 2);
  CHECK(before.bits() == after.bits());
}

TEST_CASE("every bit is set half of the time") {
  Rng random(3, "bits");
  std::vector<int> ones(64);
  for (std::size_t i = 0; i < kDraws; ++i) {
    const std::uint64_t bits = random.bits();
    for (std::size_t bit = 0; bit < 64; ++bit) ones[bit] += (bits >> bit) & 1U ? 1 : 0;
  }
  for (const int count : ones) {
    CHECK(std::abs(count - static_cast<double>(kDraws) / 2) < 4.5 * std::sqrt(kDraws / 4.0));
  }
}

TEST_CASE("continuous samplers follow their distributions (Kolmogorov-Smirnov)") {
  Rng random(11, "continuous");
  CHECK(kolmogorov(draw([&] { return random.uniform(); }), [](double x) { return x; }) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.uniform_open(); }), [](double x) { return x; }) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.uniform(-3, 5); }),
                   [](double x) { return (x + 3) / 8; }) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.normal(); }), normal_cdf) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.exponential(2.5); }),
                   [](double x) { return -std::expm1(-2.5 * x); }) < 1.95);
  for (const double shape : {0.5, 1.0, 1.5, 2.0, 2.5, 7.0, 30.5}) {
    CAPTURE(shape);
    CHECK(kolmogorov(draw([&] { return random.gamma(shape, 3); }),
                     [&](double x) { return gamma_cdf(shape, x / 3); }) < 1.95);
  }
  CHECK(kolmogorov(draw([&] { return random.student_t(1); }),
                   [](double t) { return 0.5 + std::atan(t) / std::numbers::pi; }) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.student_t(2); }),
                   [](double t) { return 0.5 + t / (2 * std::sqrt(2 + t * t)); }) < 1.95);
  CHECK(kolmogorov(draw([&] { return random.student_t(4); }), [](double t) {
          const double u = t / std::sqrt(t * t + 4);
          return 0.5 + 0.75 * (u - u * u * u / 3);
        }) < 1.95);
}

TEST_CASE("gamma with a shape far below 1 has its mean and variance") {
  Rng random(12, "gamma");
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < kDraws; ++i) {
    const double x = random.gamma(0.1, 2);
    sum += x;
    squares += x * x;
  }
  const double mean = sum / kDraws, variance = squares / kDraws - mean * mean;
  CHECK(std::abs(mean - 0.2) < 4 * std::sqrt(0.4 / kDraws));
  CHECK(std::abs(variance - 0.4) < 0.03);  // 4 standard errors: kurtosis is 3 + 60
}

TEST_CASE("Poisson counts follow their distribution for small and large means (chi-square)") {
  Rng random(13, "poisson");
  for (const double mean : {0.01, 0.7, 3.0, 9.99, 10.0, 25.0, 400.0, 12'345.6}) {
    CAPTURE(mean);
    const double spread = 8 * std::sqrt(mean) + 10;
    const auto low = static_cast<std::size_t>(std::max(0.0, mean - spread));
    const auto cells = static_cast<std::size_t>(2 * spread) + 1;
    std::vector<double> counts(cells + 1), probabilities(cells + 1);
    double inside = 0;
    for (std::size_t i = 0; i < cells; ++i) {
      const auto k = static_cast<double>(low + i);
      probabilities[i] = std::exp(k * std::log(mean) - mean - std::lgamma(k + 1));
      inside += probabilities[i];
    }
    probabilities[cells] = std::max(0.0, 1 - inside);
    double sum = 0;
    for (std::size_t i = 0; i < kDraws; ++i) {
      const std::uint64_t k = random.poisson(mean);
      sum += static_cast<double>(k);
      counts[k >= low && k - low < cells ? k - low : cells] += 1;
    }
    CHECK(chi_square(counts, probabilities) < 3.5);
    CHECK(std::abs(sum / kDraws - mean) < 4 * std::sqrt(mean / kDraws));
  }
  CHECK(random.poisson(0) == 0);
  const double large = 1e12;
  double sum = 0;
  for (int i = 0; i < 10'000; ++i) sum += static_cast<double>(random.poisson(large)) - large;
  CHECK(std::abs(sum / 10'000) < 4 * std::sqrt(large / 10'000));
}

TEST_CASE("integers below a bound are uniform, for bounds that do not divide 2^64 too") {
  Rng random(14, "below");
  for (const std::uint64_t n : {1ULL, 2ULL, 3ULL, 7ULL, 100ULL}) {
    CAPTURE(n);
    std::vector<double> counts(n);
    for (std::size_t i = 0; i < kDraws; ++i) {
      const std::uint64_t k = random.below(n);
      REQUIRE(k < n);
      counts[k] += 1;
    }
    if (n > 1)
      CHECK(chi_square(counts, std::vector<double>(n, 1.0 / static_cast<double>(n))) < 3.5);
  }
  // Without the rejection step a third of these would fall in the lower half twice as often.
  const std::uint64_t n = 3ULL << 62U;
  double lower = 0;
  for (std::size_t i = 0; i < kDraws; ++i) lower += random.below(n) < n / 2 ? 1 : 0;
  CHECK(std::abs(lower - kDraws / 2.0) < 4 * std::sqrt(kDraws / 4.0));
}

TEST_CASE("discrete samplers follow their distributions") {
  Rng random(15, "discrete");
  std::vector<double> counts(2);
  for (std::size_t i = 0; i < kDraws; ++i) counts[random.bernoulli(0.3) ? 1 : 0] += 1;
  CHECK(chi_square(counts, {0.7, 0.3}) < 3.5);
  CHECK(!random.bernoulli(0));
  CHECK(random.bernoulli(1));

  std::vector<double> failures(60), probabilities(60);
  for (std::size_t k = 0; k < 60; ++k)
    probabilities[k] = 0.2 * std::pow(0.8, static_cast<double>(k));
  for (std::size_t i = 0; i < kDraws; ++i) {
    failures[std::min<std::uint64_t>(random.geometric(0.2), 59)] += 1;
  }
  CHECK(chi_square(failures, probabilities) < 3.5);
  CHECK(random.geometric(1) == 0);

  const std::vector<double> weights{2, 0, 1, 5, 0};
  std::vector<double> chosen(5);
  for (std::size_t i = 0; i < kDraws; ++i) chosen[random.categorical(weights)] += 1;
  CHECK(chosen[1] == 0);
  CHECK(chosen[4] == 0);
  CHECK(chi_square({chosen[0], chosen[2], chosen[3]}, {0.25, 0.125, 0.625}) < 3.5);
}

TEST_CASE("every permutation is equally likely") {
  Rng random(16, "shuffle");
  std::vector<double> counts(24);
  std::vector<std::vector<std::uint32_t>> orders;
  std::vector<std::uint32_t> items{0, 1, 2, 3};
  do {
    orders.push_back(items);
  } while (std::next_permutation(items.begin(), items.end()));
  for (std::size_t i = 0; i < kDraws; ++i) {
    items = {0, 1, 2, 3};
    random.shuffle(items);
    counts[static_cast<std::size_t>(std::find(orders.begin(), orders.end(), items) -
                                    orders.begin())] += 1;
  }
  CHECK(chi_square(counts, std::vector<double>(24, 1.0 / 24)) < 3.5);
}
