#include "stats/p_values.hpp"

#include "engine/base/error.hpp"
#include "tests/stats/samples.hpp"

#include <algorithm>
#include <doctest/doctest.h>

using namespace walras;
using namespace walras::stats;

TEST_CASE("adjusted p-values are those of R and statsmodels") {
  // statsmodels: stats/tests/test_multi.py (R multtest, p.adjust)
  const std::vector<double> p{.838541367553, .642193923795, .680845947633, .967833824309, .71626938238,
                              .177096952723, 5.23656777208e-5, .0202732688798, 2.8140506198e-4, .0149877310796};
  struct Case { Adjustment adjustment; std::vector<double> smallest; std::size_t rejected; };
  const Case cases[] = {
      {Adjustment::Bonferroni, {5.236567772e-4, .00281405062, .1498773108, .2027326888}, 2},
      {Adjustment::Holm, {5.236567772e-4, .002532645558, .1199018486, .1419128822}, 2},
      {Adjustment::Sidak, {5.23533397e-4, .002810489796, .1401624658, .1852027095}, 2},
      {Adjustment::Hochberg, {5.236567772e-4, .002532645558, .1199018486, .1419128822}, 2},
      {Adjustment::HolmSidak, {5.23533397e-4, .002529796632, .1137971968, .133567562}, 2},
      {Adjustment::Hommel, {5.236567772e-4, .002532645558, .1049141176, .1419128822}, 2},
      {Adjustment::BenjaminiHochberg, {5.236567772e-4, .00140702531, .0499591036, .0506831722}, 3},
      {Adjustment::BenjaminiYekutieli, {.001533774076, .004121132465, .1463286284, .1484494024}, 2},
  };
  for (const Case& c : cases) {
    std::vector<double> adjusted = adjust(p, c.adjustment);
    std::sort(adjusted.begin(), adjusted.end());
    CAPTURE(static_cast<int>(c.adjustment));
    for (std::size_t i = 0; i < 4; ++i) CHECK(adjusted[i] == doctest::Approx(c.smallest[i]).epsilon(1e-8));
    CHECK(static_cast<std::size_t>(std::count_if(adjusted.begin(), adjusted.end(), [](double x) { return x <= .05; })) ==
          c.rejected);
  }
}

TEST_CASE("Benjamini and Hochberg's own example: what each method rejects at .05") {
  const std::vector<double> p{.0001, .0004, .0019, .0095, .0201, .0278, .0298, .0344, .0459, .3240, .4262, .5719, .6528,
                              .7590, 1};
  const auto rejected = [&](Adjustment adjustment) {
    const std::vector<double> adjusted = adjust(p, adjustment);
    return std::count_if(adjusted.begin(), adjusted.end(), [](double x) { return x <= .05; });
  };
  CHECK(rejected(Adjustment::Holm) == 3);
  CHECK(rejected(Adjustment::BenjaminiYekutieli) == 3);
  CHECK(rejected(Adjustment::BenjaminiHochberg) == 4);
  CHECK(rejected(Adjustment::GavrilovBenjaminiSarkar) == 9);
  const TwoStageResult two = adjust_in_two_stages(p, TwoStage::BenjaminiKriegerYekutieli, .05);
  CHECK(std::count_if(two.adjusted.begin(), two.adjusted.end(), [](double x) { return x <= .05; }) == 8);
  CHECK(two.first_level == doctest::Approx(.0476).epsilon(1e-3));   // printed with four digits
  CHECK(two.second_level == doctest::Approx(.0649).epsilon(1e-3));
  CHECK(two.true_nulls == 11);
  const double printed[] = {.0012, .0023, .0073, .0274, .0464, .0492, .0492, .0497, .0589, .3742, .4475, .5505, .5800, .6262, .77};
  for (std::size_t i = 0; i < p.size(); ++i) CHECK(std::abs(two.adjusted[i] - printed[i]) <= 6e-5);
}

TEST_CASE("two stages reject more than one, and tell p-values in any order") {
  const std::vector<double> p{.838541367553, .642193923795, .680845947633, .967833824309, .71626938238,
                              .177096952723, 5.23656777208e-5, .0202732688798, 2.8140506198e-4, .0149877310796};
  std::vector<double> adjusted = adjust_in_two_stages(p, TwoStage::BenjaminiHochberg, .05).adjusted;
  std::sort(adjusted.begin(), adjusted.end());
  const double expected[] = {3.66559744e-4, 9.849177169e-4, .03497137252, .03547822054};
  for (std::size_t i = 0; i < 4; ++i) CHECK(adjusted[i] == doctest::Approx(expected[i]).epsilon(1e-8));
  CHECK(std::count_if(adjusted.begin(), adjusted.end(), [](double x) { return x <= .05; }) == 4);
  const std::vector<double> unsorted{.2, .8, .3, .5, 1};
  const std::vector<double> got = adjust_in_two_stages(unsorted, TwoStage::BenjaminiKriegerYekutieli, .05).adjusted;
  const double want[] = {.7875, 1, .7875, .875, 1};
  for (std::size_t i = 0; i < 5; ++i) CHECK(got[i] == doctest::Approx(want[i]).epsilon(1e-12));
  CHECK_THROWS_AS((void)adjust_in_two_stages(unsorted, TwoStage::BenjaminiHochberg, 1), Error);
  CHECK(adjust_in_two_stages({}, TwoStage::BenjaminiHochberg).adjusted.empty());
}

TEST_CASE("peer error: Benjamini-Hochberg is a step-up") {
  // A step-down would stop at .04 > .05 / 2 and reject nothing.
  CHECK(adjust(std::vector<double>{.03, .04}, Adjustment::BenjaminiHochberg) == std::vector<double>{.04, .04});
}

TEST_CASE("adjusted p-values are in [0, 1], and keep the order of p") {
  Rng random(1, "p-values");
  for (int round = 0; round < 50; ++round) {
    std::vector<double> p(1 + random.below(30));
    for (double& value : p) value = random.bernoulli(0.2) ? random.uniform() * 0.01 : random.uniform();
    p[0] = random.bernoulli(0.5) ? 0 : 1;
    for (int method = 0; method <= static_cast<int>(Adjustment::GavrilovBenjaminiSarkar); ++method) {
      const std::vector<double> adjusted = adjust(p, static_cast<Adjustment>(method));
      for (std::size_t i = 0; i < p.size(); ++i) {
        // An adaptive method may go below p where most p-values are small.
        if (static_cast<Adjustment>(method) != Adjustment::GavrilovBenjaminiSarkar) CHECK(adjusted[i] >= p[i] - 1e-15);
        CHECK(adjusted[i] <= 1);
        for (std::size_t j = 0; j < p.size(); ++j) {
          if (p[i] < p[j]) CHECK(adjusted[i] <= adjusted[j]);
        }
      }
    }
  }
  CHECK_THROWS_AS((void)adjust(std::vector<double>{0.5, 1.5}, Adjustment::Holm), Error);
  CHECK(adjust({}, Adjustment::Hommel).empty());
}

TEST_CASE("q-values and two-stage p-values are in [0, 1] and keep the order of p") {
  Rng random(2, "p-values");
  for (int round = 0; round < 50; ++round) {
    std::vector<double> p(1 + random.below(60));
    for (double& value : p) value = random.bernoulli(0.3) ? random.uniform() * 0.01 : random.uniform();
    p.back() = random.bernoulli(0.5) ? 0 : 1;
    const QValues q = storey_q_values(p);
    const std::vector<double> bh = adjust(p, Adjustment::BenjaminiHochberg);
    const std::vector<double> bky = adjust_in_two_stages(p, TwoStage::BenjaminiKriegerYekutieli).adjusted;
    const std::vector<double> tsbh = adjust_in_two_stages(p, TwoStage::BenjaminiHochberg).adjusted;
    CHECK(q.true_share > 0);
    CHECK(q.true_share <= 1);
    for (const auto* list : {&q.q, &bky, &tsbh}) {
      for (std::size_t i = 0; i < p.size(); ++i) {
        CHECK((*list)[i] >= 0);
        CHECK((*list)[i] <= 1);
        for (std::size_t j = 0; j < p.size(); ++j) {
          if (p[i] < p[j]) CHECK((*list)[i] <= (*list)[j]);
        }
      }
    }
    for (std::size_t i = 0; i < p.size(); ++i) {
      CHECK(q.q[i] <= bh[i]);
      CHECK(tsbh[i] <= bh[i]);
    }
  }
  CHECK(storey_q_values(std::vector<double>(30, 0.001)).true_share > 0);  // none above lambda: still not none
  CHECK(storey_q_values(std::vector<double>{.01, .5}).true_share == 1);    // too few to tell
  CHECK_THROWS_AS((void)storey_q_values(std::vector<double>{.5}, 1.0), Error);
  CHECK_THROWS_AS((void)storey_q_values(std::vector<double>{std::nan("")}), Error);
}

TEST_CASE("the local false discovery rate tells a second hump from the null") {
  std::vector<double> z = normals(2000, 0, 1, 5);
  const std::vector<double> found = normals(200, 4, 1, 6);
  z.insert(z.end(), found.begin(), found.end());
  const std::vector<double> rates = local_fdr(z, {.true_share = 0.9});
  const auto at = [&](double where) {
    std::size_t nearest = 0;
    for (std::size_t i = 0; i < z.size(); ++i) nearest = std::abs(z[i] - where) < std::abs(z[nearest] - where) ? i : nearest;
    return rates[nearest];
  };
  // By Bayes' rule, from the densities that were drawn.
  const auto truth = [](double x) {
    const double null = 2000 * std::exp(-x * x / 2), other = 200 * std::exp(-(x - 4) * (x - 4) / 2);
    return null / (null + other);
  };
  for (const double x : {-2.0, 0.0, 1.0, 2.0, 3.0, 4.0}) CHECK(at(x) == doctest::Approx(truth(x)).epsilon(0.15).scale(1));
  CHECK(at(5) < 0.01);
  CHECK_THROWS_AS((void)local_fdr(std::vector<double>(19, 1.0)), Error);
  CHECK_THROWS_AS((void)local_fdr(std::vector<double>(50, 1.0)), Error);
  CHECK_THROWS_AS((void)local_fdr(z, {.degree = 29}), Error);
}
