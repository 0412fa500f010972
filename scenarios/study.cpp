#include "scenarios/study.hpp"

#include "engine/base/files.hpp"
#include "engine/base/parallel.hpp"
#include "scenarios/version.hpp"
#include "stats/performance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <mutex>

namespace walras::scenarios {
namespace {

using engine::RunRecord;
using engine::Simulation;

/// Gives a strategy its training span and nothing else.
class FoldTraining final : public strategies::Training {
 public:
  FoldTraining(const Setup& setup, const StrategyEntry& entry, const Fold& fold) : setup_(setup), fold_(fold), account_(account_of(setup, entry)) {
    // Generated bars: those of the first training seed. Book markets have nothing before they are played.
    path_ = setup.plan->path_of(fold.train_seeds.front());
    if (path_) events_ = path_->between(fold.train.warm_up, fold.train.end);
  }
  std::span<const engine::Instrument> instruments() const override { return setup_.plan->instruments(); }
  std::span<const engine::Event> events() const override { return events_; }
  const engine::Bar& bar(const engine::Event& event) const override {
    if (!path_ || event.payload >= path_->bars.size() || path_->bars[event.payload].close_time >= fold_.train.end) {
      fail(Fault::Internal, "training", "expected a bar inside the training span, was one beyond its end");
    }
    return path_->bars[event.payload];
  }
  std::unique_ptr<Simulation> market(std::uint64_t seed) const override {
    const auto& seeds = fold_.train_seeds;
    const std::uint64_t base = seeds[seed % seeds.size()];
    const std::uint64_t round = seed / seeds.size();
    // The first round are the seeds that the in-sample record is taken on; later rounds are further markets of their kind.
    const std::uint64_t mixed = round == 0 ? base : Rng(base, "training", round).bits();
    return std::make_unique<Simulation>(setup_.plan, fold_.train, mixed);
  }
  const engine::AccountTerms& account() const override { return account_; }
  engine::Span span() const override { return fold_.train; }
  double periods_per_year() const override { return setup_.plan->periods_per_year(); }
  std::string identity() const override {
    Sha256 hash;
    hash.update(build_id());
    hash.update(setup_.plan->resolved().dump());
    hash.update(setup_.data_hash);
    hash.update(setup_.plugin_hash);
    for (const Nanos time : {fold_.train.warm_up, fold_.train.begin, fold_.train.end}) hash.update_integer(time.value);
    for (const std::uint64_t seed : fold_.train_seeds) hash.update_integer(static_cast<std::int64_t>(seed));
    return hash.hex();
  }

 private:
  const Setup& setup_;
  const Fold& fold_;
  engine::AccountTerms account_;
  std::shared_ptr<const engine::Tape> path_;
  std::span<const engine::Event> events_;
};

std::unique_ptr<strategies::Strategy> build(const Setup& setup, const StrategyEntry& entry, const Json& params, const Fold& fold,
                                            const std::string& where, std::function<void(const std::string&)> notice = {}) {
  Json json = Json::object({{"kind", entry.kind}});
  for (const auto& [key, value] : params.as_object()) json[key] = value;
  const strategies::StrategyContext context{
      .instruments = setup.plan->instruments(),
      .periods_per_year = setup.plan->periods_per_year(),
      // By kind, not by name: a name must not be a way to draw again.
      .random = Rng(setup.scenario.seed, "strategy/" + entry.kind, fold.index),
      .registries = setup.registries.get(),
      .folder = setup.file.parent_path(),
      .notice = std::move(notice)};
  return setup.registries->strategies.build(json, where, context);
}

RunRecord play(const Setup& setup, strategies::Strategy& strategy, const StrategyEntry& entry, const engine::Span& span,
               std::uint64_t seed) {
  Simulation simulation(setup.plan, span, seed);
  const std::uint32_t participant = simulation.add(strategy, entry.kind, account_of(setup, entry));
  simulation.run();
  RunRecord record = simulation.record(participant);
  record.cut_off = strategy.cut_off();
  if (!record.cut_off.empty()) record.warnings.push_back(record.cut_off);
  return record;
}

/// What the best grid point has most of; absent where it cannot be computed (no variance): never chosen.
double criterion(Criterion which, const std::vector<RunRecord>& records, double periods_per_year) {
  std::string_view name = "sharpe";
  switch (which) {
    case Criterion::Sharpe: break;
    case Criterion::TotalReturn: name = "total_return"; break;
    case Criterion::Sortino: name = "sortino"; break;
    case Criterion::Calmar: name = "calmar"; break;
  }
  double sum = 0;
  for (const RunRecord& record : records) {
    const stats::Evidence evidence = stats::measure(name, net_returns(record, periods_per_year));
    if (!evidence.estimate) return -std::numeric_limits<double>::infinity();
    sum += *evidence.estimate;
  }
  return sum / static_cast<double>(records.size());
}

/// A unit of work: one strategy on one fold, from nothing to its records.
class Unit {
 public:
  /// `in_sample`: play the training span even where nothing is chosen by it.
  Unit(const Setup& setup, const RunOptions& options, const StrategyEntry& entry, const Fold& fold, std::string where, bool in_sample)
      : setup_(setup), options_(options), entry_(entry), fold_(fold), where_(std::move(where)), in_sample_(in_sample) {}

  FoldResult run() {
    const FoldTraining training(setup_, entry_, fold_);
    const std::vector<Json> points = grid_points(entry_, where_);
    FoldResult result;
    result.candidates = points.size();
    std::unique_ptr<strategies::Strategy> best;
    Json best_params = points.front();
    double best_score = -std::numeric_limits<double>::infinity();
    for (const Json& params : points) {
      stop_if_interrupted();
      auto strategy = build(setup_, entry_, params, fold_, where_ + "/params", options_.notice);
      strategy->fit(training);
      std::vector<RunRecord> records;
      if (in_sample_ || points.size() > 1) records = play_all(*strategy, fold_.train, fold_.train_seeds, false);
      const double score = points.size() == 1 ? 0 : criterion(entry_.criterion, records, setup_.plan->periods_per_year());
      if (!best || score > best_score) {
        best = std::move(strategy);
        best_score = score;
        best_params = params;
        result.in_sample = std::move(records);
      }
    }
    result.chosen = describe(*best, best_params, points.size(), best_score);
    for (RunRecord& record : result.in_sample) record.fitted = result.chosen;
    stop_if_interrupted();
    result.out_of_sample = play_all(*best, fold_.test, fold_.test_seeds, true);
    for (RunRecord& record : result.out_of_sample) record.fitted = result.chosen;
    return result;
  }

 private:
  void stop_if_interrupted() const {
    if (options_.interrupted && options_.interrupted->load()) fail(Fault::Interrupted, "", "interrupted");
  }

  std::vector<RunRecord> play_all(strategies::Strategy& strategy, const engine::Span& span,
                                  const std::vector<std::uint64_t>& seeds, bool out_of_sample) const {
    std::vector<RunRecord> records;
    for (const std::uint64_t seed : seeds) {
      stop_if_interrupted();
      RunRecord record;
      try {
        record = play(setup_, strategy, entry_, span, seed);
      } catch (const Error& error) {
        if (error.fault() != Fault::Numeric || error.where() != "money") throw;
        fail(Fault::Scenario, "/account/capital",
             fmt::format("{} (of {}, fold {}, {} sample)", error.message(), entry_.name, fold_.index + 1, out_of_sample ? "out of" : "in"));
      }
      record.strategy = entry_.name;
      record.fold = fold_.index;
      record.out_of_sample = out_of_sample;
      record.seed = seed;
      records.push_back(std::move(record));
    }
    return records;
  }

  Json describe(const strategies::Strategy& strategy, const Json& params, std::size_t candidates, double score) const {
    Json chosen;
    for (const auto& [key, unused] : entry_.grid.as_object()) chosen["params"][key] = params.at(key);
    if (candidates > 1 && score > -std::numeric_limits<double>::infinity()) chosen["score"] = score;
    if (candidates > 1) chosen["candidates"] = candidates;
    if (const Json fitted = strategy.fitted(); !fitted.is_null()) chosen["fitted"] = fitted;
    return chosen;
  }

  const Setup& setup_;
  const RunOptions& options_;
  const StrategyEntry& entry_;
  const Fold& fold_;
  std::string where_;
  bool in_sample_;
};

/// Finished units on disk, so that an interrupted run can go on to the same bits.
class Checkpoints {
 public:
  Checkpoints(const Setup& setup, std::filesystem::path folder, bool resume) : setup_(setup), folder_(std::move(folder)) {
    if (folder_.empty()) return;
    key_ = checkpoint_key(setup);
    if (!resume) std::filesystem::remove_all(folder_);
    std::error_code failed;
    std::filesystem::create_directories(folder_, failed);
    if (failed) fail(Fault::Io, folder_.string(), "expected a folder that can be written to, was refused: " + failed.message());
  }

  bool load(std::size_t strategy, std::uint32_t fold, FoldResult& result) const {
    if (folder_.empty()) return false;
    const auto file = place(strategy, fold);
    if (!std::filesystem::exists(file)) return false;
    const Store store = Store::read(file);
    const Json* key = store.attributes.find("key");
    if (!key || key->as_string() != key_) return false;  // of another scenario or other data: run again
    std::vector<engine::Instrument> instruments;
    for (RunRecord& record : engine::records_from_store(store, instruments)) {
      (record.out_of_sample ? result.out_of_sample : result.in_sample).push_back(std::move(record));
    }
    result.chosen = Json::parse(store.attributes.at("chosen").as_string());
    result.candidates = static_cast<std::size_t>(store.attributes.at("candidates").as_integer());
    return true;
  }

  void save(std::size_t strategy, std::uint32_t fold, const FoldResult& result) const {
    if (folder_.empty()) return;
    std::vector<RunRecord> records = result.in_sample;
    records.insert(records.end(), result.out_of_sample.begin(), result.out_of_sample.end());
    engine::to_store(records, setup_.plan->instruments(),
                     Json::object({{"key", key_}, {"chosen", result.chosen.dump()}, {"candidates", result.candidates}}))
        .write(place(strategy, fold));
  }

 private:
  std::filesystem::path place(std::size_t strategy, std::uint32_t fold) const {
    return folder_ / fmt::format("{}-{}.h5", strategy, fold);
  }
  const Setup& setup_;
  std::filesystem::path folder_;
  std::string key_;
};

stats::ReturnSeries returns_of(const RunRecord& record, double periods_per_year, Nanos shift, bool gross) {
  stats::ReturnSeries series;
  series.name = record.strategy;
  series.periods_per_year = periods_per_year;
  series.start = record.begin + shift;
  const auto& rows = record.equity;
  auto value = [&](const engine::EquityRow& row) {
    return static_cast<double>(gross ? row.gross_micros : row.equity_micros);
  };
  double before = static_cast<double>(record.capital_micros);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Several rows of one time (the close at the end): the last one stands.
    if (i + 1 < rows.size() && rows[i + 1].time == rows[i].time) continue;
    if (rows[i].time <= record.begin) {
      before = value(rows[i]);
      continue;
    }
    const double now = value(rows[i]);
    series.times.push_back(rows[i].time + shift);
    // A ruined account stays ruined, even where a debt turns into a profit: -100 % once, then nothing more to lose or win.
    series.returns.push_back(before > 0 ? std::max(now / before - 1, -1.0) : 0.0);
    before = before > 0 ? now : 0.0;
  }
  return series;
}

}  // namespace

stats::ReturnSeries net_returns(const RunRecord& record, double periods_per_year, Nanos shift) {
  return returns_of(record, periods_per_year, shift, false);
}

stats::ReturnSeries gross_returns(const RunRecord& record, double periods_per_year, Nanos shift) {
  return returns_of(record, periods_per_year, shift, true);
}

std::vector<std::string> cut_offs(const StrategyResult& result) {
  std::vector<std::string> told;
  for (const FoldResult& fold : result.folds) {
    for (const std::vector<RunRecord>* records : {&fold.in_sample, &fold.out_of_sample}) {
      for (const RunRecord& record : *records) {
        if (record.cut_off.empty()) continue;
        told.push_back(fmt::format("fold {}, {} sample: {}", record.fold + 1, record.out_of_sample ? "out of" : "in", record.cut_off));
      }
    }
  }
  return told;
}

std::unique_ptr<strategies::Strategy> build_strategy(const Setup& setup, std::size_t strategy, const Fold& fold) {
  const StrategyEntry& entry = setup.scenario.strategies[strategy];
  const std::string where = fmt::format("/strategies/{}", strategy);
  return build(setup, entry, grid_points(entry, where).front(), fold, where + "/params");
}

namespace {

std::vector<StrategyResult> empty_results(const Setup& setup) {
  const auto& entries = setup.scenario.strategies;
  std::vector<StrategyResult> results(entries.size());
  for (std::size_t s = 0; s < entries.size(); ++s) {
    results[s].entry = entries[s];
    results[s].resolved = setup.resolved.at("strategies").as_array()[s];
    results[s].folds.resize(setup.folds.size());
  }
  return results;
}

}  // namespace

std::vector<StrategyResult> walk_forward(const Setup& setup, const RunOptions& options,
                                         const std::filesystem::path& checkpoint_folder) {
  const auto& entries = setup.scenario.strategies;
  std::vector<StrategyResult> results = empty_results(setup);
  const Checkpoints checkpoints(setup, checkpoint_folder, options.resume);
  const std::size_t total = entries.size() * setup.folds.size();
  std::size_t done = 0;
  std::mutex mutex;
  parallel_for(total, [&](std::size_t i) {
    const std::size_t s = i % entries.size();
    const Fold& fold = setup.folds[i / entries.size()];
    FoldResult& result = results[s].folds[fold.index];
    if (!checkpoints.load(s, fold.index, result)) {
      result = Unit(setup, options, entries[s], fold, fmt::format("/strategies/{}", s), true).run();
      checkpoints.save(s, fold.index, result);
    }
    const std::lock_guard lock(mutex);
    ++done;
    if (options.progress) options.progress(done, total, fmt::format("{}, fold {}", entries[s].name, fold.index + 1));
  });
  return results;
}

std::vector<StrategyResult> walk_forward_judged(const Setup& setup, const RunOptions& options) {
  const auto& entries = setup.scenario.strategies;
  std::vector<StrategyResult> results = empty_results(setup);
  parallel_for(entries.size() * setup.folds.size(), [&](std::size_t i) {
    const std::size_t s = i % entries.size();
    const Fold& fold = setup.folds[i / entries.size()];
    results[s].folds[fold.index] =
        Unit(setup, options, entries[s], fold, fmt::format("/strategies/{}", s), setup.benchmark.has_value()).run();
  });
  return results;
}

}  // namespace walras::scenarios
