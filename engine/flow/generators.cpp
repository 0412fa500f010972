#include "engine/flow/generators.hpp"

#include "engine/flow/intensity.hpp"
#include "engine/flow/zero_intelligence.hpp"

namespace walras::engine {

void add_generators(Registry<Generator, const GeneratorContext&>& registry) {
  add_zero_intelligence(registry);
  add_intensity(registry);
}

}  // namespace walras::engine
