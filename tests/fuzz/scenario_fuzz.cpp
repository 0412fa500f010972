// Any JSON either is a scenario, whose grids then expand and whose components then resolve, or an Error that is about the
// scenario: never a crash, and never an internal error.
#include "engine/base/error.hpp"
#include "scenarios/scenario.hpp"
#include "scenarios/setup.hpp"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace walras;
  const strategies::Registries registries = strategies::registries();
  try {
    const Json json = Json::parse(std::string_view(reinterpret_cast<const char*>(data), size), "fuzz");
    const scenarios::Scenario scenario = scenarios::parse_scenario(json);
    (void)scenarios::expand_grids(scenario.strategies);
    (void)scenarios::resolve(scenario, registries);
    (void)engine::build_market(scenario.market, scenario.venue, nullptr, registries.engine);
  } catch (const Error& error) {
    if (error.fault() == Fault::Internal) std::abort();
  }
  return 0;
}
