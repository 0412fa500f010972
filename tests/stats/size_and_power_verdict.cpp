// The verdict as a whole: a study of a hundred strategies, with and without one that has an edge.
#include "stats/verdict.hpp"
#include "tests/stats/size_and_power_verdict.hpp"
#include "tests/stats/samples.hpp"
#include "tests/stats/worlds.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::stats {
namespace {

constexpr std::size_t kStrategies = 100;
constexpr std::size_t kDays = 2520;

/// Whether any of the contenders, all hundred or the first alone, is judged to have skill.
bool shows_skill(double rho, double annual_sharpe, std::uint64_t world, std::size_t judged) {
  TrialLedger ledger{"simulated", {}};
  std::vector<Contender> contenders;
  for (std::vector<double>& returns : family(kStrategies, kDays, rho, annual_sharpe, world)) {
    const std::string key = fmt::format("trial {:03}", ledger.trials.size());
    const ReturnSeries dated = spaced(std::move(returns), 252);
    ledger.trials.push_back({key, key, dated.times, dated.returns, dated.returns, 252});
    if (contenders.size() < judged) contenders.push_back({key, key, {}, {}});
  }
  const Verdict verdict = judge(contenders, ledger, {.replicates = 999, .seed = world});
  return std::any_of(verdict.strategies.begin(), verdict.strategies.end(),
                     [](const StrategyVerdict& one) { return one.judgement == Judgement::Skill; });
}

Part study(double rho, double annual_sharpe) {
  Part part;
  const bool edge = annual_sharpe > 0;
  part.name = fmt::format("verdict-{}-{}", edge ? "edge" : "null", rho > 0 ? "correlated" : "independent");
  part.title = fmt::format("The verdict, {}, correlation {:g}", edge ? fmt::format("one edge of {:g} a year", annual_sharpe) : "no edge", rho);
  part.doc = "Studies of 100 strategies over 2,520 out-of-sample days of GARCH-t returns (alpha 0.07, beta 0.91, 6 degrees), 999 replicates.";
  part.what = edge ? "the strategy with the edge" : "any of the hundred";
  part.columns = {edge ? Column{"skill", 0.80, 1} : Column{"skill", 0, 0.061}};
  part.world = [=](std::uint64_t world) { return std::vector<bool>{shows_skill(rho, annual_sharpe, world, edge ? 1 : kStrategies)}; };
  part.cost = 20;
  return part;
}

}  // namespace

std::vector<Part> verdict_parts() { return {study(0, 0), study(0.5, 0), study(0, 1.4), study(0.5, 1.4)}; }

}  // namespace walras::stats
