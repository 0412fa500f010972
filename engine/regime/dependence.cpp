#include "engine/regime/dependence.hpp"

#include "engine/base/archive.hpp"
#include "engine/base/error.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <vector>

namespace walras::engine {
namespace {

double log_gamma(double x) noexcept {
  int sign = 0;
  return lgamma_r(x, &sign);
}

/// Regularised incomplete beta function by its continued fraction (modified Lentz), for x below its
/// turning point.
double beta_fraction(double x, double a, double b) noexcept {
  constexpr double kTiny = 1e-300;
  double c = 1, d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double value = d;
  for (int m = 1; m < 300; ++m) {
    const double k = m;
    for (const double term : {k * (b - k) * x / ((a + 2 * k - 1) * (a + 2 * k)),
                              -(a + k) * (a + b + k) * x / ((a + 2 * k) * (a + 2 * k + 1))}) {
      d = 1 + term * d;
      c = 1 + term / c;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      if (std::abs(c) < kTiny) c = kTiny;
      value *= c * d;
    }
    if (std::abs(c * d - 1) < 1e-15) break;
  }
  return std::exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * std::log(x) +
                  b * std::log1p(-x)) *
         value / a;
}

double incomplete_beta(double x, double a, double b) noexcept {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  return x < (a + 1) / (a + b + 2) ? beta_fraction(x, a, b) : 1 - beta_fraction(1 - x, b, a);
}

/// Lower triangle L with L L' = the matrix, row by row. Returns: false where it is not positive
/// definite.
bool cholesky(std::vector<double>& m, std::size_t n) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      double left = m[i * n + j];
      for (std::size_t k = 0; k < j; ++k) left -= m[i * n + k] * m[j * n + k];
      if (i == j) {
        if (!(left > 1e-12)) return false;
        m[i * n + i] = std::sqrt(left);
      } else {
        m[i * n + j] = left / m[j * n + j];
        m[j * n + i] = 0;
      }
    }
  }
  return true;
}

/// Independent normals, one stream an instrument.
class Noise {
 public:
  explicit Noise(const DependenceContext& context) {
    for (const std::string& name : context.names)
      streams_.push_back(context.random.child("own/" + name));
  }
  double operator()(std::size_t i) noexcept { return streams_[i].normal(); }
  std::size_t size() const noexcept { return streams_.size(); }
  void state(Archive& archive) { archive(streams_); }

 private:
  std::vector<Rng> streams_;
};

class Independent final : public Dependence {
 public:
  struct Params {
    static void fields(auto&&) {}
  };
  Independent(const Params&, const DependenceContext& context) : noise_(context) {}
  void draw(std::span<double> shocks) noexcept override {
    for (std::size_t i = 0; i < shocks.size(); ++i) shocks[i] = noise_(i);
  }
  void state(Archive& archive) override { archive(noise_); }

 private:
  Noise noise_;
};

/// A common market, sectors, and what is an instrument's own; shares of variance that add up to
/// one.
class Factor final : public Dependence {
 public:
  struct Params {
    double market = 0.3, sector = 0.2;
    std::map<std::string, std::string> sectors;
    static void fields(auto&& field) {
      field("market", &Params::market,
            {.min = 0, .max = 1, .doc = "share of variance that all instruments have in common"});
      field("sector", &Params::sector,
            {.min = 0,
             .max = 1,
             .doc = "further share that instruments of one sector have in common"});
      field("sectors", &Params::sectors,
            {.doc = "sector by instrument; instruments not named here have none"});
    }
  };
  Factor(const Params& params, const DependenceContext& context)
      : noise_(context), market_stream_(context.random.child("market")), market_(params.market) {
    if (params.market + params.sector > 1) {
      fail(Fault::Scenario, "sector",
           "expected market + sector at most 1, was " +
               std::to_string(params.market + params.sector));
    }
    for (const auto& [name, sector] : params.sectors) {
      if (!std::binary_search(context.names.begin(), context.names.end(), name)) {
        fail(Fault::Scenario, "sectors/" + name,
             "expected the name of an instrument of this market, was " + name);
      }
    }
    std::map<std::string, std::size_t> numbers;
    for (const std::string& name : context.names) {
      const auto found = params.sectors.find(name);
      if (found == params.sectors.end()) {
        of_.push_back(kNone);
        sector_.push_back(0);
        continue;
      }
      const auto [place, fresh] = numbers.try_emplace(found->second, sector_streams_.size());
      if (fresh) sector_streams_.push_back(context.random.child("sector/" + found->second));
      of_.push_back(place->second);
      sector_.push_back(params.sector);
    }
    drawn_.resize(sector_streams_.size());
  }
  void draw(std::span<double> shocks) noexcept override {
    const double market = std::sqrt(market_) * market_stream_.normal();
    for (std::size_t s = 0; s < drawn_.size(); ++s) drawn_[s] = sector_streams_[s].normal();
    for (std::size_t i = 0; i < shocks.size(); ++i) {
      const double sector = of_[i] == kNone ? 0 : std::sqrt(sector_[i]) * drawn_[of_[i]];
      shocks[i] = market + sector + std::sqrt(1 - market_ - sector_[i]) * noise_(i);
    }
  }
  void state(Archive& archive) override { archive(noise_, market_stream_, sector_streams_); }

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  Noise noise_;
  Rng market_stream_;
  double market_;
  std::vector<Rng> sector_streams_;
  std::vector<std::size_t> of_;
  std::vector<double> sector_, drawn_;
};

/// One correlation for all pairs, or a matrix.
struct CorrelationParams {
  double correlation = 0.4;
  std::vector<std::vector<double>> matrix;
  static void fields(auto&& field) {
    field("correlation", &CorrelationParams::correlation,
          {.min = 0, .max = 0.999, .doc = "of every pair"});
    field(
        "matrix", &CorrelationParams::matrix,
        {.min = -1,
         .max = 1,
         .doc = "correlations in the order of the instruments' names, in place of the one number"});
  }
};

/// Normals of a given correlation. One number: a common shock, so that each instrument's own stream
/// stays its own.
class Correlated {
 public:
  Correlated(const CorrelationParams& params, const DependenceContext& context)
      : noise_(context), common_(context.random.child("common")), correlation_(params.correlation) {
    const std::size_t n = noise_.size();
    if (params.matrix.empty()) return;
    const auto refuse = [](const std::string& why) {
      fail(Fault::Scenario, "matrix", "expected " + why);
    };
    if (params.matrix.size() != n)
      refuse(std::to_string(n) + " rows, one an instrument, was " +
             std::to_string(params.matrix.size()));
    for (std::size_t i = 0; i < n; ++i) {
      if (params.matrix[i].size() != n)
        refuse("as many columns as rows in row " + std::to_string(i));
      for (std::size_t j = 0; j < n; ++j) {
        if (params.matrix[i][j] != (i == j                         ? 1
                                    : params.matrix[j].size() == n ? params.matrix[j][i]
                                                                   : 2)) {
          refuse("a symmetric matrix with ones on its diagonal, was otherwise at row " +
                 std::to_string(i) + ", column " + std::to_string(j));
        }
        root_.push_back(params.matrix[i][j]);
      }
    }
    own_.resize(n);
    if (!cholesky(root_, n))
      refuse(
          "a positive definite matrix, was none: some combination of these prices would have no "
          "variance");
  }
  void draw(std::span<double> shocks) noexcept {
    if (root_.empty()) {
      const double common = std::sqrt(correlation_) * common_.normal(),
                   rest = std::sqrt(1 - correlation_);
      for (std::size_t i = 0; i < shocks.size(); ++i) shocks[i] = common + rest * noise_(i);
      return;
    }
    const std::size_t n = shocks.size();
    for (std::size_t i = 0; i < n; ++i) own_[i] = noise_(i);
    for (std::size_t i = 0; i < n; ++i) {
      shocks[i] = 0;
      for (std::size_t j = 0; j <= i; ++j) shocks[i] += root_[i * n + j] * own_[j];
    }
  }
  void state(Archive& archive) { archive(noise_, common_); }

 private:
  Noise noise_;
  Rng common_;
  double correlation_;
  std::vector<double> root_, own_;
};

class GaussianCopula final : public Dependence {
 public:
  using Params = CorrelationParams;
  GaussianCopula(const Params& params, const DependenceContext& context)
      : shocks_(params, context) {}
  void draw(std::span<double> shocks) noexcept override { shocks_.draw(shocks); }
  void state(Archive& archive) override { archive(shocks_); }

 private:
  Correlated shocks_;
};

/// Shocks whose copula is that of a multivariate t: extremes come together. Each alone is normal.
class StudentCopula final : public Dependence {
 public:
  struct Params {
    double correlation = 0.4, degrees = 4;
    std::vector<std::vector<double>> matrix;
    static void fields(auto&& field) {
      field("correlation", &Params::correlation, {.min = 0, .max = 0.999, .doc = "of every pair"});
      field(
          "matrix", &Params::matrix,
          {.min = -1,
           .max = 1,
           .doc =
               "correlations in the order of the instruments' names, in place of the one number"});
      field(
          "degrees", &Params::degrees,
          {.min = 1, .max = 1000, .doc = "of freedom: the fewer, the more extremes come together"});
    }
  };
  StudentCopula(const Params& params, const DependenceContext& context)
      : shocks_({params.correlation, params.matrix}, context),
        mixing_(context.random.child("mixing")),
        degrees_(params.degrees) {}
  void draw(std::span<double> shocks) noexcept override {
    shocks_.draw(shocks);
    const double widen = std::sqrt(degrees_ / mixing_.gamma(degrees_ / 2, 2));
    for (double& shock : shocks) {
      // By the lower tail on both sides: 1 - p loses all digits far above.
      const double below = student_below(-std::abs(shock) * widen, degrees_);
      const double size = -normal_quantile(std::max(below, 1e-300));
      shock = shock < 0 ? -size : size;
    }
  }
  void state(Archive& archive) override { archive(shocks_, mixing_); }

 private:
  Correlated shocks_;
  Rng mixing_;
  double degrees_;
};

/// Correlations that follow what happened: Q' = (1 - a - b) Qbar + a z z' + b Q, R = Q scaled to
/// ones on its diagonal. Source: Engle2002, equations 21 and 25.
class DynamicCorrelation final : public Dependence {
 public:
  struct Params {
    double correlation = 0.4, a = 0.03, b = 0.95;
    static void fields(auto&& field) {
      field("correlation", &Params::correlation,
            {.min = 0, .max = 0.999, .doc = "of every pair in the long run"});
      field("a", &Params::a, {.min = 0, .max = 1, .doc = "weight of the last step's shocks"});
      field("b", &Params::b, {.min = 0, .max = 1, .doc = "weight of the last correlations"});
    }
  };
  DynamicCorrelation(const Params& params, const DependenceContext& context)
      : p_(params), noise_(context), n_(context.names.size()) {
    if (params.a + params.b >= 1)
      fail(Fault::Scenario, "b",
           "expected a + b below 1, was " + std::to_string(params.a + params.b));
    q_.assign(n_ * n_, params.correlation);
    for (std::size_t i = 0; i < n_; ++i) q_[i * n_ + i] = 1;
    root_.resize(n_ * n_);
    own_.resize(n_);
  }
  void draw(std::span<double> shocks) noexcept override {
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < n_; ++j)
        root_[i * n_ + j] =
            i == j ? 1 : q_[i * n_ + j] / std::sqrt(q_[i * n_ + i] * q_[j * n_ + j]);
    }
    cholesky(root_, n_);  // positive definite by construction: a sum of such matrices and squares
    for (std::size_t i = 0; i < n_; ++i) own_[i] = noise_(i);
    for (std::size_t i = 0; i < n_; ++i) {
      shocks[i] = 0;
      for (std::size_t j = 0; j <= i; ++j) shocks[i] += root_[i * n_ + j] * own_[j];
    }
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t j = 0; j < n_; ++j) {
        double& q = q_[i * n_ + j];
        q = (1 - p_.a - p_.b) * (i == j ? 1 : p_.correlation) + p_.a * shocks[i] * shocks[j] +
            p_.b * q;
      }
    }
  }
  void state(Archive& archive) override { archive(noise_, q_); }

 private:
  Params p_;
  Noise noise_;
  std::size_t n_;
  std::vector<double> q_, root_, own_;
};

}  // namespace

double student_below(double x, double degrees) noexcept {
  const double tail = incomplete_beta(degrees / (degrees + x * x), degrees / 2, 0.5) / 2;
  return x < 0 ? tail : 1 - tail;
}

double normal_quantile(double p) noexcept {
  if (p > 0.5) return -normal_quantile(1 - p);
  // A rational start (Abramowitz and Stegun 26.2.23), then Halley steps on the logarithm, which is
  // nearly a parabola.
  const double t = std::sqrt(-2 * std::log(p));
  double x = (2.515517 + t * (0.802853 + t * 0.010328)) /
                 (1 + t * (1.432788 + t * (0.189269 + t * 0.001308))) -
             t;
  for (int i = 0; i < 3; ++i) {
    const double below = 0.5 * std::erfc(-x / std::numbers::sqrt2);
    const double u = (below - p) / (std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi));
    x -= u / (1 + x * u / 2);
  }
  return x;
}

void add_dependences(DependenceRegistry& registry) {
  registry.add<Independent>("independent", "No instrument knows of another.");
  registry.add<Factor>("factor", "A common market factor, sector factors, and noise of one's own.");
  registry.add<GaussianCopula>("gaussian_copula",
                               "Correlated normal shocks: extremes come alone in the limit.");
  registry.add<StudentCopula>(
      "t_copula", "Correlated shocks with the copula of Student's t: extremes come together.");
  registry.add<DynamicCorrelation>(
      "dcc",
      "Correlations that move with what happened (dynamic conditional correlation, Engle 2002).");
}

}  // namespace walras::engine
