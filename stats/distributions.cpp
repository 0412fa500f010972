#include "stats/distributions.hpp"

#include "engine/base/error.hpp"

#include <boost/math/distributions/students_t.hpp>
#include <boost/math/special_functions/beta.hpp>
#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>
#include <limits>
#include <numbers>

namespace walras::stats {
namespace {

// Plain doubles throughout: the promotion to long double would differ between processors.
using Plain = boost::math::policies::policy<boost::math::policies::promote_double<false>>;

}  // namespace

double normal_density(double z) {
  return std::exp(-z * z / 2) * std::numbers::inv_sqrtpi / std::numbers::sqrt2;
}

double normal_probability(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }

double normal_quantile(double probability) {
  expects(probability >= 0 && probability <= 1, "a probability in [0, 1]");
  if (probability <= 0) return -std::numeric_limits<double>::infinity();
  if (probability >= 1) return std::numeric_limits<double>::infinity();
  return -std::numbers::sqrt2 * boost::math::erfc_inv(2 * probability, Plain());
}

double chi_square_tail(double x, double degrees) {
  expects(x >= 0 && degrees > 0, "a statistic of at least 0 with degrees of freedom");
  return boost::math::gamma_q(degrees / 2, x / 2, Plain());
}

double student_two_sided(double t, double degrees) {
  expects(degrees > 0, "degrees of freedom above 0");
  if (!std::isfinite(t)) return 0;
  return boost::math::ibeta(degrees / 2, 0.5, degrees / (degrees + t * t), Plain());
}

double student_t_tail(double t, double degrees) {
  expects(degrees > 0, "positive degrees of freedom");
  if (std::isinf(t)) return t > 0 ? 0 : 1;
  const double square = t * t;
  // The smaller of the two arguments of the incomplete beta function keeps its digits.
  const double outside =
      square > degrees ? boost::math::ibeta(degrees / 2, 0.5, degrees / (degrees + square), Plain())
                       : boost::math::ibetac(0.5, degrees / 2, square / (degrees + square), Plain());
  return t > 0 ? outside / 2 : 1 - outside / 2;
}

double student_t_quantile(double probability, double degrees) {
  if (std::isinf(degrees)) return normal_quantile(probability);
  expects(probability >= 0 && probability <= 1 && degrees > 0, "a probability and positive degrees of freedom");
  if (probability == 0 || probability == 1) return std::copysign(std::numeric_limits<double>::infinity(), probability - 0.5);
  return boost::math::quantile(boost::math::students_t_distribution<double, Plain>(degrees), probability);
}

}  // namespace walras::stats
