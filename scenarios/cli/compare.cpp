#include "scenarios/cli/compare.hpp"

#include "engine/base/error.hpp"
#include "scenarios/cli/console.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace walras::scenarios {
namespace {

/// "spa" and the like are what people call the tests.
std::string full_name(const std::string& name) {
  if (name == "spa") return "superior_ability";
  if (name == "mcs") return "model_confidence_set";
  if (name == "jkm") return "jobson_korkie_memmel";
  return name;
}

std::vector<std::string> names_in(const std::string& list) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(',', begin), list.size());
    names.push_back(full_name(list.substr(begin, end - begin)));
    begin = end + 1;
  }
  std::vector<std::string> known{"all", "spa", "mcs", "jkm"};
  for (const stats::ComparisonTest& test : stats::comparison_tests()) known.emplace_back(test.name);
  for (const std::string& name : names) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::string near = nearest(name, known);
    fail(Fault::Usage, "--compare", fmt::format("expected all or tests of {}, was '{}'{}", fmt::join(known, ", "), name,
                                                near.empty() ? "" : fmt::format("; did you mean {}?", near)));
  }
  if (std::ranges::find(names, "all") != names.end()) names.clear();
  return names;
}

/// The number that a test is read by: its p-value, and of the Bayesian comparison its probability.
std::string shown(const stats::Evidence& evidence) {
  if (evidence.p_value) return fmt::format("{:.4f}", *evidence.p_value);
  if (evidence.statistic) return fmt::format("{:.4f}", *evidence.statistic);
  return "-";
}

}  // namespace

std::vector<Flag> comparison_flags() {
  return {{"--compare", "TESTS", "compare the columns: all, or tests as spa,mcs,stepm,ledoit_wolf (docs/statistics.md)"},
          {"--ahead", "N", "periods that a forecast looks ahead, for the forecast tests (default: 1)"},
          {"--block", "N", "mean block length of the comparisons' bootstraps (default: automatic)"},
          {"--device", "cpu|cuda", "where the comparisons' bootstraps are summed; the figures are the same (default: cpu)"}};
}

std::optional<stats::Comparisons> comparisons(const Arguments& arguments, std::span<const stats::ReturnSeries> records,
                                              const stats::ReturnSeries* benchmark, std::size_t resamples, std::uint64_t seed) {
  if (!arguments.has("--compare")) {
    for (const char* flag : {"--ahead", "--block", "--device"}) {
      if (arguments.has(flag)) fail(Fault::Usage, flag, "expected --compare beside it, was absent");
    }
    return std::nullopt;
  }
  stats::CompareOptions options;
  options.tests = names_in(arguments.text("--compare"));
  options.horizon = static_cast<std::size_t>(arguments.integer("--ahead", 1, 1'000'000).value_or(1));
  options.replicates = resamples;
  options.mean_block = arguments.number("--block", 1, 1e9).value_or(0);
  options.seed = seed;
  const std::string device = arguments.text("--device", "cpu");
  if (device != "cpu" && device != "cuda") fail(Fault::Usage, "--device", fmt::format("expected cpu or cuda, was '{}'", device));
  options.device = device == "cuda" ? stats::Device::Cuda : stats::Device::Cpu;
  std::vector<stats::NamedReturns> columns;
  for (const stats::ReturnSeries& record : records) columns.push_back({record.name, record.returns});
  std::optional<stats::NamedReturns> against;
  if (benchmark != nullptr) against = stats::NamedReturns{benchmark->name, benchmark->returns};
  return stats::compare(columns, against ? &*against : nullptr, options);
}

Json to_json(const stats::Comparisons& comparisons) {
  const auto members = [](const std::vector<stats::Evidence>& list) {
    Json out = Json::object();
    for (const stats::Evidence& evidence : list) out[evidence.name] = stats::to_json(evidence);
    return out;
  };
  Json records = Json::array();
  for (const stats::Comparisons::Record& record : comparisons.records) {
    records.push_back(Json::object({{"name", record.name}, {"tests", members(record.tests)}}));
  }
  return Json::object({{"mean_block", comparisons.mean_block}, {"family", members(comparisons.family)}, {"records", records}});
}

std::string text(const stats::Comparisons& comparisons) {
  std::string out;
  if (!comparisons.family.empty()) {
    TextTable table({"the best of all", "statistic", "p-value"});
    for (const stats::Evidence& evidence : comparisons.family) table.add({evidence.name, figure(evidence.statistic), shown(evidence)});
    out += table.str() + "\n";
  }
  std::vector<std::string> head{"p-values"};
  std::vector<std::string> tests;
  for (const stats::Comparisons::Record& record : comparisons.records) {
    head.push_back(record.name);
    for (const stats::Evidence& evidence : record.tests) {
      if (std::ranges::find(tests, evidence.name) == tests.end()) tests.push_back(evidence.name);
    }
  }
  if (tests.empty()) return out;
  TextTable table(head);
  for (const std::string& test : tests) {
    std::vector<std::string> cells{test == "bayesian_sharpe" ? "bayesian_sharpe (probability)" : test};
    for (const stats::Comparisons::Record& record : comparisons.records) {
      const auto found = std::ranges::find(record.tests, test, &stats::Evidence::name);
      cells.push_back(found == record.tests.end() ? "" : shown(*found));
    }
    table.add(cells);
  }
  return out + table.str();
}

}  // namespace walras::scenarios
