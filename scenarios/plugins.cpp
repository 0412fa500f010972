#include "scenarios/plugins.hpp"

#include "engine/base/files.hpp"
#include "strategies/plugin.hpp"

#include <boost/dll/runtime_symbol_info.hpp>
#include <boost/dll/shared_library.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace walras::scenarios {
namespace {

constexpr std::array<std::string_view, 11> kLearningKinds{"bilstm", "deeplob", "hybrid", "lstm", "mlp", "ppo", "price_cnn",
                                                          "profile_cnn", "tlob", "transformer", "translob"};
constexpr std::string_view kLearningFile = "libwalras_learning.so";

/// The parts in which two ABI texts differ, as "gcc 12" and "gcc 13".
std::pair<std::string, std::string> first_difference(std::string_view ours, std::string_view theirs) {
  while (!ours.empty() && !theirs.empty()) {
    const std::string_view a = ours.substr(0, ours.find(", "));
    const std::string_view b = theirs.substr(0, theirs.find(", "));
    if (a != b) return {std::string(a), std::string(b)};
    ours.remove_prefix(std::min(ours.size(), a.size() + 2));
    theirs.remove_prefix(std::min(theirs.size(), b.size() + 2));
  }
  return {ours.empty() ? "nothing more" : std::string(ours), theirs.empty() ? "nothing more" : std::string(theirs)};
}

}  // namespace

void load_plugin(const std::filesystem::path& file, const std::string& where, strategies::Registries& registries,
                 Modules& modules) {
  namespace dll = boost::dll;
  if (!std::filesystem::is_regular_file(file)) {
    fail(Fault::Scenario, where,
         fmt::format("expected a plug-in module, was no file: {}; build it first (docs/extending.md shows how)", file.string()));
  }
  const auto already = [&](const Modules::Module& module) {
    std::error_code ignored;
    return std::filesystem::equivalent(module.file, file, ignored);
  };
  if (std::ranges::any_of(modules.loaded, already)) return;

  auto library = std::make_shared<dll::shared_library>();
  boost::dll::fs::error_code problem;
  library->load(boost::dll::fs::path(file.string()), problem, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
  if (problem) {
    fail(Fault::Scenario, where,
         fmt::format("expected a plug-in module, was {} ({}); rebuild it against this walras: docs/extending.md",
                     file.string(), problem.message()));
  }
  if (!library->has("walras_abi") || !library->has("walras_register")) {
    fail(Fault::Scenario, where,
         fmt::format("expected a plug-in module that exports walras_abi and walras_register, was {}; "
                     "WALRAS_PLUGIN(registries) in one of its files defines both", file.string()));
  }
  const std::string theirs = library->get<const char*()>("walras_abi")();
  if (const std::string ours = strategies::abi(); theirs != ours) {
    const auto [expected, found] = first_difference(ours, theirs);
    fail(Fault::Scenario, where,
         fmt::format("expected a plug-in built for '{}', was built for '{}': {}; rebuild it with the compiler and the "
                     "headers of this walras", expected, found, file.string()));
  }
  library->get<void(strategies::Registries&)>("walras_register")(registries);
  modules.loaded.push_back({file, sha256_file(file), library});
}

std::filesystem::path learning_module() {
  std::error_code ignored;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", ignored).parent_path();
  for (const std::filesystem::path& folder :
       {program / ".." / "agents", program / ".." / ".." / "agents", std::filesystem::path(WALRAS_LIBDIR) / "walras",
        program / ".." / "lib" / "walras"}) {
    const std::filesystem::path file = folder / kLearningFile;
    if (std::filesystem::is_regular_file(file, ignored)) return std::filesystem::weakly_canonical(file, ignored);
  }
  return {};
}

void load_learning(strategies::Registries& registries, Modules& modules) {
  const std::filesystem::path file = learning_module();
  if (file.empty()) {
    fail(Fault::Unavailable, "learning",
         "networks and agents need the learning plug-in, which is not built here; in a checkout run ./walras, which "
         "fetches LibTorch and builds it, or configure with -Dtorch=enabled");
  }
  load_plugin(file, "learning", registries, modules);
}

std::span<const std::string_view> learning_kinds() { return kLearningKinds; }

bool is_learning_kind(std::string_view kind) {
  return std::ranges::find(kLearningKinds, kind) != kLearningKinds.end();
}

bool names_learning_kind(const Json& json) {
  if (json.is_array()) return std::ranges::any_of(json.as_array(), names_learning_kind);
  if (!json.is_object()) return false;
  return std::ranges::any_of(json.as_object(), [](const Json::Member& member) {
    const auto& [key, value] = member;
    if ((key == "kind" || key == "predictor" || key == "agent") && value.is_string() && is_learning_kind(value.as_string())) return true;
    return names_learning_kind(value);
  });
}

}  // namespace walras::scenarios
