// The walk-forward: how busy it keeps the cores.
#include "engine/base/files.hpp"
#include "engine/base/parallel.hpp"
#include "engine/base/random.hpp"
#include "scenarios/bench/bench.hpp"
#include "scenarios/study.hpp"

#include <sys/resource.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

namespace walras::scenarios {
namespace {

/// Processor seconds that this process has used.
double processor_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto told = [](const timeval& time) { return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec); };
  return told(usage.ru_utime) + told(usage.ru_stime);
}

/// Daily bars of one made-up share, one a day from 2000.
void write_bars(const std::filesystem::path& file, std::uint64_t index, std::size_t days) {
  Rng random(4, "bench/walk_forward", index);
  std::ofstream out(file);
  out << "time,open,high,low,close,volume\n";
  double price = 100;
  for (std::size_t day = 0; day < days; ++day) {
    const double open = price * (1 + 0.002 * random.normal());
    price = std::max(1.0, price * (1 + 0.01 * random.normal()));
    out << fmt::format("{},{:.2f},{:.2f},{:.2f},{:.2f},100000000\n", 946'684'800 + 86'400 * static_cast<std::int64_t>(day), open,
                       std::max(open, price) + 0.1, std::min(open, price) - 0.1, price);
  }
}

/// A study of 50 folds over ten shares, in a folder of its own.
std::shared_ptr<const Setup> study() {
  const ScratchFolder scratch("bench");
  const std::filesystem::path& folder = scratch.path();
  constexpr std::size_t kTrain = 250, kTest = 60, kFolds = 50;
  Json sources = Json::array();
  for (std::uint64_t i = 0; i < 10; ++i) {
    const std::string file = fmt::format("S{}.csv", i);
    write_bars(folder / file, i, kTrain + kFolds * kTest + 2);
    sources.push_back(Json::object({{"kind", "ohlcv_csv"}, {"path", file}}));
  }
  const Json scenario = Json::object(
      {{"walras", 1},
       {"name", "walk_forward"},
       {"market", Json::object({{"mode", "replay"}, {"source", std::move(sources)}})},
       {"strategies", Json::array({Json::object({{"kind", "moving_average"}, {"grid", Json::object({{"fast", Json::array({5, 10, 20})}, {"slow", Json::array({40, 60})}})}}),
                                   Json::object({{"kind", "momentum"}, {"params", Json::object({{"lookback", 60}})}})})},
       {"walk_forward", Json::object({{"train", kTrain}, {"test", kTest}, {"warm_up", 80}, {"folds", kFolds}})}});
  std::ofstream(folder / "study.json") << scenario.dump();
  RunOptions options;
  options.scenario = folder / "study.json";
  return std::make_shared<const Setup>(prepare(options));
}

}  // namespace

void add_study_benchmarks(Benchmarks& benchmarks) {
  benchmarks.push_back({.name = "walk_forward",
                        .work = "share of the cores that a walk-forward of 50 folds keeps busy: 10 shares, 250 training and 60 test days a fold, "
                                "a grid of 6 and a momentum rule",
                        .unit = "%",
                        .higher_is_better = true,
                        .target = 90,
                        .prepare =
                            [] {
                              const auto setup = study();
                              return std::vector<BenchCase>{{"", [setup] {
                                                               const double before = processor_seconds();
                                                               const double wall = seconds([&] { (void)walk_forward(*setup, {}, {}); });
                                                               return 100 * (processor_seconds() - before) / (wall * threads());
                                                             }}};
                            },
                        .runs = 7});
}

}  // namespace walras::scenarios
