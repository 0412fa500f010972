#pragma once
// A small study of two made-up shares, for the worlds without alpha.
#include "scenarios/judge.hpp"
#include "scenarios/null_worlds.hpp"
#include "tests/support/folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <string>

namespace walras::scenarios {

/// Daily bars of two made-up shares, weekdays from 2010; `memory`: first-order autocorrelation of their returns.
inline std::string bars(std::uint64_t seed, const std::string& name, double memory, std::size_t days) {
  Rng random(seed, "bars of " + name);
  std::string text = "date,open,high,low,close,volume\n";
  double price = 100, last = 0;
  static constexpr int kMonth[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  int year = 2010, month = 0, day = 0, weekday = 4;
  for (std::size_t i = 0; i < days;) {
    weekday = (weekday + 1) % 7;
    if (++day > kMonth[month] + (month == 1 && year % 4 == 0 ? 1 : 0)) {
      day = 1;
      if (++month == 12) {
        month = 0;
        ++year;
      }
    }
    if (weekday >= 5) continue;
    ++i;
    last = memory * last + 0.01 * random.normal();
    const double open = price * (1 + 0.002 * random.normal());
    price *= 1 + last;
    text += fmt::format("{:04}-{:02}-{:02},{:.4f},{:.4f},{:.4f},{:.4f},{}\n", year, month + 1, day, open,
                        std::max(open, price) * (1 + 0.003 * random.uniform()), std::min(open, price) * (1 - 0.003 * random.uniform()), price,
                        10'000'000 + random.below(500));
  }
  return text;
}

/// A set-up with two shares, a grid over a trend rule and buy and hold.
inline Setup study(const tests::TemporaryFolder& folder, std::uint64_t seed, double memory, std::size_t days, const Json& null_worlds) {
  for (const char* name : {"AAA", "BBB"}) {
    std::ofstream(folder / fmt::format("{}.csv", name)) << bars(seed, name, memory, days);
  }
  const Json scenario = Json::object(
      {{"walras", 1},
       {"name", "nulls"},
       {"market", Json::object({{"mode", "replay"}, {"source", Json::array({Json::object({{"kind", "ohlcv_csv"}, {"path", "AAA.csv"}}), Json::object({{"kind", "ohlcv_csv"}, {"path", "BBB.csv"}})})}})},
       {"strategies", Json::array({Json::object({{"kind", "moving_average"}, {"grid", Json::object({{"fast", Json::array({1, 2})}, {"slow", Json::array({3, 5})}})}}),
                                   Json::object({{"kind", "random"}})})},
       {"walk_forward", Json::object({{"train", 100}, {"test", 100}, {"warm_up", 10}})},
       {"evidence", Json::object({{"null_worlds", null_worlds}})}});
  std::ofstream(folder / "nulls.json") << scenario.dump();
  RunOptions options;
  options.scenario = folder / "nulls.json";
  return prepare(options);
}

inline Json asked(const char* kind, int worlds, int block = 1) { return Json::object({{"kind", kind}, {"worlds", worlds}, {"block", block}}); }

inline NullWorlds nulls(const Setup& setup, const std::filesystem::path& checkpoints = {}) {
  const RunOptions options;
  std::vector<std::vector<double>> excess;
  for (const StrategyResult& result : walk_forward(setup, options, {})) excess.push_back(judged_excess(setup, result));
  return run_null_worlds(setup, options, excess, checkpoints);
}

}  // namespace walras::scenarios
