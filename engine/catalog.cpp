#include "engine/catalog.hpp"

namespace walras::engine {

EngineCatalog engine_catalog() {
  EngineCatalog catalog;
  add_latency_models(catalog.latency);
  add_fee_models(catalog.fees);
  add_slippage_models(catalog.slippage);
  add_regimes(catalog.regimes);
  add_processes(catalog.processes);
  add_dependences(catalog.dependences);
  add_flows(catalog.flows);
  add_generators(catalog.generators);
  return catalog;
}

}  // namespace walras::engine
