// Size and power of the worlds without alpha, by simulation: the slow suite.
#include "tests/scenarios/null_study.hpp"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

using namespace walras;
using namespace walras::scenarios;

namespace {

/// Share of studies whose best strategy has a p-value of at most 0.05. 19 worlds: exactly 5 % under the null, were the
/// real record exchangeable with those of the worlds.
double share(const char* kind, double memory, std::size_t studies) {
  std::size_t count = 0;
  for (std::uint64_t seed = 0; seed < studies; ++seed) {
    const tests::TemporaryFolder folder;
    count += nulls(study(folder, 1000 + seed, memory, 420, asked(kind, 19))).p_value <= 0.05 ? 1 : 0;
  }
  return static_cast<double>(count) / static_cast<double>(studies);
}

}  // namespace

TEST_CASE("worthless strategies pass the worlds without alpha in 5 % of studies, a planted edge in most") {
  constexpr std::size_t kStudies = 400;
  const double slack = 3 * std::sqrt(0.05 * 0.95 / kStudies);
  for (const char* kind : {"shuffled", "signs", "simulated"}) {
    const double size = share(kind, 0, kStudies);
    MESSAGE("size, " << std::string(kind) << ": " << size);
    CHECK(size <= 0.05 + slack);
    if (std::string_view(kind) != "simulated") CHECK(size >= 0.05 - slack);  // fitted, not exchangeable: it may be careful
    const double power = share(kind, 0.3, kStudies / 4);
    MESSAGE("power at an autocorrelation of 0.3, " << std::string(kind) << ": " << power);
    CHECK(power >= 0.6);
  }
}
