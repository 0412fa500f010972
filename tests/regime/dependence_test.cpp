#include "engine/regime/dependence.hpp"

#include "tests/regime/moments.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>
#include <vector>

using namespace walras;
using namespace walras::engine;
using namespace walras::tests;

namespace {

/// Shocks by instrument.
std::map<std::string, std::vector<double>> shocks(const std::string& json,
                                                  std::vector<std::string> names, int steps) {
  DependenceRegistry registry("dependence");
  add_dependences(registry);
  const auto law = registry.build(Json::parse(json), "/dependence",
                                  DependenceContext{names, Rng(3, "dependence")});
  std::vector<double> drawn(names.size());
  std::map<std::string, std::vector<double>> all;
  for (int k = 0; k < steps; ++k) {
    law->draw(drawn);
    for (std::size_t i = 0; i < names.size(); ++i) all[names[i]].push_back(drawn[i]);
  }
  return all;
}

/// Share of steps in which both lie beyond their own q-quantile on the side of `sign`, by q.
double together(const std::vector<double>& a, const std::vector<double>& b, double q) {
  const double edge = normal_quantile(q);
  double both = 0;
  for (std::size_t i = 0; i < a.size(); ++i) both += a[i] < edge && b[i] < edge ? 1 : 0;
  return both / static_cast<double>(a.size()) / q;
}

}  // namespace

TEST_CASE(
    "Student's distribution and the normal quantile agree with printed values and with each "
    "other") {
  CHECK(student_below(1, 1) == doctest::Approx(0.75).epsilon(1e-12));  // Cauchy: 1/2 + atan(x)/pi
  CHECK(student_below(-2, 1) ==
        doctest::Approx(0.5 - std::atan(2.0) / std::numbers::pi).epsilon(1e-12));
  CHECK(student_below(1.5, 2) ==
        doctest::Approx(0.5 + 1.5 / (2 * std::sqrt(2 + 2.25))).epsilon(1e-12));  // degrees 2
  CHECK(student_below(2.776445105, 4) == doctest::Approx(0.975).epsilon(1e-8));  // tables of t
  CHECK(normal_quantile(0.975) == doctest::Approx(1.959963984540054).epsilon(1e-12));
  for (const double p : {1e-12, 1e-6, 0.001, 0.2, 0.5, 0.9, 0.9999}) {
    CAPTURE(p);
    CHECK(0.5 * std::erfc(-normal_quantile(p) / std::numbers::sqrt2) ==
          doctest::Approx(p).epsilon(1e-12));
  }
}

TEST_CASE(
    "every coupling leaves each shock standard normal, and gives the correlations it states") {
  const std::vector<std::string> names{"A", "B", "C"};
  const struct {
    const char* json;
    double ab, ac;
  } cases[] = {
      {R"({"kind": "independent"})", 0, 0},
      {R"({"kind": "factor", "market": 0.3, "sector": 0.4, "sectors": {"A": "tech", "B": "tech"}})",
       0.7, 0.3},
      {R"({"kind": "gaussian_copula", "correlation": 0.5})", 0.5, 0.5},
      {R"({"kind": "gaussian_copula", "matrix": [[1, 0.6, -0.4], [0.6, 1, 0], [-0.4, 0, 1]]})", 0.6,
       -0.4},
      {R"({"kind": "dcc", "correlation": 0.5})", 0.5, 0.5}};
  for (const auto& test : cases) {
    CAPTURE(std::string(test.json));
    auto drawn = shocks(test.json, names, 40000);
    for (const auto& [name, values] : drawn) {
      CHECK(mean(values).off(0) < 4);
      CHECK(moment(values, 0, 2).off(1) < 4);
      CHECK(moment(values, 0, 4).off(3) < 4);
    }
    CHECK(std::abs(correlation(drawn["A"], drawn["B"]) - test.ab) < 0.025);
    CHECK(std::abs(correlation(drawn["A"], drawn["C"]) - test.ac) < 0.025);
  }
}

TEST_CASE(
    "the t copula has normal margins and the tail dependence of its closed form; the Gaussian "
    "loses it") {
  // lim P(both below q) / q = 2 T_5(-sqrt(5 (1 - r) / (1 + r))) for 4 degrees; at q = 0.001 the
  // limit is nearly reached.
  const double limit = 2 * student_below(-std::sqrt(5 * 0.5 / 1.5), 5);
  auto student =
      shocks(R"({"kind": "t_copula", "correlation": 0.5, "degrees": 4})", {"A", "B"}, 400000);
  CHECK(moment(student["A"], 0, 2).off(1) < 4);
  CHECK(moment(student["A"], 0, 4).off(3) < 4);
  const double q = 0.001, error = std::sqrt(limit / (400000 * q));
  CAPTURE(limit);
  CHECK(std::abs(together(student["A"], student["B"], q) - limit) < 3 * error);
  auto normal = shocks(R"({"kind": "gaussian_copula", "correlation": 0.5})", {"A", "B"}, 400000);
  CHECK(together(normal["A"], normal["B"], q) < limit / 2);
}

TEST_CASE(
    "dynamic correlation: after shocks of one sign the correlation is higher than after shocks of "
    "two") {
  auto drawn =
      shocks(R"({"kind": "dcc", "correlation": 0.3, "a": 0.15, "b": 0.8})", {"A", "B"}, 200000);
  double same = 0, same_n = 0, apart = 0, apart_n = 0;
  for (std::size_t i = 1; i < drawn["A"].size(); ++i) {
    const double before = drawn["A"][i - 1] * drawn["B"][i - 1],
                 now = drawn["A"][i] * drawn["B"][i];
    if (before > 1) same += now, ++same_n;
    if (before < -0.5) apart += now, ++apart_n;
  }
  CHECK(same / same_n > apart / apart_n + 0.1);
}

TEST_CASE("a further instrument changes no other's shocks") {
  for (const char* json : {R"({"kind": "independent"})", R"({"kind": "factor"})",
                           R"({"kind": "gaussian_copula"})", R"({"kind": "t_copula"})"}) {
    CAPTURE(std::string(json));
    CHECK(shocks(json, {"B", "C"}, 20)["B"] == shocks(json, {"A", "B", "C"}, 20)["B"]);
  }
}

TEST_CASE("couplings that cannot be are refused with their place") {
  const auto refused = [](const char* json, const char* words) {
    CHECK_THROWS_WITH_AS(shocks(json, {"A", "B"}, 1), doctest::Contains(words), Error);
  };
  refused(R"({"kind": "gaussian_copula", "matrix": [[1, 2], [2, 1]]})", "/dependence/matrix");
  refused(R"({"kind": "gaussian_copula", "matrix": [[1, 1], [1, 1]]})", "positive definite");
  refused(R"({"kind": "gaussian_copula", "matrix": [[1, 0.5], [0.4, 1]]})", "symmetric");
  refused(R"({"kind": "gaussian_copula", "matrix": [[1]]})", "2 rows");
  refused(R"({"kind": "factor", "sectors": {"Z": "tech"}})", "/dependence/sectors/Z");
  refused(R"({"kind": "factor", "market": 0.8, "sector": 0.4})", "market + sector");
  refused(R"({"kind": "dcc", "a": 0.1, "b": 0.95})", "a + b below 1");
}
