#include "engine/base/error.hpp"

#include <doctest/doctest.h>

using namespace walras;

TEST_CASE("an error reads place first, then what was expected") {
  const Error error(Fault::Scenario, "/seed", "expected an integer, was text");
  CHECK(std::string(error.what()) == "/seed: expected an integer, was text");
  CHECK(exit_code(error.fault()) == 3);
}
