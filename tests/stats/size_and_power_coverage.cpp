// How often 95 % intervals hold the truth, under four processes.
#include "stats/resample.hpp"
#include "stats/sharpe.hpp"
#include "tests/stats/samples.hpp"
#include "tests/stats/size_and_power_verdict.hpp"
#include "tests/stats/worlds.hpp"

#include <fmt/format.h>

#include <numeric>

namespace walras::stats {
namespace {

constexpr std::size_t kDays = 2520;
constexpr std::size_t kReplicates = 599;
constexpr double kEdge = 0.05;  // mean over standard deviation, a day

struct Asked {
  Functional functional;
  IntervalMethod method;
  bool due;
};

/// Of the mean and the Sharpe ratio every method; of the variance those that reports may show, whose bounds are those of the
/// volatility, squared. Reports print studentised ones of the first two.
std::vector<Asked> shown() {
  std::vector<Asked> list;
  for (const Functional functional : {Functional::Mean, Functional::Sharpe}) {
    for (const IntervalMethod method : {IntervalMethod::Studentized, IntervalMethod::Accelerated}) list.push_back({functional, method, true});
    for (const IntervalMethod method : {IntervalMethod::Percentile, IntervalMethod::Basic, IntervalMethod::Normal,
                                        IntervalMethod::BiasCorrected}) {
      list.push_back({functional, method, false});
    }
  }
  for (const IntervalMethod method : {IntervalMethod::Studentized, IntervalMethod::Accelerated, IntervalMethod::Percentile}) {
    list.push_back({Functional::Variance, method, false});
  }
  return list;
}

std::vector<Asked> careful() {
  std::vector<Asked> list;
  for (const Functional functional : {Functional::Mean, Functional::Sharpe}) {
    for (const IntervalMethod method : {IntervalMethod::Studentized, IntervalMethod::Accelerated}) list.push_back({functional, method, true});
  }
  return list;
}

/// Block length of a functional's influence values: x itself, or z - SR/2 (z^2 - 1).
double own_block(std::span<const double> x, Functional functional) {
  std::vector<double> values(x.begin(), x.end());
  if (functional == Functional::Sharpe) {
    const SharpeFacts facts = sharpe_facts(x).value();
    const double mean = std::accumulate(x.begin(), x.end(), 0.0) / static_cast<double>(x.size());
    const double deviation = mean / facts.sharpe.value;
    for (double& value : values) {
      const double z = (value - mean) / deviation;
      value = z - facts.sharpe.value / 2 * (z * z - 1);
    }
  }
  const std::vector<std::span<const double>> one{values};
  return shared_block_length(one, false);
}

double truth_of(Functional functional) {
  switch (functional) {
    case Functional::Mean: return kEdge * kDailyDeviation;
    case Functional::Sharpe: return kEdge;
    case Functional::Variance: return kDailyDeviation * kDailyDeviation;
  }
  return 0;
}

std::string column_of(const Asked& one) {
  const char* of = one.functional == Functional::Mean ? "mean" : one.functional == Functional::Sharpe ? "Sharpe ratio" : "volatility";
  return fmt::format("{}, {}", of, text(one.method));
}

/// `own`: blocks as long as each functional asks for; else one length for all, as reports resample.
std::vector<bool> covered(Process process, std::uint64_t world, const std::vector<Asked>& asked, bool own) {
  std::vector<double> x = draw(process, kDays, world, 500);
  for (double& value : x) value += kEdge * kDailyDeviation;
  const std::vector<std::span<const double>> one{x};
  const double shared = own ? 0 : shared_block_length(one, true);
  std::vector<bool> hits;
  for (const Asked& each : asked) {
    const ResamplePlan plan{kDays, kReplicates, own ? own_block(x, each.functional) : shared, world};
    const std::optional<Bounds> bounds = intervals(one, each.functional, plan, 0.95, each.method)[0].interval;
    const double truth = truth_of(each.functional);
    hits.push_back(bounds && bounds->low <= truth && truth <= bounds->high);
  }
  return hits;
}

Part coverage_of(Process process, bool own) {
  Part part;
  part.name = fmt::format("coverage-{}{}", own ? "own-" : "", key_of(process));
  part.title = fmt::format("Coverage of 95 % intervals, {}, {}", own ? "blocks of the figure's own length" : "blocks as in reports", name_of(process));
  part.doc = fmt::format("Daily Sharpe ratio 0.05 over 2,520 days, stationary bootstrap, 599 replicates; mean block: the automatic one {}.",
                         own ? "for the figure's influence values" : "for the returns or their squared deviations, whichever is longer");
  part.what = "interval of the";
  const std::vector<Asked> list = own ? careful() : shown();
  for (const Asked& one : list) part.columns.push_back(one.due ? Column{column_of(one), 0.93, 0.97} : Column{column_of(one)});
  part.world = [=](std::uint64_t world) { return covered(process, world, list, own); };
  part.cost = 10;
  return part;
}

}  // namespace

std::vector<Part> coverage_parts() {
  std::vector<Part> parts;
  for (const bool own : {false, true}) {
    for (const Process process : kProcesses) parts.push_back(coverage_of(process, own));
  }
  return parts;
}

}  // namespace walras::stats
