#pragma once
// From a scenario to everything that is the same for all its strategies: registries with their plug-ins, the tape, the
// market plan, the account, the benchmark and the folds.
#include "engine/data/source.hpp"
#include "engine/sim/simulation.hpp"
#include "scenarios/plugins.hpp"
#include "scenarios/run.hpp"
#include "scenarios/scenario.hpp"
#include "stats/returns.hpp"
#include "stats/splits.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace walras::scenarios {

/// One step of the walk-forward. Recorded markets: two spans of the tape. Generated markets: two disjoint sets of seeds.
struct Fold {
  std::uint32_t index = 0;
  engine::Span train{}, test{};
  std::vector<std::uint64_t> train_seeds, test_seeds;  ///< of simulations; recorded markets have one of each
};

/// What a run was fed, for provenance.
struct InputNote { std::string name, hash, note; };

/// Members are destroyed in reverse order: modules outlive what they built.
struct Setup {
  std::shared_ptr<Modules> modules;
  std::shared_ptr<const strategies::Registries> registries;
  Scenario scenario;
  std::filesystem::path file;                         ///< the scenario's
  std::shared_ptr<const engine::Tape> tape;           ///< null: generated
  std::shared_ptr<const engine::MarketPlan> plan;
  engine::AccountTerms account{};
  std::optional<stats::ReturnSeries> benchmark;       ///< on its own calendar; absent: cash
  std::string benchmark_name;                         ///< empty: cash
  std::vector<Fold> folds;
  stats::LeakAudit audit;                             ///< of the folds
  std::vector<InputNote> inputs;
  std::string data_hash;                              ///< of tape and benchmark; empty for generated markets without one
  std::string plugin_hash;                            ///< of the plug-in files and programs that the scenario names; empty where none
  Json resolved;                                      ///< the scenario with every default
};

/// What loading registries gives; keep `modules` as long as anything built from `registries`.
struct LoadedRegistries {
  std::shared_ptr<Modules> modules;
  std::shared_ptr<const strategies::Registries> registries;
};
/// The core's registries, the scenario's own plug-ins and, where it names one of their kinds, the learning plug-in.
LoadedRegistries load_registries(const Scenario& scenario, const std::filesystem::path& file);

/// The account that a strategy trades: the scenario's, with the strategy's own risk rules where it has some.
engine::AccountTerms account_of(const Setup& setup, const StrategyEntry& strategy);

/// Builds everything. Throws Error with the JSON pointer of what is wrong.
Setup prepare(const RunOptions& options);

/// What a piece of work kept on disk must have been made from to be taken up again: program, scenario, data, plug-ins.
std::string checkpoint_key(const Setup& setup);

/// The folds of a generated market: disjoint sets of seeds, drawn from `seed`.
std::vector<Fold> generated_folds(const WalkForwardParams& walk_forward, const engine::Span& whole, std::uint64_t seed);

/// Every point of the strategies' grids as a strategy of its own, named "name[fast=10,slow=50]".
std::vector<StrategyEntry> expand_grids(const std::vector<StrategyEntry>& strategies);
/// The grid's combinations as complete params, the last written parameter changing fastest; {params} where there is no grid.
std::vector<Json> grid_points(const StrategyEntry& strategy, const std::string& where);

}  // namespace walras::scenarios
