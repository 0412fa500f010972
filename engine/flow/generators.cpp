#include "engine/flow/generators.hpp"

#include "engine/flow/bar_market.hpp"
#include "engine/flow/book_market.hpp"
#include "engine/flow/intensity.hpp"
#include "engine/flow/zero_intelligence.hpp"

namespace walras::engine {

void add_generators(Registry<Generator, const GeneratorContext&>& registry) {
  add_zero_intelligence(registry);
  add_intensity(registry);
  add_bar_market(registry);
  add_book_market(registry);
}

}  // namespace walras::engine
