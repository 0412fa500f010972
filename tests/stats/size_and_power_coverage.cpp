// How often 95 % intervals hold the truth, under four processes.
#include "stats/resample.hpp"
#include "tests/stats/samples.hpp"
#include "tests/stats/size_and_power_verdict.hpp"
#include "tests/stats/worlds.hpp"

#include <fmt/format.h>

namespace walras::stats {
namespace {

constexpr std::size_t kDays = 2520;
constexpr std::size_t kReplicates = 599;
constexpr double kEdge = 0.05;  // mean over standard deviation, a day

struct Asked {
  Functional functional;
  IntervalMethod method;
};

/// The mean and the Sharpe ratio by every method; of the variance those that reports may show, whose bounds are those of the
/// volatility, squared.
std::vector<Asked> asked() {
  std::vector<Asked> list;
  for (const Functional functional : {Functional::Mean, Functional::Sharpe}) {
    for (const IntervalMethod method : {IntervalMethod::Studentized, IntervalMethod::Accelerated, IntervalMethod::Percentile,
                                        IntervalMethod::Basic, IntervalMethod::Normal, IntervalMethod::BiasCorrected}) {
      list.push_back({functional, method});
    }
  }
  for (const IntervalMethod method : {IntervalMethod::Studentized, IntervalMethod::Accelerated, IntervalMethod::Percentile}) {
    list.push_back({Functional::Variance, method});
  }
  return list;
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

std::vector<bool> covered(Process process, std::uint64_t world) {
  std::vector<double> x = draw(process, kDays, world, 500);
  for (double& value : x) value += kEdge * kDailyDeviation;
  const std::vector<std::span<const double>> one{x};
  const ResamplePlan plan{kDays, kReplicates, shared_block_length(one, true), world};
  std::vector<bool> hits;
  for (const Asked& each : asked()) {
    const std::optional<Bounds> bounds = intervals(one, each.functional, plan, 0.95, each.method)[0].interval;
    const double truth = truth_of(each.functional);
    hits.push_back(bounds && bounds->low <= truth && truth <= bounds->high);
  }
  return hits;
}

Part coverage_of(Process process) {
  Part part;
  part.name = fmt::format("coverage-{}", key_of(process));
  part.title = fmt::format("Coverage of 95 % intervals, {}", name_of(process));
  part.doc = "Daily Sharpe ratio 0.05 over 2,520 days, stationary bootstrap with the automatic block length, 599 replicates.";
  part.what = "interval of the";
  for (const Asked& one : asked()) {
    const bool due = one.functional != Functional::Variance &&
                     (one.method == IntervalMethod::Studentized || one.method == IntervalMethod::Accelerated);
    part.columns.push_back(due ? Column{column_of(one), 0.93, 0.97} : Column{column_of(one)});
  }
  part.world = [process](std::uint64_t world) { return covered(process, world); };
  part.cost = 10;
  return part;
}

}  // namespace

std::vector<Part> coverage_parts() {
  std::vector<Part> parts;
  for (const Process process : kProcesses) parts.push_back(coverage_of(process));
  return parts;
}

}  // namespace walras::stats
