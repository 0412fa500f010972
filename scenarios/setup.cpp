#include "scenarios/setup.hpp"

#include "engine/base/files.hpp"
#include "engine/data/library.hpp"
#include "scenarios/version.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace walras::scenarios {
namespace {

using engine::EventKind;
using engine::Span;
using engine::Tape;

engine::SourceContext source_context(const RunOptions& options) {
  return {options.scenario.parent_path(),
          options.library.empty() ? engine::Library::default_folder() : options.library};
}

void note_inputs(const Tape& tape, std::vector<InputNote>& inputs) {
  if (!tape.provenance.is_array()) return;
  for (const Json& entry : tape.provenance.as_array()) {
    const auto text = [&](std::string_view key) {
      const Json* value = entry.find(key);
      return value && value->is_string() ? value->as_string() : std::string();
    };
    InputNote note{text("file"), text("sha256"), text("hindsight")};
    if (note.name.empty()) note.name = text("name");
    const auto same = [&](const InputNote& other) { return other.name == note.name && other.hash == note.hash && other.note == note.note; };
    if (std::ranges::none_of(inputs, same)) inputs.push_back(std::move(note));  // a market may be its own benchmark
  }
}

/// What a data set says that its reader must know: names chosen with hindsight, an index without dividends. Each once.
void note_cautions(const Tape& tape, std::vector<InputNote>& inputs) {
  std::set<std::string> seen;
  for (const InputNote& input : inputs) seen.insert(input.note);
  for (const engine::Instrument& instrument : tape.instruments) {
    if (instrument.metadata.empty()) continue;
    const Json metadata = Json::parse(instrument.metadata, instrument.name);
    for (const char* key : {"hindsight", "caution"}) {
      const Json* note = metadata.find(key);
      if (note && note->is_string() && seen.insert(note->as_string()).second) {
        inputs.push_back({"data set of " + instrument.name, "", note->as_string()});
      }
    }
  }
}

std::shared_ptr<const Tape> load_market_data(const Scenario& scenario, const RunOptions& options) {
  const Json* source = scenario.market.find("source");
  if (!source || source->is_null()) return nullptr;
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  auto tape = engine::load_tape(*source, "/market/source", sources, source_context(options));
  if (scenario.instruments.empty()) return tape;
  return engine::finish_tape(engine::select(*tape, {scenario.instruments, "", ""}, ""));
}

/// What bars earn that are held in equal parts, evened out at every close: of each period the mean return of the instruments
/// that have a close at both its ends. One instrument: its closes.
stats::ReturnSeries equal_parts(const Tape& tape, const std::string& name) {
  std::vector<double> last(tape.instruments.size());
  std::vector<bool> before(tape.instruments.size()), here(tape.instruments.size());
  std::vector<Nanos> times;
  std::vector<double> worth;
  double sum = 0, held = 0;
  const auto close = [&] {
    if (times.empty()) return;
    if (last.size() == 1) worth.push_back(last[0]);
    else worth.push_back(worth.empty() ? 1 : worth.back() * (held > 0 ? 1 + sum / held : 1));
    before.swap(here);
    here.assign(here.size(), false);
    sum = held = 0;
  };
  for (const engine::Event& event : tape.events) {
    if (event.kind != EventKind::Bar) continue;
    const engine::Bar& bar = tape.bars[event.payload];
    if (times.empty() || bar.close_time != times.back()) {
      close();
      times.push_back(bar.close_time);
    }
    const double price = tape.instruments[event.instrument].price(bar.close);
    if (before[event.instrument] && last[event.instrument] > 0) {
      sum += price / last[event.instrument] - 1;
      held += 1;
    }
    last[event.instrument] = price;
    here[event.instrument] = true;
  }
  close();
  const double periods = tape.instruments[0].periods_per_year;
  return stats::returns_from_prices(name, times, worth, periods > 0 ? periods : stats::infer_calendar(times).periods_per_year);
}

/// The benchmark as a return series on its own calendar: bars of one instrument, or of several in equal parts.
std::optional<stats::ReturnSeries> load_benchmark(const Scenario& scenario, const RunOptions& options, std::string& name,
                                                  std::string& hash, std::vector<InputNote>& inputs) {
  if (scenario.benchmark.is_null()) return std::nullopt;
  engine::SourceRegistry sources("source");
  engine::add_sources(sources);
  const auto tape = engine::load_tape(scenario.benchmark, "/benchmark", sources, source_context(options));
  if (tape->instruments.empty() || tape->bars.empty()) {
    fail(Fault::Scenario, "/benchmark",
         fmt::format("expected bars, was {} instruments without one; name a source of prices", tape->instruments.size()));
  }
  const std::size_t count = tape->instruments.size();
  name = count == 1 ? tape->instruments[0].name : fmt::format("{} instruments in equal parts", count);
  hash = tape->content_hash;
  note_inputs(*tape, inputs);
  note_cautions(*tape, inputs);
  return equal_parts(*tape, name);
}

/// The times between which returns are told: bar closes, or the sampling grid of a recorded book.
std::vector<Nanos> sample_times(const engine::MarketPlan& plan) {
  std::vector<Nanos> times;
  const Tape& tape = *plan.tape();
  if (plan.sampling().value == 0) {
    for (const engine::Event& event : tape.events) {
      if (event.kind == EventKind::Bar && (times.empty() || times.back() != event.exchange_time)) {
        times.push_back(event.exchange_time);
      }
    }
  } else {
    const Span whole = plan.whole();
    for (Nanos time = whole.begin; time < whole.end; time += plan.sampling()) times.push_back(time);
  }
  return times;
}

std::vector<Fold> recorded_folds(const Setup& setup) {
  const WalkForwardParams& plan = setup.scenario.walk_forward;
  const std::vector<Nanos> times = sample_times(*setup.plan);
  const auto count = [](std::int64_t value) { return static_cast<std::size_t>(value); };
  const auto splits = stats::walk_forward_splits(
      times.size() > 0 ? times.size() - 1 : 0,
      {plan.scheme == Scheme::Anchored, count(plan.train), count(plan.test), count(plan.gap), count(plan.folds)}, "/walk_forward");
  // Period i runs from sample i to sample i + 1. A span begins at the close from which its first return is told, and
  // ends just after the sample of its last.
  const auto span = [&](const stats::Range& range) {
    const std::size_t warm_up = range.begin - std::min(range.begin, count(plan.warm_up));
    return Span{times[warm_up], times[range.begin], times[range.end] + Nanos{1}};
  };
  std::vector<Fold> folds;
  for (std::size_t k = 0; k < splits.size(); ++k) {
    folds.push_back({static_cast<std::uint32_t>(k), span(splits[k].train), span(splits[k].test), {setup.scenario.seed},
                     {setup.scenario.seed}});
  }
  return folds;
}

/// Where the benchmark has no value its return would count as 0, and cash would be judged against in its name.
void check_benchmark(const Setup& setup) {
  if (!setup.benchmark) return;
  if (setup.plan->generated()) {
    fail(Fault::Scenario, "/benchmark",
         "expected none in mode generated, was given one: what was recorded says nothing of a generated market; remove it");
  }
  const std::vector<Nanos> times = sample_times(*setup.plan);
  const auto require = [&](const Span& span, const char* which, std::uint32_t fold) {
    stats::ReturnSeries periods;
    periods.start = span.begin;
    for (const Nanos time : times) {
      if (time > span.begin && time < span.end) periods.times.push_back(time);
    }
    if (periods.times.empty()) return;
    const std::size_t missing = stats::align(periods, *setup.benchmark).missing;
    // Half: calendars differ, and one market may trade on weekends.
    const bool sparse = 2 * missing > periods.times.size();
    constexpr Nanos kSlack{7 * kNanosPerDay};
    const bool short_of = stats::start_of(*setup.benchmark) > span.begin + kSlack ||
                          setup.benchmark->times.back() + kSlack < periods.times.back();
    if (!sparse && !short_of) return;
    fail(Fault::Data, "/benchmark",
         fmt::format("expected values of {} throughout the {} span of fold {}, was without one in {} of its {} periods; use a "
                     "benchmark that covers the market's dates, or none (cash)",
                     setup.benchmark_name, which, fold + 1, missing, periods.times.size()));
  };
  for (const Fold& fold : setup.folds) {
    require(fold.train, "training", fold.index);
    require(fold.test, "test", fold.index);
  }
}

/// A market without alpha that cannot be made is told before the work.
void check_null_worlds(const Setup& setup) {
  const auto& params = setup.scenario.evidence.null_worlds;
  if (!params) return;
  const std::string where = "/evidence/null_worlds";
  if (params->kind == NullKind::Market) {
    if (params->market.is_null()) {
      fail(Fault::Scenario, where + "/market", "expected a market without alpha, was none; write one in mode generated, as the scenario's own market is written");
    }
    const auto plan = engine::build_market(params->market, setup.scenario.venue, nullptr, setup.registries->engine);
    if (!plan->generated()) fail(Fault::Scenario, where + "/market/mode", "expected generated, was a recorded market");
    if (setup.benchmark) fail(Fault::Scenario, where + "/kind", "expected shuffled, signs or simulated beside a benchmark, was market: what was recorded says nothing of a generated one");
    return;
  }
  if (!params->market.is_null()) fail(Fault::Scenario, where + "/market", "expected none but with kind market, was given one; remove it, or ask for kind market");
  if (!setup.tape) {
    fail(Fault::Scenario, where + "/kind", "expected market for a generated one (what is generated has no record to destroy), was another; give a \"market\" without alpha");
  }
}

engine::Horizons horizons(const ReportParams& report) {
  engine::Horizons horizons;
  horizons.after.clear();
  for (const double seconds : report.markout_s) horizons.after.push_back({std::llround(seconds * 1e9)});
  horizons.bars = report.markout_bars;
  engine::check_horizons(horizons, "/report");
  return horizons;
}

void check_risk_rules(const Setup& setup) {
  const auto& instruments = setup.plan->instruments();
  if (setup.scenario.account.risk) engine::check_risk(*setup.scenario.account.risk, instruments, "/account/risk");
  for (std::size_t i = 0; i < setup.scenario.strategies.size(); ++i) {
    const auto& risk = setup.scenario.strategies[i].risk;
    if (risk) engine::check_risk(*risk, instruments, fmt::format("/strategies/{}/risk", i));
  }
}

stats::LeakAudit audit(const std::vector<Fold>& folds, bool generated) {
  std::vector<stats::AuditedFold> audited;
  for (const Fold& fold : folds) {
    stats::AuditedFold entry{fold.train.begin.value, fold.train.end.value - 1, fold.test.begin.value, fold.test.end.value - 1, {}, {}};
    entry.train_seeds.assign(fold.train_seeds.begin(), fold.train_seeds.end());
    entry.test_seeds.assign(fold.test_seeds.begin(), fold.test_seeds.end());
    audited.push_back(std::move(entry));
  }
  return stats::audit_leaks(audited, generated);
}

void check_names(std::vector<StrategyEntry>& strategies) {
  if (strategies.empty()) fail(Fault::Scenario, "/strategies", "expected at least one strategy, was none; see `walras list strategies`");
  std::set<std::string> names;
  for (std::size_t i = 0; i < strategies.size(); ++i) {
    StrategyEntry& entry = strategies[i];
    if (entry.name.empty()) entry.name = entry.kind;
    if (entry.name.find('/') != std::string::npos) {
      fail(Fault::Scenario, fmt::format("/strategies/{}/name", i), "expected a name without \"/\", was " + entry.name);
    }
    if (!names.insert(entry.name).second) {
      fail(Fault::Scenario, fmt::format("/strategies/{}/name", i),
           fmt::format("expected a name of its own, was {} again; give each strategy a \"name\"", entry.name));
    }
  }
}

/// Every grid point must be a valid set of parameters before anything runs.
void check_grids(const Setup& setup) {
  for (std::size_t i = 0; i < setup.scenario.strategies.size(); ++i) {
    const StrategyEntry& entry = setup.scenario.strategies[i];
    if (!setup.registries->strategies.contains(entry.kind)) {   // told at its own place, with the choices
      (void)setup.registries->strategies.resolve(Json::object({{"kind", entry.kind}}), fmt::format("/strategies/{}", i));
    }
    for (const Json& params : grid_points(entry, fmt::format("/strategies/{}", i))) {
      Json json = Json::object({{"kind", entry.kind}});
      for (const auto& [key, value] : params.as_object()) json[key] = value;
      (void)setup.registries->strategies.resolve(json, fmt::format("/strategies/{}/params", i));
    }
  }
}

/// Of the files among the words that start a gateway's program: another program is another trial.
std::string hash_of_programs(const Scenario& scenario, const std::filesystem::path& folder) {
  std::string hashes;
  for (const StrategyEntry& entry : scenario.strategies) {
    const Json* command = entry.kind == "gateway" ? entry.params.find("command") : nullptr;
    if (command == nullptr || !command->is_array()) continue;
    for (const Json& word : command->as_array()) {
      if (!word.is_string()) continue;
      const std::filesystem::path file = folder / word.as_string();
      std::error_code ignored;
      if (std::filesystem::is_regular_file(file, ignored)) hashes += sha256_file(file);
    }
  }
  return hashes;
}

}  // namespace

std::string checkpoint_key(const Setup& setup) {
  Sha256 hash;
  hash.update(build_id());
  hash.update(setup.resolved.dump());
  hash.update(setup.data_hash);
  hash.update(setup.plugin_hash);
  return hash.hex();
}

std::vector<Fold> generated_folds(const WalkForwardParams& walk_forward, const Span& whole, std::uint64_t seed) {
  const std::int64_t count = walk_forward.folds > 0 ? walk_forward.folds : 4;
  std::vector<Fold> folds;
  for (std::int64_t k = 0; k < count; ++k) {
    Fold fold{static_cast<std::uint32_t>(k), whole, whole, {}, {}};
    Rng train(seed, "fold/train", static_cast<std::uint64_t>(k));
    Rng test(seed, "fold/test", static_cast<std::uint64_t>(k));
    // Below 2^53, so that a seed survives every JSON reader.
    for (std::int64_t i = 0; i < walk_forward.train_paths; ++i) fold.train_seeds.push_back(train.bits() >> 11);
    for (std::int64_t i = 0; i < walk_forward.test_paths; ++i) fold.test_seeds.push_back(test.bits() >> 11);
    folds.push_back(std::move(fold));
  }
  return folds;
}

std::vector<Json> grid_points(const StrategyEntry& strategy, const std::string& where) {
  std::vector<Json> points{strategy.params};
  for (const auto& [key, values] : strategy.grid.as_object()) {
    if (!values.is_array() || values.size() == 0) {
      fail(Fault::Scenario, where + "/grid/" + escape_pointer(key),
           fmt::format("expected a list of values to try, was {}", values.is_array() ? "an empty list" : std::string(values.type_name())));
    }
    std::vector<Json> longer;
    for (const Json& point : points) {
      for (const Json& value : values.as_array()) {
        longer.push_back(point);
        longer.back()[key] = value;
      }
    }
    if (longer.size() > 100'000) {
      fail(Fault::Scenario, where + "/grid", fmt::format("expected at most 100000 combinations, was at least {}", longer.size()));
    }
    points = std::move(longer);
  }
  return points;
}

std::vector<StrategyEntry> expand_grids(const std::vector<StrategyEntry>& strategies) {
  std::vector<StrategyEntry> expanded;
  for (std::size_t i = 0; i < strategies.size(); ++i) {
    const StrategyEntry& entry = strategies[i];
    for (Json& params : grid_points(entry, fmt::format("/strategies/{}", i))) {
      StrategyEntry point = entry;
      std::string label;
      for (const auto& [key, unused] : entry.grid.as_object()) {
        label += fmt::format("{}{}={}", label.empty() ? "" : ",", key, params.at(key).dump());
      }
      if (point.name.empty()) point.name = point.kind;
      if (!label.empty()) point.name += "[" + label + "]";
      point.params = std::move(params);
      point.grid = Json::object();
      expanded.push_back(std::move(point));
    }
  }
  return expanded;
}

LoadedRegistries load_registries(const Scenario& scenario, const std::filesystem::path& file) {
  LoadedRegistries loaded{std::make_shared<Modules>(), nullptr};
  auto registries = std::make_shared<strategies::Registries>(strategies::registries());
  if (needs_learning(scenario)) load_learning(*registries, *loaded.modules);
  for (std::size_t i = 0; i < scenario.plugins.size(); ++i) {
    const std::filesystem::path named(scenario.plugins[i]);
    load_plugin(named.is_absolute() ? named : file.parent_path() / named, fmt::format("/plugins/{}", i), *registries, *loaded.modules);
  }
  loaded.registries = std::move(registries);
  return loaded;
}

engine::AccountTerms account_of(const Setup& setup, const StrategyEntry& strategy) {
  engine::AccountTerms terms = setup.account;
  if (strategy.risk) terms.risk = strategy.risk;
  return terms;
}

Setup prepare(const RunOptions& options) {
  Setup setup;
  setup.file = options.scenario;
  setup.scenario = read_scenario(options.scenario, options.sets);
  Scenario& scenario = setup.scenario;
  with_file(options.scenario, [&] {
    if (options.seed) scenario.seed = *options.seed;
    if (scenario.study.empty()) scenario.study = scenario.name;
    if (options.each) scenario.strategies = expand_grids(scenario.strategies);
    check_names(scenario.strategies);
    LoadedRegistries loaded = load_registries(scenario, options.scenario);
    setup.modules = std::move(loaded.modules);
    setup.registries = std::move(loaded.registries);
    for (std::size_t i = 0; i < scenario.plugins.size(); ++i) {
      // The learning plug-in, where needed, is loaded first; the scenario's own follow in their order.
      setup.plugin_hash += setup.modules->loaded[setup.modules->loaded.size() - scenario.plugins.size() + i].sha256;
    }
    setup.plugin_hash += hash_of_programs(scenario, options.scenario.parent_path());
    check_grids(setup);
    setup.tape = load_market_data(scenario, options);
    setup.plan = engine::build_market(scenario.market, scenario.venue, setup.tape, setup.registries->engine);
    if (setup.tape) {
      setup.data_hash = setup.tape->content_hash;
      note_inputs(*setup.tape, setup.inputs);
      note_cautions(*setup.tape, setup.inputs);
    }
    std::string benchmark_hash;
    setup.benchmark = load_benchmark(scenario, options, setup.benchmark_name, benchmark_hash, setup.inputs);
    setup.data_hash += benchmark_hash;
    setup.account = {Money::from_units(scenario.account.capital), scenario.account.borrow_rate, scenario.account.leverage,
                     scenario.account.shorting, scenario.account.risk,
                     engine::account_rules({scenario.account.currency, scenario.account.contracts, scenario.account.margin, scenario.account.rates},
                                           setup.plan->instruments(), setup.tape.get(), "/account"),
                     horizons(scenario.report)};
    check_risk_rules(setup);
    setup.folds = setup.plan->generated() ? generated_folds(scenario.walk_forward, setup.plan->whole(), scenario.seed) : recorded_folds(setup);
    check_benchmark(setup);
    setup.audit = audit(setup.folds, setup.plan->generated());
    check_null_worlds(setup);
    setup.resolved = resolve(scenario, *setup.registries);
    for (const auto& [key, value] : setup.plan->resolved().as_object()) setup.resolved[key] = value;
  });
  return setup;
}

}  // namespace walras::scenarios
