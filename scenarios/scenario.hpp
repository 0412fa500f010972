#pragma once
// Scenario: the whole JSON file as one struct. Components (a source, a latency model, a strategy) stay Json until
// the stage that owns their registry builds them; everything else is typed, ranged and defaulted here.
#include "engine/base/config.hpp"
#include "engine/ledger/contracts.hpp"
#include "engine/sim/risk.hpp"
#include "strategies/catalog.hpp"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace walras::scenarios {

/// Schema version that this build reads and writes.
inline constexpr std::int64_t kSchemaVersion = 1;

enum class Scheme : std::uint8_t { Rolling, Anchored };
enum class Criterion : std::uint8_t { Sharpe, TotalReturn, Sortino, Calmar };

struct AccountParams {
  double capital = 1'000'000;
  std::string currency = "USD";
  double leverage = 1;
  bool shorting = true;
  double borrow_rate = 0;
  std::optional<engine::RiskParams> risk;
  std::map<std::string, engine::ContractParams> contracts;
  std::map<std::string, std::vector<std::string>> rates;
  std::optional<engine::MarginParams> margin;
  static void fields(auto&& field) {
    field("capital", &AccountParams::capital, {.unit = "currency", .min = 1e-2, .max = 1e12, .doc = "Cash at the start of every fold."});
    field("currency", &AccountParams::currency, {.doc = "Currency of the account, and of every instrument unless `rates` are given."});
    field("leverage", &AccountParams::leverage, {.unit = "x equity", .min = 0.01, .max = 1000, .doc = "Gross exposure allowed; orders beyond it are rejected."});
    field("shorting", &AccountParams::shorting, {.doc = "Whether positions may be negative."});
    field("borrow_rate", &AccountParams::borrow_rate, {.unit = "1/year", .min = 0, .max = 10, .doc = "Cost of short positions, on their value, accrued daily."});
    field("contracts", &AccountParams::contracts, {.doc = "By instrument, or \"*\" for all others: kind of contract, margins, funding, swaps, rolls. What is not named is spot."});
    field("rates", &AccountParams::rates, {.doc = "By currency: instruments whose marks lead from it to the account's, each \"NAME\" (its price is the rate) or \"1/NAME\"; two or more go through other currencies."});
    field("margin", &AccountParams::margin, {.doc = "Margins are asked for, and an account that falls below them is liquidated; null: `leverage` alone limits positions."});
    field("risk", &AccountParams::risk, {.doc = "Rules in front of every strategy, see docs/risk.md; null: none."});
  }
};

struct StrategyEntry {
  std::string name;
  std::string kind;
  Json params = Json::object();
  Json grid = Json::object();
  Criterion criterion = Criterion::Sharpe;
  std::optional<engine::RiskParams> risk;
  static void fields(auto&& field) {
    field("name", &StrategyEntry::name, {.doc = "Unique; empty: the kind."});
    field("kind", &StrategyEntry::kind, {.required = true, .doc = "One of `walras list strategies`."});
    field("params", &StrategyEntry::params, {.doc = "Parameters of the kind.", .component = "strategy"});
    field("grid", &StrategyEntry::grid, {.doc = "Parameter -> list of values; every fold picks the best combination on its training span only."});
    field("criterion", &StrategyEntry::criterion, {.doc = "What the best combination has most of, on the training span."});
    field("risk", &StrategyEntry::risk, {.doc = "Risk rules of this strategy, in place of the account's; null: those."});
  }
};

struct WalkForwardParams {
  Scheme scheme = Scheme::Rolling;
  std::int64_t train = 1260;
  std::int64_t test = 252;
  std::int64_t gap = 0;
  std::int64_t warm_up = 252;
  std::int64_t folds = 0;
  std::int64_t train_paths = 2;
  std::int64_t test_paths = 4;
  static void fields(auto&& field) {
    field("scheme", &WalkForwardParams::scheme, {.doc = "rolling: the training span moves along; anchored: it grows from the start."});
    field("train", &WalkForwardParams::train, {.unit = "bars", .min = 2, .max = 1e9, .doc = "Length of the (first) training span, in distinct times of the data. Recorded markets."});
    field("test", &WalkForwardParams::test, {.unit = "bars", .min = 1, .max = 1e9, .doc = "Length of each test span. Recorded markets."});
    field("gap", &WalkForwardParams::gap, {.unit = "bars", .min = 0, .max = 1e9, .doc = "Left out between training and test."});
    field("warm_up", &WalkForwardParams::warm_up, {.unit = "bars", .min = 0, .max = 1e9, .doc = "Delivered before a span begins, orders refused."});
    field("folds", &WalkForwardParams::folds, {.min = 0, .max = 100'000, .doc = "0: as many as the data holds (recorded), 4 (generated)."});
    field("train_paths", &WalkForwardParams::train_paths, {.min = 1, .max = 1e6, .doc = "Generated markets: seeds a fold trains on."});
    field("test_paths", &WalkForwardParams::test_paths, {.min = 1, .max = 1e6, .doc = "Generated markets: unseen seeds a fold is judged on."});
  }
};

/// Where the worlds without alpha come from.
enum class NullKind : std::uint8_t { Shuffled, Signs, Simulated, Market };

struct NullWorldParams {
  NullKind kind = NullKind::Shuffled;
  std::int64_t worlds = 99;
  std::int64_t block = 1;
  Json market;
  static void fields(auto&& field) {
    field("kind", &NullWorldParams::kind, {.required = true, .doc = "shuffled: blocks of dates change places (what follows what is lost, drifts stay); signs: blocks of dates are mirrored at random (drifts are lost); simulated: a factor market fitted to the data, without drift; market: the one given."});
    field("worlds", &NullWorldParams::worlds, {.min = 1, .max = 1e6, .doc = "How many; the smallest p-value is 1 / (worlds + 1). Each costs a run."});
    field("block", &NullWorldParams::block, {.unit = "bars", .min = 1, .max = 1e6, .doc = "Dates that stay together: longer keeps more of the market's dependence, and of what a strategy could live on."});
    field("market", &NullWorldParams::market, {.doc = "Kind market: a market without alpha, as the scenario's own is written.", .component = "market"});
  }
};

/// What is asked about the study as a whole.
enum class StudyTest : std::uint8_t { SuperiorAbility, RealityCheck, ConfidenceSet, Overfitting, TrueShare };

struct EvidenceParams {
  std::int64_t resamples = 2000;
  double level = 0.95;
  double risk_free_rate = 0;
  double minimum_acceptable_return = 0;
  std::vector<StudyTest> tests = {StudyTest::SuperiorAbility, StudyTest::Overfitting};
  std::optional<NullWorldParams> null_worlds;
  static void fields(auto&& field) {
    field("resamples", &EvidenceParams::resamples, {.min = 100, .max = 1e6, .doc = "Bootstrap repetitions; one set of indices for all strategies."});
    field("level", &EvidenceParams::level, {.min = 0.5, .max = 0.999, .doc = "Of confidence intervals."});
    field("risk_free_rate", &EvidenceParams::risk_free_rate, {.unit = "1/year", .min = -0.5, .max = 10, .doc = "Converted once to the bar period."});
    field("minimum_acceptable_return", &EvidenceParams::minimum_acceptable_return, {.unit = "1/year", .min = -0.5, .max = 10, .doc = "MAR of Sortino and Omega."});
    field("tests", &EvidenceParams::tests, {.doc = "Of the study as a whole, beside what the verdict prints of each strategy: superior_ability (Hansen), reality_check (White), confidence_set (of trials that may be the best, Hansen, Lunde and Nason), overfitting (PBO, with degradation and probability of loss), true_share (of worthless trials, Storey)."});
    field("null_worlds", &EvidenceParams::null_worlds, {.doc = "The whole study, search included, repeated on markets without alpha; null: not."});
  }
};

struct ReportParams {
  std::string title;
  bool pdf = true;
  std::int64_t trades = 25;
  std::vector<double> markout_s = {0.1, 1, 10, 60};
  std::vector<std::int64_t> markout_bars = {1, 5, 20};
  static void fields(auto&& field) {
    field("title", &ReportParams::title, {.doc = "Empty: the scenario's name."});
    field("pdf", &ReportParams::pdf, {.doc = "Print report.pdf too, where Chromium is installed."});
    field("trades", &ReportParams::trades, {.min = 0, .max = 1e6, .doc = "Round trips listed a strategy, those with the largest profit or loss; all fills are in the record."});
    field("markout_s", &ReportParams::markout_s, {.unit = "s", .min = 1e-6, .max = 1e7, .doc = "Times after a fill at which execution is judged, on order books; rising."});
    field("markout_bars", &ReportParams::markout_bars, {.unit = "bars", .min = 1, .max = 1e6, .doc = "The same on bars: closes after the fill; rising."});
  }
};

struct Scenario {
  std::int64_t walras = kSchemaVersion;
  std::string name;
  std::string study;
  std::string description;
  std::uint64_t seed = 1;
  std::vector<std::string> instruments;
  Json market = Json::object();
  Json venue = Json::object();
  AccountParams account;
  Json benchmark;
  std::vector<StrategyEntry> strategies;
  WalkForwardParams walk_forward;
  EvidenceParams evidence;
  ReportParams report;
  std::vector<std::string> plugins;
  static void fields(auto&& field) {
    field("walras", &Scenario::walras, {.min = 1, .max = kSchemaVersion, .required = true, .doc = "Version of this schema."});
    field("name", &Scenario::name, {.required = true, .doc = "Of the scenario; a file name without its ending."});
    field("study", &Scenario::study, {.doc = "Trials are counted together by study; empty: the name."});
    field("description", &Scenario::description, {.doc = "For people."});
    field("seed", &Scenario::seed, {.min = 0, .max = 9e15, .doc = "Of every random stream."});
    field("instruments", &Scenario::instruments, {.doc = "Names to trade, in any order; empty: all that the source holds."});
    field("market", &Scenario::market, {.required = true, .doc = "Where prices come from: recorded or generated.", .component = "market"});
    field("venue", &Scenario::venue, {.doc = "Latency, fees, slippage, fill rule.", .component = "venue"});
    field("account", &Scenario::account, {.doc = "The account each strategy trades."});
    field("benchmark", &Scenario::benchmark, {.doc = "A source of bars, held and never traded, several instruments in equal parts; null: cash.", .component = "source"});
    field("strategies", &Scenario::strategies, {.required = true, .doc = "What is judged."});
    field("walk_forward", &Scenario::walk_forward, {.doc = "Folds."});
    field("evidence", &Scenario::evidence, {.doc = "Statistics."});
    field("report", &Scenario::report, {.doc = "What is written."});
    field("plugins", &Scenario::plugins, {.doc = "Shared modules to load, relative to the scenario file."});
  }
};

/// Reads, migrates and checks a scenario file after `sets` ("/json/pointer=value" each; values are JSON, else text) are applied.
/// Throws Error{Scenario} with "<file>:<json pointer>". Nothing is built yet: kinds are checked by check() or on building.
Scenario read_scenario(const std::filesystem::path& file, const std::vector<std::string>& sets = {});
Scenario parse_scenario(const Json& json);

/// Runs `body`, putting the file's name before the JSON pointer of any scenario error that leaves it.
void with_file(const std::filesystem::path& file, const std::function<void()>& body);

/// The scenario with every default filled in, components too.
Json resolve(const Scenario& scenario, const strategies::Registries& registries);
/// JSON Schema of the whole file, components included: what `walras schema` prints and scenarios/schema.json holds.
Json scenario_schema(const strategies::Registries& registries);
/// docs/scenario.md: every field with type, unit, default, range and meaning.
std::string scenario_documentation(const strategies::Registries& registries);

}  // namespace walras::scenarios

template <>
struct walras::EnumNames<walras::scenarios::Scheme> {
  static constexpr std::array<std::pair<scenarios::Scheme, std::string_view>, 2> names{
      {{scenarios::Scheme::Rolling, "rolling"}, {scenarios::Scheme::Anchored, "anchored"}}};
};
template <>
struct walras::EnumNames<walras::scenarios::Criterion> {
  static constexpr std::array<std::pair<scenarios::Criterion, std::string_view>, 4> names{
      {{scenarios::Criterion::Sharpe, "sharpe"}, {scenarios::Criterion::TotalReturn, "total_return"},
       {scenarios::Criterion::Sortino, "sortino"}, {scenarios::Criterion::Calmar, "calmar"}}};
};
template <>
struct walras::EnumNames<walras::scenarios::NullKind> {
  static constexpr std::array<std::pair<scenarios::NullKind, std::string_view>, 4> names{
      {{scenarios::NullKind::Shuffled, "shuffled"}, {scenarios::NullKind::Signs, "signs"},
       {scenarios::NullKind::Simulated, "simulated"}, {scenarios::NullKind::Market, "market"}}};
};
template <>
struct walras::EnumNames<walras::scenarios::StudyTest> {
  static constexpr std::array<std::pair<scenarios::StudyTest, std::string_view>, 5> names{
      {{scenarios::StudyTest::SuperiorAbility, "superior_ability"}, {scenarios::StudyTest::RealityCheck, "reality_check"},
       {scenarios::StudyTest::ConfidenceSet, "confidence_set"},
       {scenarios::StudyTest::Overfitting, "overfitting"}, {scenarios::StudyTest::TrueShare, "true_share"}}};
};
