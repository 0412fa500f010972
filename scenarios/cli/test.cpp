#include "engine/base/error.hpp"
#include "scenarios/cli/catalog.hpp"

namespace walras::scenarios {

Command test_command() {
  return {"test", "run the test-suite (from a checkout)", {{"NAME", "only these tests", false, true}},
          {{"--full", "", "the slow, oracle and fuzz suites, the thread sanitizer and clang too"}},
          {"./walras test", "./walras test --full"},
          [](const Arguments&) -> int {
            fail(Fault::Unavailable, "walras test",
                 "the test-suite is part of the source: in a checkout, run ./walras test; an installed program checks "
                 "itself with walras doctor");
          }};
}

}  // namespace walras::scenarios
