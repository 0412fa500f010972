// What this walras is made of and what it finds around it: the first thing to send with a question.
#include "engine/base/parallel.hpp"
#include "engine/data/library.hpp"
#include "reports/report.hpp"
#include "scenarios/cli/catalog.hpp"
#include "scenarios/cli/console.hpp"
#include "scenarios/locations.hpp"
#include "scenarios/plugins.hpp"
#include "scenarios/version.hpp"

#include <fmt/format.h>

#include <array>
#include <iostream>
#include <optional>

namespace walras::scenarios {
namespace {

struct Finding {
  std::string name, found;
  bool good = true;
  std::string remedy = {};   ///< where not good
};

std::optional<std::filesystem::path> on_path(std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (const char* folder : {"/usr/local/bin", "/usr/bin", "/bin", "/snap/bin"}) {
      const std::filesystem::path file = std::filesystem::path(folder) / name;
      std::error_code ignored;
      if (std::filesystem::exists(file, ignored)) return file;
    }
  }
  return std::nullopt;
}

std::vector<Finding> examine() {
  std::vector<Finding> findings;
  findings.push_back({"walras", version() + ", " + build_id()});
  findings.push_back({"threads", std::to_string(threads())});
  const auto chromium = on_path({"chromium", "chromium-browser", "google-chrome"});
  findings.push_back({"PDF reports", chromium ? chromium->string() : "no Chromium", chromium.has_value(), "apt-get install chromium chromium-sandbox"});
  const std::filesystem::path echarts = echarts_file();
  findings.push_back({"charts", echarts.empty() ? "no ECharts" : echarts.string(), !echarts.empty(),
                      "in a checkout, ./walras fetches it; else put echarts.min.js (6.x) into " + std::string(WALRAS_DATADIR)});
  const std::filesystem::path learning = learning_module();
  findings.push_back({"networks and agents", learning.empty() ? "not built" : learning.string(), !learning.empty(),
                      "in a checkout, ./walras builds them when a scenario names one; else configure with -Dtorch=enabled"});
  const engine::Library library(engine::Library::default_folder());
  const std::size_t sets = library.names().size();
  findings.push_back({"data library", fmt::format("{}, {} set{}", library.folder().string(), sets, sets == 1 ? "" : "s"), true, ""});
  if (!learning.empty()) {
    try {
      Modules modules;
      strategies::Registries registries = strategies::registries();
      load_learning(registries, modules);
      findings.push_back({"learning plug-in", "loads"});
    } catch (const Error& error) {
      findings.push_back({"learning plug-in", error.what(), false, "build it again: ./walras in a checkout"});
    }
  }
  return findings;
}

int doctor(const Arguments& arguments) {
  const std::vector<Finding> findings = examine();
  if (arguments.has("--json")) {
    Json list = Json::array();
    for (const Finding& finding : findings) {
      Json entry = Json::object({{"name", finding.name}, {"found", finding.found}, {"good", finding.good}});
      if (!finding.good) entry["remedy"] = finding.remedy;
      list.push_back(entry);
    }
    print_json("doctor", Json::object({{"findings", list}}));
    return 0;
  }
  for (const Finding& finding : findings) {
    std::cout << fmt::format("{}  {:<20} {}\n", finding.good ? "ok" : "--", finding.name, finding.found);
    if (!finding.good) std::cout << fmt::format("    {:<20} {}\n", "", finding.remedy);
  }
  return 0;
}

}  // namespace

Command doctor_command() {
  return {"doctor", "what this walras is made of, and what it finds on this machine", {}, {{"--json", "", "the same as JSON"}}, {"walras doctor"}, doctor};
}

}  // namespace walras::scenarios
