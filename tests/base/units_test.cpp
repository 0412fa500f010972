#include "engine/base/units.hpp"
#include "engine/base/error.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace walras;

TEST_CASE("counts of one unit add, subtract and scale by integers") {
  Ticks price{5};
  price += Ticks{7};
  CHECK(price - Ticks{2} == Ticks{10});
  CHECK(-price * 3 == Ticks{-36});
  CHECK(Lots{1} < Lots{2});
}

TEST_CASE("money rounds to the nearest 1e-12 with halves away from zero") {
  CHECK(Money::from_units(1.5).value == Money::Integer{1'500'000'000'000});
  CHECK(Money::from_units(-0.01).value == Money::Integer{-10'000'000'000});
  CHECK(Money::from_units(0.5e-12).value == 1);
  CHECK(Money::from_units(-0.5e-12).value == -1);
  CHECK(Money::from_units(9'007'199'254'740'992.0).value ==
        Money::Integer{9'007'199'254'740'992} * Money::kPerUnit);
  CHECK(Money::from_units(1e9 + 0.25).units() == 1e9 + 0.25);
}

TEST_CASE("money beyond its range or not finite is refused") {
  CHECK_NOTHROW(Money::from_units(1.7e26));
  for (const double bad : {1.8e26, -1e300, std::nan(""), std::numeric_limits<double>::infinity()}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(Money::from_units(bad), Error);
  }
}

TEST_CASE("run records keep money in millionths, rounded half away from zero") {
  CHECK(Money{499'999}.micros() == 0);
  CHECK(Money{500'000}.micros() == 1);
  CHECK(Money{-500'000}.micros() == -1);
  CHECK(Money::from_units(-12.3456785).micros() == -12'345'679);
  CHECK_THROWS_AS((void)Money::from_units(1e13).micros(), Error);
}
