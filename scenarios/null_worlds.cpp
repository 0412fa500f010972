#include "scenarios/null_worlds.hpp"

#include "engine/base/files.hpp"
#include "engine/base/parallel.hpp"
#include "engine/data/null_market.hpp"
#include "scenarios/judge.hpp"
#include "stats/sharpe.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>

namespace walras::scenarios {
namespace {

/// t of the mean; 0 where nothing varies. Which statistic it is does not bend the p-value: the worlds have the same one.
double statistic(const std::vector<double>& excess) {
  const auto facts = stats::sharpe_facts(excess);
  return facts ? facts->sharpe.value * std::sqrt(static_cast<double>(facts->n)) : 0;
}

/// Makes world number w out of the real set-up.
class Worlds {
 public:
  explicit Worlds(const Setup& setup) : setup_(setup), params_(*setup.scenario.evidence.null_worlds) {
    if (params_.kind == NullKind::Market) return;
    const engine::Destruction kind = params_.kind == NullKind::Signs       ? engine::Destruction::Signs
                                     : params_.kind == NullKind::Simulated ? engine::Destruction::Simulated
                                                                           : engine::Destruction::Shuffled;
    std::vector<std::vector<double>> companions;
    dates_ = engine::NullMarketMaker::dates(*setup.tape);
    if (setup.benchmark) companions.push_back(benchmark_by_date());
    maker_.emplace(setup.tape, kind, static_cast<std::size_t>(params_.block), std::move(companions), "/evidence/null_worlds");
  }

  Setup make(std::uint64_t world) const {
    Setup setup = setup_;
    const Scenario& scenario = setup_.scenario;
    if (!maker_) {
      setup.tape = nullptr;
      setup.plan = engine::build_market(params_.market, scenario.venue, nullptr, setup.registries->engine);
      const std::uint64_t seed = Rng(scenario.seed, "null world", world).bits();
      setup.folds = generated_folds(scenario.walk_forward, setup.plan->whole(), seed);
      return setup;
    }
    engine::NullMarket market = maker_->draw(scenario.seed, world);
    setup.tape = std::move(market.tape);
    setup.plan = engine::build_market(scenario.market, scenario.venue, setup.tape, setup.registries->engine);
    if (setup.benchmark) {
      setup.benchmark->start = dates_.front();
      setup.benchmark->times.assign(dates_.begin() + 1, dates_.end());
      setup.benchmark->returns.assign(market.companions[0].begin() + 1, market.companions[0].end());
    }
    return setup;
  }

 private:
  /// What the benchmark earned up to each date of the market since the one before.
  std::vector<double> benchmark_by_date() const {
    stats::ReturnSeries periods;
    periods.start = dates_.front();
    periods.times.assign(dates_.begin() + 1, dates_.end());
    std::vector<double> returns = stats::align(periods, *setup_.benchmark).returns;
    returns.insert(returns.begin(), 0.0);
    return returns;
  }

  const Setup& setup_;
  const NullWorldParams& params_;
  std::vector<Nanos> dates_;
  std::optional<engine::NullMarketMaker> maker_;
};

/// Finished worlds on disk: one small file each.
class Finished {
 public:
  Finished(const Setup& setup, std::filesystem::path folder) : folder_(std::move(folder)), key_(checkpoint_key(setup)) {}
  bool load(std::size_t world, std::vector<double>& statistics) const {
    if (folder_.empty() || !std::filesystem::exists(place(world))) return false;
    const Json json = Json::read(place(world));
    if (json.at("key").as_string() != key_) return false;
    statistics.clear();
    for (const Json& value : json.at("statistics").as_array()) statistics.push_back(value.as_number());
    return true;
  }
  void save(std::size_t world, const std::vector<double>& statistics) const {
    if (folder_.empty()) return;
    Json values = Json::array();
    for (const double value : statistics) values.push_back(value);
    write_atomically(place(world), Json::object({{"key", key_}, {"statistics", std::move(values)}}).dump());
  }

 private:
  std::filesystem::path place(std::size_t world) const { return folder_ / fmt::format("null-{}.json", world); }
  std::filesystem::path folder_;
  std::string key_;
};

}  // namespace

NullWorlds run_null_worlds(const Setup& setup, const RunOptions& options, const std::vector<std::vector<double>>& excess,
                           const std::filesystem::path& checkpoints) {
  const NullWorldParams& params = *setup.scenario.evidence.null_worlds;
  NullWorlds result;
  for (const auto& [kind, name] : EnumNames<NullKind>::names) {
    if (kind == params.kind) result.kind = name;
  }
  result.worlds = static_cast<std::size_t>(params.worlds);
  for (const std::vector<double>& series : excess) result.statistics.push_back(statistic(series));
  const Worlds worlds(setup);
  const Finished finished(setup, checkpoints);
  result.best.resize(result.worlds);
  std::size_t done = 0;
  std::mutex mutex;
  parallel_for(result.worlds, [&](std::size_t w) {
    std::vector<double> statistics;
    if (!finished.load(w, statistics)) {
      const Setup world = worlds.make(w);
      for (const StrategyResult& strategy : walk_forward_judged(world, options)) {
        statistics.push_back(statistic(judged_excess(world, strategy)));
      }
      finished.save(w, statistics);
    }
    result.best[w] = *std::max_element(statistics.begin(), statistics.end());
    const std::lock_guard lock(mutex);
    ++done;
    if (options.progress) options.progress(done, result.worlds, "worlds without alpha");
  });
  const auto p_of = [&](double own) {
    const auto reached = std::count_if(result.best.begin(), result.best.end(), [&](double best) { return best >= own; });
    return static_cast<double>(1 + reached) / static_cast<double>(result.worlds + 1);
  };
  for (const double own : result.statistics) result.p_values.push_back(p_of(own));
  result.best_statistic = *std::max_element(result.statistics.begin(), result.statistics.end());
  result.p_value = p_of(result.best_statistic);
  return result;
}

}  // namespace walras::scenarios
