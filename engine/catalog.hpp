#pragma once
// One registry per family of the engine, filled by explicit add_* calls.
#include "engine/base/registry.hpp"
#include "engine/flow/flow.hpp"
#include "engine/flow/generators.hpp"
#include "engine/regime/dependence.hpp"
#include "engine/regime/process.hpp"
#include "engine/regime/regime.hpp"
#include "engine/venue/frictions.hpp"
#include "engine/venue/latency.hpp"
#include "engine/venue/venue.hpp"

namespace walras::engine {

struct EngineCatalog {
  Registry<LatencyModel, Rng> latency{"latency"};
  Registry<FeeModel, const Instrument&> fees{"fees"};
  Registry<SlippageModel, const Instrument&> slippage{"slippage"};
  Registry<Regime, Rng> regimes{"regime"};
  ProcessRegistry processes{"process"};
  DependenceRegistry dependences{"dependence"};
  FlowRegistry flows{"flow"};
  Registry<Generator, const GeneratorContext&> generators{"generator"};
};
/// All that the engine ships.
EngineCatalog engine_catalog();

}  // namespace walras::engine
