#pragma once
// Simulated returns for size and power: four processes that the tests declare themselves for or against, and families of
// strategies that hang together. Mean 0; scaled to a standard deviation of 1 % a day.
#include "engine/base/random.hpp"

#include <array>
#include <cmath>
#include <string_view>
#include <vector>

namespace walras::stats {

enum class Process { Normal, Autoregressive, Garch, Student };
inline constexpr std::array kProcesses{Process::Normal, Process::Autoregressive, Process::Garch, Process::Student};

inline std::string_view name_of(Process process) {
  switch (process) {
    case Process::Normal: return "independent normal";
    case Process::Autoregressive: return "AR(1), rho 0.2";
    case Process::Garch: return "GARCH(1,1)";
    case Process::Student: return "Student t, 4 degrees";
  }
  return "";
}

/// Short, for names on the command line.
inline std::string_view key_of(Process process) {
  switch (process) {
    case Process::Normal: return "normal";
    case Process::Autoregressive: return "ar";
    case Process::Garch: return "garch";
    case Process::Student: return "student";
  }
  return "";
}

inline constexpr double kDailyDeviation = 0.01;
inline constexpr std::size_t kBurnIn = 250;

/// GARCH(1,1) with alpha 0.07 and beta 0.91: normal shocks, or Student's t with `degrees` scaled to variance 1.
inline std::vector<double> garch(std::size_t n, double degrees, Rng random) {
  const double scale = degrees > 0 ? std::sqrt((degrees - 2) / degrees) : 1;
  std::vector<double> values;
  values.reserve(n);
  double variance = 1;
  for (std::size_t t = 0; t < n + kBurnIn; ++t) {
    const double shock = degrees > 0 ? scale * random.student_t(degrees) : random.normal();
    const double value = std::sqrt(variance) * shock;
    variance = 0.02 + 0.07 * value * value + 0.91 * variance;
    if (t >= kBurnIn) values.push_back(kDailyDeviation * value);
  }
  return values;
}

/// One series of a process.
inline std::vector<double> draw(Process process, std::size_t n, std::uint64_t world, std::uint64_t index = 0) {
  Rng random = Rng(world, "simulated world").child("series", index);
  if (process == Process::Garch) return garch(n, 0, random);
  std::vector<double> values;
  values.reserve(n);
  double last = 0;
  for (std::size_t t = 0; t < n + kBurnIn; ++t) {
    double value = 0;
    if (process == Process::Student) value = random.student_t(4) / std::sqrt(2.0);
    if (process == Process::Normal) value = random.normal();
    if (process == Process::Autoregressive) value = 0.2 * last + std::sqrt(1 - 0.04) * random.normal();
    last = value;
    if (t >= kBurnIn) values.push_back(kDailyDeviation * value);
  }
  return values;
}

/// `count` strategies of GARCH-t returns (6 degrees), each pair correlated by `rho`; the first earns `annual_sharpe`.
inline std::vector<std::vector<double>> family(std::size_t count, std::size_t n, double rho, double annual_sharpe, std::uint64_t world) {
  const Rng random(world, "simulated family");
  const std::vector<double> common = garch(n, 6, random.child("common"));
  std::vector<std::vector<double>> series;
  for (std::size_t k = 0; k < count; ++k) {
    series.push_back(garch(n, 6, random.child("own", k)));
    const double edge = k == 0 ? annual_sharpe / std::sqrt(252.0) * kDailyDeviation : 0;
    for (std::size_t t = 0; t < n; ++t) {
      series[k][t] = std::sqrt(rho) * common[t] + std::sqrt(1 - rho) * series[k][t] + edge;
    }
  }
  return series;
}

}  // namespace walras::stats
